//! What the integration tests stand on: a Postgres, a terminal, a directory for files, and waiting without sleeping blindly.

mod clock;
pub mod closed;
mod cluster;
mod engine;
pub mod graph;
mod invariants;
mod postgres;
mod private;
pub mod proxy;
mod pty;
pub mod receiver;
pub mod rude;
mod scratch;
pub mod serve;
mod sessions;
mod shop;
mod sim;
mod slow_link;
pub mod svg;
mod test_dir;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use clock::Clock;
pub use cluster::{Cluster, copy};
pub use engine::Engine;
pub use invariants::{LostTime, broken_invariants};
pub use postgres::{TestDatabase, database, postgres};
pub use private::private_postgres;
pub use pty::{Pty, Size};
pub use shop::{Said, Setup, Shop, Wire, digits, said};
pub use sim::{Post, TOKEN};
pub use test_dir::TestDir;

/// How long a condition may take to come true before the test fails: only one that fails waits for it. Long enough for a machine
/// that builds something else meanwhile.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How often a condition is looked at again: at first, and at most.
const POLL: Duration = Duration::from_millis(10);
const LONGEST_POLL: Duration = Duration::from_millis(200);

/// The program under test.
pub fn blastdeck() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_blastdeck"))
}

/// Waits until `condition` holds; fails the test, naming `what`, when it does not come true.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let mut deadline = Deadline::after(PATIENCE);
    while !condition() {
        assert!(!deadline.is_over(), "still not true after {PATIENCE:?}: {what}");
        std::thread::sleep(deadline.pause());
        deadline.look_again();
    }
}

/// [`eventually`] for a condition that asks the database or the network.
pub async fn eventually_async(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let mut deadline = Deadline::after(PATIENCE);
    while !condition().await {
        assert!(deadline.wait_a_moment().await, "still not true after {PATIENCE:?}: {what}");
    }
}

/// How many sessions wait for a lock: of the test's own database, beside which others have theirs on the same server.
pub const WAITING_FOR_A_LOCK: &str =
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";

/// Waits until `value` has stayed the same for `this_long`; what it is then.
pub async fn until_unchanged<T: PartialEq>(what: &str, this_long: Duration, mut value: impl AsyncFnMut() -> T) -> T {
    let mut deadline = Deadline::after(PATIENCE);
    let (mut last, mut since) = (value().await, Instant::now());
    while since.elapsed() < this_long {
        assert!(deadline.wait_a_moment().await, "it still changes after {PATIENCE:?}: {what}");
        let now = value().await;
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    last
}

/// For a loop that waits for a condition and does something else meanwhile, or has more to say when it gives up.
pub struct Deadline {
    began: Instant,
    patience: Duration,
    looked_at: Instant,
}

impl Deadline {
    pub fn after(patience: Duration) -> Self {
        let now = Instant::now();
        Self { began: now, patience, looked_at: now }
    }

    /// A moment until the condition is looked at again; `false` once the time is up.
    pub async fn wait_a_moment(&mut self) -> bool {
        tokio::time::sleep(self.pause()).await;
        self.look_again();
        !self.is_over()
    }

    /// Longer for a condition that is dear to look at, such as one that runs a program, and the longer it has not come true: waiting
    /// leaves the processor to what is waited for.
    fn pause(&self) -> Duration {
        let (look, waited) = (self.looked_at.elapsed(), self.began.elapsed());
        (look * 3).max(waited / 30).clamp(POLL, LONGEST_POLL)
    }

    fn look_again(&mut self) {
        self.looked_at = Instant::now();
    }

    fn is_over(&self) -> bool {
        self.began.elapsed() >= self.patience
    }
}

/// Lets this much time pass: for what already left to arrive, and to see that nothing happens. Never for something to happen.
pub async fn settle_for(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// Whether the long forms, and what measures the machine, were asked for: `BLASTDECK_LONG_TESTS=1`. The rules hold on any
/// machine and always run; how fast it is, only a quiet one can show.
pub fn long_form() -> bool {
    std::env::var("BLASTDECK_LONG_TESTS").is_ok_and(|value| value == "1")
}

/// Fails in the long form if this took longer; prints it always.
#[track_caller]
pub fn measured(what: &str, took: Duration, bound: Duration) {
    figure(&format!("{what}: {:.2} s", took.as_secs_f64()));
    assert!(!long_form() || took < bound, "{what}: {took:?} are more than {bound:?}");
}

/// A figure for whoever runs the tests to see it.
#[expect(clippy::print_stdout, reason = "shown with --nocapture, and when a test fails")]
pub fn figure(text: &str) {
    println!("{text}");
}

/// The command lines of all living processes that name `path`. Empty where there is no `/proc`.
pub fn processes_naming(path: &Path) -> Vec<String> {
    let wanted = path.to_string_lossy().into_owned();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).filter(|line| line.contains(&wanted)).collect()
}
