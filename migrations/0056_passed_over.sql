-- What an operator was not shown of what happened stays unseen: the gaps below the newest moment that was on their screen.
-- Locks: activity_seen, a row an operator, exclusively for a moment.

alter table activity_seen
    add column passed_over tstzrange[] not null default '{}';

comment on column activity_seen.seen_at is 'the newest moment that this operator was shown';
comment on column activity_seen.passed_over is 'gaps before it that were not on their screen, oldest first; neither end is in them';
