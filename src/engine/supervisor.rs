//! The engine of a process: takes the senders that have work and that nobody holds, sends and polls for them, gives
//! them up when the work is done.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clock::Moment;
use super::configured_sender::ConfiguredSender;
use super::context::EngineContext;
use super::fence::{self, Fence, Refusal, Verified};
use super::lease::{HeldLease, Keeping};
use super::lease_watch::{Verdict, Watch};
use super::maintenance::{self, Maintenance};
use super::polling::{Poller, PollingTerms};
use super::recorder::{self, InFlight, RecorderDeps, RecorderHandle};
use super::revival;
use super::sending::{Fenced, Sender, SenderContext};
use super::standby::Standby;
use crate::domain::ids::SenderId;
use crate::private_postgres::PrivatePostgres;
use crate::store::lease::{self, Lease, LeaseRequest, PendingLease};
use crate::store::{self, StoreError, blast, poll};

/// When an engine ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Only when it is stopped.
    Stopped,
    /// When nothing is sending, due, or young enough to ask about, and no cancel or delete is left in the middle.
    Idle,
}

/// How this process runs its engine.
#[derive(Clone)]
pub struct RunOptions {
    pub until: Until,
    /// Starts another process that waits for the leases, so that work goes on when this one is gone.
    pub standby: Option<Standby>,
    /// The private Postgres, where that is the database: started again when it dies.
    pub local: Option<PrivatePostgres>,
}

/// Without an order, an engine that sends looks this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// And one that has nothing to do but wait, this often; one that ends by itself does so a little sooner. Orders wake it
/// at once.
const IDLE_LOOK_EVERY: Duration = Duration::from_secs(5);
const LAST_LOOK_EVERY: Duration = Duration::from_secs(2);
/// Between two turns that clear up after a cancel or a delete: the other half of the time is the senders'.
const CLEARING_LOOK_EVERY: Duration = Duration::from_millis(500);
const SWEEP_EVERY: Duration = Duration::from_secs(30);
/// After a stop, evidence that cannot be written is given up after this.
const LAST_EVIDENCE: Duration = Duration::from_secs(20);

/// Runs until stopped or idle.
pub async fn run(engine: EngineContext, options: RunOptions, stop: CancellationToken) {
    let give_up = CancellationToken::new();
    let deps = RecorderDeps {
        pool: engine.sending_pool.clone(),
        rules: engine.settings.retry,
        changed: engine.notifier.changed(),
    };
    let (recorder, recorder_task) = recorder::start(deps, give_up.clone());
    let revivals = CancellationToken::new();
    let _until_the_end = revivals.clone().drop_guard();
    if let Some(local) = options.local.clone() {
        tokio::spawn(revival::keep_alive(engine.notifier.database(), local, revivals));
    }
    let mut supervisor = Supervisor {
        orders: engine.notifier.orders(),
        suspension: engine.suspension.wanted(),
        engine,
        options,
        recorder,
        senders: HashMap::new(),
        watch: Watch::default(),
        maintenance: Maintenance::default(),
    };
    supervisor.work(&stop).await;
    supervisor.stop_senders().await;
    maintenance::fold_all(&supervisor.engine.pool).await;
    drop(supervisor);
    if tokio::time::timeout(LAST_EVIDENCE, recorder_task).await.is_err() {
        give_up.cancel();
        tracing::error!("some evidence could not be written; those people will be uncertain");
    }
}

struct Supervisor {
    engine: EngineContext,
    options: RunOptions,
    recorder: RecorderHandle,
    orders: watch::Receiver<u64>,
    suspension: watch::Receiver<bool>,
    senders: HashMap<SenderId, Running>,
    /// The leases of others.
    watch: Watch,
    maintenance: Maintenance,
}

/// A sender that this process sends for.
struct Running {
    stop: CancellationToken,
    /// All its blasts wait for long.
    rests: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Supervisor {
    async fn work(&mut self, stop: &CancellationToken) {
        let mut failures = 0;
        while !stop.is_cancelled() {
            match self.turn().await {
                Ok(Turn::Over) => return,
                Ok(Turn::GoOn) => failures = 0,
                Err(error @ StoreError::Newer { .. }) => {
                    tracing::error!(%error, "the engine ends");
                    return;
                }
                Err(error) => {
                    self.watch.was_blind();
                    tracing::warn!(%error, "the engine waits for the database");
                    failures += 1;
                }
            }
            let pause = if failures == 0 { self.pause() } else { StoreError::backoff(failures) };
            tokio::select! {
                () = stop.cancelled() => return,
                _ = self.orders.changed(), if failures == 0 => {}
                _ = self.suspension.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// How long until the next look, if nobody orders one.
    fn pause(&self) -> Duration {
        if self.maintenance.is_clearing() {
            return CLEARING_LOOK_EVERY;
        }
        let is_waiting = self.senders.values().all(|running| running.rests.load(Ordering::Relaxed));
        match (is_waiting, self.options.until) {
            (false, _) => LOOK_EVERY,
            (true, Until::Idle) if !self.senders.is_empty() => LAST_LOOK_EVERY,
            (true, _) => IDLE_LOOK_EVERY,
        }
    }

    async fn turn(&mut self) -> Result<Turn, StoreError> {
        self.orders.mark_unchanged();
        if *self.suspension.borrow_and_update() {
            self.stop_senders().await;
            self.engine.suspension.suspended();
            return Ok(Turn::GoOn);
        }
        let _turn = if self.senders.is_empty() { self.engine.turns.take(LOOK_EVERY).await } else { None };
        let due = self.due().await?;
        self.settle(&due).await;
        for sender in self.engine.senders.clone().iter() {
            if due.binary_search(&sender.id).is_ok() && !self.senders.contains_key(&sender.id) {
                self.try_take(sender).await?;
            }
        }
        // After the senders: none of it holds up a message.
        match self.maintenance.turn(&self.engine).await {
            Err(error @ StoreError::Busy(_)) => tracing::warn!(%error, "the counts are folded later"),
            other => other?,
        }
        self.complete_finished().await?;
        let ours = self
            .engine
            .senders
            .clone()
            .iter()
            .any(|sender| !sender.is_elsewhere() && due.binary_search(&sender.id).is_ok());
        let is_idle = self.options.until == Until::Idle && !ours && self.senders.is_empty();
        Ok(if is_idle && !self.maintenance.has_left(&self.engine).await? { Turn::Over } else { Turn::GoOn })
    }

    /// Senders with something to send or to ask about. A stopped sender has nothing to do until somebody mends it.
    async fn due(&self) -> Result<Vec<SenderId>, StoreError> {
        let mut due = blast::senders_with_work(&self.engine.pool).await?;
        let now = self.engine.clock.now();
        let young = now.checked_sub_signed(self.engine.settings.follow_for(self.options.until)).unwrap_or_default();
        due.extend(poll::senders(&self.engine.pool, young).await?);
        due.sort_unstable();
        due.dedup();
        Ok(due)
    }

    /// Forgets senders whose task ended, and stops those with nothing left to do.
    async fn settle(&mut self, due: &[SenderId]) {
        let over: Vec<SenderId> = self
            .senders
            .iter()
            .filter(|(id, running)| running.task.is_finished() || !due.contains(id))
            .map(|(id, _)| *id)
            .collect();
        for id in over {
            if let Some(running) = self.senders.remove(&id) {
                running.stop.cancel();
                let _ = running.task.await;
            }
        }
    }

    /// One sender's trouble (somebody holds a lock on its row) is not the others'. A schema that this version does not know
    /// is everybody's.
    async fn try_take(&mut self, sender: &ConfiguredSender) -> Result<(), StoreError> {
        match self.take(sender).await {
            Err(error @ StoreError::Newer { .. }) => return Err(error),
            Err(error) => tracing::warn!(sender = %sender.name, %error, "it cannot be taken yet"),
            Ok(()) => {}
        }
        Ok(())
    }

    /// Takes a sender if nobody holds it.
    async fn take(&mut self, sender: &ConfiguredSender) -> Result<(), StoreError> {
        let dead = match lease::held_by_other(&self.engine.pool, sender.id, self.engine.identity.name()).await? {
            None => None,
            Some(held) => match self.watch.look(sender.id, &held, self.engine.settings.lease.valid) {
                Verdict::Alive => return Ok(()),
                Verdict::Dead(pulse) => Some(pulse),
            },
        };
        if !sender.is_current(&self.engine.pool).await? {
            return Ok(());
        }
        let server = store::fence::server(&self.engine.pool).await?;
        let asked_at = Moment::now();
        let terms = self.engine.settings.lease;
        let asking =
            LeaseRequest { holder: self.engine.identity.name(), host: &self.engine.host, valid: terms.valid(), dead };
        // Not on the connections for sending: of many windows that try at once only one will need those.
        let Some(acquiring) = lease::acquire(&self.engine.pool, sender.id, asking).await? else { return Ok(()) };
        let Some((lease, verified)) = self.verify(sender, acquiring, server).await? else { return Ok(()) };
        // A move locks the lease row: one that came before it shows now, one that comes after ends this lease's epoch.
        if !sender.is_current(&self.engine.pool).await? {
            return lease::release(&self.engine.pool, lease).await;
        }
        self.ask_when_too_late(sender, lease).await?;
        tracing::info!(sender = %sender.name, epoch = lease.epoch, "sending for it now");
        self.engine.clock.heard(asked_at, lease.granted_at);
        self.start(sender, HeldLease::new(lease, terms, asked_at), verified);
        if let Some(standby) = &self.options.standby {
            standby.ensure();
        }
        Ok(())
    }

    /// Commits a lease once its database was found to be as this machine remembers it; else nothing is sent until somebody
    /// confirms.
    async fn verify(
        &mut self,
        sender: &ConfiguredSender,
        mut acquiring: PendingLease,
        server: store::fence::Server,
    ) -> Result<Option<(Lease, Verified)>, StoreError> {
        let facts = store::fence::facts(&mut acquiring.tx, sender.id).await?;
        let seen = self.watch.seen(sender.id);
        match self.engine.fence.verify(&mut acquiring.tx, (sender.id, &facts), server, seen).await {
            Ok(verified) => Ok(Some((acquiring.commit().await?, verified))),
            Err(Refusal::Store(error)) => Err(error),
            Err(why) => {
                drop(acquiring);
                // Once somebody has confirmed, what was seen before says nothing any more.
                self.watch.forget(sender.id);
                fence::close(&self.engine, sender, &why).await?;
                Ok(None)
            }
        }
    }

    fn start(&mut self, sender: &ConfiguredSender, lease: HeldLease, verified: Verified) {
        let context = Arc::new(SenderContext {
            pool: self.engine.sending_pool.clone(),
            sender: sender.clone(),
            lease: Arc::new(lease),
            recorder: self.recorder.clone(),
            in_flight: InFlight::default(),
            notifier: self.engine.notifier.clone(),
            clock: self.engine.clock.clone(),
            failures_in_a_row: self.engine.settings.failures_in_a_row,
            rests: Arc::default(),
        });
        let rests = context.rests.clone();
        let stop = CancellationToken::new();
        let fenced = Fenced { engine: self.engine.clone(), journal: verified.journal };
        let task = tokio::spawn(send_for(context, fenced, self.engine.settings.polling, stop.clone()));
        self.senders.insert(sender.id, Running { stop, rests, task });
    }

    /// A blast that nobody sent for hours (a machine that was off, a backup brought back) is not sent at an hour that
    /// nobody chose: it pauses and asks.
    async fn ask_when_too_late(&self, sender: &ConfiguredSender, lease: Lease) -> Result<(), StoreError> {
        let Some(idle_since) = lease.idle_since else { return Ok(()) };
        let idle = lease.granted_at - idle_since;
        if idle <= self.engine.settings.too_late {
            return Ok(());
        }
        let reason = format!("nobody was there to send it for {} h: resume it if it is not too late", idle.num_hours());
        for id in blast::pause_stale(&self.engine.pool, sender.id, idle_since, &reason).await? {
            tracing::warn!(blast = id.0, reason, "paused");
            self.engine.notifier.order(&self.engine.pool, Some(id)).await?;
        }
        Ok(())
    }

    async fn complete_finished(&self) -> Result<(), StoreError> {
        for id in blast::finished(&self.engine.pool).await? {
            let completed = match blast::complete(&self.engine.pool, id).await {
                Err(error) if !error.is_transient() => {
                    tracing::warn!(%error, blast = id.0, "it is over, and the database refuses to have that written");
                    false
                }
                other => other?,
            };
            if completed {
                self.engine.notifier.order(&self.engine.pool, Some(id)).await?;
            }
        }
        Ok(())
    }

    /// Stops every sender: no new POST; those under way are awaited, leases released.
    async fn stop_senders(&mut self) {
        for running in self.senders.values() {
            running.stop.cancel();
        }
        for (_, running) in self.senders.drain() {
            let _ = running.task.await;
        }
    }
}

enum Turn {
    GoOn,
    Over,
}

/// One sender, for as long as its lease lasts: the loop, the poller, the renewals and the sweep.
async fn send_for(context: Arc<SenderContext>, fenced: Fenced, polling: PollingTerms, stop: CancellationToken) {
    let inner = stop.child_token();
    let beside = TaskTracker::new();
    // Renewals go on until the last POST is in: its evidence needs no lease, but a takeover meanwhile would sweep it.
    let renewals = CancellationToken::new();
    let keeper = tokio::spawn(keep(context.clone(), fenced.engine.fence.clone(), inner.clone(), renewals.clone()));
    beside.spawn(Poller::new(context.clone(), polling, inner.clone()).run());
    beside.spawn(inner.clone().run_until_cancelled_owned(sweep(context.clone())));
    beside.close();
    match Sender::new(context.clone(), fenced).await {
        Ok(sender) => sender.run(inner.clone()).await,
        Err(error) => tracing::warn!(%error, "the sender could not be started"),
    }
    // What it could not write for is no news of this process any more.
    context.notifier.hold(context.sender.id, None);
    inner.cancel();
    beside.wait().await;
    settle_in_flight(&context.in_flight, context.recorder.settled()).await;
    renewals.cancel();
    let _ = keeper.await;
    if let Err(error) = lease::release(&context.pool, context.lease.lease).await {
        tracing::debug!(%error, "the lease could not be released; it runs out by itself");
    }
    let _ = context.notifier.order(&context.pool, None).await;
}

/// Keeps the lease; when it is lost, everything of this sender stops.
async fn keep(context: Arc<SenderContext>, fence: Arc<Fence>, sending: CancellationToken, stop: CancellationToken) {
    context.lease.keep(Keeping { pool: &context.pool, clock: &context.clock, fence: &fence }, &stop).await;
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

/// Now and then: people in flight whom nobody holds. A claim whose answer was lost leaves such.
async fn sweep(context: Arc<SenderContext>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let held = context.in_flight.people();
        match lease::sweep(&context.pool, context.sender.id, context.lease.lease.epoch, &held).await {
            Ok(0) => {}
            Ok(people) => tracing::warn!(sender = %context.sender.name, people, "became uncertain: nobody held them"),
            Err(error) => tracing::debug!(%error, "the sweep waits for the database"),
        }
    }
}
