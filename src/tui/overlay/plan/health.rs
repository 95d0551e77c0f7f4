//! What is known of the sender while a plan is shown.

use super::super::{clock, wrapped};
use crate::app::{self, KnownHealth};
use crate::domain::text::clean;
use crate::tui::format::{TimeFormat, number};
use crate::tui::model::Model;
use crate::tui::theme::TextRole;
use crate::tui::widget::{TextLine, width as display_width};

/// `sales: device 5850 paired, checked 14:08   last sent 14:07   template: none needed   clock is right`, in as many lines as it takes.
fn sender_health(known: &KnownHealth, clock: TimeFormat, room: u16) -> Vec<TextLine> {
    let (check, is_good) = match &known.check {
        None => ("not checked yet".to_owned(), true),
        Some(check) => (format!("{}, checked {}", clean(&check.detail), clock.long(check.at)), check.is_good),
    };
    let last =
        known.last_sent.map_or_else(|| "nothing sent yet".to_owned(), |at| format!("last sent {}", clock.long(at)));
    let role = if is_good { TextRole::Plain } else { TextRole::Trouble };
    let mut lines: Vec<TextLine> = wrapped(&format!("{}: {check}", known.sender), room.saturating_sub(2))
        .into_iter()
        .map(|line| TextLine::of(format!("  {line}"), role))
        .collect();
    for part in [last, "template: none needed".to_owned(), known.clock_words()] {
        let fits = lines.last().is_some_and(|line| line.width() + 3 + display_width(&part) <= room);
        match lines.pop() {
            Some(line) if fits => lines.push(line.and(format!("   {part}"), TextRole::Plain)),
            line => lines.extend(line.into_iter().chain([TextLine::plain(format!("  {part}"))])),
        }
    }
    lines
}

/// What the provider says, and how many people it lets the business write to.
pub(super) fn health(model: &Model, loaded: &app::Plan, width: u16) -> Vec<TextLine> {
    if let Some(known) = &loaded.sender_health {
        let lines = sender_health(known, clock(model), width.saturating_sub(2));
        return std::iter::once(TextLine::rule("Health")).chain(lines).collect();
    }

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
