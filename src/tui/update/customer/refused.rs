//! What becomes of an act about a customer that was refused, or that the database did not take.

use super::page;
use crate::tui::effect::{Effect, EffectError, ReadRequest, ShopWrite, WriteRequest};
use crate::tui::model::{ItemsPrompt, Model, Overlay, Prompt};
use crate::tui::update::{completions, lost, written};

/// What was typed is there again, with the reason; where a key was typed since, which the next ones go on from, it is said with it. `about`
/// names whose it is.
pub fn refused(
    model: &mut Model,
    (write, about): (&ShopWrite, &str),
    failure: &EffectError,
    is_typed_since: bool,
) -> Vec<Effect> {
    if lost::is_lost(failure) {
        // The header says so from now on, as it does of a read.
        completions::failed(model, failure);
    }
    // Of what is done nothing is left to be typed.
    match write.typed.clone().filter(|_| *failure != EffectError::Unread) {
        Some(items) if !is_typed_since && takes_field(model) => {
            let trouble = Some(failure.sentence(&model.options.keys));
            model.prompt = Some(Prompt::Items(ItemsPrompt { trouble, ..items }));
        }
        None if !lost::is_lost(failure) => {
            let why = by_keys(failure.sentence(&model.options.keys), &model.options.keys.of("change-its-items"));
            model.refuse(why);
        }
        typed => say(model, (write, about), failure, typed.as_ref()),
    }
    let mut effects = Vec::new();
    if lost::may_be_done(failure) {
        effects.extend(written::after_mark(model, write.person.as_slice()));
    }
    effects.extend(page(model).map(|page| Effect::Read(ReadRequest::Customer(page.phone.clone()))));
    effects
}

/// A price that is missing is given here by a key: what stands in its place for a shell is no line of this page.
fn by_keys(why: String, key: &str) -> String {
    const COMMAND: &str = "give it one with `";
    let mut said = why;
    while let Some((before, command)) = said.split_once(COMMAND) {
        let Some((_, after)) = command.split_once('`') else { break };
        said = format!("{before}{key} gives it one{after}");
    }
    said
}

/// Whether a field may open again: nothing is typed or asked, and no key waits for a list.
fn takes_field(model: &Model) -> bool {
    let is_page = matches!(model.overlays.last(), None | Some(Overlay::Customer(_) | Overlay::Details(_)));
    model.prompt.is_none() && model.held.is_empty() && is_page
}

fn say(model: &mut Model, (write, about): (&ShopWrite, &str), failure: &EffectError, typed: Option<&ItemsPrompt>) {
    let said = match failure {
        EffectError::Unavailable | EffectError::Unconfirmed | EffectError::Unread => {
            lost::sentence(&WriteRequest::Shop(Box::new(write.clone())), about, failure)
        }
        EffectError::List(_) | EffectError::Overtaken(_) | EffectError::Other(_) | EffectError::AsItStands { .. } => {
            format!("{about}{}", failure.sentence(&model.options.keys))
        }
    };
    let typed = typed.map(|items| format!("; you typed {}", items.field.text())).unwrap_or_default();
    lost::say(model, &(said + &typed));
}
