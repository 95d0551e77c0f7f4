//! The directory that holds the private database, its logs and its lock: where it is, how it is made, who may pass.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use rustix::process::geteuid;

use super::{PrivatePostgresError, cluster};

/// Where root keeps the data: the server, which runs as another user, could not reach it in root's home.
const ROOT_DATA_DIR: &str = "/var/lib/blastdeck";

/// What blastdeck itself puts into a data directory.
const OURS: [&str; 7] = ["log", "media", "run", "postgres", "postgres.lock", "postgres.stopped", "postgres.unfinished"];

/// Makes the directory, also where the process masks modes. Root's is passable, so that the server's user comes through to
/// its own; a user's is the user's alone. What was made too narrow earlier is mended.
pub(super) fn make_data_dir(dir: &Path) -> Result<(), PrivatePostgresError> {
    let mode = if geteuid().is_root() { 0o711 } else { 0o700 };
    let missing: Vec<&Path> = dir.ancestors().take_while(|above| !above.exists()).collect();
    DirBuilder::new().recursive(true).mode(mode).create(dir).map_err(PrivatePostgresError::io("make", dir))?;
    let narrow = is_too_narrow(dir).then_some(dir);
    for made in missing.into_iter().chain(narrow) {
        fs::set_permissions(made, Permissions::from_mode(mode))
            .map_err(PrivatePostgresError::io("open the way into", made))?;
    }
    Ok(())
}

/// Root's own, closed to the server, with nothing in it that somebody else put there: made by a log that came first.
fn is_too_narrow(dir: &Path) -> bool {
    let is_closed = |found: fs::Metadata| found.uid() == 0 && found.mode() & 0o001 == 0;
    let names = || fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.file_name());
    geteuid().is_root()
        && fs::symlink_metadata(dir).is_ok_and(is_closed)
        && names().all(|name| name.to_str().is_some_and(|name| OURS.contains(&name)))
}

/// Leaves an empty file, in place of whatever has its name, never through a link.
pub(super) fn write_note(path: &Path) -> Result<(), PrivatePostgresError> {
    cluster::remove(path)?;
    let note = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    note.map(drop).map_err(PrivatePostgresError::io("write", path))
}

pub(super) fn default_data_dir() -> Result<PathBuf, PrivatePostgresError> {
    if geteuid().is_root() {
        return Ok(PathBuf::from(ROOT_DATA_DIR));
    }
    let base = etcetera::choose_base_strategy().map_err(|_| PrivatePostgresError::NoHome)?;
    Ok(base.data_dir().join("blastdeck"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_directory_that_a_log_made_too_narrow_is_mended_and_a_strangers_is_not() {
        if !geteuid().is_root() {
            return;
        }
        let room = tempfile::tempdir().unwrap();
        let (ours, foreign) = (room.path().join("ours"), room.path().join("foreign"));
        for dir in [&ours, &foreign] {
            fs::create_dir_all(dir.join("log")).unwrap();
            fs::set_permissions(dir, Permissions::from_mode(0o700)).unwrap();
        }
        fs::write(foreign.join("letters"), "").unwrap();

        make_data_dir(&ours).unwrap();
        make_data_dir(&foreign).unwrap();

        assert_eq!((mode(&ours), mode(&foreign)), (0o711, 0o700));
    }

    #[test]
    fn a_note_replaces_a_link_and_not_what_it_leads_to() {
        let room = tempfile::tempdir().unwrap();
        let (precious, note) = (room.path().join("precious"), room.path().join("note"));
        fs::write(&precious, "mine").unwrap();
        std::os::unix::fs::symlink(&precious, &note).unwrap();

        write_note(&note).unwrap();

        assert_eq!(fs::read_to_string(&precious).unwrap(), "mine");
        assert!(fs::symlink_metadata(&note).unwrap().is_file());
    }
}
