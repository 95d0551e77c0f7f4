//! Edits drafts.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::openapi::schemas;
use super::super::problem::Problem;
use super::authentication::ApiWriter;
use super::blasts::{if_match, with_etag};
use super::body::{JsonBody, PathId, read_field};
use super::draft::{PaceFields, content, description, name};
use super::once::once;
use crate::app::view::BlastView;
use crate::app::{App, DraftEdit};
use crate::domain::field_change::FieldChange;
use crate::domain::ids::BlastId;

/// What changes; everything absent stays, and null empties a limit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BlastEditBody {
    #[serde(default, alias = "blastTag", alias = "tag")]
    blast_tag: Option<String>,
    #[serde(default, alias = "followUpStage", alias = "stage")]
    follow_up_stage: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    #[schema(schema_with = schemas::template)]
    template: Option<Value>,
    #[serde(default, alias = "externalId")]
    external_id: Option<String>,
    #[serde(default)]
    description: Option<String>,
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
        let has_content = self.message.is_some() || self.template.is_some();
        let given = if has_content {
            Some(content(app, Some(&blast.sender), self.message.as_deref(), self.template.as_ref()).await?)
        } else {
            None
        };
        Ok(DraftEdit {
            tag: self.blast_tag.as_deref().map(|tag| name("blast_tag", tag)).transpose()?,
            follow_up_stage: self.follow_up_stage.as_deref().map(|stage| name("follow_up_stage", stage)).transpose()?,
            description: self.description.as_deref().map(description).transpose()?,
            external_id: self.external_id.as_deref().map(|id| name("external_id", id)).transpose()?,
            content: given.map(|given| given.content),
            rate: pace.rate,
            gap: pace.gap,
            window: pace.window,
            weekdays: pace.weekdays,
            timezone: pace.timezone,
            start: self.scheduled_for.try_map(|text| read_field("scheduled_for", text))?,
        })
    }
}

pub(super) async fn edit(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<BlastEditBody>,
) -> Result<Response, Problem> {
    once(&caller, body.about(id), async |app: App| {
        let blast = app.blast_without_unasked(id).await?;
        if_match(&body.headers, &blast)?;
        let edit = body.value.read(&app, &blast).await?;
        app.edit(id, blast.version, edit).await?;
        Ok(with_etag(StatusCode::OK, app.blast_without_unasked(id).await?))
    })
    .await
}
