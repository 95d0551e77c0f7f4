//! A lock file that one process at a time has. Whoever dies lets go of it; whoever is stopped (ctrl-z, a debugger, a frozen
//! container) does not, and is passed over: the file is made anew, and the other learns of it when it looks.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags, flock};

/// How often a lock that another process has is tried.
const TRY_EVERY: Duration = Duration::from_millis(2);

/// The lock, until it is dropped.
#[derive(Debug)]
pub struct FileLock {
    path: PathBuf,
    file: File,
}

impl FileLock {
    /// `None` while another process has it. Makes the file for its owner alone, and follows no link.
    pub fn try_take(path: &Path) -> io::Result<Option<Self>> {
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600).custom_flags(flags);
        let lock = Self { path: path.to_owned(), file: options.open(path)? };
        // Whoever passed the holder over between opening and locking has made another file.
        let is_ours = flock(&lock.file, FlockOperation::NonBlockingLockExclusive).is_ok() && lock.is_in_place();
        Ok(is_ours.then_some(lock))
    }

    /// Waits for whoever has it, and passes them over when they do not let go. Blocks the thread.
    pub fn take(path: &Path, patience: Duration) -> io::Result<Self> {
        let began = Instant::now();
        let mut is_passed_over = false;
        loop {
            if let Some(lock) = Self::try_take(path)? {
                return Ok(lock);
            }
            if began.elapsed() >= patience && !is_passed_over {
                tracing::warn!(path = %path.display(), "its holder does not let go of this lock, and is passed over");
                fs::remove_file(path)?;
                is_passed_over = true;
            }
            thread::sleep(TRY_EVERY);
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that is locked, for what its holder writes into it.
    pub const fn file_mut(&mut self) -> &mut File {
        &mut self.file
    }

    /// Whether the file is still the one that is locked: not when its directory was removed, or when another process has
    /// made it anew.
    pub fn is_in_place(&self) -> bool {
        let here = self.file.metadata().map(|file| (file.dev(), file.ino())).ok();
        let there = fs::symlink_metadata(&self.path).map(|file| (file.dev(), file.ino())).ok();
        here.is_some() && here == there
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::FileLock;

    #[test]
    fn a_holder_that_does_not_let_go_is_passed_over_and_writes_no_more() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lock");
        let stopped = FileLock::take(&path, Duration::ZERO).unwrap();
        assert!(FileLock::try_take(&path).unwrap().is_none());

        let began = Instant::now();
        let next = FileLock::take(&path, Duration::from_millis(60)).unwrap();

        assert!(began.elapsed() >= Duration::from_millis(60));
        assert!(!stopped.is_in_place() && next.is_in_place());
        drop(stopped);
        assert!(FileLock::try_take(&path).unwrap().is_none(), "the older lock's end frees nothing");
        drop(next);
        assert!(FileLock::try_take(&path).unwrap().is_some());
    }
}
