//! The list of blasts.

use chrono::{DateTime, Utc};
use ratatui::layout::Rect;
use rust_decimal::Decimal;

use super::{cursor, focused, senders, views, waiting};
use crate::app::view::BlastView;
use crate::domain::blast::BlastState;
use crate::domain::funnel::{Funnel, percent_words};
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::tui::format::{TimeFormat, compact, money, name_within, short_money, symbol};
use crate::tui::layout::Layout;
use crate::tui::model::{BlastSorting, FunnelView, Model, Pane, STAGES, is_going_out};
use crate::tui::overlay::wrapped;
use crate::tui::theme::TextRole;
use crate::tui::widget::{ColumnAlign, ColumnLayout, Focused, Pen, TitleRule, rule, start_of, width};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlastColumn {
    Name,
    Date,
    State,
    Done,
    Money,
    /// How far its people got, as a bar.
    Bar,
    Read,
    Replied,
    /// Messages an hour, as it went in the last minute.
    Speed,
}

/// Rows above the first blast: the title and the heads of the columns.
const HEAD_ROWS: u16 = 2;

/// The columns that stand at fixed places; the name takes the rest.
const FIXED: u16 = 31;

/// From this width a blast has a bar and a speed, and from the next the shares of who read and replied.
const BARS_FROM: u16 = 66;
const SHARES_FROM: u16 = 88;

/// Columns of the amounts: in brief, and with their cents from the two widths on.
const BRIEF_MONEY: u16 = 5;
const MONEY: [u16; 2] = [9, 12];

/// A table whose names are at most so many columns wide.
fn table(room: u16, names: u16) -> ColumnLayout<BlastColumn> {
    if room >= BARS_FROM {
        return wide_table(room, names);
    }
    let name = room.saturating_sub(FIXED).clamp(4, 40);
    ColumnLayout::lay(&[
        (BlastColumn::Name, name, ColumnAlign::Left),
        (BlastColumn::Date, 6, ColumnAlign::Left),
        (BlastColumn::State, 9, ColumnAlign::Left),
        (BlastColumn::Done, 4, ColumnAlign::Right),
        (BlastColumn::Money, BRIEF_MONEY, ColumnAlign::Right),
    ])
}

/// Columns of the bar and of the shares, from the widest on: whole names come before both.
const EXTRAS: [(u16, u16); 3] = [(14, 16), (8, 16), (8, 0)];

/// Names wider than this are cut.
const NAME_MAX: u16 = 60;

fn wide_table(room: u16, names: u16) -> ColumnLayout<BlastColumn> {
    let money = MONEY[usize::from(room >= SHARES_FROM)];
    let left = |(bar, shares): (u16, u16)| room.saturating_sub(2 + 6 + 9 + 4 + bar + shares + money + 7 + 7);
    let extras = if room >= SHARES_FROM { &EXTRAS[..] } else { &EXTRAS[2..] };
    let fitting = extras.iter().find(|extra| left(**extra) >= names.min(NAME_MAX)).or(extras.last());
    let (bar, shares) = fitting.copied().unwrap_or_default();
    let (has_shares, name) = (shares > 0, left((bar, shares)).clamp(4, NAME_MAX));
    let mut columns = vec![
        (BlastColumn::Name, name, ColumnAlign::Left),
        (BlastColumn::Date, 6, ColumnAlign::Left),
        (BlastColumn::State, 9, ColumnAlign::Left),
        (BlastColumn::Done, 4, ColumnAlign::Right),
        (BlastColumn::Bar, bar, ColumnAlign::Left),
    ];
    if has_shares {
        columns.push((BlastColumn::Read, 7, ColumnAlign::Right));
        columns.push((BlastColumn::Replied, 7, ColumnAlign::Right));
    }
    columns.push((BlastColumn::Money, money, ColumnAlign::Right));
    columns.push((BlastColumn::Speed, 7, ColumnAlign::Right));
    ColumnLayout::lay(&columns)
}

/// Sent, read and replied over one another, each as far as it got of everybody.
fn progress_bar(blast: &BlastView, pen: &mut Pen<'_>, table: &ColumnLayout<BlastColumn>, (x, y): (u16, u16)) {
    let Some(column) = table.columns.iter().find(|column| column.name == BlastColumn::Bar) else { return };
    let funnel = blast.counts.funnel();
    let everybody = blast.total_recipients.max(blast.counts.total());
    let counts = [funnel.sent, funnel.received, funnel.read, funnel.replied];
    let glyphs = pen.theme.shades();
    for ((people, stage), glyph) in counts.into_iter().zip(STAGES).zip(glyphs) {
        // Whole columns, each of the stage that its middle reached: half of one would leave a hole in the bar below it.
        let columns = columns_of(people, everybody, column.width);
        let is_shown = stage == Status::Sent && people > 0;
        pen.repeat((x + column.x, y), glyph, columns.max(u16::from(is_shown)), TextRole::Stage(stage));
    }
}

/// How many columns a share takes, rounded.
fn columns_of(people: i64, everybody: i64, room: u16) -> u16 {
    if people <= 0 || everybody <= 0 {
        return 0;
    }
    let columns = (i128::from(people) * i128::from(room) + i128::from(everybody) / 2) / i128::from(everybody);
    u16::try_from(columns.min(i128::from(room))).unwrap_or(room)
}

pub fn draw(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    let names = model.blasts.shown().map(|blast| width(&name(model, blast, NAME_MAX))).max().unwrap_or_default();
    let table = table(area.width, names);
    let room_of = |name| table.columns.iter().find(|column| column.name == name).map(|column| column.width);
    let names = room_of(BlastColumn::Name).unwrap_or(NAME_MAX);
    let room = (names, room_of(BlastColumn::Money).unwrap_or(BRIEF_MONEY));
    let symbol = symbol(&model.options.currency).to_owned();
    table.row(pen, (area.x, area.y + 1), |cell| (head(cell, &symbol), TextRole::Dim));
    let (reason, top, height) = rows(model, area);
    let title = title(model, (top, height));
    let focus = focused(model, Pane::Blasts);
    rule(pen, (area.x, area.y), area.width, &title, focus);
    for (blast, y) in model.blasts.shown().skip(top).take(height).zip(area.y + HEAD_ROWS..) {
        let selected = model.blast().is_some_and(|selected| selected.id == blast.id);
        if model.blasts.marked().contains(&blast.id) {
            pen.put((area.x, y), "*", 1, TextRole::Accent);
        } else if selected {
            let (glyph, role) = cursor(focus);
            pen.put((area.x, y), glyph, 1, role);
        }
        let strong = selected && focus == Focused::Yes;
        table.row(pen, (area.x, y), |cell| value(model, blast, cell, (room, strong.then_some(TextRole::Selected))));
        progress_bar(blast, pen, &table, (area.x, y));
    }
    let taken = u16::try_from(reason.len()).unwrap_or(u16::MAX);
    for (line, y) in reason.iter().zip(area.bottom().saturating_sub(taken)..area.bottom()) {
        pen.put((area.x + 2, y), line.trim_end(), area.width.saturating_sub(2), TextRole::Need);
    }
    if matches!(model.layout(), Layout::Large { .. }) || model.blasts_over_funnel().is_some() {
        let listed = model.blasts.shown().count().min(height);
        senders::draw(model, pen, area, height - listed);
        sections(model, pen, area, (listed, height));
    }
    if model.blasts.shown().next().is_none() {
        pen.put((area.x + 2, area.y + 2), &nothing(model), area.width.saturating_sub(2), TextRole::Dim);
    }
}

/// The reason of a wait, the first blast in sight, and for how many there is room: the reason takes the place of blasts where there is no
/// empty line for it.
fn rows(model: &Model, area: Rect) -> (Vec<String>, usize, usize) {
    let reason = if shows_funnel(model) { Vec::new() } else { reason_lines(model, area) };
    let height = usize::from(area.height.saturating_sub(HEAD_ROWS)).saturating_sub(reason.len());
    let top = (model.blasts.position().unwrap_or_default() + 1).saturating_sub(height);
    (reason, top, height)
}

/// The blast in a row of the screen.
pub fn shown_blast(model: &Model, area: Rect, y: u16) -> Option<BlastId> {
    let row = usize::from(y.checked_sub(area.y + HEAD_ROWS)?);
    let (_, top, height) = rows(model, area);
    if row < height { model.blasts.listed_at(top + row) } else { None }
}

/// Further views of the funnel between the blasts and the senders, as many as there is room for.
fn sections(model: &Model, pen: &mut Pen<'_>, area: Rect, (listed, height): (usize, usize)) {
    let mut free = (height - listed).saturating_sub(senders::rows(model, height - listed));
    // A row to spare above each.
    let mut at = area.y + 3 + u16::try_from(listed).unwrap_or_default();
    for view in [FunnelView::Speed, FunnelView::Months] {
        let shown = if view == model.shown_view() { None } else { views::section(model, view, area) };
        let Some(lines) = shown.filter(|lines| lines.len() + 2 <= free) else { continue };
        rule(
            pen,
            (area.x, at),
            area.width,
            &TitleRule { left: vec![view.word().to_owned()], right: None },
            Focused::No,
        );
        for (line, y) in lines.iter().zip(at + 1..) {
            line.draw(pen, (area.x, y), area.width);
        }
        let taken = lines.len() + 2;
        free -= taken;
        at += u16::try_from(taken).unwrap_or_default();
    }
}

/// Whether the funnel of the selected blast is on the screen, beside the blasts or below them.
fn shows_funnel(model: &Model) -> bool {
    model.layout().is_side_by_side() || model.blasts_over_funnel().is_some()
}

/// Why no blast is listed.
fn nothing(model: &Model) -> String {
    match model.blasts.filter() {
        _ if !model.blasts.is_loaded() => model.reading().to_owned(),
        Some(filter) if !model.blasts.rows().is_empty() => format!("no blast is found by {}", filter.text),
        _ => model.with_keys("no blast yet: ⟨n⟩ makes one"),
    }
}

/// Below the blasts: why the selected one sends nothing, or when it starts, where its funnel is not beside it. In full where empty lines have room for it, else
/// in brief, and cut to one line unless somebody is asked for.
fn reason_lines(model: &Model, area: Rect) -> Vec<String> {
    let needs_words = |blast: &&BlastView| match blast.state {
        BlastState::Scheduled => true,
        BlastState::Paused => blast.has_people_left(),
        _ => blast.is_held_up() || blast.asks_for_person(),
    };
    let is_listed = |blast: &&BlastView| model.blasts.lists(blast.id);
    let Some(blast) = model.blast().filter(is_listed).filter(needs_words) else { return Vec::new() };
    let height = usize::from(area.height.saturating_sub(2));
    let free = height.saturating_sub(model.blasts.shown().count());
    let room = area.width.saturating_sub(4);
    let within = |why: Option<String>| why.map(|why| wrapped(&why, room)).filter(|lines| lines.len() <= free);
    let full = within(waiting::reason_with_keys(model, blast)).or_else(|| within(waiting::reason(model, blast)));
    let brief = || waiting::brief(model, blast).map(|why| (wrapped(&why, room), why));
    match full.map(|lines| (lines, String::new())).or_else(brief) {
        Some((lines, _)) if lines.len() <= free => lines,
        // The chosen blast stays in sight.
        Some((lines, _)) if blast.asks_for_person() && lines.len() < height => lines,
        Some((_, why)) if height > 1 => vec![start_of(&why, room)],
        _ => Vec::new(),
    }
}

/// With which of them are shown, where there is no room for all.
fn title(model: &Model, (top, height): (usize, usize)) -> TitleRule {
    let alone = !shows_funnel(model);
    let mut segments = vec!["1 Blasts".to_owned()];
    let blasts = model.blasts.shown().count();
    if let Some(filter) = model.blasts.filter() {
        // The counts stand before what was typed, which may be cut.
        let left = match filter.left() {
            0 => String::new(),
            1 => " (1 does not match)".to_owned(),
            left => format!(" ({left} do not match)"),
        };
        segments.push(format!("{blasts} of {}{left}: {}", model.blasts.rows().len(), filter.text));
    }
    if blasts > height {
        segments.push(format!("{}-{} of {blasts}", top + 1, top + height));
    }
    if model.blasts.sorting() != BlastSorting::NEWEST {
        segments.push(model.blasts.sorting().words().to_owned());
    }
    TitleRule { left: segments, right: alone.then(|| "2 Funnel".to_owned()) }
}

fn head(cell: BlastColumn, symbol: &str) -> String {
    match cell {
        BlastColumn::Name => "name".to_owned(),
        BlastColumn::Date => "date".to_owned(),
        BlastColumn::State => "state".to_owned(),
        BlastColumn::Done => "done".to_owned(),
        BlastColumn::Money => symbol.to_owned(),
        BlastColumn::Bar => "of all".to_owned(),
        BlastColumn::Read => "read".to_owned(),
        BlastColumn::Replied => "replied".to_owned(),
        BlastColumn::Speed => "speed".to_owned(),
    }
}

fn value(
    model: &Model,
    blast: &BlastView,
    cell: BlastColumn,
    ((names, sums), selected): ((u16, u16), Option<TextRole>),
) -> (String, TextRole) {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let draft = blast.state == BlastState::Draft;
    match cell {
        BlastColumn::Name => (name(model, blast, names), selected.unwrap_or(TextRole::Plain)),
        BlastColumn::Date if draft => (String::new(), TextRole::Plain),
        BlastColumn::Date if blast.state == BlastState::Scheduled => {
            (blast.send_after.map(|at| clock.short(at)).unwrap_or_default(), TextRole::Plain)
        }
        BlastColumn::Date => (clock.date(blast.blast_date), TextRole::Plain),
        BlastColumn::State => state(model, blast),
        BlastColumn::Done | BlastColumn::Read | BlastColumn::Replied if draft => ("-".to_owned(), TextRole::Dim),
        // Whoever was left out beforehand is no progress.
        BlastColumn::Done if blast.armed_until(model.now).is_some() && blast.counts.funnel().sent == 0 => {
            ("-".to_owned(), TextRole::Dim)
        }
        BlastColumn::Done => {
            (blast.settled_percent().map_or_else(|| "-".to_owned(), |percent| format!("{percent}%")), TextRole::Plain)
        }
        BlastColumn::Bar if blast.state == BlastState::Scheduled => {
            (blast.send_after.map(|at| beside_date(clock, at)).unwrap_or_default(), TextRole::Dim)
        }
        BlastColumn::Bar => (String::new(), TextRole::Plain),
        BlastColumn::Read => (share(blast, |funnel| funnel.read), TextRole::Plain),
        BlastColumn::Replied => (share(blast, |funnel| funnel.replied), TextRole::Plain),
        BlastColumn::Speed => speed(model, blast),
        BlastColumn::Money => (sum_within(blast.counts.amount, sums), TextRole::Plain),
    }
}

/// An amount with its cents where it leaves a column free, else in brief.
fn sum_within(amount: Decimal, room: u16) -> String {
    let whole = money(amount);
    if amount.is_zero() || width(&whole) >= room { short_money(amount) } else { whole }
}

/// What the column of dates leaves to be said of a time: `at 09:00`; of today it says the time itself.
fn beside_date(clock: TimeFormat, at: DateTime<Utc>) -> String {
    if clock.short(at) == clock.minute(at) { "today".to_owned() } else { format!("at {}", clock.minute(at)) }
}

fn share(blast: &BlastView, people: fn(&Funnel) -> i64) -> String {
    let funnel = blast.counts.funnel();
    percent_words(people(&funnel), funnel.sent)
}

/// Messages an hour, as it went in the last minute. Of a blast that nothing goes out of it says nothing: its end is when the last
/// person was settled, which may be long after the last message.
fn speed(model: &Model, blast: &BlastView) -> (String, TextRole) {
    let is_sent = blast.state == BlastState::Sending && is_going_out(blast, model.now);
    match model.speeds.per_hour(blast).filter(|_| is_sent && model.away_since().is_none()) {
        Some(per_hour) => (format!("{}/h", compact(per_hour)), TextRole::Plain),
        None => ("-".to_owned(), TextRole::Dim),
    }
}

/// Its name, with its id where another row would look the same.
fn name(model: &Model, blast: &BlastView, room: u16) -> String {
    if !has_twin(model, blast, room) {
        return named(model, blast, room);
    }
    let id = format!(" #{}", blast.id);
    let left = room.saturating_sub(width(&id));
    format!("{}{id}", start_of(&named(model, blast, left), left))
}

/// A follow-up is named by its stage, under the blast that it follows.
fn named(model: &Model, blast: &BlastView, room: u16) -> String {
    match model.blasts.depth(blast) {
        0 => name_within(blast, room),
        depth => format!("{}{}", " ".repeat(depth), blast.follow_up_stage),
    }
}

/// Whether another blast, listed or not, of the same date as it is shown (a draft shows none) and place among the follow-ups has the same name, or one that is cut to the same.
fn has_twin(model: &Model, blast: &BlastView, room: u16) -> bool {
    let zone = model.options.zone;
    let day = |of: &BlastView| (of.state != BlastState::Draft).then(|| of.blast_date.with_timezone(&zone).date_naive());
    let stands_alike = |other: &&BlastView| {
        let is_same_day = day(other).zip(day(blast)).is_none_or(|(other, own)| other == own);
        other.follows == blast.follows && is_same_day
    };
    let cut = |of: &BlastView| start_of(&named(model, of, room), room);
    let own = cut(blast);
    let is_cut = width(&named(model, blast, room)) > room;
    let looks_alike = |other: &BlastView| is_cut && other.id != blast.id && cut(other) == own;
    let mut others = model.blasts.rows().iter().filter(stands_alike);
    others.any(|other| other.is_namesake_of(blast) || looks_alike(other))
}

fn state(model: &Model, blast: &BlastView) -> (String, TextRole) {
    let is_armed = blast.armed_until(model.now).is_some();
    let meaning = match blast.state {
        _ if is_armed || blast.asks_for_person() => TextRole::Need,
        _ if blast.is_held_up() => TextRole::Plain,
        BlastState::Sending => TextRole::Accent,
        BlastState::Failed => TextRole::Stage(Status::Failed),
        BlastState::Completed | BlastState::Cancelled => TextRole::Dim,
        BlastState::Draft | BlastState::Scheduled | BlastState::Paused => TextRole::Plain,
    };
    (blast.shown_state(model.now).to_owned(), meaning)
}
