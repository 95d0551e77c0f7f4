//! Somebody else changed or deleted the draft that was being written: once the form is left, which of both stays is asked.

use super::Model;
use crate::app::{DraftAt, DraftOvertaken};
use crate::domain::text::clean;
use crate::tui::effect::{DraftWrite, WriteRequest};
use crate::tui::model::{ConfirmBy, ConfirmPrompt, Prompt};

/// Asks what becomes of what was written. Where something else is asked or shown, that is said with the refusal.
pub(super) fn ask(model: &mut Model, overtaken: &DraftOvertaken) -> bool {
    if model.prompt.is_some() || !model.overlays.is_empty() {
        return false;
    }
    let Some(form) = model.form.as_deref_mut() else { return false };
    let Some(id) = form.id() else { return false };
    let noun = form.noun();
    let (question, at, otherwise) = match overtaken {
        DraftOvertaken::Changed { by, version } => (
            format!("{} changed {noun} {id} meanwhile: put what you wrote in its place?", clean(by)),
            Some(DraftAt { id, version: *version }),
            "what is there stays, and what you wrote is dropped: ⟨e⟩ opens it",
        ),
        DraftOvertaken::Deleted { by } => {
            (form.draft, form.people, form.kept_list) = (None, 0, None);
            form.wants_list = form.list.is_some();
            let people = if form.wants_list { "" } else { ", without its people" };
            let by = clean(by);
            (
                format!("{by} deleted {noun} {id} meanwhile: make a new draft of what you wrote{people}?"),
                None,
                "what you wrote is dropped",
            )
        }
    };
    let then = vec![WriteRequest::Draft(DraftWrite::Save { at, form: Box::new(form.to_save()) })];
    let otherwise = model.with_keys(otherwise);
    model.prompt = Some(Prompt::Confirm(ConfirmPrompt { question, by: ConfirmBy::Yes, then, otherwise }));
    true
}

/// The answer was no: the draft as it is in the database can be opened.
pub fn declined(model: &mut Model, asked: &ConfirmPrompt) {
    if matches!(asked.then[..], [WriteRequest::Draft(DraftWrite::Save { .. })]) {
        model.form = None;
    }
}
