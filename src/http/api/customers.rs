//! Customers: one person over all blasts, by their WhatsApp id (the digits of the number that they are known by), and what operators say
//! of them.

mod forget;
mod list;

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::openapi::{Operation, Routes};
use super::super::problem::Problem;
use super::authentication::{ApiReader, ApiWriter};
use super::body::{JsonBody, PathId};
use super::once::{Answer, Repeatable, once};
use crate::app::{App, AppError, CustomerBlast, CustomerDetails, CustomerNote, CustomerRow, unread_after};
use crate::domain::amount::as_kept;
use crate::domain::phone::{PersonKey, Phone};

pub(super) fn routes() -> Routes {
    const ONE: &str = "/api/whatsapp/customers/{id}";
    Routes::of("Customers")
        .get(
            "/api/whatsapp/customers",
            list::list,
            Operation::read("Lists customers, in the order of their numbers")
                .details("A customer is one person over all blasts, of every sender: a token for one sender sees none.")
                .query::<list::CustomerListParams>()
                .answer::<list::CustomerList>(200, "A page")
                .refuses(&[409]),
        )
        .get(
            ONE,
            show,
            Operation::read("One customer")
                .answer::<CustomerAnswer>(200, "With blasts, notes, consents")
                .refuses(&[409]),
        )
        .patch(
            ONE,
            edit,
            Operation::write("Tags a customer, takes tags away, or writes a note")
                .body::<CustomerEditBody>()
                .answer::<CustomerAnswer>(200, "The customer as they are now"),
        )
        .delete(
            ONE,
            forget::forget,
            Operation::admin("Forgets a customer, for good")
                .details(
                    "Takes number, name and texts out of every row; what was sent, read and sold is counted as before, about nobody. Without \
                     `confirm` nothing is done, and the answer is a 428 that says what is there.",
                )
                .query::<forget::ForgetParams>()
                .answer::<forget::ForgottenCustomer>(200, "Forgotten, and what is to be deleted elsewhere")
                .refuses(&[409, 428]),
        )
        .post(
            "/api/whatsapp/customers/{id}/merge",
            merge,
            Operation::write("Makes this customer one with another, for whoever has another number now")
                .details("From then on they are known by the other's id. Opt-outs stay with their numbers.")
                .body::<MergeBody>()
                .answer::<CustomerAnswer>(200, "The other customer, with all numbers"),
        )
        .post(
            "/api/whatsapp/customers/{id}/unmerge",
            unmerge,
            Operation::write("Makes a number that was merged a customer of its own again")
                .body::<UnmergeBody>()
                .answer::<CustomerAnswer>(200, "The customer of that number alone"),
        )
}

/// The id of whoever has a number; `None` for whoever was forgotten.
pub(super) fn customer_id(phone: &Phone) -> Option<String> {
    phone.is_e164().then(|| phone.key()).flatten().map(|key| key.number().to_string())
}

/// The same of a number as an order or cart has it.
pub(super) fn customer_id_of(stored: &str) -> Option<String> {
    let key = stored.strip_prefix('+').and_then(PersonKey::of_digits);
    key.map(|key| key.number().to_string())
}

/// A person over all blasts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Customer {
    /// The digits of the number that they are known by.
    #[schema(example = "60123456789")]
    id: String,
    #[schema(example = "+60123456789")]
    phone_number: String,
    /// All of their numbers.
    #[schema(example = json!(["+60123456789"]))]
    phone_numbers: Vec<String>,
    #[schema(example = "Aina")]
    name: Option<String>,
    /// Names seen, the newest first.
    #[schema(example = json!(["Aina"]))]
    names: Vec<String>,
    #[schema(example = json!(["vip"]))]
    tags: Vec<String>,
    first_seen_at: Option<DateTime<Utc>>,
    last_seen_at: Option<DateTime<Utc>>,
    /// Blasts whose message was accepted for them.
    #[schema(example = 4)]
    sent_count: i64,
    #[schema(example = 4)]
    delivered_count: i64,
    #[schema(example = 3)]
    read_count: i64,
    /// What they wrote.
    #[schema(example = 2)]
    reply_count: i64,
    /// Orders, without those that are cancelled.
    #[schema(example = 1)]
    order_count: i64,
    /// Blasts in which they bought.
    #[schema(example = 1)]
    sale_count: i64,
    /// Carts that wait for an order.
    #[schema(example = 0)]
    cart_count: i64,
    #[schema(example = "120.50")]
    total_spent: String,
    opted_out: bool,
    /// Businesses that must not message them; `*` for all.
    #[schema(example = json!([]))]
    opted_out_of: Vec<String>,
}

impl From<CustomerRow> for Customer {
    fn from(row: CustomerRow) -> Self {
        Self {
            phone_number: row.numbers.first().cloned().unwrap_or_default(),
            name: row.names.first().cloned(),
            id: row.id,
            phone_numbers: row.numbers,
            names: row.names,
            tags: row.tags,
            first_seen_at: row.first_seen,
            last_seen_at: row.last_seen,
            sent_count: row.sent,
            delivered_count: row.received,
            read_count: row.read,
            reply_count: row.replies,
            order_count: row.orders,
            sale_count: row.sales,
            cart_count: row.carts,
            total_spent: as_kept(row.revenue),
            opted_out: !row.opted_out.is_empty(),
            opted_out_of: row.opted_out,
        }
    }
}

/// A customer, with what happened.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CustomerAnswer {
    #[serde(flatten)]
    customer: Customer,
    /// The newest first, drafts last; at most a hundred.
    campaigns: Vec<CustomerCampaign>,
    /// The newest first; at most a hundred.
    notes: Vec<CustomerNoteAnswer>,
    /// Where consent came from, as lists said it; the newest word first, at most a hundred.
    consents: Vec<CustomerConsent>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CustomerCampaign {
    #[schema(example = "7")]
    campaign_id: String,
    #[schema(example = "Order ready")]
    name: String,
    #[schema(example = "+60123456789")]
    phone_number: String,
    /// As `/api/blasts` spells it.
    #[schema(example = "read")]
    status: String,
    sent_at: Option<DateTime<Utc>>,
    delivered_at: Option<DateTime<Utc>>,
    read_at: Option<DateTime<Utc>>,
    responded_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    #[schema(example = json!(null))]
    amount: Option<String>,
}

impl From<CustomerBlast> for CustomerCampaign {
    fn from(blast: CustomerBlast) -> Self {
        Self {
            campaign_id: blast.blast_id.to_string(),
            name: blast.tag,
            phone_number: blast.phone_number,
            status: blast.status.word().to_owned(),
            sent_at: blast.sent_at,
            delivered_at: blast.received_at,
            read_at: blast.read_at,
            responded_at: blast.replied_at,
            closed_at: blast.closed_at,
            amount: blast.amount.map(as_kept),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CustomerNote)]
struct CustomerNoteAnswer {
    #[schema(example = "3")]
    id: String,
    #[schema(example = "calls back on Monday")]
    note: String,
    #[schema(example = "aina")]
    written_by: String,
    written_at: DateTime<Utc>,
}

impl From<CustomerNote> for CustomerNoteAnswer {
    fn from(note: CustomerNote) -> Self {
        let CustomerNote { id, note, written_by, written_at } = note;
        Self { id: id.to_string(), note, written_by, written_at }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CustomerConsent {
    #[schema(example = "web form")]
    source: String,
    /// As the list has it; empty: it does not say.
    #[schema(example = "2026-03-01")]
    given_at: String,
    #[schema(example = "7")]
    campaign_id: String,
}

impl From<CustomerDetails> for CustomerAnswer {
    fn from(details: CustomerDetails) -> Self {
        let consents = details.consents.into_iter().map(|consent| CustomerConsent {
            source: consent.source,
            given_at: consent.given_at,
            campaign_id: consent.blast_id.to_string(),
        });
        Self {
            customer: details.customer.into(),
            campaigns: details.blasts.into_iter().map(Into::into).collect(),
            notes: details.notes.into_iter().map(Into::into).collect(),
            consents: consents.collect(),
        }
    }
}

/// What is to be said of a customer.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
#[schema(as = CustomerEdit)]
struct CustomerEditBody {
    /// Letters, digits, - _ and . without blanks.
    #[serde(alias = "add_tags")]
    #[schema(max_items = 50, example = json!(["vip"]))]
    add_tags: Vec<String>,
    #[serde(alias = "remove_tags")]
    #[schema(max_items = 50, example = json!([]))]
    remove_tags: Vec<String>,
    #[schema(example = "calls back on Monday", max_length = 2000)]
    note: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CustomerMerge)]
struct MergeBody {
    /// The id, or the number in any spelling, that they are known by from now on; of the number nothing need be known yet.
    #[schema(example = "60123456789")]
    into: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = CustomerUnmerge)]
struct UnmergeBody {
    /// The number of this customer that is to be on its own, by its id or in any spelling.
    #[serde(alias = "phone_number")]
    #[schema(example = "60123456780")]
    phone_number: String,
}

/// Tags in one request.
const TAGS_MAX: usize = 50;

async fn show(ApiReader(caller): ApiReader, PathId(id): PathId<String>) -> Result<Answer, Problem> {
    let app = caller.app();
    Ok(answer(&app, &app.customer_phone(&id)?).await?)
}

async fn answer(app: &App, phone: &Phone) -> Result<Answer, AppError> {
    Ok(Answer::ok(CustomerAnswer::from(app.customer(phone).await?)))
}

async fn edit(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<String>,
    body: JsonBody<CustomerEditBody>,
) -> Result<Response, Problem> {
    let phone = caller.app().customer_phone(&id)?;
    let CustomerEditBody { add_tags, remove_tags, note } = &body.value;
    if add_tags.len().max(remove_tags.len()) > TAGS_MAX {
        return Err(body.spelled(Problem::field("addTags", format!("{TAGS_MAX} tags at most"))));
    }
    let edited = once(&caller, repeatable(&body), async |app: App| {
        app.edit_customer(&phone, (add_tags, remove_tags), note.as_deref()).await?;
        Ok(answer(&app, &phone).await.map_err(unread_after("the customer is changed"))?)
    });
    edited.await.map_err(|problem| body.spelled(problem))
}

async fn merge(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<String>,
    body: JsonBody<MergeBody>,
) -> Result<Response, Problem> {
    let app = caller.app();
    let (phone, into) = (app.customer_phone(&id)?, id_or_number(&app, "into", &body.value.into).await?);
    once(&caller, repeatable(&body), async |app: App| {
        app.merge_customers(&phone, &into).await?;
        Ok(answer(&app, &into).await.map_err(unread_after("they are one customer now"))?)
    })
    .await
}

async fn unmerge(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<String>,
    body: JsonBody<UnmergeBody>,
) -> Result<Response, Problem> {
    let app = caller.app();
    let of = app.customer_phone(&id)?;
    let phone = id_or_number(&app, "phoneNumber", &body.value.phone_number).await;
    let phone = phone.map_err(|problem| body.spelled(problem))?;
    let apart = once(&caller, repeatable(&body), async |app: App| {
        app.unmerge_from(&of, &phone).await?;
        Ok(answer(&app, &phone).await.map_err(unread_after("they are two customers again"))?)
    });
    apart.await.map_err(|problem| body.spelled(problem))
}

fn repeatable<T>(body: &JsonBody<T>) -> Repeatable<'_> {
    Repeatable { headers: &body.headers, fingerprint: body.fingerprint, blast: None }
}

/// The same, or the id of a customer that there is: its digits are those of an international number, also where they could be one of
/// this country.
async fn id_or_number(app: &App, field: &str, text: &str) -> Result<Phone, Problem> {
    match app.customer_by_id(text).await? {
        Some(phone) => Ok(phone),
        None => number(app, field, text),
    }
}

/// A number in any spelling, out of a field or parameter of this name.
pub(super) fn number(app: &App, field: &str, text: &str) -> Result<Phone, Problem> {
    Phone::parse(text, app.own_region()).map_err(|error| Problem::field(field, error.to_string()))
}
