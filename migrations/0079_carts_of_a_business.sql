-- Carts that wait: only an order at the cart's own business ends the wait.
-- Why: whoever ordered at another business of the same database got no follow-up to the cart that they left here.
-- Locks: the view, for an instant.

create or replace view waiting_carts as
    select c.id, c.blast_id, c.recipient_id, c.updated_at as since
      from carts c
      join senders s on s.id = c.sender_id
     where c.state = 'open'
       and not exists (select from orders o
                         join senders os on os.id = o.sender_id and os.business = s.business
                        where person_key(o.phone_number) = person_key(c.phone_number) and o.state <> 'cancelled'
                          and o.ordered_at >= c.created_at);
