//! The message of a step, being changed.

use super::AnswerDraft;
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

/// A text that was begun and not saved, for when the same step is changed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepMessageDraft {
    pub step: StepKey,
    pub text: String,
}

/// Texts that were begun, and neither sent nor saved when their page was left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BegunTexts {
    pub answer: Option<AnswerDraft>,
    pub step_message: Option<StepMessageDraft>,
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
