//! The health of a number.

use serde_json::Value;

use super::super::super::lenient::short;
use super::super::super::{Health, HealthVerdict};
use super::super::error::MetaError;
use super::super::limit::{MessagingLimit, throughput};
use crate::domain::text::number as digits;

pub(super) const FIELDS: &str = "id,display_phone_number,verified_name,quality_rating,status,throughput,\
                                 whatsapp_business_manager_messaging_limit,health_status";

/// A number as Meta describes it. What it does not say is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberHealth {
    pub display_phone_number: Option<String>,
    pub verified_name: Option<String>,
    pub quality: QualityRating,
    /// `CONNECTED` and others.
    pub status: Option<String>,
    /// `STANDARD` is 80 messages a second, `HIGH` 1,000.
    pub throughput: Option<String>,
    pub limit: Option<MessagingLimit>,
    pub can_send: CanSend,
    /// Why it can not send, or not everything: Meta's sentences.
    pub problems: Vec<String>,
}

/// How people receive the number's messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QualityRating {
    Green,
    Yellow,
    Red,
    /// Not rated yet.
    Unknown,
    /// A word that this version does not know, as it came.
    Other(String),
}

impl QualityRating {
    pub fn of_word(word: &str) -> Self {
        match word.trim().to_ascii_uppercase().as_str() {
            "GREEN" => Self::Green,
            "YELLOW" => Self::Yellow,
            "RED" => Self::Red,
            "" | "NA" | "UNKNOWN" => Self::Unknown,
            _ => Self::Other(short(word)),
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
            Self::Unknown => "not rated",
            Self::Other(word) => word,
        }
    }
}

/// The statuses of a number that sends nothing.
const SENDS_NOTHING: [&str; 6] = ["BANNED", "DELETED", "MIGRATED", "DISCONNECTED", "RESTRICTED", "PENDING"];

/// Whether the number, its account, its business and our app may send together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CanSend {
    Available,
    Limited,
    Blocked,
    Unknown,
}

impl NumberHealth {
    pub(super) fn read(answer: &Value) -> Self {
        let text =
            |place: &str| answer.pointer(place).and_then(Value::as_str).map(short).filter(|text| !text.is_empty());
        let limits = ["/whatsapp_business_manager_messaging_limit", "/messaging_limit_tier"];
        Self {
            display_phone_number: text("/display_phone_number"),
            verified_name: text("/verified_name"),
            quality: text("/quality_rating").map_or(QualityRating::Unknown, |word| QualityRating::of_word(&word)),
            status: text("/status"),
            throughput: text("/throughput/level"),
            limit: limits.iter().find_map(|place| MessagingLimit::read(answer.pointer(place)?)),
            can_send: match text("/health_status/can_send_message").map(|word| word.to_ascii_uppercase()).as_deref() {
                Some("AVAILABLE") => CanSend::Available,
                Some("LIMITED") => CanSend::Limited,
                Some("BLOCKED") => CanSend::Blocked,
                _ => CanSend::Unknown,
            },
            problems: problems(answer),
        }
    }

    /// How many messages a second it may send, as far as Meta says.
    pub fn per_second(&self) -> Option<u32> {
        self.throughput.as_deref().and_then(throughput)
    }

    /// Why it sends nothing now, where Meta says so. What it does not say stops nobody.
    pub fn refusal(&self) -> Option<String> {
        self.is_refused().then(|| self.sentence())
    }

    fn is_refused(&self) -> bool {
        let status = self.status.as_deref().map(str::to_ascii_uppercase);
        self.can_send == CanSend::Blocked || status.is_some_and(|status| SENDS_NOTHING.contains(&status.as_str()))
    }

    /// In one line for people.
    pub fn health(&self) -> Health {
        let standing = self.standing().map(|(verdict, _)| verdict);
        let verdict = match (self.can_send, standing) {
            (CanSend::Blocked, _) | (_, Some(HealthVerdict::Bad)) => HealthVerdict::Bad,
            (CanSend::Limited, _) | (_, Some(HealthVerdict::Doubtful)) => HealthVerdict::Doubtful,
            _ if self.quality == QualityRating::Red => HealthVerdict::Doubtful,
            (CanSend::Unknown, None) if self.status.is_none() => HealthVerdict::Unknown,
            _ => HealthVerdict::Good,
        };
        Health { verdict, detail: self.sentence() }
    }

    /// What a status other than `CONNECTED` means, where it is known.
    fn standing(&self) -> Option<(HealthVerdict, &'static str)> {
        Some(match self.status.as_deref()?.to_ascii_uppercase().as_str() {
            "BANNED" => (HealthVerdict::Bad, "banned by Meta"),
            "DELETED" => (HealthVerdict::Bad, "deleted at Meta"),
            "MIGRATED" => (HealthVerdict::Bad, "moved to another account"),
            "DISCONNECTED" => (HealthVerdict::Bad, "not registered with the Cloud API"),
            "RESTRICTED" => (HealthVerdict::Doubtful, "restricted by Meta"),
            "RATE_LIMITED" => (HealthVerdict::Doubtful, "slowed down by Meta"),
            "FLAGGED" => (HealthVerdict::Doubtful, "flagged for its quality"),
            "PENDING" => (HealthVerdict::Doubtful, "not registered yet"),
            "UNVERIFIED" => (HealthVerdict::Doubtful, "not verified yet"),
            _ => return None,
        })
    }

    /// Which number it is, and whether it sends: `+60 12-345 6789 cannot send, banned by Meta`.
    pub fn in_brief(&self) -> String {
        let number = self.display_phone_number.as_deref().unwrap_or("the number");
        let state = match self.can_send {
            _ if self.is_refused() => "cannot send",
            CanSend::Available => "can send",
            CanSend::Limited => "can send with limits",
            CanSend::Blocked => "cannot send",
            CanSend::Unknown => "answers",
        };
        let standing = self.standing().map(|(_, words)| format!(", {words}")).unwrap_or_default();
        format!("{number} {state}{standing}")
    }

    fn sentence(&self) -> String {
        let name = self.verified_name.as_ref().map(|name| format!(", named {name}")).unwrap_or_default();
        let limit = self.limit.map_or_else(String::new, |limit| match limit {
            MessagingLimit::People(_) => format!(", {limit} new people a day"),
            MessagingLimit::Unlimited => format!(", {limit} of new people a day"),
        });
        let rate =
            self.per_second().map_or_else(String::new, |rate| format!(", up to {} a second", digits(rate.into())));
        let brief = self.in_brief();
        let state = format!("{brief}{name}, quality {}{limit}{rate}", self.quality.as_str());
        [std::slice::from_ref(&state), &self.problems].concat().join("; ")
    }
}

/// The errors of every entity, with Meta's solution where it gives one.
fn problems(answer: &Value) -> Vec<String> {
    let entities = answer.pointer("/health_status/entities").and_then(Value::as_array);
    let lists =
        entities.into_iter().flatten().flat_map(|entity| ["errors", "additional_info"].map(|key| entity.get(key)));
    let problems = lists.flatten().filter_map(Value::as_array).flatten().map(|problem| match problem {
        Value::String(text) => short(text),
        _ => of_error(problem),
    });
    problems.filter(|problem| !problem.is_empty()).collect()
}

fn of_error(problem: &Value) -> String {
    let text = |key: &str| problem.get(key).and_then(Value::as_str).map(short).filter(|text| !text.is_empty());
    let what = text("error_description").unwrap_or_else(|| MetaError::of(problem).message);
    match text("possible_solution") {
        Some(solution) => format!("{what} ({solution})"),
        None => what,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn documented() -> Value {
        json!({
            "id": "106853218861309", "display_phone_number": "+60 12-345 6789", "verified_name": "Kedai Aina",
            "quality_rating": "GREEN", "status": "CONNECTED", "throughput": { "level": "STANDARD" },
            "whatsapp_business_manager_messaging_limit": "TIER_2K",
            "health_status": { "can_send_message": "AVAILABLE", "entities": [
                { "entity_type": "PHONE_NUMBER", "id": "106853218861309", "can_send_message": "AVAILABLE" } ] }
        })
    }

    #[test]
    fn a_good_number_is_described_in_one_line() {
        let number = NumberHealth::read(&documented());

        assert_eq!((number.can_send, &number.quality), (CanSend::Available, &QualityRating::Green));
        assert_eq!(number.limit, Some(MessagingLimit::People(2_000)));
        assert_eq!(number.throughput.as_deref(), Some("STANDARD"));
        let detail =
            "+60 12-345 6789 can send, named Kedai Aina, quality green, 2,000 new people a day, up to 80 a second"
                .to_owned();
        assert_eq!(number.health(), Health { verdict: HealthVerdict::Good, detail });
    }

    #[test]
    fn a_rating_that_is_not_known_is_shown_as_it_came() {
        let detail = |rating: Value| {
            let mut answer = documented();
            answer["quality_rating"] = rating;
            NumberHealth::read(&answer).health().detail
        };
        for (rating, shown) in [("Splendid\u{1b}[2J", "Splendid[2J"), ("NA", "not rated"), ("unknown", "not rated")] {
            let detail = detail(json!(rating));
            assert!(detail.contains(&format!(", quality {shown}, ")), "{detail}");
        }
    }

    #[test]
    fn a_blocked_number_says_why_and_what_to_do() {
        let mut answer = documented();
        answer["health_status"] = json!({ "can_send_message": "BLOCKED", "entities": [
            { "entity_type": "WABA", "can_send_message": "BLOCKED", "errors": [{ "error_code": 141_006,
              "error_description": "No payment method", "possible_solution": "Add one" }] },
            { "entity_type": "APP", "additional_info": ["Display name not approved"] } ] });

        let health = NumberHealth::read(&answer).health();

        assert_eq!(health.verdict, HealthVerdict::Bad);
        assert!(health.detail.ends_with("; No payment method (Add one); Display name not approved"), "{health:?}");
    }

    #[test]
    fn a_number_that_meta_has_banned_is_not_good() {
        let verdict = |key: &str, value: serde_json::Value| {
            let mut answer = documented();
            answer[key] = value;
            NumberHealth::read(&answer).health()
        };
        for (status, expected) in [
            ("BANNED", HealthVerdict::Bad),
            ("deleted", HealthVerdict::Bad),
            ("DISCONNECTED", HealthVerdict::Bad),
            ("RESTRICTED", HealthVerdict::Doubtful),
            ("FLAGGED", HealthVerdict::Doubtful),
            ("RATE_LIMITED", HealthVerdict::Doubtful),
            ("PENDING", HealthVerdict::Doubtful),
            ("CONNECTED", HealthVerdict::Good),
            ("A_NEW_WORD", HealthVerdict::Good),
        ] {
            assert_eq!(verdict("status", json!(status)).verdict, expected, "{status}");
        }
        let banned = verdict("status", json!("BANNED")).detail;
        assert!(banned.starts_with("+60 12-345 6789 cannot send, banned by Meta, named Kedai Aina"), "{banned}");
        let mut offline = documented();
        offline["status"] = json!("DISCONNECTED");
        let brief = NumberHealth::read(&offline).in_brief();
        assert_eq!(brief, "+60 12-345 6789 cannot send, not registered with the Cloud API");
        let blocked = verdict("health_status", json!({ "can_send_message": "Blocked" }));
        assert_eq!(blocked.verdict, HealthVerdict::Bad);
    }

    #[test]
    fn a_number_that_sends_nothing_is_refused_with_metas_words_and_an_unknown_word_refuses_nothing() {
        let refusal = |status: &str, can_send: &str| {
            let mut answer = documented();
            answer["status"] = json!(status);
            answer["health_status"] = json!({ "can_send_message": can_send });
            NumberHealth::read(&answer).refusal()
        };
        for status in ["BANNED", "deleted", "MIGRATED", "DISCONNECTED", "RESTRICTED", "PENDING"] {
            let why = refusal(status, "AVAILABLE").unwrap_or_default();
            assert!(why.starts_with("+60 12-345 6789 cannot send, "), "{status}: {why}");
        }
        assert!(refusal("CONNECTED", "BLOCKED").is_some_and(|why| why.contains("cannot send")));
        for (status, can_send) in [("CONNECTED", "AVAILABLE"), ("FLAGGED", "LIMITED"), ("A_NEW_WORD", "A_NEW_WORD")] {
            assert_eq!(refusal(status, can_send), None, "{status} {can_send}");
        }
        assert_eq!(NumberHealth::read(&json!({})).refusal(), None);
    }

    #[test]
    fn what_meta_does_not_say_is_unknown_and_no_reason_to_worry() {
        for answer in [json!({}), json!({ "quality_rating": 3, "throughput": "x", "health_status": [] }), json!([])] {
            let number = NumberHealth::read(&answer);
            assert_eq!(number.can_send, CanSend::Unknown, "{answer}");
            let health = number.health();
            assert_eq!(
                (health.verdict, health.detail.as_str()),
                (HealthVerdict::Unknown, "the number answers, quality not rated")
            );
        }
    }
}
