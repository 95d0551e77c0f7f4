//! Forecasts a blast with its sender's present state: one calculation for every face.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{App, AppError, ConcurrentBlast, reason};
use crate::domain::ids::BlastId;
use crate::domain::pace::{
    Backlog, DueForecast, DueShare, Forecast, ForecastBegins, Limits, PeopleUse, binding, next_day_start, per_hour,
};
use crate::domain::text::number;
use crate::domain::waiting::Waiting;
use crate::engine::{ConfiguredSender, whole};
use crate::store::view::{BlastRow, SenderRow};
use crate::store::{business, sender};

/// What limits a sender now, in addition to its configuration.
#[derive(Debug, Clone)]
pub struct SenderState {
    /// How many times the provider's "slow down" halved its pace.
    pub slowed: u32,
    /// The end of the pause that the provider asked for.
    pub held_until: Option<DateTime<Utc>>,
    /// How many attempts count towards the day's limit; 0 without one.
    pub today: u32,
    /// The blasts that it is sending, in turns, or will by itself.
    pub concurrent: Vec<ConcurrentBlast>,
    /// Whether it sends nothing until a person resumes it.
    pub is_stopped: bool,
    /// Messages a second that the provider lets its number send.
    pub throughput: Option<u32>,
}

impl SenderState {
    /// The other blasts that it is sending, or will.
    pub fn beside(&self, blast: BlastId) -> impl Iterator<Item = &ConcurrentBlast> {
        self.concurrent.iter().filter(move |beside| beside.blast != blast)
    }
}

/// A blast with whoever sends for it.
#[derive(Clone, Copy)]
pub struct ForecastInput<'a> {
    pub blast: &'a BlastRow,
    /// What it waits for.
    pub waiting: Option<&'a Waiting>,
    pub sender: &'a ConfiguredSender,
    pub sender_state: &'a SenderState,
    /// Those of its people who are due by their own clocks.
    pub dues: &'a [DueShare],
    /// The time zone in which days begin and end; `None`: the sender's.
    pub days: Option<Tz>,
    /// Meta's limit of people, where the blast counts towards one.
    pub people_use: Option<&'a PeopleUse>,
}

impl ForecastInput<'_> {
    /// When this many people would have their message. Empty where nothing is sent until a person fixes something.
    pub fn forecast(&self, people: i64, now: DateTime<Utc>) -> Forecast {
        self.forecast_dues(people, now).whole
    }

    /// The same, with when the last of those has it who are due together by their own clocks.
    pub fn forecast_dues(&self, people: i64, now: DateTime<Utc>) -> DueForecast {
        let nothing = DueForecast { whole: Forecast::default(), ends: vec![None; self.dues.len()] };
        if self.sender_state.is_stopped || self.waiting.is_some_and(Waiting::is_open_ended) {
            return nothing;
        }
        let Ok(own) = self.blast.limits.under(&self.sender.limits) else { return nothing };
        let backlog = Backlog {
            people: u64::try_from(people).unwrap_or_default(),
            sender: self.limits(),
            blast: own.limits,
            window: own.window.filter(|_| !self.blast.origin.window_local),
            today: self.sender_state.today,
            days: self.days.unwrap_or(self.sender.limits.zone),
            people_use: self.people_use,
        };
        let begins = self.begins(now);
        let (own, sender) = ((self.blast.id, begins.blast), &self.sender.limits);
        let beside = self.sender_state.beside(self.blast.id).flat_map(|beside| beside.backlogs(own, sender));
        let beside: Vec<_> = beside.collect();
        if !self.dues.is_empty() {
            return backlog.forecast_dues(self.dues, &beside, now, begins);
        }
        match &self.blast.due_later {
            Some(later) => backlog.forecast_dues(&later.shares(), &beside, now, begins),
            None => DueForecast { whole: backlog.forecast_beside(&beside, now, begins), ends: Vec::new() },
        }
    }

    /// The average pace, in messages an hour; `None` where no pace binds.
    pub fn per_hour(&self) -> Option<i64> {
        let own = self.blast.limits.under(&self.sender.limits).ok()?;
        whole(per_hour(&self.limits(), &own.limits))
    }

    /// The pace in words: `gap 20-60 s, about 90 an hour`, of the limit that binds.
    pub fn pace(&self) -> String {
        let own = match self.blast.limits.under(&self.sender.limits) {
            Ok(own) => own.limits,
            Err(unreadable) => return unreadable.to_string(),
        };
        let binds = match binding(&self.limits(), &own) {
            None => return "rate unlimited".to_owned(),
            Some(limit) => limit.to_string(),
        };
        let about = self.per_hour().map_or_else(String::new, |n| match n {
            0 => ", less than one an hour".to_owned(),
            n => format!(", about {} an hour", number(n)),
        });
        let slowed = if self.sender_state.slowed == 0 { "" } else { ", slowed down at the provider's wish" };
        let whose = if self.is_paced_by_meta() { ", Meta's limit of the number" } else { "" };
        format!("{binds}{whose}{about}{slowed}")
    }

    /// Whether Meta's limit of the number binds, and no setting: a faster `rate` is of no use.
    pub fn is_paced_by_meta(&self) -> bool {
        let Ok(own) = self.blast.limits.under(&self.sender.limits) else { return false };
        let configured = self.sender.limits.slowed(self.sender_state.slowed);
        binding(&self.limits(), &own.limits) != binding(&configured, &own.limits)
    }

    fn limits(&self) -> Limits {
        self.sender.limits.capped(self.sender_state.throughput).slowed(self.sender_state.slowed)
    }

    /// The earliest times of the next message. Hours, the daily cap and the limit of people are left to the forecast.
    fn begins(&self, now: DateTime<Utc>) -> ForecastBegins {
        let latest =
            |times: &[Option<DateTime<Utc>>]| times.iter().flatten().fold(now, |latest, time| latest.max(*time));
        let (of_sender, of_blast) = match self.waiting {
            None | Some(Waiting::DailyCap { .. } | Waiting::Window { .. } | Waiting::PeopleLimit { .. }) => {
                (None, None)
            }
            Some(waiting @ (Waiting::Silent { .. } | Waiting::Throttled { .. })) => (waiting.until(), None),
            Some(waiting) => (None, waiting.until()),
        };
        let scheduled = self.blast.scheduled_for.filter(|_| self.blast.launched_at.is_none());
        ForecastBegins {
            sender: latest(&[self.sender_state.held_until, of_sender]),
            blast: latest(&[self.blast.send_after, scheduled, self.blast.next_due_at, of_blast]),
        }
    }
}

impl App {
    /// What a launch that counts down waits for, of a sender that posted to so many today: its engine says by itself that the daily cap is used
    /// up, but only from its start on.
    pub(super) fn behind_cap(
        &self,
        waiting: Option<Waiting>,
        row: &BlastRow,
        (today, now): (u32, DateTime<Utc>),
    ) -> Option<Waiting> {
        let is_armed = row.send_after.is_some_and(|until| until > now);
        let limits = self.sender(row.sender_id).map(|sender| &sender.limits).filter(|_| is_armed);
        let Some(used_up) = limits.and_then(|limits| used_up(limits, today, now)) else { return waiting };
        let own = reason::own_hours(row, self.known_zone_by(row.sender_id, &row.limits));
        waiting.map(|waiting| reason::behind_cap(waiting, own, used_up))
    }

    /// What limits a sender now, in addition to its configuration.
    pub(super) async fn sender_state(
        &self,
        configured: &ConfiguredSender,
        row: Option<&SenderRow>,
    ) -> Result<SenderState, AppError> {
        let (slowed, held_until) = sender::slowed(self.pool(), configured.id).await?;
        // Nobody needs it without a limit, and counting a day of a million is expensive.
        let today = if configured.limits.daily_cap.is_some() { self.attempts_today(configured).await? } else { 0 };
        let today = u32::try_from(today).unwrap_or(u32::MAX);
        let next_day = used_up(&configured.limits, today, self.engine().clock.now()).map(|(_, next_day)| next_day);
        Ok(SenderState {
            slowed: u32::try_from(slowed).unwrap_or_default(),
            held_until,
            today,
            concurrent: self.concurrent(configured.id, row.map(|row| &row.waiting.blasts), next_day).await?,
            is_stopped: row.is_some_and(|row| row.stopped.is_some()),
            throughput: business::throughput(self.pool(), configured.id).await?,
        })
    }
}

/// The daily cap of a sender that posted to so many today, and when its next day begins, where that cap is used up.
fn used_up(limits: &Limits, today: u32, now: DateTime<Utc>) -> Option<(i64, DateTime<Utc>)> {
    let cap = limits.daily_cap.filter(|cap| today >= cap.get())?;
    Some((i64::from(cap.get()), next_day_start(now, limits.zone)))
}
