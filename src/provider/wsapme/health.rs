//! The linked phone's health as the gateway reports it. Advisory: sends were seen to succeed while the list reported
//! the device offline.

use serde_json::Value;

use super::super::{Health, HealthVerdict};
use super::refusal::{RefusalMeaning, meaning};
use super::wire::{self, Success};
use crate::domain::retry::ErrorClass;

/// The calls to try, the most informative first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HealthCall {
    /// `GET /v1/devices`: every device of the account.
    Devices,
    /// `POST /v1/info`: this device.
    Info,
    /// `GET /v1/server`: 200 when the gateway is up.
    Server,
}

pub(super) const HEALTH_CALLS: [HealthCall; 3] = [HealthCall::Devices, HealthCall::Info, HealthCall::Server];

/// The health in a response, or why there is none in it.
pub(super) fn read(step: HealthCall, status: u16, body: &[u8], device: &str) -> Result<Health, String> {
    let value = wire::json(body);
    if let Some(refusal) = refusal(status, value.as_ref()) {
        return Ok(refusal);
    }
    let uninformative = || format!("HTTP {status}, {}", wire::describe(body));
    // A page says nothing of the gateway either: a proxy or a captive portal may have written it.
    if !(200..300).contains(&status) || wire::is_page(body) {
        return Err(uninformative());
    }
    if step == HealthCall::Server {
        let detail = format!("the gateway is up, but does not report the state of device {device}");
        return Ok(Health { verdict: HealthVerdict::Doubtful, detail });
    }
    let value = value.filter(|value| wire::success(value) != Success::No).ok_or_else(uninformative)?;
    match find(step, &value, device) {
        Some(record) => Ok(of_record(record, device)),
        None if step == HealthCall::Devices && records(&value).is_some() => {
            let detail = format!("device {device} is not among the account's devices");
            Ok(Health { verdict: HealthVerdict::Doubtful, detail })
        }
        None => Err(uninformative()),
    }
}

/// The health when there is no connection, or it broke.
pub(super) fn unreachable(why: &str) -> Health {
    Health { verdict: HealthVerdict::Bad, detail: format!("unreachable: {why}") }
}

/// The health when the gateway is reachable, but no response was readable.
pub(super) fn unreadable(reasons: &[String]) -> Health {
    Health { verdict: HealthVerdict::Unknown, detail: format!("no readable response: {}", reasons.join("; ")) }
}

fn refusal(status: u16, value: Option<&Value>) -> Option<Health> {
    let sentence = value.map(wire::sentence).unwrap_or_default();
    let says_no = value.is_some_and(|value| wire::success(value) == Success::No);
    let refused = meaning(&sentence);
    if matches!(status, 401 | 403) || says_no && refused == unauthorised() {
        let said = if sentence.is_empty() { format!("HTTP {status}") } else { sentence };
        return Some(Health { verdict: HealthVerdict::TokenRefused, detail: format!("token refused: {said}") });
    }
    let stops = matches!(refused, RefusalMeaning::Refused { class: ErrorClass::StopSender, .. });
    (says_no && stops).then_some(Health { verdict: HealthVerdict::Doubtful, detail: sentence })
}

fn unauthorised() -> RefusalMeaning {
    meaning("unauthorised")
}

/// The list of devices, bare or under `data`.
fn records(value: &Value) -> Option<&Vec<Value>> {
    value.as_array().or_else(|| value.get("data")?.as_array())
}

fn find<'a>(step: HealthCall, value: &'a Value, device: &str) -> Option<&'a Value> {
    if let Some(records) = records(value) {
        return records.iter().find(|record| is_of(record, device));
    }
    let record = value.get("data").filter(|data| data.is_object()).unwrap_or(value);
    (is_of(record, device) || step == HealthCall::Info && record.get("id_device").is_none()).then_some(record)
}

fn is_of(record: &Value, device: &str) -> bool {
    match record.get("id_device").or_else(|| record.get("device")) {
        Some(Value::String(id)) => id.trim() == device,
        Some(Value::Number(id)) => id.to_string() == device,
        _ => false,
    }
}

fn of_record(record: &Value, device: &str) -> Health {
    let text = |field: &str| record.get(field).and_then(Value::as_str).map(wire::short).filter(|text| !text.is_empty());
    let name = text("device_name").map_or_else(String::new, |name| format!(", named {name}"));
    // A status that is not text is not about the device (account data has `true`).
    let state = text("status");
    let is_off =
        state.as_ref().is_some_and(|state| !matches!(state.to_lowercase().as_str(), "paired" | "connected" | "online"));
    let verdict = if is_off { HealthVerdict::Doubtful } else { HealthVerdict::Good };
    Health { verdict, detail: format!("device {device} {}{name}", state.as_deref().unwrap_or("answers")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health_of(step: HealthCall, status: u16, body: &str) -> Result<(HealthVerdict, String), String> {
        read(step, status, body.as_bytes(), "5850").map(|health| (health.verdict, health.detail))
    }

    #[test]
    fn a_paired_device_is_good_bare_or_under_data_by_number_or_text() {
        let good = Ok((HealthVerdict::Good, "device 5850 paired, named Kedai".to_owned()));
        let record = r#"{"id_device":5850,"device_name":"Kedai","status":"paired"}"#;
        let other = r#"{"id_device":"1","device_name":"Other","status":"offline"}"#;

        assert_eq!(
            health_of(HealthCall::Devices, 200, &format!(r#"{{"success":true,"data":[{other},{record}]}}"#)),
            good
        );
        assert_eq!(health_of(HealthCall::Devices, 200, &format!("[{other},{record}]")), good);
        assert_eq!(health_of(HealthCall::Info, 200, &format!(r#"{{"success":true,"data":{record}}}"#)), good);
        assert_eq!(health_of(HealthCall::Info, 200, &record.replace("5850", "\"5850\"")), good);
    }

    #[test]
    fn an_offline_or_missing_device_is_doubtful_only() {
        let offline = r#"{"data":[{"id_device":"5850","device_name":"Kedai\u001b[2J","status":"offline"}]}"#;

        assert_eq!(
            health_of(HealthCall::Devices, 200, offline),
            Ok((HealthVerdict::Doubtful, "device 5850 offline, named Kedai[2J".to_owned()))
        );
        assert_eq!(health_of(HealthCall::Devices, 200, r#"{"data":[]}"#).unwrap().0, HealthVerdict::Doubtful);
        assert_eq!(
            health_of(HealthCall::Info, 200, r#"{"success":false,"message":"Device offline"}"#).unwrap().0,
            HealthVerdict::Doubtful
        );
    }

    #[test]
    fn a_refused_token_is_bad_whatever_the_http_status() {
        let body = r#"{"success":false,"message":"Unauthorised Token"}"#;

        let bad = Ok((HealthVerdict::TokenRefused, "token refused: Unauthorised Token".to_owned()));
        assert_eq!(health_of(HealthCall::Devices, 200, body), bad);
        assert_eq!(health_of(HealthCall::Devices, 401, body), bad);
        assert_eq!(health_of(HealthCall::Devices, 403, "").unwrap().0, HealthVerdict::TokenRefused);
    }

    #[test]
    fn account_data_with_a_boolean_status_says_nothing_about_the_device() {
        let health = health_of(HealthCall::Info, 200, r#"{"success":true,"data":{"status":true,"quota":100}}"#);

        assert_eq!(health, Ok((HealthVerdict::Good, "device 5850 answers".to_owned())));
    }

    #[test]
    fn what_tells_nothing_leaves_the_question_to_the_next_call() {
        assert!(health_of(HealthCall::Devices, 502, "<html>").is_err());
        assert!(health_of(HealthCall::Devices, 200, "<html>").is_err());
        assert!(health_of(HealthCall::Devices, 404, r#"{"success":false,"message":"no such call"}"#).is_err());
        assert_eq!(health_of(HealthCall::Server, 200, "OK").unwrap().0, HealthVerdict::Doubtful);
        assert!(health_of(HealthCall::Server, 200, "\n<!DOCTYPE html>").is_err());
    }
}
