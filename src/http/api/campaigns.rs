//! The other spelling of the same calls: campaigns of templates, with the field names and words that clients of the earlier system
//! know. What is done is a blast's.

mod answer;
mod stats;

use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::super::openapi::{Operation, Routes, schemas};
use super::super::problem::Problem;
use super::adding;
use super::blasts::{self, ListParams, if_match};
use super::body::{JsonBody, Params, PathId};
use super::commands::{LaunchBody, start};
use super::draft::{content, description, name, rate};
use super::gate::{ApiReader, ApiWriter};
use super::once::{Answer, Repeatable, once};
use super::people::{PeopleParams, read_page};
use crate::app::view::BlastFilter;
use crate::app::{App, DraftEdit, NewDraft, PeopleSource};
use crate::domain::blast::{BlastCommand, BlastState};
use crate::domain::field_change::FieldChange;
use crate::domain::ids::BlastId;
use crate::domain::pace::Hours;
use answer::{Campaign, CampaignAnswer, CampaignRecipient, recipients};
use stats::CampaignStats;

/// A campaign's own pace and hours where it says nothing else.
const RATE: u64 = 10;
const WINDOW: &str = "09:00-21:00";

pub(super) fn routes() -> Routes {
    let editing = || {
        Operation::write("Edits a campaign that is not started")
            .body::<CampaignBody>()
            .answer::<Campaign>(200, "The campaign as it is now")
            .if_match()
    };
    Routes::of("Campaigns")
        .get(
            "/api/whatsapp/campaigns",
            list,
            Operation::read("Lists campaigns, the newest first")
                .query::<ListParams>()
                .answer::<CampaignList>(200, "A page"),
        )
        .post(
            "/api/whatsapp/campaigns",
            create,
            Operation::write("Makes a campaign; sends nothing")
                .body::<CampaignBody>()
                .answer::<CampaignAnswer>(201, "The campaign")
                .refuses(&[404]),
        )
        .get(
            "/api/whatsapp/campaigns/{id}",
            one,
            Operation::read("One campaign").answer::<CampaignAnswer>(200, "The campaign"),
        )
        .put("/api/whatsapp/campaigns/{id}", edit, editing())
        .patch("/api/whatsapp/campaigns/{id}", edit, editing())
        .delete(
            "/api/whatsapp/campaigns/{id}",
            delete,
            Operation::write("Cancels a campaign that is being sent; removes any other")
                .answer::<DeletedCampaign>(200, "What was done")
                .if_match()
                .refuses(&[409]),
        )
        .post(
            "/api/whatsapp/campaigns/{id}/send",
            send,
            Operation::write("Starts a campaign")
                .body::<LaunchBody>()
                .answer::<CampaignAnswer>(200, "The campaign")
                .if_match(),
        )
        .get(
            "/api/whatsapp/campaigns/{id}/stats",
            stats::stats,
            Operation::read("A campaign in numbers").answer::<CampaignStats>(200, "Counts, rates, errors and hours"),
        )
        .get(
            "/api/whatsapp/campaigns/{id}/recipients",
            people,
            Operation::read("Its people").query::<PeopleParams>().answer::<CampaignPeople>(200, "A page"),
        )
        .post("/api/whatsapp/campaigns/{id}/recipients", adding::add, adding::add_operation())
        .delete("/api/whatsapp/campaigns/{id}/recipients", adding::remove, adding::remove_operation())
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
#[serde(rename_all = "camelCase")]
struct CampaignPeople {
    recipients: Vec<CampaignRecipient>,
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

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct CampaignBody {
    #[serde(default)]
    #[schema(example = "Order ready")]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default, alias = "template_name")]
    #[schema(example = "order_ready")]
    template_name: Option<String>,
    #[serde(default, alias = "template_language")]
    #[schema(example = "en_US")]
    template_language: Option<String>,
    #[serde(default, alias = "template_variables")]
    #[schema(schema_with = schemas::variables)]
    template_variables: Option<Map<String, Value>>,
    /// The header's value, and further parts, both as `template` of a blast has them.
    #[serde(default, alias = "template_header")]
    #[schema(schema_with = schemas::anything)]
    template_header: Option<Value>,
    #[serde(default, alias = "template_components")]
    #[schema(schema_with = schemas::anything)]
    template_components: Option<Value>,
    #[serde(default)]
    #[schema(example = "cloud")]
    sender: Option<String>,
    #[serde(default)]
    #[schema(schema_with = schemas::people)]
    recipients: Vec<Value>,
    #[serde(default, alias = "rate_limit")]
    #[schema(schema_with = schemas::rate)]
    rate_limit: Option<Value>,
    #[serde(default, alias = "send_window_start")]
    #[schema(schema_with = schemas::hour)]
    send_window_start: Option<Value>,
    #[serde(default, alias = "send_window_end")]
    #[schema(schema_with = schemas::hour)]
    send_window_end: Option<Value>,
    #[serde(default, alias = "scheduled_for")]
    #[schema(schema_with = schemas::not_yet)]
    scheduled_for: Option<Value>,
    #[serde(default, alias = "external_id")]
    external_id: Option<String>,
}

impl CampaignBody {
    fn has_template(&self) -> bool {
        self.template_name.is_some() || self.template_language.is_some() || self.template_variables.is_some()
    }

    /// As the provider's own form has it; what is not given stays as it was.
    fn template(&self, before: Option<&Value>) -> Result<Value, Problem> {
        let before =
            |key: &str| before.and_then(|template| template.get(key)).and_then(Value::as_str).map(str::to_owned);
        let name = self.template_name.clone().or_else(|| before("name"));
        let name = name.ok_or_else(|| Problem::field("templateName", "missing: write the template's name"))?;
        let language =
            self.template_language.clone().or_else(|| before("language")).unwrap_or_else(|| "en_US".to_owned());
        let mut template = json!({ "name": name, "language": language });
        if let Some(variables) = self.template_variables.as_ref().filter(|variables| !variables.is_empty()) {
            template["variables"] =
                Value::Object(variables.iter().map(|(name, value)| (name.clone(), text(value))).collect());
        }
        for (key, given) in [("header", &self.template_header), ("components", &self.template_components)] {
            if let Some(given) = given {
                template[key] = given.clone();
            }
        }
        Ok(template)
    }

    fn window(&self) -> Result<Option<Hours>, Problem> {
        let hour = |field: &str, value: Option<&Value>, default: &str| match value {
            None | Some(Value::Null) => Ok(default.to_owned()),
            Some(Value::Number(hour)) => Ok(format!("{hour:0>2}:00")),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(Problem::field(field, "write an hour, such as 9 or \"09:00\"")),
        };
        if self.send_window_start.is_none() && self.send_window_end.is_none() {
            return Ok(None);
        }
        let from = hour("sendWindowStart", self.send_window_start.as_ref(), "09:00")?;
        let until = hour("sendWindowEnd", self.send_window_end.as_ref(), "21:00")?;
        let hours = format!("{from}-{until}").parse::<Hours>();
        hours.map(Some).map_err(|error| Problem::field("sendWindowStart", error.to_string()))
    }

    fn refuse_schedule(&self) -> Result<(), Problem> {
        let is_given = self.scheduled_for.as_ref().is_some_and(|value| !value.is_null());
        let detail = "campaigns are not started by the clock yet: call /send at that time";
        if is_given { Err(Problem::field("scheduledFor", detail)) } else { Ok(()) }
    }

    async fn draft(&self, app: &App) -> Result<NewDraft, Problem> {
        self.refuse_schedule()?;
        let tag = self.name.as_deref().ok_or_else(|| Problem::field("name", "missing: write the campaign's name"))?;
        let rate =
            rate(self.rate_limit.as_ref().unwrap_or(&json!(RATE))).map_err(|error| error.renamed("rateLimit"))?;
        let usual = || WINDOW.parse::<Hours>().ok();
        let window = self.window()?.or_else(usual);
        let tag = name("name", tag)?;
        let template = self.template(None)?;
        let given = content(app, self.sender.as_deref(), None, Some(&template)).await?;
        Ok(NewDraft {
            tag,
            follow_up_stage: "Initial".to_owned(),
            content: given.content,
            is_marketing: given.is_marketing,
            rate: Some(rate),
            gap: None,
            window,
            weekdays: None,
            timezone: zone(app, &given.sender),
            retry_next_day: false,
            external_id: self.external_id.clone(),
            description: self.description.as_deref().map(description).transpose()?,
            sender: given.sender,
        })
    }
}

/// The hours are the sender's.
fn zone(app: &App, sender: &str) -> Option<Tz> {
    app.config().sender(sender).map(|sender| sender.timezone)
}

/// A variable's value as text, however it was written.
fn text(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        other => other.clone(),
    }
}

async fn create(ApiWriter(caller): ApiWriter, body: JsonBody<CampaignBody>) -> Result<Response, Problem> {
    let JsonBody { value, fingerprint, headers } = body;
    once(&caller, Repeatable { headers: &headers, fingerprint, blast: None }, async |app: App| {
        let draft = value.draft(&app).await?;
        let made = app.create_for_caller(draft, PeopleSource::Given(value.recipients)).await?;
        let blast = app.blast(made.blast).await?;
        Ok(Answer::created(CampaignAnswer { import: Some((&made).into()), ..CampaignAnswer::of(&blast) }))
    })
    .await
}

/// Campaigns are the blasts that send a template.
async fn list(ApiReader(caller): ApiReader, Params(mut asked): Params<ListParams>) -> Result<Answer, Problem> {
    if asked.is_from_the_start() {
        asked.begin_with_page_one();
    }
    let filter = BlastFilter { is_template: Some(true), ..BlastFilter::default() };
    let page = blasts::read_page(&caller.app(), &asked, filter).await?;
    let campaigns = page.blasts.iter().map(Campaign::from).collect();
    let pagination = page.numbered.map(|numbered| Pagination::of(numbered, page.limit));
    Ok(Answer::ok(CampaignList { campaigns, pagination, next_cursor: page.next_cursor }))
}

async fn one(ApiReader(caller): ApiReader, PathId(id): PathId<BlastId>) -> Result<Answer, Problem> {
    Ok(Answer::ok(CampaignAnswer::of(&caller.app().blast(id).await?)))
}

async fn edit(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<CampaignBody>,
) -> Result<Response, Problem> {
    once(&caller, body.about(id), async |app: App| {
        let blast = app.blast(id).await?;
        if_match(&body.headers, &blast)?;
        let change = &body.value;
        change.refuse_schedule()?;
        if !change.recipients.is_empty() {
            return Err(Problem::field("recipients", "people are added by POST …/recipients"));
        }
        let given = if change.has_template() {
            let template = change.template(blast.template.as_ref())?;
            Some(content(&app, Some(&blast.sender), None, Some(&template)).await?)
        } else {
            None
        };
        let rate = change.rate_limit.as_ref().map(rate).transpose().map_err(|error| error.renamed("rateLimit"))?;
        let edit = DraftEdit {
            tag: change.name.as_deref().map(|tag| name("name", tag)).transpose()?,
            follow_up_stage: None,
            description: change.description.as_deref().map(description).transpose()?,
            external_id: change.external_id.clone(),
            content: given.map(|given| given.content),
            rate: rate.map_or(FieldChange::Keep, FieldChange::Set),
            gap: FieldChange::Keep,
            window: change.window()?.map_or(FieldChange::Keep, FieldChange::Set),
            weekdays: FieldChange::Keep,
            timezone: FieldChange::Keep,
        };
        app.edit(id, blast.version, edit).await?;
        Ok(Answer::ok(Campaign::from(&app.blast(id).await?)))
    })
    .await
}

/// Cancels a campaign that is being sent; removes any other.
async fn delete(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let app = caller.app();
    let blast = app.blast(id).await?;
    if_match(&headers, &blast)?;
    let result = match blast.state {
        BlastState::Sending | BlastState::Paused | BlastState::Scheduled => {
            app.cancel(id).await?;
            "cancelled"
        }
        _ => {
            app.delete(id).await?;
            "deleted"
        }
    };
    Ok(Answer::ok(DeletedCampaign { success: true, id: id.to_string(), result }).into_response())
}

async fn send(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<LaunchBody>,
) -> Result<Response, Problem> {
    once(&caller, body.about(id), async |app: App| {
        let blast = start(&app, id, &body, BlastCommand::Launch).await?;
        Ok(Answer::ok(CampaignAnswer { success: Some(true), ..CampaignAnswer::of(&blast) }))
    })
    .await
}

async fn people(
    ApiReader(caller): ApiReader,
    PathId(id): PathId<BlastId>,
    Params(mut asked): Params<PeopleParams>,
) -> Result<Answer, Problem> {
    let app = caller.app();
    let blast = app.blast(id).await?;
    let statuses = asked.status.as_deref().map(answer::statuses).transpose()?;
    if asked.is_from_the_start() {
        asked.begin_with_page_one();
    }
    let page = read_page(&app, id, &asked, statuses.as_deref()).await?;
    let pagination = page.numbered.map(|numbered| Pagination::of(numbered, page.limit));
    let recipients = recipients(&app, &blast, page.rows).await?;
    Ok(Answer::ok(CampaignPeople { recipients, pagination, next_cursor: page.next_cursor }))
}
