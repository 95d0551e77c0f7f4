-- People by their newest change, at any size of a blast: each status is one walk of this index from its end, and a screen of the list
-- costs the same for a million people as for a hundred. Every change of a status adds an entry of about 100 bytes (a sixth more WAL of the
-- table's own updates; their duration did not change measurably). Making it locks the table against writers: about two seconds per
-- million people.
create index blast_recipients_newest on blast_recipients (blast_id, status, changed_at, id desc);
