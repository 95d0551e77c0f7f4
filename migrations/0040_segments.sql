-- Whom a blast goes to may be named by a filter over the people of earlier blasts. The text is kept as it was typed, and read again
-- until somebody sends the draft: its spans count back from then.
-- Locks: blasts exclusively for an instant, to add a column without a default.

alter table blasts add column segment text;

comment on column blasts.segment is 'The filter over earlier blasts that its people come from; null: a list';
