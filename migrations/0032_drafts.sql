-- Drafts that somebody is still writing, and blasts that send to their first people and then wait for a person.
-- Why: a half-written message must be saved and never be sent; and whoever writes to many strangers sends to a few first.
-- Locks: blasts exclusively for an instant, to add columns without defaults.

alter table blasts
    add column unfinished   text,       -- of a draft: why it cannot be sent yet, in words; null: nothing known
    add column first_people integer,    -- it waits for a person after so many; null: it does not
    add column first_left   integer,    -- how many of them are not claimed yet; null: nobody is waited for (any more)
    add constraint blasts_first_check check (first_people > 0 and first_left between 0 and first_people);

comment on column blasts.unfinished is 'Of a draft that is being written: why it cannot be sent yet. A launch refuses it';
comment on column blasts.first_people is 'After so many people the blast waits until somebody resumes it';
