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

/// What does not add up, of one blast's orders or of all. Whose amount was written by hand as well is not compared with orders.
pub async fn differences(pool: &PgPool, blast: Option<BlastId>) -> Result<Vec<OrderDifference>, StoreError> {
    let differences = sqlx::query_as(
        "with counting as (
             select o.*, a.id is not null as stands from orders o
               left join operator_actions a on a.id = o.action_id and a.undone_at is null
              where $1::bigint is null or o.blast_id = $1),
         people as (
             select recipient_id, sum(counted) as counted from counting where stands and recipient_id is not null group by 1)
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
         select null, r.id, 'amount', r.amount::text, p.counted::text
           from people p join blast_recipients r on r.id = p.recipient_id
          where (coalesce(r.amount, 0) <> coalesce(p.counted, 0) or r.closed_at is null)
            and not exists (select from operator_actions a
                             where a.recipient_id = r.id and a.action = 'closed' and a.undone_at is null
                               and a.detail -> 'order' is null)
          order by 1, 2",
    );
    Ok(differences.bind(blast).fetch_all(pool).await?)
}
