-- Numbers of the same person as they are written everywhere else, and a body as text whatever bytes it has.
-- Why: what an answer named was kept as it is displayed (`+60 12-345 6789`), so that a STOP from there held for nobody in a list. A body
-- with a zero byte is no text for Postgres, and nobody could be forgotten while there was one.
-- Locks: none that anybody waits for.

with plain as (
    delete from number_aliases where alias ~ '[^+0-9]' or phone_number ~ '[^+0-9]'
    returning regexp_replace(alias, '[^+0-9]', '', 'g') as alias, regexp_replace(phone_number, '[^+0-9]', '', 'g') as phone_number, learned_at)
insert into number_aliases (alias, phone_number, learned_at)
select alias, phone_number, learned_at from plain on conflict do nothing;

alter table number_aliases add constraint number_aliases_plain_check check (alias || phone_number !~ '[^+0-9]');

-- Among the opt-outs, what begins with a plus is a number; a keyed hash of somebody who was forgotten does not.
with plain as (
    delete from suppressions where phone_number ~ '^[+].*[^+0-9]'
    returning business, regexp_replace(phone_number, '[^+0-9]', '', 'g') as phone_number, reason, source, created_by, created_at)
insert into suppressions (business, phone_number, reason, source, created_by, created_at)
select distinct on (business, person_key(phone_number)) business, phone_number, reason, source, created_by, created_at
  from plain
 order by business, person_key(phone_number), source = 'operator', created_at
    on conflict (business, person_key(phone_number)) do nothing;

with plain as (
    delete from marketing_wishes where phone_number ~ '^[+].*[^+0-9]'
    returning business, regexp_replace(phone_number, '[^+0-9]', '', 'g') as phone_number, wish, at)
insert into marketing_wishes as w (business, phone_number, wish, at)
select distinct on (business, person_key(phone_number)) business, phone_number, wish, at
  from plain
 order by business, person_key(phone_number), at desc
    on conflict (business, person_key(phone_number)) do update set wish = excluded.wish, at = excluded.at where w.at < excluded.at;

-- A zero byte counts as a space: text has none.
create function as_latin1(body bytea) returns text language sql immutable parallel safe as $$
    select convert_from(case when position('\x00'::bytea in body) = 0 then body
                             else decode(replace(replace(regexp_replace(encode(body, 'hex'), '(..)', ' \1', 'g'), ' 00', ' 20'), ' ', ''), 'hex')
                        end, 'LATIN1')
$$;
