//! What changes the database, and what it came to.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{DraftOutcome, DraftWrite, ShopOutcome, ShopWrite};
use crate::app::view::BlastView;
use crate::app::{
    AddedSender, AskedAct, AskedMarks, Confirmed, DraftEdit, FollowUp, FoundFollowUp, Launch, Marked, MarkedSeveral,
    NewSender, QueuedAnswer, SavedFile, StepAlike, StepChange, StepKey, StepSeen, StepView, UndoOutcome,
};
use crate::domain::filter::Filter;
use crate::domain::ids::{ActionId, BlastId, RecipientId, ReplyId};
use crate::domain::recipient::{Mark, Resolution, ShownAttempts};
use crate::tui::model::PlanCount;

/// Something that changes the database.
#[derive(Debug, Clone, PartialEq)]
pub enum WriteRequest {
    Mark {
        person: RecipientId,
        mark: Mark,
    },
    /// What became of an uncertain message: of the attempt that the screen showed.
    Resolve {
        person: RecipientId,
        attempt: i32,
        resolution: Resolution,
    },
    /// Another amount for an earlier sale, unless its amount is no longer the one on the screen.
    Amend {
        person: RecipientId,
        seen: Option<Decimal>,
        amount: Decimal,
    },
    /// The operator's newest act; one in another blast than the one on the screen, or on another person than the one at the cursor,
    /// is asked about first.
    UndoMine {
        shown: Option<BlastId>,
        /// It is asked about wherever it was: something else was done since.
        asks: bool,
        person: Option<RecipientId>,
    },
    /// The same, while it is this act, which the screen names: asked about where somebody gets a message by it.
    UndoNamed(ActionId),
    /// The same, once that was answered: it sends no more than the question named.
    UndoMyAct(AskedAct),
    /// The armed launch of this blast; somebody else's is asked about first.
    UndoLaunch(BlastId),
    /// The person's last mark; somebody else's is asked about first.
    UndoPerson(RecipientId),
    /// The launch of this blast that was asked about, whoever made it.
    UndoAnyLaunch(BlastId, ActionId),
    /// The same of the mark that was asked about.
    UndoAnyMark(RecipientId, AskedMarks),
    /// The same mark on several people, undone as one.
    MarkSeveral {
        people: Vec<RecipientId>,
        mark: Mark,
    },
    /// What became of the messages of several people, undone as one.
    ResolveSeveral {
        people: Vec<RecipientId>,
        shown: ShownAttempts,
        resolution: Resolution,
    },
    /// The last mark of each of several people; asked about once more where somebody gets a message by it.
    UndoPeople(Vec<RecipientId>),
    /// The same, once that was answered, of the marks that were asked about.
    UndoAnyMarks(Vec<RecipientId>, AskedMarks),
    Launch(Launch),
    Resume(Launch),
    Pause(BlastId),
    /// While it is as it was shown: in this version, and with so many still queued.
    Cancel {
        blast: BlastId,
        version: i64,
        people: i64,
    },
    /// While it has the version that was shown.
    Delete {
        blast: BlastId,
        version: i64,
    },
    /// Leaves out the next time of a blast that repeats, while it is this one.
    Skip {
        blast: BlastId,
        at: DateTime<Utc>,
    },
    /// How fast a blast that has started goes, and at which hours.
    EditPace {
        blast: BlastId,
        /// The version that was shown.
        version: i64,
        /// How many people it sends to by its new hours, where somebody confirmed that.
        people: Option<i64>,
        edit: Box<DraftEdit>,
    },
    /// Tries those who failed again, if they are still as many as the operator typed.
    Retry {
        blast: BlastId,
        people: i64,
    },
    /// Writes the blast's report to a new file.
    Report(BlastId),
    /// Writes a workbook with those of the blast whom the filter finds, which is this text of `/`.
    Export {
        blast: BlastId,
        filter: Filter,
        search: Option<String>,
    },
    /// A draft to those who are stuck.
    FollowUp(FollowUp),
    /// A draft to those who were found.
    FollowFound(FoundFollowUp),
    /// The same by itself, for whoever is stuck or has a cart so long from now on.
    AddStep(StepAlike),
    /// Pauses, resumes or removes a step.
    ChangeStep {
        step: StepKey,
        to: StepChange,
        /// As it was shown.
        seen: StepSeen,
    },
    SetStepMessage(StepMessageEdit),
    /// Text to somebody who wrote.
    Answer(AnswerText),
    /// About somebody's orders or carts.
    Shop(Box<ShopWrite>),
    /// The file of a reply, into the current directory.
    SaveFile(ReplyId),
    /// The sender of this name may send from the database as it is, though that differs from this machine's record.
    ConfirmSender {
        name: String,
        /// Queued in what was launched of it, as it was shown.
        people: i64,
    },
    Draft(DraftWrite),
    /// One person's message to the operator's own number: the one that was typed, else the configuration's.
    SendTest {
        blast: BlastId,
        /// Of the words that were shown.
        version: i64,
        person: RecipientId,
        to: Option<String>,
    },
    /// A plan or the people of one of its counts, as lines of text, into a file of its own.
    SavePlan {
        blast: BlastId,
        people: Option<PlanCount>,
        text: String,
    },
    /// Into the configuration, once its provider says that it can send.
    AddSender(Box<NewSender>),
}

impl WriteRequest {
    /// Whether it takes something back.
    pub const fn is_undo(&self) -> bool {
        matches!(
            self,
            Self::UndoNamed(_)
                | Self::UndoMyAct(_)
                | Self::UndoLaunch(_)
                | Self::UndoPerson(_)
                | Self::UndoAnyLaunch(..)
                | Self::UndoAnyMark(..)
                | Self::UndoPeople(_)
                | Self::UndoAnyMarks(..)
        )
    }

    /// The amount of this person's sale that it writes.
    pub fn amount_of(&self, of: RecipientId) -> Option<Decimal> {
        match self {
            Self::Mark { person, mark: Mark::Closed(amount) } if *person == of => *amount,
            Self::Amend { person, amount, .. } if *person == of => Some(*amount),
            _ => None,
        }
    }

    /// Whether it is one of those that may take minutes and whose outcome nobody would hear of who left meanwhile: what the others make can be
    /// seen, or is made again.
    pub const fn is_large_act(&self) -> bool {
        matches!(self, Self::Cancel { .. } | Self::Delete { .. } | Self::AddStep(_) | Self::Retry { .. })
    }

    /// Whether it may take minutes: it runs beside those that follow.
    pub const fn takes_long(&self) -> bool {
        matches!(
            self,
            Self::Cancel { .. }
                | Self::Delete { .. }
                | Self::FollowUp(_)
                | Self::FollowFound(_)
                | Self::AddStep(_)
                | Self::Retry { .. }
                | Self::Report(_)
                | Self::Export { .. }
                | Self::Draft(_)
                | Self::AddSender(_)
        )
    }
}

/// Text to somebody of a blast who wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerText {
    pub blast: BlastId,
    pub person: RecipientId,
    /// With the plus.
    pub phone: String,
    pub text: String,
}

/// Another text for a step, in place of the one that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepMessageEdit {
    pub step: StepKey,
    pub seen: String,
    pub message: String,
}

#[cfg(test)]
impl WriteRequest {
    /// Whether it starts messages, cannot be undone by a key, or concerns several people: never done without a question.
    pub const fn needs_question(&self) -> bool {
        match self {
            Self::Shop(write) => write.act.needs_question(),
            Self::ChangeStep { to, .. } => !matches!(to, StepChange::Pause),
            Self::Launch(_)
            | Self::Resume(_)
            | Self::Retry { .. }
            | Self::Cancel { .. }
            | Self::Delete { .. }
            | Self::Skip { .. }
            | Self::SendTest { .. }
            | Self::ConfirmSender { .. }
            | Self::MarkSeveral { .. }
            | Self::ResolveSeveral { .. }
            | Self::Resolve { resolution: Resolution::Resend, .. }
            | Self::UndoAnyLaunch(..)
            | Self::UndoAnyMark(..)
            | Self::UndoAnyMarks(..) => true,
            Self::Mark { mark, .. } => matches!(mark, Mark::OptOut | Mark::Resolve(Resolution::Resend)),
            Self::Resolve { resolution: Resolution::Sent | Resolution::Drop, .. }
            // A step that sends by itself is paused before its text is changed, and resuming it asks.
            | Self::SetStepMessage(_)
            // An answer is typed in a field of its own, and sent by its enter; what is done to several is asked about before it is done.
            | Self::Answer(_)
            | Self::UndoPeople(_)
            | Self::SaveFile(_)
            | Self::Amend { .. }
            | Self::FollowUp(_)
            | Self::FollowFound(_)
            | Self::AddStep(_)
            | Self::Report(_)
            | Self::Export { .. }
            | Self::UndoMine { .. }
            // Asked about first, unless the line that names it is still shown.
            | Self::UndoNamed(_)
            | Self::UndoMyAct(_)
            | Self::UndoLaunch(_)
            | Self::UndoPerson(_)
            | Self::Pause(_)
            | Self::EditPace { .. }
            | Self::Draft(_)
            | Self::AddSender(_)
            | Self::SavePlan { .. } => false,
        }
    }
}

/// What a write came to.
#[derive(Debug, Clone, PartialEq)]
pub enum WriteOutcome {
    Marked(Box<Marked>),
    MarkedSeveral(MarkedSeveral),
    Undone(UndoOutcome),
    /// Nothing yet: what would be undone is somebody else's. The question, and what is done on a yes.
    AsksFirst {
        question: String,
        then: WriteRequest,
    },
    Blast(Box<BlastView>),
    /// How many were left out.
    Cancelled(i64),
    Deleted,
    /// Nothing was ended: the blast is not as it was shown any more, and stands like this now.
    Outdated(Box<BlastView>),
    /// So many are queued again.
    Retried {
        blast: Box<BlastView>,
        people: i64,
    },
    /// The file that the report is in.
    Report(String),
    /// The file that so many people are in.
    Exported {
        path: String,
        people: u64,
    },
    /// A draft was made to so many people.
    Drafted {
        blast: Box<BlastView>,
        people: u64,
    },
    StepAdded(Box<StepView>),
    StepChanged,
    SenderConfirmed(Confirmed),
    Answered(QueuedAnswer),
    Shop(ShopOutcome),
    FileSaved(SavedFile),
    Draft(DraftOutcome),
    SenderAdded(AddedSender),
    /// Where a plan was written to.
    PlanSaved(String),
}

impl WriteOutcome {
    /// Whether something was done in the shop: a question is no act yet, and a file that was written is none.
    pub const fn is_act(&self) -> bool {
        !matches!(
            self,
            Self::AsksFirst { .. }
                | Self::Outdated(_)
                | Self::Report(_)
                | Self::Exported { .. }
                | Self::PlanSaved(_)
                | Self::FileSaved(_)
        )
    }
}
