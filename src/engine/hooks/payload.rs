//! The body of a call. The same rows give the same bytes, however often they are sent and whichever engine sends them.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};

use crate::domain::hook::EventSource;
use crate::domain::text::hex;
use crate::store::hook::EventRow;

/// One event, as it is sent.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// The same whenever it is sent.
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: Box<RawValue>,
}

impl Event {
    /// `None` for a row that is not an event. `installation` is the database's own id.
    pub fn of(row: EventRow, source: EventSource, installation: &str) -> Option<Self> {
        let kind = row.kind?.word();
        let id =
            event_id(&format!("{installation}/{}/{}/{}", source.word(), row.id, row.written_at.timestamp_micros()));
        Some(Self { id, kind, timestamp: spelled(row.at), data: row.data })
    }
}

fn event_id(of: &str) -> String {
    format!("evt_{}", hex(&Sha256::digest(of)[..16]))
}

fn spelled(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: EventBatch<'a>,
}

#[derive(Serialize)]
struct EventBatch<'a> {
    hook: &'a str,
    sequence: i64,
    events: &'a [Event],
    #[serde(skip_serializing_if = "is_zero")]
    missing: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Which call of which hook a body is of.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryStamp<'a> {
    pub hook: &'a str,
    pub sequence: i64,
    pub made_at: DateTime<Utc>,
}

/// The body of a delivery. `missing`: events that it had when it was made first, and that are not there any more.
pub fn body(place: DeliveryStamp<'_>, events: &[Event], missing: usize) -> Bytes {
    let DeliveryStamp { hook, sequence, made_at } = place;
    let payload =
        Payload { kind: "batch", timestamp: spelled(made_at), data: EventBatch { hook, sequence, events, missing } };
    // Texts and numbers always serialise.
    serde_json::to_vec(&payload).unwrap_or_default().into()
}

/// The body of a test call: one event that nothing happened for, outside of the numbers.
pub fn test_body(hook: &str, by: &str, now: DateTime<Utc>) -> Bytes {
    let data = to_raw_value(&serde_json::json!({ "by": by })).unwrap_or_default();
    let id = event_id(&format!("test/{hook}/{}", now.timestamp_micros()));
    let event = Event { id, kind: "hook.test", timestamp: spelled(now), data };
    body(DeliveryStamp { hook, sequence: 0, made_at: now }, &[event], 0)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::domain::hook::EventKind;

    fn row(id: i64, written: &str) -> EventRow {
        EventRow {
            id,
            kind: Some(EventKind::RecipientRead),
            at: "2026-12-01T01:02:03.456789Z".parse().unwrap(),
            written_at: written.parse().unwrap(),
            data: RawValue::from_string("{\"blast_id\":7}".to_owned()).unwrap(),
        }
    }

    #[test]
    fn a_body_is_the_same_whenever_it_is_made_and_names_its_place() {
        let place = DeliveryStamp { hook: "crm", sequence: 42, made_at: "2026-12-01T01:02:04Z".parse().unwrap() };
        let events = || vec![Event::of(row(3, "2026-12-01T01:02:03Z"), EventSource::History, "db").unwrap()];

        let made = body(place, &events(), 0);

        assert_eq!(made, body(place, &events(), 0));
        let said: Value = serde_json::from_slice(&made).unwrap();
        assert_eq!(said["type"], "batch");
        assert_eq!((&said["data"]["hook"], &said["data"]["sequence"]), (&"crm".into(), &42.into()));
        let event = &said["data"]["events"][0];
        assert_eq!(
            (&event["type"], &event["timestamp"]),
            (&"recipient.read".into(), &"2026-12-01T01:02:03.456Z".into())
        );
        assert_eq!(event["data"]["blast_id"], 7);
        assert_eq!(said["data"].get("missing"), None);
        let said: Value = serde_json::from_slice(&body(place, &[], 2)).unwrap();
        assert_eq!((&said["data"]["events"], &said["data"]["missing"]), (&Value::Array(Vec::new()), &2.into()));
    }

    #[test]
    fn events_have_ids_of_their_own_also_after_a_restore() {
        let id = |row, source, database| Event::of(row, source, database).unwrap().id;
        let one = id(row(3, "2026-12-01T01:02:03Z"), EventSource::History, "db");

        assert_eq!(one.len(), 36);
        for other in [
            id(row(4, "2026-12-01T01:02:03Z"), EventSource::History, "db"),
            id(row(3, "2026-12-01T01:02:03.000001Z"), EventSource::History, "db"),
            id(row(3, "2026-12-01T01:02:03Z"), EventSource::Replies, "db"),
            id(row(3, "2026-12-01T01:02:03Z"), EventSource::History, "other"),
        ] {
            assert_ne!(one, other);
        }
    }
}
