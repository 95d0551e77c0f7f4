//! Acts of this window that the database has not confirmed: what was typed is no mark before that.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::recipient::Mark;
use crate::tui::effect::WriteRequest;

/// An act that `u` does not take back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoUndo {
    /// `a cart`.
    pub what: &'static str,
    /// It was said: the next time the act before it is asked about.
    pub is_said: bool,
}

/// An act that takes longer is said to be unconfirmed: a far database answers within this time.
const SOON: TimeDelta = TimeDelta::seconds(2);

/// The acts that were begun and have not ended, oldest first. Of those that may take minutes only the large ones, which are not overdue.
#[derive(Debug, Clone, Default)]
pub struct Unwritten {
    acts: Vec<BegunAct>,
    /// An amount that the key being handled keeps: its act begins once that is done.
    kept: Option<(RecipientId, Decimal)>,
}

#[derive(Debug, Clone)]
struct BegunAct {
    request: WriteRequest,
    /// Whom it is about, as the screen said when it was begun: they need not be listed when it ends.
    about: String,
    at: DateTime<Utc>,
}

impl Unwritten {
    pub fn begin(&mut self, request: &WriteRequest, about: String, at: DateTime<Utc>) {
        self.kept = None;
        if !request.takes_long() || request.is_large_act() {
            self.acts.push(BegunAct { request: request.clone(), about, at });
        }
    }

    /// When it was begun, where it was begun here.
    pub fn begun_at(&self, request: &WriteRequest) -> Option<DateTime<Utc>> {
        self.acts.iter().find(|begun| begun.request == *request).map(|begun| begun.at)
    }

    /// Whom it was about, where it was begun here.
    pub fn end(&mut self, request: &WriteRequest) -> Option<String> {
        let place = self.acts.iter().position(|begun| begun.request == *request)?;
        Some(self.acts.remove(place).about)
    }

    pub const fn is_empty(&self) -> bool {
        self.acts.is_empty()
    }

    /// When the oldest of them is said to be unconfirmed.
    pub fn overdue_at(&self) -> Option<DateTime<Utc>> {
        self.soon_written().next().map(|begun| begun.at + SOON)
    }

    fn soon_written(&self) -> impl Iterator<Item = &BegunAct> {
        self.acts.iter().filter(|begun| !begun.request.is_large_act())
    }

    /// How many there are, and since when: nothing as long as all of them are new.
    pub fn overdue(&self, now: DateTime<Utc>) -> Option<(usize, DateTime<Utc>)> {
        let oldest = self.soon_written().next()?.at;
        (oldest + SOON <= now).then(|| (self.soon_written().count(), oldest))
    }

    /// How many would be left behind by somebody who leaves now, and how many of them go on: none as long as all of them are new.
    pub fn left_behind(&self, now: DateTime<Utc>, goes_on: impl Fn(&WriteRequest) -> bool) -> Option<(usize, usize)> {
        let (acts, _) = self.waiting().filter(|(_, begun)| *begun + SOON <= now)?;
        Some((acts, self.acts.iter().filter(|begun| goes_on(&begun.request)).count()))
    }

    /// How many there are and since when, however new and however large they are.
    pub fn waiting(&self) -> Option<(usize, DateTime<Utc>)> {
        self.acts.first().map(|begun| (self.acts.len(), begun.at))
    }

    /// Says that an amount is kept by the key being handled.
    pub const fn keep(&mut self, person: RecipientId, amount: Decimal) {
        self.kept = Some((person, amount));
    }

    /// The newest amount of somebody's sale among them.
    pub fn amount_of(&self, person: RecipientId) -> Option<Decimal> {
        let kept = self.kept.filter(|(of, _)| *of == person).map(|(_, amount)| amount);
        kept.or_else(|| self.begun_amount_of(person))
    }

    fn begun_amount_of(&self, person: RecipientId) -> Option<Decimal> {
        self.acts.iter().rev().find_map(|begun| begun.request.amount_of(person))
    }

    /// Whether the start of a blast is among them.
    pub fn starts(&self, blast: BlastId) -> bool {
        let is_its_start = |request: &WriteRequest| matches!(request, WriteRequest::Launch(launch) | WriteRequest::Resume(launch) if launch.blast == blast);
        self.acts.iter().any(|begun| is_its_start(&begun.request))
    }

    /// Whether somebody's sale is among them.
    pub fn closes(&self, person: RecipientId) -> bool {
        let is_theirs = |request: &WriteRequest| matches!(request, WriteRequest::Mark { person: of, mark: Mark::Closed(_) } if *of == person);
        self.acts.iter().any(|begun| is_theirs(&begun.request))
    }
}
