//! A filter as it is asked: whose people, of which business, beside which follow-ups, within which frequency cap.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use sqlx::PgConnection;

use super::FIELD;
use crate::app::launching::RENEWED;
use crate::app::{App, AppError, NewDraft};
use crate::domain::filter::segment::{Segment, SegmentReader};
use crate::domain::ids::BlastId;
use crate::store::view::BlastRow;
use crate::store::view::segment::{self, CapWindow, SegmentPerson, SegmentQuery, StepAudience};

/// A filter that was read, and what is asked beside it.
pub(in crate::app) struct SegmentAudience {
    pub(super) segment: Segment,
    pub(super) business: String,
    pub(super) follows: Option<BlastId>,
    pub(super) step: Option<StepAudience>,
    pub(super) draft: Option<BlastId>,
    /// When it starts by itself.
    pub(super) start: Option<DateTime<Utc>>,
}

impl App {
    pub(super) async fn audience_of(
        &self,
        draft: &NewDraft,
        text: &str,
        follows: Option<BlastId>,
    ) -> Result<SegmentAudience, AppError> {
        let missing = || AppError::NotFound(self.no_sender(&draft.sender));
        let sender = self.config().sender(&draft.sender).ok_or_else(missing)?;
        let id = crate::store::sender::id(self.pool(), &sender.name).await?;
        let id = id.filter(|id| self.only_sender().is_none_or(|own| own == *id)).ok_or_else(missing)?;
        let business = self.business(id).await?;
        let zone = draft.timezone.unwrap_or(sender.timezone);
        let segment = self.read_segment(text, zone, follows)?;
        self.refuse_unknown_lists(&segment.lists()).await?;
        let strangers = segment::strangers(self.pool(), &segment.blasts, &business).await?;
        if let Some(stranger) = strangers.first() {
            let why = format!("there is no blast {stranger} in this business: see `blastdeck blast list`");
            return Err(AppError::invalid(FIELD, why));
        }
        // A time that is refused is refused with the draft.
        let start = draft.start.and_then(|start| self.start_time(start, zone).ok()).map(|start| start.at);
        Ok(SegmentAudience { segment, business, follows, step: None, draft: None, start })
    }

    pub(super) async fn audience_of_row(
        &self,
        row: &BlastRow,
        business: &str,
    ) -> Result<Option<SegmentAudience>, AppError> {
        let Some(text) = &row.origin.segment else { return Ok(None) };
        let segment = self.read_segment(text, self.zone_of(row), row.follows)?;
        let step = self.step_audience(row).await?;
        let (business, follows, draft) = (business.to_owned(), row.follows, Some(row.id));
        Ok(Some(SegmentAudience { segment, business, follows, step, draft, start: row.scheduled_for }))
    }

    /// The audience of a draft that a filter names, where the business has a frequency cap.
    pub(in crate::app) async fn capped_audience(&self, row: &BlastRow) -> Result<Option<SegmentAudience>, AppError> {
        let business = self.business(row.sender_id).await?;
        if self.config().frequency_cap(&business).is_none() || !self.finds_anew(row).await? {
            return Ok(None);
        }
        self.audience_of_row(row, &business).await
    }

    /// Refuses a launch to somebody whom another blast, launched at the same moment, is about to send to within the frequency cap.
    pub(in crate::app) async fn refuse_capped(
        &self,
        tx: &mut PgConnection,
        audience: Option<&SegmentAudience>,
    ) -> Result<(), AppError> {
        match audience {
            Some(audience) if segment::is_capped_meanwhile(tx, self.query_of(audience)).await? => {
                Err(AppError::Refused(RENEWED.to_owned()))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn read_segment(&self, text: &str, zone: Tz, blast: Option<BlastId>) -> Result<Segment, AppError> {
        let reader = SegmentReader { now: self.engine().clock.now(), zone, blast };
        reader.read(text).map_err(|error| AppError::invalid(FIELD, error.to_string()))
    }

    pub(super) fn query_of<'a>(&self, audience: &'a SegmentAudience) -> SegmentQuery<'a> {
        let cap = self.config().frequency_cap(&audience.business);
        let cap = cap.and_then(|cap| TimeDelta::from_std(cap).ok());
        SegmentQuery {
            segment: &audience.segment,
            business: &audience.business,
            capped: cap.map(|cap| CapWindow::of(cap, self.engine().clock.now(), audience.start)),
            follows: audience.follows,
            step: audience.step,
            only: None,
            draft: audience.draft,
        }
    }

    pub(super) async fn people_of(&self, audience: &SegmentAudience) -> Result<Vec<SegmentPerson>, AppError> {
        Ok(segment::people(self.pool(), self.query_of(audience)).await?)
    }
}
