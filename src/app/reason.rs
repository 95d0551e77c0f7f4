//! Derives from the database why a blast is not sending as fast as it can: the same answer for every face.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::local_time::goes_by_own_clocks;
use crate::domain::blast::BlastState;
use crate::domain::pace::Window;
use crate::domain::recipient::{OUT_OF_HOURS, TOO_RECENTLY};
use crate::domain::waiting::{DatabaseTrouble, Waiting};
use crate::provider::asks_to_slow_down;
use crate::store::view::{BlastRow, SenderRow};

/// How long an engine has to notice a launch before the blast is called unattended.
const GRACE: TimeDelta = TimeDelta::seconds(5);

/// How long the renewal of a lease takes at most, of a lease of six seconds or more, before its engine counts as silent.
const RENEWAL_TAKES: TimeDelta = TimeDelta::seconds(1);

/// The reason, if there is one. `trouble` is what keeps this process itself from writing, `zone` that of the blast's hours.
pub fn of(
    blast: &BlastRow,
    sender: Option<&SenderRow>,
    trouble: Option<DatabaseTrouble>,
    (zone, now): (Option<Tz>, DateTime<Utc>),
) -> Option<Waiting> {
    match blast.state {
        BlastState::Sending => {}
        BlastState::Scheduled => return scheduled(blast, sender?, now),
        _ => return None,
    }
    let counts = &blast.counts;
    // Behind a stop nothing starts at that time: it waits for its sender from the first moment.
    let is_behind_stop = counts.queued > 0 && sender.is_some_and(|sender| sender.stopped.is_some());
    if let Some(until) = blast.send_after.filter(|until| *until > now && !is_behind_stop) {
        return Some(closed_at(blast, zone, until).unwrap_or(Waiting::Armed { until }));
    }
    let reported = trouble.map(|trouble| Waiting::Database { trouble }).or_else(|| database_of(sender?));
    if counts.queued + counts.sending > 0 && reported.is_some() {
        return reported;
    }
    if counts.queued + counts.sending == 0 {
        return (counts.uncertain > 0).then_some(Waiting::Uncertain { people: counts.uncertain });
    }
    let sender = sender?;
    if let Some(stopped) = stopped(sender) {
        return Some(stopped);
    }
    if let Some(unreadable) = blast.limits.unreadable().filter(|_| counts.queued > 0) {
        return Some(Waiting::Unreadable { why: unreadable.to_string() });
    }
    let Some(lease) = &sender.lease else { return held_by_nobody(blast, sender, now) };
    let valid = sender.waiting.lease_ms.map(TimeDelta::milliseconds);
    if valid.is_some_and(|valid| lease.expires_at - now < overdue_with(valid)) {
        return Some(Waiting::Silent { host: lease.host.clone(), until: Some(lease.expires_at) });
    }
    let reported = sender.waiting.blasts.get(&blast.id).cloned().and_then(|waiting| waiting.at(now));
    // No renewal reaches so far ahead unless the clocks differ as the engine reports: the clock that granted it was wrong, and
    // whoever waits for the lease will see that it is dead.
    let ahead = lease.expires_at - now - skew_of(reported.as_ref());
    // Since when they have watched it only they know.
    if valid.is_some_and(|valid| ahead > valid * 2) {
        return Some(Waiting::Silent { host: lease.host.clone(), until: None });
    }
    if counts.queued == 0 {
        // What came of the last ones is on its way to a living engine.
        return None;
    }
    // Only an engine pauses it then: whatever keeps one from that was looked at before.
    if let Some(people) = blast.first.people.filter(|_| blast.first.are_through()) {
        return Some(Waiting::FirstPeople { people: people.get() });
    }
    later_of(reported, throttled(blast, sender, now).or_else(|| due_later(blast, zone, now)))
}

fn stopped(sender: &SenderRow) -> Option<Waiting> {
    let stop = sender.stopped.as_ref()?;
    let (why, code, waits_for_token) = (stop.reason.clone(), stop.code.clone(), stop.waits_for_token);
    Some(Waiting::SenderStopped { why, sender: sender.name.clone(), code, waits_for_token })
}

/// Why no engine sends for a sender.
fn held_by_nobody(blast: &BlastRow, sender: &SenderRow, now: DateTime<Utc>) -> Option<Waiting> {
    if let Some(refused @ Waiting::TokenRefused { .. }) = &sender.waiting.sender {
        return Some(refused.clone());
    }
    if let Some(name) = &sender.phone_held_as {
        return Some(Waiting::PhoneInUse { sender: name.clone() });
    }
    let is_new = blast.send_after.is_some_and(|launched| now - launched < GRACE);
    (!is_new).then_some(Waiting::NoEngine)
}

/// The blast's own hours, where they are closed at a time.
fn closed_at(blast: &BlastRow, zone: Option<Tz>, at: DateTime<Utc>) -> Option<Waiting> {
    let own = own_hours(blast, zone).filter(|own| !own.is_open(at))?;
    Some(Waiting::Window { window: own.to_string(), until: own.next_open(at) })
}

/// Whether a blast waits at a time for its own hours.
pub(super) fn is_closed_at(blast: &BlastRow, zone: Option<Tz>, at: DateTime<Utc>) -> bool {
    closed_at(blast, zone, at).is_some()
}

/// What a blast waits for where the daily cap of its sender is used up until the next day: its own hours that begin before that are not those
/// that it goes in.
pub(super) fn behind_cap(waiting: Waiting, own: Option<Window>, (cap, next_day): (i64, DateTime<Utc>)) -> Waiting {
    let begins_before = matches!(&waiting, Waiting::Window { until, .. } if *until < next_day);
    let Some(own) = own.filter(|_| begins_before) else { return waiting };
    let until = own.next_open(next_day);
    Waiting::DailyCap { cap, until, hours: (until > next_day).then(|| own.to_string()) }
}

/// The blast's own hours, where they hold by one clock.
pub(super) fn own_hours(blast: &BlastRow, zone: Option<Tz>) -> Option<Window> {
    blast.limits.own_window(zone?).filter(|_| !blast.origin.window_local)
}

/// With how much of a lease left its renewal is overdue: it is renewed every third of its life, and takes a moment.
fn overdue_with(valid: TimeDelta) -> TimeDelta {
    valid - valid / 3 - RENEWAL_TAKES.min(valid / 6)
}

/// What a blast that starts by itself or repeats waits for: for its time, where somebody will start it then.
fn scheduled(blast: &BlastRow, sender: &SenderRow, now: DateTime<Utc>) -> Option<Waiting> {
    if let Some(stopped) = stopped(sender) {
        return Some(stopped);
    }
    if let Some(why) = blast.state_reason.clone().filter(|_| blast.origin.repeat.rule.is_some()) {
        return Some(Waiting::NotMade { why });
    }
    let is_empty = blast.counts.queued == 0 && blast.origin.repeat.rule.is_none();
    if sender.lease.is_none() && !is_empty && now - blast.updated_at > GRACE {
        return Some(Waiting::NoEngine);
    }
    until_its_start(blast, now)
}

/// What a blast waits for that somebody sees to: for its time, where it starts by itself.
pub fn until_its_start(blast: &BlastRow, now: DateTime<Utc>) -> Option<Waiting> {
    let until = blast.send_after.filter(|until| blast.state == BlastState::Scheduled && *until > now)?;
    Some(Waiting::Scheduled { until })
}

/// How far the database's clock is ahead, if an engine holds its blasts because of that.
fn skew_of(reported: Option<&Waiting>) -> TimeDelta {
    match reported {
        Some(Waiting::Clock { seconds }) => TimeDelta::try_seconds(*seconds).unwrap_or_default().max(TimeDelta::zero()),
        _ => TimeDelta::zero(),
    }
}

/// The provider's pause, where the next person is due later because they were refused for it: whoever ends it has them sent to.
fn throttled(blast: &BlastRow, sender: &SenderRow, now: DateTime<Utc>) -> Option<Waiting> {
    let (due, held_until) =
        (blast.next_due_at.filter(|due| *due > now)?, sender.held_until.filter(|held| *held > now)?);
    let provider = sender.provider.parse().ok()?;
    let is_refused_for_it = blast.next_due_code.as_deref().is_some_and(|code| asks_to_slow_down(provider, code));
    is_refused_for_it.then(|| Waiting::Throttled { until: due.max(held_until) })
}

/// Why everybody left is due later, if nobody is due now. Nobody is sent to before the blast's hours, whenever they are due.
fn due_later(blast: &BlastRow, zone: Option<Tz>, now: DateTime<Utc>) -> Option<Waiting> {
    let (due, people) = (blast.next_due_at.filter(|due| *due > now)?, blast.counts.queued);
    let until = own_hours(blast, zone).map_or(due, |own| own.next_open(due));
    let is_pair = blast.next_due_reason.as_deref() == Some(TOO_RECENTLY);
    // Whoever was refused is tried again whatever their clock, unless it was outside their hours by then.
    let is_by_clock = match blast.next_due_reason.as_deref() {
        None => blast.next_due_code.is_none() || blast.has_untried,
        Some(reason) => reason == OUT_OF_HOURS,
    };
    Some(match (is_pair, is_by_clock && goes_by_own_clocks(blast)) {
        (true, _) => Waiting::PairGap { people, until },
        (false, true) => Waiting::OwnTime { people, time: blast.origin.local_time, until },
        (false, false) => Waiting::Backoff { people, until },
    })
}

/// What its people wait for whatever its hours, until the first of them is due: that time may have come.
pub(super) fn next_due(blast: &BlastRow) -> Option<Waiting> {
    due_later(blast, None, DateTime::<Utc>::MIN_UTC).filter(|_| blast.counts.queued > 0)
}

/// With nobody due, a pace does not bind; a closed window, a stop or wrong clocks still do.
fn later_of(reported: Option<Waiting>, due: Option<Waiting>) -> Option<Waiting> {
    match (reported, due) {
        (Some(reported @ Waiting::Clock { .. }), _) => Some(reported),
        // Whoever is due once the hours begin waits for these.
        (Some(reported @ Waiting::Window { .. }), Some(due)) if reported.until() >= due.until() => Some(reported),
        (Some(reported), Some(due)) if reported.until() > due.until() => Some(reported),
        (reported, None) => reported,
        (_, due) => due,
    }
}

/// What its holder reports of the database, while it holds the sender.
fn database_of(sender: &SenderRow) -> Option<Waiting> {
    let reported = sender.waiting.sender.clone().filter(|waiting| matches!(waiting, Waiting::Database { .. }));
    sender.lease.as_ref().and(reported)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use chrono_tz::Tz;

    use super::{Waiting, behind_cap, later_of, overdue_with};
    use crate::domain::pace::LimitColumns;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn an_engine_is_silent_a_second_after_a_renewal_that_did_not_come() {
        let left = |millis| overdue_with(TimeDelta::milliseconds(millis)).num_milliseconds();

        // Of 15 seconds 5 are over when it is renewed.
        assert_eq!(left(15_000), 9_000);
        assert_eq!(left(600), 300);
    }

    #[test]
    fn hours_that_begin_while_the_daily_cap_is_used_up_are_those_of_the_next_day() {
        let limits = LimitColumns { hours: Some(Ok("05:00-06:00".parse().unwrap())), ..LimitColumns::default() };
        let own = limits.own_window(Tz::UTC).unwrap();
        let (next_day, opens) = (at("2026-11-21T00:00:00Z"), at("2026-11-21T05:00:00Z"));
        let closed = |until| Waiting::Window { window: own.to_string(), until };

        let today = behind_cap(closed(at("2026-11-20T05:00:00Z")), Some(own), (300, next_day));
        let later = behind_cap(closed(opens), Some(own), (300, next_day));

        assert_eq!(today, Waiting::DailyCap { cap: 300, until: opens, hours: Some(own.to_string()) });
        assert_eq!(later, closed(opens));
    }

    #[test]
    fn with_nobody_due_a_pace_does_not_bind_but_closed_hours_do() {
        let (noon, night) = (at("2026-11-20T12:00:00Z"), at("2026-11-20T20:00:00Z"));
        let due = Some(Waiting::Backoff { people: 3, until: noon });
        let gap = Some(Waiting::Gap { gap: "20s".to_owned(), next: None, slowed: 0 });
        let hours = Some(Waiting::Window { window: "20:00-21:00".to_owned(), until: night });
        let due_tonight = Some(Waiting::Backoff { people: 3, until: night });
        let clock = Some(Waiting::Clock { seconds: 90 });

        assert_eq!(later_of(gap.clone(), due.clone()), due);
        assert_eq!(later_of(gap.clone(), None), gap);
        assert_eq!(later_of(None, due.clone()), due);
        assert_eq!(later_of(hours.clone(), due.clone()), hours);
        assert_eq!(later_of(hours.clone(), due_tonight.clone()), hours);
        assert_eq!(later_of(gap.clone(), due_tonight.clone()), due_tonight);
        assert_eq!(later_of(clock.clone(), due), clock);
    }
}
