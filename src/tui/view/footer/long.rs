//! Sentences that are longer than a line: questions and refusals stand on as many as they need, over the last rows of the panes.

use crate::tui::model::{ConfirmBy, ConfirmPrompt, Model, Prompt, Tone};
use crate::tui::overlay::wrapped;
use crate::tui::theme::TextRole;
use crate::tui::widget::{Pen, TextLine, width};

/// The columns that the shortest keys of a yes-or-no question take.
const KEYS: &str = "y: yes, else no";

/// The lines of a question or of a refusal that do not fit into one; nothing where one is enough.
pub fn lines(model: &Model) -> Option<Vec<TextLine>> {
    let room = model.size.width;
    match (&model.prompt, &model.notice) {
        (Some(Prompt::Confirm(ask)), _) => asked(ask, room),
        (None, Some(notice)) if notice.tone == Tone::Refused && model.held.is_empty() => {
            (width(&notice.text) + 2 > room).then(|| sentence(&notice.text, room, TextRole::Trouble))
        }
        _ => None,
    }
}

fn asked(ask: &ConfirmPrompt, room: u16) -> Option<Vec<TextLine>> {
    let (taken, last) = match &ask.by {
        ConfirmBy::Yes => (width(KEYS) + 2, TextLine::plain(format!(" {KEYS}"))),
        ConfirmBy::Number { field, .. } | ConfirmBy::NumberOncePaused { field, .. } => {
            let typed = u16::try_from(field.text().chars().count()).unwrap_or(u16::MAX);
            (typed.saturating_add(3), field.line(TextLine::of(" ", TextRole::Need)))
        }
    };
    if width(&ask.question).saturating_add(taken) <= room {
        return None;
    }
    let mut lines = sentence(&ask.question, room, TextRole::Need);
    lines.push(last);
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
    let shown = lines.len().min(usize::from(last));
    let first = last + 1 - u16::try_from(shown).unwrap_or(last);
    for (line, y) in lines[lines.len() - shown..].iter().zip(first..) {
        pen.clear(y);
        line.draw(pen, (0, y), room);
    }
}
