//! What may be promised of a blast: the domain's forecast, asked with the sender as it stands. One calculation for every
//! face.

use chrono::{DateTime, Utc};

use crate::domain::ids::BlastId;
use crate::domain::pace::{Backlog, BindingLimit, Forecast, Limits, binding, per_hour};
use crate::domain::waiting::Waiting;
use crate::engine::{ConfiguredSender, whole};
use crate::store::plan::ConcurrentBlast;
use crate::store::view::BlastRow;

/// What holds a sender back now, beside its configuration.
#[derive(Debug, Clone)]
pub struct SenderState {
    /// How many times the provider's "slow down" halved its pace.
    pub slowed: u32,
    /// Until when the provider asked it to wait.
    pub held_until: Option<DateTime<Utc>>,
    /// How many attempts count towards the day's limit; 0 without one.
    pub today: u32,
    /// What it is sending: these blasts take turns.
    pub sending: Vec<ConcurrentBlast>,
    /// Whether it sends nothing until a person says so.
    pub is_stopped: bool,
}

impl SenderState {
    /// What it is sending but this blast.
    pub fn beside(&self, blast: BlastId) -> impl Iterator<Item = &ConcurrentBlast> {
        self.sending.iter().filter(move |beside| beside.blast != blast)
    }
}

/// A blast with whoever sends for it.
#[derive(Clone, Copy)]
pub struct Prospect<'a> {
    pub blast: &'a BlastRow,
    pub sender: &'a ConfiguredSender,
    pub sender_state: &'a SenderState,
}

impl Prospect<'_> {
    /// When this many people would have theirs. Nothing where nobody sends until a person mends something.
    pub fn forecast(&self, people: i64, now: DateTime<Utc>) -> Forecast {
        if self.sender_state.is_stopped || self.blast.waiting.as_ref().is_some_and(Waiting::is_open_ended) {
            return Forecast::default();
        }
        let own = self.blast.limits.beside(&self.sender.limits);
        let backlog = Backlog {
            people: u64::try_from(people).unwrap_or_default(),
            sender: self.limits(),
            blast: own.limits,
            window: own.window,
            today: self.sender_state.today,
        };
        let beside =
            self.sender_state.beside(self.blast.id).map(|beside| u64::try_from(beside.queued).unwrap_or_default());
        backlog.forecast_beside(&beside.collect::<Vec<_>>(), now, self.begins(now))
    }

    /// The average pace, in messages an hour; `None` where no pace binds.
    pub fn per_hour(&self) -> Option<i64> {
        whole(per_hour(&self.limits(), &self.blast.limits.beside(&self.sender.limits).limits))
    }

    /// The pace in words: `gap 20s..1m, about 90 an hour`, of the limit that binds.
    pub fn pace(&self) -> String {
        let own = self.blast.limits.beside(&self.sender.limits).limits;
        let binds = match binding(&self.limits(), &own) {
            None => return "rate unlimited".to_owned(),
            Some(BindingLimit::Rate(rate)) => format!("rate {rate}"),
            Some(BindingLimit::Gap(gap)) => format!("gap {gap}"),
        };
        let about = self.per_hour().map_or_else(String::new, |n| match n {
            0 => ", less than one an hour".to_owned(),
            n => format!(", about {n} an hour"),
        });
        let slowed = if self.sender_state.slowed == 0 { "" } else { ", slowed down at the provider's wish" };
        format!("{binds}{about}{slowed}")
    }

    fn limits(&self) -> Limits {
        self.sender.limits.slowed(self.sender_state.slowed)
    }

    /// The next message goes no sooner. Hours and the day's limit are the forecast's own.
    fn begins(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let waiting = self.blast.waiting.as_ref();
        let waiting = waiting.filter(|waiting| !matches!(waiting, Waiting::DailyCap { .. } | Waiting::Window { .. }));
        let waits = [self.blast.send_after, self.blast.next_due_at, self.sender_state.held_until];
        waits.into_iter().chain([waiting.and_then(Waiting::until)]).flatten().fold(now, DateTime::max)
    }
}
