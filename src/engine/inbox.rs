//! Applies webhooks: reads what is due in the inbox, parses it outside of any transaction, and records what it says, in one
//! transaction with the mark that it is applied. A crash in between leaves nothing half done, and applying it twice changes nothing.
//! Opt-outs come before everything else that was read with them; a request that fails is set aside and holds up no other.

mod consequences;
mod effects;
mod identity_change;
mod item;
mod notices;
mod opt_out;
mod opt_outs_alone;
mod opt_outs_first;
mod orders;
mod part;
mod progress;
mod reading;
mod replies;
mod returning;
mod statuses;
mod stops;
mod turn;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::context::EngineContext;
use crate::store::inbox::{self, InboxRow};
use crate::store::{DbTransaction, StoreError};
pub use opt_outs_alone::record_opt_outs;
use opt_outs_first::{AppliedOptOuts, ScanOutcome};
use part::RequestPart;
use turn::InboxTurn;

/// Without a notification, the inbox is read again this often.
const READ_EVERY: Duration = Duration::from_secs(5);
/// The same where no sender of this engine receives webhooks: those of others are theirs to apply.
const READ_OTHERS_EVERY: Duration = Duration::from_secs(60);
/// A start waits no longer than this for opt-outs that came before it where none of them can be applied.
const HEEDED_WITHIN: Duration = Duration::from_secs(30);
/// Opt-outs that are in another process's hands are looked at again this soon, and waited for no longer than this.
const HELD_UP_PAUSE: Duration = Duration::from_secs(1);
const HELD_UP_WITHIN: Duration = Duration::from_secs(300);
/// What is due is in another engine's hands.
const OTHERS_PAUSE: Duration = Duration::from_millis(200);

/// Applies the opt-outs among what came while no engine ran, before anybody is sent to: whoever asked to be left alone may be next.
/// However many they are, and however slow the machine is: as long as it gets on with them, sending waits.
pub(super) async fn heed_waiting(engine: &EngineContext) {
    let mut applied = AppliedOptOuts::default();
    let advances = applied.advances();
    let heeding = async {
        let (mut failures, mut held_up_since) = (0, None);
        loop {
            match heed_once(engine, &mut applied).await {
                // A lock, or a database that is away for a moment: nobody is sent to for that.
                Err(error) if error.is_transient() => {
                    if failures == 0 {
                        tracing::warn!(%error, "opt-outs that came before this start cannot be applied yet");
                    }
                    failures += 1;
                }
                // Another process has them in its hands, and may fail at them.
                Ok(ScanOutcome::HeldUp) => {
                    failures += 1;
                    if held_up_since.get_or_insert_with(Instant::now).elapsed() > HELD_UP_WITHIN {
                        tracing::warn!(
                            "sending begins before all opt-outs hold: somebody has had a lock on some for minutes"
                        );
                        return Ok(());
                    }
                }
                done => return done.map(drop),
            }
            sleep(StoreError::backoff(failures).min(HELD_UP_PAUSE)).await;
        }
    };
    match while_it_advances(Box::pin(heeding), &advances, HEEDED_WITHIN).await {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::debug!(%error, "opt-outs that wait are applied in their turn"),
        None => {
            tracing::warn!("sending begins before all opt-outs that came before hold: none could be applied for 30 s");
        }
    }
}

/// What comes of it; `None` once it has not advanced for so long.
async fn while_it_advances<T>(
    mut work: impl Future<Output = T> + Unpin,
    advances: &AtomicU64,
    patience: Duration,
) -> Option<T> {
    loop {
        let before = advances.load(Ordering::Relaxed);
        match timeout(patience, &mut work).await {
            Ok(done) => return Some(done),
            Err(_) if advances.load(Ordering::Relaxed) == before => return None,
            Err(_) => tracing::info!("opt-outs that came before this start are applied; sending begins after them"),
        }
    }
}

async fn heed_once(engine: &EngineContext, applied: &mut AppliedOptOuts) -> Result<ScanOutcome, StoreError> {
    match inbox::next_due(&engine.pool).await? {
        Some(_) => opt_outs_first::scan(engine, applied).await,
        None => Ok(ScanOutcome::Done),
    }
}

/// Applies what comes until stopped.
pub(super) async fn run(engine: EngineContext, stop: CancellationToken) {
    let mut received = engine.notifier.inbox();
    let mut failures = 0;
    let mut applied = AppliedOptOuts::default();
    while !stop.is_cancelled() {
        received.mark_unchanged();
        let pause = match step(&engine, &mut applied, &stop).await {
            Ok(pause) => {
                failures = 0;
                pause
            }
            Err(error) => {
                if failures == 0 {
                    tracing::warn!(%error, "webhooks are applied later");
                }
                failures += 1;
                StoreError::backoff(failures)
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            _ = received.changed(), if failures == 0 => {}
            () = sleep(pause) => {}
        }
    }
}

/// Applies what is due, until the stop; returns how long until the next is.
async fn step(
    engine: &EngineContext,
    applied: &mut AppliedOptOuts,
    stop: &CancellationToken,
) -> Result<Duration, StoreError> {
    let is_ours = engine.senders.iter().any(|sender| sender.receives_webhooks);
    let read_every = if is_ours { READ_EVERY } else { READ_OTHERS_EVERY };
    loop {
        // Not on the connections for sending: an idle engine opens none of them for this.
        match inbox::next_due(&engine.pool).await? {
            None => return Ok(read_every),
            Some(due) if !due.is_zero() => return Ok(due.min(read_every)),
            Some(_) => {}
        }
        if !apply_due(engine, applied).await? {
            return Ok(OTHERS_PAUSE);
        }
        // As long as something can be taken, nobody asks when it is due: with a long transaction elsewhere that walks over dead
        // entries, as the taking does.
        while !stop.is_cancelled() && apply_due(engine, applied).await? {}
        if stop.is_cancelled() {
            return Ok(Duration::ZERO);
        }
    }
}

/// One turn. `false`: nothing could be taken. `applied` are the requests whose opt-outs hold already.
async fn apply_due(engine: &EngineContext, applied: &mut AppliedOptOuts) -> Result<bool, StoreError> {
    if let Err(error) = opt_outs_first::scan(engine, applied).await {
        // The turns themselves meet it again, and find whose fault it is.
        tracing::debug!(%error, "opt-outs are applied in their turn");
    }
    let rows = due(engine).await?;
    if rows.is_empty() {
        return Ok(false);
    }
    let ids: HashSet<i64> = rows.iter().map(|row| row.id).collect();
    let mut parts = reading::read(rows, engine.clock.now()).await;
    match opt_outs_first::apply(engine, &mut parts, applied).await {
        Ok(locked) => applied.turn(&ids - &locked),
        // The turn itself meets it again, and finds whose fault it is.
        Err(error) => tracing::debug!(%error, "opt-outs are applied with the rest"),
    }
    apply_apart(engine, &mut part::choose(parts)).await
}

/// What is due and in nobody's hands. Nothing of it stays locked: parsing may take long.
async fn due(engine: &EngineContext) -> Result<Vec<InboxRow>, StoreError> {
    let mut tx = inbox::begin(&engine.sending_pool).await?;
    let rows = inbox::take(&mut tx).await?;
    tx.rollback().await?;
    Ok(rows)
}

/// Applies requests in one transaction. When that fails they are halved until the culprit is alone, which is set aside. `false`:
/// all of them are in other engines' hands.
async fn apply_apart(engine: &EngineContext, parts: &mut [RequestPart]) -> Result<bool, StoreError> {
    // A database that does not even begin is nobody's fault.
    let tx = inbox::begin(&engine.sending_pool).await?;
    let error = match apply_together(engine, tx, parts).await {
        Ok(any) => return Ok(any),
        Err(error) => error,
    };
    if let [part] = parts {
        set_aside(engine, part, &error).await?;
        return Ok(true);
    }
    let (left, right) = parts.split_at_mut(parts.len() / 2);
    let any = Box::pin(apply_apart(engine, left)).await?;
    Ok(Box::pin(apply_apart(engine, right)).await? || any)
}

async fn apply_together(
    engine: &EngineContext,
    mut tx: DbTransaction,
    parts: &mut [RequestPart],
) -> Result<bool, StoreError> {
    let mut turn = InboxTurn::new(engine);
    let any = match turn.apply(&mut tx, parts).await {
        Ok(any) => any,
        Err(error) => {
            // Now, not when the connection is next used.
            let _ = tx.rollback().await;
            return Err(error);
        }
    };
    turn.effects.commit(engine, tx).await?;
    Ok(any)
}

/// A request that could not be applied is tried again later, with what waits.
async fn set_aside(engine: &EngineContext, part: &RequestPart, error: &StoreError) -> Result<(), StoreError> {
    let mut tx = inbox::begin(&engine.sending_pool).await?;
    if !inbox::lock(&mut tx, &[&part.row]).await?.is_empty() {
        tracing::warn!(id = part.row.id, %error, "a webhook is set aside and tried again later");
        let progress = progress::aside(part, error, engine.clock.now());
        inbox::mark(&mut tx, &[(part.row.clone(), progress)]).await?;
    }
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::{HEEDED_WITHIN, while_it_advances};

    #[tokio::test(start_paused = true)]
    async fn a_start_waits_for_opt_outs_while_they_are_applied_and_not_for_those_that_cannot_be() {
        let advances = AtomicU64::new(0);
        let slow = async {
            for _ in 0..20 {
                sleep(HEEDED_WITHIN / 2).await;
                advances.fetch_add(1, Ordering::Relaxed);
            }
        };
        assert_eq!(while_it_advances(Box::pin(slow), &advances, HEEDED_WITHIN).await, Some(()));

        let began = Instant::now();
        let stuck = sleep(Duration::from_secs(3_600));
        assert_eq!(while_it_advances(Box::pin(stuck), &advances, HEEDED_WITHIN).await, None);
        assert_eq!(began.elapsed(), HEEDED_WITHIN);
    }
}
