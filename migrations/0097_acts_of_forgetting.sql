-- The acts of forgetting, which name no blast, are found without those of all others that name none.
-- Why: each batch of evidence with a late failure, and each page of a retry, looks for what was lost with somebody who was forgotten. An import
-- of opt-outs leaves an act for each, and all of these were read.
-- Locks: operator_actions, for as long as it takes to read them once.

create index operator_actions_forgotten on operator_actions (id) where action = 'forget' and blast_id is null;
