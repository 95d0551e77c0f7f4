//! Catalogues and their products: read, and written whole by a program that keeps them elsewhere.

mod body;

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use self::body::CatalogBody;
use super::super::super::openapi::{Operation, Routes};
use super::super::super::problem::Problem;
use super::super::authentication::{ApiReader, ApiWriter};
use super::super::body::{JsonBody, Params, PathId};
use super::super::once::{Answer, Repeatable, once};
use super::super::page;
use crate::app::{App, CatalogueRow, CatalogueSource, ProductQuery, ProductRow, VariantRow, unread_after};
use crate::domain::amount::{as_text, text_as_text};
use crate::domain::ids::{CatalogueId, ProductId};

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
    /// `csv`, `api` or `meta`: of a file, a program or Meta.
    #[schema(example = "api")]
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
    /// By its availability, or an inventory of 0.
    #[schema(example = false)]
    sold_out: bool,
    #[schema(example = "shop.example/red.png")]
    image_url: Option<String>,
}

impl From<VariantRow> for VariantAnswer {
    fn from(row: VariantRow) -> Self {
        let sold_out = row.is_sold_out();
        let VariantRow { id, sku, name, price, currency, availability, inventory, image_url, .. } = row;
        Self {
            id: id.to_string(),
            retailer_id: sku,
            name,
            price: price.map(|price| text_as_text(price, currency.as_deref())),
            currency,
            availability,
            inventory,
            sold_out,
            image_url,
        }
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
    /// Of a product with variants: all of these are.
    #[schema(example = false)]
    sold_out: bool,
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
            sold_out: row.is_sold_out(),
            id: row.id.to_string(),
            catalog_id: row.catalogue_id.to_string(),
            product_id: row.external_id,
            retailer_id: row.sku,
            name: row.name,
            description: row.description,
            price: row.price.map(|price| as_text(price, row.currency.as_deref())),
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
    #[param(minimum = 1, maximum = 1_000)]
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
    let one_more = page::one_more(limit);
    let query = ProductQuery { catalogue, sku, after, limit: one_more, ..ProductQuery::default() };
    let mut rows = caller.app().products(&query).await?;
    let next_cursor = page::cut(&mut rows, limit, |last| [last.id.0]);
    Ok(Answer::ok(ProductList { products: rows.into_iter().map(ProductAnswer::from).collect(), limit, next_cursor }))
}

async fn replace(ApiWriter(caller): ApiWriter, body: JsonBody<CatalogBody>) -> Result<Response, Problem> {
    let items = body.value.items(&caller.app().config().ui.currency).map_err(|problem| body.spelled(problem))?;
    let request = Repeatable { headers: &body.headers, fingerprint: body.fingerprint, blast: None };
    once(&caller, request, async |app: App| {
        let CatalogBody { name, business, .. } = &body.value;
        let change = app.import_catalogue((business.as_deref(), CatalogueSource::Program), name, &items).await?;
        let done = unread_after(format!("catalogue {} is taken in", change.id));
        Ok(Answer::ok(CatalogAnswer::from(app.catalogue(change.id).await.map_err(done)?)))
    })
    .await
}
