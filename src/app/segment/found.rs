//! Follow-ups to those people of one blast whom a filter finds, with everything else as that blast has it.

use chrono::{DateTime, Utc};

use super::{SegmentCount, SegmentDraft};
use crate::app::{App, AppError};
use crate::domain::ids::BlastId;
use crate::import::Imported;
use crate::store::view::follow_up;

/// Whom such a follow-up goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFollowUp {
    pub blast: BlastId,
    /// The filter, as it would be typed.
    pub from: String,
}

/// Whom it would reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPreview {
    pub blast: BlastId,
    pub count: SegmentCount,
    /// When people of the blast were last marked by hand, and by whom.
    pub last_mark: Option<(DateTime<Utc>, String)>,
    /// What the draft would be called beside its blast's name.
    pub stage_name: String,
}

impl App {
    /// Who is found and who of them would be left out. Changes nothing.
    pub async fn found_preview(&self, from: &FoundFollowUp) -> Result<FoundPreview, AppError> {
        let blast = from.blast;
        let draft = self.draft_alike(blast).await?;
        let audience = self.audience_of(&draft, &from.from, Some(blast)).await?;
        let count = self.count_of(from.from.clone(), &audience).await?;
        let last_mark = follow_up::last_mark(self.pool(), blast).await?;
        Ok(FoundPreview { blast, count, last_mark, stage_name: draft.follow_up_stage })
    }

    /// Makes the draft, named as the next of the blast's follow-ups.
    pub async fn follow_up_found(&self, from: &FoundFollowUp) -> Result<Imported, AppError> {
        let draft = self.draft_alike(from.blast).await?;
        let (from, follows) = (from.from.clone(), Some(from.blast));
        self.create_from_segment(SegmentDraft { draft, from, follows }).await
    }
}
