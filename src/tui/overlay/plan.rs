//! What sending would do, and the number to type.

use chrono::TimeDelta;

use super::{OverlayContent, clock, wrapped};
use crate::app;
use crate::domain::blast::BlastState;
use crate::domain::pace::{Forecast, ForecastShare};
use crate::tui::format::{TimeFormat, number};
use crate::tui::model::{Model, PlanOverlay};
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

pub fn content(model: &Model, plan: &PlanOverlay, width: u16) -> OverlayContent {
    let Some(loaded) = &plan.loaded else {
        let title = super::title(vec!["Plan".to_owned()], None);
        return OverlayContent { title, lines: vec![TextLine::dim("  reading ...")], focus: None };
    };
    let blast = &loaded.blast;
    let name = format!("{}, {}", blast.tag, blast.follow_up_stage);
    let title = super::title(vec!["Plan".to_owned(), name, format!("{} {}", blast.state, blast.id)], None);
    let mut lines = who(loaded);
    lines.push(TextLine::default());
    lines.extend(pace(loaded, clock(model)));
    lines.extend(samples(plan, loaded, width));
    let focus = if loaded.obstacles.is_empty() {
        lines.extend(ask(plan, loaded));
        Some(lines.len() - 1)
    } else {
        lines.push(TextLine::rule("Not now"));
        lines.extend(loaded.obstacles.iter().map(|why| TextLine::of(format!("  {why}"), TextRole::Trouble)));
        None
    };
    OverlayContent { title, lines, focus }
}

/// A count, right-aligned under the largest, and what it says.
fn count((people, most): (i64, i64), says: String) -> TextLine {
    let columns = number(most).len().max(5);
    TextLine::of(format!("{:>columns$} ", number(people)), TextRole::Strong).and(says, TextRole::Plain)
}

fn who(loaded: &app::Plan) -> Vec<TextLine> {
    let again = if loaded.blast.state == BlastState::Paused {
        "people are still queued and get it"
    } else {
        "people get one message each"
    };
    let practice = if loaded.blast.rehearsal { ", a rehearsal sender" } else { "" };
    let first = format!("{again}, from {}{practice}", loaded.blast.sender);
    let rest = [
        (loaded.suppressed, "left out: they opted out"),
        (loaded.recently_messaged, "had a message from us in the last 7 days"),
        (loaded.queued_elsewhere, "still queued in another blast: would get both"),
    ];
    let most = rest.iter().map(|(people, _)| *people).fold(loaded.people, i64::max);
    let some = rest.into_iter().filter(|(people, _)| *people > 0);
    let rest = some.map(|(people, says)| count((people, most), says.to_owned()));
    std::iter::once(count((loaded.people, most), first)).chain(rest).collect()
}

fn pace(loaded: &app::Plan, clock: TimeFormat) -> Vec<TextLine> {
    let mut lines = vec![TextLine::plain(format!("  {}", loaded.pace))];
    lines.extend(loaded.window.as_ref().map(|window| TextLine::plain(format!("  hours {window}"))));
    if let Some(left) = loaded.left_today {
        lines.push(TextLine::plain(format!("  {} left of today's limit", number(left))));
    }
    lines.extend(loaded.shared_with.iter().map(|other| {
        let queued = number(other.queued);
        let turns = "they take turns, counted in";
        TextLine::plain(format!("  shared with {}, {queued} still queued: {turns}", other.tag))
    }));
    if let Some(why) = &loaded.stopped {
        let words = format!("  the sender sends nothing until this is fixed: {why}");
        lines.push(TextLine::of(words, TextRole::Trouble));
        return lines;
    }
    let Forecast { today, tomorrow, later, done_at } = loaded.forecast;
    if today.is_none() && (tomorrow.is_some() || later.is_some()) {
        lines.push(TextLine::plain("  nobody today"));
    }
    let shares = [("today", today), ("tomorrow", tomorrow), ("later", later)];
    let shares = shares.into_iter().filter_map(|(day, share)| Some((day, share?)));
    lines.extend(shares.map(|(day, share)| TextLine::plain(format!("  {}", share_of(day, share, clock)))));
    if let Some(done) = done_at {
        lines.push(TextLine::plain(format!("  done about {} if nothing holds it up", clock.long(done))));
    }
    lines
}

/// `188 today, from 20:00 until about 21:40`; without the *from* where it begins within the minute.
fn share_of(day: &str, share: ForecastShare, clock: TimeFormat) -> String {
    let is_now = share.from - clock.now <= TimeDelta::minutes(1);
    let from = if is_now { String::new() } else { format!(", from {}", clock.long(share.from)) };
    let until = share.until.map_or_else(String::new, |until| {
        let is_same_day = clock.date(until) == clock.date(share.from);
        let until = if is_same_day { clock.minute(until) } else { clock.long(until) };
        format!("{} until about {until}", if is_now { "," } else { "" })
    });
    format!("{} {day}{from}{until}", number(i64::try_from(share.people).unwrap_or(i64::MAX)))
}

fn samples(plan: &PlanOverlay, loaded: &app::Plan, width: u16) -> Vec<TextLine> {
    let Some(sample) = loaded.samples.get(plan.sample) else { return Vec::new() };
    let of = format!("[ ] {} of {}, {}", plan.sample + 1, loaded.samples.len(), sample.which);
    let name = sample.name.as_ref().map(|name| format!("{name}, ")).unwrap_or_default();
    let mut lines =
        vec![TextLine::rule("What they read").right(of), TextLine::dim(format!("  to {name}{}", sample.phone))];
    let text = wrapped(&sample.text, width.saturating_sub(4));
    lines.extend(text.into_iter().map(|line| TextLine::plain(format!("  {line}"))));
    lines
}

fn ask(plan: &PlanOverlay, loaded: &app::Plan) -> Vec<TextLine> {
    let type_it = format!("  Type {} and enter. It starts 10 s later; until then u stops it.", number(loaded.people));
    let field = plan.field.line(TextLine::plain("  people: "));
    let mut lines = vec![TextLine::rule("Send?"), TextLine::plain(type_it), field];
    if let Some(refused) = &plan.refused {
        lines.push(TextLine::of(format!(" {refused}"), TextRole::Trouble));
    }
    lines
}
