-- What operators and lists say of people, beside what happened to them: tags, notes, which numbers are one person's, and where consent
-- came from. All by `person_key` of a number; everything else that is known of a customer is read from the people of blasts and from
-- replies, so that sending writes nothing more.
-- Locks: none that matter, everything here is new.

-- Numbers that belong to a customer who is known by another one. Always one step: `customer` is never itself in `person`.
create table customer_numbers (
    person    text not null constraint customer_numbers_pkey primary key,
    customer  text not null,
    merged_by text not null,
    merged_at timestamptz not null default now(),
    constraint customer_numbers_other_check check (person <> customer),
    constraint customer_numbers_times_check
        check (merged_at >= '1970-01-01 00:00:00+00' and merged_at < '10000-01-01 00:00:00+00')
);
create index customer_numbers_customer on customer_numbers (customer);

-- They stay with the number that they were given to, so that a merge that is taken back leaves each its own.
create table customer_tags (
    person    text not null,
    tag       text not null constraint customer_tags_tag_check check (length(tag) between 1 and 40),
    tagged_by text not null,
    tagged_at timestamptz not null default now(),
    constraint customer_tags_pkey primary key (person, tag),
    constraint customer_tags_times_check
        check (tagged_at >= '1970-01-01 00:00:00+00' and tagged_at < '10000-01-01 00:00:00+00')
);
create index customer_tags_tag on customer_tags (tag, person);

create table customer_notes (
    id         bigint generated always as identity constraint customer_notes_pkey primary key,
    person     text not null,
    note       text not null,
    written_by text not null,
    written_at timestamptz not null default now(),
    constraint customer_notes_times_check
        check (written_at >= '1970-01-01 00:00:00+00' and written_at < '10000-01-01 00:00:00+00')
);
create index customer_notes_person on customer_notes (person, id);

-- What a list said in its columns `consent_source` and `consent_at`, once for each thing that was said.
create table customer_consents (
    id       bigint generated always as identity constraint customer_consents_pkey primary key,
    person   text not null,
    source   text not null,
    given_at text not null default '',     -- as the list has it; empty: it does not say
    blast_id bigint not null,              -- whose list; the blast may be gone
    noted_at timestamptz not null default now(),
    constraint customer_consents_said_key unique (person, source, given_at),
    constraint customer_consents_times_check
        check (noted_at >= '1970-01-01 00:00:00+00' and noted_at < '10000-01-01 00:00:00+00')
);
