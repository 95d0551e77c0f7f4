-- Where a blast was launched: which start of which server, and which database of it. A machine that knows nothing of a database, from
-- which nothing was sent yet, sees by it that the database may be a copy of the one that the blast was launched in.
-- Locks: blasts exclusively for an instant.

create function server_start() returns text language sql stable as
$$ select extract(epoch from pg_postmaster_start_time()) || ' ' || oid from pg_database where datname = current_database() $$;

alter table blasts add column launched_on text;               -- `server_start()` then; null: before this column was
