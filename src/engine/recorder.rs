//! Writes evidence in batches: what arrives while batches are being written goes in with the next. A slot is freed only when its
//! evidence is durable; evidence that cannot be written is kept and retried.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::clock::{Moment, ShortMoment};
use super::meter::{BatchTally, ENGINE_METER};
use super::mutex::Mutex;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::retry::RetryRules;
use crate::domain::waiting::DatabaseTrouble;
use crate::store::StoreError;
use crate::store::claim::Claimed;
use crate::store::evidence::{BATCH_MAX, EntryOutcome, EvidenceEntry, record};

/// Evidence with whoever waits until it is durable.
type PendingEvidence = (EvidenceEntry, EvidenceWaiter);

/// Who waits until evidence is durable.
enum EvidenceWaiter {
    Nobody,
    /// Freed when this is dropped.
    Slot(Slot),
    /// Receives what became of it; nothing where it could not be written.
    Asker(oneshot::Sender<EntryOutcome>),
}

impl EvidenceWaiter {
    const fn slot(&self) -> Option<&Slot> {
        match self {
            Self::Slot(slot) => Some(slot),
            Self::Nobody | Self::Asker(_) => None,
        }
    }
}

/// A batch this large is part of a stream: as much again comes within a moment, and each transaction costs the same however
/// much is in it.
const STREAM: usize = 32;
/// How long the evidence of a stream gathers: twice as long as 4 ms takes a twelfth off what a send costs the server, and no send waits for it.
const GATHER: Duration = Duration::from_millis(8);
/// So many batches are written at once: while the disk, or the network, takes its time over the commit of one, the next is on its
/// way. Whatever two of them say of one person is put in order by the lock on their row, and may come in either order.
const WRITES: usize = 2;
/// Rows that somebody else holds locked are tried again this much later, or with other news.
const LOCKED_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// What is written together: first what can be written without being read.
#[derive(Default)]
struct PendingBatch {
    entries: Vec<EvidenceEntry>,
    waiting: Vec<EvidenceWaiter>,
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

    fn add(&mut self, (entry, waiting): PendingEvidence) {
        self.entries.push(entry);
        self.waiting.push(waiting);
    }

    fn len(&self) -> usize {
        self.entries.len() + self.to_read.len()
    }

    /// Nothing more comes: in the order in which it is written.
    fn closed(mut self) -> (Vec<EvidenceEntry>, Vec<EvidenceWaiter>) {
        for pending in std::mem::take(&mut self.to_read) {
            self.add(pending);
        }
        (self.entries, self.waiting)
    }
}

/// A sender's slot with the attempt in flight in it. Dropping it frees the slot.
pub struct Slot {
    in_flight: InFlight,
    // One by one: a POST in flight carries it.
    recipient: RecipientId,
    attempt: i32,
    /// When its claim began.
    claimed: ShortMoment,
}

impl Slot {
    pub fn new(in_flight: &InFlight, person: &Claimed, claimed: Moment) -> Self {
        let (recipient, attempt) = (person.id, person.attempt);
        in_flight.insert((recipient, attempt), person.claimed_at);
        Self { in_flight: in_flight.clone(), recipient, attempt, claimed: claimed.short() }
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

/// The attempts of one sender that this process holds and has not settled: what its own sweep must leave alone. With each when it was
/// claimed, by the database's time.
#[derive(Clone, Default)]
pub struct InFlight(Arc<Mutex<HashMap<HeldAttempt, DateTime<Utc>>>>);

/// Whose attempt, and which.
type HeldAttempt = (RecipientId, i32);

impl InFlight {
    fn insert(&self, attempt: HeldAttempt, claimed_at: DateTime<Utc>) {
        self.0.lock().insert(attempt, claimed_at);
    }

    fn remove(&self, attempt: HeldAttempt) {
        self.0.lock().remove(&attempt);
    }

    /// Whose attempts these are.
    pub fn people(&self) -> Vec<RecipientId> {
        self.0.lock().keys().map(|(person, _)| *person).collect()
    }

    /// When the oldest of these attempts was claimed.
    pub fn oldest(&self) -> Option<DateTime<Utc>> {
        self.0.lock().values().min().copied()
    }

    /// How many slots are taken.
    pub fn len(&self) -> usize {
        self.0.lock().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl RecorderHandle {
    /// Queues evidence; the slot is freed once it is durable.
    pub fn record(&self, entry: EvidenceEntry, slot: Option<Slot>) {
        self.queue(entry, slot.map_or(EvidenceWaiter::Nobody, EvidenceWaiter::Slot));
    }

    /// Queues evidence, for somebody who is to hear what became of it.
    pub fn record_for(&self, entry: EvidenceEntry) -> oneshot::Receiver<EntryOutcome> {
        let (asker, outcome) = oneshot::channel();
        self.queue(entry, EvidenceWaiter::Asker(asker));
        outcome
    }

    fn queue(&self, entry: EvidenceEntry, waiting: EvidenceWaiter) {
        // The receiver lives until every sender is gone; a send can only fail at the very end of the process.
        let _ = self.inbox.send((entry, waiting));
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
    pub changed: mpsc::UnboundedSender<Option<BlastId>>,
}

/// Starts the recorder. The task ends when every [`RecorderHandle`] is dropped and all is written, or when `give_up` is cancelled.
pub fn start(deps: RecorderDeps, give_up: CancellationToken) -> (RecorderHandle, tokio::task::JoinHandle<()>) {
    let (sender, inbox) = mpsc::unbounded_channel();
    let (settled_tx, settled) = watch::channel(0);
    let (trouble_tx, trouble) = watch::channel(None);
    let RecorderDeps { pool, rules, changed } = deps;
    let recorder = Recorder {
        writer: BatchWriter { pool, rules, trouble: trouble_tx, give_up },
        changed,
        inbox,
        settled: settled_tx,
        pending: PendingBatch::default(),
        due: Instant::now(),
        only_locked: false,
        last: 0,
        gone: HashSet::new(),
    };
    (RecorderHandle { inbox: sender, settled, trouble }, tokio::spawn(recorder.work()))
}

struct Recorder {
    writer: BatchWriter,
    /// Receives each blast that changed.
    changed: mpsc::UnboundedSender<Option<BlastId>>,
    inbox: mpsc::UnboundedReceiver<PendingEvidence>,
    settled: watch::Sender<u64>,
    /// What is written next.
    pending: PendingBatch,
    /// From when on; and whether all of it waits for locks that somebody else holds.
    due: Instant,
    only_locked: bool,
    /// How large the last batch was.
    last: usize,
    /// Blasts whose deleted people were logged.
    gone: HashSet<BlastId>,
}

/// A batch that was written, with what came of each of its entries.
struct WrittenBatch {
    entries: Vec<EvidenceEntry>,
    waiting: Vec<EvidenceWaiter>,
    settled: Vec<EntryOutcome>,
}

impl Recorder {
    async fn work(mut self) {
        let writer = self.writer.clone();
        let mut writes = FuturesUnordered::new();
        let mut is_open = true;
        while is_open || !writes.is_empty() || self.pending.len() > 0 {
            let has_room = writes.len() < WRITES && (is_open || self.pending.len() > 0);
            tokio::select! {
                biased;
                Some(written) = writes.next() => match written {
                    Some(written) => self.close(written),
                    None => return,
                },
                batch = self.gather(), if has_room => match batch {
                    Some(batch) => writes.push(writer.write(batch)),
                    None => is_open = false,
                },
            }
        }
    }

    /// Whatever is there, at most a batch. Waits when there is nothing, and for a moment in a stream, as the length of the last
    /// batch shows; `None` at the end. May be dropped at any await: what came so far is kept for the next call.
    async fn gather(&mut self) -> Option<PendingBatch> {
        if self.pending.len() == 0 {
            let first = self.inbox.recv().await?;
            self.begin_with(first);
        } else if self.only_locked {
            tokio::select! {
                Some(news) = self.inbox.recv() => self.begin_with(news),
                () = sleep_until(self.due) => {}
            }
        }
        sleep_until(self.due).await;
        while self.pending.len() < BATCH_MAX {
            match self.inbox.try_recv() {
                Ok(pending) => self.pending.push(pending),
                Err(_) => break,
            }
        }
        self.last = self.pending.len();
        Some(std::mem::take(&mut self.pending))
    }

    /// News, with which a batch begins.
    fn begin_with(&mut self, news: PendingEvidence) {
        self.pending.push(news);
        self.only_locked = false;
        self.due = Instant::now() + if self.last >= STREAM { GATHER } else { Duration::ZERO };
    }

    /// Somebody else holds the row: tried again with the next news, or after a moment.
    fn put_back(&mut self, locked: PendingEvidence) {
        if self.pending.len() == 0 {
            self.only_locked = true;
            self.due = Instant::now() + LOCKED_AGAIN_AFTER;
        }
        self.pending.push(locked);
    }

    /// Frees the slots of what is durable and publishes what changed; what somebody else had locked is tried again.
    fn close(&mut self, written: WrittenBatch) {
        let WrittenBatch { entries, waiting, settled } = written;
        let mut changed = HashSet::new();
        let (now, mut tally) = (Moment::now(), BatchTally::default());
        for (mut pending, settled) in entries.into_iter().zip(waiting).zip(settled) {
            if settled != EntryOutcome::Locked
                && let Some(answer) = &pending.0.answer
            {
                tally.add(answer.outcome, pending.1.slot().map(|slot| slot.claimed.age_at(now)));
            }
            match &settled {
                EntryOutcome::Locked => {
                    // Whoever holds the row may be changing it.
                    pending.0.snapshot = None;
                    self.put_back(pending);
                    continue;
                }
                EntryOutcome::Changed { .. } => {
                    changed.insert(pending.0.blast);
                }
                EntryOutcome::Gone => self.log_gone(pending.0.blast),
                EntryOutcome::Nothing | EntryOutcome::Refused(_) => {}
            }
            if let EvidenceWaiter::Asker(asker) = pending.1 {
                // Whoever asked may be gone.
                let _ = asker.send(settled);
            }
        }
        ENGINE_METER.add(&tally);
        for blast in changed {
            let _ = self.changed.send(Some(blast));
        }
        self.settled.send_modify(|n| *n += 1);
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

/// Writes batches, each in a transaction of its own.
#[derive(Clone)]
struct BatchWriter {
    pool: PgPool,
    rules: RetryRules,
    trouble: watch::Sender<Option<DatabaseTrouble>>,
    give_up: CancellationToken,
}

impl BatchWriter {
    /// Writes until it is durable; `None` once that is given up. Evidence is idempotent, so a lost answer to a commit is settled by
    /// writing again.
    async fn write(&self, batch: PendingBatch) -> Option<WrittenBatch> {
        let (entries, waiting) = batch.closed();
        let mut failures = 0;
        loop {
            match record(&self.pool, &entries, &self.rules).await {
                Ok(settled) => {
                    self.trouble.send_if_modified(|trouble| trouble.take().is_some());
                    return Some(WrittenBatch { entries, waiting, settled });
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
}
