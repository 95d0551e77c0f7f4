//! Blasts that start by themselves: when, by whose clocks, and what is said of it.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use sqlx::PgConnection;

use super::recurring::own_start;
use super::view::BlastView;
use super::{App, AppError, DraftEdit, DraftForm};
use crate::domain::blast::BlastState;
use crate::domain::field_change::FieldChange;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::pace::LimitColumns;
use crate::domain::start_at::{StartAt, StartTime, TypedStart};
use crate::store::blast::BlastHead;
use crate::store::view::BlastRow;

/// A start further away is a slip of the fingers.
const AHEAD_MAX: TimeDelta = TimeDelta::days(2 * 366);

/// What becomes of a draft's start: its moment, and the local time it was typed as.
type StartChange = FieldChange<(DateTime<Utc>, Option<NaiveDateTime>)>;

/// When a blast starts by itself, as a plan says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStart {
    pub at: DateTime<Utc>,
    /// Of the blast: by its clocks the time was typed.
    pub zone: Tz,
    /// What the clocks of its zone do to the time that was asked for.
    pub note: Option<String>,
}

/// The moment of a start by the clocks of a zone. Refused in words where it has passed, or is more than two years away.
pub fn start_after(start: StartAt, zone: Tz, now: DateTime<Utc>) -> Result<StartTime, String> {
    let time = start.resolve(zone).ok_or_else(|| nowhere(start, zone))?;
    if time.at <= now {
        // A moment is by no other clocks than its offset's.
        let clocks = start.local().map(|_| format!(" ({zone})")).unwrap_or_default();
        return Err(format!("{start}{clocks} has passed: write a time that is still to come"));
    }
    let is_near = time.at - now <= AHEAD_MAX;
    is_near.then_some(time).ok_or_else(|| format!("{start} is more than two years away"))
}

fn nowhere(start: StartAt, zone: Tz) -> String {
    format!("{start} does not exist in {zone}")
}

/// The start of a blast as somebody typed it.
pub(super) fn typed_start(blast: &BlastRow) -> Option<StartAt> {
    let local = blast.scheduled_local.map(StartAt::Local);
    local.or_else(|| blast.scheduled_for.map(StartAt::Moment))
}

impl App {
    /// The moment of a start by the clocks of a zone: still to come, and within two years.
    pub(super) fn start_time(&self, start: StartAt, zone: Tz) -> Result<StartTime, String> {
        start_after(start, zone, self.engine().clock.now())
    }

    /// The start of a draft that is being written. One that has passed since it was typed is kept as it is: a launch refuses
    /// it, and nothing else that is written meanwhile is lost.
    pub(super) fn draft_start(&self, form: &DraftForm) -> Result<StartChange, AppError> {
        let Some(start) = form.start else { return Ok(FieldChange::Clear) };
        let zone = self.draft_zone(form);
        let time = start.resolve(zone).ok_or_else(|| AppError::invalid("scheduled_for", nowhere(start, zone)))?;
        Ok(FieldChange::Set((time.at, start.local())))
    }

    /// The zone whose clocks a draft goes by that is being written.
    pub(super) fn draft_zone(&self, form: &DraftForm) -> Tz {
        let own = || self.config().sender(&form.sender).map(|sender| sender.timezone);
        form.timezone.or_else(own).unwrap_or(Tz::UTC)
    }

    /// The start that somebody typed for a blast of a sender: what it means by its clocks.
    pub fn start_of(&self, sender: &str, timezone: Option<Tz>, typed: TypedStart) -> StartAt {
        typed.read_at(self.zone_for(sender, timezone), self.engine().clock.now())
    }

    fn zone_for(&self, sender: &str, timezone: Option<Tz>) -> Tz {
        timezone.or_else(|| self.config().sender(sender).map(|sender| sender.timezone)).unwrap_or(Tz::UTC)
    }

    /// Whether a new blast of a sender can start at this time. Fails with what is wrong with it.
    pub fn check_start(&self, sender: &str, timezone: Option<Tz>, start: StartAt) -> Result<(), String> {
        self.start_time(start, self.zone_for(sender, timezone)).map(|_| ())
    }

    /// The zone whose clocks a blast goes by.
    pub(super) fn zone_of(&self, blast: &BlastRow) -> Tz {
        self.zone_by(blast.sender_id, &blast.limits)
    }

    /// The same of one that is shown.
    pub fn clocks_of(&self, blast: &BlastView) -> Tz {
        self.zone_by(blast.sender_id, &blast.limits)
    }

    /// The same where it is known: `None` where neither the blast has a zone nor this configuration its sender.
    pub fn known_clocks_of(&self, blast: &BlastView) -> Option<Tz> {
        self.known_zone_by(blast.sender_id, &blast.limits)
    }

    /// The same by its limits: its own zone, else its sender's.
    pub(super) fn zone_by(&self, sender: SenderId, limits: &LimitColumns) -> Tz {
        self.known_zone_by(sender, limits).unwrap_or(Tz::UTC)
    }

    pub(super) fn known_zone_by(&self, sender: SenderId, limits: &LimitColumns) -> Option<Tz> {
        limits.own_zone().or_else(|| self.sender(sender).map(|sender| sender.limits.zone))
    }

    /// The start after an edit: of a new time, or of the same local time in a new zone.
    pub(super) async fn changed_start(
        &self,
        tx: &mut PgConnection,
        head: &BlastHead,
        edit: &DraftEdit,
    ) -> Result<StartChange, AppError> {
        if edit.start.is_keep() && edit.timezone.is_keep() {
            return Ok(FieldChange::Keep);
        }
        let blast = self.blast_row_in(tx, head.id).await?;
        if blast.origin.repeat.rule.is_some() {
            return refuse_new_times(head, edit);
        }
        let start = match edit.start {
            FieldChange::Set(start) => start,
            FieldChange::Clear if head.state == BlastState::Scheduled => {
                let why = format!(
                    "the blast is scheduled: `blastdeck blast undo {}` makes it a draft, of which the time can be taken away",
                    head.id
                );
                return Err(AppError::Refused(why));
            }
            FieldChange::Clear => return Ok(FieldChange::Clear),
            FieldChange::Keep => match blast.scheduled_local {
                Some(local) => StartAt::Local(local),
                None => return Ok(FieldChange::Keep),
            },
        };
        let zone = match edit.timezone {
            FieldChange::Set(zone) => zone,
            FieldChange::Clear => self.sender(blast.sender_id).map_or(Tz::UTC, |sender| sender.limits.zone),
            FieldChange::Keep => self.zone_of(&blast),
        };
        let time = self.start_time(start, zone).map_err(|why| AppError::invalid("scheduled_for", why))?;
        Ok(FieldChange::Set((time.at, start.local())))
    }

    /// Why a draft cannot be launched as it is: the time that it was to start at has passed.
    pub(super) fn missed(&self, blast: &BlastRow) -> Option<String> {
        let is_to_start = blast.state == BlastState::Draft && blast.launched_at.is_none();
        let at = own_start(blast).filter(|_| is_to_start)?;
        (at <= self.engine().clock.now()).then(|| missed_start(blast.id))
    }

    /// When a launch has it start, where that is not at once.
    pub(super) fn planned_start(&self, blast: &BlastRow) -> Option<PlannedStart> {
        let is_to_start = blast.launched_at.is_none() && !blast.state.is_over();
        // One that was paused since its time passed goes out once it is resumed; a draft does not start by a time that has passed.
        let may_miss = matches!(blast.state, BlastState::Paused | BlastState::Draft);
        let is_missed = |at: DateTime<Utc>| may_miss && at <= self.engine().clock.now();
        let at = own_start(blast).filter(|at| is_to_start && !is_missed(*at))?;
        let zone = self.zone_of(blast);
        let note = blast.scheduled_local.and_then(|local| {
            let time = StartAt::Local(local).resolve(zone)?;
            time.clock_change.map(|change| change.sentence(local, zone))
        });
        Some(PlannedStart { at, zone, note })
    }
}

/// A blast that repeats has its times by its rule and its zone, and keeps them while it is scheduled.
fn refuse_new_times(head: &BlastHead, edit: &DraftEdit) -> Result<StartChange, AppError> {
    // It has no time of its own that null would take away.
    if edit.start.get().is_some() {
        return Err(AppError::invalid("scheduled_for", "it repeats: its times follow its rule"));
    }
    if head.state == BlastState::Scheduled {
        return Err(AppError::Refused("it repeats by this zone: make another one in its place, and end it".to_owned()));
    }
    Ok(FieldChange::Keep)
}

/// Whether a launch has a blast wait for its time. Refused where that has passed: nobody wants it to go at some other time
/// unasked.
pub(super) fn waits_for_its_time(head: &BlastHead, now: DateTime<Utc>) -> Result<bool, AppError> {
    let Some(at) = head.scheduled_for.filter(|_| head.launched_at.is_none()) else { return Ok(false) };
    match head.state {
        // Whoever sends what is scheduled wants it to go now; whoever resumes what missed its time, too.
        BlastState::Scheduled => Ok(false),
        BlastState::Paused => Ok(at > now),
        _ if at > now => Ok(true),
        _ => Err(AppError::Refused(missed_start(head.id))),
    }
}

/// Why a draft whose time has passed is not sent, and what gives it another one, or none.
fn missed_start(id: BlastId) -> String {
    format!(
        "the time that it was to start at has passed: `blastdeck blast edit {id} --at TIME` gives it another one, \
         `blastdeck blast edit {id} --clear at` takes it away"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_has_passed_names_the_clocks_that_it_was_typed_by() {
        let said = |typed: &str| {
            let start: StartAt = typed.parse().unwrap();
            start_after(start, Tz::Asia__Kuala_Lumpur, "2026-12-01T00:00:00Z".parse().unwrap()).unwrap_err()
        };
        let mend = "has passed: write a time that is still to come";

        assert_eq!(said("2020-01-01T00:00Z"), format!("2020-01-01T00:00:00Z {mend}"));
        assert_eq!(said("2020-01-01T00:00"), format!("2020-01-01T00:00:00 (Asia/Kuala_Lumpur) {mend}"));
    }
}
