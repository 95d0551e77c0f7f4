//! A campaign's people: their list, who is added to a draft or taken out of it, in the documents' words.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::super::super::HttpState;
use super::super::super::openapi::{Operation, Routes};
use super::super::super::problem::Problem;
use super::super::adding::{RemoveBody, add_operation, remove_operation, take_list, take_out};
use super::super::authentication::{ApiReader, ApiWriter};
use super::super::body::{JsonBody, Params, PathId};
use super::super::once::answered_before;
use super::super::people::{PeopleParams, read_page};
use super::answer::{self, CampaignRecipient, recipients};
use super::words::{own_word, own_words_of};
use super::{Pagination, campaign};
use crate::app::Imported;
use crate::domain::ids::BlastId;

pub(super) fn routes() -> Routes {
    const PATH: &str = "/api/whatsapp/campaigns/{id}/recipients";
    let page = Operation::read("Its people").query::<PeopleParams>().answer::<CampaignPeople>(200, "A page");
    Routes::of("Campaigns").get(PATH, list, page).post(PATH, add, add_operation::<AddedToCampaign>()).delete(
        PATH,
        remove,
        remove_operation::<RemovedFromCampaign>(),
    )
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CampaignPeople {
    recipients: Vec<CampaignRecipient>,
    pagination: Option<Pagination>,
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

/// How many people were taken, and why others were not.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CampaignImport {
    #[schema(example = "7")]
    id: String,
    #[schema(example = "7")]
    campaign_id: String,
    #[schema(example = 249)]
    taken: u64,
    #[schema(example = 1)]
    rejected: u64,
    /// Each reason once.
    reasons: Vec<CampaignRejection>,
    /// The first of the rows that were not taken.
    rejected_rows: Vec<CampaignRejectedRow>,
    /// Rows of a table that say neither yes nor no in a column that says who wants no messages: they are taken.
    unclear_opt_outs: Vec<CampaignUnclearOptOuts>,
    /// Numbers without a country code, read as those of one country.
    local: Option<CampaignLocalNumbers>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CampaignUnclearOptOuts {
    #[schema(example = "unsubscribed")]
    column: String,
    #[schema(example = 3)]
    rows: u64,
    /// From 1.
    #[schema(example = 2)]
    first_row: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CampaignLocalNumbers {
    #[schema(example = 38)]
    numbers: u64,
    #[schema(example = "+60")]
    country_code: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CampaignRejection {
    #[schema(example = "not a phone number")]
    reason: String,
    #[schema(example = 1)]
    rows: u64,
    #[schema(example = 17)]
    first_row: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CampaignRejectedRow {
    /// From 1.
    #[schema(example = 17)]
    row: u64,
    #[schema(example = "phoneNumber")]
    field: String,
    #[schema(example = "n/a")]
    value: String,
    #[schema(example = "not a phone number")]
    reason: String,
}

/// People who were added to a campaign.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AddedToCampaign {
    #[schema(example = true)]
    success: bool,
    #[serde(flatten)]
    import: CampaignImport,
    #[schema(example = 250)]
    total_recipients: i64,
}

/// People who were taken out of a campaign.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RemovedFromCampaign {
    #[schema(example = true)]
    success: bool,
    #[schema(example = "7")]
    id: String,
    #[schema(example = "7")]
    campaign_id: String,
    #[schema(example = 1)]
    removed: u64,
    #[schema(example = 249)]
    total_recipients: i64,
}

impl From<&Imported> for CampaignImport {
    fn from(imported: &Imported) -> Self {
        let rejected = &imported.rejected;
        let reasons = rejected.reasons.iter().map(|reason| CampaignRejection {
            reason: own_word(&reason.reason),
            rows: reason.rows,
            first_row: reason.first_row,
        });
        let rows = rejected.examples.iter().map(|row| CampaignRejectedRow {
            row: row.row,
            field: field(&row.column).to_owned(),
            value: row.value.clone(),
            reason: own_word(&row.reason.to_string()),
        });
        let unclear = imported.unclear_opt_outs.iter().map(|unclear| CampaignUnclearOptOuts {
            column: unclear.column.clone(),
            rows: unclear.rows,
            first_row: unclear.first_row,
        });
        let local = imported
            .local
            .as_ref()
            .map(|local| CampaignLocalNumbers { numbers: local.numbers, country_code: local.country_code.clone() });
        Self {
            id: imported.blast.to_string(),
            campaign_id: imported.blast.to_string(),
            taken: imported.taken,
            rejected: rejected.total,
            reasons: reasons.collect(),
            rejected_rows: rows.collect(),
            unclear_opt_outs: unclear.collect(),
            local,
        }
    }
}

/// A field of a person as the documents have it; a column of a file is called as it is there.
fn field(column: &str) -> &str {
    match column {
        "phone_number" => "phoneNumber",
        "external_id" => "customerId",
        other => other,
    }
}

async fn list(
    ApiReader(caller): ApiReader,
    PathId(id): PathId<BlastId>,
    Params(mut asked): Params<PeopleParams>,
) -> Result<Json<CampaignPeople>, Problem> {
    let app = caller.app();
    let blast = campaign(&app, id).await?;
    let among = asked.status.as_deref().map(answer::among).transpose()?;
    if asked.is_from_the_start() {
        asked.begin_with_page_one();
    }
    let page = read_page(&app, id, &asked, among).await?;
    let pagination = page.numbered.map(|numbered| Pagination::of(numbered, page.limit));
    let recipients = recipients(&app, &blast, page.rows).await?;
    Ok(Json(CampaignPeople { recipients, pagination, next_cursor: page.next_cursor }))
}

async fn add(
    State(state): State<HttpState>,
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    request: Request,
) -> Result<Response, Problem> {
    let (name, gone) = match campaign(&caller.app(), id).await {
        Ok(blast) => (Some(blast.tag), None),
        Err(gone) => (None, Some(gone)),
    };
    let report = |added: &Imported, total_recipients| {
        json!(AddedToCampaign { success: true, import: added.into(), total_recipients })
    };
    let added = take_list(&state, &caller, (id, gone, request), report).await;
    match name {
        Some(name) => added.map_err(own_words_of(&name)),
        None => added,
    }
}

async fn remove(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<RemoveBody>,
) -> Result<Response, Problem> {
    let name = match campaign(&caller.app(), id).await {
        Ok(blast) => blast.tag,
        Err(gone) => return answered_before(&caller, &body.about(id), gone).await,
    };
    take_out(&caller, id, &body, |removed, total_recipients| {
        let (id, campaign_id) = (id.to_string(), id.to_string());
        json!(RemovedFromCampaign { success: true, id, campaign_id, removed, total_recipients })
    })
    .await
    .map_err(own_words_of(&name))
}
