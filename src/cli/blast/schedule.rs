//! `blast schedule`: blasts that repeat.

use std::fmt::Write;

use chrono_tz::Tz;
use clap::Subcommand;
use color_eyre::Result;
use serde_json::{Value, json};

use super::command::ConfirmArgs;
use super::send::{SendArgs, StartKind};
use super::show;
use crate::app::view::BlastView;
use crate::app::{OccurrenceRow, Plan, ScheduleView, SkippedOccurrence, unread_after};
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::cli::output::{json, talk, text};
use crate::cli::table::{TextAlign, render};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::text::{clean, number};
use crate::domain::waiting::Waiting;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ScheduleVerb {
    /// List the blasts that repeat, newest first, each with its next time and what became of the earlier ones.
    List,
    /// Show one: its next times, what the clocks do to them, and the blasts that were made.
    Show {
        /// The id of the blast that repeats.
        blast: BlastId,
    },
    /// Pause it: it makes no blasts until it is resumed.
    Pause {
        /// The id of the blast that repeats.
        blast: BlastId,
    },
    /// Resume it from its next time on. Asks for the number of people.
    Resume(SendArgs),
    /// Leave its next time out.
    Skip {
        /// The id of the blast that repeats.
        blast: BlastId,
    },
    /// End it for good. Blasts that it made are not touched.
    End(ConfirmArgs),
}

impl ScheduleVerb {
    pub(in crate::cli) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::List => list(global).await,
            Self::Show { blast } => show(global, blast).await,
            Self::Pause { blast } => {
                repeats(global, blast).await?;
                super::command::pause(global, blast).await
            }
            Self::Resume(verb) => {
                repeats(global, verb.blast()).await?;
                Box::pin(verb.run(global, StartKind::Resume)).await
            }
            Self::Skip { blast } => skip(global, blast).await,
            Self::End(sure) => {
                repeats(global, sure.blast()).await?;
                sure.cancel(global).await
            }
        }
    }
}

/// Refuses a blast that does not repeat.
async fn repeats(global: &Global, blast: BlastId) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    context.app.schedule(blast).await?;
    context.app.close().await;
    Ok(())
}

fn as_json(context: &Context, schedule: &ScheduleView) -> Value {
    let ScheduleView { blast, repeat, zone, next, made, missed, skipped, last_missed, clock_notes, .. } = schedule;
    let waiting = blast.waiting.as_ref().map(|waiting| show::waiting_json(context, blast, waiting));
    json!({
        "id": blast.id, "tag": blast.tag, "state": blast.state, "state_reason": blast.state_reason, "sender": blast.sender,
        "repeat": repeat.rule, "timezone": zone.name(), "until": repeat.until, "times": repeat.times, "seen": repeat.seen,
        "at_most": repeat.at_most, "from": blast.origin.segment, "next": next, "made": made, "missed": missed,
        "skipped": skipped, "last_missed": last_missed, "clock_notes": clock_notes, "waiting": waiting,
    })
}

async fn list(global: &Global) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    let schedules = context.app.schedules().await?;
    if context.is_json {
        return schedules.iter().try_for_each(|schedule| json(&as_json(&context, schedule)));
    }
    let header =
        ["blast", "name", "repeats", "state", "next", "made", "missed", "skipped"].map(|name| (name, TextAlign::Left));
    let row = |schedule: &ScheduleView| {
        let blast = &schedule.blast;
        vec![
            blast.id.to_string(),
            blast.tag.clone(),
            rule_with_zone(schedule),
            blast.state_words().to_owned(),
            next_words(&context, schedule),
            number(schedule.made),
            number(schedule.missed),
            number(schedule.skipped),
        ]
    };
    text(&render(&header, &schedules.iter().map(row).collect::<Vec<_>>()))
}

/// Its next time, and that it waits then where its sender is stopped; of one that is paused or a draft, what that is once it is resumed or
/// sent; of one that made no blast when it came, why.
fn next_words(context: &Context, schedule: &ScheduleView) -> String {
    let Some(next) = schedule.next.first() else { return "-".to_owned() };
    let next = context.start(*next, schedule.zone);
    match schedule.blast.state {
        BlastState::Paused => format!("paused; once resumed {next}"),
        BlastState::Draft => format!("once sent {next}"),
        _ if not_made(&schedule.blast).is_some() => format!("{next}, not made{}", why_words(context, schedule)),
        _ if schedule.blast.is_behind_stop() => format!("{next}, {}", Plan::NOT_BEHIND_STOP),
        _ => next,
    }
}

/// Why no blast was made of a time that came, also while its sender is stopped, which is what it waits for then.
fn not_made(blast: &BlastView) -> Option<&str> {
    let is_due = blast.state == BlastState::Scheduled && blast.origin.repeat.rule.is_some();
    blast.state_reason.as_deref().filter(|_| is_due)
}

/// What is done about that.
pub(super) fn mend_of_not_made(context: &Context, blast: &BlastView) -> Option<String> {
    let waiting = Waiting::NotMade { why: not_made(blast)?.to_owned() };
    context.app.mend_of(blast, &waiting).map(|mend| context.pasteable(&mend))
}

/// Why it stands as it does, behind a colon.
fn why_words(context: &Context, schedule: &ScheduleView) -> String {
    let why = schedule.blast.state_reason.as_deref();
    why.map_or_else(String::new, |why| format!(": {}", clean(&context.pasteable(why))))
}

/// `every mon 09:00 (Asia/Kuala_Lumpur)`.
pub(super) fn rule_of_zone(rule: &str, zone: Tz) -> String {
    format!("{rule} ({zone})")
}

fn rule_with_zone(schedule: &ScheduleView) -> String {
    rule_of_zone(&rule(schedule), schedule.zone)
}

fn rule(schedule: &ScheduleView) -> String {
    schedule.repeat.rule.clone().unwrap_or_default()
}

async fn show(global: &Global, id: BlastId) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    let (schedule, occurrences) = context.app.schedule(id).await?;
    if context.is_json {
        let mut value = as_json(&context, &schedule);
        value["occurrences"] = json!(occurrences);
        return json(&value);
    }
    text(&show_text(&context, &schedule, &occurrences))
}

fn show_text(context: &Context, schedule: &ScheduleView, occurrences: &[OccurrenceRow]) -> String {
    let mut out = String::new();
    let ScheduleView { blast, repeat, zone, next, clock_notes, .. } = schedule;
    let _ = writeln!(out, "blast {}  {}  {} ({zone})", blast.id, clean(&blast.tag), rule(schedule));
    let _ = writeln!(out, "  state    {}{}", blast.state_words(), why_words(context, schedule));
    if let Some(mend) = mend_of_not_made(context, blast) {
        let _ = writeln!(out, "  fix      {mend}");
    }
    if let Some(at_most) = repeat.at_most {
        let _ = writeln!(out, "  at most  {} at a time without asking", number(at_most.into()));
    }
    if let Some(day) = schedule.last_day {
        let _ = writeln!(out, "  until    {}", day.format("%-d %b %Y"));
    }
    if let Some(times) = repeat.times {
        let _ = writeln!(out, "  times    {} of {}", repeat.seen, times);
    }
    let once = match schedule.blast.state {
        BlastState::Paused => ", once it is resumed".to_owned(),
        BlastState::Draft => ", once it is sent".to_owned(),
        _ if blast.is_behind_stop() => format!(", {}", Plan::NOT_BEHIND_STOP),
        _ => String::new(),
    };
    for (n, at) in next.iter().enumerate() {
        let once = if n == 0 && not_made(blast).is_some() { ", not made yet" } else { once.as_str() };
        let _ = writeln!(out, "  next     {}{once}", context.start(*at, *zone));
    }
    for note in clock_notes {
        let _ = writeln!(out, "  clocks   {note}");
    }
    for occurrence in occurrences {
        let blast = occurrence.blast.map_or_else(String::new, |blast| format!("  blast {blast}"));
        let outcome = show::outcome(occurrence.outcome);
        let _ = writeln!(out, "  {:<7}  {}{blast}", outcome, context.start(occurrence.at, *zone));
    }
    let come = schedule.made + schedule.missed + schedule.skipped;
    if let earlier @ 1.. = come - i64::try_from(occurrences.len()).unwrap_or(i64::MAX) {
        let _ = writeln!(out, "  and {} more before these", number(earlier));
    }
    out
}

async fn skip(global: &Global, id: BlastId) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    let SkippedOccurrence { at, next } = context.app.skip_occurrence(id).await?;
    if context.is_json {
        return json(&json!({ "id": id, "skipped": at, "next": next }));
    }
    let (schedule, _) = context.app.schedule(id).await.map_err(unread_after("that time is left out"))?;
    let time = |at| context.start(at, schedule.zone);
    let then = next
        .map_or_else(|| "that was its last, and it is over".to_owned(), |next| format!("the next is {}", time(next)));
    talk(&format!("{} on {} is left out: {then}", schedule.blast.clean_name(), time(at)));
    Ok(())
}

/// What a pause of a blast that repeats comes to.
pub(super) async fn paused_words(context: &Context, id: BlastId) -> Result<String> {
    let (schedule, _) = context.app.schedule(id).await?;
    let rule = rule_with_zone(&schedule);
    let next = schedule.next.first().map(|at| format!("; the next would be {}", context.start(*at, schedule.zone)));
    Ok(format!(
        "{} is paused: none of its times ({rule}) makes a blast until `blastdeck blast schedule resume {id}` resumes it{}",
        schedule.blast.clean_name(),
        next.unwrap_or_default()
    ))
}
