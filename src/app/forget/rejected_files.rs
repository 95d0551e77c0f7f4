//! Files of rejected rows: where they are is noted, so that whoever is forgotten is taken out of them.

use std::path::{Path, PathBuf};

use csv::StringRecord;
use tokio::task::spawn_blocking;

use super::{App, AppError};
use crate::import::{KnownRejectedFile, RejectedTo, read_rejected_file, rewrite_rejected_file};
use crate::store::forget::PersonTraces;
use crate::store::rejected_file::{self, NotedFile};

/// How many cells are looked through at once.
const AT_ONCE: usize = 10_000;

/// How often a file is read again that imports write meanwhile.
const READINGS: usize = 10;

/// The columns of a row that may name somebody: the value and the reason.
const NAMING: [usize; 2] = [2, 3];

/// What became of the files of rejected rows.
#[derive(Debug, Default)]
pub(super) struct RejectedFilesLeft {
    /// Those that may still name the person, in words.
    pub unreached: Vec<String>,
    /// Why one of this machine could not be cleared, which can be mended.
    pub failed: Option<String>,
}

impl App {
    /// Notes where a file of rejected rows was written. An error in words: then nobody is ever taken out of it.
    pub async fn note_rejected_file(&self, path: &Path) -> Result<(), String> {
        self.is_newly_noted(path).await?;
        Ok(())
    }

    /// The same; `false`: an earlier import noted it.
    async fn is_newly_noted(&self, path: &Path) -> Result<bool, String> {
        let noted = async {
            let path = std::path::absolute(path).map_err(|error| error.to_string())?;
            let path = path.to_str().ok_or("its name is not UTF-8")?;
            let host = &self.engine().host;
            rejected_file::note(self.pool(), host, path).await.map_err(|error| error.to_string())
        };
        noted.await.map_err(|why: String| {
            format!("{} is not known to `customer forget`, clear it yourself then: {why}", path.display())
        })
    }

    /// Notes where a file of rejected rows will be, before any row is written: its import may be killed. What cannot be noted now is said once the
    /// file is there. Returns where, unless it was noted before: that note is also for what an import that was killed left beside it.
    pub async fn expect_rejected_file(&self, to: &RejectedTo) -> Option<PathBuf> {
        let path = to.expected()?;
        let is_new = self.is_newly_noted(path).await.unwrap_or(false);
        is_new.then(|| path.to_owned())
    }

    /// Takes the note back of a file that was expected, and is not there once its import has failed. One that stays does no harm: it goes with whoever
    /// is forgotten next.
    pub(in crate::app) async fn expect_no_more(&self, expected: Option<PathBuf>) {
        let unwritten = expected.filter(|path| !path.exists()).and_then(|path| std::path::absolute(path).ok());
        if let Some(path) = unwritten.as_deref().and_then(Path::to_str) {
            let _ = rejected_file::remove_note(self.pool(), &self.engine().host, path).await;
        }
    }

    /// Takes a person out of this machine's files, and names the others.
    pub(super) async fn forget_in_rejected_files(&self, of: &PersonTraces) -> RejectedFilesLeft {
        let mut left = RejectedFilesLeft::default();
        if let Err(error) = self.clear_rejected_files(of, &mut left).await {
            left.failed.get_or_insert(error.to_string());
        }
        left
    }

    async fn clear_rejected_files(&self, of: &PersonTraces, left: &mut RejectedFilesLeft) -> Result<(), AppError> {
        let host = self.engine().host.to_string();
        let mut gone = Vec::new();
        for NotedFile { host: on, path } in rejected_file::all(self.pool()).await? {
            if on != host {
                left.unreached.push(format!("{path} on {on}"));
                continue;
            }
            let outcome = self.clear_rejected_file(Path::new(&path), of).await;
            match outcome {
                Ok(FileOutcome::Done) => {}
                Ok(FileOutcome::Gone) => gone.push(path),
                Ok(FileOutcome::Foreign) => left.unreached.push(format!("{path}, which was changed since")),
                Err(why) => left.failed = Some(format!("{path}: {why}")),
            }
        }
        Ok(rejected_file::remove(self.pool(), &host, &gone, of).await?)
    }

    async fn clear_rejected_file(&self, path: &Path, of: &PersonTraces) -> Result<FileOutcome, String> {
        for _ in 0..READINGS {
            let read = path.to_owned();
            let (rows, version) = match spawn_blocking(move || read_rejected_file(&read)).await {
                Ok(Ok(KnownRejectedFile::Rows(rows, version))) => (rows, version),
                Ok(Ok(KnownRejectedFile::Gone)) => return Ok(FileOutcome::Gone),
                Ok(Ok(KnownRejectedFile::Foreign)) => return Ok(FileOutcome::Foreign),
                Ok(Err(error)) => return Err(error.to_string()),
                Err(error) => return Err(error.to_string()),
            };
            let others = self.rows_of_others(&rows, of).await.map_err(|error| error.to_string())?;
            if others.len() == rows.len() {
                return Ok(FileOutcome::Done);
            }
            let to = path.to_owned();
            let written = spawn_blocking(move || rewrite_rejected_file(&to, version, &others)).await;
            if written.map_err(|error| error.to_string())?.map_err(|error| error.to_string())? {
                return Ok(FileOutcome::Done);
            }
        }
        Err("imports write it all the time".to_owned())
    }

    /// The rows that do not name the person.
    async fn rows_of_others(&self, rows: &[StringRecord], of: &PersonTraces) -> Result<Vec<StringRecord>, AppError> {
        let mut others = Vec::with_capacity(rows.len());
        for some in rows.chunks(AT_ONCE) {
            let cells = some.iter().flat_map(|row| NAMING.map(|column| row.get(column).unwrap_or_default().to_owned()));
            let cells: Vec<_> = cells.collect();
            let naming = rejected_file::naming(self.pool(), &cells, of).await?;
            let named = |row: usize| naming.iter().any(|place| place / NAMING.len() == row);
            others.extend(some.iter().enumerate().filter(|(row, _)| !named(*row)).map(|(_, row)| row.clone()));
        }
        Ok(others)
    }
}

/// What became of one file.
enum FileOutcome {
    Done,
    Gone,
    Foreign,
}
