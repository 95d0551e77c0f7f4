//! How blasts went over time, and why people failed, for charts.

use super::App;
use super::AppError;
use super::report::{ErrorLine, ReportPictures};
use crate::domain::ids::BlastId;
use crate::domain::progress::BlastProgress;
use crate::domain::status::Status;
use crate::store::view::{RecipientRow, progress};

impl App {
    /// A blast over time. Of a large one it is drawn from a sample, at the same cost as of a small one.
    pub async fn progress(&self, blast: BlastId) -> Result<BlastProgress, AppError> {
        let counts = self.counts(blast).await?;
        let mut people = Vec::new();
        for status in Status::ALL.into_iter().filter(|status| status.is_in_funnel()) {
            let count = counts.get(status);
            if count > 0 {
                people.extend(progress::sample(self.pool(), blast, (status, count)).await?);
            }
        }
        Ok(BlastProgress::of(&people, self.config().ui.timezone))
    }

    /// What a report's pictures show.
    pub async fn report_pictures(&self, blast: BlastId) -> Result<ReportPictures, AppError> {
        Ok(ReportPictures {
            progress: self.progress(blast).await?,
            revenue: progress::revenue(self.pool(), blast).await?,
            zone: self.config().ui.timezone,
            made_at: self.engine().clock.now(),
        })
    }

    /// Why people of a blast failed, by the provider's code, with what to do about it.
    pub async fn explained_errors(&self, blast: BlastId) -> Result<Vec<ErrorLine>, AppError> {
        let row = self.blast_row(blast).await?;
        let provider = self.sender(row.sender_id).map(|sender| sender.provider.clone());
        let advice = |code: &str| provider.as_ref().and_then(|provider| provider.advice(code)).map(str::to_owned);
        let errors = self.errors(blast).await?;
        Ok(errors.iter().map(|error| ErrorLine::new(error, &advice)).collect())
    }
    /// What to do about the error code of somebody who failed, or is tried again; `None` where their provider's client does not know it.
    pub(super) async fn advice_for(&self, row: &RecipientRow) -> Result<Option<&'static str>, AppError> {
        self.advice_to(row.blast_id, row.error_code.as_deref()).await
    }

    /// The same about a code that the provider of a blast's sender gave.
    pub(super) async fn advice_to(&self, blast: BlastId, code: Option<&str>) -> Result<Option<&'static str>, AppError> {
        let Some(code) = code else { return Ok(None) };
        let blast = self.blast_row(blast).await?;
        Ok(self.sender(blast.sender_id).and_then(|sender| sender.provider.advice(code)))
    }
}
