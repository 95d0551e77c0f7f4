//! The dashboard that started a blast is gone, and what its standby stands on changes under it.

use std::os::unix::fs::MetadataExt;

use rustix::process::{Pid, Signal};

use super::{SETUP, SLOTS, Trial};
use crate::support::{
    Deadline, PATIENCE, Pty, Setup, Size, blastdeck, copy, digits, eventually_async, figure, settle_for,
};

/// Ten a second, evenly: 60 an hour of a time that runs 600 times as fast. Beside it in flight as many as before.
const SLOWER: Setup<'static> = Setup { sender: "rate = \"60/h\"\nin_flight = 8", ..SETUP };
/// That many POSTs in a row, each so many milliseconds after the one before, are paced: without a rate they come in bursts.
const PACED: usize = 16;
const APART: i64 = 40;

#[derive(Debug, Clone, Copy)]
enum Change {
    /// The sender has a rate from now on.
    Rate,
    /// The configuration has a sender more, who has a blast.
    Sender,
    /// Another file is in the place of the program.
    Program,
}

impl Trial {
    /// Whoever sends now sends by what it has become, without anybody's help. Where a process starts itself anew it takes
    /// its leave first: a change explains nobody in doubt.
    pub(super) async fn change_under_the_standby(&mut self) {
        self.receive_apart().await;
        for engine in self.engines.drain(..) {
            engine.stop().await;
        }
        self.put_program();
        let window = self.shop.dashboard_of(&self.shop.path("blastdeck"), Size { columns: 100, rows: 30 });
        self.until_more_posts(5).await;
        self.until_standby().await;
        self.end_window(window).await;
        if self.dice.up_to(2) == 0 {
            self.until_more_posts(5).await;
        }
        let change = [Change::Rate, Change::Sender, Change::Program][self.dice.up_to(3)];
        figure(&format!("  under the standby: {change:?}"));
        match change {
            Change::Rate => self.slow_down().await,
            Change::Sender => self.add_sender().await,
            Change::Program => self.replace_program().await,
        }
        self.until_more_posts(10).await;
        self.end_standby().await;
        self.shop.configure(SETUP);
        self.start_engines(1).await;
    }

    /// Killed, or asked to quit.
    async fn end_window(&mut self, mut window: Pty) {
        if self.dice.up_to(2) == 0 {
            window.signal(Signal::KILL);
            self.allowed += SLOTS;
        } else {
            window.signal(Signal::TERM);
        }
        // The proxy that it speaks through is a task of this thread's.
        let mut deadline = Deadline::after(PATIENCE);
        while !window.has_ended() {
            assert!(deadline.wait_a_moment().await, "the dashboard does not end: {}", window.text());
        }
        // What is in flight arrives first.
        settle_for(500).await;
    }

    async fn slow_down(&mut self) {
        self.shop.configure(SLOWER);
        let mut deadline = Deadline::after(PATIENCE);
        while !self.is_paced().await {
            assert!(deadline.wait_a_moment().await, "it does not keep the rate: {}", self.how_it_stands().await);
            // Simulator and proxy stand still while a long run's posts are read: those that are judged come after that.
            self.until_more_posts(2 * PACED).await;
        }
    }

    async fn is_paced(&self) -> bool {
        let mut times: Vec<_> = self.shop.sim.posts().await.iter().map(|post| post.at).collect();
        times.sort_unstable();
        let last = times.len().saturating_sub(PACED);
        times[last..].windows(2).all(|two| (two[1] - two[0]).num_milliseconds() >= APART)
    }

    /// All its people were sent to when it is taken out of the configuration again; whom a webhook
    /// calls not reached after that waits for it to come back.
    async fn add_sender(&mut self) {
        let people = self.people..self.people + 20;
        self.people = people.end;
        // Over Meta the account has one number more, and a number has one name.
        let name = if self.webhooks.is_some() { "counter".to_owned() } else { format!("counter{}", people.start) };
        self.shop.add_sender(&name);
        if !self.added_senders.contains(&name) {
            self.added_senders.push(name.clone());
        }
        let blast = self.shop.draft_of(&name, people.clone(), &[]).await;
        self.shop.send(&blast).await;
        let open = format!(
            "select count(*) from blast_recipients where blast_id = {blast} and status in ('queued', 'sending')"
        );
        let mut deadline = Deadline::after(PATIENCE);
        while self.shop.number(&open).await > 0 {
            let is_time = deadline.wait_a_moment().await;
            self.confirm_added_senders().await;
            assert!(is_time, "the new sender's blast is not sent: {}", self.how_it_stands().await);
        }
        let posts = self.shop.sim.posts().await;
        let unposted = people.filter(|person| posts.iter().all(|post| post.phone != digits(*person))).count();
        assert_eq!(unposted, 0, "the new sender has sent to everybody");
    }

    /// Every sender that was ever added is in the configuration once more, and may send.
    pub(super) fn bring_back_added_senders(&self) {
        for name in &self.added_senders {
            self.shop.add_sender(name);
        }
    }

    /// Each that has been away while the database went back in time asks once it is to send again.
    pub(super) async fn confirm_added_senders(&self) {
        let asking = "select name from senders where stopped_code = 'restored'";
        let asking: Vec<String> = sqlx::query_scalar(asking).fetch_all(&self.shop.database.pool).await.unwrap();
        for name in asking {
            self.shop.ok(&["sender", "confirm", &name, "--yes", "--no-engine"]).await;
        }
    }

    async fn replace_program(&mut self) {
        self.put_program();
        let wanted = std::fs::metadata(self.shop.path("blastdeck")).unwrap().ino();
        eventually_async("the standby is the new program", async || {
            let engines = self.shop.engines();
            !engines.is_empty() && engines.iter().all(|pid| program_of(*pid) == wanted)
        })
        .await;
    }

    /// Another copy of the program under test, renamed into its place. Not written by this process, whose other children
    /// could hold it open for writing just when it is to run.
    fn put_program(&self) {
        let next = self.shop.path("blastdeck.new");
        copy(&blastdeck(), &next);
        std::fs::rename(&next, self.shop.path("blastdeck")).unwrap();
    }
}

fn program_of(pid: Pid) -> u64 {
    std::fs::metadata(format!("/proc/{}/exe", pid.as_raw_pid())).map_or(0, |program| program.ino())
}
