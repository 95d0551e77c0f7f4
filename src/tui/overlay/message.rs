//! The message of somebody as it was sent, or what is known of it: its text is kept once the provider has accepted it.

use super::wrapped;
use crate::app::view::{HistoryRow, RecipientDetails};
use crate::domain::status::Status;
use crate::domain::text::characters;
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

pub(super) fn lines(loaded: &RecipientDetails, width: u16) -> Vec<TextLine> {
    let wrap = |text: &str| wrapped(text, width.saturating_sub(4)).into_iter().map(|line| format!("  {line}"));
    if let Some(text) = &loaded.message_text {
        let is_sent = !matches!(standing(loaded), Status::Uncertain | Status::Skipped | Status::Sending);
        let title = TextLine::rule(if is_sent { "Message as sent" } else { "Message" });
        // A template's is drawn with its buttons and its header, which are no text of the message.
        let length = if loaded.is_template { String::new() } else { characters(text) };
        let title = title.and(length, TextRole::Plain);
        return std::iter::once(title).chain(wrap(text).map(TextLine::plain)).collect();
    }
    let known = wrap(&unaccepted(loaded)).map(TextLine::dim);
    let words = loaded.words.iter().filter(|words| !words.is_empty()).flat_map(|words| {
        let title = TextLine::dim("  its text:");
        std::iter::once(title).chain(wrap(words).map(TextLine::plain))
    });
    std::iter::once(TextLine::rule("Message")).chain(known).chain(words).collect()
}

/// What is known of a message without an answer that accepts it.
fn unaccepted(loaded: &RecipientDetails) -> String {
    let row = &loaded.row;
    if let Some(resolved) = resolution(loaded) {
        let by = resolved.by.as_deref().unwrap_or("an operator");
        let then = match resolved.new_status {
            Status::Skipped => "not there, leave out",
            Status::Queued => "not there, send again",
            _ => "it is there",
        };
        return format!("it was not known whether it was sent; {by} said: {then}");
    }
    match (standing(loaded), row.attempt) {
        (Status::Sending, _) => "being sent",
        // Of whoever opted out meanwhile nothing else may be noted of an attempt that a database had forgotten.
        (Status::Uncertain, _) | (Status::OptedOut, 1..) => "it is not known whether it was sent",
        (Status::Queued, 0) => "not sent yet",
        (Status::Queued, _) => "not accepted so far: it is tried again",
        (Status::Sent | Status::Delivered | Status::Read, _) => "sent; no answer that has its text came back",
        (Status::Failed, 1..) => "not accepted: no message went",
        _ => "not sent",
    }
    .to_owned()
}

/// Where their message stands, whatever else is known of them.
fn standing(loaded: &RecipientDetails) -> Status {
    let is_mark = |status: &Status| matches!(status, Status::OptedOut | Status::Replied | Status::Closed);
    let statuses = loaded.history.iter().rev().map(|change| change.new_status);
    Some(loaded.row.status).into_iter().chain(statuses).find(|status| !is_mark(status)).unwrap_or(loaded.row.status)
}

/// What an operator last said of an attempt whose outcome was not known.
fn resolution(loaded: &RecipientDetails) -> Option<&HistoryRow> {
    let is_of_it =
        |change: &&HistoryRow| change.attempt == loaded.row.attempt && change.new_status != change.old_status;
    let last = loaded
        .history
        .iter()
        .rev()
        .filter(is_of_it)
        .find(|change| change.old_status == Status::Uncertain || change.new_status == Status::Uncertain)?;
    (last.old_status == Status::Uncertain && last.source == "operator").then_some(last)
}
