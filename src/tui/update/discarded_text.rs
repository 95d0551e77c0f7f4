//! What was typed in a field that is left by `esc` or `ctrl-c`: it is not written, and is said, so that a slip loses nothing.

use super::pace;
use crate::tui::model::{ItemsPrompt, ItemsTarget, Prompt, SaleKey};

/// What is said of it; nothing where nothing was typed.
pub fn words(prompt: &Prompt) -> Option<String> {
    let (of, typed) = match prompt {
        // Of what was emptied nothing is lost.
        Prompt::Note(note) if note.field.text() != note.seen && note.field.text().trim().is_empty() => {
            return Some(format!("note for {} stays as it was", note.who));
        }
        Prompt::Note(note) if note.field.text() != note.seen => (format!("note for {}", note.who), note.field.text()),
        Prompt::Items(items) if !items.field.text().trim().is_empty() => (of_items(items), items.field.text()),
        Prompt::Pace(pace) => (format!("hours and pace of {}", pace.name), pace::typed_on(pace)?),
        _ => return None,
    };
    Some(format!("{of} not kept: {typed}"))
}

fn of_items(items: &ItemsPrompt) -> String {
    let who = &items.who;
    match items.of {
        ItemsTarget::NewOrder { .. } => format!("order of {who}"),
        ItemsTarget::NewCart { .. } => format!("cart of {who}"),
        ItemsTarget::Changes(SaleKey::Order(id)) => format!("order {id}"),
        ItemsTarget::Changes(SaleKey::Cart(id)) => format!("cart {id}"),
        ItemsTarget::Tags => format!("tags of {who}"),
        ItemsTarget::Note => format!("note about {who}"),
    }
}
