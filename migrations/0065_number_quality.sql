-- How people receive the messages of a number of Meta's, as Meta said last: green, yellow or red; null where it is not rated.
alter table senders add column quality text constraint senders_quality_check check (length(quality) between 1 and 60);
