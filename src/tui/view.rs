//! From the model to a drawn screen; pure. Each pane is a file that knows none of the others.

mod activity;
mod blasts;
mod footer;
mod funnel;
mod header;
mod months;
mod overlay;
mod preview;
mod recipients;
mod senders;
mod side_by_side;
mod speed;
mod summary;
mod views;
mod waiting;
mod window_title;

pub use activity::shown as shown_events;
pub use blasts::shown_blast;
pub use footer::{covered_rows, small as small_question};
pub use funnel::shown_error;
pub use recipients::shown as shown_people;
pub use window_title::window_title;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::layout::Layout;
use super::model::{Model, Pane};
use super::theme::{ScreenTheme, TextRole};
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
        Layout::Large { blasts, funnel, people, details, activity } => {
            blasts::draw(model, pen, blasts);
            funnel::draw(model, pen, funnel);
            recipients::draw(model, pen, people);
            preview::draw(model, pen, details);
            let activity = bordered(pen, activity);
            activity::draw(model, pen, activity);
        }
        Layout::Wide { blasts, funnel, people, activity: beside } => {
            blasts::draw(model, pen, blasts);
            funnel::draw(model, pen, funnel);
            match beside {
                None => people_or_activity(model, pen, people),
                Some(beside) => {
                    recipients::draw(model, pen, people);
                    let beside = bordered(pen, beside);
                    activity::draw(model, pen, beside);
                }
            }
        }
        Layout::Stacked { upper, people } => {
            match model.focus {
                Pane::Blasts => blasts::draw(model, pen, upper),
                _ => funnel::draw(model, pen, upper),
            }
            people_or_activity(model, pen, people);
        }
        Layout::Single { pane } => match model.focus {
            Pane::Blasts => match model.blasts_over_funnel() {
                Some((upper, lower)) => {
                    blasts::draw(model, pen, upper);
                    funnel::draw(model, pen, lower);
                }
                None => blasts::draw(model, pen, pane),
            },
            Pane::Funnel => funnel::draw(model, pen, pane),
            Pane::Recipients => match layout.zoomed_people() {
                Some((people, details)) => {
                    recipients::draw(model, pen, people);
                    preview::draw(model, pen, details);
                }
                None => recipients::draw(model, pen, pane),
            },
            Pane::Activity => activity::draw(model, pen, pane),
        },
        Layout::Summary => {}
    }
}

/// What is left of a pane right of its border.
fn bordered(pen: &mut Pen<'_>, area: Rect) -> Rect {
    let upright = pen.theme.glyphs.upright;
    for y in area.y..area.bottom() {
        pen.put((area.x, y), upright, 1, TextRole::Dim);
    }
    Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area }
}

/// The activity takes the place of the recipients while it has the focus.
fn people_or_activity(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    match model.focus {
        Pane::Activity => activity::draw(model, pen, area),
        _ => recipients::draw(model, pen, area),
    }
}

/// A pane's cursor: only in the focused pane it is where keys act, also without colour.
const fn cursor(focus: Focused) -> (&'static str, TextRole) {
    match focus {
        Focused::Yes => (">", TextRole::Accent),
        Focused::No => ("-", TextRole::Dim),
    }
}

/// How many of so many rows at the bottom of the screen are passed over, so that the cursor's is not behind what is said there.
fn behind_footer(model: &Model, cursor: Option<usize>, height: usize) -> usize {
    let free = height.saturating_sub(covered_rows(model)).max(1);
    cursor.map_or(0, |at| (at + 1).saturating_sub(free))
}

fn focused(model: &Model, pane: Pane) -> Focused {
    if model.focus == pane { Focused::Yes } else { Focused::No }
}
