-- Which attempt of a deleted blast was whose, and which process an act came from.
-- Why: of two machines that confirm one after the other, what was deleted in between hid the second one's posts, and their people got the
-- message again. And two windows of one operator took back each other's acts without a question.
-- Locks: deleted_attempts and operator_actions, for an instant; a function is replaced.

-- Null of what was deleted before.
alter table deleted_attempts add column epoch bigint, add column claimed_at timestamptz;

create or replace function count_deleted() returns trigger language plpgsql as $$
declare
    flying bigint[];
begin
    select coalesce(array_agg(recipient_id), '{}') into flying from in_flight where recipient_id in (select id from removed);
    insert into blast_count_deltas (blast_id, status, people, amount, held)
    select blast_id, status, -count(*), -coalesce(sum(amount), 0), -count(*) filter (where is_held(status, provider_status))
      from removed group by 1, 2;
    insert into deleted_attempts (sender_id, phone_number, at, refused, is_answer, epoch, claimed_at)
    select a.sender_id, r.phone_number,
           greatest(a.claimed_at, a.received_at,
                    case when r.status = 'uncertain' and r.attempt = a.attempt then r.changed_at end),
           coalesce(a.outcome = 'rejected', false),
           exists (select from blasts b where b.id = r.blast_id and b.answer_until is not null),
           a.epoch, a.claimed_at
      from removed r
      join attempts a on a.recipient_id = r.id
     where (r.attempt > 0 or r.id = any(flying)) and a.claimed_at > now() - interval '32 days'
       and a.outcome is distinct from 'released';
    delete from in_flight where recipient_id = any(flying);
    delete from provider_message where recipient_id in (select id from removed where attempt > 0);
    return null;
end $$;

-- A random number of the process that logged it; null of what was logged before.
alter table operator_actions add column process bigint;
