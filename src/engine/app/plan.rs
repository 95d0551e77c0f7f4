//! What a launch would do, shown before it is asked. Changes nothing.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};

use super::App;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::message::Message;
use crate::engine::desk::{Desk, per_hour};
use crate::engine::error::EngineError;
use crate::engine::sender::variables;
use crate::store::plan;
use crate::store::suppression;
use crate::store::view::BlastRow;

/// What a launch would do, shown before it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub blast: BlastRow,
    /// How many get a message: the number to type.
    pub people: i64,
    /// Left out because they opted out.
    pub suppressed: i64,
    /// How many had a message from this sender's business in the last 7 days.
    pub recently_messaged: i64,
    /// How many are still queued in another blast of the same business and would get both.
    pub queued_elsewhere: i64,
    /// The sender's pace in words: "gap 20s..60s, about 90 an hour".
    pub pace: String,
    /// How many of the day's limit are left, if there is one.
    pub left_today: Option<i64>,
    /// When it would be done if nothing holds it up.
    pub done_at: Option<DateTime<Utc>>,
    /// What some of them read: the first, and those with the shortest and the longest names.
    pub samples: Vec<Sample>,
    /// Why it cannot be launched now; empty when it can.
    pub obstacles: Vec<String>,
}

/// What one person would read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    pub phone: String,
    pub name: Option<String>,
    pub text: String,
}

/// Whether a blast can start, and to how many.
pub(super) struct Readiness {
    pub people: i64,
    /// Queued, but opted out.
    pub suppressed: i64,
    pub obstacles: Vec<String>,
}

const RECENTLY: TimeDelta = TimeDelta::days(7);

impl App {
    /// What a launch (or resume) would do. Changes nothing.
    pub async fn plan(&self, id: BlastId) -> Result<Plan, EngineError> {
        let blast = self.blast(id).await?;
        let business = self.business(blast.sender_id).await?;
        let Readiness { people, suppressed, obstacles } = self.readiness(&blast).await?;
        let overlap = plan::overlap(self.pool(), id, &business, self.clock().now() - RECENTLY).await?;
        let desk = self.desk(blast.sender_id);
        let left_today = match desk.map(|desk| (desk, desk.limits.daily_cap)) {
            Some((desk, Some(cap))) => Some((i64::from(cap.get()) - self.attempts_today(desk).await?).max(0)),
            _ => None,
        };
        let samples = self.samples(&blast).await?;
        Ok(Plan {
            people,
            suppressed: suppressed + blast.counts.opted_out,
            recently_messaged: overlap.recently_messaged,
            queued_elsewhere: overlap.queued_elsewhere,
            pace: desk.map_or_else(String::new, |desk| pace(&blast, desk)),
            left_today,
            done_at: self.done_at(&blast).await?,
            samples,
            obstacles,
            blast,
        })
    }

    /// The part of the plan that a launch asks again, without what is only for the eye.
    pub(super) async fn readiness(&self, blast: &BlastRow) -> Result<Readiness, EngineError> {
        let suppressed = suppression::count_in(self.pool(), blast.id).await?;
        let people = blast.counts.queued - suppressed;
        Ok(Readiness { people, suppressed, obstacles: self.obstacles(blast, suppressed) })
    }

    /// Why it cannot be launched or resumed now, each with its mend.
    fn obstacles(&self, blast: &BlastRow, suppressed: i64) -> Vec<String> {
        let mut obstacles = Vec::new();
        if !matches!(blast.state, BlastState::Draft | BlastState::Scheduled | BlastState::Paused) {
            return obstacles;
        }
        if blast.counts.queued - suppressed == 0 && blast.counts.open() - suppressed == 0 {
            obstacles.push(format!("nobody is left to send to in {}", blast.tag));
        }
        if let Some(why) = self.unusable(blast.sender_id) {
            obstacles.push(why);
        } else if self.desk(blast.sender_id).is_none() {
            obstacles.push(format!("sender {} is not in the configuration: add it under [[senders]]", blast.sender));
        }
        if let Err(error) = Message::parse(&blast.message) {
            obstacles.push(format!("the message cannot be used: {error}"));
        }
        obstacles
    }

    async fn samples(&self, blast: &BlastRow) -> Result<Vec<Sample>, EngineError> {
        let Ok(message) = Message::parse(&blast.message) else { return Ok(Vec::new()) };
        let people = plan::samples(self.pool(), blast.id).await?;
        let sample = |person: crate::store::claim::Claimed| {
            let text = message.render(&variables(&person)).ok()?;
            Some(Sample { phone: person.phone_number.to_string(), name: person.name, text })
        };
        Ok(people.into_iter().filter_map(sample).collect())
    }
}

/// The pace in words, the narrower of the blast's and the sender's.
fn pace(blast: &BlastRow, desk: &Desk) -> String {
    let gap = blast.gap.clone().or_else(|| desk.limits.gap.map(|gap| gap.to_string()));
    let mut words = gap.map_or_else(
        || format!("rate {}", blast.rate.clone().unwrap_or_else(|| desk.limits.rate.to_string())),
        |gap| format!("gap {gap}"),
    );
    if let Some(per_hour) = per_hour(&desk.limits) {
        let _ = write!(words, ", about {per_hour} an hour");
    }
    words
}
