//! Items of orders and carts, with the names that their products have now.

use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::domain::ids::{CartId, OrderId, SenderId};
use crate::domain::order::OrderedItem;
use crate::store::StoreError;
use crate::store::order::OrderItemRow;

/// Whose items they are.
#[derive(Debug, Clone, Copy)]
pub enum ItemsOf {
    Order(OrderId),
    Cart(CartId),
}

impl ItemsOf {
    const fn table(self) -> (&'static str, &'static str) {
        match self {
            Self::Order(_) => ("order_items", "order_id"),
            Self::Cart(_) => ("cart_items", "cart_id"),
        }
    }

    const fn key(self) -> i64 {
        match self {
            Self::Order(OrderId(id)) | Self::Cart(CartId(id)) => id,
        }
    }
}

/// Which catalogues have the products: those of this sender's business.
#[derive(Debug, Clone, Copy)]
pub struct SoldBy<'a> {
    pub sender: SenderId,
    /// Meta's id of the catalogue that the message names.
    pub catalogue: Option<&'a str>,
}

/// Writes items. A product is found in the catalogue that the item or the order names, else in any of the business.
pub async fn insert(
    tx: &mut PgConnection,
    of: ItemsOf,
    by: SoldBy<'_>,
    items: &[OrderedItem],
) -> Result<(), StoreError> {
    let plain = |text: &str| text.replace('\0', "");
    let (table, key) = of.table();
    let statement = format!(
        "insert into {table} ({key}, position, sku, name, product_id, variant_id, quantity, price, currency)
         select $1, i.n, i.sku, case when i.is_kept then i.name else p.name end,
                case when i.is_kept then (select id from products where id = i.product_id) else p.product_id end,
                case when i.is_kept then (select id from product_variants where id = i.variant_id) else p.variant_id end,
                i.quantity, i.price, i.currency
           from unnest($2::text[], $3::numeric[], $4::numeric[], $5::text[], $8::bigint[], $9::bool[], $10::text[],
                       $11::bigint[], $12::bigint[])
                with ordinality as i (sku, quantity, price, currency, catalogue, is_kept, name, product_id, variant_id, n)
           left join lateral (
                select c.name, c.product_id, c.variant_id from catalogue_items c
                 where c.sku = i.sku and c.business = (select business from senders where id = $6)
                 order by c.catalogue_id is not distinct from i.catalogue desc,
                       c.catalogue_external_id is not distinct from $7 desc, c.removed_at is null desc, c.product_id desc
                 limit 1) p on true"
    );
    sqlx::query(AssertSqlSafe(statement))
        .bind(of.key())
        .bind(items.iter().map(|item| plain(&item.sku)).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.quantity).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.price).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.currency.as_deref().map(plain)).collect::<Vec<_>>())
        .bind(by.sender)
        .bind(by.catalogue)
        .bind(items.iter().map(|item| item.catalogue.map(|id| id.0)).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.kept.is_some()).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.kept.as_ref()?.name.clone()).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.kept.as_ref()?.product_id).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.kept.as_ref()?.variant_id).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// An item, and the catalogue that its product is in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct HeldItem {
    #[serde(flatten)]
    pub row: OrderItemRow,
    pub catalogue: Option<String>,
    pub catalogue_id: Option<i64>,
}

/// The items as they are now.
pub async fn of(tx: &mut PgConnection, of: ItemsOf) -> Result<Vec<HeldItem>, StoreError> {
    let (table, key) = of.table();
    let statement = format!(
        "select coalesce(json_agg(json_build_object(
                    'id', i.id, 'sku', i.sku, 'name', i.name, 'product_id', i.product_id, 'variant_id', i.variant_id,
                    'quantity', i.quantity::text, 'price', i.price::text, 'currency', i.currency,
                    'total', (i.quantity * i.price)::text, 'catalogue', k.name, 'catalogue_id', k.id) order by i.position), '[]')
           from {table} i left join products p on p.id = i.product_id left join catalogues k on k.id = p.catalogue_id
          where i.{key} = $1"
    );
    let items: Json<Vec<HeldItem>> = sqlx::query_scalar(AssertSqlSafe(statement)).bind(of.key()).fetch_one(tx).await?;
    Ok(items.0)
}

/// Takes all items out.
pub async fn clear(tx: &mut PgConnection, of: ItemsOf) -> Result<(), StoreError> {
    let (table, key) = of.table();
    let statement = format!("delete from {table} where {key} = $1");
    sqlx::query(AssertSqlSafe(statement)).bind(of.key()).execute(tx).await?;
    Ok(())
}
