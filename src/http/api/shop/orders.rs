//! Orders: listed, written, and taken through their states.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::super::super::api_sentence::for_programs;
use super::super::super::openapi::{Operation, Routes};
use super::super::super::problem::Problem;
use super::super::authentication::{ApiReader, ApiWriter};
use super::super::body::{JsonBody, Params, PathId};
use super::super::customers::{customer_id_of, number};
use super::super::once::{Answer, Repeatable, once};
use super::super::page;
use super::items::{ItemAnswer, ItemBody, quantity, read_items};
use super::written;
use crate::app::{App, ItemsEdit, OrderDraft, OrderQuery, OrderRow, OriginalOrder, SteppedOrder, WrittenOrder};
use crate::domain::amount::{as_kept, as_text};
use crate::domain::ids::{BlastId, OrderId};
use crate::domain::order::OrderState;

pub(super) fn routes() -> Routes {
    let moving = || {
        Operation::write("Takes an order to another state, or changes its items")
            .details(
                "A cancelled order takes its own amount back, and its person is open again if it alone closed them. Items that are \
                 given take the place of all before, revenue follows, and `original` says what the order was at first.",
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

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WhatsAppOrder)]
pub(super) struct OrderAnswer {
    #[schema(example = "3")]
    id: String,
    /// The blast that it answers.
    #[schema(example = "7")]
    campaign_id: Option<String>,
    #[schema(example = "250")]
    recipient_id: Option<String>,
    #[schema(example = "+60123456789")]
    phone_number: Option<String>,
    /// The customer's id; null for whoever was forgotten.
    #[schema(example = "60123456789")]
    customer_id: Option<String>,
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
    /// As it was before it was edited; null: it was not.
    original: Option<OriginalAnswer>,
    /// Items that could not be read.
    #[schema(example = 0)]
    unreadable_items: i32,
    /// Where it was just written or edited: what the catalogue calls sold out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!([]))]
    sold_out: Vec<String>,
    /// Where it was just cancelled and follow-ups go on without its person: which, and how to write to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(null))]
    left_out: Option<String>,
    /// Where it was just cancelled and written from a cart: that cart, which is open again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(null))]
    reopened_cart: Option<String>,
    ordered_at: DateTime<Utc>,
    /// What its message says, where that is later than when it came; null otherwise.
    dated_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// An order as it was before its first edit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OriginalOrder)]
struct OriginalAnswer {
    items: Vec<ItemAnswer>,
    #[schema(example = "5.00")]
    total_amount: Option<String>,
    #[schema(example = "MYR")]
    currency: Option<String>,
}

impl From<OriginalOrder> for OriginalAnswer {
    fn from(original: OriginalOrder) -> Self {
        let OriginalOrder { items, total, currency } = original;
        Self { items: items.into_iter().map(ItemAnswer::from).collect(), total_amount: total, currency }
    }
}

impl From<WrittenOrder> for OrderAnswer {
    fn from(written: WrittenOrder) -> Self {
        Self { sold_out: written.sold_out.0, ..written.order.into() }
    }
}

impl From<SteppedOrder> for OrderAnswer {
    fn from(SteppedOrder { order, left_out, reopened }: SteppedOrder) -> Self {
        let left_out = Some(for_programs(left_out.trim_start_matches("; "))).filter(|said| !said.is_empty());
        Self { left_out, reopened_cart: reopened.map(|cart| cart.to_string()), ..order.into() }
    }
}

impl From<OrderRow> for OrderAnswer {
    fn from(order: OrderRow) -> Self {
        let not_counted_because = order.not_counted();
        Self {
            id: order.id.to_string(),
            campaign_id: order.blast_id.map(|id| id.to_string()),
            recipient_id: order.recipient_id.map(|id| id.to_string()),
            customer_id: order.phone_number.as_deref().and_then(customer_id_of),
            phone_number: order.phone_number,
            name: order.name,
            catalog_id: order.catalogue,
            status: order.state,
            source: order.source,
            note: order.note,
            message_id: order.message_id,
            items: order.items.0.into_iter().map(ItemAnswer::from).collect(),
            total_amount: order.total.map(|total| as_text(total, order.currency.as_deref())),
            currency: order.currency,
            counted_amount: order.counted.map(as_kept),
            not_counted_because,
            original: order.original.map(|original| original.0.into()),
            unreadable_items: order.unreadable,
            sold_out: Vec::new(),
            left_out: None,
            reopened_cart: None,
            ordered_at: order.ordered_at,
            dated_at: order.dated_at,
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
pub(super) struct OrderParams {
    /// Only those of this blast.
    #[serde(alias = "blast_id", alias = "campaign_id", alias = "blastId")]
    pub(super) campaign_id: Option<String>,
    /// `new`, `confirmed`, `paid`, `fulfilled` or `cancelled`.
    #[serde(alias = "state")]
    pub(super) status: Option<String>,
    /// Only this number's, in any spelling.
    #[serde(alias = "phone_number", alias = "phone")]
    pub(super) phone_number: Option<String>,
    /// 1 to 1,000 a page, usually 50.
    #[serde(deserialize_with = "page::number")]
    #[param(minimum = 1, maximum = 1_000)]
    pub(super) limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub(super) cursor: Option<String>,
}

impl OrderParams {
    pub(super) fn query(&self, app: &App) -> Result<OrderQuery, Problem> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let cursor = given(&self.cursor).map(|cursor| page::read_cursor(&cursor)).transpose()?;
        let phone = |text: String| number(app, "phoneNumber", &text);
        Ok(OrderQuery {
            blast: given(&self.campaign_id).map(|text| blast("campaignId", &text)).transpose()?,
            state: given(&self.status).map(|text| state(&text)).transpose()?,
            phone: given(&self.phone_number).map(phone).transpose()?,
            before: cursor.map(|[id]| OrderId(id)),
            limit: page::limit(self.limit)?,
            ..OrderQuery::default()
        })
    }
}

async fn list(ApiReader(caller): ApiReader, Params(asked): Params<OrderParams>) -> Result<Answer, Problem> {
    let app = caller.app();
    let query = asked.query(&app)?;
    if let Some(blast) = query.blast {
        app.require_blast(blast).await?;
    }
    let limit = query.limit;
    let mut rows = app.orders(&OrderQuery { limit: page::one_more(limit), ..query }).await?;
    let next_cursor = page::cut(&mut rows, limit, |last| [last.id.0]);
    Ok(Answer::ok(OrderList { orders: rows.into_iter().map(OrderAnswer::from).collect(), limit, next_cursor }))
}

pub(super) fn blast(field: &str, text: &str) -> Result<BlastId, Problem> {
    text.parse().map_err(|_| Problem::field(field, "write the id of a campaign"))
}

fn state(text: &str) -> Result<OrderState, Problem> {
    let known = OrderState::from_word(text);
    known.ok_or_else(|| Problem::field("status", "write new, confirmed, paid, fulfilled or cancelled"))
}

async fn one(ApiReader(caller): ApiReader, PathId(id): PathId<OrderId>) -> Result<Answer, Problem> {
    Ok(Answer::ok(OrderAnswer::from(caller.app().order(id).await?)))
}

/// A new order.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
#[schema(as = NewOrder)]
pub(super) struct OrderBody {
    /// The blast that it answers.
    #[serde(alias = "blastId", alias = "campaign_id", alias = "blast_id")]
    #[schema(schema_with = quantity, required = true)]
    campaign_id: Option<Value>,
    #[serde(alias = "phone_number", alias = "phone")]
    #[schema(required = true, example = "60123456789")]
    phone_number: String,
    #[schema(required = true)]
    items: Vec<ItemBody>,
    #[schema(example = "no sugar")]
    note: Option<String>,
}

impl OrderBody {
    pub(super) fn draft(&self) -> Result<OrderDraft, Problem> {
        let missing = || Problem::field("campaignId", "missing: write the id of a campaign");
        let blast = self.campaign_id.as_ref().and_then(written).ok_or_else(missing)?;
        let blast = self::blast("campaignId", &blast)?;
        if self.phone_number.trim().is_empty() {
            return Err(Problem::field("phoneNumber", "missing: write a number"));
        }
        let items = read_items(&self.items)?;
        Ok(OrderDraft { blast, phone: self.phone_number.clone(), items, note: self.note.clone() })
    }
}

async fn create(ApiWriter(caller): ApiWriter, body: JsonBody<OrderBody>) -> Result<Response, Problem> {
    let draft = body.value.draft().map_err(|problem| body.spelled(problem))?;
    let request = Repeatable { headers: &body.headers, fingerprint: body.fingerprint, blast: None };
    let done = once(&caller, request, async |app: App| Ok(written_answer(app.add_order(&draft).await?))).await;
    done.map_err(|problem| body.spelled(problem))
}

pub(super) fn written_answer(written: WrittenOrder) -> Answer {
    Answer::created(OrderAnswer::from(written))
}

/// What becomes of an order: another state, or other items.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = EditOrder)]
struct OrderEdit {
    /// `confirmed`, `paid`, `fulfilled` or `cancelled`.
    #[serde(alias = "state")]
    #[schema(example = "confirmed")]
    status: Option<String>,
    /// In the place of all before; a price that is absent stays as it is.
    #[schema(example = json!(null))]
    items: Option<Vec<ItemBody>>,
}

/// One of the two.
enum OrderChange {
    State(OrderState),
    Items(ItemsEdit),
}

impl OrderEdit {
    fn change(&self) -> Result<OrderChange, Problem> {
        match (&self.status, &self.items) {
            (Some(text), None) => Ok(OrderChange::State(state(text)?)),
            (None, Some(items)) => Ok(OrderChange::Items(ItemsEdit::Whole(read_items(items)?))),
            (None, None) => Err(Problem::field("status", "missing: write a status or items")),
            (Some(_), Some(_)) => Err(Problem::field("items", "write items or a status, one at a time")),
        }
    }
}

async fn edit(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<OrderId>,
    body: JsonBody<OrderEdit>,
) -> Result<Response, Problem> {
    let change = body.value.change().map_err(|problem| body.spelled(problem))?;
    let request = Repeatable { headers: &body.headers, fingerprint: body.fingerprint, blast: None };
    once(&caller, request, async |app: App| {
        Ok(Answer::ok(match &change {
            OrderChange::State(next) => OrderAnswer::from(app.step_order(id, *next).await?),
            OrderChange::Items(items) => OrderAnswer::from(app.edit_order(id, items).await?),
        }))
    })
    .await
    .map_err(|problem| body.spelled(problem))
}
