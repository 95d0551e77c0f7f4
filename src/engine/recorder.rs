//! Writes evidence in batches: what arrives while one commit runs goes in with the next. A slot is freed only when its
//! evidence is durable; evidence that cannot be written is kept and retried.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::clock::{Moment, ShortMoment};
use super::meter::{BatchTally, ENGINE_METER};
use super::sync::Mutex;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::retry::RetryRules;
use crate::domain::waiting::DatabaseTrouble;
use crate::store::StoreError;
use crate::store::evidence::{BATCH_MAX, EntryOutcome, EvidenceEntry, record};

/// Evidence with the slot it holds until it is durable: freed when this is dropped.
type PendingEvidence = (EvidenceEntry, Option<Slot>);

/// A batch this large is part of a stream: as much again comes within a moment, and each transaction costs the same however
/// much is in it.
const STREAM: usize = 32;
/// How long the evidence of a stream gathers.
const GATHER: Duration = Duration::from_millis(4);

/// What is written together: first what can be written without being read.
#[derive(Default)]
struct PendingBatch {
    entries: Vec<EvidenceEntry>,
    slots: Vec<Option<Slot>>,
    to_read: Vec<PendingEvidence>,
}

impl PendingBatch {
    fn push(&mut self, pending: PendingEvidence) {
        if pending.0.is_known() {
            self.add(pending);
        } else {
            self.to_read.push(pending);
        }
    }

    fn add(&mut self, (entry, slot): PendingEvidence) {
        self.entries.push(entry);
        self.slots.push(slot);
    }

    fn len(&self) -> usize {
        self.entries.len() + self.to_read.len()
    }

    /// Nothing more comes: in the order in which it is written.
    fn closed(mut self) -> (Vec<EvidenceEntry>, Vec<Option<Slot>>) {
        for pending in std::mem::take(&mut self.to_read) {
            self.add(pending);
        }
        (self.entries, self.slots)
    }
}

/// A sender's slot with the attempt in flight in it. Dropping it frees both.
pub struct Slot {
    _permit: OwnedSemaphorePermit,
    in_flight: InFlight,
    // One by one: a POST in flight carries it.
    recipient: RecipientId,
    attempt: i32,
    /// When its claim began.
    claimed: ShortMoment,
}

impl Slot {
    /// Puts an attempt into a free slot of its sender.
    pub fn new(
        permit: OwnedSemaphorePermit,
        in_flight: &InFlight,
        attempt: (RecipientId, i32),
        claimed: Moment,
    ) -> Self {
        in_flight.insert(attempt);
        let (recipient, attempt) = attempt;
        Self { _permit: permit, in_flight: in_flight.clone(), recipient, attempt, claimed: claimed.short() }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.in_flight.remove((self.recipient, self.attempt));
    }
}

/// Takes evidence to the recorder. Cheap to clone.
#[derive(Clone)]
pub struct RecorderHandle {
    inbox: mpsc::UnboundedSender<PendingEvidence>,
    settled: watch::Receiver<u64>,
    trouble: watch::Receiver<Option<DatabaseTrouble>>,
}

/// The attempts of one sender that this process holds and has not settled: what its own sweep must leave alone.
#[derive(Clone, Default)]
pub struct InFlight(Arc<Mutex<HashSet<(RecipientId, i32)>>>);

impl InFlight {
    fn insert(&self, attempt: (RecipientId, i32)) {
        self.0.lock().insert(attempt);
    }

    fn remove(&self, attempt: (RecipientId, i32)) {
        self.0.lock().remove(&attempt);
    }

    /// Whose attempts these are.
    pub fn people(&self) -> Vec<RecipientId> {
        self.0.lock().iter().map(|(person, _)| *person).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }
}

impl RecorderHandle {
    /// Queues evidence; the slot is freed once it is durable.
    pub fn record(&self, entry: EvidenceEntry, slot: Option<Slot>) {
        // The receiver lives until every sender is gone; a send can only fail at the very end of the process.
        let _ = self.inbox.send((entry, slot));
    }

    /// Grows with every batch that became durable.
    pub fn settled(&self) -> watch::Receiver<u64> {
        self.settled.clone()
    }

    /// Why evidence cannot be written now, where a person can do something about it.
    pub fn trouble(&self) -> Option<DatabaseTrouble> {
        *self.trouble.borrow()
    }
}

/// What the recorder needs to write with.
pub struct RecorderDeps {
    pub pool: PgPool,
    pub rules: RetryRules,
    /// Receives each blast that changed.
    pub changed: mpsc::UnboundedSender<BlastId>,
}

/// Starts the recorder. The task ends when every [`RecorderHandle`] is dropped and all is written, or when `give_up` is cancelled.
pub fn start(deps: RecorderDeps, give_up: CancellationToken) -> (RecorderHandle, tokio::task::JoinHandle<()>) {
    let (sender, inbox) = mpsc::unbounded_channel();
    let (settled_tx, settled) = watch::channel(0);
    let (trouble_tx, trouble) = watch::channel(None);
    let recorder = Recorder { deps, inbox, settled: settled_tx, trouble: trouble_tx, gone: HashSet::new(), give_up };
    (RecorderHandle { inbox: sender, settled, trouble }, tokio::spawn(recorder.work()))
}

struct Recorder {
    deps: RecorderDeps,
    inbox: mpsc::UnboundedReceiver<PendingEvidence>,
    settled: watch::Sender<u64>,
    trouble: watch::Sender<Option<DatabaseTrouble>>,
    /// Blasts whose deleted people were logged.
    gone: HashSet<BlastId>,
    give_up: CancellationToken,
}

impl Recorder {
    async fn work(mut self) {
        let (mut again, mut last) = (PendingBatch::default(), 0);
        while let Some(batch) = self.gather(std::mem::take(&mut again), last).await {
            let (entries, slots) = batch.closed();
            last = entries.len();
            let Some(settled) = self.write(&entries).await else { return };
            again = self.close(entries.into_iter().zip(slots), &settled);
        }
    }

    /// Whatever is there, at most a batch. Waits when there is nothing, and for a moment in a stream, as the length of the last
    /// batch shows; `None` at the end.
    async fn gather(&mut self, mut batch: PendingBatch, last: usize) -> Option<PendingBatch> {
        if batch.len() == 0 {
            batch.push(self.inbox.recv().await?);
        } else {
            // Only rows that somebody else holds locked: give them a moment, or until other news comes.
            tokio::select! {
                Some(pending) = self.inbox.recv() => batch.push(pending),
                () = sleep(Duration::from_millis(200)) => {}
            }
        }
        if last >= STREAM {
            sleep(GATHER).await;
        }
        while batch.len() < BATCH_MAX {
            match self.inbox.try_recv() {
                Ok(pending) => batch.push(pending),
                Err(_) => break,
            }
        }
        Some(batch)
    }

    /// Writes until it is durable. Evidence is idempotent, so a lost answer to a commit is settled by writing again.
    async fn write(&self, entries: &[EvidenceEntry]) -> Option<Vec<EntryOutcome>> {
        let mut failures = 0;
        loop {
            match record(&self.deps.pool, entries, &self.deps.rules).await {
                Ok(settled) => {
                    self.trouble.send_if_modified(|trouble| trouble.take().is_some());
                    return Some(settled);
                }
                Err(error) => {
                    self.trouble.send_replace(error.trouble());
                    tracing::warn!(%error, pieces = entries.len(), failures, "evidence is kept and tried again");
                }
            }
            tokio::select! {
                () = self.give_up.cancelled() => return None,
                () = sleep(StoreError::backoff(failures)) => failures += 1,
            }
        }
    }

    /// Frees the slots of what is durable and publishes what changed; returns what somebody else had locked.
    fn close(&mut self, batch: impl Iterator<Item = PendingEvidence>, settled: &[EntryOutcome]) -> PendingBatch {
        let mut again = PendingBatch::default();
        let mut changed = HashSet::new();
        let (now, mut tally) = (Moment::now(), BatchTally::default());
        for (mut pending, settled) in batch.zip(settled) {
            if *settled != EntryOutcome::Locked
                && let Some(answer) = &pending.0.answer
            {
                tally.add(answer.outcome, pending.1.as_ref().map(|slot| slot.claimed.age_at(now)));
            }
            match settled {
                EntryOutcome::Locked => {
                    // Whoever holds the row may be changing it.
                    pending.0.snapshot = None;
                    again.push(pending);
                }
                EntryOutcome::Changed { .. } => {
                    changed.insert(pending.0.blast);
                }
                EntryOutcome::Gone => self.log_gone(pending.0.blast),
                EntryOutcome::Nothing | EntryOutcome::Refused(_) => {}
            }
        }
        ENGINE_METER.add(&tally);
        for blast in changed {
            let _ = self.deps.changed.send(blast);
        }
        self.settled.send_modify(|n| *n += 1);
        again
    }

    /// Somebody deleted people whose message was in flight: logged once per blast.
    fn log_gone(&mut self, blast: BlastId) {
        if self.gone.insert(blast) {
            tracing::warn!(
                blast = blast.0,
                "people were deleted from the database while their message was in flight: its outcome is not kept"
            );
        }
    }
}
