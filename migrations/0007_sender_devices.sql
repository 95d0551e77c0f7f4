-- Which device each sender is, and opt-outs that follow a sender into another business or under another name.
-- Why: with another configuration on the same database a sender's people were messaged from another phone; and naming a
-- sender's business, or renaming the sender, left its opt-outs behind.
-- Locks: senders for an instant, to add columns without defaults; suppressions against writing, for as long as it takes
-- to carry over the opt-outs that were left under senders' own names.

alter table senders
    add column address text,    -- the provider's host; 'loopback' for a simulator on this machine; null: not known yet
    add column device  text;    -- the linked phone's id there; null: not known yet

-- Every device that a sender ever was, the present one included.
create table sender_devices (
    provider   text not null,
    address    text not null,
    device     text not null,
    sender_id  bigint not null constraint sender_devices_sender_fkey references senders on delete cascade,
    first_seen timestamptz not null default now(),
    primary key (provider, address, device, sender_id)
);
create index sender_devices_sender on sender_devices (sender_id);

-- Whose opt-outs hold for whom else. Only ever grows.
create table opt_out_links (
    source   text not null,     -- an opt-out of this business ...
    business text not null,     -- ... holds for this one too
    primary key (source, business),
    constraint opt_out_links_other check (source <> business)
);

-- A sender that was given a business left its opt-outs under its own name.
insert into opt_out_links (source, business)
select name, business from senders s
 where name <> business and not exists (select 1 from senders o where o.business = s.name);
insert into suppressions (business, phone_number, reason, source, created_by, created_at)
select s.business, x.phone_number, x.reason, x.source, x.created_by, x.created_at
  from senders s join suppressions x on x.business = s.name
 where s.name <> s.business
 order by x.source = 'operator', x.created_at
on conflict do nothing;

-- Copies new opt-outs along the links, link by link, until nothing is new. What the person or the provider says stands
-- above an operator's word, as in the table itself. The function `person_key` comes with the next migration.
create function carry_opt_outs() returns trigger language plpgsql as $$
begin
    if not exists (select 1 from added a join opt_out_links l on l.source = a.business) then
        return null;
    end if;
    insert into suppressions (business, phone_number, reason, source, created_by, created_at)
    select distinct on (l.business, person_key(a.phone_number))
           l.business, a.phone_number, a.reason, a.source, a.created_by, a.created_at
      from added a join opt_out_links l on l.source = a.business
     order by l.business, person_key(a.phone_number), a.source = 'operator', a.created_at
    on conflict (business, person_key(phone_number)) do update
       set source = excluded.source, reason = excluded.reason, created_by = excluded.created_by
     where suppressions.source = 'operator' and excluded.source <> 'operator';
    return null;
end $$;
create trigger carry_added after insert on suppressions
    referencing new table as added for each statement execute function carry_opt_outs();
create trigger carry_updated after update on suppressions
    referencing new table as added for each statement execute function carry_opt_outs();
