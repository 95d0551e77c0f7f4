//! The table of recipients: a window over any number of people, and a cursor that is a person.
//!
//! A list that has the focus is frozen: rows are neither reordered nor dropped, cells change in place, and what would
//! have come to the top is counted. Only what is visible and a screen either side is kept.

mod list_order;
mod list_scope;
mod window;

pub use list_order::{ListDirection, ListOrder};
pub use list_scope::{FoundBy, ListScope};

use std::collections::{BTreeMap, HashSet, VecDeque};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::app::view::{Anchor, RecipientRow, RowPosition, Total};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::domain::status::Status;

/// A person, and the place in the order at which they were read: it stays when their row changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPerson {
    pub row: RecipientRow,
    pub place: RowPosition,
}

/// Somebody who was marked by hand, as a question names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandMarked {
    pub who: String,
    pub phone: Phone,
}

impl HandMarked {
    pub fn of(row: &RecipientRow) -> Self {
        Self { who: row.who(), phone: row.phone.clone() }
    }

    /// The end of their number, by which operators seek people.
    pub fn ending(&self) -> &str {
        let digits = self.phone.digits();
        digits.len().checked_sub(ENDING).and_then(|from| digits.get(from..)).unwrap_or(digits)
    }
}

/// So many digits are the end of a number.
const ENDING: usize = 4;

/// Where the cursor goes when a list was reloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CursorTarget {
    /// To the same person, else to the first.
    #[default]
    Keep,
    First,
    Last,
    Person(RecipientId),
}

/// A move of the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorMove {
    Rows(isize),
    Pages(isize),
}

/// Whether the operator can have seen the list since it was reloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shown {
    #[default]
    Yes,
    NotYet,
}

/// A page to be requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedPage {
    After(RowPosition),
    Before(RowPosition),
}

/// How people were marked for the next act.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MarkedBy {
    /// One by one, perhaps in several lists.
    #[default]
    Rows,
    /// All of one list: they are not marked any more once another one is kept.
    List,
}

/// The table of recipients.
#[derive(Debug, Clone, Default)]
pub struct RecipientTable {
    pub blast: Option<BlastId>,
    pub scope: ListScope,
    pub found_by: FoundBy,
    pub order: ListOrder,
    /// The order that was chosen; lists that are too long for it have that of their rows.
    pub wanted_order: ListOrder,
    pub direction: ListDirection,
    /// All who match are being read, to be marked: keys wait for them.
    pub gathering: bool,
    /// Frozen as of this time; later changes are news.
    pub as_of: Option<DateTime<Utc>>,
    /// When anybody in it last changed, of a list that was read from its middle: those above the rows kept are no news.
    pub newest: Option<DateTime<Utc>>,
    pub total: Option<Total>,
    /// How many changed after `as_of`, those in the window included.
    pub changed_since: Option<Total>,
    /// For the next act, in whichever list of the blast they were marked; with a name where one was marked by hand.
    pub marked: BTreeMap<RecipientId, Option<HandMarked>>,
    /// Who alone was marked and is acted on, until that is written.
    pub acted_on: BTreeMap<RecipientId, Option<HandMarked>>,
    pub marked_by: MarkedBy,
    /// The request whose completion replaces the list because a key asked for it.
    pub awaiting: Option<u64>,
    /// What a key asked for could not be read: nobody is shown in place of those who were, and it is read again.
    pub is_unread: bool,
    /// The cursor is where a find put it: the operator has not moved it.
    pub is_put_by_find: bool,
    /// The newest list's ticket: completions of older requests are dropped.
    pub ticket: u64,
    /// The further page that is being read.
    pub fetching: Option<WantedPage>,
    pub target: CursorTarget,
    pub shown: Shown,
    /// The first visible row, an index into the rows kept.
    pub top: usize,
    rows: VecDeque<ListedPerson>,
    cursor: Option<RecipientId>,
    /// Whether the rows kept reach the list's ends.
    reaches: WindowEdges,
    /// How many people stand before the first row kept, where that is known.
    before: Option<i64>,
    /// Recipients who were marked: they keep their place although the filter would drop them.
    stay: Vec<ListedPerson>,
    /// Those who were marked together, are not among the rows kept, and no longer match.
    left_unseen: HashSet<RecipientId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct WindowEdges {
    start: WindowEdge,
    end: WindowEdge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum WindowEdge {
    End,
    #[default]
    MoreRows,
}

impl WindowEdge {
    const fn when(short: bool) -> Self {
        if short { Self::End } else { Self::MoreRows }
    }
}

impl RecipientTable {
    pub fn visible(&self, height: usize) -> impl Iterator<Item = &ListedPerson> {
        self.rows.iter().skip(self.top).take(height)
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What the database has of somebody's sale by now, before their row is read again: the next amount is compared with it.
    pub fn note_amount(&mut self, id: RecipientId, amount: Decimal) {
        if let Some(person) = self.rows.iter_mut().find(|person| person.row.id == id) {
            person.row.amount = Some(amount);
        }
    }

    pub fn get(&self, id: RecipientId) -> Option<&ListedPerson> {
        self.rows.iter().find(|person| person.row.id == id)
    }

    /// Whether these are the rows kept, in their order.
    pub fn is_list(&self, rows: &[RecipientRow]) -> bool {
        self.rows.len() == rows.len() && self.rows.iter().zip(rows).all(|(person, row)| person.row == *row)
    }

    pub const fn cursor(&self) -> Option<RecipientId> {
        self.cursor
    }

    pub fn at_cursor(&self) -> Option<&ListedPerson> {
        self.get(self.cursor?)
    }

    fn index(&self) -> Option<usize> {
        self.rows.iter().position(|person| Some(person.row.id) == self.cursor)
    }

    /// The cursor's place in the whole list, from 1, where it is known.
    pub fn position(&self) -> Option<i64> {
        let index = i64::try_from(self.index()?).ok()?;
        self.before.map(|before| before + index + 1)
    }

    /// How many people in the list no longer match its filter: of those who are read, and those who were marked above or below them.
    pub fn left(&self) -> usize {
        let known = self.known().filter(|person| !self.scope.still_holds(&person.row));
        let unseen = self.left_unseen.iter().filter(|id| self.get(**id).is_none());
        known.count() + unseen.count()
    }

    /// What was done to somebody is taken back: where they are among the rows kept, their row says what they match.
    pub fn come_back(&mut self, id: RecipientId) {
        self.left_unseen.remove(&id);
    }

    /// Somebody who was listed has another status now. Of whoever is among the rows kept, their row says so.
    pub fn note_status(&mut self, id: RecipientId, status: Status) {
        if self.scope.holds_at(status) {
            self.left_unseen.remove(&id);
        } else if self.get(id).is_none() {
            self.left_unseen.insert(id);
        }
    }

    fn known(&self) -> impl Iterator<Item = &ListedPerson> {
        let read: HashSet<RecipientId> = self.rows.iter().map(|person| person.row.id).collect();
        self.rows.iter().chain(self.stay.iter().filter(move |person| !read.contains(&person.row.id)))
    }

    /// How many changes are not shown: those since the list was frozen, without the rows that changed in place.
    pub fn newer(&self) -> Option<Total> {
        let as_of = self.as_of?;
        let in_place =
            self.known().filter(|person| person.row.changed_at > as_of && self.scope.still_holds(&person.row));
        let in_place = i64::try_from(in_place.count()).unwrap_or(i64::MAX);
        match self.changed_since? {
            Total::Exactly(changed) => Some(changed - in_place).filter(|newer| *newer > 0).map(Total::Exactly),
            Total::AtLeast(changed) => Some(Total::AtLeast(changed)),
        }
    }

    /// Whether exactly one person is listed, and nobody else could be.
    pub fn is_single(&self) -> bool {
        self.rows.len() == 1 && self.reaches == WindowEdges { start: WindowEdge::End, end: WindowEdge::End }
    }

    /// Whether a find put the cursor on one of several.
    pub fn is_one_of_several(&self) -> bool {
        self.is_put_by_find && !self.is_single()
    }

    /// Whether keys have to wait: for the list, or for all who are to be marked.
    pub const fn is_awaited(&self) -> bool {
        self.awaiting.is_some() || self.gathering
    }

    /// Freezes the list as it stands, if its order could change.
    pub fn freeze(&mut self) {
        if self.order == ListOrder::NewestChange && self.as_of.is_none() {
            let of_rows = self.rows.iter().map(|person| person.row.changed_at).max();
            self.as_of = of_rows.max(self.newest);
        }
    }

    pub const fn thaw(&mut self) {
        self.as_of = None;
        self.changed_since = None;
    }

    /// Takes newer rows of people who are in the list, in place. Says whether anything differs.
    pub fn refresh(&mut self, rows: Vec<RecipientRow>) -> super::Changed {
        let mut changed = super::Changed::No;
        for row in rows {
            let kept = self.rows.iter_mut().chain(&mut self.stay).filter(|person| person.row.id == row.id);
            for person in kept.filter(|person| person.row != row) {
                person.row = row.clone();
                changed = super::Changed::Yes;
            }
        }
        changed
    }

    /// Keeps somebody who was marked in their place until the list is left.
    pub fn keep(&mut self, id: RecipientId) {
        if self.stay.iter().all(|person| person.row.id != id) {
            self.stay.extend(self.get(id).cloned());
        }
    }

    pub fn toggle_mark(&mut self, id: RecipientId) {
        if self.marked.remove(&id).is_none() {
            let by_hand = self.get(id).map(|person| HandMarked::of(&person.row));
            self.marked.insert(id, by_hand);
        }
    }

    /// Who is listed and still matches, as far as the status decides it.
    pub fn matching(&self) -> impl Iterator<Item = RecipientId> {
        self.rows.iter().filter(|person| self.scope.still_holds(&person.row)).map(|person| person.row.id)
    }

    /// Whether somebody is marked who is not to be seen in this list.
    pub fn has_hidden_marks(&self) -> bool {
        self.marked.keys().any(|id| self.get(*id).is_none())
    }
}

/// The page that was requested: where it begins, and how many rows at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    pub anchor: Anchor,
    pub limit: u32,
}

#[cfg(test)]
mod tests;
