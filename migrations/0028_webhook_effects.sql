-- What Meta asks for by webhook, for the engine that sends: to slow a sender down, and to hold a blast for a while. And which
-- webhooks may hold an opt-out: those are looked at first.
-- Why: an error by webhook is applied by whichever engine reads it, and what the sender's own engine does about the same code in
-- an answer it kept to itself. A stop behind thousands of statuses waited for all of them.
-- The new times keep the rule of `0006_readable.sql`, whose constraint names its columns and is made again.
-- Locks: the inbox for an instant and while an index of nothing is built; senders and blasts exclusively while each is read once: some tenths of a second for 100,000 blasts.

set local statement_timeout = 0;

alter table senders
    add column slow_down_at    timestamptz,        -- when Meta last asked for it, by its clock
    add column slow_down_until timestamptz;        -- how long it is to send nothing

alter table blasts
    add column provider_hold_until timestamptz,    -- nobody is claimed before; over with the next change of its state
    add column provider_hold_why   text;

alter table webhook_inbox add column may_opt_out boolean not null default false;
create index webhook_inbox_opt_outs on webhook_inbox (id) where state = 'new' and may_opt_out;

do $$
declare
    part   record;
    wanted text;
begin
    for part in
        select c.table_name as name, string_agg(format('%I', c.column_name), ', ') as columns
          from information_schema.columns c
         where c.table_schema = current_schema() and c.data_type = 'timestamp with time zone' and c.is_generated = 'NEVER'
           and c.table_name in ('senders', 'blasts')
         group by c.table_name
    loop
        wanted := part.name || '_times_check';
        execute format('alter table %1$I drop constraint if exists %2$I', part.name, wanted);
        execute format('alter table %1$I add constraint %3$I
                            check (least(%2$s) >= ''1970-01-01 00:00:00+00'' and greatest(%2$s) < ''10000-01-01 00:00:00+00'')',
                       part.name, part.columns, wanted);
    end loop;
end $$;
