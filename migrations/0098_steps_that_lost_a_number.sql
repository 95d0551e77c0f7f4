-- A step notes itself that its words, or a value that they send, lost the number of somebody who was forgotten, until it gets other words or
-- somebody lets it send by itself as it is.
-- Why: the act of forgetting named the step, by the time of which a resume was asked about. A copy of the step has another name, and an edit
-- or a resume of a step that asks before it sends moved the time, so that it was let send by itself unasked; other words did not end it.
-- Those that an act names after their last change, or since they were paused, have lost it as before; of their copies nothing is known.
-- Locks: blast_steps, for as long as it takes to read the acts of forgetting once.

alter table blast_steps add column lost_number boolean not null default false;

with lost as materialized (
    select a.at, l.named
      from operator_actions a
     cross join lateral jsonb_array_elements_text(case when jsonb_typeof(a.detail -> 'steps') = 'array'
                                                       then a.detail -> 'steps' else '[]'::jsonb end) as l (named)
     where a.blast_id is null and a.action = 'forget')
update blast_steps s
   set lost_number = true
  from lost
 where lost.named = 'step ' || s.number || ' of blast ' || s.blast
   and lost.at > least(coalesce(s.due_from, s.created_at), s.paused_at);
