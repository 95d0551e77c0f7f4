//! The file of rows that were not taken, beside the one they came from. It appears only when the import is done: until
//! then it has another name, and goes when the import fails.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use super::error::ImportError;
use super::person::Rejection;
use crate::domain::text::{clean, csv_safe};

/// Where rows that were not taken are written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RejectedTo {
    /// This file, overwritten; nothing happens to it when every row is taken.
    File(PathBuf),
    /// Nowhere: they are only counted.
    Nowhere,
}

impl RejectedTo {
    /// `people.csv` has its rejected rows in `people.rejected.csv`; what comes from a pipe (`-`) in
    /// `stdin.rejected.csv` of the current directory.
    pub fn beside(source: &Path) -> Self {
        if source == Path::new("-") {
            return Self::File(PathBuf::from("stdin.rejected.csv"));
        }
        let mut name = source.file_stem().unwrap_or_default().to_owned();
        name.push(".rejected.csv");
        Self::File(source.with_file_name(name))
    }
}

/// Rejections being written.
pub(super) struct RejectedFile {
    to: RejectedTo,
    open: Option<(csv::Writer<BufWriter<File>>, Draft)>,
}

/// A file under a name that is not its own yet; removed when it is dropped so.
#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    becomes: PathBuf,
}

impl RejectedFile {
    pub(super) const fn new(to: RejectedTo) -> Self {
        Self { to, open: None }
    }

    pub(super) fn write(&mut self, rejection: &Rejection) -> Result<(), ImportError> {
        let RejectedTo::File(path) = self.to.clone() else { return Ok(()) };
        self.append(&path, rejection).map_err(|error| ImportError::RejectedFile { path, error })
    }

    fn append(&mut self, path: &Path, rejection: &Rejection) -> io::Result<()> {
        let (writer, _) = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(begin(path)?),
        };
        let reason = rejection.reason.to_string();
        let cells = [&rejection.row.to_string(), &rejection.column, &rejection.value, &reason];
        let cells = cells.map(|cell| csv_safe(&clean(cell)).into_owned());
        writer.write_record(cells).map_err(io::Error::other)
    }

    /// Everything written out, still under its draft's name; `None` when there was nothing.
    pub(super) fn finish(self) -> Result<Option<Draft>, ImportError> {
        let Some((writer, draft)) = self.open else { return Ok(None) };
        let written = writer.into_inner().map_err(csv::IntoInnerError::into_error).and_then(|buffer| {
            buffer.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| file.sync_all())
        });
        match written {
            Ok(()) => Ok(Some(draft)),
            Err(error) => Err(ImportError::RejectedFile { path: draft.becomes.clone(), error }),
        }
    }
}

/// A new file of this process, readable by its owner only: it has people's numbers in it.
fn begin(path: &Path) -> io::Result<(csv::Writer<BufWriter<File>>, Draft)> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    let draft = Draft { path: path.with_file_name(name), becomes: path.to_owned() };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&draft.path)?;
    let mut writer = csv::Writer::from_writer(BufWriter::new(file));
    writer.write_record(["row", "column", "value", "reason"]).map_err(io::Error::other)?;
    Ok((writer, draft))
}

impl Draft {
    /// Gives the file its name.
    pub(super) fn keep(self) -> io::Result<PathBuf> {
        fs::rename(&self.path, &self.becomes)?;
        Ok(self.becomes.clone())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Gone already when it was kept.
        _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::phone::PhoneError;

    fn rejection(value: &str) -> Rejection {
        Rejection { row: 3, column: "phone".into(), value: value.into(), reason: PhoneError::Scientific.into() }
    }

    #[test]
    fn the_file_lies_beside_the_one_it_is_about() {
        let file = |path: &str| match RejectedTo::beside(Path::new(path)) {
            RejectedTo::File(path) => path.display().to_string(),
            RejectedTo::Nowhere => String::new(),
        };

        assert_eq!(file("/lists/raya.csv"), "/lists/raya.rejected.csv");
        assert_eq!(file("raya"), "raya.rejected.csv");
        assert_eq!(file("raya.rejected.csv"), "raya.rejected.rejected.csv");
        assert_eq!(file("-"), "stdin.rejected.csv");
    }

    #[test]
    fn it_appears_only_when_kept_and_goes_when_not() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("raya.rejected.csv");
        let written = || {
            let mut file = RejectedFile::new(RejectedTo::File(path.clone()));
            file.write(&rejection("=6.01E+10")).unwrap();
            file.finish().unwrap().unwrap()
        };

        drop(written());
        assert_eq!(fs::read_dir(room.path()).unwrap().count(), 0);

        assert_eq!(written().keep().unwrap(), path);
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "row,column,value,reason");
        assert!(lines[1].starts_with("3,phone,'=6.01E+10,lost by the spreadsheet"), "{}", lines[1]);
        assert_eq!(fs::read_dir(room.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_earlier_file_stays_when_nothing_is_rejected() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("raya.rejected.csv");
        fs::write(&path, "mine").unwrap();

        assert!(RejectedFile::new(RejectedTo::File(path.clone())).finish().unwrap().is_none());

        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_place_that_cannot_be_written_to_is_named() {
        let mut file = RejectedFile::new(RejectedTo::File(PathBuf::from("/nowhere/at/all/x.rejected.csv")));

        let error = file.write(&rejection("x")).unwrap_err();

        assert!(error.to_string().starts_with("/nowhere/at/all/x.rejected.csv cannot be written"), "{error}");
    }
}
