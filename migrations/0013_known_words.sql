-- Has the database refuse acts that no version knows, and a stop that only a configuration can have.
-- Why: an act is read by its word: one that is misspelled, by hand or by a fault of ours, is an act that nobody can take back
-- and no list explains. Outcomes of attempts are checked since `0001_blasts.sql`; a stop's code is the provider's own, any
-- text, but `config` is a word of a process, never of a row.
-- Old rows stay as they are, and are read as before: where one has an unknown word, the constraint holds for new rows alone,
-- and the upgrade goes on.
-- Locks: operator_actions for one look at each row, some tenths of a second for a million acts; senders for an instant.

set local statement_timeout = 0;

alter table operator_actions
    add constraint operator_actions_action_check check (action in (
        'replied', 'closed', 'opt-out', 'note', 'resolve', 'launch', 'resume', 'pause', 'cancel', 'delete', 'retry', 'undo',
        'suppress', 'unsuppress', 'move-sender', 'repair')) not valid;
alter table senders
    add constraint senders_stopped_code_check check (stopped_code <> 'config') not valid;

do $$
begin
    alter table operator_actions validate constraint operator_actions_action_check;
exception when check_violation then
    raise notice 'older acts with other words stay as they are';
end $$;

do $$
begin
    alter table senders validate constraint senders_stopped_code_check;
exception when check_violation then
    update senders set stopped_code = '' where stopped_code = 'config';
    alter table senders validate constraint senders_stopped_code_check;
end $$;
