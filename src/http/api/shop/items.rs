//! Items of orders and carts, as they are shown and written.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::super::openapi::schemas;
use super::super::super::problem::Problem;
use super::{currency, price, written};
use crate::app::{NewOrderItem, OrderItemRow, whole_quantity};

/// So many wrong items are named.
const NAMED_MAX: usize = 20;

/// An item as it was ordered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WhatsAppOrderItem)]
pub(super) struct ItemAnswer {
    #[schema(example = "12")]
    id: String,
    #[schema(example = "1")]
    product_id: Option<String>,
    #[schema(example = json!(null))]
    variant_id: Option<String>,
    #[schema(example = "teh-tarik")]
    product_retailer_id: String,
    /// The product's when it was ordered; null where no catalogue had it.
    #[schema(example = "Teh Tarik")]
    name: Option<String>,
    #[schema(example = "2")]
    quantity: String,
    #[schema(example = "2.50")]
    price: Option<String>,
    #[schema(example = "MYR")]
    currency: Option<String>,
    #[schema(example = "5.00")]
    total: Option<String>,
}

impl From<OrderItemRow> for ItemAnswer {
    fn from(item: OrderItemRow) -> Self {
        Self {
            id: item.id.to_string(),
            product_id: item.product_id.map(|id| id.to_string()),
            variant_id: item.variant_id.map(|id| id.to_string()),
            product_retailer_id: item.sku,
            name: item.name,
            quantity: item.quantity,
            price: item.price,
            currency: item.currency,
            total: item.total,
        }
    }
}

/// An item of a new order.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
#[schema(as = NewOrderItem)]
pub(super) struct ItemBody {
    #[serde(alias = "sku", alias = "product_retailer_id", alias = "retailerId")]
    #[schema(example = "teh-tarik")]
    product_retailer_id: String,
    /// A whole number from 1; absent: 1.
    #[schema(schema_with = quantity, required = false)]
    quantity: Option<Value>,
    /// Of one; absent: the catalogue's.
    #[schema(schema_with = schemas::amount, required = false)]
    price: Option<Value>,
    #[schema(example = "MYR")]
    currency: Option<String>,
}

pub(super) fn quantity() -> utoipa::openapi::schema::Object {
    use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
    let types = [Type::Integer, Type::String, Type::Null];
    ObjectBuilder::new().schema_type(SchemaType::from_iter(types)).examples([serde_json::json!(2)]).build()
}

pub(super) fn read_items(items: &[ItemBody]) -> Result<Vec<NewOrderItem>, Problem> {
    let (mut read, mut wrong) = (Vec::new(), Vec::new());
    for (n, item) in items.iter().enumerate() {
        match item.read(n) {
            Ok(item) => read.push(item),
            Err(problem) => wrong.extend(problem.into_errors()),
        }
    }
    if wrong.is_empty() { Ok(read) } else { Err(Problem::first_fields(wrong, NAMED_MAX)) }
}

impl ItemBody {
    fn read(&self, n: usize) -> Result<NewOrderItem, Problem> {
        let at = |field: &str| format!("items[{n}].{field}");
        let whole = |value: &Value| {
            let text = written(value).unwrap_or_default();
            whole_quantity(&text).map_err(|how| Problem::field(at("quantity"), how))
        };
        Ok(NewOrderItem {
            sku: self.product_retailer_id.clone(),
            quantity: self.quantity.as_ref().map_or(Ok(Decimal::ONE), whole)?,
            price: self.price.as_ref().map(|value| price(&at("price"), value)).transpose()?,
            currency: self.currency.as_deref().map(|text| currency(&at("currency"), text)).transpose()?,
            kept: None,
            unreadable: None,
        })
    }
}
