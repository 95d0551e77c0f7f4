//! Where an export goes: standard output, or a file that appears under its name only when it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use color_eyre::eyre::WrapErr;
use color_eyre::{Report, Result};

use crate::cli::exit::RefusedError;
use crate::cli::output::{StdoutError, refuse_closed_stdout};
use crate::import::rename_to_free;

pub(super) enum Destination {
    Stdout,
    File(PartialFile),
}

/// A file that is being written. Dropped before it is finished, it is removed.
pub(super) struct PartialFile {
    name: PathBuf,
    partial: PathBuf,
    file: File,
    is_finished: bool,
}

impl Destination {
    /// Opens `FILE.part` for a file that does not exist; only its owner may read it, since it names people.
    pub(super) fn open(name: Option<&Path>) -> Result<Self> {
        let Some(name) = name else {
            refuse_closed_stdout()?;
            return Ok(Self::Stdout);
        };
        refuse_existing(name)?;
        let mut partial = name.as_os_str().to_owned();
        partial.push(".part");
        let partial = PathBuf::from(partial);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial) {
            Ok(file) => Ok(Self::File(PartialFile { name: name.to_owned(), partial, file, is_finished: false })),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(RefusedError(format!(
                "{} exists: another export is writing it, or one was killed; if none is, remove it",
                partial.display()
            ))
            .into()),
            Err(error) => Err(error).wrap_err_with(|| format!("{} cannot be written", name.display())),
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Stdout => io::stdout().lock().write_all(bytes).wrap_err(StdoutError),
            Self::File(file) => file.file.write_all(bytes).map_err(|error| file.unwritten(error)),
        }
    }

    /// Everything was written: the file gets its name.
    pub(super) fn finish(&mut self) -> Result<()> {
        match self {
            Self::Stdout => io::stdout().lock().flush().wrap_err(StdoutError),
            Self::File(file) => file.finish(),
        }
    }
}

impl PartialFile {
    fn unwritten(&self, error: io::Error) -> Report {
        let is_limited = error.kind() == ErrorKind::FileTooLarge;
        let mend = if is_limited { ": it is larger than `ulimit -f` or its file system allows" } else { "" };
        Report::from(error).wrap_err(format!("{} cannot be written{mend}", self.name.display()))
    }

    fn finish(&mut self) -> Result<()> {
        let named = self.file.sync_all().and_then(|()| rename_to_free(&self.partial, &self.name));
        if named.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists) {
            refuse_existing(&self.name)?;
        }
        named.map_err(|error| self.unwritten(error))?;
        self.is_finished = true;
        Ok(())
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if !self.is_finished {
            let _ = fs::remove_file(&self.partial);
        }
    }
}

fn refuse_existing(name: &Path) -> Result<()> {
    // A link is there also where what it names is not.
    let Ok(found) = fs::symlink_metadata(name) else { return Ok(()) };
    let target = fs::metadata(name).unwrap_or(found).file_type();
    let why = if target.is_dir() {
        "is a directory: name a file in it"
    } else if target.is_file() || target.is_symlink() {
        "exists already: choose another name"
    } else {
        "is a device, not a file: leave --output out, and send standard output there"
    };
    Err(RefusedError(format!("{} {why}", name.display())).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_somebody_takes_while_the_export_is_written_stays_theirs() {
        let dir = tempfile::tempdir().unwrap();
        let name = dir.path().join("people.csv");
        let mut export = Destination::open(Some(&name)).unwrap();
        export.write(b"ours").unwrap();
        fs::write(&name, "theirs").unwrap();

        let error = export.finish().unwrap_err();
        drop(export);

        assert!(error.to_string().ends_with("exists already: choose another name"), "{error}");
        assert_eq!(fs::read_to_string(&name).unwrap(), "theirs");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
