//! One piece of news, whichever provider it came from.

mod of_meta;
mod of_wsapme;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

pub(super) use of_meta::of_meta;
pub(super) use of_wsapme::{WsapmeOrigin, of_wsapme};

use super::orders::OrderNews;
use crate::domain::ids::{MessageId, SenderId};
use crate::domain::retry::ErrorClass;
use crate::domain::sender::ProviderKind;
use crate::provider::meta::callback::CallbackData;
use crate::provider::meta::webhook::{MarketingWish, MessagePricing};
use crate::provider::{ProviderStage, failure_class};
use crate::store::business::PeopleLimit;

/// An item of a request.
pub(super) struct InboxItem {
    /// Which of the requests of this turn it is in.
    pub row: usize,
    pub position: i32,
    pub provider: ProviderKind,
    pub received_at: DateTime<Utc>,
    /// Whose news it may be, the likeliest first; none where the number is not one of ours.
    pub senders: Vec<SenderId>,
    /// Whose secret proved where it came from. Empty: it is not known of this one.
    pub proven: Vec<SenderId>,
    /// Meta's id of the number.
    pub device: Option<String>,
    /// Meta's id of the business account.
    pub account: Option<String>,
    pub news: ItemNews,
}

impl InboxItem {
    /// When something happened, by the provider's clock. What is dated ahead happened when it was received, at the latest: a
    /// wish of tomorrow must not silence the next one.
    pub fn time_of(&self, at: Option<DateTime<Utc>>) -> DateTime<Utc> {
        at.map_or(self.received_at, |at| at.min(self.received_at))
    }
}

/// Whose numbers Meta names in these webhooks, and when the newest of each came.
pub(super) fn named_senders(items: &[InboxItem]) -> Vec<(SenderId, DateTime<Utc>)> {
    let mut newest = BTreeMap::<SenderId, DateTime<Utc>>::new();
    for item in items.iter().filter(|item| item.device.is_some()) {
        for sender in &item.senders {
            let at = newest.entry(*sender).or_insert(item.received_at);
            *at = (*at).max(item.received_at);
        }
    }
    newest.into_iter().collect()
}

pub(super) enum ItemNews {
    Status(Box<StatusNews>),
    Reply(Box<ReplyNews>),
    Identity {
        phone: String,
        user_id: String,
    },
    IdentityChange(IdentityNews),
    Wish(WishNews),
    Notice(NoticeNews),
    /// Kept as it came; it changes nothing.
    Nothing,
    Unreadable(String),
}

/// The status of a message that we sent.
pub(super) struct StatusNews {
    pub message_id: MessageId,
    /// Which attempt it was, as the provider returns it.
    pub callback: Option<CallbackData>,
    /// Another program's callback data: the message is not ours.
    pub is_foreign: bool,
    pub stage: Option<ProviderStage>,
    pub word: String,
    pub at: Option<DateTime<Utc>>,
    pub c2s_at: Option<DateTime<Utc>>,
    /// Code and sentence of a failure.
    pub error: Option<(String, String)>,
    pub pricing: Option<MessagePricing>,
    pub person: NewsPerson,
}

impl StatusNews {
    /// A failure whose code says that the person opted out.
    pub fn is_refusal(&self, provider: ProviderKind) -> bool {
        let code = self.error.as_ref().map(|(code, _)| code.as_str());
        failure_class(provider, code) == ErrorClass::OptOut
    }
}

/// A number with its plus, an id, or both.
#[derive(Debug, Clone, Default)]
pub(super) struct NewsPerson {
    pub phone: Option<String>,
    pub user_id: Option<String>,
}

pub(super) struct ReplyNews {
    pub person: NewsPerson,
    pub name: Option<String>,
    pub kind: String,
    pub body: String,
    /// Of a button or a list's line.
    pub payload: Option<String>,
    pub media_id: Option<String>,
    /// What was typed beside a file, or in place of an earlier message.
    pub typed: Option<String>,
    /// What an earlier message says from now on: no reply, but perhaps a stop.
    pub edit: Option<MessageEdit>,
    pub message_id: String,
    pub quoted: Option<MessageId>,
    pub at: Option<DateTime<Utc>>,
    /// By this engine's configuration, or by that of whoever registered the sender.
    pub is_stop: bool,
    pub order: Option<OrderNews>,
}

/// That an earlier message of theirs was edited.
pub(super) struct MessageEdit {
    /// Where it is named.
    pub original: Option<MessageId>,
}

/// Somebody has another id, another number, or both.
pub(super) struct IdentityNews {
    pub before: Option<String>,
    pub now: Option<String>,
    /// With the plus.
    pub previous_phone: Option<String>,
    /// With the plus.
    pub phone: Option<String>,
    pub at: Option<DateTime<Utc>>,
}

pub(super) struct WishNews {
    pub person: NewsPerson,
    pub wish: MarketingWish,
    pub at: Option<DateTime<Utc>>,
}

/// What a provider says of an account, a number or a template.
pub(super) struct NoticeNews {
    pub field: &'static str,
    pub subject: Option<String>,
    pub words: String,
    pub written_at: Option<DateTime<Utc>>,
    pub demand: NoticeDemand,
}

/// What must follow from a notice.
pub(super) enum NoticeDemand {
    None,
    /// Every sender of the account stops, with this code.
    StopAccount {
        code: String,
    },
    /// An error outside of any message: the number stops or slows down, or without one every sender of the account.
    Error {
        code: String,
    },
    PauseTemplate {
        name: String,
        language: Option<String>,
    },
    /// The business may write to so many people a day, or one of its numbers may send so many messages a second.
    Limit {
        people: Option<PeopleLimit>,
        per_second: Option<u32>,
    },
}

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ItemOutcome {
    Applied,
    /// To be tried again later; at once when this id is learned, of a message or a person.
    Waits {
        why: String,
        id: Option<String>,
    },
    /// It is kept. What it answers is to be decided: tried again later, at once when it is known of this message.
    Undecided {
        why: String,
        id: String,
    },
    /// It is about an attempt in flight: tried again later, however long that lasts, at once when this id is learned. It may be the only
    /// proof of what came of the attempt, which becomes uncertain only once somebody takes its sender.
    InFlight {
        why: String,
        id: String,
    },
    /// Somebody else has a person's row.
    Locked,
    Failed(String),
}

impl ItemOutcome {
    /// Of two things that an item asks for: what is unfinished, if anything is.
    pub fn and(self, other: Self) -> Self {
        if self == Self::Applied { other } else { self }
    }
}

/// News as it was read, with where it came from.
pub(super) struct ReadItem {
    pub device: Option<String>,
    pub account: Option<String>,
    pub news: ItemNews,
}

fn with_plus(digits: &str) -> String {
    format!("+{digits}")
}
