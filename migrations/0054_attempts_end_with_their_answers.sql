-- An attempt's facts (its lease, when it was claimed) stand with what came of it in provider_message, one row for each attempt that
-- has ended; those in flight stand in in_flight. `attempts` is both, as a view.
-- Why: a third row for each send, with two index entries, said nothing that these two do not.
-- This is a takeover: claims of the version before end first, and it cannot claim anybody any more. What it has in flight it may
-- still write.
-- Locks: leases until the end; attempts and provider_message until it is copied, about ten seconds for a million messages.

set local statement_timeout = 0;

do $$
begin
    -- Claims hold a key share of their lease.
    perform from sender_leases for update;
end $$;
update sender_leases set epoch = epoch + 1, holder = null, host = null, expires_at = least(expires_at, now());

lock table attempts, provider_message in access exclusive mode;

alter table provider_message drop constraint provider_message_sender_message_key;
drop index provider_message_recipient;
alter table provider_message drop constraint if exists provider_message_times_check;
-- Epoch -1: of an engine of the version before, which still writes what came of those it has in flight. 0: the claim is not in this
-- database, which went back in time since.
alter table provider_message add column epoch bigint not null default -1, add column claimed_at timestamptz;

-- An attempt whose id was learned after its answer had two rows. An acceptance outweighs what was said before it; no byte of any
-- answer is lost.
with merged as (
    select recipient_id, attempt, min(id) as id,
           (array_agg(outcome order by array_position(array['accepted', 'rejected', 'released', 'unknown'], outcome), id))[1] as outcome,
           (array_agg(message_id order by id) filter (where message_id is not null))[1] as message_id,
           (array_agg(http_status order by id) filter (where http_status is not null))[1] as http_status,
           (array_agg(error_code order by id) filter (where error_code is not null))[1] as error_code,
           min(received_at) as received_at, string_agg(body, '\x0a'::bytea order by id) filter (where body <> '') as body,
           string_agg(flagged, '; ' order by id) as flagged
      from provider_message group by 1, 2 having count(*) > 1),
further as (
    delete from provider_message m using merged x
     where m.recipient_id = x.recipient_id and m.attempt = x.attempt and m.id <> x.id)
update provider_message m
   set outcome = x.outcome, message_id = x.message_id, http_status = x.http_status, error_code = x.error_code,
       received_at = x.received_at, body = coalesce(x.body, ''), flagged = x.flagged
  from merged x where m.id = x.id;

update provider_message m
   set epoch = coalesce(a.epoch, 0), claimed_at = coalesce(a.claimed_at, m.received_at)
  from provider_message x left join attempts a on a.recipient_id = x.recipient_id and a.attempt = x.attempt
 where m.id = x.id;

-- Of these nobody has said what came of them: the engine that made them stopped.
insert into provider_message (recipient_id, attempt, sender_id, outcome, received_at, epoch, claimed_at)
select a.recipient_id, a.attempt, a.sender_id, 'unknown',
       case when r.attempt = a.attempt then greatest(r.changed_at, a.claimed_at) else a.claimed_at end, a.epoch, a.claimed_at
  from attempts a
  left join blast_recipients r on r.id = a.recipient_id
 where not exists (select from provider_message m where m.recipient_id = a.recipient_id and m.attempt = a.attempt)
   and not exists (select from in_flight f where f.recipient_id = a.recipient_id and f.attempt = a.attempt);

alter table provider_message
    alter column claimed_at set not null,
    alter column claimed_at set default now(),
    add constraint provider_message_sender_message_key unique (sender_id, message_id),
    -- A number is never reused, and an attempt ends once: what is learned of it later is added to its row.
    add constraint provider_message_attempt_key unique (recipient_id, attempt),
    add constraint provider_message_times_check
        check (least(received_at, claimed_at) >= '1970-01-01 00:00:00+00'
               and greatest(received_at, claimed_at) < '10000-01-01 00:00:00+00');
-- Limits are seeded from it after a restart.
create index provider_message_recent on provider_message (sender_id, claimed_at);

drop table attempts;
-- Those that were claimed in this database: by these it is known whether it went back in time.
create view attempts as
    select recipient_id, attempt, sender_id, epoch, claimed_at, outcome, received_at from provider_message where epoch <> 0
     union all
    select recipient_id, attempt, sender_id, epoch, claimed_at, null, null from in_flight;

-- Of one that is deleted by hand nobody knows what came.
create or replace function count_landed() returns trigger language plpgsql as $$
begin
    insert into blast_count_deltas (blast_id, status, people)
    select c.blast_id, v.status, v.sign * c.people
      from (select blast_id, count(*) as people from removed group by 1) c
     cross join (values ('sending'::recipient_status, -1), ('queued', 1)) as v (status, sign);
    if current_setting('blastdeck.ends_flights', true) is distinct from 'on' then
        insert into provider_message (recipient_id, attempt, sender_id, outcome, epoch, claimed_at)
        select f.recipient_id, f.attempt, f.sender_id, 'unknown', f.epoch, f.claimed_at
          from removed f join blast_recipients r on r.id = f.recipient_id
            on conflict (recipient_id, attempt) do nothing;
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

create or replace function count_deleted() returns trigger language plpgsql as $$
declare
    flying bigint[];
begin
    select coalesce(array_agg(recipient_id), '{}') into flying from in_flight where recipient_id in (select id from removed);
    insert into blast_count_deltas (blast_id, status, people, amount, held)
    select blast_id, status, -count(*), -coalesce(sum(amount), 0), -count(*) filter (where is_held(status, provider_status))
      from removed group by 1, 2;
    insert into deleted_attempts (sender_id, phone_number, at, refused)
    select a.sender_id, r.phone_number,
           greatest(a.claimed_at, a.received_at,
                    case when r.status = 'uncertain' and r.attempt = a.attempt then r.changed_at end),
           coalesce(a.outcome = 'rejected', false)
      from removed r
      join attempts a on a.recipient_id = r.id
     where (r.attempt > 0 or r.id = any(flying)) and a.claimed_at > now() - interval '25 hours'
       and a.outcome is distinct from 'released';
    delete from in_flight where recipient_id = any(flying);
    delete from provider_message where recipient_id in (select id from removed where attempt > 0);
    return null;
end $$;

create or replace function count_truncated() returns trigger language plpgsql as $$
begin
    insert into deleted_attempts (sender_id, at, refused)
    select sender_id, greatest(claimed_at, received_at), coalesce(outcome = 'rejected', false)
      from attempts
     where claimed_at > now() - interval '25 hours' and outcome is distinct from 'released';
    delete from in_flight;
    delete from blast_count_deltas;
    delete from blast_counts;
    delete from provider_message;
    return null;
end $$;
