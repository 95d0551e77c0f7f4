//! Which databases this machine knows to have had blasts.

use std::fs::{self, OpenOptions};
use std::path::Path;

use super::files::{make_directory, private};
use super::opt_outs;

/// An empty file beside the memories of a database that had blasts.
const HAS_BLASTS: &str = "has-blasts";

/// Notes that a database had blasts. A machine that cannot note it goes on: the note only keeps it from taking an empty database for its own.
pub fn note_blasts(directory: &Path) {
    let path = directory.join(HAS_BLASTS);
    if !path.exists() {
        let _ = make_directory(directory)
            .and_then(|()| private(OpenOptions::new().create(true).truncate(false).write(true)).open(path));
    }
}

/// Whether this machine has worked with any database that had blasts, or was sent from.
pub fn has_known_blasts(state: &Path) -> bool {
    let is_sign = |entry: fs::DirEntry| {
        let name = entry.file_name();
        name == HAS_BLASTS
            || name == opt_outs::FILE
            || Path::new(&name).extension().is_some_and(|ending| ending == "json")
    };
    let databases = fs::read_dir(state).into_iter().flatten().flatten();
    databases.flat_map(|database| fs::read_dir(database.path()).into_iter().flatten().flatten()).any(is_sign)
}
