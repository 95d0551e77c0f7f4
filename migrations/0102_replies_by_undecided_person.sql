-- Whoever wrote something of which it is not known yet what it answers is found by their number.
-- Why: each follow-up leaves them out, and nearly no reply is such a one.
-- Locks: replies against writing for as long as its index is made, one look at each.

create index replies_undecided on replies (person_key(phone_number), at) where undecided_attempt is not null;
