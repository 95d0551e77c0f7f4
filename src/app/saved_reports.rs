//! Reports as records: the numbers of a moment, kept, and listed again.

use serde_json::value::to_raw_value;

use super::App;
use super::AppError;
use super::commands::no_blast;
use super::report::Report;
use crate::domain::ids::BlastId;
use crate::store::report::{self, SavedReport, SavedReportQuery};
use crate::store::view;

impl App {
    /// Keeps a blast's report as it is now; for a caller's repeated request, once.
    pub async fn save_report(&self, blast: BlastId) -> Result<(Report, SavedReport), AppError> {
        let report = self.report(blast).await?;
        let json = to_raw_value(&report).map_err(|error| AppError::invalid("report", error.to_string()))?;
        let mut tx = self.begin().await?;
        let saved = report::save(&mut *tx, blast, self.operator(), &json).await?.ok_or_else(|| no_blast(blast))?;
        tx.commit().await?;
        Ok((report, saved))
    }

    /// The reports of a blast that were kept, newest first.
    pub async fn saved_reports(&self, query: SavedReportQuery) -> Result<Vec<SavedReport>, AppError> {
        let found = report::list(self.pool(), query).await?;
        if found.is_empty() {
            view::blasts::state(self.pool(), query.blast).await?.ok_or_else(|| no_blast(query.blast))?;
        }
        Ok(found)
    }
}
