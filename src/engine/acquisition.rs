//! How an engine acquires a sender: the lease, and in the same transaction the proof that its database is the one this
//! machine remembers.

use std::time::Duration;

use chrono::TimeDelta;

use super::clock::Moment;
use super::configured_sender::ConfiguredSender;
use super::context::EngineContext;
use super::fence::{self, FenceRefusal, Verified};
use super::lease::HeldLease;
use super::lease_watch::{HolderState, LeaseWatch, UnknownSender};
use crate::domain::ids::BlastId;
use crate::domain::text::span_words;
use crate::store::fence::{SenderFacts, Server};
use crate::store::lease::{self, Lease, LeaseCounters, LeaseRequest, PendingLease};
use crate::store::{self, StoreError, blast};

/// A sender that this process may send for.
pub struct Acquired {
    pub lease: HeldLease,
    pub verified: Verified,
}

/// What came of the wish to send for a sender.
pub enum Acquisition {
    Acquired(Box<Acquired>),
    /// A live process holds it.
    Elsewhere,
    /// Somebody else was first, its configuration is not the current one, or somebody has to confirm its database first.
    Refused,
}

/// What came of starting a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takeover {
    Started,
    /// A live process holds it.
    Elsewhere,
    /// It was refused, or failed: it is tried again.
    NotNow,
}

/// The longest lease for whose time a machine without a record leaves a sender to another one, which is about to take it.
const PATIENCE_MAX: Duration = Duration::from_secs(30);

/// Acquires a sender that nobody else holds.
pub async fn acquire(
    engine: &EngineContext,
    watch: &mut LeaseWatch,
    sender: &ConfiguredSender,
) -> Result<Acquisition, StoreError> {
    let terms = engine.settings.lease;
    let dead = match lease::held_by_other(&engine.pool, sender.id, engine.identity.name()).await? {
        None => None,
        // Its process was killed on this machine: it posts no more, and whatever it has written by now counts.
        Some(held) if engine.identity.has_ended(&held.holder) => Some(held.counters),
        Some(held) => match watch.look(sender.id, &held, terms.valid) {
            HolderState::Alive => return Ok(Acquisition::Elsewhere),
            HolderState::Dead(counters) => Some(counters),
        },
    };
    if !sender.is_current(&engine.pool).await? {
        return Ok(Acquisition::Refused);
    }
    let server = store::fence::server(&engine.pool).await?;
    let asked_at = Moment::now();
    let holder = engine.identity.name();
    let token = sender.token.fingerprint();
    let asking = LeaseRequest { holder, host: &engine.host, role: engine.role, token, valid: terms.valid(), dead };
    // Not on the connections for sending: of many windows that try at once only one will need those.
    let Some(pending) = lease::acquire(&engine.pool, sender.id, asking).await? else { return Ok(Acquisition::Refused) };
    // Before the database is verified: the reading is taken to be of the middle of the round trip.
    engine.clock.observe(asked_at, pending.lease.granted_at);
    let Some((lease, verified)) = verify(engine, watch, sender, pending, server).await? else {
        return Ok(Acquisition::Refused);
    };
    // A move locks the lease row: one that came before it shows now, one that comes after ends this lease's epoch.
    if !sender.is_current(&engine.pool).await? {
        lease::release(&engine.pool, lease).await?;
        return Ok(Acquisition::Refused);
    }
    tracing::info!(sender = %sender.name, epoch = lease.epoch, "sending for it now");
    Ok(Acquisition::Acquired(Box::new(Acquired { lease: HeldLease::new(lease, terms, asked_at), verified })))
}

/// Commits a lease once its database was found to be as this machine remembers it; else nothing is sent until somebody
/// confirms.
///
/// Compared and remembered is what the database counted *before* the grant: the grant itself would make up for the last
/// acquisition that a restore lost, and a commit that fails must not be remembered.
async fn verify(
    engine: &EngineContext,
    watch: &mut LeaseWatch,
    sender: &ConfiguredSender,
    mut pending: PendingLease,
    server: Server,
) -> Result<Option<(Lease, Verified)>, StoreError> {
    let Lease { granted_at, reached_at, .. } = pending.lease;
    let patience = patience(engine);
    let was_held_lately = reached_at.is_some_and(|at| (granted_at - at).to_std().is_ok_and(|ago| ago < patience));
    let stale = ask_when_too_late(engine, &mut pending).await?;
    let LeaseCounters { epoch, renewals } = pending.before;
    let facts = SenderFacts { epoch, renewals, ..store::fence::facts(&mut pending.tx, sender.id).await? };
    let refusal =
        match engine.fence.verify(&mut pending.tx, (sender.key(), &facts), server, watch.seen(sender.id)).await {
            Ok(verified) => {
                let lease = pending.sweep_and_commit().await?;
                for id in stale {
                    engine.notifier.order(&engine.pool, Some(id)).await?;
                }
                match engine.fence.renewed(sender.key(), lease.counters()) {
                    Ok(()) => return Ok(Some((lease, verified))),
                    Err(error) => {
                        lease::release(&engine.pool, lease).await?;
                        error.into()
                    }
                }
            }
            Err(FenceRefusal::Store(error)) => return Err(error),
            Err(why) => {
                drop(pending);
                why
            }
        };
    let unknown = UnknownSender { id: sender.id, is_stopped: facts.is_stopped, was_held_lately };
    if refusal.is_without_record() && watch.is_left_to_others(unknown, patience) {
        tracing::debug!(sender = %sender.name, "it is asked about, or an engine of another machine comes first");
        return Ok(None);
    }
    watch.asks(sender.id);
    // Once somebody has confirmed, what was seen before says nothing any more.
    watch.forget(sender.id);
    fence::close(engine, sender, &refusal).await?;
    Ok(None)
}

/// How long a machine without a record leaves a sender to another one: for the time of a lease, and at least until the other one has
/// looked, where no order wakes it.
fn patience(engine: &EngineContext) -> Duration {
    let others_look_within = engine.settings.shrink(engine.notifier.order_delay());
    engine.settings.lease.valid.min(PATIENCE_MAX).max(others_look_within)
}

/// A blast that nothing sent for hours (the machine was off or stood still, a backup was restored, its sender was stopped) is not sent at an
/// hour that nobody chose: it pauses, in the transaction that would forget how long nothing was sent.
async fn ask_when_too_late(engine: &EngineContext, pending: &mut PendingLease) -> Result<Vec<BlastId>, StoreError> {
    let Lease { sender, granted_at, idle_since, .. } = pending.lease;
    let Some(idle_since) = idle_since.filter(|since| granted_at - *since > engine.settings.too_late) else {
        return Ok(Vec::new());
    };
    let stopped = store::sender::stopped_since(&mut pending.tx, sender, idle_since).await?;
    let reason = idle_words(granted_at - idle_since, stopped, engine.settings.too_late);
    let paused = blast::pause_stale(&mut pending.tx, sender, idle_since, &reason).await?;
    for id in &paused {
        tracing::warn!(blast = id.0, reason, "paused");
    }
    Ok(paused)
}

/// Why a blast asks of which nothing was sent for so long: no engine ran for longer than `too_late`, also without the time for which its
/// sender was stopped; or else that stop.
fn idle_words(idle: TimeDelta, stopped: TimeDelta, too_late: TimeDelta) -> String {
    let unattended = idle - stopped;
    let why = if stopped.is_zero() || unattended > too_late {
        format!("no engine ran for {}", span_words(unattended))
    } else {
        format!("its sender was stopped for {}", span_words(stopped))
    };
    format!("{why}: resume it if it is not too late")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blast_asks_for_what_kept_it_for_so_long() {
        let words = |idle, stopped| {
            let minutes = TimeDelta::minutes;
            let words = idle_words(minutes(idle), minutes(stopped), minutes(360));
            words.strip_suffix(": resume it if it is not too late").unwrap().to_owned()
        };

        assert_eq!(words(420, 0), "no engine ran for 7 h");
        assert_eq!(words(420, 418), "its sender was stopped for 6 h 58 min");
        assert_eq!(words(480, 5), "no engine ran for 7 h 55 min");
        assert_eq!(words(600, 300), "its sender was stopped for 5 h", "neither alone would do");
    }
}
