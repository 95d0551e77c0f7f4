//! What an update wants done, and what comes of it. Plain data; [`run`] does it against the engine.

pub mod run;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::ExitReason;
use super::model::PageRequest;
use crate::app::view::{
    BlastRow, ChangesSince, ElsewhereRow, RecipientDetails, RecipientQuery, RecipientRow, SenderRow, Total,
};
use crate::app::{AppError, Launch, Marked, MarkedSeveral, Plan, StoreError, TakenBack};
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::recipient::Mark;

/// How many people are looked up in other blasts.
pub const ELSEWHERE_MAX: u32 = 50;

/// Something to be done outside of the model.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Blasts,
    Senders,
    List {
        ticket: u64,
        part: ListPart,
        query: RecipientQuery,
    },
    /// These people as they are now.
    Cells(Vec<RecipientId>),
    /// How many match; with `changed_after`, how many of those changed since.
    Count {
        ticket: u64,
        blast: BlastId,
        filter: Filter,
        changed_after: Option<DateTime<Utc>>,
    },
    ChangesSince {
        blast: BlastId,
        from: DateTime<Utc>,
    },
    /// What happened since the operator last looked.
    Away,
    /// Notes that the operator looks now.
    TouchLastSeen,
    Person(RecipientId),
    Plan(BlastId),
    /// Whether a blast would go on without this window.
    GoesOn(BlastId),
    /// Who matches in every blast, those of `here` last.
    Elsewhere {
        ticket: u64,
        here: Option<BlastId>,
        filter: Filter,
    },
    /// Acts are done one after the other, in the order of their keys.
    Write(WriteRequest),
    /// Gives the leases up, before a suspension.
    ReleaseLeases,
    /// Takes them again, after it.
    ReacquireLeases,
    /// Stops the process until it is continued.
    Suspend,
    /// Sets the terminal up again and paints everything.
    Repaint,
    Exit(ExitReason),
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListPart {
    /// The list itself, in place of the one before.
    Reload,
    /// The page after the rows that are here.
    NextPage,
    /// The page before them.
    PreviousPage,
}

/// Something that changes the database.
#[derive(Debug, Clone, PartialEq)]
pub enum WriteRequest {
    Mark {
        person: RecipientId,
        mark: Mark,
    },
    /// Another amount for a sale that was closed earlier; nothing where it is not the one that was seen any more.
    Amend {
        person: RecipientId,
        seen: Option<Decimal>,
        amount: Decimal,
    },
    UndoMine,
    UndoPerson(RecipientId),
    /// The same mark on several people: one act.
    MarkSeveral {
        people: Vec<RecipientId>,
        mark: Mark,
    },
    /// The last mark of each of several people.
    UndoPeople(Vec<RecipientId>),
    Launch(Launch),
    Resume(Launch),
    Pause(BlastId),
    Cancel(BlastId),
    Delete(BlastId),
}

#[cfg(test)]
impl WriteRequest {
    /// Whether it starts messages, cannot be taken back by a key, or is about several people: never done without a
    /// question.
    pub const fn needs_question(&self) -> bool {
        match self {
            Self::Launch(_)
            | Self::Resume(_)
            | Self::Cancel(_)
            | Self::Delete(_)
            | Self::MarkSeveral { .. }
            | Self::UndoPeople(_) => true,
            Self::Mark { mark, .. } => {
                matches!(mark, Mark::OptOut | Mark::Resolve(crate::domain::recipient::Resolution::Resend))
            }
            Self::Amend { .. } | Self::UndoMine | Self::UndoPerson(_) | Self::Pause(_) => false,
        }
    }
}

/// What an act came to.
#[derive(Debug, Clone, PartialEq)]
pub enum WriteOutcome {
    Marked(Marked),
    MarkedSeveral(MarkedSeveral),
    TakenBack(TakenBack),
    Blast(Box<BlastRow>),
    /// How many were left out.
    Cancelled(i64),
    Deleted,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectError {
    /// The database does not answer; the header says since when.
    Unavailable,
    /// Anything else, in a sentence.
    Other(String),
}

impl From<AppError> for EffectError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Store(store @ StoreError::Refusing(_)) => Self::Other(refused(&store)),
            AppError::Store(store) if store.is_transient() => Self::Unavailable,
            other => Self::Other(other.to_string()),
        }
    }
}

/// A database that answers, but takes nothing.
fn refused(error: &StoreError) -> String {
    let why = error.trouble().map_or_else(String::new, |why| format!("{}: {}; ", why.words(), why.mend()));
    format!("{why}nothing was changed")
}

impl EffectError {
    pub fn sentence(&self) -> String {
        match self {
            Self::Unavailable => "the database does not answer: nothing was changed".to_owned(),
            Self::Other(sentence) => sentence.clone(),
        }
    }
}

/// An answer, or why there is none.
pub type EffectResult<T> = Result<T, EffectError>;

/// The answers to effects.
#[derive(Debug, Clone, PartialEq)]
pub enum Completion {
    Blasts(EffectResult<Vec<BlastRow>>),
    Senders(EffectResult<Vec<SenderRow>>),
    List {
        ticket: u64,
        part: ListPart,
        asked: PageRequest,
        rows: EffectResult<Vec<RecipientRow>>,
    },
    Cells(EffectResult<Vec<RecipientRow>>),
    Count {
        ticket: u64,
        counted: Counted,
        total: EffectResult<Total>,
    },
    ChangesSince {
        blast: BlastId,
        since: EffectResult<ChangesSince>,
    },
    Away(EffectResult<Option<ChangesSince>>),
    Person(Box<EffectResult<RecipientDetails>>),
    Plan {
        blast: BlastId,
        plan: Box<EffectResult<Plan>>,
    },
    /// What is missing, where it would not.
    GoesOn {
        blast: BlastId,
        told: EffectResult<Result<(), String>>,
    },
    Elsewhere {
        ticket: u64,
        rows: EffectResult<Vec<ElsewhereRow>>,
    },
    Written {
        act: WriteRequest,
        outcome: EffectResult<WriteOutcome>,
    },
    LeasesReleased,
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    All,
    Changed,
}
