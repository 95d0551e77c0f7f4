//! Why this machine cannot remember.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// Why this machine cannot remember.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    #[error("{} cannot be read: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("{} cannot be written: {error}", path.display())]
    Unwritable { path: PathBuf, error: io::Error },
    /// This process or its machine has no more files or memory at this moment, which says nothing about this one.
    #[error("{} cannot be opened now: {error}", path.display())]
    Unopened { path: PathBuf, error: io::Error },
    /// This process was stopped in the middle of writing, and passed over: whoever sends now has written since.
    #[error("{} is written by another process since", path.display())]
    Superseded { path: PathBuf },
}

impl MemoryError {
    /// Whether the disk is full.
    pub fn is_for_want_of_room(&self) -> bool {
        matches!(self, Self::Unwritable { error, .. } if error.kind() == io::ErrorKind::StorageFull)
    }

    /// Why a file cannot be read that is there.
    pub(in crate::engine) fn reading(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match () {
            () if is_shortage(&error) => Self::Unopened { path, error },
            () if is_link(&error) => Self::Unreadable { path, why: LINK.to_owned() },
            () => Self::Unreadable { path, why: error.to_string() },
        }
    }

    /// Why a file cannot be written.
    pub(in crate::engine) fn writing(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match () {
            () if is_shortage(&error) => Self::Unopened { path, error },
            () if is_link(&error) => Self::Unreadable { path, why: LINK.to_owned() },
            () => Self::Unwritable { path, error },
        }
    }
}

/// What is said of a link in place of a file of ours: none is followed.
const LINK: &str = "it is a symbolic link: remove it";

fn is_link(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::LOOP)
}

/// Whether a file could not be opened for want of file descriptors or memory.
fn is_shortage(error: &io::Error) -> bool {
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| shortages.contains(&errno))
}
