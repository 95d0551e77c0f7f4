//! Pages that lie over the desk: one person, a plan, help, commands, the log, what needs a person, found elsewhere.

use crate::app;
use crate::app::view::{ElsewhereRow, RecipientDetails};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::recipient::Resolution;
use crate::tui::action::Verb;
use crate::tui::model::AttentionItem;
use crate::tui::widget::TextField;

/// A page over the desk.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    Details(DetailsOverlay),
    Plan(Box<PlanOverlay>),
    Commands(CommandPalette),
    Elsewhere(ElsewhereOverlay),
    /// How far it is scrolled, in lines.
    Help(usize),
    Log(usize),
    /// What needs a person, and which of it is chosen.
    Needs(Option<AttentionItem>),
}

impl Overlay {
    /// How far it is scrolled, in lines.
    pub const fn scroll(&self) -> usize {
        match self {
            Self::Details(details) => details.scroll,
            Self::Plan(plan) => plan.scroll,
            Self::Help(scroll) | Self::Log(scroll) => *scroll,
            Self::Commands(_) | Self::Elsewhere(_) | Self::Needs(_) => 0,
        }
    }

    pub const fn scroll_mut(&mut self) -> Option<&mut usize> {
        match self {
            Self::Details(details) => Some(&mut details.scroll),
            Self::Plan(plan) => Some(&mut plan.scroll),
            Self::Help(scroll) | Self::Log(scroll) => Some(scroll),
            Self::Commands(_) | Self::Elsewhere(_) | Self::Needs(_) => None,
        }
    }
}

/// One person in full.
#[derive(Debug, Clone, PartialEq)]
pub struct DetailsOverlay {
    pub person: RecipientId,
    /// `None` until the answer is here.
    pub told: Option<Box<RecipientDetails>>,
    pub scroll: usize,
    /// The answer under the cursor, for somebody uncertain.
    pub choice: ResolutionChoice,
}

/// What can be said of a message whose fate is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResolutionChoice {
    /// Comes first, so that a stray enter does nothing.
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

impl DetailsOverlay {
    pub const fn of(person: RecipientId) -> Self {
        Self { person, told: None, scroll: 0, choice: ResolutionChoice::LeaveOpen }
    }

    /// Whether the page asks what became of the message.
    pub fn is_uncertain(&self) -> bool {
        self.told.as_ref().is_some_and(|told| told.row.status == crate::domain::status::Status::Uncertain)
    }
}

/// What a launch or resume would do, and the number being typed.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanOverlay {
    pub blast: BlastId,
    pub told: Option<app::Plan>,
    pub field: TextField,
    /// Why the last number typed was not taken.
    pub refused: Option<String>,
    /// Which of the samples is shown.
    pub sample: usize,
    pub scroll: usize,
}

/// Commands by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandPalette {
    pub field: TextField,
    pub row: usize,
}

/// A line of the commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandEntry {
    pub verb: Verb,
    pub title: &'static str,
    pub keys: String,
}

/// People of every blast that were found.
#[derive(Debug, Clone, PartialEq)]
pub struct ElsewhereOverlay {
    pub text: String,
    pub rows: Vec<ElsewhereRow>,
    pub row: usize,
}
