//! The funnel of the selected blast: how many got how far, who is stuck where, what it waits for.

mod outside;

use chrono::{DateTime, Utc};
use ratatui::layout::Rect;

use super::waiting::{WaitLine, wait_line};
use super::{cursor, focused, views};
use crate::app::view::{BlastView, Total};
use crate::domain::blast::{BlastState, is_initial};
use crate::domain::funnel::percent_words;
use crate::domain::status::Status;
use crate::domain::zone::words::by_both_clocks;
use crate::tui::format::{TimeFormat, in_currency, name_within, number};
use crate::tui::model::{FunnelView, Model, Pane, STAGES, stage_label, stuck_at};
use crate::tui::theme::TextRole;
use crate::tui::widget::{ColumnAlign, ColumnLayout, Focused, Pen, TitleRule, bar, rule, start_of, width};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FunnelColumn {
    Stage,
    Count,
    Share,
    Stuck,
}

/// Where the bars begin, counted from the pane's text.
const BARS: u16 = 46;

/// Below this many columns the table's own stand closer together.
const NARROW: u16 = 43;

fn table(room: u16) -> ColumnLayout<FunnelColumn> {
    let mut table = ColumnLayout::lay(&[
        (FunnelColumn::Stage, 9, ColumnAlign::Left),
        (FunnelColumn::Count, 11, ColumnAlign::Right),
        (FunnelColumn::Share, 8, ColumnAlign::Right),
        (FunnelColumn::Stuck, 11, ColumnAlign::Right),
    ]);
    let ends = if room < NARROW { [11, 20, 28, 39] } else { [11, 22, 31, 43] };
    for (column, end) in table.columns.iter_mut().zip(ends) {
        column.x = end - column.width;
    }
    table
}

pub fn draw(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    let beside = model.layout().is_side_by_side();
    let text = if beside { fence(pen, area) } else { area };
    let at = if beside { area.x + 1 } else { area.x };
    rule(
        pen,
        (at, area.y),
        area.right() - at,
        &title(model, (area.right() - at, beside)),
        focused(model, Pane::Funnel),
    );
    let Some(blast) = model.blast() else {
        let words = if model.blasts.is_loaded() { "no blast yet: ⟨n⟩ makes one" } else { model.reading() };
        pen.put((text.x + 2, text.y + 1), &model.with_keys(words), text.width.saturating_sub(2), TextRole::Dim);
        return;
    };
    if model.shown_view() != FunnelView::Bars && !model.has_bars_beside() {
        return instead_of_bars(model, pen, text, blast);
    }
    stages(model, pen, text, blast);
    if model.has_bars_beside() {
        below(model, pen, text);
    }
    let y = text.y + 7;
    let rows = usize::from(text.height.saturating_sub(7));
    let unasked = unasked(blast);
    // Without a third row what was not asked about stands beside the others, which are written shorter for it.
    let beside = if rows < 3 && !unasked.is_empty() { width(&unasked) + 4 } else { 0 };
    let key = model.options.keys.needs();
    let others = outside::line(blast, &key, (text.width.saturating_sub(beside), text.width));
    let since = since(model).or_else(|| came_back(model)).unwrap_or_default();
    // Where both do not fit on one line, the emptier line takes it.
    let has_room = width(&others) + 4 + width(&unasked) <= text.width;
    let (beside, below) = if has_room { (unasked, String::new()) } else { (String::new(), unasked) };
    let WaitLine { wait, money, rest } = wait_line(model, blast, (text.width, rows));
    // Why it waits is not cut for how many were not asked about.
    let last = rest.unwrap_or(since);
    let below = if width(&last) + width(&below) + 4 > text.width { String::new() } else { below };
    let lines = [(others, beside), (wait, money), (last, below)];
    for ((left, right), y) in lines.into_iter().take(rows).zip(y..) {
        let taken = width(&right).min(text.width);
        pen.put((text.x + 2, y), &left, text.width.saturating_sub(2 + taken), TextRole::Plain);
        pen.put_right((text.right(), y), &right, taken, TextRole::Plain);
    }
}

/// The error that is drawn in a row of the pane.
pub fn shown_error(model: &Model, area: Rect, y: u16) -> Option<usize> {
    let text = if model.layout().is_side_by_side() { behind_fence(area) } else { area };
    let shown = if model.has_bars_beside() { below_bars(text)? } else { in_place_of_bars(text) };
    views::error_at(model, shown, y).filter(|_| y < shown.bottom())
}

fn in_place_of_bars(text: Rect) -> Rect {
    Rect { y: text.y + 1, height: text.height.saturating_sub(2), ..text }
}

/// Where a view stands below the bars, without its title; `None` where there is no room for one.
fn below_bars(text: Rect) -> Option<Rect> {
    let y = text.y + BARS_ROWS + 1;
    (text.bottom() > y).then(|| Rect { y, height: text.bottom() - y, ..text })
}

/// A view in the place of the bars; what the blast waits for stays below it.
fn instead_of_bars(model: &Model, pen: &mut Pen<'_>, text: Rect, blast: &BlastView) {
    views::draw(model, pen, in_place_of_bars(text));
    let y = text.bottom().saturating_sub(1);
    let WaitLine { wait: left, money: right, .. } = wait_line(model, blast, (text.width, 1));
    let taken = width(&right).min(text.width);
    pen.put((text.x + 2, y), &left, text.width.saturating_sub(2 + taken), TextRole::Plain);
    pen.put_right((text.right(), y), &right, taken, TextRole::Plain);
}

/// The rows of the bars with what stands below them.
const BARS_ROWS: u16 = 10;

/// A view below the bars.
fn below(model: &Model, pen: &mut Pen<'_>, text: Rect) {
    let Some(shown) = below_bars(text) else { return };
    // Elsewhere the key does something else, or nothing.
    let right = (model.focus == Pane::Funnel).then(|| model.with_keys("⟨v⟩: next view"));
    let title = TitleRule { left: vec![model.shown_view().word().to_owned()], right };
    rule(pen, (text.x, shown.y - 1), text.width, &title, Focused::No);
    views::draw(model, pen, shown);
}

/// The upright between the panes; returns where the text may stand.
fn fence(pen: &mut Pen<'_>, area: Rect) -> Rect {
    let glyphs = pen.theme.glyphs;
    pen.put((area.x, area.y), glyphs.tee, 1, TextRole::Dim);
    for y in area.y + 1..area.bottom() {
        pen.put((area.x, y), glyphs.upright, 1, TextRole::Dim);
    }
    behind_fence(area)
}

fn behind_fence(area: Rect) -> Rect {
    Rect { x: area.x + 2, width: area.width.saturating_sub(2), ..area }
}

/// Columns of the title beside the name and the state of a blast, and the least of a name.
const TITLE_TAKEN: u16 = 21;
const NAME_LEAST: u16 = 8;

fn title(model: &Model, (room, beside): (u16, bool)) -> TitleRule {
    let found = if model.blasts.filter().is_some() { " found" } else { "" };
    let shown = model.blasts.shown().count();
    let at = model.blasts.position().map(|at| format!("1 Blasts: {} of {shown}{found}", at + 1));
    let mut at = at.filter(|_| !beside && model.blasts_over_funnel().is_none());
    let mut left = vec!["2 Funnel".to_owned()];
    if let Some(blast) = model.blast() {
        let name = format!("{}, {}", blast.tag, blast.follow_up_stage);
        let id = model.id_of_namesake(blast).unwrap_or_default();
        let taken = TITLE_TAKEN + width(&id);
        let with_place = |at: Option<&String>| taken + at.map_or(0, |at| width(at) + 4);
        let room_beside = |taken: u16| room.saturating_sub(taken + NAME_LEAST);
        let repeats = blast.origin.repeat.rule.is_some();
        let state = state(model, blast, room_beside(if repeats { taken } else { with_place(at.as_ref()) }));
        // By which rule it repeats, and when next, comes before its place among the blasts.
        at = at.filter(|place| !repeats || width(&state) <= room_beside(taken + width(place) + 4));
        let beside = with_place(at.as_ref());
        // The state is never cut, and the time of a start least of all: the name gives way.
        let is_timed = blast.state == BlastState::Scheduled || blast.armed_until(model.now).is_some();
        let left_for_name = room.saturating_sub(width(&state) + beside).max(NAME_LEAST);
        let is_long = width(&name) > left_for_name;
        let name = match () {
            () if is_long && !is_initial(&blast.follow_up_stage) => name_within(blast, left_for_name),
            () if is_long && is_timed => start_of(&name, left_for_name),
            // The place among the blasts gives way first.
            () if is_long => start_of(&name, room.saturating_sub(width(&state) + taken).max(NAME_LEAST)),
            () => name,
        };
        let has_rule = blast.origin.repeat.rule.as_deref().is_some_and(|rule| state.contains(rule));
        left.push(name + &id);
        left.push(state);
        let words = blast.schedule_words().filter(|_| !has_rule);
        left.extend(words.map(|words| model.with_name_above(blast, &words)));
    }
    if model.shown_view() != FunnelView::Bars && !model.has_bars_beside() {
        left.insert(1, model.shown_view().word().to_owned());
    }
    TitleRule { left, right: at }
}

fn state(model: &Model, blast: &BlastView, room: u16) -> String {
    if let Some(until) = blast.armed_until(model.now) {
        let at = model.start_after(blast, until);
        return format!("starts {at}: {}", model.stop_words(blast));
    }
    let by = blast.state_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    match blast.state {
        BlastState::Paused | BlastState::Cancelled | BlastState::Failed if !blast.asks_for_person() => {
            format!("{}{by}", blast.state)
        }
        // A time that came and was not made is no start.
        BlastState::Scheduled => match blast.send_after.filter(|_| !blast.is_not_made()) {
            Some(at) => scheduled(model, blast, (at, room)),
            None => blast.state_words().to_owned(),
        },
        BlastState::Sending if blast.starts_with_sender(model.now) => launched_behind_stop(model, blast, room),
        _ => blast.shown_state(model.now).to_owned(),
    }
}

/// Said in the place of its start once the time for that has come, or where it was launched.
const BEHIND_STOP: &str = "waits for its sender";

/// When a blast starts that was launched behind the stop of its sender, and the key that stops it, in the words for which there is room.
fn launched_behind_stop(model: &Model, blast: &BlastView, room: u16) -> String {
    let stops = model.stop_words(blast);
    let words = [format!("starts once its sender is resumed: {stops}"), format!("{BEHIND_STOP}: {stops}")];
    words.into_iter().find(|words| width(words) <= room).unwrap_or_else(|| BEHIND_STOP.to_owned())
}

/// When a blast starts by itself, by both clocks where its own show another time than the reader's; where there is no room for that, it is
/// said by whose the one is.
fn scheduled(model: &Model, blast: &BlastView, (at, room): (DateTime<Utc>, u16)) -> String {
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let (state, here) = (blast.state_words(), clock.long(at));
    let both = by_both_clocks(at, (model.zone_of(blast), clock.zone), &here);
    if blast.starts_with_sender(model.now) {
        let since = format!("{BEHIND_STOP} since {both}");
        return if width(&since) <= room { since } else { BEHIND_STOP.to_owned() };
    }
    if let Some(words) = by_its_rule(blast, (&both, &here), room) {
        return words;
    }
    let full = format!("{state}, starts {both}");
    if both == here || width(&full) <= room { full } else { format!("starts {here} here") }
}

/// How a blast repeats and when next, in the words for which there is room: who looks at a pattern looks for its rule.
fn by_its_rule(blast: &BlastView, (both, here): (&str, &str), room: u16) -> Option<String> {
    let rule = blast.origin.repeat.rule.as_deref()?;
    let mine = if both == here { here.to_owned() } else { format!("{here} here") };
    let words = [
        format!("repeats {rule}, next {both}"),
        format!("repeats {rule}, next {mine}"),
        format!("{rule}, next {mine}"),
    ];
    words.into_iter().find(|words| width(words) <= room)
}

fn stages(model: &Model, pen: &mut Pen<'_>, area: Rect, blast: &BlastView) {
    let table = table(area.width);
    let everybody = blast.total_recipients.max(blast.counts.total());
    table.row(pen, (area.x, area.y + 1), |cell| (head(cell).to_owned(), TextRole::Dim));
    let room = area.width.saturating_sub(BARS);
    if room > 8 {
        let whole = [format!("everybody {}", number(everybody)), number(everybody)];
        let whole = whole.iter().find(|words| width(words) <= room - 2).map_or("", String::as_str);
        pen.put_right((area.right(), area.y + 1), whole, room - 2, TextRole::Dim);
    }
    let focus = focused(model, Pane::Funnel);
    let funnel = blast.counts.funnel();
    let counts = [funnel.sent, funnel.received, funnel.read, funnel.replied, funnel.closed];
    for ((row, (stage, count)), y) in STAGES.into_iter().zip(counts).enumerate().zip(area.y + 2..area.bottom()) {
        let here = row == model.stage && model.shows_stages();
        if here {
            let (glyph, role) = cursor(focus);
            pen.put((area.x, y), glyph, 1, role);
        }
        table.row(pen, (area.x, y), |cell| match value(cell, stage, (count, funnel.sent), blast) {
            (text, _) if here && focus == Focused::Yes && matches!(cell, FunnelColumn::Stage) => {
                (text, TextRole::Selected)
            }
            shown => shown,
        });
        if room > 8 {
            bar(pen, (area.x + BARS, y), (count, everybody), room, TextRole::Stage(stage));
        }
    }
}

const fn head(cell: FunnelColumn) -> &'static str {
    match cell {
        FunnelColumn::Stage => "stage",
        FunnelColumn::Count => "count",
        FunnelColumn::Share => "of sent",
        FunnelColumn::Stuck => "stuck here",
    }
}

fn value(cell: FunnelColumn, stage: Status, (count, sent): (i64, i64), blast: &BlastView) -> (String, TextRole) {
    match cell {
        FunnelColumn::Stage => (stage_label(stage).to_owned(), TextRole::Stage(stage)),
        FunnelColumn::Count => (number(count), TextRole::Plain),
        FunnelColumn::Share => (percent_words(count, sent), TextRole::Plain),
        FunnelColumn::Stuck => (stuck_at(blast, stage).map_or_else(|| "-".to_owned(), number), TextRole::Plain),
    }
}

/// Who is at *sent* and not known to be stuck there: held by Meta, or never asked about (which Meta never is).
fn unasked(blast: &BlastView) -> String {
    match blast.unasked {
        Total::Exactly(0) if blast.counts.held_by_meta > 0 => {
            format!("{} held by Meta", number(blast.counts.held_by_meta))
        }
        Total::Exactly(0) => String::new(),
        Total::Exactly(people) => format!("{} not checked", number(people)),
        Total::AtLeast(people) => format!("{}+ not checked", number(people)),
    }
}

fn since(model: &Model) -> Option<String> {
    let since = model.since.as_ref()?;
    let clock = TimeFormat { zone: model.options.zone, now: model.now };
    let what: Vec<String> = since
        .reached
        .iter()
        .filter(|(_, people)| *people > 0)
        .map(|(status, people)| format!("{} {status}", number(*people)))
        .collect();
    let what = if what.is_empty() { "nothing".to_owned() } else { what.join(", ") };
    Some(format!("since your last key, {}: {what}", clock.minute(since.from?)))
}

/// Who came back after the follow-ups: the chain as one.
fn came_back(model: &Model) -> Option<String> {
    let chain = model.chain.as_ref().filter(|chain| Some(chain.blast) == model.blast().map(|blast| blast.id))?;
    let back = chain.came_back?;
    let follow_ups = model.follow_ups(chain.blast);
    let is_unsent = |blast: &&&BlastView| {
        blast.counts.funnel().sent == 0 && matches!(blast.state, BlastState::Draft | BlastState::Scheduled)
    };
    let unsent = follow_ups.iter().filter(is_unsent).count();
    let (after, have) = match (follow_ups.len(), follow_ups.len() - unsent) {
        (1, 0) => return Some("its follow-up has not been sent".to_owned()),
        (all, 0) => return Some(format!("none of its {all} follow-ups has been sent")),
        (_, 1) => ("its follow-up".to_owned(), "has"),
        (_, sent) => (format!("{sent} follow-ups"), "have"),
    };
    if back.replied == 0 && back.closed == 0 {
        // Others may have replied since, without one; and whoever had replied before it may have done so again.
        return Some(format!("{after} {have} brought no new reply yet"));
    }
    let money = in_currency(back.amount, &model.options.currency);
    Some(format!("after {after}: {} more replied, {} more bought, {money}", number(back.replied), number(back.closed)))
}
