//! Clicks and the wheel: a click focuses a pane and selects a row, the wheel scrolls. Neither marks, sends or answers anything.

use ratatui::layout::Rect;

use super::{leave, lists, moves, overlays};
use crate::tui::effect::Effect;
use crate::tui::layout::{Layout, activity_head_rows};
use crate::tui::model::{CursorMove, FunnelView, Model, MouseCapture, Overlay, Pane, STAGES};
use crate::tui::mouse::{MouseEvent, MouseKind};
use crate::tui::overlay;
use crate::tui::view::{shown_blast, shown_error, shown_events, shown_people};

/// Rows of one turn of the wheel.
const WHEEL_ROWS: isize = 3;

/// The row of an overlay's first line.
const FIRST_LINE: u16 = 2;

/// Rows of a pane above its first line: the title and the heads of the columns.
const HEAD_ROWS: u16 = 2;

/// The mouse did something. While something is asked or typed, it does nothing.
pub fn moused(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    if model.setup.mouse == MouseCapture::Off || model.prompt.is_some() || is_awaiting(model) {
        return Vec::new();
    }
    leave::stay(model);
    match event.kind {
        MouseKind::WheelUp => scroll(model, event.at, -WHEEL_ROWS),
        MouseKind::WheelDown => scroll(model, event.at, WHEEL_ROWS),
        MouseKind::Press if model.overlays.is_empty() => click(model, event.at),
        MouseKind::Press => {
            choose_line(model, event.at.1);
            Vec::new()
        }
    }
}

/// A list is being read: what is under the mouse is about to change.
const fn is_awaiting(model: &Model) -> bool {
    model.recipients.awaiting.is_some() || model.activity.awaiting.is_some()
}

/// In the pane under the mouse; what covers the panes scrolls alone.
fn scroll(model: &mut Model, at: (u16, u16), rows: isize) -> Vec<Effect> {
    let mut effects = Vec::new();
    if model.overlays.is_empty()
        && let Some((pane, _)) = pane_at(model, at)
        && pane != model.focus
    {
        effects.extend(lists::focus(model, pane));
    }
    effects.extend(moves::rows(model, rows));
    overlay::clamp(model);
    effects
}

fn click(model: &mut Model, at: (u16, u16)) -> Vec<Effect> {
    let Some((pane, area)) = pane_at(model, at) else { return Vec::new() };
    let blast = if pane == Pane::Blasts { shown_blast(model, area, at.1) } else { None };
    // The focus may have it drawn in another way.
    let has_stages = model.shows_stages();
    let is_error = pane == Pane::Funnel && model.shown_view() == FunnelView::Errors;
    let error = if is_error { shown_error(model, area, at.1) } else { None };
    let mut effects = lists::focus(model, pane);
    if pane == Pane::Activity {
        select_event(model, area, at.1.checked_sub(area.y + activity_head_rows(area)).map(usize::from));
        return effects;
    }
    let Some(row) = at.1.checked_sub(area.y + HEAD_ROWS).map(usize::from) else { return effects };
    match pane {
        Pane::Activity => {}
        Pane::Recipients => select_person(model, row),
        Pane::Funnel if has_stages && row < STAGES.len() => model.stage = row,
        Pane::Funnel => model.views.error = error.unwrap_or(model.views.error),
        Pane::Blasts => {
            if let Some(blast) = blast {
                model.blasts.select(blast);
                effects.extend(lists::follow_selection(model));
            }
        }
    }
    effects
}

/// The event in a row of its list.
fn select_event(model: &mut Model, area: Rect, row: Option<usize>) {
    let rows = model.activity_rows();
    let event = row.filter(|row| *row < rows).and_then(|row| shown_events(model, area).nth(row));
    if let Some(place) = event.map(|row| row.place) {
        model.activity.choose(place);
    }
}

fn select_person(model: &mut Model, row: usize) {
    let height = model.layout().people_rows();
    let person = shown_people(model, height).nth(row).map(|person| person.row.id);
    if person.is_some() {
        model.recipients.choose(person);
    }
}

/// The row under the mouse of a list that has a cursor.
fn choose_line(model: &mut Model, y: u16) {
    let Some(content) = overlay::content(model, model.size.width) else { return };
    let height = Layout::page_rows(model.size).saturating_sub(1);
    let top = content.focus.map_or(0, |line| (line + 1).saturating_sub(height));
    let pinned = overlay::pinned_lines(model);
    let row = y.checked_sub(FIRST_LINE).map(usize::from);
    let Some(line) = row.map(|row| if row < pinned { row } else { top + row }) else { return };
    match model.overlays.last_mut() {
        // Its first line is the field.
        Some(Overlay::Commands(palette)) => palette.row = line.checked_sub(1).unwrap_or(palette.row),
        Some(Overlay::Elsewhere(elsewhere)) => elsewhere.row = line.min(elsewhere.rows.len().saturating_sub(1)),
        Some(_) => step_to(model, line),
        None => {}
    }
    overlay::clamp(model);
}

/// Takes the cursor of a page to the line that was clicked, step by step as the arrow keys do: of a choice with several lines, each of
/// them is it.
fn step_to(model: &mut Model, line: usize) {
    let cursor = |model: &Model| overlay::content(model, model.size.width).and_then(|content| content.cursor());
    let Some(mut at) = cursor(model) else { return };
    while at > line {
        overlays::moved(model, CursorMove::Rows(-1));
        match cursor(model) {
            Some(now) if now < at => at = now,
            _ => return,
        }
    }
    while at < line {
        overlays::moved(model, CursorMove::Rows(1));
        match cursor(model) {
            Some(now) if now > line => return overlays::moved(model, CursorMove::Rows(-1)),
            Some(now) if now > at => at = now,
            _ => return,
        }
    }
}

/// The pane at a place of the screen, and where it is.
fn pane_at(model: &Model, (x, y): (u16, u16)) -> Option<(Pane, Rect)> {
    let is_in = |area: Rect| area.contains((x, y).into());
    let shown = match model.layout() {
        Layout::Large { blasts, funnel, people, .. } | Layout::Wide { blasts, funnel, people, .. } => {
            vec![(Pane::Blasts, blasts), (Pane::Funnel, funnel), (Pane::Recipients, people)]
        }
        Layout::Stacked { upper, people } => {
            let above = if model.focus == Pane::Blasts { Pane::Blasts } else { Pane::Funnel };
            vec![(above, upper), (Pane::Recipients, people)]
        }
        Layout::Single { pane } => match model.blasts_over_funnel() {
            Some((upper, lower)) => vec![(Pane::Blasts, upper), (Pane::Funnel, lower)],
            None => vec![(model.focus, pane)],
        },
        Layout::Summary => Vec::new(),
    };
    let activity = model.activity_area().map(|area| (Pane::Activity, area));
    activity.into_iter().chain(shown).find(|(_, area)| is_in(*area))
}
