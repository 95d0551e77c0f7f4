-- When an engine last asked for a sender whose phone is held under another name: whoever holds it and has nothing to send lets go.
-- Locks: leases for an instant.

alter table sender_leases add column wanted_at timestamptz;
