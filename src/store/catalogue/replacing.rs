//! A catalogue takes the place of what was there under its name, in one transaction.

use std::collections::{HashMap, HashSet};

use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::domain::catalogue::{CatalogueItem, IN_STOCK};
use crate::domain::ids::CatalogueId;
use crate::store::StoreError;

/// Which catalogue is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCatalogue<'a> {
    pub business: &'a str,
    /// Meta's id; `None`: of a file or a program, known by its name.
    pub external_id: Option<&'a str>,
    pub name: &'a str,
    pub source: CatalogueSource,
    /// Meta's account that it is read for.
    pub account: Option<&'a str>,
}

/// Who says what a catalogue has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogueSource {
    /// A file of an operator.
    File,
    /// A program, over HTTP.
    Program,
    Meta,
}

impl CatalogueSource {
    const fn key(self) -> &'static str {
        match self {
            Self::File => "csv",
            Self::Program => "api",
            Self::Meta => "meta",
        }
    }
}

/// What became of a catalogue that was read whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct CatalogueChange {
    pub id: CatalogueId,
    /// Items that can be ordered now.
    pub items: usize,
    /// Products, of which some only gather their variants.
    pub products: usize,
    pub variants: usize,
    pub added: u64,
    pub changed: u64,
    pub removed: u64,
}

impl CatalogueChange {
    /// Whether anything is other than it was.
    pub const fn is_any(&self) -> bool {
        self.added + self.changed + self.removed > 0
    }
}

/// Removes a catalogue with its products. Orders and carts keep their names and prices.
pub async fn remove_catalogue(tx: &mut PgConnection, id: CatalogueId) -> Result<(), StoreError> {
    sqlx::query("delete from catalogues where id = $1").bind(id).execute(tx).await?;
    Ok(())
}

/// So many rows are written by one statement.
const AT_ONCE: usize = 1_000;

/// Writes what a catalogue has now, and takes out what it has no more. Orders keep the names of what is gone.
pub async fn replace(
    tx: &mut PgConnection,
    catalogue: &NewCatalogue<'_>,
    items: &[CatalogueItem],
) -> Result<CatalogueChange, StoreError> {
    let id = upsert(&mut *tx, catalogue).await?;
    let (products, variants) = split(items);
    let orderable = items.iter().filter(|item| !item.gathers_variants).count();
    let (items, counts) = (orderable, (products.len(), variants.len()));
    let mut change =
        CatalogueChange { id, items, products: counts.0, variants: counts.1, added: 0, changed: 0, removed: 0 };
    for rows in products.chunks(AT_ONCE) {
        write_products(&mut *tx, id, rows, &mut change).await?;
    }
    for rows in variants.chunks(AT_ONCE) {
        write_variants(&mut *tx, id, rows, &mut change).await?;
    }
    let skus = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let kept = skus(products.iter().map(|(sku, _)| *sku).collect());
    change.removed += remove(&mut *tx, "products", id, &kept).await?;
    let kept = skus(variants.iter().map(|(_, item)| item.sku.as_str()).collect());
    change.removed += remove(tx, "product_variants", id, &kept).await?;
    Ok(change)
}

async fn upsert(tx: &mut PgConnection, catalogue: &NewCatalogue<'_>) -> Result<CatalogueId, StoreError> {
    let key = if catalogue.external_id.is_some() {
        "(business, external_id)"
    } else {
        "(business, name) where external_id is null"
    };
    let mut sql = QueryBuilder::<Postgres>::new(
        "insert into catalogues as c (business, external_id, name, source, synced_at, accounts) values (",
    );
    sql.push_bind(catalogue.business).push(", ").push_bind(catalogue.external_id).push(", ").push_bind(catalogue.name);
    sql.push(", ").push_bind(catalogue.source.key()).push(", now(), ");
    sql.push_bind(Vec::from_iter(catalogue.account)).push("::text[])");
    sql.push(" on conflict ").push(key);
    sql.push(" do update set name = excluded.name, source = excluded.source, synced_at = now(), updated_at = now(),");
    sql.push(" accounts = array(select unnest(c.accounts) union select unnest(excluded.accounts)) returning id");
    Ok(sql.build_query_scalar().fetch_one(tx).await?)
}

/// A product's SKU with the item that describes it, or a variant with its product's SKU.
type Row<'a> = (&'a str, &'a CatalogueItem);

/// Products, each described by its first item, and the variants of those that have several or say so.
fn split(items: &[CatalogueItem]) -> (Vec<Row<'_>>, Vec<Row<'_>>) {
    let (mut seen, mut seen_items) = (HashSet::new(), HashSet::new());
    let (mut products, mut variants) = (Vec::new(), Vec::new());
    let mut members: HashMap<&str, usize> = HashMap::new();
    for group in items.iter().filter_map(|item| item.group.as_deref()) {
        *members.entry(group).or_default() += 1;
    }
    // A list that changes while it is read page by page may name an item twice.
    for item in items.iter().filter(|item| item.gathers_variants || seen_items.insert(item.sku.as_str())) {
        if item.gathers_variants {
            if seen.insert(item.sku.as_str()) {
                products.push((item.sku.as_str(), item));
            }
            continue;
        }
        let group = item.group.as_deref();
        let is_alone =
            group.is_none_or(|group| group == item.sku && members.get(group) == Some(&1) && item.variant.is_none());
        let sku = group.filter(|_| !is_alone).unwrap_or(&item.sku);
        if seen.insert(sku) {
            products.push((sku, item));
        }
        if !is_alone {
            variants.push((sku, item));
        }
    }
    (products, variants)
}

async fn write_products(
    tx: &mut PgConnection,
    id: CatalogueId,
    rows: &[Row<'_>],
    change: &mut CatalogueChange,
) -> Result<(), StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "insert into products as p (catalogue_id, sku, external_id, name, description, price, currency, availability, inventory,
                                    image_url, url) ",
    );
    sql.push_values(rows, |mut row, (sku, item)| {
        let is_group = item.group.as_deref() == Some(*sku) && item.sku != *sku;
        row.push_bind(id).push_bind(*sku).push_bind(item.external_id.as_deref().filter(|_| !is_group));
        row.push_bind(item.name.as_str()).push_bind(item.description.as_deref()).push_bind(item.price);
        row.push_bind(item.currency.as_deref()).push_bind(item.availability.as_deref().unwrap_or(IN_STOCK));
        row.push_bind(item.inventory.filter(|_| !is_group));
        row.push_bind(item.image_url.as_deref()).push_bind(item.url.as_deref());
    });
    sql.push(
        " on conflict (catalogue_id, sku) do update
             set external_id = excluded.external_id, name = excluded.name, description = excluded.description,
                 price = excluded.price, currency = excluded.currency, availability = excluded.availability,
                 inventory = excluded.inventory, image_url = excluded.image_url, url = excluded.url, removed_at = null,
                 updated_at = now()
           where (p.external_id, p.name, p.description, p.price, p.currency, p.availability, p.inventory, p.image_url, p.url,
                  p.removed_at)
                 is distinct from (excluded.external_id, excluded.name, excluded.description, excluded.price,
                  excluded.currency, excluded.availability, excluded.inventory, excluded.image_url, excluded.url, null)
          returning xmax = 0",
    );
    let written: Vec<bool> = sql.build_query_scalar().fetch_all(tx).await?;
    change.count(&written);
    Ok(())
}

async fn write_variants(
    tx: &mut PgConnection,
    id: CatalogueId,
    rows: &[Row<'_>],
    change: &mut CatalogueChange,
) -> Result<(), StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "insert into product_variants as v (catalogue_id, product_id, sku, external_id, name, price, currency, availability,
                                            inventory, image_url)
         select i.catalogue_id, p.id, i.sku, i.external_id, i.name, i.price::numeric, i.currency, i.availability,
                i.inventory::bigint, i.image_url
           from (",
    );
    sql.push_values((0_i64..).zip(rows), |mut row, (n, (product, item))| {
        row.push_bind(n)
            .push_bind(id)
            .push_bind(*product)
            .push_bind(item.sku.as_str())
            .push_bind(item.external_id.as_deref());
        row.push_bind(item.variant.as_deref().unwrap_or(&item.name)).push_bind(item.price);
        row.push_bind(item.currency.as_deref()).push_bind(item.availability.as_deref().unwrap_or(IN_STOCK));
        row.push_bind(item.inventory).push_bind(item.image_url.as_deref());
    });
    sql.push(
        ") as i (n, catalogue_id, product, sku, external_id, name, price, currency, availability, inventory, image_url)
           join products p on p.catalogue_id = i.catalogue_id and p.sku = i.product
          order by i.n
         on conflict (catalogue_id, sku) do update
            set product_id = excluded.product_id, external_id = excluded.external_id, name = excluded.name,
                price = excluded.price, currency = excluded.currency, availability = excluded.availability,
                inventory = excluded.inventory, image_url = excluded.image_url, removed_at = null, updated_at = now()
          where (v.product_id, v.external_id, v.name, v.price, v.currency, v.availability, v.inventory, v.image_url, v.removed_at)
                is distinct from (excluded.product_id, excluded.external_id, excluded.name, excluded.price, excluded.currency,
                 excluded.availability, excluded.inventory, excluded.image_url, null)
         returning xmax = 0",
    );
    let written: Vec<bool> = sql.build_query_scalar().fetch_all(tx).await?;
    change.count(&written);
    Ok(())
}

impl CatalogueChange {
    /// Counts rows that were written: `true` for a new one.
    fn count(&mut self, written: &[bool]) {
        let added = written.iter().filter(|is_new| **is_new).count() as u64;
        self.added += added;
        self.changed += written.len() as u64 - added;
    }
}

async fn remove(
    tx: &mut PgConnection,
    table: &'static str,
    id: CatalogueId,
    kept: &[String],
) -> Result<u64, StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new("update ");
    sql.push(table).push(" set removed_at = now(), updated_at = now() where removed_at is null and catalogue_id = ");
    sql.push_bind(id).push(" and not sku = any(").push_bind(kept).push(")");
    Ok(sql.build().execute(tx).await?.rows_affected())
}
