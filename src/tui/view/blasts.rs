//! The list of blasts.

use ratatui::layout::Rect;

use super::focused;
use crate::app::view::BlastView;
use crate::domain::blast::BlastState;
use crate::domain::status::Status;
use crate::tui::format::{TimeFormat, short_money, symbol};
use crate::tui::layout::Layout;
use crate::tui::model::{Model, Pane, armed_until};
use crate::tui::theme::TextRole;
use crate::tui::widget::{ColumnAlign, ColumnLayout, Focused, Pen, TitleRule, rule};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlastColumn {
    Name,
    Date,
    State,
    Done,
    Money,
}

/// The columns that stand at fixed places; the name takes the rest.
const FIXED: u16 = 31;

fn table(room: u16) -> ColumnLayout<BlastColumn> {
    let name = room.saturating_sub(FIXED).clamp(4, 40);
    ColumnLayout::lay(&[
        (BlastColumn::Name, name, ColumnAlign::Left),
        (BlastColumn::Date, 6, ColumnAlign::Left),
        (BlastColumn::State, 9, ColumnAlign::Left),
        (BlastColumn::Done, 4, ColumnAlign::Right),
        (BlastColumn::Money, 5, ColumnAlign::Right),
    ])
}

pub fn draw(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    rule(pen, (area.x, area.y), area.width, &title(model), focused(model, Pane::Blasts));
    let table = table(area.width);
    let symbol = symbol(&model.options.currency).to_owned();
    table.row(pen, (area.x, area.y + 1), |cell| (head(cell, &symbol), TextRole::Dim));
    let height = usize::from(area.height.saturating_sub(2));
    let at = model.blasts.position().unwrap_or_default();
    let top = (at + 1).saturating_sub(height);
    for (blast, y) in model.blasts.rows().iter().skip(top).take(height).zip(area.y + 2..) {
        let selected = model.blast().is_some_and(|selected| selected.id == blast.id);
        if selected {
            pen.put((area.x, y), ">", 1, TextRole::Accent);
        }
        let strong = selected && focused(model, Pane::Blasts) == Focused::Yes;
        table.row(pen, (area.x, y), |cell| value(model, blast, cell, strong.then_some(TextRole::Strong)));
    }
    if model.blasts.rows().is_empty() {
        let words =
            if model.blasts.is_loaded() { "no blast yet: `blastdeck blast new` makes one" } else { "reading ..." };
        pen.put((area.x + 2, area.y + 2), words, area.width.saturating_sub(2), TextRole::Dim);
    }
}

fn title(model: &Model) -> TitleRule {
    let alone = !matches!(model.layout(), Layout::Wide { .. });
    TitleRule { left: vec!["1 Blasts".to_owned()], right: alone.then(|| "2 Funnel".to_owned()) }
}

fn head(cell: BlastColumn, symbol: &str) -> String {
    match cell {
        BlastColumn::Name => "name".to_owned(),
        BlastColumn::Date => "date".to_owned(),
        BlastColumn::State => "state".to_owned(),
        BlastColumn::Done => "done".to_owned(),
        BlastColumn::Money => symbol.to_owned(),
    }
}

fn value(model: &Model, blast: &BlastView, cell: BlastColumn, selected: Option<TextRole>) -> (String, TextRole) {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let draft = blast.state == BlastState::Draft;
    match cell {
        BlastColumn::Name => (name(model, blast), selected.unwrap_or(TextRole::Plain)),
        BlastColumn::Date if draft => (String::new(), TextRole::Plain),
        BlastColumn::Date => (clock.date(blast.blast_date), TextRole::Plain),
        BlastColumn::State => state(model, blast),
        BlastColumn::Done if draft => ("-".to_owned(), TextRole::Dim),
        BlastColumn::Done => {
            (blast.settled_percent().map_or_else(|| "-".to_owned(), |percent| format!("{percent}%")), TextRole::Plain)
        }
        BlastColumn::Money => (short_money(blast.counts.amount), TextRole::Plain),
    }
}

/// A follow-up is named by its stage, under the blast that it follows.
fn name(model: &Model, blast: &BlastView) -> String {
    match model.blasts.depth(blast) {
        0 => blast.tag.clone(),
        depth => format!("{}{}", " ".repeat(depth), blast.follow_up_stage),
    }
}

fn state(model: &Model, blast: &BlastView) -> (String, TextRole) {
    if armed_until(blast, model.now).is_some() {
        return ("armed".to_owned(), TextRole::Need);
    }
    let meaning = match blast.state {
        _ if blast.asks_for_person() => TextRole::Need,
        BlastState::Sending => TextRole::Accent,
        BlastState::Failed => TextRole::Stage(Status::Failed),
        BlastState::Completed | BlastState::Cancelled => TextRole::Dim,
        BlastState::Draft | BlastState::Scheduled | BlastState::Paused => TextRole::Plain,
    };
    (blast.state_words().to_owned(), meaning)
}
