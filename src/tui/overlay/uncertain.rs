//! The question what became of the messages of several people.

use super::{OverlayContent, wrapped};
use crate::domain::ids::RecipientId;
use crate::domain::recipient::Resolution;
use crate::domain::text::span_words;
use crate::tui::format::{count_of, counted};
use crate::tui::model::{Model, RESOLUTIONS, ResolutionChoice, UncertainOverlay};
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

/// The columns of a choice and of the cursor before it.
const CHOICE: usize = 28;
const CURSOR: usize = 4;

pub fn content(model: &Model, page: &UncertainOverlay, width: u16) -> OverlayContent {
    let is_over_meta = model.people_of().is_some_and(|blast| model.is_over_meta(blast));
    let ask = if is_over_meta {
        "Webhooks of Meta's settle it, mostly within minutes. If none come, ask some of them whether the message is there"
    } else {
        "Open their chats on the phone, and look whether the message is there"
    };
    let had = page.known_in_words().map(|had| format!(" {had}")).unwrap_or_default();
    let text = format!(
        "It is not known whether their messages were sent. Nothing is resent by itself. {ask}; then give one answer for all of them.{had}"
    );
    let lines = wrapped(&text, width.saturating_sub(4)).into_iter();
    let mut lines: Vec<_> = lines.map(|line| TextLine::plain(format!("  {line}"))).collect();
    // Where not all of it has room, the choices come first.
    let has_room = lines.len() + RESOLUTIONS.len() <= super::page_rows(model);
    let explained = if has_room { Vec::new() } else { std::mem::take(&mut lines) };
    let focus = Some(lines.len() + page.choice.index());
    // They were uncertain after their attempt: once that is so long ago, so is the attempt.
    let is_past = |id: &RecipientId| {
        let changed_at = model.recipients.get(*id).map(|listed| listed.row.changed_at);
        changed_at.is_some_and(|changed_at| model.resend_from(Some(changed_at)).is_none())
    };
    let wait = (!page.people.iter().all(is_past)).then(|| span_words(model.resend_after));
    let is_cancelled = model.people_of().is_some_and(|blast| model.is_cancelled(blast));
    lines.extend(RESOLUTIONS.iter().map(|choice| line(*choice, page.choice, (wait.as_deref(), is_cancelled), width)));
    lines.extend(explained);
    lines.extend(people(model, page, super::page_rows(model).saturating_sub(lines.len())));
    let title = vec![counted(page.people.len()), "uncertain".to_owned()];
    OverlayContent { title: super::title(title, None), lines, focus }
}

/// Who they are, as far as there is room.
fn people(model: &Model, page: &UncertainOverlay, room: usize) -> Vec<TextLine> {
    // A blank line before them, and one that counts those who have no room.
    let shown = if page.people.len() < room { page.people.len() } else { room.saturating_sub(2) };
    if shown == 0 {
        return Vec::new();
    }
    let mut lines = vec![TextLine::default()];
    lines.extend(page.people.iter().filter_map(|id| person(model, *id)).take(shown));
    let hidden = page.people.len() + 1 - lines.len();
    if hidden > 0 {
        lines.push(TextLine::dim(format!(
            "    and {}",
            count_of(i64::try_from(hidden).unwrap_or(i64::MAX), "other", "others")
        )));
    }
    lines
}

/// Somebody of them, where they are in the list that was read.
fn person(model: &Model, id: RecipientId) -> Option<TextLine> {
    let row = &model.recipients.get(id)?.row;
    let name = row.name.as_deref().unwrap_or("-");
    Some(TextLine::dim(format!("    {:<18}{name}", row.phone.to_string())))
}

/// A choice, and what it does, as far as there is room to say it. `wait`: so long after a message it may be sent again, where that is not
/// over for all of them, nor the blast cancelled.
fn line(
    choice: ResolutionChoice,
    chosen: ResolutionChoice,
    (wait, is_cancelled): (Option<&str>, bool),
    width: u16,
) -> TextLine {
    let (words, then, further) = match choice {
        ResolutionChoice::LeaveOpen => ("leave them open", "answers that still come settle them", String::new()),
        ResolutionChoice::Say(Resolution::Sent) => {
            ("they are all there", "count as sent", "; asks you first".to_owned())
        }
        ResolutionChoice::Say(Resolution::Resend) if is_cancelled => {
            ("none is there, send again", "not of a cancelled blast", String::new())
        }
        ResolutionChoice::Say(Resolution::Resend) => {
            let wait = wait.map(|wait| format!("; not before {wait} have passed"));
            ("none is there, send again", "you type how many", wait.unwrap_or_default())
        }
        ResolutionChoice::Say(Resolution::Drop) => {
            ("none is there, leave out", "count as skipped", "; asks you first".to_owned())
        }
    };
    let room = usize::from(width).saturating_sub(CURSOR + CHOICE);
    let (cursor, meaning) = if choice == chosen { (">", TextRole::Strong) } else { (" ", TextRole::Plain) };
    TextLine::of(format!("  {cursor} "), TextRole::Accent)
        .and(format!("{words:<CHOICE$}"), meaning)
        .and(if then.len() <= room { then } else { "" }, TextRole::Dim)
        .and(if then.len() + further.len() <= room { further } else { String::new() }, TextRole::Dim)
}
