//! Times of a blast that repeats which come while its hours for sending are closed, or are not everyone's own: its messages wait, and
//! those of several times must not go at once.

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::App;
use crate::domain::pace::Window;
use crate::domain::zone::words::day_and_time;
use crate::store::view::BlastRow;

/// So many of its next times are looked at.
const LOOKED_AT: usize = 100;
/// What waits for a time of everyone's own waits up to a day: of two times that are closer than the shortest day, both may go then.
const SHORTEST_DAY: TimeDelta = TimeDelta::hours(23);

impl App {
    /// Why a blast that repeats is not sent: several of its times would go out at once.
    pub(in crate::app) fn crowded_times(&self, row: &BlastRow) -> Option<String> {
        let now = self.engine().clock.now();
        let times: Vec<_> = self.pattern_of(row)?.times(now, row.origin.repeat.seen).take(LOOKED_AT).collect();
        self.at_one_own_time(row, (&times, now)).or_else(|| self.at_one_opening(row, (&times, now)))
    }

    /// The same where they go at a time, or within hours, of everyone's own.
    fn at_one_own_time(&self, row: &BlastRow, (times, now): (&[DateTime<Utc>], DateTime<Utc>)) -> Option<String> {
        let own = match (row.origin.local_time, self.hours_of(row)) {
            (Some(time), _) => format!("everyone's own {}", time.format("%H:%M")),
            (None, Some(_)) if row.origin.window_local => "the opening of everyone's own hours".to_owned(),
            _ => return None,
        };
        let together = times.windows(2).find(|pair| pair[1] - pair[0] < SHORTEST_DAY)?;
        let zone = self.zone_of(row);
        let [first, second] = [together[0], together[1]].map(|at| day_and_time(at, zone, now));
        Some(format!(
            "its times {first} and {second} would both go at {own}: write a rule that comes once a day at most"
        ))
    }

    /// The same where its hours are closed.
    fn at_one_opening(&self, row: &BlastRow, (times, now): (&[DateTime<Utc>], DateTime<Utc>)) -> Option<String> {
        let window = self.hours_of(row)?;
        let together =
            times.windows(2).find(|pair| !window.is_open(pair[0]) && window.next_open(pair[0]) >= pair[1])?;
        let [first, second] = [together[0], together[1]].map(|at| day_and_time(at, window.zone, now));
        let opens = day_and_time(window.next_open(together[0]), window.zone, now);
        Some(format!(
            "its times {first} and {second} would both go when its hours ({window}) open, {opens}: write a rule whose times are \
             within these"
        ))
    }

    /// What its hours do to the first of these times that comes while they are closed.
    pub(super) fn hours_note(&self, row: &BlastRow, times: &[DateTime<Utc>]) -> Option<String> {
        let window = self.hours_of(row).filter(|_| !row.origin.window_local)?;
        let at = *times.iter().find(|at| !window.is_open(**at))?;
        let now = self.engine().clock.now();
        let [time, opens] = [at, window.next_open(at)].map(|at| day_and_time(at, window.zone, now));
        Some(format!("{time} is outside of its hours, {window}: it goes when these open, {opens}"))
    }

    fn hours_of(&self, row: &BlastRow) -> Option<Window> {
        let sender = self.sender(row.sender_id)?;
        row.limits.under(&sender.limits).ok()?.window
    }
}
