//! What somebody wrote back and what they were answered, in the order of time; and until when they may be answered.

use chrono::{DateTime, Utc};

use super::command_line::pasteable;
use super::{clock, wrapped};
use crate::app::SessionAnswer;
use crate::app::view::{RecipientDetails, ReplyRow};
use crate::domain::session::SessionWindow;
use crate::domain::status::Status;
use crate::tui::format::TimeFormat;
use crate::tui::model::Model;
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

/// Nothing where nobody wrote or was answered.
pub(super) fn section(model: &Model, loaded: &RecipientDetails, width: u16) -> Vec<TextLine> {
    let clock = clock(model);
    if loaded.replies.is_empty() && loaded.session_answers.is_empty() {
        return match loaded.row.replied_at {
            Some(at) => {
                let words = format!("  replied {}, as marked by hand: what they wrote is not known", clock.long(at));
                vec![TextLine::rule("Reply"), TextLine::dim(words)]
            }
            None => Vec::new(),
        };
    }
    let rule = TextLine::rule("Reply");
    let rule = match loaded.session {
        Some(_) if loaded.row.opt_out.is_some() => rule.right("opted out: not written to".to_owned()),
        Some(session) => rule.right(until(session, clock)),
        None => rule,
    };
    let mut lines = vec![rule];
    lines.extend(conversation(model, loaded, width));
    if let (Some(SessionWindow::Open { .. }), false) = (loaded.session, loaded.row.opt_out.is_some()) {
        let (blast, phone) = (loaded.row.blast_id, loaded.row.phone.as_str());
        let line = format!("blastdeck reply {blast} {phone}");
        lines.extend(pasteable(&model.options.call(&line), 2, width).map(TextLine::dim));
        let how = model.with_keys("with your text in quotes after it; ⟨a⟩ answers from here");
        lines.extend(wrapped(&how, width.saturating_sub(4)).into_iter().map(|line| TextLine::dim(format!("  {line}"))));
    }
    lines
}

/// What they wrote and what they were answered, in the order of time.
pub(super) fn conversation(model: &Model, loaded: &RecipientDetails, width: u16) -> Vec<TextLine> {
    let clock = clock(model);
    let mut said: Vec<(DateTime<Utc>, Vec<TextLine>)> = Vec::new();
    said.extend(loaded.replies.iter().map(|reply| (reply.at, theirs((model, reply), clock, width))));
    said.extend(loaded.session_answers.iter().map(|answer| (answer.written_at, ours(answer, clock, width))));
    said.sort_by_key(|(at, _)| *at);
    said.into_iter().flat_map(|(_, lines)| lines).collect()
}

/// The most lines of the message that they reply to.
const MESSAGE_LINES: usize = 4;

/// The message of the blast that they reply to, or its beginning.
pub(super) fn replied_to(model: &Model, loaded: &RecipientDetails, width: u16) -> Vec<TextLine> {
    let text = loaded.message_text.as_ref().or(loaded.words.as_ref());
    let Some((text, at)) = text.zip(loaded.row.sent_at) else { return Vec::new() };
    let mut lines = message(&clock(model).long(at), &format!("you: {text}"), TextRole::Dim, width);
    if lines.len() > MESSAGE_LINES {
        lines.truncate(MESSAGE_LINES);
        lines.push(TextLine::dim("         ~ enter on the person shows all of it"));
    }
    lines
}

pub(super) fn until(session: SessionWindow, clock: TimeFormat) -> String {
    match session {
        SessionWindow::Open { until } => format!("text until {}", clock.long(until)),
        SessionWindow::Over { until } => format!("text was possible until {}", clock.long(until)),
        SessionWindow::Never => "templates only".to_owned(),
    }
}

fn theirs((model, reply): (&Model, &ReplyRow), clock: TimeFormat, width: u16) -> Vec<TextLine> {
    // A picture's words begin with what it is, in brackets or without.
    let is_named = reply.kind == "text" || reply.body.trim_start_matches('(').starts_with(&reply.kind);
    let what = if is_named { String::new() } else { format!("({}) ", reply.kind) };
    let file = match (reply.file.file_state.as_deref(), &reply.file.file_reason) {
        (Some("stored"), _) => {
            format!("saved: {}", model.options.call(&format!("blastdeck replies save {} FILE", reply.id)))
        }
        (Some("wanted"), Some(why)) => format!("not fetched yet: {why}"),
        (Some("wanted"), None) => "is being fetched".to_owned(),
        (Some("lost"), Some(why)) => format!("not saved: {why}"),
        (Some("dropped"), _) => "no longer kept".to_owned(),
        _ => String::new(),
    };
    let mut lines =
        message(&clock.long(reply.at), &format!("{what}{}", reply.body), TextRole::Stage(Status::Replied), width);
    if !file.is_empty() {
        lines.extend(
            wrapped(&file, width.saturating_sub(11)).into_iter().map(|line| TextLine::dim(format!("         {line}"))),
        );
    }
    lines
}

fn ours(answer: &SessionAnswer, clock: TimeFormat, width: u16) -> Vec<TextLine> {
    let by = answer.by.as_deref().unwrap_or("you");
    let text = format!("{by}: {}", answer.text);
    let mut lines = message(&clock.long(answer.written_at), &text, TextRole::Plain, width);
    if let Some(first) = lines.first_mut() {
        let line = std::mem::take(first);
        *first = line.right(answer.status.label().to_owned());
    }
    let why = answer.error_message.as_deref().or(answer.reason.as_deref());
    if let (Status::Failed | Status::Skipped | Status::Uncertain | Status::OptedOut, Some(why)) = (answer.status, why) {
        let why =
            answer.advice.map_or_else(|| why.to_owned(), |advice| format!("{}: {advice}", why.trim_end_matches('.')));
        lines.extend(
            wrapped(&why, width.saturating_sub(11)).into_iter().map(|line| TextLine::dim(format!("         {line}"))),
        );
    }
    lines
}

/// A message beside its time, wrapped.
fn message(at: &str, text: &str, meaning: TextRole, width: u16) -> Vec<TextLine> {
    let room = width.saturating_sub(26).max(20);
    let mut lines = wrapped(text, room).into_iter();
    let first = TextLine::dim(format!("  {at}  ")).and(lines.next().unwrap_or_default(), meaning);
    std::iter::once(first).chain(lines.map(|line| TextLine::plain("         ").and(line, meaning))).collect()
}
