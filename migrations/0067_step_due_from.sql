-- Since when a step's people can be due: when it was changed or resumed last; null: when it was added. How late a step is counts from
-- then, or from when its people became due.
-- Locks: blast_steps, for an instant.

alter table blast_steps add column due_from timestamptz
    constraint blast_steps_due_from_check check (due_from >= '1970-01-01 00:00:00+00' and due_from < '10000-01-01 00:00:00+00');
