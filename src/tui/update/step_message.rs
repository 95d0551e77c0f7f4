//! Giving a step another text: its page, and what became of it.

use super::key_outcome::KeyOutcome;
use super::{lost, steps};
use crate::app::{StepKey, StepView};
use crate::domain::text::shell_quoted;
use crate::tui::action::{self, KeyScope};
use crate::tui::availability;
use crate::tui::effect::{Effect, EffectError, StepMessageEdit, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{Model, Notice, Overlay, StepMessageOverlay, StepMessageProgress};
use crate::tui::widget::{EditOutcome, TextArea};

/// `e` on the line of a step: its page, with what was begun for the same step.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let Some(view) = model.chosen_step().cloned() else { return Vec::new() };
    let begun = model.begun.step_messages.take(view.step.key());
    let blast = steps::blast_name(model, view.step.key());
    let page = StepMessageOverlay::new(&view, blast, begun.as_deref());
    model.notice = None;
    model.overlays.push(Overlay::StepMessage(Box::new(page)));
    Vec::new()
}

/// Why the step at the cursor is not given another text here.
pub fn cannot_change(model: &Model) -> Option<String> {
    let Some(view) = model.chosen_step() else {
        return Some("no step is chosen here: its message is changed on its line".to_owned());
    };
    let name = steps::name(model, view.step.key());
    if view.step.template.is_some() {
        let command = steps::set_command(model, view);
        return Some(format!("{name} sends a template: `{command}` gives it another one"));
    }
    if view.is_over {
        return Some(format!("{name} makes no more drafts: its blast is over"));
    }
    if view.step.sends_by_itself() {
        return Some(format!("{name} sends by itself: ⟨p⟩ pauses it, then ⟨e⟩ changes its message"));
    }
    availability::read_only(model)
}

/// What is typed goes into the text; `esc` keeps it for later.
pub fn key(model: &mut Model, key: Key) -> KeyOutcome {
    let Some(Overlay::StepMessage(page)) = model.overlays.last_mut() else { return KeyOutcome::UNUSED };
    if key == Key::Esc {
        leave(model);
        return KeyOutcome::DONE;
    }
    if page.progress == StepMessageProgress::Saving {
        return KeyOutcome::DONE;
    }
    if page.area.key(key) != EditOutcome::NotMine {
        page.progress = StepMessageProgress::Writing;
        return KeyOutcome::DONE;
    }
    let action = model.options.keys.lookup(key, action::scopes(model));
    let is_its_own = action.is_some_and(|action| action.scopes.contains(&KeyScope::StepMessage));
    if is_its_own { KeyOutcome::UNUSED } else { KeyOutcome::DONE }
}

pub fn pasted(model: &mut Model, text: &str) {
    if let Some(Overlay::StepMessage(page)) = model.overlays.last_mut()
        && page.progress != StepMessageProgress::Saving
    {
        page.area.insert(text);
        page.progress = StepMessageProgress::Writing;
    }
}

/// Closes the page. Its text is kept, unless it is on its way or is no other one.
pub fn leave(model: &mut Model) {
    let Some(Overlay::StepMessage(page)) = model.overlays.pop() else { return };
    if page.progress == StepMessageProgress::Saving || !page.is_changed() {
        return;
    }
    if is_removed(model, page.step) {
        return;
    }
    let name = steps::name(model, page.step);
    model.begun.step_messages.keep(page.step, page.area.text());
    model.say(Notice::done(format!("{name} stays as it was; ⟨e⟩ brings the text back")));
}

/// Saves the text, once.
pub fn save(model: &mut Model) -> Vec<Effect> {
    if let Some(Overlay::StepMessage(page)) = model.overlays.last()
        && is_removed(model, page.step)
    {
        model.refuse(REMOVED);
        return Vec::new();
    }
    let Some(Overlay::StepMessage(page)) = model.overlays.last_mut() else { return Vec::new() };
    let message = page.area.text();
    if page.progress == StepMessageProgress::Saving {
        return Vec::new();
    }
    if message.trim().is_empty() {
        model.refuse("nothing is written: esc leaves the step as it is");
        return Vec::new();
    }
    if !page.is_changed() {
        let step = page.step;
        model.overlays.pop();
        let sentence = format!("{} says that already", steps::name(model, step));
        model.say(Notice::done(sentence));
        return Vec::new();
    }
    page.progress = StepMessageProgress::Saving;
    let edit = StepMessageEdit { step: page.step, seen: page.seen.clone(), message };
    vec![Effect::Write(WriteRequest::SetStepMessage(edit))]
}

/// The text in the operator's own editor.
pub fn edit_elsewhere(model: &mut Model) -> Vec<Effect> {
    match model.overlays.last() {
        Some(Overlay::StepMessage(page)) if page.progress != StepMessageProgress::Saving => {
            vec![Effect::Edit(page.area.text())]
        }
        _ => Vec::new(),
    }
}

/// The text as it came back from the editor, or why it did not.
pub fn edited_elsewhere(model: &mut Model, edited: Result<String, String>) {
    let Some(Overlay::StepMessage(page)) = model.overlays.last_mut() else { return };
    match edited {
        Ok(text) => {
            page.area = TextArea::with(&text);
            page.progress = StepMessageProgress::Writing;
        }
        Err(why) => model.refuse(why),
    }
}

/// The steps were read again: the page shows what its step says now.
pub fn loaded(model: &mut Model) {
    let steps = &model.steps;
    for overlay in &mut model.overlays {
        let Overlay::StepMessage(page) = overlay else { continue };
        if page.progress != StepMessageProgress::Saving
            && let Some(view) = steps.iter().find(|view| view.step.key() == page.step)
        {
            page.seen.clone_from(&view.step.message);
        }
    }
}

/// Said where there is no step any more that could be given a message.
pub const REMOVED: &str = "the step was removed meanwhile, so that nothing can be saved: esc leaves its message";

/// Whether there is no such step any more. Its page stays, with what was typed: no letter of that is a key of the list below it.
pub fn is_removed(model: &Model, step: StepKey) -> bool {
    !model.steps.iter().any(|view| view.step.key() == step)
}

/// It is saved.
pub fn saved(model: &mut Model, edit: &StepMessageEdit) -> (String, String) {
    let StepKey { blast, number } = edit.step;
    model.overlays.retain(|overlay| !matches!(overlay, Overlay::StepMessage(page) if saves(page, edit)));
    let waits = model.steps.iter().any(|view: &StepView| view.step.key() == edit.step && view.waits.is_some());
    let stays = if waits { "; the draft that waits says what it said" } else { "" };
    let sentence = format!("{} has another message{stays}", steps::name(model, edit.step));
    (sentence, format!("blastdeck blast step set {blast} {number} --message {}", shell_quoted(&edit.message)))
}

/// Whether it is this text that a page has handed over: another one for the same step may be written on a page that was opened since.
fn saves(page: &StepMessageOverlay, edit: &StepMessageEdit) -> bool {
    page.progress == StepMessageProgress::Saving && page.step == edit.step && page.area.text() == edit.message
}

/// It was refused: the text stays, with the reason below it, and is back on a page that was merely opened again. Where its page was left,
/// the text is kept for the next one; where another text was begun by then, it is said.
pub fn refused(model: &mut Model, edit: &StepMessageEdit, failure: &EffectError) -> Vec<Effect> {
    let why = failure.sentence(&model.options.keys);
    let mut pages = model.overlays.iter_mut().filter_map(|overlay| match overlay {
        Overlay::StepMessage(page) if page.step == edit.step => Some(page),
        _ => None,
    });
    let open = pages.next();
    let is_begun = open.is_some() || model.begun.step_messages.has(edit.step);
    if let Some(page) = open.filter(|page| saves(page, edit) || !page.is_changed()) {
        if !saves(page, edit) {
            page.area = TextArea::with(&edit.message);
        }
        page.progress = StepMessageProgress::Refused(why.clone());
        // Below a long text it is out of sight.
        model.refuse(why);
    } else {
        let name = steps::name(model, edit.step);
        let said = if lost::may_be_done(failure) { why } else { format!("{name} is not changed: {why}") };
        if is_begun {
            lost::say(model, &format!("{said}; it was: {}", edit.message.replace('\n', " ")));
        } else {
            model.begun.step_messages.keep(edit.step, edit.message.clone());
            model.refuse(said);
        }
    }
    steps::read(model).into_iter().collect()
}
