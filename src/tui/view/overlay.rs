//! The topmost overlay: its title and as many of its lines as fit.

use crate::tui::model::{Model, Overlay};
use crate::tui::overlay::{content, page_rows, pinned_lines, top_line};
use crate::tui::widget::{Focused, Pen, TitleRule, right_fits, rule};

pub fn draw(model: &Model, pen: &mut Pen<'_>) {
    let area = pen.screen();
    let Some(mut content) = content(model, area.width) else { return };
    let (height, top) = (page_rows(model), top_line(model, &content));
    // The help says so itself, where it has room for that.
    let is_said = matches!(model.overlays.last(), Some(Overlay::Help(_))) && right_fits(&content.title, area.width);
    let scrolled = content.lines.split_off(pinned_lines(model).min(content.lines.len()));
    let height = height.saturating_sub(content.lines.len());
    if let Some(place) = place(model, (top, height), scrolled.len()).filter(|_| !is_said) {
        say_place(&mut content.title, place, area.width);
    }
    rule(pen, (0, 1), area.width, &content.title, Focused::Yes);
    let shown = content.lines.iter().chain(scrolled.iter().skip(top).take(height));
    for (line, y) in shown.zip(2..) {
        line.draw(pen, (0, y), area.width);
    }
}

/// Which lines these are, where there are more, and what shows the others.
fn place(model: &Model, (top, height): (usize, usize), lines: usize) -> Option<String> {
    let overlay = model.overlays.last().filter(|_| lines > height)?;
    let keys = match overlay {
        Overlay::Help(_)
        | Overlay::Details(_)
        | Overlay::Customer(_)
        | Overlay::Log(_)
        | Overlay::Plan(_)
        | Overlay::FollowUp(_)
        | Overlay::FollowFound(_) => ": PgUp PgDn",
        _ => "",
    };
    Some(format!("{}-{} of {lines}{keys}", top + 1, (top + height).min(lines)))
}

/// At the right of the title, in the place of other words and of segments that have no room beside it.
fn say_place(title: &mut TitleRule, place: String, room: u16) {
    title.right = Some(place);
    while title.left.len() > 1 && !right_fits(title, room) {
        title.left.pop();
    }
}
