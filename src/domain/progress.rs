//! How a blast went over time: how many had reached each stage when, how long that took, and which hours were good to send in.
//! Pure arithmetic over people's times, each of whom may stand for several.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;

use super::ids::RecipientId;
use super::status::Status;

/// The funnel's stages from the top.
const STAGES: [Status; 5] = [Status::Sent, Status::Delivered, Status::Read, Status::Replied, Status::Closed];

/// The most points of a curve: more than any screen has columns.
const POINTS_MAX: usize = 1_024;

/// When somebody reached which stage, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StageTimes {
    pub id: RecipientId,
    pub status: Status,
    pub sent_at: Option<DateTime<Utc>>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub read_at: Option<DateTime<Utc>>,
    pub replied_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    pub changed_at: DateTime<Utc>,
}

/// Somebody, and for how many people they stand.
#[derive(Debug, Clone, PartialEq)]
pub struct SampledPerson {
    pub times: StageTimes,
    pub weight: f64,
}

impl StageTimes {
    const fn own(&self, stage: usize) -> Option<DateTime<Utc>> {
        match stage {
            0 => self.sent_at,
            1 => self.delivered_at,
            2 => self.read_at,
            3 => self.replied_at,
            _ => self.closed_at,
        }
    }

    /// How far they got, an index into the stages; `None` outside of the funnel.
    fn reached(&self) -> Option<usize> {
        STAGES.iter().position(|stage| *stage == self.status)
    }

    /// When they had reached a stage at the latest: whoever replied has read it, known or not. Never later than a stage after it,
    /// in whatever order the news came.
    fn by(&self, stage: usize) -> Option<DateTime<Utc>> {
        self.reached().filter(|reached| *reached >= stage)?;
        (stage..STAGES.len()).filter_map(|stage| self.own(stage)).chain([self.changed_at]).min()
    }
}

/// How many people had reached a stage at each time: steps that only go up.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StageCurve {
    points: Vec<(DateTime<Utc>, f64)>,
}

impl StageCurve {
    fn of(people: &[SampledPerson], stage: usize) -> Self {
        let mut times: Vec<(DateTime<Utc>, f64)> =
            people.iter().filter_map(|person| Some((person.times.by(stage)?, person.weight))).collect();
        times.sort_by_key(|(at, _)| *at);
        let mut total = 0.0;
        let every = times.len().div_ceil(POINTS_MAX).max(1);
        let last = times.len().saturating_sub(1);
        let mut points = Vec::with_capacity(times.len().min(POINTS_MAX) + 1);
        for (place, (at, weight)) in times.into_iter().enumerate() {
            total += weight;
            if place % every == 0 || place == last {
                points.push((at, total));
            }
        }
        Self { points }
    }

    /// How many had reached it at a time.
    pub fn at(&self, time: DateTime<Utc>) -> f64 {
        let after = self.points.partition_point(|(at, _)| *at <= time);
        after.checked_sub(1).map_or(0.0, |last| self.points[last].1)
    }

    /// How many had reached it when it was read.
    pub fn total(&self) -> f64 {
        self.points.last().map_or(0.0, |(_, people)| *people)
    }

    pub fn first(&self) -> Option<DateTime<Utc>> {
        self.points.first().map(|(at, _)| *at)
    }

    pub fn last(&self) -> Option<DateTime<Utc>> {
        self.points.last().map(|(at, _)| *at)
    }
}

/// How long it took from the send to a stage, of those who got there and whose times are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageSpeed {
    /// Half of them were as fast.
    pub median: TimeDelta,
    /// Nine of ten were.
    pub p90: TimeDelta,
    /// How many those are: estimated where only some people were read.
    pub people: i64,
}

/// So much earlier than it was sent a message may have arrived, by a provider's clock.
const CLOCKS_APART: TimeDelta = TimeDelta::minutes(2);

impl StageSpeed {
    fn of(people: &[SampledPerson], stage: usize) -> Option<Self> {
        let took = |person: &SampledPerson| {
            let (sent, at) = (person.times.sent_at?, person.times.own(stage)?);
            person.times.reached().filter(|reached| *reached >= stage)?;
            // A provider's clock is not ours, and it may say whole seconds.
            let took = Some(at - sent).filter(|took| *took >= -CLOCKS_APART)?;
            Some((took.max(TimeDelta::zero()), person.weight))
        };
        let mut took: Vec<(TimeDelta, f64)> = people.iter().filter_map(took).collect();
        took.sort_by_key(|(took, _)| *took);
        let people: f64 = took.iter().map(|(_, weight)| weight).sum();
        #[expect(clippy::cast_possible_truncation, reason = "a number of people")]
        let people = people.round() as i64;
        Some(Self { median: quantile(&took, 0.5)?, p90: quantile(&took, 0.9)?, people })
    }
}

fn quantile(took: &[(TimeDelta, f64)], share: f64) -> Option<TimeDelta> {
    let all: f64 = took.iter().map(|(_, weight)| weight).sum();
    let mut passed = 0.0;
    let reached = |(_, weight): &&(TimeDelta, f64)| {
        passed += weight;
        passed >= all * share
    };
    took.iter().find(reached).or(took.last()).map(|(took, _)| *took)
}

/// What came of the messages of one hour of the day.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SendingHour {
    /// 0 to 23, by the shop's clock.
    pub hour: u32,
    pub sent: f64,
    pub read: f64,
    pub replied: f64,
}

/// A blast over time.
#[derive(Debug, Clone, PartialEq)]
pub struct BlastProgress {
    /// One for each stage, from the top.
    pub curves: [StageCurve; 5],
    /// From the send to each later stage.
    pub speeds: [Option<StageSpeed>; 4],
    /// The hours in which something was sent, in the order of the day.
    pub hours: Vec<SendingHour>,
    /// How many people this is from, where that is not everybody.
    pub sampled: Option<usize>,
}

impl BlastProgress {
    pub fn of(people: &[SampledPerson], zone: Tz) -> Self {
        let is_sample = people.iter().any(|person| person.weight > 1.0);
        Self {
            curves: std::array::from_fn(|stage| StageCurve::of(people, stage)),
            speeds: std::array::from_fn(|stage| StageSpeed::of(people, stage + 1)),
            hours: hours(people, zone),
            sampled: is_sample.then_some(people.len()),
        }
    }

    /// From the first message to the newest event.
    pub fn span(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let last = self.curves.iter().filter_map(StageCurve::last).max()?;
        Some((self.curves[0].first()?, last))
    }
}

fn hours(people: &[SampledPerson], zone: Tz) -> Vec<SendingHour> {
    let mut hours = [SendingHour::default(); 24];
    for person in people {
        let Some((sent, reached)) = person.times.sent_at.zip(person.times.reached()) else { continue };
        let hour = &mut hours[sent.with_timezone(&zone).hour() as usize % 24];
        hour.sent += person.weight;
        hour.read += if reached >= 2 { person.weight } else { 0.0 };
        hour.replied += if reached >= 3 { person.weight } else { 0.0 };
    }
    (0..).zip(hours).map(|(hour, counted)| SendingHour { hour, ..counted }).filter(|hour| hour.sent > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, TimeZone, Utc};

    use super::{BlastProgress, SampledPerson, StageTimes};
    use crate::domain::ids::RecipientId;
    use crate::domain::status::Status;

    fn noon() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 20, 4, 0, 0).unwrap()
    }

    fn after(minutes: i64) -> DateTime<Utc> {
        noon() + TimeDelta::minutes(minutes)
    }

    fn person(status: Status, sent: i64, read: Option<i64>, replied: Option<i64>, weight: f64) -> SampledPerson {
        let times = StageTimes {
            id: RecipientId(1),
            status,
            sent_at: Some(after(sent)),
            delivered_at: None,
            read_at: read.map(after),
            replied_at: replied.map(after),
            closed_at: None,
            changed_at: after(600),
        };
        SampledPerson { times, weight }
    }

    #[test]
    fn a_clock_that_is_a_little_behind_ours_leaves_nobody_out_of_the_speed() {
        let read = |seconds: i64| {
            let read = person(Status::Read, 0, Some(0), None, 1.0);
            let times = StageTimes { read_at: Some(noon() + TimeDelta::seconds(seconds)), ..read.times };
            SampledPerson { times, weight: 1.0 }
        };
        let speed = |people: &[SampledPerson]| BlastProgress::of(people, chrono_tz::UTC).speeds[1].unwrap();

        // The last one is no time of this message.
        let people = [read(-1), read(-90), read(8), read(-600)];
        assert_eq!((speed(&people).people, speed(&people).median), (3, TimeDelta::zero()));
    }

    #[test]
    fn whoever_replied_counts_as_received_and_read_from_then_at_the_latest() {
        let people = [
            person(Status::Sent, 0, None, None, 1.0),
            person(Status::Read, 1, Some(30), None, 1.0),
            person(Status::Replied, 2, None, Some(60), 1.0),
            person(Status::Failed, 3, None, None, 1.0),
        ];

        let progress = BlastProgress::of(&people, chrono_tz::Asia::Kuala_Lumpur);

        let at = |minutes: i64| progress.curves.each_ref().map(|curve| curve.at(after(minutes)).to_string());
        assert_eq!(at(-1), ["0"; 5]);
        assert_eq!(at(2), ["3", "0", "0", "0", "0"]);
        assert_eq!(at(30), ["3", "1", "1", "0", "0"]);
        assert_eq!(at(60), ["3", "2", "2", "1", "0"]);
        assert_eq!(progress.span(), Some((noon(), after(60))));
    }

    #[test]
    fn nobody_has_read_what_they_have_not_received() {
        let late = |mut person: SampledPerson| {
            person.times.delivered_at = Some(after(50));
            person
        };
        let people = [
            person(Status::Read, 0, Some(10), None, 1.0),
            late(person(Status::Read, 0, Some(20), None, 1.0)),
            person(Status::Read, 0, None, None, 1.0),
        ];

        let curves = BlastProgress::of(&people, chrono_tz::UTC).curves;

        for (minutes, reached) in [(9, "0"), (10, "1"), (20, "2"), (599, "2"), (600, "3")] {
            let at = [1, 2].map(|stage| curves[stage].at(after(minutes)).to_string());
            assert_eq!(at, [reached; 2], "after {minutes} minutes");
        }
    }

    #[test]
    fn half_and_nine_of_ten_are_counted_by_whom_each_stands_for() {
        let mut people: Vec<_> = (1..=9).map(|n| person(Status::Read, 0, Some(n), None, 1.0)).collect();
        people.push(person(Status::Read, 0, Some(100), None, 11.0));

        let speeds = BlastProgress::of(&people, chrono_tz::UTC).speeds;

        let read = speeds[1].unwrap();
        assert_eq!((read.median, read.p90), (TimeDelta::minutes(100), TimeDelta::minutes(100)));
        assert_eq!(speeds[0], None, "when they received it is not known");
    }

    #[test]
    fn hours_are_the_shops_and_only_those_in_which_something_was_sent() {
        let people = [person(Status::Read, 0, Some(9), None, 2.0), person(Status::Replied, 65, None, Some(70), 1.0)];

        let progress = BlastProgress::of(&people, chrono_tz::Asia::Kuala_Lumpur);

        let hours: Vec<_> = progress.hours.iter().map(|hour| (hour.hour, hour.sent, hour.replied)).collect();
        assert_eq!(hours, [(12, 2.0, 0.0), (13, 1.0, 1.0)]);
        assert_eq!(progress.sampled, Some(2));
    }

    #[test]
    fn a_curve_of_many_people_ends_with_all_of_them() {
        let people: Vec<_> = (0..10_007).map(|n| person(Status::Sent, n, None, None, 1.0)).collect();

        let curve = &BlastProgress::of(&people, chrono_tz::UTC).curves[0];

        assert!((curve.at(after(20_000)) - 10_007.0).abs() < 0.5);
        assert!(curve.points.len() <= super::POINTS_MAX + 1);
    }
}
