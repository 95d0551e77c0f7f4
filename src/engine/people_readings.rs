//! Who counts against Meta's limit of people, as this process last read it for its forecasts. To count the people of a day takes a
//! second where a hundred thousand were written to, and faces read a blast four times a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::ids::BlastId;
use crate::domain::pace::PeopleUse;

/// A reading is used for so many times as long as it took: a twentieth of the time goes into readings at most.
const TIMES: u32 = 19;

/// The last reading for each blast of a sender.
#[derive(Clone, Default)]
pub struct PeopleReadings(Arc<Mutex<HashMap<BlastId, Reading>>>);

struct Reading {
    until: Instant,
    /// `None`: without a limit.
    people_use: Arc<Option<PeopleUse>>,
}

impl PeopleReadings {
    /// The last reading for a blast, unless it is too old to be used.
    pub fn recent(&self, blast: BlastId) -> Option<Arc<Option<PeopleUse>>> {
        let readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        readings.get(&blast).filter(|reading| Instant::now() < reading.until).map(|reading| reading.people_use.clone())
    }

    /// Keeps a reading that was begun at this time; those that are too old are forgotten.
    pub fn keep(&self, blast: BlastId, began: Instant, people_use: Arc<Option<PeopleUse>>) {
        self.keep_for(blast, began.elapsed() * TIMES, people_use);
    }

    fn keep_for(&self, blast: BlastId, time: Duration, people_use: Arc<Option<PeopleUse>>) {
        let now = Instant::now();
        let mut readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        readings.retain(|_, reading| now < reading.until);
        readings.insert(blast, Reading { until: now + time, people_use });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_used_for_a_while_and_forgotten_then() {
        let readings = PeopleReadings::default();
        let people = Arc::new(Some(PeopleUse { limit: 250, counted: Vec::new() }));

        readings.keep_for(BlastId(1), Duration::from_secs(600), people.clone());
        readings.keep_for(BlastId(2), Duration::ZERO, people.clone());

        assert_eq!(readings.recent(BlastId(1)), Some(people));
        assert_eq!(readings.recent(BlastId(2)), None);
        readings.keep_for(BlastId(3), Duration::from_secs(600), Arc::default());
        assert_eq!(readings.recent(BlastId(3)), Some(Arc::new(None)), "that there is no limit is known as well");
        assert_eq!(readings.0.lock().unwrap().len(), 2);
    }
}
