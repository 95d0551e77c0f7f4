//! The first line: whose messages these are, whether what is shown is true now, the senders, what needs a person.

use crate::domain::waiting::Waiting;
use crate::engine::DatabaseState;
use crate::engine::view::SenderRow;
use crate::tui::DeskKind;
use crate::tui::format::{Clock, number};
use crate::tui::model::Model;
use crate::tui::theme::Meaning;
use crate::tui::widget::{Pen, width};

/// The zone's offset is told from this many columns.
const WIDE: u16 = 110;

pub fn draw(model: &Model, pen: &mut Pen<'_>) {
    let room = pen.screen().width;
    let needs = model.needs();
    let need = (needs > 0).then(|| format!("! {} need{} you", number(needs), if needs == 1 { "s" } else { "" }));
    let need = need.filter(|words| width(words) + 12 <= room);
    let end = room.saturating_sub(need.as_ref().map_or(1, |words| width(words) + 2));
    let mut at = kind(model, pen);
    at = name(model, pen, at, end);
    for (words, meaning) in segments(model, room) {
        if at + 2 + width(&words) > end {
            continue;
        }
        at = pen.put((at + 2, 0), &words, end - at - 2, meaning);
    }
    if let Some(words) = need {
        pen.put_right((room - 1, 0), &words, room, Meaning::Need);
    }
}

fn kind(model: &Model, pen: &mut Pen<'_>) -> u16 {
    let (word, meaning) = match model.options.kind {
        DeskKind::Real => ("REAL", Meaning::Real),
        DeskKind::Demo => ("DEMO", Meaning::Demo),
        DeskKind::ReadOnly => ("READ-ONLY", Meaning::ReadOnly),
    };
    pen.put((1, 0), word, 9, meaning)
}

fn name(model: &Model, pen: &mut Pen<'_>, at: u16, end: u16) -> u16 {
    match &model.options.name {
        Some(name) => pen.put((at + 1, 0), name, end.saturating_sub(at + 1).min(30), Meaning::Strong),
        None => at,
    }
}

/// What follows the name, the most important first; what does not fit is left out.
fn segments(model: &Model, room: u16) -> Vec<(String, Meaning)> {
    let mut segments = vec![freshness(model, room)];
    segments.extend(model.senders.iter().map(sender));
    segments
}

fn freshness(model: &Model, room: u16) -> (String, Meaning) {
    let clock = Clock { zone: model.options.zone, now: model.now };
    match (model.database, model.news_at) {
        (DatabaseState::Down { since }, _) => (format!("STALE since {}", clock.long(since)), Meaning::Need),
        (DatabaseState::Up, None) => ("reading".to_owned(), Meaning::Dim),
        (DatabaseState::Up, Some(at)) => {
            let offset = if room >= WIDE { format!(" {}", clock.offset()) } else { String::new() };
            (format!("live, news {}{offset}", clock.long(at)), Meaning::Plain)
        }
    }
}

fn sender(sender: &SenderRow) -> (String, Meaning) {
    if sender.stopped.is_some() {
        return (format!("{} STOPPED", sender.name), Meaning::Need);
    }
    let rate = sender.per_hour.map(|rate| format!(" {}/h", number(rate))).unwrap_or_default();
    let cap = sender.daily_cap.map(|cap| format!("/{}", number(cap))).unwrap_or_default();
    let today = (sender.today > 0 || sender.daily_cap.is_some()).then(|| format!(" {}{cap} today", number(sender.today)));
    let nobody = if sender.waiting == Some(Waiting::NoEngine) { ", no engine" } else { "" };
    let idle = if today.is_none() && sender.lease.is_none() { " idle" } else { "" };
    (format!("{}{rate}{}{nobody}{idle}", sender.name, today.unwrap_or_default()), Meaning::Plain)
}
