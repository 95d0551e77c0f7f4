//! Makes drafts.

use std::num::NonZeroU32;

use axum::response::Response;
use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::openapi::schemas;
use super::super::problem::Problem;
use super::adding::ImportReport;
use super::authentication::{ApiCaller, ApiWriter};
use super::blasts::BlastAnswer;
use super::body::{JsonBody, read_field};
use super::draft::{OwnPace, PaceFields, content, description, external_id, name};
use super::once::{Answer, Repeatable, once};
use crate::app::{App, Imported, NewDraft, PeopleSource, RepeatOrder, SegmentDraft, WrittenPerson, unread_after};
use crate::domain::blast::PersonClocks;
use crate::domain::field_change::FieldChange;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBody {
    #[serde(default, alias = "blastTag", alias = "tag")]
    #[schema(example = "Campaign 2025-01-18")]
    blast_tag: Option<String>,
    #[serde(default, alias = "followUpStage", alias = "stage")]
    #[schema(example = "Initial")]
    follow_up_stage: Option<String>,
    /// Which of the configuration's `[[senders]]` sends it.
    #[serde(default)]
    #[schema(example = "sales")]
    sender: Option<String>,
    /// With `{name}` and other columns in it.
    #[serde(default)]
    #[schema(example = "Hi {name|there}")]
    message: Option<String>,
    /// What a sender of Meta's sends, in place of `message`.
    #[serde(default)]
    #[schema(schema_with = schemas::template_or_message)]
    template: Option<Value>,
    /// Numbers, or objects; rows that cannot be used are left out and named in the answer.
    #[serde(default)]
    #[schema(schema_with = schemas::people)]
    recipients: Vec<WrittenPerson>,
    /// In place of `recipients`: the people of earlier blasts whom a filter finds, in the terms of the dashboard's. It is read again
    /// until the draft is sent.
    #[serde(default)]
    #[schema(example = json!(null))]
    from: Option<String>,
    #[serde(default, alias = "externalId")]
    #[schema(example = "order-7")]
    external_id: Option<String>,
    #[serde(default)]
    #[schema(example = json!(null))]
    description: Option<String>,
    /// Tries people again after a day to whom Meta did not give the message for now.
    #[serde(default, alias = "retryNextDay")]
    retry_next_day: bool,
    /// Sends to so many people first, then waits until the blast is resumed.
    #[serde(default)]
    #[schema(value_type = Option<u32>, example = json!(null), minimum = 1)]
    first: Option<NonZeroU32>,
    /// When it starts by itself once it is sent: local time in its zone, or with an offset.
    #[serde(default, alias = "scheduledFor")]
    #[schema(example = json!(null))]
    scheduled_for: Option<String>,
    /// Each person gets it at this time of their own zone: by `timezone` among their variables, else by their country, where that has one.
    #[serde(default, alias = "localTime")]
    #[schema(example = json!(null))]
    local_time: Option<String>,
    /// Its hours and weekdays hold by each person's own zone: refused without either.
    #[serde(default, alias = "windowLocal")]
    #[schema(example = false)]
    window_local: bool,
    /// By which rule it repeats, in its zone: `every mon 09:00`, `every month last 18:00`, `every hour`, or five fields of cron. It is
    /// sent once; each of its times then makes a blast of its own.
    #[serde(default)]
    #[schema(example = json!(null))]
    repeat: Option<String>,
    /// The last day on which it repeats.
    #[serde(default)]
    #[schema(example = json!(null))]
    until: Option<String>,
    /// How many times it repeats in all.
    #[serde(default)]
    #[schema(value_type = Option<u32>, example = json!(null), minimum = 1)]
    times: Option<NonZeroU32>,
    /// The most people whom one of its times goes to without asking; by default as many as are confirmed.
    #[serde(default, alias = "atMost")]
    #[schema(value_type = Option<u32>, example = json!(null), minimum = 1)]
    at_most: Option<NonZeroU32>,
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

    /// Without hours there is nothing that could hold by everybody's own clock: it would be sent at once.
    fn require_own_hours(&self, pace: &OwnPace) -> Result<(), Problem> {
        let has_hours = pace.window.get().is_some() || pace.weekdays.get().is_some();
        if self.window_local && !has_hours {
            return Err(Problem::field("window_local", "it is about send_window or weekdays: give one"));
        }
        Ok(())
    }

    /// Whether it repeats.
    pub(super) const fn repeats(&self) -> bool {
        self.repeat.is_some()
    }

    fn repeat_order(&self) -> Result<Option<RepeatOrder>, Problem> {
        let Some(rule) = &self.repeat else {
            let alone =
                [("until", self.until.is_some()), ("times", self.times.is_some()), ("at_most", self.at_most.is_some())];
            let given = alone.into_iter().find(|(_, is_given)| *is_given);
            return given.map_or(Ok(None), |(field, _)| {
                Err(Problem::field(field, "only what repeats has it: give repeat too"))
            });
        };
        if self.scheduled_for.is_some() {
            return Err(Problem::field("scheduled_for", "what repeats starts by its rule: leave this out"));
        }
        let until = self.until.as_deref().map(str::parse::<NaiveDate>);
        let until = until.transpose().map_err(|_| Problem::field("until", "write a day such as 2026-12-31"))?;
        Ok(Some(RepeatOrder { rule: read_field("repeat", rule)?, until, times: self.times, at_most: self.at_most }))
    }

    /// Refused where it names people itself: they come from another blast.
    pub(super) fn without_people(self) -> Result<Self, Problem> {
        let detail = "a follow-up goes to those who are stuck: leave this out";
        match (&self.from, self.recipients.is_empty()) {
            (Some(_), _) => Err(Problem::field("from", detail)),
            (None, false) => Err(Problem::field("recipients", detail)),
            (None, true) => Ok(self),
        }
    }

    /// From the list of the body, or from whom its filter finds.
    async fn make(self, app: &App, draft: NewDraft) -> Result<Imported, Problem> {
        let Some(from) = self.from else {
            return Ok(app.create_for_caller(draft, PeopleSource::Given(self.recipients)).await?);
        };
        if !self.recipients.is_empty() {
            return Err(Problem::field("from", "the people are named twice: give either this or recipients"));
        }
        Ok(app.create_from_segment(SegmentDraft { draft, from, follows: None }).await?)
    }

    pub(super) async fn draft(&self, app: &App) -> Result<NewDraft, Problem> {
        let repeat = self.repeat_order()?;
        let clock = |text: &str| NaiveTime::parse_from_str(text, "%H:%M");
        let local_time = self.local_time.as_deref().map(clock).transpose();
        let local_time =
            local_time.map_err(|_| Problem::field("local_time", "write hours and minutes such as 10:00"))?;
        let pace = self.pace()?;
        self.require_own_hours(&pace)?;
        let tag = name("blast_tag", self.blast_tag.as_deref().unwrap_or("Blast"))?;
        let follow_up_stage = name("follow_up_stage", self.follow_up_stage.as_deref().unwrap_or("Initial"))?;
        let external_id = self.external_id.as_deref().map(|id| external_id("external_id", id)).transpose()?;
        let description = self.description.as_deref().map(description).transpose()?;
        let given = content(app, self.sender.as_deref(), self.message.as_deref(), self.template.as_ref()).await?;
        let start = self.scheduled_for.as_deref().map(|text| read_field("scheduled_for", text)).transpose()?;
        let check = |start| app.check_start(&given.sender, pace.timezone.value(), start);
        start.map_or(Ok(()), check).map_err(|why| Problem::field("scheduled_for", why))?;
        if let Some(why) = app.why_no_next_day(&given.sender).filter(|_| self.retry_next_day) {
            return Err(Problem::field("retry_next_day", why));
        }
        Ok(NewDraft {
            start,
            segment: None,
            clocks: PersonClocks { local_time, window_local: self.window_local },
            repeat,
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
            first: self.first,
            external_id,
            description,
        })
    }
}

/// A new draft, and what became of its list of people.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MadeBlast {
    #[serde(flatten)]
    blast: BlastAnswer,
    import: ImportReport,
}

/// The answer for a draft that was made a moment ago.
pub(super) async fn made_answer(app: &App, made: &Imported) -> Result<Answer, Problem> {
    let done = unread_after(format!("the draft is made: blast {}", made.blast));
    let blast = app.blast(made.blast).await.map_err(done)?;
    let version = blast.version;
    Ok(Answer::created(MadeBlast { blast: blast.into(), import: made.into() }).with_etag(version))
}

pub(super) async fn create(ApiWriter(caller): ApiWriter, body: JsonBody<CreateBody>) -> Result<Response, Problem> {
    make_where(&caller, body, |_| Ok(())).await
}

/// Makes a draft where the body is more than readable.
pub(super) async fn make_where(
    caller: &ApiCaller,
    body: JsonBody<CreateBody>,
    check: fn(&CreateBody) -> Result<(), Problem>,
) -> Result<Response, Problem> {
    let JsonBody { value, fingerprint, headers, .. } = body;
    once(caller, Repeatable { headers: &headers, fingerprint, blast: None }, async |app: App| {
        check(&value)?;
        let draft = value.draft(&app).await?;
        let made = value.make(&app, draft).await?;
        Ok(made_answer(&app, &made).await?.at(&format!("/api/blasts/{}", made.blast)))
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
