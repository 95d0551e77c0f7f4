//! Which blasts are listed while a filter narrows the list down. Whoever works in the list loses no row to news: what is listed stays
//! until they leave the list or ask for the newest.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::blasts::BlastList;
use super::{Model, Pane, Prompt};
use crate::app::view::BlastView;
use crate::domain::filter::blasts::{BlastSearch, SearchedBlast};
use crate::domain::ids::BlastId;

/// A filter of the list of blasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NarrowedBlasts {
    /// As it was typed.
    pub text: String,
    search: BlastSearch,
    /// Those that it found when the blasts were read last.
    found: HashSet<BlastId>,
    /// Those that are listed: beside what it finds what it found before, while somebody works in the list.
    listed: HashSet<BlastId>,
}

/// What becomes of listed blasts that the filter finds no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptRows {
    Listed,
    Dropped,
}

fn finds(search: &BlastSearch, row: &BlastView, now: DateTime<Utc>) -> bool {
    search.finds(SearchedBlast {
        tag: &row.tag,
        stage: &row.follow_up_stage,
        state: row.state,
        shown: row.shown_state(now),
        date: row.blast_date,
    })
}

impl NarrowedBlasts {
    pub fn lists(&self, id: BlastId) -> bool {
        self.listed.contains(&id)
    }

    /// Lists a blast whether it is found or not.
    pub fn list(&mut self, id: BlastId) {
        self.listed.insert(id);
    }

    /// How many are listed that it finds no more.
    pub fn left(&self) -> usize {
        self.listed.difference(&self.found).count()
    }
}

impl BlastList {
    /// Lists what a search finds, and nothing else; everything where it asks for nothing.
    pub fn narrow(&mut self, text: &str, search: BlastSearch, now: DateTime<Utc>) {
        if search.is_everything() {
            return self.put_filter(None);
        }
        let (found, listed) = (HashSet::new(), HashSet::new());
        self.put_filter(Some(NarrowedBlasts { text: text.to_owned(), search, found, listed }));
        self.list_found(now, KeptRows::Dropped);
    }

    /// Looks again what the filter finds, if there is one.
    pub fn list_found(&mut self, now: DateTime<Utc>, kept: KeptRows) {
        let Some(mut narrowed) = self.filter().cloned() else { return };
        let found = self.rows().iter().filter(|row| finds(&narrowed.search, row, now));
        narrowed.found = found.map(|row| row.id).collect();
        let here: HashSet<_> = self.rows().iter().map(|row| row.id).collect();
        narrowed.listed.retain(|id| kept == KeptRows::Listed && here.contains(id));
        narrowed.listed.extend(&narrowed.found);
        self.put_filter(Some(narrowed));
    }
}

impl Model {
    /// Looks again what the filter of the blasts finds. What somebody works on stays listed, and so does the blast whose funnel is
    /// shown; while the filter is being typed there is no such blast.
    pub fn list_found_blasts(&mut self) {
        let is_typed = matches!(self.prompt, Some(Prompt::BlastFilter(_)));
        let is_worked_in = self.focus == Pane::Blasts;
        self.blasts.list_found(self.now, if is_worked_in { KeptRows::Listed } else { KeptRows::Dropped });
        let cursor = self.blasts.selected().map(|blast| blast.id);
        if let Some(cursor) = cursor.filter(|_| !is_typed) {
            self.blasts.select(cursor);
        }
    }
}
