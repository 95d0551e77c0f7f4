//! What sending would do, and the number to type.

use chrono::TimeDelta;

use super::form::left_out_cell;
use super::{OverlayContent, clock, wrapped};
use crate::app::{self, FirstFared, PlanGroup, PlanPerson, ZoneShare};
use crate::domain::blast::{BlastState, blast_name};
use crate::domain::pace::{Forecast, ForecastShare};
use crate::domain::rejected_rows::RejectedRows;
use crate::domain::text::characters;
use crate::domain::waiting::{also_there, hours_of_plan};
use crate::domain::zone::words::{by_both_clocks, city};
use crate::tui::format::{TimeFormat, filter_words, number};
use crate::tui::model::{Model, PlanCount, PlanOverlay};
use crate::tui::theme::TextRole;
use crate::tui::widget::{TextLine, TitleRule, start_of, width};

/// The most reasons why rows were left out.
const REASONS_MAX: usize = 3;

pub fn content(model: &Model, plan: &PlanOverlay, width: u16) -> OverlayContent {
    let Some(loaded) = &plan.loaded else {
        let title = super::title(vec!["Plan".to_owned()], None);
        return OverlayContent { title, lines: vec![TextLine::dim("  reading ...")], focus: None };
    };
    match &plan.people {
        Some((PlanCount::Group(group), people)) => return people_of(*group, people.as_deref(), clock(model)),
        Some((PlanCount::LeftOut, _)) => return left_out(loaded.left_out.as_ref(), width),
        None => {}
    }
    let mut lines = body(model, plan, (loaded, width));
    let focus = if loaded.obstacles.is_empty() {
        lines.extend(ask(model, plan, (loaded, width)));
        Some(if plan.row == 0 { lines.len() - 1 } else { plan.row })
    } else {
        None
    };
    OverlayContent { title: title_of(loaded), lines, focus }
}

/// A plan as it is written to a file: without the cursor and without what is typed into it.
pub fn of_file(model: &Model, plan: &PlanOverlay, width: u16) -> OverlayContent {
    match &plan.loaded {
        Some(loaded) if plan.people.is_none() => {
            let plan = PlanOverlay { row: usize::MAX, ..plan.clone() };
            OverlayContent { title: title_of(loaded), lines: body(model, &plan, (loaded, width)), focus: None }
        }
        _ => content(model, plan, width),
    }
}

fn title_of(loaded: &app::Plan) -> TitleRule {
    let blast = &loaded.blast;
    let name = format!("{}, {}", blast.tag, blast.follow_up_stage);
    super::title(vec!["Plan".to_owned(), name, format!("{} {}", blast.state, blast.id)], None)
}

/// All but what is asked at its end.
fn body(model: &Model, plan: &PlanOverlay, (loaded, width): (&app::Plan, u16)) -> Vec<TextLine> {
    let mut lines = who(plan, loaded);
    lines.extend(audience(loaded, clock(model)));
    lines.push(TextLine::default());
    let unusual = loaded.unusual_lengths.in_words().map(|words| wrapped(&words, width.saturating_sub(4)));
    lines.extend(unusual.into_iter().flatten().map(|line| TextLine::plain(format!("  {line}"))));
    lines.extend(fared(loaded));
    lines.extend(pace(model, loaded));
    lines.extend(samples(plan, loaded, width));
    lines.extend(health(loaded, width));
    if !loaded.obstacles.is_empty() {
        lines.push(TextLine::rule("Not now"));
        let why = loaded.obstacles.iter().flat_map(|why| wrapped(why, width.saturating_sub(4)));
        lines.extend(why.map(|why| TextLine::of(format!("  {why}"), TextRole::Trouble)));
    }
    lines
}

/// Who one of the counts is about.
fn people_of(group: PlanGroup, people: Option<&[PlanPerson]>, clock: TimeFormat) -> OverlayContent {
    let (what, verb) = match group {
        PlanGroup::OptedOut => ("Left out: they opted out", "opted out"),
        PlanGroup::Recent => ("Had a message in the last 7 days", "sent"),
        PlanGroup::Elsewhere => ("Queued in another blast as well", "queued"),
        PlanGroup::Wrote => ("Wrote and not marked as replied", "wrote"),
    };
    let line = |person: &PlanPerson| {
        let name = person.name.clone().unwrap_or_else(|| "-".to_owned());
        let at = person.at.map(|at| format!(" {}", clock.long(at))).unwrap_or_default();
        let tag = person.tag.as_ref().map(|tag| format!(", {tag}")).unwrap_or_default();
        TextLine::plain(format!("  {:<18} ", person.phone_number))
            .and(name, TextRole::Strong)
            .and(format!("  {verb}{at}{tag}"), TextRole::Dim)
    };
    let lines = match people {
        None => vec![TextLine::dim("  reading ...")],
        Some([]) => vec![TextLine::dim("  nobody any more")],
        Some(people) => people.iter().map(line).collect(),
    };
    OverlayContent {
        title: super::title(vec!["Plan".to_owned(), what.to_owned()], Some("esc goes back".to_owned())),
        lines,
        focus: None,
    }
}

/// The rows of the list that nobody was made of.
fn left_out(left_out: Option<&RejectedRows>, width: u16) -> OverlayContent {
    let mut lines = Vec::new();
    for row in left_out.iter().flat_map(|left_out| &left_out.rows) {
        let head = TextLine::dim(format!("  row {:<6} {} ", row.row, row.column));
        lines.push(left_out_cell(head, row, TextRole::Strong));
        let why = wrapped(&row.reason, width.saturating_sub(14));
        lines.extend(why.into_iter().map(|why| TextLine::plain(format!("             {why}"))));
    }
    let total = left_out.map_or(0, |left_out| left_out.total);
    if u64::try_from(lines.len()).unwrap_or(u64::MAX) < total {
        lines.push(TextLine::dim("  and more"));
    }
    let what = format!("Left out of the list: {} rows", number(i64::try_from(total).unwrap_or(i64::MAX)));
    let title = super::title(vec!["Plan".to_owned(), what], Some("esc goes back, then e mends".to_owned()));
    OverlayContent { title, lines, focus: None }
}

/// A count, right-aligned under the largest, and what it says.
fn count((people, most): (i64, i64), says: String, is_chosen: bool) -> TextLine {
    let columns = number(most).len().max(4);
    let cursor = if is_chosen { ">" } else { " " };
    TextLine::of(cursor, TextRole::Accent)
        .and(format!("{:>columns$} ", number(people)), TextRole::Strong)
        .and(says, TextRole::Plain)
}

fn who(plan: &PlanOverlay, loaded: &app::Plan) -> Vec<TextLine> {
    let again = match (loaded.blast.state == BlastState::Paused, loaded.people == 1) {
        (true, true) => "person is still queued and gets it",
        (true, false) => "people are still queued and get it",
        (false, true) if loaded.repeat.is_some() => "person gets one message each time",
        (false, false) if loaded.repeat.is_some() => "people get one message each, each time",
        (false, true) => "person gets one message",
        (false, false) => "people get one message each",
    };
    let practice = if loaded.blast.rehearsal { ", a rehearsal sender" } else { "" };
    let first = format!("{again}, from {}{practice}", loaded.blast.sender);
    let rest: Vec<(i64, String)> = plan.counts().into_iter().map(|count| says(loaded, count)).collect();
    let most = rest.iter().map(|(people, _)| *people).fold(loaded.people, i64::max);
    let line = |(n, (people, says)): (usize, &(i64, String))| {
        let line = count((*people, most), says.clone(), plan.row.checked_sub(1) == Some(n));
        if plan.row.checked_sub(1) == Some(n) { line.right("enter: who") } else { line }
    };
    let first = count((loaded.people, most), first, plan.row == 0);
    std::iter::once(first).chain(rest.iter().enumerate().map(line)).collect()
}

/// A count with what it counts.
fn says(loaded: &app::Plan, count: PlanCount) -> (i64, String) {
    let (people, words) = match count {
        PlanCount::Group(PlanGroup::OptedOut) => (loaded.suppressed, "left out: they opted out"),
        PlanCount::Group(PlanGroup::Recent) => (loaded.recently_messaged, "had a message from us in the last 7 days"),
        PlanCount::Group(PlanGroup::Elsewhere) => {
            (loaded.queued_elsewhere, "still queued in another blast: would get both")
        }
        PlanCount::Group(PlanGroup::Wrote) => (loaded.wrote, app::Plan::WROTE),
        PlanCount::LeftOut => {
            let left_out = loaded.left_out.clone().unwrap_or_default();
            let rows = i64::try_from(left_out.total).unwrap_or(i64::MAX);
            return (rows, format!("left out of the list: {}", left_out.in_words(REASONS_MAX)));
        }
    };
    (people, words.to_owned())
}

/// Whom its filter finds, its times where it repeats, and its day by zones.
fn audience(loaded: &app::Plan, clock: TimeFormat) -> Vec<TextLine> {
    let mut lines = Vec::new();
    if let Some(segment) = &loaded.segment {
        lines.push(format!("  {} found by {}", number(segment.finds), filter_words(&segment.from)));
        let out =
            segment.left_out.iter().map(|(why, people)| format!("  left out: {} {}", number(*people), why.words()));
        lines.extend(out);
    }
    if let Some(repeat) = &loaded.repeat {
        let next: Vec<_> = repeat.next.iter().take(3).map(|at| clock.long(*at)).collect();
        lines.push(format!("  repeats {}: {}", repeat.rule, next.join(", ")));
        lines.extend(repeat.ends.iter().map(|ends| format!("  ends {ends}")));
        lines.extend(repeat.clock_notes.iter().map(|note| format!("  {note}")));
    }
    let zone = |share: &ZoneShare| {
        let own = share.from.with_timezone(&share.zone).format("%H:%M");
        let until = share.until.map(|until| format!(", until about {}", clock.long(until))).unwrap_or_default();
        format!("  {:>6} at {own} in {}: {}{until}", number(share.people), share.zone, clock.long(share.from))
    };
    lines.extend(loaded.zones.iter().map(zone));
    lines.into_iter().map(TextLine::dim).collect()
}

/// Columns of the names of blasts that are compared.
const FARED_NAME: u16 = 22;

/// A text in exactly so many columns, with a mark where it was cut.
fn within(text: &str, columns: u16) -> String {
    let text = if width(text) > columns { start_of(text, columns) } else { text.to_owned() };
    let blank = usize::from(columns.saturating_sub(width(&text)));
    text + &" ".repeat(blank)
}

/// How the first people fared, beside those of earlier blasts at the same age.
fn fared(loaded: &app::Plan) -> Vec<TextLine> {
    let Some((own, earlier)) = loaded.fared.split_first() else { return Vec::new() };
    let percent = |part: i64, of: i64| if of > 0 { format!("{}%", part * 100 / of) } else { "-".to_owned() };
    let line = |row: &FirstFared| {
        let [received, read, replied] = [row.received, row.read, row.replied].map(|part| percent(part, row.sent));
        let name = within(&blast_name(&row.tag, &row.stage), FARED_NAME);
        format!("  {name} {:>5} {received:>9} {read:>6} {replied:>8} {:>7}", number(row.sent), number(row.failed))
    };
    let title = TextLine::rule("How the first fared");
    let mut lines = vec![if earlier.is_empty() { title } else { title.right("earlier blasts at the same age") }];
    lines.push(TextLine::dim(format!(
        "  {:<22} {:>5} {:>9} {:>6} {:>8} {:>7}",
        "", "sent", "received", "read", "replied", "failed"
    )));
    lines.push(TextLine::of(line(own), TextRole::Strong));
    lines.extend(earlier.iter().map(|row| TextLine::plain(line(row))));
    lines.push(TextLine::rule("The others"));
    lines
}

fn pace(model: &Model, loaded: &app::Plan) -> Vec<TextLine> {
    let (clock, window) = (clock(model), loaded.window.as_deref());
    let mut lines = vec![TextLine::plain(format!("  {}", loaded.pace))];
    lines.extend(hours(model, loaded).map(|hours| TextLine::plain(format!("  {hours}"))));
    if let Some(left) = loaded.left_today {
        lines.push(TextLine::plain(format!("  {}", left.sentence_in(clock.zone, &clock.long(left.until)))));
    }
    lines.extend(
        loaded
            .shared_with
            .iter()
            .map(|other| format!("  shared {}", other.sentence_in(clock.zone, |at| clock.long(at))))
            .map(TextLine::plain),
    );
    if let Some(why) = &loaded.stopped {
        let words = format!("  the sender sends nothing until this is fixed: {why}");
        lines.push(TextLine::of(words, TextRole::Trouble));
        return lines;
    }
    if let Some(first) = loaded.first {
        let until = first.until.map(|until| format!(", until about {}", clock.long(until))).unwrap_or_default();
        let words = format!("  {} first{until}; then it waits for you. If you say yes at once:", number(first.people));
        lines.push(TextLine::plain(words));
    }
    let Forecast { today, tomorrow, later, done_at } = loaded.forecast;
    if loaded.repeat.is_some() {
        lines.push(TextLine::plain("  the first time:"));
    }
    if tomorrow.is_some() || later.is_some() {
        let days = loaded.left_today.and_then(|left| left.days_in(clock.zone));
        lines.extend(days.map(|days| TextLine::plain(format!("  {days}:"))));
    }
    if today.is_none() && (tomorrow.is_some() || later.is_some()) {
        lines.push(TextLine::plain("  nobody today"));
    }
    let shares = [("today", today), ("tomorrow", tomorrow), ("later", later)];
    let shares = shares.into_iter().filter_map(|(day, share)| Some((day, share?)));
    lines.extend(shares.map(|(day, share)| TextLine::plain(format!("  {}", share_of(day, share, (clock, window))))));
    if let Some(done) = done_at {
        lines.push(TextLine::plain(format!("  done about {} if nothing holds it up", clock.long(done))));
    }
    lines
}

/// Its hours; where it has none and goes out at once, what time that is where its people are.
fn hours(model: &Model, loaded: &app::Plan) -> Option<String> {
    let TimeFormat { zone, now } = clock(model);
    if let Some(window) = &loaded.window {
        return Some(format!("hours {}", hours_of_plan(window, now, zone)));
    }
    let is_now = |share: ForecastShare| share.from - now <= TimeDelta::minutes(1);
    let goes_now = loaded.forecast.today.is_some_and(is_now) && loaded.stopped.is_none() && loaded.zones.is_empty();
    let is_set = loaded.start.as_ref().is_some_and(|start| start.at > now) || loaded.repeat.is_some();
    let there = model.zone_of(&loaded.blast).filter(|_| goes_now && !is_set)?;
    let time = now.with_timezone(&there).format("%H:%M");
    Some(format!("no hours set: goes out now, {time} in {}", city(there)))
}

/// `188 today, from 20:00 until about 21:40`; without the *from* where it begins within the minute.
fn share_of(day: &str, share: ForecastShare, (clock, window): (TimeFormat, Option<&str>)) -> String {
    let is_now = share.from - clock.now <= TimeDelta::minutes(1);
    let there = also_there(window, share.from, clock.zone);
    let from = if is_now { String::new() } else { format!(", from {}{there}", clock.long(share.from)) };
    let until = share.until.map_or_else(String::new, |until| {
        let is_same_day = clock.date(until) == clock.date(share.from);
        let until = if is_same_day { clock.minute(until) } else { clock.long(until) };
        format!("{} until about {until}", if is_now { "," } else { "" })
    });
    format!("{} {day}{from}{until}", number(i64::try_from(share.people).unwrap_or(i64::MAX)))
}

/// What the provider says, and how many people it lets the business write to.
fn health(loaded: &app::Plan, width: u16) -> Vec<TextLine> {
    let tier = loaded.people_limit.as_ref().map(|people| {
        let (left, limit) = (number(i64::from(people.left())), number(i64::from(people.limit)));
        format!("Meta lets the business write to {left} more people within 24 hours, of {limit}")
    });
    let words: Vec<&String> = loaded.health.iter().chain(&tier).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let lines = words.into_iter().flat_map(|words| wrapped(words, width.saturating_sub(4)));
    std::iter::once(TextLine::rule("Health")).chain(lines.map(|line| TextLine::plain(format!("  {line}")))).collect()
}

fn samples(plan: &PlanOverlay, loaded: &app::Plan, width: u16) -> Vec<TextLine> {
    let Some(sample) = loaded.samples.get(plan.sample) else { return Vec::new() };
    let of = format!("[ ] {} of {}, {}", plan.sample + 1, loaded.samples.len(), sample.which);
    let name = sample.name.as_ref().map(|name| format!("{name}, ")).unwrap_or_default();
    let mut lines = vec![
        TextLine::rule("What they read").and(characters(&sample.text), TextRole::Plain).right(of),
        TextLine::dim(format!("  to {name}{}", sample.phone)),
    ];
    let text = wrapped(&sample.text, width.saturating_sub(4));
    lines.extend(text.into_iter().map(|line| TextLine::plain(format!("  {line}"))));
    lines
}

/// When it starts once the number is typed, and what takes that back.
fn starts(model: &Model, loaded: &app::Plan) -> String {
    let clock = clock(model);
    // What is scheduled already goes now, where somebody sends it again.
    let is_scheduled = loaded.blast.state == BlastState::Scheduled;
    let set = loaded.start.as_ref().map(|start| start.at);
    let first = loaded.repeat.as_ref().and_then(|repeat| repeat.next.first().copied());
    match first.or(set).filter(|at| !is_scheduled && *at > clock.now) {
        Some(at) => {
            let starts = by_both_clocks(at, (model.zone_of(&loaded.blast), clock.zone), &clock.long(at));
            let (undo, pause) = (model.options.keys.undo(), model.options.keys.pause());
            format!("It starts {starts}; until then {undo} or {pause} takes it back.")
        }
        None => format!("It starts 10 s later; until then {} stops it.", model.options.keys.undo()),
    }
}

fn ask(model: &Model, plan: &PlanOverlay, (loaded, width): (&app::Plan, u16)) -> Vec<TextLine> {
    let type_it = format!("Type {} and enter. {}", number(loaded.people), starts(model, loaded));
    let field = plan.field.line(TextLine::plain("  people: "));
    let mut lines = vec![TextLine::rule("Send?")];
    lines.extend(wrapped(&type_it, width.saturating_sub(3)).iter().map(|line| TextLine::plain(format!("  {line}"))));
    lines.push(field);
    if let Some(refused) = &plan.refused {
        lines.push(TextLine::of(format!(" {refused}"), TextRole::Trouble));
    }
    lines
}
