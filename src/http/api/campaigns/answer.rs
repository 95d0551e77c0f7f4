//! Campaigns and their recipients as they are answered: the documents' field names, their states and statuses.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::super::openapi::schemas;
use super::super::super::problem::Problem;
use super::super::customers::customer_id;
use super::super::draft::rate;
use super::super::waiting::waiting;
use super::people::CampaignImport;
use crate::app::App;
use crate::app::view::{BlastView, RecipientFacts, RecipientRow};
use crate::domain::blast::BlastState;
use crate::domain::campaign::CampaignState;
use crate::domain::filter::{Fact, Filter, Sense, Term, Test};
use crate::domain::funnel::Counts;
use crate::domain::ids::RecipientId;
use crate::domain::pace::{Per, Rate};
use crate::domain::phone::Phone;
use crate::domain::status::Status;

/// A campaign. Its state is one of the documents': a paused one is `sending` with `paused: true`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Campaign {
    #[schema(example = "7")]
    id: String,
    #[schema(example = "Order ready")]
    name: String,
    #[schema(example = "For those who ordered in November")]
    description: Option<String>,
    #[schema(value_type = Option<String>, example = "order_ready")]
    template_name: Value,
    #[schema(value_type = Option<String>, example = "en_US")]
    template_language: Value,
    #[schema(schema_with = schemas::object)]
    template_variables: Value,
    /// `draft`, `scheduled`, `sending`, `completed`, `cancelled` or `failed`.
    #[schema(example = "completed")]
    status: &'static str,
    paused: bool,
    #[schema(example = 250)]
    total_recipients: i64,
    #[schema(example = 250)]
    sent_count: i64,
    #[schema(example = 240)]
    delivered_count: i64,
    #[schema(example = 180)]
    read_count: i64,
    #[schema(example = 0)]
    failed_count: i64,
    #[schema(example = 80)]
    responded_count: i64,
    /// When it starts by itself once it is sent.
    #[schema(example = json!(null))]
    scheduled_for: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
    /// Messages a minute, or a text where a number would be another rate; null where the sender's own holds.
    #[schema(schema_with = schemas::rate)]
    rate_limit: Value,
    #[schema(example = "09:00-21:00")]
    send_window: Option<String>,
    #[schema(example = "cloud")]
    sender: String,
    #[schema(example = "order-7")]
    external_id: Option<String>,
    /// Why it is not sending as fast as it can; null where nothing holds it up.
    waiting: Option<CampaignWaiting>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Why a campaign is not sending as fast as it can.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct CampaignWaiting {
    #[schema(schema_with = schemas::waiting_reason)]
    reason: Value,
    /// The reason as a sentence.
    #[schema(value_type = String, example = "outside the hours 09:00-21:00, until 2026-12-01T01:00:00Z")]
    text: Value,
    /// What can be done about it, if anything.
    #[schema(value_type = Option<String>, example = json!(null))]
    mend: Value,
    /// When it ends by itself, if that is known.
    #[schema(value_type = Option<String>, example = "2026-12-01T01:00:00Z")]
    until: Value,
}

impl CampaignWaiting {
    fn of(blast: &BlastView) -> Option<Self> {
        let mut waiting = waiting(blast)?;
        let mut take = |key: &str| waiting.get_mut(key).map(Value::take).unwrap_or_default();
        Some(Self { reason: take("reason"), text: take("text"), mend: take("mend"), until: take("until") })
    }
}

/// A campaign, beside itself under `campaign`, as the documents have it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CampaignAnswer {
    #[serde(flatten)]
    pub fields: Campaign,
    pub campaign: Campaign,
    /// Of one that was made a moment ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<CampaignImport>,
    /// Of one that was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = true)]
    pub success: Option<bool>,
}

impl CampaignAnswer {
    pub(super) fn of(blast: &BlastView) -> Self {
        let campaign = Campaign::from(blast);
        Self { fields: campaign.clone(), campaign, import: None, success: None }
    }
}

impl From<&BlastView> for Campaign {
    fn from(blast: &BlastView) -> Self {
        let (funnel, template) = (blast.counts.funnel(), blast.template.as_ref());
        let of_template = |key: &str| template.and_then(|template| template.get(key)).cloned().unwrap_or(Value::Null);
        let hours = blast.limits.hours.as_ref().and_then(|hours| hours.as_ref().ok());
        Self {
            id: blast.id.to_string(),
            name: blast.tag.clone(),
            description: blast.description.clone(),
            template_name: of_template("name"),
            template_language: language(template),
            template_variables: template.map_or_else(|| json!({}), variables),
            status: CampaignState::of(blast.state, blast.counts.nobody_reached()).word(),
            paused: blast.state == BlastState::Paused,
            total_recipients: blast.total_recipients,
            sent_count: funnel.sent,
            delivered_count: funnel.received,
            read_count: funnel.read,
            failed_count: failed(&blast.counts),
            responded_count: funnel.replied,
            scheduled_for: blast.scheduled_for,
            started_at: blast.launched_at,
            completed_at: blast.completed_at,
            rate_limit: rate_limit(blast),
            send_window: hours.map(ToString::to_string),
            sender: blast.sender.clone(),
            external_id: blast.external_id.clone(),
            waiting: CampaignWaiting::of(blast),
            created_at: blast.created_at,
            updated_at: blast.updated_at,
        }
    }
}

/// A campaign's state by its word.
pub(super) fn campaign_state(word: &str) -> Result<CampaignState, Problem> {
    let known = || CampaignState::ALL.map(CampaignState::word).join(", ");
    let detail = || format!("`{word}` is not a state: write one of {}", known());
    CampaignState::from_word(word).ok_or_else(|| Problem::field("status", detail()))
}

fn language(template: Option<&Value>) -> Value {
    let language = template.and_then(|template| template.get("language")).cloned().unwrap_or(Value::Null);
    match language.get("code") {
        Some(code) => code.clone(),
        None => language,
    }
}

/// Whether a component is of this kind: their types come in any case.
pub(super) fn is_part(component: &Value, kind: &str) -> bool {
    component.get("type").and_then(Value::as_str).is_some_and(|of| of.eq_ignore_ascii_case(kind))
}

/// The values of the body's variables, by number or name.
pub(super) fn variables(template: &Value) -> Value {
    if let Some(given) = template.get("variables").filter(|given| given.is_object()) {
        return given.clone();
    }
    let components = template.get("components").and_then(Value::as_array);
    let body = components.and_then(|components| components.iter().find(|component| is_part(component, "body")));
    let parameters = body.and_then(|body| body.get("parameters")).and_then(Value::as_array);
    let named = |(at, parameter): (usize, &Value)| {
        let name = parameter.get("parameter_name").and_then(Value::as_str).map(str::to_owned);
        let value = parameter.get("text").cloned().unwrap_or(Value::Null);
        (name.unwrap_or_else(|| (at + 1).to_string()), value)
    };
    Value::Object(parameters.into_iter().flatten().enumerate().map(named).collect())
}

/// Messages a minute, as the documents count, where a request with that number means the same rate; else the rate's text. Null where the
/// sender's own rate holds.
fn rate_limit(blast: &BlastView) -> Value {
    let own = blast.limits.rate.as_ref().and_then(|rate| rate.as_ref().ok());
    own.map_or(Value::Null, |own| per_minute(*own).unwrap_or_else(|| json!(own.to_string())))
}

/// A request's number has at most fifteen digits.
const NUMBER_MAX: usize = 15;

fn per_minute(own: Rate) -> Option<Value> {
    let Rate::Limited { count, per } = own else { return None };
    let minutes = match per {
        Per::Second => return None,
        Per::Minute => 1.0,
        Per::Hour => 60.0,
        Per::Day => 1_440.0,
    };
    let number = json!(f64::from(count) / minutes);
    let is_read_back = number.to_string().len() <= NUMBER_MAX && rate(&number).is_ok_and(|read| read == own);
    is_read_back.then_some(number)
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

/// Who has one of the documents' statuses, or several of them.
pub(super) fn among(words: &str) -> Result<Filter, Problem> {
    let (mut found, mut first, mut again) = (Vec::new(), false, false);
    for word in words.split(',').map(|word| word.trim().to_ascii_lowercase()) {
        (first, again) = (first || word == "pending", again || word == "retry");
        found.extend_from_slice(statuses(&word)?);
    }
    let left_out = match (first, again) {
        (true, false) => Some(Fact::Retry),
        (false, true) => Some(Fact::FirstTry),
        _ => None,
    };
    let mut filter = Filter::one_of(&found);
    filter.terms.extend(left_out.map(|fact| Term { sense: Sense::IsNot, test: Test::Has(fact) }));
    Ok(filter)
}

/// Ours for one of the documents' statuses.
fn statuses(word: &str) -> Result<&'static [Status], Problem> {
    Ok(match word {
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
    })
}

/// People of a campaign, with the fields that only this spelling of the API has.
pub(super) async fn recipients(
    app: &App,
    blast: &BlastView,
    rows: Vec<RecipientRow>,
) -> Result<Vec<CampaignRecipient>, Problem> {
    let ids: Vec<RecipientId> = rows.iter().map(|row| row.id).collect();
    let mut facts: HashMap<RecipientId, RecipientFacts> =
        app.recipient_facts(&ids).await?.into_iter().map(|facts| (facts.id, facts)).collect();
    let of = |row: RecipientRow| CampaignRecipient::new(blast, facts.remove(&row.id), row);
    Ok(rows.into_iter().map(of).collect())
}

/// A person of a campaign.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CampaignRecipient {
    #[schema(example = "1001")]
    id: String,
    #[schema(example = "7")]
    campaign_id: String,
    #[schema(value_type = String, example = "+60123456789")]
    phone_number: Phone,
    /// What the program that made it calls them, else the id of `/api/whatsapp/customers`.
    #[schema(example = "customer-17")]
    customer_id: Option<String>,
    #[schema(example = "Aina")]
    name: Option<String>,
    #[schema(schema_with = schemas::object)]
    variables: Value,
    /// `pending`, `retry`, `sending`, `sent`, `delivered`, `read`, `responded`, `failed` or `opted_out`.
    #[schema(example = "read")]
    status: &'static str,
    #[schema(example = "wamid.HBgLNjAxMjM0NTY3ODk")]
    message_id: Option<String>,
    #[schema(example = "1001-1")]
    message_sid: Option<String>,
    sent_at: Option<DateTime<Utc>>,
    delivered_at: Option<DateTime<Utc>>,
    read_at: Option<DateTime<Utc>>,
    failed_at: Option<DateTime<Utc>>,
    responded_at: Option<DateTime<Utc>>,
    #[schema(example = json!(null))]
    error_code: Option<String>,
    #[schema(example = json!(null))]
    error_message: Option<String>,
    #[schema(example = 0)]
    retry_count: i32,
    last_retry_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl CampaignRecipient {
    fn new(blast: &BlastView, facts: Option<RecipientFacts>, row: RecipientRow) -> Self {
        let retry_count = (row.attempt - 1).max(0);
        let (variables, claimed_at) = facts.map_or((None, None), |facts| (facts.variables, facts.claimed_at));
        Self {
            id: row.id.to_string(),
            campaign_id: row.blast_id.to_string(),
            status: status(&row),
            message_sid: row.message_id.as_ref().map(|_| format!("{}-{}", row.id, row.attempt)),
            customer_id: row.external_id.or_else(|| customer_id(&row.phone)),
            phone_number: row.phone,
            name: row.name,
            variables: variables.unwrap_or_else(|| json!({})),
            message_id: row.message_id,
            sent_at: row.sent_at,
            delivered_at: row.delivered_at,
            read_at: row.read_at,
            failed_at: row.failed_at,
            responded_at: row.replied_at.or(row.closed_at),
            error_code: row.error_code,
            error_message: row.error_message.or(row.reason),
            retry_count,
            last_retry_at: claimed_at.filter(|_| retry_count > 0),
            created_at: blast.created_at,
            updated_at: row.changed_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_answered_as_it_is_read_back() {
        for (own, answered) in [
            ("10/min", json!(10.0)),
            ("30/h", json!(0.5)),
            ("450/h", json!(7.5)),
            ("20/h", json!("20/h")),
            ("60/h", json!("60/h")),
            ("72/day", json!("72/day")),
            ("5/day", json!("5/day")),
            ("80/s", json!("80/s")),
            ("unlimited", json!("unlimited")),
        ] {
            let own: Rate = own.parse().unwrap();
            let read = per_minute(own).unwrap_or_else(|| json!(own.to_string()));
            assert_eq!((&read, rate(&read).unwrap()), (&answered, own));
        }
    }
}
