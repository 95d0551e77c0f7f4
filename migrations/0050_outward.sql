-- For other systems: edits of orders as webhooks, and customers' ids in the schema compat.
-- Why: whoever keeps orders elsewhere had the items as they were at first; and a reader of the views could not tell which customer a
-- recipient, an order or a cart is of.
-- Locks: order_edits against writers for an instant, to add a trigger; those views for an instant.

-- An edit is a change that leaves the state as it is.
create function note_order_edit() returns trigger language plpgsql as $$
begin
    insert into order_changes (order_id, old_state, new_state, by_whom)
    select o.id, o.state, o.state, new.by_whom from orders o where o.id = new.order_id;
    return null;
end $$;
create trigger note_edit after insert on order_edits for each row execute function note_order_edit();

-- The customer's id, as the HTTP API has it: what the program that made a recipient calls them, else the digits of the number that the
-- customer is known by. Whoever was forgotten has none. The definitions are edited, so that each view stays written in one place.
alter function create_compat() rename to create_compat_without_customers;

create function create_compat_customers() returns void language plpgsql set search_path from current as $create$
declare
    no_id  constant text := 'NULL::text AS "customerId"';
    digits constant text := 'case when %1$s.phone_number ~ ''^[+][1-9][0-9]+$'' then substr(person_key(%1$s.phone_number), 2) end';
    part   record;
    made   text;
begin
    for part in
        select * from (values
            ('WhatsAppCampaignRecipient', 'coalesce(r.external_id, ' || format(digits, 'r') || ')'),
            ('WhatsAppOrder', format(digits, 'o')),
            ('WhatsAppCart', format(digits, 'c'))) as v (name, id)
    loop
        made := pg_get_viewdef(format('compat.%I', part.name)::regclass);
        if strpos(made, no_id) = 0 then
            raise 'compat.% has no column "customerId" to fill', quote_ident(part.name);
        end if;
        execute format('create or replace view compat.%I as ', part.name)
                || replace(made, no_id, part.id || ' AS "customerId"');
    end loop;
end $create$;

create function create_compat() returns void language plpgsql set search_path from current as $create$
begin
    perform create_compat_without_customers();
    perform create_compat_customers();
end $create$;

do $$
begin
    perform create_compat();
exception when insufficient_privilege or wrong_object_type or invalid_table_definition then
    raise notice 'there is no schema compat: %; once that is mended, `select create_compat()` makes it', sqlerrm;
end $$;
