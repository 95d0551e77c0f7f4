//! The list of blasts.

use ratatui::layout::Rect;

use super::focused;
use crate::domain::blast::BlastState;
use crate::domain::status::Status;
use crate::engine::view::BlastRow;
use crate::tui::format::{Clock, short_money, symbol};
use crate::tui::layout::Layout;
use crate::tui::model::{Model, Pane, armed_until, paused_by_itself};
use crate::tui::theme::Meaning;
use crate::tui::widget::{Align, Focused, Pen, Rule, Table, rule};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Name,
    Date,
    State,
    Done,
    Money,
}

/// The columns that stand at fixed places; the name takes the rest.
const FIXED: u16 = 31;

fn table(room: u16) -> Table<Cell> {
    let name = room.saturating_sub(FIXED).clamp(4, 40);
    Table::lay(&[
        (Cell::Name, name, Align::Left),
        (Cell::Date, 6, Align::Left),
        (Cell::State, 9, Align::Left),
        (Cell::Done, 4, Align::Right),
        (Cell::Money, 5, Align::Right),
    ])
}

pub fn draw(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    rule(pen, (area.x, area.y), area.width, &title(model), focused(model, Pane::Blasts));
    let table = table(area.width);
    let symbol = symbol(&model.options.currency).to_owned();
    table.row(pen, (area.x, area.y + 1), |cell| (head(cell, &symbol), Meaning::Dim));
    let height = usize::from(area.height.saturating_sub(2));
    let at = model.blasts.position().unwrap_or_default();
    let top = (at + 1).saturating_sub(height);
    for (blast, y) in model.blasts.rows().iter().skip(top).take(height).zip(area.y + 2..) {
        let selected = model.blast().is_some_and(|selected| selected.id == blast.id);
        if selected {
            pen.put((area.x, y), ">", 1, Meaning::Accent);
        }
        let strong = selected && focused(model, Pane::Blasts) == Focused::Yes;
        table.row(pen, (area.x, y), |cell| value(model, blast, cell, strong.then_some(Meaning::Strong)));
    }
    if model.blasts.rows().is_empty() {
        let words =
            if model.blasts.is_loaded() { "no blast yet: `blastdeck blast new` makes one" } else { "reading ..." };
        pen.put((area.x + 2, area.y + 2), words, area.width.saturating_sub(2), Meaning::Dim);
    }
}

fn title(model: &Model) -> Rule {
    let alone = !matches!(model.layout(), Layout::Wide { .. });
    Rule { left: vec!["1 Blasts".to_owned()], right: alone.then(|| "2 Funnel".to_owned()) }
}

fn head(cell: Cell, symbol: &str) -> String {
    match cell {
        Cell::Name => "name".to_owned(),
        Cell::Date => "date".to_owned(),
        Cell::State => "state".to_owned(),
        Cell::Done => "done".to_owned(),
        Cell::Money => symbol.to_owned(),
    }
}

fn value(model: &Model, blast: &BlastRow, cell: Cell, selected: Option<Meaning>) -> (String, Meaning) {
    let clock = Clock { zone: model.options.zone, now: model.now };
    let draft = blast.state == BlastState::Draft;
    match cell {
        Cell::Name => (blast.tag.clone(), selected.unwrap_or(Meaning::Plain)),
        Cell::Date if draft => (String::new(), Meaning::Plain),
        Cell::Date => (clock.date(blast.blast_date), Meaning::Plain),
        Cell::State => state(model, blast),
        Cell::Done if draft => ("-".to_owned(), Meaning::Dim),
        Cell::Done => (format!("{}%", blast.settled_percent()), Meaning::Plain),
        Cell::Money => (short_money(blast.counts.amount), Meaning::Plain),
    }
}

fn state(model: &Model, blast: &BlastRow) -> (String, Meaning) {
    if armed_until(blast, model.now).is_some() {
        return ("armed".to_owned(), Meaning::Need);
    }
    let meaning = match blast.state {
        BlastState::Sending => Meaning::Accent,
        BlastState::Paused if paused_by_itself(blast) => Meaning::Need,
        BlastState::Failed => Meaning::Stage(Status::Failed),
        BlastState::Completed | BlastState::Cancelled => Meaning::Dim,
        BlastState::Draft | BlastState::Scheduled | BlastState::Paused => Meaning::Plain,
    };
    (word(blast.state).to_owned(), meaning)
}

/// The state's word for people: what is completed is done.
pub const fn word(state: BlastState) -> &'static str {
    match state {
        BlastState::Completed => "done",
        other => other.word(),
    }
}
