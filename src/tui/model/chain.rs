//! A blast and its follow-ups as one.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::{ListScope, Model, Overlay, Pane, STAGES};
use crate::app::FoundFollowUp;
use crate::app::view::{BlastView, FollowUpResponses};
use crate::domain::filter;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;

/// Who came back after the follow-ups of a blast, and of which counts that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReading {
    pub blast: BlastId,
    /// What the blast and its follow-ups had come to.
    pub read_at: Vec<ChainCounts>,
    /// `None` until it is read.
    pub came_back: Option<FollowUpResponses>,
}

/// A blast, how many had replied there and bought, and what they paid.
pub type ChainCounts = (BlastId, i64, i64, Decimal);

/// The longest chain that is followed: rows that somebody edited may follow each other in a ring.
const DEPTH_MAX: usize = 100;

/// How many of those who failed in a blast may be tried again, as it was read last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryReading {
    pub blast: BlastId,
    /// How many had failed then.
    pub failed: i64,
    /// `None` until it is read.
    pub people: Option<i64>,
    /// Where that is nobody, why.
    pub nobody: Option<String>,
    /// `T` waits for it.
    pub is_asked: bool,
    pub read_at: DateTime<Utc>,
}

/// Whoever may not be sent another message yet may be some time later: they are counted again after this.
const RETRYABLE_FOR: TimeDelta = TimeDelta::minutes(10);

impl RetryReading {
    /// One that is not here yet, of a blast in which so many failed.
    pub const fn begun((blast, failed): (BlastId, i64), now: DateTime<Utc>, is_asked: bool) -> Self {
        Self { blast, failed, people: None, nobody: None, is_asked, read_at: now }
    }

    /// Whether it is of this blast as it is now.
    pub fn is_of(&self, (blast, failed): (BlastId, i64), now: DateTime<Utc>) -> bool {
        self.blast == blast && self.failed == failed && now - self.read_at < RETRYABLE_FOR
    }

    pub fn is_pending(&self, blast: BlastId) -> bool {
        self.blast == blast && self.people.is_none()
    }
}

impl Model {
    /// The follow-ups of a blast, and theirs, in the order of the list.
    pub fn follow_ups(&self, blast: BlastId) -> Vec<&BlastView> {
        let follows = |row: &&BlastView| row.id != blast && self.ancestors(row).contains(&blast);
        self.blasts.rows().iter().filter(follows).collect()
    }

    /// Whom a blast follows, the nearest first.
    fn ancestors(&self, row: &BlastView) -> Vec<BlastId> {
        let mut found = Vec::new();
        let mut next = row.follows;
        while let Some(id) = next.filter(|id| found.len() < DEPTH_MAX && !found.contains(id)) {
            found.push(id);
            next = self.blasts.get(id).and_then(|parent| parent.follows);
        }
        found
    }

    /// What is worth reading again once it differs: who replied to each follow-up and who bought, and who did here. Nothing where there is
    /// no follow-up.
    pub fn chain_counts(&self, blast: BlastId) -> Vec<ChainCounts> {
        let counts = |row: &BlastView| (row.id, row.counts.replied, row.counts.closed, row.counts.amount);
        let follow_ups = self.follow_ups(blast);
        let here = self.blasts.get(blast).filter(|_| !follow_ups.is_empty());
        here.into_iter().chain(follow_ups).map(counts).collect()
    }

    /// The stage whose people `f` is about: that of the person on the screen, else the list's, else the funnel's.
    pub fn stage_to_follow(&self) -> Option<Status> {
        match (self.focus, &self.recipients.scope) {
            _ if self.is_about_one() => self.person().map(|row| row.status).filter(|status| STAGES.contains(status)),
            (Pane::Recipients, ListScope::Stuck(stage)) => Some(*stage),
            (Pane::Recipients, scope) if *scope != ListScope::Everyone => None,
            _ if !self.shows_stages() => None,
            _ => STAGES.get(self.stage).copied(),
        }
    }

    /// Whom `f` is about where people were found: all of the list, as a filter of the command line.
    pub fn found_to_follow(&self) -> Option<FoundFollowUp> {
        let is_list = self.focus == Pane::Recipients && !self.is_about_one();
        match &self.recipients.scope {
            ListScope::Found { filter, .. } if is_list => {
                Some(FoundFollowUp { blast: self.blast()?.id, from: filter.to_string() })
            }
            _ => None,
        }
    }

    /// How long the people who were found have had a cart, where that is all that was asked for: a step may wait as long.
    pub fn found_cart_age(&self) -> Option<TimeDelta> {
        let ListScope::Found { text, .. } = &self.recipients.scope else { return None };
        filter::waiting_carts_age(text)
    }

    /// The blast whose people `f` is about.
    pub fn blast_to_follow(&self) -> Option<&BlastView> {
        if self.is_about_one() { self.blasts.get(self.person()?.blast_id) } else { self.blast_meant() }
    }

    /// Whether the screen is about one person rather than a list.
    pub fn is_about_one(&self) -> bool {
        match self.overlays.last() {
            Some(Overlay::Details(_)) => true,
            Some(_) => false,
            None => self.focus == Pane::Activity,
        }
    }
}
