-- Who is in flight stands in a small table of its own: a claim writes there, and a person's row is written once, with the outcome.
-- Why: a claim's update of the wide row, with an entry in each of its indexes, was half of what a send cost the database.
-- In flight is exactly who has a row there: their own row says *queued* with the attempt before, and readers say *sending* of them.
-- This is a takeover: claims of the version before end first, their epochs are over, and whoever it has in flight becomes uncertain
-- until it writes what came of them. It cannot claim anybody any more.
-- Locks: leases until the end, people in flight for an instant; the rest is new.

set local statement_timeout = 0;

do $$
begin
    -- Claims hold a key share of their lease.
    perform from sender_leases for update;
end $$;
update sender_leases set epoch = epoch + 1, holder = null, host = null, expires_at = least(expires_at, now());

with lost as (
    update blast_recipients
       set status = case when status = 'sending' then 'uncertain' else status end, standing = 'uncertain', changed_at = now(),
           reason = 'the engine that was sending stopped before it knew'
     where status = 'sending' or standing = 'sending'
 returning id, blast_id, attempt, status)
insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, metadata)
select blast_id, id, attempt, 'sending', 'uncertain', 'engine',
       jsonb_build_object('why', 'the engine that was sending stopped before it knew')
  from lost where status = 'uncertain';

-- Told by the row in flight from here on.
alter table blast_recipients drop column epoch;

-- Rows live for as long as a POST; dead ones are removed early and quickly, since every claim and every look at who is in flight
-- would pass by them.
create table in_flight (
    recipient_id bigint not null constraint in_flight_pkey primary key,
    blast_id     bigint not null,
    attempt      integer not null,                      -- one more than the person's row has
    sender_id    bigint not null,
    epoch        bigint not null,                       -- the lease under which they were claimed
    claimed_at   timestamptz not null default now(),
    constraint in_flight_times_check
        check (claimed_at >= '1970-01-01 00:00:00+00' and claimed_at < '10000-01-01 00:00:00+00')
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
        autovacuum_vacuum_insert_threshold = -1);

create function count_claimed() returns trigger language plpgsql as $$
begin
    insert into blast_count_deltas (blast_id, status, people)
    select c.blast_id, v.status, v.sign * c.people
      from (select blast_id, count(*) as people from added group by 1) c
     cross join (values ('sending'::recipient_status, 1), ('queued', -1)) as v (status, sign);
    return null;
end $$;

-- Where a flight ends, its person's row is written in the same statement. Of one that is deleted by hand nobody knows what came.
create function count_landed() returns trigger language plpgsql as $$
begin
    insert into blast_count_deltas (blast_id, status, people)
    select c.blast_id, v.status, v.sign * c.people
      from (select blast_id, count(*) as people from removed group by 1) c
     cross join (values ('sending'::recipient_status, -1), ('queued', 1)) as v (status, sign);
    if current_setting('blastdeck.ends_flights', true) is distinct from 'on' then
        with lost as (
            update blast_recipients r
               set status = 'uncertain', standing = 'uncertain', attempt = f.attempt, claimed_at = f.claimed_at,
                   changed_at = now(), reason = 'their row was deleted from in_flight'
              from removed f
             where r.id = f.recipient_id and r.status = 'queued' and r.attempt < f.attempt
         returning r.id, r.blast_id, r.attempt)
        insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, metadata)
        select blast_id, id, attempt, 'sending', 'uncertain', 'engine',
               jsonb_build_object('why', 'their row was deleted from in_flight')
          from lost;
    end if;
    return null;
end $$;

create function refuse_truncate() returns trigger language plpgsql as $$
begin
    raise exception 'in_flight is not truncated: nobody would know what came of these people'
        using hint = 'rows that are deleted make their people uncertain';
end $$;

create trigger count_claimed after insert on in_flight
    referencing new table as added for each statement execute function count_claimed();
create trigger count_landed after delete on in_flight
    referencing old table as removed for each statement execute function count_landed();
create trigger refuse_truncate before truncate on in_flight for each statement execute function refuse_truncate();

create or replace function count_deleted() returns trigger language plpgsql as $$
declare
    flying bigint[];
begin
    with gone as (delete from in_flight where recipient_id in (select id from removed) returning recipient_id)
    select coalesce(array_agg(recipient_id), '{}') into flying from gone;
    insert into blast_count_deltas (blast_id, status, people, amount, held)
    select blast_id, status, -count(*), -coalesce(sum(amount), 0), -count(*) filter (where is_held(status, provider_status))
      from removed group by 1, 2;
    insert into deleted_attempts (sender_id, phone_number, at, refused)
    select a.sender_id, r.phone_number,
           greatest(a.claimed_at, m.received_at,
                    case when r.status = 'uncertain' and r.attempt = a.attempt then r.changed_at end),
           coalesce(m.outcome = 'rejected', false)
      from removed r
      join attempts a on a.recipient_id = r.id
      left join provider_message m on m.recipient_id = a.recipient_id and m.attempt = a.attempt
     where (r.attempt > 0 or r.id = any(flying)) and a.claimed_at > now() - interval '25 hours'
       and m.outcome is distinct from 'released';
    delete from attempts where recipient_id in (select id from removed where attempt > 0) or recipient_id = any(flying);
    delete from provider_message where recipient_id in (select id from removed where attempt > 0);
    return null;
end $$;

create or replace function count_truncated() returns trigger language plpgsql as $$
begin
    delete from in_flight;
    delete from blast_count_deltas;
    delete from blast_counts;
    insert into deleted_attempts (sender_id, at, refused)
    select a.sender_id, greatest(a.claimed_at, m.received_at), coalesce(m.outcome = 'rejected', false)
      from attempts a
      left join provider_message m on m.recipient_id = a.recipient_id and m.attempt = a.attempt
     where a.claimed_at > now() - interval '25 hours' and m.outcome is distinct from 'released';
    delete from attempts;
    delete from provider_message;
    return null;
end $$;

-- What everybody reads: `select current_status(r) from blast_recipients r`.
create function current_status(person blast_recipients) returns recipient_status language sql stable as $$
    select case when person.status = 'queued' and exists (select from in_flight f where f.recipient_id = person.id)
                then 'sending' else person.status end
$$;
