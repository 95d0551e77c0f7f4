//! The opt-outs that were noted on this machine, a line of JSON each behind a header: appended and made durable before the
//! database's commit, so that a database that went back in time gets them again. What was lifted on purpose is appended as well.

mod blanking;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::files::{self, make_directory, private};
use super::stamp::ChangeStamp;
use super::{LOCK_PATIENCE, MemoryError, Origin};
use crate::domain::phone::PersonKey;
use crate::engine::file_lock::FileLock;
use crate::store::suppression::NewSuppression;
use blanking::forget_lines;

/// Its name in the directory of its database.
pub(super) const FILE: &str = "opt-outs";

/// `# STAMP LENGTH ORIGIN`, the first two in ten digits each, without a space between them: when it was appended to last, how many bytes
/// of lines follow as of then, and which file it is. Earlier versions wrote zeros in place of the time.
const HEADER: usize = 2 + 20 + 1 + 33 + 1;

/// An opt-out as it was noted, or lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedOptOut {
    pub business: String,
    /// E.164, with the plus.
    pub phone: String,
    pub reason: Option<String>,
    pub source: String,
    pub by: String,
    pub at: DateTime<Utc>,
    /// Somebody let the number be messaged again.
    #[serde(default)]
    pub is_lifted: bool,
}

impl RememberedOptOut {
    /// Of which business and person.
    pub fn whose(&self) -> (String, Option<PersonKey>, Option<String>) {
        let person = PersonKey::of_digits(self.phone.trim_start_matches('+'));
        // A keyed hash is nobody's number.
        let text = person.is_none().then(|| self.phone.clone());
        (self.business.clone(), person, text)
    }

    /// The same as of when its person said so.
    #[must_use]
    pub fn said_at(self, at: DateTime<Utc>) -> Self {
        Self { at, ..self }
    }

    /// As it is noted now, or lifted.
    pub fn of(suppression: NewSuppression<'_>, is_lifted: bool) -> Self {
        let NewSuppression { business, phone, reason, source, by } = suppression;
        Self {
            business: business.to_owned(),
            phone: phone.to_owned(),
            reason: reason.map(str::to_owned),
            source: source.to_owned(),
            by: by.to_owned(),
            at: Utc::now(),
            is_lifted,
        }
    }
}

/// Which file holds the opt-outs, and how many bytes of lines it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptOutExtent {
    pub origin: String,
    pub bytes: u64,
}

/// Lines that were appended to a file that was whole: its bytes of lines before them and with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendedOptOuts {
    pub origin: String,
    pub before: u64,
    pub after: u64,
}

/// What can be read of a file, whatever is wrong with it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ReadableOptOuts {
    pub standing: Vec<RememberedOptOut>,
    /// How many are lost as far as that shows: 0 if the file is whole.
    pub unreadable: usize,
}

/// The opt-outs of one database.
#[derive(Debug, Clone)]
pub struct OptOutMemory {
    path: PathBuf,
}

/// Nobody else writes while it lives.
#[derive(Debug)]
pub struct OptOutLock {
    memory: OptOutMemory,
    lock: FileLock,
}

impl OptOutMemory {
    /// In the directory of its database. Makes nothing yet.
    pub fn new(directory: &Path) -> Self {
        Self { path: directory.join(FILE) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which file it is, by its header alone: also where nothing can be written. `None`: there is none, or none that can be read.
    pub fn origin(&self) -> Option<String> {
        let file = private(OpenOptions::new().read(true)).open(&self.path).ok()?;
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, 0).ok()?;
        read_header(&header).map(|(_, extent)| extent.origin)
    }

    /// Waits for whoever writes. Blocks the thread.
    pub fn lock(&self) -> Result<OptOutLock, MemoryError> {
        let path = self.path.with_extension("lock");
        let locked = make_directory(self.directory()).and_then(|()| FileLock::take(&path, LOCK_PATIENCE));
        Ok(OptOutLock { memory: self.clone(), lock: locked.map_err(|error| self.unwritable(error))? })
    }

    /// How far a file reaches that is whole by its header, and writable. `is_begun`: this machine has had one before, so that a
    /// file that is missing was removed. Makes one where there is none, and gives a header to one of an earlier version.
    pub fn open(&self, is_begun: bool) -> Result<OptOutExtent, MemoryError> {
        let seen = self.extent();
        if let Ok(Some(extent)) = seen {
            return Ok(extent);
        }
        // Whoever writes has it locked, and may be held up in the middle: what is wrong behind them is so.
        let _lock = match (self.lock(), seen) {
            (Err(_), Err(error)) => return Err(error),
            (lock, _) => lock?,
        };
        if let Some(extent) = self.extent_now()? {
            return Ok(extent);
        }
        let lines = match files::read(&self.path) {
            Ok((lines, _)) => lines,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_begun => Vec::new(),
            Err(error) => return Err(MemoryError::reading(&self.path, error)),
        };
        if lines.last().is_some_and(|last| *last != b'\n') || parse(&lines).any(|line| line.is_none()) {
            return Err(self.unreadable("it is damaged"));
        }
        self.replace(&lines)
    }

    /// What stands of the lines behind an offset that [`Self::open`] gave, one opt-out for each business and person.
    pub fn since(&self, extent: &OptOutExtent, offset: u64) -> Result<Vec<RememberedOptOut>, MemoryError> {
        let length = extent.bytes.checked_sub(offset).ok_or_else(|| self.unreadable("it was cut off"))?;
        let file = File::open(&self.path).map_err(|error| self.unreadable(&error.to_string()))?;
        let mut lines = vec![0; usize::try_from(length).unwrap_or(0)];
        file.read_exact_at(&mut lines, HEADER as u64 + offset).map_err(|error| self.unreadable(&error.to_string()))?;
        let noted: Option<Vec<_>> = parse(&lines).collect();
        Ok(standing(noted.ok_or_else(|| self.unreadable("it is damaged"))?))
    }

    /// What stands of all that can be read.
    pub fn readable(&self, is_begun: bool) -> ReadableOptOuts {
        let is_whole = self.open(is_begun).is_ok();
        let bytes = files::read(&self.path).map(|(bytes, _)| bytes).unwrap_or_default();
        let is_header = bytes.first() == Some(&b'#');
        let lines = if is_header { bytes.get(HEADER..).unwrap_or_default() } else { &bytes };
        let unreadable = parse(lines).filter(Option::is_none).count();
        let unreadable = if is_whole { unreadable } else { unreadable.max(1) };
        ReadableOptOuts { standing: standing(parse(lines).flatten()), unreadable }
    }

    /// Begins a whole file with what could be read of a damaged one, which is kept beside it.
    pub fn mend(&self, readable: &ReadableOptOuts) -> Result<OptOutExtent, MemoryError> {
        let _lock = self.lock()?;
        match fs::rename(&self.path, self.path.with_extension("damaged")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.unwritable(error)),
            _ => {}
        }
        let lines = encode(&readable.standing).map_err(|error| self.unwritable(error))?;
        self.replace(&lines)
    }

    /// Blanks the lines of these people, and their numbers in those of others. The file keeps its length, by which databases know how much of it they have.
    pub(super) fn forget(&self, people: &[PersonKey]) -> Result<(), MemoryError> {
        let _lock = self.lock()?;
        for path in [self.path.clone(), self.path.with_extension("damaged")] {
            forget_lines(&path, people).map_err(|error| MemoryError::Unwritable { path, error })?;
        }
        Ok(())
    }

    /// `None`: there is no file, or it has no header. Whoever changes it notes that first: a look in between the two is repeated.
    fn extent(&self) -> Result<Option<OptOutExtent>, MemoryError> {
        self.extent_now().or_else(|_| self.extent_now())
    }

    fn extent_now(&self) -> Result<Option<OptOutExtent>, MemoryError> {
        let file = match private(OpenOptions::new().read(true).write(true)).open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unwritable(error)),
        };
        let unreadable = |error: io::Error| self.unreadable(&error.to_string());
        let length = file.metadata().map_err(unreadable)?.len();
        let mut header = [0; HEADER];
        if file.read_at(&mut header, 0).map_err(unreadable)? == 0 {
            return Err(self.unreadable("it was cut off"));
        }
        if header[0] != b'#' {
            return Ok(None);
        }
        let (stamp, extent) = read_header(&header).ok_or_else(|| self.unreadable("it is damaged"))?;
        if extent.origin != Origin::of(&file).map_err(unreadable)?.to_string() {
            return Err(self.unreadable("it is a copy"));
        }
        if length < HEADER as u64 + extent.bytes {
            return Err(self.unreadable("it was cut off"));
        }
        // What lies behind the noted end is of a process that was killed before it noted it.
        let is_changed = !stamp.is_of(ChangeStamp::of(&file).map_err(unreadable)?);
        if is_changed && length == HEADER as u64 + extent.bytes {
            return Err(self.unreadable("another program has changed it"));
        }
        Ok(Some(extent))
    }

    /// Whether everything that was noted can be read. Makes and changes nothing.
    pub fn is_whole(&self, is_begun: bool) -> bool {
        match self.extent() {
            Ok(Some(_)) => true,
            Ok(None) => !is_begun || self.path.exists(),
            Err(_) => false,
        }
    }

    /// Written beside and renamed: a kill leaves the old one or the new one.
    fn replace(&self, lines: &[u8]) -> Result<OptOutExtent, MemoryError> {
        let draft = self.path.with_extension("new");
        let written = (|| {
            let mut file = private(OpenOptions::new().create(true).truncate(true).write(true)).open(&draft)?;
            let extent = OptOutExtent { origin: Origin::of(&file)?.to_string(), bytes: lines.len() as u64 };
            file.write_all(header(ChangeStamp::UNKNOWN, &extent).as_bytes())?;
            file.write_all(lines)?;
            file.sync_data()?;
            fs::rename(&draft, &self.path)?;
            // Its new name is a change as well.
            note_header(&file, &extent)?;
            Ok(extent)
        })();
        written.map_err(|error| self.unwritable(error))
    }

    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    fn unreadable(&self, why: &str) -> MemoryError {
        MemoryError::Unreadable { path: self.path.clone(), why: why.to_owned() }
    }

    fn unwritable(&self, error: io::Error) -> MemoryError {
        MemoryError::writing(&self.path, error)
    }
}

impl OptOutLock {
    /// Appends these, and waits until they are durable. What was cut off or copied before stays so. `None`: to a file that is to be asked
    /// about, or to one of an earlier version.
    pub fn append(&self, noted: &[RememberedOptOut], is_begun: bool) -> Result<Option<AppendedOptOuts>, MemoryError> {
        if !is_begun && !self.memory.path.exists() {
            self.memory.replace(&[])?;
        }
        let superseded = || MemoryError::Superseded { path: self.memory.path.clone() };
        if !self.lock.is_in_place() {
            return Err(superseded());
        }
        let appended = encode(noted).and_then(|lines| self.try_append(&lines));
        match appended.map_err(|error| self.memory.unwritable(error))? {
            Append::Done(appended) => Ok(appended),
            Append::Superseded => Err(superseded()),
        }
    }

    fn try_append(&self, lines: &[u8]) -> io::Result<Append> {
        let file = private(OpenOptions::new().read(true).write(true)).open(&self.memory.path)?;
        let length = file.metadata()?.len();
        let mut first = [0; HEADER];
        if file.read_at(&mut first, 0)? > 0 && first[0] != b'#' {
            // Of an earlier version: it gets its header when an engine reads it.
            file.write_all_at(&[b"\n", lines].concat(), length)?;
            return file.sync_data().map(|()| Append::Done(None));
        }
        let Some((stamp, extent)) = read_header(&first) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its header is damaged"));
        };
        // What lies behind the noted end was never durable: its writer was killed.
        let end = length.min(HEADER as u64 + extent.bytes);
        let is_cut = length < HEADER as u64 + extent.bytes;
        // What another program has changed stays so: whoever reads it is to ask.
        let is_ours = is_cut || length > end || stamp.is_of(ChangeStamp::of(&file)?);
        let lines = [if is_cut { &b"\n"[..] } else { b"" }, lines].concat();
        file.set_len(end)?;
        file.write_all_at(&lines, end)?;
        file.sync_data()?;
        if !self.lock.is_in_place() {
            return Ok(Append::Superseded);
        }
        let before = extent.bytes;
        let after = OptOutExtent { bytes: before + lines.len() as u64, ..extent };
        if is_ours {
            note_header(&file, &after)?;
        } else {
            file.write_all_at(header(stamp, &after).as_bytes(), 0)?;
        }
        file.sync_data()?;
        let OptOutExtent { origin, bytes: after } = after;
        Ok(Append::Done((is_ours && !is_cut).then_some(AppendedOptOuts { origin, before, after })))
    }
}

/// What came of an attempt to append.
enum Append {
    Done(Option<AppendedOptOuts>),
    /// They are passed over, since the disk held this up: whoever came next has cut them off.
    Superseded,
}

fn header(stamp: ChangeStamp, extent: &OptOutExtent) -> String {
    format!("# {:010}{:010} {:<33}\n", stamp.0, extent.bytes, extent.origin)
}

/// The header, with the time at which it is written. Until that is there it has none: a process may be killed in between.
fn note_header(file: &File, extent: &OptOutExtent) -> io::Result<()> {
    let write = |stamp| file.write_all_at(header(stamp, extent).as_bytes(), 0);
    write(ChangeStamp::UNKNOWN)?;
    ChangeStamp::note(file, write)
}

fn read_header(bytes: &[u8]) -> Option<(ChangeStamp, OptOutExtent)> {
    let text = std::str::from_utf8(bytes).ok()?.strip_prefix("# ")?.strip_suffix('\n')?;
    let (numbers, origin) = text.split_once(' ')?;
    let (stamp, bytes) = numbers.split_at_checked(10)?;
    let extent = OptOutExtent { origin: origin.trim_end().to_owned(), bytes: bytes.parse().ok()? };
    Some((ChangeStamp(stamp.parse().ok()?), extent))
}

fn encode(noted: &[RememberedOptOut]) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for opt_out in noted {
        serde_json::to_writer(&mut lines, opt_out)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// Line by line; `None` for one that cannot be read.
fn parse(lines: &[u8]) -> impl Iterator<Item = Option<RememberedOptOut>> {
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).ok())
}

fn standing(noted: impl IntoIterator<Item = RememberedOptOut>) -> Vec<RememberedOptOut> {
    let newest: BTreeMap<_, _> = noted.into_iter().map(|opt_out| (opt_out.whose(), opt_out)).collect();
    newest.into_values().filter(|opt_out| !opt_out.is_lifted).collect()
}

#[cfg(test)]
mod tests;
