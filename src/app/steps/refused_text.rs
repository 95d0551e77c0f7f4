//! Steps whose text Meta refuses: it lets nobody send text to whoever wrote nothing for 24 hours, and most steps wait for just these.

use super::StepView;
use crate::app::{App, AppError, Plan};
use crate::domain::sender::ProviderKind;
use crate::domain::step::StepRule;
use crate::domain::text;
use crate::store::plan;
use crate::store::step::{StepKey, StepRow};
use crate::store::view::BlastRow;

/// What is said of such a step, behind what it is called.
const REFUSED: &str = "sends text to people of whom nearly all wrote nothing for 24 hours, which Meta refuses (131047)";

impl StepView {
    /// That its text reaches nearly nobody, with the command that mends it; `None` where it may reach them.
    pub fn refused_text_words(&self) -> Option<String> {
        let what = self.refused_text?;
        let StepKey { blast, number } = self.step.key();
        let set = format!("`blastdeck blast step set {blast} {number}` with `--template`");
        let asks = "; one of its drafts of which more than half is refused waits for your yes";
        let asks = if self.step.at_most.is_some() { asks } else { "" };
        Some(format!("step {number} of blast {blast} {what}: {set} gives it a template, which reaches them{asks}"))
    }
}

impl App {
    /// What is said of a step whose text Meta refuses for nearly everybody whom it waits for.
    pub(super) fn refused_text(&self, row: &BlastRow, step: &StepRow, rule: StepRule) -> Option<&'static str> {
        let is_of_meta = self.config().sender(&row.sender)?.provider == ProviderKind::Meta;
        (is_of_meta && step.template.is_none() && rule.outlasts_session()).then_some(REFUSED)
    }

    /// Why a draft that was to be sent by itself waits for somebody: most of its people would get nothing, and none of them comes into
    /// another draft of its step.
    pub(super) async fn why_text_asks(&self, row: &BlastRow, people: i64) -> Result<Option<String>, AppError> {
        let business = self.business(row.sender_id).await?;
        let refused = plan::without_session(self.pool(), (row.id, &business), &[]).await?;
        let words = || format!("{} of {} {}", text::number(refused), text::people(people), Plan::NO_SESSION);
        Ok((refused * 2 > people).then(words))
    }
}
