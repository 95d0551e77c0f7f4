//! Blasts that reach each person at a time of their own zone.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{App, AppError};
use crate::domain::blast::BlastState;
use crate::domain::home_zone::{HomeZoneError, home_zone};
use crate::domain::pace::{Hours, Weekdays, Window};
use crate::domain::start_at::StartAt;
use crate::domain::text;
use crate::store::local_time::{self, LocalDue, LocalPerson};
use crate::store::view::BlastRow;

/// How many people of a zone get it, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoneShare {
    pub zone: Tz,
    pub people: i64,
    /// When they are due.
    pub from: DateTime<Utc>,
    /// When the last of them has it by the pace; `None` where nothing limits that.
    pub until: Option<DateTime<Utc>>,
}

/// What each person's own clock decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OwnClock {
    time: Option<NaiveTime>,
    hours: Option<Hours>,
    days: Option<Weekdays>,
}

impl OwnClock {
    /// `None`: nobody's own clock decides anything.
    fn of(row: &BlastRow) -> Option<Self> {
        let readable = row.limits.clone();
        let is_local = row.origin.window_local;
        let hours = readable.hours.and_then(Result::ok).filter(|_| is_local);
        let days = readable.weekdays.and_then(Result::ok).filter(|_| is_local);
        let own = Self { time: row.origin.local_time, hours, days };
        (own.time.is_some() || own.hours.is_some() || own.days.is_some()).then_some(own)
    }

    /// The first moment from `base` on that suits somebody of this zone.
    fn due(self, base: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        let at = self.time.map_or(base, |time| next_at(time, base, zone));
        if self.hours.is_none() && self.days.is_none() {
            return at;
        }
        let window =
            Window { hours: self.hours.unwrap_or(Hours::ALL_DAY), days: self.days.unwrap_or(Weekdays::DAILY), zone };
        window.next_open(at)
    }
}

/// The first moment from `base` on at which the clocks of a zone show a time, or would but for a change.
fn next_at(time: NaiveTime, base: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let today = base.with_timezone(&zone).date_naive();
    let moments = today.iter_days().take(3).filter_map(|day| StartAt::Local(day.and_time(time)).resolve(zone));
    moments.into_iter().map(|moment| moment.at).find(|at| *at >= base).unwrap_or(base)
}

/// Whether people's own clocks decide when they get it.
pub(super) fn goes_by_own_clocks(row: &BlastRow) -> bool {
    OwnClock::of(row).is_some()
}

/// When a blast starts that is launched now.
fn later(row: &BlastRow, now: DateTime<Utc>) -> DateTime<Utc> {
    row.scheduled_for.map_or(now, |at| at.max(now))
}

impl App {
    /// When each person of a blast that is launched now is due by their own clocks, from its start on; nothing where no clock of theirs decides that. Whoever
    /// was due longer than `too_late` ago is due anew; whoever has waited for less stays.
    ///
    /// # Errors
    /// Where nobody knows the zone of some of them.
    pub(super) async fn local_dues(&self, row: &BlastRow, now: DateTime<Utc>) -> Result<Vec<LocalDue>, AppError> {
        let Some(own) = OwnClock::of(row).filter(|_| row.origin.repeat.rule.is_none()) else { return Ok(Vec::new()) };
        let people = local_time::people(self.pool(), row.id).await?;
        let zones = zones_of(&people).map_err(AppError::Refused)?;
        let is_begun = row.launched_at.is_some();
        let base = if is_begun || row.state == BlastState::Scheduled { now } else { later(row, now) };
        let latest = base - self.engine().settings.too_late;
        let stays = |person: &LocalPerson| is_begun && person.next_attempt_at >= latest;
        let moved = people.iter().zip(zones).filter(|(person, _)| !stays(person));
        Ok(moved.map(|(person, zone)| LocalDue { id: person.id, at: own.due(base, zone) }).collect())
    }

    /// The day of a blast by zones; empty where no clock but the sender's decides. `per_hour` is its pace.
    pub(super) async fn zone_shares(
        &self,
        row: &BlastRow,
        now: DateTime<Utc>,
        per_hour: Option<i64>,
    ) -> Result<Vec<ZoneShare>, AppError> {
        let Some(own) = OwnClock::of(row) else { return Ok(Vec::new()) };
        let people = local_time::people(self.pool(), row.id).await?;
        let Ok(zones) = zones_of(&people) else { return Ok(Vec::new()) };
        let mut counts: BTreeMap<(DateTime<Utc>, &str), (Tz, i64)> = BTreeMap::new();
        for (person, zone) in people.iter().zip(zones) {
            let at = if row.launched_at.is_some() { person.next_attempt_at } else { own.due(later(row, now), zone) };
            counts.entry((at, zone.name())).or_insert((zone, 0)).1 += 1;
        }
        Ok(paced(counts.into_iter().map(|((from, _), (zone, people))| (from, zone, people)), per_hour))
    }

    /// Why a blast cannot go by people's own clocks: nobody knows the zones of some.
    pub(super) async fn unknown_zones(&self, row: &BlastRow) -> Result<Option<String>, AppError> {
        if !goes_by_own_clocks(row) {
            return Ok(None);
        }
        let people = local_time::people(self.pool(), row.id).await?;
        Ok(zones_of(&people).err())
    }
}

/// One zone after the other, each begun when it is due and the ones before are through.
fn paced(shares: impl Iterator<Item = (DateTime<Utc>, Tz, i64)>, per_hour: Option<i64>) -> Vec<ZoneShare> {
    let mut free = DateTime::UNIX_EPOCH;
    let share = |(from, zone, people): (DateTime<Utc>, Tz, i64)| {
        let until = per_hour.filter(|rate| *rate > 0).map(|rate| {
            free = free.max(from) + TimeDelta::seconds(people.saturating_mul(3_600) / rate);
            free
        });
        ZoneShare { zone, people, from, until }
    };
    shares.map(share).collect()
}

/// The zone of each; or how many have none, and how that is mended.
fn zones_of(people: &[LocalPerson]) -> Result<Vec<Tz>, String> {
    let (mut zones, mut unknown) = (Vec::with_capacity(people.len()), BTreeMap::<HomeZoneError, i64>::new());
    for person in people {
        match home_zone(&person.phone_number, person.zone.as_deref()) {
            Ok(zone) => zones.push(zone),
            Err(error) => *unknown.entry(error).or_default() += 1,
        }
    }
    if unknown.is_empty() {
        return Ok(zones);
    }
    let total: i64 = unknown.values().sum();
    let reasons: Vec<_> = unknown.iter().take(5).map(|(why, people)| format!("{people}: {why}")).collect();
    Err(format!(
        "the time zone of {} is not known ({}): give the list a column timezone with zones such as America/New_York",
        text::people(total),
        reasons.join("; ")
    ))
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America, Asia, Europe};

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn clock(time: &str, hours: Option<&str>) -> OwnClock {
        OwnClock { time: time.parse().ok(), hours: hours.map(|hours| hours.parse().unwrap()), days: None }
    }

    #[test]
    fn ten_is_the_next_ten_of_the_persons_own_clock() {
        let ten = clock("10:00:00", None);
        let base = at("2026-12-01T02:00:00Z");

        // It is ten in Kuala Lumpur at this very moment.
        assert_eq!(ten.due(base, Asia::Kuala_Lumpur), base);
        assert_eq!(ten.due(base + TimeDelta::seconds(1), Asia::Kuala_Lumpur), at("2026-12-02T02:00:00Z"));
        assert_eq!(ten.due(base, Europe::Berlin), at("2026-12-01T09:00:00Z"));
        assert_eq!(ten.due(base, America::New_York), at("2026-12-01T15:00:00Z"));
        // Half past two is skipped in Berlin on that day.
        assert_eq!(clock("02:30:00", None).due(at("2027-03-27T12:00:00Z"), Europe::Berlin), at("2027-03-28T01:00:00Z"));
    }

    #[test]
    fn hours_hold_by_the_persons_own_clock_too() {
        let base = at("2026-12-01T02:00:00Z");

        assert_eq!(clock("", Some("09:00-21:00")).due(base, Asia::Kuala_Lumpur), base);
        assert_eq!(clock("", Some("09:00-21:00")).due(base, Europe::Berlin), at("2026-12-01T08:00:00Z"));
        assert_eq!(clock("08:00:00", Some("09:00-21:00")).due(base, Europe::Berlin), at("2026-12-01T08:00:00Z"));
    }

    #[test]
    fn a_zone_begins_when_it_is_due_and_the_ones_before_are_through() {
        let (one, two) = (at("2026-12-01T02:00:00Z"), at("2026-12-01T02:30:00Z"));
        let shares = [(one, Asia::Kuala_Lumpur, 60), (two, Asia::Yangon, 30)];

        let paced = paced(shares.into_iter(), Some(60));

        assert_eq!(paced[0].until, Some(at("2026-12-01T03:00:00Z")));
        assert_eq!(paced[1].until, Some(at("2026-12-01T03:30:00Z")));
    }
}
