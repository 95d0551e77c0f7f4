//! Why each blast waits: written when it changes, for every face to read.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use super::bottleneck::Bottleneck;
use super::next_action::BlastQueue;
use super::{Sender, next_action};
use crate::domain::ids::BlastId;
use crate::domain::pace::{Pace, PaceReason};
use crate::domain::sender::StopCode;
use crate::domain::waiting::{DatabaseTrouble, LimitOwner, Waiting, WaitingReport};
use crate::engine::clock::SKEW_MAX;
use crate::store::{StoreError, lease};

/// A shorter wait is over before anybody has read of its end; that there is one after the other is worth saying.
const WORTH_SAYING: TimeDelta = TimeDelta::seconds(2);

/// What a blast waits for.
struct Why {
    waiting: Waiting,
    /// The same without the blast's own hours, where it is the sender's: other blasts of it wait for that as well.
    of_sender: Option<Waiting>,
}

/// What a sender waits for by its own limits, and until when.
struct LongPace {
    waiting: Waiting,
    until: DateTime<Utc>,
}

impl Sender {
    /// Writes, when it is time to see what binds. At most four times a second, and only what changed.
    pub(super) async fn report_now_and_then(&mut self) -> Result<(), StoreError> {
        self.spend_unfinished_wait();
        let now = Instant::now();
        let looked = self.queues.iter_mut().map(|queue| queue.meter.reckon(now)).filter(|looked| *looked).count();
        if looked > 0 || (self.queues.is_empty() && !self.report.is_empty()) {
            self.write_report().await?;
        }
        Ok(())
    }

    /// Writes down what is waited for, where that is other than before. A database that takes nothing comes before every
    /// other reason, and may not take that either: this process knows it anyway.
    pub(super) async fn write_report(&mut self) -> Result<(), StoreError> {
        let trouble = self.context.recorder.trouble().or(self.trouble);
        self.context.notifier.hold(self.context.sender.id, trouble);
        if trouble.is_none() {
            self.renew_zones().await?;
        }
        let report = self.reasons(trouble, self.context.clock.now());
        if report != self.report {
            lease::write_waiting(&self.context.pool, self.context.lease.lease, &report).await?;
            self.report = report;
            let _ = self.context.notifier.changed().send(None);
        }
        Ok(())
    }

    fn reasons(&mut self, trouble: Option<DatabaseTrouble>, now: DateTime<Utc>) -> WaitingReport {
        let trouble = trouble.map(|trouble| Waiting::Database { trouble });
        let (obstacle, pace) = (trouble.clone().or_else(|| self.obstacle()), self.long_pace(now));
        let why = |queue: &BlastQueue| {
            let why = match &obstacle {
                Some(obstacle) => Why::of_all(obstacle.clone()),
                None => self.why(queue, pace.as_ref(), now)?,
            };
            Some((queue.id, why))
        };
        let blasts: Vec<(BlastId, Why)> = self.queues.iter().filter_map(why).collect();
        let shared = blasts.iter().find_map(|(_, why)| why.of_sender.clone()).or_else(|| match &blasts[..] {
            [(_, only)] if self.queues.len() == 1 => Some(only.waiting.clone()),
            _ => None,
        });
        WaitingReport {
            sender: trouble.or(shared),
            blasts: blasts.into_iter().map(|(id, why)| (id, why.waiting)).collect(),
            lease_ms: Some(self.context.lease.valid().num_milliseconds()),
            token: None,
        }
    }

    /// Of the sender's pace and the blast's own limits whatever lasts longer, until the blast really goes on.
    fn why(&self, queue: &BlastQueue, pace: Option<&LongPace>, now: DateTime<Utc>) -> Option<Why> {
        if let Some(waiting) = queue.standing_refusal(pace.map(|pace| &pace.waiting), now) {
            return Some(Why { of_sender: None, waiting });
        }
        let own = queue.hold.as_ref().filter(|hold| hold.until - now > WORTH_SAYING);
        let (waiting, until, is_senders) = match (pace, own) {
            (Some(pace), own) if own.is_none_or(|own| own.ends_before(pace.until)) => {
                (Some(pace.waiting.clone()), pace.until, true)
            }
            (_, Some(hold)) => {
                (hold.waiting.clone(), hold.until, matches!(hold.bottleneck, Some(Bottleneck::Sender(_))))
            }
            (_, None) => return self.standing(queue.meter.standing()?),
        };
        let goes_on = queue.goes_on_at(until);
        let hours = queue.hours().filter(|_| goes_on > until);
        waiting.map(|waiting| Why {
            of_sender: is_senders.then(|| waiting.clone()),
            waiting: waiting.ending(goes_on, hours),
        })
    }

    /// The sender's pace, where its end is worth saying.
    fn long_pace(&mut self, now: DateTime<Utc>) -> Option<LongPace> {
        match self.next_pace() {
            Pace::Wait { until, reason } if until - now > WORTH_SAYING => {
                let waiting = next_action::waiting(reason, until, LimitOwner::Sender, self.pace.steps());
                Some(LongPace { waiting, until })
            }
            _ => None,
        }
    }

    /// What stops the sender as a whole until somebody acts.
    pub(super) fn obstacle(&self) -> Option<Waiting> {
        let skew = self.context.clock.skew();
        if skew.abs() > SKEW_MAX {
            return Some(Waiting::Clock { seconds: skew.num_seconds() });
        }
        let (why, sender) = (self.stopped.clone()?, self.context.sender.name.clone());
        Some(Waiting::SenderStopped { why, sender, code: StopCode::default(), waits_for_token: false })
    }

    /// A reason that stands, without a moment at which it ends.
    fn standing(&self, bottleneck: Bottleneck) -> Option<Why> {
        let (reason, whose) = match bottleneck {
            Bottleneck::Answers => {
                return Some(Why::of_all(Waiting::Answers { at_once: self.context.sender.in_flight }));
            }
            Bottleneck::Database => return Some(Why::of_all(Waiting::SlowDatabase)),
            Bottleneck::Sender(reason) => (reason, LimitOwner::Sender),
            Bottleneck::Blast(reason) => (reason, LimitOwner::Blast),
        };
        let slowed = if whose == LimitOwner::Sender { self.pace.steps() } else { 0 };
        let waiting = match reason {
            PaceReason::Rate(rate) => Waiting::Rate { rate: rate.to_string(), next: None, whose, slowed },
            PaceReason::Gap(gap) => Waiting::Gap { gap: gap.to_string(), next: None, slowed },
            PaceReason::DailyCap { .. } | PaceReason::Closed(_) | PaceReason::Throttled | PaceReason::People { .. } => {
                return None;
            }
        };
        Some(Why { of_sender: (whose == LimitOwner::Sender).then(|| waiting.clone()), waiting })
    }
}

impl BlastQueue {
    /// Why nobody of it can be claimed. That one of its rows could not be read is said no longer than until it is to be tried again where
    /// something else holds the blast, or its sender (`pace`), for long: somebody may have fixed it since, and no claim shows that.
    pub(super) fn standing_refusal(&self, pace: Option<&Waiting>, now: DateTime<Utc>) -> Option<Waiting> {
        let is_old = self.refused.as_ref().is_some_and(|refused| refused.until <= now);
        let own = self.hold.as_ref().and_then(|hold| hold.waiting.as_ref());
        let is_held = own.into_iter().chain(pace).any(lasts);
        self.refusal().filter(|_| !is_old || !is_held)
    }
}

/// Whether nothing is claimed for hours, perhaps.
const fn lasts(waiting: &Waiting) -> bool {
    matches!(
        waiting,
        Waiting::Window { .. } | Waiting::Provider { .. } | Waiting::DailyCap { .. } | Waiting::PeopleLimit { .. }
    )
}

impl Why {
    fn of_all(waiting: Waiting) -> Self {
        Self { of_sender: Some(waiting.clone()), waiting }
    }
}

/// Whether a wait is long enough for its end to be worth writing.
pub(super) fn is_long(until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    until.is_none_or(|until| until - now > WORTH_SAYING)
}
