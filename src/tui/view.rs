//! From the model to a drawn screen; pure. Each pane is a file that knows none of the others.

mod blasts;
mod footer;
mod funnel;
mod header;
mod overlay;
mod recipients;
mod summary;

use ratatui::buffer::Buffer;

use super::layout::Layout;
use super::model::{Model, Pane};
use super::theme::ScreenTheme;
use super::widget::{Focused, Pen};

/// Draws everything.
pub fn draw(model: &Model, theme: &ScreenTheme, buffer: &mut Buffer) {
    let mut pen = Pen::new(buffer, theme);
    let layout = model.layout();
    if layout.is_summary() {
        return summary::draw(model, &mut pen);
    }
    header::draw(model, &mut pen);
    if model.overlays.is_empty() {
        panes(model, &mut pen, layout);
    } else {
        overlay::draw(model, &mut pen);
    }
    footer::draw(model, &mut pen);
}

fn panes(model: &Model, pen: &mut Pen<'_>, layout: Layout) {
    match layout {
        Layout::Wide { blasts, funnel, people } => {
            blasts::draw(model, pen, blasts);
            funnel::draw(model, pen, funnel);
            recipients::draw(model, pen, people);
        }
        Layout::Stacked { upper, people } => {
            match model.focus {
                Pane::Blasts => blasts::draw(model, pen, upper),
                _ => funnel::draw(model, pen, upper),
            }
            recipients::draw(model, pen, people);
        }
        Layout::Single { pane } => match model.focus {
            Pane::Blasts => blasts::draw(model, pen, pane),
            Pane::Funnel => funnel::draw(model, pen, pane),
            Pane::Recipients => recipients::draw(model, pen, pane),
        },
        Layout::Summary => {}
    }
}

fn focused(model: &Model, pane: Pane) -> Focused {
    if model.focus == pane { Focused::Yes } else { Focused::No }
}
