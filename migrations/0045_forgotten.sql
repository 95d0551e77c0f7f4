-- People who asked to be forgotten: what is left of them are rows that count, under a stand-in for their number, and among the opt-outs
-- a keyed hash of the number, which lists are compared with. The key is a file of each machine, never a row: the numbers of a
-- whole country are tried in seconds by whoever has both.
-- Locks: operator_actions for one look at each row, some tenths of a second for a million acts.

set local statement_timeout = 0;

-- Numbers the stand-ins, `forgotten-1` and so on: one for each number that is forgotten, which tells nothing of it.
create sequence forgotten_people;

-- A text or JSON without what matches the pattern of a number, and without these words where one of them is a whole JSON string.
create function without_person(said text, number_pattern text, words text[]) returns text language plpgsql immutable as $$
declare
    word text;
begin
    said := regexp_replace(said, number_pattern, '0', 'g');
    foreach word in array words loop
        said := replace(said, to_json(word)::text, '"forgotten"');
    end loop;
    return said;
end $$;

-- The acts that come with this: added to those that the rule has, whichever these are by now.
do $$
declare
    rule text;
begin
    select pg_get_constraintdef(oid) into rule from pg_constraint
     where conname = 'operator_actions_action_check' and conrelid = 'operator_actions'::regclass;
    alter table operator_actions drop constraint operator_actions_action_check;
    execute 'alter table operator_actions add constraint operator_actions_action_check '
         || replace(rule, '''undo''::text', '''undo''::text, ''forget''::text, ''customer''::text');
end $$;
