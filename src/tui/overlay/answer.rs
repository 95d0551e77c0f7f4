//! An answer being written, below what was said before.

use super::{OverlayContent, clock, reply, wrapped};
use crate::domain::session::SessionWindow;
use crate::tui::model::{AnswerOverlay, AnswerProgress, Model};
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

pub fn content(model: &Model, answer: &AnswerOverlay, width: u16) -> OverlayContent {
    let session = answer.loaded.as_ref().and_then(|loaded| loaded.session);
    let until = session.map(|session| reply::until(session, clock(model)));
    let title = super::title(vec!["Answer".to_owned(), answer.who.clone(), answer.phone.to_string()], until);
    let mut lines = match &answer.loaded {
        Some(loaded) => {
            let mut said = reply::replied_to(model, loaded, width);
            said.extend(reply::conversation(model, loaded, width));
            said
        }
        None => vec![TextLine::dim("  reading what was said ...")],
    };
    lines.push(TextLine::default());
    lines.push(answer.field.line(TextLine::of(" your answer: ", TextRole::Accent)));
    let focus = lines.len() - 1;
    if let Some(words) = standing(answer, session) {
        lines.extend(
            wrapped(&words, width.saturating_sub(3)).into_iter().map(|line| TextLine::dim(format!("  {line}"))),
        );
    }
    // What follows the field is seen with it.
    let focus = (lines.len() - 1).min(focus + 3);
    OverlayContent { title, lines, focus: Some(focus) }
}

fn standing(answer: &AnswerOverlay, session: Option<SessionWindow>) -> Option<String> {
    match (&answer.progress, session) {
        (AnswerProgress::Sending, _) => Some("being queued ...".to_owned()),
        (AnswerProgress::Refused(why), _) => Some(why.clone()),
        (AnswerProgress::Writing, Some(SessionWindow::Over { .. })) => Some(
            "text may be sent only within 24 hours of a person's last message; a template still reaches them"
                .to_owned(),
        ),
        (AnswerProgress::Writing, _) => None,
    }
}
