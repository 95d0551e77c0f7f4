-- Which customer a number was merged into, besides whose it is now: of merges in a chain (A into B, then B into C) taking back the one of
-- B gives A back with it, instead of leaving it with C. How the merges of before hang together is not known: each number is taken
-- to be merged into the customer whom it belongs to.
-- Locks: customer_numbers, for as long as it takes to write its few rows.

alter table customer_numbers add column merged_into text;
update customer_numbers set merged_into = customer;
alter table customer_numbers
    alter column merged_into set not null,
    add constraint customer_numbers_into_check check (merged_into <> person);
create index customer_numbers_into on customer_numbers (merged_into);
