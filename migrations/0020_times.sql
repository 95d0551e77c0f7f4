-- Holds the times that came with 0012 to 0019 to the rule of `0006_readable.sql`: outside of 1970 to 9999 (`infinity` above all)
-- no program can read them, and one such value, typed by hand, keeps a list from being shown or a sender from sending.
-- Why again: a constraint names its columns, and these tables have got more of them since, or are new.
-- What is there already was written by a program, and those write none such; a value typed by hand meanwhile is moved to now, but
-- for a time after which nobody is answered any more, which is over.
-- Locks: senders, blasts, suppressions, replies and those smaller ones exclusively while each is read once: some tenths of a
-- second for 100,000 rows.

set local statement_timeout = 0;

do $$
declare
    part   record;
    wanted text;
begin
    for part in
        select c.table_name as name,
               string_agg(format('%I', c.column_name), ', ') as columns,
               string_agg(format('%1$I = case when %1$I < ''1970-01-01 00:00:00+00'' or %1$I >= ''10000-01-01 00:00:00+00''
                                              then now() else %1$I end', c.column_name), ', ') as mended
          from information_schema.columns c
         where c.table_schema = current_schema() and c.data_type = 'timestamp with time zone' and c.is_generated = 'NEVER'
           and c.table_name in ('senders', 'sender_leases', 'blasts', 'suppressions', 'replies', 'reply_media', 'business_limits',
                                'nameless_wishes')
         group by c.table_name
    loop
        wanted := part.name || '_times_check';
        execute format('alter table %1$I drop constraint if exists %2$I', part.name, wanted);
        execute format('update %1$I set %3$s
                         where not (least(%2$s) >= ''1970-01-01 00:00:00+00'' and greatest(%2$s) < ''10000-01-01 00:00:00+00'')',
                       part.name, part.columns, part.mended);
        execute format('alter table %1$I add constraint %3$I
                            check (least(%2$s) >= ''1970-01-01 00:00:00+00'' and greatest(%2$s) < ''10000-01-01 00:00:00+00'')',
                       part.name, part.columns, wanted);
    end loop;
end $$;
