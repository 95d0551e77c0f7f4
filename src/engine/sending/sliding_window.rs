//! The last look at a rate per second, when a POST really begins. The pacer lays messages evenly, but a busy machine may
//! begin some of them late, and then they would arrive together: fifteen thousandths of a second are all the room there is.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::domain::pace::{Limits, Per, Rate};

/// A second, and a little for the way to the provider: no more than the rate begins in it. The pacer's own share of
/// 98.5 % passes freely.
const WINDOW: Duration = Duration::from_millis(1_012);

/// When the last POSTs began, as many as may in a second.
#[derive(Debug)]
pub(super) struct SlidingWindow {
    most: usize,
    window: Duration,
    began: VecDeque<Instant>,
}

impl SlidingWindow {
    /// `None` without a rate per second: there is nothing to check.
    pub(super) fn of(limits: Limits) -> Option<Self> {
        let Rate::Limited { count, per: Per::Second } = limits.rate else { return None };
        let most = usize::try_from(count).ok()?.max(1);
        Some(Self { most, window: limits.speed.shrink(WINDOW), began: VecDeque::new() })
    }

    /// Counts one that begins now; `Some`: not yet, and for how long not.
    pub(super) fn enter(&mut self, now: Instant) -> Option<Duration> {
        if self.began.len() >= self.most {
            let opens = *self.began.front()? + self.window;
            if opens > now {
                return Some(opens - now);
            }
            self.began.pop_front();
        }
        self.began.push_back(now);
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::SlidingWindow;
    use crate::domain::pace::{Limits, Rate, Speed};

    fn window(rate: &str) -> Option<SlidingWindow> {
        let rate: Rate = rate.parse().unwrap();
        SlidingWindow::of(Limits { rate, gap: None, daily_cap: None, zone: chrono_tz::UTC, speed: Speed::REAL })
    }

    #[test]
    fn those_who_come_together_after_a_pause_pass_as_the_second_allows() {
        let mut window = window("10/s").unwrap();
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);

        for n in 0..10 {
            assert_eq!(window.enter(at(n * 20)), None);
        }
        assert_eq!(window.enter(at(200)), Some(Duration::from_millis(812)));
        assert_eq!(window.enter(at(1_012)), None);
        assert_eq!(window.enter(at(1_012)), Some(Duration::from_millis(20)));
    }

    #[test]
    fn an_even_pace_is_never_held() {
        let mut window = window("80/s").unwrap();
        let start = Instant::now();
        let interval = Duration::from_secs_f64(1.0 / (80.0 * 0.985));
        assert!((0..400).all(|n| window.enter(start + interval * n).is_none()));
    }

    #[test]
    fn slower_rates_and_none_need_no_window() {
        assert!(window("20/min").is_none() && window("unlimited").is_none());
    }
}
