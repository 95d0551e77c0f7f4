//! `blast plan`: what a send would do, as text and as JSON, and who is left out of it.

mod left_out;
mod starts;

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use color_eyre::Result;
use serde_json::{Value, json};

pub(super) use self::left_out::left_out;
use self::starts::start_words;
use super::schedule::rule_of_zone;
use super::step;
use crate::app::{
    FirstShare, HealthCheck, KnownHealth, Plan, PlannedRepeat, Sample, SegmentCount, ZoneShare, sharing_lines,
};
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::cli::output::{json, text};
use crate::domain::filter::in_words;
use crate::domain::ids::BlastId;
use crate::domain::pace::{Forecast, ForecastShare, Speed};
use crate::domain::text::{clean, clean_shown, count_of, grouped, number, people};
use crate::domain::waiting::hours_with_city;
use crate::domain::zone::words::{by_own_clocks_first, city, has_same_time};

/// The most reasons for rows that were left out.
const REASONS_MAX: usize = 4;

pub(super) async fn plan(global: &Global, id: BlastId) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    let days = (!context.is_json).then_some(context.zone);
    let plan = context.app.plan_by_days_of(id, days).await?;
    if !context.is_json {
        return text(&plan_with_steps(&context, &plan).await?);
    }
    let steps = context.app.steps_of(&plan.blast).await?;
    let mut value = plan_json(&plan);
    value["sender_limits"] = json!(context.app.limit_keys(&plan));
    value["steps"] = steps.iter().map(step::as_json).collect();
    json(&value)
}

/// The plan as text, and the follow-ups that make themselves.
pub(super) async fn plan_with_steps(context: &Context, plan: &Plan) -> Result<String> {
    let steps = context.app.steps_of(&plan.blast).await?;
    Ok(format!("{}{}", plan_text(context, plan), step::lines(context, &steps)))
}

fn health_json(known: &KnownHealth) -> Value {
    let check = |check: &HealthCheck| json!({ "detail": check.detail, "is_good": check.is_good, "at": check.at });
    json!({
        "check": known.check.as_ref().map(check), "last_sent": known.last_sent,
        "database_clock_ahead_ms": known.skew.map(|skew| skew.num_milliseconds()),
    })
}

/// What is known of the sender's health, a line each.
fn health_text(context: &Context, plan: &Plan) -> String {
    let known = plan.sender_health.as_ref().map(|known| {
        let check =
            known.check.as_ref().map_or("not checked: its provider did not answer in time", |check| &check.detail);
        let last = known.last_sent.map(|at| format!("last sent {}", context.when(Some(at))));
        let last = last.unwrap_or_else(|| "nothing sent yet".to_owned());
        format!("{check}; {last}; {}", known.clock_words())
    });
    let words = known.iter().chain(&plan.health);
    words.fold(String::new(), |mut out, words| {
        let _ = writeln!(out, "  health    {}", clean(&context.pasteable(words)));
        out
    })
}

fn repeat_json(repeat: &PlannedRepeat) -> Value {
    json!({
        "rule": repeat.rule, "next": repeat.next, "ends": repeat.ends, "clock_notes": repeat.clock_notes, "at_most": repeat.at_most,
    })
}

/// How many people one of its times goes to without asking. A pattern that has nobody when it is sent is confirmed for one.
fn at_most_words(at_most: Option<i32>, people: i64) -> String {
    let words = match (at_most, people) {
        (Some(at_most), _) => format!("{} at a time", number(at_most.into())),
        (None, 0) => "1 at a time, as nobody is in it yet".to_owned(),
        (None, _) => "as many at a time as you confirm".to_owned(),
    };
    format!("{words}; a time with more people waits for you")
}

fn repeat_text(context: &Context, plan: &Plan, repeat: &PlannedRepeat) -> String {
    let condition = plan.start_condition().map_or_else(String::new, |condition| format!(", {condition}"));
    let mut out = format!("  repeats   {}{condition}\n", rule_of_zone(&repeat.rule, repeat.zone));
    if repeat.next.is_empty() {
        return out;
    }
    for at in &repeat.next {
        let _ = writeln!(out, "  next      {}", context.start(*at, repeat.zone));
    }
    if let Some(ends) = &repeat.ends {
        let _ = writeln!(out, "  ends      {ends}");
    }
    for note in &repeat.clock_notes {
        let _ = writeln!(out, "  clocks    {note}");
    }
    let _ = writeln!(out, "  at most   {}", at_most_words(repeat.at_most, plan.people));
    out
}

fn zones_json(zones: &[ZoneShare]) -> Value {
    let zone = |share: &ZoneShare| {
        let ZoneShare { zone, people, from, until } = share;
        json!({ "zone": zone.name(), "people": people, "from": from, "until": until })
    };
    zones.iter().map(zone).collect()
}

/// The day by zones: when each begins by its own clock and by ours.
fn zones_text(context: &Context, zones: &[ZoneShare]) -> String {
    let mut out = String::new();
    for ZoneShare { zone, people, from, until } in zones {
        let own = from.with_timezone(zone).format("%-d %b %H:%M");
        let until = until.map_or_else(String::new, |until| format!(", until about {}", context.when(Some(until))));
        let here = if has_same_time(*zone, context.zone, *from) { "" } else { " here" };
        let from = context.when(Some(*from));
        let _ = writeln!(out, "{:>10} {own} in {zone}: from {from}{here}{until}", number(*people));
    }
    out
}

fn segment_json(segment: &SegmentCount) -> Value {
    let left_out = segment.left_out.iter().map(|(reason, people)| (reason.key().to_owned(), json!(people)));
    json!({ "from": segment.from, "finds": segment.finds, "left_out": left_out.collect::<serde_json::Map<_, _>>() })
}

/// Whom the filter of a draft finds now, a line each.
fn segment_text(segment: &SegmentCount) -> String {
    let mut out = format!("  from      {}: finds {}\n", clean(&in_words(&segment.from)), people(segment.finds));
    for (reason, people) in &segment.left_out {
        let _ = writeln!(out, "{:>6} left out: {}", number(*people), reason.words());
    }
    out
}

fn plan_json(plan: &Plan) -> Value {
    let sample = |sample: &Sample| {
        let Sample { which, phone, name, row, text, .. } = sample;
        json!({ "which": which, "phone": phone.to_string(), "phone_number": phone, "name": name, "row": row, "text": text })
    };
    let Forecast { today, tomorrow, later, done_at } = plan.forecast;
    json!({
        "id": plan.blast.id, "state": plan.blast.state, "sender": plan.blast.sender, "people": plan.people, "suppressed": plan.suppressed, "uncertain": plan.uncertain(),
        "zones": zones_json(&plan.zones), "repeat": plan.repeat.as_ref().map(repeat_json), "segment": plan.segment.as_ref().map(segment_json), "had_this_message": plan.had_this_message, "recently_messaged": plan.recently_messaged, "queued_elsewhere": plan.queued_elsewhere,
        "wrote": plan.wrote, "also_stuck": plan.also_stuck.map_or(0, |also| also.people), "two_numbers": plan.two_numbers, "no_session": plan.no_session, "pace": plan.pace, "health": plan.health, "sender_health": plan.sender_health.as_deref().map(health_json),
        "unusual_lengths": plan.doubtful.unusual_lengths, "unclear_opt_outs": plan.doubtful.unclear_opt_outs, "read_from": plan.read_from,
        "left_out": plan.left_out.as_ref().map(|left_out| json!({ "total": left_out.total, "reasons": left_out.reasons })),
        "starts_at": plan.start.as_ref().map(|start| start.at), "start_note": plan.start.as_ref().and_then(|start| start.note.as_deref()),
        "window": plan.window, "falls_behind": plan.falls_behind(), "left_today": plan.left_today.map(|left| left.messages),
        "people_limit": plan.people_limit.as_ref().map(|people| json!({ "limit": people.limit, "left": people.left() })), "shared_with": plan.shared_with,
        "first": plan.first.map(|first| json!({ "people": first.people, "until": first.until })),
        "today": today, "tomorrow": tomorrow, "later": later,
        "done_at": done_at, "stopped": plan.stopped, "text_note": plan.text_note(), "obstacles": plan.obstacles,
        "samples": plan.samples.iter().map(sample).collect::<Vec<_>>(),
    })
}

/// `1 person gets one message, from sales`; of what repeats, each time.
pub(super) fn who_gets_one(plan: &Plan) -> String {
    if plan.people == 0 {
        let now = if plan.repeat.is_some() { " as of now" } else { "" };
        return format!("nobody gets a message{now}, from {}", plan.blast.sender);
    }
    let who = count_of(plan.people, "person gets one message", "people get one message each");
    let again = match (&plan.repeat, plan.people) {
        (None, _) => "",
        (Some(_), 1) => " each time",
        (Some(_), _) => ", each time",
    };
    format!("{who}{again}, from {}", plan.blast.sender)
}

/// The plan as text, with only the lines that matter.
pub(super) fn plan_text(context: &Context, plan: &Plan) -> String {
    if let (true, Some(why)) = (plan.blast.state.is_over(), plan.obstacles.first()) {
        return format!("nobody gets a message: {}\n", clean(&context.pasteable(why)));
    }
    let mut out = String::new();
    let _ = writeln!(out, "{}", who_gets_one(plan));
    out.push_str(&plan.segment.as_ref().map_or_else(String::new, segment_text));
    let about = [
        (plan.suppressed, "left out: they opted out"),
        (plan.uncertain(), Plan::UNCERTAIN),
        (plan.had_this_message, Plan::HAD_THIS),
        (plan.recently_messaged, "had, or may have had, a message from us in the last 7 days"),
        (plan.queued_elsewhere, "still queued in another blast: would get both"),
        (plan.wrote, Plan::WROTE),
        (plan.two_numbers, Plan::TWO_NUMBERS),
        (plan.no_session, Plan::NO_SESSION),
    ];
    for (people, what) in about.into_iter().filter(|(people, _)| *people > 0) {
        let _ = writeln!(out, "{:>6} {what}", number(people));
    }
    if let Some(also) = plan.also_stuck {
        let _ = writeln!(out, "  follows   {}", also.in_words(&format!("blast {}", also.blast)));
    }
    if let Some(left_out) = &plan.left_out {
        let words = left_out.in_words(REASONS_MAX);
        let _ = writeln!(out, "{:>6} {}: {}", left_out.total, plan.left_out_of(), clean(&words));
    }
    if let Some(list) = &plan.read_from {
        let _ = writeln!(out, "  list      {}", clean(list));
    }
    for rows in &plan.doubtful.unclear_opt_outs {
        let _ = writeln!(out, "  opt-outs  {}", clean(&rows.in_words()));
    }
    if let Some(words) = plan.doubtful.unusual_lengths.in_words() {
        let _ = writeln!(out, "  numbers   {words}");
    }
    out.push_str(&pace_text(context, plan));
    out.push_str(&health_text(context, plan));
    if let Some(words) = plan.text_note() {
        let _ = writeln!(out, "  text      {}", clean(&words));
    }
    for sample in &plan.samples {
        let (which, phone, who) = (sample.which, &sample.phone, sample.name.as_deref().unwrap_or("no name"));
        let text = sample.text.replace('\n', " / ");
        let _ = writeln!(out, "  {which}: {phone} {}: {}", clean_shown(who), clean_shown(&text));
    }
    for obstacle in &plan.obstacles {
        let _ = writeln!(out, "  not now: {}", clean(&context.pasteable(obstacle)));
    }
    out
}

/// Where the sender's limits are set, or that they are not.
fn configured(context: &Context, plan: &Plan) -> String {
    let (sender, keys) = (&plan.blast.sender, context.app.limit_keys(plan));
    let (unset, set): (Vec<&str>, Vec<&str>) = keys.into_iter().partition(|key| context.app.is_unset(sender, key));
    let set = (!set.is_empty()).then(|| format!("config: {} of [[senders]] {}", set.join(", "), clean(sender)));
    let unset = (!unset.is_empty())
        .then(|| format!("default: {} is not set for [[senders]] {}", unset.join(" and "), clean(sender)));
    let places: Vec<String> = set.into_iter().chain(unset).collect();
    if places.is_empty() { String::new() } else { format!(" ({})", places.join("; ")) }
}

/// In a rehearsal the rate or the gap is by its own time, and what comes of it in an hour by the clock's.
fn at_speed(speed: Speed) -> String {
    if speed == Speed::REAL { String::new() } else { format!(", for time runs {speed} times as fast ([engine] speed)") }
}

/// Of a blast that waits after its first people: how many they are, and until when.
fn first_text(context: &Context, plan: &Plan, FirstShare { people, until }: FirstShare) -> String {
    let until = until.map_or_else(String::new, |until| format!(", until about {}", context.when(Some(until))));
    let all = number(plan.people);
    let first = match people {
        0 => "nobody more before it waits for you: the last of its first people are in flight".to_owned(),
        _ => format!("{} of {all} first{until}; then it waits for you", number(people)),
    };
    format!("  first     {first}. If it goes on at once, all {all} go like this:\n")
}

/// The pace, the sending hours, and the forecast per day.
fn pace_text(context: &Context, plan: &Plan) -> String {
    let mut out = plan.repeat.as_ref().map_or_else(String::new, |repeat| repeat_text(context, plan, repeat));
    if let Some(start) = &plan.start {
        let _ = writeln!(out, "  starts    {}", start_words(context, plan, start));
    }
    // Of a sender that is not configured here it is not known.
    if !plan.pace.is_empty() {
        let speed = at_speed(context.app.config().engine.speed);
        let _ = writeln!(out, "  pace      {}{speed}{}", plan.pace, configured(context, plan));
    }
    if let Some(hours) = hours_text(context, plan) {
        let _ = writeln!(out, "  hours     {hours}");
    }
    if let Some(left) = plan.left_today {
        let words = left.sentence_in(context.zone, &context.when(Some(left.until)));
        let _ = writeln!(out, "  limit     {words}");
    }
    if let Some(people) = &plan.people_limit {
        let (left, limit) = (number(people.left().into()), number(people.limit.into()));
        let _ = writeln!(out, "  people    {left} left of Meta's {limit} in 24 hours, for all numbers of the business");
    }
    for words in sharing_lines(plan, context.zone, |at| context.when(Some(at))) {
        let _ = writeln!(out, "  shared    {}", clean(&words));
    }
    if let Some(why) = &plan.stopped {
        let _ = writeln!(out, "  stopped   the sender sends nothing until this is fixed: {}", clean(why));
        return out;
    }
    out.extend(plan.first.map(|first| first_text(context, plan, first)));
    let Forecast { today, tomorrow, later, done_at } = plan.forecast;
    let here = |at: DateTime<Utc>| at.with_timezone(&context.zone).date_naive();
    let is_other_day = today.is_some_and(|share| here(share.from) != here(Utc::now()));
    let days = plan.left_today.filter(|_| is_other_day || tomorrow.is_some() || later.is_some());
    if let Some(days) = days.and_then(|left| left.days_in(context.zone)) {
        let _ = writeln!(out, "  {days}:");
    }
    let nobody = plan.nobody_today(Utc::now());
    let is_foreseen = nobody.is_some() || [today, tomorrow, later].iter().any(Option::is_some);
    if plan.repeat.is_some() && plan.people > 0 && is_foreseen {
        out.push_str("  the first time:\n");
    }
    if let Some(why) = nobody {
        let _ = writeln!(out, "  today     nobody{why}");
    }
    for (day, share) in [("today", today), ("tomorrow", tomorrow), ("later", later)] {
        if let Some(share) = share {
            let _ = writeln!(out, "  {day:<8}  {}", share_text(context, share, plan));
        }
    }
    out.extend(plan.at_night().map(|words| format!("            {words}\n")));
    out.push_str(&zones_text(context, &plan.zones));
    if let Some(done) = done_at {
        let _ = writeln!(out, "  done      about {}", by_plan_clocks(context, plan, done));
    }
    out.extend(plan.falls_behind().map(|words| format!("            {words}\n")));
    out
}

/// Its hours; where it has none and goes out at once, what time that is where its people are.
fn hours_text(context: &Context, plan: &Plan) -> Option<String> {
    if let Some(window) = &plan.window {
        return Some(hours_with_city(window, Utc::now(), context.zone));
    }
    let zone = Some(context.app.clocks_of(&plan.blast)).filter(|_| goes_now(plan))?;
    let there = Utc::now().with_timezone(&zone).format("%H:%M");
    Some(format!("none set: it goes out now, {there} in {}", city(zone)))
}

/// Whether sending it would write to people at once, whatever the hour is where they are.
fn goes_now(plan: &Plan) -> bool {
    let is_now = |share: ForecastShare| share.from - Utc::now() <= TimeDelta::minutes(1);
    let is_set = plan.start.as_ref().is_some_and(|start| start.at > Utc::now()) || plan.repeat.is_some();
    let is_free = !is_set && plan.stopped.is_none() && plan.zones.is_empty();
    is_free && plan.forecast.today.is_some_and(is_now)
}

/// A time of a forecast: by the reader's clocks, and by those of the blast, or of its sender's daily cap, where they show another time.
fn by_plan_clocks(context: &Context, plan: &Plan, at: DateTime<Utc>) -> String {
    by_own_clocks_first(at, (other_clocks(context, plan, at), context.zone), &context.when(Some(at)))
}

/// The zone of those, where they show another time.
fn other_clocks(context: &Context, plan: &Plan, at: DateTime<Utc>) -> Option<Tz> {
    let zones = [Some(context.app.clocks_of(&plan.blast)), plan.left_today.map(|left| left.zone)];
    zones.into_iter().flatten().find(|zone| !has_same_time(*zone, context.zone, at))
}

/// `188, from 20:00 until about 21:40`; without the start where it begins within the minute.
fn share_text(context: &Context, share: ForecastShare, plan: &Plan) -> String {
    let from = if share.from - Utc::now() > TimeDelta::minutes(1) {
        format!(", from {}", by_plan_clocks(context, plan, share.from))
    } else {
        String::new()
    };
    let day = |at: DateTime<Utc>| at.with_timezone(&context.zone).date_naive();
    let until = share.until.map_or_else(String::new, |until| {
        let is_same_day = day(until) == day(share.from);
        let minute = |at: DateTime<Utc>| at.with_timezone(&context.zone).format("%H:%M").to_string();
        let clock = minute(until);
        if !from.is_empty() && is_same_day && clock == minute(share.from) {
            // The same time twice would be read as a day.
            return ", within a minute".to_owned();
        }
        let until = if is_same_day { clock } else { context.when(Some(until)) };
        let here = if other_clocks(context, plan, share.from).is_some() { " here" } else { "" };
        if from.is_empty() { format!(", until about {until}{here}") } else { format!(" until about {until}") }
    });
    format!("{}{from}{until}", grouped(&share.people.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_of_a_rehearsal_says_how_fast_its_time_runs() {
        assert_eq!(at_speed(Speed::REAL), "");
        assert_eq!(at_speed("60".parse().unwrap()), ", for time runs 60 times as fast ([engine] speed)");
    }
}
