-- Where a blast was launched has the table of people as well: a dump from before anything was sent, which is restored in place, makes that
-- table anew, and nothing else shows it. What was launched before this has the first two parts, and is compared by those.
-- Locks: none.

create or replace function server_start() returns text language sql stable as
$$ select extract(epoch from pg_postmaster_start_time()) || ' ' || oid || ' ' || 'blast_recipients'::regclass::oid
     from pg_database where datname = current_database() $$;
