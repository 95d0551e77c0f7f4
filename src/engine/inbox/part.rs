//! How much of which request is applied in one transaction. A request that has more is applied in parts, with everything else that
//! is due between them.

use std::collections::HashSet;
use std::mem::take;

use super::item::{InboxItem, ItemNews};
use crate::store::inbox::InboxRow;

/// What one transaction may cost. A status counts one; they go in batches.
const COST_MAX: u32 = 4_000;
/// Of it what waited may always cost, beside what is new.
const WAITED_COST: u32 = COST_MAX / 4;
/// What goes by itself, in a dozen statements.
const ALONE_COST: u32 = 40;

/// Of a request what is applied in one transaction.
pub(super) struct RequestPart {
    /// Without its body.
    pub row: InboxRow,
    /// How many items the request has.
    pub count: i32,
    pub items: Vec<InboxItem>,
    /// Positions that are left for further parts.
    pub rest: Vec<i32>,
    /// Positions that were tried in an earlier part, and wait.
    pub waiting: Vec<i32>,
}

impl RequestPart {
    /// All that is open of a request. The inbox has the positions that were tried in an earlier part as their complements.
    pub(super) fn new(items: Vec<InboxItem>, mut row: InboxRow, count: i32) -> Self {
        row.body = Vec::new();
        let open = row.open_items.as_deref();
        let waiting = open.unwrap_or_default().iter().filter(|position| **position < 0).map(|position| !position);
        let waiting = waiting.collect();
        let open: Option<HashSet<i32>> = open.map(|open| open.iter().copied().collect());
        let is_open = |item: &InboxItem| open.as_ref().is_none_or(|open| open.contains(&item.position));
        let items = items.into_iter().filter(is_open).collect();
        Self { row, count, items, rest: Vec::new(), waiting }
    }

    /// Keeps what may be applied at this cost. Of what costs nothing, all.
    fn trim(&mut self, left: &mut u32) {
        for item in take(&mut self.items) {
            let cost = cost(&item);
            if *left > 0 || cost == 0 {
                *left = left.saturating_sub(cost);
                self.items.push(item);
            } else {
                self.rest.push(item.position);
            }
        }
    }
}

fn cost(item: &InboxItem) -> u32 {
    match item.news {
        ItemNews::Nothing | ItemNews::Unreadable(_) => 0,
        ItemNews::Status(_) | ItemNews::Identity { .. } => 1,
        ItemNews::Reply(_) | ItemNews::Wish(_) | ItemNews::IdentityChange(_) | ItemNews::Notice(_) => ALONE_COST,
    }
}

/// What is applied in one transaction: new requests, and of those that waited a share or what the new ones leave.
pub(super) fn choose(parts: Vec<RequestPart>) -> Vec<RequestPart> {
    let (new, waited): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part.row.open_items.is_none());
    let mut chosen = Vec::with_capacity(new.len() + waited.len());
    let mut left = COST_MAX;
    choose_from(new, &mut left, &mut chosen);
    left = left.max(WAITED_COST);
    choose_from(waited, &mut left, &mut chosen);
    chosen
}

fn choose_from(parts: Vec<RequestPart>, left: &mut u32, chosen: &mut Vec<RequestPart>) {
    for mut part in parts {
        if *left == 0 {
            return;
        }
        part.trim(left);
        chosen.push(part);
    }
}

/// The items of those parts, each with the place of its part.
pub(super) fn gather(parts: &mut [RequestPart], which: impl Fn(&RequestPart) -> bool) -> Vec<InboxItem> {
    let mut items = Vec::new();
    for (n, part) in parts.iter_mut().enumerate().filter(|(_, part)| which(part)) {
        items.extend(take(&mut part.items).into_iter().map(|item| InboxItem { row: n, ..item }));
    }
    items
}

/// Undoes [`gather`].
pub(super) fn give_back(parts: &mut [RequestPart], items: Vec<InboxItem>) {
    for item in items {
        parts[item.row].items.push(item);
    }
}
