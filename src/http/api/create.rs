//! Makes drafts.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::super::problem::Problem;
use super::adding::imported;
use super::blasts::with_etag;
use super::body::JsonBody;
use super::draft::{OwnPace, PaceFields, content, description, name};
use super::gate::ApiWriter;
use super::once::{Repeatable, once};
use crate::app::{App, NewDraft, PeopleSource};
use crate::domain::field_change::FieldChange;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBody {
    #[serde(default, alias = "blastTag", alias = "tag")]
    blast_tag: Option<String>,
    #[serde(default, alias = "followUpStage", alias = "stage")]
    follow_up_stage: Option<String>,
    #[serde(default)]
    sender: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    template: Option<Value>,
    #[serde(default)]
    recipients: Vec<Value>,
    #[serde(default, alias = "externalId")]
    external_id: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default, alias = "retryNextDay")]
    retry_next_day: bool,
    #[serde(default, alias = "scheduledFor")]
    scheduled_for: Option<Value>,
    #[serde(default)]
    repeat: Option<Value>,
    #[serde(default, alias = "rateLimit", alias = "rate")]
    rate_limit: FieldChange<Value>,
    #[serde(default)]
    gap: FieldChange<String>,
    #[serde(default, alias = "sendWindow")]
    send_window: FieldChange<String>,
    #[serde(default)]
    weekdays: FieldChange<String>,
    #[serde(default, alias = "timeZone")]
    timezone: FieldChange<String>,
}

impl CreateBody {
    fn pace(&self) -> Result<OwnPace, Problem> {
        let pace = PaceFields {
            rate_limit: self.rate_limit.clone(),
            gap: self.gap.clone(),
            send_window: self.send_window.clone(),
            weekdays: self.weekdays.clone(),
            timezone: self.timezone.clone(),
        };
        pace.read()
    }

    fn refuse_schedule(&self) -> Result<(), Problem> {
        let given = |field: &Option<Value>| field.as_ref().is_some_and(|value| !value.is_null());
        for (name, field) in [("scheduled_for", &self.scheduled_for), ("repeat", &self.repeat)] {
            if given(field) {
                return Err(Problem::field(name, "blasts are not started by the clock yet: call /send at that time"));
            }
        }
        Ok(())
    }

    /// Refused where it names people itself: they come from another blast.
    pub(super) fn without_people(self) -> Result<Self, Problem> {
        let detail = "a follow-up goes to those who are stuck: leave this out";
        if self.recipients.is_empty() { Ok(self) } else { Err(Problem::field("recipients", detail)) }
    }

    pub(super) async fn draft(&self, app: &App) -> Result<NewDraft, Problem> {
        self.refuse_schedule()?;
        let pace = self.pace()?;
        let tag = name("blast_tag", self.blast_tag.as_deref().unwrap_or("Blast"))?;
        let follow_up_stage = name("follow_up_stage", self.follow_up_stage.as_deref().unwrap_or("Initial"))?;
        let external_id = self.external_id.as_deref().map(|id| name("external_id", id)).transpose()?;
        let description = self.description.as_deref().map(description).transpose()?;
        let given = content(app, self.sender.as_deref(), self.message.as_deref(), self.template.as_ref()).await?;
        Ok(NewDraft {
            sender: given.sender,
            tag,
            follow_up_stage,
            content: given.content,
            is_marketing: given.is_marketing,
            rate: pace.rate.value(),
            gap: pace.gap.value(),
            window: pace.window.value(),
            weekdays: pace.weekdays.value(),
            timezone: pace.timezone.value(),
            retry_next_day: self.retry_next_day,
            external_id,
            description,
        })
    }
}

pub(super) async fn create(ApiWriter(caller): ApiWriter, body: JsonBody<CreateBody>) -> Result<Response, Problem> {
    let JsonBody { value, fingerprint, headers } = body;
    once(&caller, Repeatable { headers: &headers, fingerprint, blast: None }, async |app: App| {
        let draft = value.draft(&app).await?;
        let made = app.create_for_caller(draft, PeopleSource::Given(value.recipients)).await?;
        let mut answer = with_etag(StatusCode::CREATED, app.blast(made.blast).await?);
        answer.body["import"] = imported(&made);
        if let Ok(location) = HeaderValue::from_str(&format!("/api/blasts/{}", made.blast)) {
            answer.headers.push((header::LOCATION, location));
        }
        Ok(answer)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_field_are_one() {
        let read = |text: &str| serde_json::from_str::<CreateBody>(text).unwrap();

        let camel = read(r#"{"blastTag":"x","rateLimit":10,"sendWindow":"09:00-21:00","followUpStage":"Initial"}"#);
        let snake =
            read(r#"{"blast_tag":"x","rate_limit":10,"send_window":"09:00-21:00","follow_up_stage":"Initial"}"#);

        assert_eq!(format!("{camel:?}"), format!("{snake:?}"));
        assert!(camel.pace().is_ok());
    }
}
