-- What keeps a stale, restored or copied database from sending by itself, and slow-downs that outlive a process.
-- Locks: senders for an instant, to add columns with constant defaults.

-- Which database this is, as the engines that sent from it saw it. A copy says another thing of itself.
create table installation (
    only_row          boolean primary key default true constraint installation_one_row check (only_row),
    system_identifier text not null,
    database_oid      bigint not null,
    timeline          bigint not null,
    confirmed_at      timestamptz not null default now()    -- an operator's word, or the first engine's
);

alter table senders
    add column slowed     integer not null default 0,       -- how many times the rate was halved
    add column held_until timestamptz;                      -- the provider asked for a pause
