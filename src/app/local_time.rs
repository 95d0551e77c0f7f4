//! Blasts that reach each person at a time of their own zone.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use sqlx::PgConnection;

use super::schedule::typed_start;
use super::{App, AppError, DraftEdit};
use crate::domain::blast::BlastState;
use crate::domain::field_change::FieldChange;
use crate::domain::home_zone::{HomeZoneError, home_zone};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::pace::{DueShare, Hours, LimitColumns, Weekdays, Window};
use crate::domain::start_at::StartAt;
use crate::domain::text;
use crate::store::local_time::{self, LocalDue, LocalGroup, LocalPerson};
use crate::store::plan::ConcurrentRow;
use crate::store::view::BlastRow;
use crate::store::{self, StoreError};

/// How many people of a zone get it, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoneShare {
    pub zone: Tz,
    pub people: i64,
    /// When the first of them can have it: they are due, and the hours are open.
    pub from: DateTime<Utc>,
    /// When the last of them has it by the pace; `None` where nothing limits that.
    pub until: Option<DateTime<Utc>>,
}

/// The people of a zone, and when they are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ZoneDue {
    pub zone: Tz,
    pub people: i64,
    /// Who is sent to until the last of them has it, and after the last of the zone before where that is due with them.
    pub share: DueShare,
}

impl ZoneDue {
    /// With when the last of them has it. `sender_hours`: those of the blast that hold by the sender's clock.
    pub(super) fn until(self, until: Option<DateTime<Utc>>, sender_hours: Option<Window>) -> ZoneShare {
        let due = self.share.due;
        let from = sender_hours.map_or(due, |hours| hours.next_open(due));
        ZoneShare { zone: self.zone, people: self.people, from, until }
    }
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
        Self::new(&row.limits, row.origin.local_time, row.origin.window_local)
    }

    fn new(limits: &LimitColumns, time: Option<NaiveTime>, window_local: bool) -> Option<Self> {
        let readable = Some(limits.clone()).filter(|_| window_local);
        let (hours, days) = readable.map_or((None, None), |readable| (readable.hours, readable.weekdays));
        let own = Self { time, hours: hours.and_then(Result::ok), days: days.and_then(Result::ok) };
        (own.time.is_some() || own.hours.is_some() || own.days.is_some()).then_some(own)
    }

    /// The first moment from `base` on that suits somebody of this zone.
    fn due(self, base: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        let at = self.time.map_or(base, |time| next_at(time, base, zone));
        self.window(zone).map_or(at, |window| window.next_open(at))
    }

    /// The hours that hold for somebody of this zone by their own clock.
    fn window(self, zone: Tz) -> Option<Window> {
        let (hours, days) = (self.hours.unwrap_or(Hours::ALL_DAY), self.days.unwrap_or(Weekdays::DAILY));
        (self.hours.is_some() || self.days.is_some()).then_some(Window { hours, days, zone })
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

fn change_limit<T: Copy, E>(limit: &mut Option<Result<T, E>>, change: &FieldChange<T>) {
    match change {
        FieldChange::Keep => {}
        FieldChange::Clear => *limit = None,
        FieldChange::Set(value) => *limit = Some(Ok(*value)),
    }
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
        self.local_dues_of(row, (own, &people), now)
    }

    /// When each person of a blast is due that starts by itself at its time, as if it had not been launched.
    pub(super) async fn dues_at_its_time(
        &self,
        tx: &mut PgConnection,
        row: BlastRow,
        now: DateTime<Utc>,
    ) -> Result<Vec<LocalDue>, AppError> {
        let row = BlastRow { state: BlastState::Draft, launched_at: None, ..row };
        let Some(own) = OwnClock::of(&row) else { return Ok(Vec::new()) };
        let people = local_time::people_in(tx, row.id).await?;
        self.local_dues_of(&row, (own, &people), now)
    }

    fn local_dues_of(
        &self,
        row: &BlastRow,
        (own, people): (OwnClock, &[LocalPerson]),
        now: DateTime<Utc>,
    ) -> Result<Vec<LocalDue>, AppError> {
        let zones = zones_of(people).map_err(AppError::Refused)?;
        let is_begun = row.launched_at.is_some();
        let base = if is_begun || row.state == BlastState::Scheduled { now } else { later(row, now) };
        let latest = base - self.engine().settings.too_late;
        let stays = |person: &LocalPerson| is_begun && person.next_attempt_at >= latest;
        let moved = people.iter().zip(zones).filter(|(person, _)| !stays(person));
        Ok(moved.map(|(person, zone)| LocalDue { id: person.id, at: own.due(base, zone) }).collect())
    }

    /// When each person of a scheduled blast is due by their own clocks once it is edited like this; nothing where that stays.
    pub(super) async fn dues_after(&self, mut row: BlastRow, edit: &DraftEdit) -> Result<Vec<LocalDue>, AppError> {
        let is_kept = edit.window.is_keep() && edit.weekdays.is_keep();
        if is_kept && edit.start.is_keep() && edit.timezone.is_keep() {
            return Ok(Vec::new());
        }
        change_limit(&mut row.limits.hours, &edit.window);
        change_limit(&mut row.limits.weekdays, &edit.weekdays);
        change_limit(&mut row.limits.zone, &edit.timezone);
        let start = edit.start.get().copied().or_else(|| typed_start(&row));
        let starts = start.and_then(|start| start.resolve(self.zone_of(&row)));
        row.scheduled_for = starts.map_or(row.scheduled_for, |time| Some(time.at));
        // They count from its start, as at its launch.
        row.state = BlastState::Draft;
        let now = store::now(self.pool()).await?;
        self.local_dues(&row, now).await
    }

    /// When those who get a blast are due, by zones, in the order in which they come up; empty where no clock but the sender's decides,
    /// or where the zones of some are not known. `left_out`: who gets nothing for another reason than an opt-out.
    pub(super) async fn zone_dues(
        &self,
        row: &BlastRow,
        now: DateTime<Utc>,
        (business, left_out): (&str, &[RecipientId]),
    ) -> Result<Vec<ZoneDue>, AppError> {
        let Some(own) = OwnClock::of(row) else { return Ok(Vec::new()) };
        let people = local_time::sent_to(self.pool(), (row.id, business), left_out).await?;
        let Ok(zones) = zones_of(&people) else { return Ok(Vec::new()) };
        let latest = now - self.engine().settings.too_late;
        let due = |person: &LocalPerson, zone| match row.launched_at {
            // Paused for longer than that, it goes on at their next time.
            Some(_) if row.state == BlastState::Paused && person.next_attempt_at < latest => own.due(now, zone),
            Some(_) => person.next_attempt_at,
            None => own.due(later(row, now), zone),
        };
        Ok(by_zones(people.iter().zip(zones).map(|(person, zone)| (due(person, zone), zone)), own))
    }

    /// When the queued of a blast that was sent are due, where their own clocks decide that.
    pub(super) async fn own_dues(&self, row: &BlastRow) -> Result<Vec<DueShare>, StoreError> {
        match OwnClock::of(row) {
            Some(own) => self.dues_of(row.id, own).await,
            None => Ok(Vec::new()),
        }
    }

    /// The same of what a sender sends beside another blast, for each time at which it begins: what repeats is due after each of its
    /// own.
    pub(super) async fn dues_beside(
        &self,
        row: &ConcurrentRow,
        begins: &[DateTime<Utc>],
    ) -> Result<Vec<Vec<DueShare>>, StoreError> {
        let Some(own) = OwnClock::new(&row.limits, row.local_time, row.window_local) else {
            return Ok(vec![Vec::new(); begins.len()]);
        };
        if row.repeat_rule.is_none() {
            return Ok(vec![self.dues_of(row.blast, own).await?; begins.len()]);
        }
        let groups = local_time::groups(self.pool(), row.blast).await?;
        Ok(begins.iter().map(|at| dues_from(&groups, own, *at)).collect())
    }

    async fn dues_of(&self, blast: BlastId, own: OwnClock) -> Result<Vec<DueShare>, StoreError> {
        let mut shares = BTreeMap::<(DateTime<Utc>, Option<&str>), DueShare>::new();
        for group in local_time::groups(self.pool(), blast).await? {
            // Only their hours depend on their zone from here on.
            let zone = home_zone(&group.phone_number, group.zone.as_deref()).ok();
            let window = zone.and_then(|zone| own.window(zone));
            let share = shares.entry((group.due, window.map(|window| window.zone.name())));
            let share = share.or_insert(DueShare { people: 0, due: group.due, window });
            share.people += u64::try_from(group.people).unwrap_or_default();
        }
        Ok(shares.into_values().collect())
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

/// When these people are due by their own clocks, from a moment on. Whose zone nobody knows is due then.
fn dues_from(groups: &[LocalGroup], own: OwnClock, base: DateTime<Utc>) -> Vec<DueShare> {
    let share = |group: &LocalGroup| {
        let zone = home_zone(&group.phone_number, group.zone.as_deref()).ok();
        let due = zone.map_or(base, |zone| own.due(base, zone));
        let people = u64::try_from(group.people).unwrap_or_default();
        DueShare { people, due, window: zone.and_then(|zone| own.window(zone)) }
    };
    let mut shares: Vec<_> = groups.iter().map(share).collect();
    shares.sort_by_key(|share| share.due);
    shares
}

/// People with the moment at which they are due, in the order of the list, by these moments and zones. Zones that are due together are
/// sent to in the order of the list: each but the first counts those who come before its last one and after the last of the zone before.
fn by_zones(people: impl Iterator<Item = (DateTime<Utc>, Tz)>, own: OwnClock) -> Vec<ZoneDue> {
    let mut zones = BTreeMap::<(DateTime<Utc>, &str), (Tz, i64, u64)>::new();
    let mut so_far = BTreeMap::<DateTime<Utc>, u64>::new();
    for (due, zone) in people {
        let place = so_far.entry(due).or_default();
        *place += 1;
        let known = zones.entry((due, zone.name())).or_insert((zone, 0, 0));
        *known = (zone, known.1 + 1, *place);
    }
    let mut zones: Vec<_> =
        zones.into_iter().map(|((due, _), (zone, people, last))| (due, last, zone, people)).collect();
    zones.sort_by_key(|(due, last, ..)| (*due, *last));
    let mut before = (DateTime::<Utc>::MIN_UTC, 0);
    let share = |(due, last, zone, people): (DateTime<Utc>, u64, Tz, i64)| {
        let passed = if before.0 == due { before.1 } else { 0 };
        before = (due, last);
        ZoneDue { zone, people, share: DueShare { people: last - passed, due, window: own.window(zone) } }
    };
    zones.into_iter().map(share).collect()
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
    let mut reasons: Vec<_> = unknown.iter().take(5).map(|(why, people)| format!("{people}: {why}")).collect();
    let unnamed: i64 = unknown.values().skip(5).sum();
    reasons.extend((unnamed > 0).then(|| format!("and {unnamed} more")));
    Err(format!(
        "the time zone of {} is not known ({}): give the list a column timezone with zones such as America/New_York",
        text::people(total),
        reasons.join("; ")
    ))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use chrono_tz::{America, Asia, Europe};

    use super::*;
    use crate::domain::ids::RecipientId;
    use crate::domain::phone::Phone;

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
    fn zones_that_are_due_together_end_where_their_last_person_stands_in_the_list() {
        let (one, two) = (at("2026-12-01T02:00:00Z"), at("2026-12-01T02:30:00Z"));
        let (here, there, later) = (Asia::Kuala_Lumpur, Asia::Singapore, Asia::Yangon);
        let list = [(one, here), (two, later), (one, there), (one, there), (one, here)];

        let zones = by_zones(list.into_iter(), clock("10:00:00", None));

        let zones: Vec<_> = zones.iter().map(|due| (due.zone, due.people, due.share.people, due.share.due)).collect();
        assert_eq!(zones, [(there, 2, 3, one), (here, 2, 1, one), (later, 1, 1, two)]);
    }

    #[test]
    fn people_of_countries_that_are_not_named_are_counted() {
        let numbers =
            ["+12125550123", "+6281234567890", "+5511912345678", "+61412345678", "+79161234567", "+525512345678"];
        let person = |number: &&str| LocalPerson {
            id: RecipientId(1),
            phone_number: Phone::parse(number, "MY".parse().unwrap()).unwrap(),
            zone: None,
            next_attempt_at: at("2026-12-01T02:00:00Z"),
        };
        let people: Vec<_> = numbers.iter().map(person).collect();

        let refusal = zones_of(&people).unwrap_err();

        assert!(refusal.contains("6 people") && refusal.contains("; and 1 more)"), "{refusal}");
    }
}
