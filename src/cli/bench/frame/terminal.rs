//! A pseudo-terminal with the dashboard in it: keys go in, and when how many bytes came out is known. Nothing interprets them.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use color_eyre::Result;
use color_eyre::eyre::{ensure, eyre};
use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::environment::BenchEnvironment;

/// A frame that moves the cursor of a list draws its glyph.
const CURSOR: u8 = b'>';
/// A dashboard that shows nothing within this time has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// A key that no frame follows within this time is not counted.
const ANSWER: Duration = Duration::from_secs(2);

/// What the terminal was sent at once.
struct Chunk {
    at: Instant,
    moves_cursor: bool,
}

/// A dashboard, and what it writes.
pub(super) struct WatchedDashboard {
    child: Child,
    keys: File,
    bytes: Arc<AtomicU64>,
    chunks: mpsc::UnboundedReceiver<Chunk>,
    pid: u32,
}

impl WatchedDashboard {
    /// Opens the dashboard of the bench's database, which changes nothing there.
    pub(super) async fn start(environment: &BenchEnvironment, (columns, rows): (u16, u16)) -> Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        tcsetwinsize(&master, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })?;
        let terminal = other_end(&master)?;
        let child = Command::new(std::env::current_exe()?)
            .arg("--config")
            .arg(environment.config_file())
            .arg("--read-only")
            .env("DATABASE_URL", environment.url())
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::from(terminal.try_clone()?))
            .stdout(Stdio::from(terminal))
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().ok_or_else(|| eyre!("the dashboard has ended"))?;
        let keys = File::from(master);
        let bytes = Arc::new(AtomicU64::new(0));
        let chunks = read(keys.try_clone()?, bytes.clone())?;
        let mut watched = Self { child, keys, bytes, chunks, pid };
        ensure!(timeout(PATIENCE, watched.chunks.recv()).await.is_ok(), "the dashboard shows nothing");
        Ok(watched)
    }

    pub(super) fn pid(&self) -> String {
        self.pid.to_string()
    }

    /// All bytes that were written to the terminal so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::SeqCst)
    }

    pub(super) fn press(&mut self, keys: &[u8]) -> Result<()> {
        Ok(self.keys.write_all(keys)?)
    }

    /// Waits until nothing was written for so long.
    pub(super) async fn settle(&mut self, quiet: Duration) -> Result<()> {
        let began = Instant::now();
        while timeout(quiet, self.chunks.recv()).await.is_ok_and(|chunk| chunk.is_some()) {
            ensure!(began.elapsed() < PATIENCE, "the dashboard never comes to rest");
        }
        Ok(())
    }

    /// How long after a key the cursor moved; `None` where it did not.
    pub(super) async fn cursor_moved(&mut self, pressed: Instant) -> Option<Duration> {
        loop {
            let chunk = timeout(ANSWER, self.chunks.recv()).await.ok()??;
            if chunk.moves_cursor && chunk.at > pressed {
                return Some(chunk.at - pressed);
            }
        }
    }

    pub(super) async fn end(mut self) -> Result<()> {
        self.press(b"qqq")?;
        if timeout(Duration::from_secs(5), self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }
}

/// The end that the program has.
fn other_end(master: &OwnedFd) -> Result<File> {
    let name = ptsname(master.as_fd(), Vec::new())?;
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
    let flags = i32::try_from(OFlags::NOCTTY.bits()).unwrap_or_default();
    Ok(OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?)
}

fn read(mut output: File, bytes: Arc<AtomicU64>) -> Result<mpsc::UnboundedReceiver<Chunk>> {
    let (sender, chunks) = mpsc::unbounded_channel();
    let watch = move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = output.read(&mut buffer) {
            let at = Instant::now();
            bytes.fetch_add(read as u64, Ordering::SeqCst);
            let chunk = Chunk { at, moves_cursor: buffer[..read].contains(&CURSOR) };
            if sender.send(chunk).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("bench-terminal".to_owned()).spawn(watch)?;
    Ok(chunks)
}
