//! Hours that hold by the clock of each person's own zone: who is put off when theirs are over.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::claiming::PendingClaim;
use super::next_action::BlastQueue;
use super::{Sender, SenderContext};
use crate::domain::home_zone::home_zone;
use crate::domain::ids::BlastId;
use crate::domain::pace::Window;
use crate::domain::phone::Phone;
use crate::store::StoreError;
use crate::store::claim::{Claimed, QueuePosition};
use crate::store::local_time::{self, LocalDue};

/// How many people are looked at in one step, for each blast.
const PAGE: usize = 2_000;

/// Zones in which nobody is left are known for this long.
const ZONES_KEPT: TimeDelta = TimeDelta::minutes(5);

/// The zones of those who were queued when they were last looked at.
#[derive(Debug, Default)]
pub(super) struct PeopleZones {
    zones: Vec<Tz>,
    /// Nobody's is missing.
    are_all: bool,
    read_at: Option<DateTime<Utc>>,
}

impl PeopleZones {
    #[cfg(test)]
    pub(super) const fn of(zones: Vec<Tz>, are_all: bool) -> Self {
        Self { zones, are_all, read_at: None }
    }
}

impl BlastQueue {
    /// Until when it is too early or too late for somebody who was claimed, by their own clock.
    pub(super) fn closed_for(&self, person: &Claimed, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let column =
            person.variables.as_ref().and_then(|values| values.get("timezone").or_else(|| values.get("time_zone")));
        self.closed_in((&person.phone_number, column.and_then(Value::as_str)), now)
    }

    fn closed_in(&self, (phone, zone): (&Phone, Option<&str>), now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let window = self.people_window?;
        let zone = home_zone(phone, zone).ok()?;
        Some(Window { zone, ..window }.next_open(now)).filter(|opens| *opens > now)
    }

    /// When the blast's hours let it go on from a time on: those that hold by people's own clocks once they are open for the first of them.
    /// Where the zones of some are not known, theirs may be open then.
    pub(super) fn goes_on_at(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let of_people = || {
            let opens = |zone: &Tz| Some(Window { zone: *zone, ..self.people_window? }.next_open(at));
            self.people_zones.zones.iter().filter_map(opens).min().filter(|_| self.people_zones.are_all).unwrap_or(at)
        };
        self.limits.window.map_or_else(of_people, |window| window.next_open(at))
    }

    /// Its hours as they are written, with whose clock they hold by.
    pub(super) fn hours(&self) -> Option<String> {
        let of_people =
            || self.people_window.map(|Window { hours, days, .. }| format!("{hours} {days} by everyone's own clock"));
        self.limits.window.map(|window| window.to_string()).or_else(of_people)
    }

    /// Reads the zones of those who are queued, where hours hold by these. Where that cannot be done, none is known.
    pub(super) async fn read_zones(&mut self, context: &SenderContext) -> Result<(), StoreError> {
        if self.people_window.is_none() {
            return Ok(());
        }
        let (groups, are_all) = match local_time::due_first(&context.pool, self.id).await {
            Err(error) if error.is_transient() => return Err(error),
            // A row that cannot be read holds up no other blast of the sender.
            groups => groups.unwrap_or_default(),
        };
        let zones = groups.iter().filter_map(|group| home_zone(&group.phone_number, group.zone.as_deref()).ok());
        let zones = zones.map(|zone| (zone.name(), zone)).collect::<BTreeMap<_, _>>().into_values().collect();
        self.people_zones = PeopleZones { zones, are_all, read_at: Some(context.clock.now()) };
        Ok(())
    }

    /// The same where they were read a while ago: of some zone nobody may be left.
    async fn renew_zones(&mut self, context: &SenderContext) -> Result<(), StoreError> {
        let now = context.clock.now();
        if self.people_zones.read_at.is_some_and(|read_at| now - read_at < ZONES_KEPT) {
            return Ok(());
        }
        self.read_zones(context).await
    }

    /// Somebody was claimed whose hours are over: those of others behind them may be as well.
    pub(super) fn note_closed(&mut self, person: &Claimed) {
        self.closed_behind.get_or_insert(person.place());
    }
}

impl Sender {
    /// Before it is written how long each blast waits.
    pub(super) async fn renew_zones(&mut self) -> Result<(), StoreError> {
        for queue in &mut self.queues {
            queue.renew_zones(&self.context).await?;
        }
        Ok(())
    }

    /// Where somebody was claimed whose hours are over, puts off everybody behind them whose hours are, too: a page a step, as long as there
    /// are such people. Claimed one after the other, each would have an attempt and a line of history for nothing, at no pace. Nobody of the
    /// blast is claimed meanwhile.
    pub(super) async fn put_off_closed(&mut self) -> Result<(), StoreError> {
        if !self.context.lease.is_fresh() {
            return Ok(());
        }
        let claimed_from = self.claim.as_ref().map(PendingClaim::blast);
        let now = self.context.clock.now();
        let mut refused: Vec<(BlastId, StoreError)> = Vec::new();
        for queue in self.queues.iter_mut().filter(|queue| Some(queue.id) != claimed_from) {
            let Some(place) = queue.closed_behind.take() else { continue };
            match put_off_page(&self.context, queue, place, now).await {
                Ok(Some(next)) => queue.closed_behind = Some(next),
                // Who is left by now decides when it goes on.
                Ok(None) => queue.read_zones(&self.context).await?,
                Err(error) => refused.push((queue.id, error)),
            }
        }
        refused.into_iter().try_for_each(|(blast, error)| self.set_aside(blast, Err(error)))
    }
}

/// Behind whom to go on; `None`: nobody of the page is put off, or it was the last.
async fn put_off_page(
    context: &SenderContext,
    queue: &BlastQueue,
    place: QueuePosition,
    now: DateTime<Utc>,
) -> Result<Option<QueuePosition>, StoreError> {
    let people = local_time::due_behind(&context.pool, queue.id, place, PAGE.try_into().unwrap_or(i64::MAX)).await?;
    let due: Vec<LocalDue> = people
        .iter()
        .filter_map(|person| {
            let at = queue.closed_in((&person.phone_number, person.zone.as_deref()), now)?;
            Some(LocalDue { id: person.id, at })
        })
        .collect();
    local_time::put_off(&context.pool, queue.id, &due).await?;
    let last = people.last().filter(|_| !due.is_empty() && people.len() >= PAGE);
    Ok(last.map(|last| QueuePosition { next_attempt_at: last.next_attempt_at, id: last.id }))
}
