//! What happened, newest first: a window from the newest event down to where one has scrolled. Events never change, so nothing
//! moves: newer ones are counted, and come in when they are asked for.

mod seeing;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use ratatui::layout::Rect;

use super::{Changed, CursorMove, Model, Pane, Shown};
use crate::app::view::{ActivityEvent, ActivityHead, ActivityPage, ActivityPosition, ActivityRow, RecipientRow, Total};
use crate::domain::ids::RecipientId;
use crate::domain::status::Status;
use crate::domain::unseen::Unseen;
use crate::tui::layout::{Layout, activity_rows};

use seeing::Seeing;

/// The most events that are kept; older ones are for the command line.
pub const ACTIVITY_MAX: usize = 5_000;

/// The fourth pane.
#[derive(Debug, Clone)]
pub struct ActivityFeed {
    /// What is new of it, once that is read.
    pub head: Option<ActivityHead>,
    /// When that was read last.
    pub head_at: DateTime<Utc>,
    rows: Vec<ActivityRow>,
    /// The present rows of the people in it.
    people: HashMap<RecipientId, RecipientRow>,
    cursor: Option<ActivityPosition>,
    /// The first visible event, an index.
    top: usize,
    /// The newest request; completions of older ones are dropped.
    pub ticket: u64,
    /// The request whose completion replaces the list because a key asked for it.
    pub awaiting: Option<u64>,
    /// Whether an older page is being read.
    pub is_fetching: bool,
    reaches_end: bool,
    pub shown: Shown,
    /// What was unseen when the operator began to look: it is marked as new.
    news: Option<Unseen>,
    seeing: Seeing,
}

impl ActivityFeed {
    /// Nothing read yet, in a window that was opened now.
    pub fn opened(now: DateTime<Utc>) -> Self {
        Self {
            head: None,
            head_at: now,
            rows: Vec::new(),
            people: HashMap::new(),
            cursor: None,
            top: 0,
            ticket: 0,
            awaiting: None,
            is_fetching: false,
            reaches_end: false,
            shown: Shown::Yes,
            news: None,
            seeing: Seeing::default(),
        }
    }

    pub fn visible(&self, height: usize) -> impl Iterator<Item = &ActivityRow> {
        self.rows.iter().skip(self.top).take(height)
    }

    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn newest(&self) -> Option<DateTime<Utc>> {
        self.rows.first().map(|row| row.place.at)
    }

    pub const fn cursor(&self) -> Option<ActivityPosition> {
        self.cursor
    }

    fn index(&self) -> Option<usize> {
        let cursor = self.cursor?;
        self.rows.iter().position(|row| row.place == cursor)
    }

    pub fn at_cursor(&self) -> Option<&ActivityRow> {
        self.rows.get(self.index()?)
    }

    /// The person of the event at the cursor, as they are now.
    pub fn person(&self) -> Option<&RecipientRow> {
        self.person_of(self.at_cursor()?)
    }

    /// What became of an answer.
    pub fn answer_of(&self, row: &ActivityRow) -> Option<Status> {
        match &row.event {
            ActivityEvent::Act { answer: Some(answer), .. } => self.people.get(answer).map(|row| row.status),
            _ => None,
        }
    }

    pub fn person_of(&self, row: &ActivityRow) -> Option<&RecipientRow> {
        self.people.get(&row.recipient?)
    }

    /// Whether anybody's own words are in it.
    pub fn has_replies(&self) -> bool {
        self.rows.iter().any(|row| matches!(row.event, ActivityEvent::Reply { .. }))
    }

    /// How many events are new to the operator.
    pub fn unread(&self) -> Option<Total> {
        self.head.as_ref().map(|head| head.unread).filter(|unread| unread.number() > 0)
    }

    /// Whether any of them is newer than the list.
    pub fn has_newer(&self) -> bool {
        self.head.as_ref().and_then(|head| head.newest) > self.newest()
    }

    /// Whether some were passed over: newer ones were on the screen, these were not.
    pub fn passed_over(&self) -> bool {
        self.head.as_ref().is_some_and(|head| !head.unseen.passed_over().is_empty())
    }

    /// Whether an event is new to an operator who looks at it now: their own acts never are.
    pub fn is_new(&self, row: &ActivityRow, operator: &str) -> bool {
        let unseen = self.news.as_ref().or(self.head.as_ref().map(|head| &head.unseen));
        row.event.by() != Some(operator) && unseen.is_some_and(|unseen| unseen.contains(row.place.at))
    }

    /// What was new until now is no news any more.
    pub fn look_anew(&mut self) {
        self.news = None;
    }

    /// Replaces the list. The cursor stays on its event, if that is in it.
    pub fn reload(&mut self, page: ActivityPage, limit: u32, height: usize) {
        self.reaches_end = page.rows.len() < limit as usize;
        self.rows = page.rows;
        self.people.clear();
        self.is_fetching = false;
        self.add_people(page.people);
        self.top = 0;
        if self.index().is_none() {
            self.cursor = self.rows.first().map(|row| row.place);
        }
        self.shown = Shown::NotYet;
        self.reveal(height);
    }

    /// Appends a page of older events.
    pub fn append(&mut self, page: ActivityPage, limit: u32) {
        self.is_fetching = false;
        self.reaches_end = page.rows.len() < limit as usize || self.rows.len() >= ACTIVITY_MAX;
        let last = self.rows.last().map(|row| row.place);
        self.rows.extend(page.rows.into_iter().filter(|row| last.is_none_or(|last| row.place < last)));
        self.add_people(page.people);
    }

    /// Puts the cursor on an event that is here.
    pub const fn choose(&mut self, place: ActivityPosition) {
        self.cursor = Some(place);
    }

    /// Forgets who was chosen: the next list begins at its newest event.
    pub const fn forget_choice(&mut self) {
        self.cursor = None;
    }

    fn add_people(&mut self, people: Vec<RecipientRow>) {
        self.people.extend(people.into_iter().map(|row| (row.id, row)));
    }

    /// Takes newer rows of people who are in it.
    pub fn refresh(&mut self, rows: &[RecipientRow]) -> Changed {
        let mut changed = Changed::No;
        for row in rows {
            if let Some(held) = self.people.get_mut(&row.id).filter(|held| *held != row) {
                *held = row.clone();
                changed = Changed::Yes;
            }
        }
        changed
    }

    /// Whether this person's row is the one that it has, if it has any of theirs.
    pub fn has(&self, row: &RecipientRow) -> bool {
        self.people.get(&row.id).is_none_or(|held| held == row)
    }

    pub fn step(&mut self, movement: CursorMove, height: usize) {
        let Some(last) = self.rows.len().checked_sub(1) else { return };
        let by = match movement {
            CursorMove::Rows(rows) => rows,
            CursorMove::Pages(pages) => pages.saturating_mul(height.max(1).cast_signed()),
        };
        let to = self.index().map_or(self.top, |at| at.saturating_add_signed(by)).min(last);
        self.cursor = self.rows.get(to).map(|row| row.place);
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

    /// Where the next page begins, if less than a screen is left below.
    pub fn wanted(&self, height: usize) -> Option<ActivityPosition> {
        let is_settled = self.is_fetching || self.awaiting.is_some() || self.reaches_end;
        let below = self.rows.len().saturating_sub(self.top + height);
        self.rows.last().filter(|_| !is_settled && below < height).map(|row| row.place)
    }

    /// The people in the visible lines.
    pub fn visible_people(&self, height: usize) -> Vec<RecipientId> {
        let mut people: Vec<RecipientId> = self.visible(height).flat_map(ActivityRow::people).collect();
        people.sort_unstable();
        people.dedup();
        people
    }
}

impl Model {
    /// Where the activity is: beside the recipients on large screens, else in their place while it has the focus.
    pub fn activity_area(&self) -> Option<Rect> {
        match (self.layout(), self.focus) {
            (Layout::Large { activity, .. } | Layout::Wide { activity: Some(activity), .. }, _) => Some(activity),
            (Layout::Wide { people, .. } | Layout::Stacked { people, .. }, Pane::Activity) => Some(people),
            (Layout::Single { pane }, Pane::Activity) => Some(pane),
            _ => None,
        }
    }

    /// How many events the activity shows.
    pub fn activity_rows(&self) -> usize {
        self.activity_area().map_or(1, activity_rows)
    }
}
