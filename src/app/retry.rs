//! Retries people who failed: really sends, but only to those who are known never to have received the message.

use std::collections::HashSet;

use sqlx::PgConnection;

use super::App;
use super::AppError;
use super::marks::news_waits;
use super::segment::SegmentAudience;
use crate::domain::act::Act;
use crate::domain::blast::{BlastState, blast_name};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::recipient::{Evidence, Mark, StampedEvidence};
use crate::domain::retry::OperatorRetry;
use crate::domain::text;
use crate::store;
use crate::store::action::{self, NewAction};
use crate::store::answered;
use crate::store::evidence::{BATCH_MAX, EntryOutcome, EvidenceEntry, EvidenceSource, WhenLocked, record_in};
use crate::store::forget;
use crate::store::person;
use crate::store::view::BlastRow;

/// Whom a retry would send to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetryCount {
    pub people: i64,
    /// Who is not to have it any more. Of a follow-up: they answered since, or had another follow-up of the same blast; where a filter named
    /// them: they had another message within the frequency cap.
    pub left_out: i64,
    /// Whom a webhook names that is here and not applied yet: it may say what became of their message.
    pub named: i64,
    /// Whose message lost the number of somebody who was forgotten since.
    pub without_number: i64,
}

impl RetryCount {
    const fn plus(self, page: Self) -> Self {
        Self {
            people: self.people + page.people,
            left_out: self.left_out + page.left_out,
            named: self.named + page.named,
            without_number: self.without_number + page.without_number,
        }
    }

    /// Why those who could be sent to again are not; `None`: there are none.
    fn why_not(self) -> Option<String> {
        let left_out = (self.left_out > 0).then(|| {
            let why = "opted out or answered since they failed, or had another message: a follow-up of the same blast, or one within the frequency cap";
            format!("{} {why}", text::people(self.left_out))
        });
        let named = (self.named > 0).then(|| news_waits(&text::people(self.named)));
        let without_number = (self.without_number > 0).then(|| {
            let why = "would get the message without the number of somebody who was forgotten since: send them another in a new blast";
            format!("{} {why}", text::people(self.without_number))
        });
        let reasons: Vec<String> = left_out.into_iter().chain(without_number).chain(named).collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }
}

/// A page of failed people with their attempts, and the last of them.
struct RetryPage {
    failed: Vec<(RecipientId, i32)>,
    last: RecipientId,
}

impl App {
    /// How many people would be retried.
    pub async fn retryable(&self, blast: BlastId, code: Option<&str>) -> Result<RetryCount, AppError> {
        Ok(self.counted(blast, code).await?.1)
    }

    /// Who would be retried, by id, and the count of them.
    async fn counted(
        &self,
        blast: BlastId,
        code: Option<&str>,
    ) -> Result<(Vec<(RecipientId, i32)>, RetryCount), AppError> {
        let row = self.blast_row(blast).await?;
        require_retryable(&row)?;
        let (mut counted, mut count) = (Vec::new(), RetryCount::default());
        let mut after = RecipientId(0);
        let capped = self.retried_audience(&row).await?;
        while let Some(page) = self.retry_page(blast, code, after).await? {
            after = page.last;
            let mut tx = self.begin().await?;
            let (people, of_page) = self.to_retry(&mut tx, (blast, capped.as_ref()), page.failed).await?;
            counted.extend(people);
            count = count.plus(of_page);
        }
        Ok((counted, count))
    }

    /// Queues them again; a completed blast becomes *sending*. Returns how many: refused, with the reason, where that is nobody.
    pub async fn retry(&self, blast: BlastId, code: Option<&str>) -> Result<i64, AppError> {
        self.retry_among(blast, code, None).await
    }

    /// The same of those alone who were counted. The request's key is taken with the last page: one that is broken off before goes on when it
    /// is repeated, since whoever is queued by then is not failed any more.
    async fn retry_among(
        &self,
        blast: BlastId,
        code: Option<&str>,
        counted: Option<CountedAttempts<'_>>,
    ) -> Result<i64, AppError> {
        let row = self.blast_row(blast).await?;
        require_retryable(&row)?;
        let mut count = RetryCount::default();
        let ended = self.retry_pages(&row, (code, counted), &mut count).await;
        self.notify(blast).await;
        ended.map_err(|error| broken_off_after(&row, count.people, error))?;
        if count.people == 0 {
            return Err(self.nobody_to_retry(blast, code, count).await?);
        }
        Ok(count.people)
    }

    /// The same a page at a time; `count` is of those that are committed.
    async fn retry_pages(
        &self,
        row: &BlastRow,
        (code, counted): (Option<&str>, Option<CountedAttempts<'_>>),
        count: &mut RetryCount,
    ) -> Result<(), AppError> {
        let mut seen = self.seen;
        let capped = self.retried_audience(row).await?;
        let mut next = self.retry_page(row.id, code, RecipientId(0)).await?;
        while let Some(RetryPage { mut failed, last }) = next {
            next = self.retry_page(row.id, code, last).await?;
            failed.retain(|person| counted.is_none_or(|counted| counted.binary_search(person).is_ok()));
            let app = if next.is_some() { self.before_its_last() } else { self.clone() };
            let app = Self { seen, ..app };
            let (page, version) = app.retry_these((row.id, capped.as_ref()), failed, count.people).await?;
            // The first of one that was over make another version of it; anybody else's ends this.
            seen = seen.map(|(blast, _)| (blast, version));
            *count = count.plus(page);
        }
        Ok(())
    }

    /// Why nobody can be sent to again; `count` has those who could be, and are not to be.
    pub async fn nobody_to_retry(
        &self,
        blast: BlastId,
        code: Option<&str>,
        count: RetryCount,
    ) -> Result<AppError, AppError> {
        if let Some(why) = count.why_not() {
            return Ok(AppError::Refused(format!("nobody to retry: {why}")));
        }
        let errors = self.errors(blast).await?;
        let is_failed = |code: &str| errors.iter().any(|error| error.code == code);
        let why = match code {
            _ if errors.is_empty() => return Ok(AppError::Refused("nobody has failed in this blast".to_owned())),
            Some(code) if !is_failed(code) => format!("nobody failed with the code `{code}`"),
            Some(code) if OperatorRetry::of(code) == OperatorRetry::NextDay => self.waits_a_day(blast, code).await?,
            Some(code) if OperatorRetry::of(code) == OperatorRetry::Never => format!(
                "nobody is sent to again after the code `{code}`: the same message would fail again, send them another in a new blast"
            ),
            Some(code) => format!(
                "nobody to retry: no person who failed with the code `{code}` is known not to have received the message"
            ),
            None => match errors.iter().find(|error| OperatorRetry::of(&error.code) == OperatorRetry::NextDay) {
                Some(error) => self.waits_a_day(blast, &error.code).await?,
                None if errors.iter().all(|error| OperatorRetry::of(&error.code) == OperatorRetry::Never) => {
                    "nobody to retry: the same message would fail again; send them another in a new blast".to_owned()
                }
                None => "nobody to retry: no failed person is known not to have received the message".to_owned(),
            },
        };
        Ok(AppError::Refused(format!("{why}; `blastdeck blast report {blast}` has the errors")))
    }

    /// Why none of those who failed with a code that asks for a day can be sent to again.
    async fn waits_a_day(&self, blast: BlastId, code: &str) -> Result<String, AppError> {
        Ok(match person::first_failed(self.pool(), blast, code).await? {
            Some(at) => format!(
                "those who failed with the code `{code}` may not have another message yet: Meta asks to wait a day, the \
                 first may from {} on",
                self.local(at + self.engine().settings.retry.not_now_after)
            ),
            None => format!("none of those who failed with the code `{code}` can be retried"),
        })
    }

    /// The same, if they are as many as the operator was shown: of those who are counted now, and of no others, who fail since.
    pub async fn retry_as_shown(&self, blast: BlastId, code: Option<&str>, shown: i64) -> Result<i64, AppError> {
        let (counted, RetryCount { people: now, .. }) = self.counted(blast, code).await?;
        if now != shown {
            let why = format!("{now} may be tried again now, not {shown} as was shown: nothing is sent, look again");
            return Err(AppError::Refused(why));
        }
        self.retry_among(blast, code, Some(&counted)).await
    }

    async fn retry_page(
        &self,
        blast: BlastId,
        code: Option<&str>,
        after: RecipientId,
    ) -> Result<Option<RetryPage>, AppError> {
        let limit = i64::try_from(BATCH_MAX).unwrap_or(i64::MAX);
        let late_before = self.engine().clock.now() - self.engine().settings.retry.not_now_after;
        let failed = person::retryable(self.pool(), blast, code, late_before, (after, limit)).await?;
        Ok(failed.last().copied().map(|(last, _)| RetryPage { failed, last }))
    }

    /// Those of a blast's failed people who may have its message again, until the transaction ends, and how many may and may not.
    async fn to_retry(
        &self,
        tx: &mut PgConnection,
        (blast, capped): (BlastId, Option<&SegmentAudience>),
        mut failed: Vec<(RecipientId, i32)>,
    ) -> Result<(Vec<(RecipientId, i32)>, RetryCount), AppError> {
        let ids = ids_of(&failed);
        let mut not_to: HashSet<RecipientId> = answered::not_to_retry(tx, blast, &ids).await?.into_iter().collect();
        if let Some(audience) = capped {
            not_to.extend(self.capped_of(tx, audience, &ids).await?);
        }
        let left_out = leave_out(&mut failed, |id| not_to.contains(&id));
        let lost: HashSet<_> = forget::lost_words(tx, &ids_of(&failed)).await?.into_iter().collect();
        let without_number = leave_out(&mut failed, |id| lost.contains(&id));
        let people = person::get_all(tx, &ids_of(&failed)).await?;
        let waited_for = self.named_by_unapplied(tx, &people.iter().collect::<Vec<_>>()).await?;
        let named = leave_out(&mut failed, |id| waited_for.contains(&id));
        let people = i64::try_from(failed.len()).unwrap_or(i64::MAX);
        Ok((failed, RetryCount { people, left_out, named, without_number }))
    }

    /// Queues them again, without those who are not to have it any more. So many were queued before them. Returns the blast's version after
    /// that as well.
    async fn retry_these(
        &self,
        (blast, capped): (BlastId, Option<&SegmentAudience>),
        failed: Vec<(RecipientId, i32)>,
        queued_before: i64,
    ) -> Result<(RetryCount, i64), AppError> {
        // Whose message loses a number is known once somebody who is being forgotten is.
        let mut tx = self.begin_copying().await?;
        // The blast's row before the locks of follow-ups and of the frequency cap, as a launch has it.
        let before = self.locked_as_seen(&mut tx, blast).await?;
        let (people, count) = self.to_retry(&mut tx, (blast, capped), failed).await?;
        if people.is_empty() {
            // The request had an effect all the same, and is not to have it again: its key is kept.
            if queued_before > 0 && self.request().is_some() {
                tx.commit().await?;
            }
            return Ok((count, before.version));
        }
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
            operator: self.acting_operator(),
            action: Act::Retry,
            blast: Some(blast),
            recipient: None,
            phone: None,
            detail: serde_json::json!({ "people": queued }),
        };
        action::log(&mut tx, new).await?;
        let version = self.head(&mut tx, blast).await?.version;
        tx.commit().await?;
        Ok((RetryCount { people: i64::try_from(queued).unwrap_or(i64::MAX), ..count }, version))
    }
}

/// People as they were counted, by their attempts, in the order of their ids.
type CountedAttempts<'a> = &'a [(RecipientId, i32)];

fn ids_of(people: &[(RecipientId, i32)]) -> Vec<RecipientId> {
    people.iter().map(|(id, _)| *id).collect()
}

/// Takes people out; how many.
fn leave_out(people: &mut Vec<(RecipientId, i32)>, is_out: impl Fn(RecipientId) -> bool) -> i64 {
    let before = people.len();
    people.retain(|(id, _)| !is_out(*id));
    i64::try_from(before - people.len()).unwrap_or(i64::MAX)
}

/// What a retry ended with that had queued so many people by then.
fn broken_off_after(row: &BlastRow, people: i64, error: AppError) -> AppError {
    if people == 0 {
        return error;
    }
    let done = format!("{}: {} queued again", blast_name(&row.tag, &row.follow_up_stage), text::people_are(people));
    AppError::PartlyDone { done, error: Box::new(error) }
}

/// A blast that ended for good sends no more, and nobody of a draft has failed.
fn require_retryable(row: &BlastRow) -> Result<(), AppError> {
    let why = match row.state {
        BlastState::Cancelled | BlastState::Failed => {
            "nothing more of it is sent; make a new blast for those who failed"
        }
        BlastState::Draft | BlastState::Scheduled => "nothing was sent of it yet",
        BlastState::Sending | BlastState::Paused | BlastState::Completed => return Ok(()),
    };
    let state = row.origin.repeat.state_in_words(row.state);
    Err(AppError::Refused(format!("the blast is {state}: {why}")))
}
