//! What becomes of a form that is closed: it counts as kept once the database has it, and not before.

use super::super::lists;
use super::{Effect, FormWrites, Model, Notice, Overlay, overtaken, saving};
use crate::app::view::BlastView;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::text::clean;
use crate::tui::effect::EffectError;
use crate::tui::model::{BlastForm, EscLeaves, Pane};

/// Leaves the form; what is not saved yet is saved all the same, and said once it is.
pub fn left(model: &mut Model) -> Vec<Effect> {
    let Some(form) = model.form.as_deref() else { return Vec::new() };
    let mut effects = Vec::new();
    if form.backlog.is_deleted && !form.is_behind() {
        let gone = format!("{} was deleted meanwhile, by somebody else", name(form));
        model.form = None;
        model.say(Notice::done(gone));
        return effects;
    }
    if let Some(id) = form.id().filter(|_| !form.backlog.is_deleted) {
        // There `e` goes on with it.
        model.blasts.select(id);
        effects = lists::focus(model, Pane::Blasts);
    }
    effects.extend(last_save(model));
    match model.form.as_deref() {
        Some(form) if form.is_behind() => {
            let name = name(form);
            model.say(Notice::done(format!("{name} is being saved; it says here when it is")));
        }
        _ => say_kept(model),
    }
    effects
}

/// A blast is no draft any more: its form goes with the plan above it. One that is on top is written on, and says itself what became of
/// its blast; the form of another blast has nothing to do with it.
pub fn close_below(model: &mut Model, row: &BlastView) {
    let is_its_form = model.form.as_deref().and_then(BlastForm::id) == Some(row.id);
    let is_on_top = model.overlays.last() == Some(&Overlay::Form);
    if row.state != BlastState::Draft && is_its_form && !is_on_top {
        model.overlays.retain(|page| *page != Overlay::Form);
    }
}

/// Whether a save is under way.
pub fn is_saving(model: &Model) -> bool {
    model.form.as_deref().is_some_and(|form| form.writes != FormWrites::Idle)
}

fn is_behind(model: &Model) -> bool {
    model.form.as_deref().is_some_and(BlastForm::is_behind)
}

/// Writes what was typed since the last save.
pub fn last_save(model: &mut Model) -> Vec<Effect> {
    let is_due = |form: &BlastForm| form.writes == FormWrites::Idle && form.is_behind();
    if model.form.as_deref().is_some_and(is_due) { saving::changed(model) } else { Vec::new() }
}

/// The save that was under way when the form was closed is done.
pub(super) fn saved(model: &mut Model) {
    let is_closed = !model.overlays.contains(&Overlay::Form);
    // How to stop a launch is more urgent than what was kept.
    let is_busy = model.notice.as_ref().is_some_and(|notice| notice.armed.is_some());
    if is_closed && !is_busy && !is_behind(model) {
        say_kept(model);
    }
}

fn has_begun(blast: &BlastView) -> bool {
    !matches!(blast.state, BlastState::Draft | BlastState::Scheduled)
}

/// A save was refused: says so where the form no longer does.
pub(super) fn refused(model: &mut Model, failure: &EffectError) {
    let is_closed = !model.overlays.contains(&Overlay::Form);
    // Somebody launched it meanwhile: nothing that was written can come to it any more.
    let is_launched =
        model.form.as_deref().and_then(BlastForm::id).and_then(|id| model.blasts.get(id)).is_some_and(has_begun);
    let Some(form) = model.form.as_deref_mut() else { return };
    let sentence = failure.sentence(&model.options.keys);
    form.backlog.refused = Some(failure.clone());
    if !is_closed {
        return model.refuse(sentence);
    }
    if let EffectError::Overtaken(overtaken) = failure
        && overtaken::ask(model, overtaken)
    {
        return;
    }
    let Some(form) = model.form.as_deref() else { return };
    let goes_on = if form.id().is_some() { "⟨e⟩ goes on" } else { "⟨n⟩ goes on" };
    let (name, is_last) = (name(form), form.backlog.was_reopened || is_launched);
    let words = match failure {
        EffectError::Unread => format!("{name}: {sentence}"),
        EffectError::Unavailable | EffectError::Unconfirmed => {
            format!("{name} is not saved: the database does not answer; it is saved as soon as it does")
        }
        EffectError::Overtaken(overtaken) => {
            format!("{name} is not saved: {}; {goes_on} with what you wrote", clean(&overtaken.to_string()))
        }
        EffectError::List(why) | EffectError::Other(why) | EffectError::AsItStands { why, .. } if is_last => {
            format!("{name} is not saved: {why}; what you wrote last is dropped")
        }
        EffectError::List(why) | EffectError::Other(why) | EffectError::AsItStands { why, .. } => {
            format!("{name} is not saved: {why}; {goes_on} with what you wrote")
        }
    };
    if is_last && matches!(failure, EffectError::List(_) | EffectError::Other(_) | EffectError::AsItStands { .. }) {
        model.form = None;
    }
    model.refuse(words);
}

/// Whether a save is made again once the database answers: a draft is itself, however often it is saved.
const fn waits_for_database(failure: &EffectError) -> bool {
    matches!(failure, EffectError::Unavailable | EffectError::Unconfirmed)
}

/// The database answers again: what it did not take is written now.
pub fn database_is_back(model: &mut Model) -> Vec<Effect> {
    let waits = |form: &BlastForm| form.backlog.refused.as_ref().is_some_and(waits_for_database);
    if model.form.as_deref().is_some_and(waits) { last_save(model) } else { Vec::new() }
}

/// Shows the form again whose last save was refused: of this draft, or of none. What is refused once more is dropped, so that the
/// draft as it is saved can be opened.
pub(super) fn reopened(model: &mut Model, of: Option<BlastId>) -> bool {
    let Some(form) = model.form.as_deref_mut().filter(|form| form.id() == of) else { return false };
    let Some(failure) = form.backlog.refused.take() else { return false };
    (form.trouble, form.esc_leaves) = (Some(failure.sentence(&model.options.keys)), EscLeaves::Form);
    (form.backlog.is_typed_on, form.backlog.was_reopened) = (true, true);
    model.notice = None;
    model.overlays.retain(|overlay| *overlay != Overlay::Form);
    model.overlays.push(Overlay::Form);
    true
}

fn say_kept(model: &mut Model) {
    if let Some(id) = model.form.as_deref().and_then(BlastForm::id) {
        let is_scheduled = model.form.as_deref().is_some_and(BlastForm::is_scheduled);
        let is_saved = model.form.as_deref().is_some_and(|form| form.saved_at.is_some());
        let now = model.blasts.get(id).map(|blast| blast.state);
        if let Some(state) = now.filter(|state| !matches!(state, BlastState::Draft | BlastState::Scheduled)) {
            model.refuse(match state {
                BlastState::Cancelled => format!("blast {id} was cancelled meanwhile"),
                _ => format!("blast {id} was launched meanwhile, as it was saved then: it is {state} now"),
            });
            return;
        }
        // Elsewhere `e` writes a note.
        let place = if model.focus == Pane::Blasts { "" } else { "among the blasts (⟨1⟩) " };
        let keys = format!("; {place}⟨e⟩ edits it, ⟨S⟩ shows the plan");
        let name = model.blasts.get(id).map_or_else(|| format!("blast {id}"), |blast| model.distinct_name(blast));
        model.say(Notice::done(match (is_scheduled, is_saved) {
            (false, _) => format!("draft {id} is kept{keys}"),
            (true, true) => format!("{name} is changed and stays scheduled{keys}"),
            // Somebody else may have changed it meanwhile.
            (true, false) => format!("{name} stays scheduled{keys}"),
        }));
    }
}

fn name(form: &BlastForm) -> String {
    form.id().map_or_else(|| "the new blast".to_owned(), |id| format!("{} {id}", form.noun()))
}
