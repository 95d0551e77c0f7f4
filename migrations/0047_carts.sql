-- Carts: what somebody in a blast puts together before they order it.
-- Why: "a cart, but no order for a day" is where people are lost, and a follow-up can bring them back.
-- Money is `numeric` without a scale, as in orders. An order is written from a cart once: its id stands in the cart.
-- Locks: none, everything here is new; the schema compat's functions are replaced.

create type cart_state as enum ('open', 'ordered', 'abandoned');

create table carts (
    id            bigint generated always as identity constraint carts_pkey primary key,
    sender_id     bigint not null constraint carts_sender_fkey references senders on delete cascade,
    blast_id      bigint not null,
    recipient_id  bigint not null,
    phone_number  text not null,
    name          text,
    note          text,
    state         cart_state not null default 'open',
    total         numeric constraint carts_total_check check (total >= 0 and total <> 'NaN'),   -- null: it cannot be added up
    currency      text,
    order_id      bigint constraint carts_order_fkey references orders on delete set null,
    created_by    text not null,
    state_by      text,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),   -- its items, note or state
    constraint carts_order_key unique (order_id),
    constraint carts_order_state_check check (order_id is null or state = 'ordered'),
    constraint carts_times_check
        check (least(created_at, updated_at) >= '1970-01-01 00:00:00+00'
               and greatest(created_at, updated_at) < '10000-01-01 00:00:00+00')
);
create index carts_blast on carts (blast_id, id);
create index carts_recipient on carts (recipient_id, id);
create index carts_person on carts (person_key(phone_number));
create index carts_state on carts (state, id);

create table cart_items (
    id         bigint generated always as identity constraint cart_items_pkey primary key,
    cart_id    bigint not null constraint cart_items_cart_fkey references carts on delete cascade,
    position   integer not null,
    sku        text not null,
    name       text,                            -- of the product, when it was put in; null: no catalogue has it
    product_id bigint constraint cart_items_product_fkey references products on delete set null,
    variant_id bigint constraint cart_items_variant_fkey references product_variants on delete set null,
    quantity   numeric not null,
    price      numeric,                         -- of one; null: no catalogue has one
    currency   text,
    constraint cart_items_position_key unique (cart_id, position)
);
create index cart_items_product on cart_items (product_id);
create index cart_items_variant on cart_items (variant_id);

-- Carts that wait: open, and whose person ordered nothing since.
create view waiting_carts as
    select c.id, c.blast_id, c.recipient_id, c.updated_at as since
      from carts c
     where c.state = 'open'
       and not exists (select from orders o
                        where person_key(o.phone_number) = person_key(c.phone_number) and o.state <> 'cancelled'
                          and o.ordered_at >= c.created_at);

alter function create_compat() rename to create_compat_orders;

create function create_compat_carts() returns void language plpgsql set search_path from current as $create$
begin
    create or replace view compat."WhatsAppCart" as
        select c.id::text as id, c.blast_id::text as "campaignId", c.recipient_id::text as "recipientId",
               null::text as "customerId", c.phone_number as "phoneNumber", c.name, c.state::text as status, c.note,
               c.total as "totalAmount", c.currency, c.order_id::text as "orderId",
               c.created_at::timestamp as "createdAt", c.updated_at::timestamp as "updatedAt"
          from carts c;

    create or replace view compat."WhatsAppCartItem" as
        select i.id::text as id, i.cart_id::text as "cartId", i.product_id::text as "productId",
               i.variant_id::text as "variantId", i.sku as "productRetailerId", i.name, i.quantity, i.price, i.currency,
               i.quantity * i.price as "totalPrice"
          from cart_items i;

    declare
        part text;
    begin
        foreach part in array array['WhatsAppCart', 'WhatsAppCartItem']
        loop
            execute format('create or replace trigger refuse_rows instead of insert or update or delete on compat.%I
                            for each row execute function compat.refuse(%L)', part,
                           'carts are made by blastdeck cart add, or POST /api/whatsapp/carts');
            execute format('create or replace trigger refuse_statements after insert or update or delete on compat.%I
                            for each statement execute function compat.refuse(%L)', part,
                           'carts are made by blastdeck cart add, or POST /api/whatsapp/carts');
        end loop;
    end;
end $create$;

create function create_compat() returns void language plpgsql set search_path from current as $create$
begin
    perform create_compat_orders();
    perform create_compat_carts();
end $create$;

do $$
begin
    perform create_compat();
exception when insufficient_privilege or wrong_object_type or invalid_table_definition then
    raise notice 'there is no schema compat: %; once that is mended, `select create_compat()` makes it', sqlerrm;
end $$;
