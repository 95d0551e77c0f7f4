-- What was attempted for people who were deleted since is kept for 32 days, so that a frequency cap counts it as well; and it is known
-- which of it was an answer, which no cap counts.
-- Why: whoever was sent to by a blast that was deleted minutes later could be sent to again at once.
-- Locks: deleted_attempts, while its index is built (it holds a day); a function is replaced.

alter table deleted_attempts add column is_answer boolean not null default false;

create index deleted_attempts_person on deleted_attempts (person_key(phone_number), at);

create or replace function count_deleted() returns trigger language plpgsql as $$
declare
    flying bigint[];
begin
    select coalesce(array_agg(recipient_id), '{}') into flying from in_flight where recipient_id in (select id from removed);
    insert into blast_count_deltas (blast_id, status, people, amount, held)
    select blast_id, status, -count(*), -coalesce(sum(amount), 0), -count(*) filter (where is_held(status, provider_status))
      from removed group by 1, 2;
    insert into deleted_attempts (sender_id, phone_number, at, refused, is_answer)
    select a.sender_id, r.phone_number,
           greatest(a.claimed_at, a.received_at,
                    case when r.status = 'uncertain' and r.attempt = a.attempt then r.changed_at end),
           coalesce(a.outcome = 'rejected', false),
           exists (select from blasts b where b.id = r.blast_id and b.answer_until is not null)
      from removed r
      join attempts a on a.recipient_id = r.id
     where (r.attempt > 0 or r.id = any(flying)) and a.claimed_at > now() - interval '32 days'
       and a.outcome is distinct from 'released';
    delete from in_flight where recipient_id = any(flying);
    delete from provider_message where recipient_id in (select id from removed where attempt > 0);
    return null;
end $$;
