-- Catalogues with their products and variants, and orders with their items.
-- Why: a Meta order was a reply without its items. An order now belongs to the blast it answers, keeps prices as they were sent,
-- and says how much of its person's amount is its own, so that a cancelled one takes back that much and no more.
-- Money is `numeric` without a scale: what was sent is kept to its last digit.
-- Locks: none, everything here is new.

create table catalogues (
    id          bigint generated always as identity constraint catalogues_pkey primary key,
    business    text not null,
    external_id text,                           -- Meta's id; null: of a file
    name        text not null,
    source      text not null constraint catalogues_source_check check (source in ('csv', 'meta')),
    synced_at   timestamptz,                    -- when it was last read whole
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    constraint catalogues_external_key unique (business, external_id),
    constraint catalogues_times_check
        check (least(synced_at, created_at, updated_at) >= '1970-01-01 00:00:00+00'
               and greatest(synced_at, created_at, updated_at) < '10000-01-01 00:00:00+00')
);
create unique index catalogues_name on catalogues (business, name) where external_id is null;

create table products (
    id           bigint generated always as identity constraint products_pkey primary key,
    catalogue_id bigint not null constraint products_catalogue_fkey references catalogues on delete cascade,
    sku          text not null,                 -- Meta's retailer id; of a group of variants, the group's
    external_id  text,                          -- Meta's id
    name         text not null,
    description  text,
    price        numeric constraint products_price_check check (price >= 0 and price <> 'NaN'),
    currency     text,
    availability text not null default 'in stock',
    inventory    bigint constraint products_inventory_check check (inventory >= 0),
    image_url    text,
    url          text,
    removed_at   timestamptz,                   -- the catalogue has it no more
    created_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now(),
    constraint products_catalogue_sku_key unique (catalogue_id, sku),
    constraint products_times_check
        check (least(removed_at, created_at, updated_at) >= '1970-01-01 00:00:00+00'
               and greatest(removed_at, created_at, updated_at) < '10000-01-01 00:00:00+00')
);

create table product_variants (
    id           bigint generated always as identity constraint product_variants_pkey primary key,
    product_id   bigint not null constraint product_variants_product_fkey references products on delete cascade,
    catalogue_id bigint not null constraint product_variants_catalogue_fkey references catalogues on delete cascade,
    sku          text not null,
    external_id  text,
    name         text not null,
    price        numeric constraint product_variants_price_check check (price >= 0 and price <> 'NaN'),
    currency     text,
    availability text not null default 'in stock',
    inventory    bigint constraint product_variants_inventory_check check (inventory >= 0),
    image_url    text,
    removed_at   timestamptz,
    created_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now(),
    constraint product_variants_catalogue_sku_key unique (catalogue_id, sku),
    constraint product_variants_times_check
        check (least(removed_at, created_at, updated_at) >= '1970-01-01 00:00:00+00'
               and greatest(removed_at, created_at, updated_at) < '10000-01-01 00:00:00+00')
);
create index product_variants_product on product_variants (product_id);

-- What can be ordered: each variant, and each product that has none.
create view catalogue_items as
    select c.business, c.external_id as catalogue_external_id, v.catalogue_id, v.product_id, v.id as variant_id, v.sku,
           p.name || case when v.name = p.name then '' else ', ' || v.name end as name,
           coalesce(v.price, p.price) as price, coalesce(v.currency, p.currency) as currency, v.availability, v.inventory,
           coalesce(v.removed_at, p.removed_at) as removed_at
      from product_variants v join products p on p.id = v.product_id join catalogues c on c.id = v.catalogue_id
    union all
    select c.business, c.external_id, p.catalogue_id, p.id, null, p.sku, p.name, p.price, p.currency, p.availability, p.inventory,
           p.removed_at
      from products p join catalogues c on c.id = p.catalogue_id
     where not exists (select from product_variants v where v.product_id = p.id and v.removed_at is null);

create type order_state as enum ('new', 'confirmed', 'paid', 'fulfilled', 'cancelled');

create table orders (
    id            bigint generated always as identity constraint orders_pkey primary key,
    sender_id     bigint not null constraint orders_sender_fkey references senders on delete cascade,
    blast_id      bigint,                       -- the blast that it answers; null: none that is known
    recipient_id  bigint,
    phone_number  text,                         -- null where only the user id is known
    user_id       text,
    name          text,
    catalogue     text,                         -- as the message names it
    note          text,                         -- what they wrote with it
    state         order_state not null default 'new',
    source        text not null constraint orders_source_check check (source in ('webhook', 'operator')),
    message_id    text,                         -- of the message that it came in
    total         numeric constraint orders_total_check check (total >= 0 and total <> 'NaN'),   -- null: it cannot be added up
    currency      text,
    unreadable    integer not null default 0,   -- items that could not be read
    raw           jsonb,                        -- as it came
    -- The act that closed its person or added to their amount: while that stands, the order counts.
    action_id     bigint,
    counted       numeric(12, 2),               -- how much of its person's amount is its own
    uncounted     text,                         -- why that is nothing
    ordered_at    timestamptz not null,
    created_by    text,
    state_by      text,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    constraint orders_sender_message_key unique (sender_id, message_id),
    constraint orders_times_check
        check (least(ordered_at, created_at, updated_at) >= '1970-01-01 00:00:00+00'
               and greatest(ordered_at, created_at, updated_at) < '10000-01-01 00:00:00+00')
);
create index orders_blast on orders (blast_id, id) where blast_id is not null;
create index orders_recipient on orders (recipient_id, id) where recipient_id is not null;
create index orders_person on orders (person_key(phone_number));
create index orders_state on orders (state, id);

create table order_items (
    id         bigint generated always as identity constraint order_items_pkey primary key,
    order_id   bigint not null constraint order_items_order_fkey references orders on delete cascade,
    position   integer not null,
    sku        text not null,
    name       text,                            -- of the product, when it was ordered; null: no catalogue has it
    product_id bigint constraint order_items_product_fkey references products on delete set null,
    variant_id bigint constraint order_items_variant_fkey references product_variants on delete set null,
    quantity   numeric not null,
    price      numeric,                         -- of one
    currency   text,
    constraint order_items_position_key unique (order_id, position)
);
create index order_items_product on order_items (product_id);
create index order_items_variant on order_items (variant_id);

-- Every change of an order's state, its making included.
create table order_changes (
    id        bigint generated always as identity constraint order_changes_pkey primary key,
    order_id  bigint not null constraint order_changes_order_fkey references orders on delete cascade,
    old_state order_state,                      -- null: it was made
    new_state order_state not null,
    by_whom   text,
    at        timestamptz not null default now(),
    constraint order_changes_times_check check (at >= '1970-01-01 00:00:00+00' and at < '10000-01-01 00:00:00+00')
);
create index order_changes_order on order_changes (order_id, id);

create function note_order_change() returns trigger language plpgsql as $$
begin
    insert into order_changes (order_id, old_state, new_state, by_whom)
    values (new.id, case when tg_op = 'UPDATE' then old.state end, new.state, coalesce(new.state_by, new.created_by));
    return null;
end $$;
create trigger note_creation after insert on orders for each row execute function note_order_change();
create trigger note_change after update of state on orders
    for each row when (old.state is distinct from new.state) execute function note_order_change();
