-- Brings webhooks for other systems: which rows each hook has been told of, its deliveries, and a log of the blasts' states.
-- Why: what happens to people is in `status_history` already, replies and opt-outs in their own tables; a hook reads them behind a
-- cursor, so that sending writes nothing more. A blast's state had no log: an engine that completes or pauses one leaves no act.
-- Locks: blasts exclusively for an instant, to add a trigger; the tables are new.

-- Every change of a blast's state, whoever made it. A handful of rows a blast; kept as long as deliveries are.
create table blast_changes (
    id        bigint generated always as identity constraint blast_changes_pkey primary key,
    blast_id  bigint not null,
    old_state blast_state not null,
    new_state blast_state not null,
    reason    text,
    by_whom   text,
    at        timestamptz not null default now(),
    constraint blast_changes_times_check check (at >= '1970-01-01 00:00:00+00' and at < '10000-01-01 00:00:00+00')
);

create function note_blast_change() returns trigger language plpgsql as $$
begin
    insert into blast_changes (blast_id, old_state, new_state, reason, by_whom)
    values (new.id, old.state, new.state, new.state_reason, new.state_by);
    return null;
end $$;
create trigger note_change after update of state on blasts
    for each row when (old.state is distinct from new.state and new.answer_until is null) execute function note_blast_change();

-- One row for each `[[hooks]]` of a configuration, by its name.
create table hooks (
    id            bigint generated always as identity constraint hooks_pkey primary key,
    name          text not null constraint hooks_name_key unique,
    sequence      bigint not null default 0,    -- of the newest delivery
    -- Up to which id each table is told; null: the hook does not ask for its events.
    told_changes  bigint,
    told_history  bigint,
    told_replies  bigint,
    told_opt_outs bigint,
    history_since timestamptz not null default now(),   -- when told_history was the newest id: no later row began a day earlier
    holder        text,                         -- which engine delivers, and until when unless it says so again
    held_until    timestamptz,
    failures      integer not null default 0,   -- calls in a row that failed
    paused_until  timestamptz,                  -- nothing is tried before this
    last_error    text,
    created_at    timestamptz not null default now(),
    constraint hooks_times_check
        check (least(history_since, held_until, paused_until, created_at) >= '1970-01-01 00:00:00+00'
               and greatest(history_since, held_until, paused_until, created_at) < '10000-01-01 00:00:00+00')
);

-- One call: which rows it tells of. Its body is made from them when it is sent.
create table hook_deliveries (
    hook_id     bigint not null constraint hook_deliveries_hook_fkey references hooks on delete cascade,
    sequence    bigint not null,                -- 1, 2, 3 …, in each hook
    message_id  text not null default 'msg_' || replace(gen_random_uuid()::text, '-', ''),
    source      text not null constraint hook_deliveries_source_check
                check (source in ('changes', 'history', 'replies', 'opt_outs')),
    after_row   bigint not null,                -- rows with a greater id ...
    last_row    bigint not null,                -- ... up to this one
    rows_since  timestamptz not null,           -- as history_since
    events      integer not null,
    made_at     timestamptz not null default now(),
    state       text not null default 'pending'
                constraint hook_deliveries_state_check check (state in ('pending', 'delivered', 'dead')),
    tries       integer not null default 0,
    next_try_at timestamptz not null default now(),
    give_up_at  timestamptz not null,
    tried_at    timestamptz,
    took_ms     integer,
    http_status smallint,
    error       text,
    constraint hook_deliveries_pkey primary key (hook_id, sequence),
    constraint hook_deliveries_times_check
        check (least(rows_since, made_at, next_try_at, give_up_at, tried_at) >= '1970-01-01 00:00:00+00'
               and greatest(rows_since, made_at, next_try_at, give_up_at, tried_at) < '10000-01-01 00:00:00+00')
);
create index hook_deliveries_due on hook_deliveries (hook_id, next_try_at) where state = 'pending';
create index hook_deliveries_made on hook_deliveries (made_at) where state <> 'pending';
