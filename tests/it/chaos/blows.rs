//! What can befall an engine.

use std::time::Duration;

use chrono::Utc;
use rustix::process::{Signal, kill_process};

use super::{SLOTS, Trial};
use crate::support::proxy::{ALL, CLAIMS, EVIDENCE, RENEWALS};
use crate::support::{Deadline, PATIENCE, Size, eventually_async, settle_for};

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
    /// Commits are made and not acknowledged.
    Swallow,
    /// Postgres dies and comes back.
    PostgresCrash,
    /// `kill -9` of the dashboard that sends; the standby that it had started goes on.
    Window,
    /// The engines' time of day is set, forward or back, and set right again.
    Clock,
    /// Postgres's files of some time ago are put back: under a running engine, or between two.
    Restore,
    /// A replica that was behind takes over, likewise.
    Failover,
    /// The dashboard that sends is gone; then its standby's configuration or program is changed.
    Standby,
    /// `kill -9` of the process that receives webhooks, with an engine inside or without; only over Meta's wire.
    Receiver,
}

impl Blow {
    /// Those of either wire.
    pub(super) const ALL: [Self; 12] = [
        Self::Kill,
        Self::Sleep,
        Self::Crowd,
        Self::HangUps,
        Self::SlowAndCut,
        Self::Swallow,
        Self::PostgresCrash,
        Self::Window,
        Self::Clock,
        Self::Restore,
        Self::Failover,
        Self::Standby,
    ];
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
                // A claim whose commit was made and not acknowledged is in doubt.
                self.allowed += SLOTS;
                self.crash_postgres().await;
            }
            Blow::Window => self.lose_the_window().await,
            Blow::Clock => self.set_the_clock().await,
            Blow::Restore | Blow::Failover => self.go_back_in_time(blow).await,
            Blow::Standby => self.change_under_the_standby().await,
            Blow::Receiver => self.lose_the_receiver().await,
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
        // What is in flight arrives first.
        settle_for(500).await;
        self.until_more_posts(5).await;
        for engine in &self.engines[..sleepers] {
            engine.signal(Signal::CONT);
        }
        settle_for(100).await;
        self.dice.moment(200).await;
    }

    /// Nothing may be sent before somebody confirms; those who were posted to in the time that was lost are in doubt then.
    async fn go_back_in_time(&mut self, how: Blow) {
        self.have_work().await;
        // No blast begins in the time that is lost: the simulator would know people whom nobody else does.
        self.allowed += SLOTS;
        self.cluster.back_up().await;
        let since = Utc::now();
        let before = self.shop.sim.stats().await.posts;
        self.shop.until_posts(before + 5 + self.dice.up_to(30)).await;
        if self.dice.up_to(2) == 0 {
            for engine in self.engines.drain(..) {
                engine.stop().await;
            }
        }
        match how {
            Blow::Failover => self.cluster.fail_over().await,
            _ => self.cluster.put_back().await,
        }
        self.lost_times.push((since, Utc::now()));
        if self.engines.is_empty() {
            self.start_engines(1).await;
        }
        let asks = "select count(*) from senders where stopped_code = 'restored'";
        eventually_async("the sender asks", async || self.shop.number(asks).await == 1).await;
        let lost = self.shop.sim.stats().await.posts - before;
        self.allowed += SLOTS + i64::try_from(lost).unwrap();
        self.shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
        self.news_was_lost();
    }

    /// By seconds it hardly matters; by hours a lease seems over, forward, and nothing may be sent meanwhile.
    async fn set_the_clock(&mut self) {
        for _ in 0..=self.dice.up_to(2) {
            self.clock.jump([-7_200, -20, 20, 7_200][self.dice.up_to(4)]);
            self.dice.moment(1_500).await;
        }
        self.clock.jump(0);
        // Each may have dropped what was in flight, at the way there and back.
        let engines = i64::try_from(self.engines.len()).unwrap() + i64::from(self.receives_with_engine());
        self.allowed += 4 * SLOTS * engines;
    }

    /// The window alone sends, until it is killed. Then its standby does, and ends in its turn.
    async fn lose_the_window(&mut self) {
        self.receive_apart().await;
        for engine in self.engines.drain(..) {
            engine.stop().await;
        }
        let window = self.shop.dashboard(Size { columns: 100, rows: 30 });
        self.until_more_posts(5).await;
        self.until_standby().await;
        window.signal(Signal::KILL);
        self.allowed += SLOTS;
        drop(window);
        // What is in flight arrives first.
        settle_for(500).await;
        self.until_more_posts(10).await;
        self.end_standby().await;
        self.start_engines(1).await;
    }

    /// Killed, or asked to end.
    pub(super) async fn end_standby(&mut self) {
        let how = if self.dice.up_to(2) == 0 { Signal::KILL } else { Signal::TERM };
        if how == Signal::KILL {
            self.allowed += SLOTS;
        }
        for standby in self.shop.engines() {
            kill_process(standby, how).unwrap();
        }
        eventually_async("the standby has ended", async || self.shop.engines().is_empty()).await;
    }

    /// Up, and waiting for leases. One that finds nothing left to do ends.
    pub(super) async fn until_standby(&mut self) {
        let listening = "select count(*) from pg_stat_activity
                          where application_name = 'blastdeck' and datname = current_database() and query ilike 'listen%'";
        let mut deadline = Deadline::after(PATIENCE);
        while self.shop.engines().is_empty() || self.shop.number(listening).await < 2 {
            assert!(deadline.wait_a_moment().await, "its standby is not up: {}", self.how_it_stands().await);
            self.have_work().await;
        }
    }

    async fn crowd(&mut self) {
        let more = [1, 4][self.dice.up_to(2)];
        self.start_engines(more).await;
        self.until_more_posts(10).await;
        self.kill_one().await;
        self.until_more_posts(10).await;
    }

    async fn hang_ups(&mut self) {
        self.faults(&["accept-then-hangup=0.15", "throttle=0.1", "html=0.05", "error=0.05"]).await;
        let posts = 20 + self.dice.up_to(40);
        self.until_more_posts(posts).await;
        self.faults(&[]).await;
    }

    async fn slow_and_cut(&mut self) {
        self.proxy.delay(ALL, Duration::from_millis(5 + self.dice.up_to(120) as u64));
        for _ in 0..=self.dice.up_to(3) {
            self.dice.moment(250).await;
            self.allowed += SLOTS;
            self.proxy.cut();
        }
        self.proxy.calm();
    }

    async fn swallow(&mut self) {
        self.have_work().await;
        let of = [CLAIMS, EVIDENCE, ALL, RENEWALS][self.dice.up_to(4)];
        let commits = 1 + self.dice.up_to(3);
        self.allowed += SLOTS * i64::try_from(commits).unwrap();
        let before = self.proxy.swallowed();
        self.proxy.swallow_commits(of, commits);
        let mut deadline = Deadline::after(PATIENCE);
        // A renewal is a statement without a transaction: then nothing is swallowed.
        while of != RENEWALS && self.proxy.swallowed() < before + commits {
            assert!(deadline.wait_a_moment().await, "no COMMIT passed by");
        }
        self.proxy.calm();
    }
}
