//! Text to somebody who wrote: what was said before, and the field.

use crate::app::view::RecipientDetails;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::tui::widget::TextField;

/// An answer being written.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerOverlay {
    pub person: RecipientId,
    pub blast: BlastId,
    pub phone: Phone,
    pub who: String,
    pub field: TextField,
    /// `None` until it is read.
    pub loaded: Option<Box<RecipientDetails>>,
    pub progress: AnswerProgress,
}

/// Whether an answer was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerProgress {
    Writing,
    /// Queued in a moment: `enter` does nothing more.
    Sending,
    /// It was refused, and why; the text is still there.
    Refused(String),
}
