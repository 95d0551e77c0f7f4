-- Answers to people who wrote, what came with their messages, and which kind of process sends.
-- An answer is a blast of its own to one person, so that it is claimed, journalled, fenced and recorded as every message is;
-- these columns say whom it answers and until when it may be sent, and leave it out of the lists.
-- Why: a number of Meta's Cloud API has no phone app to answer with; text is allowed within 24 hours of a person's last word.
-- Locks: blasts for a look at each row, a few thousand at most; operator_actions for one look at each row, some tenths of a
-- second for a million acts; replies while its indexes are built, some tenths of a second for 100,000.

alter table blasts
    add column answers_blast     bigint,               -- null: a blast as usual
    add column answers_recipient bigint,               -- the person there
    add column answer_until      timestamptz,          -- nobody is claimed from then on
    add column template_text     text,                 -- of a template: what people read, with its variables, as of the launch
    add constraint blasts_answer_check check (num_nulls(answers_blast, answers_recipient, answer_until) in (0, 3));
create index blasts_answers on blasts (answers_recipient) where answers_recipient is not null;
create index blasts_answers_open on blasts (answer_until) where answer_until is not null and state in ('sending', 'paused');

alter table operator_actions
    drop constraint operator_actions_action_check,
    add constraint operator_actions_action_check check (action in (
        'replied', 'closed', 'opt-out', 'note', 'resolve', 'launch', 'resume', 'pause', 'cancel', 'delete', 'retry', 'undo',
        'suppress', 'unsuppress', 'move-sender', 'repair', 'answer')) not valid;
do $$
begin
    alter table operator_actions validate constraint operator_actions_action_check;
exception when check_violation then
    raise notice 'older acts with other words stay as they are';
end $$;

-- Who sends, for people: which kind of process holds a lease. Null: an older version does.
alter table sender_leases add column engine text;

-- Newest first, all of them or those of a blast.
create index replies_received on replies (received_at, id);
create index replies_blast on replies (blast_id, received_at, id) where blast_id is not null;

-- Files that people sent: fetched once by the id in their message, and kept on the disk of the machine that fetched them.
create table reply_media (
    reply_id    bigint primary key constraint reply_media_reply_fkey references replies on delete cascade,
    sender_id   bigint not null,
    media_id    text not null,
    state       text not null default 'wanted'
                constraint reply_media_state_check check (state in ('wanted', 'stored', 'lost', 'dropped')),
    digest      text,                                  -- sha256 in hex: the name of the file
    mime_type   text,
    bytes       bigint,
    host        text,                                  -- which machine has the file
    reason      text,                                  -- why it is lost, or was not fetched yet
    tries       integer not null default 0,
    next_try_at timestamptz not null default now(),
    give_up_at  timestamptz not null,                  -- the provider has deleted it by then
    stored_at   timestamptz
);
create index reply_media_wanted on reply_media (next_try_at) where state = 'wanted';
create index reply_media_stored on reply_media (stored_at) where state = 'stored';
