-- Brings the pages in the browser: sessions of people who signed in with a token, and links to one blast's page.
-- Why: a browser keeps a secret of its own instead of the token, which ends with the token; and whoever pays for a blast looks at
-- it without a token, for a while.
-- Locks: none that matter, everything here is new.

-- Someone who signed in. Deleted when they sign out, or when it has expired.
create table api_sessions (
    id           bigint generated always as identity primary key,
    hash         bytea not null constraint api_sessions_hash_key unique,     -- sha-256 of what the cookie holds
    token_id     bigint not null constraint api_sessions_token_fkey references api_tokens on delete cascade,
    created_at   timestamptz not null default now(),
    expires_at   timestamptz not null,
    constraint api_sessions_times_check
        check (least(created_at, expires_at) >= '1970-01-01 00:00:00+00'
               and greatest(created_at, expires_at) < '10000-01-01 00:00:00+00')
);
create index api_sessions_token on api_sessions (token_id);
create index api_sessions_expires on api_sessions (expires_at);

-- A link to one blast's page, for whoever has it.
create table api_shares (
    id           bigint generated always as identity primary key,
    hash         bytea not null constraint api_shares_hash_key unique,       -- sha-256 of what the address ends with
    blast_id     bigint not null constraint api_shares_blast_fkey references blasts on delete cascade,
    created_by   text not null,
    created_at   timestamptz not null default now(),
    expires_at   timestamptz not null,
    revoked_at   timestamptz,
    revoked_by   text,
    last_used_at timestamptz,                                                -- to the minute
    constraint api_shares_times_check
        check (least(created_at, expires_at, revoked_at, last_used_at) >= '1970-01-01 00:00:00+00'
               and greatest(created_at, expires_at, revoked_at, last_used_at) < '10000-01-01 00:00:00+00')
);
create index api_shares_blast on api_shares (blast_id);
