-- Blasts that reach each person at a time of their own zone, and hours for sending that hold by that zone. When somebody is due is their
-- `next_attempt_at`, which the claim goes by anyway: a launch sets it, and a blast without a local time pays nothing.
-- Locks: blasts exclusively for an instant, to add columns without defaults.

alter table blasts
    add column local_time   time,      -- by each person's own clock
    add column window_local boolean;   -- whether send_window and weekdays hold by each person's own clock

comment on column blasts.local_time is 'Each person gets it at this time of their own zone';
