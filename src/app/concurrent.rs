//! What a sender sends beside a blast, or will: they take turns, which every forecast counts.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::recurring::Pattern;
use super::{App, Plan};
use crate::domain::blast::blast_name;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::pace::{ConcurrentBacklog, DueShare, Forecast, LimitColumns, Limits, Window};
use crate::domain::text::{number, people};
use crate::domain::waiting::Waiting;
use crate::domain::zone::words::by_both_clocks;
use crate::store::StoreError;
use crate::store::plan::{self, ConcurrentRow};

/// Another blast that a sender is sending, or that will start by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ConcurrentBlast {
    #[serde(skip)]
    pub blast: BlastId,
    pub tag: String,
    #[serde(skip)]
    pub stage: String,
    /// How many are queued, or are to have it then.
    pub queued: i64,
    /// When it starts by itself; `None`: it is being sent.
    pub starts_at: Option<DateTime<Utc>>,
    /// It is being sent or will have started, but sends nothing before this: until its hours begin, or somebody of it is due again.
    #[serde(skip)]
    pub sends_from: Option<DateTime<Utc>>,
    /// It repeats, and finds its people anew at each of its times: `queued` is how many it found when it was sent.
    pub assumed: bool,
    #[serde(skip)]
    pub limits: LimitColumns,
    /// When its people come up: once, or at each of its next times.
    #[serde(skip)]
    pub begins: Vec<DateTime<Utc>>,
    /// Those of its people who are due by their own clocks, for each of these times.
    #[serde(skip)]
    pub dues: Vec<Vec<DueShare>>,
    /// Its hours hold by each person's own clock, and not for the blast.
    #[serde(skip)]
    pub window_local: bool,
    /// By whose clocks its start and its hours are meant.
    #[serde(skip)]
    pub zone: Tz,
}

/// How many of the next times of a blast that repeats are looked at, and how many of those are counted beside another one.
const TIMES_MAX: usize = 60;
const TIMES_COUNTED: usize = 20;
/// What sends within so long takes turns now.
const SOON: TimeDelta = TimeDelta::minutes(1);
/// What began longer before another blast is taken to be through by its start.
const THROUGH_AFTER: TimeDelta = TimeDelta::days(1);

/// So many blasts that a sender sends meanwhile are named in a plan before the others are counted.
const NAMED_MAX: usize = 4;

/// A sentence for each blast that shares the sender of a plan, as it stands above the plan's forecast. Where there is none, as while the
/// sender is stopped, nothing is said of times.
pub fn sharing_lines(plan: &Plan, zone: Tz, clock: impl Fn(DateTime<Utc>) -> String) -> Vec<String> {
    let has_times = plan.stopped.is_none() && plan.forecast != Forecast::default();
    let shared = shared_lines(&plan.shared_with, zone, clock).into_iter();
    shared.map(|SharedLine { with, times }| if has_times { with + &times } else { with }).collect()
}

/// What is said of another blast, or of several.
struct SharedLine {
    with: String,
    /// Its end: what the times below it have to do with that.
    times: String,
}

/// Those under way and the next to start first; of many the others are counted.
fn shared_lines(others: &[ConcurrentBlast], zone: Tz, clock: impl Fn(DateTime<Utc>) -> String) -> Vec<SharedLine> {
    let mut next: Vec<_> = others.iter().collect();
    next.sort_by_key(|other| other.starts_at);
    let (named, more) = next.split_at(if others.len() > NAMED_MAX { NAMED_MAX - 1 } else { others.len() });
    let is_alone = |name: &str| others.iter().filter(|other| other.name() == name).count() < 2;
    let shown = |other: &ConcurrentBlast| Some(other.name()).filter(|name| is_alone(name));
    let of = |other: &ConcurrentBlast| shown(other).unwrap_or_else(|| format!("{} #{}", other.name(), other.blast));
    let mut lines: Vec<_> = named.iter().map(|other| other.shared_line(&of(other), zone, &clock)).collect();
    if !more.is_empty() {
        let queued = people(more.iter().fold(0, |sum, other| other.queued.saturating_add(sum)));
        let with = format!("with {} more blasts, {queued} in them", more.len());
        lines.push(SharedLine { with, times: ": the times below allow for them".to_owned() });
    }
    lines
}

impl ConcurrentBlast {
    fn name(&self) -> String {
        blast_name(&self.tag, &self.stage)
    }

    /// `with raya, 40 still queued: they take turns, and the times below allow for it`, for somebody who reads times in a zone; `clock`
    /// formats one as the face does.
    fn shared_line(&self, name: &str, zone: Tz, clock: impl Fn(DateTime<Utc>) -> String) -> SharedLine {
        let both = |at: DateTime<Utc>| by_both_clocks(at, (Some(self.zone), zone), &clock(at));
        let Some(at) = self.starts_at.map(both) else {
            let turns = match self.sends_from.map(both) {
                Some(from) => format!("it sends nothing before {from}; from then on they take turns"),
                None => "they take turns".to_owned(),
            };
            let with = format!("with {name}, {} still queued: {turns}", number(self.queued));
            return SharedLine { with, times: ", and the times below allow for it".to_owned() };
        };
        let people = people(self.queued);
        // Its hours may be closed when it starts.
        let waits = self.sends_from.map(both).map(|from| format!("sends nothing before {from}"));
        if self.assumed {
            let finds = match waits {
                Some(waits) => format!(", finds its people anew then and {waits}"),
                None => " and finds its people anew then".to_owned(),
            };
            let with = format!("with {name}, which starts {at}{finds}");
            return SharedLine { with, times: format!(": the times below assume {people}") };
        }
        let waits = waits.map(|waits| format!(", {waits}")).unwrap_or_default();
        let with = format!("with {name}, which starts {at}{waits} and goes to {people}");
        SharedLine { with, times: ": the times below allow for it".to_owned() }
    }

    /// What a forecast counts of it beside a blast that begins at a moment. Nothing where one of its limits cannot be read: it is
    /// not sent then.
    pub(super) fn backlogs(
        &self,
        (own, begins): (BlastId, DateTime<Utc>),
        sender: &Limits,
    ) -> impl Iterator<Item = ConcurrentBacklog> {
        let queued = u64::try_from(self.queued).unwrap_or_default();
        let (limits, is_older) = (self.limits.under(sender).ok(), self.blast < own);
        let last = self.begins.len().saturating_sub(1);
        // The last one is counted anyway: of one that does not repeat there is no other.
        let times = self.begins.iter().enumerate().filter(move |(n, at)| *n == last || **at + THROUGH_AFTER > begins);
        times.take(TIMES_COUNTED).filter_map(move |(n, at)| {
            let own = limits.as_ref()?;
            let (dues, window) =
                (self.dues.get(n).cloned().unwrap_or_default(), own.window.filter(|_| !self.window_local));
            Some(ConcurrentBacklog { queued, dues, is_older, limits: own.limits, window, begins: *at })
        })
    }
}

impl App {
    /// What a sender is sending, or will by itself. `waiting` is what its engine says that its blasts wait for, `next_day` when its next day
    /// begins, where its daily cap is used up.
    pub(super) async fn concurrent(
        &self,
        sender: SenderId,
        waiting: Option<&BTreeMap<BlastId, Waiting>>,
        next_day: Option<DateTime<Utc>>,
    ) -> Result<Vec<ConcurrentBlast>, StoreError> {
        let now = self.engine().clock.now();
        let held = |blast: BlastId| match waiting.and_then(|waiting| waiting.get(&blast))? {
            Waiting::DailyCap { .. } | Waiting::Window { .. } => None,
            waiting => waiting.until(),
        };
        let mut concurrent = Vec::new();
        for row in plan::concurrent(self.pool(), sender).await? {
            let mut blast = self.concurrent_blast(&row, (now, next_day), held);
            blast.dues = self.dues_beside(&row, &blast.begins).await?;
            concurrent.push(blast);
        }
        Ok(concurrent)
    }

    /// The hours of another blast, where they hold for all of it by the same clock.
    fn window_of(&self, row: &ConcurrentRow) -> Option<Window> {
        let limits = row.limits.under(&self.sender(row.sender_id)?.limits).ok()?;
        limits.window.filter(|_| !row.window_local)
    }

    fn concurrent_blast(
        &self,
        row: &ConcurrentRow,
        (now, next_day): (DateTime<Utc>, Option<DateTime<Utc>>),
        held: impl Fn(BlastId) -> Option<DateTime<Utc>>,
    ) -> ConcurrentBlast {
        let first = [Some(now), row.starts_at, row.due_at, held(row.blast)].into_iter().flatten().max().unwrap_or(now);
        let opens = opens(self.window_of(row), first, next_day);
        let pattern = Pattern::new(row.repeat(), self.zone_by(row.sender_id, &row.limits));
        let times = pattern.zip(row.starts_at).map(|(pattern, at)| {
            let seen = row.repeat_seen;
            pattern.times(at - TimeDelta::seconds(1), seen).take(TIMES_MAX).collect::<Vec<_>>()
        });
        ConcurrentBlast {
            blast: row.blast,
            tag: row.tag.clone(),
            stage: row.stage.clone(),
            queued: row.queued,
            starts_at: row.starts_at,
            sends_from: sends_from(opens, row.starts_at, now),
            assumed: times.is_some() && row.has_segment,
            begins: times.unwrap_or_else(|| vec![first]),
            limits: row.limits.clone(),
            dues: Vec::new(),
            window_local: row.window_local,
            zone: self.zone_by(row.sender_id, &row.limits),
        }
    }
}

/// When the hours of a blast begin that could send from a moment on: those of the next day, where the daily cap is used up until then. That cap
/// alone is one of the blast that is planned as well, and is said of that.
fn opens(window: Option<Window>, first: DateTime<Utc>, next_day: Option<DateTime<Utc>>) -> DateTime<Utc> {
    window.map_or(first, |window| window.next_open(next_day.map_or(first, |next_day| next_day.max(first))))
}

/// From when on a blast sends that first could at this moment, where that is later than now and than its start.
fn sends_from(opens: DateTime<Utc>, starts_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    Some(opens).filter(|opens| *opens - starts_at.unwrap_or(now).max(now) > SOON)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use chrono_tz::Tz;

    use super::{ConcurrentBlast, SharedLine, opens, sends_from, shared_lines};
    use crate::domain::ids::BlastId;
    use crate::domain::pace::LimitColumns;

    fn other() -> ConcurrentBlast {
        ConcurrentBlast {
            blast: BlastId(7),
            tag: "raya".to_owned(),
            stage: "Initial".to_owned(),
            queued: 40,
            starts_at: None,
            sends_from: None,
            assumed: false,
            limits: LimitColumns::default(),
            begins: Vec::new(),
            dues: Vec::new(),
            window_local: false,
            zone: Tz::Asia__Kuala_Lumpur,
        }
    }

    #[test]
    fn of_many_blasts_the_next_to_start_are_named_and_the_others_counted() {
        let of = |n: u32| {
            let starts_at = format!("2026-11-{}T01:00:00Z", 30 - n).parse().ok();
            ConcurrentBlast { tag: format!("raya {n}"), starts_at, ..other() }
        };
        let said = |blasts: &[ConcurrentBlast]| -> Vec<String> {
            let lines = shared_lines(blasts, Tz::UTC, |at| at.format("%d").to_string()).into_iter();
            lines.map(|SharedLine { with, times }| with + &times).collect()
        };

        let few = said(&[of(1), of(2), of(3), other()]);
        let many = said(&[of(1), of(2), of(3), of(4), other()]);

        assert_eq!((few.len(), many.len()), (4, 4));
        assert!(many[0].starts_with("with raya, 40 still") && many[1].starts_with("with raya 4, "), "{many:?}");
        assert_eq!(many[3], "with 2 more blasts, 80 people in them: the times below allow for them");

        let follow_up = ConcurrentBlast { blast: BlastId(52), stage: "Reminder".to_owned(), ..other() };
        let alike = said(&[other(), ConcurrentBlast { blast: BlastId(51), ..other() }, follow_up]);
        let begins = ["with raya #7, 40 still", "with raya #51, 40 still", "with raya, Reminder, 40 still"];
        assert!(begins.iter().zip(&alike).all(|(begin, line)| line.starts_with(begin)), "{alike:?}");
    }

    #[test]
    fn a_blast_that_sends_nothing_before_its_hours_takes_turns_only_from_then_on() {
        let mut other = other();
        let said = |other: &ConcurrentBlast| {
            let SharedLine { with, times } =
                other.shared_line(&other.name(), Tz::UTC, |at| at.format("%H:%M").to_string());
            with + &times
        };
        assert_eq!(said(&other), "with raya, 40 still queued: they take turns, and the times below allow for it");

        other.stage = "Reminder".to_owned();
        let words = "with raya, Reminder, 40 still queued: they take turns, and the times below allow for it";
        assert_eq!(said(&other), words);
        other.stage = "Initial".to_owned();
        other.sends_from = "2026-11-23T01:00:00Z".parse().ok();

        let words = "with raya, 40 still queued: it sends nothing before 09:00 in Kuala Lumpur (01:00 here); from then on they take \
                     turns, and the times below allow for it";
        assert_eq!(said(&other), words);

        (other.sends_from, other.starts_at) = (None, other.sends_from);
        let starts = "with raya, which starts 09:00 in Kuala Lumpur (01:00 here) and";
        assert_eq!(said(&other), format!("{starts} goes to 40 people: the times below allow for it"));
        other.assumed = true;
        assert_eq!(said(&other), format!("{starts} finds its people anew then: the times below assume 40 people"));
    }

    #[test]
    fn a_blast_that_starts_while_its_hours_are_closed_says_when_it_sends() {
        let mut other = ConcurrentBlast {
            starts_at: "2026-11-23T15:45:00Z".parse().ok(),
            sends_from: "2026-11-24T09:00:00Z".parse().ok(),
            zone: Tz::UTC,
            ..other()
        };
        let said = |other: &ConcurrentBlast| {
            let SharedLine { with, times } =
                other.shared_line(&other.name(), Tz::UTC, |at| at.format("%-d %b %H:%M").to_string());
            with + &times
        };

        let starts = "with raya, which starts 23 Nov 15:45,";
        let waits =
            format!("{starts} sends nothing before 24 Nov 09:00 and goes to 40 people: the times below allow for it");
        assert_eq!(said(&other), waits);
        other.assumed = true;
        let finds =
            "finds its people anew then and sends nothing before 24 Nov 09:00: the times below assume 40 people";
        assert_eq!(said(&other), format!("{starts} {finds}"));
    }

    #[test]
    fn behind_a_daily_cap_that_is_used_up_hours_begin_the_next_day() {
        let limits = LimitColumns { hours: Some(Ok("02:00-05:00".parse().unwrap())), ..LimitColumns::default() };
        let window = limits.own_window(Tz::UTC);
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let (now, next_day) = (at("2026-12-01T04:00:00Z"), Some(at("2026-12-02T00:00:00Z")));

        assert_eq!(opens(window, now, None), now, "they are open");
        assert_eq!(opens(window, now, next_day), at("2026-12-02T02:00:00Z"));
        assert_eq!(opens(None, now, next_day), now);
    }

    #[test]
    fn what_sends_as_it_starts_has_no_second_time() {
        let now: DateTime<Utc> = "2026-11-23T15:00:00Z".parse().unwrap();
        let in_minutes = |minutes| now + TimeDelta::minutes(minutes);

        assert_eq!(sends_from(in_minutes(0), None, now), None);
        assert_eq!(sends_from(in_minutes(90), None, now), Some(in_minutes(90)), "it is being sent, in closed hours");
        assert_eq!(sends_from(in_minutes(45), Some(in_minutes(45)), now), None);
        assert_eq!(sends_from(in_minutes(90), Some(in_minutes(45)), now), Some(in_minutes(90)));
        assert_eq!(sends_from(in_minutes(0), Some(in_minutes(-5)), now), None, "its start has come");
    }
}
