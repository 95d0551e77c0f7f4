-- Which database somebody vouches for, with each sender: the one in which the sender was registered, or last confirmed. A sender that was never
-- sent for knew none, and was sent for in any copy; and a dump that is restored in place is the same database but for its tables: the table of
-- people is made anew then, under another oid, and the sender's row comes as it was.
-- Locks: senders and database_id exclusively, for an instant.

-- The bodies are texts, so that the defaults hang on no table: a dump would have to make that one first.
create function people_table() returns bigint language sql stable as
$$ select 'blast_recipients'::regclass::oid::bigint $$;

-- As the program itself reads it: where a host refuses the control functions, the oid alone speaks.
create function server_identity() returns jsonb language plpgsql stable as $$
declare
    system text := '';
    timeline bigint := 0;
begin
    begin
        select system_identifier::text into system from pg_control_system();
    exception when insufficient_privilege or undefined_function or feature_not_supported or object_not_in_prerequisite_state then
        null;
    end;
    begin
        select ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint into timeline;
    exception when insufficient_privilege or undefined_function or feature_not_supported or object_not_in_prerequisite_state then
        null;
    end;
    return jsonb_build_object('system_identifier', coalesce(system, ''), 'timeline', coalesce(timeline, 0),
                              'database_oid', (select oid::bigint from pg_database where datname = current_database()));
end $$;

alter table senders add column people_table bigint not null default people_table();
update senders set sent_from = server_identity() where sent_from is null;
alter table senders alter column sent_from set default server_identity();

-- A dump of before this, which is migrated after it was restored, brings neither: its tables were made in the order of their names, and those of
-- a database that was migrated alone in the order of their migrations. Somebody is asked once, of whom nothing is known that is so (0).
update senders set people_table = 0
 where 'senders'::regclass::oid > 'api_tokens'::regclass::oid and (sent_from ->> 'people_table') is distinct from people_table()::text;

-- A sender that is registered in tables which were put back vouches for nothing either: it may have been sent for before, in the time that the
-- database has forgotten. It takes the tables of the database itself, which are those that are here once somebody has confirmed a sender of it.
alter table database_id add column people_table bigint not null default people_table();
update database_id set people_table = 0
 where 'senders'::regclass::oid > 'api_tokens'::regclass::oid and not exists (select from senders where people_table <> 0);
