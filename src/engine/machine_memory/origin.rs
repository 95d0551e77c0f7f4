//! What a copy of a file cannot take along: its inode and the time of its birth.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// Which file it is. The device's number is not part of it: it may change at each boot. Where the filesystem keeps no time
/// of birth, the inode alone speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    inode: u64,
    born_ns: u64,
}

impl Origin {
    pub fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let born = metadata.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let born_ns = born.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0);
        Ok(Self { inode: metadata.ino(), born_ns })
    }
}

/// As it stands in a file of its own.
impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}-{:x}", self.inode, self.born_ns)
    }
}
