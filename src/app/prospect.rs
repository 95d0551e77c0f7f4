//! Forecasts a blast with its sender's present state: one calculation for every face.

use chrono::{DateTime, Utc};

use crate::domain::ids::BlastId;
use crate::domain::pace::{Backlog, BindingLimit, Forecast, Limits, binding, per_hour};
use crate::domain::text::number;
use crate::domain::waiting::Waiting;
use crate::engine::{ConfiguredSender, whole};
use crate::store::plan::ConcurrentBlast;
use crate::store::view::BlastRow;

/// What limits a sender now, in addition to its configuration.
#[derive(Debug, Clone)]
pub struct SenderState {
    /// How many times the provider's "slow down" halved its pace.
    pub slowed: u32,
    /// The end of the pause that the provider asked for.
    pub held_until: Option<DateTime<Utc>>,
    /// How many attempts count towards the day's limit; 0 without one.
    pub today: u32,
    /// The blasts that it is sending, in turns.
    pub sending: Vec<ConcurrentBlast>,
    /// Whether it sends nothing until a person resumes it.
    pub is_stopped: bool,
}

impl SenderState {
    /// The other blasts that it is sending.
    pub fn beside(&self, blast: BlastId) -> impl Iterator<Item = &ConcurrentBlast> {
        self.sending.iter().filter(move |beside| beside.blast != blast)
    }
}

/// A blast with whoever sends for it.
#[derive(Clone, Copy)]
pub struct Prospect<'a> {
    pub blast: &'a BlastRow,
    /// What it waits for.
    pub waiting: Option<&'a Waiting>,
    pub sender: &'a ConfiguredSender,
    pub sender_state: &'a SenderState,
}

impl Prospect<'_> {
    /// When this many people would have their message. Empty where nothing is sent until a person fixes something.
    pub fn forecast(&self, people: i64, now: DateTime<Utc>) -> Forecast {
        if self.sender_state.is_stopped || self.waiting.is_some_and(Waiting::is_open_ended) {
            return Forecast::default();
        }
        let Ok(own) = self.blast.limits.under(&self.sender.limits) else { return Forecast::default() };
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
        let own = self.blast.limits.under(&self.sender.limits).ok()?;
        whole(per_hour(&self.limits(), &own.limits))
    }

    /// The pace in words: `gap 20s..1m, about 90 an hour`, of the limit that binds.
    pub fn pace(&self) -> String {
        let own = match self.blast.limits.under(&self.sender.limits) {
            Ok(own) => own.limits,
            Err(unreadable) => return unreadable.to_string(),
        };
        let binds = match binding(&self.limits(), &own) {
            None => return "rate unlimited".to_owned(),
            Some(BindingLimit::Rate(rate)) => format!("rate {rate}"),
            Some(BindingLimit::Gap(gap)) => format!("gap {gap}"),
        };
        let about = self.per_hour().map_or_else(String::new, |n| match n {
            0 => ", less than one an hour".to_owned(),
            n => format!(", about {} an hour", number(n)),
        });
        let slowed = if self.sender_state.slowed == 0 { "" } else { ", slowed down at the provider's wish" };
        format!("{binds}{about}{slowed}")
    }

    fn limits(&self) -> Limits {
        self.sender.limits.slowed(self.sender_state.slowed)
    }

    /// The earliest time of the next message. Hours and the daily cap are left to the forecast.
    fn begins(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let waiting =
            self.waiting.filter(|waiting| !matches!(waiting, Waiting::DailyCap { .. } | Waiting::Window { .. }));
        let waits = [self.blast.send_after, self.blast.next_due_at, self.sender_state.held_until];
        waits.into_iter().chain([waiting.and_then(Waiting::until)]).flatten().fold(now, DateTime::max)
    }
}
