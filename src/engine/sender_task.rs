//! One sender while its lease lasts: its loop, and beside it the renewals, the poller and the sweep.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::context::EngineContext;
use super::lease::RenewalDeps;
use super::polling::{Poller, PollingTerms};
use super::recorder::InFlight;
use super::sending::{Sender, SenderContext, SendingDeps};
use crate::store::lease;

/// People in flight whom nobody holds are searched for this often.
const SWEEP_EVERY: Duration = Duration::from_secs(30);
const FIRST_SWEEP_AFTER: Duration = Duration::from_secs(1);
/// After a stop, evidence that cannot be written is given up after this.
pub(super) const LAST_EVIDENCE: Duration = Duration::from_secs(20);

/// One sender, for as long as its lease lasts: the loop, the poller, the renewals and the sweep.
pub(super) async fn run(
    context: Arc<SenderContext>,
    deps: SendingDeps,
    polling: PollingTerms,
    stop: CancellationToken,
) {
    let inner = stop.child_token();
    let beside = TaskTracker::new();
    // Renewals go on until the last POST is in: its evidence needs no lease, but a takeover meanwhile would sweep it.
    let renewals = CancellationToken::new();
    let keeper = tokio::spawn(keep(context.clone(), deps.engine.clone(), inner.clone(), renewals.clone()));
    if context.sender.provider.answers_status() {
        beside.spawn(Poller::new(context.clone(), polling, inner.clone()).run());
    }
    beside.spawn(inner.clone().run_until_cancelled_owned(sweep(context.clone())));
    beside.close();
    match Sender::new(context.clone(), deps, inner.clone()).await {
        Ok(sender) => sender.run().await,
        Err(error) => tracing::warn!(%error, "the sender could not be started"),
    }
    // What it could not write for is no news of this process any more.
    context.notifier.hold(context.sender.id, None);
    inner.cancel();
    beside.wait().await;
    settle_in_flight(&context.in_flight, context.recorder.settled()).await;
    renewals.cancel();
    if keeper.await.is_err() {
        tracing::error!(sender = %context.sender.name, "the task that renews its lease panicked");
    }
    if let Err(error) = lease::release(&context.pool, context.lease.lease).await {
        tracing::debug!(%error, "the lease could not be released; it runs out by itself");
    }
    let _ = context.notifier.order(&context.pool, None).await;
}

/// Keeps the lease; when it is lost, everything of this sender stops.
async fn keep(context: Arc<SenderContext>, engine: EngineContext, sending: CancellationToken, stop: CancellationToken) {
    // Also should this task panic: a sender whose lease nobody renews ends.
    let _at_the_end = sending.clone().drop_guard();
    let (pool, clock, too_late) = (&context.pool, &context.clock, engine.settings.too_late);
    let keeping = RenewalDeps { pool, clock, fence: &engine.fence, name: &context.sender.name, too_late };
    context.lease.keep(keeping, &stop).await;
    if context.lease.is_lost() {
        tracing::warn!(sender = %context.sender.name, "its lease is lost: nothing is sent under it any more");
        sending.cancel();
        context.lease.end_posts().await;
    }
}

/// Waits until the evidence of the last POSTs is durable, for a while.
async fn settle_in_flight(in_flight: &InFlight, mut settled: watch::Receiver<u64>) {
    let all = async {
        while !in_flight.is_empty() {
            if settled.changed().await.is_err() {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(LAST_EVIDENCE, all).await;
}

/// Now and then: people in flight whom nobody holds. A claim leaves such whose answer was lost and whose transaction stayed open, and
/// so does a takeover, whose own sweep passes over rows that somebody has locked: an opt-out that comes just then, say. The first one
/// therefore follows soon.
async fn sweep(context: Arc<SenderContext>) {
    let mut wait = FIRST_SWEEP_AFTER;
    loop {
        tokio::time::sleep(std::mem::replace(&mut wait, SWEEP_EVERY)).await;
        let held = context.in_flight.people();
        match lease::sweep(&context.pool, context.sender.id, context.lease.lease.epoch, &held).await {
            Ok(0) => {}
            Ok(people) => tracing::warn!(sender = %context.sender.name, people, "became uncertain: nobody held them"),
            Err(error) => tracing::debug!(%error, "the sweep waits for the database"),
        }
    }
}
