-- One person under two spellings of their number (Brazil's ninth digit, Argentina's 9, Mexico's 1) is one person within a
-- blast and for opt-outs. Numbers are compared by `person_key`; messages go to the number as it was typed.
-- Why an index over a function and no stored column: a column would rewrite every person, which takes as much room again, and
-- make each row larger. `domain/phone/key.rs` has the rule and its sources and must say the same; a change of the function
-- needs its indexes built anew.
-- Whom an older version put into one blast under both spellings stays, with `second_spelling`: an upgrade neither fails
-- nor loses a row. The second is left out if nothing was tried for them yet. Of one person's opt-outs the strongest word
-- stays: a person's or the provider's before an operator's.
-- Locks: blast_recipients and suppressions exclusively, for one look at each row and the building of one index: some five
-- seconds for each million people, and twenty where tens of thousands of them are there twice.

set local statement_timeout = 0;

create function person_key(phone_number text) returns text language sql immutable parallel safe as $$
    select case
        -- Nearly everybody, at the cost of one look.
        when not starts_with(phone_number, '+5') then phone_number
        when phone_number ~ '^[+]55[1-9][1-9]9[6-9][0-9]{7}$' then substr(phone_number, 1, 5) || substr(phone_number, 7)
        when phone_number ~ '^[+](549|521)[0-9]{10}$' then substr(phone_number, 1, 3) || substr(phone_number, 5)
        else phone_number
    end
$$;

-- Null for everybody but those: a value would make each row larger.
alter table blast_recipients add column second_spelling boolean;

with twice as (
    select case when longer.status = 'queued' and (shorter.status <> 'queued' or shorter.id < longer.id)
                  or longer.status <> 'queued' and shorter.status <> 'queued' and shorter.id < longer.id
                then longer.id else shorter.id end as second
      from blast_recipients longer
      join blast_recipients shorter on shorter.phone_number = person_key(longer.phone_number)
                                   and shorter.blast_id = longer.blast_id
     where longer.phone_number like '+5%' and person_key(longer.phone_number) <> longer.phone_number),
untried as (
    select id from blast_recipients where id in (select second from twice) and status = 'queued'),
changed as (
    update blast_recipients r
       set second_spelling = true,
           status = case when u.id is null then r.status else 'skipped' end,
           standing = case when u.id is null then r.standing else 'skipped' end,
           changed_at = case when u.id is null then r.changed_at else now() end,
           reason = case when u.id is null then r.reason else 'in this blast under another spelling of the number' end
      from twice left join untried u on u.id = twice.second
     where r.id = twice.second
 returning r.id, r.blast_id, r.attempt, u.id is not null as is_left_out)
insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, metadata)
select blast_id, id, attempt, 'queued', 'skipped', 'engine',
       jsonb_build_object('why', 'in this blast under another spelling of the number')
  from changed where is_left_out;

-- Nobody twice in one blast. The key comes first, so that it also finds a person in every blast.
create unique index blast_recipients_blast_person_key
    on blast_recipients (person_key(phone_number), coalesce(second_spelling, false), blast_id);
alter table blast_recipients drop constraint blast_recipients_blast_phone_key;

delete from suppressions
 where id in (select id
                from (select id, row_number() over (partition by business, person_key(phone_number)
                                                    order by source = 'operator', created_at, id) as place
                        from suppressions) as ranked
               where place > 1);
create unique index suppressions_business_person_key on suppressions (business, person_key(phone_number));
create index suppressions_person on suppressions (person_key(phone_number));
alter table suppressions drop constraint suppressions_business_phone_key;
drop index suppressions_phone;
