//! Notifies other systems of what happens: reads the rows that are committed for good behind a cursor of each hook, makes calls of them, and
//! makes a call again until it is taken or given up. One engine at a time delivers a hook; sending knows nothing of it.

mod call;
mod payload;

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::clock;
use super::context::EngineContext;
use crate::config::HookConfig;
use crate::domain::hook::{EventSource, FailedCalls, RETRIED_FOR, retry_pause};
use crate::provider::hook::HookReply;
use crate::store::StoreError;
use crate::store::hook::{
    self, CallAttempt, CutRange, Delivery, DeliveryState, HeldHook, RowQuery, RowRange, SourceHeads, UnsettledHeads,
};
pub use call::HookCaller;
pub use payload::test_body;
use payload::{DeliveryStamp, Event};

/// How long a hook is ours unless we say so again: longer than a call can take.
const HELD_FOR: TimeDelta = TimeDelta::seconds(60);
/// How old our word may become while calls are made.
const HOLD_EVERY: Duration = Duration::from_secs(20);
/// Turns are this far apart at least, so that what changes together is sent together.
const TURN_EVERY: Duration = Duration::from_millis(250);
/// Without a notification, the tables are read again this often.
const READ_EVERY: Duration = Duration::from_secs(5);
/// How often, and how far apart, it is asked whether older transactions are over.
const SETTLE_TRIES: u32 = 20;
const SETTLE_PAUSE: Duration = Duration::from_millis(20);
/// Calls that wait to be made again. With more the cursor stands still: the rows themselves are the queue.
const PENDING_MAX: i64 = 1_000;
/// Calls made again in one turn.
const DUE_AT_ONCE: i64 = 50;
/// How often indexes of new months are made, and old deliveries dropped.
const UPKEEP_EVERY: Duration = Duration::from_secs(10 * 60);

/// Delivers the configured hooks until stopped. Does nothing where there is none.
pub(super) async fn run(engine: EngineContext, stop: CancellationToken) {
    if engine.hooks.is_empty() {
        return;
    }
    let mut tasks = JoinSet::new();
    for config in engine.hooks.iter() {
        let deliverer = HookDeliverer::new(engine.clone(), config.clone(), stop.clone());
        tasks.spawn(deliverer.run());
    }
    tasks.spawn(async move {
        let _ = stop.run_until_cancelled(upkeep(engine)).await;
    });
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "the task of a hook panicked: its events are delivered by the next engine");
        }
    }
}

/// Whether an engine that ends by itself has something to deliver.
pub(super) async fn has_left(engine: &EngineContext) -> Result<bool, StoreError> {
    if engine.hooks.is_empty() {
        return Ok(false);
    }
    let names: Vec<_> = engine.hooks.iter().map(|hook| hook.name.as_str()).collect();
    hook::has_work(&engine.pool, &names).await
}

async fn upkeep(engine: EngineContext) {
    let reads_history = engine.hooks.iter().any(|hook| hook.events.reads(EventSource::History));
    loop {
        if reads_history && let Err(error) = hook::ensure_history_index(&engine.pool, Utc::now()).await {
            tracing::warn!(%error, "the history has no index by id yet, so that hooks read it slowly; tried again in ten minutes");
        }
        if let Err(error) = drop_old(&engine).await {
            tracing::warn!(%error, "old deliveries of hooks are dropped later");
        }
        sleep(UPKEEP_EVERY).await;
    }
}

async fn drop_old(engine: &EngineContext) -> Result<(), StoreError> {
    if clock::agreed_time(&engine.pool).await?.is_some() {
        hook::drop_old(&engine.pool, engine.settings.keep_inbox_days).await?;
    }
    Ok(())
}

/// What a turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HookTurn {
    /// Everything that is committed is delivered, or waits for its time.
    Done,
    /// Some rows may still be committed.
    InDoubt,
    /// Another engine delivers.
    Elsewhere,
}

/// Delivers one hook.
struct HookDeliverer {
    engine: EngineContext,
    config: HookConfig,
    caller: HookCaller,
    stop: CancellationToken,
    /// Ids that were read in an earlier turn, with those who may still commit some of them.
    in_doubt: Option<UnsettledHeads>,
    held_at: Instant,
    failed: FailedCalls,
    /// The receiver is in trouble: nobody is called before the pause is over.
    is_paused: bool,
    pending: i64,
}

impl HookDeliverer {
    fn new(engine: EngineContext, config: HookConfig, stop: CancellationToken) -> Self {
        let caller = HookCaller::new(config.clone());
        let held_at = Instant::now();
        Self {
            engine,
            config,
            caller,
            stop,
            in_doubt: None,
            held_at,
            failed: FailedCalls::default(),
            is_paused: false,
            pending: 0,
        }
    }

    fn name(&self) -> &str {
        self.config.name.as_str()
    }

    fn holder(&self) -> &str {
        self.engine.identity.name()
    }

    async fn run(mut self) {
        let mut changed = self.engine.notifier.hints();
        let mut troubles = 0;
        while !self.stop.is_cancelled() {
            changed.mark_unchanged();
            let pause = match self.turn().await {
                Ok(turn) => {
                    troubles = 0;
                    if turn == HookTurn::InDoubt { TURN_EVERY } else { READ_EVERY }
                }
                Err(error) => {
                    tracing::debug!(%error, hook = self.name(), "other systems are notified later");
                    troubles += 1;
                    StoreError::backoff(troubles)
                }
            };
            let stop = self.stop.clone();
            let wake = async {
                sleep(TURN_EVERY).await;
                tokio::select! {
                    _ = changed.changed(), if troubles == 0 => {}
                    () = sleep(pause.saturating_sub(TURN_EVERY)) => {}
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = wake => {}
            }
        }
        // A lease that cannot be released ends by itself.
        let _ = tokio::time::timeout(
            Duration::from_secs(1),
            hook::release(&self.engine.pool, self.config.name.as_str(), self.engine.identity.name()),
        )
        .await;
    }

    async fn turn(&mut self) -> Result<HookTurn, StoreError> {
        let Some(held) = self.hold().await? else { return Ok(HookTurn::Elsewhere) };
        self.failed = self.failed.as_counted(u32::try_from(held.failures).unwrap_or_default());
        self.is_paused = held.is_paused;
        self.retry_due(&held).await?;
        self.pending = hook::pending(&self.engine.pool, held.id).await?;
        let Some(heads) = self.settled_heads(&held).await? else { return Ok(HookTurn::InDoubt) };
        for source in EventSource::ALL {
            if let Some(cursor) = held.cursor(source)
                && !self.deliver(&held, source, cursor, &heads).await?
            {
                return Ok(HookTurn::Elsewhere);
            }
        }
        Ok(HookTurn::Done)
    }

    async fn hold(&mut self) -> Result<Option<HeldHook>, StoreError> {
        self.held_at = Instant::now();
        hook::hold(&self.engine.pool, self.name(), self.holder(), HELD_FOR).await
    }

    /// Says again that the hook is ours, where that was long ago. `false`: it is not any more.
    async fn still_holds(&mut self) -> Result<bool, StoreError> {
        Ok(self.held_at.elapsed() < HOLD_EVERY || self.hold().await?.is_some())
    }

    /// Ids up to which every row that there will be can be seen. `None`: somebody who may have taken one is not done.
    async fn settled_heads(&mut self, held: &HeldHook) -> Result<Option<SourceHeads>, StoreError> {
        let mut doubt = match self.in_doubt.take() {
            Some(doubt) => doubt,
            None => hook::heads(&self.engine.pool).await?,
        };
        let is_behind =
            |source: &EventSource| held.cursor(*source).is_some_and(|cursor| cursor < doubt.heads.of(*source));
        if !EventSource::ALL.iter().any(is_behind) {
            return Ok(Some(doubt.heads));
        }
        for _ in 0..SETTLE_TRIES {
            if doubt.are_settled(&self.engine.pool).await? {
                return Ok(Some(doubt.heads));
            }
            sleep(SETTLE_PAUSE).await;
        }
        self.in_doubt = Some(doubt);
        Ok(None)
    }

    /// Delivers what happened since the cursor, in calls of at most a batch. `false`: another engine has the hook by now.
    async fn deliver(
        &mut self,
        held: &HeldHook,
        source: EventSource,
        mut cursor: i64,
        heads: &SourceHeads,
    ) -> Result<bool, StoreError> {
        let head = heads.of(source);
        let mut since = held.history_since;
        while cursor < head && self.pending < PENDING_MAX && !self.stop.is_cancelled() {
            if !self.still_holds().await? {
                return Ok(false);
            }
            let limit = i64::from(self.config.batch);
            let range = RowRange { source, after: cursor, last: head, since };
            let (events, last) = self.events(range, limit).await?;
            let is_last = last.is_none();
            let range = RowRange { last: last.unwrap_or(head), ..range };
            // Rows behind the last one began no earlier than those before it did.
            let read_at = if is_last { heads.at } else { since };
            if events.is_empty() {
                hook::skip_to(&self.engine.pool, held, self.holder(), (source, range.last, read_at)).await?;
            } else {
                let new = CutRange {
                    range,
                    events: i32::try_from(events.len()).unwrap_or(i32::MAX),
                    read_at,
                    retried_for: self.shrunk(RETRIED_FOR),
                };
                let Some(delivery) = hook::cut(&self.engine.pool, held, self.holder(), new).await? else {
                    return Ok(false);
                };
                self.make_new(&delivery, &events).await?;
            }
            (cursor, since) = (range.last, read_at);
        }
        Ok(true)
    }

    /// The events of a range, and the last row that they are of where there are more.
    async fn events(&self, range: RowRange, limit: i64) -> Result<(Vec<Event>, Option<i64>), StoreError> {
        let statuses = self.config.events.statuses();
        let query = RowQuery { range, senders: self.config.senders.as_deref(), statuses: &statuses, limit };
        let rows = hook::rows(&self.engine.pool, query).await?;
        let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= limit);
        let last = rows.last().filter(|_| is_full).map(|row| row.id);
        let events = rows.into_iter().filter(|row| row.kind.is_some_and(|kind| self.config.events.has(kind)));
        let installation = &self.engine.installation;
        Ok((events.filter_map(|row| Event::of(row, range.source, installation)).collect(), last))
    }

    /// A new call: made at once, unless the receiver is in trouble.
    async fn make_new(&mut self, delivery: &Delivery, events: &[Event]) -> Result<(), StoreError> {
        let is_delivered = !self.is_paused && self.make(delivery, events).await?;
        self.pending += i64::from(!is_delivered);
        Ok(())
    }

    /// Makes calls again whose time has come.
    async fn retry_due(&mut self, held: &HeldHook) -> Result<(), StoreError> {
        if self.is_paused {
            return Ok(());
        }
        for delivery in hook::due(&self.engine.pool, held.id, DUE_AT_ONCE).await? {
            if self.is_paused || self.stop.is_cancelled() || !self.still_holds().await? {
                return Ok(());
            }
            let Some(range) = delivery.range() else {
                self.note(&delivery, &unknown_source()).await?;
                continue;
            };
            // All of its rows: the batch may have become smaller since. Where none is left the call is made all the same, so that
            // no number is missing.
            let (events, _) = self.events(range, i64::from(u16::MAX)).await?;
            self.make(&delivery, &events).await?;
        }
        Ok(())
    }

    /// Makes one call and notes what came of it. `false`: it was not taken.
    async fn make(&mut self, delivery: &Delivery, events: &[Event]) -> Result<bool, StoreError> {
        let place = DeliveryStamp { hook: self.name(), sequence: delivery.sequence, made_at: delivery.made_at };
        let missing = usize::try_from(delivery.events).unwrap_or_default().saturating_sub(events.len());
        let body = payload::body(place, events, missing);
        let reply = self.caller.call(&delivery.message_id, body).await;
        self.note(delivery, &reply).await?;
        Ok(reply.is_delivered())
    }

    async fn note(&mut self, delivery: &Delivery, reply: &HookReply) -> Result<(), StoreError> {
        let tries = u32::try_from(delivery.tries).unwrap_or_default() + 1;
        let asked = reply.retry_after.unwrap_or_default();
        let pause = self.shrunk(retry_pause(tries, rand::random()).max(asked));
        let attempt = CallAttempt {
            error: reply.error.as_deref(),
            http_status: reply.status,
            took: TimeDelta::from_std(reply.took).unwrap_or(TimeDelta::MAX),
            pause,
        };
        let state = hook::note_attempt(&self.engine.pool, delivery, &attempt).await?;
        if state == Some(DeliveryState::Dead) {
            let (hook, sequence) = (self.name(), delivery.sequence);
            tracing::warn!(hook, sequence, "a call is given up: `blastdeck hook replay` makes it again");
        }
        self.note_health(delivery.hook_id, reply).await
    }

    /// What refuses calls fails as what is down does, and is said once; but it answers, so that the others are still made.
    async fn note_health(&mut self, hook: i64, reply: &HookReply) -> Result<(), StoreError> {
        let before = self.failed;
        let is_down = !reply.is_delivered() && reply.is_down();
        self.failed = if reply.is_delivered() { FailedCalls::default() } else { before.and(is_down) };
        self.is_paused = is_down;
        match (before.failures, &reply.error) {
            (0, None) => return Ok(()),
            (0, Some(error)) => tracing::warn!(hook = self.name(), error, "a call was not taken; it is made again"),
            (_, None) => tracing::info!(hook = self.name(), "calls are taken again"),
            (_, Some(_)) => {}
        }
        let asked = reply.retry_after.unwrap_or_default();
        let pause = if is_down { self.shrunk(self.failed.pause(rand::random()).max(asked)) } else { TimeDelta::zero() };
        hook::note_health(&self.engine.pool, hook, self.failed.failures, pause, reply.error.as_deref()).await
    }

    /// A span as long as it is where time runs faster.
    fn shrunk(&self, span: Duration) -> TimeDelta {
        TimeDelta::from_std(self.engine.settings.shrink(span)).unwrap_or(TimeDelta::MAX)
    }
}

/// What is noted of a call whose rows this version cannot read.
fn unknown_source() -> HookReply {
    HookReply {
        status: Some(0),
        error: Some("a newer version of Blastdeck made this call, and has to make it again".to_owned()),
        retry_after: None,
        took: Duration::ZERO,
    }
}
