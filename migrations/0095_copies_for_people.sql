-- A copy of a blast whose people were found, by a filter or by the stage that they were stuck at, is for people as that blast is: it keeps the
-- people, and neither the filter nor the stage. So is each time of such a copy that repeats. One that was given a list since is not: its people
-- are those of the list.
-- Why: whoever had opted out at another number of theirs was left out of the blast, and got the copy of it.
-- Locks: blasts exclusively, while the copies that were made before are marked: a look at all acts of operators.

alter table blasts add column for_people boolean;

comment on column blasts.for_people is 'A copy whose people were found for another blast, and are in no list; null: any other blast';

with recursive copies as (
    select a.blast_id as id, (a.detail ->> 'from')::bigint as original, a.at as made_at
      from operator_actions a
     where a.action = 'create' and a.blast_id is not null and a.detail ->> 'from' ~ '^[0-9]{1,18}$'),
made as (
    select id, original, made_at from copies
     union all
    select id, pattern_blast, created_at from blasts where pattern_blast is not null),
lists as (
    select blast_id, min(at) as given_at from operator_actions
     where action = 'edit' and blast_id is not null and detail -> 'list' = 'true' group by blast_id),
found as (
    select c.id from copies c join blasts b on b.id = c.original
     where b.segment is not null or b.follows_stage is not null
     union
    select m.id from made m join found f on f.id = m.original
     where not exists (select from lists l where l.blast_id = f.id and l.given_at < m.made_at))
update blasts set for_people = true where id in (select id from found) and id not in (select blast_id from lists);
