-- Webhooks as they came, and what is learned from them: replies, business-scoped user ids, wishes about marketing, what a
-- message is charged as, and notices about accounts and templates.
-- Why: statuses and replies arrive by themselves; a request is answered 200 once its bytes are here, and applied later.
-- Locks: none that matter, everything here is new.

-- One row a request, whatever is in it. By day, so that old days are dropped whole; a request that is repeated on the same
-- day is kept once.
create table webhook_inbox (
    id           bigint generated always as identity,
    received_on  date not null default (now() at time zone 'UTC')::date,
    received_at  timestamptz not null default now(),
    provider     text not null constraint webhook_inbox_provider_check check (provider in ('meta', 'wsapme')),
    senders      bigint[],                      -- whose secret its address had; null: the body names the number
    content_type text,
    digest       bytea not null,                -- of the provider, these senders and the body
    body         bytea not null,
    state        text not null default 'new'
                 constraint webhook_inbox_state_check check (state in ('new', 'applied', 'parked', 'failed')),
    items        integer,                       -- how many pieces of news are in it, once it was read
    open_items   integer[],                     -- those that wait, by position; null: all are still to be applied
    failed_items integer[],                     -- those that could not be applied
    waits_for    text[],                        -- the message ids that the open ones wait for
    reason       text,                          -- why it is parked or failed, in words
    tries        integer not null default 0,
    next_try_at  timestamptz not null default now(),
    applied_at   timestamptz,
    constraint webhook_inbox_pkey primary key (received_on, id),
    constraint webhook_inbox_digest_key unique (received_on, digest)
) partition by range (received_on);
create index webhook_inbox_due on webhook_inbox (next_try_at, id) where state in ('new', 'parked');
create index webhook_inbox_failed on webhook_inbox (id) where state = 'failed';

-- Makes the days from yesterday to a week ahead where they are missing. Made apart first, so that attaching locks only for an
-- instant.
create function ensure_inbox_partitions() returns integer language plpgsql as $$
declare
    today date := (now() at time zone 'UTC')::date;
    day   date;
    part  text;
    made  integer := 0;
begin
    for n in -1..7 loop
        day := today + n;
        part := 'webhook_inbox_' || to_char(day, 'YYYY_MM_DD');
        if to_regclass(part) is null then
            execute format('create table %I (like webhook_inbox including defaults including constraints)', part);
            execute format('alter table webhook_inbox attach partition %I for values from (%L) to (%L)', part, day, day + 1);
            made := made + 1;
        end if;
    end loop;
    return made;
end $$;
select ensure_inbox_partitions();

-- What people wrote, pressed or sent.
create table replies (
    id           bigint generated always as identity primary key,
    sender_id    bigint not null constraint replies_sender_fkey references senders on delete cascade,
    blast_id     bigint,                        -- the blast that it answers; null: none that is known
    recipient_id bigint,
    phone_number text,                          -- null where only the user id is known
    user_id      text,
    name         text,                          -- as their profile has it
    kind         text not null,                 -- text, button, list, image and so on
    body         text not null,                 -- the text, or a word for what it is
    payload      text,                          -- of a button or a list's line
    media_id     text,
    message_id   text not null,
    quoted_id    text,
    at           timestamptz not null,
    received_at  timestamptz not null default now(),
    constraint replies_sender_message_key unique (sender_id, message_id)
);
create index replies_recipient on replies (recipient_id, at) where recipient_id is not null;
create index replies_person on replies (person_key(phone_number), at);

-- Meta's id of a person within a business, and their number as far as it was seen beside it.
create table user_ids (
    business     text not null,
    user_id      text not null,
    phone_number text not null,
    learned_at   timestamptz not null default now(),
    constraint user_ids_pkey primary key (business, user_id)
);

-- The last wish about marketing of each person, by the provider's time: an older one that comes late changes nothing.
create table marketing_wishes (
    business     text not null,
    phone_number text not null,
    wish         text not null constraint marketing_wishes_wish_check check (wish in ('stop', 'resume')),
    at           timestamptz not null
);
create unique index marketing_wishes_person_key on marketing_wishes (business, person_key(phone_number));

-- What Meta charges a message as. Counted once a message, and only when it was delivered.
create table message_pricing (
    sender_id    bigint not null,
    message_id   text not null,
    blast_id     bigint not null,
    recipient_id bigint not null,
    category     text,
    kind         text,
    model        text,
    billable     boolean,
    is_delivered boolean not null,
    updated_at   timestamptz not null default now(),
    constraint message_pricing_pkey primary key (sender_id, message_id)
);
create index message_pricing_blast on message_pricing (blast_id) where is_delivered;

-- Notices about accounts, numbers and templates. Each acts once: one that is read again is here already.
create table provider_notices (
    id          bigint generated always as identity primary key,
    digest      bytea not null constraint provider_notices_digest_key unique,
    provider    text not null,
    account     text,                           -- the business account's id
    field       text not null,
    subject     text,                           -- the template or number
    words       text not null,                  -- the provider's, for people
    effect      text,                           -- what was stopped or paused because of it
    at          timestamptz not null,
    received_at timestamptz not null default now()
);
create index provider_notices_newest on provider_notices (at desc);
