//! Files of rejected rows: where they are is noted, so that whoever is forgotten is taken out of them.

use std::path::{Path, PathBuf};

use csv::StringRecord;
use tokio::task::spawn_blocking;

use super::{App, AppError};
use crate::import::{KnownRejectedFile, read_rejected_file, rewrite_rejected_file};
use crate::store::forget::PersonTraces;
use crate::store::rejected_file::{self, NotedFile};

/// How many cells are looked through at once.
const AT_ONCE: usize = 10_000;

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
            match self.clear_rejected_file(PathBuf::from(&path), of).await {
                Ok(FileOutcome::Done) => {}
                Ok(FileOutcome::Gone) => gone.push(path),
                Ok(FileOutcome::Foreign) => left.unreached.push(format!("{path}, which was changed since")),
                Err(why) => left.failed = Some(format!("{path}: {why}")),
            }
        }
        Ok(rejected_file::remove(self.pool(), &host, &gone, of).await?)
    }

    async fn clear_rejected_file(&self, path: PathBuf, of: &PersonTraces) -> Result<FileOutcome, String> {
        let read = path.clone();
        let rows = match spawn_blocking(move || read_rejected_file(&read)).await {
            Ok(Ok(KnownRejectedFile::Rows(rows))) => rows,
            Ok(Ok(KnownRejectedFile::Gone)) => return Ok(FileOutcome::Gone),
            Ok(Ok(KnownRejectedFile::Foreign)) => return Ok(FileOutcome::Foreign),
            Ok(Err(error)) => return Err(error.to_string()),
            Err(error) => return Err(error.to_string()),
        };
        let others = self.rows_of_others(&rows, of).await.map_err(|error| error.to_string())?;
        if others.len() == rows.len() {
            return Ok(FileOutcome::Done);
        }
        let written = spawn_blocking(move || rewrite_rejected_file(&path, &others)).await;
        written.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        Ok(FileOutcome::Done)
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
