-- A follow-up knows which blast it follows and whom it was made for, so that the two are shown as one.
-- Follow-ups that were made before are blasts of their own: nothing told them apart.
-- Locks: blasts exclusively for an instant, and while an index of nothing is built.

alter table blasts
    add column follows_blast   bigint constraint blasts_follows_fkey references blasts on delete set null,
    add column follows_stage   recipient_status,      -- where its people were stuck
    add column follows_seconds bigint;                -- for how long at least

create index blasts_follows on blasts (follows_blast) where follows_blast is not null;
