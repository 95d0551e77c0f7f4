//! A blast as it is answered everywhere.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::api_sentence::for_programs;
use super::super::openapi::schemas;
use super::waiting::{BlastWaiting, waiting};
use crate::app::view::BlastView;
use crate::domain::act::Actor;
use crate::domain::amount::as_kept;
use crate::domain::blast::BlastState;
use crate::domain::funnel::{Counts, Funnel};
use crate::domain::ids::BlastId;
use crate::domain::pace::UnreadableLimit;

/// A blast as it is answered everywhere.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Blast)]
pub(super) struct BlastAnswer {
    #[schema(value_type = i64, example = 7)]
    pub id: BlastId,
    #[schema(value_type = i64, example = 7)]
    blast_id: BlastId,
    #[schema(example = "Campaign 2025-01-18")]
    blast_tag: String,
    blast_date: DateTime<Utc>,
    #[schema(example = "Initial")]
    follow_up_stage: String,
    #[schema(example = 250)]
    total_recipients: i64,
    state: BlastState,
    #[schema(example = 3)]
    version: i64,
    #[schema(example = "sales")]
    sender: String,
    #[schema(example = "order-7")]
    external_id: Option<String>,
    #[schema(example = json!(null))]
    description: Option<String>,
    #[schema(example = "Hi {name}")]
    message: Option<String>,
    #[schema(schema_with = schemas::kept_template)]
    template: Option<Value>,
    #[schema(example = "20/min")]
    rate_limit: Option<String>,
    #[schema(example = json!(null))]
    gap: Option<String>,
    #[schema(example = "09:00-21:00")]
    send_window: Option<String>,
    #[schema(example = json!(null))]
    weekdays: Option<String>,
    #[schema(example = "Asia/Kuala_Lumpur")]
    timezone: Option<String>,
    /// Each person gets it at this time of their own zone.
    #[schema(example = json!(null))]
    local_time: Option<String>,
    /// Its hours and weekdays hold by each person's own zone.
    #[schema(example = false)]
    window_local: bool,
    /// Its own setting: whoever Meta did not give the message for now is tried again after a day. Its sender may be set so as well.
    #[schema(example = false)]
    retry_next_day: bool,
    send_after: Option<DateTime<Utc>>,
    /// When it starts by itself once it is sent.
    #[schema(example = json!(null))]
    scheduled_for: Option<DateTime<Utc>>,
    /// The filter over earlier blasts that its people come from.
    #[schema(example = json!(null))]
    from: Option<String>,
    /// By which rule it repeats.
    #[schema(example = json!(null))]
    repeat: Option<String>,
    /// The blast that repeats, of which it is one time, and which.
    #[schema(value_type = Option<i64>, example = json!(null))]
    pattern: Option<BlastId>,
    #[schema(example = json!(null))]
    occurrence_at: Option<DateTime<Utc>>,
    /// The blast that it follows up.
    #[schema(value_type = Option<i64>, example = json!(null))]
    follows: Option<BlastId>,
    /// The step of that blast which made it.
    #[schema(example = json!(null))]
    step: Option<i32>,
    #[schema(example = json!(null))]
    state_reason: Option<String>,
    #[schema(value_type = Option<String>, example = json!(null))]
    state_by: Option<Actor>,
    launched_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    metrics: Funnel,
    counts: Counts,
    /// The total of all sales.
    #[schema(example = "3000.00")]
    amount: String,
    /// Why it is not sending as fast as it can; null where nothing holds it up.
    #[schema(value_type = Option<BlastWaiting>)]
    waiting: Option<Value>,
    /// When it is done if nothing holds it up.
    done_at: Option<DateTime<Utc>>,
    /// A simulator stands in for the provider.
    rehearsal: bool,
}

impl From<BlastView> for BlastAnswer {
    fn from(blast: BlastView) -> Self {
        let waiting = waiting(&blast);
        let limits = &blast.limits;
        Self {
            rate_limit: shown(limits.rate.as_ref(), ToString::to_string),
            gap: shown(limits.gap.as_ref(), ToString::to_string),
            send_window: shown(limits.hours.as_ref(), ToString::to_string),
            weekdays: shown(limits.weekdays.as_ref(), ToString::to_string),
            timezone: shown(limits.zone.as_ref(), |zone| zone.name().to_owned()),
            local_time: blast.origin.local_time.map(|time| time.format("%H:%M").to_string()),
            window_local: blast.origin.window_local,
            retry_next_day: blast.retry_next_day,
            message: blast.template.is_none().then(|| blast.message.clone()),
            metrics: blast.counts.funnel(),
            amount: as_kept(blast.counts.amount),
            waiting,
            id: blast.id,
            blast_id: blast.id,
            blast_tag: blast.tag,
            blast_date: blast.blast_date,
            follow_up_stage: blast.follow_up_stage,
            total_recipients: blast.total_recipients,
            state: blast.state,
            version: blast.version,
            sender: blast.sender,
            external_id: blast.external_id,
            description: blast.description,
            template: blast.template,
            send_after: blast.send_after,
            scheduled_for: blast.scheduled_for,
            from: blast.origin.segment,
            repeat: blast.origin.repeat.rule,
            pattern: blast.origin.pattern,
            occurrence_at: blast.origin.occurrence_at,
            follows: blast.follows,
            step: blast.origin.step,
            state_reason: blast.state_reason.as_deref().map(for_programs),
            state_by: blast.state_by,
            launched_at: blast.launched_at,
            completed_at: blast.completed_at,
            created_at: blast.created_at,
            updated_at: blast.updated_at,
            counts: blast.counts,
            done_at: blast.estimate.done_at,
            rehearsal: blast.rehearsal,
        }
    }
}

/// A limit of a row; one that cannot be read says why.
fn shown<T>(limit: Option<&Result<T, UnreadableLimit>>, text: impl Fn(&T) -> String) -> Option<String> {
    limit.map(|limit| limit.as_ref().map_or_else(ToString::to_string, text))
}
