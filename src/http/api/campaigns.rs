//! The other spelling of the same calls: campaigns of templates, with the field names and words that clients of the earlier system
//! know. What is done is a blast's.

mod answer;
mod body;
mod people;
mod stats;
mod words;

use axum::response::Response;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::super::openapi::{Operation, Routes};
use super::super::problem::Problem;
use super::authentication::{ApiReader, ApiWriter};
use super::blasts::{self, BlastListParams, if_match};
use super::body::{JsonBody, Params, PathId, UnreadBody};
use super::commands::{LaunchBody, start};
use super::edited::Edited;
use super::once::{Answer, Repeatable, once, once_unraced};
use crate::app::view::{BlastFilter, BlastView};
use crate::app::{App, AppError, PeopleSource, unread_after};
use crate::domain::blast::{BlastCommand, BlastState};
use crate::domain::ids::BlastId;
use answer::{Campaign, CampaignAnswer};
use body::CampaignBody;
use stats::CampaignStats;
use words::{own_words, own_words_of};

/// What [`edit`] takes and answers.
fn edit_operation() -> Operation {
    Operation::write("Edits a campaign that is not started, or the rate and hours of one that has started")
        .details(
            "What is absent stays; null takes a description, an id, a time, a rate, the template's header, its further parts or both ends of \
             the hours away. What else an answer has may come back with it, as it is: counts and times are not looked at.",
        )
        .body::<CampaignBody>()
        .example(json!({ "name": "Order ready", "rateLimit": 20, "sendWindowStart": 9, "sendWindowEnd": 18 }))
        .answer::<CampaignAnswer>(200, "The campaign as it is now")
        .with_etag()
        .if_match()
}

pub(super) fn routes() -> Routes {
    Routes::of("Campaigns")
        .get(
            "/api/whatsapp/campaigns",
            list,
            Operation::read("Lists campaigns, the newest first")
                .query::<BlastListParams>()
                .answer::<CampaignList>(200, "A page"),
        )
        .post(
            "/api/whatsapp/campaigns",
            create,
            Operation::write("Makes a campaign; sends nothing")
                .body::<CampaignBody>()
                .answer::<CampaignAnswer>(201, "The campaign")
                .with_etag()
                .refuses(&[404]),
        )
        .get(
            "/api/whatsapp/campaigns/{id}",
            one,
            Operation::read("One campaign").answer::<CampaignAnswer>(200, "The campaign").with_etag(),
        )
        .put("/api/whatsapp/campaigns/{id}", edit, edit_operation())
        .patch("/api/whatsapp/campaigns/{id}", edit, edit_operation())
        .delete(
            "/api/whatsapp/campaigns/{id}",
            delete,
            Operation::write("Cancels a campaign that is being sent, paused or scheduled; removes any other")
                .answer::<DeletedCampaign>(200, "What was done")
                .repeatable()
                .if_match()
                .refuses(&[409]),
        )
        .post(
            "/api/whatsapp/campaigns/{id}/send",
            send,
            Operation::write("Starts a campaign")
                .body::<LaunchBody>()
                .answer::<CampaignAnswer>(200, "The campaign")
                .with_etag()
                .if_match(),
        )
        .get(
            "/api/whatsapp/campaigns/{id}/stats",
            stats::stats,
            Operation::read("A campaign in numbers").answer::<CampaignStats>(200, "Counts, rates, errors and hours"),
        )
        .merge(people::routes())
}

/// The campaign with this id: a blast that sends a template.
async fn campaign(app: &App, id: BlastId) -> Result<BlastView, Problem> {
    let blast = app.blast_without_unasked(id).await.map_err(|error| match error {
        AppError::NotFound(_) => {
            Problem::not_found(format!("there is no campaign {id}: see `GET /api/whatsapp/campaigns`"))
        }
        other => other.into(),
    })?;
    let detail = || format!("blast {id} sends a text, and a campaign sends a template: see `GET /api/blasts/{id}`");
    if blast.template.is_some() { Ok(blast) } else { Err(Problem::not_found(detail())) }
}

/// Its name, for what is said of it; none where there is no campaign any more. A repeated request has its answer again all the same.
async fn name_of(app: &App, id: BlastId) -> String {
    campaign(app, id).await.map(|blast| blast.tag).unwrap_or_default()
}

/// Where a numbered page stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    #[schema(example = 1)]
    page: u32,
    #[schema(example = 50)]
    limit: u32,
    #[schema(example = 250)]
    total: i64,
    #[schema(example = 5)]
    total_pages: i64,
}

impl Pagination {
    fn of((page, total): (u32, i64), limit: u32) -> Self {
        let size = i64::from(limit);
        Self { page, limit, total, total_pages: (total + size - 1) / size }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CampaignList {
    campaigns: Vec<Campaign>,
    pagination: Option<Pagination>,
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct DeletedCampaign {
    #[schema(example = true)]
    success: bool,
    #[schema(example = "7")]
    id: String,
    /// `cancelled` or `deleted`.
    #[schema(example = "deleted")]
    result: &'static str,
}

async fn create(ApiWriter(caller): ApiWriter, body: JsonBody<CampaignBody>) -> Result<Response, Problem> {
    let JsonBody { value, fingerprint, headers, .. } = body;
    once(&caller, Repeatable { headers: &headers, fingerprint, blast: None }, async |app: App| {
        let draft = value.draft(&app).await?;
        let made = app.create_for_caller(draft, PeopleSource::Given(value.recipients)).await?;
        let done = unread_after(format!("the campaign is made: {}", made.blast));
        let blast = app.blast(made.blast).await.map_err(done)?;
        let answer = CampaignAnswer { import: Some((&made).into()), ..CampaignAnswer::of(&blast) };
        Ok(Answer::created(answer).with_etag(blast.version).at(&format!("/api/whatsapp/campaigns/{}", made.blast)))
    })
    .await
    .map_err(own_words)
}

/// Campaigns are the blasts that send a template.
async fn list(ApiReader(caller): ApiReader, Params(mut asked): Params<BlastListParams>) -> Result<Answer, Problem> {
    if asked.is_from_the_start() {
        asked.begin_with_page_one();
    }
    let campaign_state = asked.take_state().as_deref().map(answer::campaign_state).transpose()?;
    let filter = BlastFilter { is_template: Some(true), campaign_state, ..BlastFilter::default() };
    let page = blasts::read_page(&caller.app(), &asked, filter).await?;
    let campaigns = page.blasts.iter().map(Campaign::from).collect();
    let pagination = page.numbered.map(|numbered| Pagination::of(numbered, page.limit));
    Ok(Answer::ok(CampaignList { campaigns, pagination, next_cursor: page.next_cursor }))
}

async fn one(ApiReader(caller): ApiReader, PathId(id): PathId<BlastId>) -> Result<Answer, Problem> {
    let blast = campaign(&caller.app(), id).await?;
    Ok(Answer::ok(CampaignAnswer::of(&blast)).with_etag(blast.version))
}

async fn edit(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<Edited<CampaignBody>>,
) -> Result<Response, Problem> {
    let name = name_of(&caller.app(), id).await;
    once_unraced(&caller, body.about(id), async |app: App| {
        let blast = campaign(&app, id).await?;
        if_match(&app, &body.headers, &blast)?;
        body.value.refuse_fixed(&Campaign::from(&blast))?;
        let edit = body.value.change.edit(&app, &blast).await?;
        app.edit(id, blast.version, edit).await.map_err(without_value)?;
        let blast = app.blast_after_edit(&blast).await.map_err(unread_after("it is changed"))?;
        Ok(Answer::ok(CampaignAnswer::of(&blast)).with_etag(blast.version))
    })
    .await
    .map_err(own_words_of(&name))
}

/// Whom the template cannot be made for lacks a value: that is what is wrong with an edit of it.
fn without_value(error: AppError) -> Problem {
    Problem::from(error).respelled("template", "templateVariables")
}

/// Cancels a campaign that is being sent, paused or scheduled; removes any other.
async fn delete(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    request: UnreadBody,
) -> Result<Response, Problem> {
    once(&caller, request.about(Some(id)), async |app: App| {
        let blast = campaign(&app, id).await?;
        let app = if_match(&app, &request.headers, &blast).map_err(own_words)?;
        let own_words = own_words_of(&blast.tag);
        let result = match blast.state {
            BlastState::Sending | BlastState::Paused | BlastState::Scheduled => {
                app.cancel(id).await.map_err(|error| own_words(error.into()))?;
                "cancelled"
            }
            _ => {
                app.delete(id).await.map_err(|error| own_words(error.into()))?;
                "deleted"
            }
        };
        Ok(Answer::ok(DeletedCampaign { success: true, id: id.to_string(), result }))
    })
    .await
}

async fn send(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<LaunchBody>,
) -> Result<Response, Problem> {
    let name = name_of(&caller.app(), id).await;
    once_unraced(&caller, body.about(id), async |app: App| {
        campaign(&app, id).await?;
        let blast = start(&app, id, &body, BlastCommand::Launch).await?;
        let answer = CampaignAnswer { success: Some(true), ..CampaignAnswer::of(&blast) };
        Ok(Answer::ok(answer).with_etag(blast.version))
    })
    .await
    .map_err(own_words_of(&name))
}
