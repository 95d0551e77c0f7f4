//! The table of recipients: only the visible window.

use ratatui::layout::Rect;

use super::{behind_footer, cursor, focused};
use crate::app::view::RecipientRow;
use crate::domain::status::Status;
use crate::tui::Charset;
use crate::tui::format::{TimeFormat, money, number, symbol, total};
use crate::tui::model::{ListDirection, ListScope, ListedPerson, Model, Pane};
use crate::tui::theme::TextRole;
use crate::tui::widget::{ColumnAlign, ColumnLayout, Focused, Pen, TitleRule, rule, width};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RecipientColumn {
    Phone,
    Name,
    Stage,
    Since,
    At(Status),
    Money,
    Note,
}

/// The columns for a width: each stage's time from 110, one time from 57, the note from 80. Amounts, of which the widest takes `money`
/// columns, are never cut: the note gives way, then the name.
fn table(room: u16, money: u16) -> ColumnLayout<RecipientColumn> {
    let left = |taken: u16| room.saturating_sub(taken);
    if room >= 110 {
        let money = money.max(9);
        let name = (22 + left(120).min(14)).min(left(70 + money));
        return ColumnLayout::lay(&[
            (RecipientColumn::Phone, 17, ColumnAlign::Left),
            (RecipientColumn::Name, name, ColumnAlign::Left),
            (RecipientColumn::Stage, 9, ColumnAlign::Left),
            (RecipientColumn::At(Status::Sent), 6, ColumnAlign::Left),
            (RecipientColumn::At(Status::Delivered), 8, ColumnAlign::Left),
            (RecipientColumn::At(Status::Read), 6, ColumnAlign::Left),
            (RecipientColumn::At(Status::Replied), 7, ColumnAlign::Left),
            (RecipientColumn::At(Status::Closed), 6, ColumnAlign::Left),
            (RecipientColumn::Money, money, ColumnAlign::Right),
            (RecipientColumn::Note, left(70 + money + name), ColumnAlign::Left),
        ]);
    }
    if room >= 80 {
        let money = money.max(8);
        let name = (20 + left(80).min(10)).min(left(39 + money));
        return ColumnLayout::lay(&[
            (RecipientColumn::Phone, 17, ColumnAlign::Left),
            (RecipientColumn::Name, name, ColumnAlign::Left),
            (RecipientColumn::Stage, 9, ColumnAlign::Left),
            (RecipientColumn::Since, 6, ColumnAlign::Left),
            (RecipientColumn::Money, money, ColumnAlign::Right),
            (RecipientColumn::Note, left(39 + money + name), ColumnAlign::Left),
        ]);
    }
    let since = if room >= 57 { 6 } else { 0 };
    let name = left(17 + 9 + 2 + 3 + since);
    ColumnLayout::lay(&[
        (RecipientColumn::Phone, 17, ColumnAlign::Left),
        (RecipientColumn::Name, name, ColumnAlign::Left),
        (RecipientColumn::Stage, 9, ColumnAlign::Left),
        (RecipientColumn::Since, since, ColumnAlign::Left),
    ])
}

/// Who stands in so many rows, from the top: the one at the cursor is never behind what is said below.
pub fn shown(model: &Model, height: usize) -> impl Iterator<Item = &ListedPerson> {
    let at = model.recipients.visible(height).position(|person| Some(person.row.id) == model.recipients.cursor());
    model.recipients.visible(height).skip(behind_footer(model, at, height))
}

pub fn draw(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    let focus = focused(model, Pane::Recipients);
    rule(pen, (area.x, area.y), area.width, &title(model), focus);
    let height = usize::from(area.height.saturating_sub(2));
    let amounts = model.recipients.visible(height).filter_map(|person| person.row.amount);
    let table = table(area.width, amounts.map(|amount| width(&money(amount))).max().unwrap_or_default());
    let symbol = symbol(&model.options.currency).to_owned();
    table.row(pen, (area.x, area.y + 1), |cell| (head(cell, &symbol), TextRole::Dim));
    let is_large = model.shows_preview();
    let cursor = model.pointed_at();
    let mut before: Option<&RecipientRow> = None;
    for (person, y) in shown(model, height).zip(area.y + 2..) {
        let here = cursor == Some(person.row.id);
        let (glyph, meaning) = mark(model, &person.row, here.then_some(focus));
        pen.put((area.x, y), glyph, 1, meaning);
        let strong = here && focus == Focused::Yes;
        let cell_of = |cell| {
            untold(model, &person.row, cell)
                .unwrap_or_else(|| value(model, &person.row, cell, strong.then_some(TextRole::Selected)))
        };
        if is_large {
            table.row(pen, (area.x, y), |cell| quieter(model, before, cell, cell_of(cell)));
        } else {
            table.row(pen, (area.x, y), cell_of);
        }
        before = Some(&person.row);
    }
    if model.recipients.is_empty() {
        pen.put((area.x + 2, area.y + 2), &nobody(model), area.width.saturating_sub(2), TextRole::Dim);
    }
}

/// A stage that was passed, nobody knows when, is a point.
fn untold(model: &Model, row: &RecipientRow, cell: RecipientColumn) -> Option<(String, TextRole)> {
    let RecipientColumn::At(stage) = cell else { return None };
    let is_untold = row.reached_at(stage).is_none() && row.status.is_in_funnel() && stage < row.status;
    let point = if model.options.charset == Charset::Ascii { "." } else { "\u{b7}" };
    is_untold.then(|| (point.to_owned(), TextRole::Dim))
}

/// Where there is much on the screen: a time that the row above has too is dim.
fn quieter(
    model: &Model,
    above: Option<&RecipientRow>,
    cell: RecipientColumn,
    (text, meaning): (String, TextRole),
) -> (String, TextRole) {
    let RecipientColumn::At(stage) = cell else { return (text, meaning) };
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let is_repeated = above.and_then(|above| above.reached_at(stage)).is_some_and(|at| clock.short(at) == text);
    (text, if is_repeated { TextRole::Dim } else { meaning })
}

fn nobody(model: &Model) -> String {
    if model.recipients.awaiting.is_some() || model.recipients.is_unread || !model.blasts.is_loaded() {
        return model.reading().to_owned();
    }
    match &model.recipients.scope {
        _ if model.blast().is_none() => String::new(),
        ListScope::Everyone => "nobody is in this blast yet".to_owned(),
        ListScope::Found { text, .. } => {
            format!(
                "nobody here is found by {text}; {}",
                model.with_keys("⟨find-a-person⟩ and tab look in every blast")
            )
        }
        label => format!("nobody is {}", label.title()),
    }
}

/// The cursor, a mark, or news.
fn mark(model: &Model, row: &RecipientRow, here: Option<Focused>) -> (&'static str, TextRole) {
    match here {
        _ if model.recipients.marked.contains_key(&row.id) => ("*", TextRole::Accent),
        Some(focus) => cursor(focus),
        None if model.is_new(row) => ("N", TextRole::Accent),
        None => (" ", TextRole::Plain),
    }
}

fn title(model: &Model) -> TitleRule {
    let people = &model.recipients;
    let count = model.listed().map(total);
    let order = people.order.words(people.direction);
    let shown = format!("{} {}", people.scope.title(), count.unwrap_or_default());
    let mut left = vec!["3 Recipients".to_owned(), shown.trim_end().to_owned(), order.to_owned()];
    if people.marked.len() > 1 || people.has_hidden_marks() {
        left.insert(2, format!("{} marked", number(i64::try_from(people.marked.len()).unwrap_or(i64::MAX))));
    }
    let news = news(model);
    let activity = super::activity::unread(model);
    if model.layout().activity().is_some() {
        left.extend(news);
        return TitleRule { left, right: None };
    }
    if model.layout().is_side_by_side() {
        left.extend(news);
        return TitleRule { left, right: Some(activity) };
    }
    let has_unread = model.activity.unread().is_some();
    TitleRule { left, right: news.or_else(|| has_unread.then_some(activity)) }
}

/// What a frozen list does not show.
fn news(model: &Model) -> Option<String> {
    let left = model.recipients.left();
    let newer = model.recipients.newer().map(total);
    let said = match (left, newer) {
        (0, None) => None,
        (0, Some(newer)) if model.recipients.direction == ListDirection::Reversed => {
            Some(format!("{newer} newer: ⟨G⟩"))
        }
        // More stand above than have changed since: up reaches those.
        (0, Some(newer)) if !model.recipients.is_at_start() => Some(format!("{newer} changed since: ⟨g⟩")),
        (0, Some(newer)) => Some(format!("{newer} newer above: ⟨g⟩")),
        (left, None) => Some(format!("{left} of these moved on: ⟨g⟩")),
        (left, Some(newer)) => Some(format!("{left} of these moved on, {newer} newer: ⟨g⟩")),
    };
    said.map(|said| model.with_keys(&said))
}

fn head(cell: RecipientColumn, symbol: &str) -> String {
    let word = match cell {
        RecipientColumn::Phone => "phone",
        RecipientColumn::Name => "name",
        RecipientColumn::Stage => "stage",
        RecipientColumn::Since => "since",
        RecipientColumn::At(status) => status.label(),
        RecipientColumn::Money => symbol,
        RecipientColumn::Note => "note",
    };
    word.to_owned()
}

fn value(model: &Model, row: &RecipientRow, cell: RecipientColumn, strong: Option<TextRole>) -> (String, TextRole) {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let plain = strong.unwrap_or(TextRole::Plain);
    match cell {
        RecipientColumn::Phone => (row.phone.to_string(), plain),
        RecipientColumn::Name => (row.name.clone().unwrap_or_default(), plain),
        RecipientColumn::Stage => (row.status.to_string(), TextRole::Stage(row.status)),
        RecipientColumn::Since => (clock.short(row.since()), TextRole::Plain),
        RecipientColumn::At(status) => {
            (row.reached_at(status).map(|at| clock.short(at)).unwrap_or_default(), TextRole::Plain)
        }
        RecipientColumn::Money => (row.amount.map(money).unwrap_or_default(), TextRole::Plain),
        RecipientColumn::Note => note(row),
    }
}

/// The operator's note, else what should be known about somebody who did not get it.
fn note(row: &RecipientRow) -> (String, TextRole) {
    let is_opted_out = (row.opted_out_at.is_some() || row.opt_out.is_some()) && row.status != Status::OptedOut;
    let (text, role) = match &row.note {
        Some(note) => (note.clone(), TextRole::Plain),
        None => state_note(row),
    };
    match text.as_str() {
        _ if !is_opted_out || text.starts_with("opted out") => (text, role),
        "" => ("opted out".to_owned(), TextRole::Dim),
        _ => (format!("opted out; {text}"), role),
    }
}

/// What should be known of somebody who did not get it.
fn state_note(row: &RecipientRow) -> (String, TextRole) {
    match row.status {
        Status::Uncertain => ("press enter".to_owned(), TextRole::Accent),
        Status::Failed => {
            let why = row.error_message.as_ref().or(row.error_code.as_ref()).or(row.reason.as_ref());
            (why.cloned().unwrap_or_else(|| "refused".to_owned()), TextRole::Dim)
        }
        Status::Queued if row.error_code.is_some() => {
            let why = row.error_message.as_ref().or(row.error_code.as_ref());
            (why.map(|why| format!("again: {why}")).unwrap_or_default(), TextRole::Dim)
        }
        Status::Skipped => (row.reason.clone().unwrap_or_default(), TextRole::Dim),
        _ => (String::new(), TextRole::Plain),
    }
}
