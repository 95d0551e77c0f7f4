//! The senders, a line each, below a list of blasts that leaves room for them.

use ratatui::layout::Rect;

use super::header;
use crate::app::view::SenderView;
use crate::tui::format::number;
use crate::tui::model::Model;
use crate::tui::theme::TextRole;
use crate::tui::widget::{Focused, Pen, TextLine, TitleRule, rule};

/// The most senders that are listed; the header and `!` name those that need somebody.
const LISTED_MAX: usize = 8;

/// How many rows they take of so many free ones, with their rule: nothing where they do not fit with a row to spare.
pub fn rows(model: &Model, free: usize) -> usize {
    let listed = model.senders.len().min(LISTED_MAX);
    if listed == 0 || free < listed + 2 { 0 } else { listed + 1 }
}

/// Draws them at the bottom of a pane that has so many rows free.
pub fn draw(model: &Model, pen: &mut Pen<'_>, area: Rect, free: usize) {
    let Some(listed) = rows(model, free).checked_sub(1) else { return };
    let top = area.bottom() - u16::try_from(listed).unwrap_or_default() - 1;
    let left = vec!["senders".to_owned()];
    rule(pen, (area.x, top), area.width, &TitleRule { left, right: None }, Focused::No);
    for (sender, y) in model.senders.iter().take(listed).zip(top + 1..) {
        line(model, sender).draw(pen, (area.x, y), area.width);
    }
}

fn line(model: &Model, sender: &SenderView) -> TextLine {
    let provider = if sender.provider == "meta" { "Meta" } else { "WSAPME" };
    let rate = sender.usage.plausible_per_hour().map_or_else(String::new, |rate| format!("about {}/h", number(rate)));
    let today = match (sender.usage.today, sender.usage.daily_cap) {
        (today, Some(cap)) => format!("  {} of {} today", number(today), number(cap)),
        (0, None) => String::new(),
        (today, None) => format!("  {} today", number(today)),
    };
    let head = TextLine::plain(format!("  {:<16.16} ", sender.name)).and(format!("{provider:<7}"), TextRole::Dim);
    if let Some(stop) = &sender.stopped {
        return head.and(format!("STOPPED: {}", stop.reason), TextRole::Need);
    }
    let who = header::who_sends(model, sender, header::sends(model, sender));
    let facts = format!("{rate:>15}{today}");
    let who = if facts.trim().is_empty() { who.trim_start_matches(", ") } else { who.as_str() };
    head.and(facts, TextRole::Plain).and(who, TextRole::Dim)
}
