-- Which files of rejected rows this program wrote, and on which machine: whoever is forgotten is taken out of those that are still there,
-- and the others are named.
-- A campaign's `scheduledFor` in the schema compat, as the HTTP API has it: only of a blast that was to start at a time. A blast that was
-- sent at once had its launch time there.
-- Also takes the words of tags out of acts about people who were forgotten before.
-- A catalogue that a program wrote says so.
-- Locks: catalogues for an instant; that view for an instant; operator_actions for one look at each row, some tenths of a second for a million acts.

set local statement_timeout = 0;

create table rejected_files (
    host text not null,
    path text not null,
    constraint rejected_files_pkey primary key (host, path)
);

update operator_actions set detail = detail - 'tags' - 'without'
 where starts_with(phone_number, 'forgotten-') and detail ?| array['tags', 'without'];

alter table catalogues
    drop constraint catalogues_source_check,
    add constraint catalogues_source_check check (source in ('csv', 'api', 'meta'));

-- The definition is edited, so that the view stays written in one place.
alter function create_compat() rename to create_compat_without_schedules;

create function create_compat_schedules() returns void language plpgsql set search_path from current as $create$
declare
    launched constant text := '(b.send_after)::timestamp without time zone AS "scheduledFor"';
    made constant text := pg_get_viewdef('compat."WhatsAppCampaign"'::regclass);
begin
    if strpos(made, launched) = 0 then
        raise 'compat."WhatsAppCampaign" has no scheduledFor to mend';
    end if;
    -- What repeats has no start of its own once it ended.
    execute 'create or replace view compat."WhatsAppCampaign" as ' || replace(made, launched,
        '(case when b.repeat_rule is null or b.state = ''scheduled'' then b.scheduled_for end)::timestamp without time zone AS "scheduledFor"');
end $create$;

create function create_compat() returns void language plpgsql set search_path from current as $create$
begin
    perform create_compat_without_schedules();
    perform create_compat_schedules();
end $create$;

do $$
begin
    perform create_compat();
exception when insufficient_privilege or wrong_object_type or invalid_table_definition then
    raise notice 'there is no schema compat: %; once that is mended, `select create_compat()` makes it', sqlerrm;
end $$;
