-- Posts that a machine remembers and a database that went back in time has forgotten: each speaks against the next row by which the same
-- message is to go to the same person again.
-- Why: a step, or a blast that repeats, made its people anew after the confirmation, and they got the message a second time.
-- Locks: none that matter, the table is new.

-- What a message says before anybody's values, whatever its blanks. A hash that is the same on every server: it is compared with what a machine wrote down.
create function content_key(message text, template jsonb) returns bigint language sql stable parallel safe as $$
    select ('x' || left(encode(sha256(convert_to(
        btrim(regexp_replace(message, '\s+', ' ', 'g')) || E'\n' || coalesce(template::text, ''), 'UTF8')), 'hex'), 16))
           ::bit(64)::bigint
$$;

create table lost_posts (
    sender_id    bigint not null,
    phone_number text not null,
    blast        bigint not null,
    content      bigint not null,
    epoch        bigint not null,
    claimed_at   timestamptz not null,
    spent_on     bigint,      -- the row that it made uncertain: once somebody decided about that, it speaks against no other
    noted_at     timestamptz not null default now(),
    constraint lost_posts_pkey primary key (sender_id, phone_number, claimed_at)
);

create index lost_posts_person on lost_posts (person_key(phone_number), sender_id);
