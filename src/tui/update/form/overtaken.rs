//! Somebody else changed or deleted the draft that is being written. Where nothing of it is unsaved, it is shown as it is now; elsewhere
//! that is said, and once the form is left, which of both stays is asked.

use super::{Model, shown};
use crate::app::view::BlastView;
use crate::app::{DraftAt, DraftForm, DraftOvertaken, OpenedDraft};
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::text::clean;
use crate::tui::effect::{DraftRead, DraftWrite, Effect, ReadRequest, WriteRequest};
use crate::tui::model::{
    BlastForm, ConfirmBy, ConfirmPrompt, FormLine, FormPage, FormWrites, MessagePlace, Notice, Prompt,
};

/// The blasts were read anew. `before`: the draft of the form, where it was among them until now.
pub fn noticed(model: &mut Model, before: Option<BlastId>) -> Option<Effect> {
    let is_gone = before.is_some_and(|id| model.blasts.get(id).is_none());
    if let Some(form) = model.form.as_deref_mut().filter(|form| is_gone && form.id() == before) {
        form.backlog.is_deleted = true;
    }
    let form = shown(model)?;
    let (id, can_be_replaced) = (form.id()?, can_be_replaced(form));
    let is_changed = model.form.as_deref().is_some_and(|form| is_changed(model, form));
    (can_be_replaced && is_changed).then_some(Effect::Read(ReadRequest::Draft(DraftRead::Again(id))))
}

/// Whether nothing of it would be lost.
fn can_be_replaced(form: &BlastForm) -> bool {
    let is_here = form.backlog.message == MessagePlace::Form;
    is_here && !form.is_behind() && form.edit.is_none() && form.page == FormPage::Lines
}

/// Whether it is in the database as somebody else left it. While it is being written its own version may be read first.
fn is_changed(model: &Model, form: &BlastForm) -> bool {
    let Some(at) = form.draft.filter(|_| form.writes == FormWrites::Idle) else { return false };
    let is_written_on = |row: &&BlastView| matches!(row.state, BlastState::Draft | BlastState::Scheduled);
    model.blasts.get(at.id).filter(is_written_on).is_some_and(|row| row.version > at.version)
}

/// The draft as somebody else left it is here, at the line on which the cursor is.
pub(super) fn read_again(model: &mut Model, opened: OpenedDraft, by: &str) {
    let is_newer =
        |form: &BlastForm| form.draft.is_some_and(|at| at.id == opened.at.id && at.version < opened.at.version);
    if !shown(model).is_some_and(|form| can_be_replaced(form) && is_newer(form)) {
        return;
    }
    let sends_templates = model.sends_templates(&opened.form.sender);
    let finds_anew = is_of_filter(model, opened.at.id);
    let Some(form) = shown(model) else { return };
    let is_as_written = finds_anew && is_as_written(form, &opened);
    let (number, line, templates) = (form.number, form.line, form.templates.take());
    let templates = templates.filter(|_| form.values.sender == opened.form.sender);
    // What was saved here stays so, also beside what somebody else changed.
    let saved_at = form.saved_at;
    *form = BlastForm { number, saved_at, line, templates, ..BlastForm::of(opened, sends_templates) };
    let noun = form.noun();
    if !model.form_lines().contains(&line)
        && let Some(form) = shown(model)
    {
        form.line = FormLine::Sender;
    }
    model.say(Notice::done(if is_as_written {
        format!("the filter of this {noun} finds others by now: these are its people")
    } else {
        format!("{} changed this {noun} meanwhile: this is what it says now", clean(by))
    }));
}

/// Whether a filter finds its people: they may be others though nobody wrote in it.
fn is_of_filter(model: &Model, id: BlastId) -> bool {
    model.blasts.get(id).is_some_and(|row| row.origin.segment.is_some())
}

/// Whether it says what the form says: the kind of a template is not kept with it.
fn is_as_written(form: &BlastForm, opened: &OpenedDraft) -> bool {
    form.state == opened.state
        && form.values == DraftForm { is_marketing: form.values.is_marketing, ..opened.form.clone() }
}

/// What stands below the line at the cursor once somebody else was quicker.
pub fn who_was_quicker(model: &Model, form: &BlastForm) -> Option<String> {
    let noun = form.noun();
    let is_unsaved = form.is_behind() || form.edit.is_some();
    let asks = |what: &str| {
        if is_unsaved {
            format!("esc leaves it, and asks whether what is not saved {what}")
        } else {
            "esc leaves it".to_owned()
        }
    };
    if let Some(what) = what_ended_it(model, form) {
        return Some(format!("this {noun} {what} meanwhile: {}", asks("becomes a new draft")));
    }
    if !is_changed(model, form) {
        return None;
    }
    Some(if form.id().is_some_and(|id| is_of_filter(model, id)) {
        let what = if is_unsaved { "esc leaves it, and asks where its words are" } else { "esc leaves it" };
        format!("the words or the people of this {noun} are others by now: {what}")
    } else {
        format!("somebody changed this {noun} meanwhile: {}", asks("takes its place"))
    })
}

/// Why nothing more can be written on the draft of a form.
pub(super) fn what_ended_it(model: &Model, form: &BlastForm) -> Option<String> {
    if form.backlog.is_deleted {
        return Some("was deleted".to_owned());
    }
    let row = form.id().and_then(|id| model.blasts.get(id)).filter(|_| form.writes == FormWrites::Idle)?;
    let by = match &row.state_by {
        Some(Actor::Operator(by)) => format!(" by {}", clean(by)),
        // The last change of its state: who launched it, that does not say.
        Some(Actor::Engine) | None => String::new(),
    };
    match row.state {
        BlastState::Draft | BlastState::Scheduled => None,
        BlastState::Cancelled => Some(format!("was cancelled{by}")),
        BlastState::Sending | BlastState::Paused | BlastState::Completed | BlastState::Failed => {
            Some(format!("was launched, and is {}", row.state))
        }
    }
}

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
            format!("{} changed {noun} {id} meanwhile: put what you wrote in its place?{}", clean(by), people_of(form)),
            Some(DraftAt::new(id, *version)),
            "what is there stays, and what you wrote is dropped: ⟨e⟩ opens it",
        ),
        DraftOvertaken::Deleted { .. } | DraftOvertaken::Started { .. } => {
            let (by, did) = match overtaken {
                DraftOvertaken::Started { by, state: BlastState::Cancelled } => (by, "cancelled"),
                DraftOvertaken::Started { by, .. } => (by, "launched"),
                DraftOvertaken::Changed { by, .. } | DraftOvertaken::Deleted { by } => (by, "deleted"),
            };
            (form.draft, form.state, form.people, form.kept_list) = (None, BlastState::Draft, 0, None);
            form.backlog.is_deleted = false;
            form.wants_list = form.list.is_some();
            let people = if form.wants_list { "" } else { ", without its people" };
            let by = clean(by);
            (
                format!("{by} {did} {noun} {id} meanwhile: make a new draft of what you wrote{people}?"),
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

/// What becomes of its people where it is put in the place of what somebody else wrote.
const fn people_of(form: &BlastForm) -> &'static str {
    if form.wants_list { " Its list is read again." } else { " Its people stay." }
}

const fn is_of_form(then: &[WriteRequest]) -> bool {
    matches!(then, [WriteRequest::Draft(DraftWrite::Save { .. })])
}

/// The answer was yes: it is being written, and no other form takes its place before that is answered.
pub fn confirmed(model: &mut Model, then: &[WriteRequest]) {
    if let Some(form) = model.form.as_deref_mut().filter(|_| is_of_form(then)) {
        (form.writes, form.backlog.refused) = (FormWrites::InFlight, None);
    }
}

/// The answer was no: the draft as it is in the database can be opened.
pub fn declined(model: &mut Model, asked: &ConfirmPrompt) {
    if is_of_form(&asked.then) {
        model.form = None;
    }
}
