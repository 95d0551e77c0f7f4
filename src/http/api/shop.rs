//! The shop in the words of the campaigns' models: catalogues, products with their variants, orders with their items. Money is
//! text, exact.

mod carts;
mod catalogs;
mod export;
mod items;
mod orders;

use rust_decimal::Decimal;
use serde_json::Value;

use super::super::openapi::Routes;
use super::super::problem::Problem;
use crate::domain::catalogue;

pub(super) fn routes() -> Routes {
    catalogs::routes().merge(carts::routes()).merge(orders::routes()).merge(export::routes())
}

/// A text or a number as the text that it was written as.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A price of 0 or more, with at most six places.
fn price(field: &str, value: &Value) -> Result<Decimal, Problem> {
    let text = written(value).ok_or_else(|| Problem::field(field, "write it as \"19.90\""))?;
    let (price, currency) = catalogue::price(&text).map_err(|why| Problem::field(field, why))?;
    match currency {
        None => Ok(price),
        Some(_) => Err(Problem::field(field, "write the currency in a field of its own")),
    }
}

/// The three letters of one that there is.
fn currency(field: &str, text: &str) -> Result<String, Problem> {
    catalogue::currency(text).map_err(|why| Problem::field(field, why))
}
