-- Edits of orders: what an order was before each, so that it can always be shown as it was at first. And the time that a message
-- from a clock that runs ahead gave its order.
-- Locks: orders exclusively for an instant, to add a column without default.

create table order_edits (
    id       bigint generated always as identity constraint order_edits_pkey primary key,
    order_id bigint not null constraint order_edits_order_fkey references orders on delete cascade,
    items    jsonb not null,                    -- before the edit, as they are listed
    total    numeric,
    currency text,
    by_whom  text not null,
    at       timestamptz not null default now(),
    constraint order_edits_times_check check (at >= '1970-01-01 00:00:00+00' and at < '10000-01-01 00:00:00+00')
);
create index order_edits_order on order_edits (order_id, id);

alter table orders add column dated_at timestamptz;    -- what the message says, where that is later than when it came
alter table orders add constraint orders_dated_times_check
    check (dated_at >= '1970-01-01 00:00:00+00' and dated_at < '10000-01-01 00:00:00+00');
