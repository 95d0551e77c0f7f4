//! Retries people who failed: really sends, but only to those who are known never to have received the message.

use chrono::{DateTime, Utc};

use super::App;
use super::AppError;
use crate::domain::act::Act;
use crate::domain::blast::BlastState;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::recipient::{Evidence, Mark, StampedEvidence};
use crate::store;
use crate::store::action::{self, NewAction};
use crate::store::evidence::{BATCH_MAX, EntryOutcome, EvidenceEntry, EvidenceSource, WhenLocked, record_in};
use crate::store::person;

impl App {
    /// How many people would be retried.
    pub async fn retryable(&self, blast: BlastId, code: Option<&str>) -> Result<i64, AppError> {
        may_retry(self.state(blast).await?)?;
        let mut people = 0;
        let mut after = RecipientId(0);
        loop {
            let page = self.retry_page(blast, code, after).await?;
            let Some((last, _)) = page.last() else { return Ok(people) };
            after = *last;
            people += i64::try_from(page.len()).unwrap_or(i64::MAX);
        }
    }

    /// Queues them again; a completed blast becomes *sending*. Returns how many.
    pub async fn retry(&self, blast: BlastId, code: Option<&str>) -> Result<i64, AppError> {
        may_retry(self.state(blast).await?)?;
        let mut queued = 0;
        let mut after = RecipientId(0);
        loop {
            let page = self.retry_page(blast, code, after).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            queued += self.retry_these(blast, &page).await?;
        }
        self.notify(blast).await?;
        Ok(queued)
    }

    /// The same for everybody who may be tried again, if they are as many as the operator was shown.
    pub async fn retry_all(&self, blast: BlastId, shown: i64) -> Result<i64, AppError> {
        let now = self.retryable(blast, None).await?;
        if now != shown {
            let why = format!("{now} may be tried again now, not {shown} as was shown: nothing is sent, look again");
            return Err(AppError::Refused(why));
        }
        self.retry(blast, None).await
    }

    /// When the first of those who failed with a code that asks for a day may be retried; `None` where nobody failed so.
    pub async fn next_day_retry(&self, blast: BlastId, code: &str) -> Result<Option<DateTime<Utc>>, AppError> {
        let first = person::first_failed(self.pool(), blast, code).await?;
        Ok(first.map(|at| at + self.engine().settings.retry.not_now_after))
    }

    async fn retry_page(
        &self,
        blast: BlastId,
        code: Option<&str>,
        after: RecipientId,
    ) -> Result<Vec<(RecipientId, i32)>, AppError> {
        let limit = i64::try_from(BATCH_MAX).unwrap_or(i64::MAX);
        let late_before = self.engine().clock.now() - self.engine().settings.retry.not_now_after;
        Ok(person::retryable(self.pool(), blast, code, late_before, (after, limit)).await?)
    }

    async fn retry_these(&self, blast: BlastId, people: &[(RecipientId, i32)]) -> Result<i64, AppError> {
        let mut tx = self.begin().await?;
        let at = store::now(&mut *tx).await?;
        let entry = |(recipient, attempt): &(RecipientId, i32)| {
            let stamped = StampedEvidence { attempt: *attempt, at, evidence: Evidence::Manual(Mark::Retry) };
            let entry = EvidenceEntry::new(blast, *recipient, stamped, EvidenceSource::Operator);
            EvidenceEntry { by: Some(self.operator().to_owned()), ..entry }
        };
        let entries: Vec<EvidenceEntry> = people.iter().map(entry).collect();
        let settled = record_in(&mut tx, &entries, &self.engine().settings.retry, WhenLocked::Wait).await?;
        let queued = settled.iter().filter(|settled| matches!(settled, EntryOutcome::Changed { .. })).count();
        let new = NewAction {
            operator: self.operator(),
            action: Act::Retry,
            blast: Some(blast),
            recipient: None,
            phone: None,
            detail: serde_json::json!({ "people": queued }),
        };
        action::log(&mut tx, new).await?;
        tx.commit().await?;
        Ok(i64::try_from(queued).unwrap_or(i64::MAX))
    }
}

/// A blast that ended for good sends no more, and nobody of a draft has failed.
fn may_retry(state: BlastState) -> Result<(), AppError> {
    let why = match state {
        BlastState::Cancelled | BlastState::Failed => {
            "nothing more of it is sent; make a new blast for those who failed"
        }
        BlastState::Draft | BlastState::Scheduled => "nothing was sent of it yet",
        BlastState::Sending | BlastState::Paused | BlastState::Completed => return Ok(()),
    };
    Err(AppError::Refused(format!("the blast is {}: {why}", state.with_article())))
}
