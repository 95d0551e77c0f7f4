//! What the integration tests stand on: a Postgres, a terminal, a room for files, and waiting without sleeping blindly.

mod clock;
mod cluster;
mod invariants;
mod postgres;
pub mod proxy;
mod pty;
mod room;
pub mod rude;
mod shop;
mod sim;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use clock::Clock;
pub use cluster::{Cluster, copy};
pub use invariants::broken_books;
pub use postgres::{TestDatabase, database, postgres};
pub use pty::{Pty, Size};
pub use room::Room;
pub use shop::{Engine, Said, Setup, Shop, digits, long_form, pass, said};
pub use sim::Post;

/// How long a condition may take to come true before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(10);

/// The program under test.
pub fn blastdeck() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_blastdeck"))
}

/// Waits until `condition` holds; fails the test, naming `what`, when it does not come true.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "still not true after {PATIENCE:?}: {what}");
        std::thread::sleep(POLL);
    }
}

/// [`eventually`] for a condition that asks the database or the network.
pub async fn eventually_async<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "still not true after {PATIENCE:?}: {what}");
        tokio::time::sleep(POLL).await;
    }
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
