-- Keeps whoever may be messaged again, for the webhooks of other systems: an opt-out that is taken back leaves no row to read.
-- Locks: suppressions and hooks exclusively for an instant, to add a trigger and a column without default; hook_deliveries
-- while its rows' sources are checked.

-- Every opt-out that was taken back, whoever did it; kept as long as deliveries are.
create table opt_out_removals (
    id           bigint generated always as identity constraint opt_out_removals_pkey primary key,
    business     text not null,
    phone_number text not null,
    source       text not null,                -- whose word the opt-out was
    added_at     timestamptz not null,
    at           timestamptz not null default now(),
    constraint opt_out_removals_times_check
        check (least(added_at, at) >= '1970-01-01 00:00:00+00' and greatest(added_at, at) < '10000-01-01 00:00:00+00')
);

create function note_opt_out_removals() returns trigger language plpgsql as $$
begin
    insert into opt_out_removals (business, phone_number, source, added_at)
    select business, phone_number, source, created_at from gone;
    return null;
end $$;
create trigger note_removals after delete on suppressions
    referencing old table as gone for each statement execute function note_opt_out_removals();

alter table hooks add column told_opt_out_removals bigint;
alter table hook_deliveries drop constraint hook_deliveries_source_check;
alter table hook_deliveries add constraint hook_deliveries_source_check
    check (source in ('changes', 'history', 'replies', 'opt_outs', 'opt_out_removals'));
