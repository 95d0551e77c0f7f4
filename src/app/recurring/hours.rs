//! Times of a blast that repeats which come while its hours for sending are closed: its messages wait until these open.

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::domain::pace::Window;
use crate::domain::zone::words::day_and_time;
use crate::store::view::BlastRow;

/// So many of its next times are looked at.
const LOOKED_AT: usize = 100;

impl App {
    /// Why a blast that repeats is not sent: several of its times would go out at once, when its hours open.
    pub(in crate::app) fn crowded_times(&self, row: &BlastRow) -> Option<String> {
        let (window, now) = (self.hours_of(row)?, self.engine().clock.now());
        let pattern = self.pattern_of(row)?;
        let times: Vec<_> = pattern.times(now, row.origin.repeat.seen).take(LOOKED_AT).collect();
        let together =
            times.windows(2).find(|pair| !window.is_open(pair[0]) && window.next_open(pair[0]) >= pair[1])?;
        let [first, second] = [together[0], together[1]].map(|at| day_and_time(at, window.zone, now));
        let opens = day_and_time(window.next_open(together[0]), window.zone, now);
        Some(format!(
            "its times {first} and {second} would both go at {opens}, when its hours ({window}) open: write a rule whose times are \
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
