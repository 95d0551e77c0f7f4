//! The message of a step, being changed.

use crate::app::{StepKey, StepView};
use crate::tui::widget::TextArea;

/// The page on which a step is given another text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepMessageOverlay {
    pub step: StepKey,
    /// Its blast, as it is called in sentences.
    pub blast: String,
    /// What the step says, as the page shows it.
    pub seen: String,
    pub area: TextArea,
    pub progress: StepMessageProgress,
}

/// Whether a text was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepMessageProgress {
    Writing,
    /// Nothing more is taken until its outcome is known.
    Saving,
    /// It was refused, and why; the text is still there.
    Refused(String),
}

impl StepMessageOverlay {
    /// With the step's own text, or one that was begun before.
    pub fn new(view: &StepView, blast: String, begun: Option<&str>) -> Self {
        let seen = view.step.message.clone();
        let area = TextArea::with(begun.unwrap_or(&seen));
        Self { step: view.step.key(), blast, seen, area, progress: StepMessageProgress::Writing }
    }

    pub fn is_changed(&self) -> bool {
        self.area.text() != TextArea::with(&self.seen).text()
    }
}
