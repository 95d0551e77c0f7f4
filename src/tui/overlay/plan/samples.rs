//! What people of the plan read: one at a time, or all of them beside it.

use super::super::{column_of, page_rows, wrapped};
use crate::app;
use crate::domain::text::characters;
use crate::tui::model::{Model, PlanOverlay};
use crate::tui::theme::TextRole;
use crate::tui::widget::{TextLine, start_of};

/// How wide its lines are, and what stands beside them on a wide screen: what those in the samples read.
pub fn columns(model: &Model, plan: &PlanOverlay, width: u16) -> (u16, Vec<TextLine>) {
    let loaded = plan.loaded.as_ref().filter(|_| plan.people.is_none());
    match loaded.zip(column_of(width)) {
        Some((loaded, column)) if !loaded.samples.is_empty() => {
            let each = |n| sample(model, (loaded, n), n == plan.sample, column);
            let all: Vec<_> = (0..loaded.samples.len()).flat_map(each).collect();
            let has_room = all.len() <= page_rows(model);
            (column, if has_room { all } else { each(plan.sample) })
        }
        _ => (width, Vec::new()),
    }
}

/// What somebody reads. The chosen one is whose `M` sends.
pub(super) fn sample(model: &Model, (loaded, nth): (&app::Plan, usize), is_chosen: bool, width: u16) -> Vec<TextLine> {
    let Some(sample) = loaded.samples.get(nth) else { return Vec::new() };
    let of = format!("{} of {}, {}", nth + 1, loaded.samples.len(), sample.which);
    // With one there is nothing to step over.
    let of =
        if is_chosen && loaded.samples.len() > 1 { format!("{} {of}", model.with_keys("⟨[⟩ ⟨]⟩")) } else { of };
    // A long name gives way: the number says who it is.
    let room = (width / 2).max(12);
    let name = sample.name.as_ref().map(|name| format!("{}, ", start_of(name, room))).unwrap_or_default();
    let row = sample.row.map(|row| format!(", row {row}")).unwrap_or_default();
    // A template's is drawn with its buttons and its header, which are no text of the message.
    let length = if loaded.blast.template.is_none() { characters(&sample.text) } else { String::new() };
    let mut lines = vec![
        TextLine::rule("What they read").and(length, TextRole::Plain).right(of),
        TextLine::dim(format!("  to {name}{}{row}", sample.phone)),
    ];
    let text = wrapped(&sample.text, width.saturating_sub(4));
    lines.extend(text.into_iter().map(|line| TextLine::plain(format!("  {line}"))));
    lines
}
