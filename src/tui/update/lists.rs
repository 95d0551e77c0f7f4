//! Which people are asked for, and when: fresh lists, further pages, and what is visible as it changes.

use chrono::TimeDelta;

use super::window_limit;
use crate::domain::blast::BlastState;
use crate::engine::view::{Anchor, RecipientQuery, SORTED_MAX};
use crate::tui::effect::{Effect, Part};
use crate::tui::model::{Arrival, Label, Model, Page, Pane, Prompt, Sorting, Wanted, stuck_at};

/// What happened meanwhile is told once the last key is this long ago.
const AWAY_FROM_KEYS: TimeDelta = TimeDelta::seconds(60);

/// A list to be shown instead of the one there is.
#[derive(Debug, Clone, PartialEq)]
pub struct Fresh {
    pub label: Label,
    pub anchor: Anchor,
    pub arrival: Arrival,
}

impl Fresh {
    pub const fn first(label: Label) -> Self {
        Self { label, anchor: Anchor::Start, arrival: Arrival::First }
    }
}

/// Asks for another list because a key wants it: keys meant for it wait until it is here.
pub fn load(model: &mut Model, fresh: Fresh) -> Vec<Effect> {
    let Some(blast) = model.blast() else { return Vec::new() };
    let (id, order) = (blast.id, sorting(model, &fresh.label));
    let ticket = model.next_ticket();
    let people = &mut model.people;
    if fresh.arrival != Arrival::Keep {
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
    list(model, Part::Fresh, anchor)
}

fn list(model: &Model, part: Part, anchor: Anchor) -> Effect {
    let people = &model.people;
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
fn sorting(model: &Model, label: &Label) -> Sorting {
    let Some(blast) = model.blast() else { return Sorting::NewestChange };
    let expected = match label {
        Label::Everyone | Label::Found { .. } => blast.total_recipients,
        Label::Stuck(stage) => stuck_at(blast, *stage).unwrap_or_default(),
        Label::Only(status) => blast.counts.get(*status),
    };
    if expected > SORTED_MAX { Sorting::Row } else { Sorting::NewestChange }
}

/// How many match, where the blast's own counts do not tell.
pub fn count_all(model: &Model) -> Option<Effect> {
    let blast = model.people.blast?;
    matches!(model.people.label, Label::Found { .. }).then(|| Effect::Count {
        ticket: model.people.ticket,
        blast,
        filter: model.people.label.filter(),
        changed_after: None,
    })
}

/// Asks for the next page when the window runs out on one side.
pub fn next_page(model: &mut Model) -> Option<Effect> {
    let wanted = model.people.wanted(model.layout().people_rows())?;
    model.people.fetching = Some(wanted);
    let (part, anchor) = match wanted {
        Wanted::After(place) => (Part::After, Anchor::After(place)),
        Wanted::Before(place) => (Part::Before, Anchor::Before(place)),
    };
    Some(list(model, part, anchor))
}

/// Whether the table follows the news: nobody works in it, and its first rows are shown.
fn is_live(model: &Model) -> bool {
    let finding = matches!(model.prompt, Some(Prompt::Find(_)));
    let focused = model.focus == Pane::People && !model.people.is_empty();
    let worked_in = focused || finding || !model.people.marked.is_empty();
    !worked_in && model.people.is_at_start() && model.people.awaiting.is_none()
}

/// Reads again what is visible, and nothing else.
pub fn look(model: &mut Model) -> Vec<Effect> {
    let mut effects = vec![Effect::Blasts, Effect::Senders];
    if model.people.blast.is_some() && model.people.awaiting.is_none() {
        if is_live(model) {
            effects.push(live_list(model));
        } else {
            effects.extend(cells_and_news(model));
        }
    }
    effects.extend(since_last_key(model));
    if let Some(Page::Details(details)) = model.pages.last() {
        effects.push(Effect::Person(details.person));
    }
    effects
}

/// The first rows as they are now. Not waited for, so an answer to it never takes the place of one to a key.
fn live_list(model: &mut Model) -> Effect {
    model.people.thaw();
    model.people.order = sorting(model, &model.people.label);
    fresh_list(model, Anchor::Start)
}

fn cells_and_news(model: &Model) -> Vec<Effect> {
    let people = &model.people;
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
    if pane == Pane::People {
        model.people.freeze();
    }
    Vec::new()
}

/// The selected blast is another one: its people are shown.
pub fn follow_selection(model: &mut Model) -> Vec<Effect> {
    let selected = model.blast().map(|blast| blast.id);
    if selected == model.people.blast {
        return Vec::new();
    }
    model.since = None;
    load(model, Fresh::first(Label::Everyone))
}
