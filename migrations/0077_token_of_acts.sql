-- With which token an act was done over HTTP.
-- Why: the name of a token that was revoked is given to another, and may be an operator's: who had it took back the acts of either.
-- Locks: operator_actions, for an instant.

-- None of acts before this.
alter table operator_actions add column token_id bigint;
