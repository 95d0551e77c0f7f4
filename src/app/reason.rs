//! Why a blast is not sending as fast as it can, from what is in the database: the same answer for every face.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::blast::BlastState;
use crate::domain::recipient::TOO_RECENTLY;
use crate::domain::waiting::{DatabaseTrouble, Waiting};
use crate::store::view::{BlastRow, SenderRow};

/// A launch is not called unattended before an engine had time to hear of it.
const GRACE: TimeDelta = TimeDelta::seconds(5);

/// The reason, if there is one. `trouble` is what this process itself cannot write for.
pub fn of(
    blast: &BlastRow,
    sender: Option<&SenderRow>,
    trouble: Option<DatabaseTrouble>,
    now: DateTime<Utc>,
) -> Option<Waiting> {
    if blast.state != BlastState::Sending {
        return None;
    }
    if let Some(until) = blast.send_after.filter(|until| *until > now) {
        return Some(Waiting::Armed { until });
    }
    let counts = &blast.counts;
    let told = trouble.map(|trouble| Waiting::Database { trouble }).or_else(|| database_of(sender?));
    if counts.queued + counts.sending > 0 && told.is_some() {
        return told;
    }
    if counts.queued == 0 {
        let only_doubt = counts.sending == 0 && counts.uncertain > 0;
        return only_doubt.then_some(Waiting::Uncertain { people: counts.uncertain });
    }
    let sender = sender?;
    if let Some(stop) = &sender.stopped {
        let (why, code) = (stop.reason.clone(), stop.code.clone());
        return Some(Waiting::SenderStopped { why, sender: sender.name.clone(), code });
    }
    let Some(lease) = &sender.lease else {
        let is_new = blast.send_after.is_some_and(|launched| now - launched < GRACE);
        return (!is_new).then_some(Waiting::NoEngine);
    };
    // Renewed every third of its life: with less than half of it left it should have been.
    let valid = sender.waiting.lease_ms.map(TimeDelta::milliseconds);
    if valid.is_some_and(|valid| lease.expires_at - now < valid / 2) {
        return Some(Waiting::Silent { host: lease.host.clone(), until: lease.expires_at });
    }
    let told = sender.waiting.blasts.get(&blast.id).cloned().and_then(|waiting| waiting.at(now));
    // No renewal ever reaches so far, but for clocks that differ as its engine says: the clock that granted it was wrong,
    // and whoever waits for it sees that it is dead.
    let ahead = lease.expires_at - now - skew_of(told.as_ref());
    if let Some(valid) = valid.filter(|valid| ahead > *valid * 2) {
        return Some(Waiting::Silent { host: lease.host.clone(), until: now + valid });
    }
    later_of(told, due_later(blast, now))
}

/// How far the database's clock is ahead, where an engine holds its blasts for that.
fn skew_of(told: Option<&Waiting>) -> TimeDelta {
    match told {
        Some(Waiting::Clock { seconds }) => TimeDelta::try_seconds(*seconds).unwrap_or_default().max(TimeDelta::zero()),
        _ => TimeDelta::zero(),
    }
}

/// What everybody left is due later for, if nobody is due now.
fn due_later(blast: &BlastRow, now: DateTime<Utc>) -> Option<Waiting> {
    let (until, people) = (blast.next_due_at.filter(|due| *due > now)?, blast.counts.queued);
    let is_pair = blast.next_due_reason.as_deref() == Some(TOO_RECENTLY);
    Some(if is_pair { Waiting::PairGap { people, until } } else { Waiting::Backoff { people, until } })
}

/// With nobody due, a pace does not bind; a closed window, a stop or wrong clocks still do.
fn later_of(told: Option<Waiting>, due: Option<Waiting>) -> Option<Waiting> {
    match (told, due) {
        (Some(told @ Waiting::Clock { .. }), _) => Some(told),
        (Some(told), Some(due)) if told.until() > due.until() => Some(told),
        (told, None) => told,
        (_, due) => due,
    }
}

/// What its holder told of the database, while it holds the sender.
fn database_of(sender: &SenderRow) -> Option<Waiting> {
    let told = sender.waiting.sender.clone().filter(|waiting| matches!(waiting, Waiting::Database { .. }));
    sender.lease.as_ref().and(told)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::{Waiting, later_of};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn with_nobody_due_a_pace_does_not_bind_but_closed_hours_do() {
        let (noon, night) = (at("2026-11-20T12:00:00Z"), at("2026-11-20T20:00:00Z"));
        let due = Some(Waiting::Backoff { people: 3, until: noon });
        let gap = Some(Waiting::Gap { gap: "20s".to_owned(), next: None });
        let hours = Some(Waiting::Window { window: "20:00-21:00".to_owned(), until: night });
        let clock = Some(Waiting::Clock { seconds: 90 });

        assert_eq!(later_of(gap.clone(), due.clone()), due);
        assert_eq!(later_of(gap.clone(), None), gap);
        assert_eq!(later_of(None, due.clone()), due);
        assert_eq!(later_of(hours.clone(), due.clone()), hours);
        assert_eq!(later_of(clock.clone(), due), clock);
    }
}
