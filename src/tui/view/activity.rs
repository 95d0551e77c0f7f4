//! What happened, newest first, a line each; below them the line at the cursor in full.

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::layout::Rect;

mod words;

use self::words::{act_text, act_word, order_word, taken_back};
use super::{behind_footer, cursor, focused};
use crate::app::view::{ActivityEvent, ActivityOrder, ActivityRow, RecipientRow};
use crate::domain::act::{Act, Actor};
use crate::domain::blast::BlastState;
use crate::domain::status::Status;
use crate::tui::action::KeyScope;
use crate::tui::format::{TimeFormat, counted, total};
use crate::tui::layout::{activity_head_rows, activity_rows, preview_rows};
use crate::tui::model::{Model, Pane};
use crate::tui::overlay::wrapped;
use crate::tui::theme::TextRole;
use crate::tui::widget::{ColumnAlign, ColumnLayout, Focused, Pen, TitleRule, rule, start_of, width};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ActivityColumn {
    Time,
    Phone,
    Name,
    What,
    /// Where the person stands now.
    Stage,
    Text,
    Blast,
}

/// Why somebody stands again where they stood before a mark, as their history has it.
const TAKEN_BACK: &str = "taken back";

/// Stands for a stage that the line says already.
const IMPLIED: &str = "·";

/// The columns that the text keeps beside a blast's name that is longer than usual, and what that gets at most.
const TEXT_LEAST: u16 = 60;
const BLAST_MORE: u16 = 20;

/// The columns for a width: the number from 110, the blast from 130, where they stand now from 64; the text takes the rest.
fn table(room: u16) -> ColumnLayout<ActivityColumn> {
    let name = match room {
        110.. => 22,
        64.. => 18,
        _ => 12,
    };
    let from = |least: u16, width: u16| if room >= least { width } else { 0 };
    let [phone, stage, blast] = [from(110, 17), from(64, 9), from(130, 16)];
    let fixed = [
        (ActivityColumn::Time, 6),
        (ActivityColumn::Phone, phone),
        (ActivityColumn::Name, name),
        (ActivityColumn::What, 9),
        (ActivityColumn::Stage, stage),
        (ActivityColumn::Text, 0),
        (ActivityColumn::Blast, blast),
    ];
    let taken: u16 = fixed.iter().filter(|(_, width)| *width > 0).map(|(_, width)| width + 1).sum();
    let rest = room.saturating_sub(2 + taken + 1);
    // A long name of a blast has room where the text keeps enough of it.
    let more = if blast > 0 { rest.saturating_sub(TEXT_LEAST).min(BLAST_MORE) } else { 0 };
    let columns = fixed.map(|(column, width)| match column {
        ActivityColumn::Text => (column, rest - more),
        ActivityColumn::Blast => (column, width + more),
        _ => (column, width),
    });
    let shown: Vec<_> = columns.into_iter().filter(|(_, width)| *width > 0).collect();
    ColumnLayout::lay(&shown.into_iter().map(|(column, width)| (column, width, ColumnAlign::Left)).collect::<Vec<_>>())
}

const fn head(column: ActivityColumn) -> &'static str {
    match column {
        ActivityColumn::Time => "when",
        ActivityColumn::Phone => "phone",
        ActivityColumn::Name => "who",
        ActivityColumn::What => "what",
        ActivityColumn::Stage => "now",
        ActivityColumn::Text => "text, or by whom",
        ActivityColumn::Blast => "blast",
    }
}

/// Draws into any rectangle: in the place of the recipients, or beside them.
/// What stands in the list of a pane, from the top: the line at the cursor is never behind what is said below.
pub fn shown(model: &Model, area: Rect) -> impl Iterator<Item = &ActivityRow> {
    let (rows, below) = (activity_rows(area), usize::from(preview_rows(area)));
    let at = model.activity.visible(rows).position(|row| model.activity.cursor() == Some(row.place));
    model.activity.visible(rows).skip(behind_footer(model, at, rows + below))
}

pub fn draw(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    let focus = focused(model, Pane::Activity);
    rule(pen, (area.x, area.y), area.width, &title(model), focus);
    let preview = preview_rows(area);
    let (first, table) = (area.y + activity_head_rows(area), table(area.width));
    if first > area.y + 1 {
        table.row(pen, (area.x, area.y + 1), |column| (head(column).to_owned(), TextRole::Dim));
    }
    for (row, y) in shown(model, area).zip(first..) {
        let here = model.activity.cursor() == Some(row.place);
        let (glyph, meaning) = match () {
            () if here => cursor(focus),
            () if model.activity.is_new(row, &model.options.operator) => ("N", TextRole::Accent),
            () => (" ", TextRole::Plain),
        };
        pen.put((area.x, y), glyph, 1, meaning);
        let strong = here && focus == Focused::Yes;
        table.row(pen, (area.x, y), |column| value(model, row, column, strong));
    }
    if model.activity.is_empty() {
        let words = if model.awaits_activity() { model.reading() } else { "nothing has happened yet" };
        pen.put((area.x + 2, first), words, area.width.saturating_sub(2), TextRole::Dim);
    }
    full_line(model, pen, Rect { y: area.bottom() - preview, height: preview, ..area });
}

/// The line at the cursor in full, as far as there is room.
fn full_line(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    let room = area.width.saturating_sub(2);
    let words = match model.activity.at_cursor() {
        Some(row) => said(model, row),
        None => no_text(model).unwrap_or_default(),
    };
    let mut lines = wrapped(&words, room);
    if lines.len() > usize::from(area.height) {
        lines.truncate(usize::from(area.height));
        if let Some(last) = lines.last_mut() {
            let is_full = width(last) >= room;
            *last = if is_full { start_of(last, room) } else { format!("{last}~") };
        }
    }
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        pen.put((area.x + 2, y), line.trim_end(), room, TextRole::Plain);
    }
}

/// The event in words, with when and in which blast; then why there is no text, where it is that.
fn said(model: &Model, row: &ActivityRow) -> String {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let (text, _) = text(model, row);
    let who = who(model, row);
    let blast = blast_name(model, row).filter(|name| *name != who).map(|name| format!(", {name}")).unwrap_or_default();
    let about = if who.is_empty() { String::new() } else { format!("{who}, ") };
    let what = match &row.event {
        ActivityEvent::Change { starts_at: Some(_), .. } => "launched",
        event => what(event, model.now).0,
    };
    let joint = match (text.is_empty(), text.starts_with("by "), blast.is_empty()) {
        (true, ..) => "",
        (false, true, true) => " ",
        (false, true, false) => ", ",
        (false, false, _) => ": ",
    };
    let sentence = format!("{about}{what} {}{blast}{joint}", clock.second(row.place.at));
    let lacks_text = matches!(&row.event, ActivityEvent::Act { act: Act::Replied, .. });
    let why = no_text(model).filter(|_| lacks_text).map(|why| format!(". {why}")).unwrap_or_default();
    format!("{sentence}{text}{why}")
}

/// Why nobody's words are here, where a sender's replies stay on its phone.
fn no_text(model: &Model) -> Option<String> {
    let on_phones: Vec<&str> =
        model.senders.iter().filter(|sender| sender.provider == "wsapme").map(|sender| sender.name.as_str()).collect();
    let is_silent = !on_phones.is_empty() && !model.activity.has_replies();
    is_silent.then(|| {
        let phones = on_phones.join(", ");
        model.with_keys(&format!(
            "What people write is on the phone of {phones}: no webhook brings it here; ⟨r⟩ and ⟨c⟩ mark it"
        ))
    })
}

/// `4 Activity 3 new`, for the titles of other panes.
pub fn unread(model: &Model) -> String {
    match model.activity.unread() {
        Some(unread) => format!("4 Activity {} new", total(unread)),
        None => "4 Activity".to_owned(),
    }
}

fn title(model: &Model) -> TitleRule {
    let is_focused = focused(model, Pane::Activity) == Focused::Yes;
    let left = ["4 Activity".to_owned(), "newest first".to_owned()];
    let left = left.into_iter().chain(news(model, is_focused)).collect();
    TitleRule { left, right: is_focused.then(|| "3 Recipients".to_owned()) }
}

/// How much is new, and where: above the list, which `g` lets in, or passed over further down.
fn news(model: &Model, is_focused: bool) -> Vec<String> {
    let Some(unread) = model.activity.unread().map(total) else { return Vec::new() };
    match (is_focused, model.activity.has_newer(), model.activity.passed_over()) {
        (true, true, false) => vec![model.with_keys(&format!("{unread} new: ⟨g⟩"))],
        (true, true, true) => vec![format!("{unread} new"), model.with_keys("newer: ⟨g⟩")],
        (false, ..) | (true, false, _) => vec![format!("{unread} new")],
    }
}

fn value(model: &Model, row: &ActivityRow, column: ActivityColumn, is_strong: bool) -> (String, TextRole) {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let person = if is_strong { TextRole::Selected } else { TextRole::Plain };
    match column {
        ActivityColumn::Time => (clock.short(row.place.at), TextRole::Dim),
        ActivityColumn::Phone => (row.phone.as_ref().map(ToString::to_string).unwrap_or_default(), person),
        ActivityColumn::Name => (who(model, row), person),
        ActivityColumn::What => {
            let (what, meaning) = what(&row.event, model.now);
            (what.to_owned(), meaning)
        }
        ActivityColumn::Stage => match stage(model.activity.person_of(row)) {
            (stage, _) if stage == what(&row.event, model.now).0 && !stage.is_empty() => {
                (IMPLIED.to_owned(), TextRole::Dim)
            }
            stage => stage,
        },
        ActivityColumn::Text => text(model, row),
        ActivityColumn::Blast => (blast_name(model, row).unwrap_or_default(), TextRole::Dim),
    }
}

/// What people call its blast, with its id where another one in the list is called the same.
fn blast_name(model: &Model, row: &ActivityRow) -> Option<String> {
    let listed = row.blast.and_then(|id| model.blasts.get(id));
    let id = listed.and_then(|blast| model.id_of_namesake(blast)).unwrap_or_default();
    row.blast_name().map(|name| name + &id)
}

/// The person's name, else their number; of what is about a blast, its name.
fn who(model: &Model, row: &ActivityRow) -> String {
    if let ActivityEvent::Act { people: Some(people), .. } = &row.event {
        return counted(*people);
    }
    let person = row.name.clone().or_else(|| row.phone.as_ref().map(ToString::to_string));
    let blast = || {
        matches!(row.event, ActivityEvent::Change { .. } | ActivityEvent::Act { .. }).then(|| blast_name(model, row))
    };
    person.or_else(|| blast().flatten()).unwrap_or_default()
}

/// Where they stand now, and whether they opted out.
fn stage(person: Option<&RecipientRow>) -> (String, TextRole) {
    match person {
        None => (String::new(), TextRole::Plain),
        Some(row) if row.opted_out_at.is_some() || row.opt_out.is_some() => {
            ("opted out".to_owned(), TextRole::Stage(Status::OptedOut))
        }
        Some(row) => (row.status.to_string(), TextRole::Stage(row.status)),
    }
}

fn what(event: &ActivityEvent, now: DateTime<Utc>) -> (&str, TextRole) {
    match event {
        ActivityEvent::Reply { kind, .. } => match kind.as_str() {
            "text" => ("wrote", TextRole::Stage(Status::Replied)),
            "order" => ("ordered", TextRole::Stage(Status::Closed)),
            "button" | "list" => ("pressed", TextRole::Stage(Status::Replied)),
            kind => (kind, TextRole::Stage(Status::Replied)),
        },
        ActivityEvent::OptOut { .. } => ("opted out", TextRole::Strong),
        // It is no news: they stand where they stood before the mark.
        ActivityEvent::Trouble { why: Some(why), .. } if why == TAKEN_BACK => ("undone", TextRole::Plain),
        ActivityEvent::Trouble { status, .. } => (status.label(), TextRole::Stage(*status)),
        ActivityEvent::Act { order: Some(ActivityOrder { state: Some(state), .. }), .. } => {
            (state.word(), TextRole::Plain)
        }
        ActivityEvent::Act { act, order: Some(_), .. } => order_word(act),
        ActivityEvent::Act { act, .. } => act_word(act),
        ActivityEvent::Change { starts_at: Some(at), .. } if *at > now => ("starts", TextRole::Need),
        ActivityEvent::Change { from: BlastState::Sending | BlastState::Scheduled, to: BlastState::Draft, .. } => {
            ("undone", TextRole::Plain)
        }
        // Whether anything went out by then is another matter: its hours may have been closed.
        ActivityEvent::Change { from, to: BlastState::Sending, by: Some(by), .. } if by != Actor::ENGINE => {
            (if *from == BlastState::Paused { "resumed" } else { "launched" }, TextRole::Accent)
        }
        // Somebody of it is queued or uncertain again.
        ActivityEvent::Change { from: BlastState::Completed, to: BlastState::Sending, .. } => {
            ("reopened", TextRole::Accent)
        }
        ActivityEvent::Change { to, .. } => (to.label(), TextRole::Accent),
        ActivityEvent::Notice { .. } => ("notice", TextRole::Strong),
    }
}

/// A reply that was received so long after it was written says when that was.
const RECEIVED_LATE: TimeDelta = TimeDelta::seconds(60);

/// When a reply was written that was received late.
fn late(model: &Model, row: &ActivityRow, written_at: DateTime<Utc>) -> String {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    if row.place.at - written_at > RECEIVED_LATE { format!("(at {}) ", clock.long(written_at)) } else { String::new() }
}

/// What they wrote, or who did it and why.
fn text(model: &Model, row: &ActivityRow) -> (String, TextRole) {
    let by = |by: &Option<String>| by.as_ref().map(|by| format!("by {by}"));
    let joined = |parts: [Option<String>; 2]| parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
    match &row.event {
        ActivityEvent::Reply { text, file, no_file, written_at, .. } => {
            let (late, file) = (late(model, row, *written_at), file_note(model, file.as_deref(), no_file.as_deref()));
            (format!("{late}{text}{file}"), TextRole::Plain)
        }
        ActivityEvent::OptOut { source, by: who, reason } => {
            const ASKED: &str = "they asked";
            let who = if source == "person" { Some(ASKED.to_owned()) } else { by(who) };
            (joined([who, reason.clone().filter(|reason| reason != ASKED)]), TextRole::Plain)
        }
        ActivityEvent::Trouble { status, why: Some(why), .. } if why == TAKEN_BACK => {
            (format!("their mark is taken back: {status} as before"), TextRole::Dim)
        }
        ActivityEvent::Trouble { why, .. } => (why.clone().unwrap_or_default(), TextRole::Dim),
        ActivityEvent::Act { order: Some(order), by, .. } => {
            let by = if by == Actor::ENGINE { String::new() } else { format!(", by {by}") };
            (format!("{order}{by}"), TextRole::Plain)
        }
        ActivityEvent::Act { act: Act::Undo, by, detail: Some(undone), left, .. } => {
            (taken_back(model, (undone, by), *left), TextRole::Plain)
        }
        ActivityEvent::Act { act, by, detail, taken_back_by: Some(undone_by), .. } => {
            let text = act_text(model, act, by, detail.as_deref());
            let who = if undone_by == by { String::new() } else { format!(" by {undone_by}") };
            (format!("{text}, taken back since{who}"), TextRole::Dim)
        }
        ActivityEvent::Act { act: Act::Answer, by, .. } => match model.activity.answer_of(row) {
            Some(status) => (format!("by {by}, {status} by now"), answer_role(status)),
            None => (format!("by {by}"), TextRole::Plain),
        },
        ActivityEvent::Act { act, by, detail, .. } => (act_text(model, act, by, detail.as_deref()), TextRole::Plain),
        // It is dated by the act, and starts some seconds later.
        ActivityEvent::Change { starts_at: Some(at), by: who, .. } => {
            let clock = TimeFormat { zone: model.options.zone, now: model.now };
            let starts = if *at > model.now { "starts" } else { "started" };
            let parts = [by(who), Some(format!("{starts} {}", clock.second(*at)))];
            (parts.into_iter().flatten().collect::<Vec<_>>().join(", "), TextRole::Plain)
        }
        ActivityEvent::Change {
            from: BlastState::Sending | BlastState::Scheduled,
            to: BlastState::Draft,
            by: who,
            ..
        } => (joined([by(who), Some("nothing was sent, it is a draft again".to_owned())]), TextRole::Plain),
        ActivityEvent::Change { from, to, by: who, reason, .. } => {
            let from = if *from == BlastState::Paused { "was paused" } else { "" };
            let reason = reason.clone().filter(|reason| reason != to.label());
            let parts = [by(who).or_else(|| Some(from.to_owned()).filter(|from| !from.is_empty())), reason];
            (joined(parts), TextRole::Plain)
        }
        ActivityEvent::Notice { field, words, effect } => {
            let effect = effect.as_ref().map(|effect| format!(" ({effect})")).unwrap_or_default();
            (format!("{field}: {words}{effect}"), TextRole::Plain)
        }
    }
}

/// Where the file is that somebody sent.
fn file_note(model: &Model, state: Option<&str>, why: Option<&str>) -> String {
    match (state, why) {
        (Some("stored"), _) => model.options.keys.in_sentence("  (⟨w⟩ saves it)", &[KeyScope::Activity]),
        (Some("wanted"), Some(why)) => format!("  (not fetched yet: {why})"),
        (Some("wanted"), None) => "  (being fetched)".to_owned(),
        (Some(_), Some(why)) => format!("  (its file is not here: {why})"),
        (Some(_), None) => "  (its file is not here)".to_owned(),
        (None, _) => String::new(),
    }
}

/// An answer that did not arrive stands out.
const fn answer_role(status: Status) -> TextRole {
    match status {
        Status::Failed | Status::Uncertain | Status::Skipped | Status::OptedOut => TextRole::Stage(status),
        _ => TextRole::Plain,
    }
}
