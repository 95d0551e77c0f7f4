//! Jobs: long work that a program asks for, and looks at later.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;
use tracing::Instrument;

use super::error::unread_after;
use super::{App, AppError, Caller, Imported, PeopleSource};
use crate::domain::api_token::TokenScope;
use crate::domain::blast::BlastState;
use crate::domain::ids::{BlastId, JobId};
use crate::domain::job::{JobKind, JobState};
use crate::domain::request_fingerprint::RequestFingerprint;
use crate::store::StoreError;
use crate::store::api_request::RequestKey;
use crate::store::job::{self, JobRow, NewJob};

/// How often whoever works on a job says so.
const ALIVE_EVERY: Duration = Duration::from_secs(5);

/// How often the blast of a list that is in is read for the job's result.
const READ_TRIES: u32 = 8;

/// What a job answers about a list that was added, with the blast's people then.
pub type AddedReport = fn(&Imported, i64) -> Value;

impl App {
    /// Has the provider asked about every accepted message of a blast, by the engine that holds its sender.
    pub async fn check_status(&self, id: BlastId) -> Result<JobRow, AppError> {
        let blast = self.blast_row(id).await?;
        let Some(sender) = self.sender(blast.sender_id) else {
            return Err(AppError::Refused(format!("sender {} is not in this configuration", blast.sender)));
        };
        if !sender.provider.answers_status() {
            let why = "Meta cannot be asked about a message: it reports statuses by webhook, by itself";
            return Err(AppError::Refused(why.to_owned()));
        }
        if matches!(blast.state, BlastState::Draft | BlastState::Scheduled) {
            let state = blast.origin.repeat.state_in_words(blast.state);
            return Err(AppError::Refused(format!("the blast is {state}: nothing of it was sent")));
        }
        let total = Some(blast.counts.sent + blast.counts.delivered);
        let job = self.insert_job(NewJob { kind: JobKind::CheckStatus, blast: id, by: self.operator(), total }).await?;
        let _ = self.engine().notifier.order(self.pool(), Some(id)).await;
        self.job(job).await.map_err(unread_after(format!("job {job} is asked for")))
    }

    /// Adds people to a draft beside the caller's request, which is answered at once.
    pub async fn add_people_later(
        &self,
        id: BlastId,
        people: PeopleSource,
        report: AddedReport,
    ) -> Result<JobRow, AppError> {
        let blast = self.blast_row(id).await?;
        self.refuse_additions(&blast).await?;
        let new = NewJob { kind: JobKind::AddRecipients, blast: id, by: self.operator(), total: None };
        let job = self.insert_job(new).await?;
        let row = self.job(job).await?;
        tokio::spawn(self.for_job(job, id).add_for_job(job, id, (people, report)).in_current_span());
        Ok(row)
    }

    /// Adds a job, with the key of the caller's request in the same transaction.
    async fn insert_job(&self, new: NewJob<'_>) -> Result<JobId, AppError> {
        let mut tx = self.begin().await?;
        self.claim_request(&mut tx).await?;
        let job = job::insert(&mut tx, new).await?;
        if let Some(key) = self.request() {
            job::note_request(&mut tx, job, key).await?;
        }
        tx.commit().await?;
        Ok(job)
    }

    /// The job that an earlier request with this key asked for, as it is now. `None`: it was interrupted before anything of it was
    /// done, and the key is free again.
    pub async fn job_of_request(&self, id: JobId, token: i64, key: &str) -> Result<Option<JobRow>, AppError> {
        let row = self.job(id).await?;
        if row.state != JobState::Interrupted {
            return Ok(Some(row));
        }
        let mut tx = self.begin().await?;
        let is_released = job::release_request(&mut tx, id, (token, key)).await?;
        tx.commit().await?;
        if is_released { Ok(None) } else { self.job(id).await.map(Some) }
    }

    /// The same app for what a job does: the job's own key is written in the transaction of its effect.
    fn for_job(&self, job: JobId, blast: BlastId) -> Self {
        let request = RequestKey {
            token: job::JOBS,
            key: job.to_string(),
            fingerprint: RequestFingerprint::none(),
            request_id: format!("job-{job}"),
            blast: Some(blast),
        };
        let (name, sender) = (self.operator().to_owned(), self.only_sender());
        let token = self.acting_operator().token;
        self.acting_for(Caller {
            name,
            token,
            sender,
            scope: TokenScope::Write,
            expires_at: None,
            request: Some(request),
        })
    }

    async fn add_for_job(self, job: JobId, blast: BlastId, (people, report): (PeopleSource, AddedReport)) {
        let pool = self.pool();
        let alive = async {
            loop {
                if let Err(error) = job::keep_alive(pool, job).await {
                    tracing::debug!(%error, %job, "a job in progress could not be marked as alive");
                }
                sleep(ALIVE_EVERY).await;
            }
        };
        let added = tokio::select! {
            added = self.add_people(blast, people) => added,
            () = alive => return,
        };
        let ended = match added {
            Ok(added) => self.end_list(job, blast, (added, report)).await,
            // The key of a list that is in says so, and of one that is not that it never will be.
            Err(error) if is_unknown(&error) => Err(error),
            Err(AppError::Store(error)) if error.is_transient() => {
                tracing::warn!(%error, %job, "nobody of a list was added, which may be sent again");
                job::interrupt(pool, job).await.map_err(AppError::from)
            }
            Err(error) => job::fail(pool, job, &words(&error)).await.map_err(AppError::from),
        };
        if let Err(error) = ended {
            tracing::warn!(%error, %job, "what became of it is found out later");
        }
    }

    /// Writes what a list that is in came to. Where its blast cannot be read, nothing: its key says that it is in.
    async fn end_list(
        &self,
        job: JobId,
        blast: BlastId,
        (added, report): (Imported, AddedReport),
    ) -> Result<(), AppError> {
        let total = read_again(|| self.blast(blast)).await?.total_recipients;
        let rows = i64::try_from(added.taken + added.rejected.total).unwrap_or(i64::MAX);
        Ok(job::finish_list(self.pool(), job, rows, &report(&added, total)).await?)
    }

    /// A job of a blast that this app may see.
    pub async fn job(&self, id: JobId) -> Result<JobRow, AppError> {
        let gone = || AppError::NotFound(format!("there is no job {id}"));
        let row = job::get(self.pool(), id).await?.ok_or_else(gone)?;
        self.blast_row(row.blast_id).await.map_err(|error| match error {
            AppError::NotFound(_) => gone(),
            other => other,
        })?;
        let is_changed = match (row.kind, row.state) {
            (JobKind::AddRecipients, JobState::Interrupted) => job::finish_late(self.pool(), id).await?,
            (JobKind::AddRecipients, state) if !state.is_over() => job::settle(self.pool()).await? > 0,
            _ => false,
        };
        if is_changed { job::get(self.pool(), id).await?.ok_or_else(gone) } else { Ok(row) }
    }

    /// Ends jobs whose process is gone, and forgets those that ended long ago.
    pub async fn settle_jobs(&self) -> Result<(), AppError> {
        job::settle(self.pool()).await?;
        job::prune(self.pool()).await?;
        Ok(())
    }
}

/// Reads something, once more after a moment where the database was not there for it.
async fn read_again<T, F>(mut read: impl FnMut() -> F) -> Result<T, AppError>
where
    F: Future<Output = Result<T, AppError>>,
{
    for failures in 1..READ_TRIES {
        match read().await {
            Err(AppError::Store(error)) if error.is_transient() => sleep(StoreError::backoff(failures)).await,
            done => return done,
        }
    }
    read().await
}

/// Whether the database did not say if a list is in.
const fn is_unknown(error: &AppError) -> bool {
    matches!(error, AppError::Store(StoreError::Unconfirmed(_)))
}

/// Why a job failed, for whoever asked for it. What the database says may name hosts: it belongs into the log.
fn words(error: &AppError) -> String {
    match error {
        AppError::Store(error) => {
            tracing::error!(%error, "a job failed");
            "that failed here: the server's log says why".to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken() -> StoreError {
        StoreError::Unavailable(sqlx::Error::PoolTimedOut)
    }

    #[test]
    fn a_list_whose_commit_was_not_confirmed_has_not_failed() {
        let unconfirmed = StoreError::Unconfirmed(sqlx::Error::PoolTimedOut);

        assert!(is_unknown(&unconfirmed.into()));
        assert!(!is_unknown(&broken().into()) && !is_unknown(&AppError::Refused("row 1: nonsense".to_owned())));
    }

    #[tokio::test(start_paused = true)]
    async fn how_many_people_there_are_is_read_again_and_is_never_made_up() {
        let mut reads = 0;
        let total = read_again(|| {
            reads += 1;
            let is_away = reads < 3;
            async move { if is_away { Err(AppError::Store(broken())) } else { Ok(249) } }
        });
        assert_eq!(total.await.unwrap(), 249);

        let never: Result<i64, AppError> = read_again(|| async { Err(AppError::Store(broken())) }).await;
        assert!(matches!(never, Err(AppError::Store(_))), "{never:?}");
    }
}
