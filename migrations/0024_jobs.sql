-- Brings jobs: long work that a program asked for over HTTP, and may look at later.
-- Why: a status check asks the provider about each message in turn, and a list of a million people takes a while; whoever asked for
-- either must find out what became of it, also when the process that did it ended half-way.
-- Locks: none that matter, the table is new.

create table api_jobs (
    id          bigint generated always as identity primary key,
    kind        text not null constraint api_jobs_kind_check check (kind in ('check_status', 'add_recipients')),
    blast_id    bigint not null constraint api_jobs_blast_fkey references blasts on delete cascade,
    sender_id   bigint not null constraint api_jobs_sender_fkey references senders on delete cascade,
    created_by  text not null,                      -- the token's name
    state       text not null default 'queued'
                constraint api_jobs_state_check check (state in ('queued', 'running', 'finished', 'failed', 'interrupted')),
    done        bigint not null default 0,          -- people
    total       bigint,                             -- null: not known beforehand
    -- How far a status check has come, so that the next engine goes on from there.
    asked_at    timestamptz,
    asked_id    bigint,
    result      jsonb,
    error       text,
    created_at  timestamptz not null default now(),
    started_at  timestamptz,
    alive_at    timestamptz not null default now(), -- written now and then by whoever works on it
    ended_at    timestamptz,
    constraint api_jobs_times_check
        check (least(asked_at, created_at, started_at, alive_at, ended_at) >= '1970-01-01 00:00:00+00'
               and greatest(asked_at, created_at, started_at, alive_at, ended_at) < '10000-01-01 00:00:00+00')
);
-- What is to be done, for a sender's engine; one check a blast at a time.
create unique index api_jobs_open_checks on api_jobs (blast_id) where kind = 'check_status' and state in ('queued', 'running');
create index api_jobs_open on api_jobs (sender_id) where state in ('queued', 'running');
create index api_jobs_blast on api_jobs (blast_id);
