-- Brings tokens of the HTTP API, the keys of its requests, and what others call a blast and a person.
-- Why: a token is asked of every request, so that it has to be found by its hash in one look; what it may do and what became
-- of it stands beside it. A request that is sent again with the same key must have one effect: its key is a row that is
-- written in the effect's own transaction. And programs know blasts and people by ids of their own.
-- Locks: blasts and blast_recipients exclusively for an instant, to add columns without defaults; operator_actions for one
-- look at each row, some tenths of a second for a million acts.

set local statement_timeout = 0;

-- The secret itself is nowhere: it is 32 random bytes, which nobody guesses from a plain hash.
create table api_tokens (
    id           bigint generated always as identity primary key,
    name         text not null,
    hash         bytea not null constraint api_tokens_hash_key unique,
    scope        text not null constraint api_tokens_scope_check check (scope in ('read', 'write', 'admin')),
    sender_id    bigint constraint api_tokens_sender_fkey references senders on delete cascade,   -- null: every sender
    created_by   text not null,
    created_at   timestamptz not null default now(),
    expires_at   timestamptz,                            -- null: never
    revoked_at   timestamptz,
    revoked_by   text,
    last_used_at timestamptz,                            -- to the minute
    constraint api_tokens_times_check
        check (least(created_at, expires_at, revoked_at, last_used_at) >= '1970-01-01 00:00:00+00'
               and greatest(created_at, expires_at, revoked_at, last_used_at) < '10000-01-01 00:00:00+00')
);
-- A name is free again once its token is revoked.
create unique index api_tokens_name on api_tokens (lower(name)) where revoked_at is null;

-- A request with an `Idempotency-Key`, as far as it had an effect. Kept for two days.
create table api_requests (
    token_id    bigint not null,                         -- 0: a request without a token, from this machine
    key         text not null,
    fingerprint bytea not null,                          -- sha-256 of method, address and body
    request_id  text not null,                           -- whose effect it is
    blast_id    bigint,                                  -- what it made or changed
    status      smallint,                                -- null: the process ended before the answer was stored
    answer      jsonb,
    created_at  timestamptz not null default now(),
    constraint api_requests_pkey primary key (token_id, key),
    constraint api_requests_times_check
        check (created_at >= '1970-01-01 00:00:00+00' and created_at < '10000-01-01 00:00:00+00')
);
create index api_requests_created on api_requests (created_at);

alter table blasts
    add column external_id text,                         -- what the program that made it calls it
    add column description text;
alter table blast_recipients
    add column external_id text;

-- Acts of programs: each stands in the log under its token's name.
alter table operator_actions
    drop constraint operator_actions_action_check,
    add constraint operator_actions_action_check check (action in (
        'replied', 'closed', 'opt-out', 'note', 'resolve', 'launch', 'resume', 'pause', 'cancel', 'delete', 'retry', 'undo',
        'suppress', 'unsuppress', 'move-sender', 'repair', 'answer', 'create', 'edit', 'add', 'remove', 'token')) not valid;
do $$
begin
    alter table operator_actions validate constraint operator_actions_action_check;
exception when check_violation then
    raise notice 'older acts with other words stay as they are';
end $$;
