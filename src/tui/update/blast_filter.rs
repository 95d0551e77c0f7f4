//! `/` among the blasts: the list follows what is typed. Enter keeps it, esc returns to the list before. The cursor moves with enter
//! alone, so that the other panes stay as they are until then.

use super::{find_from_blasts, lists, overlays};
use crate::domain::filter::blasts::BlastSearch;
use crate::tui::effect::Effect;
use crate::tui::key::Key;
use crate::tui::model::{BlastFilterPrompt, Model, Prompt};
use crate::tui::widget::{EditOutcome, TextField};

/// Opens the prompt; the filter that there is may be kept or replaced.
pub fn open(model: &mut Model) -> Vec<Effect> {
    model.notice = None;
    let before = model.blasts.filter().cloned();
    let field = TextField::offering(before.as_ref().map_or("", |filter| &filter.text));
    model.prompt = Some(Prompt::BlastFilter(BlastFilterPrompt { field, trouble: None, before }));
    Vec::new()
}

/// A key while it is typed.
pub fn key(model: &mut Model, mut prompt: BlastFilterPrompt, key: Key) -> Vec<Effect> {
    match key {
        Key::Esc => {
            leave(model, prompt);
            Vec::new()
        }
        Key::Enter => keep(model, prompt),
        Key::Tab if !prompt.field.text().trim().is_empty() => find_from_blasts::begin(model, prompt),
        key => {
            let edited = prompt.field.key(key);
            model.prompt = Some(Prompt::BlastFilter(prompt));
            if edited == EditOutcome::Changed {
                changed(model);
            }
            Vec::new()
        }
    }
}

/// Returns to the list before.
pub fn leave(model: &mut Model, prompt: BlastFilterPrompt) {
    model.blasts.put_filter(prompt.before);
}

/// The text changed: lists what it finds. What is no filter is explained, over the list of before.
pub fn changed(model: &mut Model) {
    model.notice = None;
    let Some(Prompt::BlastFilter(prompt)) = &mut model.prompt else { return };
    let text = prompt.field.text().trim().to_owned();
    prompt.trouble = None;
    match BlastSearch::parse(&text, model.now, model.options.zone) {
        Ok(search) => model.blasts.narrow(&text, search, model.now),
        Err(trouble) => {
            prompt.trouble = Some(trouble.to_string());
            let before = prompt.before.clone();
            model.blasts.put_filter(before);
        }
    }
}

/// Keeps the filter, with the cursor on a blast that it finds: no key acts on one that is not listed.
fn keep(model: &mut Model, prompt: BlastFilterPrompt) -> Vec<Effect> {
    let first = model.blasts.listed_at(0);
    if prompt.trouble.is_none() && first.is_none() && find_from_blasts::is_number(&prompt.field.text()) {
        return find_from_blasts::begin(model, prompt);
    }
    let refused = prompt.trouble.clone().or_else(|| {
        let text = prompt.field.text();
        let none = || format!("no blast is found by {}: tab looks for people, esc goes back", text.trim());
        first.is_none().then(none)
    });
    if let Some(why) = refused {
        overlays::refuse_until_next_key(model, why);
        model.prompt = Some(Prompt::BlastFilter(prompt));
        return Vec::new();
    }
    if model.blasts.position().is_none()
        && let Some(first) = first
    {
        model.blasts.select(first);
    }
    lists::follow_selection(model)
}
