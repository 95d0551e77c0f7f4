//! Whoever is marked for the next act is not, once it is begun, and is again where it came to nothing.

use crate::domain::ids::RecipientId;
use crate::tui::effect::{Effect, EffectResult, WriteOutcome, WriteRequest};
use crate::tui::model::{HandMarked, Model};

/// Whom an act on the marked people is about; nobody of any other act.
fn of_marked(request: &WriteRequest) -> &[RecipientId] {
    match request {
        WriteRequest::MarkSeveral { people, .. }
        | WriteRequest::ResolveSeveral { people, .. }
        | WriteRequest::UndoAnyMarks(people, _) => people,
        _ => &[],
    }
}

/// Whom an act is about that is on one person, marked or not.
const fn of_one(request: &WriteRequest) -> Option<RecipientId> {
    match request {
        WriteRequest::Mark { person, .. }
        | WriteRequest::Resolve { person, .. }
        | WriteRequest::Amend { person, .. }
        | WriteRequest::UndoPerson(person)
        | WriteRequest::UndoAnyMark(person, _) => Some(*person),
        _ => None,
    }
}

/// An act that nothing is asked before.
pub fn at_once(model: &mut Model, act: WriteRequest) -> Vec<Effect> {
    kept(model, vec![Effect::Write(act)])
}

/// What was typed of somebody is kept.
pub fn kept(model: &mut Model, effects: Vec<Effect>) -> Vec<Effect> {
    for effect in &effects {
        if let Effect::Write(act) = effect {
            unmark(model, std::slice::from_ref(act));
        }
    }
    effects
}

/// They are acted on, or the only one of them alone is: they are not marked for another act. Whoever is marked stays so where it was about
/// something else.
pub fn unmark(model: &mut Model, acts: &[WriteRequest]) {
    let list = &mut model.recipients;
    let is_only = |person: &RecipientId| list.marked.len() == 1 && list.marked.contains_key(person);
    let only = acts.iter().filter_map(of_one).find(is_only);
    if let Some(person) = only {
        list.acted_on.insert(person, list.marked.remove(&person).flatten());
    } else if acts.iter().any(|act| !of_marked(act).is_empty()) {
        list.marked.clear();
    }
}

/// Whoever an act was about is marked again where it was not written, or is asked about first.
pub fn answered(model: &mut Model, request: &WriteRequest, outcome: &EffectResult<WriteOutcome>) {
    if matches!(outcome, Err(_) | Ok(WriteOutcome::AsksFirst { .. })) {
        mark_again(model, request);
    } else if let Some(person) = of_one(request) {
        model.recipients.acted_on.remove(&person);
    }
}

/// They are marked again, where they are listed and others are not marked.
fn mark_again(model: &mut Model, request: &WriteRequest) {
    let list = &mut model.recipients;
    let alone = of_one(request).and_then(|person| list.acted_on.remove_entry(&person));
    if !list.marked.is_empty() {
        return;
    }
    // Of another blast nobody is listed.
    let people = of_marked(request);
    if let Some((person, who)) = alone.filter(|(person, _)| list.get(*person).is_some()) {
        list.marked.insert(person, who);
    } else if people.iter().any(|id| list.get(*id).is_some()) {
        list.marked = people.iter().map(|id| (*id, list.get(*id).map(|person| HandMarked::of(&person.row)))).collect();
    }
}
