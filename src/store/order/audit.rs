//! Proves that the money of orders adds up, and that people's amounts are what their orders and operators made them.

use serde::Serialize;
use sqlx::{FromRow, PgPool};

use crate::domain::ids::{BlastId, OrderId, RecipientId};
use crate::store::StoreError;

/// Something about an order that does not add up.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize)]
pub struct OrderDifference {
    pub order_id: Option<OrderId>,
    pub recipient_id: Option<RecipientId>,
    pub what: String,
    pub written: Option<String>,
    pub recounted: Option<String>,
}

/// What does not add up, of one blast's orders or of all. An amount that an operator typed stands in the place of the orders
/// before it.
pub async fn differences(pool: &PgPool, blast: Option<BlastId>) -> Result<Vec<OrderDifference>, StoreError> {
    let differences = sqlx::query_as(
        "with counting as (
             select o.*, a.id is not null as stands from orders o
               left join operator_actions a on a.id = o.action_id and a.undone_at is null
              where $1::bigint is null or o.blast_id = $1),
         closes as (
             select a.id, a.recipient_id, a.detail -> 'order' is not null as is_order, (a.detail ->> 'amount')::numeric as amount
               from operator_actions a
              where a.action = 'closed' and a.undone_at is null
                and a.recipient_id in (select recipient_id from counting where action_id is not null)),
         typed as (
             select distinct on (recipient_id) recipient_id, id, amount from closes
              where not is_order and amount is not null order by recipient_id, id desc),
         people as (
             select p.recipient_id, exists (select from closes c where c.recipient_id = p.recipient_id) as is_closed,
                    coalesce(t.amount, 0)
                    + coalesce((select sum(o.counted) from counting o
                                 where o.recipient_id = p.recipient_id and o.stands and o.action_id > coalesce(t.id, 0)), 0)
                    as amount
               from (select distinct recipient_id from counting where recipient_id is not null and action_id is not null) p
               left join typed t on t.recipient_id = p.recipient_id)
         select o.id as order_id, o.recipient_id, 'total' as what, o.total::text as written, i.total::text as recounted
           from counting o
          cross join lateral (select sum(quantity * price) as total from order_items where order_id = o.id) i
          where o.total is not null and o.total is distinct from i.total
          union all
         select o.id, o.recipient_id, 'counted', o.counted::text, round(o.total, 2)::text
           from counting o where o.stands and o.counted is not null and o.counted is distinct from round(o.total, 2)
          union all
         select o.id, o.recipient_id, 'cancelled and counted', o.counted::text, null
           from counting o where o.stands and o.state = 'cancelled'
          union all
         select o.id, o.recipient_id, 'counted by its act', a.detail ->> 'amount', o.counted::text
           from counting o join operator_actions a on a.id = o.action_id
          where o.stands and (a.detail ->> 'amount')::numeric is distinct from o.counted
          union all
         select null, r.id, 'amount', r.amount::text, p.amount::text
           from people p join blast_recipients r on r.id = p.recipient_id
          where coalesce(r.amount, 0) <> p.amount
          union all
         select null, r.id, 'closed', case when r.closed_at is null then 'no' else 'yes' end,
                case when p.is_closed then 'yes' else 'no' end
           from people p join blast_recipients r on r.id = p.recipient_id
          where (r.closed_at is not null) <> p.is_closed
          order by 1, 2",
    );
    Ok(differences.bind(blast).fetch_all(pool).await?)
}
