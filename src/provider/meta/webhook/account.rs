//! What Meta says of accounts, templates, numbers and limits: some of it must pause sending.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::super::super::lenient::{template_name, timestamp};
use super::super::limit::MessagingLimit;
use super::fields::{list, text, word};
use crate::domain::template::normal_language;

/// `account_update`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountEvent {
    /// Meta's word, such as `ACCOUNT_RESTRICTION`.
    pub event: String,
    pub effect: AccountEffect,
    /// More of Meta's words: kind of ban, restriction or violation.
    pub detail: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountEffect {
    /// Every sender of the account must stop; until when, where Meta says so.
    StopsSending { until: Option<DateTime<Utc>> },
    /// It may send again. An operator resumes.
    Reinstated,
    /// Worth showing; sending goes on.
    Notice,
}

impl AccountEvent {
    pub(super) fn read(value: &Value, now: DateTime<Utc>) -> Option<Self> {
        let event = word(value, "/event")?.to_ascii_uppercase();
        let states = ban_states(value);
        let restrictions = restrictions(value);
        let initiated = restrictions.iter().find(|one| kind(one).as_deref() == Some(NO_MESSAGES));
        let effect = match event.as_str() {
            "ACCOUNT_DELETED" => AccountEffect::StopsSending { until: None },
            "DISABLED_UPDATE" => ban_effect(&states),
            "ACCOUNT_RESTRICTION" => match initiated {
                Some(restriction) => AccountEffect::StopsSending { until: expiration(restriction, now) },
                None => AccountEffect::Notice,
            },
            _ => AccountEffect::Notice,
        };
        let kinds: Vec<String> = restrictions.iter().filter_map(|one| in_words(one, now)).collect();
        let ban = Some(states.join(", ")).filter(|states| !states.is_empty());
        let detail = ban.or_else(|| word(value, "/violation_info/violation_type"));
        let detail = detail.or_else(|| Some(kinds.join(", ")).filter(|kinds| !kinds.is_empty()));
        Some(Self { event, effect, detail })
    }
}

/// One state, or a list of them.
fn ban_states(value: &Value) -> Vec<String> {
    let place = "/ban_info/waba_ban_state";
    let listed = list(value, place).iter().filter_map(|state| word(state, ""));
    word(value, place).into_iter().chain(listed).map(|state| state.to_ascii_uppercase()).collect()
}

/// Of a list that contradicts itself nothing follows by itself: it is shown.
fn ban_effect(states: &[String]) -> AccountEffect {
    let is_any = |words: [&str; 2]| states.iter().any(|state| words.contains(&state.as_str()));
    match (is_any(["DISABLE", "DISABLED"]), is_any(["REINSTATE", "REINSTATED"])) {
        (true, false) => AccountEffect::StopsSending { until: None },
        (false, true) => AccountEffect::Reinstated,
        _ => AccountEffect::Notice,
    }
}

/// The restriction that concerns blasts; others concern calls or adding numbers.
const NO_MESSAGES: &str = "RESTRICTED_BIZ_INITIATED_MESSAGING";

/// A list, or one alone.
fn restrictions(value: &Value) -> Vec<&Value> {
    let info = value.get("restriction_info").or_else(|| value.get("restrictions"));
    match info {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one @ Value::Object(_)) => vec![one],
        _ => Vec::new(),
    }
}

fn kind(restriction: &Value) -> Option<String> {
    word(restriction, "/restriction_type").map(|kind| kind.to_ascii_uppercase())
}

/// `RESTRICTED_ADD_PHONE_NUMBER_ACTION until 2026-12-01 09:00 UTC`.
fn in_words(restriction: &Value, now: DateTime<Utc>) -> Option<String> {
    let kind = kind(restriction)?;
    let until = expiration(restriction, now).map(|until| until.format(" until %Y-%m-%d %H:%M UTC").to_string());
    Some(kind + &until.unwrap_or_default())
}

/// Seconds, or a date as text.
fn expiration(restriction: &Value, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    /// Restrictions last up to a month; a time further away is not believed.
    const LONGEST: chrono::TimeDelta = chrono::TimeDelta::days(400);
    let value = restriction.get("expiration")?;
    let date = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text.trim()).ok());
    date.map(|date| date.to_utc()).or_else(|| timestamp(value, now + LONGEST))
}

/// `message_template_status_update`, `message_template_quality_update`, `template_category_update`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateEvent {
    pub template: TemplateSubject,
    pub change: TemplateChange,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateSubject {
    pub id: Option<String>,
    pub name: String,
    /// As Meta writes it elsewhere: `en_US`. `None`: every language.
    pub language: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateChange {
    /// `APPROVED`, `PAUSED`, `DISABLED`, `REJECTED` and others.
    Status { status: String, reason: Option<String> },
    /// `GREEN`, `YELLOW`, `RED`, `UNKNOWN`.
    Quality { before: Option<String>, now: String },
    /// Another category has another price.
    Category { before: Option<String>, now: String },
    /// It is recategorised a day later: `now` counts until then.
    CategoryAnnounced { now: Option<String>, next: String, from: Option<DateTime<Utc>> },
}

impl TemplateEvent {
    /// Whether blasts with this template must pause.
    pub fn pauses(&self) -> bool {
        match &self.change {
            TemplateChange::Status { status, .. } => matches!(status.as_str(), "PAUSED" | "DISABLED" | "REJECTED"),
            TemplateChange::Quality { now, .. } => now.eq_ignore_ascii_case("red"),
            // The dearest: the rest of the blast costs more than was planned.
            TemplateChange::Category { now, .. } => now.eq_ignore_ascii_case("marketing"),
            TemplateChange::CategoryAnnounced { .. } => false,
        }
    }

    pub(super) fn status(value: &Value) -> Option<Self> {
        let status = word(value, "/event")?.to_ascii_uppercase();
        let places = ["/other_info/description", "/rejection_info/reason", "/reason", "/other_info/title"];
        let reasons = places.iter().filter_map(|place| word(value, place));
        let reason = reasons.into_iter().find(|reason| !reason.eq_ignore_ascii_case("none"));
        Some(Self { template: subject(value)?, change: TemplateChange::Status { status, reason } })
    }

    pub(super) fn quality(value: &Value) -> Option<Self> {
        let (before, now) = (word(value, "/previous_quality_score"), word(value, "/new_quality_score")?);
        Some(Self { template: subject(value)?, change: TemplateChange::Quality { before, now } })
    }

    /// Where a change is only announced, `new_category` is the one that still counts.
    pub(super) fn category(value: &Value, now: DateTime<Utc>) -> Option<Self> {
        let new = word(value, "/new_category");
        let change = match word(value, "/correct_category") {
            Some(next) => {
                let from = value.get("category_update_timestamp");
                let from = from.and_then(|time| timestamp(time, now + TimeDelta::days(ANNOUNCED_DAYS_MAX)));
                TemplateChange::CategoryAnnounced { now: new, next, from }
            }
            None => TemplateChange::Category { before: word(value, "/previous_category"), now: new? },
        };
        Some(Self { template: subject(value)?, change })
    }
}

/// Meta announces a category a day before; a time further away than this is not believed.
const ANNOUNCED_DAYS_MAX: i64 = 60;

fn subject(value: &Value) -> Option<TemplateSubject> {
    Some(TemplateSubject {
        id: text(value, "/message_template_id"),
        name: text(value, "/message_template_name").map(|name| template_name(&name))?,
        language: word(value, "/message_template_language").map(|language| normal_language(&language)),
    })
}

/// `phone_number_quality_update`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberEvent {
    pub display_phone_number: Option<String>,
    /// `THROUGHPUT_UPGRADE`, `ONBOARDING` and others.
    pub event: String,
    pub limit: Option<MessagingLimit>,
}

impl NumberEvent {
    pub(super) fn read(value: &Value) -> Option<Self> {
        let event = word(value, "/event")?.to_ascii_uppercase();
        let places = ["/max_daily_conversations_per_business", "/current_limit"];
        // There the word for the limit means the throughput.
        let places = places.iter().filter(|_| event != THROUGHPUT_UPGRADE);
        let limit = places.into_iter().find_map(|place| MessagingLimit::read(value.pointer(place)?));
        Some(Self { display_phone_number: word(value, "/display_phone_number"), event, limit })
    }

    /// Whether the number now takes 1,000 messages a second.
    pub fn is_faster(&self) -> bool {
        self.event == THROUGHPUT_UPGRADE
    }
}

const THROUGHPUT_UPGRADE: &str = "THROUGHPUT_UPGRADE";

/// `business_capability_update`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapabilityEvent {
    /// How many people the business may write to first within a day.
    pub limit: Option<MessagingLimit>,
}

impl CapabilityEvent {
    pub(super) fn read(value: &Value) -> Option<Self> {
        let places = ["/max_daily_conversations_per_business", "/max_daily_conversation_per_phone"];
        let limit = places.iter().find_map(|place| MessagingLimit::read(value.pointer(place)?));
        let is_capability = places.iter().any(|place| value.pointer(place).is_some())
            || value.get("max_phone_numbers_per_business").is_some()
            || !list(value, "/capabilities").is_empty();
        is_capability.then_some(Self { limit })
    }
}
