//! Forgetting a customer on their request: once to learn what is there, and once more with their id to do it.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::super::api_sentence::for_programs;
use super::super::super::problem::Problem;
use super::super::authentication::ApiAdmin;
use super::super::body::{Params, PathId};
use super::super::once::Answer;
use crate::app::{FORGOTTEN_STAYS_COUNTED, ForgetPreview, Forgotten, KeptOfPerson, NOT_FORGOTTEN, hooks_in_words};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ForgetParams {
    /// The customer's id once more: they are forgotten.
    #[serde(default)]
    #[param(example = "60123456789")]
    confirm: Option<String>,
}

/// What was forgotten, and what was not.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ForgottenCustomer {
    #[schema(example = true)]
    forgotten: bool,
    /// How many numbers they had.
    #[schema(example = 1)]
    numbers: usize,
    was_kept: WasKept,
    /// What no program reaches.
    #[schema(example = "backups and copies of the database are not touched: delete them there as well")]
    not_touched: &'static str,
    /// Machines whose disks have files that they sent: delete them there.
    #[schema(example = json!([]))]
    files_elsewhere: Vec<String>,
    /// Files of rejected rows that may name them and are out of reach: on other machines, or changed since they were written.
    #[schema(example = json!([]))]
    rejected_files: Vec<String>,
    /// Hooks whose receivers got events about them: ask these to forget them as well.
    #[schema(example = json!(["crm"]))]
    hooks: Vec<String>,
    /// What could not be cleared on the machine that serves: mend that, and forget them once more.
    #[schema(example = json!(null))]
    left_here: Option<String>,
}

/// Where they were.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WasKept {
    /// Rows in blasts.
    #[schema(example = 3)]
    blasts: i64,
    #[schema(example = 1)]
    replies: i64,
    /// Acts of operators.
    #[schema(example = 2)]
    acts: i64,
    /// Webhooks as they came.
    #[schema(example = 4)]
    webhooks: i64,
    #[schema(example = 0)]
    opt_outs: i64,
    #[schema(example = 1)]
    tags_and_notes: i64,
    #[schema(example = 1)]
    orders: i64,
    #[schema(example = 0)]
    carts: i64,
    /// Where lists say that consent came from.
    #[schema(example = 0)]
    consents: i64,
    /// Lists that are kept and had them.
    #[schema(example = 0)]
    lists: i64,
}

impl From<KeptOfPerson> for WasKept {
    fn from(kept: KeptOfPerson) -> Self {
        let KeptOfPerson { blasts, replies, acts, webhooks, opt_outs, tags_and_notes, .. } = kept;
        let KeptOfPerson { orders, carts, consents, lists, .. } = kept;
        Self { blasts, replies, acts, webhooks, opt_outs, tags_and_notes, orders, carts, consents, lists }
    }
}

impl From<Forgotten> for ForgottenCustomer {
    fn from(done: Forgotten) -> Self {
        let Forgotten { numbers, kept, files_elsewhere, rejected_files, hooks, left_here } = done;
        let was_kept = kept.into();
        Self {
            forgotten: true,
            numbers,
            was_kept,
            not_touched: NOT_FORGOTTEN,
            files_elsewhere,
            rejected_files,
            hooks,
            left_here,
        }
    }
}

pub(super) async fn forget(
    ApiAdmin(caller): ApiAdmin,
    PathId(id): PathId<String>,
    Params(asked): Params<ForgetParams>,
) -> Result<Answer, Problem> {
    let app = caller.app();
    let phone = app.customer_phone(&id)?;
    let id = digits(&id);
    let Some(confirmed) = asked.confirm else {
        return Err(to_be_confirmed(id, &app.forget_preview_of_known(&phone).await?));
    };
    if digits(&confirmed) != id {
        return Err(Problem::field("confirm", format!("to forget this customer, write their id: {id}")));
    }
    Ok(Answer::ok(ForgottenCustomer::from(app.forget(&phone).await?)))
}

/// An id as it is named: without the plus, which a query reads as a blank.
fn digits(id: &str) -> &str {
    id.trim().trim_start_matches('+')
}

/// 428: what is there, and the call that forgets it; 409 where it cannot be done now.
fn to_be_confirmed(id: &str, preview: &ForgetPreview) -> Problem {
    if let Some(why) = &preview.refusal {
        return Problem::conflict("refused", for_programs(why));
    }
    let hooks = hooks_in_words(&preview.hooks).map(|hooks| format!("; {hooks}")).unwrap_or_default();
    let detail = format!(
        "{}; {FORGOTTEN_STAYS_COUNTED}; {NOT_FORGOTTEN}{hooks}. Nothing was done: \
         `DELETE /api/whatsapp/customers/{id}?confirm={id}` forgets them",
        preview.in_words()
    );
    Problem::new(StatusCode::PRECONDITION_REQUIRED, "confirm", detail)
}
