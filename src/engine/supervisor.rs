//! The engine of a process: acquires the senders that have work and that nobody holds, sends and polls for them, and releases
//! them when the work is done.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::acquisition::{self, Acquired, Acquisition, Takeover};
use super::change_watcher::{LOOK_AT_REST_EVERY, LOOK_EVERY};
use super::configured_sender::ConfiguredSender;
use super::context::EngineContext;
use super::engine_end::{EngineEnd, write_the_last};
use super::held_elsewhere::HeldElsewhere;
use super::lease_watch::LeaseWatch;
use super::maintenance::{self, Maintenance};
use super::meter::ENGINE_METER;
use super::recorder::{self, InFlight, RecorderDeps, RecorderHandle};
use super::run_options::{RunOptions, Until};
use super::sender_task;
use super::sender_token::{self, SenderToken, TokenUse};
use super::sending::{SenderContext, SendingDeps};
use super::{database_watchdog, due, fence, hooks, inbox, media, postgres_revival};
use crate::domain::ids::SenderId;
use crate::store::business;
use crate::store::{self, StoreError};

/// How often an engine that sends polls without an order.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// How often an engine whose blasts all wait polls; one that ends by itself polls a little sooner. Orders wake it at once.
const IDLE_POLL_EVERY: Duration = Duration::from_secs(5);
const LAST_POLL_EVERY: Duration = Duration::from_secs(2);
/// The pause between two turns of clearing after a cancel or a delete, which leaves half of the time to the senders.
const CLEARING_POLL_EVERY: Duration = Duration::from_millis(500);

/// Runs until stopped or idle.
pub async fn run(engine: EngineContext, options: RunOptions, stop: CancellationToken) -> EngineEnd {
    let pool = engine.pool.clone();
    tokio::select! {
        end = work_and_end(engine, options, &stop) => end,
        () = database_watchdog::until_silent(&pool, &stop) => {
            tracing::error!("the database does not answer: whoever is in flight will be uncertain");
            EngineEnd::Silent
        }
    }
}

async fn work_and_end(engine: EngineContext, options: RunOptions, stop: &CancellationToken) -> EngineEnd {
    let engine = EngineContext { role: options.role, ..engine };
    let _runs = engine.pending_acquisitions.begin();
    let give_up = CancellationToken::new();
    let deps = RecorderDeps {
        pool: engine.sending_pool.clone(),
        rules: engine.settings.retry,
        changed: engine.notifier.changed(),
    };
    ENGINE_METER.watch_pools(vec![("engine", engine.pool.clone()), ("sending", engine.sending_pool.clone())]);
    let (recorder, recorder_task) = recorder::start(deps, give_up.clone());
    let revivals = CancellationToken::new();
    let _until_the_end = revivals.clone().drop_guard();
    if let Some(local) = options.local.clone() {
        tokio::spawn(postgres_revival::keep_alive(engine.notifier.database(), local, revivals));
    }
    let stop_inbox = CancellationToken::new();
    stop.run_until_cancelled(engine.clock.read(&engine.pool)).await;
    stop.run_until_cancelled(inbox::heed_waiting(&engine)).await;
    let applying = tokio::spawn(inbox::run(engine.clone(), stop_inbox.clone()));
    let fetching = tokio::spawn(media::run(engine.clone(), stop_inbox.clone()));
    let telling = tokio::spawn(hooks::run(engine.clone(), stop_inbox.clone()));
    let mut supervisor = Supervisor {
        orders: engine.notifier.orders(),
        suspension: engine.suspension.wanted(),
        engine,
        options,
        recorder,
        senders: HashMap::new(),
        watch: LeaseWatch::default(),
        maintenance: Maintenance::default(),
        restored: fence::RestoredSenders::default(),
        is_at_rest: false,
        elsewhere: None,
        stop_inbox: stop_inbox.clone(),
    };
    supervisor.work(stop).await;
    supervisor.stop_senders().await;
    stop_inbox.cancel();
    let _ = tokio::join!(applying, fetching, telling);
    maintenance::fold_all(&supervisor.engine.pool).await;
    drop(supervisor);
    write_the_last(recorder_task, &give_up).await
}

struct Supervisor {
    engine: EngineContext,
    options: RunOptions,
    recorder: RecorderHandle,
    orders: watch::Receiver<u64>,
    suspension: watch::Receiver<bool>,
    senders: HashMap<SenderId, Running>,
    /// The leases that other processes hold.
    watch: LeaseWatch,
    maintenance: Maintenance,
    /// The senders that a restore has stopped.
    restored: fence::RestoredSenders,
    /// The last poll found nothing to do for any sender.
    is_at_rest: bool,
    /// What was due at the last full step, where all of it is sent by other processes and nothing was ordered since.
    elsewhere: Option<HeldElsewhere>,
    /// Stops the applying of webhooks, and the delivery of hooks to other systems.
    stop_inbox: CancellationToken,
}

/// Whether senders have something to do for this process, now or in a moment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SenderWork {
    Left,
    None,
}

/// A sender that this process sends for.
struct Running {
    stop: CancellationToken,
    /// All its blasts wait for long.
    rests: Arc<AtomicBool>,
    token: Arc<SenderToken>,
    /// A standby waits behind this process.
    has_standby: bool,
    task: JoinHandle<()>,
}

impl Supervisor {
    async fn work(&mut self, stop: &CancellationToken) {
        let mut failures = 0;
        while !stop.is_cancelled() {
            match self.step().await {
                Ok(ControlFlow::Break(())) => return,
                Ok(ControlFlow::Continue(())) => failures = 0,
                Err(error @ StoreError::Newer { .. }) => {
                    tracing::error!(%error, "the engine ends");
                    return;
                }
                Err(error) => {
                    self.watch.was_blind();
                    self.elsewhere = None;
                    tracing::warn!(%error, "the engine waits for the database");
                    failures += 1;
                }
            }
            self.wait(failures, stop).await;
        }
    }

    /// Waits for the next step: for an order, or for a pause.
    async fn wait(&mut self, failures: u32, stop: &CancellationToken) {
        let pause = if failures == 0 { self.pause() } else { StoreError::backoff(failures) };
        let look_every = if self.is_at_rest { LOOK_AT_REST_EVERY } else { LOOK_EVERY };
        let over = tokio::time::sleep(pause);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = self.orders.changed(), if failures == 0 => {
                    self.elsewhere = None;
                    return;
                }
                _ = self.suspension.changed() => return,
                () = &mut over => return,
                () = HeldElsewhere::is_left(self.elsewhere.as_ref(), &self.engine) => return,
                () = tokio::time::sleep(look_every), if self.options.watcher.is_some() => {
                    if self.retire_if_outdated().await {
                        return;
                    }
                }
            }
        }
    }

    /// Retires this engine and stops its senders if its program or settings are not the current ones; returns whether it is retired.
    async fn retire_if_outdated(&mut self) -> bool {
        let change = match &mut self.options.watcher {
            Some(watcher) => watcher.is_outdated().await,
            None => return self.engine.retirement.is_retired(),
        };
        let Some(change) = change else { return false };
        tracing::info!(?change, "this process sends no more: a standby with the current program and settings does");
        self.options.watcher = None;
        self.stop_senders().await;
        // Whoever takes over reads what arrives by the current settings, too.
        self.stop_inbox.cancel();
        self.engine.retirement.retire(change);
        true
    }

    /// Sees that a standby with the current program and settings works where nobody does.
    async fn leave_to_standby(&mut self) -> Result<(), StoreError> {
        let Some(standby) = &mut self.options.standby else { return Ok(()) };
        if due::is_left(&self.engine, self.options.until, &self.maintenance).await? {
            standby.ensure_current();
        } else if sender_token::is_waited_for(&self.engine).await? {
            // One that found the token refused has ended: the next one is for whoever writes another token, which is looked for.
            standby.ensure_changed();
            self.is_at_rest = false;
        }
        Ok(())
    }

    /// How long until the next poll, without an order.
    fn pause(&self) -> Duration {
        if self.maintenance.is_clearing() {
            return CLEARING_POLL_EVERY;
        }
        let is_waiting = self.senders.values().all(|running| running.rests.load(Ordering::Relaxed));
        match (is_waiting, self.options.until) {
            (false, _) => POLL_EVERY,
            (true, Until::Idle) if !self.senders.is_empty() => LAST_POLL_EVERY,
            (true, _) if self.is_at_rest => self.rest(),
            (true, _) => IDLE_POLL_EVERY,
        }
    }

    /// How often everything is looked at while nobody is to be sent to or asked about here; in a rehearsal, time runs faster.
    fn rest(&self) -> Duration {
        self.engine.settings.shrink(self.engine.notifier.longest_rest()).max(IDLE_POLL_EVERY)
    }

    async fn step(&mut self) -> Result<ControlFlow<()>, StoreError> {
        if self.orders.has_changed().unwrap_or(true) {
            self.elsewhere = None;
        }
        self.orders.mark_unchanged();
        if self.retire_if_outdated().await {
            if *self.suspension.borrow_and_update() {
                self.engine.suspension.suspended();
            }
            self.leave_to_standby().await?;
            return Ok(ControlFlow::Continue(()));
        }
        if *self.suspension.borrow_and_update() {
            self.stop_senders().await;
            self.engine.suspension.suspended();
            return Ok(ControlFlow::Continue(()));
        }
        let _permit = if self.senders.is_empty() { self.engine.read_permits.acquire(POLL_EVERY).await } else { None };
        if self.stands_by().await? {
            return Ok(ControlFlow::Continue(()));
        }
        let work = self.take_what_is_due().await?;
        self.restored.look(&self.engine).await?;
        self.ensure_standby();
        // After the senders: none of it holds up a message.
        match self.maintenance.turn(&self.engine).await {
            Err(error @ StoreError::Busy(_)) => tracing::warn!(%error, "the counts are folded later"),
            other => other?,
        }
        maintenance::complete_finished(&self.engine).await?;
        let is_idle = self.options.until == Until::Idle && work == SenderWork::None && self.senders.is_empty();
        Ok(if is_idle && !due::beside_sending(&self.engine, &self.maintenance).await? {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }

    /// Starts every sender with something to do that nobody else holds, and that this process's token may be used for.
    async fn take_what_is_due(&mut self) -> Result<SenderWork, StoreError> {
        // Before what is due is read: what came of asking shows there.
        let mut is_left = self.is_asking();
        let refused = store::sender::refused_tokens(&self.engine.pool).await?;
        let due = due::senders(&self.engine, self.options.until).await?;
        self.settle(&due).await;
        let mut elsewhere = Vec::new();
        for sender in self.engine.senders.clone().iter() {
            let is_due = due.binary_search(&sender.id).is_ok();
            let refused = refused.iter().find(|refused| refused.sender == sender.id);
            let usable = sender.token.usable(refused);
            is_left |= sender_token::ask(&self.engine, sender, (refused, is_due), usable);
            if is_due && !self.senders.contains_key(&sender.id) {
                match usable {
                    TokenUse::Barred => sender_token::report(&self.engine, sender).await?,
                    TokenUse::Allowed | TokenUse::MayLift => match self.try_take(sender).await? {
                        Takeover::Elsewhere => elsewhere.push(sender.id),
                        Takeover::Started | Takeover::NotNow => {}
                    },
                }
            }
            is_left |= is_due && usable != TokenUse::Barred && !sender.is_elsewhere();
        }
        let ours = self.engine.senders.iter().filter(|sender| due.binary_search(&sender.id).is_ok()).count();
        let is_all = elsewhere.len() == ours && !self.is_asking();
        self.elsewhere = if is_all { HeldElsewhere::see(elsewhere, &self.engine).await? } else { None };
        self.is_at_rest = due.is_empty() && !is_left && self.senders.is_empty();
        Ok(if is_left { SenderWork::Left } else { SenderWork::None })
    }

    /// Whether a provider is being asked about a token.
    fn is_asking(&self) -> bool {
        self.engine.senders.iter().any(|sender| sender.token.is_asking())
    }

    /// Whether this process only stands by: others send all that was due at the last look at everything.
    async fn stands_by(&mut self) -> Result<bool, StoreError> {
        let rest = self.rest();
        match &mut self.elsewhere {
            Some(held) if !self.maintenance.is_clearing() => held.holds_for(rest, &self.engine, &mut self.watch).await,
            _ => Ok(false),
        }
    }

    /// Stops senders with nothing left to do, or whose token was refused, and forgets those whose task ended; none waits for another.
    async fn settle(&mut self, due: &[SenderId]) {
        let is_over = |id, running: &Running| due.binary_search(id).is_err() || running.token.is_refused();
        for (_, running) in self.senders.iter().filter(|(id, running)| is_over(id, running)) {
            running.stop.cancel();
        }
        let ended: Vec<_> = self.senders.extract_if(|_, running| running.task.is_finished()).collect();
        for (id, running) in ended {
            if let Err(error) = running.task.await {
                tracing::error!(sender = id.0, %error, "the task of a sender panicked: it begins anew");
            }
        }
    }

    /// One sender's trouble (a lock on its row) concerns no other; a schema that this version does not know concerns all.
    async fn try_take(&mut self, sender: &ConfiguredSender) -> Result<Takeover, StoreError> {
        match self.take(sender).await {
            Err(error) if !matches!(error, StoreError::Newer { .. }) => {
                fence::takeover_failed(&self.engine, sender, &error).await;
                Ok(Takeover::NotNow)
            }
            takeover => takeover,
        }
    }

    /// Starts a sender that nobody else holds.
    async fn take(&mut self, sender: &ConfiguredSender) -> Result<Takeover, StoreError> {
        match acquisition::acquire(&self.engine, &mut self.watch, sender).await? {
            Acquisition::Acquired(acquired) => {
                let throughput = business::throughput(&self.engine.sending_pool, sender.id).await?;
                self.start(&sender.capped(throughput), *acquired);
                Ok(Takeover::Started)
            }
            Acquisition::Refused => Ok(Takeover::NotNow),
            Acquisition::Elsewhere => Ok(Takeover::Elsewhere),
        }
    }

    /// Sees that a standby waits behind each sender here. One of another shell is replaced once this process's token was accepted.
    fn ensure_standby(&mut self) {
        let Some(standby) = &self.options.standby else { return };
        for running in self.senders.values_mut().filter(|running| !running.has_standby) {
            if running.token.is_proven() || !standby.is_of_another_shell() {
                standby.ensure();
                running.has_standby = true;
            }
        }
    }

    fn start(&mut self, sender: &ConfiguredSender, Acquired { lease, verified }: Acquired) {
        let context = Arc::new(SenderContext {
            pool: self.engine.sending_pool.clone(),
            sender: sender.clone(),
            lease: Arc::new(lease),
            recorder: self.recorder.clone(),
            in_flight: InFlight::default(),
            notifier: self.engine.notifier.clone(),
            clock: self.engine.clock.clone(),
            failures_in_a_row: self.engine.settings.failures_in_a_row,
            fence: self.engine.fence.clone(),
            process: self.engine.process().into(),
            installation: self.engine.installation.clone(),
            rests: Arc::default(),
        });
        let rests = context.rests.clone();
        let (stop, token) = (CancellationToken::new(), sender.token.clone());
        let deps = SendingDeps { engine: self.engine.clone(), journal: verified.journal };
        let task = tokio::spawn(sender_task::run(context, deps, self.engine.settings.polling, stop.clone()));
        self.senders.insert(sender.id, Running { stop, rests, token, has_standby: false, task });
    }

    /// No new POST starts, those in flight are awaited, the leases are released.
    async fn stop_senders(&mut self) {
        for running in self.senders.values() {
            running.stop.cancel();
        }
        for (_, running) in self.senders.drain() {
            let _ = running.task.await;
        }
    }
}
