-- Steps that count from a cart: `since` and `until` are null, and the step is for whoever has had a cart for so long and ordered nothing.
-- And what a stored request was: of one that named somebody who was forgotten nothing is kept that a guess of their number could confirm.
-- Where anybody was forgotten before, that goes for every request so far; they are kept for two days anyway.
-- Locks: blast_steps and api_requests exclusively for an instant.

alter table blast_steps
    alter column since drop not null,
    alter column until drop not null,
    add constraint blast_steps_cart_check check ((since is null) = (until is null));

comment on column blast_steps.since is 'The stage whose time it counts from; null: the cart';
comment on column blast_steps.until is 'Whoever reached this stage gets nothing; null: whoever ordered';

alter table api_requests
    alter column fingerprint drop not null;   -- null: it is not compared

comment on column api_requests.fingerprint is
    'SHA-256 of method, address and body; on a machine with a key of forgotten people its keyed hash, behind the key''s id; null: not compared';

update api_requests
   set fingerprint = null
 where token_id >= 0 and exists (select from suppressions where phone_number like 'forgotten:%');
