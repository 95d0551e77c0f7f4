//! Where a key goes: to the question that is open, to a page's field, or by the keymap to an action. Keys for a list
//! that is still on its way wait for it.

use chrono::TimeDelta;

use super::{find, pages, perform, prompts};
use crate::tui::action::{Action, Danger, Verb};
use crate::tui::effect::Effect;
use crate::tui::key::Key;
use crate::tui::keymap;
use crate::tui::model::{HELD_MAX, Leaving, Model, Overlay, Pane, Prompt};

/// That the operator is here is noted at most this often.
const NOTE_SEEN: TimeDelta = TimeDelta::minutes(1);

/// A key was pressed.
pub fn typed(model: &mut Model, key: Key) -> Vec<Effect> {
    let mut effects = note_presence(model);
    if waits(model, key) {
        if model.held.len() < HELD_MAX {
            model.held.push_back(key);
        }
        return effects;
    }
    effects.extend(route(model, key));
    effects
}

fn note_presence(model: &mut Model) -> Vec<Effect> {
    model.last_key = model.now;
    model.since = None;
    model.mine.clear();
    if model.seen_at.is_none_or(|seen| model.now - seen < NOTE_SEEN) {
        return Vec::new();
    }
    model.seen_at = Some(model.now);
    vec![Effect::TouchLastSeen]
}

/// Whether a key is meant for a list that is not here yet. What leaves, helps or pauses never waits.
fn waits(model: &Model, key: Key) -> bool {
    let meant_for_list = model.focus == Pane::Recipients && model.overlays.is_empty() && model.prompt.is_none();
    let leaves = matches!(key, Key::Esc | Key::Ctrl(_) | Key::Char('q' | '?' | 'p'));
    meant_for_list && !leaves && (model.recipients.awaiting.is_some() || !model.held.is_empty())
}

/// The list is here: the keys that waited for it are used, as far as they can be.
pub fn release(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    while model.recipients.awaiting.is_none() {
        let Some(key) = model.held.pop_front() else { break };
        effects.extend(route(model, key));
    }
    effects
}

fn route(model: &mut Model, key: Key) -> Vec<Effect> {
    if model.leaving == Leaving::Warned && !matches!(key, Key::Char('q') | Key::Ctrl('c')) {
        model.leaving = Leaving::No;
    }
    if key == Key::Ctrl('c') {
        return perform::interrupt(model);
    }
    if matches!(key, Key::Ctrl('l' | 'z')) {
        return by_keymap(model, key);
    }
    if let Some(prompt) = model.prompt.take() {
        return prompts::key(model, prompt, key);
    }
    if let Some(effects) = pages::field_key(model, key) {
        return effects;
    }
    by_keymap(model, key)
}

/// What the keymap says here.
pub fn by_keymap(model: &mut Model, key: Key) -> Vec<Effect> {
    if let Some(action) = keymap::lookup(key, keymap::scopes(model)) {
        return run(model, action);
    }
    model.refuse(keymap::why_nothing(key));
    Vec::new()
}

/// Does an action, or says why not.
pub fn run(model: &mut Model, action: &Action) -> Vec<Effect> {
    let blind = model.layout().is_summary() && action.danger != Danger::Calm && action.verb != Verb::Pause;
    let why_not = if blind { Some(too_small()) } else { (action.why_not)(model) };
    match why_not {
        Some(why) => {
            model.held.clear();
            match action.verb {
                Verb::Closed => prompts::refuse_digits(model, why),
                _ => model.refuse(why),
            }
            Vec::new()
        }
        None => perform::perform(model, action.verb),
    }
}

fn too_small() -> String {
    "too small to show whom it would hit: nothing done".to_owned()
}

/// A paste goes into the field that is open, else it opens *find*; it never acts.
pub fn pasted(model: &mut Model, text: &str) -> Vec<Effect> {
    let mut effects = note_presence(model);
    let line = text.trim().lines().next().unwrap_or_default().to_owned();
    match (&mut model.prompt, model.overlays.last_mut()) {
        (Some(Prompt::Find(find)), _) => {
            find.field.insert(&line);
            effects.extend(find::changed(model));
        }
        (Some(Prompt::Note(note)), _) => note.field.insert(&line),
        (Some(Prompt::Amount(_) | Prompt::Confirm(_) | Prompt::Refused(_)), _) | (None, Some(Overlay::Plan(_))) => {
            model.refuse("a number is typed here, not pasted");
        }
        (None, Some(Overlay::Commands(commands))) => commands.field.insert(&line),
        (None, _) => effects.extend(find::open(model, &line)),
    }
    effects
}
