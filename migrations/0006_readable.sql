-- Keeps out what no program can read: times outside every calendar (`infinity`, the year 200000, or before 1970, where no claim
-- begins) and amounts that are not numbers (`NaN`). One such value, typed by hand, kept every list from being shown and a
-- sender's other blasts from being sent.
-- What is there already is moved to the nearest time between 1970 and 9999 (`infinity` to the end of 9999); an amount that
-- is not a number is removed. The constraints are not validated, so that no upgrade fails.
-- Also: which of a blast's people were asked about since they were sent to, and when an operator ended a provider's pause.
-- Locks: reads every table of the list once, a second or two for each million people; then locks each for an instant, to add
-- a constraint.

-- When an operator last ended a pause that the provider had asked for: the engine under way ends it too.
alter table senders add column hold_lifted_at timestamptz;

do $$
declare
    part record;
begin
    for part in
        select c.table_name as name,
               string_agg(format('%I', c.column_name), ', ') as columns,
               string_agg(format('%1$I = least(greatest(%1$I, ''1970-01-01 00:00:00+00''), ''9999-12-31 00:00:00+00'')',
                                 c.column_name), ', ') as clamp
          from information_schema.columns c
         where c.table_schema = current_schema() and c.data_type = 'timestamp with time zone' and c.is_generated = 'NEVER'
           and c.table_name in ('senders', 'sender_leases', 'blasts', 'blast_recipients', 'attempts', 'deleted_attempts',
                                'provider_message', 'status_history', 'suppressions', 'operator_actions', 'operator_seen')
         group by c.table_name
    loop
        execute format('update %1$I set %3$s
                         where not (least(%2$s) >= ''1970-01-01 00:00:00+00'' and greatest(%2$s) < ''10000-01-01 00:00:00+00'')',
                       part.name, part.columns, part.clamp);
        execute format('alter table %1$I add constraint %3$I
                            check (least(%2$s) >= ''1970-01-01 00:00:00+00'' and greatest(%2$s) < ''10000-01-01 00:00:00+00'')
                            not valid', part.name, part.columns, part.name || '_times_check');
    end loop;
end $$;

update blast_recipients set amount = null where amount = 'NaN';
alter table blast_recipients
    add constraint blast_recipients_amount_number_check check (amount <> 'NaN') not valid;

-- A sum with such an amount in it is none either: counted anew.
create temporary table miscounted on commit drop as
    select blast_id from blast_counts where amount = 'NaN'
    union
    select blast_id from blast_count_deltas where amount = 'NaN';
delete from blast_count_deltas where blast_id in (select blast_id from miscounted);
delete from blast_counts where blast_id in (select blast_id from miscounted);
insert into blast_counts (blast_id, status, people, amount)
select blast_id, status, count(*), coalesce(sum(amount), 0)
  from blast_recipients where blast_id in (select blast_id from miscounted) group by 1, 2;
drop table miscounted;

-- No pause that a provider asks for is longer than an hour any more.
update senders set held_until = now() + interval '1 hour' where held_until > now() + interval '1 hour';

-- Of a blast's accepted people those are asked about whose `sent_at` lies in here; who is not was never asked about since.
-- A handful of ranges, written when they grow: a row of each person would be written once more for every question.
create table blast_polls (
    blast_id bigint primary key constraint blast_polls_blast_fkey references blasts on delete cascade,
    asked    tstzmultirange not null default '{}'
) with (fillfactor = 50);
-- What was sent before is taken as asked about, but for the last day: that is asked about again.
insert into blast_polls (blast_id, asked)
select id, tstzmultirange(tstzrange(null, now() - interval '1 day')) from blasts where launched_at is not null;
