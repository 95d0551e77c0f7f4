//! The table of recipients: only the visible window.

use chrono::{DateTime, Utc};
use ratatui::layout::Rect;

use super::focused;
use crate::domain::status::Status;
use crate::engine::view::RecipientRow;
use crate::tui::format::{Clock, money, symbol, total};
use crate::tui::layout::Layout;
use crate::tui::model::{Label, Model, Pane, Sorting};
use crate::tui::theme::Meaning;
use crate::tui::update::is_new;
use crate::tui::widget::{Align, Focused, Pen, Rule, Table, rule};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Phone,
    Name,
    Stage,
    ChangesSince,
    At(Status),
    Money,
    Note,
}

/// The columns for a width: each stage's time from 110, one time from 57, the note from 80.
fn table(room: u16) -> Table<Cell> {
    let left = |taken: u16| room.saturating_sub(taken);
    if room >= 110 {
        let name = 22 + left(120).min(14);
        return Table::lay(&[
            (Cell::Phone, 17, Align::Left),
            (Cell::Name, name, Align::Left),
            (Cell::Stage, 9, Align::Left),
            (Cell::At(Status::Sent), 6, Align::Left),
            (Cell::At(Status::Delivered), 8, Align::Left),
            (Cell::At(Status::Read), 6, Align::Left),
            (Cell::At(Status::Replied), 7, Align::Left),
            (Cell::At(Status::Closed), 6, Align::Left),
            (Cell::Money, 9, Align::Right),
            (Cell::Note, left(79 + name), Align::Left),
        ]);
    }
    if room >= 80 {
        let name = 20 + left(80).min(10);
        return Table::lay(&[
            (Cell::Phone, 17, Align::Left),
            (Cell::Name, name, Align::Left),
            (Cell::Stage, 9, Align::Left),
            (Cell::ChangesSince, 6, Align::Left),
            (Cell::Money, 8, Align::Right),
            (Cell::Note, left(47 + name), Align::Left),
        ]);
    }
    let since = if room >= 57 { 6 } else { 0 };
    let name = left(17 + 9 + 2 + 3 + since);
    Table::lay(&[
        (Cell::Phone, 17, Align::Left),
        (Cell::Name, name, Align::Left),
        (Cell::Stage, 9, Align::Left),
        (Cell::ChangesSince, since, Align::Left),
    ])
}

pub fn draw(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    let focus = focused(model, Pane::People);
    rule(pen, (area.x, area.y), area.width, &title(model), focus);
    let table = table(area.width);
    let symbol = symbol(&model.options.currency).to_owned();
    table.row(pen, (area.x, area.y + 1), |cell| (head(cell, &symbol), Meaning::Dim));
    let height = usize::from(area.height.saturating_sub(2));
    for (person, y) in model.people.visible(height).zip(area.y + 2..) {
        let here = model.people.cursor() == Some(person.row.id);
        let (glyph, meaning) = mark(model, &person.row, here);
        pen.put((area.x, y), glyph, 1, meaning);
        let strong = here && focus == Focused::Yes;
        table.row(pen, (area.x, y), |cell| value(model, &person.row, cell, strong.then_some(Meaning::Strong)));
    }
    if model.people.is_empty() {
        pen.put((area.x + 2, area.y + 2), &nobody(model), area.width.saturating_sub(2), Meaning::Dim);
    }
}

fn nobody(model: &Model) -> String {
    if model.people.awaiting.is_some() || !model.blasts.is_loaded() {
        return "reading ...".to_owned();
    }
    match &model.people.label {
        _ if model.blast().is_none() => String::new(),
        Label::Everyone => "nobody is in this blast yet".to_owned(),
        Label::Found { text, .. } => format!("nobody here is {text}; / and tab look in every blast"),
        label => format!("nobody is {}", label.title()),
    }
}

/// The cursor, a mark, or news.
fn mark(model: &Model, row: &RecipientRow, here: bool) -> (&'static str, Meaning) {
    match () {
        () if model.people.marked.contains(&row.id) => ("*", Meaning::Accent),
        () if here => (">", Meaning::Accent),
        () if is_new(model, row) => ("N", Meaning::Accent),
        () => (" ", Meaning::Plain),
    }
}

fn title(model: &Model) -> Rule {
    let people = &model.people;
    let count = model.listed().map(total);
    let order = match people.order {
        Sorting::NewestChange => "newest change first",
        Sorting::Row => "in the order of the list",
    };
    let shown = format!("{} {}", people.label.title(), count.unwrap_or_default());
    let mut left = vec!["3 Recipients".to_owned(), shown.trim_end().to_owned(), order.to_owned()];
    let news = news(model);
    if matches!(model.layout(), Layout::Wide { .. }) {
        left.extend(news);
        return Rule { left, right: None };
    }
    Rule { left, right: news }
}

/// What a frozen list does not show.
fn news(model: &Model) -> Option<String> {
    let left = model.people.left();
    let newer = model.people.newer().map(total);
    match (left, newer) {
        (0, None) => None,
        (0, Some(newer)) => Some(format!("{newer} newer above: g")),
        (left, None) => Some(format!("{left} left: g")),
        (left, Some(newer)) => Some(format!("{left} left, {newer} newer: g")),
    }
}

fn head(cell: Cell, symbol: &str) -> String {
    let word = match cell {
        Cell::Phone => "phone",
        Cell::Name => "name",
        Cell::Stage => "stage",
        Cell::ChangesSince => "since",
        Cell::At(status) => status.label(),
        Cell::Money => symbol,
        Cell::Note => "note",
    };
    word.to_owned()
}

fn value(model: &Model, row: &RecipientRow, cell: Cell, strong: Option<Meaning>) -> (String, Meaning) {
    let clock = Clock { zone: model.options.zone, now: model.now };
    let plain = strong.unwrap_or(Meaning::Plain);
    match cell {
        Cell::Phone => (row.phone.to_string(), plain),
        Cell::Name => (row.name.clone().unwrap_or_default(), plain),
        Cell::Stage => (row.status.to_string(), Meaning::Stage(row.status)),
        Cell::ChangesSince => (clock.short(row.changed_at), Meaning::Plain),
        Cell::At(status) => (reached_at(row, status).map(|at| clock.short(at)).unwrap_or_default(), Meaning::Plain),
        Cell::Money => (row.amount.map(money).unwrap_or_default(), Meaning::Plain),
        Cell::Note => note(row),
    }
}

const fn reached_at(row: &RecipientRow, status: Status) -> Option<DateTime<Utc>> {
    match status {
        Status::Sent => row.sent_at,
        Status::Delivered => row.delivered_at,
        Status::Read => row.read_at,
        Status::Replied => row.replied_at,
        Status::Closed => row.closed_at,
        _ => None,
    }
}

/// The operator's note, else what should be known about somebody who did not get it.
fn note(row: &RecipientRow) -> (String, Meaning) {
    let opted_out = row.opted_out_at.is_some() && row.status != Status::OptedOut;
    if let Some(note) = &row.note {
        let before = if opted_out { "opted out; " } else { "" };
        return (format!("{before}{note}"), Meaning::Plain);
    }
    match row.status {
        Status::Uncertain => ("press enter".to_owned(), Meaning::Accent),
        Status::Failed => {
            let why = row.error_message.as_ref().or(row.error_code.as_ref()).or(row.reason.as_ref());
            (why.cloned().unwrap_or_else(|| "refused".to_owned()), Meaning::Dim)
        }
        Status::Skipped => (row.reason.clone().unwrap_or_default(), Meaning::Dim),
        _ if opted_out => ("opted out".to_owned(), Meaning::Dim),
        _ => (String::new(), Meaning::Plain),
    }
}
