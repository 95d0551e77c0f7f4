//! Which blast is served next, and what is waited for when none can be.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::bookmark::Bookmark;
use super::{LONGEST_MEMORY, Parts, Sender};
use crate::domain::ids::BlastId;
use crate::domain::message::Message;
use crate::domain::pace::{Pace, Pacer, Past, Reason};
use crate::domain::waiting::Waiting;
use crate::engine::clock::SKEW_MAX;
use crate::engine::desk::BlastLimits;
use crate::store::StoreError;
use crate::store::blast::{self, Runnable};
use crate::store::lease;

/// A blast of this sender, with its own pace.
pub(super) struct Lane {
    pub id: BlastId,
    pub message: Arc<Result<Message, String>>,
    pub limits: BlastLimits,
    pub pacer: Pacer,
    /// How many were served: the least served lane goes first.
    pub served: u64,
    /// A claim found nobody: not asked again before this, unless news comes.
    pub nobody_due_before: Option<DateTime<Utc>>,
    pub bookmark: Bookmark,
    source: Runnable,
}

/// What to do now.
pub(super) enum Choice {
    Send(BlastId),
    Wait { waiting: Option<Waiting>, until: Option<DateTime<Utc>> },
}

/// The lanes for what is runnable now; what was known of a blast is kept while its limits are the same. A blast with a
/// pace of its own begins with what was attempted before.
pub(super) async fn renew_lanes(
    mut old: Vec<Lane>,
    runnable: Vec<Runnable>,
    parts: &Parts,
    now: DateTime<Utc>,
) -> Result<Vec<Lane>, StoreError> {
    let least = old.iter().map(|lane| lane.served).min().unwrap_or(0);
    let mut lanes = Vec::with_capacity(runnable.len());
    for blast in runnable {
        let at = old.iter().position(|lane| lane.has_limits_of(&blast));
        lanes.push(match at.map(|at| old.swap_remove(at)) {
            Some(lane) => Lane { source: blast, ..lane },
            None => Lane::new(blast, parts, least, now).await?,
        });
    }
    Ok(lanes)
}

impl Lane {
    async fn new(source: Runnable, parts: &Parts, served: u64, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let limits = BlastLimits::of(&source, &parts.desk);
        let past = if source.gap.is_some() || source.rate.is_some() {
            let times = blast::recent_attempts(&parts.pool, source.id, now - LONGEST_MEMORY).await?;
            Past { times, today: 0 }
        } else {
            Past::default()
        };
        Ok(Self {
            id: source.id,
            message: Arc::new(Message::parse(&source.message).map_err(|error| error.to_string())),
            pacer: Pacer::new(limits.limits, &past, now),
            limits,
            served,
            nobody_due_before: None,
            bookmark: Bookmark::default(),
            source,
        })
    }

    /// The same blast, unchanged but for when it was started.
    fn has_limits_of(&self, blast: &Runnable) -> bool {
        self.source == Runnable { send_after: self.source.send_after, ..blast.clone() }
    }

    /// Whether this blast may send now, by its own limits.
    fn ready(&mut self, now: DateTime<Utc>) -> Result<(), (DateTime<Utc>, Option<Waiting>)> {
        if let Some(until) = self.source.send_after.filter(|until| *until > now) {
            return Err((until, Some(Waiting::Armed { until })));
        }
        if let Some(window) = self.limits.window
            && let Pace::Wait { until, .. } = window.pace(now)
        {
            return Err((until, Some(Waiting::Window { window: window.to_string(), until })));
        }
        if let Some(until) = self.nobody_due_before.filter(|until| *until > now) {
            return Err((until, None));
        }
        match self.pacer.next(now, rand::random()) {
            Pace::Go => Ok(()),
            Pace::Wait { until, reason } => Err((until, Some(waiting(reason, until)))),
        }
    }
}

impl Sender {
    /// The least served blast that may send now; else the reason that ends first.
    pub(super) fn choose(&mut self) -> Choice {
        let now = self.parts.clock.now();
        if self.lanes.is_empty() {
            return Choice::Wait { waiting: None, until: None };
        }
        if let Some(obstacle) = self.obstacle() {
            return Choice::Wait { waiting: Some(obstacle), until: None };
        }
        let mut best: Option<(u64, BlastId)> = None;
        let mut first: Option<(DateTime<Utc>, Option<Waiting>)> = None;
        for lane in &mut self.lanes {
            match lane.ready(now) {
                Ok(()) if best.is_none_or(|(served, _)| lane.served < served) => best = Some((lane.served, lane.id)),
                Err(wait) if first.as_ref().is_none_or(|(until, _)| wait.0 < *until) => first = Some(wait),
                Ok(()) | Err(_) => {}
            }
        }
        match (best, first) {
            (Some((_, blast)), _) => self.paced(blast),
            (None, Some((until, waiting))) => Choice::Wait { waiting, until: Some(until) },
            (None, None) => Choice::Wait { waiting: None, until: None },
        }
    }

    /// Writes down what is waited for, when it changed. A database that takes nothing comes before every other reason, and
    /// may not take that either: this process knows it anyway.
    pub(super) async fn tell(&mut self, waiting: Option<Waiting>) -> Result<(), StoreError> {
        let trouble = self.parts.ledger.trouble().or(self.trouble);
        self.parts.news.hold(self.parts.desk.id, trouble);
        let waiting = trouble.map(|trouble| Waiting::Database { trouble }).or(waiting);
        if waiting != self.told {
            lease::tell_waiting(&self.parts.pool, self.parts.lease.lease, waiting.as_ref()).await?;
            self.told = waiting;
            let _ = self.parts.news.changed().send(BlastId(0));
        }
        Ok(())
    }

    /// What stops the sender as a whole until somebody acts.
    fn obstacle(&self) -> Option<Waiting> {
        let skew = self.parts.clock.skew();
        if skew.abs() > SKEW_MAX {
            return Some(Waiting::Clock { seconds: skew.num_seconds() });
        }
        self.stopped.clone().map(|why| Waiting::SenderStopped { why })
    }

    /// The sender's own pace comes last: it binds all blasts.
    fn paced(&self, blast: BlastId) -> Choice {
        match self.next_pace() {
            Pace::Go => Choice::Send(blast),
            Pace::Wait { until, reason } => Choice::Wait { waiting: Some(waiting(reason, until)), until: Some(until) },
        }
    }
}

fn waiting(reason: Reason, until: DateTime<Utc>) -> Waiting {
    match reason {
        Reason::Rate(rate) => Waiting::Rate { rate: rate.to_string() },
        Reason::Gap(gap) => Waiting::Gap { gap: gap.to_string(), next: until },
        Reason::DailyCap { cap, .. } => Waiting::DailyCap { cap: i64::from(cap.get()), until },
        Reason::Closed(opening) => Waiting::Window { window: opening.to_string(), until },
        Reason::Throttled => Waiting::Throttled { until },
    }
}
