-- Whoever is queued gets another status, blast or id, or is deleted, only in a transaction that sees what is committed meanwhile; and another id
-- is refused for somebody in flight, as a status is.
-- Why: in a transaction that is "repeatable read" or "serializable" the triggers see the claims of its beginning, and so does the condition
-- that leaves out who is in flight: people who had been claimed since were skipped while their message was on its way, and where they were
-- deleted the counters stayed wrong. Under another id somebody was queued, and claimed again.
-- Locks: none.

create function refuse_old_snapshot(recipient bigint) returns void language plpgsql as $$
begin
    raise exception 'recipient % may be in flight by now: this transaction sees the database as it was when it began', recipient
        using errcode = 'serialization_failure', hint = 'do it in a transaction that says: begin isolation level read committed';
end $$;

-- Whose attempt rises lands, and whoever is in flight counts as *sending*. Who writes people as their claims knew them says so, for that
-- one statement: all of them were in flight, with nothing else of theirs that is counted. Otherwise it is looked up where the attempts of a
-- statement's people differ: a status that comes later changes none.
create or replace function count_updated() returns trigger language plpgsql as $$
declare
    moved boolean;
    is_current constant boolean := current_setting('transaction_isolation') = 'read committed';
    taken bigint;
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
    if exists (select from removed where status = 'queued') and (not is_current or exists (select from claims)) then
        -- What we write ends a flight with its attempt's number. A hand that writes a status, a blast or an id leaves the attempt as it is.
        with was as materialized (
            select id, max(blast_id) filter (where is_old) as blast_id, max(attempt) filter (where is_old) as attempt
              from (select id, blast_id, attempt, status, true as is_old from removed
                     union all select id, blast_id, attempt, status, false from added) as each
             group by id
            having bool_or(status = 'queued') filter (where is_old)
               and (count(*) filter (where not is_old) = 0
                    or max(attempt) filter (where not is_old) <= max(attempt) filter (where is_old)
                       and (not bool_or(status = 'queued') filter (where not is_old)
                            or max(blast_id) filter (where not is_old) <> max(blast_id) filter (where is_old))))
        select (select min(id) from was),
               (select min(was.id) from was
                  join claims c on c.blast_id = was.blast_id and c.attempt_number - 1 = was.attempt and c.first_id <= was.id
                               and c.last_id >= was.id and was.id = any (c.recipients))
          into taken, flying;
        if not is_current and taken is not null then
            perform refuse_old_snapshot(taken);
        end if;
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
declare
    taken bigint;
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        select min(id) into taken from removed where status = 'queued';
        if taken is not null then
            perform refuse_old_snapshot(taken);
        end if;
    end if;
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
