//! Which people are asked for, and when: fresh lists, further pages, and what is visible as it changes.

use chrono::TimeDelta;

use super::window_limit;
use crate::app::view::{Anchor, RecipientQuery, SORTED_MAX};
use crate::domain::blast::BlastState;
use crate::tui::effect::{Effect, ListPart};
use crate::tui::model::{CursorTarget, ListOrder, ListScope, Model, Overlay, Pane, Prompt, WantedPage, stuck_at};

/// What happened meanwhile is told once the last key is this long ago.
const AWAY_FROM_KEYS: TimeDelta = TimeDelta::seconds(60);

/// A list to be shown instead of the one there is.
#[derive(Debug, Clone, PartialEq)]
pub struct ListRequest {
    pub label: ListScope,
    pub anchor: Anchor,
    pub arrival: CursorTarget,
}

impl ListRequest {
    pub const fn first(label: ListScope) -> Self {
        Self { label, anchor: Anchor::Start, arrival: CursorTarget::First }
    }
}

/// Asks for another list because a key wants it: keys meant for it wait until it is here.
pub fn load(model: &mut Model, fresh: ListRequest) -> Vec<Effect> {
    let Some(blast) = model.blast() else { return Vec::new() };
    let (id, order) = (blast.id, sorting(model, &fresh.label));
    let ticket = model.next_ticket();
    let people = &mut model.recipients;
    if fresh.arrival != CursorTarget::Keep {
        people.choose(None);
    }
    people.blast = Some(id);
    people.label = fresh.label;
    people.order = order;
    people.arrival = fresh.arrival;
    people.total = None;
    people.marked.clear();
    people.thaw();
    people.ticket = ticket;
    people.awaiting = Some(ticket);
    people.fetching = None;
    let mut effects = vec![fresh_list(model, fresh.anchor)];
    effects.extend(count_all(model));
    effects
}

/// Asks for the first rows again, without exchanging what is shown until they are here.
fn fresh_list(model: &Model, anchor: Anchor) -> Effect {
    list(model, ListPart::Reload, anchor)
}

fn list(model: &Model, part: ListPart, anchor: Anchor) -> Effect {
    let people = &model.recipients;
    let query = RecipientQuery {
        blast: people.blast.or(model.blast().map(|blast| blast.id)).unwrap_or(crate::domain::ids::BlastId(0)),
        filter: people.label.filter(),
        order: people.order.into(),
        as_of: people.as_of,
        anchor,
        limit: window_limit(model, part),
    };
    Effect::List { ticket: people.ticket, part, query }
}

/// Newest change first where that is served; large lists stand in their own order.
fn sorting(model: &Model, label: &ListScope) -> ListOrder {
    let Some(blast) = model.blast() else { return ListOrder::NewestChange };
    let expected = match label {
        ListScope::Everyone | ListScope::Found { .. } => blast.total_recipients,
        ListScope::Stuck(stage) => stuck_at(blast, *stage).unwrap_or_default(),
        ListScope::Only(status) => blast.counts.get(*status),
    };
    if expected > SORTED_MAX { ListOrder::Row } else { ListOrder::NewestChange }
}

/// How many match, where the blast's own counts do not tell.
pub fn count_all(model: &Model) -> Option<Effect> {
    let blast = model.recipients.blast?;
    matches!(model.recipients.label, ListScope::Found { .. }).then(|| Effect::Count {
        ticket: model.recipients.ticket,
        blast,
        filter: model.recipients.label.filter(),
        changed_after: None,
    })
}

/// Asks for the next page when the window runs out on one side.
pub fn next_page(model: &mut Model) -> Option<Effect> {
    let wanted = model.recipients.wanted(model.layout().people_rows())?;
    model.recipients.fetching = Some(wanted);
    let (part, anchor) = match wanted {
        WantedPage::After(place) => (ListPart::NextPage, Anchor::After(place)),
        WantedPage::Before(place) => (ListPart::PreviousPage, Anchor::Before(place)),
    };
    Some(list(model, part, anchor))
}

/// Whether the table follows the news: nobody works in it, and its first rows are shown.
fn is_live(model: &Model) -> bool {
    let finding = matches!(model.prompt, Some(Prompt::Find(_)));
    let focused = model.focus == Pane::Recipients && !model.recipients.is_empty();
    let worked_in = focused || finding || !model.recipients.marked.is_empty();
    !worked_in && model.recipients.is_at_start() && model.recipients.awaiting.is_none()
}

/// Reads again what is visible, and nothing else.
pub fn look(model: &mut Model) -> Vec<Effect> {
    let mut effects = vec![Effect::Blasts, Effect::Senders];
    if model.recipients.blast.is_some() && model.recipients.awaiting.is_none() {
        if is_live(model) {
            effects.push(live_list(model));
        } else {
            effects.extend(cells_and_news(model));
        }
    }
    effects.extend(since_last_key(model));
    if let Some(Overlay::Details(details)) = model.overlays.last() {
        effects.push(Effect::Person(details.person));
    }
    effects
}

/// The first rows as they are now. Not waited for, so an answer to it never takes the place of one to a key.
fn live_list(model: &mut Model) -> Effect {
    model.recipients.thaw();
    model.recipients.order = sorting(model, &model.recipients.label);
    fresh_list(model, Anchor::Start)
}

fn cells_and_news(model: &Model) -> Vec<Effect> {
    let people = &model.recipients;
    let visible: Vec<_> = people.visible(model.layout().people_rows()).map(|person| person.row.id).collect();
    let mut effects = Vec::new();
    if !visible.is_empty() {
        effects.push(Effect::Cells(visible));
    }
    if let (Some(blast), Some(as_of)) = (people.blast, people.as_of) {
        let filter = people.label.filter();
        effects.push(Effect::Count { ticket: people.ticket, blast, filter, changed_after: Some(as_of) });
    }
    effects
}

fn since_last_key(model: &Model) -> Option<Effect> {
    let blast = model.blast().filter(|blast| blast.state == BlastState::Sending)?;
    let quiet = model.now - model.last_key >= AWAY_FROM_KEYS;
    quiet.then_some(Effect::ChangesSince { blast: blast.id, from: model.last_key })
}

/// Moves the focus. The table is frozen while it has it.
pub fn focus(model: &mut Model, pane: Pane) -> Vec<Effect> {
    model.focus = pane;
    if pane == Pane::Recipients {
        model.recipients.freeze();
    }
    Vec::new()
}

/// The selected blast is another one: its people are shown.
pub fn follow_selection(model: &mut Model) -> Vec<Effect> {
    let selected = model.blast().map(|blast| blast.id);
    if selected == model.recipients.blast {
        return Vec::new();
    }
    model.since = None;
    load(model, ListRequest::first(ListScope::Everyone))
}
