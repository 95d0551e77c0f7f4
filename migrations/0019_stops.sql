-- Keeps an operator's word beside a person's, stops of people who are known by nothing but an id, and of each sender its
-- business account and stop words.
-- Why: a resume took back what an operator had set, because the person's stop had been written over it; a stop of an unknown
-- id suppressed nobody, also when the id was learned later; and an engine without a sender's configuration judged its
-- webhooks by its own.
-- Locks: suppressions and senders exclusively for an instant, to add columns without defaults.

-- Beside what a person or the provider said; where the operator's is the only word, it is the row's own.
alter table suppressions
    add column operator_reason text,
    add column operator_by     text,
    add column operator_at     timestamptz;    -- null: no operator suppressed them, or only an operator did

alter table senders
    add column account    text,                -- Meta's business account; null: not known yet, or another provider
    add column stop_words text[];              -- of whoever registered the sender last

-- The last wish about marketing of each id whose number is not known. It takes effect when it is.
create table nameless_wishes (
    business text not null,
    user_id  text not null,
    wish     text not null constraint nameless_wishes_wish_check check (wish in ('stop', 'resume')),
    reason   text not null,
    at       timestamptz not null,
    constraint nameless_wishes_pkey primary key (business, user_id)
);

-- Copies new opt-outs along the links, as before, an operator's word beside a person's included.
-- `store/suppression.rs` has the same rule for rows that meet.
create or replace function carry_opt_outs() returns trigger language plpgsql as $$
begin
    if not exists (select 1 from added a join opt_out_links l on l.source = a.business) then
        return null;
    end if;
    insert into suppressions as s (business, phone_number, reason, source, created_by, created_at,
                                   operator_reason, operator_by, operator_at)
    select distinct on (l.business, person_key(a.phone_number))
           l.business, a.phone_number, a.reason, a.source, a.created_by, a.created_at,
           a.operator_reason, a.operator_by, a.operator_at
      from added a join opt_out_links l on l.source = a.business
     order by l.business, person_key(a.phone_number), a.source = 'operator', a.created_at
    on conflict (business, person_key(phone_number)) do update
       set source = case when s.source = 'operator' then excluded.source else s.source end,
           reason = case when s.source = 'operator' then excluded.reason else s.reason end,
           created_by = case when s.source = 'operator' then excluded.created_by else s.created_by end,
           operator_reason = case when s.source = 'operator' then s.reason
                                  when excluded.source = 'operator' then excluded.reason
                                  else excluded.operator_reason end,
           operator_by = case when s.source = 'operator' then s.created_by
                              when excluded.source = 'operator' then excluded.created_by
                              else excluded.operator_by end,
           operator_at = case when s.source = 'operator' then s.created_at
                              when excluded.source = 'operator' then excluded.created_at
                              else excluded.operator_at end
     where s.source = 'operator' and excluded.source <> 'operator'
        or s.source <> 'operator' and s.operator_at is null
           and (excluded.source = 'operator' or excluded.operator_at is not null);
    return null;
end $$;
