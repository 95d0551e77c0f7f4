//! What operators did, in the words of a line of Activity.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::app::view::LeftByUndo;
use crate::domain::act::{Act, Actor};
use crate::domain::blast::BlastState;
use crate::domain::status::Status;
use crate::tui::format::{TimeFormat, in_currency};
use crate::tui::model::Model;
use crate::tui::theme::TextRole;

/// An order is written by the act that closes its person, and cancelled by the one that takes that back.
pub(super) const fn order_word(act: &Act) -> (&str, TextRole) {
    match act {
        Act::Undo => ("cancelled", TextRole::Strong),
        Act::Edit => ("edited", TextRole::Plain),
        _ => ("ordered", TextRole::Stage(Status::Closed)),
    }
}

pub(super) fn act_word(act: &Act) -> (&str, TextRole) {
    match act {
        Act::Replied => ("replied", TextRole::Stage(Status::Replied)),
        Act::Closed => ("closed", TextRole::Stage(Status::Closed)),
        Act::Answer => ("answered", TextRole::Plain),
        Act::Undo => ("undone", TextRole::Plain),
        Act::Unsuppress => ("may again", TextRole::Plain),
        Act::Resolve => ("decided", TextRole::Plain),
        Act::StopSender => ("stopped", TextRole::Need),
        Act::ResumeSender => ("goes on", TextRole::Plain),
        Act::OptOut => ("opted out", TextRole::Plain),
        Act::Launch => ("launched", TextRole::Plain),
        Act::Resume => ("resumed", TextRole::Plain),
        Act::Pause => ("paused", TextRole::Plain),
        Act::Cancel => ("cancelled", TextRole::Plain),
        Act::Delete => ("deleted", TextRole::Plain),
        Act::Retry => ("retried", TextRole::Plain),
        Act::Create => ("created", TextRole::Plain),
        Act::Edit => ("edited", TextRole::Plain),
        Act::Add => ("added", TextRole::Plain),
        Act::Remove => ("removed", TextRole::Plain),
        Act::Forget => ("forgotten", TextRole::Plain),
        act => (act.word(), TextRole::Plain),
    }
}

/// Who did it, and the amount or note.
pub(super) fn act_text(model: &Model, act: &Act, by: &str, detail: Option<&str>) -> String {
    let detail = match (act, detail) {
        (Act::Closed, Some(sum)) => {
            let sum = sum.parse().map_or_else(|_| sum.to_owned(), |sum| in_currency(sum, &model.options.currency));
            format!(": {sum}")
        }
        (Act::Resolve, Some(resolution)) => format!(": {}", decision(resolution)),
        (Act::Delete, Some(state)) => {
            BlastState::from_word(state).map_or_else(String::new, |state| format!(": it was {}", state.with_article()))
        }
        (Act::Edit, Some(detail)) => format!(": {}", edited(model, detail)),
        (_, Some(detail)) => format!(": {detail}"),
        (_, None) => String::new(),
    };
    if by == Actor::ENGINE { detail.trim_start_matches(": ").to_owned() } else { format!("by {by}{detail}") }
}

/// `starts 28 Nov 00:42`, and which time of a blast that repeats is left out; anything else as it is.
fn edited(model: &Model, detail: &str) -> String {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let when = |moment: &str| DateTime::parse_from_rfc3339(moment).ok().map(|at| clock.long(at.with_timezone(&Utc)));
    let said = detail.split_once(' ').and_then(|(what, moment)| match what {
        "start" => Some(format!("starts {}", when(moment)?)),
        "skipped" => Some(format!("leaves out {}", when(moment)?)),
        _ => None,
    });
    said.unwrap_or_else(|| detail.to_owned())
}

/// What an operator said of an uncertain message, as the question has it.
fn decision(resolution: &str) -> &str {
    match resolution {
        "sent" => "it is there, counts as sent",
        "resend" => "not there, send again",
        "drop" => "not there, left out",
        other => other,
    }
}

/// What was taken back, with its amount, by whom, and what that left: `closed RM 200.00 taken back by ben: still closed, RM 100.00`.
pub(super) fn taken_back(model: &Model, (undone, by): (&str, &str), left: Option<LeftByUndo>) -> String {
    let money = |sum: Decimal| in_currency(sum, &model.options.currency);
    let (act, amount) = undone.split_once(' ').unwrap_or((undone, ""));
    let act = if act == Act::Resolve.word() { "decision" } else { act };
    let amount = amount.parse().map_or_else(|_| String::new(), |sum| format!(" {}", money(sum)));
    let left = left.map_or_else(String::new, |left| match left.amount {
        Some(sum) if act == Act::Closed.word() => format!(": still closed, {}", money(sum)),
        Some(_) => String::new(),
        None => format!(": now at {}", left.status),
    });
    format!("{act}{amount} taken back by {by}{left}")
}
