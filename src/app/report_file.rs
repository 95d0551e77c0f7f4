//! A blast's report as a file of its own. A file that is there is never written over.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use super::App;
use super::AppError;
use super::report;
use crate::domain::ids::BlastId;

/// How many reports of a blast may lie beside one another.
const FILES_MAX: u32 = 999;

impl App {
    /// Writes the report as Markdown to a new file in the working directory; returns its path.
    pub async fn write_report(&self, blast: BlastId) -> Result<PathBuf, AppError> {
        let text = report::markdown(&self.report(blast).await?);
        let directory = std::env::current_dir().map_err(|error| refused(Path::new("."), &error))?;
        let written = spawn_blocking(move || write_new(&directory, &format!("blast-{blast}-report"), &text));
        written.await.map_err(|error| refused(Path::new("."), &io::Error::other(error)))?
    }
}

fn write_new(directory: &Path, stem: &str, text: &str) -> Result<PathBuf, AppError> {
    for n in 1..=FILES_MAX {
        let name = if n == 1 { format!("{stem}.md") } else { format!("{stem}-{n}.md") };
        let path = directory.join(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                return file.write_all(text.as_bytes()).map_err(|error| refused(&path, &error)).map(|()| path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(refused(&path, &error)),
        }
    }
    let path = directory.join(format!("{stem}.md"));
    Err(AppError::Refused(format!("{}: there are {FILES_MAX} of them already; remove some", path.display())))
}

fn refused(path: &Path, error: &io::Error) -> AppError {
    AppError::Refused(format!(
        "{} cannot be written ({error}): start the dashboard in a directory of your own, or free some room",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::write_new;

    #[test]
    fn a_report_that_is_there_is_never_written_over() {
        let directory = std::env::temp_dir().join(format!("blastdeck-report-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();

        let [first, second] = ["one", "two"].map(|text| write_new(&directory, "blast-7-report", text).unwrap());

        assert_eq!(first.file_name().unwrap(), "blast-7-report.md");
        assert_eq!(second.file_name().unwrap(), "blast-7-report-2.md");
        assert_eq!(std::fs::read_to_string(first).unwrap(), "one");
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_directory_that_takes_no_file_is_named_with_the_mend() {
        let refused = write_new(std::path::Path::new("/proc/nowhere"), "blast-7-report", "one").unwrap_err();

        let sentence = refused.to_string();
        assert!(sentence.contains("/proc/nowhere/blast-7-report.md cannot be written"), "{sentence}");
    }
}
