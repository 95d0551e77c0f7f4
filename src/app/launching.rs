//! Starts: launch and resume. The number of people is the confirmation; every start is one compare-and-set, and every engine is notified at
//! once.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::answered::AnsweredSince;
use super::commands::name;
use super::error::unread_after;
use super::plan::Readiness;
use super::schedule::waits_for_its_time;
use super::segment::CappedAudience;
use super::view::BlastView;
use super::{App, AppError};
use crate::domain::act::Act;
use crate::domain::blast::{BlastCommand, BlastState, transition};
use crate::domain::ids::BlastId;
use crate::domain::sender::StopCode;
use crate::domain::text;
use crate::store::action::{self, LoggedAction};
use crate::store::blast::{self, BlastHead};
use crate::store::pause::{self, PauseRecord};
use crate::store::suppression;
use crate::store::view::BlastRow;
use crate::store::{self, local_time};
use crate::store::{claim, sender};

/// What of a launch takes longer than this goes over a slow link.
const LINK_SLOW: TimeDelta = TimeDelta::seconds(1);
/// The longest that is allowed for one.
const LINK_MAX: Duration = Duration::from_secs(30);

/// Starting messages: the number of people is the confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launch {
    pub blast: BlastId,
    /// The version that was shown.
    pub version: i64,
    /// The number of people that was shown and typed; another number now means that nothing starts.
    pub people: i64,
    /// How long the launch can be undone; zero starts at once.
    pub armed_for: TimeDelta,
}

impl Launch {
    /// How long a launch that a person typed can be undone before anything is sent.
    pub const ARMED_FOR: TimeDelta = crate::domain::blast::ARMED_FOR;
}

/// What the number of people of a launch says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// Somebody confirmed it.
    Exactly,
    AtMost,
}

impl Counted {
    /// A number of people, and whether somebody confirmed it.
    fn of(self, people: i64) -> (i64, bool) {
        (people, self == Self::Exactly)
    }

    /// Whether so many people are those who were shown.
    pub(super) fn allows(self, people: i64, shown: i64) -> bool {
        people == shown || people < shown && self == Self::AtMost
    }

    pub(super) fn check(self, people: i64, shown: i64) -> Result<(), AppError> {
        if !self.allows(people, shown) {
            let (people, shown) = (text::people(people), text::number(shown));
            return Err(AppError::PeopleChanged(format!("it is {people} now, not {shown}")));
        }
        Ok(())
    }
}

/// Why what an engine made for people waits for somebody: each of them may have it already, as of a database that went back in time.
pub(super) fn doubted_words(draft: &BlastRow) -> Option<String> {
    let is_doubted = draft.counts.queued == 0 && draft.counts.uncertain > 0;
    is_doubted.then(|| {
        let people = text::people(draft.counts.uncertain);
        format!("{people} in it may have it already: decide about them, then send it to the others")
    })
}

/// A launch or resume no longer ago than this answered the same question as one that comes now.
const ANSWERED_LATELY: TimeDelta = TimeDelta::minutes(10);

/// The field of a logged launch that says whether it was sent before its time.
const EARLY: &str = "early";

/// Under this a start notes how its blast was paused before.
pub(super) const AS_PAUSED: &str = "paused";

/// Under this a launch notes why its draft waited, if that made itself.
pub(super) const AS_DRAFT: &str = "draft";

const fn waited_as(head: &BlastHead) -> &'static str {
    if matches!(head.state, BlastState::Draft) { AS_DRAFT } else { AS_PAUSED }
}

/// How a blast waited before an act that started it, as that is noted.
pub(super) fn waited_before(start: &LoggedAction, was: &str) -> Option<PauseRecord> {
    serde_json::from_value(start.detail.get(was)?.clone()).ok()
}

/// Whether this launch sends what would have started by itself.
fn is_early(head: &BlastHead, command: BlastCommand) -> bool {
    command == BlastCommand::Launch && head.state == BlastState::Scheduled
}

/// Whether this logged launch sent what would have started by itself.
pub(super) fn was_early(act: &LoggedAction) -> bool {
    act.action == Act::Launch && act.detail.get(EARLY).and_then(Value::as_bool) == Some(true)
}

/// Refuses a start that the blast's state does not allow.
async fn require_startable(
    tx: &mut PgConnection,
    head: &BlastHead,
    (command, now): (BlastCommand, DateTime<Utc>),
) -> Result<(), AppError> {
    let Err(refused) = transition(head.state, command) else { return Ok(()) };
    let first = launched_first(tx, head, now).await?;
    Err(AppError::Refused(first.unwrap_or_else(|| refused.to_string())))
}

/// Who launched a blast that cannot be launched any more, if somebody did just now: their question was the same.
async fn launched_first(
    tx: &mut PgConnection,
    head: &BlastHead,
    now: DateTime<Utc>,
) -> Result<Option<String>, AppError> {
    if !matches!(head.state, BlastState::Sending | BlastState::Scheduled) {
        return Ok(None);
    }
    let newest = action::newest_launch(tx, head.id).await?.filter(|act| now - act.at < ANSWERED_LATELY);
    let launch = newest.filter(|act| act.action == Act::Launch);
    let did = if head.state == BlastState::Scheduled { "scheduled" } else { "launched" };
    Ok(launch.map(|act| format!("{}: {} {did} it already", name(head), act.operator)))
}

impl App {
    /// Starts sending a draft.
    pub async fn launch(&self, launch: Launch) -> Result<BlastView, AppError> {
        self.start(launch, BlastCommand::Launch, Counted::Exactly).await
    }

    /// Resumes a paused blast; the number typed must still be the number queued. Also resumes a sender that an error
    /// stopped: whoever resumes confirms that the error is fixed, and the number is that of all who are queued in what was launched of it
    /// ([`Self::queued_for`]), which must not have grown.
    pub async fn resume(&self, launch: Launch) -> Result<BlastView, AppError> {
        self.refuse_bad_token(launch.blast).await?;
        self.start(launch, BlastCommand::Resume, Counted::Exactly).await
    }

    /// The same for whoever confirmed no number: also where somebody opts out meanwhile.
    pub async fn start_unconfirmed(&self, launch: Launch, command: BlastCommand) -> Result<BlastView, AppError> {
        if command == BlastCommand::Resume {
            self.refuse_bad_token(launch.blast).await?;
        }
        self.start(launch, command, Counted::AtMost).await
    }

    /// Why somebody who saw an earlier version is refused: by whom it was launched, where that is why.
    async fn second_refusal(
        &self,
        tx: &mut PgConnection,
        blast: BlastId,
        (command, now): (BlastCommand, DateTime<Utc>),
    ) -> Result<AppError, AppError> {
        let head = self.head(tx, blast).await?;
        let first = launched_first(tx, &head, now).await?;
        require_startable(tx, &head, (command, now)).await?;
        Ok(first.map_or(AppError::Changed, AppError::Refused))
    }

    /// Refuses other people than were shown. Of a blast that somebody changed since it was shown they may have been counted in the middle of
    /// another launch, which leaves out who opted out: then it is said who was first.
    async fn refuse_others(
        &self,
        tx: &mut PgConnection,
        (blast, head): (&BlastRow, &BlastHead),
        (launch, command, now): (Launch, BlastCommand, DateTime<Utc>),
        checked: Result<(), AppError>,
    ) -> Result<(), AppError> {
        let Err(changed) = checked else { return Ok(()) };
        if head.version == launch.version {
            return Err(changed);
        }
        // Else it was read after that, perhaps a moment before who opted out was left out.
        let is_read_before = blast.version == launch.version;
        let queued = self.blast_row_in(&mut *tx, head.id).await?.counts.queued;
        let people = queued - suppression::count_within(tx, head.id).await?;
        if is_read_before || people == launch.people {
            return Err(self.second_refusal(tx, head.id, (command, now)).await?);
        }
        Err(changed)
    }

    async fn start(&self, launch: Launch, command: BlastCommand, counted: Counted) -> Result<BlastView, AppError> {
        let asked = Instant::now();
        let armed_for = || until_shown(launch.armed_for, asked.elapsed());
        let act = if command == BlastCommand::Resume { Act::Resume } else { Act::Launch };
        let blast = self.blast_row(launch.blast).await?;
        let is_occurrence = blast.origin.pattern.is_some();
        let repeats = blast.origin.repeat.rule.is_some();
        if (command == BlastCommand::Launch || repeats) && !is_occurrence && self.renew_audience(launch.blast).await? {
            return Err(AppError::found_others());
        }
        let Readiness { people, answered, obstacles, template, number, .. } = self.readiness(&blast).await?;
        if let Some(number) = number.as_ref().filter(|_| obstacles.is_empty()) {
            self.learn_limits_of(blast.sender_id, number).await;
        }
        // Before the transaction: a verb has one connection, which that takes.
        let now = store::now(self.pool()).await?;
        let next = self.next_occurrence(&blast, now).await?;
        let dues = self.local_dues(&blast, now).await?;
        let start = blast.scheduled_for.filter(|at| blast.state != BlastState::Scheduled && *at > now);
        let capped = self.capped_audience(&blast, start).await?;
        let mut tx = self.begin().await?;
        let head = self.head(&mut tx, launch.blast).await?;
        let head = self.arm_pattern(&mut tx, head, (launch.version, counted.of(people)), next).await?;
        let stop = sender::stop_of(&mut tx, head.sender_id).await?;
        if let Some(why) = stop.and_then(|(code, why)| unconfirmed(&blast.sender, &code, &why)) {
            return Err(AppError::Refused(why));
        }
        if command == BlastCommand::Resume && head.state == BlastState::Sending {
            return self.resume_sender(tx, &head, Launch { armed_for: armed_for(), ..launch }).await;
        }
        let waits = waits_for_its_time(&head, now)?;
        let command = if waits { BlastCommand::Schedule } else { command };
        require_startable(&mut tx, &head, (command, now)).await?;
        if let Some(obstacle) = obstacles.first() {
            return Err(AppError::Refused(obstacle.clone()));
        }
        let checked = counted.check(people, launch.people);
        self.refuse_others(&mut tx, (&blast, &head), (launch, command, now), checked).await?;
        let waited = pause::of(&mut tx, head.id).await?;
        let done = match command {
            BlastCommand::Schedule => blast::schedule(&mut tx, head.id, launch.version, self.operator()).await?,
            _ => blast::launch(&mut tx, head.id, launch.version, armed_for(), self.operator()).await?,
        };
        if !done {
            return Err(self.second_refusal(&mut tx, launch.blast, (command, now)).await?);
        }
        self.check_people(&mut tx, (&blast, launch.people), (&answered, capped.as_ref())).await?;
        local_time::set_due(&mut tx, head.id, &dues).await?;
        if let Some(text) = template.stored() {
            blast::set_template_text(&mut tx, head.id, &text).await?;
        }
        let detail = json!({ "people": people, (waited_as(&head)): waited, EARLY: is_early(&head, command) });
        self.log_blast_act(&mut tx, act.clone(), &head, detail).await?;
        // A stop of its sender stays: what lifts it has all that was launched of the sender go on, and asks for the number of all.
        tx.commit().await?;
        self.leave_out_after_launch(&blast).await;
        self.notify(head.id).await;
        self.blast(head.id).await.map_err(unread_after(started_in_words(&head, command)))
    }

    /// Leaves out who answered, and refuses whoever would get a second message by another launch at the same moment; and more people than
    /// were shown, as where an opt-out was lifted since they were counted. One fewer, who opted out since, is no surprise.
    async fn check_people(
        &self,
        tx: &mut PgConnection,
        (blast, shown): (&BlastRow, i64),
        (answered, capped): (&AnsweredSince, Option<&CappedAudience>),
    ) -> Result<(), AppError> {
        self.leave_out_answered(tx, blast.id, answered).await?;
        let queued = self.blast_row_in(&mut *tx, blast.id).await?.counts.queued;
        Counted::AtMost.check(queued - suppression::count_within(tx, blast.id).await?, shown)?;
        self.refuse_step_twice(tx, blast).await?;
        self.apply_cap(tx, capped).await
    }

    /// It is launched, whatever happens here.
    async fn leave_out_after_launch(&self, blast: &BlastRow) {
        // Whoever is suppressed is left out by the claim as well.
        if let Err(error) = claim::skip_suppressed(self.pool(), blast.id).await {
            tracing::warn!(%error, blast = blast.id.0, "who opted out earlier is not counted yet");
        }
    }

    /// Why a blast that is sending is not resumed: perhaps somebody was first, whose question was the same.
    pub(super) async fn why_not_resumed(&self, tx: &mut PgConnection, id: BlastId) -> Result<String, AppError> {
        let now = store::now(&mut *tx).await?;
        // Whoever was first may have been so since it was read.
        let head = self.head(tx, id).await?;
        let resumed = |act: &LoggedAction| act.action == Act::Resume && now - act.at < ANSWERED_LATELY;
        // Or it was an act on another blast that let their sender go on.
        let newest = match action::newest_start(tx, id).await?.filter(resumed) {
            None => action::newest_launch(tx, id).await?.filter(resumed),
            newest => newest,
        };
        let Some(act) = newest else { return Ok("the blast is sending: it was not paused".to_owned()) };
        let (name, by) = (name(&head), act.operator);
        Ok(match head.send_after.filter(|at| *at > now) {
            // Until then it can be stopped.
            Some(_) => format!("{name}: {by} resumed it already, nothing has been sent since"),
            None => format!("{name} is sending: {by} resumed it already"),
        })
    }
}

/// That a blast is started.
fn started_in_words(head: &BlastHead, command: BlastCommand) -> String {
    let done = match command {
        BlastCommand::Schedule => "scheduled",
        BlastCommand::Resume => "resumed",
        _ => "launched",
    };
    format!("{} is {done}", name(head))
}

/// How long a launch can be taken back from its transaction on: over a slow link what is still to come takes about as long as what came
/// before, and only then is it shown.
fn until_shown(armed_for: TimeDelta, took: Duration) -> TimeDelta {
    let took = TimeDelta::from_std(took.min(LINK_MAX)).unwrap_or_default();
    if armed_for.is_zero() || took < LINK_SLOW { armed_for } else { armed_for + took }
}

/// Why nothing is started for a sender that stopped since its database may have been restored: somebody has to confirm it first, which
/// says how many people become uncertain. `None` for a sender that is stopped for another reason.
pub(super) fn unconfirmed(sender: &str, code: &StopCode, why: &str) -> Option<String> {
    let name = sender.replace('\'', "'\\''");
    let confirm =
        format!("`blastdeck sender confirm '{name}'` says that it may go on, and how many become uncertain by it");
    (*code == StopCode::Restored).then(|| format!("sender {sender} is stopped: {why}. Nothing was started: {confirm}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_seconds_begin_when_a_slow_link_has_shown_them() {
        let until = |seconds, took| until_shown(TimeDelta::seconds(seconds), Duration::from_millis(took)).num_seconds();

        assert_eq!((until(10, 30), until(10, 4_000), until(10, 600_000)), (10, 14, 40));
        assert_eq!(until(0, 4_000), 0, "what begins at once");
    }
}
