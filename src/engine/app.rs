//! The long-lived parts, and every use case that a face may ask for. Faces hold one `App` and nothing below it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use super::error::EngineError;
use crate::domain::filter::Filter;
use crate::domain::ids::{ActionId, BlastId, RecipientId};
use crate::domain::recipient::Mark;
use crate::domain::status::Status;
use crate::store::view::{
    BlastFilter, BlastRow, ElsewhereRow, ErrorRow, RecipientDetails, RecipientQuery, RecipientRow, SenderRow, Since, Total,
};

/// The long-lived parts. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {}

/// Whether the database answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseState {
    Up,
    /// It has not answered since this time.
    Down { since: DateTime<Utc> },
}

/// A mark that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    pub action: ActionId,
    pub recipient: RecipientId,
    /// The person's name, else the number.
    pub who: String,
    pub before: Status,
    pub after: Status,
    /// What was done, as `replied`, `closed`, `opt-out`, `note`, `resolve`.
    pub act: String,
    /// The same as a command line: `blastdeck mark 7 +60… replied`.
    pub command_line: String,
}

/// What an undo took back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    pub recipient: Option<RecipientId>,
    /// One sentence: "Siti Aminah: replied -> read, taken back".
    pub sentence: String,
    pub command_line: String,
}

/// What a launch would do, shown before it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub blast: BlastRow,
    /// How many get a message: the number to type.
    pub people: i64,
    /// Left out because they opted out.
    pub suppressed: i64,
    /// How many had a message from this sender's business in the last 7 days.
    pub recently_messaged: i64,
    /// How many are still queued in another blast of the same business and would get both.
    pub queued_elsewhere: i64,
    /// The sender's pace in words: "gap 20s..60s, about 90 an hour".
    pub pace: String,
    /// How many of the day's limit are left, if there is one.
    pub left_today: Option<i64>,
    /// When it would be done if nothing holds it up.
    pub done_at: Option<DateTime<Utc>>,
    /// What some of them read: number, name, text. Shortest, longest, first.
    pub samples: Vec<Sample>,
    /// Why it cannot be launched now; empty when it can.
    pub obstacles: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    pub phone: String,
    pub name: Option<String>,
    pub text: String,
}

/// Starting messages: the number of people is the confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launch {
    pub blast: BlastId,
    /// The version that was shown.
    pub version: i64,
    /// The number of people that was shown and typed; another number now means that nothing starts.
    pub people: i64,
    /// How long it can still be taken back; zero starts at once.
    pub armed_for: TimeDelta,
}

impl App {
    /// Blasts with their counts, newest first.
    pub async fn blasts(&self, _filter: &BlastFilter) -> Result<Vec<BlastRow>, EngineError> {
        todo!()
    }

    pub async fn blast(&self, _id: BlastId) -> Result<BlastRow, EngineError> {
        todo!()
    }

    /// A window of a blast's people.
    pub async fn recipients(&self, _query: &RecipientQuery) -> Result<Vec<RecipientRow>, EngineError> {
        todo!()
    }

    /// These people as they are now, in the order asked; who is gone is left out.
    pub async fn recipients_by_id(&self, _ids: &[RecipientId]) -> Result<Vec<RecipientRow>, EngineError> {
        todo!()
    }

    /// How many match; with `changed_after`, only those whose status changed since.
    pub async fn count(
        &self,
        _blast: BlastId,
        _filter: &Filter,
        _changed_after: Option<DateTime<Utc>>,
    ) -> Result<Total, EngineError> {
        todo!()
    }

    /// One person in full.
    pub async fn recipient(&self, _id: RecipientId) -> Result<RecipientDetails, EngineError> {
        todo!()
    }

    /// A person in every blast, by digits or name, newest blast first.
    pub async fn find(&self, _text: &str, _limit: u32) -> Result<Vec<ElsewhereRow>, EngineError> {
        todo!()
    }

    pub async fn senders(&self) -> Result<Vec<SenderRow>, EngineError> {
        todo!()
    }

    pub async fn errors(&self, _blast: BlastId) -> Result<Vec<ErrorRow>, EngineError> {
        todo!()
    }

    /// How many status changes there were since, by new status.
    pub async fn since(&self, _blast: Option<BlastId>, _from: DateTime<Utc>) -> Result<Since, EngineError> {
        todo!()
    }

    /// When this operator last looked (and notes that they look now).
    pub async fn seen(&self) -> Result<Option<DateTime<Utc>>, EngineError> {
        todo!()
    }

    /// Writes an operator's mark. Refused with a sentence when it cannot be, or when somebody else was first.
    pub async fn mark(&self, _recipient: RecipientId, _mark: Mark) -> Result<Marked, EngineError> {
        todo!()
    }

    /// Takes back this operator's own newest act that is not taken back yet.
    pub async fn undo_mine(&self) -> Result<TakenBack, EngineError> {
        todo!()
    }

    /// Takes back the newest mark on this person, whoever made it.
    pub async fn undo_person(&self, _recipient: RecipientId) -> Result<TakenBack, EngineError> {
        todo!()
    }

    /// What a launch (or resume) would do. Changes nothing.
    pub async fn plan(&self, _blast: BlastId) -> Result<Plan, EngineError> {
        todo!()
    }

    pub async fn launch(&self, _launch: Launch) -> Result<BlastRow, EngineError> {
        todo!()
    }

    pub async fn pause(&self, _blast: BlastId) -> Result<BlastRow, EngineError> {
        todo!()
    }

    /// Resumes a paused blast; the number typed must still be the number queued.
    pub async fn resume(&self, _launch: Launch) -> Result<BlastRow, EngineError> {
        todo!()
    }

    /// Stops for good; who is still queued is left out. Returns how many.
    pub async fn cancel(&self, _blast: BlastId) -> Result<i64, EngineError> {
        todo!()
    }

    /// Removes a draft or a finished blast, and its people.
    pub async fn delete(&self, _blast: BlastId) -> Result<(), EngineError> {
        todo!()
    }

    /// Gives the leases up and sends nothing until [`Self::wake`]: before the process is suspended.
    pub async fn rest(&self) {
        todo!()
    }

    /// Sends again after [`Self::rest`].
    pub fn wake(&self) {
        todo!()
    }

    /// Grows whenever something may have changed in the database, also after a reconnect. A hint: look again.
    pub fn news(&self) -> watch::Receiver<u64> {
        todo!()
    }

    /// Whether the database answers.
    pub fn database(&self) -> watch::Receiver<DatabaseState> {
        todo!()
    }

    /// Who acts: from `BLASTDECK_OPERATOR`, else login and host.
    pub fn operator(&self) -> &str {
        todo!()
    }

    /// This process's holder name in leases, to tell "sending here" from "elsewhere".
    pub fn holder(&self) -> &str {
        todo!()
    }
}
