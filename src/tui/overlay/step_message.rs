//! The message of a step, being changed, below what it says now.

use super::{OverlayContent, wrapped};
use crate::domain::text::clean;
use crate::tui::action::KeyScope;
use crate::tui::model::{Model, StepMessageOverlay, StepMessageProgress};
use crate::tui::theme::TextRole;
use crate::tui::update::step_message::{REMOVED, is_removed};
use crate::tui::widget::TextLine;

pub fn content(model: &Model, page: &StepMessageOverlay, width: u16) -> OverlayContent {
    let room = width.saturating_sub(3);
    let title = super::title(vec![format!("Step {}", page.step.number), page.blast.clone()], None);
    let dim = |text: &str| wrapped(text, room).into_iter().map(|line| TextLine::dim(format!("  {line}")));
    let mut lines = Vec::new();
    if let Some(view) = model.steps.iter().find(|view| view.step.key() == page.step) {
        lines.extend(dim(&format!("{}; from its next draft on it says:", view.when)));
    }
    lines.push(TextLine::default());
    let (written, cursor) = page.area.lines(|text| wrapped(text, room));
    let focus = lines.len() + cursor;
    lines.extend(written.into_iter().map(TextLine::indented));
    lines.push(TextLine::default());
    let below = below(model, page);
    lines.extend(dim(&below));
    if page.is_changed() {
        lines.push(TextLine::default());
        lines.push(TextLine::of("  It says now", TextRole::Dim));
        lines.extend(page.seen.lines().flat_map(|line| dim(&clean(line)).collect::<Vec<_>>()));
    }
    OverlayContent { title, lines, focus: Some(focus) }
}

/// What is to know of the text, or why it was not taken.
fn below(model: &Model, page: &StepMessageOverlay) -> String {
    match &page.progress {
        _ if is_removed(model, page.step) => REMOVED.to_owned(),
        StepMessageProgress::Saving => "being saved ...".to_owned(),
        StepMessageProgress::Refused(why) => why.clone(),
        StepMessageProgress::Writing => {
            let words = "{name} is a column of the list; ⟨ctrl-x⟩ saves it, ⟨ctrl-o⟩ opens your editor";
            model.options.keys.in_sentence(words, &[KeyScope::StepMessage])
        }
    }
}
