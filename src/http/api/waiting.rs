//! Why a blast is not sending as fast as it can, as programs read it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::api_sentence::for_programs;
use super::super::openapi::schemas;
use crate::app::view::BlastView;

/// Why a blast is not sending as fast as it can. Every reason has `reason`, `text`, `mend` and `until`, and those of the others that
/// belong to it.
#[derive(ToSchema)]
#[schema(example = json!({
    "reason": "window", "window": "09:00-21:00 daily (Asia/Kuala_Lumpur)",
    "text": "waits for: its hours, 09:00-21:00 daily in Kuala Lumpur, until 2026-12-01T01:00:00Z",
    "mend": "`PATCH /api/blasts/7` with null as `send_window` and `weekdays` has it send at any hour", "until": "2026-12-01T01:00:00Z",
}))]
#[expect(dead_code, reason = "a reason writes itself as JSON; this describes it")]
pub(super) struct BlastWaiting {
    #[schema(schema_with = schemas::waiting_reason)]
    reason: String,
    /// The reason as a sentence.
    text: String,
    /// What can be done about it, if anything.
    mend: Option<String>,
    /// When it ends by itself, if that is known.
    until: Option<DateTime<Utc>>,
    /// Of `daily_cap`: how many messages a day.
    cap: Option<i64>,
    /// How many people: of `backoff`, `pair_gap`, `own_time` and `uncertain` those that are left, of `first_people` the first ones, who
    /// are through, of `people_limit` those that Meta allows.
    people: Option<i64>,
    /// Of `window`: the hours.
    window: Option<String>,
    /// Of `daily_cap`: the blast's hours, where it waits for these afterwards.
    hours: Option<String>,
    /// Of `own_time`: the time of everybody's own clock, as `local_time`: `10:00`.
    time: Option<String>,
    /// Of `gap`.
    gap: Option<String>,
    /// Of `rate`.
    rate: Option<String>,
    /// Of `rate`: whose it is, `sender` or `blast`.
    whose: Option<String>,
    /// Of `gap` and `rate`: how many times the provider asked for half the pace.
    slowed: Option<u32>,
    /// Of `gap` and `rate`: when the next message goes out, where that is not in a moment.
    next: Option<DateTime<Utc>>,
    /// Of `answers`: how many messages are in flight.
    at_once: Option<i64>,
    /// Of `not_made`, `provider`, `sender_stopped` and `unreadable`: why.
    why: Option<String>,
    /// Of `sender_stopped` and `phone_in_use`: which sender.
    sender: Option<String>,
    /// Of `sender_stopped`: the stop's code.
    code: Option<String>,
    /// Of `silent`: the machine of the engine.
    host: Option<String>,
    /// Of `token_refused`: the engine whose token was refused.
    process: Option<String>,
    /// Of `clock`: how far the clocks are apart.
    seconds: Option<i64>,
    /// Of `database`: `disk_full`, `no_memory`, `no_connections`, `read_only`, `too_slow` or `locked`.
    trouble: Option<String>,
}

/// Why it is not sending as fast as it can, with the sentence.
pub(super) fn waiting(blast: &BlastView) -> Option<Value> {
    let waiting = blast.waiting.as_ref()?;
    let mut value = json!(waiting);
    let sentence = waiting.sentence(|at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    value["text"] = json!(for_programs(&sentence));
    value["mend"] = json!(blast.mend.as_deref().map(for_programs));
    value["until"] = json!(waiting.until());
    Some(value)
}
