-- Orders for other systems: their changes as webhooks, and the shop's tables as views under the names that programs know.
-- Locks: hooks exclusively for an instant, to add a column without default; hook_deliveries while its rows' sources are checked.

alter table hooks add column told_orders bigint;
alter table hook_deliveries drop constraint hook_deliveries_source_check;
alter table hook_deliveries add constraint hook_deliveries_source_check
    check (source in ('changes', 'history', 'replies', 'opt_outs', 'opt_out_removals', 'orders'));

alter function create_compat() rename to create_compat_blasts;

create function create_compat_shop() returns void language plpgsql set search_path from current as $create$
begin
    create or replace view compat."WhatsAppCatalog" as
        select c.id::text as id, c.external_id as "catalogId", c.name, c.business, c.source,
               c.synced_at::timestamp as "syncedAt", c.created_at::timestamp as "createdAt", c.updated_at::timestamp as "updatedAt"
          from catalogues c;

    create or replace view compat."WhatsAppProduct" as
        select p.id::text as id, p.catalogue_id::text as "catalogId", p.external_id as "productId", p.sku as "retailerId", p.name,
               p.description, p.price, p.currency, p.availability, p.inventory, p.image_url as "imageUrl", p.url,
               p.removed_at is null as "isActive",
               p.created_at::timestamp as "createdAt", p.updated_at::timestamp as "updatedAt"
          from products p;

    create or replace view compat."WhatsAppProductVariant" as
        select v.id::text as id, v.product_id::text as "productId", v.sku as "retailerId", v.name, v.price, v.currency,
               v.availability, v.inventory, v.image_url as "imageUrl", v.removed_at is null as "isActive",
               v.created_at::timestamp as "createdAt", v.updated_at::timestamp as "updatedAt"
          from product_variants v;

    create or replace view compat."WhatsAppOrder" as
        select o.id::text as id, o.blast_id::text as "campaignId", o.recipient_id::text as "recipientId",
               null::text as "customerId", o.phone_number as "phoneNumber", o.name, o.catalogue as "catalogId",
               o.state::text as status, o.source, o.note, o.message_id as "messageId", o.total as "totalAmount", o.currency,
               o.ordered_at::timestamp as "orderedAt", o.created_at::timestamp as "createdAt",
               o.updated_at::timestamp as "updatedAt"
          from orders o;

    create or replace view compat."WhatsAppOrderItem" as
        select i.id::text as id, i.order_id::text as "orderId", i.product_id::text as "productId",
               i.variant_id::text as "variantId", i.sku as "productRetailerId", i.name, i.quantity, i.price, i.currency,
               i.quantity * i.price as "totalPrice"
          from order_items i;

    declare
        part record;
    begin
        for part in
            select * from (values
                ('WhatsAppCatalog', 'catalogues are read by blastdeck catalog import, or POST /api/whatsapp/catalogs'),
                ('WhatsAppProduct', 'products are read by blastdeck catalog import, or POST /api/whatsapp/catalogs'),
                ('WhatsAppProductVariant', 'products are read by blastdeck catalog import, or POST /api/whatsapp/catalogs'),
                ('WhatsAppOrder', 'orders are made by blastdeck order add, or POST /api/whatsapp/orders'),
                ('WhatsAppOrderItem', 'orders are made by blastdeck order add, or POST /api/whatsapp/orders')) as v (name, use)
        loop
            execute format('create or replace trigger refuse_rows instead of insert or update or delete on compat.%I
                            for each row execute function compat.refuse(%L)', part.name, part.use);
            execute format('create or replace trigger refuse_statements after insert or update or delete on compat.%I
                            for each statement execute function compat.refuse(%L)', part.name, part.use);
        end loop;
    end;
end $create$;

create function create_compat() returns void language plpgsql set search_path from current as $create$
begin
    perform create_compat_blasts();
    perform create_compat_shop();
end $create$;

do $$
begin
    perform create_compat();
exception when insufficient_privilege or wrong_object_type or invalid_table_definition then
    raise notice 'there is no schema compat: %; once that is mended, `select create_compat()` makes it', sqlerrm;
end $$;
