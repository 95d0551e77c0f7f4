-- A blast that is being deleted: gone for everybody at once, its people removed a few thousand at a time.
-- Why: one statement over a million people holds their locks for half a minute, and keeps the dead rows of every other
-- blast from being vacuumed as long. Locks: blasts for an instant, to add a column without a default.

alter table blasts add column deleted_at timestamptz;
