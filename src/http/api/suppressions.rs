//! People who are not to be messaged: the list, who is added to it, and who may be messaged again.

mod given;

use axum::extract::{Request, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use self::given::{
    AddSuppressionsParams, Numbers, RejectedNumber, SuppressBody, SuppressForm, from_csv, from_json, suppress_form,
};
use super::super::HttpState;
use super::super::body::drain;
use super::super::openapi::{Operation, Routes};
use super::super::problem::Problem;
use super::authentication::{ApiReader, ApiWriter};
use super::body::{JsonBody, Params, fingerprint, never_null, read_for_caller};
use super::customers::number;
use super::once::{Answer, Repeatable, once};
use super::page;
use crate::app::{App, OptOutTime, SuppressionId, SuppressionQuery, SuppressionRow, unread_after};
use crate::domain::ids::BlastId;
use crate::domain::phone::Phone;

pub(super) fn routes() -> Routes {
    Routes::of("Opt-outs")
        .get(
            "/api/suppressions",
            list,
            Operation::read("People who are not to be messaged, the newest first")
                .query::<SuppressionListParams>()
                .answer::<SuppressionList>(200, "A page"),
        )
        .post(
            "/api/suppressions",
            add,
            Operation::write("Adds people who are not to be messaged, effective now, also in running blasts")
                .details("Up to 10,000 at once, in one transaction. Rows that cannot be read are left out and named.")
                .query::<AddSuppressionsParams>()
                .body::<SuppressBody>()
                .body_as(
                    "text/csv",
                    "With a header line: `phone_number`, and perhaps `reason`; the query names their `business`, and a column of it is refused",
                    "phone_number,reason\n60123456789,asked\n",
                )
                .answer::<AddedSuppressions>(200, "How many are new")
                .refuses(&[404]),
        )
        .delete(
            "/api/suppressions",
            remove,
            Operation::write("Allows a number again: in future blasts, and in those not over that it was taken out of")
                .body::<LiftSuppressionBody>()
                .answer::<RemovedSuppression>(200, "What holds for the number still")
                .refuses(&[404]),
        )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct SuppressionListParams {
    /// Only this number's, in any spelling.
    #[serde(default, alias = "phoneNumber", alias = "phone")]
    phone_number: Option<String>,
    /// 1 to 1,000 a page, usually 50.
    #[serde(default, deserialize_with = "page::number")]
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SuppressionList {
    suppressions: Vec<SuppressionAnswer>,
    #[schema(example = 50)]
    limit: u32,
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suppression)]
struct SuppressionAnswer {
    /// `*`: it holds for every business.
    #[schema(example = "kedai")]
    business: String,
    #[schema(value_type = String, example = "+60123456789")]
    phone_number: Phone,
    #[schema(example = "asked")]
    reason: Option<String>,
    /// `operator`, `person` or `provider`.
    #[schema(example = "operator")]
    source: String,
    #[schema(example = "shop")]
    created_by: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<SuppressionRow> for SuppressionAnswer {
    fn from(row: SuppressionRow) -> Self {
        let SuppressionRow { business, phone_number, reason, source, created_by, created_at } = row;
        Self { business, phone_number, reason, source, created_by, created_at }
    }
}

async fn list(ApiReader(caller): ApiReader, Params(asked): Params<SuppressionListParams>) -> Result<Answer, Problem> {
    let app = caller.app();
    let limit = page::limit(asked.limit)?;
    let cursor = asked.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let before = cursor.map(page::read_cursor).transpose()?.map(|[id]| SuppressionId(id));
    let phone = asked.phone_number.as_deref().map(|text| number(&app, "phone_number", text)).transpose()?;
    let query = SuppressionQuery { before, phone, limit: page::one_more(limit) };
    let mut rows = app.suppressions_page(query).await?;
    let next_cursor = page::cut(&mut rows, limit, |(id, _)| [id.0]);
    let suppressions = rows.into_iter().map(|(_, row)| row.into()).collect();
    Ok(Answer::ok(SuppressionList { suppressions, limit, next_cursor }))
}

#[derive(Debug, Serialize, ToSchema)]
struct AddedSuppressions {
    #[schema(example = "kedai")]
    business: String,
    /// Were not suppressed before.
    #[schema(example = 1)]
    added: u64,
    #[schema(example = 0)]
    already: u64,
    #[schema(example = 0)]
    rejected: u64,
    /// The first of those that could not be read.
    rejected_rows: Vec<RejectedNumber>,
    /// What the operator must mend, or this machine sends nothing.
    #[schema(example = json!(null))]
    warning: Option<String>,
}

async fn add(
    State(state): State<HttpState>,
    ApiWriter(caller): ApiWriter,
    request: Request,
) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    let form = match suppress_form(&parts) {
        Ok(form) => form,
        Err(refused) => {
            drain(&state.bodies, body);
            return Err(refused.into());
        }
    };
    let body = read_for_caller(&state, &parts, body).await?;
    let fingerprint = fingerprint(&parts, &Sha256::digest(&body.bytes));
    let app = caller.app();
    let (numbers, business, when) = match form {
        SuppressForm::Json => from_json(&app, &body.bytes)?,
        SuppressForm::Csv(business) => (from_csv(&app, &body.bytes)?, business, OptOutTime::Earlier),
    };
    numbers.refuse_nobody()?;
    let request = Repeatable { headers: &parts.headers, fingerprint, blast: None };
    once(&caller, request, async |app: App| {
        let Numbers { good, rejected, examples, .. } = numbers;
        let done = app.suppress_all(business.as_deref(), good, when).await?;
        Ok(Answer::ok(AddedSuppressions {
            business: done.business,
            added: done.added,
            already: done.already,
            rejected,
            rejected_rows: examples,
            warning: done.unremembered,
        }))
    })
    .await
    .map_err(Response::from)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RemoveSuppression)]
struct LiftSuppressionBody {
    #[serde(alias = "phoneNumber", alias = "phone")]
    #[schema(example = "60123456789")]
    phone_number: String,
    /// Absent: the opt-out from every business, or from that of the token's only sender. Null is refused.
    #[serde(default, deserialize_with = "never_null")]
    #[schema(value_type = String, required = false, example = "kedai")]
    business: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RemovedSuppression {
    #[schema(value_type = String, example = "+60123456789")]
    phone_number: Phone,
    #[schema(example = "kedai")]
    business: String,
    #[schema(example = true)]
    removed: bool,
    /// The businesses that it is suppressed for still.
    #[schema(example = json!([]))]
    still_for: Vec<String>,
    /// The blasts that are not over in which they are queued again.
    #[schema(value_type = Vec<i64>, example = json!([7]))]
    queued_in: Vec<BlastId>,
    /// The blasts that are not over in which they are left out still: the number of people was confirmed without them, or something else
    /// suppresses them.
    #[schema(value_type = Vec<i64>, example = json!([]))]
    left_out_of: Vec<BlastId>,
    /// The blasts that are over without them: a new blast reaches them.
    #[schema(value_type = Vec<i64>, example = json!([]))]
    over: Vec<BlastId>,
}

async fn remove(ApiWriter(caller): ApiWriter, body: JsonBody<LiftSuppressionBody>) -> Result<Response, Problem> {
    let phone = number(&caller.app(), "phone_number", &body.value.phone_number)?;
    let request = Repeatable { headers: &body.headers, fingerprint: body.fingerprint, blast: None };
    once(&caller, request, async |app: App| {
        let business = app.own_business(body.value.business.as_deref()).await?;
        let Some(back) = app.unsuppress(&business, &phone).await? else {
            let others = app.suppressed_for(&phone).await?.iter().map(|other| format!("`{other}`")).collect::<Vec<_>>();
            let but = match others.join(", ") {
                none if none.is_empty() => none,
                every if app.only_sender().is_some() => {
                    format!(", but for {every}: a token of one sender does not lift that")
                }
                others => format!(", but for {others}: name it as `business`"),
            };
            return Err(Problem::not_found(format!("{phone} is not suppressed for `{business}`{but}")));
        };
        let still_for = app.suppressed_for(&phone).await;
        Ok(Answer::ok(RemovedSuppression {
            still_for: still_for
                .map_err(unread_after(format!("{phone} is not suppressed for `{business}` any more")))?,
            phone_number: phone.clone(),
            business,
            removed: true,
            queued_in: back.queued().collect(),
            left_out_of: back.left_out().collect(),
            over: back.over().collect(),
        }))
    })
    .await
}
