-- Blasts that start by themselves: at a moment, which is kept with the local time that was asked for, so that a plan can say how
-- the clocks treat it. State `scheduled` with `send_after` is the moment as it is launched for.
-- The rule of times (`0020_times.sql`) is made anew, since a constraint names its columns.
-- Locks: blasts exclusively while it is read once: some tenths of a second for 100,000 rows.

set local statement_timeout = 0;

alter table blasts
    add column scheduled_for   timestamptz,
    add column scheduled_local timestamp constraint blasts_scheduled_local_check
               check (scheduled_local >= '1970-01-01 00:00:00' and scheduled_local < '10000-01-01 00:00:00');

do $$
declare
    times text;
begin
    select string_agg(format('%I', column_name), ', ') into times
      from information_schema.columns
     where table_schema = current_schema() and table_name = 'blasts' and data_type = 'timestamp with time zone'
       and is_generated = 'NEVER';
    alter table blasts drop constraint if exists blasts_times_check;
    execute format('alter table blasts add constraint blasts_times_check
                        check (least(%1$s) >= ''1970-01-01 00:00:00+00'' and greatest(%1$s) < ''10000-01-01 00:00:00+00'')', times);
end $$;
