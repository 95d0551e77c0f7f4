-- Lists of people that are kept under a name, as an audience: `--from 'list:raya'`. Their people are no customers yet, nor in a blast.
-- And which of Meta's accounts a catalogue was read for: WhatsApp shows the products of the account's own catalogues alone.
-- Locks: catalogues exclusively for an instant.

create table saved_lists (
    id         bigint generated always as identity constraint saved_lists_pkey primary key,
    name       text not null constraint saved_lists_name_check check (length(name) between 1 and 40),
    saved_by   text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),          -- when its people were read last
    constraint saved_lists_times_check
        check (least(created_at, updated_at) >= '1970-01-01 00:00:00+00'
               and greatest(created_at, updated_at) < '10000-01-01 00:00:00+00')
);
create unique index saved_lists_name on saved_lists (lower(name));

create table saved_list_people (
    id           bigint generated always as identity constraint saved_list_people_pkey primary key,
    list_id      bigint not null constraint saved_list_people_list_fkey references saved_lists on delete cascade,
    phone_number text not null,
    name         text,
    variables    jsonb
);
create unique index saved_list_people_person on saved_list_people (list_id, person_key(phone_number));
create index saved_list_people_number on saved_list_people (person_key(phone_number));

alter table catalogues add column accounts text[] not null default '{}';

comment on column catalogues.accounts is
    'Ids of the business accounts that a catalogue of Meta''s was read for; empty: read before this was noted, and counts for every one';

-- The two models of before that the documents' models point to, by the ids that the other views have: who was in a blast or wrote, and
-- what was sent and written.
alter function create_compat() rename to create_compat_without_people;

create function create_compat_people() returns void language plpgsql set search_path from current as $create$
begin
    create or replace view compat."Customer" as
        select substr(p.person, 2) as id, (array_agg(p.phone_number order by p.seen_at desc))[1] as "phoneNumber",
               (array_agg(p.name order by p.seen_at desc) filter (where p.name is not null))[1] as name,
               coalesce(min(p.first_at), min(p.seen_at))::timestamp as "createdAt", max(p.seen_at)::timestamp as "updatedAt"
          from (select person_key(r.phone_number) as person, r.phone_number, r.name, r.changed_at as seen_at, r.sent_at as first_at
                  from blast_recipients r join blasts b on b.id = r.blast_id
                 where b.deleted_at is null and b.answer_until is null and r.phone_number ~ '^[+][1-9][0-9]+$'
                 union all
                select person_key(w.phone_number), w.phone_number, w.name, w.received_at, w.at from replies w
                 where w.phone_number ~ '^[+][1-9][0-9]+$') p
         group by p.person;

    create or replace view compat."WhatsAppMessage" as
        select r.id || '-' || r.attempt as id, r.blast_id::text as "campaignId", r.id::text as "recipientId",
               coalesce(r.external_id, case when r.phone_number ~ '^[+][1-9][0-9]+$' then substr(person_key(r.phone_number), 2) end)
                   as "customerId",
               r.phone_number as "phoneNumber", 'outbound' as direction,
               case when b.template is not null then 'template' else 'text' end as type, r.message_text as body,
               case r.status when 'replied' then 'read' when 'closed' then 'read' when 'uncertain' then 'sending'
                             else r.status::text end as status,
               r.message_id as "messageId", r.sent_at::timestamp as "sentAt", r.delivered_at::timestamp as "deliveredAt",
               r.read_timestamp::timestamp as "readAt", r.failed_at::timestamp as "failedAt", r.error_code as "errorCode",
               r.error_message as "errorMessage", coalesce(r.sent_at, r.changed_at)::timestamp as "createdAt"
          from blast_recipients r join blasts b on b.id = r.blast_id
         where b.deleted_at is null and b.answer_until is null
           and r.status in ('sent', 'delivered', 'read', 'replied', 'closed', 'failed', 'uncertain')
         union all
        select 'reply-' || w.id, w.blast_id::text, w.recipient_id::text,
               coalesce(r.external_id, case when w.phone_number ~ '^[+][1-9][0-9]+$' then substr(person_key(w.phone_number), 2) end),
               w.phone_number, 'inbound', w.kind, w.body, 'received', w.message_id, w.at::timestamp, w.received_at::timestamp,
               null, null, null, null, w.received_at::timestamp
          from replies w left join blast_recipients r on r.id = w.recipient_id;

    declare
        part record;
    begin
        for part in
            select * from (values
                ('Customer', 'customers are who was in a blast: blastdeck customer tag, note and merge say what is known of them'),
                ('WhatsAppMessage', 'messages are sent by blastdeck blast send, or POST /api/whatsapp/campaigns')) as v (name, use)
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
    perform create_compat_without_people();
    perform create_compat_people();
end $create$;

do $$
begin
    perform create_compat();
exception when insufficient_privilege or wrong_object_type or invalid_table_definition then
    raise notice 'there is no schema compat: %; once that is mended, `select create_compat()` makes it', sqlerrm;
end $$;
