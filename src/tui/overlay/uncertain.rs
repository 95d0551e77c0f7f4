//! The question what became of the messages of several people.

use super::{OverlayContent, wrapped};
use crate::domain::recipient::Resolution;
use crate::tui::format::counted;
use crate::tui::model::{RESOLUTIONS, ResolutionChoice, UncertainOverlay};
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

/// The columns of a choice.
const CHOICE: usize = 28;

pub fn content(page: &UncertainOverlay, width: u16) -> OverlayContent {
    let why = "It is not known whether their messages went: the answers were lost. Look for the message in some of their chats on the \
               phone, then say what holds for all of them.";
    let mut lines: Vec<_> =
        wrapped(why, width.saturating_sub(4)).into_iter().map(|line| TextLine::plain(format!("  {line}"))).collect();
    let focus = Some(lines.len() + page.choice.index());
    lines.extend(RESOLUTIONS.iter().map(|choice| line(*choice, page.choice)));
    let title = vec![counted(page.people.len()), "uncertain".to_owned()];
    OverlayContent { title: super::title(title, None), lines, focus }
}

fn line(choice: ResolutionChoice, chosen: ResolutionChoice) -> TextLine {
    let (words, then) = match choice {
        ResolutionChoice::LeaveOpen => ("leave them open", "late answers still settle them"),
        ResolutionChoice::Say(Resolution::Sent) => ("they are all there", "count as sent; asks you first"),
        ResolutionChoice::Say(Resolution::Resend) => ("none is there, send again", "asks for their number"),
        ResolutionChoice::Say(Resolution::Drop) => ("none is there, leave out", "count as skipped; asks you first"),
    };
    let (cursor, meaning) = if choice == chosen { (">", TextRole::Strong) } else { (" ", TextRole::Plain) };
    TextLine::of(format!("  {cursor} "), TextRole::Accent)
        .and(format!("{words:<CHOICE$}"), meaning)
        .and(then, TextRole::Dim)
}
