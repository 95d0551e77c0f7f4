//! Times of a blast that repeats which come while its hours for sending are closed, or are not everyone's own: its messages wait, and
//! those of several times must not go at once.

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::{App, AppError, DraftEdit};
use crate::domain::blast::BlastState;
use crate::domain::pace::Window;
use crate::domain::zone::words::day_and_time;
use crate::store::recurring;
use crate::store::view::BlastRow;

/// So many of its next times are looked at, and all within more than a week: hours may be closed on some of its days.
const LOOKED_AT: usize = 100;
const LOOKED_AHEAD: TimeDelta = TimeDelta::days(9);
/// What waits for a time of everyone's own waits up to a day: of two times that are closer than the shortest day, both may go then.
const SHORTEST_DAY: TimeDelta = TimeDelta::hours(23);

impl App {
    /// Why a blast that repeats is not sent: several of its times would go out at once.
    pub(in crate::app) async fn crowded_times(&self, row: &BlastRow) -> Result<Option<String>, AppError> {
        let now = self.engine().clock.now();
        let Some((pattern, from)) = self.times_ahead(row, now).await? else { return Ok(None) };
        let times = pattern.times(from, row.origin.repeat.seen).enumerate();
        let times = times.take_while(|(n, at)| *n < LOOKED_AT || *at < from + LOOKED_AHEAD);
        let times: Vec<_> = times.map(|(_, at)| at).collect();
        Ok(self.at_one_own_time(row, (&times, now)).or_else(|| self.at_one_opening(row, (&times, now))))
    }

    /// Refuses hours of a blast that repeats and runs with which it would not be launched.
    pub(in crate::app) async fn refuse_crowding(&self, row: &BlastRow, edit: &DraftEdit) -> Result<(), AppError> {
        if !edit.is_of_hours() {
            return Ok(());
        }
        let edited = Box::new(BlastRow { limits: edit.limits_after(&row.limits), ..row.clone() });
        self.crowded_times(&edited).await?.map_or(Ok(()), |why| Err(AppError::Refused(why)))
    }

    /// Whether a blast of this time would go together with that of an earlier one, which waits for the same opening of its hours, or for the
    /// same time of everyone's own. Launches and edits refuse that; a row of an earlier version, or one changed in the database, may have it.
    pub(super) async fn goes_with_earlier(&self, row: &BlastRow, at: DateTime<Utc>) -> Result<bool, AppError> {
        let is_by_own_clocks = self.own_time_words(row).is_some();
        let opens = self.opening_of(row, at);
        if opens.is_none() && !is_by_own_clocks {
            return Ok(false);
        }
        for (earlier, then) in recurring::made_before(self.pool(), row.id, at).await? {
            let is_together = if is_by_own_clocks {
                at - then < SHORTEST_DAY
            } else {
                // By its own hours: an operator may have let it go at once.
                self.opening_of(&self.blast_row(earlier).await?, then) == opens
            };
            if is_together {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// When the hours of a blast open that are closed until this moment; `None` where it has none, or they are open.
    fn opening_of(&self, row: &BlastRow, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let window = self.hours_of(row)?;
        let is_open_before = window.is_open(at - TimeDelta::seconds(1));
        (!is_open_before).then(|| window.next_open(at))
    }

    /// The same where they go at a time, or within hours, of everyone's own.
    fn at_one_own_time(&self, row: &BlastRow, (times, now): (&[DateTime<Utc>], DateTime<Utc>)) -> Option<String> {
        let own = self.own_time_words(row)?;
        let together = times.windows(2).find(|pair| pair[1] - pair[0] < SHORTEST_DAY)?;
        let zone = self.zone_of(row);
        let [first, second] = [together[0], together[1]].map(|at| day_and_time(at, zone, now));
        Some(format!(
            "its times {first} and {second} would both go at {own}: make another one with a rule that comes once a day at most"
        ))
    }

    /// The time of everyone's own at which its messages go: `everyone's own 10:00`.
    fn own_time_words(&self, row: &BlastRow) -> Option<String> {
        match (row.origin.local_time, self.hours_of(row)) {
            (Some(time), _) => Some(format!("everyone's own {}", time.format("%H:%M"))),
            (None, Some(_)) if row.origin.window_local => Some("the opening of everyone's own hours".to_owned()),
            _ => None,
        }
    }

    /// The same where its hours are closed.
    fn at_one_opening(&self, row: &BlastRow, (times, now): (&[DateTime<Utc>], DateTime<Utc>)) -> Option<String> {
        let window = self.hours_of(row)?;
        let together =
            times.windows(2).find(|pair| !window.is_open(pair[0]) && window.next_open(pair[0]) >= pair[1])?;
        let [first, second] = [together[0], together[1]].map(|at| day_and_time(at, window.zone, now));
        let opens = day_and_time(window.next_open(together[0]), window.zone, now);
        Some(format!(
            "its times {first} and {second} would both go when its hours ({window}) open, {opens}: make another one with a rule whose \
             times are within these, or give it other hours"
        ))
    }

    /// What its hours do to the first of these times, `shown` of which are shown, that comes while they are closed; and to those after it, where
    /// it runs although they would go with it.
    pub(super) fn hours_note(&self, row: &BlastRow, times: &[DateTime<Utc>], shown: usize) -> Option<String> {
        let window = self.hours_of(row).filter(|_| !row.origin.window_local)?;
        let at = *times.iter().take(shown).find(|at| !window.is_open(**at))?;
        let (now, opening) = (self.engine().clock.now(), window.next_open(at));
        let is_followed = times.iter().any(|time| *time > at && *time <= opening);
        let missed = if is_followed && row.state == BlastState::Scheduled {
            ", and those after it until then are missed"
        } else {
            ""
        };
        let [time, opens] = [at, opening].map(|at| day_and_time(at, window.zone, now));
        Some(format!("{time} is outside of its hours, {window}: it goes when these open, {opens}{missed}"))
    }

    fn hours_of(&self, row: &BlastRow) -> Option<Window> {
        let sender = self.sender(row.sender_id)?;
        row.limits.under(&sender.limits).ok()?.window
    }
}
