//! Gives a finished file a name that is free, never one that another file got meanwhile.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Renames a file to a name that nothing has.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] where something has it.
pub fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // File systems, or kernels, that cannot.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => link_to_free(from, to),
        renamed => renamed.map_err(io::Error::from),
    }
}

/// The same where a rename cannot refuse: by a second name, or by a file of our own that takes the name first.
fn link_to_free(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => {
            // It is whole under its name, whatever is left beside it.
            let _ = fs::remove_file(from);
            Ok(())
        }
        Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => Err(error),
        Err(_) => {
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
            fs::rename(from, to)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gets_a_free_name_and_never_anothers() {
        for rename in [rename_to_free, link_to_free] {
            let dir = tempfile::tempdir().unwrap();
            let (from, to) = (dir.path().join("list.part"), dir.path().join("list"));
            fs::write(&from, "ours").unwrap();
            fs::write(&to, "theirs").unwrap();

            assert_eq!(rename(&from, &to).unwrap_err().kind(), ErrorKind::AlreadyExists);
            assert_eq!(fs::read_to_string(&to).unwrap(), "theirs");
            fs::remove_file(&to).unwrap();
            std::os::unix::fs::symlink("nowhere", &to).unwrap();
            assert_eq!(rename(&from, &to).unwrap_err().kind(), ErrorKind::AlreadyExists);
            fs::remove_file(&to).unwrap();
            rename(&from, &to).unwrap();
            assert_eq!((fs::read_to_string(&to).unwrap().as_str(), from.exists()), ("ours", false));
        }
    }
}
