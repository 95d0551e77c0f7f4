//! Edits of orders: each keeps what the order was before it.

use sqlx::PgConnection;

use super::items::{self, ItemsOf, SoldBy};
use crate::domain::ids::{OrderId, SenderId};
use crate::domain::order::{OrderTotal, OrderedItem};
use crate::store::StoreError;

/// What an order is to be.
#[derive(Debug, Clone)]
pub struct NewContent<'a> {
    pub items: &'a [OrderedItem],
    pub sender: SenderId,
    pub total: Option<&'a OrderTotal>,
    /// Items that cannot be read.
    pub unreadable: i32,
    /// Why it is not counted in revenue; `None`: as before.
    pub uncounted: Option<Option<String>>,
    pub by: &'a str,
}

/// Keeps what an order is, and writes what it is to be.
pub async fn write(tx: &mut PgConnection, id: OrderId, content: &NewContent<'_>) -> Result<(), StoreError> {
    keep(&mut *tx, id, content.by).await?;
    items::clear(&mut *tx, ItemsOf::Order(id)).await?;
    let by = SoldBy { sender: content.sender, catalogue: None };
    items::insert(&mut *tx, ItemsOf::Order(id), by, content.items).await?;
    sqlx::query(
        "update orders
            set total = $2, currency = $3, unreadable = $4, uncounted = case when $5 then $6 else uncounted end, updated_at = now()
          where id = $1",
    )
    .bind(id)
    .bind(content.total.map(|total| total.sum))
    .bind(content.total.map(|total| total.currency.as_str()))
    .bind(content.unreadable)
    .bind(content.uncounted.is_some())
    .bind(content.uncounted.as_ref().and_then(Option::as_deref))
    .execute(tx)
    .await?;
    Ok(())
}

async fn keep(tx: &mut PgConnection, id: OrderId, by: &str) -> Result<(), StoreError> {
    sqlx::query(
        "insert into order_edits (order_id, items, total, currency, by_whom)
         select o.id,
                coalesce((select json_agg(json_build_object(
                    'id', i.id, 'sku', i.sku, 'name', i.name, 'product_id', i.product_id, 'variant_id', i.variant_id,
                    'quantity', i.quantity::text, 'price', i.price::text, 'currency', i.currency,
                    'total', (i.quantity * i.price)::text) order by i.position)
                    from order_items i where i.order_id = o.id), '[]'),
                o.total, o.currency, $2
           from orders o where o.id = $1",
    )
    .bind(id)
    .bind(by)
    .execute(tx)
    .await?;
    Ok(())
}
