//! `/`: the table follows what is typed; enter stays with what was found, esc returns.

use super::lists::{self, ListRequest};
use super::{find_from_blasts, keys};
use crate::app::view::{Anchor, ElsewhereRow};
use crate::domain::filter::Filter;
use crate::tui::effect::{Effect, ReadRequest};
use crate::tui::key::Key;
use crate::tui::model::{
    CursorTarget, ElsewhereOverlay, FindPrompt, FoundBy, Hint, ListScope, MarkedBy, Model, Notice, Overlay, Pane,
    Prompt,
};
use crate::tui::widget::{EditOutcome, TextField};

/// Opens the prompt: with what nobody here was found by, until something else is typed, so that `tab` seeks it elsewhere.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let sought = match &model.recipients.scope {
        ListScope::Found { text, .. } if model.recipients.is_empty() => text.clone(),
        _ => String::new(),
    };
    open_with_field(model, TextField::offering(&sought))
}

/// Opens the prompt with a text to begin with.
pub fn open_with(model: &mut Model, text: &str) -> Vec<Effect> {
    open_with_field(model, TextField::with(text))
}

fn open_with_field(model: &mut Model, field: TextField) -> Vec<Effect> {
    model.overlays.clear();
    model.notice.take_if(|notice| notice.lost.as_ref().is_none_or(|lost| lost.is_seen));
    let before = Box::new(model.recipients.scope.clone());
    let person = model.recipients.at_cursor().map(|person| person.row.place());
    let ticket = model.recipients.ticket;
    let is_begun = !field.is_empty();
    model.prompt = Some(Prompt::Find(FindPrompt {
        field,
        trouble: None,
        before,
        person,
        wider: None,
        elsewhere: None,
        wants_elsewhere: false,
        goes_there: false,
        ticket,
    }));
    if is_begun { changed(model) } else { Vec::new() }
}

/// A key while finding.
pub fn key(model: &mut Model, mut find: FindPrompt, key: Key) -> Vec<Effect> {
    match key {
        Key::Esc => leave(model, &find),
        Key::Enter => stay(model, &find),
        Key::Tab => elsewhere(model, find),
        key => {
            let edited = find.field.key(key);
            model.prompt = Some(Prompt::Find(find));
            if edited == EditOutcome::Changed { changed(model) } else { Vec::new() }
        }
    }
}

/// Returns to the list before.
pub fn leave(model: &mut Model, find: &FindPrompt) -> Vec<Effect> {
    let before = (*find.before).clone();
    if before == model.recipients.scope {
        return Vec::new();
    }
    let request = back_to(model, find, before);
    lists::load(model, request)
}

/// The list before, at the person who was at its cursor.
fn back_to(model: &mut Model, find: &FindPrompt, scope: ListScope) -> ListRequest {
    model.recipients.choose(find.person.map(|place| place.id));
    let anchor = find.person.map_or(Anchor::Start, Anchor::From);
    ListRequest { scope, anchor, target: CursorTarget::Keep }
}

/// The text changed: requests who matches, here and elsewhere.
pub fn changed(model: &mut Model) -> Vec<Effect> {
    let Some(Prompt::Find(find)) = &mut model.prompt else { return Vec::new() };
    let text = find.field.text().trim().to_owned();
    find.elsewhere = None;
    find.wider = None;
    find.trouble = None;
    if text.is_empty() {
        let find = find.clone();
        let request = back_to(model, &find, (*find.before).clone());
        return lists::load(model, request);
    }
    match Filter::parse(&text, model.now, model.options.zone) {
        Ok(filter) => ask(model, text, filter),
        Err(trouble) => {
            find.trouble = Some(trouble.to_string());
            Vec::new()
        }
    }
}

/// A few digits are the end of a number that was read off a phone: whoever merely has them in it is shown only if nobody's
/// number ends in them.
fn ask(model: &mut Model, text: String, filter: Filter) -> Vec<Effect> {
    let ending = filter.by_ending().filter(|_| !text.contains("phone:"));
    let Some((digits, ending)) = ending else { return show(model, text, filter, FoundBy::Words) };
    let by = FoundBy::Ending { digits, wider: filter.clone() };
    let mut effects = show(model, text, ending, by);
    if let Some(blast) = model.people_of() {
        effects.push(Effect::Read(ReadRequest::CountWider { ticket: model.recipients.ticket, blast, filter }));
    }
    effects
}

fn show(model: &mut Model, text: String, filter: Filter, by: FoundBy) -> Vec<Effect> {
    let scope = ListScope::Found { text, filter: filter.clone() };
    let mut effects = lists::load(model, ListRequest { scope, anchor: Anchor::Start, target: CursorTarget::First });
    let is_ending_first = matches!(by, FoundBy::Inside { .. });
    model.recipients.found_by = by;
    model.recipients.is_put_by_find = true;
    let ticket = model.recipients.ticket;
    if let Some(Prompt::Find(find)) = &mut model.prompt {
        find.ticket = ticket;
        find.elsewhere = None;
    }
    effects.push(Effect::Read(ReadRequest::Elsewhere { ticket, here: model.people_of(), filter, is_ending_first }));
    effects
}

/// Nobody's number ends in what was typed: shows who has it elsewhere. Keys that were typed for somebody whose number ends
/// so are not used on somebody else. `None` where there is nothing wider.
pub fn widen(model: &mut Model) -> Option<Vec<Effect>> {
    let FoundBy::Ending { digits, wider } = model.recipients.found_by.clone() else { return None };
    let ListScope::Found { text, .. } = &model.recipients.scope else { return None };
    let text = text.clone();
    // Those that wait for who is found in every blast are not meant for this one.
    if !matches!(&model.prompt, Some(Prompt::Find(find)) if find.wants_elsewhere) {
        keys::drop_held(model, format!("no number here ends in {digits}"));
    }
    Some(show(model, text, wider, FoundBy::Inside { digits }))
}

/// Says of a list of those who have the digits elsewhere that they are not whom it was typed for. The next key ends it.
pub fn say_wider(model: &mut Model) {
    say_wider_of(model, None);
}

fn say_wider_of(model: &mut Model, others: Option<usize>) {
    let FoundBy::Inside { digits } = &model.recipients.found_by else { return };
    let text = if model.recipients.is_empty() {
        let elsewhere = match others {
            Some(0) => ", nor does any in another blast".to_owned(),
            Some(found) => format!("; tab while finding lists {found} in other blasts"),
            None => String::new(),
        };
        let has = if digits.starts_with('0') { "ends in" } else { "contains" };
        format!("no number here {has} {digits}{elsewhere}")
    } else {
        format!("no number here ends in {digits}; these contain it")
    };
    if model.notice.is_none() {
        model.say(Notice { until_next_key: true, ..Notice::done(text) });
    }
}

fn stay(model: &mut Model, find: &FindPrompt) -> Vec<Effect> {
    if let Some(trouble) = &find.trouble {
        model.say(Notice { until_next_key: true, ..Notice::refusal(trouble.clone()) });
        model.prompt = Some(Prompt::Find(find.clone()));
        return Vec::new();
    }
    if model.hint == Some(Hint::Find) {
        model.hint = Some(Hint::Reply);
    }
    model.recipients.must_be_seen();
    if *find.before != model.recipients.scope && std::mem::take(&mut model.recipients.marked_by) == MarkedBy::List {
        // They were all of a list that is left: a key here is about whoever was found.
        model.recipients.marked.clear();
    }
    if model.recipients.awaiting.is_none() {
        let is_other = |row: &&ElsewhereRow| Some(row.person.blast_id) != model.people_of();
        let others = find.elsewhere.as_ref().map(|rows| rows.iter().filter(is_other).count());
        say_wider_of(model, others);
    }
    lists::focus(model, Pane::Recipients)
}

/// People of other blasts, those first whose number ends in the digits that nobody's here ends in; of these, who was sent to before
/// who was not. The people of this blast stay last.
pub fn endings_first(model: &Model, mut rows: Vec<ElsewhereRow>) -> Vec<ElsewhereRow> {
    let ends_otherwise = |row: &ElsewhereRow| match &model.recipients.found_by {
        FoundBy::Inside { digits } => !row.person.phone.as_str().ends_with(digits),
        _ => false,
    };
    let here = model.people_of();
    let is_here = |row: &ElsewhereRow| Some(row.person.blast_id) == here;
    rows.sort_by_key(|row| (ends_otherwise(row), is_here(row), row.person.sent_at.is_none()));
    rows
}

/// Who matches elsewhere was read, or could not be: goes on where `tab` waited for it.
pub fn elsewhere_read(model: &mut Model) -> Vec<Effect> {
    match model.prompt.take() {
        Some(Prompt::Find(find)) if find.wants_elsewhere => {
            let is_known = find.elsewhere.is_some();
            let find = FindPrompt { wants_elsewhere: false, ..find };
            let mut effects = Vec::new();
            if is_known {
                effects = elsewhere(model, find);
            } else {
                model.prompt = Some(Prompt::Find(find));
            }
            let is_there = is_known && model.prompt.is_none();
            if let Some(unused) = (!is_there).then(|| keys::discard(model)).flatten() {
                model.refuse(unused);
            }
            effects.extend(keys::release(model));
            effects
        }
        other => {
            model.prompt = other;
            Vec::new()
        }
    }
}

pub(super) fn elsewhere(model: &mut Model, mut find: FindPrompt) -> Vec<Effect> {
    let Some(rows) = find.elsewhere.clone() else {
        find.wants_elsewhere = find.trouble.is_none() && !find.field.text().trim().is_empty();
        model.prompt = Some(Prompt::Find(find));
        return Vec::new();
    };
    if find.goes_there
        && let Some(effects) = find_from_blasts::found(model, &find, &rows)
    {
        return effects;
    }
    if rows.is_empty() {
        model.refuse(format!("nobody in any blast is found by {}", find.field.text()));
        model.prompt = Some(Prompt::Find(find));
        return Vec::new();
    }
    model.overlays.push(Overlay::Elsewhere(ElsewhereOverlay { text: find.field.text(), rows, row: 0 }));
    let request = back_to(model, &find, (*find.before).clone());
    lists::load(model, request)
}
