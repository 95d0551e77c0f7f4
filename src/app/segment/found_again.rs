//! Drafts in which somebody gets the message again once their opt-out is lifted: those that they stand in as queued, and those whose filter
//! finds them. Whoever read the plan of such a draft meanwhile has taken them out of it, until its filter is read once more.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use sqlx::PgConnection;

use super::{SegmentAudience, obstacle};
use crate::app::{App, AppError, EVERY_BUSINESS};
use crate::domain::content::BlastContent;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::store::import;
use crate::store::suppression::{self, FilterDraft};
use crate::store::view::segment::{self, OnlyPeople, SegmentQuery, StepAudience};

impl App {
    /// The drafts in which somebody gets the message once these opt-outs, by business and number, are lifted, not counting these rows.
    pub(in crate::app) async fn drafts_with_again(
        &self,
        tx: &mut PgConnection,
        lifted: &[(String, Phone)],
        but_for: &[RecipientId],
    ) -> Result<BTreeSet<BlastId>, AppError> {
        let drafts = suppression::back_in_drafts(&mut *tx, lifted, but_for).await?;
        let mut drafts: BTreeSet<BlastId> = drafts.into_iter().collect();
        for draft in suppression::filter_drafts(&mut *tx, lifted, but_for).await? {
            if !drafts.contains(&draft.id) && self.finds_again(&mut *tx, &draft, lifted).await? {
                drafts.insert(draft.id);
            }
        }
        Ok(drafts)
    }

    /// Whether the filter of a draft finds somebody of these, who then gets its message.
    async fn finds_again(
        &self,
        tx: &mut PgConnection,
        draft: &FilterDraft,
        lifted: &[(String, Phone)],
    ) -> Result<bool, AppError> {
        let concerns = |business: &str| business == draft.business || business == EVERY_BUSINESS;
        let lifted = lifted.iter().filter(|(business, _)| concerns(business));
        let phones: Vec<&str> = lifted.map(|(_, phone)| phone.as_str()).collect();
        let (Ok(content), Some(audience)) =
            (BlastContent::parse(&draft.message, draft.template.as_ref()), self.audience_of_draft(draft))
        else {
            return Ok(false);
        };
        let query = SegmentQuery { only: Some(OnlyPeople::Phones(&phones)), ..self.query_of(&audience) };
        let people = segment::taken(&mut *tx, query).await?;
        let gets_it = people.iter().any(|person| obstacle(person, &content, false).is_none());
        // Once somebody of it was sent to its people stay those that they are.
        Ok(gets_it && !import::is_attempted(&mut *tx, draft.id).await?)
    }

    /// `None`: its filter cannot be read by this version.
    fn audience_of_draft(&self, draft: &FilterDraft) -> Option<SegmentAudience> {
        let own = draft.timezone.as_deref().and_then(|zone| zone.parse().ok());
        let zone = own.or_else(|| self.sender(draft.sender_id).map(|sender| sender.limits.zone)).unwrap_or(Tz::UTC);
        let segment = self.read_segment(&draft.segment, zone, draft.follows).ok()?;
        let now = self.engine().clock.now();
        let step = draft.step.map(|number| StepAudience { number, until: draft.until, now, unwritten: None });
        Some(SegmentAudience {
            segment,
            business: draft.business.clone(),
            follows: draft.follows,
            step,
            draft: Some(draft.id),
            start: draft.scheduled_for,
        })
    }
}
