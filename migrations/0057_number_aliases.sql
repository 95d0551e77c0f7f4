-- By which other number WhatsApp knows somebody, as a provider's answer or a status of our message says it.
-- Why: in some countries WhatsApp keeps an account under a number from before a renumbering. A STOP then comes from a number that is in
-- no list, and must hold for the one that is.
-- Locks: none that anybody waits for.

create table number_aliases (
    alias        text not null,
    phone_number text not null,
    learned_at   timestamptz not null default now(),
    constraint number_aliases_pkey primary key (alias, phone_number),
    constraint number_aliases_times_check 
        check (learned_at >= '1970-01-01 00:00:00+00' and learned_at < '10000-01-01 00:00:00+00')
);
create index number_aliases_alias on number_aliases (person_key(alias));
create index number_aliases_person on number_aliases (person_key(phone_number));
