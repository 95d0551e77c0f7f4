-- Blasts that start by themselves: at a moment, which is kept with the local time that was asked for, so that a plan can say how
-- the clocks treat it. State `scheduled` with `send_after` is the moment as it is launched for.
-- Locks: blasts exclusively for a moment.

alter table blasts
    add column scheduled_for   timestamptz check (scheduled_for >= '1970-01-01 00:00:00+00' and scheduled_for < '10000-01-01 00:00:00+00'),
    add column scheduled_local timestamp   check (scheduled_local >= '1970-01-01 00:00:00' and scheduled_local < '10000-01-01 00:00:00');
