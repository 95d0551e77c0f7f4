//! What opens the form of a draft that was there before, or of a copy. It is read first: whoever went on to something else meanwhile is
//! left there.

use super::{leaving, logged, template};
use crate::app::view::BlastView;
use crate::app::{CopiedPeople, OpenedDraft};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::tui::effect::{DraftRead, DraftWrite, Effect, ReadRequest, WriteRequest};
use crate::tui::model::{BlastForm, FormWrites, Model, Notice, Overlay, WantedDraft};
use crate::tui::update::{attention, pace};
use crate::tui::{action, availability};

/// The draft that is meant, or what is scheduled, to write on; of what has started, its hours and pace.
pub fn open_draft(model: &mut Model) -> Vec<Effect> {
    model.blast_meant().map(|blast| blast.id).map_or_else(Vec::new, |id| open_draft_of(model, id))
}

/// The same of any blast.
pub fn open_draft_of(model: &mut Model, id: BlastId) -> Vec<Effect> {
    let Some(state) = model.blasts.get(id).map(|blast| blast.state) else { return Vec::new() };
    if matches!(state, BlastState::Sending | BlastState::Paused) {
        return pace::open(model, id);
    }
    if leaving::reopened(model, Some(id)) {
        return Vec::new();
    }
    want(model, id, None);
    vec![Effect::Read(ReadRequest::Draft(DraftRead::Open(id)))]
}

/// A new draft like the blast that is meant.
pub fn duplicate(model: &mut Model) -> Vec<Effect> {
    let Some(id) = model.blast_meant().map(|blast| blast.id) else { return Vec::new() };
    want(model, id, None);
    vec![Effect::Write(WriteRequest::Draft(DraftWrite::Duplicate(id)))]
}

/// Why the blast that is meant cannot be edited.
pub fn cannot_edit(model: &Model) -> Option<String> {
    attention::sender_line(model).or_else(|| cannot_edit_blast(model, model.blast_meant()))
}

/// The same of any blast.
pub fn cannot_edit_blast(model: &Model, blast: Option<&BlastView>) -> Option<String> {
    let Some(blast) = blast else { return availability::none_meant(model) };
    if blast.state.is_over() {
        return Some(format!("it is {}: ⟨d⟩ in Blasts makes a new one like it", blast.state));
    }
    availability::read_only(model)
}

pub fn cannot_duplicate(model: &Model) -> Option<String> {
    availability::none_meant(model).or_else(|| availability::read_only(model))
}

fn want(model: &mut Model, id: BlastId, words: Option<String>) {
    model.wanted_draft = Some(WantedDraft { id, scopes: action::scopes(model), words });
}

/// The wish for a draft, where nothing else was begun since: it is fulfilled once.
fn still_wanted(model: &mut Model, id: BlastId) -> Option<WantedDraft> {
    let scopes = action::scopes(model);
    let is_free = model.prompt.is_none();
    model.wanted_draft.take_if(|wanted| is_free && wanted.id == id && wanted.scopes == scopes)
}

/// A draft is here.
pub(super) fn opened(model: &mut Model, opened: OpenedDraft) -> Vec<Effect> {
    let id = opened.at.id;
    let Some(WantedDraft { words, .. }) = still_wanted(model, id) else {
        let unopened = model.wanted_draft.take_if(|wanted| wanted.id == id);
        say_copied(model, id, unopened.and_then(|wanted| wanted.words));
        return Vec::new();
    };
    model.blasts.select(id);
    let sends_templates = model.sends_templates(&opened.form.sender);
    let effects = show(model, BlastForm::of(opened, sends_templates));
    if let Some(words) = words {
        model.say(Notice::done(words));
    }
    effects
}

/// A copy that does not open before whoever asked for it is among the blasts.
fn say_copied(model: &mut Model, copy: BlastId, words: Option<String>) {
    if let Some(words) = words {
        model.say(Notice::done(format!("draft {copy} is {words}")));
    }
}

/// A copy was made: it is opened, where that is still wanted.
pub(super) fn copied(
    model: &mut Model,
    request: &DraftWrite,
    copy: BlastId,
    (people, dropped_hours): (CopiedPeople, Option<String>),
) -> Vec<Effect> {
    let DraftWrite::Duplicate(of) = request else { return Vec::new() };
    logged::duplicated(model, request, (copy, people));
    let words = copied_in_words(model, *of, (people, dropped_hours));
    let mut effects = vec![Effect::Read(ReadRequest::Blasts)];
    if still_wanted(model, *of).is_some() {
        want(model, copy, words);
        effects.push(Effect::Read(ReadRequest::Draft(DraftRead::Open(copy))));
    } else {
        say_copied(model, copy, words);
    }
    effects
}

/// Whose people a copy has, in words.
pub(super) const fn whose(people: CopiedPeople) -> &'static str {
    match people {
        CopiedPeople::All => "the people who are in it",
        CopiedPeople::LeftOut => "only those whom its cancelling left out",
    }
}

/// What a copy has of the blast that it was made of, and what it has not.
fn copied_in_words(
    model: &Model,
    of: BlastId,
    (people, dropped_hours): (CopiedPeople, Option<String>),
) -> Option<String> {
    let blast = model.blasts.get(of)?;
    let starts = blast.scheduled_for.is_some() && blast.origin.repeat.rule.is_none();
    let start = starts.then_some("when it starts");
    let filter = blast.origin.segment.as_ref().map(|_| "the filter that found its people");
    let left: Vec<_> = start.into_iter().chain(filter).collect();
    // It may have been sent at once on purpose, this once.
    let hours = dropped_hours.map(|hours| format!("; it sends at any hour now: {hours} was dropped from the original"));
    let hours = hours.unwrap_or_default();
    let but = if left.is_empty() { String::new() } else { format!(", but not {}", left.join(" and ")) };
    let steps = if blast.origin.has_steps { " and its steps" } else { "" };
    Some(format!("a copy of {}, with {}{steps}{but}{hours}", model.distinct_name(blast), whose(people)))
}

/// Shows a form, unless the one before is not in the database yet.
pub(super) fn show(model: &mut Model, form: BlastForm) -> Vec<Effect> {
    if model.form.as_ref().is_some_and(|form| form.writes != FormWrites::Idle) {
        model.refuse("the draft before is still being saved: press the key again in a moment");
        return Vec::new();
    }
    model.notice = None;
    let sender = form.values.sender.clone();
    let is_template = model.sends_templates(&sender);
    let is_again = |before: &&BlastForm| before.draft.is_some() && before.id() == form.id();
    let number = model.form.as_deref().filter(is_again).map(|before| before.number);
    let number = number.unwrap_or_else(|| model.next_ticket());
    model.form = Some(Box::new(BlastForm { number, ..form }));
    model.overlays.retain(|overlay| *overlay != Overlay::Form);
    model.overlays.push(Overlay::Form);
    if is_template { template::read(&sender) } else { Vec::new() }
}
