//! Proves that the money of carts adds up, and that each was ordered at most once.

use sqlx::PgPool;

use crate::domain::ids::BlastId;
use crate::store::StoreError;
use crate::store::order::audit::OrderDifference;

/// What does not add up, of one blast's carts or of all.
pub async fn differences(pool: &PgPool, blast: Option<BlastId>) -> Result<Vec<OrderDifference>, StoreError> {
    let differences = sqlx::query_as(
        "select c.order_id, c.recipient_id, 'total of cart ' || c.id as what, c.total::text as written, i.total::text as recounted
           from carts c
          cross join lateral (select sum(quantity * price) as total from cart_items where cart_id = c.id) i
          where ($1::bigint is null or c.blast_id = $1) and c.total is not null and c.total is distinct from i.total
          union all
         select c.order_id, c.recipient_id, 'person of cart ' || c.id, c.recipient_id::text, o.recipient_id::text
           from carts c join orders o on o.id = c.order_id
          where ($1::bigint is null or c.blast_id = $1) and o.recipient_id is distinct from c.recipient_id
          order by 3",
    );
    Ok(differences.bind(blast).fetch_all(pool).await?)
}
