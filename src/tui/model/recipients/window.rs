//! How the window over the list moves and is filled: reloads, further pages, trimming.

use std::cmp::Ordering;

use super::{
    CursorMove, CursorTarget, ListDirection, ListedPerson, PageRequest, RecipientTable, Shown, WantedPage, WindowEdge,
    WindowEdges,
};
use crate::app::view::{Anchor, RecipientRow, Total};
use crate::domain::ids::RecipientId;

impl RecipientTable {
    /// Replaces the list.
    pub fn reload(&mut self, rows: Vec<RecipientRow>, asked: PageRequest, height: usize) {
        let short = WindowEdge::when(rows.len() < asked.limit as usize);
        self.reaches = match asked.anchor {
            Anchor::End => WindowEdges { start: short, end: WindowEdge::End },
            Anchor::From(_) => WindowEdges { start: WindowEdge::MoreRows, end: short },
            _ => WindowEdges { start: WindowEdge::End, end: short },
        };
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        self.before = match (asked.anchor, self.total) {
            _ if self.reaches.start == WindowEdge::End => Some(0),
            (Anchor::End, Some(Total::Exactly(total))) => Some((total - count).max(0)),
            _ => None,
        };
        if !self.is_list(&rows) {
            self.top = 0;
        }
        self.rows = rows.into_iter().map(person).collect();
        self.stay.clear();
        self.left_unseen.clear();
        self.is_unread = false;
        self.fetching = None;
        self.arrive(asked.anchor, height);
    }

    /// Another list was asked for, and could not be read: the people of the one before are not in it.
    pub fn lose(&mut self) {
        self.rows.clear();
        self.stay.clear();
        (self.top, self.before) = (0, None);
        self.is_unread = true;
    }

    fn arrive(&mut self, anchor: Anchor, height: usize) {
        let first = self.rows.front().map(|person| person.row.id);
        let last = self.rows.back().map(|person| person.row.id);
        let listed = |id: RecipientId| self.get(id).map(|person| person.row.id);
        self.cursor = match self.target {
            // Whoever stands where somebody stood who moved elsewhere in the list meanwhile is not meant.
            CursorTarget::Keep if matches!(anchor, Anchor::From(_)) => self.cursor.and_then(listed),
            CursorTarget::Keep => self.cursor.and_then(listed).or(first),
            CursorTarget::First => first,
            CursorTarget::Last => last,
            CursorTarget::Person(id) => listed(id),
        };
        self.target = CursorTarget::Keep;
        self.must_be_seen();
        self.reveal(height);
    }

    /// Marks wait until the operator can have seen whom they would hit; of a single person there is no doubt.
    pub fn must_be_seen(&mut self) {
        self.shown = if self.is_single() { Shown::Yes } else { Shown::NotYet };
    }

    /// Sets who is chosen once the requested list is here; nobody until then.
    pub const fn choose(&mut self, person: Option<RecipientId>) {
        self.cursor = person;
        self.is_put_by_find = false;
    }

    /// Appends a requested page.
    pub fn take_after(&mut self, rows: Vec<RecipientRow>, limit: u32, height: usize) {
        self.fetching = None;
        self.reaches.end = WindowEdge::when(rows.len() < limit as usize);
        let page: Vec<ListedPerson> = rows.into_iter().map(person).collect();
        let to = page.last().cloned().filter(|_| self.reaches.end == WindowEdge::MoreRows);
        let range = PlaceRange { after: self.rows.back().cloned(), before: to };
        let page = self.with_those_who_stay(page, &range);
        self.rows.extend(page);
        self.trim(height);
    }

    /// Prepends a requested page.
    pub fn take_before(&mut self, rows: Vec<RecipientRow>, limit: u32, height: usize) {
        self.fetching = None;
        self.reaches.start = WindowEdge::when(rows.len() < limit as usize);
        let page: Vec<ListedPerson> = rows.into_iter().map(person).collect();
        let from = page.first().cloned().filter(|_| self.reaches.start == WindowEdge::MoreRows);
        let range = PlaceRange { after: from, before: self.rows.front().cloned() };
        let page = self.with_those_who_stay(page, &range);
        let added = page.len();
        self.before = match self.reaches.start {
            WindowEdge::End => Some(0),
            WindowEdge::MoreRows => self.before.map(|before| (before - i64::try_from(added).unwrap_or(0)).max(0)),
        };
        for person in page.into_iter().rev() {
            self.rows.push_front(person);
        }
        // Where few people follow, the rows before them fill the screen.
        self.top = (self.top + added).min(self.rows.len().saturating_sub(height));
        self.reveal(height);
        self.trim(height);
    }

    /// A page and the marked people whose place is in it: those who no longer match are not in the database's answer.
    fn with_those_who_stay(&self, mut page: Vec<ListedPerson>, range: &PlaceRange) -> Vec<ListedPerson> {
        page.retain(|person| self.get(person.row.id).is_none());
        let within = |person: &ListedPerson| {
            range.after.as_ref().is_none_or(|edge| self.compare(person, edge).is_gt())
                && range.before.as_ref().is_none_or(|edge| self.compare(person, edge).is_lt())
        };
        for person in self.stay.iter().filter(|person| within(person) && self.get(person.row.id).is_none()) {
            if page.iter().all(|other| other.row.id != person.row.id) {
                let at = page.partition_point(|other| self.compare(other, person).is_lt());
                page.insert(at, person.clone());
            }
        }
        page
    }

    fn compare(&self, a: &ListedPerson, b: &ListedPerson) -> Ordering {
        let (order, direction) = self.order.reading(self.direction);
        let ordering = order.compare((a.place, &a.row), (b.place, &b.row));
        if direction == ListDirection::Reversed { ordering.reverse() } else { ordering }
    }

    /// Moves the cursor, within the rows that are here. From nobody, the first visible row.
    pub fn step(&mut self, movement: CursorMove, height: usize) {
        let Some(last) = self.rows.len().checked_sub(1) else { return };
        let to = match (self.index(), movement) {
            (None, _) => self.top.min(last),
            (Some(at), CursorMove::Rows(rows)) => at.saturating_add_signed(rows).min(last),
            (Some(at), CursorMove::Pages(pages)) => {
                at.saturating_add_signed(pages.saturating_mul(height.max(1).cast_signed())).min(last)
            }
        };
        self.cursor = self.rows.get(to).map(|person| person.row.id);
        self.is_put_by_find = false;
        self.reveal(height);
    }

    /// Scrolls as little as it takes to show the cursor.
    pub fn reveal(&mut self, height: usize) {
        let height = height.max(1);
        if let Some(at) = self.index() {
            self.top = self.top.min(at).max((at + 1).saturating_sub(height));
        }
        self.top = self.top.min(self.rows.len().saturating_sub(1));
    }

    /// The page to request now, if less than a screen is left on one side of the window.
    pub fn wanted(&self, height: usize) -> Option<WantedPage> {
        if self.fetching.is_some() || self.awaiting.is_some() {
            return None;
        }
        let below = self.rows.len().saturating_sub(self.top + height);
        match (self.rows.front(), self.rows.back()) {
            (_, Some(last)) if below < height && self.reaches.end == WindowEdge::MoreRows => {
                Some(WantedPage::After(last.place))
            }
            (Some(first), _) if self.top < height && self.reaches.start == WindowEdge::MoreRows => {
                Some(WantedPage::Before(first.place))
            }
            _ => None,
        }
    }

    /// Whether the cursor is on the list's first row.
    pub fn is_cursor_first(&self) -> bool {
        self.is_at_start() && self.rows.front().is_some_and(|person| Some(person.row.id) == self.cursor())
    }

    pub fn is_at_start(&self) -> bool {
        self.top == 0 && self.reaches.start == WindowEdge::End
    }

    /// Keeps the visible rows and two screens either side.
    fn trim(&mut self, height: usize) {
        let spare = 2 * height.max(1);
        let excess = self.top.saturating_sub(spare);
        if excess > 0 {
            self.rows.drain(..excess);
            self.top -= excess;
            self.before = self.before.map(|before| before + i64::try_from(excess).unwrap_or(0));
            self.reaches.start = WindowEdge::MoreRows;
        }
        let keep = self.top + height + spare;
        if self.rows.len() > keep {
            self.rows.truncate(keep);
            self.reaches.end = WindowEdge::MoreRows;
        }
    }
}

/// The part of the order that a page fills, its edges excluded.
#[derive(Debug, Clone)]
struct PlaceRange {
    after: Option<ListedPerson>,
    before: Option<ListedPerson>,
}

fn person(row: RecipientRow) -> ListedPerson {
    let place = row.place();
    ListedPerson { row, place }
}
