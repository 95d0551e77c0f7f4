//! The messages of a campaign in the documents' words: what was sent, then what people wrote.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::openapi::{Operation, Routes};
use super::super::problem::Problem;
use super::authentication::ApiReader;
use super::body::Params;
use super::customers::customer_id;
use super::once::Answer;
use super::page;
use crate::app::view::{ReplyPosition, ReplyRow};
use crate::app::{App, SentMessage};
use crate::domain::ids::{BlastId, RecipientId, ReplyId};
use crate::domain::status::Status;

pub(super) fn routes() -> Routes {
    Routes::of("Campaigns").get(
        "/api/whatsapp/messages",
        list,
        Operation::read("Lists the messages of a campaign: those sent to people, then those that they wrote")
            .query::<MessageListParams>()
            .answer::<MessageList>(200, "A page")
            .refuses(&[404]),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(rename_all = "camelCase")]
struct MessageListParams {
    /// The campaign's id: there is no list over all campaigns.
    campaign_id: String,
    /// 1 to 1,000 a page, usually 50.
    #[serde(default, deserialize_with = "page::number")]
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MessageList {
    messages: Vec<CampaignMessage>,
    #[schema(example = 50)]
    limit: u32,
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

/// A message to a person of a campaign, or of theirs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WhatsAppMessage)]
struct CampaignMessage {
    /// A recipient's `messageSid`; of what people wrote, the reply's id.
    #[schema(example = "1001-1")]
    id: String,
    #[schema(example = "7")]
    campaign_id: String,
    /// As a recipient's: what the program that made it calls them, else the id of `/api/whatsapp/customers`.
    #[schema(example = "customer-17")]
    customer_id: Option<String>,
    #[schema(example = "+60123456789")]
    phone_number: Option<String>,
    /// `outbound` or `inbound`.
    #[schema(example = "outbound")]
    direction: &'static str,
    /// `template`, `text`, `image` and so on.
    #[schema(example = "template")]
    r#type: String,
    #[schema(example = "Hello Aina")]
    body: Option<String>,
    /// `sending`, `sent`, `delivered`, `read` or `failed`; `received` of what people wrote.
    #[schema(example = "read")]
    status: &'static str,
    /// Meta's id.
    #[schema(example = "wamid.HBgLNjAxMjM0NTY3ODk")]
    message_id: Option<String>,
    sent_at: Option<DateTime<Utc>>,
    delivered_at: Option<DateTime<Utc>>,
    read_at: Option<DateTime<Utc>>,
    failed_at: Option<DateTime<Utc>>,
    #[schema(example = json!(null))]
    error_code: Option<String>,
    #[schema(example = json!(null))]
    error_message: Option<String>,
    created_at: DateTime<Utc>,
}

impl CampaignMessage {
    fn sent(campaign: BlastId, row: SentMessage) -> Self {
        Self {
            id: format!("{}-{}", row.id, row.attempt),
            campaign_id: campaign.to_string(),
            customer_id: row.external_id.or_else(|| customer_id(&row.phone_number)),
            phone_number: Some(row.phone_number.as_str().to_owned()),
            direction: "outbound",
            r#type: if row.is_template { "template" } else { "text" }.to_owned(),
            body: row.message_text,
            status: status(row.status),
            message_id: row.message_id,
            sent_at: row.sent_at,
            delivered_at: row.delivered_at,
            read_at: row.read_at,
            failed_at: row.failed_at,
            error_code: row.error_code,
            error_message: row.error_message,
            created_at: row.sent_at.unwrap_or(row.changed_at),
        }
    }

    /// `own`: what the programs that made recipients call them.
    fn written(campaign: BlastId, row: &ReplyRow, own: &HashMap<RecipientId, String>) -> Self {
        let external_id = row.recipient.and_then(|recipient| own.get(&recipient)).cloned();
        Self {
            id: format!("reply-{}", row.id),
            campaign_id: campaign.to_string(),
            customer_id: external_id.or_else(|| row.phone.as_ref().and_then(customer_id)),
            phone_number: row.phone.as_ref().map(|phone| phone.as_str().to_owned()),
            direction: "inbound",
            r#type: row.kind.clone(),
            body: Some(row.body.clone()),
            status: "received",
            message_id: Some(row.message_id.clone()),
            sent_at: Some(row.at),
            delivered_at: Some(row.received_at),
            read_at: None,
            failed_at: None,
            error_code: None,
            error_message: None,
            created_at: row.received_at,
        }
    }
}

/// How far a message came: that somebody answered it says that they read it.
const fn status(status: Status) -> &'static str {
    match status {
        Status::Sent => "sent",
        Status::Delivered => "delivered",
        Status::Read | Status::Replied | Status::Closed => "read",
        Status::Failed | Status::Skipped | Status::OptedOut => "failed",
        Status::Queued | Status::Sending | Status::Uncertain => "sending",
    }
}

/// Which part of the list a cursor stands in: `0_RECIPIENT_0`, or `1_MICROSECONDS_REPLY`.
const REPLIES: i64 = 1;

async fn list(ApiReader(caller): ApiReader, Params(asked): Params<MessageListParams>) -> Result<Answer, Problem> {
    let app = caller.app();
    let wrong = |_| Problem::field("campaignId", "write the id of a campaign: see `GET /api/whatsapp/campaigns`");
    let campaign: BlastId = asked.campaign_id.parse().map_err(wrong)?;
    let limit = page::limit(asked.limit)?;
    let cursor = asked.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let [part, first, second] = cursor.map_or(Ok([0, 0, 0]), page::read_cursor)?;
    let (mut messages, mut next) = (Vec::new(), None);
    if part != REPLIES {
        let mut rows = app.sent_messages(campaign, RecipientId(first), page::one_more(limit)).await?;
        next = page::cut(&mut rows, limit, |last| [0, last.id.0, 0]);
        messages.extend(rows.into_iter().map(|row| CampaignMessage::sent(campaign, row)));
    }
    let room = limit - u32::try_from(messages.len()).unwrap_or(limit);
    if next.is_none() {
        let from = if part == REPLIES { (first, second) } else { (0, 0) };
        let (rows, last) = written(&app, campaign, from, room).await?;
        let writers: Vec<_> = rows.iter().filter_map(|row| row.recipient).collect();
        let own = app.external_ids(&writers).await?.into_iter().collect();
        messages.extend(rows.iter().map(|row| CampaignMessage::written(campaign, row, &own)));
        next = last;
    }
    Ok(Answer::ok(MessageList { messages, limit, next_cursor: next }))
}

/// What people wrote behind a place, at most so much, and the cursor of the next page. With no room only whether there is one.
async fn written(
    app: &App,
    campaign: BlastId,
    (micros, id): (i64, i64),
    limit: u32,
) -> Result<(Vec<ReplyRow>, Option<String>), Problem> {
    app.blast(campaign).await?;
    let received_at = DateTime::from_timestamp_micros(micros).unwrap_or_default();
    let from = ReplyPosition { received_at, id: ReplyId(id) };
    let mut rows = app.replies_after(campaign, from, page::one_more(limit)).await?;
    if limit == 0 {
        let next = rows.first().map(|_| page::write_cursor(&[REPLIES, micros, id]));
        return Ok((Vec::new(), next));
    }
    let next = page::cut(&mut rows, limit, |last| {
        let place = last.place();
        [REPLIES, place.received_at.timestamp_micros(), place.id.0]
    });
    Ok((rows, next))
}
