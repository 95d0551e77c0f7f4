//! Why a blast is not sending as fast as it can, from what is in the database: the same answer for every face.

use chrono::{DateTime, TimeDelta, Utc};

use super::desk::{Desk, per_hour};
use crate::domain::blast::BlastState;
use crate::domain::pace::{Gap, Limits, Rate};
use crate::domain::waiting::Waiting;
use crate::store::view::{BlastRow, SenderRow};

/// A launch is not called unattended before an engine had time to hear of it.
const GRACE: TimeDelta = TimeDelta::seconds(5);

/// The reason, if there is one.
pub fn of(blast: &BlastRow, sender: Option<&SenderRow>, now: DateTime<Utc>) -> Option<Waiting> {
    if blast.state != BlastState::Sending {
        return None;
    }
    if let Some(until) = blast.send_after.filter(|until| *until > now) {
        return Some(Waiting::Armed { until });
    }
    let counts = &blast.counts;
    if counts.queued == 0 {
        let only_doubt = counts.sending == 0 && counts.uncertain > 0;
        return only_doubt.then_some(Waiting::Uncertain { people: counts.uncertain });
    }
    let sender = sender?;
    if let Some(stop) = &sender.stopped {
        return Some(Waiting::SenderStopped { why: stop.reason.clone() });
    }
    if sender.lease.is_none() {
        let is_new = blast.send_after.is_some_and(|launched| now - launched < GRACE);
        return (!is_new).then_some(Waiting::NoEngine);
    }
    if let Some(until) = blast.next_due_at.filter(|due| *due > now) {
        return Some(Waiting::Backoff { people: counts.queued, until });
    }
    sender.waiting.clone().filter(|waiting| waiting.until().is_none_or(|until| until > now))
}

/// When it is done if nothing holds it up: the queue at the pace that binds. `None` where no pace binds.
pub fn done_at(blast: &BlastRow, desk: &Desk, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let own = Limits {
        rate: blast.rate.as_deref().and_then(|rate| rate.parse().ok()).unwrap_or(Rate::Unlimited),
        gap: blast.gap.as_deref().and_then(|gap| gap.parse::<Gap>().ok()),
        ..desk.limits
    };
    let pace = [per_hour(&desk.limits), per_hour(&own)].into_iter().flatten().min()?;
    let begins = blast.send_after.unwrap_or(now).max(now);
    let seconds = blast.counts.queued.checked_mul(3_600)?.checked_div(pace.max(1))?;
    begins.checked_add_signed(TimeDelta::try_seconds(seconds)?)
}
