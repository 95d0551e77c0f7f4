//! Hands a blast over to another process: reported only once a live engine holds its sender.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::view::BlastView;
use super::{App, AppError};
use crate::domain::blast::BlastState;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::text::has_command;
use crate::domain::waiting::Waiting;
use crate::engine::{Standby, Started};
use crate::store::view::SenderStop;
use crate::store::view::senders::{self, LeaseHolder};

mod resumption;

/// How long a takeover of a sender may take.
const PATIENCE: Duration = Duration::from_secs(5);
const POLL_EVERY: Duration = Duration::from_millis(50);
/// A database that takes longer over a look stood still.
pub const STOOD_STILL: Duration = Duration::from_secs(2);
const OUTAGES_MAX: u8 = 3;

/// A standby asks a database so many times as much as one look here does until it sends, and as long it may take where that is far away.
const LOOKS_TO_TAKE_OVER: u32 = 40;
const FAR_MAX: Duration = Duration::from_secs(60);

/// Whose lease counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engines {
    /// This process's too: while it lives, it can release the lease.
    All,
    /// Only another process's: this one is about to end.
    Others,
}

/// What was observed of the senders' leases so far.
struct Handover {
    standby: Standby,
    engines: Engines,
    /// Who held each sender when the wait began; nobody held one that is missing.
    first: BTreeMap<SenderId, LeaseHolder>,
    /// The length of the standby's log before any was started.
    log_length: u64,
    started: Option<Started>,
    failure: Option<std::io::Error>,
}

impl App {
    /// Makes sure that a blast continues without this process: starts a standby unless one runs, and waits until a live engine
    /// holds the blast's sender or nothing is left to send. Returns what is missing, as a sentence, if that is not so after five
    /// seconds; where another machine holds the lease, it waits for a renewal.
    pub async fn hand_over(&self, blast: BlastId, engines: Engines) -> Result<Result<(), String>, AppError> {
        let row = self.blast(blast).await?;
        let mut end = Ok(());
        self.hand_over_all(std::slice::from_ref(&row), engines, |_, known| end = known).await?;
        Ok(end)
    }

    /// The same for each of these blasts: those that would not continue, with what is missing. One that is gone is none of them.
    pub async fn hand_over_each(
        &self,
        blasts: &[BlastId],
        engines: Engines,
    ) -> Result<Vec<(BlastId, String)>, AppError> {
        let (mut rows, mut missing) = (Vec::new(), Vec::new());
        for blast in blasts {
            match self.blast(*blast).await {
                Ok(row) => rows.push(row),
                Err(AppError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let report = |row: &BlastView, end: Result<(), String>| missing.extend(end.err().map(|why| (row.id, why)));
        self.hand_over_all(&rows, engines, report).await?;
        Ok(missing)
    }

    /// The same for several blasts at once, under one patience: `report` gets the end of each as soon as it is known.
    pub async fn hand_over_all(
        &self,
        blasts: &[BlastView],
        engines: Engines,
        mut report: impl FnMut(&BlastView, Result<(), String>) + Send,
    ) -> Result<(), AppError> {
        let mut waiting: Vec<_> = blasts.iter().collect();
        let mut patience = Patience::begin(self.config().engine.lease);
        let first = self.lease_holders(&waiting).await?;
        patience.looked();
        let mut watch = self.handover(engines, first);
        loop {
            let mut still = Vec::new();
            patience.asked = Instant::now();
            for blast in waiting {
                match self.end_of_handover(blast, watch.as_mut(), &mut patience).await? {
                    Some(end) => report(blast, end),
                    None => still.push(blast),
                }
            }
            waiting = still;
            if waiting.is_empty() {
                return Ok(());
            }
            sleep(POLL_EVERY).await;
        }
    }

    /// Whether an engine in another process sends what was just started: it has begun with it, or renews its lease on the sender. The lease of
    /// one that has ended looks held until it runs out.
    pub async fn is_sent_elsewhere(&self, blast: &BlastView) -> Result<bool, AppError> {
        let began = Instant::now();
        let Some(first) = senders::lease_holder(self.pool(), blast.sender_id).await? else { return Ok(false) };
        while began.elapsed() < self.patience(true) {
            let Some(held) = senders::lease_holder(self.pool(), blast.sender_id).await? else { return Ok(false) };
            let is_alive = held.renewals != first.renewals || held.holder != first.holder;
            if is_alive || self.has_got_on(blast).await? {
                return Ok(true);
            }
            sleep(POLL_EVERY).await;
        }
        Ok(false)
    }

    /// Whether somebody was sent to since a blast was read, or nobody is left in it to send to.
    async fn has_got_on(&self, blast: &BlastView) -> Result<bool, AppError> {
        let queued = self.counts(blast.id).await?.queued;
        Ok(queued == 0 || queued < blast.counts.queued)
    }

    /// Whether a blast continues; `None` while that may still become true.
    async fn end_of_handover(
        &self,
        blast: &BlastView,
        watch: Result<&mut Handover, &mut String>,
        patience: &mut Patience,
    ) -> Result<Option<Result<(), String>>, AppError> {
        if let Some(stop @ Waiting::SenderStopped { why, .. }) = &blast.waiting {
            return Ok(Some(Err(self.stop_words(blast, (why, stop)))));
        }
        let watch = match watch {
            Ok(watch) => watch,
            Err(missing) => return Ok(Some(Err(missing.clone()))),
        };
        watch.ensure();
        let held = senders::lease_holder(self.pool(), blast.sender_id).await?;
        let is_convinced = watch.is_convinced_by(blast.sender_id, held.as_ref(), self.holder());
        if is_convinced || self.has_nothing_to_send(blast).await? {
            return Ok(Some(Ok(())));
        }
        let is_elsewhere = held.is_some_and(|held| held.holder != self.holder());
        patience.looked();
        if patience.began.elapsed() < self.patience(is_elsewhere) + patience.distance {
            return Ok(None);
        }
        Ok(Some(Err(self.missing(blast, watch).await?)))
    }

    async fn lease_holders(&self, blasts: &[&BlastView]) -> Result<BTreeMap<SenderId, LeaseHolder>, AppError> {
        let mut holders = BTreeMap::new();
        for sender in blasts.iter().map(|blast| blast.sender_id) {
            if let Some(held) = senders::lease_holder(self.pool(), sender).await? {
                holders.insert(sender, held);
            }
        }
        Ok(holders)
    }

    /// Begins to observe leases; the reason, as a sentence, where no standby could be started.
    fn handover(&self, engines: Engines, first: BTreeMap<SenderId, LeaseHolder>) -> Result<Handover, String> {
        let standby = Standby::new(self.config(), self.database_url());
        let standby = standby.map_err(|error| format!("no standby can be started: {error}"))?;
        let log_length = standby.log_length();
        Ok(Handover { standby, engines, first, log_length, started: None, failure: None })
    }

    /// Longer where another process holds the sender: until it must have renewed its lease.
    fn patience(&self, is_elsewhere: bool) -> Duration {
        let renewal = self.config().engine.lease / 3 + Duration::from_secs(1);
        if is_elsewhere { PATIENCE.max(renewal) } else { PATIENCE }
    }

    async fn has_nothing_to_send(&self, blast: &BlastView) -> Result<bool, AppError> {
        let state = self.state(blast.id).await?;
        // What was sent before its time may be scheduled again by now: no engine takes its sender for that.
        let is_taken_back = blast.state == BlastState::Sending && state == BlastState::Scheduled;
        if is_taken_back || !state.is_under_way() {
            return Ok(true);
        }
        let counts = self.counts(blast.id).await?;
        Ok(counts.queued + counts.sending == 0)
    }

    /// Why no engine continues the blast: the cause before its consequences.
    async fn missing(&self, blast: &BlastView, watch: &Handover) -> Result<String, AppError> {
        let name = &blast.sender;
        if let Some(unusable) = self.unusable_senders().iter().find(|unusable| unusable.sender == blast.sender_id) {
            return Ok(format!("sender {name} cannot be used: {}", unusable.why));
        }
        if self.sender(blast.sender_id).is_none() {
            let place = self.config().path().map_or_else(|| "the configuration".to_owned(), shown);
            return Ok(format!("sender {name} is not in {place}"));
        }
        Ok(self.stop_words_of(blast).await?.unwrap_or_else(|| watch.missing(name)))
    }

    /// Why a blast's sender sends nothing, and what lets it go on, where it is stopped.
    pub async fn stop_words_of(&self, blast: &BlastView) -> Result<Option<String>, AppError> {
        let own = self.senders().await?.into_iter().find(|row| row.id == blast.sender_id);
        let stop = own.and_then(|row| row.stopped);
        Ok(stop.map(|SenderStop { reason: why, code, waits_for_token, .. }| {
            let sender = blast.sender.clone();
            let stop = Waiting::SenderStopped { why: why.clone(), sender, code, waits_for_token };
            self.stop_words(blast, (&why, &stop))
        }))
    }

    /// Why a blast's sender sends nothing, and what lets it go on.
    fn stop_words(&self, blast: &BlastView, (why, stop): (&str, &Waiting)) -> String {
        // A reason of the fence's own names the command.
        let mend = self.mend_of(blast, stop).filter(|_| !has_command(why));
        let mend = mend.map(|mend| format!("; {mend}")).unwrap_or_default();
        format!("sender {} is stopped: {why}{mend}", blast.sender)
    }
}

/// Since when a takeover is waited for.
struct Patience {
    began: Instant,
    asked: Instant,
    outages: u8,
    lease: Duration,
    /// How much longer than one beside it a takeover takes with this database.
    distance: Duration,
}

impl Patience {
    fn begin(lease: Duration) -> Self {
        let now = Instant::now();
        Self { began: now, asked: now, outages: 0, lease, distance: Duration::ZERO }
    }

    /// A look at the database is over: one that stood still meanwhile gives the time of a lease anew, but not for ever where it is slow.
    fn looked(&mut self) {
        let took = self.asked.elapsed();
        if took <= STOOD_STILL {
            self.distance = self.distance.max((took * LOOKS_TO_TAKE_OVER).min(FAR_MAX));
        } else if self.outages < OUTAGES_MAX {
            self.outages += 1;
            (self.began, self.asked) = (Instant::now() + self.lease, Instant::now());
        }
    }
}

impl Handover {
    /// Starts a standby where none is ready, and another one where that has ended.
    fn ensure(&mut self) {
        if self.failure.is_some() || self.started.as_ref().is_some_and(|started| !started.has_ended()) {
            return;
        }
        match self.standby.try_ensure() {
            Ok(Some(started)) => self.started = Some(started),
            Ok(None) => {}
            Err(error) => self.failure = Some(error),
        }
    }

    /// Another process must acquire or renew the lease during the wait, since the lease of a killed one looks held until it
    /// expires. This process's own lease passes to a standby that is ready when it ends.
    fn is_convinced_by(&self, sender: SenderId, held: Option<&LeaseHolder>, us: &str) -> bool {
        let Some(held) = held.filter(|held| self.engines == Engines::All || held.holder != us) else { return false };
        let is_renewed =
            held.holder != us && self.first.get(&sender).is_none_or(|first| first.renewals < held.renewals);
        is_renewed || (held.holder == us && self.standby.is_ready().unwrap_or(false))
    }

    fn missing(&self, sender: &str) -> String {
        let log = shown(self.standby.log());
        if let Some(error) = &self.failure {
            return format!("no standby can be started: {error}");
        }
        if self.standby.is_ready().unwrap_or(false) {
            return format!("the standby has not taken over sender {sender} yet; its log is {log}");
        }
        match self.standby.last_words(self.log_length) {
            Some(words) => format!("the standby did not start: {words}"),
            None => format!("the standby has not started yet; its log is {log}"),
        }
    }
}

fn shown(path: &Path) -> String {
    crate::domain::text::clean(&path.display().to_string()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_far_database_gives_a_takeover_longer_and_one_that_stood_still_a_lease() {
        let lease = Duration::from_secs(45);
        let mut patience = Patience::begin(lease);
        let looked = |patience: &mut Patience, millis| {
            patience.asked = Instant::now().checked_sub(Duration::from_millis(millis)).unwrap();
            patience.looked();
        };

        looked(&mut patience, 600);
        let far = (patience.distance, patience.outages);
        looked(&mut patience, 3_000);

        assert!(far.0 >= Duration::from_secs(24) && far.0 < Duration::from_secs(60) && far.1 == 0, "{far:?}");
        assert_eq!((patience.distance, patience.outages), (far.0, 1));
        assert!(patience.began > Instant::now() + lease - Duration::from_secs(1));
    }
}
