//! Where the people of a draft come from.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;

use crate::app::AppError;
use crate::import::{KeptRejections, PeopleSource};

/// Where the people of a draft come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DraftList {
    File(PathBuf),
    /// Cells of a spreadsheet, as they were pasted.
    Pasted(Arc<str>),
}

impl DraftList {
    pub(super) fn rejections(&self) -> KeptRejections {
        match self {
            Self::Pasted(_) => KeptRejections::OfList,
            Self::File(path) => {
                let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                KeptRejections::OfFile(path.to_string_lossy().into_owned())
            }
        }
    }

    pub(super) fn open(&self) -> Result<PeopleSource, AppError> {
        let source: Box<dyn Read + Send> = match self {
            Self::Pasted(text) => Box::new(Cursor::new(text.as_bytes().to_vec())),
            Self::File(path) => {
                let unreadable = |error| AppError::Invalid(format!("{}: {error}", path.display()));
                // Before it is opened: a pipe that nobody writes to is waited for without end.
                let about = std::fs::metadata(path).map_err(unreadable)?;
                if about.is_dir() {
                    return Err(AppError::Invalid(format!("{} is a directory: give a file in it", path.display())));
                }
                if !about.is_file() {
                    return Err(AppError::Invalid(format!("{} is no regular file: give a list", path.display())));
                }
                Box::new(File::open(path).map_err(unreadable)?)
            }
        };
        Ok(PeopleSource::Table(source.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::DraftList;

    #[test]
    fn a_pipe_that_nobody_writes_to_is_refused_instead_of_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let pipe = home.path().join("list.csv");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());

        let refused = DraftList::File(pipe).open().err().unwrap();

        assert!(refused.to_string().contains("no regular file"), "{refused}");
    }
}
