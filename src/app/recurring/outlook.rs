//! When a blast that repeats occurs next, as its plan and its schedule say it.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{Pattern, own_start};
use crate::app::create::RepeatOrder;
use crate::app::view::BlastView;
use crate::app::{App, AppError};
use crate::domain::blast::BlastState;
use crate::domain::text::{number, people};
use crate::store::recurring;
use crate::store::view::BlastRow;

/// When a blast that repeats occurs, as a plan says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRepeat {
    pub rule: String,
    /// By whose clocks.
    pub zone: Tz,
    pub next: Vec<DateTime<Utc>>,
    /// Where it ends by itself: `after 2026-12-31, or after 10 times`.
    pub ends: Option<String>,
    /// What the clocks of its zone do to its times within about a year, a sentence each.
    pub clock_notes: Vec<String>,
    /// An occurrence to more people waits for an operator; `None`: as many as are confirmed.
    pub at_most: Option<i32>,
}

impl BlastView {
    /// Behind the next time of a blast that repeats and has more people by now than were confirmed: that it waits for an operator then. It
    /// begins with a comma; nothing of any other.
    pub fn waits_at_next_time(&self) -> String {
        if self.state == BlastState::Scheduled && self.origin.repeat.rule.is_some() {
            waits_with_more(self.counts.queued, self.origin.repeat.at_most)
        } else {
            String::new()
        }
    }
}

/// `, but waits for you then, since it goes to 301 people and at most 245 were confirmed`; nothing where it goes to no more than those.
pub fn waits_with_more(queued: i64, at_most: Option<i32>) -> String {
    let Some(most) = at_most.map(i64::from).filter(|most| queued > *most) else { return String::new() };
    let were = if most == 1 { "was" } else { "were" };
    format!(
        ", but waits for you then, since it goes to {} and at most {} {were} confirmed",
        people(queued),
        number(most)
    )
}

/// How many of its next times are shown.
const SHOWN: usize = 5;

impl App {
    /// The moment after which a pattern occurs that is launched or resumed now: a time that was left out does not come again.
    pub(super) async fn after_noted(&self, row: &BlastRow, now: DateTime<Utc>) -> Result<DateTime<Utc>, AppError> {
        let noted = recurring::occurrences(self.pool(), row.id, 1).await?;
        Ok(noted.first().map_or(now, |newest| now.max(newest.at)))
    }

    /// When it occurs, where it repeats.
    pub(in crate::app) async fn planned_repeat(
        &self,
        row: &BlastRow,
        now: DateTime<Utc>,
    ) -> Result<Option<PlannedRepeat>, AppError> {
        let Some(rule) = row.origin.repeat.rule.clone() else { return Ok(None) };
        let (next, clock_notes) = self.outlook(row, now).await?;
        let zone = self.zone_of(row);
        let ends = RepeatOrder::of(&row.origin.repeat, zone).and_then(|order| order.ends());
        Ok(Some(PlannedRepeat { rule, zone, next, ends, clock_notes, at_most: row.origin.repeat.at_most }))
    }

    /// The next times of a blast that repeats, and what the clocks do to them; nothing where it is over.
    pub(in crate::app) async fn outlook(
        &self,
        row: &BlastRow,
        now: DateTime<Utc>,
    ) -> Result<(Vec<DateTime<Utc>>, Vec<String>), AppError> {
        let Some((pattern, from)) = self.times_ahead(row, now).await? else { return Ok((Vec::new(), Vec::new())) };
        let seen = row.origin.repeat.seen;
        let mut clock_notes = pattern.rule.clock_notes(now, pattern.last(from, seen), pattern.zone);
        let mut next: Vec<_> = pattern.times(from, seen).take(SHOWN + 1).collect();
        clock_notes.extend(self.hours_note(row, &next, SHOWN));
        next.truncate(SHOWN);
        Ok((next, clock_notes))
    }

    /// How a blast repeats, without the times that somebody left out, and the moment after which its times are still to come; `None` where it
    /// is over, or does not repeat.
    pub(super) async fn times_ahead(
        &self,
        row: &BlastRow,
        now: DateTime<Utc>,
    ) -> Result<Option<(Pattern, DateTime<Utc>)>, AppError> {
        let Some(pattern) = self.pattern_of(row).filter(|_| !row.state.is_over()) else { return Ok(None) };
        let from = match own_start(row) {
            Some(own) => own - TimeDelta::seconds(1),
            None => self.after_noted(row, now).await?,
        };
        let skipped = recurring::skipped_after(self.pool(), row.id, from).await?;
        Ok(Some((pattern.without(skipped), from)))
    }
}
