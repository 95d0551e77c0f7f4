//! Orders: listed, written, and taken through their states.

use axum::response::Response;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::super::super::openapi::{Operation, Routes, schemas};
use super::super::super::problem::Problem;
use super::super::authentication::{ApiReader, ApiWriter};
use super::super::body::{JsonBody, Params, PathId};
use super::super::once::{Answer, Repeatable, once};
use super::super::page;
use super::{currency, price, written};
use crate::app::{App, NewOrderItem, OrderDraft, OrderItemRow, OrderQuery, OrderRow};
use crate::domain::ids::{BlastId, OrderId};
use crate::domain::order::OrderState;
use crate::domain::phone::Phone;

pub(super) fn routes() -> Routes {
    let moving = || {
        Operation::write("Takes an order to another state")
            .details(
                "A cancelled order takes its own amount back, and its person is open again if it alone closed them.",
            )
            .body::<OrderEdit>()
            .answer::<OrderAnswer>(200, "The order as it is now")
            .refuses(&[409])
    };
    Routes::of("Shop")
        .get(
            "/api/whatsapp/orders",
            list,
            Operation::read("Orders with their items, the newest first")
                .query::<OrderParams>()
                .answer::<OrderList>(200, "A page")
                .refuses(&[404]),
        )
        .post(
            "/api/whatsapp/orders",
            create,
            Operation::write("Writes an order of somebody in a campaign, which closes them with its amount")
                .details("A price that is absent is the catalogue's.")
                .body::<OrderBody>()
                .answer::<OrderAnswer>(201, "The order")
                .refuses(&[404, 409]),
        )
        .get(
            "/api/whatsapp/orders/{id}",
            one,
            Operation::read("One order").answer::<OrderAnswer>(200, "The order with its items"),
        )
        .put("/api/whatsapp/orders/{id}", edit, moving())
        .patch("/api/whatsapp/orders/{id}", edit, moving())
}

/// An item as it was ordered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WhatsAppOrderItem)]
struct ItemAnswer {
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

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WhatsAppOrder)]
struct OrderAnswer {
    #[schema(example = "3")]
    id: String,
    /// The blast that it answers.
    #[schema(example = "7")]
    campaign_id: Option<String>,
    #[schema(example = "250")]
    recipient_id: Option<String>,
    #[schema(example = "+60123456789")]
    phone_number: Option<String>,
    #[schema(example = "Aina")]
    name: Option<String>,
    /// Meta's id of the catalogue, as the message names it.
    #[schema(example = "194836987003835")]
    catalog_id: Option<String>,
    status: OrderState,
    /// `webhook` or `operator`.
    #[schema(example = "webhook")]
    source: String,
    #[schema(example = "no sugar")]
    note: Option<String>,
    #[schema(example = "wamid.HBgL")]
    message_id: Option<String>,
    items: Vec<ItemAnswer>,
    /// Exact; null where it cannot be added up.
    #[schema(example = "5.00")]
    total_amount: Option<String>,
    #[schema(example = "MYR")]
    currency: Option<String>,
    /// How much of it counts in revenue.
    #[schema(example = "5.00")]
    counted_amount: Option<String>,
    /// Why it does not.
    #[schema(example = json!(null))]
    not_counted_because: Option<String>,
    /// Items that could not be read.
    #[schema(example = 0)]
    unreadable_items: i32,
    ordered_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<OrderRow> for OrderAnswer {
    fn from(order: OrderRow) -> Self {
        Self {
            id: order.id.to_string(),
            campaign_id: order.blast_id.map(|id| id.to_string()),
            recipient_id: order.recipient_id.map(|id| id.to_string()),
            phone_number: order.phone_number,
            name: order.name,
            catalog_id: order.catalogue,
            status: order.state,
            source: order.source,
            note: order.note,
            message_id: order.message_id,
            items: order.items.0.into_iter().map(ItemAnswer::from).collect(),
            total_amount: order.total.map(|total| total.to_string()),
            currency: order.currency,
            counted_amount: order.counted.map(|counted| counted.to_string()),
            not_counted_because: order.uncounted,
            unreadable_items: order.unreadable,
            ordered_at: order.ordered_at,
            created_at: order.created_at,
            updated_at: order.updated_at,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WhatsAppOrderList)]
struct OrderList {
    orders: Vec<OrderAnswer>,
    #[schema(example = 50)]
    limit: u32,
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct OrderParams {
    /// Only those of this blast.
    #[serde(alias = "blast_id", alias = "campaign_id", alias = "blastId")]
    campaign_id: Option<String>,
    /// `new`, `confirmed`, `paid`, `fulfilled` or `cancelled`.
    #[serde(alias = "state")]
    status: Option<String>,
    /// Only this number's, in any spelling.
    #[serde(alias = "phone_number", alias = "phone")]
    phone_number: Option<String>,
    /// 1 to 1,000 a page, usually 50.
    #[serde(deserialize_with = "page::number")]
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

async fn list(ApiReader(caller): ApiReader, Params(asked): Params<OrderParams>) -> Result<Answer, Problem> {
    let app = caller.app();
    let limit = page::limit(asked.limit)?;
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let blast = given(&asked.campaign_id).map(|text| blast("campaignId", &text)).transpose()?;
    if let Some(blast) = blast {
        app.require_blast(blast).await?;
    }
    let cursor = given(&asked.cursor).map(|cursor| page::read_cursor(&cursor)).transpose()?;
    let phone = |text: String| {
        Phone::parse(&text, app.own_region()).map_err(|error| Problem::field("phoneNumber", error.to_string()))
    };
    let query = OrderQuery {
        blast,
        state: given(&asked.status).map(|text| state(&text)).transpose()?,
        phone: given(&asked.phone_number).map(phone).transpose()?,
        before: cursor.map(|[id]| OrderId(id)),
        limit,
        ..OrderQuery::default()
    };
    let rows = app.orders(&query).await?;
    let last = rows.last().filter(|_| rows.len() == limit as usize);
    let next_cursor = last.map(|last| page::write_cursor(&[last.id.0]));
    Ok(Answer::ok(OrderList { orders: rows.into_iter().map(OrderAnswer::from).collect(), limit, next_cursor }))
}

fn blast(field: &str, text: &str) -> Result<BlastId, Problem> {
    text.parse().map_err(|_| Problem::field(field, "write the id of a campaign"))
}

fn state(text: &str) -> Result<OrderState, Problem> {
    let known = OrderState::from_word(text);
    known.ok_or_else(|| Problem::field("status", "write new, confirmed, paid, fulfilled or cancelled"))
}

async fn one(ApiReader(caller): ApiReader, PathId(id): PathId<OrderId>) -> Result<Answer, Problem> {
    Ok(Answer::ok(OrderAnswer::from(caller.app().order(id).await?)))
}

/// An item of a new order.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
#[schema(as = NewOrderItem)]
struct ItemBody {
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

fn quantity() -> utoipa::openapi::schema::Object {
    use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
    let types = [Type::Integer, Type::String, Type::Null];
    ObjectBuilder::new().schema_type(SchemaType::from_iter(types)).examples([serde_json::json!(2)]).build()
}

/// A new order.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
#[schema(as = NewOrder)]
struct OrderBody {
    /// The blast that it answers.
    #[serde(alias = "blastId", alias = "campaign_id", alias = "blast_id")]
    #[schema(schema_with = quantity)]
    campaign_id: Option<Value>,
    #[serde(alias = "phone_number", alias = "phone")]
    #[schema(example = "60123456789")]
    phone_number: String,
    items: Vec<ItemBody>,
    #[schema(example = "no sugar")]
    note: Option<String>,
}

impl OrderBody {
    fn draft(&self) -> Result<OrderDraft, Problem> {
        let missing = || Problem::field("campaignId", "missing: write the id of a campaign");
        let blast = self.campaign_id.as_ref().and_then(written).ok_or_else(missing)?;
        let blast = self::blast("campaignId", &blast)?;
        if self.phone_number.trim().is_empty() {
            return Err(Problem::field("phoneNumber", "missing: write a number"));
        }
        let items = self.items.iter().enumerate().map(|(n, item)| item.read(n)).collect::<Result<_, _>>()?;
        Ok(OrderDraft { blast, phone: self.phone_number.clone(), items, note: self.note.clone() })
    }
}

impl ItemBody {
    fn read(&self, n: usize) -> Result<NewOrderItem, Problem> {
        let at = |field: &str| format!("items[{n}].{field}");
        let whole = |value: &Value| {
            let number = written(value).and_then(|text| text.trim().parse::<u32>().ok()).filter(|number| *number > 0);
            number.map(Decimal::from).ok_or_else(|| Problem::field(at("quantity"), "write a whole number from 1"))
        };
        Ok(NewOrderItem {
            sku: self.product_retailer_id.clone(),
            quantity: self.quantity.as_ref().map_or(Ok(Decimal::ONE), whole)?,
            price: self.price.as_ref().map(|value| price(&at("price"), value)).transpose()?,
            currency: self.currency.as_deref().map(|text| currency(&at("currency"), text)).transpose()?,
        })
    }
}

async fn create(ApiWriter(caller): ApiWriter, body: JsonBody<OrderBody>) -> Result<Response, Problem> {
    let draft = body.value.draft()?;
    let request = Repeatable { headers: &body.headers, fingerprint: body.fingerprint, blast: None };
    once(&caller, request, async |app: App| Ok(Answer::created(OrderAnswer::from(app.add_order(&draft).await?)))).await
}

/// What becomes of an order.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = EditOrder)]
struct OrderEdit {
    /// `confirmed`, `paid`, `fulfilled` or `cancelled`.
    #[serde(alias = "state")]
    #[schema(example = "confirmed")]
    status: String,
}

async fn edit(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<OrderId>,
    body: JsonBody<OrderEdit>,
) -> Result<Response, Problem> {
    let next = state(&body.value.status)?;
    let request = Repeatable { headers: &body.headers, fingerprint: body.fingerprint, blast: None };
    once(&caller, request, async |app: App| Ok(Answer::ok(OrderAnswer::from(app.move_order(id, next).await?)))).await
}
