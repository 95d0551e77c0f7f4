//! The fourth pane: when it is read, what counts as seen, and where its lines lead.

use chrono::TimeDelta;

use super::lists::{self, ListRequest};
use super::{customer, keys};
use crate::app::view::{ActivityEvent, ActivityHead, ActivityPage, ActivityPosition, Anchor};
use crate::domain::filter::Filter;
use crate::tui::effect::{Effect, EffectResult, ReadRequest, WriteRequest};
use crate::tui::model::{CursorMove, CursorTarget, ListScope, Model, Pane, Shown, UnreadPart};

/// Without news, what is new is read again after this time: what strangers write announces itself to nobody.
const HEAD_AT_LEAST_EVERY: TimeDelta = TimeDelta::seconds(30);

/// The most events that are read at once.
const PAGE_MAX: u32 = 1_000;

/// Opens the pane at the newest event. Keys wait until it is here.
pub fn open(model: &mut Model) -> Vec<Effect> {
    model.focus = Pane::Activity;
    load_newest(model)
}

/// Opens the pane at an event: as many are read as at once may be, so that it is among them.
pub fn open_at(model: &mut Model, place: ActivityPosition) -> Vec<Effect> {
    model.focus = Pane::Activity;
    let effects = load(model, PAGE_MAX);
    model.activity.choose(place);
    effects
}

/// The newest events in place of those shown. What was new until now is no news any more.
pub fn load_newest(model: &mut Model) -> Vec<Effect> {
    let limit = page_limit(model);
    load(model, limit)
}

fn load(model: &mut Model, limit: u32) -> Vec<Effect> {
    model.activity.look_anew();
    model.activity.forget_choice();
    model.unread.remove(&UnreadPart::Activity);
    let ticket = model.next_ticket();
    model.activity.ticket = ticket;
    model.activity.awaiting = Some(ticket);
    model.activity.is_fetching = false;
    let newest = ReadRequest::Activity { ticket, before: None, limit };
    vec![Effect::Read(newest), Effect::Read(ReadRequest::ActivityHead)]
}

fn read(model: &Model, before: Option<ActivityPosition>) -> Effect {
    Effect::Read(ReadRequest::Activity { ticket: model.activity.ticket, before, limit: page_limit(model) })
}

/// A few screens of it.
fn page_limit(model: &Model) -> u32 {
    let height = u32::try_from(model.activity_rows()).unwrap_or(u32::MAX);
    height.saturating_mul(3).clamp(30, PAGE_MAX)
}

/// The next older page, when the window runs out.
pub fn next_page(model: &mut Model) -> Option<Effect> {
    let is_shown = model.activity_area().is_some() && !model.unread.contains(&UnreadPart::ActivityPage);
    let before = model.activity.wanted(model.activity_rows()).filter(|_| is_shown)?;
    model.activity.is_fetching = true;
    Some(read(model, Some(before)))
}

/// Something changed somewhere: what is new is counted again.
pub fn news(model: &mut Model) -> Vec<Effect> {
    model.activity.head_at = model.now;
    vec![Effect::Read(ReadRequest::ActivityHead)]
}

/// At each look: the people in the visible lines; and without news now and then what is new.
pub fn refresh(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    if model.now - model.activity.head_at >= HEAD_AT_LEAST_EVERY {
        effects.extend(news(model));
    }
    if model.activity_area().is_some() {
        let people = model.activity.visible_people(model.activity_rows());
        effects.extend((!people.is_empty()).then_some(Effect::Read(ReadRequest::Rows(people))));
    }
    effects
}

/// A page is here; one that was asked for before the present list changes nothing.
pub fn page_read(
    model: &mut Model,
    (ticket, before, limit): (u64, Option<ActivityPosition>, u32),
    page: EffectResult<ActivityPage>,
) -> Vec<Effect> {
    if ticket != model.activity.ticket {
        return Vec::new();
    }
    let height = model.activity_rows();
    match (page, before) {
        (Ok(page), Some(_)) => {
            model.activity.append(page, limit);
            Vec::new()
        }
        (Ok(page), None) => {
            model.activity.awaiting = None;
            model.activity.reload(page, limit, height);
            keys::release(model)
        }
        (Err(failure), before) => {
            model.unread.insert(if before.is_some() { UnreadPart::ActivityPage } else { UnreadPart::Activity });
            model.activity.is_fetching = false;
            model.activity.awaiting = None;
            let unused = keys::discard(model).map(|unused| format!("; {unused}")).unwrap_or_default();
            model.refuse(format!("{}{unused}", failure.sentence(&model.options.keys)));
            Vec::new()
        }
    }
}

/// The screen was drawn. What is on it of somebody who opened the pane counts as seen, and nothing else does.
pub fn drawn(model: &mut Model) -> Option<Effect> {
    if model.activity.awaiting.is_some() {
        return None;
    }
    model.activity.shown = Shown::Yes;
    let is_open = model.focus == Pane::Activity && model.overlays.is_empty() && !model.layout().is_summary();
    if is_open {
        model.activity.drawn(model.activity_rows());
    }
    record(model)
}

fn record(model: &mut Model) -> Option<Effect> {
    model.activity.take_unrecorded().map(Effect::SeeActivity)
}

/// What was shown is recorded, and this is left; or it could not be.
pub fn recorded(model: &mut Model, head: EffectResult<ActivityHead>) -> Vec<Effect> {
    // A failure costs nothing: it counts as new once more.
    model.activity.recorded(head.ok());
    record(model).into_iter().chain(live(model)).collect()
}

/// Everything up to the newest line counts as seen, shown or not.
pub fn see_all(model: &mut Model) -> Vec<Effect> {
    model.activity.saw_all();
    record(model).into_iter().collect()
}

/// It is known how much is new.
pub fn head_read(model: &mut Model, head: ActivityHead) -> Vec<Effect> {
    model.activity.take_head(head);
    live(model).into_iter().collect()
}

/// Nobody works in the pane, and it stands open: it follows the news.
pub fn live(model: &mut Model) -> Option<Effect> {
    let is_live = model.focus != Pane::Activity && model.activity_area().is_some();
    if !is_live || !model.activity.has_newer() {
        return None;
    }
    model.activity.look_anew();
    model.activity.forget_choice();
    let ticket = model.next_ticket();
    model.activity.ticket = ticket;
    model.activity.is_fetching = false;
    Some(read(model, None))
}

/// The newest events could not be read: they are read as they are now, where they are shown.
pub(super) fn load_again(model: &mut Model) -> Vec<Effect> {
    if model.activity_area().is_none() { Vec::new() } else { load_newest(model) }
}

/// To the newest, and what came since; or to the last event that is here.
pub fn to_edge(model: &mut Model, anchor: Anchor, far: isize) -> Vec<Effect> {
    if anchor == Anchor::Start {
        return load_newest(model);
    }
    let height = model.activity_rows();
    model.activity.step(CursorMove::Rows(far), height);
    Vec::new()
}

/// To the person of the line, in whichever blast they are; of what is about a blast alone, there; of somebody who is in no blast, to
/// what they ordered.
pub fn jump(model: &mut Model) -> Vec<Effect> {
    let Some(event) = model.activity.at_cursor() else { return Vec::new() };
    let person = model.activity.person().map(|row| (row.id, row.phone.clone(), row.blast_id));
    let Some(blast) = person.as_ref().map(|(_, _, blast)| *blast).or(event.blast) else {
        if model.stranger().is_some() {
            return customer::open(model);
        }
        model.refuse("this line is not about a person in a blast");
        return Vec::new();
    };
    if model.blasts.get(blast).is_none() {
        model.refuse("that blast is not in the list any more");
        return vec![Effect::Read(ReadRequest::Blasts)];
    }
    model.overlays.clear();
    model.blasts.select(blast);
    let Some((id, phone, _)) = person else {
        model.focus = Pane::Funnel;
        return lists::follow_selection(model);
    };
    model.focus = Pane::Recipients;
    let scope = ListScope::Found { text: phone.to_string(), filter: Filter::person(phone.as_str()) };
    lists::load(model, ListRequest { scope, anchor: Anchor::Start, target: CursorTarget::Person(id) })
}

/// What `enter` goes to, for the footer: nothing where the line is about nobody and no blast.
pub fn jump_word(model: &Model) -> &'static str {
    let is_listed = |blast| model.blasts.get(blast).is_some();
    let person = model.activity.person().map(|row| row.blast_id);
    match (person, model.activity.at_cursor().and_then(|event| event.blast)) {
        (Some(blast), _) if is_listed(blast) => "person",
        (None, Some(blast)) if is_listed(blast) => "blast",
        (None, None) if model.stranger().is_some() => "customer",
        _ => "",
    }
}

/// Saves the file of the reply at the cursor.
pub fn save_file(model: &mut Model) -> Vec<Effect> {
    match model.activity.at_cursor().map(|row| &row.event) {
        Some(ActivityEvent::Reply { id, .. }) => vec![Effect::Write(WriteRequest::SaveFile(*id))],
        _ => Vec::new(),
    }
}
