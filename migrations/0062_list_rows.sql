-- Which row of its list somebody is from, so that a plan can name it; null where nobody was read from a table.
-- Locks: blast_recipients exclusively for an instant.

alter table blast_recipients add column list_row integer;

comment on column blast_recipients.list_row is 'row of the list that they were read from, as a spreadsheet counts it';
comment on column blasts.left_out is
    'rows of the list that were left out, and how it was read: {total, reasons: [{reason, rows}], rows: [...], file, is_pasted, columns: {phone, name, is_chosen}}';
