//! A filter as it is asked: whose people, of which business, beside which follow-ups, within which frequency cap.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use sqlx::PgConnection;

use super::FIELD;
use crate::app::{App, AppError, NewDraft};
use crate::domain::blast::BlastState;
use crate::domain::filter::segment::{Segment, SegmentReader};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::domain::rejected_rows::RejectedRows;
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

/// Whom the filter of a blast finds, where nothing may be written: not all of them are in it.
pub(in crate::app) struct FoundAudience {
    pub(in crate::app) phones: Vec<Phone>,
    /// Who of its people is not among them.
    pub(in crate::app) gone: Vec<RecipientId>,
    /// Whom it finds besides, and the message cannot be made for.
    pub(in crate::app) unmade: Option<RejectedRows>,
}

/// An audience that a start is refused to where the frequency cap leaves somebody of it out.
pub(in crate::app) struct CappedAudience {
    audience: SegmentAudience,
    read: AudienceRead,
}

/// When the people of a blast that is to start were read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AudienceRead {
    /// Just now.
    Now,
    /// When it was scheduled, and nobody of it was sent to since.
    BeforeItsStart,
    /// Before it was paused: the others of it were sent to.
    BeforeItsPause,
}

/// Why a scheduled blast does not start at another time.
const CAPPED: &str = "some of its people have another message within the frequency cap then: cancel it, and make it anew with its filter, \
                      which leaves them out";

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
        self.refuse_foreign(&segment).await?;
        self.refuse_unknown_lists(&segment.lists()).await?;
        let strangers = segment::strangers(self.pool(), &segment.blasts, &business).await?;
        if let Some(stranger) = strangers.first() {
            let why = format!("there is no blast {stranger} in this business: see `blastdeck blast list`");
            return Err(AppError::not_found_in(FIELD, why));
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

    /// Whom the frequency cap of the business is asked about once more where a blast that a filter names is to start, at `start` or now:
    /// a draft, or one that is scheduled.
    pub(in crate::app) async fn capped_audience(
        &self,
        row: &BlastRow,
        start: Option<DateTime<Utc>>,
    ) -> Result<Option<CappedAudience>, AppError> {
        let business = self.business(row.sender_id).await?;
        let is_capped = self.config().frequency_cap(&business).is_some();
        if !is_capped && row.origin.step.is_none() {
            return Ok(None);
        }
        let read = match row.state {
            _ if self.finds_anew(row).await? => AudienceRead::Now,
            _ if row.origin.repeat.rule.is_some() => return Ok(None),
            BlastState::Scheduled => AudienceRead::BeforeItsStart,
            // What was paused before its time starts when it is resumed.
            BlastState::Paused if row.launched_at.is_none() => AudienceRead::BeforeItsStart,
            BlastState::Paused => AudienceRead::BeforeItsPause,
            _ => return Ok(None),
        };
        let audience = self.audience_of_row(row, &business).await?;
        Ok(audience.map(|audience| CappedAudience { audience: SegmentAudience { start, ..audience }, read }))
    }

    /// Whom the frequency cap is asked about where some of a blast's people are sent to again; `None` where no filter named them.
    pub(in crate::app) async fn retried_audience(&self, row: &BlastRow) -> Result<Option<SegmentAudience>, AppError> {
        let business = self.business(row.sender_id).await?;
        if self.config().frequency_cap(&business).is_none() {
            return Ok(None);
        }
        let audience = self.audience_of_row(row, &business).await?;
        Ok(audience.map(|audience| SegmentAudience { start: None, ..audience }))
    }

    /// Who of these has another message within the frequency cap, until the transaction ends.
    pub(in crate::app) async fn capped_of(
        &self,
        tx: &mut PgConnection,
        audience: &SegmentAudience,
        people: &[RecipientId],
    ) -> Result<Vec<RecipientId>, AppError> {
        Ok(segment::capped_of(tx, self.query_of(audience), people).await?)
    }

    /// Refuses a start for somebody who had a message within the frequency cap, or whom another blast is about to send to; of a step, for
    /// somebody to whom another one is too near. What goes on goes on without them.
    pub(in crate::app) async fn apply_cap(
        &self,
        tx: &mut PgConnection,
        capped: Option<&CappedAudience>,
    ) -> Result<(), AppError> {
        let Some(CappedAudience { audience, read }) = capped else { return Ok(()) };
        let query = self.query_of(audience);
        let refused = match read {
            AudienceRead::BeforeItsPause => {
                segment::leave_out_capped(tx, query).await?;
                return Ok(());
            }
            _ if segment::is_near_step(tx, query).await? => Some(AppError::found_others()),
            AudienceRead::Now => segment::is_capped_meanwhile(tx, query).await?.then(AppError::found_others),
            AudienceRead::BeforeItsStart => {
                segment::is_capped(tx, query).await?.then(|| AppError::Refused(CAPPED.to_owned()))
            }
        };
        refused.map_or(Ok(()), Err)
    }

    /// Refuses a caller who acts for one sender what is not that sender's: the lists and tags of all customers, and the blasts of others.
    async fn refuse_foreign(&self, segment: &Segment) -> Result<(), AppError> {
        if self.only_sender().is_none() {
            return Ok(());
        }
        self.refuse_customers_of_all(&segment.filter).map_err(|why| AppError::invalid(FIELD, why))?;
        for id in &segment.blasts {
            self.blast_row(*id).await.map_err(|error| match error {
                AppError::NotFound(_) => {
                    AppError::not_found_in(FIELD, format!("there is no blast {id} of this token's sender"))
                }
                other => other,
            })?;
        }
        Ok(())
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
            step: audience.step.as_ref(),
            only: None,
            draft: audience.draft,
        }
    }

    pub(super) async fn people_of(&self, audience: &SegmentAudience) -> Result<Vec<SegmentPerson>, AppError> {
        Ok(segment::people(self.pool(), self.query_of(audience)).await?)
    }
}
