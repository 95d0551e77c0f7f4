-- Who is in flight stands in their claim, and their own row says `queued` meanwhile: a row does not say `sending`.
-- Why: a hand in psql could write it of somebody whom nobody had claimed. No engine swept them, their blast had no end and no reason for that,
-- and those who were uncertain in it were not shown as asking. Whoever stands so is uncertain now: nobody knows what was meant.
-- Locks: blast_recipients until the end, about half a second per million people.

set local statement_timeout = 0;

update blast_recipients
   set status = 'uncertain', standing = 'uncertain', changed_at = now(), reason = 'the row said `sending`, and no engine had claimed it'
 where status = 'sending' or standing = 'sending';

alter table blast_recipients
    add constraint blast_recipients_sending_is_by_claim_check check (status <> 'sending' and standing <> 'sending');
