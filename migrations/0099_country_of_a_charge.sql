-- The country by which a message to somebody who was forgotten is charged stays beside its price.
-- Why: a rate is of a country, which the number gives. With the number gone the rate card seemed to lack a line, and each person who was
-- forgotten made the bills of before smaller. A country of some millions says of nobody who they are.
-- Of those who are forgotten already it is not known any more, and stays null.
-- Locks: message_pricing for an instant.

alter table message_pricing add column country text;    -- two letters of ISO 3166, once its person was forgotten
