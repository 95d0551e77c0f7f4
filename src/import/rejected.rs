//! The file of rejected rows, beside the one they came from. It appears only when the import is done: until
//! then it has another name, and goes when the import fails. What an import that was killed left behind goes with the
//! next one; a file that is not ours, whatever its name, is never touched.

mod forgetting;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::process::geteuid;

use super::error::ImportError;
use super::free_name::rename_to_free;
use super::person::Rejection;
use crate::domain::text::{clean, csv_safe};

pub use forgetting::{KnownRejectedFile, RejectedVersion, read_rejected_file, rewrite_rejected_file};

/// The first line of every file of ours, by which it is recognized.
const HEADER: [&str; 4] = ["row", "column", "value", "reason"];

/// A draft without its first line may be about to get it.
const BEGINNING: Duration = Duration::from_secs(60);

/// How many other names to try: a script that pipes its lists leaves a file for each.
const NAMES: u32 = 100_000;

/// Where rejected rows are written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RejectedTo {
    /// This file, in place of one of an earlier import; one with a number where that name is somebody else's file. It is
    /// untouched when every row is accepted.
    File(PathBuf),
    /// This file, or where there is one of that name, whoever wrote it, one with a number. For lists that share a name: what
    /// an earlier one left is not replaced.
    NewFile(PathBuf),
    /// Nowhere: they are only counted.
    Nowhere,
}

impl RejectedTo {
    /// `people.csv` has its rejected rows in `people.rejected.csv`, and `people.xlsx` in `people.xlsx-rejected.csv`: no two
    /// lists of a directory share a file. What comes from a pipe (`-`) has a new one, `stdin.rejected.csv` of the current
    /// directory: it may be any list.
    pub fn beside(source: &Path) -> Self {
        if source == Path::new("-") {
            return Self::NewFile(PathBuf::from("stdin.rejected.csv"));
        }
        let is_csv = source.extension() == Some(OsStr::new("csv"));
        let (name, ending) = match source.file_stem() {
            Some(stem) if is_csv => (stem, ".rejected.csv"),
            _ => (source.file_name().unwrap_or_default(), "-rejected.csv"),
        };
        let mut name = name.to_owned();
        name.push(ending);
        Self::File(source.with_file_name(name))
    }

    /// Where the file will be, if that name is free or has what an earlier import wrote.
    pub fn expected(&self) -> Option<&Path> {
        let (Self::File(path) | Self::NewFile(path)) = self else { return None };
        matches!(NameState::of(path), Ok(NameState::Free | NameState::Ours)).then_some(path.as_path())
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
    /// In place of what an earlier import wrote under that name.
    replaces: bool,
    /// Keeps the lock until the file has its name.
    _locked: File,
}

impl RejectedFile {
    pub(super) const fn new(to: RejectedTo) -> Self {
        Self { to, open: None }
    }

    pub(super) fn write(&mut self, rejection: &Rejection) -> Result<(), ImportError> {
        let path = match &self.to {
            RejectedTo::File(path) | RejectedTo::NewFile(path) => path.clone(),
            RejectedTo::Nowhere => return Ok(()),
        };
        self.append(&path, rejection).map_err(|error| ImportError::RejectedFile { path, error })
    }

    fn append(&mut self, path: &Path, rejection: &Rejection) -> io::Result<()> {
        let (writer, _) = if let Some(open) = &mut self.open {
            open
        } else {
            let (writer, mut draft) = begin(path)?;
            draft.replaces = !matches!(self.to, RejectedTo::NewFile(_));
            self.open.insert((writer, draft))
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

/// A new file of this process, readable by its owner only: it has people's numbers in it. Locked, so that nobody takes it
/// for a leftover.
fn begin(path: &Path) -> io::Result<(csv::Writer<BufWriter<File>>, Draft)> {
    remove_leftovers(path);
    let (file, draft) = create(path)?;
    let mut writer = csv::Writer::from_writer(BufWriter::new(file));
    writer.write_record(HEADER).map_err(io::Error::other)?;
    writer.flush()?;
    Ok((writer, draft))
}

/// Under the first name that is free: another machine's process may have our number.
fn create(path: &Path) -> io::Result<(File, Draft)> {
    let (mut options, process) = (OpenOptions::new(), std::process::id());
    options.write(true).create_new(true).mode(0o600);
    for n in 0..NAMES {
        let mut name = prefix(path);
        name.push(if n == 0 { format!("{process}.part") } else { format!("{process}-{n}.part") });
        let draft = path.with_file_name(name);
        match options.open(&draft) {
            Ok(file) => {
                // A disk where files cannot be locked is not shared by two imports at once.
                let _ = flock(&file, FlockOperation::NonBlockingLockExclusive);
                let locked = file.try_clone()?;
                let draft = Draft { path: draft, becomes: path.to_owned(), replaces: true, _locked: locked };
                return Ok((file, draft));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// How the name of a draft begins.
fn prefix(path: &Path) -> OsString {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".");
    name
}

/// Removes drafts of imports that were killed. One that cannot be looked at stays.
fn remove_leftovers(path: &Path) {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let prefix = prefix(path);
    let is_named = |name: &OsStr| {
        let middle = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        let middle = middle.and_then(|rest| rest.strip_suffix(b".part"));
        middle.is_some_and(|number| number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-'))
    };
    for entry in fs::read_dir(dir).into_iter().flatten().flatten().filter(|entry| is_named(&entry.file_name())) {
        if is_leftover(&entry.path()).unwrap_or(false) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A file of this user's that begins as ours do, and that no import is writing.
fn is_leftover(path: &Path) -> io::Result<bool> {
    let Some((mut file, found)) = open_own(path)? else { return Ok(false) };
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(false);
    }
    let is_old = found.modified()?.elapsed().is_ok_and(|age| age > BEGINNING);
    if found.len() == 0 { Ok(is_old) } else { begins_as_ours(&mut file) }
}

/// A plain file of this user's; a link is nobody's.
fn open_own(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(None);
    }
    let no_follow = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(no_follow).open(path)?;
    let found = file.metadata()?;
    Ok((found.is_file() && found.uid() == geteuid().as_raw()).then_some((file, found)))
}

fn begins_as_ours(file: &mut File) -> io::Result<bool> {
    let wanted = format!("{}\n", HEADER.join(","));
    let mut line = Vec::new();
    file.take(wanted.len() as u64).read_to_end(&mut line)?;
    Ok(line == wanted.as_bytes())
}

/// What a name is.
enum NameState {
    Free,
    /// It has what an earlier import wrote.
    Ours,
    Taken,
}

impl NameState {
    fn of(path: &Path) -> io::Result<Self> {
        match open_own(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Free),
            Ok(Some((mut file, _))) => Ok(if begins_as_ours(&mut file)? { Self::Ours } else { Self::Taken }),
            Ok(None) => Ok(Self::Taken),
            Err(error) => Err(error),
        }
    }
}

impl Draft {
    /// Gives the file its name, or the first one with a number that is not somebody else's; of a new file, that is free.
    pub(super) fn keep(self) -> io::Result<PathBuf> {
        for n in 1..NAMES {
            let name = if n == 1 { self.becomes.clone() } else { numbered(&self.becomes, n) };
            // What is no longer free refuses the rename.
            let state = if self.replaces { NameState::of(&name)? } else { NameState::Free };
            let renamed = match state {
                NameState::Free => rename_to_free(&self.path, &name),
                NameState::Ours => fs::rename(&self.path, &name),
                NameState::Taken => continue,
            };
            match renamed {
                // Somebody took it, by now or in this instant.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                renamed => return renamed.map(|()| name),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

/// `people.rejected.csv` is `people.rejected-2.csv` then.
fn numbered(path: &Path, n: u32) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{n}."));
    name.push(path.extension().unwrap_or_default());
    path.with_file_name(name)
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Gone already when it was kept.
        _ = fs::remove_file(&self.path);
    }
}
