-- What keeps a restored, copied or failed-over database from sending by itself, and a lease's own length.
-- Why: the memory of what was sent moves out of what a restore brings back; it is kept by each machine under a random
-- id of the database, and what a server looked like when it last sent is kept, and confirmed, for each sender apart.
-- Locks: senders and sender_leases for an instant, to add columns without defaults.

create table database_id (
    only_row boolean primary key default true constraint database_id_one_row check (only_row),
    id       uuid not null default gen_random_uuid()
);
insert into database_id default values;

-- The server that this sender last sent from: system identifier, database oid, timeline. A copy travels with the old note.
alter table senders add column sent_from jsonb;
update senders s
   set sent_from = (select jsonb_build_object('system_identifier', system_identifier, 'database_oid', database_oid,
                                              'timeline', timeline) from installation)
 where exists (select 1 from attempts a where a.sender_id = s.id)
    or exists (select 1 from deleted_attempts d where d.sender_id = s.id);
drop table installation;

-- How long the holder's lease lasts unless it is renewed: whoever waits for it can tell by a clock of their own that it
-- is dead, whatever expires_at says.
alter table sender_leases add column valid interval;

-- A migration is a takeover: an engine of the version before claims nobody under its old epoch, and cannot acquire a
-- lease again. Whoever it has in flight becomes uncertain when the next engine acquires the lease, unless it learns more.
update sender_leases set epoch = epoch + 1, holder = null, host = null, expires_at = least(expires_at, now());
