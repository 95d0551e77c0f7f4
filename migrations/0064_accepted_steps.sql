-- A person's step into *sent* is read from their attempt, as the step into *sending* is: the history has no row for it, except where it was
-- another step than that or a hook reads the history by its ids (src/store/history.rs).
-- Why: a row of the history with its two index entries was a seventh of what a send cost the database, and said nothing that the
-- attempt's row does not.
-- Locks: provider_message against writers while its index is made, about half a second for a million messages.

set local statement_timeout = 0;

-- What was accepted since a time.
create index provider_message_received on provider_message using brin (received_at);

alter function create_compat() rename to create_compat_without_acceptances;

create function create_compat_acceptances() returns void language plpgsql set search_path from current as $create$
begin
    create or replace view compat.status_history as
        select h.id, h.recipient_id,
               case h.old_status when 'sent' then 'PENDING' when 'delivered' then 'DELIVERY_ACK' when 'read' then 'READ_ACK'
                                 when 'replied' then 'REPLIED' when 'closed' then 'CLOSED' end as old_status,
               case h.new_status when 'sent' then 'PENDING' when 'delivered' then 'DELIVERY_ACK' when 'read' then 'READ_ACK'
                                 when 'replied' then 'REPLIED' when 'closed' then 'CLOSED' end as new_status,
               h.changed_at::timestamp as changed_at,
               case h.source when 'poll' then 'polling' when 'operator' then 'manual' else h.source end as source,
               h.metadata
          from (select id, recipient_id, old_status, new_status, changed_at, source, metadata from status_history
                 union all
                -- Below zero, so that no two rows share an id and a person's first step comes first.
                select -a.id, a.recipient_id, 'sending', 'sent', a.received_at, 'send', null
                  from provider_message a
                  left join lateral (select old_status from status_history
                                      where recipient_id = a.recipient_id and attempt = a.attempt
                                      order by id limit 1) h on true
                 where a.outcome = 'accepted' and coalesce(h.old_status, 'sent') = 'sent') h
          join blast_recipients r on r.id = h.recipient_id
          join blasts b on b.id = r.blast_id
         where h.new_status in ('sent', 'delivered', 'read', 'replied', 'closed')
           and r.status in ('sent', 'delivered', 'read', 'replied', 'closed')
           and b.deleted_at is null and b.answer_until is null;
end $create$;

create function create_compat() returns void language plpgsql set search_path from current as $create$
begin
    perform create_compat_without_acceptances();
    perform create_compat_acceptances();
end $create$;

do $$
begin
    perform create_compat();
exception when insufficient_privilege or wrong_object_type or invalid_table_definition then
    raise notice 'there is no schema compat: %; once that is mended, `select create_compat()` makes it', sqlerrm;
end $$;
