//! The keys of the command palette: what is typed narrows it down, enter runs the command at the cursor.

use super::key_outcome::KeyOutcome;
use crate::tui::key::Key;
use crate::tui::model::{Model, Overlay};
use crate::tui::overlay;
use crate::tui::widget::Edited;

/// A key while the palette is open. Keys that move go on to the keymap.
pub fn key(model: &mut Model, key: Key) -> KeyOutcome {
    let Some(Overlay::Commands(palette)) = model.overlays.last_mut() else { return KeyOutcome::UNUSED };
    match key {
        Key::Enter => run(model),
        Key::Char(_) | Key::Backspace | Key::Delete | Key::Ctrl('w' | 'k' | 'a' | 'e') => {
            if palette.field.key(key) == Edited::Changed {
                palette.row = 0;
            }
            KeyOutcome::DONE
        }
        _ => KeyOutcome::UNUSED,
    }
}

fn run(model: &mut Model) -> KeyOutcome {
    let Some(Overlay::Commands(palette)) = model.overlays.last() else { return KeyOutcome::UNUSED };
    let Some(action) = overlay::commands(model, palette).get(palette.row).copied() else {
        model.refuse("no command of that name");
        return KeyOutcome::DONE;
    };
    model.overlays.pop();
    KeyOutcome::Handled(action.run(model))
}
