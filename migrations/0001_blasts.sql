-- The main job: blasts, the people in them, what was tried, what came back, and the counts.
-- Why: first version. Locks: none that matter, everything here is new.

create type recipient_status as enum (
    'queued', 'sending', 'uncertain', 'sent', 'delivered', 'read', 'replied', 'closed', 'failed', 'opted_out', 'skipped'
);
create type blast_state as enum ('draft', 'scheduled', 'sending', 'paused', 'completed', 'cancelled', 'failed');

-- A number or device that sends. Its settings live in the configuration; here is what must outlive a process.
create table senders (
    id             bigint generated always as identity primary key,
    name           text not null constraint senders_name_key unique,
    provider       text not null,
    business       text not null,                       -- opt-outs are shared within it
    rehearsal      boolean not null default false,      -- its address is a loopback one: a simulator
    stopped_at     timestamptz,                         -- set by an error that needs a person; cleared by one
    stopped_code   text,
    stopped_reason text,
    created_at     timestamptz not null default now()
);

-- Which engine may send for a sender. By the database's clock; the epoch only ever grows.
create table sender_leases (
    sender_id  bigint primary key constraint sender_leases_sender_fkey references senders on delete cascade,
    holder     text,
    host       text,
    epoch      bigint not null default 0,
    renewals   bigint not null default 0,
    expires_at timestamptz,
    waiting    jsonb                                    -- why the sender is not sending right now, and until when
) with (fillfactor = 50);

create table blasts (
    id               bigint generated always as identity primary key,
    blast_tag        text not null,
    blast_date       timestamptz not null default now(),    -- launched, or made while still a draft
    follow_up_stage  text not null default 'Initial',
    total_recipients integer not null default 0,
    sender_id        bigint not null constraint blasts_sender_fkey references senders,
    state            blast_state not null default 'draft',
    version          bigint not null default 0,             -- every command is compare-and-set on it
    message          text not null,                         -- frozen from launch on
    rate             text,                                  -- narrower than the sender's, or null
    gap              text,
    send_window      text,
    weekdays         text,
    timezone         text,
    send_after       timestamptz,                           -- armed: nothing is claimed before this
    state_reason     text,                                  -- why it is paused, failed or cancelled, in words
    state_by         text,                                  -- who did that: an operator, or 'engine'
    launched_at      timestamptz,
    completed_at     timestamptz,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now()
);
create index blasts_newest on blasts (blast_date desc, id desc);
create index blasts_live on blasts (sender_id) where state in ('scheduled', 'sending');

create table blast_recipients (
    id                    bigint generated always as identity primary key,
    blast_id              bigint not null constraint blast_recipients_blast_fkey references blasts on delete cascade,
    phone_number          text not null,
    name                  text,
    variables             jsonb,
    status                recipient_status not null default 'queued',  -- what everybody reads
    standing              recipient_status not null default 'queued',  -- the same without replies and operator marks
    attempt               integer not null default 0,                  -- the newest attempt; 0: none yet
    tries                 integer not null default 0,                  -- attempts refused in a way that may be tried again
    epoch                 bigint,                                      -- the lease under which it was claimed
    claimed_at            timestamptz,
    next_attempt_at       timestamptz not null default now(),
    message_id            text,                                        -- the newest accepted one
    message_text          text,                                        -- as sent
    message_timestamp     timestamptz,                                 -- the provider's time of acceptance
    message_c2s_timestamp timestamptz,                                 -- client to server; never a delivery time
    sent_at               timestamptz,
    delivered_at          timestamptz,
    read_timestamp        timestamptz,
    reply_seen_at         timestamptz,                                 -- by the provider's word
    replied_marked_at     timestamptz,                                 -- by an operator's
    replied_at            timestamptz generated always as (least(reply_seen_at, replied_marked_at)) stored,
    closed_at             timestamptz,
    failed_at             timestamptz,
    failed_attempt        integer,                                     -- set when the provider failed it after accepting
    opted_out_at          timestamptz,
    amount                numeric(12, 2) constraint blast_recipients_amount_check check (amount >= 0),
    note                  text,
    provider_status       text,
    error_code            text,
    error_message         text,
    reason                text,                                        -- why uncertain or skipped
    changed_at            timestamptz not null default now(),          -- the newest status change
    -- Nobody twice in one blast. The number comes first, so that it also finds a person in every blast.
    constraint blast_recipients_blast_phone_key unique (phone_number, blast_id)
);
-- The to-do list. Claims order by exactly this, which no other index can serve.
create index blast_recipients_todo on blast_recipients (blast_id, next_attempt_at, id) where status = 'queued';
create index blast_recipients_page on blast_recipients (blast_id, status, id);
create index blast_recipients_poll on blast_recipients (blast_id, sent_at, id) where status in ('sent', 'delivered');
-- No stage change can be HOT (the partial indexes name the status), so dead rows come with every send:
-- vacuum by a small share of the table, and often enough that index pages are reused within one blast.
alter table blast_recipients set (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.2,
    autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 1
);

-- One row before each POST. Numbers are never reused; pacing is seeded from here after a restart.
-- Neither this table nor the next has foreign keys: they would be checked row by row on the hot path. Both are written
-- only with their person's row in hand, and a trigger removes theirs with it.
create table attempts (
    recipient_id bigint not null,
    attempt      integer not null,
    sender_id    bigint not null,
    epoch        bigint not null,
    claimed_at   timestamptz not null default now(),
    primary key (recipient_id, attempt)
);
create index attempts_recent on attempts (sender_id, claimed_at);

-- What came of each attempt, with the provider's exact answer.
create table provider_message (
    id           bigint generated always as identity,    -- the order of arrival; nothing looks it up
    recipient_id bigint not null,
    attempt      integer not null,
    sender_id    bigint not null,
    outcome      text not null constraint provider_message_outcome_check
                 check (outcome in ('accepted', 'rejected', 'unknown', 'released')),
    message_id   text,
    http_status  smallint,
    error_code   text,
    received_at  timestamptz not null default now(),
    body         bytea not null default ''::bytea,
    flagged      text,                                   -- why a row was stored short of what was said
    constraint provider_message_sender_message_key unique (sender_id, message_id)
);
create index provider_message_recipient on provider_message (recipient_id, attempt);

-- Every change of status, append-only. No foreign keys: history outlives what it tells of, and months are dropped whole.
create table status_history (
    id           bigint generated always as identity,
    blast_id     bigint not null,
    recipient_id bigint not null,
    attempt      integer not null,
    old_status   recipient_status not null,
    new_status   recipient_status not null,
    changed_at   timestamptz not null default now(),
    happened_at  timestamptz,                            -- by the provider's or the operator's clock
    source       text not null,                          -- send, poll, webhook, operator, engine
    by_whom      text,
    metadata     jsonb
) partition by range (changed_at);
create index status_history_recipient on status_history (recipient_id, id);
create index status_history_when on status_history using brin (changed_at);

-- Attaches months -1 to +3 where they are missing. Made apart first, so that attaching locks only for an instant.
create function ensure_history_partitions() returns integer language plpgsql as $$
declare
    month date;
    part  text;
    made  integer := 0;
begin
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
select ensure_history_partitions();

-- People who asked not to be messaged. Business '*' holds for all.
create table suppressions (
    id           bigint generated always as identity primary key,
    business     text not null,
    phone_number text not null,
    reason       text,
    source       text not null,
    created_by   text,
    created_at   timestamptz not null default now(),
    constraint suppressions_business_phone_key unique (business, phone_number)
);
create index suppressions_phone on suppressions (phone_number);

-- Who did what, from where; undone acts stay, and say so.
create table operator_actions (
    id           bigint generated always as identity primary key,
    at           timestamptz not null default now(),
    operator     text not null,
    action       text not null,
    blast_id     bigint,
    recipient_id bigint,
    phone_number text,
    detail       jsonb not null default '{}',
    undone_at    timestamptz,
    undone_by    text
);
create index operator_actions_recipient on operator_actions (recipient_id, id) where recipient_id is not null;
create index operator_actions_operator on operator_actions (operator, id);
create index operator_actions_blast on operator_actions (blast_id, id);

-- When an operator last looked, for "what happened while you were away".
create table operator_seen (
    operator text primary key,
    seen_at  timestamptz not null default now()
);

-- Equal failures in a row; a restart must not forget them.
create table blast_streaks (
    blast_id bigint primary key constraint blast_streaks_blast_fkey references blasts on delete cascade,
    code     text not null,
    length   integer not null
);

-- Counters: the triggers append signed rows, in the transaction of the change and whoever makes it; a folder moves them
-- into blast_counts in transactions of its own; readers sum both in one statement. One row per blast updated in place
-- would queue every writer behind it.
create table blast_counts (
    blast_id bigint not null constraint blast_counts_blast_fkey references blasts on delete cascade,
    status   recipient_status not null,
    people   bigint not null,
    amount   numeric(16, 2) not null default 0,
    primary key (blast_id, status)
);
create table blast_count_deltas (
    id       bigint generated always as identity primary key,
    blast_id bigint not null,
    status   recipient_status not null,
    people   bigint not null,
    amount   numeric(16, 2) not null default 0
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
create index blast_count_deltas_blast on blast_count_deltas (blast_id);

create function count_inserted() returns trigger language plpgsql as $$
begin
    insert into blast_count_deltas (blast_id, status, people, amount)
    select blast_id, status, count(*), coalesce(sum(amount), 0) from added group by 1, 2;
    return null;
end $$;

create function count_deleted() returns trigger language plpgsql as $$
begin
    insert into blast_count_deltas (blast_id, status, people, amount)
    select blast_id, status, -count(*), -coalesce(sum(amount), 0) from removed group by 1, 2;
    delete from attempts where recipient_id in (select id from removed where attempt > 0);
    delete from provider_message where recipient_id in (select id from removed where attempt > 0);
    return null;
end $$;

create function count_updated() returns trigger language plpgsql as $$
begin
    insert into blast_count_deltas (blast_id, status, people, amount)
    select blast_id, status, sum(people), sum(amount)
      from (select blast_id, status, 1 as people, coalesce(amount, 0) as amount from added
            union all
            select blast_id, status, -1, -coalesce(amount, 0) from removed) as change
     group by 1, 2
    having sum(people) <> 0 or sum(amount) <> 0;
    return null;
end $$;

create function count_truncated() returns trigger language plpgsql as $$
begin
    delete from blast_count_deltas;
    delete from blast_counts;
    delete from attempts;
    delete from provider_message;
    return null;
end $$;

create trigger count_inserted after insert on blast_recipients
    referencing new table as added for each statement execute function count_inserted();
create trigger count_updated after update on blast_recipients
    referencing old table as removed new table as added for each statement execute function count_updated();
create trigger count_deleted after delete on blast_recipients
    referencing old table as removed for each statement execute function count_deleted();
create trigger count_truncated after truncate on blast_recipients
    for each statement execute function count_truncated();

-- The counts as they are: folded and not yet folded, in one snapshot.
create view blast_status_counts as
    select blast_id, status, sum(people)::bigint as people, sum(amount)::numeric(16, 2) as amount
      from (select blast_id, status, people, amount from blast_counts
            union all
            select blast_id, status, people, amount from blast_count_deltas) as both_parts
     group by blast_id, status;

-- Each attempt's answer, as JSON where it parses.
create function try_json(body bytea) returns jsonb language plpgsql immutable as $$
begin
    return convert_from(body, 'UTF8')::jsonb;
exception when others then
    return null;
end $$;
create view provider_message_json as
    select id, recipient_id, attempt, sender_id, outcome, message_id, http_status, received_at, try_json(body) as body
      from provider_message;
