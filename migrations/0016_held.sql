-- People whom Meta holds back after accepting their message are counted apart; codes decide what is tried again; limits that Meta
-- tells are kept; and senders whose webhooks stay away are noticed.
-- Why: a template under assessment keeps most of its people at *sent* for hours, and they are not stuck there; a limit of the whole
-- business, and a number's throughput, bind every engine.
-- Locks: blast_counts and blast_count_deltas while the people at *sent* of Meta's blasts are counted once, by an index: writers wait
-- for that. Beside that, columns with a constant default: blasts and senders for an instant, blast_recipients not at all.

set local statement_timeout = 0;

-- Whether Meta has accepted a message and keeps it back: until it is sent, or fails with 132015. `provider::meta::is_held` has the
-- same words.
create function is_held(status recipient_status, provider_status text) returns boolean language sql immutable as $$
    select status = 'sent' and provider_status in ('held_for_quality_assessment', 'paused')
$$;

alter table blast_counts add column held bigint not null default 0;
alter table blast_count_deltas add column held bigint not null default 0;

create or replace function count_inserted() returns trigger language plpgsql as $$
begin
    insert into blast_count_deltas (blast_id, status, people, amount, held)
    select blast_id, status, count(*), coalesce(sum(amount), 0), count(*) filter (where is_held(status, provider_status))
      from added group by 1, 2;
    return null;
end $$;

create or replace function count_deleted() returns trigger language plpgsql as $$
begin
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
     where r.attempt > 0 and a.claimed_at > now() - interval '25 hours' and m.outcome is distinct from 'released';
    delete from attempts where recipient_id in (select id from removed where attempt > 0);
    delete from provider_message where recipient_id in (select id from removed where attempt > 0);
    return null;
end $$;

create or replace function count_updated() returns trigger language plpgsql as $$
begin
    insert into blast_count_deltas (blast_id, status, people, amount, held)
    select blast_id, status, sum(people), sum(amount), sum(held)
      from (select blast_id, status, 1 as people, coalesce(amount, 0) as amount,
                   case when is_held(status, provider_status) then 1 else 0 end as held from added
            union all
            select blast_id, status, -1, -coalesce(amount, 0),
                   case when is_held(status, provider_status) then -1 else 0 end from removed) as change
     group by 1, 2
    having sum(people) <> 0 or sum(amount) <> 0 or sum(held) <> 0;
    return null;
end $$;

create or replace view blast_status_counts as
    select blast_id, status, sum(people)::bigint as people, sum(amount)::numeric(16, 2) as amount,
           sum(held)::bigint as held
      from (select blast_id, status, people, amount, held from blast_counts
            union all
            select blast_id, status, people, amount, held from blast_count_deltas) as both_parts
     group by blast_id, status;

insert into blast_count_deltas (blast_id, status, people, held)
select r.blast_id, r.status, 0, count(*)
  from senders s
  join blasts b on b.sender_id = s.id
  join blast_recipients r on r.blast_id = b.id and r.status = 'sent'
 where s.provider = 'meta' and is_held(r.status, r.provider_status)
 group by 1, 2;

-- Whether people whom Meta did not give a message for now (131049, 130472) are tried again by themselves after a day.
alter table blasts add column retry_next_day boolean not null default false;

-- Equal failures in a row that were reported after acceptance, by webhook; those of sends are in blast_streaks, which the sender's
-- engine keeps.
create table blast_late_streaks (
    blast_id bigint primary key constraint blast_late_streaks_blast_fkey references blasts on delete cascade,
    code     text not null,
    length   integer not null
);

-- How many people a business may write to first within 24 hours, over all of its numbers, as Meta said last; null: any number.
create table business_limits (
    business   text constraint business_limits_pkey primary key,
    people     integer constraint business_limits_people_check check (people > 0),
    learned_at timestamptz not null default now()
);

-- Messages a second that the provider lets a number send, as it said last; when a webhook of the sender came last; and since when
-- accepted sends have had none, once that was noticed.
alter table senders
    add column throughput integer constraint senders_throughput_check check (throughput > 0),
    add column webhook_seen_at timestamptz,
    add column unheard_since timestamptz;
