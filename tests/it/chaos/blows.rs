//! What can befall an engine.

use std::time::Duration;

use rustix::process::Signal;

use super::{SLOTS, Trial};
use crate::support::proxy::{ALL, CLAIMS, EVIDENCE, RENEWALS};
use crate::support::{PATIENCE, pass};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blow {
    /// `kill -9`, and another is started.
    Kill,
    /// Stopped for longer than its lease while another takes over; then it wakes.
    Sleep,
    /// Two or five of them at once.
    Crowd,
    /// The provider takes messages and hangs up, throttles, answers with a page.
    HangUps,
    /// Postgres answers late, then connections break.
    SlowAndCut,
    /// Commits are made and not told.
    Swallow,
    /// Postgres dies and comes back.
    PostgresCrash,
}

impl Blow {
    pub(super) const ALL: [Self; 7] =
        [Self::Kill, Self::Sleep, Self::Crowd, Self::HangUps, Self::SlowAndCut, Self::Swallow, Self::PostgresCrash];
}

impl Trial {
    pub(super) async fn strike(&mut self, blow: Blow) {
        match blow {
            Blow::Kill => {
                self.kill_one().await;
                self.start_engines(1).await;
            }
            Blow::Sleep => self.sleep_through_a_lease().await,
            Blow::Crowd => self.crowd().await,
            Blow::HangUps => self.hang_ups().await,
            Blow::SlowAndCut => self.slow_and_cut().await,
            Blow::Swallow => self.swallow().await,
            Blow::PostgresCrash => {
                // A claim whose commit was made and not told is in doubt.
                self.allowed += SLOTS;
                self.crash_postgres().await;
            }
        }
    }

    /// All that live now are stopped; one that comes later takes over.
    async fn sleep_through_a_lease(&mut self) {
        let sleepers = self.engines.len();
        for engine in &self.engines {
            engine.signal(Signal::STOP);
        }
        self.allowed += SLOTS;
        self.start_engines(1).await;
        // What is under way arrives first.
        pass(500).await;
        self.until_more_posts(5).await;
        for engine in &self.engines[..sleepers] {
            engine.signal(Signal::CONT);
        }
        pass(100 + self.dice.up_to(200) as u64).await;
    }

    async fn crowd(&mut self) {
        let more = [1, 4][self.dice.up_to(2)];
        self.start_engines(more).await;
        self.until_more_posts(10).await;
        self.kill_one().await;
        self.until_more_posts(10).await;
    }

    async fn hang_ups(&mut self) {
        self.shop.sim.faults(&["accept-then-hangup=0.15", "throttle=0.1", "html=0.05", "error=0.05"]).await;
        let posts = 20 + self.dice.up_to(40);
        self.until_more_posts(posts).await;
        self.shop.sim.faults(&[]).await;
    }

    async fn slow_and_cut(&mut self) {
        self.proxy.delay(ALL, Duration::from_millis(5 + self.dice.up_to(120) as u64));
        for _ in 0..=self.dice.up_to(3) {
            pass(self.dice.up_to(250) as u64).await;
            self.allowed += SLOTS;
            self.proxy.cut();
        }
        self.proxy.calm();
    }

    async fn swallow(&mut self) {
        let of = [CLAIMS, EVIDENCE, ALL, RENEWALS][self.dice.up_to(4)];
        let commits = 1 + self.dice.up_to(3);
        self.allowed += SLOTS * i64::try_from(commits).unwrap();
        let before = self.proxy.swallowed();
        self.proxy.swallow_commits(of, commits);
        let began = std::time::Instant::now();
        // A renewal is a statement without a transaction: then nothing is swallowed.
        while of != RENEWALS && self.proxy.swallowed() < before + commits {
            assert!(began.elapsed() < PATIENCE, "no COMMIT passed by");
            pass(10).await;
        }
        self.proxy.calm();
    }
}
