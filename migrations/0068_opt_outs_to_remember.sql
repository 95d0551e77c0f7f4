-- Opt-outs, noted or lifted, that a machine could not add to its own list (its state directory was read-only): it adds them before it
-- sends again.
-- Why: a database that was restored afterwards had forgotten them, and no machine remembered.
-- Locks: none that matter, the table is new.

create table opt_outs_to_remember (
    id           bigint generated always as identity constraint opt_outs_to_remember_pkey primary key,
    origin       text,        -- the machine's list; null: there was none yet
    business     text not null,
    phone_number text not null,
    reason       text,
    source       text not null,
    created_by   text not null,
    is_lifted    boolean not null,
    noted_at     timestamptz not null,
    constraint opt_outs_to_remember_noted_at_check
        check (noted_at >= '1970-01-01 00:00:00+00' and noted_at < '10000-01-01 00:00:00+00')
);
