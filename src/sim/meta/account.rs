//! The account as Meta shows it: the numbers' health, the templates page by page, and the subscribed app.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{catalogue::TEMPLATES, refusal::CloudRefusal};

/// The most templates on a page, whatever limit is asked for: callers must follow the cursors.
const PAGE_LIMIT: usize = 6;
/// The start of every cursor.
const CURSOR: &str = "QVFIUm";

/// The query of a call.
pub type Query = HashMap<String, String>;

/// Whether a number can send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimulatedHealth {
    Available,
    Blocked,
}

/// `GET /{phone_number_id}`.
pub fn number(id: &str, waba_id: &str, health: SimulatedHealth, query: &Query) -> Result<Value, CloudRefusal> {
    let known = json!({
        "id": id,
        "display_phone_number": display_number(id),
        "verified_name": "Kedai Aina",
        "code_verification_status": "VERIFIED",
        "quality_rating": "GREEN",
        "status": if health == SimulatedHealth::Available { "CONNECTED" } else { "DISCONNECTED" },
        "platform_type": "CLOUD_API",
        "name_status": "APPROVED",
        "throughput": { "level": "STANDARD" },
        "whatsapp_business_manager_messaging_limit": "TIER_UNLIMITED",
        "health_status": health_status(id, waba_id, health),
    });
    let usual = ["id", "verified_name", "code_verification_status", "display_phone_number", "quality_rating"];
    fields(&known, query, &usual, "WhatsAppBusinessPhoneNumber")
}

/// The number behind a phone number id, as people write it.
pub fn display_number(id: &str) -> String {
    let tail = id.get(id.len().saturating_sub(8)..).unwrap_or(id);
    format!("+60 3-{tail}")
}

fn health_status(id: &str, waba_id: &str, health: SimulatedHealth) -> Value {
    let verdict = if health == SimulatedHealth::Available { "AVAILABLE" } else { "BLOCKED" };
    let mut phone = json!({ "entity_type": "PHONE_NUMBER", "id": id, "can_send_message": verdict });
    if health == SimulatedHealth::Blocked {
        phone["errors"] = json!([{
            "error_code": 141_000,
            "error_description": "The phone number is not registered with the Cloud API.",
            "possible_solution": "Register the phone number.",
        }]);
    }
    let available = |kind: &str, id: &str| json!({ "entity_type": kind, "id": id, "can_send_message": "AVAILABLE" });
    json!({
        "can_send_message": verdict,
        "entities": [phone, available("WABA", waba_id), available("BUSINESS", "2729063490586005"), available("APP", APP_ID)],
    })
}

/// `GET /{waba_id}`.
pub fn business(id: &str, query: &Query) -> Result<Value, CloudRefusal> {
    let known = json!({
        "id": id,
        "name": "Kedai Aina",
        "timezone_id": "42",
        "currency": "MYR",
        "message_template_namespace": "ba30dd89_2ebd_41e4_b805_f2c05ae04cc9",
    });
    fields(&known, query, &["id", "name", "timezone_id", "message_template_namespace"], "WhatsAppBusinessAccount")
}

/// `GET /{waba_id}/message_templates`. `here` is the address of the call without its query.
pub fn templates(here: &str, query: &Query) -> Result<Value, CloudRefusal> {
    let after = match query.get("after") {
        None => 0,
        Some(cursor) => cursor
            .strip_prefix(CURSOR)
            .and_then(|place| place.parse().ok())
            .ok_or_else(|| CloudRefusal::parameter("Invalid cursor"))?,
    };
    let limit = match query.get("limit").map(|limit| limit.parse::<usize>()) {
        None => PAGE_LIMIT,
        Some(Ok(limit)) if limit > 0 => limit.min(PAGE_LIMIT),
        Some(_) => return Err(CloudRefusal::parameter("Param limit must be a positive number.")),
    };
    let wanted = |key: &str, value: &str| query.get(key).is_none_or(|wanted| wanted.eq_ignore_ascii_case(value));
    let matching: Vec<_> = TEMPLATES
        .iter()
        .enumerate()
        .filter(|(_, known)| {
            wanted("name", known.name) && wanted("language", known.language) && wanted("status", known.status)
        })
        .collect();
    let page = matching.iter().skip(after).take(limit);
    let usual = ["id", "name", "language", "status", "category", "parameter_format", "components"];
    let data: Result<Vec<_>, _> =
        page.map(|(id, known)| fields(&known.listed(*id), query, &usual, "WhatsAppMessageTemplate")).collect();
    let data = data?;
    let end = after + data.len();
    Ok(json!({ "paging": paging(here, query, (after, end, matching.len())), "data": data }))
}

fn paging(here: &str, query: &Query, (after, end, total): (usize, usize, usize)) -> Value {
    if after == end {
        return json!({});
    }
    let mut paging = json!({ "cursors": { "before": format!("{CURSOR}{after}"), "after": format!("{CURSOR}{end}") } });
    if end < total {
        let fields = query.get("fields").map(|fields| format!("fields={fields}&")).unwrap_or_default();
        paging["next"] = format!("{here}?{fields}limit={}&after={CURSOR}{end}", end - after).into();
    }
    paging
}

/// The id of the one app.
const APP_ID: &str = "670843887433847";

/// `GET /{waba_id}/subscribed_apps`.
pub fn subscribed_apps(is_subscribed: bool) -> Value {
    let app = json!({ "whatsapp_business_api_data": {
        "id": APP_ID,
        "link": format!("https://www.facebook.com/games/?app_id={APP_ID}"),
        "name": "Blast app",
    }});
    json!({ "data": if is_subscribed { vec![app] } else { Vec::new() } })
}

/// The fields that `?fields=` asks for, and `id` in any case.
fn fields(known: &Value, query: &Query, usual: &[&str], node: &str) -> Result<Value, CloudRefusal> {
    let asked = query.get("fields").map(|fields| fields.split(',').map(str::trim).collect::<Vec<_>>());
    let mut shown = Map::new();
    for field in asked.as_deref().unwrap_or(usual) {
        let value = known.get(field);
        let value = value.ok_or_else(|| {
            CloudRefusal::parameter(format!("Tried accessing nonexisting field ({field}) on node type ({node})"))
        })?;
        shown.insert((*field).to_owned(), value.clone());
    }
    shown.insert("id".to_owned(), known["id"].clone());
    Ok(Value::Object(shown))
}

#[cfg(test)]
mod tests;
