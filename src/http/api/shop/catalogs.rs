//! Catalogues and their products: read, and written whole by a program that keeps them elsewhere.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::super::super::openapi::{Operation, Routes, schemas};
use super::super::super::problem::Problem;
use super::super::authentication::{ApiReader, ApiWriter};
use super::super::body::{JsonBody, Params, PathId};
use super::super::once::{Answer, Repeatable, once};
use super::super::page;
use super::{currency, price};
use crate::app::{App, CatalogueRow, ProductQuery, ProductRow, VariantRow};
use crate::domain::amount::check_places;
use crate::domain::catalogue::{CatalogueItem, availability};
use crate::domain::ids::{CatalogueId, ProductId};
use crate::domain::text::clean;

/// The most products that one request may bring.
const PRODUCTS_MAX: usize = 10_000;

pub(super) fn routes() -> Routes {
    Routes::of("Shop")
        .get(
            "/api/whatsapp/catalogs",
            list,
            Operation::read("Catalogues, by name").answer::<CatalogList>(200, "All of them"),
        )
        .post(
            "/api/whatsapp/catalogs",
            replace,
            Operation::write("Writes a catalogue whole, in the place of an earlier one of this name")
                .details("Products that it does not have are taken out. Up to 10,000 with their variants.")
                .body::<CatalogBody>()
                .answer::<CatalogAnswer>(200, "The catalogue as it is now")
                .refuses(&[409]),
        )
        .get(
            "/api/whatsapp/catalogs/{id}",
            one,
            Operation::read("One catalogue").answer::<CatalogAnswer>(200, "The catalogue"),
        )
        .get(
            "/api/whatsapp/products",
            products,
            Operation::read("Products with their variants, by id")
                .query::<ProductParams>()
                .answer::<ProductList>(200, "A page"),
        )
        .get(
            "/api/whatsapp/products/{id}",
            product,
            Operation::read("One product").answer::<ProductAnswer>(200, "The product with its variants"),
        )
}

/// A catalogue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WhatsAppCatalog)]
struct CatalogAnswer {
    #[schema(example = "1")]
    id: String,
    /// Meta's id; null: of a file or a program.
    #[schema(example = json!(null))]
    catalog_id: Option<String>,
    #[schema(example = "products")]
    name: String,
    #[schema(example = "kedai")]
    business: String,
    /// `csv` or `meta`.
    #[schema(example = "csv")]
    source: String,
    #[schema(example = 12)]
    product_count: i64,
    #[schema(example = 3)]
    variant_count: i64,
    synced_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<CatalogueRow> for CatalogAnswer {
    fn from(row: CatalogueRow) -> Self {
        Self {
            id: row.id.to_string(),
            catalog_id: row.external_id,
            name: row.name,
            business: row.business,
            source: row.source,
            product_count: row.products,
            variant_count: row.variants,
            synced_at: row.synced_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WhatsAppCatalogList)]
struct CatalogList {
    catalogs: Vec<CatalogAnswer>,
}

/// A variant of a product.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WhatsAppProductVariant)]
struct VariantAnswer {
    #[schema(example = "4")]
    id: String,
    #[schema(example = "shirt-red")]
    retailer_id: String,
    #[schema(example = "red")]
    name: String,
    #[schema(example = "19.90")]
    price: Option<String>,
    #[schema(example = "MYR")]
    currency: Option<String>,
    #[schema(example = "in stock")]
    availability: String,
    #[schema(example = 12)]
    inventory: Option<i64>,
    #[schema(example = "shop.example/red.png")]
    image_url: Option<String>,
}

impl From<VariantRow> for VariantAnswer {
    fn from(row: VariantRow) -> Self {
        let VariantRow { id, sku, name, price, currency, availability, inventory, image_url, .. } = row;
        Self { id: id.to_string(), retailer_id: sku, name, price, currency, availability, inventory, image_url }
    }
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WhatsAppProduct)]
struct ProductAnswer {
    #[schema(example = "1")]
    id: String,
    #[schema(example = "1")]
    catalog_id: String,
    /// Meta's id.
    #[schema(example = json!(null))]
    product_id: Option<String>,
    #[schema(example = "shirt")]
    retailer_id: String,
    #[schema(example = "Shirt")]
    name: String,
    #[schema(example = "Soft")]
    description: Option<String>,
    #[schema(example = "19.90")]
    price: Option<String>,
    #[schema(example = "MYR")]
    currency: Option<String>,
    #[schema(example = "in stock")]
    availability: String,
    #[schema(example = json!(null))]
    inventory: Option<i64>,
    #[schema(example = "shop.example/shirt.png")]
    image_url: Option<String>,
    #[schema(example = "shop.example/shirt")]
    url: Option<String>,
    variants: Vec<VariantAnswer>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<ProductRow> for ProductAnswer {
    fn from(row: ProductRow) -> Self {
        Self {
            id: row.id.to_string(),
            catalog_id: row.catalogue_id.to_string(),
            product_id: row.external_id,
            retailer_id: row.sku,
            name: row.name,
            description: row.description,
            price: row.price.map(|price| price.to_string()),
            currency: row.currency,
            availability: row.availability,
            inventory: row.inventory,
            image_url: row.image_url,
            url: row.url,
            variants: row.variants.0.into_iter().map(VariantAnswer::from).collect(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WhatsAppProductList)]
struct ProductList {
    products: Vec<ProductAnswer>,
    #[schema(example = 50)]
    limit: u32,
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

async fn list(ApiReader(caller): ApiReader) -> Result<Answer, Problem> {
    let catalogs = caller.app().catalogues().await?.into_iter().map(CatalogAnswer::from).collect();
    Ok(Answer::ok(CatalogList { catalogs }))
}

async fn one(ApiReader(caller): ApiReader, PathId(id): PathId<CatalogueId>) -> Result<Answer, Problem> {
    Ok(Answer::ok(CatalogAnswer::from(caller.app().catalogue(id).await?)))
}

async fn product(ApiReader(caller): ApiReader, PathId(id): PathId<ProductId>) -> Result<Answer, Problem> {
    Ok(Answer::ok(ProductAnswer::from(caller.app().product(id).await?)))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct ProductParams {
    /// Only those of this catalogue, by our id.
    #[serde(alias = "catalog_id")]
    catalog_id: Option<String>,
    /// Only the product that this is, or that it is a variant of.
    #[serde(alias = "sku", alias = "retailer_id")]
    retailer_id: Option<String>,
    /// 1 to 1,000 a page, usually 50.
    #[serde(deserialize_with = "page::number")]
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

async fn products(ApiReader(caller): ApiReader, Params(asked): Params<ProductParams>) -> Result<Answer, Problem> {
    let limit = page::limit(asked.limit)?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let wrong = |_| Problem::field("catalogId", "write the id of a catalogue");
    let catalogue = given(asked.catalog_id).map(|text| text.parse().map_err(wrong)).transpose()?;
    let cursor = given(asked.cursor).map(|cursor| page::read_cursor(&cursor)).transpose()?;
    let after = cursor.map(|[id]| ProductId(id));
    let sku = given(asked.retailer_id).map(|sku| sku.replace('\0', ""));
    let rows = caller.app().products(&ProductQuery { catalogue, sku, after, limit, ..ProductQuery::default() }).await?;
    let last = rows.last().filter(|_| rows.len() == limit as usize);
    let next_cursor = last.map(|last| page::write_cursor(&[last.id.0]));
    Ok(Answer::ok(ProductList { products: rows.into_iter().map(ProductAnswer::from).collect(), limit, next_cursor }))
}

/// What a product and a variant both have.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
#[schema(as = NewProduct)]
struct ProductBody {
    #[serde(alias = "sku", alias = "retailer_id", alias = "productRetailerId")]
    #[schema(example = "teh-tarik")]
    retailer_id: String,
    #[schema(example = "Teh Tarik")]
    name: String,
    #[schema(example = "With milk")]
    description: Option<String>,
    #[schema(schema_with = schemas::amount, required = false)]
    price: Option<Value>,
    #[schema(example = "MYR")]
    currency: Option<String>,
    /// In Meta's words; absent: `in stock`.
    #[schema(example = "in stock")]
    availability: Option<String>,
    #[schema(example = 12)]
    inventory: Option<u32>,
    #[serde(alias = "image_url")]
    #[schema(example = "shop.example/teh.png")]
    image_url: Option<String>,
    #[schema(example = "shop.example/teh")]
    url: Option<String>,
    #[schema(no_recursion, value_type = Vec<Object>, example = json!([]))]
    variants: Vec<ProductBody>,
}

/// A catalogue to write.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
#[schema(as = NewCatalog)]
struct CatalogBody {
    #[schema(example = "products")]
    name: String,
    /// Whose it is. It may be absent where all senders are of one business.
    #[schema(example = "kedai")]
    business: Option<String>,
    products: Vec<ProductBody>,
}

impl CatalogBody {
    fn items(&self) -> Result<Vec<CatalogueItem>, Problem> {
        let mut items = Vec::new();
        for (n, product) in self.products.iter().enumerate() {
            let at = format!("products[{n}]");
            if product.variants.is_empty() {
                items.push(product.item(&at, None)?);
            }
            for (m, variant) in product.variants.iter().enumerate() {
                items.push(variant.item(&format!("{at}.variants[{m}]"), Some((product, &at)))?);
            }
        }
        if items.len() > PRODUCTS_MAX {
            return Err(Problem::field("products", format!("write at most {PRODUCTS_MAX} with their variants")));
        }
        let mut seen = std::collections::HashSet::new();
        match items.iter().find(|item| !seen.insert(item.sku.as_str())) {
            Some(twice) => Err(Problem::field("products", format!("`{}` is there twice", twice.sku))),
            None => Ok(items),
        }
    }
}

impl ProductBody {
    fn item(&self, at: &str, of: Option<(&Self, &String)>) -> Result<CatalogueItem, Problem> {
        let field = |name: &str| format!("{at}.{name}");
        let plain = |text: &String| text.trim().replace('\0', "");
        let (sku, name) = (self.retailer_id.trim().to_owned(), plain(&self.name));
        if sku.is_empty() || sku.chars().count() > 100 || clean(&sku) != sku {
            return Err(Problem::field(
                field("retailerId"),
                "write 1 to 100 characters, none of them a control character",
            ));
        }
        if name.is_empty() || name.chars().count() > 500 {
            return Err(Problem::field(field("name"), "write 1 to 500 characters"));
        }
        if of.is_some() && !self.variants.is_empty() {
            return Err(Problem::field(field("variants"), "a variant has none"));
        }
        let group = of.map(|(product, at)| product.item(at, None)).transpose()?;
        let stock = |text: &str| {
            let known = availability(text).map(str::to_owned);
            known.ok_or_else(|| Problem::field(field("availability"), "write `in stock` or `out of stock`"))
        };
        let own_price = self.price.as_ref().map(|value| price(&field("price"), value)).transpose()?;
        let own_currency = self.currency.as_deref().map(|text| currency(&field("currency"), text)).transpose()?;
        let group = group.as_ref();
        let own_currency = own_currency.or_else(|| group.and_then(|group| group.currency.clone()));
        if let (Some(price), Some(currency)) = (own_price, &own_currency) {
            check_places(price, currency).map_err(|why| Problem::field(field("price"), why.to_string()))?;
        }
        Ok(CatalogueItem {
            sku,
            external_id: None,
            group: group.map(|group| group.sku.clone()),
            variant: group.map(|_| name.clone()),
            name: group.map_or(name, |group| group.name.clone()),
            description: group.map_or_else(|| self.description.as_ref().map(plain), |group| group.description.clone()),
            price: own_price.or_else(|| group.and_then(|group| group.price)),
            currency: own_currency,
            availability: self.availability.as_deref().map(stock).transpose()?,
            inventory: self.inventory.map(i64::from),
            image_url: self.image_url.as_ref().map(plain).or_else(|| group.and_then(|group| group.image_url.clone())),
            url: self.url.as_ref().map(plain).or_else(|| group.and_then(|group| group.url.clone())),
        })
    }
}

async fn replace(ApiWriter(caller): ApiWriter, body: JsonBody<CatalogBody>) -> Result<Response, Problem> {
    let items = body.value.items().map_err(|problem| body.spelled(problem))?;
    let request = Repeatable { headers: &body.headers, fingerprint: body.fingerprint, blast: None };
    once(&caller, request, async |app: App| {
        let CatalogBody { name, business, .. } = &body.value;
        let change = app.import_catalogue(business.as_deref(), name, &items).await?;
        Ok(Answer::ok(CatalogAnswer::from(app.catalogue(change.id).await?)))
    })
    .await
}
