-- Keeps reports: the numbers of a blast as they were when somebody kept them.
-- Why: a blast's numbers go on moving for days, and what was told to whoever pays must be found again as it was told.
-- Locks: none that matter, the table is new.

create table blast_reports (
    id       bigint generated always as identity primary key,
    blast_id bigint not null constraint blast_reports_blast_fkey references blasts on delete cascade,
    saved_at timestamptz not null default now(),
    saved_by text not null,                     -- an operator
    report   json not null,                     -- as `blast report --json` prints it; `json` keeps its keys in their order
    -- The funnel, for whoever asks in SQL.
    sent     bigint not null generated always as ((report -> 'funnel' ->> 'sent')::bigint) stored,
    received bigint not null generated always as ((report -> 'funnel' ->> 'received')::bigint) stored,
    read     bigint not null generated always as ((report -> 'funnel' ->> 'read')::bigint) stored,
    replied  bigint not null generated always as ((report -> 'funnel' ->> 'replied')::bigint) stored,
    closed   bigint not null generated always as ((report -> 'funnel' ->> 'closed')::bigint) stored,
    constraint blast_reports_times_check
        check (saved_at >= '1970-01-01 00:00:00+00' and saved_at < '10000-01-01 00:00:00+00')
);
create index blast_reports_blast on blast_reports (blast_id, id desc);
