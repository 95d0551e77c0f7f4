//! What an update wants done, and what it came to. Plain data; [`runner`] does it against the engine.

mod acts;
mod drafts;
mod editor;
mod failure;
pub mod runner;
mod shop;
mod write;

pub use drafts::{DraftAnswer, DraftOutcome, DraftRead, DraftWrite, HeaderOfForm};
pub use failure::{EffectError, EffectResult};
pub use shop::{ShopAct, ShopOutcome, ShopWrite};
pub use write::{AnswerText, StepMessageEdit, WriteOutcome, WriteRequest};

use std::mem::{Discriminant, discriminant};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::model::{MouseCapture, PageRequest};
use super::{Charset, ExitReason, Palette};
use crate::app::report::ErrorLine;
use crate::app::view::{
    ActivityHead, ActivityPage, ActivityPosition, BeforeResend, BlastView, ChangesSince, ElsewhereRow,
    FollowUpResponses, RecipientDetails, RecipientQuery, RecipientRow, SenderView, Total,
};
use crate::app::{CustomerSheet, FollowUpPreview, FoundFollowUp, FoundPreview, Plan, PlanGroup, PlanPerson, StepView};
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::domain::progress::BlastProgress;
use crate::domain::status::Status;
use crate::domain::unseen::SeenSpan;

/// The most people that one act marks.
pub const ALL_FOUND_MAX: usize = 10_000;

/// The most people that are found in other blasts.
pub const ELSEWHERE_MAX: u32 = 50;

/// Something to be done outside the model.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Read(ReadRequest),
    /// Writes run one after the other, in the order of their keys.
    Write(WriteRequest),
    /// Records that the operator was here.
    TouchLastSeen,
    /// Records what the operator was shown of what happened.
    SeeActivity(Vec<SeenSpan>),
    /// Says to others that this window is open.
    RenewPresence,
    /// Rings the terminal's bell.
    Bell,
    /// Stops the list that is being taken into a draft.
    StopList,
    /// Before a suspension.
    ReleaseLeases,
    /// After a suspension.
    ReacquireLeases,
    /// Hands a text to the terminal's clipboard.
    Copy(String),
    /// Draws in these colours from now on.
    Recolour(Palette),
    CaptureMouse(MouseCapture),
    /// Lends the terminal to the operator's editor, for this text.
    Edit(String),
    /// Lends the terminal to a demo.
    Practise(Charset),
    /// Stops the process until it is continued, and prints first what starts meanwhile.
    Suspend(Option<String>),
    /// Sets the terminal up again and paints everything.
    Repaint,
    Exit(ExitReason),
}

impl Effect {
    pub const fn as_write(&self) -> Option<&WriteRequest> {
        match self {
            Self::Write(request) => Some(request),
            _ => None,
        }
    }

    /// Whether it reads for a list that another has taken the place of.
    pub fn is_of_list_before(&self, newest: u64) -> bool {
        match self {
            Self::Read(
                ReadRequest::List { ticket, .. }
                | ReadRequest::Count { ticket, .. }
                | ReadRequest::CountWider { ticket, .. }
                | ReadRequest::Elsewhere { ticket, .. },
            ) => *ticket < newest,
            _ => false,
        }
    }
}

/// Something to be read from the database.
#[derive(Debug, Clone, PartialEq)]
pub enum ReadRequest {
    Blasts,
    Senders,
    List {
        ticket: u64,
        part: ListPart,
        query: RecipientQuery,
    },
    /// The present rows of these recipients.
    Rows(Vec<RecipientId>),
    /// How many match.
    Count {
        ticket: u64,
        blast: BlastId,
        filter: Filter,
    },
    /// The same for a list that stands while its blast changes.
    CountAgain {
        ticket: u64,
        blast: BlastId,
        filter: Filter,
    },
    /// How many match in any way, where those are listed whose number ends in what was typed.
    CountWider {
        ticket: u64,
        blast: BlastId,
        filter: Filter,
    },
    /// How many of those that match changed after a time.
    CountChanged {
        ticket: u64,
        blast: BlastId,
        filter: Filter,
        after: DateTime<Utc>,
    },
    ChangesSince {
        blast: BlastId,
        from: DateTime<Utc>,
    },
    /// What happened since the operator was last seen.
    Away,
    Person(RecipientId),
    /// Everything of the customer who has this number.
    Customer(Phone),
    /// What happened, before a place or from the newest on.
    Activity {
        ticket: u64,
        before: Option<ActivityPosition>,
        limit: u32,
    },
    /// How much of what happened is new.
    ActivityHead,
    /// Who else has a dashboard open.
    Others,
    Plan(BlastId, Tz),
    /// Everybody in a list, as it was frozen.
    AllFound {
        ticket: u64,
        blast: BlastId,
        filter: Filter,
        as_of: Option<DateTime<Utc>>,
    },
    /// How many of those who failed may be tried again.
    Retryable(BlastId),
    /// Who else took back the newest launch or resume of a blast.
    TakenBackBy(BlastId),
    /// How many of these people had their message by another blast, too.
    BeforeResend(Vec<RecipientId>),
    /// Blasts over time.
    Progress(Vec<BlastId>),
    /// Why people of a blast failed.
    Errors(BlastId),
    /// Whom a follow-up to those stuck at a stage would reach.
    FollowUp {
        blast: BlastId,
        stuck_at: Status,
    },
    /// The same while its page is open.
    FollowUpAgain {
        blast: BlastId,
        stuck_at: Status,
    },
    /// Whom a follow-up to people who were found would reach.
    FoundFollowUp(FoundFollowUp),
    /// The same while its page is open.
    FoundFollowUpAgain(FoundFollowUp),
    /// Who came back after the follow-ups of a blast.
    FollowUpResponses(BlastId),
    /// Who a count of a plan is about.
    PlanPeople {
        blast: BlastId,
        group: PlanGroup,
    },
    /// The steps of these blasts.
    Steps(Vec<BlastId>),
    /// Which of these blasts would continue without this window.
    HandOver(Vec<BlastId>),
    /// For the form of a blast.
    Draft(DraftRead),
    /// Who matches in every blast, the people of `here` last; of a few digits with which nobody's number here ends, those whose number
    /// ends in them, where there are any.
    Elsewhere {
        ticket: u64,
        here: Option<BlastId>,
        filter: Filter,
        is_ending_first: bool,
    },
}

/// Identifies the requests that replace one another.
pub type ReadSlot = (Discriminant<ReadRequest>, Option<ListPart>, Option<Discriminant<DraftRead>>);

impl ReadRequest {
    pub const fn slot(&self) -> ReadSlot {
        let (part, draft) = match self {
            Self::List { part, .. } => (Some(*part), None),
            Self::Draft(draft) => (None, Some(discriminant(draft))),
            _ => (None, None),
        };
        (discriminant(self), part, draft)
    }
}

/// Which part of a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListPart {
    /// The list itself, in place of the one shown.
    Reload,
    /// The page after the rows kept.
    NextPage,
    /// The page before them.
    PreviousPage,
}

/// What an effect came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Completion {
    Blasts(EffectResult<Vec<BlastView>>),
    Senders(EffectResult<Vec<SenderView>>),
    List {
        ticket: u64,
        part: ListPart,
        asked: PageRequest,
        rows: EffectResult<Vec<RecipientRow>>,
        /// When anybody of a list that does not begin with its newest change last changed.
        newest: Option<DateTime<Utc>>,
    },
    Rows(EffectResult<Vec<RecipientRow>>),
    /// Of those who were asked for some do not exist any more.
    SomeGone {
        gone: Vec<RecipientId>,
        rows: Vec<RecipientRow>,
    },
    Count {
        ticket: u64,
        total: EffectResult<Total>,
    },
    CountWider {
        ticket: u64,
        total: EffectResult<Total>,
    },
    CountChanged {
        ticket: u64,
        total: EffectResult<Total>,
    },
    ChangesSince {
        blast: BlastId,
        since: EffectResult<ChangesSince>,
    },
    Away(EffectResult<Option<ChangesSince>>),
    Person(Box<EffectResult<RecipientDetails>>),
    Customer {
        phone: Phone,
        sheet: Box<EffectResult<CustomerSheet>>,
    },
    Activity {
        ticket: u64,
        before: Option<ActivityPosition>,
        limit: u32,
        page: EffectResult<ActivityPage>,
    },
    ActivityHead(EffectResult<ActivityHead>),
    /// What is new after something was recorded as seen.
    ActivitySeen(EffectResult<ActivityHead>),
    Others(EffectResult<Vec<String>>),
    Plan {
        blast: BlastId,
        plan: Box<EffectResult<Plan>>,
    },
    AllFound {
        ticket: u64,
        /// More than [`ALL_FOUND_MAX`], by up to a page, where there are more.
        people: EffectResult<Vec<RecipientId>>,
    },
    Retryable {
        blast: BlastId,
        people: EffectResult<i64>,
        /// Where that is nobody, why.
        nobody: Option<String>,
    },
    TakenBackBy {
        blast: BlastId,
        by: EffectResult<Option<String>>,
    },
    BeforeResend {
        of: Vec<RecipientId>,
        known: EffectResult<BeforeResend>,
    },
    Progress(EffectResult<Vec<(BlastId, BlastProgress)>>),
    Errors {
        blast: BlastId,
        errors: EffectResult<Vec<ErrorLine>>,
    },
    FollowUp(EffectResult<FollowUpPreview>),
    FoundFollowUp(EffectResult<FoundPreview>),
    FollowUpResponses {
        blast: BlastId,
        came_back: EffectResult<FollowUpResponses>,
    },
    PlanPeople {
        blast: BlastId,
        group: PlanGroup,
        people: EffectResult<Vec<PlanPerson>>,
    },
    Steps(EffectResult<Vec<StepView>>),
    /// Those that would not continue, each with what is missing.
    HandOver {
        blasts: Vec<BlastId>,
        missing: EffectResult<Vec<(BlastId, String)>>,
    },
    Elsewhere {
        ticket: u64,
        rows: EffectResult<Vec<ElsewhereRow>>,
    },
    Written {
        request: WriteRequest,
        outcome: EffectResult<WriteOutcome>,
    },
    Draft(DraftAnswer),
    /// The text as it came back from an editor, or why it did not.
    Edited(Result<String, String>),
    /// A demo has ended, or could not begin.
    Practised(Result<(), String>),
    LeasesReleased,
}
