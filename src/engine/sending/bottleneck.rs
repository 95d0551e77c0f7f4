//! What binds a blast from moment to moment. A wait of milliseconds is not worth telling each time; that most of the last
//! second went into such waits is, and it stays true until something else takes the time.

use std::time::{Duration, Instant};

use super::Sender;
use crate::domain::ids::BlastId;
use crate::domain::pace::PaceReason;

/// What a moment was spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bottleneck {
    /// The sender's pace.
    Sender(PaceReason),
    /// The blast's own.
    Blast(PaceReason),
    /// As many POSTs as allowed were in flight.
    Answers,
    /// A question to the database, or evidence on its way into it.
    Database,
}

/// Where a blast's time went since the last reckoning, and what held it then.
#[derive(Debug)]
pub(super) struct BottleneckMeter {
    since: Instant,
    spent: Vec<(Bottleneck, Duration)>,
    standing: Option<Bottleneck>,
}

/// A reason is looked at anew no sooner.
const RECKON_EVERY: Duration = Duration::from_secs(1);
/// The first one comes earlier: nobody is left without a word.
const FIRST_AFTER: Duration = Duration::from_millis(250);
/// A quicker answer of the database holds nothing up.
const SLOW: Duration = Duration::from_millis(100);

impl BottleneckMeter {
    pub(super) const fn new(now: Instant) -> Self {
        Self { since: now, spent: Vec::new(), standing: None }
    }

    /// So much time went into this.
    pub(super) fn add(&mut self, bottleneck: Bottleneck, time: Duration) {
        if bottleneck == Bottleneck::Database && time < SLOW {
            return;
        }
        match self.spent.iter_mut().find(|(other, _)| *other == bottleneck) {
            Some((_, spent)) => *spent += time,
            None => self.spent.push((bottleneck, time)),
        }
    }

    /// Looks again, when it is time: whatever took half of the time binds, and goes on binding while it takes a quarter.
    /// `true` when it looked.
    pub(super) fn reckon(&mut self, now: Instant) -> bool {
        let passed = now.duration_since(self.since);
        if passed < if self.standing.is_some() { RECKON_EVERY } else { FIRST_AFTER } {
            return false;
        }
        let most = self.spent.iter().max_by_key(|(_, spent)| *spent).filter(|(_, spent)| *spent * 2 >= passed);
        let lasts = |standing: &Bottleneck| {
            self.spent.iter().any(|(bottleneck, spent)| bottleneck == standing && *spent * 4 >= passed)
        };
        self.standing = most.map(|(bottleneck, _)| *bottleneck).or(self.standing.filter(lasts));
        self.since = now;
        self.spent.clear();
        true
    }

    pub(super) const fn standing(&self) -> Option<Bottleneck> {
        self.standing
    }
}

/// What the loop waits for now (for one blast alone, or for all), and since when.
#[derive(Clone, Copy)]
pub(super) struct CurrentWait {
    of: Option<(Option<BlastId>, Bottleneck)>,
    since: Instant,
}

impl Default for CurrentWait {
    fn default() -> Self {
        Self { of: None, since: Instant::now() }
    }
}

impl Sender {
    /// From now on time goes into this.
    pub(super) fn waits_for(&mut self, of: Option<(Option<BlastId>, Bottleneck)>) {
        if of != self.current_wait.of {
            self.spend_wait();
            self.current_wait.of = of;
        }
    }

    /// Accounts for the time that went into what is still waited for. Not for a question to the database that may yet be
    /// answered quickly.
    pub(super) fn spend_unfinished_wait(&mut self) {
        let CurrentWait { of, since } = self.current_wait;
        if !matches!(of, Some((_, Bottleneck::Database))) || since.elapsed() >= SLOW {
            self.spend_wait();
        }
    }

    fn spend_wait(&mut self) {
        let CurrentWait { of, since } = std::mem::take(&mut self.current_wait);
        self.current_wait.of = of;
        match of {
            None => {}
            Some((None, bottleneck)) => self.spend(bottleneck, since.elapsed()),
            Some((Some(blast), bottleneck)) => self.spend_on(blast, bottleneck, since.elapsed()),
        }
    }

    /// So much time went into this, for every blast that had nothing of its own to wait for.
    fn spend(&mut self, bottleneck: Bottleneck, time: Duration) {
        for queue in &mut self.queues {
            let bottleneck = queue.hold.as_ref().map_or(Some(bottleneck), |hold| hold.bottleneck);
            if let Some(bottleneck) = bottleneck {
                queue.meter.add(bottleneck, time);
            }
        }
    }

    /// A wait for a blast's own pace is nobody else's; whoever has something of their own to wait for waits for that.
    fn spend_on(&mut self, blast: BlastId, bottleneck: Bottleneck, time: Duration) {
        let shared = matches!(bottleneck, Bottleneck::Sender(_)).then_some(bottleneck);
        for queue in &mut self.queues {
            let own = queue.hold.as_ref().map_or(shared, |hold| hold.bottleneck);
            let bottleneck = if queue.id == blast { Some(bottleneck) } else { own };
            if let Some(bottleneck) = bottleneck {
                queue.meter.add(bottleneck, time);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Bottleneck, BottleneckMeter};
    use crate::domain::pace::PaceReason;

    const RATE: Bottleneck = Bottleneck::Sender(PaceReason::Throttled);

    /// The meter after seconds in each of which so many milliseconds went into the pace and into answers.
    fn after(seconds: &[(u64, u64)]) -> Vec<Option<Bottleneck>> {
        let mut now = Instant::now();
        let mut meter = BottleneckMeter::new(now);
        let mut second = |(pace, answers): &(u64, u64)| {
            meter.add(RATE, Duration::from_millis(*pace));
            meter.add(Bottleneck::Answers, Duration::from_millis(*answers));
            now += Duration::from_secs(1);
            assert!(meter.reckon(now));
            meter.standing()
        };
        seconds.iter().map(&mut second).collect()
    }

    #[test]
    fn what_takes_half_the_time_binds_and_goes_on_while_it_takes_a_quarter() {
        let bottleneck = after(&[(400, 0), (500, 0), (300, 400), (300, 0), (200, 0), (300, 600)]);
        assert_eq!(bottleneck, [None, Some(RATE), Some(RATE), Some(RATE), None, Some(Bottleneck::Answers)]);
    }

    #[test]
    fn quick_answers_of_the_database_hold_nothing_up() {
        let mut meter = BottleneckMeter::new(Instant::now());
        (0..100).for_each(|_| meter.add(Bottleneck::Database, Duration::from_millis(10)));
        assert!(meter.reckon(Instant::now() + Duration::from_secs(1)));
        assert_eq!(meter.standing(), None);

        meter.add(Bottleneck::Database, Duration::from_millis(700));
        assert!(meter.reckon(Instant::now() + Duration::from_secs(2)));
        assert_eq!(meter.standing(), Some(Bottleneck::Database));
    }
}
