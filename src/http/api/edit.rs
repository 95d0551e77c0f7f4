//! Edits drafts.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::openapi::schemas;
use super::super::problem::Problem;
use super::authentication::ApiWriter;
use super::blasts::{BlastAnswer, if_match, one_blast, with_etag};
use super::body::{JsonBody, PathId, read_field};
use super::draft::{PaceFields, content, description, external_id, name, needed};
use super::edited::{Editable, Edited};
use super::once::once_unraced;
use crate::app::view::BlastView;
use crate::app::{App, DraftEdit, unread_after};
use crate::domain::content::BlastContent;
use crate::domain::field_change::FieldChange;
use crate::domain::ids::BlastId;

/// What changes; everything absent stays, and null takes away what a draft can be without.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BlastEditBody {
    #[serde(default, alias = "blastTag", alias = "tag")]
    #[schema(value_type = String, required = false, example = "Campaign 2025-01-18")]
    blast_tag: FieldChange<String>,
    #[serde(default, alias = "followUpStage", alias = "stage")]
    #[schema(value_type = String, required = false, example = "Initial")]
    follow_up_stage: FieldChange<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "Hi {name|there}")]
    message: FieldChange<String>,
    #[serde(default)]
    #[schema(schema_with = schemas::template_or_message)]
    template: FieldChange<Value>,
    #[serde(default, alias = "externalId")]
    #[schema(value_type = Option<String>, example = "order-7")]
    external_id: FieldChange<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, example = json!(null))]
    description: FieldChange<String>,
    #[serde(default, alias = "rateLimit", alias = "rate")]
    #[schema(schema_with = schemas::rate)]
    rate_limit: FieldChange<Value>,
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "20s..60s")]
    gap: FieldChange<String>,
    #[serde(default, alias = "sendWindow")]
    #[schema(value_type = Option<String>, example = "09:00-21:00")]
    send_window: FieldChange<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "mon-fri")]
    weekdays: FieldChange<String>,
    #[serde(default, alias = "timeZone")]
    #[schema(value_type = Option<String>, example = "Asia/Kuala_Lumpur")]
    timezone: FieldChange<String>,
    /// When it starts by itself once it is sent; null: when it is sent.
    #[serde(default, alias = "scheduledFor")]
    #[schema(value_type = Option<String>, example = json!(null))]
    scheduled_for: FieldChange<String>,
}

impl Editable for BlastEditBody {
    const FIXED: &'static [&'static str] = &[
        "id",
        "blast_id",
        "state",
        "sender",
        "from",
        "repeat",
        "pattern",
        "occurrence_at",
        "local_time",
        "window_local",
        "retry_next_day",
        "follows",
        "step",
        "rehearsal",
        "recipients",
    ];
    const COMPUTED: &'static [&'static str] = &[
        "blast_date",
        "total_recipients",
        "version",
        "send_after",
        "state_reason",
        "state_by",
        "launched_at",
        "completed_at",
        "created_at",
        "updated_at",
        "metrics",
        "counts",
        "amount",
        "waiting",
        "done_at",
        "recipients_next_cursor",
        "import",
    ];
}

impl BlastEditBody {
    async fn read(&self, app: &App, blast: &BlastView) -> Result<DraftEdit, Problem> {
        let pace = PaceFields {
            rate_limit: self.rate_limit.clone(),
            gap: self.gap.clone(),
            send_window: self.send_window.clone(),
            weekdays: self.weekdays.clone(),
            timezone: self.timezone.clone(),
        };
        let pace = pace.read()?;
        let stage = needed("follow_up_stage", &self.follow_up_stage)?;
        Ok(DraftEdit {
            tag: needed("blast_tag", &self.blast_tag)?.map(|tag| name("blast_tag", tag)).transpose()?,
            follow_up_stage: stage.map(|stage| name("follow_up_stage", stage)).transpose()?,
            description: self.description.try_map(|text| description(text))?,
            external_id: self.external_id.try_map(|id| external_id("external_id", id))?,
            content: self.content(app, blast).await?,
            rate: pace.rate,
            gap: pace.gap,
            window: pace.window,
            weekdays: pace.weekdays,
            timezone: pace.timezone,
            start: self.scheduled_for.try_map(|text| read_field("scheduled_for", text))?,
        })
    }

    /// One of the two may be null beside the other, as answers have it.
    async fn content(&self, app: &App, blast: &BlastView) -> Result<Option<BlastContent>, Problem> {
        let is_template = blast.template.is_some();
        let (message, template) = match (&self.message, &self.template) {
            (FieldChange::Set(_), FieldChange::Clear) => (self.message.get(), None),
            (FieldChange::Clear, FieldChange::Set(_)) => (None, self.template.get()),
            (FieldChange::Clear, template) if is_template => (None, needed("template", template)?),
            (message, FieldChange::Clear) if !is_template => (needed("message", message)?, None),
            (message, template) => (needed("message", message)?, needed("template", template)?),
        };
        if message.is_none() && template.is_none() {
            return Ok(None);
        }
        let given = content(app, Some(&blast.sender), message.map(String::as_str), template).await?;
        Ok(Some(given.content))
    }
}

/// Refuses what came back of the answer and is otherwise now.
async fn refuse_fixed(app: &App, edited: &Edited<BlastEditBody>, id: BlastId) -> Result<(), Problem> {
    let blast = app.blast_without_unasked(id).await?;
    // Its people are read only where they came back.
    let now =
        if edited.has("recipients") { json!(one_blast(app, blast).await?) } else { json!(BlastAnswer::from(blast)) };
    edited.refuse_fixed(&now)
}

pub(super) async fn edit(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<Edited<BlastEditBody>>,
) -> Result<Response, Problem> {
    once_unraced(&caller, body.about(id), async |app: App| {
        let blast = app.blast_without_unasked(id).await?;
        if_match(&app, &body.headers, &blast)?;
        refuse_fixed(&app, &body.value, id).await?;
        let edit = body.value.change.read(&app, &blast).await?;
        app.edit(id, blast.version, edit).await?;
        let blast = app.blast_after_edit(&blast).await.map_err(unread_after("it is changed"))?;
        Ok(with_etag(StatusCode::OK, blast))
    })
    .await
}
