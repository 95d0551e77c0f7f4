//! A blast's report as a file of its own, in the working directory. A file that is there is never written over.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use super::App;
use super::AppError;
use super::report;
use crate::domain::ids::BlastId;

/// How many files of a name may lie beside one another.
const FILES_MAX: u32 = 999;

impl App {
    /// Writes the report as Markdown to a new file in the working directory; returns its path.
    pub async fn write_report(&self, blast: BlastId) -> Result<PathBuf, AppError> {
        let text = report::markdown(&self.report(blast).await?);
        let new = NewFile { stem: format!("blast-{blast}-report"), extension: "md", mode: 0o666 };
        let written = spawn_blocking(move || {
            let (mut file, path) = new.create()?;
            file.write_all(text.as_bytes()).map_err(|error| refused(&path, &error)).map(|()| path)
        });
        written.await.map_err(|error| refused(Path::new("."), &io::Error::other(error)))?
    }
}

/// A file in the working directory that is not there yet: its name, to which a number is added where others have it, and who may
/// read it.
pub(super) struct NewFile {
    pub stem: String,
    pub extension: &'static str,
    pub mode: u32,
}

impl NewFile {
    pub fn create(&self) -> Result<(File, PathBuf), AppError> {
        self.create_in(&std::env::current_dir().map_err(|error| refused(Path::new("."), &error))?)
    }

    fn create_in(&self, directory: &Path) -> Result<(File, PathBuf), AppError> {
        let Self { stem, extension, mode } = self;
        for n in 1..=FILES_MAX {
            let name = if n == 1 { format!("{stem}.{extension}") } else { format!("{stem}-{n}.{extension}") };
            let path = directory.join(name);
            match OpenOptions::new().write(true).create_new(true).mode(*mode).open(&path) {
                Ok(file) => return Ok((file, path)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(refused(&path, &error)),
            }
        }
        let path = directory.join(format!("{stem}.{extension}"));
        Err(AppError::Refused(format!("{}: there are {FILES_MAX} of them already; remove some", path.display())))
    }
}

pub(super) fn refused(path: &Path, error: &io::Error) -> AppError {
    AppError::Refused(format!(
        "{} cannot be written ({error}): start the dashboard in a directory of your own, or free some room",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::NewFile;

    #[test]
    fn a_report_that_is_there_is_never_written_over() {
        let directory = std::env::temp_dir().join(format!("blastdeck-report-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();

        let new = NewFile { stem: "blast-7-report".to_owned(), extension: "md", mode: 0o666 };

        let [first, second] = [1, 2].map(|_| new.create_in(&directory).unwrap().1);

        assert_eq!(first.file_name().unwrap(), "blast-7-report.md");
        assert_eq!(second.file_name().unwrap(), "blast-7-report-2.md");
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_directory_that_takes_no_file_is_named_with_the_mend() {
        let new = NewFile { stem: "blast-7-report".to_owned(), extension: "md", mode: 0o666 };

        let refused = new.create_in(std::path::Path::new("/proc/nowhere")).unwrap_err();

        let sentence = refused.to_string();
        assert!(sentence.contains("/proc/nowhere/blast-7-report.md cannot be written"), "{sentence}");
    }
}
