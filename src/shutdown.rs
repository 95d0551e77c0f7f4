//! Graceful shutdown: one token, cancelled by a signal or when the work is done. Injected everywhere; nothing else
//! listens to signals. One that would end the process without a word is turned into an error of whoever writes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGINT;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code of a process that was interrupted twice, as shells report one killed by SIGINT.
pub const INTERRUPTED: i32 = 130;

/// Asks tasks to stop. Clones share the request; a child can be stopped alone.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
    lent: LentTerminal,
}

/// Whether another program has the terminal, an editor say: ctrl-c, which a terminal sends to everybody in front of it, is meant
/// for that program alone then.
#[derive(Debug, Clone, Default)]
pub struct LentTerminal(Arc<LentState>);

#[derive(Debug, Default)]
struct LentState {
    is_lent: AtomicBool,
    /// A SIGINT came, set by its handler: whoever listens gets it later, perhaps after the terminal was given back.
    interrupted: Arc<AtomicBool>,
}

impl LentTerminal {
    pub fn set(&self, is_lent: bool) {
        if !is_lent {
            self.0.interrupted.store(false, Ordering::Release);
        }
        self.0.is_lent.store(is_lent, Ordering::Release);
    }

    /// Whether a SIGINT is for this process. Counts each once.
    fn take_interrupt(&self) -> bool {
        self.0.interrupted.swap(false, Ordering::AcqRel) && !self.0.is_lent.load(Ordering::Acquire)
    }
}

/// What a second SIGINT does, when stopping takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondInterrupt {
    /// Ends the process at once with [`INTERRUPTED`]: for verbs, which have no terminal to restore.
    Exit,
    /// Nothing: for the dashboard.
    Ignore,
}

impl Shutdown {
    pub fn new() -> Self {
        Self::default()
    }

    /// A child: cancelled with this one, but not the other way round.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { token: self.token.child_token(), lent: self.lent.clone() }
    }

    /// A child as a plain token. Cancelling it cancels nothing else.
    pub fn token(&self) -> CancellationToken {
        self.token.child_token()
    }

    /// For whoever lends the terminal to another program.
    pub fn lent_terminal(&self) -> LentTerminal {
        self.lent.clone()
    }

    /// Requests a stop of this one and its children. Idempotent.
    pub fn cancel(&self) {
        self.token.cancel();
    }

    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Resolves once a stop is requested. Cancel-safe, for `select!`.
    pub async fn cancelled(&self) {
        self.token.cancelled().await;
    }

    /// Stops on SIGINT (ctrl-c), SIGTERM (systemd, kill) or SIGHUP (the terminal is gone). Call it once, within a
    /// runtime. Fails when the handlers cannot be installed.
    pub fn on_signals(&self, second: SecondInterrupt) -> io::Result<()> {
        signal_hook::flag::register(SIGINT, self.lent.0.interrupted.clone())?;
        let signals = Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        };
        tokio::spawn(listen(self.clone(), signals, second));
        Ok(())
    }
}

/// Has a write beyond the limit of file sizes (`ulimit -f`) fail with `EFBIG`, as on a full disk, for the rest of the process: SIGXFSZ
/// would end it in the middle of whatever it does. A handler does that, and programs that are started from here do not inherit
/// it. Call it within a runtime.
pub fn survive_file_limit() -> io::Result<()> {
    signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).map(drop)
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

async fn listen(shutdown: Shutdown, mut signals: Signals, second: SecondInterrupt) {
    loop {
        let (name, is_interrupt) = tokio::select! {
            _ = signals.interrupt.recv() => ("SIGINT", true),
            _ = signals.terminate.recv() => ("SIGTERM", false),
            _ = signals.hangup.recv() => ("SIGHUP", false),
        };
        if is_interrupt && !shutdown.lent.take_interrupt() {
            continue;
        }
        if shutdown.is_cancelled() && is_interrupt && second == SecondInterrupt::Exit {
            std::process::exit(INTERRUPTED);
        }
        tracing::info!(signal = name, "stopping");
        shutdown.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    #[tokio::test]
    async fn a_child_stops_with_its_parent_but_not_the_parent_with_its_child() {
        let parent = Shutdown::new();
        let (first, second) = (parent.child(), parent.child());

        first.cancel();
        assert!(first.is_cancelled() && !parent.is_cancelled() && !second.is_cancelled());

        parent.cancel();
        second.cancelled().await;
        assert!(second.is_cancelled());
    }

    /// Set for the process that the tests below send signals to.
    const WAITS: &str = "BLASTDECK_TEST_WAITS_FOR_SIGNALS";

    /// Not a test itself, but that process.
    #[test]
    fn process_that_waits_for_signals() {
        if std::env::var_os(WAITS).is_none() {
            return;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let shutdown = Shutdown::new();
            shutdown.on_signals(SecondInterrupt::Exit).unwrap();
            // As an editor is interrupted, and ends before anybody listens.
            let lent = shutdown.lent_terminal();
            lent.set(true);
            signal_hook::low_level::raise(SIGINT).unwrap();
            lent.set(false);
            let heard = tokio::time::timeout(Duration::from_millis(100), shutdown.cancelled()).await;
            println!("\n{}", if heard.is_err() { "ready" } else { "ended by another program's interrupt" });
            shutdown.cancelled().await;
            println!("\nstopping");
            // Like work that does not end, until a second interrupt (or the time limit).
            tokio::time::timeout(Duration::from_secs(30), std::future::pending::<()>()).await.unwrap_err();
        });
    }

    struct Waiting {
        child: Child,
        said: BufReader<std::process::ChildStdout>,
    }

    impl Waiting {
        fn new() -> Self {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "shutdown::tests::process_that_waits_for_signals", "--nocapture"])
                .env(WAITS, "1")
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let said = BufReader::new(child.stdout.take().unwrap());
            let mut waiting = Self { child, said };
            waiting.expect_line("ready");
            waiting
        }

        fn expect_line(&mut self, wanted: &str) {
            let lines = self.said.by_ref().lines();
            assert!(lines.map_while(Result::ok).any(|line| line == wanted), "it never said {wanted}");
        }

        fn signal(&self, signal: Signal) {
            kill_process(Pid::from_child(&self.child), signal).unwrap();
        }
    }

    impl Drop for Waiting {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    #[test]
    fn each_of_the_three_signals_asks_for_a_stop() {
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            let mut process = Waiting::new();

            process.signal(signal);

            process.expect_line("stopping");
        }
    }

    #[test]
    fn an_interrupt_of_the_program_that_had_the_terminal_is_none_of_ours_however_late_it_is_heard() {
        let mut process = Waiting::new();

        process.signal(Signal::INT);

        process.expect_line("stopping");
    }

    #[test]
    fn a_second_interrupt_ends_a_verb_at_once() {
        let mut process = Waiting::new();
        process.signal(Signal::INT);
        process.expect_line("stopping");

        process.signal(Signal::INT);

        assert_eq!(process.child.wait().unwrap().code(), Some(INTERRUPTED));
    }
}
