//! Why a blast is not sending as fast as it can, from what is in the database: the same answer for every face.

use chrono::{DateTime, TimeDelta, Utc};

use super::desk::{Desk, per_hour};
use crate::domain::blast::BlastState;
use crate::domain::pace::{Gap, Limits, Rate, next_day_start};
use crate::domain::recipient::TOO_RECENTLY;
use crate::domain::waiting::{Trouble, Waiting};
use crate::store::view::{BlastRow, SenderRow};

/// A launch is not called unattended before an engine had time to hear of it.
const GRACE: TimeDelta = TimeDelta::seconds(5);

/// The reason, if there is one. `trouble` is what this process itself cannot write for.
pub fn of(
    blast: &BlastRow,
    sender: Option<&SenderRow>,
    trouble: Option<Trouble>,
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
        return Some(Waiting::SenderStopped { why: stop.reason.clone() });
    }
    let Some(lease) = &sender.lease else {
        let is_new = blast.send_after.is_some_and(|launched| now - launched < GRACE);
        return (!is_new).then_some(Waiting::NoEngine);
    };
    // Renewed every third of its life: with less than half of it left it should have been.
    let valid = sender.told.lease_ms.map(TimeDelta::milliseconds);
    if valid.is_some_and(|valid| lease.expires_at - now < valid / 2) {
        return Some(Waiting::Silent { host: lease.host.clone(), until: lease.expires_at });
    }
    // No renewal ever reaches so far: the clock that granted it was wrong, and whoever waits for it sees that it is dead.
    if let Some(valid) = valid.filter(|valid| lease.expires_at - now > *valid * 2) {
        return Some(Waiting::Silent { host: lease.host.clone(), until: now + valid });
    }
    let told = sender.told.blasts.get(&blast.id).cloned().and_then(|waiting| waiting.at(now));
    later_of(told, due_later(blast, now))
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
    let told = sender.told.sender.clone().filter(|waiting| matches!(waiting, Waiting::Database { .. }));
    sender.lease.as_ref().and(told)
}

/// When it is done if nothing holds it up: the queue at the pace that binds, over as many days as the daily limit makes
/// of it. `None` where no pace binds.
pub fn done_at(blast: &BlastRow, desk: &Desk, now: DateTime<Utc>, today: i64) -> Option<DateTime<Utc>> {
    let own = Limits {
        rate: blast.rate.as_deref().and_then(|rate| rate.parse().ok()).unwrap_or(Rate::Unlimited),
        gap: blast.gap.as_deref().and_then(|gap| gap.parse::<Gap>().ok()),
        ..desk.limits
    };
    let pace = [per_hour(&desk.limits), per_hour(&own)].into_iter().flatten().min()?;
    let begins = begins(blast, now);
    let cap = desk.limits.daily_cap.map(|cap| i64::from(cap.get()));
    let midnight = next_day_start(begins, desk.zone());
    let (begins, last_day) = spread(blast.counts.queued, cap, today, (begins, midnight))?;
    let seconds = last_day.checked_mul(3_600)?.checked_div(pace.max(1))?;
    begins.checked_add_signed(TimeDelta::try_seconds(seconds)?)
}

/// When the next message goes: what is waited for may end much later than now. A day's cap is counted apart.
fn begins(blast: &BlastRow, now: DateTime<Utc>) -> DateTime<Utc> {
    let waiting = blast.waiting.as_ref().filter(|waiting| !matches!(waiting, Waiting::DailyCap { .. }));
    let waited = waiting.and_then(Waiting::until);
    [blast.send_after, waited].into_iter().flatten().fold(now, DateTime::max)
}

/// When the last day of sending begins, and how many are left for it: from `now` on, the limit counting anew at
/// `midnight`.
fn spread(
    queued: i64,
    cap: Option<i64>,
    today: i64,
    (now, midnight): (DateTime<Utc>, DateTime<Utc>),
) -> Option<(DateTime<Utc>, i64)> {
    let Some(cap) = cap else { return Some((now, queued)) };
    let left_today = (cap - today).max(0);
    if queued <= left_today {
        return Some((now, queued));
    }
    let later = queued - left_today;
    let whole_days = (later - 1) / cap;
    Some((midnight.checked_add_signed(TimeDelta::try_days(whole_days)?)?, later - whole_days * cap))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::{Waiting, later_of, spread};

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

    #[test]
    fn a_daily_limit_spreads_a_blast_over_days() {
        let evening = at("2026-11-20T20:00:00Z");
        let midnight = at("2026-11-21T00:00:00Z");

        assert_eq!(spread(100, Some(500), 146, (evening, midnight)), Some((evening, 100)));
        assert_eq!(spread(400, Some(500), 146, (evening, midnight)), Some((midnight, 46)));
        assert_eq!(spread(1_354, Some(500), 146, (evening, midnight)), Some((midnight + TimeDelta::days(1), 500)));
        assert_eq!(spread(1_354, None, 0, (evening, midnight)), Some((evening, 1_354)));
    }
}
