-- The people of a claim stand in one row of `claims`, which is never changed. In flight is whoever it lists as long as their own row has
-- the attempt before: what came of an attempt is written to their row with its number, and so ends their flight. `in_flight` is a view.
-- Why: a row of its own for each person in flight, with an index entry, was written and deleted again with every send.
-- This is a takeover: claims of the version before end first, and it cannot claim anybody any more. What it has in flight it may
-- still write.
-- Locks: leases and people in flight until the end; functions are replaced.

set local statement_timeout = 0;

do $$
begin
    -- Claims hold a key share of their lease.
    perform from sender_leases for update;
end $$;
update sender_leases set epoch = epoch + 1, holder = null, host = null, expires_at = least(expires_at, now());

lock table in_flight in access exclusive mode;

create table claims (
    claim_id       bigint generated always as identity constraint claims_pkey primary key,
    blast_id       bigint not null,
    sender_id      bigint not null,
    attempt_number integer not null,                    -- of all its people: one more than their rows have
    epoch          bigint not null,                     -- the lease under which they were claimed
    claimed_at     timestamptz not null default now(),
    first_id       bigint not null,                     -- the lowest and the highest id among its people
    last_id        bigint not null,
    recipients     bigint[] not null,
    constraint claims_times_check
        check (claimed_at >= '1970-01-01 00:00:00+00' and claimed_at < '10000-01-01 00:00:00+00'),
    constraint claims_people_check check (cardinality(recipients) between 1 and 512)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
        autovacuum_vacuum_insert_threshold = -1, vacuum_truncate = off);
-- As it is, in the row: to compress it costs more than to write it.
alter table claims alter column recipients set storage plain;
create index claims_people on claims (last_id);
-- For those whose people have landed. By it dead rows are passed by, also before a vacuum.
create index claims_made on claims (sender_id, claimed_at);

insert into claims (blast_id, sender_id, attempt_number, epoch, claimed_at, first_id, last_id, recipients)
select blast_id, sender_id, attempt, epoch, claimed_at, min(recipient_id), max(recipient_id), array_agg(recipient_id order by recipient_id)
  from (select f.*, (row_number() over (partition by f.blast_id, f.sender_id, f.attempt, f.epoch, f.claimed_at order by recipient_id) - 1) / 500
               as part
          from in_flight f) f
 group by blast_id, sender_id, attempt, epoch, claimed_at, part;

drop view attempts;
drop table in_flight;
drop function count_landed, refuse_truncate;

-- Each new version of a row has room on its page: a table whose rows are all written once, with the outcome, has the same size in the
-- end, and less is written for each.
alter table blast_recipients set (fillfactor = 35);

create view in_flight as
    select r.id as recipient_id, c.blast_id, c.attempt_number as attempt, c.sender_id, c.epoch, c.claimed_at
      from claims c
      join blast_recipients r on r.id = any (c.recipients) and r.id >= c.first_id and r.id <= c.last_id and r.attempt = c.attempt_number - 1;

-- Those that were claimed in this database: by these it is known whether it went back in time.
create view attempts as
    select recipient_id, attempt, sender_id, epoch, claimed_at, outcome, received_at from provider_message where epoch <> 0
     union all
    select recipient_id, attempt, sender_id, epoch, claimed_at, null, null from in_flight;

-- Whoever was claimed by a transaction that this one's first look did not see is claimed by that alone: this one fails as a whole. Their
-- rows are locked, so nobody claims them between this look and the commit.
create or replace function count_claimed() returns trigger language plpgsql as $$
begin
    if exists (select from added a
                 join claims c on c.blast_id = a.blast_id and c.last_id >= a.first_id and c.first_id <= a.last_id
                              and c.claim_id <> a.claim_id and c.attempt_number = a.attempt_number and c.recipients && a.recipients) then
        raise exception 'somebody is in flight already' using errcode = 'serialization_failure';
    end if;
    insert into blast_count_deltas (blast_id, status, people)
    select c.blast_id, v.status, v.sign * c.people
      from (select blast_id, sum(cardinality(recipients)) as people from added group by 1) c
     cross join (values ('sending'::recipient_status, 1), ('queued', -1)) as v (status, sign);
    return null;
end $$;

-- Of a claim that is deleted by hand nobody knows what came of those who are in flight. A claim whose people have all landed is deleted by
-- us, who say so and have looked.
create function end_claims() returns trigger language plpgsql as $$
begin
    if current_setting('blastdeck.ends_flights', true) is not distinct from 'on' then
        return null;
    end if;
    insert into provider_message (recipient_id, attempt, sender_id, outcome, epoch, claimed_at)
    select r.id, c.attempt_number, c.sender_id, 'unknown', c.epoch, c.claimed_at
      from removed c join blast_recipients r on r.id = any (c.recipients) and r.attempt = c.attempt_number - 1
        on conflict (recipient_id, attempt) do nothing;
    with lost as (
        select r.id, r.status, c.attempt_number as attempt, c.claimed_at
          from removed c join blast_recipients r on r.id = any (c.recipients) and r.attempt = c.attempt_number - 1),
    counted as (
        insert into blast_count_deltas (blast_id, status, people)
        select r.blast_id, v.status, v.sign * count(*)
          from lost join blast_recipients r on r.id = lost.id
         cross join (values ('sending'::recipient_status, -1), ('queued', 1)) as v (status, sign)
         group by 1, 2, v.sign),
    doubted as (
        update blast_recipients r
           set status = case when r.status = 'queued' then 'uncertain' else r.status end,
               standing = case when r.status = 'queued' then 'uncertain' else r.standing end,
               attempt = lost.attempt, claimed_at = lost.claimed_at, changed_at = now(),
               reason = case when r.status = 'queued' then 'their claim was deleted by hand' else r.reason end
          from lost
         where r.id = lost.id
     returning r.id, r.blast_id, r.attempt)
    insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, metadata)
    select d.blast_id, d.id, d.attempt, 'sending', 'uncertain', 'engine', jsonb_build_object('why', 'their claim was deleted by hand')
      from doubted d join lost on lost.id = d.id
     where lost.status = 'queued';
    return null;
end $$;

create function refuse_truncate() returns trigger language plpgsql as $$
begin
    raise exception 'claims are not truncated: nobody would know what came of these people'
        using hint = 'claims that are deleted make their people uncertain';
end $$;

create trigger count_claimed after insert on claims
    referencing new table as added for each statement execute function count_claimed();
create trigger end_claims after delete on claims
    referencing old table as removed for each statement execute function end_claims();
create trigger refuse_truncate before truncate on claims for each statement execute function refuse_truncate();

-- A flight that is deleted by hand, as far as that was in the version before; its engine says that it writes what came of it.
create function end_flight() returns trigger language plpgsql as $$
begin
    if current_setting('blastdeck.ends_flights', true) is not distinct from 'on' then
        return old;
    end if;
    insert into provider_message (recipient_id, attempt, sender_id, outcome, epoch, claimed_at)
    values (old.recipient_id, old.attempt, old.sender_id, 'unknown', old.epoch, old.claimed_at)
        on conflict (recipient_id, attempt) do nothing;
    with doubted as (
        update blast_recipients
           set status = 'uncertain', standing = 'uncertain', attempt = old.attempt, claimed_at = old.claimed_at,
               changed_at = now(), reason = 'their row was deleted from in_flight'
         where id = old.recipient_id and status = 'queued' and attempt < old.attempt
     returning id, blast_id, attempt)
    insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, metadata)
    select blast_id, id, attempt, 'sending', 'uncertain', 'engine',
           jsonb_build_object('why', 'their row was deleted from in_flight')
      from doubted;
    return old;
end $$;
create trigger end_flight instead of delete on in_flight for each row execute function end_flight();

-- Whose attempt rises lands, and whoever is in flight counts as *sending*. Who writes people as their claims knew them says so, for that
-- one statement: all of them were in flight, with nothing else of theirs that is counted. Otherwise it is looked up where the attempts of a
-- statement's people differ: a status that comes later changes none.
create or replace function count_updated() returns trigger language plpgsql as $$
declare
    moved boolean;
begin
    if current_setting('blastdeck.all_land', true) is not distinct from 'on' then
        perform set_config('blastdeck.all_land', '', true);
        insert into blast_count_deltas (blast_id, status, people, amount, held)
        select blast_id, status, count(*), coalesce(sum(amount), 0), count(*) filter (where is_held(status, provider_status))
          from added group by 1, 2
         union all
        select blast_id, 'sending', -count(*), 0, 0 from added group by 1;
        return null;
    end if;
    with change as (
        select blast_id, status, sum(people) as people, sum(amount) as amount, sum(held) as held, sum(attempt) as attempt
          from (select blast_id, status, 1 as people, coalesce(amount, 0) as amount,
                       case when is_held(status, provider_status) then 1 else 0 end as held, attempt::bigint as attempt from added
                union all
                select blast_id, status, -1, -coalesce(amount, 0),
                       case when is_held(status, provider_status) then -1 else 0 end, -attempt::bigint from removed) as each
         group by 1, 2),
    counted as (
        insert into blast_count_deltas (blast_id, status, people, amount, held)
        select blast_id, status, people, amount, held from change where people <> 0 or amount <> 0 or held <> 0)
    select coalesce(bool_or(attempt <> 0), false) into moved from change;
    if moved then
        insert into blast_count_deltas (blast_id, status, people)
        select f.blast_id, v.status, v.sign * f.people
          from (select c.blast_id, sum(x.sign) as people
                  from (select id, attempt, 1 as sign from added union all select id, attempt, -1 from removed) x
                  join claims c on c.attempt_number - 1 = x.attempt and c.first_id <= x.id and c.last_id >= x.id
                               and x.id = any (c.recipients)
                 group by 1 having sum(x.sign) <> 0) f
         cross join (values ('sending'::recipient_status, 1), ('queued', -1)) as v (status, sign);
    end if;
    return null;
end $$;

-- `flying` are people who were in flight: their claim lists them, and their row is gone.
create or replace function count_deleted() returns trigger language plpgsql as $$
begin
    insert into blast_count_deltas (blast_id, status, people, amount, held)
    select blast_id, status, -count(*), -coalesce(sum(amount), 0), -count(*) filter (where is_held(status, provider_status))
      from removed group by 1, 2;
    with flying as materialized (
        select r.id, c.blast_id, c.attempt_number as attempt, c.sender_id, c.epoch, c.claimed_at
          from claims c
          join removed r on c.attempt_number - 1 = r.attempt and c.first_id <= r.id and c.last_id >= r.id and r.id = any (c.recipients)),
    counted as (
        insert into blast_count_deltas (blast_id, status, people)
        select f.blast_id, v.status, v.sign * f.people
          from (select blast_id, count(*) as people from flying group by 1) f
         cross join (values ('sending'::recipient_status, -1), ('queued', 1)) as v (status, sign)),
    attempts as (
        select m.recipient_id, m.attempt, m.sender_id, m.epoch, m.claimed_at, m.outcome, m.received_at
          from removed r join provider_message m on m.recipient_id = r.id
         where r.attempt > 0 and m.epoch <> 0
         union all
        select id, attempt, sender_id, epoch, claimed_at, null, null from flying)
    insert into deleted_attempts (sender_id, phone_number, at, refused, is_answer, epoch, claimed_at, followed, content, of_step, failed)
    select a.sender_id, r.phone_number,
           greatest(a.claimed_at, a.received_at,
                    case when r.status = 'uncertain' and r.attempt = a.attempt then r.changed_at end),
           coalesce(a.outcome = 'rejected', false),
           b.answer_until is not null, a.epoch, a.claimed_at, b.follows_blast,
           case when b.answer_until is null then content_key(b.message, b.template) end, b.step_number is not null,
           r.status = 'failed' and r.attempt = a.attempt
      from removed r
      left join blasts b on b.id = r.blast_id
      join attempts a on a.recipient_id = r.id
     where a.claimed_at > now() - interval '32 days' and a.outcome is distinct from 'released';
    delete from provider_message where recipient_id in (select id from removed where attempt > 0);
    return null;
end $$;

create or replace function count_truncated() returns trigger language plpgsql as $$
begin
    insert into deleted_attempts (sender_id, at, refused)
    select sender_id, greatest(claimed_at, received_at), outcome = 'rejected'
      from provider_message
     where epoch <> 0 and claimed_at > now() - interval '25 hours' and outcome <> 'released'
     union all
    -- Whoever has an answer has landed.
    select c.sender_id, c.claimed_at, false
      from claims c cross join unnest(c.recipients) as p (id)
     where not exists (select from provider_message m where m.recipient_id = p.id and m.attempt = c.attempt_number);
    delete from claims;
    delete from blast_count_deltas;
    delete from blast_counts;
    delete from provider_message;
    return null;
end $$;
