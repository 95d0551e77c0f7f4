-- Follow-ups that make themselves: the steps of a blast. A step is a rule; each draft that it makes is a blast of its own, which follows
-- the step's blast and has the step's number. Whoever makes a draft notes that in the step's row, in the draft's own transaction.
-- A step that was removed keeps its row: its number is never given to another, so that nobody gets a step twice.
-- Whoever had a step is known by the people of its drafts; where such a draft is deleted, by `blast_step_people`. Both know people by the
-- row that they have in the step's blast.
-- Locks: blasts exclusively for an instant, to add a column without a default.

alter table blasts
    add column step_number integer;   -- of a draft that a step made: of the blast that it follows

comment on column blasts.step_number is 'The step of the blast that it follows, which made it';

create table blast_steps (
    blast         bigint           not null constraint blast_steps_blast_fkey references blasts on delete cascade,
    number        integer          not null,
    after_seconds bigint           not null,
    since         recipient_status not null,   -- the stage whose time it counts from
    until         recipient_status not null,   -- whoever reached this stage gets nothing
    stage         text             not null,   -- the follow-up stage of its drafts
    message       text             not null,
    template      jsonb,
    first_people  integer,                     -- each draft waits after so many
    at_most       integer,                     -- a draft to so many is sent by itself; null: each waits for a yes
    created_at    timestamptz      not null default now(),
    paused_at     timestamptz,
    removed_at    timestamptz,
    last_made_at  timestamptz,                 -- when it made its newest draft
    next_look_at  timestamptz,                 -- when it is looked again who is due; null: at once
    constraint blast_steps_pkey primary key (blast, number),
    constraint blast_steps_check check (
        number > 0 and after_seconds > 0 and first_people > 0 and at_most > 0
        and since in ('sent', 'delivered', 'read', 'replied') and until in ('delivered', 'read', 'replied', 'closed')
        and since < until),
    constraint blast_steps_times_check check (
        least(created_at, paused_at, removed_at, last_made_at, next_look_at) >= '1970-01-01 00:00:00+00'
        and greatest(created_at, paused_at, removed_at, last_made_at, next_look_at) < '10000-01-01 00:00:00+00')
);

create table blast_step_people (
    blast     bigint  not null,
    number    integer not null,
    recipient bigint  not null,   -- their row in the step's blast
    constraint blast_step_people_pkey primary key (blast, number, recipient),
    constraint blast_step_people_step_fkey foreign key (blast, number) references blast_steps on delete cascade
);
