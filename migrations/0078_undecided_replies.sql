-- Replies of people of whom it is not known whether they have the message that they may answer: kept at once, with that message.
-- Why: such a reply was shown to nobody for an hour, and its writer was sent the message once more.
-- Locks: replies, for an instant.

-- Which attempt it may answer, until that is known.
alter table replies add column undecided_attempt integer;
