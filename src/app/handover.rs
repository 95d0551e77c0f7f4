//! Whether a blast goes on without this process: said only once an engine that lives holds its sender.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{App, AppError};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::waiting::Waiting;
use crate::engine::{Standby, Started};
use crate::store::view::BlastRow;
use crate::store::view::senders::{self, LeaseHolder};

/// How long somebody may take to take a sender over.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Whose lease counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engines {
    /// This process's too: while it lives, it is there to give the lease up.
    All,
    /// Not this process's: it is about to end.
    Others,
}

/// What has been seen of a sender's lease so far.
struct Handover {
    standby: Standby,
    engines: Engines,
    first: Option<LeaseHolder>,
    /// The length of the standby's log before any was started.
    log_length: u64,
    started: Option<Started>,
    failure: Option<std::io::Error>,
}

impl App {
    /// Makes sure that somebody goes on with a blast when this process is gone: starts a standby unless one runs, and waits
    /// until an engine that lives holds the blast's sender, or nothing is left to send. What is missing, as a sentence,
    /// when that has not come true after five seconds; a lease that another machine holds may take as long as a renewal.
    pub async fn hand_over(&self, blast: BlastId, engines: Engines) -> Result<Result<(), String>, AppError> {
        let row = self.blast(blast).await?;
        if let Some(Waiting::SenderStopped { why, .. }) = &row.waiting {
            return Ok(Err(format!("sender {} is stopped: {why}", row.sender)));
        }
        let standby = match Standby::new(self.config(), self.database_url()) {
            Ok(standby) => standby,
            Err(error) => return Ok(Err(format!("no standby can be started: {error}"))),
        };
        let log_length = standby.log_length();
        let first = senders::lease_holder(self.pool(), row.sender_id).await?;
        let mut watch = Handover { standby, engines, first, log_length, started: None, failure: None };
        let began = Instant::now();
        loop {
            watch.ensure();
            let held = senders::lease_holder(self.pool(), row.sender_id).await?;
            if watch.is_convinced_by(held.as_ref(), self.holder()) || self.has_nothing_to_send(blast).await? {
                return Ok(Ok(()));
            }
            let is_elsewhere = held.is_some_and(|held| held.holder != self.holder());
            if began.elapsed() >= self.patience(is_elsewhere) {
                return Ok(Err(self.missing(&row, &watch).await?));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Longer where somebody holds the sender, until they must have renewed their lease.
    fn patience(&self, is_elsewhere: bool) -> Duration {
        let renewal = self.config().engine.lease / 3 + Duration::from_secs(1);
        if is_elsewhere { PATIENCE.max(renewal) } else { PATIENCE }
    }

    async fn has_nothing_to_send(&self, blast: BlastId) -> Result<bool, AppError> {
        if self.state(blast).await? != BlastState::Sending {
            return Ok(true);
        }
        let counts = self.counts(blast).await?;
        Ok(counts.queued + counts.sending == 0)
    }

    /// Why nobody goes on, the cause before what follows from it.
    async fn missing(&self, blast: &BlastRow, watch: &Handover) -> Result<String, AppError> {
        let name = &blast.sender;
        if let Some(broken) = self.broken().iter().find(|broken| broken.sender == blast.sender_id) {
            return Ok(format!("sender {name} cannot be used: {}", broken.why));
        }
        if self.sender(blast.sender_id).is_none() {
            let place = self.config().path().map_or_else(|| "the configuration".to_owned(), shown);
            return Ok(format!("sender {name} is not in {place}"));
        }
        let stopped =
            self.senders().await?.into_iter().find(|row| row.id == blast.sender_id).and_then(|row| row.stopped);
        if let Some(stop) = stopped {
            return Ok(format!("sender {name} is stopped: {}", stop.reason));
        }
        Ok(watch.missing(name))
    }
}

impl Handover {
    /// Starts a standby where none is ready, and another where that one has ended.
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

    /// Another process has to acquire or renew the lease while we watch: that of a killed one looks held until it runs out.
    /// This process's own lease is given up when it ends, to a standby that is ready.
    fn is_convinced_by(&self, held: Option<&LeaseHolder>, us: &str) -> bool {
        let Some(held) = held.filter(|held| self.engines == Engines::All || held.holder != us) else { return false };
        let is_renewed = held.holder != us && self.first.as_ref().is_none_or(|first| first.renewals < held.renewals);
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
