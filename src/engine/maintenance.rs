//! Maintains the database beside the sending: folds counters, creates and drops months of history, deletes what no limit needs
//! any more, and finishes interrupted work on whole blasts. None of it holds up a message or is due at an exact time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use sqlx::PgPool;

use super::clock;
use super::context::EngineContext;
use crate::config::KeepHistory;
use crate::domain::ids::BlastId;
use crate::domain::sender::{UNHEARD, UNHEARD_MEND};
use crate::store::clearing::{Clearing, ClearingCursor};
use crate::store::evidence::WhenLocked;
use crate::store::inbox::webhook_liveness;
use crate::store::{StoreError, blast, clearing, count, months, sender, session};

const FOLD_EVERY: Duration = Duration::from_secs(2);
const MONTHS_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// A month that was in use is retried sooner.
const MONTHS_AGAIN: Duration = Duration::from_secs(10 * 60);
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);
/// Answers whose time ended while they were paused, or their sender was stopped.
const LAPSE_EVERY: Duration = Duration::from_secs(30);
/// Senders whose webhooks stay away.
const LISTEN_EVERY: Duration = Duration::from_secs(30);
const CLEAR_EVERY: Duration = Duration::from_secs(10);
/// The longest that clearing takes of a turn; the rest is the senders'.
const CLEAR_AT_MOST: Duration = Duration::from_millis(500);
/// How much later a blast whose people the database refused to change is retried.
const REFUSED_FOR: Duration = Duration::from_secs(10 * 60);

/// When each was done last, or is due next.
#[derive(Default)]
pub struct Maintenance {
    folded: Option<Instant>,
    months_due: Option<Instant>,
    forgotten: Option<Instant>,
    lapsed: Option<Instant>,
    listened: Option<Instant>,
    cleared: Option<Instant>,
    /// What the last turn left unfinished.
    walk: Option<ClearingCursor>,
    /// Blasts whose people the database refused to change, and when that was last tried.
    refused: HashMap<BlastId, Instant>,
}

impl Maintenance {
    /// Does whatever is due.
    pub async fn turn(&mut self, engine: &EngineContext) -> Result<(), StoreError> {
        if is_over(self.folded, FOLD_EVERY) {
            // More than one call only where a crowd of small commits was faster than the clock.
            while count::fold(&engine.pool).await? >= count::FOLDED_AT_ONCE {}
            self.folded = Some(Instant::now());
        }
        if self.months_due.is_none_or(|due| Instant::now() >= due) {
            let next = months_of(engine).await;
            self.months_due = Some(Instant::now() + next);
        }
        if is_over(self.forgotten, FORGET_EVERY) {
            if clock::agreed_time(&engine.pool).await?.is_some() {
                sender::forget_deleted(&engine.pool).await?;
            }
            self.forgotten = Some(Instant::now());
        }
        if is_over(self.lapsed, LAPSE_EVERY) {
            for answer in session::lapsed(&engine.pool).await? {
                session::lapse(&engine.pool, answer).await?;
            }
            self.lapsed = Some(Instant::now());
        }
        if is_over(self.listened, LISTEN_EVERY) {
            for sender in webhook_liveness::note_unheard(&engine.pool).await? {
                tracing::warn!(sender, "{UNHEARD}: {UNHEARD_MEND}");
                engine.notifier.order(&engine.pool, None).await?;
            }
            self.listened = Some(Instant::now());
        }
        if is_over(self.cleared, CLEAR_EVERY) && self.clear(engine).await? == Cleared::All {
            self.cleared = Some(Instant::now());
        }
        Ok(())
    }

    /// Whether the last turn left a cancel or a delete unfinished.
    pub const fn is_clearing(&self) -> bool {
        self.walk.is_some()
    }

    /// Whether there is an unfinished cancel or delete, of any process, that can be finished.
    pub async fn has_left(&self, engine: &EngineContext) -> Result<bool, StoreError> {
        Ok(clearing::unfinished(&engine.pool).await?.iter().any(|left| !self.is_refused(left)))
    }

    /// Continues an interrupted cancel or delete. One that the database refuses does not hold up the others.
    async fn clear(&mut self, engine: &EngineContext) -> Result<Cleared, StoreError> {
        let began = Instant::now();
        while let Some(walk) = self.next_walk(engine).await? {
            let blast = walk.blast();
            match self.go_on(engine, walk, began).await {
                Ok(Cleared::All) => engine.notifier.order(&engine.pool, Some(blast)).await?,
                Ok(Cleared::NotYet) => return Ok(Cleared::NotYet),
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, blast = blast.0, "its people could not be cleared; tried again in ten minutes");
                    self.refused.insert(blast, Instant::now());
                }
            }
        }
        Ok(Cleared::All)
    }

    async fn go_on(
        &mut self,
        engine: &EngineContext,
        mut walk: ClearingCursor,
        began: Instant,
    ) -> Result<Cleared, StoreError> {
        while walk.step(&engine.pool).await?.is_some() {
            if began.elapsed() > CLEAR_AT_MOST {
                self.walk = Some(walk);
                return Ok(Cleared::NotYet);
            }
        }
        Ok(Cleared::All)
    }

    async fn next_walk(&mut self, engine: &EngineContext) -> Result<Option<ClearingCursor>, StoreError> {
        if let Some(walk) = self.walk.take() {
            return Ok(Some(walk));
        }
        let left = clearing::abandoned(&engine.pool).await?;
        let next = left.into_iter().find(|left| !self.is_refused(left));
        Ok(next.map(|left| left.walk(WhenLocked::Skip)))
    }

    fn is_refused(&self, left: &Clearing) -> bool {
        self.refused.get(&left.blast).is_some_and(|at| at.elapsed() < REFUSED_FOR)
    }
}

fn is_over(last: Option<Instant>, every: Duration) -> bool {
    last.is_none_or(|last| last.elapsed() >= every)
}

/// Creates the months ahead and drops the old ones; returns when to do it again. Months are created long before they are needed,
/// and dropping them is not urgent, so no failure here holds up anything.
async fn months_of(engine: &EngineContext) -> Duration {
    let done = async {
        months::make(&engine.pool).await?;
        if clock::agreed_time(&engine.pool).await?.is_none() {
            return Ok(MONTHS_AGAIN);
        }
        Ok::<_, StoreError>(drop_old(engine).await?.min(drop_old_inbox(engine).await?))
    };
    match done.await {
        Ok(next) => next,
        Err(error) => {
            tracing::warn!(%error, "months of history and days of the inbox could not be made or dropped; tried again in ten minutes");
            MONTHS_AGAIN
        }
    }
}

async fn drop_old(engine: &EngineContext) -> Result<Duration, StoreError> {
    let KeepHistory::Months(kept) = engine.settings.keep_history else { return Ok(MONTHS_EVERY) };
    let dropped = months::drop_old(&engine.pool, kept).await?;
    if !dropped.gone.is_empty() {
        tracing::info!(months = dropped.gone.join(", "), keep_history = %engine.settings.keep_history, "old history was dropped");
    }
    if dropped.busy.is_empty() {
        return Ok(MONTHS_EVERY);
    }
    tracing::debug!(months = dropped.busy.join(", "), "old history is in use, and dropped later");
    Ok(MONTHS_AGAIN)
}

/// Webhooks of days that are over long enough.
async fn drop_old_inbox(engine: &EngineContext) -> Result<Duration, StoreError> {
    let dropped = months::drop_old_days(&engine.pool, engine.settings.keep_inbox_days).await?;
    if !dropped.gone.is_empty() {
        tracing::info!(days = dropped.gone.join(", "), "old webhooks were dropped");
    }
    if !dropped.unapplied.is_empty() {
        let days = dropped.unapplied.join(", ");
        tracing::warn!(
            days,
            "old webhooks are kept, for some of them are still to be applied: see `blastdeck inbox list`"
        );
    }
    Ok(if dropped.busy.is_empty() { MONTHS_EVERY } else { MONTHS_AGAIN })
}

/// Whether something is left for the next turn.
#[derive(PartialEq, Eq)]
enum Cleared {
    All,
    NotYet,
}

/// The counts are left folded, so that the next reader has a handful of rows.
pub async fn fold_all(pool: &PgPool) {
    while count::fold(pool).await.is_ok_and(|folded| folded > 0) {}
}

/// Completes the blasts in which nobody is open any more.
pub(super) async fn complete_finished(engine: &EngineContext) -> Result<(), StoreError> {
    for id in blast::finished(&engine.pool).await? {
        let completed = match blast::complete(&engine.pool, id).await {
            Err(error) if !error.is_transient() => {
                tracing::warn!(%error, blast = id.0, "it is over, and the database refuses to have that written");
                false
            }
            other => other?,
        };
        if completed {
            engine.notifier.order(&engine.pool, Some(id)).await?;
        }
    }
    Ok(())
}
