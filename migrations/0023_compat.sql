-- A schema `compat` for programs that were written for other tables: views with the names and status words that they know,
-- `PENDING`, `DELIVERY_ACK` and the like (docs/COMPAT.md). Only people who count in Sent are in `compat.blast_recipients`, and only
-- blasts with such people in `compat.blasts`, so that a query over them gives the funnel's numbers. What is written there is refused
-- with the call to use instead.
-- Why a function: a role that may not create schemas migrates without the views, and calls it once it may.
-- Later migrations that change the type of a column named here, or drop it, drop its view first and make it again.
-- Locks: none that matter, everything here is new.

create function create_compat() returns void language plpgsql set search_path from current as $create$
begin
    create schema if not exists compat;

    -- Keys keep their type and times their zone's: a cast of `id` would keep every index from being used.
    create or replace view compat.blasts as
        select b.id, b.blast_tag, b.blast_date::timestamp as blast_date, b.blast_date::time as blast_time, b.follow_up_stage,
               b.total_recipients, b.created_at::timestamp as created_at, b.updated_at::timestamp as updated_at
          from blasts b
         where b.deleted_at is null and b.answer_until is null
           and exists (select from blast_recipients r
                        where r.blast_id = b.id and r.status in ('sent', 'delivered', 'read', 'replied', 'closed'));

    create or replace view compat.blast_recipients as
        select r.id, r.blast_id, r.phone_number, coalesce(r.message_id, '') as message_id, r.message_text,
               case r.status when 'sent' then 'PENDING' when 'delivered' then 'DELIVERY_ACK' when 'read' then 'READ_ACK'
                             when 'replied' then 'REPLIED' when 'closed' then 'CLOSED' end as status,
               floor(extract(epoch from coalesce(r.message_timestamp, r.sent_at)))::bigint as message_timestamp,
               floor(extract(epoch from r.delivered_at))::bigint as message_c2s_timestamp,
               r.read_timestamp::timestamp as read_timestamp, r.replied_at::timestamp as replied_at,
               r.closed_at::timestamp as closed_at,
               (select try_json(m.body) from provider_message m
                 where m.recipient_id = r.id and m.message_id = r.message_id
                 order by m.id desc limit 1) as wsapme_message_data,
               b.created_at::timestamp as created_at, r.changed_at::timestamp as updated_at
          from blast_recipients r
          join blasts b on b.id = r.blast_id
         where r.status in ('sent', 'delivered', 'read', 'replied', 'closed')
           and b.deleted_at is null and b.answer_until is null;

    create or replace view compat.status_history as
        select h.id, h.recipient_id,
               case h.old_status when 'sent' then 'PENDING' when 'delivered' then 'DELIVERY_ACK' when 'read' then 'READ_ACK'
                                 when 'replied' then 'REPLIED' when 'closed' then 'CLOSED' end as old_status,
               case h.new_status when 'sent' then 'PENDING' when 'delivered' then 'DELIVERY_ACK' when 'read' then 'READ_ACK'
                                 when 'replied' then 'REPLIED' when 'closed' then 'CLOSED' end as new_status,
               h.changed_at::timestamp as changed_at,
               case h.source when 'poll' then 'polling' when 'operator' then 'manual' else h.source end as source,
               h.metadata
          from status_history h
          join blast_recipients r on r.id = h.recipient_id
          join blasts b on b.id = r.blast_id
         where h.new_status in ('sent', 'delivered', 'read', 'replied', 'closed')
           and r.status in ('sent', 'delivered', 'read', 'replied', 'closed')
           and b.deleted_at is null and b.answer_until is null;

    create or replace view compat.blast_reports as
        select r.id, r.blast_id, r.sent, r.received, r.read, r.replied, r.closed, r.report, r.saved_at::timestamp as created_at
          from blast_reports r
          join blasts b on b.id = r.blast_id
         where b.deleted_at is null;

    create or replace view compat."WhatsAppCampaign" as
        select b.id::text as id, b.blast_tag as name, null::text as description,
               b.template ->> 'name' as "templateName", b.template -> 'language' ->> 'code' as "templateLanguage",
               (select jsonb_object_agg(coalesce(p.value ->> 'parameter_name', p.place::text), p.value ->> 'text')
                  from jsonb_array_elements(b.template -> 'components') as c (part),
                       jsonb_array_elements(c.part -> 'parameters') with ordinality as p (value, place)
                 where c.part ->> 'type' = 'body') as "templateVariables",
               case b.state when 'paused' then 'sending' else b.state::text end as status,
               b.total_recipients as "totalRecipients",
               c.sent as "sentCount", c.delivered as "deliveredCount", c.read as "readCount", c.failed as "failedCount",
               c.responded as "respondedCount",
               b.send_after::timestamp as "scheduledFor", b.launched_at::timestamp as "startedAt",
               b.completed_at::timestamp as "completedAt",
               case when b.rate ~ '^[0-9]{1,9}/(s|min|h|day)$' then
                   split_part(b.rate, '/', 1)::numeric * case split_part(b.rate, '/', 2)
                       when 's' then 60 when 'min' then 1 when 'h' then 1 / 60.0 else 1 / 1440.0 end end as "rateLimit",
               b.created_at::timestamp as "createdAt", b.updated_at::timestamp as "updatedAt"
          from blasts b
         cross join lateral (
               select coalesce(sum(people) filter (where n.status between 'sent' and 'closed'), 0)::bigint as sent,
                      coalesce(sum(people) filter (where n.status between 'delivered' and 'closed'), 0)::bigint as delivered,
                      coalesce(sum(people) filter (where n.status between 'read' and 'closed'), 0)::bigint as read,
                      coalesce(sum(people) filter (where n.status in ('replied', 'closed')), 0)::bigint as responded,
                      coalesce(sum(people) filter (where n.status in ('failed', 'skipped')), 0)::bigint as failed
                 from blast_status_counts n where n.blast_id = b.id) c
         where b.deleted_at is null and b.answer_until is null;

    create or replace view compat."WhatsAppCampaignRecipient" as
        select r.id::text as id, r.blast_id::text as "campaignId", r.phone_number as "phoneNumber", null::text as "customerId",
               r.name, r.variables,
               case r.status when 'queued' then case when r.attempt > 0 then 'retry' else 'pending' end
                             when 'uncertain' then 'sending' when 'replied' then 'responded' when 'closed' then 'responded'
                             when 'skipped' then 'failed' else r.status::text end as status,
               r.message_id as "messageId",
               (select m.id::text from provider_message m
                 where m.recipient_id = r.id and m.message_id = r.message_id
                 order by m.id desc limit 1) as "messageSid",
               r.sent_at::timestamp as "sentAt", r.delivered_at::timestamp as "deliveredAt",
               r.read_timestamp::timestamp as "readAt", r.failed_at::timestamp as "failedAt",
               r.replied_at::timestamp as "respondedAt",
               r.error_code as "errorCode", coalesce(r.error_message, r.reason) as "errorMessage",
               greatest(r.attempt - 1, 0) as "retryCount",
               case when r.attempt > 1 then r.claimed_at::timestamp end as "lastRetryAt",
               b.created_at::timestamp as "createdAt", r.changed_at::timestamp as "updatedAt"
          from blast_recipients r
          join blasts b on b.id = r.blast_id
         where b.deleted_at is null and b.answer_until is null;

    -- A row that would be written names the call for that very person; a statement that meets no row is refused all the same.
    create or replace function compat.refuse() returns trigger language plpgsql as $refuse$
    declare
        use text := tg_argv[0];
    begin
        if tg_level = 'ROW' and tg_op = 'UPDATE' and tg_table_name = 'blast_recipients' then
            use := case new.status
                when 'REPLIED' then format('blastdeck mark %s %s replied, or PATCH /api/recipients/%s {"status":"replied"}',
                                           old.blast_id, old.phone_number, old.id)
                when 'CLOSED' then format('blastdeck mark %s %s closed, or PATCH /api/recipients/%s {"status":"closed"}',
                                          old.blast_id, old.phone_number, old.id)
                else use end;
        end if;
        raise exception 'compat.% is for reading: nothing was changed', quote_ident(tg_table_name)
            using errcode = 'object_not_in_prerequisite_state', hint = use;
    end $refuse$;

    declare
        part record;
    begin
        for part in
            select * from (values
                ('blasts', 'blasts are made by blastdeck blast new, or POST /api/blasts'),
                ('blast_recipients', 'statuses come from the provider by themselves; replies and sales are marked by '
                                  || 'blastdeck mark BLAST PHONE replied|closed, or PATCH /api/recipients/ID'),
                ('status_history', 'each change of status is recorded here by itself'),
                ('blast_reports', 'reports are kept by blastdeck blast report BLAST --save, or POST /api/blasts/ID/report'),
                ('WhatsAppCampaign', 'campaigns are made by blastdeck blast new, or POST /api/whatsapp/campaigns'),
                ('WhatsAppCampaignRecipient', 'statuses come from the provider by themselves; recipients are added with '
                                  || 'POST /api/whatsapp/campaigns/ID/recipients')) as v (name, use)
        loop
            execute format('create or replace trigger refuse_rows instead of insert or update or delete on compat.%I
                            for each row execute function compat.refuse(%L)', part.name, part.use);
            execute format('create or replace trigger refuse_statements after insert or update or delete on compat.%I
                            for each statement execute function compat.refuse(%L)', part.name, part.use);
        end loop;
    end;
end $create$;

do $$
begin
    perform create_compat();
exception when insufficient_privilege or wrong_object_type or invalid_table_definition then
    raise notice 'there is no schema compat: %; once that is mended, `select create_compat()` makes it', sqlerrm;
end $$;
