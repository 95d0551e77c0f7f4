//! The keys of the command palette: what is typed narrows it down, enter runs the command at the cursor.

use super::key_outcome::KeyOutcome;
use crate::tui::key::Key;
use crate::tui::model::{Model, Overlay};
use crate::tui::overlay;
use crate::tui::widget::{EditOutcome, TextField};

/// A key while the palette is open. Keys that move go on to the keymap.
pub fn key(model: &mut Model, key: Key) -> KeyOutcome {
    let Some(Overlay::Commands(palette)) = model.overlays.last_mut() else { return KeyOutcome::UNUSED };
    match key {
        Key::Enter => run(model),
        Key::Char(_) | Key::Backspace | Key::Delete | Key::Ctrl('u' | 'w' | 'k' | 'a' | 'e') => {
            if palette.field.key(key) == EditOutcome::Changed {
                palette.row = 0;
            }
            KeyOutcome::DONE
        }
        _ => KeyOutcome::UNUSED,
    }
}

/// Runs the command at the cursor. Where nothing has the name that was typed, enter first takes the nearest one's: what was meant
/// is for the operator to say.
fn run(model: &mut Model) -> KeyOutcome {
    let Some(Overlay::Commands(palette)) = model.overlays.last() else { return KeyOutcome::UNUSED };
    let found = overlay::commands(model, palette);
    let Some(action) = found.entries.get(palette.row).copied() else {
        model.refuse("no command of that name");
        return KeyOutcome::DONE;
    };
    if !overlay::works_here(model, action) {
        let keys = model.options.keys.names(action);
        model.refuse(format!("{} works in {}: {keys} there", action.title, action.places()));
        return KeyOutcome::DONE;
    }
    if found.instead.is_some() {
        if let Some(Overlay::Commands(palette)) = model.overlays.last_mut() {
            (palette.field, palette.row) = (TextField::with(action.title), 0);
        }
        return KeyOutcome::DONE;
    }
    model.overlays.pop();
    KeyOutcome::Handled(action.run(model))
}
