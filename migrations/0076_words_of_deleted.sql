-- The words of every deleted message, which of them a step had made, and which had failed.
-- Why: a step brought people the very words again that they had had since in any blast that was deleted meanwhile, and never came to whom
-- a deleted one had failed to reach.
-- Locks: deleted_attempts, for an instant; a function is replaced.

-- False of what was deleted before: of that only the words of follow-ups by hand were kept.
alter table deleted_attempts add column of_step boolean not null default false, add column failed boolean not null default false;

create or replace function count_deleted() returns trigger language plpgsql as $$
declare
    flying bigint[];
begin
    select coalesce(array_agg(recipient_id), '{}') into flying from in_flight where recipient_id in (select id from removed);
    insert into blast_count_deltas (blast_id, status, people, amount, held)
    select blast_id, status, -count(*), -coalesce(sum(amount), 0), -count(*) filter (where is_held(status, provider_status))
      from removed group by 1, 2;
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
     where (r.attempt > 0 or r.id = any(flying)) and a.claimed_at > now() - interval '32 days'
       and a.outcome is distinct from 'released';
    delete from in_flight where recipient_id = any(flying);
    delete from provider_message where recipient_id in (select id from removed where attempt > 0);
    return null;
end $$;
