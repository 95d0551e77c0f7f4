//! `blast show`: shows one blast.

use std::fmt::{self, Write};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use color_eyre::Result;
use serde_json::{Value, json};

use super::schedule::{mend_of_not_made, rule_of_zone};
use super::step;
use crate::app::report::{later, unasked_words};
use crate::app::view::{BlastView, LeaseRow, ReplyCounts};
use crate::app::{OccurrenceOutcome, StepView};
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::cli::output::{json, text};
use crate::domain::act::Actor;
use crate::domain::amount::as_kept;
use crate::domain::blast::BlastState;
use crate::domain::engine_role::EngineRole;
use crate::domain::ids::BlastId;
use crate::domain::pace::LimitColumns;
use crate::domain::pricing::MessageCharges;
use crate::domain::status::Status;
use crate::domain::text::{clean, clean_shown, number, span_words};
use crate::domain::waiting::Waiting;

pub(super) async fn show(global: &Global, id: BlastId) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    let blast = context.app.blast(id).await?;
    print(&context, &blast).await
}

/// Prints all that is known of a blast.
pub(super) async fn print(context: &Context, blast: &BlastView) -> Result<()> {
    let (replies, charges) = (context.app.reply_counts(blast.id).await?, context.app.charges(blast.id).await?);
    let (lease, steps) = (lease(context, blast).await?, context.app.steps_of(blast).await?);
    if context.is_json {
        let mut value = as_json(context, blast);
        let role = |lease: &LeaseRow| lease.role.map(EngineRole::word);
        value["engine"] = json!(lease.as_ref().map(|lease| json!({ "role": role(lease), "host": lease.host })));
        value["replies"] = json!(replies);
        value["charges"] = json!(charges);
        value["steps"] = steps.iter().map(step::as_json).collect();
        value["message"] = json!(blast.message);
        value["template"] = json!(blast.template);
        value["limits"] = limits_json(&blast.limits);
        return json(&value);
    }
    text(&show_text(context, blast, &BlastExtras { replies, charges, lease, steps }))
}

/// What is known of a blast beside its view.
struct BlastExtras {
    replies: ReplyCounts,
    charges: MessageCharges,
    lease: Option<LeaseRow>,
    steps: Vec<StepView>,
}

/// Who sends it, while it is being sent.
async fn lease(context: &Context, blast: &BlastView) -> Result<Option<LeaseRow>> {
    if blast.state != BlastState::Sending {
        return Ok(None);
    }
    let senders = context.app.senders().await?;
    Ok(senders.into_iter().find(|sender| sender.id == blast.sender_id).and_then(|sender| sender.lease))
}

/// A blast as JSON, the same in every verb.
pub(super) fn as_json(context: &Context, blast: &BlastView) -> Value {
    json!({
        "id": blast.id, "tag": blast.tag, "follow_up_stage": blast.follow_up_stage, "state": blast.state,
        "sender": blast.sender, "total_recipients": blast.total_recipients, "blast_date": blast.blast_date,
        "scheduled_for": blast.scheduled_for, "launched_at": blast.launched_at, "completed_at": blast.completed_at, "created_at": blast.created_at,
        "counts": blast.counts, "funnel": blast.counts.funnel(), "stuck": blast.stuck(),
        "unasked": blast.unasked.number(),
        "opted_out_later": blast.opted_out_later, "held_by_meta": blast.counts.held_by_meta,
        "amount": as_kept(blast.counts.amount), "state_reason": blast.state_reason,
        "state_by": blast.state_by,
        "waiting": blast.waiting.as_ref().map(|waiting| waiting_json(context, blast, waiting)),
        "done_at": blast.estimate.done_at, "per_hour": blast.estimate.per_hour,
        "from": blast.origin.segment, "repeat": blast.origin.repeat.rule, "pattern": blast.origin.pattern,
        "occurrence_at": blast.origin.occurrence_at, "follows": blast.follows, "step": blast.origin.step,
        "local_time": blast.origin.local_time.map(|time| time.format("%H:%M").to_string()),
        "window_local": blast.origin.window_local, "retry_next_day": blast.retry_next_day,
        "first": blast.first.people.map(|people| json!({ "people": people, "left": blast.first.left })),
    })
}

/// Its own limits, each as an option of `blast edit` takes it.
fn limits_json(limits: &LimitColumns) -> Value {
    fn own<T: fmt::Display, E>(limit: Option<&Result<T, E>>) -> Option<String> {
        limit?.as_ref().ok().map(ToString::to_string)
    }
    json!({
        "rate": own(limits.rate.as_ref()), "gap": own(limits.gap.as_ref()), "window": own(limits.hours.as_ref()),
        "weekdays": own(limits.weekdays.as_ref()), "timezone": own(limits.zone.as_ref()),
    })
}

/// The reason's code and facts, with the sentence, the end and the fix that every interface shows. Their command lines can be pasted.
pub(super) fn waiting_json(context: &Context, blast: &BlastView, waiting: &Waiting) -> Value {
    let mut value = json!(waiting);
    if let Value::Object(fields) = &mut value {
        let moment = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        fields.insert("text".to_owned(), json!(context.pasteable(&waiting.sentence(moment))));
        fields.insert("until".to_owned(), json!(waiting.until()));
        let mend = context.app.mend_of(blast, waiting).map(|mend| context.pasteable(&mend));
        fields.insert("mend".to_owned(), json!(mend));
    }
    value
}

fn show_text(context: &Context, blast: &BlastView, also: &BlastExtras) -> String {
    let mut out = String::new();
    let funnel = blast.counts.funnel();
    let _ = writeln!(out, "blast {}  {}  {}", blast.id, clean(&blast.tag), clean(&blast.follow_up_stage));
    let _ = writeln!(out, "  state    {}{}", blast.shown_state(Utc::now()), because(blast));
    show_origin(&mut out, context, blast);
    let _ = writeln!(out, "  sender   {}", blast.sender);
    let _ = writeln!(out, "  date     {}", date_words(context, blast));
    let _ = writeln!(
        out,
        "  funnel   sent {}  received {}  read {}  replied {}  closed {}",
        number(funnel.sent),
        number(funnel.received),
        number(funnel.read),
        number(funnel.replied),
        number(funnel.closed)
    );
    show_others(&mut out, blast);
    if also.replies.replies > 0 {
        let _ = writeln!(out, "  replies  {}", also.replies);
    }
    if !also.charges.is_empty() {
        let _ = writeln!(out, "  charged  {}", also.charges);
    }
    if let Some(lease) = &also.lease {
        let _ = writeln!(out, "  engine   {}", clean(&lease.to_string()));
    }
    if blast.unasked.number() > 0 {
        let _ = writeln!(out, "  unasked  {}", unasked_words(blast.unasked.number()));
    }
    if let Some(waiting) = &blast.waiting {
        let left = waiting.until().map(|until| until - Utc::now()).filter(|left| *left >= TimeDelta::minutes(1));
        let left = left.map(|left| format!(", in {}", span_words(left))).unwrap_or_default();
        let sentence = match waiting {
            Waiting::Scheduled { until } => format!("starts {}", context.start(*until, context.app.clocks_of(blast))),
            _ => wait_words(context, blast, waiting),
        };
        let _ = writeln!(out, "  now      {}{left}", clean(&context.pasteable(&sentence)));
        if let Some(mend) = context.app.mend_of(blast, waiting) {
            let _ = writeln!(out, "  fix      {}", context.pasteable(&mend));
        }
    }
    // Behind a stop of its sender that is what it waits for, and this is to be seen to all the same.
    if let Some(mend) = mend_of_not_made(context, blast).filter(|_| !blast.is_not_made()) {
        let _ = writeln!(out, "  fix      {mend}");
    }
    if let Some(mend) = blast.paused_mend() {
        let _ = writeln!(out, "  fix      {}", context.pasteable(&mend));
    }
    if let Some(limits) = limits_words(blast) {
        let _ = writeln!(out, "  limits   {limits}");
    }
    if let Some(done) = blast.estimate.done_at {
        let _ = writeln!(out, "  done     about {}", context.when(Some(done)));
    }
    out.push_str(&step::lines(context, &also.steps));
    let _ = writeln!(out, "  message  {}", clean_shown(&blast.message.replace('\n', " / ")));
    out
}

/// What it waits for, and until when.
pub(super) fn wait_words(context: &Context, blast: &BlastView, waiting: &Waiting) -> String {
    let clocks = (context.app.known_clocks_of(blast), context.zone);
    waiting.sentence_by(clocks, |at| context.moment(at))
}

/// Its own limits, where it has any. What cannot be read is what it waits for, where it waits.
fn limits_words(blast: &BlastView) -> Option<String> {
    let limits = &blast.limits;
    if let Some(unreadable) = limits.unreadable() {
        return blast.waiting.is_none().then(|| clean(&unreadable.to_string()).into_owned());
    }
    let zone = limits.own_zone().map_or_else(String::new, |zone| format!(", by the clocks of {zone}"));
    (*limits != LimitColumns::default()).then(|| format!("{}{zone}", limits.words()))
}

/// When it was sent, or by its own clocks when it starts.
pub(super) fn date_words(context: &Context, blast: &BlastView) -> String {
    match blast.scheduled_for {
        // A draft is listed by the day that it was made on, and starts by itself only once it is sent.
        Some(at) if blast.state == BlastState::Draft => {
            format!("once sent {}", context.start(at, context.app.clocks_of(blast)))
        }
        Some(at) if at == blast.blast_date => context.start(at, context.app.clocks_of(blast)),
        _ => context.when(Some(blast.blast_date)),
    }
}

/// What it repeats or comes from, and the filter that finds its people.
fn show_origin(out: &mut String, context: &Context, blast: &BlastView) {
    if let Some(words) = blast.schedule_words() {
        let repeats = blast.origin.repeat.rule.is_some();
        let words = if repeats { rule_of_zone(&words, context.app.clocks_of(blast)) } else { words };
        let _ = writeln!(out, "  times    {words}");
    }
    if let Some(filter) = &blast.origin.segment {
        let _ = writeln!(out, "  from     {}", clean(filter));
    }
}

/// Who is not in the funnel, and whom Meta holds back.
fn show_others(out: &mut String, blast: &BlastView) {
    let others =
        [Status::Queued, Status::Sending, Status::Uncertain, Status::Failed, Status::OptedOut, Status::Skipped];
    let later = later(blast.opted_out_later);
    let count = |status: &Status| match status {
        Status::OptedOut => format!("{status} {}{later}", number(blast.counts.get(*status))),
        _ => format!("{status} {}", number(blast.counts.get(*status))),
    };
    let others: Vec<String> = others.iter().map(count).collect();
    let _ = writeln!(out, "  also     {}", others.join("  "));
    if blast.counts.held_by_meta > 0 {
        let held = number(blast.counts.held_by_meta);
        let _ = writeln!(
            out,
            "  held     {held} at sent are held by Meta: it sends them later, or reports that it does not"
        );
    }
}

fn because(blast: &BlastView) -> String {
    let held = matches!(blast.state, BlastState::Paused | BlastState::Cancelled | BlastState::Failed);
    // What the engine asks says so by itself.
    let somebody = blast.state_by.as_ref().filter(|by| held && **by != Actor::Engine);
    let by = somebody.map_or_else(String::new, |by| format!(" by {}", clean(by.name())));
    // Why no blast was made of its time is what it waits for.
    let why = blast.state_reason.as_deref().filter(|_| !blast.is_not_made());
    let why = why.map_or_else(String::new, |reason| format!(": {}", clean(reason)));
    format!("{by}{why}")
}

/// What became of a time of a blast that repeats.
pub(super) const fn outcome(outcome: OccurrenceOutcome) -> &'static str {
    match outcome {
        OccurrenceOutcome::Made => "made",
        OccurrenceOutcome::Missed => "missed",
        OccurrenceOutcome::Skipped => "skipped",
    }
}
