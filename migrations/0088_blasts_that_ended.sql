-- Finds the blasts that have not ended, and those that something changed of late.
-- Why: each answer to somebody is a blast of its own and is kept, and engines looked at every one that there ever was, each second, for
-- people to poll.
-- Locks: blasts against writes, while two small indexes are built: less than a second for a hundred thousand blasts.

create index blasts_open on blasts (sender_id) where state in ('scheduled', 'sending', 'paused', 'cancelled');
create index blasts_updated on blasts (updated_at);
