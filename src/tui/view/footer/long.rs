//! Sentences that are longer than a line: questions, refusals and what was said stand on as many as they need, over the last rows
//! of the panes.

use super::question;
use crate::tui::model::{ConfirmBy, ConfirmPrompt, Model, Prompt};
use crate::tui::overlay::wrapped;
use crate::tui::theme::TextRole;
use crate::tui::widget::{Pen, TextLine, width};

/// The columns that the shortest keys of a yes-or-no question take.
const KEYS: &str = "only y is yes";

/// A label before a field is on a line of its own from so many columns on.
const LABEL_MAX: u16 = 8;

/// The lines of what is asked or said where it does not fit into one; nothing where one is enough.
pub fn lines(model: &Model) -> Option<Vec<TextLine>> {
    let room = model.size.width;
    match &model.prompt {
        Some(Prompt::Confirm(ask)) => asked(ask, room),
        Some(prompt) => with_field(&question::line(model, prompt), room),
        None if !model.held.is_empty() => None,
        None => announced(model, room).or_else(|| said(model, room)),
    }
}

/// An armed launch with the keys that stop it, which are never cut.
fn announced(model: &Model, room: u16) -> Option<Vec<TextLine>> {
    let (text, keys) = super::armed_words(model)?;
    let text = format!("{}: {keys}", text.trim());
    (width(&text) + 2 > room).then(|| sentence(&text, room, TextRole::Need))
}

/// Only which keys stop an armed launch, where there is no room for what starts and when.
pub fn stop_of_launch(model: &Model) -> Option<Vec<TextLine>> {
    let (_, keys) = super::armed_words(model)?;
    Some(sentence(&keys, model.size.width, TextRole::Need))
}

fn said(model: &Model, room: u16) -> Option<Vec<TextLine>> {
    let hint = super::hint_here(model);
    let (text, role) = match (&model.notice, &hint) {
        _ if model.announced().is_some() => return None,
        (Some(notice), _) => (notice.text.as_str(), TextRole::Plain),
        (None, Some(hint)) => (hint.as_str(), TextRole::Accent),
        (None, None) => return None,
    };
    (width(text) + 2 > room).then(|| sentence(text, room, role))
}

fn asked(ask: &ConfirmPrompt, room: u16) -> Option<Vec<TextLine>> {
    let (taken, last) = match &ask.by {
        ConfirmBy::Yes | ConfirmBy::YesThenNumber(_) => (width(KEYS) + 2, TextLine::plain(format!(" {KEYS}"))),
        ConfirmBy::Number { field, .. } | ConfirmBy::NumberOncePaused { field, .. } => {
            let typed = u16::try_from(field.text().chars().count()).unwrap_or(u16::MAX);
            (typed.saturating_add(3), field.line(TextLine::of(" ", TextRole::Need)))
        }
    };
    let question = ask.shown();
    if width(&question).saturating_add(taken) <= room {
        return None;
    }
    let mut lines = sentence(&question, room, TextRole::Need);
    // What is typed stands behind the question where there is room for it.
    match lines.pop_if(|line| line.width().saturating_add(taken) <= room) {
        Some(line) => lines.push(last.pieces.into_iter().fold(line, |line, piece| line.and(piece.text, piece.meaning))),
        None => lines.push(last),
    }
    Some(lines)
}

/// What stands before a field and what is said of it, each on lines of its own; the field last. Hints are left out: the keys are
/// in the footer.
fn with_field(line: &TextLine, room: u16) -> Option<Vec<TextLine>> {
    let pieces = || line.pieces.iter().filter(|piece| piece.meaning != TextRole::Dim);
    let taken = pieces().fold(0_u16, |taken, piece| taken.saturating_add(width(&piece.text)));
    let (label, rest) = line.pieces.split_first().filter(|_| taken > room)?;
    let is_typed = |role| matches!(role, TextRole::Strong | TextRole::Accent);
    let (mut lines, mut field) = match width(&label.text) {
        ..=LABEL_MAX => (Vec::new(), TextLine::of(label.text.clone(), label.meaning)),
        _ => (sentence(label.text.trim(), room, label.meaning), TextLine::plain(" ")),
    };
    for piece in rest.iter().filter(|piece| piece.meaning != TextRole::Dim && !piece.text.is_empty()) {
        if is_typed(piece.meaning) {
            field = field.and(piece.text.clone(), piece.meaning);
        } else {
            lines.extend(sentence(piece.text.trim(), room, piece.meaning));
        }
    }
    if field.pieces.len() > 1 {
        lines.push(field);
    }
    Some(lines)
}

fn sentence(text: &str, room: u16, role: TextRole) -> Vec<TextLine> {
    wrapped(text, room.saturating_sub(2))
        .iter()
        .map(|line| TextLine::of(format!(" {}", line.trim_end()), role))
        .collect()
}

/// Draws lines that end on a row, over whatever stands there. Where there is no room for all of them, the last ones stay: the field
/// or the keys are there.
pub fn draw(pen: &mut Pen<'_>, lines: &[TextLine], last: u16) {
    let room = pen.screen().width;
    let shown = lines.len().min(usize::from(last) + 1);
    let first = last + 1 - u16::try_from(shown).unwrap_or(last);
    for (line, y) in lines[lines.len() - shown..].iter().zip(first..) {
        pen.clear(y);
        line.draw(pen, (0, y), room);
    }
}
