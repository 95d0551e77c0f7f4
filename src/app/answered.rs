//! Who of a follow-up's people answered since it was made: no follow-up goes to them, and its plan counts them.

use super::segment::SegmentCount;
use super::{App, AppError};
use crate::domain::blast::BlastState;
use crate::domain::filter::segment::Exclusion;
use crate::domain::ids::{BlastId, RecipientId};
use crate::store::answered;
use crate::store::suppression;
use crate::store::view::BlastRow;
use crate::store::view::segment::ExclusionCount;

/// How many of a follow-up's people answered since it was made, by what they did.
#[derive(Debug, Clone, Default)]
pub(super) struct AnsweredSince(Vec<(Exclusion, i64)>);

impl AnsweredSince {
    pub(super) fn people(&self) -> i64 {
        self.0.iter().map(|(_, people)| people).sum()
    }
}

impl App {
    /// Nobody where the blast follows none, or a filter is read again instead.
    pub(super) async fn answered_since(&self, row: &BlastRow) -> Result<AnsweredSince, AppError> {
        if !keeps_its_people(row) {
            return Ok(AnsweredSince::default());
        }
        let counts = answered::counts(self.pool(), row.id).await?;
        let of = |count: ExclusionCount| Some((count.left_out.0?, count.people));
        let mut counts: Vec<_> = counts.into_iter().filter_map(of).collect();
        counts.sort_unstable();
        Ok(AnsweredSince(counts))
    }

    /// Their rows, and in a blast that is for people those of whoever opted out, also at another number of theirs: a plan shows no text of
    /// theirs.
    pub(super) async fn answered_rows(&self, row: &BlastRow) -> Result<Vec<RecipientId>, AppError> {
        let mut rows = if keeps_its_people(row) { answered::rows(self.pool(), row.id).await? } else { Vec::new() };
        if row.origin.is_follow_up || row.origin.segment.is_some() {
            rows.extend(suppression::rows_in(self.pool(), row.id).await?);
        }
        Ok(rows)
    }

    /// Whom the filter of a blast finds, or a follow-up was made for, and who of them is left out.
    pub(super) async fn whom_it_finds(
        &self,
        row: &BlastRow,
        business: &str,
        since: AnsweredSince,
    ) -> Result<Option<SegmentCount>, AppError> {
        match self.segment_count(row, business).await? {
            None => self.answered_count(row, since).await,
            count => Ok(count),
        }
    }

    /// Those who answered as a plan shows them: `None` where nobody did.
    async fn answered_count(&self, row: &BlastRow, since: AnsweredSince) -> Result<Option<SegmentCount>, AppError> {
        if since.0.is_empty() {
            return Ok(None);
        }
        let from = answered::made_for(self.pool(), row.id).await?;
        // Who opted out since is counted apart, and was found all the same.
        let finds = row.counts.queued + row.counts.opted_out;
        Ok(from.map(|from| SegmentCount { from, finds, left_out: since.0 }))
    }

    /// Leaves them out in the launch's own transaction. Refused where they are others than those who were counted.
    pub(super) async fn leave_out_answered(
        &self,
        tx: &mut sqlx::PgConnection,
        id: BlastId,
        counted: &AnsweredSince,
    ) -> Result<(), AppError> {
        if answered::leave_out(tx, id).await? == counted.people() {
            return Ok(());
        }
        Err(AppError::Refused(
            "some of its people answered a moment ago, or had another follow-up: check again, nothing was sent"
                .to_owned(),
        ))
    }
}

/// Whether it is a follow-up that can still start, to the people that it was made with. Also of a blast that is gone: who bought since by
/// the word of another one is left out all the same.
fn keeps_its_people(row: &BlastRow) -> bool {
    let is_to_start = matches!(row.state, BlastState::Draft | BlastState::Scheduled | BlastState::Paused);
    is_to_start && row.origin.is_follow_up && row.origin.segment.is_none()
}
