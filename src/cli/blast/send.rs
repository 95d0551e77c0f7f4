//! `blast send|resume`: shows the plan, asks for the number of people, starts the blast, and makes sure that an engine
//! sends it.

use chrono::{DateTime, TimeDelta, Utc};
use color_eyre::{Report, Result};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::scheduled::{Starter, end_scheduled};
use self::stopped_sender::starts_with_sender;
use self::unread::{read_at_last, started_words};
use super::plan::{plan_with_steps, who_gets_one};
use super::refusal::named;
use super::taking_back::{Launched, distinct_name, taken_back};
use crate::app::view::BlastView;
use crate::app::{AppError, Launch, Plan, StartMismatch};
use crate::cli::Global;
use crate::cli::confirm::confirm_number;
use crate::cli::context::{Context, Intent, hand_over};
use crate::cli::exit::{RefusedError, unread_report};
use crate::cli::output::{json, talk};
use crate::domain::blast::{BlastCommand, BlastState};
use crate::domain::ids::BlastId;
use crate::domain::pace::Forecast;
use crate::domain::text;

mod scheduled;
mod stopped_sender;
mod unread;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SendArgs {
    /// The blast's id, as in `blast list`.
    blast: BlastId,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Do not ask, and send nothing unless exactly so many people get it.
    #[arg(long, value_name = "N", conflicts_with = "yes")]
    people: Option<u32>,
    /// Start no standby: something else runs the engine.
    #[arg(long)]
    no_engine: bool,
}

/// The same for a launch.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct LaunchArgs {
    #[command(flatten)]
    send: SendArgs,
    /// Send what is scheduled now, before its time.
    #[arg(long)]
    now: bool,
}

impl LaunchArgs {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let start = if self.now { StartKind::LaunchNow } else { StartKind::Launch };
        Box::pin(self.send.run(global, start)).await
    }
}

impl SendArgs {
    pub(super) const fn blast(&self) -> BlastId {
        self.blast
    }

    /// Whether nobody is asked: a script sends it.
    const fn is_sure(&self) -> bool {
        self.yes || self.people.is_some()
    }

    /// How long what was typed can be taken back; what a script starts begins at once.
    const fn armed_for(&self) -> TimeDelta {
        if self.is_sure() { TimeDelta::zero() } else { Launch::ARMED_FOR }
    }

    /// Refuses a launch of what is paused, and one that would do other than was said.
    fn check_start(&self, plan: &Plan, start: StartKind) -> Result<()> {
        let Plan { blast, people, .. } = plan;
        let (id, name) = (blast.id, blast.clean_name());
        let Some(is_now) = start.is_now() else { return Ok(()) };
        let why = match plan.start_mismatch(is_now) {
            Some(StartMismatch::Early) => {
                let by = blast.scheduled_by().map_or_else(String::new, |by| format!(", scheduled by {by}"));
                let sure = match self.people {
                    Some(_) => format!(" --people {people}"),
                    None if self.yes => " --yes".to_owned(),
                    None => String::new(),
                };
                let sends = format!("`blastdeck blast send {id} --now{sure}` sends it now");
                format!("{name} starts by itself{by}: nothing was done; {sends}")
            }
            Some(StartMismatch::Later) => format!(
                "{name} has a time, and nothing was done: `blastdeck blast send {id}` schedules it; `blastdeck blast edit {id} --clear at` \
                 takes the time away"
            ),
            None if blast.state == BlastState::Paused => {
                let does = if plan.start.is_some() { "schedules it again" } else { "resumes it" };
                format!("{name} is paused, and nothing was done: `blastdeck blast resume {id}` {does}")
            }
            None => return Ok(()),
        };
        Err(RefusedError(why).into())
    }

    /// Refuses where others get it than were expected.
    fn check_people(&self, people: i64) -> Result<()> {
        let Some(expected) = self.people.filter(|expected| i64::from(*expected) != people) else { return Ok(()) };
        Err(RefusedError(format!(
            "{} expected, and {} it: nothing was done",
            text::count_of(i64::from(expected), "person was", "people were"),
            text::count_of(people, "gets", "get")
        ))
        .into())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartKind {
    Launch,
    /// Launches now even if scheduled.
    LaunchNow,
    Resume,
}

impl StartKind {
    /// Whether a launch is to be one at once.
    const fn is_now(self) -> Option<bool> {
        match self {
            Self::Launch => Some(false),
            Self::LaunchNow => Some(true),
            Self::Resume => None,
        }
    }
}

impl SendArgs {
    pub(super) async fn run(self, global: &Global, start: StartKind) -> Result<()> {
        let context = Context::open(global, Intent::Writes).await?;
        let plan = self.plan(&context).await?;
        if start == StartKind::Resume && plan.blast.state == BlastState::Sending {
            return Box::pin(self.resume_sender(&context, &plan)).await;
        }
        let name = distinct_name(&context, &plan.blast).await;
        let (launch, shown) = self.ask(&context, &plan, start).await?;
        // From here on ctrl-c takes an armed launch back; nothing it interrupts starts unnoticed.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let started = match start {
            StartKind::Launch | StartKind::LaunchNow => context.app.launch(launch).await,
            StartKind::Resume => context.app.resume(launch).await,
        };
        let blast = match started {
            Err(AppError::Unread { done, .. }) if !self.is_sure() => {
                let launched = Launched { blast: &plan.blast, name: &name, start: None, is_stop_lifted: false };
                read_at_last(&context, (&launched, &done), &mut interrupt).await?
            }
            started => started.map_err(|refused| named(refused, &plan.blast))?,
        };
        if start == StartKind::Resume
            && blast.state == BlastState::Sending
            && let Ok(Some(why)) = context.app.stop_of(blast.sender_id).await
        {
            return self.end_behind_stop(&context, &plan, (&blast, &why));
        }
        if blast.state == BlastState::Scheduled
            && let Ok(Some(stop)) = context.app.stop_words_of(&blast).await
        {
            return end_scheduled(&context, &plan, (&blast, &name), (start, Starter::Stopped(stop)));
        }
        let act = context.app.start_of_blast(blast.id).await.ok().flatten();
        let launched = Launched { blast: &blast, name: &name, start: act, is_stop_lifted: false };
        let is_typed = !self.is_sure() && blast.state == BlastState::Sending;
        let until = blast.send_after.filter(|_| is_typed && !blast.is_behind_stop());
        if is_typed && !context.is_json {
            talk(&start_words(&context, &launched, until.map(|until| begins(&shown, until))));
        }
        let is_attended = self.attended(&context, &launched, (&mut interrupt, until)).await?;
        if blast.state == BlastState::Scheduled {
            let starter = if is_attended == Some(true) { Starter::Engine } else { Starter::None };
            return end_scheduled(&context, &plan, (&blast, &name), (start, starter));
        }
        if context.is_json {
            return json(&json!({ "id": blast.id, "state": blast.state, "people": plan.people }));
        }
        until_final(&context, &launched, (&mut interrupt, until)).await?;
        let is_attended = match is_attended {
            Some(is_attended) => is_attended,
            None => self.is_attended(&context, &blast).await.map_err(unread_report(started_words(&launched)))?,
        };
        // An engine that holds a stopped sender sends nothing either.
        let is_attended = is_attended && !blast.is_behind_stop();
        let farewell = farewell(&context, &plan, (&name, is_attended)).await;
        talk(&farewell.map_err(unread_report(started_words(&launched)))?);
        Ok(())
    }

    /// Shows the plan and asks for the number of people. Returns the plan that was shown as well.
    async fn ask(&self, context: &Context, plan: &Plan, start: StartKind) -> Result<(Launch, Plan)> {
        self.check_start(plan, start)?;
        possible(plan, start)?;
        // What starts by itself is confirmed as it goes now, not as it would go at its time.
        let shown = match start {
            StartKind::LaunchNow if !self.is_sure() => context.app.plan_at_once(self.blast, context.zone).await?,
            _ => plan.clone(),
        };
        if !self.is_sure() {
            talk(&plan_with_steps(context, &shown).await?);
        }
        let now = match &plan.start {
            Some(own) if start == StartKind::LaunchNow => {
                format!(", now and not {}", context.start(own.at, own.zone))
            }
            _ if start == StartKind::LaunchNow => ", now".to_owned(),
            _ => String::new(),
        };
        let question = format!("{}{now}.", who_gets_one(plan));
        self.check_people(plan.people)?;
        confirm_number(&question, plan.people, self.is_sure())?;
        let launch =
            Launch { blast: self.blast, version: plan.blast.version, people: plan.people, armed_for: self.armed_for() };
        Ok((launch, shown))
    }

    /// Nobody reads the plan of a script: its sender's health is not asked for.
    async fn plan(&self, context: &Context) -> Result<Plan> {
        if self.is_sure() {
            return Ok(context.app.plan(self.blast).await?);
        }
        Ok(context.app.plan_by_days_of(self.blast, Some(context.zone)).await?)
    }

    /// Whether an engine is sending the blast. Fails when one should and none is.
    async fn is_attended(&self, context: &Context, blast: &BlastView) -> Result<bool> {
        if self.no_engine {
            // With what starts later no engine begins yet, and no program is answered whether one does.
            let is_said = blast.state == BlastState::Sending && !context.is_json;
            let app = &context.app;
            return Ok(if is_said {
                app.is_sent_elsewhere(blast).await?
            } else {
                app.is_attended(blast.sender_id).await?
            });
        }
        hand_over(&context.app, blast).await?;
        Ok(true)
    }

    /// The same of what was just started, which ctrl-c takes back. `None`: the database is away, and until it can no longer be taken back an
    /// engine is looked for again.
    async fn attended(
        &self,
        context: &Context,
        launched: &Launched<'_>,
        (interrupt, until): (&mut Signal, Option<DateTime<Utc>>),
    ) -> Result<Option<bool>> {
        let attended = tokio::select! {
            attended = self.is_attended(context, launched.blast) => attended,
            _ = interrupt.recv() => return Err(launched.interrupted(context, interrupt).await),
        };
        match attended {
            Err(error) if until.is_some() && is_away(&error) => Ok(None),
            Err(error) if until.is_some() => Err(launched.unless_taken_back(context, error).await),
            attended => attended.map(Some).map_err(unread_report(started_words(launched))),
        }
    }
}

/// Waits until what was started cannot be taken back any more; fails where it was, by ctrl-c or by somebody else.
async fn until_final(
    context: &Context,
    launched: &Launched<'_>,
    (interrupt, until): (&mut Signal, Option<DateTime<Utc>>),
) -> Result<()> {
    let Some(until) = until else { return Ok(()) };
    tokio::select! {
        taken_back = taken_back(context, launched, until) => taken_back?.map_or(Ok(()), |why| Err(why.into())),
        _ = interrupt.recv() => Err(launched.interrupted(context, interrupt).await),
    }
}

/// Whether something failed only because the database does not answer.
fn is_away(error: &Report) -> bool {
    matches!(error.downcast_ref(), Some(AppError::Store(error)) if error.is_transient())
}

/// Describes the state as it is now, and promises no more.
async fn farewell(context: &Context, plan: &Plan, (name, is_attended): (&str, bool)) -> Result<String> {
    let people = text::people(plan.people);
    let whom = match plan.first.map(|first| first.people) {
        None => people.clone(),
        Some(0) => "nobody more before it waits for you".to_owned(),
        Some(first) => format!("the first {} of {people}, then it waits for you", text::number(first)),
    };
    let refused = match plan.no_session {
        0 => String::new(),
        refused => format!("\n{} of them {}", text::number(refused), Plan::NO_SESSION),
    };
    let begins = begins_now(context, plan).await?;
    let begun = if let Some(why) = plan.stopped.as_ref().filter(|_| !is_attended) {
        format!("{name} waits for sender {}, which is stopped: {why}: {people} queued", plan.blast.sender)
    } else if !is_attended {
        format!("{name} waits for an engine that sends for {}: {people} queued", plan.blast.sender)
    } else if begins - Utc::now() > TimeDelta::minutes(1) {
        let start = context.start(begins, context.app.clocks_of(&plan.blast));
        let why = context.pasteable(&format!("`blastdeck blast plan {}`", plan.blast.id));
        format!("{name} starts {start} and goes to {whom}: {why} says why then; `blastdeck` shows it live")
    } else {
        format!("sending `{name}` to {whom}; `blastdeck` shows it live")
    };
    Ok(begun + &refused)
}

/// When the first message of what was just launched goes. What would have started at a time starts now: the plan was of that time.
async fn begins_now(context: &Context, plan: &Plan) -> Result<DateTime<Utc>> {
    let now = Utc::now();
    Ok(match &plan.start {
        None => begins(plan, now),
        Some(_) => begins(&context.app.plan(plan.blast.id).await?, now),
    })
}

/// When the first message goes, by the forecast: not before the hours open, or a full day ends.
fn begins(plan: &Plan, earliest: DateTime<Utc>) -> DateTime<Utc> {
    let Forecast { today, tomorrow, later, .. } = plan.forecast;
    let first = [today, tomorrow, later].into_iter().flatten().next();
    first.map_or(earliest, |share| share.from.max(earliest))
}

/// When what was typed starts, and how to stop it until then. No time is known behind a stop of its sender.
fn start_words(context: &Context, launched: &Launched<'_>, at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(|| starts_with_sender(launched), |at| armed(context, launched, at))
}

/// Says how to stop a blast that is armed.
fn armed(context: &Context, launched: &Launched<'_>, begins: DateTime<Utc>) -> String {
    let (name, starts, id) = (launched.name, context.on_the_clock(begins), launched.blast.id);
    format!(
        "{name} starts {starts}; until then `blastdeck blast pause {id}` stops it, as ctrl-c does here and u in the dashboard"
    )
}

/// A refusal whose command can be pasted: the rule behind it knows no blast.
fn with_its_number(refused: AppError, id: BlastId) -> AppError {
    let AppError::Refused(why) = refused else { return refused };
    let named =
        |why: String, verb: &str| why.replace(&format!("`blast {verb}`"), &format!("`blastdeck blast {verb} {id}`"));
    AppError::Refused(["send", "resume"].into_iter().fold(why, named))
}

/// Refuses before asking anything.
fn possible(plan: &Plan, start: StartKind) -> Result<()> {
    let command = if start == StartKind::Resume { BlastCommand::Resume } else { BlastCommand::Launch };
    plan.in_state_for(command).map_err(|refused| with_its_number(named(refused, &plan.blast), plan.blast.id))?;
    if plan.repeat.is_some() && plan.blast.state == BlastState::Scheduled {
        let id = plan.blast.id;
        let why = format!(
            "it repeats by itself, and nothing is to be sent: `blastdeck blast schedule show {id}` shows its times, and \
             `blastdeck blast schedule skip {id}` leaves the next one out"
        );
        return Err(RefusedError(why).into());
    }
    Ok(plan.without_obstacle()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::blast::transition;

    #[test]
    fn a_draft_that_is_resumed_is_refused_with_the_command_that_sends_it() {
        let refused = transition(BlastState::Draft, BlastCommand::Resume).unwrap_err();
        let refused = with_its_number(AppError::Refused(refused.to_string()), BlastId(4));

        assert_eq!(refused.to_string(), "the blast is a draft: send it with `blastdeck blast send 4`");
    }
}
