//! Steps of a blast: follow-ups that make themselves.

use std::num::NonZeroU32;

use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::api_sentence::for_programs;
use super::super::openapi::{Operation, Routes, schemas};
use super::super::problem::Problem;
use super::authentication::{ApiReader, ApiWriter};
use super::body::{JsonBody, PathId, PathIds, UnreadBody};
use super::draft::{content, name, needed};
use super::once::{Answer, once};
use crate::app::{
    App, AppError, NewStep, StepBlast, StepChange, StepEdit, StepKey, StepRow, StepShown, StepView, unread_after,
};
use crate::domain::content::BlastContent;
use crate::domain::field_change::FieldChange;
use crate::domain::filter;
use crate::domain::ids::BlastId;
use crate::domain::pace::parse_span;
use crate::domain::status::Status;
use crate::domain::step::{StepError, StepRule, StepSince};
use crate::domain::text;

pub(super) fn routes() -> Routes {
    let details = "A draft is made to whoever reached a stage so long ago and another one not yet, or has had a cart for so long and ordered \
                   nothing, less those who opted out, bought, or had the step already; at most one a day. It waits to be sent, unless the step has `at_most`.";
    Routes::of("Steps")
        .get(
            "/api/blasts/{id}/steps",
            list,
            Operation::read("The follow-ups of a blast that make themselves")
                .answer::<StepList>(200, "By their numbers"),
        )
        .post(
            "/api/blasts/{id}/steps",
            add,
            Operation::write("Adds a step").details(details).body::<StepBody>().answer::<StepAnswer>(201, "The step"),
        )
        .patch(
            "/api/blasts/{id}/steps/{number}",
            set,
            Operation::write("Changes, pauses or resumes a step")
                .details("What it made already stays as it is.")
                .body::<StepEditBody>()
                .answer::<StepAnswer>(200, "The step"),
        )
        .delete(
            "/api/blasts/{id}/steps/{number}",
            remove,
            Operation::write("Removes a step").details("What it made stays.").empty(204, "It is gone").repeatable(),
        )
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StepBody {
    /// How long after the stage or the cart, such as `48h`.
    #[schema(example = "48h")]
    after: String,
    /// What it counts from: `sent`, `delivered`, `read` or `replied`, or `cart`; by default `sent`.
    #[serde(default)]
    #[schema(example = "sent")]
    since: Option<String>,
    /// The stage that they have not reached: `delivered`, `read`, `replied` or `closed`; by default the next one. Not after a cart, which waits for an order.
    #[serde(default)]
    #[schema(example = "read")]
    until: Option<String>,
    /// With `{name}` and other columns in it.
    #[serde(default)]
    #[schema(example = "Still there, {name}?")]
    message: Option<String>,
    /// What a sender of Meta's sends, in place of `message`: one of the two.
    #[serde(default)]
    #[schema(schema_with = schemas::template_or_message)]
    template: Option<Value>,
    /// The follow-up stage of what it makes.
    #[serde(default, alias = "followUpStage", alias = "follow_up_stage")]
    #[schema(example = "Follow-up 1")]
    stage: Option<String>,
    /// What it makes waits after so many people.
    #[serde(default)]
    #[schema(value_type = Option<u32>, example = json!(null), minimum = 1)]
    first: Option<NonZeroU32>,
    /// What it makes is sent by itself to so many people; more wait, as all do without this.
    #[serde(default, alias = "atMost")]
    #[schema(value_type = Option<u32>, example = json!(null), minimum = 1)]
    at_most: Option<NonZeroU32>,
    /// To how many people it may send at once, with `at_most`: while more are due already, it is not added (409).
    #[serde(default, alias = "expectRecipients")]
    #[schema(example = json!(null), minimum = 0)]
    expect_recipients: Option<i64>,
}

/// What changes; everything absent stays, and null empties `first` or `at_most`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StepEditBody {
    #[serde(default)]
    #[schema(value_type = String, required = false, example = "48h")]
    after: FieldChange<String>,
    #[serde(default)]
    #[schema(value_type = String, required = false, example = "sent")]
    since: FieldChange<String>,
    #[serde(default)]
    #[schema(value_type = String, required = false, example = "read")]
    until: FieldChange<String>,
    #[serde(default)]
    #[schema(value_type = String, required = false, example = "Still there, {name}?")]
    message: FieldChange<String>,
    #[serde(default)]
    #[schema(schema_with = schemas::template_or_message)]
    template: FieldChange<Value>,
    #[serde(default, alias = "followUpStage", alias = "follow_up_stage")]
    #[schema(value_type = String, required = false, example = "Follow-up 1")]
    stage: FieldChange<String>,
    #[serde(default)]
    #[schema(value_type = Option<u32>, example = json!(null), minimum = 1)]
    first: FieldChange<NonZeroU32>,
    #[serde(default, alias = "atMost")]
    #[schema(value_type = Option<u32>, example = json!(null), minimum = 1)]
    at_most: FieldChange<NonZeroU32>,
    /// Paused, it makes and sends nothing.
    #[serde(default)]
    #[schema(value_type = bool, required = false, example = false)]
    paused: FieldChange<bool>,
    /// To how many people it may send at once, with `at_most`: while more are due already, it is not changed (409).
    #[serde(default, alias = "expectRecipients")]
    #[schema(example = json!(null), minimum = 0)]
    expect_recipients: Option<i64>,
}

/// A follow-up that makes itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Step)]
struct StepAnswer {
    #[schema(value_type = i64, example = 7)]
    blast: BlastId,
    #[schema(example = 1)]
    number: i32,
    #[schema(example = "2d after sent, not read")]
    when: String,
    #[schema(example = 172_800)]
    after_seconds: i64,
    /// `sent`, `delivered`, `read` or `replied`, or `cart`.
    #[schema(value_type = String, example = "sent")]
    since: StepSince,
    /// Null where it counts from a cart: it waits for an order.
    until: Option<Status>,
    #[schema(example = "Follow-up 1")]
    stage: String,
    #[schema(example = "Still there, {name}?")]
    message: Option<String>,
    #[schema(schema_with = schemas::kept_template)]
    template: Option<Value>,
    #[schema(example = json!(null))]
    first: Option<i32>,
    #[schema(example = json!(null))]
    at_most: Option<i32>,
    #[schema(example = false)]
    paused: bool,
    /// Its draft that waits to be sent.
    #[schema(value_type = Option<i64>, example = 9)]
    waits: Option<BlastId>,
    /// When it comes first, or again; null where that may be at any moment, or something has to be done before.
    #[schema(example = json!(null))]
    comes_at: Option<DateTime<Utc>>,
    /// What it made, the newest first.
    blasts: Vec<StepBlast>,
}

#[derive(Debug, Serialize, ToSchema)]
struct StepList {
    steps: Vec<StepAnswer>,
}

impl From<StepView> for StepAnswer {
    fn from(view: StepView) -> Self {
        let StepView { step, when, waits, comes_at, blasts, .. } = view;
        let for_program = |made: StepBlast| StepBlast { reason: made.reason.as_deref().map(for_programs), ..made };
        Self {
            blast: step.blast,
            number: step.number,
            when,
            after_seconds: step.after_seconds,
            since: step.since,
            until: step.until,
            stage: step.stage,
            message: step.template.is_none().then_some(step.message),
            template: step.template,
            first: step.first_people,
            at_most: step.at_most,
            paused: step.paused_at.is_some(),
            waits,
            comes_at,
            blasts: blasts.into_iter().map(for_program).collect(),
        }
    }
}

impl StepBody {
    async fn read(&self, app: &App, blast: BlastId) -> Result<NewStep, Problem> {
        let since = since(self.since.as_deref())?.unwrap_or(StepSince::Stage(Status::Sent));
        let rule = StepRule::new(span(&self.after)?, since, stage("until", self.until.as_deref())?);
        let rule = rule.map_err(wrong_rule)?;
        let stage = self.stage.as_deref().map(|stage| name("stage", stage)).transpose()?;
        let content = read_content(app, blast, (self.message.as_deref(), self.template.as_ref())).await?;
        Ok(NewStep { rule, stage, content, first: self.first, at_most: self.at_most })
    }
}

impl StepEditBody {
    async fn read(&self, app: &App, blast: BlastId) -> Result<StepEdit, Problem> {
        let paused = needed("paused", &self.paused)?;
        Ok(StepEdit {
            after: needed("after", &self.after)?.map(|text| span(text)).transpose()?,
            since: since(needed("since", &self.since)?.map(String::as_str))?,
            until: stage("until", self.until()?)?,
            stage: needed("stage", &self.stage)?.map(|stage| name("stage", stage)).transpose()?,
            content: self.content(app, blast).await?,
            first: self.first,
            at_most: self.at_most,
            change: paused.map(|paused| if *paused { StepChange::Pause } else { StepChange::Resume }),
            sends_lost: false,
        })
    }

    /// Beside a cart it may be null, as answers have it.
    fn until(&self) -> Result<Option<&str>, Problem> {
        let is_cart = self.since.get().and_then(|word| StepSince::parse(word)) == Some(StepSince::Cart);
        if is_cart && matches!(self.until, FieldChange::Clear) {
            return Ok(None);
        }
        Ok(needed("until", &self.until)?.map(String::as_str))
    }

    /// One of the two may be null beside the other, as answers have it.
    async fn content(&self, app: &App, blast: BlastId) -> Result<Option<BlastContent>, Problem> {
        let given = match (&self.message, &self.template) {
            (FieldChange::Set(text), FieldChange::Clear) => (Some(text.as_str()), None),
            (FieldChange::Clear, FieldChange::Set(template)) => (None, Some(template)),
            (text, template) => (needed("message", text)?.map(String::as_str), needed("template", template)?),
        };
        let has_content = given.0.is_some() || given.1.is_some();
        if has_content { read_content(app, blast, given).await.map(Some) } else { Ok(None) }
    }
}

fn span(text: &str) -> Result<TimeDelta, Problem> {
    let span = parse_span(text).map_err(|error| Problem::field("after", error.to_string()))?;
    TimeDelta::from_std(span).map_err(|_| wrong_rule(StepError::After))
}

fn since(word: Option<&str>) -> Result<Option<StepSince>, Problem> {
    let read = |word: &str| {
        let wrong = || Problem::field("since", "write sent, delivered, read, replied or cart");
        StepSince::parse(word).ok_or_else(wrong)
    };
    word.map(read).transpose()
}

fn stage(field: &str, word: Option<&str>) -> Result<Option<Status>, Problem> {
    let Some(word) = word else { return Ok(None) };
    let stage = filter::status(word).ok().filter(|stage| stage.is_in_funnel());
    let wrong = || Problem::field(field, "write delivered, read, replied or closed");
    stage.map(Some).ok_or_else(wrong)
}

fn wrong_rule(error: StepError) -> Problem {
    Problem::field(error.field(), error.to_string())
}

/// As the blast's own sender has it.
async fn read_content(
    app: &App,
    blast: BlastId,
    (message, template): (Option<&str>, Option<&Value>),
) -> Result<BlastContent, Problem> {
    let sender = app.blast_without_unasked(blast).await?.sender;
    Ok(content(app, Some(&sender), message, template).await?.content)
}

async fn list(ApiReader(caller): ApiReader, PathId(id): PathId<BlastId>) -> Result<Answer, Problem> {
    let steps = caller.app().steps(id).await?;
    Ok(Answer::ok(StepList { steps: steps.into_iter().map(StepAnswer::from).collect() }))
}

async fn add(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<StepBody>,
) -> Result<Response, Problem> {
    once(&caller, body.about(id), async |app: App| {
        let new = body.value.read(&app, id).await?;
        if new.at_most.is_some() {
            let shown = app.new_step_shown(id, &new).await?;
            expect_at_once(shown, (body.value.expect_recipients, "it was not added"))?;
        }
        let key = StepKey { blast: id, number: app.add_step(id, new).await? };
        Ok(Answer::created(answer(&app, key).await.map_err(unread_after("the step is added"))?))
    })
    .await
}

async fn set(
    ApiWriter(caller): ApiWriter,
    PathIds(id, number): PathIds<BlastId, i32>,
    body: JsonBody<StepEditBody>,
) -> Result<Response, Problem> {
    once(&caller, body.about(id), async |app: App| {
        let key = StepKey { blast: id, number };
        let edit = body.value.read(&app, id).await?;
        if sends_by_itself(&app.step(key).await?.step, &edit) {
            // To how many people it sends at once is known before it can.
            let shown = app.edited_step_shown(key, &edit).await?;
            expect_at_once(shown, (body.value.expect_recipients, "it was not changed"))?;
            app.set_step_as_shown(edit, shown).await?;
        } else {
            app.set_step(key, edit).await?;
        }
        Ok(Answer::ok(answer(&app, key).await.map_err(unread_after("the step is changed"))?))
    })
    .await
}

/// Whether a step sends by itself once it is changed.
fn sends_by_itself(now: &StepRow, edit: &StepEdit) -> bool {
    let goes_on = edit.change.map_or(now.paused_at.is_none(), |change| change == StepChange::Resume);
    goes_on && if edit.at_most.is_keep() { now.at_most.is_some() } else { edit.at_most.value().is_some() }
}

/// Refuses a step that would send to more people at once than the caller expects; `otherwise` says what became of it.
fn expect_at_once(shown: StepShown, (expected, otherwise): (Option<i64>, &str)) -> Result<(), Problem> {
    let people = shown.at_once.people();
    if people <= expected.unwrap_or(0) {
        return Ok(());
    }
    let when = if shown.at_once.from.is_none() { "at once" } else { "a day after its last draft" };
    let detail =
        format!("it would send to {} {when}: {otherwise}. `expect_recipients` says how many", text::people(people));
    Err(Problem::conflict("recipients-changed", detail))
}

async fn remove(
    ApiWriter(caller): ApiWriter,
    PathIds(id, number): PathIds<BlastId, i32>,
    request: UnreadBody,
) -> Result<Response, Problem> {
    once(&caller, request.about(Some(id)), async |app: App| {
        app.change_step(StepKey { blast: id, number }, StepChange::Remove).await?;
        Ok(Answer::gone())
    })
    .await
}

async fn answer(app: &App, key: StepKey) -> Result<StepAnswer, AppError> {
    Ok(app.step(key).await?.into())
}
