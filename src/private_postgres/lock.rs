//! One blastdeck at a time prepares, starts or stops the server: a lock on a file beside the data.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags, flock};

use super::{POLL, PrivatePostgresError};

/// Longer than preparing a cluster and recovering it after a crash should ever take.
const PATIENCE: Duration = Duration::from_secs(180);

/// The lock, held until dropped, also by the programs that have it as their input.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Waits its turn.
    pub fn acquire(path: &Path) -> Result<Self, PrivatePostgresError> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            // The directory may be another user's, who could lead us elsewhere.
            .custom_flags(i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default())
            .open(path)
            .map_err(PrivatePostgresError::io("open", path))?;
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK && error != rustix::io::Errno::INTR {
                return Err(PrivatePostgresError::io("lock", path)(error.into()));
            }
            if Instant::now() >= deadline {
                return Err(PrivatePostgresError::Busy { lock: path.to_owned(), seconds: PATIENCE.as_secs() });
            }
            thread::sleep(POLL);
        }
        Ok(Self(file))
    }

    /// The lock as a program's standard input: when we are killed, it stays held until that program has ended too.
    pub fn as_input(&self) -> io::Result<Stdio> {
        self.0.try_clone().map(Stdio::from)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_program_keeps_the_lock_after_we_let_go() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("lock");
        let lock = Lock::acquire(&path).unwrap();
        let mut child = Command::new("sleep").arg("60").stdin(lock.as_input().unwrap()).spawn().unwrap();
        drop(lock);

        let other = File::open(&path).unwrap();
        let held = flock(&other, FlockOperation::NonBlockingLockExclusive);
        child.kill().unwrap();
        child.wait().unwrap();
        drop(other);

        assert_eq!(held, Err(rustix::io::Errno::WOULDBLOCK));
        // A program that another test starts just now has all our files, for the moment until it runs.
        assert!(Lock::acquire(&path).is_ok(), "it is free once that program has ended");
    }
}
