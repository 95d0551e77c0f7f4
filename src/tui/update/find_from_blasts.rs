//! What was typed for a blast and finds none, looked for among people: in all blasts, since nobody chose one.

use super::{blast_filter, find, keys, overlays};
use crate::app::view::ElsewhereRow;
use crate::tui::effect::Effect;
use crate::tui::model::{BlastFilterPrompt, FindPrompt, Model, Prompt};

/// Whether a text is part of a number as somebody reads it off a phone.
pub fn is_number(text: &str) -> bool {
    let is_of_number = |c: char| c.is_ascii_digit() || " +-".contains(c);
    text.chars().all(is_of_number) && text.chars().any(|c| c.is_ascii_digit())
}

/// The list of blasts is as it was, and people of all blasts are looked for. Keys wait for who is found.
pub fn begin(model: &mut Model, prompt: BlastFilterPrompt) -> Vec<Effect> {
    let text = prompt.field.text().trim().to_owned();
    blast_filter::leave(model, prompt);
    let mut effects = find::open_with(model, &text);
    if let Some(Prompt::Find(found)) = model.prompt.take() {
        effects.extend(find::elsewhere(model, FindPrompt { goes_there: true, ..found }));
    }
    effects
}

/// Whom everything that was read is about: one person in one blast, whose number ends in the digits where others merely have them.
fn only(text: &str, rows: &[ElsewhereRow]) -> Option<ElsewhereRow> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let ends = |row: &&ElsewhereRow| is_number(text) && row.person.phone.as_str().ends_with(&digits);
    let ending: Vec<_> = rows.iter().filter(ends).collect();
    match (&ending[..], rows) {
        ([one], _) => Some((*one).clone()),
        ([], [one]) => Some(one.clone()),
        _ => None,
    }
}

/// Who was found is read: goes to the only one. `None` where several are to be chosen from.
pub fn found(model: &mut Model, find: &FindPrompt, rows: &[ElsewhereRow]) -> Option<Vec<Effect>> {
    let text = find.field.text();
    if rows.is_empty() {
        let effects = find::leave(model, find);
        keys::drop_held(model, format!("neither a blast nor a person is found by {text}"));
        if model.dropping.is_none() {
            model.refuse(format!("neither a blast nor a person is found by {text}"));
        }
        return Some(effects);
    }
    let row = only(&text, rows)?;
    Some(overlays::jump(model, &row))
}
