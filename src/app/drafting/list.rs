//! Where the people of a draft come from.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::AppError;
use crate::domain::list_columns::ChosenColumns;
use crate::domain::rejected_rows::CellMend;
use crate::domain::text::escaped;
use crate::import::{KeptRejections, PeopleSource, TableSource};

/// Where the people of a draft come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DraftList {
    File(PathBuf),
    /// Cells of a spreadsheet, as they were pasted.
    Pasted(Arc<str>),
}

/// A list to be taken into a draft, and how it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListToTake {
    pub list: DraftList,
    pub columns: ChosenColumns,
    pub mends: Vec<CellMend>,
}

impl ListToTake {
    pub(super) fn open(&self) -> Result<PeopleSource, AppError> {
        Ok(PeopleSource::Table(self.list.open()?.by_columns(self.columns.clone())))
    }
}

impl DraftList {
    pub(super) fn rejections(&self) -> KeptRejections {
        match self {
            Self::Pasted(_) => KeptRejections::Pasted,
            Self::File(path) => {
                let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                KeptRejections::OfFile(path.to_string_lossy().into_owned())
            }
        }
    }

    pub(super) fn open(&self) -> Result<TableSource, AppError> {
        let mut sheet = None;
        let source: Box<dyn Read + Send> = match self {
            Self::Pasted(text) => Box::new(Cursor::new(text.as_bytes().to_vec())),
            Self::File(path) => {
                let (path, named) = with_sheet(path);
                sheet = named;
                let unreadable = |error| AppError::Invalid(format!("{}: {error}", shown(&path)));
                // Before it is opened: a pipe that nobody writes to is waited for without end.
                let about = std::fs::metadata(&path).map_err(unreadable)?;
                if about.is_dir() {
                    return Err(AppError::Invalid(format!("{} is a directory: give a file in it", shown(&path))));
                }
                if !about.is_file() {
                    return Err(AppError::Invalid(format!("{} is no regular file: give a list", shown(&path))));
                }
                Box::new(File::open(&path).map_err(unreadable)?)
            }
        };
        Ok(TableSource::from(source).of_sheet(sheet))
    }
}

/// A path in a sentence.
fn shown(path: &Path) -> String {
    escaped(&path.to_string_lossy())
}

/// A file, and the sheet that is named behind it: `list.xlsx#People`. A file whose own name has a `#` in it is that file.
fn with_sheet(path: &Path) -> (PathBuf, Option<String>) {
    let text = path.to_string_lossy();
    match text.rsplit_once('#') {
        Some((file, sheet)) if !path.exists() && Path::new(file).is_file() => (file.into(), Some(sheet.to_owned())),
        _ => (path.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{DraftList, with_sheet};

    #[test]
    fn a_sheet_is_named_behind_its_file_and_a_file_with_such_a_name_is_itself() {
        let home = tempfile::tempdir().unwrap();
        let named = |name: &str| {
            let (path, sheet) = with_sheet(&home.path().join(name));
            (path.file_name().unwrap().to_str().unwrap().to_owned(), sheet)
        };
        for file in ["list.xlsx", "own#1.csv"] {
            std::fs::write(home.path().join(file), "").unwrap();
        }

        assert_eq!(named("list.xlsx#People"), ("list.xlsx".to_owned(), Some("People".to_owned())));
        assert_eq!(named("list.xlsx"), ("list.xlsx".to_owned(), None));
        assert_eq!(named("own#1.csv"), ("own#1.csv".to_owned(), None));
        assert_eq!(named("missing.xlsx#People"), ("missing.xlsx#People".to_owned(), None));
    }

    #[test]
    fn a_pipe_that_nobody_writes_to_is_refused_instead_of_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let pipe = home.path().join("list.csv");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());

        let refused = DraftList::File(pipe).open().err().unwrap();

        assert!(refused.to_string().contains("no regular file"), "{refused}");
    }
}
