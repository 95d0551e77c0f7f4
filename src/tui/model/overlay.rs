//! Overlays, which cover the panes: one person, a plan, help, commands, the log, what needs a person, people found in
//! other blasts.

mod plan_count;
mod typing;

pub use plan_count::PlanCount;

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::view::{BeforeResend, ElsewhereRow, RecipientDetails, Total};
use crate::app::{self, FollowUpPreview, FoundFollowUp, FoundPreview, PlanGroup, PlanPerson};
use crate::domain::follow_up::{PROPOSED_AGE, ages};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::recipient::{Resolution, ShownAttempts};
use crate::domain::status::Status;
use crate::tui::model::{AnswerOverlay, CustomerOverlay, Model, NeedsLine, StepMessageOverlay};
use crate::tui::view;
use crate::tui::widget::TextField;

/// What covers the panes.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    Details(DetailsOverlay),
    Customer(CustomerOverlay),
    Plan(Box<PlanOverlay>),
    Commands(CommandPalette),
    Elsewhere(ElsewhereOverlay),
    /// What became of the messages of several people.
    Uncertain(UncertainOverlay),
    FollowUp(FollowUpOverlay),
    FollowFound(FollowFoundOverlay),
    Help(HelpOverlay),
    /// How far it is scrolled, in lines.
    Log(usize),
    /// What needs a person, and which of it is chosen.
    Needs(Option<NeedsLine>),
    /// Text to somebody who wrote.
    Answer(Box<AnswerOverlay>),
    /// The message of a step, being changed.
    StepMessage(Box<StepMessageOverlay>),
    /// The form of a blast, which the model keeps: it is written to the database also after it was left.
    Form,
    /// The first screen, and which of its lines is chosen.
    Welcome(usize),
    /// The form that adds a sender, which the model keeps.
    NewSender,
}

impl Overlay {
    /// Whether it is a form, which takes its own keys alone.
    pub const fn is_form(&self) -> bool {
        matches!(self, Self::Form | Self::NewSender | Self::Welcome(_))
    }

    /// What a larger window is needed for, where keys typed blindly would do something.
    const fn needs_room_to(&self) -> &'static str {
        match self {
            Self::Plan(_) => "make the window larger to send",
            Self::Form | Self::NewSender | Self::StepMessage(_) => "make the window larger to write",
            Self::Answer(_) => "make the window larger to answer",
            Self::Welcome(_)
            | Self::Details(_)
            | Self::Customer(_)
            | Self::FollowUp(_)
            | Self::FollowFound(_)
            | Self::Needs(_)
            | Self::Uncertain(_)
            | Self::Elsewhere(_) => "make the window larger to choose",
            Self::Commands(_) => "make the window larger to type",
            Self::Help(_) | Self::Log(_) => "make the window larger to read",
        }
    }

    /// How far it is scrolled, in lines.
    pub const fn scroll(&self) -> usize {
        match self {
            Self::Details(details) => details.scroll,
            Self::Plan(plan) => plan.scroll,
            Self::FollowFound(page) => page.scroll,
            Self::Help(help) => help.scroll,
            Self::Log(scroll) => *scroll,
            Self::Commands(_)
            | Self::Answer(_)
            | Self::StepMessage(_)
            | Self::Customer(_)
            | Self::FollowUp(_)
            | Self::Elsewhere(_)
            | Self::Uncertain(_)
            | Self::Needs(_)
            | Self::Form
            | Self::Welcome(_)
            | Self::NewSender => 0,
        }
    }

    /// How many lines it was scrolled away from the line that it shows by itself.
    pub const fn peek(&self) -> isize {
        match self {
            Self::Plan(plan) => plan.peek,
            Self::FollowUp(page) => page.peek,
            Self::Customer(page) => page.peek,
            _ => 0,
        }
    }

    pub const fn peek_mut(&mut self) -> Option<&mut isize> {
        match self {
            Self::Plan(plan) => Some(&mut plan.peek),
            Self::FollowUp(page) => Some(&mut page.peek),
            Self::Customer(page) => Some(&mut page.peek),
            _ => None,
        }
    }

    pub const fn scroll_mut(&mut self) -> Option<&mut usize> {
        match self {
            Self::Details(details) => Some(&mut details.scroll),
            Self::Plan(plan) => Some(&mut plan.scroll),
            Self::FollowFound(page) => Some(&mut page.scroll),
            Self::Help(help) => Some(&mut help.scroll),
            Self::Log(scroll) => Some(scroll),
            Self::Commands(_)
            | Self::Answer(_)
            | Self::StepMessage(_)
            | Self::Customer(_)
            | Self::FollowUp(_)
            | Self::Elsewhere(_)
            | Self::Uncertain(_)
            | Self::Needs(_)
            | Self::Form
            | Self::Welcome(_)
            | Self::NewSender => None,
        }
    }
}

/// One person in full.
#[derive(Debug, Clone, PartialEq)]
pub struct DetailsOverlay {
    pub person: RecipientId,
    /// `None` until it is read.
    pub loaded: Option<Box<RecipientDetails>>,
    pub scroll: usize,
    /// The choice at the cursor, for somebody uncertain.
    pub choice: ResolutionChoice,
    /// Who answered the question while an answer was chosen, and what, until a key is pressed: that key was meant for the question.
    pub answered: Option<String>,
    /// The attempt that was asked about first.
    pub asked: Option<i32>,
}

/// What the operator can say about a message whose fate is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResolutionChoice {
    /// The first choice, so that a stray enter does nothing.
    #[default]
    LeaveOpen,
    Say(Resolution),
}

/// The choices, in the screen's order.
pub const RESOLUTIONS: [ResolutionChoice; 4] = [
    ResolutionChoice::LeaveOpen,
    ResolutionChoice::Say(Resolution::Sent),
    ResolutionChoice::Say(Resolution::Resend),
    ResolutionChoice::Say(Resolution::Drop),
];

impl ResolutionChoice {
    /// The choice so many lines further down.
    #[must_use]
    pub fn stepped(self, rows: isize) -> Self {
        let at = self.index().saturating_add_signed(rows).min(RESOLUTIONS.len() - 1);
        RESOLUTIONS[at]
    }

    /// Its line among the choices.
    pub fn index(self) -> usize {
        RESOLUTIONS.iter().position(|choice| *choice == self).unwrap_or_default()
    }
}

/// The question what became of the messages of those who are marked, all of them uncertain.
#[derive(Debug, Clone, PartialEq)]
pub struct UncertainOverlay {
    pub people: Vec<RecipientId>,
    pub shown: ShownAttempts,
    pub choice: ResolutionChoice,
    /// What is known of them before the message goes once more, once that is read.
    pub known: Option<BeforeResend>,
}

impl UncertainOverlay {
    /// `2 of them had this very message from another blast, too.`; nothing where nothing is known.
    pub fn known_in_words(&self) -> Option<String> {
        self.known.as_ref()?.of_several()
    }
}

impl DetailsOverlay {
    pub const fn of(person: RecipientId) -> Self {
        Self { person, loaded: None, scroll: 0, choice: ResolutionChoice::LeaveOpen, answered: None, asked: None }
    }

    /// Whether the operator is asked what became of the message.
    pub fn is_uncertain(&self) -> bool {
        self.loaded.as_ref().is_some_and(|loaded| loaded.row.status == Status::Uncertain)
    }
}

/// What a launch or resume would do, and the number being typed.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanOverlay {
    pub blast: BlastId,
    pub loaded: Option<app::Plan>,
    pub field: TextField,
    /// Why the last number typed was refused.
    pub refused: Option<String>,
    /// Something else than a number is being typed: no digit counts until the operator says that they have seen that.
    pub is_text: bool,
    /// Which of the samples is shown.
    pub sample: usize,
    /// Which of its counts is chosen.
    pub row: usize,
    /// Who one of them is about, where that is looked at; `None` within until it is read.
    pub people: Option<(PlanCount, Option<Vec<PlanPerson>>)>,
    pub scroll: usize,
    /// How many lines it was scrolled away from the field or the chosen count.
    pub peek: isize,
    /// When it was read: its times are of that moment.
    pub read_at: Option<DateTime<Utc>>,
    /// It was opened on a blast that starts by itself later, to send it now.
    pub is_scheduled: bool,
    /// The message to oneself that is on its way: once it is sent, what the plan says of the day is read again.
    pub test: Option<BlastId>,
    /// How many were queued when the blasts were read last, here or by others: it is read again when they are more or fewer.
    pub queued: Option<i64>,
}

/// For so long the times of a plan are true.
const TRUE_FOR: TimeDelta = TimeDelta::minutes(1);

impl PlanOverlay {
    pub fn of(blast: BlastId) -> Self {
        Self {
            blast,
            loaded: None,
            field: TextField::default(),
            refused: None,
            sample: 0,
            row: 0,
            people: None,
            scroll: 0,
            peek: 0,
            read_at: None,
            is_text: false,
            is_scheduled: false,
            test: None,
            queued: None,
        }
    }

    /// Whether its times are those of some time ago.
    pub fn is_old(&self, now: DateTime<Utc>) -> bool {
        self.read_at.is_some_and(|read_at| now - read_at >= TRUE_FOR)
    }

    /// The counts with somebody in them whom one can look at, in the order of the screen.
    pub fn counts(&self) -> Vec<PlanCount> {
        let Some(plan) = &self.loaded else { return Vec::new() };
        let groups = [
            (PlanGroup::OptedOut, plan.suppressed),
            (PlanGroup::Uncertain, plan.uncertain()),
            (PlanGroup::SameMessage, plan.had_this_message),
            (PlanGroup::Recent, plan.recently_messaged),
            (PlanGroup::Elsewhere, plan.queued_elsewhere),
            (PlanGroup::Wrote, plan.wrote),
            (PlanGroup::TwoNumbers, plan.two_numbers),
            (PlanGroup::NoSession, plan.no_session),
        ];
        let groups = groups.into_iter().filter(|(_, people)| *people > 0).map(|(group, _)| PlanCount::Group(group));
        groups.chain(plan.left_out.as_ref().map(|_| PlanCount::LeftOut)).collect()
    }

    /// To the next sample or the one before; the first follows the last.
    pub fn step_sample(&mut self, by: isize) {
        let samples = self.loaded.as_ref().map_or(0, |loaded| loaded.samples.len()).cast_signed().max(1);
        self.sample = (self.sample.cast_signed() + by).rem_euclid(samples).cast_unsigned();
    }
}

/// Commands by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandPalette {
    pub field: TextField,
    pub row: usize,
}

/// Every key, or those lines of it in which something stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HelpOverlay {
    /// How far it is scrolled, in lines.
    pub scroll: usize,
    /// What is sought in it.
    pub filter: TextField,
    /// Keys go into that.
    pub is_typing: bool,
}

/// People found in every blast.
#[derive(Debug, Clone, PartialEq)]
pub struct ElsewhereOverlay {
    pub text: String,
    pub rows: Vec<ElsewhereRow>,
    pub row: usize,
}

/// Whom a follow-up would reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUpOverlay {
    pub blast: BlastId,
    pub stage: Status,
    pub loaded: Option<FollowUpPreview>,
    /// For how long they have to be stuck, an index into the ages.
    pub age: usize,
    /// It is being made: a second key makes no second one.
    pub is_being_made: bool,
    /// How many lines it was scrolled away from the chosen age.
    pub peek: isize,
}

impl FollowUpOverlay {
    pub const fn of(blast: BlastId, stage: Status) -> Self {
        Self { blast, stage, loaded: None, age: PROPOSED_AGE, is_being_made: false, peek: 0 }
    }

    /// What was read. The first time, an age at which somebody gets it: the proposed one, else the oldest younger one; everybody, so
    /// that the reasons are in sight, where nobody does.
    pub fn take(&mut self, loaded: FollowUpPreview) {
        if self.loaded.is_none() {
            let gets = |age: &usize| loaded.ages.get(*age).is_some_and(|count| count.gets() > 0);
            self.age = (0..=self.age).rev().find(gets).unwrap_or_default();
        }
        self.loaded = Some(loaded);
    }

    /// To an older age or a younger one; none while they are counted, since which one is chosen then is not known before.
    pub fn step_age(&mut self, by: isize) {
        if self.loaded.is_none() {
            return;
        }
        let last = ages().len() - 1;
        self.age = self.age.saturating_add_signed(by).min(last);
        self.peek = 0;
    }

    pub fn older_than(&self) -> TimeDelta {
        ages().get(self.age).copied().unwrap_or_default()
    }

    /// A step is for those who have been stuck for some time.
    pub fn can_be_step(&self) -> bool {
        self.older_than() > TimeDelta::zero()
    }
}

/// Whom a follow-up to people who were found would reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowFoundOverlay {
    pub from: FoundFollowUp,
    pub loaded: Option<FoundPreview>,
    /// It is being made: a second key makes no second one.
    pub is_being_made: bool,
    /// How far it is scrolled, in lines.
    pub scroll: usize,
    /// How many the list has from which it was opened.
    pub listed: Option<Total>,
    /// How long those have had a cart who were asked for, and nobody else was.
    pub cart_age: Option<TimeDelta>,
}

/// A question is read from so many columns on, whole.
const QUESTION_WIDTH: u16 = 16;

impl Model {
    /// Why nothing can be typed or answered now: what it would be typed into is not drawn at this size.
    pub fn not_drawn(&self) -> Option<&'static str> {
        if !self.layout().is_summary() {
            return None;
        }
        if self.prompt.is_some() {
            let rows = view::small_question(self).len();
            let is_drawn = self.size.width >= QUESTION_WIDTH && usize::from(self.size.height) >= rows.max(2);
            return (!is_drawn).then_some("make the window larger to answer");
        }
        self.overlays.last().map(Overlay::needs_room_to)
    }
}
