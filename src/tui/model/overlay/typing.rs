//! On which pages letters and digits are text.

use super::Overlay;

impl Overlay {
    /// Whether something is typed on it: a question that is asked over it would have the next letter for its answer.
    pub fn is_typed_on(&self) -> bool {
        match self {
            Self::Form | Self::NewSender | Self::Answer(_) | Self::StepMessage(_) | Self::Commands(_) => true,
            Self::Help(help) => help.is_typing,
            Self::Plan(plan) => plan.is_text || !plan.field.is_empty(),
            Self::Details(_)
            | Self::Customer(_)
            | Self::Elsewhere(_)
            | Self::Uncertain(_)
            | Self::FollowUp(_)
            | Self::FollowFound(_)
            | Self::Log(_)
            | Self::Needs(_)
            | Self::Welcome(_) => false,
        }
    }
}
