-- Programs that start at the same moment of a new day make its partitions one after the other: each looks once it has the table's lock,
-- which also has it see what another one has just made. All but one of them ended with an error before.
-- Locks: none beyond those of a new partition.

create or replace function ensure_history_partitions() returns integer language plpgsql as $$
declare
    month date;
    part  text;
    made  integer := 0;
begin
    lock table status_history in share update exclusive mode;
    for month in
        select generate_series(date_trunc('month', now() at time zone 'UTC') - interval '1 month',
                               date_trunc('month', now() at time zone 'UTC') + interval '3 months', interval '1 month')::date
    loop
        part := 'status_history_' || to_char(month, 'YYYY_MM');
        if to_regclass(part) is null then
            execute format('create table %I (like status_history including defaults including constraints)', part);
            execute format('alter table status_history attach partition %I for values from (%L) to (%L)', part,
                           month::timestamp at time zone 'UTC', (month + interval '1 month')::timestamp at time zone 'UTC');
            made := made + 1;
        end if;
    end loop;
    return made;
end $$;

create or replace function ensure_inbox_partitions() returns integer language plpgsql as $$
declare
    today date := (now() at time zone 'UTC')::date;
    day   date;
    part  text;
    made  integer := 0;
begin
    lock table webhook_inbox in share update exclusive mode;
    for n in -1..7 loop
        day := today + n;
        part := 'webhook_inbox_' || to_char(day, 'YYYY_MM_DD');
        if to_regclass(part) is null then
            execute format('create table %I (like webhook_inbox including defaults including constraints)', part);
            execute format('alter table webhook_inbox attach partition %I for values from (%L) to (%L)', part, day, day + 1);
            made := made + 1;
        end if;
    end loop;
    return made;
end $$;
