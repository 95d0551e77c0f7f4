//! Follow-ups: a new draft to those of a blast who got no further.

use std::fmt;

use axum::response::Response;
use chrono::TimeDelta;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::super::openapi::schemas;
use super::super::problem::Problem;
use super::authentication::ApiWriter;
use super::body::{JsonBody, PathId, parse};
use super::create::{CreateBody, made_answer};
use super::once::once;
use crate::app::{App, FollowUp, NewDraft, SegmentDraft};
use crate::domain::filter;
use crate::domain::ids::BlastId;
use crate::domain::pace::parse_span;
use crate::domain::status::Status;
use crate::domain::step::StepSince;

/// As the document has it; [`FollowUpFields`] reads it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the fields are read one by one; this describes them")]
pub(super) struct FollowUpBody {
    /// `sent`, `delivered`, `read` or `replied`, or `cart` for whoever has one and ordered nothing since; this or `from`.
    #[schema(example = "read")]
    stuck_at: Option<String>,
    /// For how long, such as `48h`; of a cart `24h` by default, else any time.
    #[schema(example = "48h")]
    older_than: Option<String>,
    /// In place of a stage and an age: those of the blast's people whom a filter finds.
    #[schema(example = json!(null))]
    from: Option<String>,
    #[schema(example = "Still there, {name|friend}?")]
    message: Option<String>,
    #[schema(schema_with = schemas::template_or_message)]
    template: Option<Value>,
    /// Without it, as without a sender, the older blast's.
    #[schema(example = "Campaign 2025-01-18")]
    blast_tag: Option<String>,
    /// Without it the next of the blast's follow-ups.
    #[schema(example = "Follow-up 1")]
    follow_up_stage: Option<String>,
    #[schema(example = "sales")]
    sender: Option<String>,
    /// Without it, as without any other limit of a new blast, the older blast's; null is the sender's.
    #[schema(schema_with = schemas::rate)]
    rate_limit: Option<Value>,
    #[schema(example = "order-7")]
    external_id: Option<String>,
    #[schema(example = json!(null))]
    description: Option<String>,
}

/// What makes it a follow-up; the other fields are those of any new blast.
struct FollowUpFields {
    whom: Whom,
    draft: CreateBody,
}

/// The fields of a body, each of them once.
pub(super) struct GivenFields(Map<String, Value>);

impl<'de> Deserialize<'de> for GivenFields {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = GivenFields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> Result<GivenFields, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = given.next_key::<String>()? {
            if fields.contains_key(&name) {
                return Err(A::Error::custom(format!("duplicate field `{name}`")));
            }
            fields.insert(name, given.next_value()?);
        }
        Ok(GivenFields(fields))
    }
}

/// Whom a follow-up goes to.
enum Whom {
    Stuck { stuck_at: Status, older_than: TimeDelta },
    Segment(String),
}

impl FollowUpFields {
    /// What is not given is that of a draft like the older blast. Null takes a limit away, and is no name.
    fn read(mut fields: Map<String, Value>, alike: &NewDraft) -> Result<Self, Problem> {
        let mut take = |names: [&str; 2]| names.into_iter().find_map(|name| fields.remove(name));
        let stuck_at = text("stuck_at", take(["stuck_at", "stuckAt"]).as_ref())?;
        let older_than = text("older_than", take(["older_than", "olderThan"]).as_ref())?;
        let from = text("from", take(["from", "from"]).as_ref())?;
        for (names, default) in own(alike) {
            fields.retain(|name, value| !(value.is_null() && names.contains(&name.as_str())));
            fill(&mut fields, names, Some(default.to_owned()));
        }
        for (names, default) in limits(alike) {
            fill(&mut fields, names, default);
        }
        Ok(Self {
            whom: Whom::read(stuck_at.as_deref(), older_than.as_deref(), from)?,
            draft: parse(Value::Object(fields).to_string().as_bytes())?,
        })
    }
}

/// What it is called and who sends it, by every name that a new blast reads.
fn own(alike: &NewDraft) -> [(&'static [&'static str], &str); 3] {
    [
        (&["blast_tag", "blastTag", "tag"], &alike.tag),
        (&["follow_up_stage", "followUpStage", "stage"], &alike.follow_up_stage),
        (&["sender"], &alike.sender),
    ]
}

/// Its limits, likewise.
fn limits(alike: &NewDraft) -> [(&'static [&'static str], Option<String>); 5] {
    [
        (&["rate_limit", "rateLimit", "rate"], alike.rate.map(|rate| rate.to_string())),
        (&["gap"], alike.gap.map(|gap| gap.to_string())),
        (&["send_window", "sendWindow"], alike.window.map(|hours| hours.to_string())),
        (&["weekdays"], alike.weekdays.map(|days| days.to_string())),
        (&["timezone", "timeZone"], alike.timezone.map(|zone| zone.name().to_owned())),
    ]
}

fn fill(fields: &mut Map<String, Value>, names: &[&str], default: Option<String>) {
    if let (Some(name), Some(default)) = (names.first(), default)
        && names.iter().all(|name| !fields.contains_key(*name))
    {
        fields.insert((*name).to_owned(), Value::String(default));
    }
}

impl Whom {
    fn read(stuck_at: Option<&str>, older_than: Option<&str>, from: Option<String>) -> Result<Self, Problem> {
        match (stuck_at, older_than, from) {
            (None, None, Some(from)) => Ok(Self::Segment(from)),
            (_, _, Some(_)) => Err(Problem::field("from", "it replaces stuck_at and older_than: leave those out")),
            (None, _, None) => Err(Problem::field("stuck_at", "missing: write sent, delivered, read, replied or cart")),
            (Some(stuck_at), older_than, None) => {
                let older_than = older_than.map(span).transpose()?;
                Ok(match stage(stuck_at)? {
                    StepSince::Stage(stuck_at) => Self::Stuck { stuck_at, older_than: older_than.unwrap_or_default() },
                    StepSince::Cart => Self::Segment(filter::waiting_carts(older_than.unwrap_or(filter::CART_STUCK))),
                })
            }
        }
    }
}

fn text(field: &str, value: Option<&Value>) -> Result<Option<String>, Problem> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Problem::field(field, "write a text")),
    }
}

fn stage(word: &str) -> Result<StepSince, Problem> {
    let stage = StepSince::parse(word).filter(|stage| *stage != StepSince::Stage(Status::Closed));
    stage.ok_or_else(|| Problem::field("stuck_at", "write sent, delivered, read, replied or cart"))
}

fn span(text: &str) -> Result<TimeDelta, Problem> {
    let span = parse_span(text).map_err(|error| Problem::field("older_than", error.to_string()))?;
    let span = TimeDelta::from_std(span).ok().filter(|span| *span <= TimeDelta::days(3_660));
    span.ok_or_else(|| Problem::field("older_than", "write a time such as 48h, at most ten years"))
}

pub(super) async fn follow_up(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<GivenFields>,
) -> Result<Response, Problem> {
    once(&caller, body.about(id), async |app: App| {
        let alike = app.draft_alike(id).await?;
        let FollowUpFields { whom, draft } = FollowUpFields::read(body.value.0.clone(), &alike)?;
        let draft = draft.without_people()?.draft(&app).await?;
        let made = match whom {
            Whom::Stuck { stuck_at, older_than } => {
                app.follow_up(FollowUp { blast: id, stuck_at, older_than }, draft).await?
            }
            Whom::Segment(from) => app.create_from_segment(SegmentDraft { draft, from, follows: Some(id) }).await?,
        };
        Ok(made_answer(&app, &made).await?.at(&format!("/api/blasts/{}", made.blast)))
    })
    .await
}
