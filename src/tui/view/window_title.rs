//! The title of the terminal's window: what needs a person, and whose messages these are.

use crate::domain::text::clean;
use crate::tui::format::count_of;
use crate::tui::model::Model;
use crate::tui::{Charset, DashboardKind};

/// The longest shop's name in the title, in characters.
const NAME_MAX: usize = 40;

/// Without control characters, and the same for as long as the same needs a person.
pub fn window_title(model: &Model) -> String {
    let needs = model.needs();
    let need = if needs > 0 { format!("! {} you - ", count_of(needs, "needs", "need")) } else { String::new() };
    let kind = match model.options.kind {
        DashboardKind::Real => "",
        DashboardKind::Demo => "DEMO ",
        DashboardKind::ReadOnly => "READ-ONLY ",
    };
    let is_drawn = |c: &char| model.options.charset != Charset::Ascii || c.is_ascii();
    let name: String =
        clean(model.options.name.as_deref().unwrap_or_default()).chars().filter(is_drawn).take(NAME_MAX).collect();
    let name = if name.is_empty() { String::new() } else { format!("{name} - ") };
    format!("{need}{kind}{name}blastdeck")
}
