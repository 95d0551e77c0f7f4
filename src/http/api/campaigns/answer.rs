//! Campaigns and their recipients as they are answered: the documents' field names, their states and statuses.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::super::super::problem::Problem;
use crate::app::App;
use crate::app::view::{BlastView, RecipientFacts, RecipientRow};
use crate::domain::blast::BlastState;
use crate::domain::funnel::Counts;
use crate::domain::ids::RecipientId;
use crate::domain::pace::Per;
use crate::domain::pace::Rate;
use crate::domain::status::Status;

/// A campaign. Its state is one of the documents': a paused one is `sending` with `paused: true`.
pub(super) fn campaign(blast: &BlastView) -> Value {
    let (funnel, template) = (blast.counts.funnel(), blast.template.as_ref());
    let of_template = |key: &str| template.and_then(|template| template.get(key)).cloned().unwrap_or(Value::Null);
    json!({
        "id": blast.id.to_string(), "name": blast.tag, "description": blast.description,
        "templateName": of_template("name"), "templateLanguage": language(template),
        "templateVariables": template.map_or_else(|| json!({}), variables),
        "status": state(blast), "paused": blast.state == BlastState::Paused,
        "totalRecipients": blast.total_recipients, "sentCount": funnel.sent, "deliveredCount": funnel.received,
        "readCount": funnel.read, "failedCount": failed(&blast.counts), "respondedCount": funnel.replied,
        "scheduledFor": Value::Null, "startedAt": blast.launched_at, "completedAt": blast.completed_at,
        "rateLimit": per_minute(blast), "sendWindow": blast.limits.hours.as_ref().and_then(|hours| hours.as_ref().ok()).map(ToString::to_string),
        "sender": blast.sender, "externalId": blast.external_id,
        "createdAt": blast.created_at, "updatedAt": blast.updated_at,
    })
}

/// Nothing could be sent, and the reason is for good: that is `failed`, also where the blast itself says completed.
fn state(blast: &BlastView) -> &'static str {
    let nobody_reached = blast.counts.funnel().sent == 0 && blast.counts.failed > 0;
    match blast.state {
        BlastState::Paused => "sending",
        BlastState::Completed if nobody_reached => "failed",
        other => other.word(),
    }
}

fn language(template: Option<&Value>) -> Value {
    let language = template.and_then(|template| template.get("language")).cloned().unwrap_or(Value::Null);
    match language.get("code") {
        Some(code) => code.clone(),
        None => language,
    }
}

/// The values of the body's variables, by number or name.
fn variables(template: &Value) -> Value {
    if let Some(given) = template.get("variables").filter(|given| given.is_object()) {
        return given.clone();
    }
    let components = template.get("components").and_then(Value::as_array);
    let is_body = |component: &&Value| {
        component.get("type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("body"))
    };
    let body = components.and_then(|components| components.iter().find(is_body));
    let parameters = body.and_then(|body| body.get("parameters")).and_then(Value::as_array);
    let named = |(at, parameter): (usize, &Value)| {
        let name = parameter.get("parameter_name").and_then(Value::as_str).map(str::to_owned);
        let value = parameter.get("text").cloned().unwrap_or(Value::Null);
        (name.unwrap_or_else(|| (at + 1).to_string()), value)
    };
    Value::Object(parameters.into_iter().flatten().enumerate().map(named).collect())
}

/// Messages a minute, as the documents count; `null` where the sender's own rate holds.
fn per_minute(blast: &BlastView) -> Option<f64> {
    match blast.limits.rate.as_ref()?.as_ref().ok()? {
        Rate::Unlimited => None,
        Rate::Limited { count, per } => {
            let count = f64::from(*count);
            Some(match per {
                Per::Second => count * 60.0,
                Per::Minute => count,
                Per::Hour => count / 60.0,
                Per::Day => count / 1_440.0,
            })
        }
    }
}

/// Whoever was left out counts as failed.
pub(super) const fn failed(counts: &Counts) -> i64 {
    counts.failed + counts.skipped
}

/// A status as the documents have it.
fn status(row: &RecipientRow) -> &'static str {
    match row.status {
        Status::Queued if row.attempt > 0 => "retry",
        Status::Queued => "pending",
        Status::Sending | Status::Uncertain => "sending",
        Status::Sent => "sent",
        Status::Delivered => "delivered",
        Status::Read => "read",
        Status::Replied | Status::Closed => "responded",
        Status::Failed | Status::Skipped => "failed",
        Status::OptedOut => "opted_out",
    }
}

/// Ours for one of the documents' statuses, or several of them.
pub(super) fn statuses(words: &str) -> Result<Vec<Status>, Problem> {
    let mut found = Vec::new();
    for word in words.split(',').map(|word| word.trim().to_ascii_lowercase()) {
        let these: &[Status] = match word.as_str() {
            "pending" | "retry" => &[Status::Queued],
            "sending" => &[Status::Sending, Status::Uncertain],
            "sent" => &[Status::Sent],
            "delivered" => &[Status::Delivered],
            "read" => &[Status::Read],
            "responded" => &[Status::Replied, Status::Closed],
            "failed" => &[Status::Failed, Status::Skipped],
            "opted_out" => &[Status::OptedOut],
            other => {
                let known = "pending, sending, sent, delivered, read, failed, opted_out, responded or retry";
                return Err(Problem::field("status", format!("`{other}` is not a status: write {known}")));
            }
        };
        found.extend_from_slice(these);
    }
    Ok(found)
}

/// People of a campaign, with what only this spelling tells of them.
pub(super) async fn recipients(app: &App, blast: &BlastView, rows: Vec<RecipientRow>) -> Result<Vec<Value>, Problem> {
    let ids: Vec<RecipientId> = rows.iter().map(|row| row.id).collect();
    let facts: HashMap<RecipientId, RecipientFacts> =
        app.recipient_facts(&ids).await?.into_iter().map(|facts| (facts.id, facts)).collect();
    Ok(rows.iter().map(|row| recipient(blast, row, facts.get(&row.id))).collect())
}

fn recipient(blast: &BlastView, row: &RecipientRow, facts: Option<&RecipientFacts>) -> Value {
    let retries = (row.attempt - 1).max(0);
    let last_retry = facts.and_then(|facts| facts.claimed_at).filter(|_| retries > 0);
    let why = row.error_message.clone().or_else(|| row.reason.clone());
    json!({
        "id": row.id.to_string(), "campaignId": row.blast_id.to_string(), "phoneNumber": row.phone,
        "customerId": facts.and_then(|facts| facts.external_id.clone()), "name": row.name,
        "variables": facts.and_then(|facts| facts.variables.clone()).unwrap_or_else(|| json!({})),
        "status": status(row), "messageId": row.message_id,
        "messageSid": row.message_id.as_ref().map(|_| format!("{}-{}", row.id, row.attempt)),
        "sentAt": row.sent_at, "deliveredAt": row.delivered_at, "readAt": row.read_at, "failedAt": row.failed_at,
        "respondedAt": row.replied_at.or(row.closed_at), "errorCode": row.error_code, "errorMessage": why,
        "retryCount": retries, "lastRetryAt": last_retry,
        "createdAt": blast.created_at, "updatedAt": row.changed_at,
    })
}
