-- What the dashboard shows as activity: replies, opt-outs, failures, marks, changes of blasts and notices, newest first; up to where
-- each operator has seen it; and who has a dashboard open.
-- Why: each of these is in a table of its own already. A page of them is cut by time from one index a table, so that it costs the
-- same whatever is older; the index on the history holds failures and doubts alone, so that no other change of status pays for it.
-- Locks: replies, suppressions, operator_actions, blast_changes, provider_notices and each month of the history against writers while their
-- indexes are made: about a second for a million rows.

set local statement_timeout = 0;

create index suppressions_created on suppressions (created_at, id);
create index operator_actions_at on operator_actions (at, id);
create index blast_changes_at on blast_changes (at, id);
create index provider_notices_received on provider_notices (received_at, id);
create index replies_strangers on replies (received_at) where recipient_id is null;
create index status_history_troubles on status_history (changed_at, id) where new_status in ('failed', 'uncertain');

-- Up to when an operator has seen what happened: what others did later is counted as new.
create table activity_seen (
    operator text constraint activity_seen_pkey primary key,
    seen_at  timestamptz not null default now(),
    constraint activity_seen_times_check check (seen_at >= '1970-01-01 00:00:00+00' and seen_at < '10000-01-01 00:00:00+00')
);

-- One row for each open dashboard, renewed once a minute. One that is not renewed is a window that ended without saying so.
create table open_dashboards (
    window_name text constraint open_dashboards_pkey primary key, -- the process, as in leases
    operator    text not null,
    renewed_at  timestamptz not null default now(),
    constraint open_dashboards_times_check check (renewed_at >= '1970-01-01 00:00:00+00'
                                                  and renewed_at < '10000-01-01 00:00:00+00')
);
