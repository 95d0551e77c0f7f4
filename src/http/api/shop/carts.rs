//! Carts: listed, written, changed while they are open, ordered once or abandoned.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::super::openapi::{Operation, Routes};
use super::super::super::problem::Problem;
use super::super::authentication::{ApiReader, ApiWriter};
use super::super::body::{EmptyBody, JsonBody, Params, PathId};
use super::super::customers::{customer_id_of, number};
use super::super::once::{Answer, Repeatable, once};
use super::super::page::{self, NumberedPage};
use super::items::{ItemAnswer, ItemBody, read_items};
use super::orders::{OrderAnswer, OrderBody, blast, written_answer};
use crate::app::{App, CartEdit, CartQuery, CartRow, ItemsEdit, WrittenCart};
use crate::domain::amount::as_text;
use crate::domain::cart::CartState;
use crate::domain::ids::CartId;

const LIST: &str = "/api/whatsapp/carts";
const ONE: &str = "/api/whatsapp/carts/{id}";

pub(super) fn routes() -> Routes {
    Routes::of("Shop")
        .get(
            LIST,
            list,
            Operation::read("Carts with their items, the newest first")
                .query::<CartParams>()
                .answer::<CartList>(200, "A page")
                .refuses(&[404]),
        )
        .post(
            LIST,
            create,
            Operation::write("Writes a cart of somebody in a campaign")
                .details(
                    "A price that is absent is the catalogue's; a product that no catalogue has is kept without one.",
                )
                .body::<OrderBody>()
                .answer::<CartAnswer>(201, "The cart")
                .refuses(&[404]),
        )
        .get(ONE, one, Operation::read("One cart").answer::<CartAnswer>(200, "The cart with its items"))
        .put(ONE, edit, editing())
        .patch(ONE, edit, editing())
        .post(
            "/api/whatsapp/carts/{id}/order",
            order,
            Operation::write("Writes an order from an open cart, which closes its person with the amount")
                .details("Once: of two requests for the same cart the second is refused.")
                .body::<EmptyBody>()
                .answer::<OrderAnswer>(201, "The order")
                .refuses(&[409]),
        )
        .post(
            "/api/whatsapp/carts/{id}/abandon",
            abandon,
            Operation::write("Ends an open cart that is not going to be ordered")
                .body::<EmptyBody>()
                .answer::<CartAnswer>(200, "The cart as it is now")
                .refuses(&[409]),
        )
}

fn editing() -> Operation {
    Operation::write("Changes an open cart")
        .details("Items that are given take the place of all before. The status `abandoned` ends the cart.")
        .body::<CartEditBody>()
        .answer::<CartAnswer>(200, "The cart as it is now")
        .refuses(&[409])
}

/// A cart.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WhatsAppCart)]
struct CartAnswer {
    #[schema(example = "5")]
    id: String,
    #[schema(example = "7")]
    campaign_id: String,
    #[schema(example = "250")]
    recipient_id: String,
    #[schema(example = "+60123456789")]
    phone_number: String,
    /// The customer's id; null for whoever was forgotten.
    #[schema(example = "60123456789")]
    customer_id: Option<String>,
    #[schema(example = "Aina")]
    name: Option<String>,
    status: CartState,
    #[schema(example = "no sugar")]
    note: Option<String>,
    items: Vec<CartItemAnswer>,
    /// Exact; null where it cannot be added up.
    #[schema(example = "5.00")]
    total_amount: Option<String>,
    #[schema(example = "MYR")]
    currency: Option<String>,
    /// The order that was written from it.
    #[schema(example = json!(null))]
    order_id: Option<String>,
    /// Where it was just written or changed: what the catalogue calls sold out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!([]))]
    sold_out: Vec<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// An item of a cart, as those of orders.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WhatsAppCartItem)]
#[serde(transparent)]
struct CartItemAnswer(ItemAnswer);

impl From<WrittenCart> for CartAnswer {
    fn from(written: WrittenCart) -> Self {
        Self { sold_out: written.sold_out.0, ..written.cart.into() }
    }
}

impl From<CartRow> for CartAnswer {
    fn from(cart: CartRow) -> Self {
        Self {
            id: cart.id.to_string(),
            campaign_id: cart.blast_id.to_string(),
            recipient_id: cart.recipient_id.to_string(),
            customer_id: customer_id_of(&cart.phone_number),
            phone_number: cart.phone_number,
            name: cart.name,
            status: cart.state,
            note: cart.note,
            items: cart.items.0.into_iter().map(|item| CartItemAnswer(item.into())).collect(),
            total_amount: cart.total.map(|total| as_text(total, cart.currency.as_deref())),
            currency: cart.currency,
            order_id: cart.order_id.map(|id| id.to_string()),
            sold_out: Vec::new(),
            created_at: cart.created_at,
            updated_at: cart.updated_at,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WhatsAppCartList)]
struct CartList {
    carts: Vec<CartAnswer>,
    #[serde(flatten)]
    numbered: NumberedPage,
    #[schema(example = 50)]
    limit: u32,
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(super) struct CartParams {
    /// Only those of this blast.
    #[serde(alias = "blast_id", alias = "campaign_id", alias = "blastId")]
    pub(super) campaign_id: Option<String>,
    /// `open`, `ordered` or `abandoned`.
    #[serde(alias = "state")]
    pub(super) status: Option<String>,
    /// Only this number's, in any spelling.
    #[serde(alias = "phone_number", alias = "phone")]
    pub(super) phone_number: Option<String>,
    /// 1 to 1,000 a page, usually 50.
    #[serde(deserialize_with = "page::number")]
    #[param(minimum = 1, maximum = 1_000)]
    pub(super) limit: Option<u32>,
    /// The number of a page, from 1; instead of a cursor.
    #[serde(deserialize_with = "page::number")]
    pub(super) page: Option<u32>,
    /// `nextCursor` of the page before.
    pub(super) cursor: Option<String>,
}

impl CartParams {
    pub(super) fn query(&self, app: &App) -> Result<CartQuery, Problem> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let cursor = given(&self.cursor);
        let limit = page::limit(self.limit)?;
        let phone = |text: String| number(app, "phoneNumber", &text);
        Ok(CartQuery {
            blast: given(&self.campaign_id).map(|text| blast("campaignId", &text)).transpose()?,
            state: given(&self.status).map(|text| state(&text)).transpose()?,
            phone: given(&self.phone_number).map(phone).transpose()?,
            before: cursor.as_deref().map(page::read_cursor).transpose()?.map(|[id]| CartId(id)),
            offset: page::offset(self.page, cursor.as_deref(), limit)?.unwrap_or_default(),
            limit,
            ..CartQuery::default()
        })
    }
}

async fn list(ApiReader(caller): ApiReader, Params(asked): Params<CartParams>) -> Result<Answer, Problem> {
    let app = caller.app();
    let query = asked.query(&app)?;
    if let Some(blast) = query.blast {
        app.require_blast(blast).await?;
    }
    let limit = query.limit;
    let mut rows = app.carts(&CartQuery { limit: page::one_more(limit), ..query.clone() }).await?;
    let numbered = match asked.page {
        Some(page) => Some((page, app.count_carts(&query).await?)),
        None => None,
    };
    let next_cursor = page::cut(&mut rows, limit, |last| [last.id.0]);
    let carts = rows.into_iter().map(CartAnswer::from).collect();
    Ok(Answer::ok(CartList { carts, numbered: numbered.into(), limit, next_cursor }))
}

fn state(text: &str) -> Result<CartState, Problem> {
    CartState::from_word(text).ok_or_else(|| Problem::field("status", "write open, ordered or abandoned"))
}

async fn one(ApiReader(caller): ApiReader, PathId(id): PathId<CartId>) -> Result<Answer, Problem> {
    Ok(Answer::ok(CartAnswer::from(caller.app().cart(id).await?)))
}

async fn create(ApiWriter(caller): ApiWriter, body: JsonBody<OrderBody>) -> Result<Response, Problem> {
    let draft = body.value.draft().map_err(|problem| body.spelled(problem))?;
    once(&caller, repeatable(&body), async |app: App| {
        Ok(Answer::created(CartAnswer::from(app.add_cart(&draft).await?)))
    })
    .await
    .map_err(|problem| body.spelled(problem))
}

/// What is to change in an open cart.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = EditCart)]
struct CartEditBody {
    /// In the place of all before.
    items: Option<Vec<ItemBody>>,
    /// An empty note takes it away.
    #[schema(example = "no sugar")]
    note: Option<String>,
    /// `abandoned` ends the cart.
    #[serde(alias = "state")]
    #[schema(example = json!(null))]
    status: Option<String>,
}

impl CartEditBody {
    fn edit(&self) -> Result<CartEdit, Problem> {
        let items = self.items.as_ref().map(|items| read_items(items)).transpose()?.map(ItemsEdit::Whole);
        Ok(CartEdit { items, note: self.note.clone() })
    }

    /// Whether the cart is to end; it is ordered by a call of its own.
    fn abandons(&self) -> Result<bool, Problem> {
        let Some(text) = self.status.as_deref() else { return Ok(false) };
        match state(text)? {
            CartState::Abandoned if self.items.is_none() && self.note.is_none() => Ok(true),
            CartState::Abandoned => {
                Err(Problem::field("status", "a cart that ends is not changed: leave the rest out"))
            }
            CartState::Ordered => Err(Problem::field("status", "POST /api/whatsapp/carts/{id}/order orders it")),
            CartState::Open => Err(Problem::field("status", "an ended cart is not opened again: write a new one")),
        }
    }
}

async fn edit(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<CartId>,
    body: JsonBody<CartEditBody>,
) -> Result<Response, Problem> {
    let change = body.value.edit().map_err(|problem| body.spelled(problem))?;
    let abandons = body.value.abandons()?;
    if change == CartEdit::default() && !abandons {
        return Err(Problem::field("items", "missing: write items, a note or a status"));
    }
    once(&caller, repeatable(&body), async |app: App| {
        let cart: CartAnswer =
            if abandons { app.abandon_cart(id).await?.into() } else { app.edit_cart(id, &change).await?.into() };
        Ok(Answer::ok(cart))
    })
    .await
    .map_err(|problem| body.spelled(problem))
}

async fn order(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<CartId>,
    body: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    once(&caller, repeatable(&body), async |app: App| Ok(written_answer(app.order_cart(id).await?))).await
}

async fn abandon(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<CartId>,
    body: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    once(&caller, repeatable(&body), async |app: App| Ok(Answer::ok(CartAnswer::from(app.abandon_cart(id).await?))))
        .await
}

fn repeatable<T>(body: &JsonBody<T>) -> Repeatable<'_> {
    Repeatable { headers: &body.headers, fingerprint: body.fingerprint, blast: None }
}
