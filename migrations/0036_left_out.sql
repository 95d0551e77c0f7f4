-- Which rows of its list a draft was made without, and why: counted by reason, with the first of them, so that a plan and a form that is
-- opened again can say it. One JSON value a blast, at most some 40 kB.
-- Locks: blasts exclusively for a moment; no row is written.

alter table blasts
    add column left_out jsonb constraint blasts_left_out_check check (jsonb_typeof(left_out) = 'object');

comment on column blasts.left_out is 'rows of the list that were left out: {total, reasons: [{reason, rows}], rows: [...], file}';
