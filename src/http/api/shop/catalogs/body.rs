//! A catalogue that a program writes: its products and their variants, as they are spelled in a request.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::super::super::openapi::schemas;
use super::super::super::super::problem::{FieldError, Problem};
use super::super::{currency, price};
use crate::domain::amount::{check_currency, check_places};
use crate::domain::catalogue::{CatalogueItem, availability};
use crate::domain::text::clean;

/// The most products that one request may contain.
const PRODUCTS_MAX: usize = 10_000;
/// So many wrong fields are named.
const NAMED_MAX: usize = 20;

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
pub(super) struct CatalogBody {
    #[schema(required = true, example = "products")]
    pub(super) name: String,
    /// Whose it is. It may be absent where all senders are of one business.
    #[schema(example = "kedai")]
    pub(super) business: Option<String>,
    products: Vec<ProductBody>,
}

/// What was read of a catalogue so far.
#[derive(Default)]
struct ReadItems<'a> {
    items: Vec<CatalogueItem>,
    skus: HashSet<&'a str>,
    wrong: Vec<FieldError>,
}

impl<'a> ReadItems<'a> {
    /// Takes an item, or what is wrong with it. What is wrong with the product that it is a variant of is said there.
    fn take(&mut self, at: &str, body: &'a ProductBody, item: Result<CatalogueItem, Problem>) {
        match item {
            Ok(item) => self.items.push(item),
            Err(problem) => self.wrong.extend(problem.into_errors().filter(|error| error.field.starts_with(at))),
        }
        let sku = body.retailer_id.trim();
        if !sku.is_empty() && !self.skus.insert(sku) {
            self.wrong.push(FieldError::new(format!("{at}.retailerId"), format!("`{}` is there twice", clean(sku))));
        }
    }
}

impl CatalogBody {
    /// What it has, in its order. `home`: the currency of a price without one.
    ///
    /// # Errors
    /// Names every product and variant that is wrong, the first 20 of them.
    pub(super) fn items(&self, home: &str) -> Result<Vec<CatalogueItem>, Problem> {
        let count = self.products.iter().map(|product| product.variants.len().max(1)).sum::<usize>();
        if count > PRODUCTS_MAX {
            return Err(Problem::field("products", format!("write at most {PRODUCTS_MAX} with their variants")));
        }
        let mut read = ReadItems::default();
        for (n, product) in self.products.iter().enumerate() {
            let at = format!("products[{n}]");
            let own = product.item(&at, None, home);
            if product.variants.is_empty() {
                read.take(&at, product, own);
                continue;
            }
            match own {
                Ok(own) => read.items.push(CatalogueItem { gathers_variants: true, ..own }),
                Err(problem) => read.wrong.extend(problem.into_errors()),
            }
            for (m, variant) in product.variants.iter().enumerate() {
                let place = format!("{at}.variants[{m}]");
                read.take(&place, variant, variant.item(&place, Some((product, &at)), home));
            }
        }
        if read.wrong.is_empty() { Ok(read.items) } else { Err(Problem::first_fields(read.wrong, NAMED_MAX)) }
    }
}

impl ProductBody {
    fn item(&self, at: &str, of: Option<(&Self, &String)>, home: &str) -> Result<CatalogueItem, Problem> {
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
        let group = of.map(|(product, at)| product.item(at, None, home)).transpose()?;
        let stock = |text: &str| {
            let known = availability(text).map(str::to_owned);
            known.ok_or_else(|| Problem::field(field("availability"), "write `in stock` or `out of stock`"))
        };
        let own_price = self.price.as_ref().map(|value| price(&field("price"), value)).transpose()?;
        let own_currency = self.currency.as_deref().map(|text| currency(&field("currency"), text)).transpose()?;
        let group = group.as_ref();
        if let Some((group, price)) =
            group.and_then(|group| Some((group, group.price?))).filter(|_| own_price.is_none())
        {
            check_currency(own_currency.as_deref(), (price, group.currency.as_deref().unwrap_or(home)))
                .map_err(|why| Problem::field(field("currency"), why))?;
        }
        let own_currency = own_currency.or_else(|| group.and_then(|group| group.currency.clone()));
        if let Some(price) = own_price {
            check_places(price, own_currency.as_deref().unwrap_or(home))
                .map_err(|why| Problem::field(field("price"), why.to_string()))?;
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
            gathers_variants: false,
        })
    }
}
