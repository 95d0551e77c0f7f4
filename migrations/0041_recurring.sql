-- Blasts that repeat: a pattern, which is itself never sent, and an occurrence for each of its times, which is a blast of its own.
-- The pattern's `scheduled_for` is its next time. Whoever makes an occurrence writes its row here, moves the pattern on to its next
-- time and makes the blast in one transaction; one row a time, so that no time has two blasts, whichever engines live.
-- The rule of times (`0020_times.sql`) is made anew, since a constraint names its columns.
-- Locks: blasts exclusively while it is read once: some tenths of a second for 100,000 rows.

set local statement_timeout = 0;

alter table blasts
    add column repeat_rule   text,          -- of a pattern: `every mon 09:00`, or five fields of cron
    add column repeat_until  timestamptz,   -- no occurrence from then on
    add column repeat_times  integer,       -- so many occurrences in all
    add column repeat_seen   integer,       -- so many have come
    add column at_most       integer,       -- an occurrence to more people waits for an operator
    add column pattern_blast bigint constraint blasts_pattern_fkey references blasts on delete set null,
    add column occurrence_at timestamptz,   -- of an occurrence: its time
    add constraint blasts_repeat_check check (
        repeat_times > 0 and at_most > 0
        and (repeat_rule is null or state in ('draft', 'scheduled', 'paused', 'completed', 'cancelled')));

comment on column blasts.repeat_rule is 'A pattern that occurs by this rule; it is never sent itself';
comment on column blasts.pattern_blast is 'The pattern that this blast is an occurrence of';

create index blasts_pattern on blasts (pattern_blast) where pattern_blast is not null;
create index blasts_patterns_due on blasts (scheduled_for) where repeat_rule is not null and state = 'scheduled';

create table blast_occurrences (
    pattern  bigint      not null constraint blast_occurrences_pattern_fkey references blasts on delete cascade,
    at       timestamptz not null,
    outcome  text        not null constraint blast_occurrences_outcome_check check (outcome in ('made', 'missed', 'skipped')),
    blast    bigint      constraint blast_occurrences_blast_fkey references blasts on delete set null,
    noted_at timestamptz not null default now(),
    constraint blast_occurrences_pkey primary key (pattern, at),
    constraint blast_occurrences_times_check
        check (least(at, noted_at) >= '1970-01-01 00:00:00+00' and greatest(at, noted_at) < '10000-01-01 00:00:00+00')
);

create index blast_occurrences_blast on blast_occurrences (blast) where blast is not null;

do $$
declare
    times text;
begin
    select string_agg(format('%I', column_name), ', ') into times
      from information_schema.columns
     where table_schema = current_schema() and table_name = 'blasts' and data_type = 'timestamp with time zone'
       and is_generated = 'NEVER';
    alter table blasts drop constraint if exists blasts_times_check;
    execute format('alter table blasts add constraint blasts_times_check
                        check (least(%1$s) >= ''1970-01-01 00:00:00+00'' and greatest(%1$s) < ''10000-01-01 00:00:00+00'')', times);
end $$;
