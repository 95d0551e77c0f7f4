-- What was attempted for people who were deleted since: an engine that starts on the same day must still count it, or a
-- daily cap, a rate and a pair gap would be kept by halves. Engines forget it again after a day and an hour.
-- Locks: none that matter (a new table; functions are replaced).

create table deleted_attempts (
    sender_id    bigint not null,
    phone_number text,                                  -- unknown after a truncate
    at           timestamptz not null,                  -- no earlier than the provider can have seen it
    refused      boolean not null                       -- known not to have been accepted: no message of that day
);
create index deleted_attempts_sender on deleted_attempts (sender_id, at);

create or replace function count_deleted() returns trigger language plpgsql as $$
begin
    insert into blast_count_deltas (blast_id, status, people, amount)
    select blast_id, status, -count(*), -coalesce(sum(amount), 0) from removed group by 1, 2;
    insert into deleted_attempts (sender_id, phone_number, at, refused)
    select a.sender_id, r.phone_number,
           greatest(a.claimed_at, m.received_at,
                    case when r.status = 'uncertain' and r.attempt = a.attempt then r.changed_at end),
           coalesce(m.outcome = 'rejected', false)
      from removed r
      join attempts a on a.recipient_id = r.id
      left join provider_message m on m.recipient_id = a.recipient_id and m.attempt = a.attempt
     where r.attempt > 0 and a.claimed_at > now() - interval '25 hours' and m.outcome is distinct from 'released';
    delete from attempts where recipient_id in (select id from removed where attempt > 0);
    delete from provider_message where recipient_id in (select id from removed where attempt > 0);
    return null;
end $$;

create or replace function count_truncated() returns trigger language plpgsql as $$
begin
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
