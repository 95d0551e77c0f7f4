//! Time as the engine goes by it: the database's clock for limits, and an age that a sleeping machine cannot stop.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use rustix::time::{ClockId, clock_gettime};

/// More than this between the two clocks stops sending.
pub const SKEW_MAX: TimeDelta = TimeDelta::seconds(60);

/// The longest way of an answer that is believed.
const LONGEST_WAY: Duration = Duration::from_secs(1);

/// The database's time, as last heard. Windows and daily caps go by it.
#[derive(Debug, Default)]
pub struct DatabaseClock {
    ahead: Mutex<TimeDelta>,
}

impl DatabaseClock {
    /// Notes what the database's clock said to a question of that moment: it was so in the middle of the way. An answer
    /// that was long on its way says little, and a clock that jumps would hold the pace up.
    pub fn heard(&self, asked_at: Moment, database: DateTime<Utc>) {
        let way = asked_at.age();
        if way > LONGEST_WAY {
            return;
        }
        let then = Utc::now() - TimeDelta::from_std(way / 2).unwrap_or_default();
        if let Ok(mut ahead) = self.ahead.lock() {
            *ahead = database - then;
        }
    }

    pub fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.skew()
    }

    /// How far the database's clock is ahead of this machine's.
    pub fn skew(&self) -> TimeDelta {
        self.ahead.lock().map_or_else(|_| TimeDelta::zero(), |ahead| *ahead)
    }
}

/// A moment by two clocks: one that goes on while the machine sleeps, and the wall's. `Instant` stands still meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    boot: Duration,
    wall: SystemTime,
}

impl Moment {
    pub fn now() -> Self {
        let boot = clock_gettime(ClockId::Boottime);
        let whole = Duration::from_secs(u64::try_from(boot.tv_sec).unwrap_or(0));
        let rest = Duration::from_nanos(u64::try_from(boot.tv_nsec).unwrap_or(0));
        Self { boot: whole + rest, wall: SystemTime::now() }
    }

    /// The age by whichever clock says more.
    pub fn age(&self) -> Duration {
        let now = Self::now();
        let by_boot = now.boot.saturating_sub(self.boot);
        let by_wall = now.wall.duration_since(self.wall).unwrap_or_default();
        by_boot.max(by_wall)
    }
}
