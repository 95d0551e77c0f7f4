-- The table of people that somebody vouches for, with each sender: the one there was when the sender was registered, or was last confirmed. A
-- dump that is restored in place makes that table anew, under another oid, and brings the sender's row as it was: so it shows whatever was or
-- was not sent or launched before the dump. What stands in a database now is taken to be in place.
-- Locks: senders, for an instant.

-- The body is a text, so that the default hangs on no table: a dump would have to make that one first.
create function people_table() returns bigint language sql stable as
$$ select 'blast_recipients'::regclass::oid::bigint $$;

alter table senders add column people_table bigint not null default people_table();
