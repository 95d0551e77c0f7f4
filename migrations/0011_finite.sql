-- Mends what is older than the constraints of `0006_readable.sql` and that no program can read: times outside of 1970 to 9999
-- (`infinity` above all) and amounts that are not numbers. Then has Postgres check every row, so that the constraints hold for
-- all and not only for what is written since.
-- Why: one `NaN` of somebody who was sent to long ago kept the outcomes of a sender's other blasts from being recorded; a
-- blast made at `infinity` kept every list from being shown; whoever was due at `-infinity` was never sent to.
-- What a time says stays so: a sale is still a sale, an opt-out an opt-out, and its moment is now. A moment before which
-- nothing may be sent stays in the future: nobody is sent to because of this. An amount that is not a number is removed.
-- Locks: reads every table of the list twice, a second or two for each million people, while others read and write; then locks
-- each for an instant.

set local statement_timeout = 0;

do $$
declare
    part   record;
    wanted text;
    amount text[];
begin
    for part in
        select c.table_name as name,
               string_agg(format('%I', c.column_name), ', ') as columns,
               string_agg(format(case
                   -- Nothing is sent before these.
                   when c.column_name in ('next_attempt_at', 'send_after')
                   then '%1$I = case when %1$I >= ''10000-01-01 00:00:00+00'' then ''9999-12-31 00:00:00+00''
                                     when %1$I < ''1970-01-01 00:00:00+00'' then now() else %1$I end'
                   -- No pause that a provider asks for is longer than an hour.
                   when c.column_name = 'held_until'
                   then '%1$I = case when %1$I >= ''10000-01-01 00:00:00+00'' then now() + interval ''1 hour''
                                     when %1$I < ''1970-01-01 00:00:00+00'' then now() else %1$I end'
                   -- These only tell of something else that is there.
                   when c.column_name in ('hold_lifted_at', 'happened_at', 'message_timestamp', 'message_c2s_timestamp')
                   then '%1$I = case when %1$I >= ''1970-01-01 00:00:00+00'' and %1$I < ''10000-01-01 00:00:00+00''
                                     then %1$I end'
                   else '%1$I = case when %1$I >= ''10000-01-01 00:00:00+00'' or %1$I < ''1970-01-01 00:00:00+00''
                                     then now() else %1$I end'
               end, c.column_name), ', ') as mended
          from information_schema.columns c
         where c.table_schema = current_schema() and c.data_type = 'timestamp with time zone' and c.is_generated = 'NEVER'
           and c.table_name in ('senders', 'sender_leases', 'sender_devices', 'blasts', 'blast_recipients', 'attempts',
                                'deleted_attempts', 'provider_message', 'status_history', 'suppressions',
                                'operator_actions', 'operator_seen')
         group by c.table_name
    loop
        wanted := part.name || '_times_check';
        -- One update for a person's times and amount: each half alone would be refused for the other.
        amount := case when part.name = 'blast_recipients' then array [', amount = nullif(amount, ''NaN'')', ' or amount = ''NaN''']
                       else array ['', ''] end;
        execute format('update %1$I set %3$s' || amount[1] || '
                         where not (least(%2$s) >= ''1970-01-01 00:00:00+00'' and greatest(%2$s) < ''10000-01-01 00:00:00+00'')'
                           || amount[2],
                       part.name, part.columns, part.mended);
        if not exists (select from pg_constraint where conrelid = part.name::regclass and conname = wanted) then
            execute format('alter table %1$I add constraint %3$I
                                check (least(%2$s) >= ''1970-01-01 00:00:00+00'' and greatest(%2$s) < ''10000-01-01 00:00:00+00'')
                                not valid', part.name, part.columns, wanted);
        end if;
        execute format('alter table %I validate constraint %I', part.name, wanted);
    end loop;
end $$;

do $$
begin
    if not exists (select from pg_constraint where conname = 'blast_recipients_amount_number_check'
                                               and conrelid = 'blast_recipients'::regclass) then
        alter table blast_recipients add constraint blast_recipients_amount_number_check check (amount <> 'NaN') not valid;
    end if;
    alter table blast_recipients validate constraint blast_recipients_amount_number_check;
end $$;

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
