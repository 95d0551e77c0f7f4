-- When what a blast waits for was confirmed that can still be taken back: a launch, a resume, new hours.
-- Why: seconds in which the database did not answer were no time in which anybody could take it back. An engine gives them anew, and `u`
-- knows by this which act a blast still waits for.
-- Locks: blasts exclusively while it is read once: some tenths of a second for 100,000 rows.

-- Null of what started at once, or by itself, and of what was launched before.
alter table blasts add column armed_at timestamptz
    constraint blasts_armed_at_check check (armed_at >= '1970-01-01 00:00:00+00' and armed_at < '10000-01-01 00:00:00+00');
