//! Drafts, and blasts that repeat, in which somebody gets the message again once their opt-out is lifted: those that they stand in as
//! queued, and those whose filter finds them. Whoever read the plan of such a one meanwhile has taken them out of it, until its filter is
//! read once more.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use sqlx::PgConnection;

use super::SegmentAudience;
use super::unmade::obstacle;
use crate::app::{App, AppError, EVERY_BUSINESS};
use crate::domain::content::BlastContent;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::store::import;
use crate::store::suppression::{self, BackInDraft, FilterDraft};
use crate::store::view::segment::{self, OnlyPeople, SegmentPerson, SegmentQuery, StepAudience};

/// Where somebody gets the message again once their opt-out is lifted.
pub(in crate::app) struct AgainIn {
    /// They stand there as queued.
    pub queued: BTreeSet<BlastId>,
    /// A filter finds them, and they are not there until it is read once more.
    pub found: BTreeSet<BlastId>,
}

/// Who is at the next time of a blast that repeats, which comes by itself, once opt-outs are lifted.
pub(in crate::app) struct NextTimeAgain {
    pub blast: BlastId,
    /// What one of them is called.
    pub who: String,
    /// The numbers that opted out.
    pub opted_out: Vec<String>,
    /// Those to which it goes.
    pub numbers: Vec<Phone>,
}

impl From<BackInDraft> for NextTimeAgain {
    fn from(one: BackInDraft) -> Self {
        let who = one.name.unwrap_or_else(|| one.phone.to_string());
        Self { blast: one.blast, who, opted_out: vec![one.opted_out], numbers: vec![one.phone] }
    }
}

impl App {
    /// The drafts, and what repeats, in which somebody gets the message once these opt-outs, by business and number, are lifted, not counting
    /// these rows.
    pub(in crate::app) async fn drafts_with_again(
        &self,
        tx: &mut PgConnection,
        lifted: &[(String, Phone)],
        but_for: &[RecipientId],
    ) -> Result<AgainIn, AppError> {
        let drafts = suppression::back_in_drafts(&mut *tx, lifted, but_for).await?;
        let queued: BTreeSet<BlastId> = drafts.into_iter().map(|one| one.blast).collect();
        let mut found = BTreeSet::new();
        for draft in suppression::filter_drafts(&mut *tx, lifted, but_for).await? {
            if !queued.contains(&draft.id) && !self.found_again(&mut *tx, &draft, lifted).await?.is_empty() {
                found.insert(draft.id);
            }
        }
        Ok(AgainIn { queued, found })
    }

    /// Who gets the message at the next time of what repeats, without anybody's further yes, now that these are lifted.
    pub(in crate::app) async fn next_times_with_again(
        &self,
        tx: &mut PgConnection,
        lifted: &[(String, Phone)],
    ) -> Result<Vec<NextTimeAgain>, AppError> {
        let listed = suppression::back_in_drafts(&mut *tx, lifted, &[]).await?;
        let mut again: Vec<NextTimeAgain> = listed.into_iter().filter(|one| one.is_awaited).map(Into::into).collect();
        let phones: Vec<&str> = lifted.iter().map(|(_, phone)| phone.as_str()).collect();
        let repeating = suppression::filter_drafts(&mut *tx, lifted, &[]).await?;
        for pattern in repeating.into_iter().filter(|pattern| pattern.is_awaited) {
            let found = self.found_again(&mut *tx, &pattern, lifted).await?;
            let Some(first) = found.first() else { continue };
            let who = first.name.clone().unwrap_or_else(|| first.phone.to_string());
            let numbers: Vec<&str> = found.iter().map(|person| person.phone.as_str()).collect();
            let opted_out = suppression::of_whom(&mut *tx, &phones, &numbers).await?;
            let numbers = found.into_iter().map(|person| person.phone).collect();
            again.push(NextTimeAgain { blast: pattern.id, who, opted_out, numbers });
        }
        Ok(again)
    }

    /// Whom of these the filter of a draft finds, who then get its message.
    async fn found_again(
        &self,
        tx: &mut PgConnection,
        draft: &FilterDraft,
        lifted: &[(String, Phone)],
    ) -> Result<Vec<SegmentPerson>, AppError> {
        let concerns = |business: &str| business == draft.business || business == EVERY_BUSINESS;
        let lifted = lifted.iter().filter(|(business, _)| concerns(business));
        let phones: Vec<&str> = lifted.map(|(_, phone)| phone.as_str()).collect();
        let (Ok(content), Some(audience)) =
            (BlastContent::parse(&draft.message, draft.template.as_ref()), self.audience_of_draft(draft))
        else {
            return Ok(Vec::new());
        };
        let query = SegmentQuery { only: Some(OnlyPeople::Phones(&phones)), ..self.query_of(&audience) };
        let mut people = segment::taken(&mut *tx, query).await?;
        people.retain(|person| obstacle(person, &content, false).is_none());
        // Once somebody of a draft was sent to its people stay those that they are. What repeats is itself never sent.
        if !people.is_empty() && !draft.repeats && import::is_attempted(&mut *tx, draft.id).await? {
            people.clear();
        }
        Ok(people)
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
