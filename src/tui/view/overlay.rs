//! The topmost overlay: its title and as many of its lines as fit.

use crate::tui::layout::Layout;
use crate::tui::model::{Model, Overlay};
use crate::tui::overlay::content;
use crate::tui::widget::{Focused, Pen, rule};

pub fn draw(model: &Model, pen: &mut Pen<'_>) {
    let area = pen.screen();
    let Some(content) = content(model, area.width) else { return };
    rule(pen, (0, 1), area.width, &content.title, Focused::Yes);
    let height = Layout::page_rows(model.size).saturating_sub(1);
    let scroll = model.overlays.last().map_or(0, Overlay::scroll).min(content.lines.len().saturating_sub(height));
    let top = content.focus.map_or(scroll, |line| scroll.max((line + 1).saturating_sub(height)));
    // What needs somebody may have a name that fills the screen: its beginning says which it is.
    let begins = content.cursor().filter(|_| matches!(model.overlays.last(), Some(Overlay::Needs(_))));
    let top = begins.map_or(top, |line| top.min(line));
    for (line, y) in content.lines.iter().skip(top).take(height).zip(2..) {
        line.draw(pen, (0, y), area.width);
    }
}
