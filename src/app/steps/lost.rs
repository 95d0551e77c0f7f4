//! Steps that lost the number of somebody who was forgotten: none of them begins to send by itself unasked.

use super::StepView;
use crate::app::{App, AppError};
use crate::domain::blast::BlastState;
use crate::store::step::{self, StepKey};
use crate::store::view::BlastRow;

impl StepView {
    /// What it lost, with the command that mends it.
    pub fn lost_words(&self) -> Option<String> {
        self.lost_number.then(|| lost_words(self.step.key()))
    }
}

impl App {
    /// Why a draft is not launched with its steps: those that would send by themselves from then on, and lost a number.
    pub(in crate::app) async fn lost_in_steps(&self, blast: &BlastRow) -> Result<Vec<String>, AppError> {
        if blast.state != BlastState::Draft || !blast.origin.has_steps {
            return Ok(Vec::new());
        }
        let steps = step::of_blast(self.pool(), blast.id).await?;
        let lost = steps.iter().filter(|step| step.lost_number && step.sends_by_itself());
        Ok(lost.map(|step| held_words(step.key())).collect())
    }
}

pub(super) fn lost_words(key: StepKey) -> String {
    let StepKey { blast, number } = key;
    format!(
        "somebody was forgotten, and their number was taken out of the words of step {number} of blast {blast} or of values that it \
         sends: `blastdeck blast step set {blast} {number}` gives it other words"
    )
}

/// The same of a step that would send by itself once its draft is launched.
fn held_words(key: StepKey) -> String {
    let StepKey { blast, number } = key;
    let holds = format!("`blastdeck blast step pause {blast} {number}` holds it until somebody resumes it as it is");
    format!("{}, and {holds}", lost_words(key))
}
