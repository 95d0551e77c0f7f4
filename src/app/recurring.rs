//! Blasts that repeat. Somebody sends a pattern once, with the number of people; from then on each of its times makes a blast of its
//! own, which is launched by the same use case as any other. Whoever runs an engine runs this beside it.

mod failure;
mod hours;
mod look;
mod order;
mod outlook;
mod pattern;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use sqlx::PgConnection;

use super::commands::require_unraced;
use super::create::{RepeatOrder, refused};
use super::error::broken_off;
use super::launching::{Launch, doubted_words};
use super::{App, AppError};
use crate::domain::act::{Act, Actor};
use crate::domain::blast::{BlastCommand, BlastState, RepeatColumns, blast_name};
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::text::clean;
use crate::domain::too_many::too_many_words;
use crate::import::{ImportError, ImportOptions, PeopleSource, RejectedTo};
use crate::store::StoreError;
use crate::store::blast::{self, BlastHead};
use crate::store::clearing::{Clearing, ClearingKind};
use crate::store::recurring::{self, DuePattern, OccurrenceNote, OccurrenceOutcome, OccurrenceRow};
use crate::store::view::BlastRow;

pub use outlook::{PlannedRepeat, waits_with_more};
pub(super) use pattern::Pattern;

/// A pattern as somebody asks about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleView {
    pub blast: super::view::BlastView,
    pub repeat: RepeatColumns,
    pub zone: Tz,
    /// The last day on which it may occur, where it has one.
    pub last_day: Option<NaiveDate>,
    /// Its next times, the first of them already the pattern's own once it was sent.
    pub next: Vec<DateTime<Utc>>,
    pub made: i64,
    pub missed: i64,
    pub skipped: i64,
    pub last_missed: Option<DateTime<Utc>>,
    /// What the clocks do to its times within about a year, a sentence each.
    pub clock_notes: Vec<String>,
}

impl App {
    /// Makes and launches whatever is due at a moment: times of patterns, and steps. One that fails holds up no other.
    ///
    /// # Errors
    /// The first that failed, once everything else was gone through: it is to be tried again soon.
    pub async fn occur(&self, now: DateTime<Utc>) -> Result<(), AppError> {
        if self.is_read_only() || self.retirement().borrow().is_some() {
            return Ok(());
        }
        let senders: Vec<SenderId> = self.engine().senders.iter().map(|sender| sender.id).collect();
        let mut failed = None;
        for id in blast::patterns_ahead(self.pool(), &senders).await? {
            failed = failed.or(failure_of(id, self.set_pattern_back(id, now).await));
        }
        for id in recurring::unlaunched(self.pool(), &senders).await? {
            failed = failed.or(failure_of(id, self.launch_occurrence(id, now).await));
        }
        for due in recurring::due(self.pool(), &senders, now).await? {
            let done = self.occur_one(due, now).await;
            if let Err(error) = &done {
                self.keep_failure(due.id, now, error).await;
            }
            failed = failed.or(failure_of(due.id, done));
        }
        let steps = Box::pin(self.run_steps(&senders, now)).await;
        failed.map_or(steps, Err)
    }

    /// Gives a pattern that a clock which was ahead has moved on its next time by the clock as it is.
    async fn set_pattern_back(&self, id: BlastId, now: DateTime<Utc>) -> Result<(), AppError> {
        let row = self.blast_row(id).await?;
        // How many had come by that clock is not known before they are taken back: its end is looked at when its time comes.
        // Nor whether that time was skipped: then it goes on from it at once, since the time is noted.
        let Some(next) = self.pattern_of(&row).and_then(|pattern| pattern.next(now, 0)) else { return Ok(()) };
        let mut tx = self.begin().await?;
        blast::set_pattern_back(&mut tx, id, next.at).await?;
        tx.commit().await?;
        self.notify(id).await;
        Ok(())
    }

    /// Goes through the times of a pattern that have come. Only the last of them makes a blast: those before it were missed.
    async fn occur_one(&self, due: DuePattern, now: DateTime<Utc>) -> Result<(), AppError> {
        let row = self.blast_row(due.id).await?;
        let Some(pattern) = self.pattern_of(&row) else { return Ok(()) };
        let pattern = pattern.without(recurring::skipped_after(self.pool(), due.id, due.at).await?);
        if due.is_noted {
            return self.pass_noted(&row, &pattern, due).await;
        }
        let (mut at, mut passed, mut missed) = (due.at, row.origin.repeat.seen, 0);
        while let Some(next) = pattern.next(at, passed + 1).filter(|next| next.at <= now) {
            let outcome = OccurrenceOutcome::Missed;
            if !self.pass(OccurrenceNote { pattern: row.id, at, outcome, next: Some(next.at) }).await? {
                return Ok(());
            }
            (at, passed, missed) = (next.at, passed + 1, missed + 1);
        }
        let is_late = now - at > self.engine().settings.too_late;
        let is_second = self.goes_with_earlier(&row, at).await?;
        let outcome = if is_late || is_second { OccurrenceOutcome::Missed } else { OccurrenceOutcome::Made };
        let next = pattern.next(at, passed + 1).map(|next| next.at);
        let note = OccurrenceNote { pattern: row.id, at, outcome, next };
        if is_second {
            // Whoever is in both would get the same message twice when the hours open.
            if self.pass(note).await? {
                self.clear_when_over(&row, next).await?;
            }
            return Ok(());
        }
        let Some(blast) = self.make_occurrence(&row, note).await? else { return Ok(()) };
        if is_late {
            let why = missed_words(at, missed, pattern.zone);
            self.ask_about(blast, &why).await?;
        } else {
            self.launch_occurrence(blast, now).await?;
        }
        Ok(self.clear_when_over(&row, note.next).await?)
    }

    /// Notes a time of which no blast is made.
    async fn pass(&self, note: OccurrenceNote) -> Result<bool, AppError> {
        let mut tx = self.begin().await?;
        let is_first = recurring::note(&mut tx, note, Actor::ENGINE).await?;
        tx.commit().await?;
        Ok(is_first)
    }

    /// A pattern that stands at a time which is noted already goes on to the one after it.
    async fn pass_noted(&self, row: &BlastRow, pattern: &Pattern, due: DuePattern) -> Result<(), AppError> {
        // That time was counted when it was noted.
        let next = pattern.next(due.at, row.origin.repeat.seen).map(|next| next.at);
        let mut tx = self.begin().await?;
        let is_moved = recurring::pass_noted(&mut tx, due, next).await?;
        tx.commit().await?;
        if is_moved {
            self.clear_when_over(row, next).await?;
        }
        Ok(())
    }

    /// A blast like the pattern, to its people as they are now, in the transaction that notes its time. `None`: somebody was first, or was
    /// forgotten meanwhile: the next look reads them again.
    async fn make_occurrence(&self, row: &BlastRow, note: OccurrenceNote) -> Result<Option<BlastId>, AppError> {
        let mut options = self.reading(ImportOptions { may_be_empty: true, ..self.import_options() }).await?;
        let mut draft = self.draft_alike(row.id).await?;
        draft.follow_up_stage.clone_from(&row.follow_up_stage);
        draft.segment.clone_from(&row.origin.segment);
        let people = if let Some(people) = self.given_by_segment(row).await? {
            people
        } else {
            let people = recurring::people(self.pool(), row.id).await?;
            people.iter().map(|person| serde_json::json!(person)).collect()
        };
        options.note.occurrence = Some(note);
        let made = self.create_from(draft, PeopleSource::given(people), RejectedTo::Nowhere, options).await;
        match made {
            Ok(made) => Ok(Some(made.blast)),
            Err(ImportError::Repeated | ImportError::Forgotten) => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }

    /// Launches an occurrence as an operator launches any blast; what stands in the way of that makes it wait for one.
    async fn launch_occurrence(&self, id: BlastId, now: DateTime<Utc>) -> Result<(), AppError> {
        let row = self.blast_row(id).await?;
        let at = row.origin.occurrence_at.unwrap_or(now);
        if now - at > self.engine().settings.too_late {
            return self.ask_about(id, &missed_words(at, 0, self.zone_of(&row))).await;
        }
        if let Some(why) = doubted_words(&row) {
            return self.ask_about(id, &why).await;
        }
        if row.counts.queued == 0 {
            return self.end_empty(&row).await.map(drop);
        }
        let people = row.counts.queued - crate::store::suppression::count_in(self.pool(), id).await?;
        if let Some(at_most) = row.origin.repeat.at_most.filter(|at_most| people > i64::from(*at_most)) {
            let why = too_many_words(at_most, "resume it to send it all the same");
            return self.ask_about(id, &why).await;
        }
        let launch = Launch { blast: id, version: row.version, people, armed_for: TimeDelta::zero() };
        match self.start_unconfirmed(launch, BlastCommand::Launch).await {
            Ok(_) => Ok(()),
            // Another blast was launched meanwhile: it is read anew, and launched at the next look.
            Err(AppError::PeopleChanged(_)) if self.renew_people(&row).await? => Ok(()),
            Err(AppError::Store(error)) => Err(error.into()),
            Err(why) => self.ask_about(id, &why.to_string()).await,
        }
    }

    async fn ask_about(&self, id: BlastId, why: &str) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        recurring::ask(&mut tx, id, why).await?;
        tx.commit().await?;
        self.notify(id).await;
        Ok(())
    }

    /// `false`: somebody is in it, or did something to it.
    pub(super) async fn end_empty(&self, row: &BlastRow) -> Result<bool, AppError> {
        let why = self.why_nobody(row).await?;
        let mut tx = self.begin().await?;
        let is_over = recurring::end_empty(&mut tx, row.id, &why).await?;
        tx.commit().await?;
        self.notify(row.id).await;
        Ok(is_over)
    }

    /// The people of a pattern get nothing once it is over: they are left out, as of a cancelled blast.
    async fn clear_when_over(&self, row: &BlastRow, next: Option<DateTime<Utc>>) -> Result<(), StoreError> {
        if next.is_none() {
            Clearing { blast: row.id, kind: ClearingKind::LeaveOut }.finish(self.pool()).await?;
        }
        self.notify(row.id).await;
        Ok(())
    }

    /// How a new blast repeats, as it is kept.
    ///
    /// # Errors
    /// Why it would never occur, in words.
    pub(super) fn repeat_columns(&self, order: &RepeatOrder, zone: Tz) -> Result<RepeatColumns, String> {
        order.first_after(zone, self.engine().clock.now()).map(|_| order.columns(zone))
    }

    /// How a blast repeats, where it does.
    fn pattern_of(&self, row: &BlastRow) -> Option<Pattern> {
        Pattern::new(row.origin.repeat.clone(), self.zone_of(row))
    }

    /// The next time of a pattern that somebody launches or resumes; `None` for any other blast.
    pub(super) async fn next_occurrence(
        &self,
        row: &BlastRow,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, AppError> {
        if row.origin.repeat.rule.is_none() {
            return Ok(None);
        }
        if row.state == BlastState::Scheduled {
            let skip = format!("`blastdeck blast schedule skip {}`", row.id);
            return Err(AppError::Refused(format!("it repeats by itself; {skip} leaves its next time out")));
        }
        let after = self.after_noted(row, now).await?;
        let next = self.pattern_of(row).and_then(|pattern| pattern.next(after, row.origin.repeat.seen));
        let over = || AppError::Refused("it has no time left: its end has passed".to_owned());
        Ok(Some(next.ok_or_else(over)?.at))
    }

    /// Gives a pattern that is launched its next time, within the launch's transaction.
    pub(super) async fn arm_pattern(
        &self,
        tx: &mut PgConnection,
        head: BlastHead,
        (version, people): (i64, (i64, bool)),
        next: Option<DateTime<Utc>>,
    ) -> Result<BlastHead, AppError> {
        let Some(next) = next else { return Ok(head) };
        require_unraced(recurring::arm(tx, head.id, (version, next), people).await?)?;
        Ok(BlastHead { scheduled_for: Some(next), launched_at: None, ..head })
    }

    /// Leaves the next time of a pattern out.
    pub async fn skip_occurrence(&self, id: BlastId) -> Result<SkippedOccurrence, AppError> {
        let row = self.blast_row(id).await?;
        let pattern = self.pattern_of(&row).ok_or_else(|| not_repeating(id))?;
        let at = row.scheduled_for.filter(|_| row.state == BlastState::Scheduled);
        let at = at.ok_or_else(|| AppError::Refused(nothing_to_skip(&row)))?;
        let pattern = pattern.without(recurring::skipped_after(self.pool(), id, at).await?);
        let next = pattern.next(at, row.origin.repeat.seen + 1).map(|next| next.at);
        let mut tx = self.begin().await?;
        let head = self.head(&mut tx, id).await?;
        let note = OccurrenceNote { pattern: id, at, outcome: OccurrenceOutcome::Skipped, next };
        require_unraced(recurring::note(&mut tx, note, self.operator()).await?)?;
        self.log_blast_act(&mut tx, Act::Edit, &head, serde_json::json!({ "skipped": at })).await?;
        tx.commit().await?;
        self.clear_when_over(&row, next).await.map_err(broken_off("that time is left out"))?;
        Ok(SkippedOccurrence { at, next })
    }

    /// Every blast that repeats, the newest first.
    pub async fn schedules(&self) -> Result<Vec<ScheduleView>, AppError> {
        let mut schedules = Vec::new();
        for counted in recurring::patterns(self.pool(), self.only_sender()).await? {
            schedules.push(self.schedule_of(counted).await?);
        }
        Ok(schedules)
    }

    /// One of them, with its newest times.
    pub async fn schedule(&self, id: BlastId) -> Result<(ScheduleView, Vec<OccurrenceRow>), AppError> {
        // Its sender first: a token of another one learns nothing.
        self.blast_row(id).await?;
        let counted = recurring::patterns(self.pool(), self.only_sender()).await?;
        let counted = counted.into_iter().find(|row| row.id == id).ok_or_else(|| not_repeating(id))?;
        Ok((self.schedule_of(counted).await?, recurring::occurrences(self.pool(), id, OCCURRENCES).await?))
    }

    async fn schedule_of(&self, counted: recurring::PatternRow) -> Result<ScheduleView, AppError> {
        let row = self.blast_row(counted.id).await?;
        let now = self.engine().clock.now();
        let (next, clock_notes) = self.outlook(&row, now).await?;
        Ok(ScheduleView {
            blast: self.blast(counted.id).await?,
            repeat: row.origin.repeat.clone(),
            zone: self.zone_of(&row),
            last_day: RepeatOrder::of(&row.origin.repeat, self.zone_of(&row)).and_then(|order| order.until),
            next,
            made: counted.made,
            missed: counted.missed,
            skipped: counted.skipped,
            last_missed: counted.last_missed,
            clock_notes,
        })
    }
}

/// Why something of a blast that repeats could not be done, which is logged.
fn failure_of(id: BlastId, done: Result<(), AppError>) -> Option<AppError> {
    let error = done.err()?;
    tracing::warn!(%error, blast = id.0, "what is due of a blast that repeats could not be done");
    Some(error)
}

/// The next time of a blast that repeats, while it has one; the start of any other.
pub(super) fn own_start(row: &BlastRow) -> Option<DateTime<Utc>> {
    let repeats = row.origin.repeat.rule.is_some();
    row.scheduled_for.filter(|_| !repeats || row.state == BlastState::Scheduled)
}

/// A time of a pattern that was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkippedOccurrence {
    pub at: DateTime<Utc>,
    /// The one after it; `None`: it was the last.
    pub next: Option<DateTime<Utc>>,
}

/// Why a blast that repeats has no time to leave out.
fn nothing_to_skip(row: &BlastRow) -> String {
    let (id, name) = (row.id, blast_name(&row.tag, &row.follow_up_stage));
    let is = format!("{} is {}", clean(&name), row.origin.repeat.state_in_words(row.state));
    let none = "it makes no blasts until";
    match row.state {
        BlastState::Paused => format!("{is}: {none} `blastdeck blast schedule resume {id}` resumes it"),
        BlastState::Draft => format!("{is}: {none} `blastdeck blast send {id}` sends it"),
        _ => format!("{is}: it has no more times"),
    }
}

/// How many of the times that have come are shown.
const OCCURRENCES: i64 = 100;

fn not_repeating(id: BlastId) -> AppError {
    AppError::NotFound(format!("blast {id} does not repeat: see `blastdeck blast schedule list`"))
}

/// Why an occurrence whose time passed waits for an operator.
fn missed_words(at: DateTime<Utc>, before: u32, zone: Tz) -> String {
    let at = at.with_timezone(&zone).format("%-d %b %H:%M");
    let before = if before > 0 { format!(", as did {before} before it") } else { String::new() };
    format!("its time, {at}, passed while no engine ran{before}: resume it if it is still to go, or cancel it")
}
