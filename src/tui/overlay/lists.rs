//! Overlays that are lists: the log, people found in other blasts.

use super::command_line::pasteable;
use super::{OverlayContent, clock};
use crate::tui::effect::ELSEWHERE_MAX;
use crate::tui::model::{ElsewhereOverlay, Model};
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

pub fn log(model: &Model, width: u16) -> OverlayContent {
    let clock = clock(model);
    let mut lines = Vec::new();
    for line in model.log.iter().rev() {
        lines.push(TextLine::dim(format!("  {}  ", clock.second(line.at))).and(line.shown(clock), TextRole::Plain));
        lines.extend(pasteable(&line.command_line, 12, width).map(|part| TextLine::of(part, TextRole::Accent)));
    }
    if lines.is_empty() {
        lines.push(TextLine::dim("  nothing was done from here yet"));
    }
    let title = super::title(vec!["Log".to_owned(), "what you did in this window, as commands".to_owned()], None);
    OverlayContent { title, lines, focus: None }
}

pub fn elsewhere(model: &Model, found: &ElsewhereOverlay) -> OverlayContent {
    let clock = clock(model);
    let line = |(row, there): (usize, &crate::app::view::ElsewhereRow)| {
        let person = &there.person;
        let (cursor, meaning) = if row == found.row { ("> ", TextRole::Strong) } else { ("  ", TextRole::Plain) };
        let name = person.name.as_deref().unwrap_or("-");
        TextLine::of(cursor, TextRole::Accent)
            .and(format!("{:<18}{name}  ", person.phone.to_string()), meaning)
            .and(person.status.to_string(), TextRole::Stage(person.status))
            .and(format!(" {}", clock.short(person.since())), TextRole::Plain)
            .right(format!("{}, {}  {}", there.tag, there.follow_up_stage, person.blast_id))
    };
    let lines = found.rows.iter().enumerate().map(line).collect();
    let is_cut = found.rows.len() >= ELSEWHERE_MAX as usize;
    let where_found = if is_cut {
        format!("The newest {ELSEWHERE_MAX} in every blast, of more")
    } else {
        "Found in every blast".to_owned()
    };
    let title = super::title(vec![format!("{where_found}: {}", found.text)], Some("enter goes there".to_owned()));
    OverlayContent { title, lines, focus: Some(found.row) }
}
