//! Catalogues of products and their variants.

mod replacing;
mod showing;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection, PgPool};

pub use replacing::{CatalogueChange, CatalogueSource, NewCatalogue, remove_catalogue, replace};
pub use showing::{KnownItem, UnsoldRow, has_any, known, unsold};

use crate::domain::catalogue::is_sold_out;
use crate::domain::ids::{CatalogueId, ProductId, SenderId};
use crate::store::{ROWS_MAX, StoreError};

/// What a catalogue says of a product.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ListedItem {
    pub sku: String,
    pub product_id: i64,
    pub variant_id: Option<i64>,
    pub catalogue_id: CatalogueId,
    pub catalogue: String,
    pub price: Option<Decimal>,
    pub currency: Option<String>,
    pub availability: String,
    pub inventory: Option<i64>,
}

/// These products in the catalogues of a sender's business, once for each catalogue that has them.
pub async fn listed(tx: &mut PgConnection, sender: SenderId, skus: &[&str]) -> Result<Vec<ListedItem>, StoreError> {
    let listed = sqlx::query_as(
        "select distinct on (c.sku, c.catalogue_id) c.sku, c.product_id, c.variant_id, c.catalogue_id, k.name as catalogue, c.price, c.currency,
                c.availability, c.inventory
           from catalogue_items c join catalogues k on k.id = c.catalogue_id
          where c.business = (select business from senders where id = $1)
            and c.sku = any($2) and c.removed_at is null
          order by c.sku, c.catalogue_id, c.product_id desc",
    );
    Ok(listed.bind(sender).bind(skus).fetch_all(tx).await?)
}

/// The SKUs of the variants that a product with one of these SKUs comes in, of a sender's business.
pub async fn variants_of(tx: &mut PgConnection, sender: SenderId, skus: &[&str]) -> Result<Vec<String>, StoreError> {
    let variants = sqlx::query_scalar(
        "select distinct v.sku
           from products p join product_variants v on v.product_id = p.id join catalogues k on k.id = p.catalogue_id
          where k.business = (select business from senders where id = $1)
            and p.sku = any($2) and p.removed_at is null and v.removed_at is null
          order by v.sku limit 10",
    );
    Ok(variants.bind(sender).bind(skus).fetch_all(tx).await?)
}

/// The SKUs of a sender's business that are these but for upper and lower case.
pub async fn in_any_case(tx: &mut PgConnection, sender: SenderId, skus: &[&str]) -> Result<Vec<String>, StoreError> {
    let known = sqlx::query_scalar(
        "select distinct c.sku from catalogue_items c
          where c.business = (select business from senders where id = $1)
            and lower(c.sku) in (select lower(typed) from unnest($2::text[]) as typed) and c.removed_at is null
          order by c.sku limit 3",
    );
    Ok(known.bind(sender).bind(skus).fetch_all(tx).await?)
}

/// The catalogues of a sender's business, by name.
pub async fn names(tx: &mut PgConnection, sender: SenderId) -> Result<Vec<(CatalogueId, String)>, StoreError> {
    let names = sqlx::query_as(
        "select id, name from catalogues where business = (select business from senders where id = $1) order by name, id",
    );
    Ok(names.bind(sender).fetch_all(tx).await?)
}

/// A catalogue as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct CatalogueRow {
    pub id: CatalogueId,
    pub business: String,
    /// Meta's id.
    pub external_id: Option<String>,
    pub name: String,
    /// `csv` or `meta`.
    pub source: String,
    /// Products that it has now; variants of one are one.
    pub products: i64,
    pub variants: i64,
    pub synced_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Catalogues of a business, or of all, by name.
pub async fn list(pool: &PgPool, business: Option<&str>) -> Result<Vec<CatalogueRow>, StoreError> {
    let rows = sqlx::query_as(
        "select c.id, c.business, c.external_id, c.name, c.source, c.synced_at, c.created_at, c.updated_at,
                (select count(*) from products p where p.catalogue_id = c.id and p.removed_at is null) as products,
                (select count(*) from product_variants v where v.catalogue_id = c.id and v.removed_at is null) as variants
           from catalogues c where $1::text is null or c.business = $1
          order by c.name, c.id",
    );
    Ok(rows.bind(business).fetch_all(pool).await?)
}

/// A product with its variants.
#[derive(Debug, Clone, FromRow)]
pub struct ProductRow {
    pub id: ProductId,
    pub catalogue_id: CatalogueId,
    pub sku: String,
    pub external_id: Option<String>,
    pub name: String,
    pub description: Option<String>,
    pub price: Option<Decimal>,
    pub currency: Option<String>,
    pub availability: String,
    pub inventory: Option<i64>,
    pub image_url: Option<String>,
    pub url: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub variants: Json<Vec<VariantRow>>,
}

/// A variant of a product. The price is a text, exact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantRow {
    pub id: i64,
    pub sku: String,
    pub external_id: Option<String>,
    pub name: String,
    pub price: Option<String>,
    pub currency: Option<String>,
    pub availability: String,
    pub inventory: Option<i64>,
    pub image_url: Option<String>,
}

impl ProductRow {
    /// Whether nobody can buy it now: of a product with variants, none of these.
    pub fn is_sold_out(&self) -> bool {
        match &self.variants.0[..] {
            [] => is_sold_out(&self.availability, self.inventory),
            variants => variants.iter().all(VariantRow::is_sold_out),
        }
    }
}

impl VariantRow {
    /// Whether nobody can buy it now.
    pub fn is_sold_out(&self) -> bool {
        is_sold_out(&self.availability, self.inventory)
    }
}

/// Which products to list, by id.
#[derive(Debug, Clone, Default)]
pub struct ProductQuery {
    pub catalogue: Option<CatalogueId>,
    pub business: Option<String>,
    pub id: Option<ProductId>,
    /// Of the product or of a variant.
    pub sku: Option<String>,
    pub after: Option<ProductId>,
    /// 1 to 1,000.
    pub limit: u32,
}

/// Products that their catalogue has now.
pub async fn products(pool: &PgPool, query: &ProductQuery) -> Result<Vec<ProductRow>, StoreError> {
    let rows = sqlx::query_as(
        "select p.id, p.catalogue_id, p.sku, p.external_id, p.name, p.description, p.price, p.currency, p.availability, p.inventory,
                p.image_url, p.url, p.created_at, p.updated_at,
                coalesce((select json_agg(json_build_object(
                    'id', v.id, 'sku', v.sku, 'external_id', v.external_id, 'name', v.name, 'price', v.price::text,
                    'currency', v.currency, 'availability', v.availability, 'inventory', v.inventory,
                    'image_url', v.image_url) order by v.id)
                    from product_variants v where v.product_id = p.id and v.removed_at is null), '[]') as variants
           from products p join catalogues c on c.id = p.catalogue_id
          where p.removed_at is null and p.id > $5 and ($1::bigint is null or p.catalogue_id = $1)
            and ($2::text is null or c.business = $2) and ($3::bigint is null or p.id = $3)
            and ($4::text is null or p.sku = $4
                 or exists (select from product_variants v where v.product_id = p.id and v.sku = $4 and v.removed_at is null))
          order by p.id limit $6",
    );
    let rows = rows.bind(query.catalogue).bind(query.business.as_deref()).bind(query.id).bind(query.sku.as_deref());
    let after = query.after.map_or(0, |after| after.0);
    Ok(rows.bind(after).bind(i64::from(query.limit.clamp(1, ROWS_MAX))).fetch_all(pool).await?)
}
