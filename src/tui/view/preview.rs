//! The person whom keys are about, beside the table of recipients.

use ratatui::layout::Rect;

use crate::tui::model::{Model, Pane};
use crate::tui::overlay;
use crate::tui::theme::TextRole;
use crate::tui::widget::{Focused, Pen, TextLine, TitleRule, rule};

pub fn draw(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    let glyphs = pen.theme.glyphs;
    pen.put((area.x, area.y), glyphs.tee, 1, TextRole::Dim);
    for y in area.y + 1..area.bottom() {
        pen.put((area.x, y), glyphs.upright, 1, TextRole::Dim);
    }
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    let Some(details) = model.previewed() else {
        let title = TitleRule { left: vec!["Details".to_owned()], right: None };
        rule(pen, (area.x, area.y), area.width, &title, Focused::No);
        let words = match model.preview_target() {
            Some(_) => model.reading(),
            None if model.focus == Pane::Activity => "that line is not about a person in a blast",
            None => "nobody is chosen",
        };
        pen.put((area.x + 2, area.y + 1), words, area.width.saturating_sub(2), TextRole::Dim);
        return;
    };
    let (title, lines) = overlay::preview(model, details, area.width);
    rule(pen, (area.x, area.y), area.width, &title, Focused::No);
    let room = usize::from(area.height.saturating_sub(1));
    // A heading of what is not to be seen says nothing.
    let shown = if lines.iter().take(room).next_back().is_some_and(TextLine::is_rule) { room - 1 } else { room };
    for (line, y) in lines.iter().take(shown).zip(area.y + 1..area.bottom()) {
        line.draw(pen, (area.x, y), area.width);
    }
}
