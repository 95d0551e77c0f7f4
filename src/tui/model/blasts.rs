//! The list of blasts. Its cursor is a blast, whatever row that is in.

use std::collections::{HashMap, HashSet};

use super::{BlastSorting, NarrowedBlasts};
use crate::app::view::BlastView;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;

/// The funnel's rows, from the top.
pub const STAGES: [Status; 5] = [Status::Sent, Status::Delivered, Status::Read, Status::Replied, Status::Closed];

/// A stage's name as the funnel spells it.
pub const fn stage_label(stage: Status) -> &'static str {
    match stage {
        Status::Sent => "Sent",
        Status::Delivered => "Received",
        Status::Read => "Read",
        Status::Replied => "Replied",
        Status::Closed => "Closed",
        other => other.label(),
    }
}

/// How deep a follow-up is indented at most.
const DEPTH_MAX: usize = 3;

/// The list of blasts, newest first.
#[derive(Debug, Clone, Default)]
pub struct BlastList {
    /// `None` until they are read.
    rows: Option<Vec<BlastView>>,
    cursor: Option<BlastId>,
    sorting: BlastSorting,
    /// The filter, if there is one.
    narrowed: Option<NarrowedBlasts>,
    /// Those that are to be compared, in the order in which they were marked.
    marked: Vec<BlastId>,
}

impl BlastList {
    /// Opens on this blast, if it exists.
    pub const fn opening(open: Option<BlastId>) -> Self {
        Self { rows: None, cursor: open, sorting: BlastSorting::NEWEST, narrowed: None, marked: Vec::new() }
    }

    /// Every blast, listed or not.
    pub fn rows(&self) -> &[BlastView] {
        self.rows.as_deref().unwrap_or_default()
    }

    pub const fn is_loaded(&self) -> bool {
        self.rows.is_some()
    }

    /// Whether nothing is read yet, and no blast is chosen.
    pub const fn is_unchosen(&self) -> bool {
        self.rows.is_none() && self.cursor.is_none()
    }

    pub fn get(&self, id: BlastId) -> Option<&BlastView> {
        self.rows().iter().find(|blast| blast.id == id)
    }

    pub fn selected(&self) -> Option<&BlastView> {
        self.get(self.cursor?)
    }

    pub const fn filter(&self) -> Option<&NarrowedBlasts> {
        self.narrowed.as_ref()
    }

    /// Puts a filter in the place of the one before, as it is.
    pub fn put_filter(&mut self, filter: Option<NarrowedBlasts>) {
        self.narrowed = filter;
    }

    /// The blasts that are listed, from the top.
    pub fn shown(&self) -> impl Iterator<Item = &BlastView> {
        self.rows().iter().filter(|blast| self.lists(blast.id))
    }

    /// Whether a blast is listed, if there is one.
    pub fn lists(&self, id: BlastId) -> bool {
        self.narrowed.as_ref().is_none_or(|narrowed| narrowed.lists(id))
    }

    /// The blast in a row of the list, from 0.
    pub fn listed_at(&self, row: usize) -> Option<BlastId> {
        self.shown().nth(row).map(|blast| blast.id)
    }

    /// The row of the cursor, among those that are listed.
    pub fn position(&self) -> Option<usize> {
        self.shown().position(|blast| Some(blast.id) == self.cursor)
    }

    /// Takes a new list. The cursor stays on its blast; a blast that is gone leaves it to the one now in its row.
    /// Says whether anything differs from before.
    pub fn take(&mut self, rows: Vec<BlastView>) -> Changed {
        let before = self.position().unwrap_or_default();
        let is_as_given = self.sorting == BlastSorting::NEWEST;
        let rows = families(if is_as_given { rows } else { self.sorting.sorted(rows) });
        let changed = self.rows.as_ref() != Some(&rows);
        self.rows = Some(rows);
        let here = std::mem::take(&mut self.marked);
        self.marked = here.into_iter().filter(|id| self.get(*id).is_some()).collect();
        if self.selected().is_none() {
            let row = self.shown().nth(before).or_else(|| self.shown().last()).or_else(|| self.rows().first());
            self.cursor = row.map(|blast| blast.id);
        }
        if changed { Changed::Yes } else { Changed::No }
    }

    /// Whether these are the blasts that it has, as it has them.
    pub fn has(&self, rows: &[BlastView]) -> bool {
        self.is_loaded() && self.rows().len() == rows.len() && rows.iter().all(|row| self.get(row.id) == Some(row))
    }

    pub fn marked(&self) -> &[BlastId] {
        &self.marked
    }

    /// Marks a blast, or unmarks it; `false` where so many are marked already.
    pub fn toggle_mark(&mut self, id: BlastId, most: usize) -> bool {
        if let Some(at) = self.marked.iter().position(|marked| *marked == id) {
            self.marked.remove(at);
            return true;
        }
        let has_room = self.marked.len() < most;
        if has_room {
            self.marked.push(id);
        }
        has_room
    }

    pub fn unmark(&mut self) {
        self.marked.clear();
    }

    pub const fn sorting(&self) -> BlastSorting {
        self.sorting
    }

    /// The next order, from its beginning.
    pub fn sort_by_next(&mut self) {
        self.sorting = self.sorting.next();
        self.arrange();
    }

    /// The same order from its other end.
    pub fn reverse(&mut self) {
        self.sorting.is_reversed = !self.sorting.is_reversed;
        self.arrange();
    }

    fn arrange(&mut self) {
        if let Some(rows) = self.rows.take() {
            self.rows = Some(families(self.sorting.sorted(rows)));
        }
    }

    /// Puts one blast's newer row in its place.
    pub fn update(&mut self, row: BlastView) {
        if let Some(held) = self.rows.iter_mut().flatten().find(|blast| blast.id == row.id) {
            *held = row;
        }
    }

    /// Puts a new blast at the top, or its newer row in its place.
    pub fn insert(&mut self, row: BlastView) {
        if self.get(row.id).is_some() {
            return self.update(row);
        }
        let mut rows = vec![row];
        rows.extend(self.rows().iter().cloned());
        self.take(rows);
    }

    pub fn remove(&mut self, id: BlastId) {
        let rest: Vec<BlastView> = self.rows().iter().filter(|blast| blast.id != id).cloned().collect();
        self.take(rest);
    }

    /// Puts the cursor on a blast, which is listed from then on.
    pub fn select(&mut self, id: BlastId) {
        self.cursor = Some(id);
        if let Some(narrowed) = &mut self.narrowed {
            narrowed.list(id);
        }
    }

    /// How deep a blast stands under the one that it follows, where that is listed.
    pub fn depth(&self, row: &BlastView) -> usize {
        let parent = |id: BlastId| self.get(id).and_then(|parent| parent.follows);
        let is_above = |id: &BlastId| self.get(*id).is_some() && self.lists(*id);
        let above = std::iter::successors(row.follows.filter(is_above), |id| parent(*id).filter(is_above));
        above.take(DEPTH_MAX).count()
    }

    /// Moves the cursor by rows, within the list.
    pub fn step(&mut self, by: isize) {
        let last = self.shown().count().saturating_sub(1);
        let to = self.position().unwrap_or_default().saturating_add_signed(by).min(last);
        self.cursor = self.listed_at(to).or(self.cursor);
    }
}

/// Each blast with its follow-ups right below it, the first one first; the rest of the order stays.
fn families(rows: Vec<BlastView>) -> Vec<BlastView> {
    if rows.iter().all(|row| row.follows.is_none()) {
        return rows;
    }
    let here: HashSet<BlastId> = rows.iter().map(|row| row.id).collect();
    let is_root = |row: &&BlastView| row.follows.is_none_or(|parent| !here.contains(&parent));
    let mut children: HashMap<BlastId, Vec<&BlastView>> = HashMap::new();
    for row in &rows {
        if let Some(parent) = row.follows.filter(|parent| *parent != row.id) {
            children.entry(parent).or_default().push(row);
        }
    }
    let mut placed: Vec<BlastView> = Vec::with_capacity(rows.len());
    let mut open: Vec<&BlastView> = rows.iter().filter(is_root).rev().collect();
    while let Some(row) = open.pop() {
        placed.push(row.clone());
        // The newest comes first in the list: pushed in this order, the oldest is popped first.
        open.extend(children.get(&row.id).into_iter().flatten().copied());
    }
    // Rows that somebody edited may follow each other in a ring, with no first among them.
    if placed.len() < rows.len() {
        let found: HashSet<BlastId> = placed.iter().map(|row| row.id).collect();
        placed.extend(rows.iter().filter(|row| !found.contains(&row.id)).cloned());
    }
    placed
}

/// Whether what was read differs from before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    Yes,
    No,
}

/// How many are stuck at a stage; `None` at the last one, where nobody can be.
pub const fn stuck_at(blast: &BlastView, stage: Status) -> Option<i64> {
    let stuck = blast.stuck();
    match stage {
        Status::Sent => Some(stuck.sent),
        Status::Delivered => Some(stuck.delivered),
        Status::Read => Some(stuck.read),
        Status::Replied => Some(stuck.replied),
        _ => None,
    }
}
