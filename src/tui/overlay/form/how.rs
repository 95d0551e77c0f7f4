//! How a blast is sent, as the form says it, and what is wrong with the columns that its message names.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::super::wrapped;
use crate::app::view::{BlastView, SenderUsage, SenderView};
use crate::app::{DraftForm, RepeatOrder};
use crate::domain::content::BlastContent;
use crate::domain::list_columns::ListColumns;
use crate::domain::message::fold_name;
use crate::domain::start_at::StartAt;
use crate::domain::text::{clean, nearest};
use crate::tui::format::{TimeFormat, number, rule_times, start_at};
use crate::tui::model::{BlastForm, FormLine, Model, config_place};
use crate::tui::pace_words::{average_of, sender_binds};
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

pub(super) fn pace(values: &DraftForm, sender: Option<&SenderView>, room: u16) -> Vec<TextLine> {
    let own = values
        .gap
        .map(|gap| format!("gap {}", gap.words()))
        .into_iter()
        .chain(values.rate.map(|rate| rate.to_string()));
    let own = own.collect::<Vec<_>>().join(", ");
    if own.is_empty() {
        let usage = sender.map(|sender| &sender.usage);
        let gap = usage.and_then(|usage| usage.gap);
        let per_hour = usage.and_then(SenderUsage::plausible_per_hour);
        let per_hour = per_hour.map(|rate| format!(", about {}/h", number(rate))).unwrap_or_default();
        let key = if gap.is_some() { "gap" } else { "rate" };
        let place = sender.map(|sender| format!("   {}", config_place(sender, &[key]))).unwrap_or_default();
        let own = gap.map_or_else(|| "the sender's own".to_owned(), |gap| format!("gap {}", gap.words()));
        return vec![TextLine::plain(own).and(per_hour, TextRole::Dim).and(place, TextRole::Dim)];
    }
    let average = values.gap.and_then(average_of).map(|average| format!("    {average}"));
    let line = TextLine::plain(own).and(average.unwrap_or_default(), TextRole::Dim);
    let too_fast = sender.and_then(|sender| sender_binds((values.gap, values.rate), sender)).into_iter();
    let too_fast = too_fast.flat_map(|why| wrapped(&why, room)).map(|why| TextLine::of(why, TextRole::Trouble));
    std::iter::once(line).chain(too_fast).collect()
}

pub(super) fn window(values: &DraftForm, zone: Tz) -> TextLine {
    let hours = values.window.map_or_else(|| "any hour".to_owned(), |hours| hours.to_string());
    let days = values.weekdays.map_or_else(|| "every day".to_owned(), |days| days.to_string());
    let line = TextLine::plain(format!("{hours}, {days}"));
    let zone = zone.name().replace('_', " ");
    match values.timezone {
        Some(_) => line.and(format!(", {zone}"), TextRole::Plain),
        None if values.window.is_some() => line.and(format!(", {zone}"), TextRole::Dim),
        None => line,
    }
}

/// `2026-12-01 09:00 (Tue, Asia/Kuala Lumpur), once I have sent it`: what is scheduled was sent.
pub(super) fn start(values: &DraftForm, zone: Tz, is_scheduled: bool) -> TextLine {
    let Some(start) = values.start else { return TextLine::plain("when I send it") };
    let zone = match start {
        StartAt::Local(at) => format!(" ({}, {})", at.format("%a"), zone.name().replace('_', " ")),
        StartAt::Moment(_) => String::new(),
    };
    let then = if is_scheduled { "" } else { ", once I have sent it" };
    TextLine::plain(start_at(start)).and(format!("{zone}{then}"), TextRole::Dim)
}

/// What repeats has no start of its own.
pub(super) fn start_of_times(is_scheduled: bool) -> TextLine {
    TextLine::dim(if is_scheduled { "at its times" } else { "at its times, once I have sent it" })
}

/// How many of its next times are shown.
const NEXT_TIMES: usize = 3;

/// `every mon 09:00`, and when that is next. The blast, where it runs, has its own next time: those before it were left out, or have come.
pub(super) fn repeat(
    values: &DraftForm,
    running: Option<&BlastView>,
    (zone, clock): (Tz, TimeFormat),
    room: u16,
) -> Vec<TextLine> {
    let Some(order) = &values.repeat else { return vec![TextLine::dim("once")] };
    let own = running.and_then(|blast| Some((blast.scheduled_for? - TimeDelta::seconds(1), blast.origin.repeat.seen)));
    let (after, passed) = own.unwrap_or((clock.now, 0));
    let next: Vec<_> = order.times_from(zone, after, passed).take(NEXT_TIMES).collect();
    let next = match next[..] {
        [] => "never: it ends before".to_owned(),
        _ => format!("next {}", rule_times(&next, zone, clock)),
    };
    let words = wrapped(&next, room).into_iter().map(TextLine::dim);
    std::iter::once(TextLine::plain(order.rule.to_string())).chain(words).collect()
}

/// `after 2026-12-31, or 10 times`.
pub(super) fn ends(values: &DraftForm) -> TextLine {
    let ends = values.repeat.as_ref().and_then(RepeatOrder::ends);
    ends.map_or_else(|| TextLine::dim("when I end it"), TextLine::plain)
}

/// `at 10:00 of each person's own zone, hours by their own clocks`.
pub(super) fn own_time(values: &DraftForm) -> TextLine {
    let time = values.clocks.local_time.map(|time| format!("at {} of each person's own zone", time.format("%H:%M")));
    let hours = values.clocks.window_local.then(|| "hours by each person's own clock".to_owned());
    let words: Vec<_> = time.into_iter().chain(hours).collect();
    if words.is_empty() { TextLine::dim("all by the same clock") } else { TextLine::plain(words.join(", ")) }
}

/// A column that the message names and the list does not have; `None` where every one may be there.
pub(super) fn no_column(form: &BlastForm, content: &BlastContent) -> Option<String> {
    let mut there = form.columns();
    there.extend(form.taken.iter().flat_map(|taken| taken.columns.iter().map(|column| fold_name(column))));
    if form.first_people.iter().any(|person| person.name.is_some()) {
        there.push("name".to_owned());
    }
    let wants_name = content.columns().iter().any(|column| column == "name");
    let has_names = there.last().is_some_and(|column| column == "name");
    if wants_name && !has_names && form.read_columns.as_ref().is_some_and(|columns| columns.name.is_none()) {
        return Some("no column is read as the name: enter on Columns chooses it".to_owned());
    }
    let missing = content.columns().into_iter().find(|column| !there.contains(column))?;
    let (said, meant) = (clean(&missing), nearest(&missing, there.iter().map(String::as_str)));
    match meant {
        Some(meant) => Some(format!("no column {said}: did you mean {{{}}}?", clean(meant))),
        // Of a list that was taken earlier only the columns of its first people are known.
        None => form.taken.is_some().then(|| format!("no column {said} in the list")),
    }
}

/// The most lines of why a sender is stopped: what a provider says may be long.
const STOP_MAX: usize = 2;

/// Why a sender is stopped, behind its name.
pub(super) fn stopped(model: &Model, name: TextLine, reason: &str, room: u16) -> Vec<TextLine> {
    let indent = name.width();
    let lines = wrapped(&format!("stopped: {reason}"), room.saturating_sub(indent));
    let more = (lines.len() > STOP_MAX)
        .then(|| TextLine::dim(format!("~ esc, then {} says all of it", model.options.keys.needs())));
    let mut name = Some(name);
    let line = |text: String| {
        let head = name.take().unwrap_or_else(|| TextLine::plain(" ".repeat(usize::from(indent))));
        head.and(text.trim_end().to_owned(), TextRole::Trouble)
    };
    let shown: Vec<_> = lines.into_iter().take(STOP_MAX).map(line).collect();
    shown.into_iter().chain(more).collect()
}

/// The columns that the list was read by, and that others may be meant.
pub(super) fn columns(form: &BlastForm, room: u16) -> Vec<TextLine> {
    let mut lines: Vec<_> = wrapped(&columns_in_words(form), room).into_iter().map(TextLine::dim).collect();
    let doubt = |read: &ListColumns| {
        read.doubt().map(|doubt| format!("{}: is {} the right one?", clean(&doubt), clean(&read.phone)))
    };
    let read = form.read_columns.as_ref();
    let unclear = read.iter().flat_map(|read| &read.unclear_opt_outs).map(|rows| clean(&rows.in_words()).into_owned());
    let doubts: Vec<String> = read.and_then(doubt).into_iter().chain(unclear).collect();
    let doubts = doubts.iter().flat_map(|doubt| wrapped(doubt, room));
    lines.extend(doubts.map(|line| TextLine::of(line, TextRole::Strong)));
    if let Some(last) = lines.pop() {
        let is_here = form.line == FormLine::Columns;
        lines.push(if is_here { last.right("enter: others") } else { last });
    }
    lines
}

/// `ID   of numbers without a country code`.
pub(super) fn country(form: &BlastForm, sender: Option<&SenderView>) -> TextLine {
    let of_sender = || sender.and_then(|sender| sender.usage.region).map(|region| format!("{region}, the sender's"));
    let chosen = form.columns.country.map(|country| country.to_string());
    let country = chosen.or_else(of_sender).unwrap_or_else(|| "the sender's".to_owned());
    TextLine::plain(country).and("   of numbers without a country code", TextRole::Dim)
}

/// `phone = No. Telefon   name = Nama   also {bandar} {kek}`.
fn columns_in_words(form: &BlastForm) -> String {
    let Some(read) = &form.read_columns else { return String::new() };
    let mut words = vec![clean(&read.in_words()).into_owned()];
    words.extend(read.name.is_none().then(|| "no names".to_owned()));
    let also = form.columns().into_iter().filter(|column| column != "name").map(|column| format!("{{{column}}}"));
    let also = also.collect::<Vec<_>>().join(" ");
    words.extend((!also.is_empty()).then(|| format!("also {also}")));
    words.join("   ")
}
