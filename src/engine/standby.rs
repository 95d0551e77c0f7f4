//! The standby: another process of this program that waits for the leases, so that a blast goes on when the window
//! that started it is gone, however it went.

use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::fs::{FlockOperation, flock};

/// How to start one, and the file that says whether one runs.
#[derive(Clone)]
pub struct Standby {
    /// The program with its arguments, in full.
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// What it finds in its environment beside ours: the database's address, which may hold a password.
    pub environment: Vec<(String, String)>,
    /// Locked by the standby as long as it lives.
    pub lock: PathBuf,
    /// Where it logs.
    pub log: PathBuf,
}

impl Standby {
    /// Starts one unless one runs. A failure is told in the log: this process goes on sending itself.
    pub fn ensure(&self) {
        match self.is_running().and_then(|runs| if runs { Ok(()) } else { self.start() }) {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%error, "no standby could be started: closing this window would stop the sending");
            }
        }
    }

    /// Somebody holds the lock.
    fn is_running(&self) -> std::io::Result<bool> {
        let file = open(&self.lock)?;
        Ok(flock(&file, FlockOperation::NonBlockingLockExclusive).is_err())
    }

    /// In a process group of its own, with nothing inherited that a closing terminal could break. It makes a session of
    /// its own as soon as it runs.
    fn start(&self) -> std::io::Result<()> {
        if let Some(dir) = self.log.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()?;
        // Reaped whenever it ends; it usually outlives us.
        std::thread::spawn(move || child.wait());
        Ok(())
    }
}

fn open(path: &std::path::Path) -> std::io::Result<File> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// The standby's own side: the lock, held as long as the value lives. `None`: another one runs already.
pub fn hold_lock(path: &std::path::Path) -> std::io::Result<Option<File>> {
    let file = open(path)?;
    Ok(flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok().then_some(file))
}
