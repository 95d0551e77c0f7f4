//! What is switched from `:`: colours, time zone, mouse.

use crate::tui::Palette;
use crate::tui::effect::{Effect, ReadRequest};
use crate::tui::model::{ColourChoice, Model, MouseCapture, Notice, Overlay};

/// Why the colours cannot be changed.
pub fn without_colours(model: &Model) -> Option<String> {
    let is_none = model.setup.colours == ColourChoice::None;
    is_none.then(|| "there are no colours here: NO_COLOR is set, or the terminal has none".to_owned())
}

/// To the next of the palettes.
pub fn next_theme(model: &mut Model) -> Vec<Effect> {
    let (next, word) = match model.options.palette {
        Palette::Auto => (Palette::Dark, "dark"),
        Palette::Dark => (Palette::Light, "light"),
        Palette::Light => (Palette::Mono, "mono"),
        Palette::Mono => (Palette::Auto, "auto"),
    };
    model.options.palette = next;
    model.say(Notice::done(format!("theme {word}; `theme = \"{word}\"` in [ui] of the configuration keeps it")));
    vec![Effect::Recolour(next)]
}

/// Between UTC and the zone of the configuration.
pub fn other_zone(model: &mut Model) -> Vec<Effect> {
    let is_utc = model.options.zone == chrono_tz::UTC;
    let home = model.setup.home_zone;
    model.options.zone = if is_utc { home } else { chrono_tz::UTC };
    let name = model.options.zone.name();
    let same = if home == chrono_tz::UTC { ", which is the zone of the configuration too" } else { "" };
    model.say(Notice::done(format!("times are {name}{same}")));
    // Its days are those of the clocks that it was read for.
    let plan =
        model.overlays.iter().find_map(|open| if let Overlay::Plan(plan) = open { Some(plan.blast) } else { None });
    plan.map(|blast| Effect::Read(ReadRequest::Plan(blast, model.options.zone))).into_iter().collect()
}

/// Between the dashboard's mouse and the terminal's.
pub fn toggle_mouse(model: &mut Model) -> Vec<Effect> {
    let (next, words) = match model.setup.mouse {
        MouseCapture::Off => {
            (MouseCapture::On, "a click selects, the wheel scrolls; shift selects text in most terminals")
        }
        MouseCapture::On => (MouseCapture::Off, "mouse off: the terminal selects text again"),
    };
    model.setup.mouse = next;
    model.say(Notice::done(words));
    vec![Effect::CaptureMouse(next)]
}
