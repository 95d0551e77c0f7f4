//! What a sender sends beside a blast, or will: they take turns, which every forecast counts.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::App;
use super::recurring::Pattern;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::pace::{ConcurrentBacklog, DueShare, LimitColumns, Limits};
use crate::domain::text::{number, people};
use crate::domain::waiting::Waiting;
use crate::store::StoreError;
use crate::store::plan::{self, ConcurrentRow};

/// Another blast that a sender is sending, or that will start by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ConcurrentBlast {
    #[serde(skip)]
    pub blast: BlastId,
    pub tag: String,
    /// How many are queued, or are to have it then.
    pub queued: i64,
    /// When it starts by itself; `None`: it is being sent.
    pub starts_at: Option<DateTime<Utc>>,
    /// It repeats, and finds its people anew at each of its times: `queued` is how many it found when it was sent.
    pub assumed: bool,
    #[serde(skip)]
    pub limits: LimitColumns,
    /// When its people come up: once, or at each of its next times.
    #[serde(skip)]
    pub begins: Vec<DateTime<Utc>>,
    /// Those of its people who are due by their own clocks, for each of these times.
    #[serde(skip)]
    pub dues: Vec<Vec<DueShare>>,
    /// Its hours hold by each person's own clock, and not for the blast.
    #[serde(skip)]
    pub window_local: bool,
}

/// How many of the next times of a blast that repeats are looked at, and how many of those are counted beside another one.
const TIMES_MAX: usize = 60;
const TIMES_COUNTED: usize = 20;
/// What began longer before another blast is taken to be through by its start.
const THROUGH_AFTER: TimeDelta = TimeDelta::days(1);

impl ConcurrentBlast {
    /// `with raya, 40 still queued: they take turns, counted in`; `clock` formats a time as the face does.
    pub fn sentence(&self, clock: impl Fn(DateTime<Utc>) -> String) -> String {
        let Some(at) = self.starts_at.map(clock) else {
            return format!("with {}, {} still queued: they take turns, counted in", self.tag, number(self.queued));
        };
        let people = people(self.queued);
        if self.assumed {
            return format!(
                "with {}, which starts {at}: its filter finds its people anew then, {people} assumed, counted in",
                self.tag
            );
        }
        format!("with {}, which starts {at} and goes to {people}: counted in", self.tag)
    }

    /// What a forecast counts of it beside a blast that begins at a moment. Nothing where one of its limits cannot be read: it is
    /// not sent then.
    pub(super) fn backlogs(
        &self,
        (own, begins): (BlastId, DateTime<Utc>),
        sender: &Limits,
    ) -> impl Iterator<Item = ConcurrentBacklog> {
        let queued = u64::try_from(self.queued).unwrap_or_default();
        let (limits, is_older) = (self.limits.under(sender).ok(), self.blast < own);
        let last = self.begins.len().saturating_sub(1);
        // The last one is counted anyway: of one that does not repeat there is no other.
        let times = self.begins.iter().enumerate().filter(move |(n, at)| *n == last || **at + THROUGH_AFTER > begins);
        times.take(TIMES_COUNTED).filter_map(move |(n, at)| {
            let own = limits.as_ref()?;
            let (dues, window) =
                (self.dues.get(n).cloned().unwrap_or_default(), own.window.filter(|_| !self.window_local));
            Some(ConcurrentBacklog { queued, dues, is_older, limits: own.limits, window, begins: *at })
        })
    }
}

impl App {
    /// What a sender is sending, or will by itself. `waiting` is what its engine says that its blasts wait for.
    pub(super) async fn concurrent(
        &self,
        sender: SenderId,
        waiting: Option<&BTreeMap<BlastId, Waiting>>,
    ) -> Result<Vec<ConcurrentBlast>, StoreError> {
        let now = self.engine().clock.now();
        let held = |blast: BlastId| match waiting.and_then(|waiting| waiting.get(&blast))? {
            Waiting::DailyCap { .. } | Waiting::Window { .. } => None,
            waiting => waiting.until(),
        };
        let mut concurrent = Vec::new();
        for row in plan::concurrent(self.pool(), sender).await? {
            let mut blast = self.concurrent_blast(&row, now, held);
            blast.dues = self.dues_beside(&row, &blast.begins).await?;
            concurrent.push(blast);
        }
        Ok(concurrent)
    }

    fn concurrent_blast(
        &self,
        row: &ConcurrentRow,
        now: DateTime<Utc>,
        held: impl Fn(BlastId) -> Option<DateTime<Utc>>,
    ) -> ConcurrentBlast {
        let first = [Some(now), row.starts_at, row.due_at, held(row.blast)].into_iter().flatten().max().unwrap_or(now);
        let pattern = Pattern::new(row.repeat(), self.zone_by(row.sender_id, &row.limits));
        let times = pattern.zip(row.starts_at).map(|(pattern, at)| {
            let seen = row.repeat_seen;
            pattern.times(at - TimeDelta::seconds(1), seen).take(TIMES_MAX).collect::<Vec<_>>()
        });
        ConcurrentBlast {
            blast: row.blast,
            tag: row.tag.clone(),
            queued: row.queued,
            starts_at: row.starts_at,
            assumed: times.is_some() && row.has_segment,
            begins: times.unwrap_or_else(|| vec![first]),
            limits: row.limits.clone(),
            dues: Vec::new(),
            window_local: row.window_local,
        }
    }
}
