-- Claims are found by their blast first, so that those of another are never walked over; a statement that leaves everybody's attempt as
-- it is looks for no flights; and nobody in flight gets another status or blast by hand, nor a claim other people.
-- Why: dead rows of claims, which any long transaction keeps, were walked over by claims in an older blast. A status that came later
-- had two sums of attempts that differ from zero, one of each status. Whoever was in flight reads as *queued* in psql: a hand that left out
-- all who were queued took them along, their counters were wrong until they landed, and an unknown outcome was nowhere.
-- Locks: claims, for as long as it takes to index some thousand rows.

drop index claims_people;
create index claims_people on claims (blast_id, last_id);

create or replace view in_flight as
    select r.id as recipient_id, c.blast_id, c.attempt_number as attempt, c.sender_id, c.epoch, c.claimed_at
      from claims c
      join blast_recipients r on r.id = any (c.recipients) and r.id >= c.first_id and r.id <= c.last_id and r.attempt = c.attempt_number - 1
                             and r.blast_id = c.blast_id;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'claims are not changed: nobody would know what came of these people'
        using hint = 'claims that are deleted make their people uncertain';
end $$;
create trigger refuse_change before update on claims for each statement execute function refuse_change();

-- Whose attempt rises lands, and whoever is in flight counts as *sending*. Who writes people as their claims knew them says so, for that
-- one statement: all of them were in flight, with nothing else of theirs that is counted. Otherwise it is looked up where the attempts of a
-- statement's people differ: a status that comes later changes none.
create or replace function count_updated() returns trigger language plpgsql as $$
declare
    moved boolean;
    flying bigint;
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
    if exists (select from removed where status = 'queued') and exists (select from claims) then
        -- What we write ends a flight with its attempt's number. A hand that writes a status leaves the attempt as it is.
        select min(was.id) into flying
          from (select id, max(blast_id) filter (where is_old) as blast_id, max(attempt) filter (where is_old) as attempt
                  from (select id, blast_id, attempt, status, true as is_old from removed
                         union all select id, blast_id, attempt, status, false from added) as each
                 group by id
                having bool_or(status = 'queued') filter (where is_old) and max(attempt) filter (where not is_old) <= max(attempt) filter (where is_old)
                   and (not bool_or(status = 'queued') filter (where not is_old)
                        or max(blast_id) filter (where not is_old) <> max(blast_id) filter (where is_old))) was
          join claims c on c.blast_id = was.blast_id and c.attempt_number - 1 = was.attempt and c.first_id <= was.id and c.last_id >= was.id
                       and was.id = any (c.recipients);
        if flying is not null then
            raise exception 'recipient % is in flight: what comes of their message gives them their status', flying
                using errcode = 'serialization_failure',
                      hint = 'leave out whoever is in flight (and not exists (select from in_flight f where f.recipient_id = blast_recipients.id)), or wait for the outcome';
        end if;
    end if;
    insert into blast_count_deltas (blast_id, status, people, amount, held)
    select blast_id, status, sum(people), sum(amount), sum(held)
      from (select blast_id, status, 1 as people, coalesce(amount, 0) as amount,
                   case when is_held(status, provider_status) then 1 else 0 end as held from added
            union all
            select blast_id, status, -1, -coalesce(amount, 0),
                   case when is_held(status, provider_status) then -1 else 0 end from removed) as each
     group by 1, 2 having sum(people) <> 0 or sum(amount) <> 0 or sum(held) <> 0;
    -- By sums of each person: a join of the two would be planned by the first statement that came, which may have had one row.
    select exists (select from (select id, attempt::bigint as attempt from added union all select id, -attempt::bigint from removed) as each
                    group by id having sum(attempt) <> 0) into moved;
    if moved then
        insert into blast_count_deltas (blast_id, status, people)
        select f.blast_id, v.status, v.sign * f.people
          from (select c.blast_id, sum(x.sign) as people
                  from (select id, blast_id, attempt, 1 as sign from added union all select id, blast_id, attempt, -1 from removed) x
                  join claims c on c.blast_id = x.blast_id and c.attempt_number - 1 = x.attempt and c.first_id <= x.id and c.last_id >= x.id
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
          join removed r on c.blast_id = r.blast_id and c.attempt_number - 1 = r.attempt and c.first_id <= r.id and c.last_id >= r.id and r.id = any (c.recipients)),
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
