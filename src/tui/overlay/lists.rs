//! Overlays that are lists: the log, what needs a person, people found in other blasts.

use super::command_line::pasteable;
use super::{OverlayContent, clock};
use crate::domain::sender::{UNHEARD, UNHEARD_MEND};
use crate::domain::status::Status;
use crate::tui::format::number;
use crate::tui::model::{AttentionItem, ElsewhereOverlay, Model};
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

pub fn log(model: &Model, width: u16) -> OverlayContent {
    let clock = clock(model);
    let mut lines = Vec::new();
    for line in model.log.iter().rev() {
        lines.push(TextLine::dim(format!("  {}  ", clock.second(line.at))).and(line.sentence.clone(), TextRole::Plain));
        lines.extend(pasteable(&line.command_line, 12, width).map(|part| TextLine::of(part, TextRole::Accent)));
    }
    if lines.is_empty() {
        lines.push(TextLine::dim("  nothing was done from here yet"));
    }
    let title = super::title(vec!["Log".to_owned(), "what you did, and the same as a command".to_owned()], None);
    OverlayContent { title, lines, focus: None }
}

pub fn needs(model: &Model, chosen: Option<AttentionItem>) -> OverlayContent {
    let mut lines = Vec::new();
    let mut focus = None;
    for need in model.needs_list() {
        let Some((what, mend)) = need_words(model, need) else { continue };
        let meaning = match need {
            AttentionItem::Sender(_) | AttentionItem::Unheard(_) | AttentionItem::Paused(_) => TextRole::Need,
            AttentionItem::Uncertain(_) => TextRole::Stage(Status::Uncertain),
        };
        let cursor = if chosen == Some(need) { "> " } else { "  " };
        lines.push(TextLine::of(cursor, TextRole::Accent).and(what, meaning));
        lines.push(TextLine::dim(format!("    {mend}")));
        if chosen == Some(need) {
            focus = Some(lines.len() - 1);
        }
    }
    if lines.is_empty() {
        lines.push(TextLine::plain("  Nothing needs you."));
    }
    let there = focus.map(|_| "enter goes there".to_owned());
    let title = super::title(vec!["What needs you".to_owned(), number(model.needs())], there);
    OverlayContent { title, lines, focus }
}

/// What needs a person, and what to do about it.
fn need_words(model: &Model, need: AttentionItem) -> Option<(String, String)> {
    match need {
        AttentionItem::Sender(id) => {
            let sender = model.senders.iter().find(|sender| sender.id == id)?;
            let stop = sender.stopped.as_ref()?;
            let what = format!("sender {} stopped {}: {}", sender.name, clock(model).long(stop.at), stop.reason);
            Some((what, "fix it; then enter, and S resumes its blast".to_owned()))
        }
        AttentionItem::Unheard(id) => {
            let sender = model.senders.iter().find(|sender| sender.id == id)?;
            Some((format!("sender {}: {UNHEARD}", sender.name), UNHEARD_MEND.to_owned()))
        }
        AttentionItem::Paused(id) => {
            let blast = model.blasts.get(id)?;
            let why = blast.state_reason.as_deref().unwrap_or("no reason is kept");
            Some((
                format!("{} paused by itself: {why}", blast.tag),
                "enter, then S resumes it or X cancels it".to_owned(),
            ))
        }
        AttentionItem::Uncertain(id) => {
            let blast = model.blasts.get(id)?;
            let people = number(blast.counts.uncertain);
            let what = format!("{}: {people} uncertain, nobody knows whether their message went", blast.tag);
            let mend = if model.is_over_meta(id) {
                "a webhook settles it, mostly within minutes; enter on each of them asks what you know"
            } else {
                "look at the chat on the phone; enter on each of them asks what is there"
            };
            Some((what, mend.to_owned()))
        }
    }
}

pub fn elsewhere(model: &Model, found: &ElsewhereOverlay) -> OverlayContent {
    let clock = clock(model);
    let line = |(row, person): (usize, &crate::app::view::ElsewhereRow)| {
        let (cursor, meaning) = if row == found.row { ("> ", TextRole::Strong) } else { ("  ", TextRole::Plain) };
        let name = person.name.as_deref().unwrap_or("-");
        TextLine::of(cursor, TextRole::Accent)
            .and(format!("{:<18}{name}  ", person.phone.to_string()), meaning)
            .and(person.status.to_string(), TextRole::Stage(person.status))
            .and(format!(" {}", clock.short(person.changed_at)), TextRole::Plain)
            .right(person.tag.clone())
    };
    let lines = found.rows.iter().enumerate().map(line).collect();
    let title =
        super::title(vec![format!("Found in every blast: {}", found.text)], Some("enter goes there".to_owned()));
    OverlayContent { title, lines, focus: Some(found.row) }
}
