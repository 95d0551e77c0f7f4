//! What the database holds of blasts with their counts, windows of recipients, one person in full and senders. What is
//! computed from more than rows is added above, in `app::view`.
//! The types are here, the statements in the files below.

use chrono::{DateTime, NaiveDateTime, Utc};
use rust_decimal::Decimal;

pub mod actions;
pub mod activity;
mod before_resend;
pub mod blasts;
pub mod charges;
mod condition;
pub mod errors;
pub mod export;
pub mod follow_up;
pub mod history;
pub mod metrics;
mod newest;
pub mod opt_outs;
mod order;
mod person;
pub mod progress;
pub mod recipients;
pub mod replies;
pub mod segment;
mod sender_row;
pub mod senders;
pub use condition::unasked_before;
pub(super) use condition::{push_name, push_number, time_column};

use crate::domain::act::Actor;
use crate::domain::blast::{BlastOrigin, BlastState, FirstPeople};
use crate::domain::campaign::CampaignState;
use crate::domain::filter::Filter;
use crate::domain::funnel::Counts;
use crate::domain::ids::{ActionId, BlastId, RecipientId, SenderId};
use crate::domain::pace::{DueLater, LimitColumns};
use crate::domain::phone::Phone;
use crate::domain::recipient::AttemptOutcome;
use crate::domain::session::SessionWindow;
use crate::domain::status::Status;
use crate::store::session::SessionAnswer;
pub use actions::ActionFilter;
pub use opt_outs::StandingOptOut;
pub use order::{Order, RowPosition};
use replies::ReplyRow;
pub use sender_row::{LeaseRow, SenderRow, SenderStop};

/// A blast with its counts, in one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlastRow {
    pub id: BlastId,
    pub tag: String,
    pub follow_up_stage: String,
    pub state: BlastState,
    /// Grows with every command; a command names the version it saw.
    pub version: i64,
    pub sender_id: SenderId,
    pub sender: String,
    /// Its sender's address is a loopback one: practice, not real people.
    pub rehearsal: bool,
    pub total_recipients: i64,
    pub counts: Counts,
    /// How many opted out later, when something had been accepted for them or tried: they stay in their stage.
    pub opted_out_later: i64,
    pub message: String,
    /// What is sent in place of the message; its words are in `message`.
    pub template: Option<serde_json::Value>,
    /// Its own limits, which narrow its sender's.
    pub limits: LimitColumns,
    /// Armed or scheduled: nothing is sent before this.
    pub send_after: Option<DateTime<Utc>>,
    /// When somebody confirmed what it waits for until then.
    pub armed_at: Option<DateTime<Utc>>,
    /// When it starts by itself once it is launched, and the local time that was asked for, if one was.
    pub scheduled_for: Option<DateTime<Utc>>,
    pub scheduled_local: Option<NaiveDateTime>,
    /// Why it is paused or cancelled, and who said so.
    pub state_reason: Option<String>,
    pub state_by: Option<Actor>,
    pub blast_date: DateTime<Utc>,
    pub launched_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// What the program that made it calls it.
    pub external_id: Option<String>,
    pub description: Option<String>,
    /// The blast that it follows up.
    pub follows: Option<BlastId>,
    /// Of a draft: why it cannot be sent yet.
    pub unfinished: Option<String>,
    pub first: FirstPeople,
    pub origin: BlastOrigin,
    /// Whoever Meta did not give the message for now is tried again after a day, also where its sender is not set so.
    pub retry_next_day: bool,
    pub updated_at: DateTime<Utc>,
    /// When the next queued person is due, if anybody is queued.
    pub next_due_at: Option<DateTime<Utc>>,
    /// Why that person waits, where the row says so.
    pub next_due_reason: Option<String>,
    /// The code with which the provider last refused that person, if it did.
    pub next_due_code: Option<String>,
    /// Of one that goes by people's own clocks: somebody is queued who was not refused yet.
    pub has_untried: bool,
    /// Those of the queued who are due later, at most the last 10,000.
    pub due_later: Option<DueLater>,
    /// How many of those at *sent* were never asked about: nobody knows whether they are stuck there.
    pub unasked: Total,
}

/// Which blasts to list; everything absent matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlastFilter {
    pub tag: Option<String>,
    pub follow_up_stage: Option<String>,
    pub state: Option<BlastState>,
    /// By what it is as a campaign.
    pub campaign_state: Option<CampaignState>,
    /// Only those whose launch can still be taken back.
    pub is_armed: bool,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    /// Only this sender's.
    pub sender: Option<SenderId>,
    pub external_id: Option<String>,
    /// Only those that send a template, or only those that send a text.
    pub is_template: Option<bool>,
    /// Does not count who was never asked about, which takes long for those who were sent to a moment ago.
    pub without_unasked: bool,
    /// Leaves out answers to people who wrote, also those that need an operator.
    pub without_answers: bool,
    /// Only those that come after this one in the list.
    pub after: Option<BlastPosition>,
    /// Leaves out so many of the first.
    pub offset: u32,
    /// At most so many; all by default.
    pub limit: Option<u32>,
}

impl BlastFilter {
    /// Nothing is left out but what comes before a place, and nobody asks who was never asked about.
    pub(super) fn is_for_all(&self) -> bool {
        let (after, limit) = (self.after, self.limit);
        *self == Self { without_unasked: true, after, limit, ..Self::default() }
    }
}

/// A blast's place in the list of blasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlastPosition {
    pub blast_date: DateTime<Utc>,
    pub id: BlastId,
}

/// One line of the recipient table.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct RecipientRow {
    pub id: RecipientId,
    pub blast_id: BlastId,
    pub phone: Phone,
    pub name: Option<String>,
    pub status: Status,
    pub attempt: i32,
    pub message_id: Option<String>,
    pub sent_at: Option<DateTime<Utc>>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub read_at: Option<DateTime<Utc>>,
    pub replied_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    pub failed_at: Option<DateTime<Utc>>,
    pub opted_out_at: Option<DateTime<Utc>>,
    /// The newest status change.
    pub changed_at: DateTime<Utc>,
    pub amount: Option<Decimal>,
    pub note: Option<String>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub reason: Option<String>,
    pub provider_status: Option<String>,
    /// What the program that gave them calls them.
    pub external_id: Option<String>,
    /// The opt-out that holds for them, wherever it was noted; known of those who are shown.
    #[sqlx(skip)]
    pub opt_out: Option<StandingOptOut>,
}

impl RecipientRow {
    /// What they are called: by their name, else by their number.
    pub fn who(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.phone.to_string())
    }

    /// When they reached the stage that they are at; when that changed last, where no time of its own is kept for it.
    pub fn since(&self) -> DateTime<Utc> {
        self.reached_at(self.status).unwrap_or(self.changed_at)
    }

    /// When they reached this stage.
    pub const fn reached_at(&self, status: Status) -> Option<DateTime<Utc>> {
        match status {
            Status::Sent => self.sent_at,
            Status::Delivered => self.delivered_at,
            Status::Read => self.read_at,
            Status::Replied => self.replied_at,
            Status::Closed => self.closed_at,
            Status::Failed => self.failed_at,
            Status::OptedOut => self.opted_out_at,
            _ => None,
        }
    }
}

/// Above this many matches only [`Order::Row`] is served, and counts read "10,000+".
pub const SORTED_MAX: i64 = 10_000;

/// Where a window begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    End,
    /// Rows after this one, in the order.
    After(RowPosition),
    /// The rows right before this one, still returned in the order.
    Before(RowPosition),
    /// This row, where it is in the list, and those after it.
    From(RowPosition),
    /// This row, where it is in the list, and those right before it.
    UpTo(RowPosition),
}

impl Anchor {
    /// How ids go on from a place among rows that are sorted alike, and which way: `None` from an end.
    const fn further_ids(self) -> Option<(&'static str, RowPosition)> {
        match self {
            Self::Start | Self::End => None,
            Self::After(place) => Some((">", place)),
            Self::Before(place) => Some(("<", place)),
            Self::From(place) => Some((">=", place)),
            Self::UpTo(place) => Some(("<=", place)),
        }
    }
}

/// A window of a blast's people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientQuery {
    pub blast: BlastId,
    pub filter: Filter,
    pub order: Order,
    /// Rows changed after this are news, left out of the window (and counted apart). `None`: everything.
    pub as_of: Option<DateTime<Utc>>,
    pub anchor: Anchor,
    /// At most this many rows, 1 to 1,000.
    pub limit: u32,
}

/// A count that is not worth finishing above [`SORTED_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    Exactly(i64),
    AtLeast(i64),
}

impl Total {
    /// The number; of those that are not counted to the end, the least that there are.
    pub const fn number(self) -> i64 {
        match self {
            Self::Exactly(number) | Self::AtLeast(number) => number,
        }
    }

    /// With so many more.
    #[must_use]
    pub const fn and(self, more: i64) -> Self {
        match self {
            Self::Exactly(number) => Self::Exactly(number + more),
            Self::AtLeast(number) => Self::AtLeast(number + more),
        }
    }
}

/// What happened to one person, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    pub changed_at: DateTime<Utc>,
    pub happened_at: Option<DateTime<Utc>>,
    pub old_status: Status,
    pub new_status: Status,
    pub attempt: i32,
    pub source: String,
    pub by: Option<String>,
    /// Further words: the provider's word, a reply's text, an error.
    pub detail: Option<String>,
}

/// The provider's answer to one attempt, as it came.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct AnswerRow {
    pub attempt: i32,
    #[sqlx(try_from = "String")]
    pub outcome: AttemptOutcome,
    pub received_at: DateTime<Utc>,
    pub http_status: Option<i16>,
    pub body: Vec<u8>,
}

/// The same number in another blast.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ElsewhereRow {
    #[sqlx(flatten)]
    pub person: RecipientRow,
    pub tag: String,
    pub follow_up_stage: String,
    /// Its message is that of the blast in which they were looked up.
    #[sqlx(default)]
    pub is_same_message: bool,
}

/// One person in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientDetails {
    pub row: RecipientRow,
    pub blast_tag: String,
    pub follow_up_stage: String,
    pub claimed_at: Option<DateTime<Utc>>,
    /// When their message goes at the soonest, where they are queued for later.
    pub due_at: Option<DateTime<Utc>>,
    /// As it was sent: a text, or a template's JSON.
    pub message_text: Option<String>,
    /// What they are to read, where no answer accepted it and it was tried or goes yet.
    pub words: Option<String>,
    /// The template's text, with its variables, where it is one and known.
    pub template_text: Option<String>,
    pub is_template: bool,
    pub history: Vec<HistoryRow>,
    pub answers: Vec<AnswerRow>,
    /// What to do about their error code; the store does not know it.
    pub advice: Option<&'static str>,
    /// What they wrote, oldest first.
    pub replies: Vec<ReplyRow>,
    /// What was answered, oldest first.
    pub session_answers: Vec<SessionAnswer>,
    /// Until when text may be sent to them; `None` for a sender with a phone of its own.
    pub session: Option<SessionWindow>,
    pub elsewhere: Vec<ElsewhereRow>,
}

/// An operator's act, as logged.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ActionRow {
    pub id: ActionId,
    pub at: DateTime<Utc>,
    pub operator: String,
    pub action: String,
    pub blast_id: Option<BlastId>,
    pub recipient_id: Option<RecipientId>,
    pub phone: Option<String>,
    pub undone: bool,
}

/// Failed people of a blast by the provider's code, most frequent first.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ErrorRow {
    pub code: String,
    pub count: i64,
    /// The provider's words in one of the cases.
    pub title: String,
}

/// What happened in a blast between two times: changes by new status, in the screen's order. Nobody reaches *queued* or *sending*.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangesSince {
    pub from: Option<DateTime<Utc>>,
    pub reached: Vec<(Status, i64)>,
}
