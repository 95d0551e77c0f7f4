//! The engine's time: the database's clock for limits, and ages that keep growing while the machine sleeps.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use rustix::time::{ClockId, clock_gettime};
use sqlx::PgPool;

use super::mutex::Mutex;
use crate::store::{self, StoreError};

/// More than this between the two clocks stops sending.
pub const SKEW_MAX: TimeDelta = TimeDelta::seconds(60);

/// The longest round trip of a reading that is trusted.
const LONGEST_ROUND_TRIP: Duration = Duration::from_secs(1);

/// The database's time, as last read. Windows, rates and daily caps go by it. Between two readings it advances by
/// the boot clock, since this machine's time of day may be set meanwhile.
#[derive(Debug, Default)]
pub struct DatabaseClock {
    reading: Mutex<Option<ClockReading>>,
}

/// The database's time at a moment.
#[derive(Debug, Clone, Copy)]
struct ClockReading {
    at: Moment,
    database: DateTime<Utc>,
}

impl ClockReading {
    /// `None`: the answer took too long, or this machine's clock was set meanwhile; such a reading is inaccurate, and a clock
    /// that jumps would hold up the pace. The reading is taken to be of the middle of the round trip.
    fn from_answer(asked_at: Moment, database: DateTime<Utc>, now: Moment) -> Option<Self> {
        let way = asked_at.age_at(now);
        (way <= LONGEST_ROUND_TRIP).then(|| Self { at: now, database: database + delta(way / 2) })
    }

    fn at(&self, now: Moment) -> DateTime<Utc> {
        self.database + delta(now.boot.saturating_sub(self.at.boot))
    }
}

impl DatabaseClock {
    /// Records what the database's clock said in answer to a query of that moment.
    pub fn observe(&self, asked_at: Moment, database: DateTime<Utc>) {
        let Some(reading) = ClockReading::from_answer(asked_at, database, Moment::now()) else { return };
        *self.reading.lock() = Some(reading);
    }

    /// Asks the database for its time, where it answers: before anything goes by this clock.
    pub(super) async fn read(&self, pool: &PgPool) {
        let asked_at = Moment::now();
        if let Ok(database) = store::now(pool).await {
            self.observe(asked_at, database);
        }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.at(Moment::now())
    }

    /// How far the database's clock is ahead of this machine's.
    pub fn skew(&self) -> TimeDelta {
        let now = Moment::now();
        self.at(now) - DateTime::<Utc>::from(now.wall)
    }

    /// Before the first reading, this machine's own time.
    fn at(&self, now: Moment) -> DateTime<Utc> {
        let reading = *self.reading.lock();
        reading.map_or_else(|| now.wall.into(), |reading| reading.at(now))
    }
}

/// The database's time, where this machine's clock agrees with it; `None`: nobody knows what time it is, and so what is old and
/// what is due.
///
/// # Errors
/// The database did not answer.
pub async fn agreed_time(pool: &PgPool) -> Result<Option<DateTime<Utc>>, StoreError> {
    let database = store::now(pool).await?;
    let agreed = (database - Utc::now()).abs() <= SKEW_MAX;
    if !agreed {
        tracing::debug!(%database, "nothing old is dropped and nothing that repeats is made while the clocks of the database and of this machine differ");
    }
    Ok(agreed.then_some(database))
}

fn delta(span: Duration) -> TimeDelta {
    TimeDelta::from_std(span).unwrap_or_default()
}

/// A moment by two clocks: one that goes on while the machine sleeps, and the wall clock. `Instant` stops meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    boot: Duration,
    wall: SystemTime,
}

/// A clock that goes on while the machine sleeps. On Linux the monotonic clock stops then; on macOS it does not.
#[cfg(any(target_os = "linux", target_os = "android"))]
const SLEEPLESS: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SLEEPLESS: ClockId = ClockId::Monotonic;

/// A moment within the last five days, to a tenth of a millisecond.
#[derive(Debug, Clone, Copy)]
pub struct ShortMoment(u32);

const SHORT_TICK: Duration = Duration::from_micros(100);

impl ShortMoment {
    /// The age, for up to 119 hours.
    pub fn age_at(self, now: Moment) -> Duration {
        SHORT_TICK * now.short_ticks().wrapping_sub(self.0)
    }
}

impl Moment {
    pub fn now() -> Self {
        let boot = clock_gettime(SLEEPLESS);
        let whole = Duration::from_secs(u64::try_from(boot.tv_sec).unwrap_or(0));
        let rest = Duration::from_nanos(u64::try_from(boot.tv_nsec).unwrap_or(0));
        Self { boot: whole + rest, wall: SystemTime::now() }
    }

    /// The age by whichever clock says more.
    pub fn age(&self) -> Duration {
        self.age_at(Self::now())
    }

    /// The age by the boot clock alone, which setting the time of day does not change.
    pub fn boot_age_at(&self, now: Self) -> Duration {
        now.boot.saturating_sub(self.boot)
    }

    /// By the boot clock alone, which setting the time of day does not change, in four bytes.
    pub fn short(&self) -> ShortMoment {
        ShortMoment(self.short_ticks())
    }

    fn short_ticks(&self) -> u32 {
        // It begins anew every 119 hours.
        let ticks = self.boot.as_micros() / SHORT_TICK.as_micros();
        u32::try_from(ticks % (1 << 32)).unwrap_or_default()
    }

    /// A clock that was set back is ignored; the other one still goes on.
    fn age_at(&self, now: Self) -> Duration {
        let by_boot = now.boot.saturating_sub(self.boot);
        let by_wall = now.wall.duration_since(self.wall).unwrap_or_default();
        by_boot.max(by_wall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// So long after the machine's start, with its time of day set forward by so much.
    fn moment(since_boot: Duration, set_forward: Duration) -> Moment {
        Moment { boot: since_boot, wall: SystemTime::UNIX_EPOCH + 24 * 365 * 50 * HOUR + since_boot + set_forward }
    }

    /// As a clock that stands for the machine's own, an hour before it is set.
    fn plain(since_boot: u64) -> Moment {
        moment(seconds(since_boot), HOUR)
    }

    #[test]
    fn an_age_goes_by_the_clock_that_says_more() {
        let asked_at = plain(100);

        assert_eq!(asked_at.age_at(plain(104)), seconds(4));
        assert_eq!(asked_at.age_at(moment(seconds(104), 2 * HOUR)), HOUR + seconds(4), "set forward by an hour");
        assert_eq!(asked_at.age_at(moment(seconds(104), seconds(0))), seconds(4), "set back by an hour");
        // A virtual machine that was paused: its boot clock stood still, its time of day was put right.
        assert_eq!(asked_at.age_at(moment(seconds(100), HOUR + seconds(30))), seconds(30));
    }

    #[test]
    fn setting_this_machines_clock_does_not_move_the_databases_time() {
        let noon: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        let reading = ClockReading::from_answer(plain(100), noon, plain(100)).unwrap();

        for set in [seconds(0), HOUR, 2 * HOUR] {
            assert_eq!(reading.at(moment(seconds(107), set)), noon + TimeDelta::seconds(7));
        }
    }

    #[test]
    fn a_machine_that_slept_an_hour_knows_that_the_database_went_on() {
        let noon: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        let reading = ClockReading::from_answer(plain(100), noon, plain(100)).unwrap();

        assert_eq!(reading.at(plain(3_700)), noon + TimeDelta::hours(1));
    }

    #[test]
    fn an_answer_gives_the_time_in_the_middle_of_its_way_unless_it_was_long_or_the_clock_was_set() {
        let noon: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        let half = plain(100).boot + Duration::from_millis(500);

        let reading = ClockReading::from_answer(plain(100), noon, moment(half, HOUR)).unwrap();
        assert_eq!(reading.at(moment(half, HOUR)), noon + TimeDelta::milliseconds(250));
        assert!(ClockReading::from_answer(plain(100), noon, plain(102)).is_none(), "two seconds on its way");
        assert!(ClockReading::from_answer(plain(100), noon, moment(half, 2 * HOUR)).is_none(), "set forward meanwhile");
    }
}
