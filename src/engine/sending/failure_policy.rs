//! What an outcome means beyond its person: the sender stops or slows, the blast pauses, somebody is never messaged
//! again. Decided in the sender's loop, written beside it; what stops others holds every POST until it is written.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tokio::task::JoinHandle;

use super::SenderContext;
use super::pace::Slowed;
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::phone::Phone;
use crate::domain::retry::ErrorClass;
use crate::domain::sender::StopCode;
use crate::engine::machine_memory::RememberedOptOut;
use crate::provider::{NOT_CONNECTED, advised, refuses_token};
use crate::store::suppression::{self, NewSuppression, SuppressionScope};
use crate::store::{self, StoreError, alias, blast, reply, sender};

/// Counts equal failures in a row, and knows what is still to be written.
pub(super) struct FailurePolicy {
    context: Arc<SenderContext>,
    streaks: HashMap<BlastId, Streak>,
    /// Whose streak is other than the database's.
    changed: HashSet<BlastId>,
    /// Oldest first.
    consequences: Vec<Consequence>,
    writing: Option<Writing>,
}

/// Consequences on their way into the database.
struct Writing {
    /// Returns the blasts that were paused.
    task: JoinHandle<Vec<BlastId>>,
    /// One of them stops others.
    stops: bool,
}

/// The first pause after a connection that could not be made, and the longest.
const UNCONNECTED_WAIT: Duration = Duration::from_secs(10);
const UNCONNECTED_WAIT_MAX: Duration = Duration::from_secs(60);
/// So many times as many of these in a row pause a blast: of five thirty, about half an hour. Nothing was sent and nobody harmed, and a router or
/// a gateway that restarts is back by then.
const UNCONNECTED_PATIENCE: i32 = 6;

/// An opt-out is tried to be written this often.
const SUPPRESS_TRIES: u32 = 40;

/// An answer may accept a message and report its failure at once.
pub(super) const FAILED_AT_ONCE: &str = "the provider took the message and reported a failure at once";

/// Equal failures in a row.
#[derive(Clone, Default, PartialEq, Eq)]
struct Streak {
    code: String,
    length: i32,
}

enum Consequence {
    StopSender { code: String, message: String },
    Pause { blast: BlastId, why: String },
    Hold { blast: BlastId, until: DateTime<Utc>, why: String },
    Slowed(Slowed),
    Streak { blast: BlastId, streak: Streak },
}

impl Consequence {
    /// Whether nobody may be sent to until it is written.
    const fn stops(&self) -> bool {
        matches!(self, Self::StopSender { .. } | Self::Pause { .. })
    }
}

impl FailurePolicy {
    pub(super) fn new(context: Arc<SenderContext>) -> Self {
        Self { context, streaks: HashMap::new(), changed: HashSet::new(), consequences: Vec::new(), writing: None }
    }

    /// Reads once what an earlier process counted.
    pub(super) async fn load(&mut self, blast: BlastId) -> Result<(), StoreError> {
        if self.streaks.contains_key(&blast) {
            return Ok(());
        }
        let stored = blast::streak(&self.context.pool, blast).await?;
        let streak = stored.map_or_else(Streak::default, |(code, length)| Streak { code, length });
        self.streaks.entry(blast).or_insert(streak);
        Ok(())
    }

    /// How long a blast waits after a connection that could not be made: longer with each one in a row.
    pub(super) fn unconnected_wait(&self, blast: BlastId) -> Duration {
        let streak = self.streaks.get(&blast).filter(|streak| streak.code == NOT_CONNECTED);
        let before = streak.map_or(0, |streak| streak.length.unsigned_abs());
        (UNCONNECTED_WAIT * 2_u32.pow(before.min(10))).min(UNCONNECTED_WAIT_MAX)
    }

    /// A message was accepted: the streak ends.
    pub(super) fn went_well(&mut self, blast: BlastId) {
        self.context.sender.token.prove();
        let streak = self.streaks.entry(blast).or_default();
        if streak.length > 0 {
            *streak = Streak::default();
            self.changed.insert(blast);
        }
    }

    /// A refusal of the provider's. A slow-down has been counted by the throttle before.
    pub(super) fn refused(&mut self, blast: BlastId, class: ErrorClass, code: &str, message: &str) {
        match class {
            ErrorClass::StopSender => {
                self.context.heed_token(code);
                self.add(Consequence::StopSender { code: code.to_owned(), message: self.advised(code, message) });
            }
            ErrorClass::PauseBlast => self.add(Consequence::Pause { blast, why: self.advised(code, message) }),
            ErrorClass::Retry | ErrorClass::FailRecipient | ErrorClass::SlowSender => self.failed(blast, code, message),
            ErrorClass::OptOut | ErrorClass::NotNow => {}
        }
    }

    /// A blast waits for its provider: also under whoever sends next.
    pub(super) fn held(&mut self, blast: BlastId, until: DateTime<Utc>, why: String) {
        self.add(Consequence::Hold { blast, until, why });
    }

    /// The throttle has changed, or not.
    pub(super) fn slowed(&mut self, slowed: Option<Slowed>) {
        if let Some(slowed) = slowed {
            self.add(Consequence::Slowed(slowed));
        }
    }

    /// One more failure; as many equal ones in a row as configured pause the blast.
    pub(super) fn failed(&mut self, blast: BlastId, code: &str, why: &str) {
        // A process that slept finds its calls overdue, whatever the provider answered; and by then another engine sends.
        if !self.context.lease.is_fresh() {
            return;
        }
        let streak = self.streaks.entry(blast).or_default();
        if streak.code == code {
            streak.length = streak.length.saturating_add(1);
        } else {
            *streak = Streak { code: code.to_owned(), length: 1 };
        }
        let length = streak.length;
        self.changed.insert(blast);
        let most = self.context.failures_in_a_row;
        let most = if code == NOT_CONNECTED { most.saturating_mul(UNCONNECTED_PATIENCE) } else { most };
        if length >= most {
            let why = self.advised(code, why);
            self.add(Consequence::Pause { blast, why: equal_failures(length, &why) });
        }
    }

    /// With what an operator can do about the code.
    pub(super) fn advised(&self, code: &str, words: &str) -> String {
        advised(self.context.sender.kind(), code, words)
    }

    fn add(&mut self, consequence: Consequence) {
        let is_known = match &consequence {
            Consequence::Pause { blast, .. } => self
                .consequences
                .iter()
                .any(|other| matches!(other, Consequence::Pause { blast: paused, .. } if paused == blast)),
            Consequence::StopSender { .. } => {
                self.consequences.iter().any(|other| matches!(other, Consequence::StopSender { .. }))
            }
            Consequence::Hold { .. } | Consequence::Slowed(_) | Consequence::Streak { .. } => false,
        };
        if !is_known {
            self.consequences.push(consequence);
        }
    }

    /// Whether something is still to be written that keeps others from being sent to.
    pub(super) fn stops_others(&self) -> bool {
        self.writing.as_ref().is_some_and(|writing| writing.stops) || self.consequences.iter().any(Consequence::stops)
    }

    /// Begins to write what has gathered, unless it is being written already.
    pub(super) fn begin_writing(&mut self) {
        if self.writing.is_some() || (self.consequences.is_empty() && self.changed.is_empty()) {
            return;
        }
        let changed = self
            .changed
            .drain()
            .filter_map(|blast| Some(Consequence::Streak { blast, streak: self.streaks.get(&blast)?.clone() }));
        // A pause ends its streak: the streak is written first.
        let mut consequences: Vec<Consequence> = changed.collect();
        consequences.append(&mut self.consequences);
        let stops = consequences.iter().any(Consequence::stops);
        let task = tokio::spawn(write_all(self.context.clone(), consequences));
        self.writing = Some(Writing { task, stops });
    }

    /// Resolves when what is being written has been written, or could not be; never when nothing is.
    pub(super) async fn written(&mut self) {
        let Some(writing) = &mut self.writing else { return std::future::pending().await };
        let paused = (&mut writing.task).await.unwrap_or_default();
        self.writing = None;
        for blast in paused {
            self.streaks.insert(blast, Streak::default());
        }
    }

    /// Writes everything that is left.
    pub(super) async fn finish(&mut self) {
        self.begin_writing();
        while self.writing.is_some() {
            self.written().await;
            self.begin_writing();
        }
    }
}

/// What cannot be written is logged: the next equal outcome tries again. Returns the blasts that were paused.
async fn write_all(context: Arc<SenderContext>, consequences: Vec<Consequence>) -> Vec<BlastId> {
    let mut paused = Vec::new();
    for consequence in consequences {
        match write_stubbornly(&context, &consequence).await {
            Ok(()) => {
                if let Consequence::Pause { blast, .. } = consequence {
                    paused.push(blast);
                }
            }
            Err(error) => {
                tracing::warn!(%error, sender = %context.sender.name, "an outcome's consequence could not be written yet");
            }
        }
    }
    paused
}

/// What keeps others from being sent to is tried again for as long as the lease is ours: until then nobody is.
async fn write_stubbornly(context: &SenderContext, consequence: &Consequence) -> Result<(), StoreError> {
    let mut failures = 0;
    loop {
        match write(context, consequence).await {
            Err(error) if consequence.stops() && error.is_transient() && context.lease.is_fresh() => {
                tokio::time::sleep(StoreError::backoff(failures)).await;
                failures += 1;
            }
            written => return written,
        }
    }
}

async fn write(context: &SenderContext, consequence: &Consequence) -> Result<(), StoreError> {
    match consequence {
        Consequence::StopSender { code, message } => stop_sender(context, code, message, None).await,
        Consequence::Pause { blast, why } => {
            pause(context, *blast, why).await?;
            blast::set_streak(&context.pool, *blast, None).await
        }
        Consequence::Hold { blast, until, why } => {
            let mut connection = context.pool.acquire().await?;
            blast::hold(&mut connection, *blast, *until, why).await?;
            Ok(())
        }
        Consequence::Slowed(Slowed { steps, held_until }) => {
            sender::set_slowed(&context.pool, context.sender.id, steps.cast_signed(), *held_until).await
        }
        Consequence::Streak { blast, streak } => {
            let row = (streak.length > 0).then_some((streak.code.as_str(), streak.length));
            blast::set_streak(&context.pool, *blast, row).await
        }
    }
}

impl SenderContext {
    /// A token that is refused is not used again by this process, from now on.
    pub(in crate::engine) fn heed_token(&self, code: &str) {
        if refuses_token(self.sender.kind(), code) {
            self.sender.token.refuse();
        }
    }
}

/// Stops the sender for a refusal, and notifies everybody. A refused token is named by the process that has it: others may
/// have another. `sent_at`: of the message whose failure after its acceptance this is.
pub(in crate::engine) async fn stop_sender(
    context: &SenderContext,
    code: &str,
    message: &str,
    sent_at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    let (id, stop) = (context.sender.id, StopCode::Provider(code.to_owned()));
    let is_new = if refuses_token(context.sender.kind(), code) {
        let why = format!("{message} (token of {})", context.process);
        sender::stop_for_token(&context.pool, id, (&stop, &why), context.sender.token.fingerprint()).await?
    } else if let Some(sent_at) = sent_at {
        sender::stop_for_failure(&context.pool, id, (&stop, message), sent_at).await?.is_news()
    } else {
        sender::stop(&context.pool, id, &stop, message).await?.is_news()
    };
    if is_new {
        tracing::warn!(sender = %context.sender.name, code, message, "the sender is stopped until somebody mends it");
        context.notifier.order(&context.pool, None).await?;
    }
    Ok(())
}

/// Writes down that the provider says somebody opted out. Tried again until the database takes it, for some minutes.
pub(super) async fn suppress(context: &SenderContext, phone: &Phone) {
    let (mut failures, at) = (0, context.clock.now());
    while let Err(error) = suppress_once(context, phone, at).await {
        if !error.is_transient() || failures >= SUPPRESS_TRIES {
            tracing::error!(%error, sender = %context.sender.name, "an opt-out that the provider reported could not be written");
            return;
        }
        tokio::time::sleep(StoreError::backoff(failures)).await;
        failures += 1;
    }
}

/// It holds for all numbers of theirs, and is the wish of its moment: an older one that a webhook brings later does not lift it.
async fn suppress_once(context: &SenderContext, phone: &Phone, at: DateTime<Utc>) -> Result<(), StoreError> {
    let mut tx = store::begin(&context.pool).await?;
    let business = suppression::business(&mut tx, SuppressionScope::Sender(context.sender.id)).await?;
    let mut numbers = alias::of(&mut tx, phone.as_str()).await?;
    numbers.insert(0, phone.as_str().to_owned());
    let mut remembered = Vec::with_capacity(numbers.len());
    for phone in &numbers {
        // They asked for messages again since.
        if !reply::wish(&mut tx, (&business, phone), "stop", at).await? {
            continue;
        }
        let suppress = NewSuppression {
            business: &business,
            phone,
            reason: Some("the provider says that they opted out"),
            source: "provider",
            by: Actor::ENGINE,
        };
        suppression::add(&mut tx, suppress).await?;
        remembered.push(RememberedOptOut::of(suppress, false));
    }
    context.fence.remember_in(&mut tx, remembered).await?;
    tx.commit().await
}

/// Pauses a blast that is sending, and notifies everybody.
async fn pause(context: &SenderContext, id: BlastId, why: &str) -> Result<(), StoreError> {
    let mut connection = context.pool.acquire().await?;
    let is_paused = pause_in(&mut connection, id, why, &[BlastState::Sending]).await?;
    drop(connection);
    if is_paused { context.notifier.order(&context.pool, Some(id)).await } else { Ok(()) }
}

/// Pauses a blast that is in one of these states; `false`: it is not. Whoever changed it in the same moment is read again: a pause is
/// not lost.
pub(in crate::engine) async fn pause_in(
    connection: &mut PgConnection,
    id: BlastId,
    why: &str,
    states: &[BlastState],
) -> Result<bool, StoreError> {
    let change = blast::StateChange { state: BlastState::Paused, reason: Some(why), by: Actor::ENGINE };
    loop {
        let head = blast::head(&mut *connection, id).await?.filter(|head| states.contains(&head.state));
        let Some(head) = head else { return Ok(false) };
        if blast::change(&mut *connection, id, head.version, change).await? {
            break;
        }
    }
    tracing::warn!(blast = id.0, why, "paused");
    Ok(true)
}

/// Why a row of failures pauses a blast.
pub(in crate::engine) fn equal_failures(length: i32, why: &str) -> String {
    format!("{length} equal failures in a row: {why}")
}
