-- Whoever is at *sent* is polled in order of when that was written, by the index for the newest changes; the one for polling has only those at
-- *delivered*.
-- Why: an entry for every send, 80 bytes of WAL, that nearly nobody is looked up by once webhooks come.
-- What was asked about is noted by the same time, which is a moment after the message was sent: a stretch that was noted reaches ten seconds
-- further.
-- Locks: blast_recipients against writers while the index is made: it reads the table once, about half a second for a million people.

set local statement_timeout = 0;

drop index blast_recipients_poll;
create index blast_recipients_poll on blast_recipients (blast_id, sent_at, id) where status = 'delivered';

update blast_polls p
   set asked = (select coalesce(range_agg(tstzrange(lower(one), upper(one) + interval '10 seconds',
                                                    case when lower_inc(one) then '[' else '(' end || case when upper_inc(one) then ']' else ')' end)), '{}')
                  from unnest(p.asked) as one);

-- Of whoever a message reached after a failure of it had been reported, when they were sent to was forgotten.
update blast_recipients set sent_at = coalesce(claimed_at, delivered_at, read_timestamp)
 where sent_at is null and standing in ('delivered', 'read') and coalesce(claimed_at, delivered_at, read_timestamp) is not null;
