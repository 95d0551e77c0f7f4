//! The other spelling of the same calls: campaigns of templates, with the field names and words that clients of the earlier system
//! know. What is done is a blast's.

mod answer;
mod stats;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::HttpState;
use super::super::problem::Problem;
use super::adding::{self, imported};
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
use answer::{campaign, recipients};

/// A campaign's own pace and hours where it says nothing else.
const RATE: u64 = 10;
const WINDOW: &str = "09:00-21:00";

pub(super) fn routes() -> Router<HttpState> {
    Router::new()
        .route("/api/whatsapp/campaigns", get(list).post(create))
        .route("/api/whatsapp/campaigns/{id}", get(one).put(edit).patch(edit).delete(delete))
        .route("/api/whatsapp/campaigns/{id}/send", post(send))
        .route("/api/whatsapp/campaigns/{id}/stats", get(stats::stats))
        .route("/api/whatsapp/campaigns/{id}/recipients", get(people).post(add).delete(adding::remove))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct CampaignBody {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default, alias = "template_name")]
    template_name: Option<String>,
    #[serde(default, alias = "template_language")]
    template_language: Option<String>,
    #[serde(default, alias = "template_variables")]
    template_variables: Option<Map<String, Value>>,
    /// The header's value, and further parts, both as `template` of a blast has them.
    #[serde(default, alias = "template_header")]
    template_header: Option<Value>,
    #[serde(default, alias = "template_components")]
    template_components: Option<Value>,
    #[serde(default)]
    sender: Option<String>,
    #[serde(default)]
    recipients: Vec<Value>,
    #[serde(default, alias = "rate_limit")]
    rate_limit: Option<Value>,
    #[serde(default, alias = "send_window_start")]
    send_window_start: Option<Value>,
    #[serde(default, alias = "send_window_end")]
    send_window_end: Option<Value>,
    #[serde(default, alias = "scheduled_for")]
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
        let mut body = campaign(&blast);
        body["campaign"] = campaign(&blast);
        body["import"] = imported(&made);
        Ok(Answer { status: StatusCode::CREATED, body, headers: Vec::new() })
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
    let campaigns: Vec<Value> = page.blasts.iter().map(campaign).collect();
    let pagination = page.numbered.map(|(number, total)| {
        let limit = i64::from(page.limit);
        json!({ "page": number, "limit": limit, "total": total, "totalPages": (total + limit - 1) / limit })
    });
    Ok(Answer::ok(json!({ "campaigns": campaigns, "pagination": pagination, "nextCursor": page.next_cursor })))
}

async fn one(ApiReader(caller): ApiReader, PathId(id): PathId<BlastId>) -> Result<Answer, Problem> {
    let blast = caller.app().blast(id).await?;
    let mut body = campaign(&blast);
    body["campaign"] = campaign(&blast);
    Ok(Answer::ok(body))
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
        Ok(Answer::ok(campaign(&app.blast(id).await?)))
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
    let done = match blast.state {
        BlastState::Sending | BlastState::Paused | BlastState::Scheduled => {
            app.cancel(id).await?;
            "cancelled"
        }
        _ => {
            app.delete(id).await?;
            "deleted"
        }
    };
    Ok(Answer::ok(json!({ "success": true, "id": id.to_string(), "result": done })).into_response())
}

async fn send(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<LaunchBody>,
) -> Result<Response, Problem> {
    once(&caller, body.about(id), async |app: App| {
        let blast = start(&app, id, &body, BlastCommand::Launch).await?;
        let mut answer = campaign(&blast);
        answer["success"] = json!(true);
        answer["campaign"] = campaign(&blast);
        Ok(Answer::ok(answer))
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
    let pagination = page.numbered.map(|(number, total)| {
        let limit = i64::from(page.limit);
        json!({ "page": number, "limit": limit, "total": total, "totalPages": (total + limit - 1) / limit })
    });
    let people = recipients(&app, &blast, page.rows).await?;
    Ok(Answer::ok(json!({ "recipients": people, "pagination": pagination, "nextCursor": page.next_cursor })))
}

/// The same as a blast's.
async fn add(
    state: State<HttpState>,
    writer: ApiWriter,
    id: PathId<BlastId>,
    request: Request,
) -> Result<Response, Problem> {
    adding::add(state, writer, id, request).await
}
