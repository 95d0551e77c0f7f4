//! Which people are read, and when: lists, further pages, and what is visible as it changes.

use chrono::TimeDelta;

use super::{activity, find, follow_found, follow_ups, keys, presence, steps, uncertain};
use crate::app::SessionAnswer;
use crate::app::view::{Anchor, RecipientQuery, RecipientRow, SORTED_MAX, Total};
use crate::domain::blast::BlastState;
use crate::domain::ids::RecipientId;
use crate::domain::status::Status;
use crate::tui::effect::{Effect, ListPart, ReadRequest};
use crate::tui::model::{
    CursorTarget, FoundBy, ListOrder, ListScope, Model, Overlay, PageRequest, Pane, Prompt, WantedPage, stuck_at,
};

/// What happened since the last key is shown once that is this long ago.
const AWAY_FROM_KEYS: TimeDelta = TimeDelta::seconds(60);

/// What becomes of an answer is followed for this long.
const ANSWER_FOLLOWED: TimeDelta = TimeDelta::minutes(15);

/// A list to be shown instead of the one there is.
#[derive(Debug, Clone, PartialEq)]
pub struct ListRequest {
    pub scope: ListScope,
    pub anchor: Anchor,
    pub target: CursorTarget,
}

impl ListRequest {
    pub const fn first(scope: ListScope) -> Self {
        Self { scope, anchor: Anchor::Start, target: CursorTarget::First }
    }
}

/// Requests another list for a key: the keys meant for it wait until it is here.
pub fn load(model: &mut Model, request: ListRequest) -> Vec<Effect> {
    let Some(blast) = model.blast() else { return Vec::new() };
    let (id, order) = (blast.id, order(model, &request.scope));
    let ticket = model.next_ticket();
    let is_away = model.away_since().is_some();
    let people = &mut model.recipients;
    let is_same = people.blast == Some(id) && people.scope == request.scope;
    // Whoever comes first or last of the same find was chosen by nobody either.
    let is_put = is_same && people.is_put_by_find && is_at_an_end(request.target);
    if request.target != CursorTarget::Keep {
        people.choose(None);
    }
    if people.blast.replace(id) != Some(id) {
        people.marked.clear();
    }
    people.scope = request.scope;
    if !is_same {
        people.found_by = FoundBy::Words;
    }
    people.is_put_by_find = is_put;
    people.order = order;
    people.target = request.target;
    people.total = None;
    people.thaw();
    people.ticket = ticket;
    people.awaiting = Some(ticket);
    people.is_unread = false;
    people.fetching = None;
    people.gathering = false;
    if is_away {
        // It does not come soon: the people of the list before would stand under its title.
        people.lose();
    }
    let mut effects = vec![list(model, ListPart::Reload, request.anchor)];
    effects.extend(count_all(model));
    effects
}

const fn is_at_an_end(target: CursorTarget) -> bool {
    matches!(target, CursorTarget::First | CursorTarget::Last)
}

/// Reads the list from its start: nobody of it stands where it was read from.
pub fn from_start(model: &mut Model) -> Effect {
    model.recipients.awaiting = Some(model.recipients.ticket);
    list(model, ListPart::Reload, Anchor::Start)
}

/// Some of those in it do not exist any more, as where the list of a draft was taken anew: it is read as it is now, frozen or not.
pub(super) fn read_without(model: &mut Model, gone: &[RecipientId]) -> Vec<Effect> {
    let people = &mut model.recipients;
    people.marked.retain(|id, _| !gone.contains(id));
    if people.awaiting.is_some() || !gone.iter().any(|id| people.get(*id).is_some()) {
        return Vec::new();
    }
    people.thaw();
    if std::mem::take(&mut people.gathering) {
        // All who matched were being read: not all of them are there any more, and the keys that wait are for them.
        let why = "the list is another one now, nobody was marked";
        model.refuse(why);
        keys::drop_held(model, why.to_owned());
    }
    // What was counted of the list as it was is no news of this one.
    model.recipients.ticket = model.next_ticket();
    vec![from_start(model)]
}

fn list(model: &Model, part: ListPart, anchor: Anchor) -> Effect {
    let people = &model.recipients;
    let (order, direction) = people.order.reading(people.direction);
    let anchor = direction.of_anchor(anchor);
    let query = RecipientQuery {
        blast: people.blast.or(model.blast().map(|blast| blast.id)).unwrap_or(crate::domain::ids::BlastId(0)),
        filter: people.scope.filter(),
        order,
        as_of: people.as_of,
        anchor,
        limit: window_limit(model, part),
    };
    Effect::Read(ReadRequest::List { ticket: people.ticket, part, query })
}

/// Newest change first, as far as the database serves that: what a find of more people than it sorts found is in the order of the list.
fn order(model: &Model, scope: &ListScope) -> ListOrder {
    let wanted = model.recipients.wanted_order;
    match () {
        () if !is_too_long(model, scope) => wanted,
        () if wanted == ListOrder::Row || asks_more(scope) => ListOrder::Row,
        () => ListOrder::NewestChange,
    }
}

/// Whether a list has more people than are sorted: then it has an order that an index gives.
pub fn is_too_long(model: &Model, scope: &ListScope) -> bool {
    expected(model, scope) > SORTED_MAX
}

/// A find of a long blast is read in the order of its list, since nobody knows how many are found: where all of them are here, they
/// are put into the order that is wanted, as the database would.
pub(super) fn put_in_wanted_order(model: &mut Model, asked: PageRequest, rows: &mut [RecipientRow]) {
    let people = &mut model.recipients;
    let is_whole = matches!(asked.anchor, Anchor::Start | Anchor::End) && rows.len() < asked.limit as usize;
    if !is_whole || people.order == people.wanted_order || people.awaiting.is_none() {
        return;
    }
    people.order = people.wanted_order;
    let (order, direction) = people.order.reading(people.direction);
    rows.sort_by(|a, b| order.compare((a.place(), a), (b.place(), b)));
    direction.arrange(rows);
}

/// Whether a list asks for more than a status: no index gives it any order but that of the list.
pub fn asks_more(scope: &ListScope) -> bool {
    scope.filter().beyond_status().next().is_some()
}

/// How many people a list has at most: as counted, or by the blast's own counts.
fn expected(model: &Model, scope: &ListScope) -> i64 {
    let Some(blast) = model.blast() else { return 0 };
    let is_shown = model.recipients.blast == Some(blast.id) && model.recipients.scope == *scope;
    match scope {
        ListScope::Found { .. } if is_shown && matches!(model.recipients.total, Some(Total::Exactly(_))) => {
            model.recipients.total.map_or(0, Total::number)
        }
        ListScope::Everyone | ListScope::Found { .. } => blast.total_recipients,
        ListScope::Stuck(stage) => stuck_at(blast, *stage).unwrap_or_default(),
        ListScope::Only(status) => blast.counts.get(*status),
    }
}

/// Counts who matches, where the blast's own counts do not say.
pub fn count_all(model: &Model) -> Option<Effect> {
    let blast = model.recipients.blast?;
    matches!(model.recipients.scope, ListScope::Found { .. }).then(|| {
        Effect::Read(ReadRequest::Count {
            ticket: model.recipients.ticket,
            blast,
            filter: model.recipients.scope.filter(),
        })
    })
}

/// Counts the found people again, where they are listed and only the database knows how many they are.
fn count_again(model: &Model) -> Option<Effect> {
    let people = &model.recipients;
    let ListScope::Found { filter, .. } = &people.scope else { return None };
    let blast = people.blast.filter(|_| people.awaiting.is_none() && shows_people(model))?;
    let is_in_counts = filter.beyond_status().next().is_none();
    let (ticket, filter) = (people.ticket, filter.clone());
    (!is_in_counts).then_some(Effect::Read(ReadRequest::CountAgain { ticket, blast, filter }))
}

/// Requests the next page when the window runs out on one side.
pub fn next_page(model: &mut Model) -> Option<Effect> {
    let wanted = model.recipients.wanted(model.layout().people_rows())?;
    model.recipients.fetching = Some(wanted);
    let (part, anchor) = match wanted {
        WantedPage::After(place) => (ListPart::NextPage, Anchor::After(place)),
        WantedPage::Before(place) => (ListPart::PreviousPage, Anchor::Before(place)),
    };
    Some(list(model, part, anchor))
}

/// Whether the table follows the changes: nobody works in it, and its first rows are shown.
fn is_live(model: &Model) -> bool {
    model.people_follow_changes() && model.recipients.awaiting.is_none()
}

/// Whether the first rows of a draft are shown. Also while somebody works in it: its people come and go with its list, and a change
/// moves nobody whom the cursor is on.
pub(super) fn is_draft_at_start(model: &Model) -> bool {
    let people = &model.recipients;
    let is_draft =
        people.blast.and_then(|id| model.blasts.get(id)).is_some_and(|blast| blast.state == BlastState::Draft);
    is_draft && people.is_at_start() && people.marked.is_empty() && !matches!(model.prompt, Some(Prompt::Find(_)))
}

impl Model {
    /// The same, whatever is being read.
    fn people_follow_changes(&self) -> bool {
        let finding = matches!(self.prompt, Some(Prompt::Find(_)));
        let focused = self.focus == Pane::Recipients && !self.recipients.is_empty();
        let worked_in = focused || finding || !self.recipients.marked.is_empty();
        !worked_in && self.recipients.is_at_start()
    }

    /// The person at the cursor of the table, as it is drawn. On the first row of a table that follows the changes the cursor is
    /// nobody's choice, and passes to whoever comes next: it is not drawn there, so that it never slips from the person that somebody
    /// saw it on. Anybody else at the cursor keeps it.
    pub fn pointed_at(&self) -> Option<RecipientId> {
        let slips = self.people_follow_changes() && self.recipients.is_cursor_first();
        self.recipients.cursor().filter(|_| !slips)
    }
}

/// Reads again what is visible, and nothing else.
pub fn refresh(model: &mut Model) -> Vec<Effect> {
    let mut effects = vec![Effect::Read(ReadRequest::Blasts), Effect::Read(ReadRequest::Senders)];
    if model.recipients.blast.is_some() && model.recipients.awaiting.is_none() && shows_people(model) {
        if is_live(model) || is_draft_at_start(model) {
            effects.push(live_list(model));
        } else {
            model.recipients.freeze();
            effects.extend(cells_and_news(model));
        }
    }
    effects.extend(count_again(model));
    effects.extend(since_last_key(model));
    effects.extend(activity::refresh(model));
    effects.extend(presence::refresh(model));
    match model.overlays.last() {
        Some(Overlay::Details(details)) => effects.push(Effect::Read(ReadRequest::Person(details.person))),
        Some(Overlay::Customer(page)) => effects.push(Effect::Read(ReadRequest::Customer(page.phone.clone()))),
        Some(Overlay::Needs(_) | Overlay::StepMessage(_)) => effects.extend(steps::read(model)),
        Some(Overlay::Answer(answer)) => effects.push(Effect::Read(ReadRequest::Person(answer.person))),
        Some(Overlay::Uncertain(page)) => effects.push(uncertain::read(page)),
        Some(Overlay::FollowUp(_)) => effects.extend(follow_ups::count_again(model)),
        Some(Overlay::FollowFound(_)) => effects.extend(follow_found::count_again(model)),
        None => effects.extend(answer_on_its_way(model)),
        _ => {}
    }
    effects
}

/// Whoever is shown beside the table, while an answer to them is not there yet: their own row does not change with it.
fn answer_on_its_way(model: &Model) -> Option<Effect> {
    let person = model.previewed().filter(|_| model.shows_preview())?;
    let is_underway = |answer: &SessionAnswer| {
        let is_young = model.now - answer.written_at < ANSWER_FOLLOWED;
        is_young && matches!(answer.status, Status::Queued | Status::Sending | Status::Sent)
    };
    let is_followed = person.session_answers.iter().any(is_underway);
    is_followed.then_some(Effect::Read(ReadRequest::Person(person.row.id)))
}

/// The activity takes the place of the table.
fn shows_people(model: &Model) -> bool {
    model.activity_area().is_none() || model.layout().activity().is_some()
}

/// The first rows as they are now. No key waits for them, so they never replace a list that a key requested.
fn live_list(model: &mut Model) -> Effect {
    model.recipients.thaw();
    model.recipients.order = order(model, &model.recipients.scope);
    // Whoever was chosen stays so, and is carried down by the news; the first place of a list that nobody works in is no choice.
    let is_first = model.recipients.is_cursor_first() && model.people_follow_changes();
    model.recipients.target = if is_first { CursorTarget::First } else { CursorTarget::Keep };
    list(model, ListPart::Reload, Anchor::Start)
}

fn cells_and_news(model: &Model) -> Vec<Effect> {
    let people = &model.recipients;
    let visible: Vec<_> = people.visible(model.layout().people_rows()).map(|person| person.row.id).collect();
    let mut effects = Vec::new();
    if !visible.is_empty() {
        effects.push(Effect::Read(ReadRequest::Rows(visible)));
    }
    if let (Some(blast), Some(as_of)) = (people.blast, people.as_of) {
        let filter = people.scope.filter();
        effects.push(Effect::Read(ReadRequest::CountChanged { ticket: people.ticket, blast, filter, after: as_of }));
    }
    effects
}

/// What is shown of a blast follows it also once nobody is left to send to: people read and reply after that.
fn since_last_key(model: &Model) -> Option<Effect> {
    let blast = model.blast().filter(|blast| blast.state == BlastState::Sending || model.since.is_some())?;
    let quiet = model.now - model.last_key >= AWAY_FROM_KEYS;
    quiet.then_some(Effect::Read(ReadRequest::ChangesSince { blast: blast.id, from: model.last_key }))
}

/// Moves the focus. The table of recipients is frozen while it has the focus.
pub fn focus(model: &mut Model, pane: Pane) -> Vec<Effect> {
    if pane == Pane::Activity {
        return if model.focus == pane { Vec::new() } else { activity::open(model) };
    }
    let was_covered = !shows_people(model);
    model.focus = pane;
    if was_covered && shows_people(model) && model.recipients.blast.is_some() {
        return uncovered(model);
    }
    if pane == Pane::Recipients {
        model.recipients.freeze();
    }
    Vec::new()
}

/// The table that the activity stood in the place of, which was not read meanwhile: as it is now. Where somebody worked in it they find their
/// place again.
fn uncovered(model: &mut Model) -> Vec<Effect> {
    let people = &model.recipients;
    let is_untouched = people.is_cursor_first() && people.marked.is_empty() && people.awaiting.is_none();
    match &people.scope {
        ListScope::Found { .. } => refresh(model),
        scope if is_untouched => {
            let scope = scope.clone();
            load(model, ListRequest::first(scope))
        }
        _ => refresh(model),
    }
}

/// Shows the people of the selected blast, if it is another one.
pub fn follow_selection(model: &mut Model) -> Vec<Effect> {
    let selected = model.blast().map(|blast| blast.id);
    if selected == model.recipients.blast {
        return if model.recipients.is_unread { load_again(model) } else { Vec::new() };
    }
    model.since = None;
    let mut effects = load(model, ListRequest::first(ListScope::Everyone));
    effects.extend(follow_ups::read_chain(model));
    effects
}

/// The list that could not be read; while somebody finds people, all that their words ask for.
fn load_again(model: &mut Model) -> Vec<Effect> {
    let found = find::changed(model);
    if !found.is_empty() {
        return found;
    }
    let scope = model.recipients.scope.clone();
    load(model, ListRequest::first(scope))
}

/// How many rows a request asks for: what is visible and as much again on either side, or twice.
fn window_limit(model: &Model, part: ListPart) -> u32 {
    let height = u32::try_from(model.layout().people_rows()).unwrap_or(u32::MAX);
    let screens = if part == ListPart::Reload { 3 } else { 2 };
    height.saturating_mul(screens).clamp(20, 1_000)
}
