-- A campaign's description in the schema compat, as the HTTP API has it.
-- Why: blasts have kept one since they can be made over the API, and readers of the view saw none.
-- Locks: that view for an instant.

-- The definition is edited, so that the view stays written in one place.
alter function create_compat() rename to create_compat_without_descriptions;

create function create_compat_descriptions() returns void language plpgsql set search_path from current as $create$
declare
    none constant text := 'NULL::text AS description';
    made constant text := pg_get_viewdef('compat."WhatsAppCampaign"'::regclass);
begin
    if strpos(made, none) = 0 then
        raise 'compat."WhatsAppCampaign" has no description to fill';
    end if;
    execute 'create or replace view compat."WhatsAppCampaign" as ' || replace(made, none, 'b.description');
end $create$;

create function create_compat() returns void language plpgsql set search_path from current as $create$
begin
    perform create_compat_without_descriptions();
    perform create_compat_descriptions();
end $create$;

do $$
begin
    perform create_compat();
exception when insufficient_privilege or wrong_object_type or invalid_table_definition then
    raise notice 'there is no schema compat: %; once that is mended, `select create_compat()` makes it', sqlerrm;
end $$;
