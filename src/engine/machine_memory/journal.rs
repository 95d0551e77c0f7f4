//! The journal of attempts that this machine posted: how long it is, then records of one length, appended before each
//! claim's first POST.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::files::{self, private};
use super::index::PostedIndex;
use super::record::{self, JournalRecord, NamedLast, RECORD, RecordReader};
use super::stamp::ChangeStamp;
use super::{LOCK_PATIENCE, MemoryError, Origin};
use crate::store::fence::PostedAttempt;

/// At the file's beginning, big endian: when it was appended to last, in the upper 32 bits, and its length in bytes then. A file that
/// is shorter was cut off; one of that length that was changed later was written by another program. Earlier versions noted no time.
const HEADER: usize = 8;
const LENGTH_BITS: u32 = 32;

/// The phone of whoever was forgotten since: their record goes on speaking for their row.
pub(super) const FORGOTTEN: u64 = 0;

/// A journal longer than this many records is begun anew with the newer half. About 10 MB.
const LONG: u64 = 262_144;

/// No journal is ever so long: a length beyond it is itself damaged.
const LONGEST: u64 = 1 << 31;

/// How far a journal went at some moment.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JournalExtent {
    bytes: u64,
    /// The last record then, as a checksum of what it is known by; 0 where there was none.
    newest: u32,
}

/// What can be read of the journals of a sender.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PostedRecord {
    pub posted: Vec<PostedAttempt>,
    /// Attempts that were noted and cannot be read.
    pub unreadable: u64,
    /// More may be lost: a whole file is gone, was emptied or replaced, or does not say how long it was.
    pub has_unknown_gap: bool,
    /// Nothing is known of what was posted before this: the record was begun by a confirmation.
    pub begins_at: Option<DateTime<Utc>>,
}

impl PostedRecord {
    pub fn add(&mut self, other: Self) {
        self.posted.extend(other.posted);
        self.unreadable += other.unreadable;
        self.has_unknown_gap |= other.has_unknown_gap;
        self.begins_at = self.begins_at.max(other.begins_at);
    }
}

/// An open journal. Appends reach the kernel before they return; a crash of the whole machine may lose the newest.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    index: PostedIndex,
    /// How far it went when this process wrote or read it last.
    reached: u64,
    /// The message that was named last before that.
    named: NamedLast,
}

impl Journal {
    /// Makes an empty one, in place of a leftover that no page names.
    pub(super) fn create(path: &Path) -> Result<Self, MemoryError> {
        let unwritable = |error| MemoryError::Unwritable { path: path.to_owned(), error };
        if let Err(error) = fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(unwritable(error));
        }
        let file =
            private(OpenOptions::new().create_new(true).read(true).write(true)).open(path).map_err(unwritable)?;
        note_length(&file, HEADER as u64).map_err(|error| {
            // One without its length would count as cut off.
            let _ = fs::remove_file(path);
            unwritable(error)
        })?;
        let (path, index) = (path.to_owned(), PostedIndex::default());
        Ok(Self { path, file, index, reached: HEADER as u64, named: NamedLast::Message(None) })
    }

    /// Whether a file is a journal that no attempt was ever written into. One that was cut off notes that it was longer.
    pub(super) fn is_unused(path: &Path) -> bool {
        let ends_at = |journal: &Self| Some((journal.length().ok()?, journal.noted_length().ok()?));
        Self::open(path).is_ok_and(|journal| ends_at(&journal) == Some((HEADER as u64, HEADER as u64)))
    }

    pub(super) fn open(path: &Path) -> Result<Self, MemoryError> {
        match private(OpenOptions::new().read(true).write(true)).open(path) {
            Ok(file) => {
                let (path, index) = (path.to_owned(), PostedIndex::default());
                Ok(Self { path, file, index, reached: 0, named: NamedLast::Unknown })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(MemoryError::Unreadable { path: path.to_owned(), why: error.to_string() })
            }
            Err(error) => Err(MemoryError::writing(path, error)),
        }
    }

    /// With an index of what lies behind an offset, for [`Self::has_posted`].
    pub(super) fn indexed(mut self, behind: u64) -> Result<Self, MemoryError> {
        self.reached = self.length()?;
        let mut reader = RecordReader::default();
        for (at, posted) in self.attempts(HEADER as u64, &mut reader)? {
            if at >= behind {
                self.index.insert(&posted);
            }
        }
        self.named = NamedLast::Message(reader.message);
        Ok(self)
    }

    /// Whether this machine has posted an attempt, or a later one of the same recipient, since it was last confirmed that
    /// the database may go on as it is.
    pub fn has_posted(&self, claimed: &PostedAttempt) -> bool {
        self.index.has(claimed)
    }

    /// Appends attempts, all of them or none.
    pub fn append(&mut self, posted: &[PostedAttempt]) -> Result<(), MemoryError> {
        let unwritable = |error| MemoryError::Unwritable { path: self.path.clone(), error };
        self.lock().map_err(unwritable)?;
        // What was emptied or replaced meanwhile would look whole again with new records in it.
        let written = self.require_as_left().and_then(|()| self.append_locked(posted).map_err(unwritable));
        flock(&self.file, FlockOperation::Unlock).map_err(|error| unwritable(error.into()))?;
        self.reached = written?;
        if let Some(newest) = posted.last() {
            self.named = NamedLast::Message(newest.message);
        }
        for posted in posted {
            self.index.insert(posted);
        }
        Ok(())
    }

    /// A process that was stopped in the middle of an append does not let go.
    fn lock(&self) -> io::Result<()> {
        let began = Instant::now();
        while flock(&self.file, FlockOperation::NonBlockingLockExclusive).is_err() {
            if began.elapsed() >= LOCK_PATIENCE {
                return Err(io::Error::other("another process has it locked, and does not let go"));
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Fails if anything but processes of this program has written it since: they only append.
    fn require_as_left(&self) -> Result<(), MemoryError> {
        if self.is_cut_off()? {
            return Err(self.unreadable("it was cut off"));
        }
        if self.length()? < self.reached {
            return Err(self.unreadable("it is an older one than this process wrote"));
        }
        if self.is_changed()? { Err(self.unreadable("another program has changed it")) } else { Ok(()) }
    }

    /// How far it goes then.
    fn append_locked(&self, posted: &[PostedAttempt]) -> io::Result<u64> {
        let before = self.file.metadata()?.len();
        // Another process may have named another message since.
        let named = if before == self.reached { self.named } else { NamedLast::Unknown };
        let records = record::encode(posted, named);
        let after = before + records.len() as u64;
        let written = self.file.write_all_at(&records, before).and_then(|()| note_length(&self.file, after));
        if written.is_err() {
            // A part of a record would make the whole journal unreadable.
            self.file.set_len(before).and_then(|()| note_length(&self.file, before))?;
        }
        written.map(|()| after)
    }

    /// Whether it was changed after the last append, though nothing was added to it. Records behind the noted length are of a
    /// process that was killed before it noted them. Whoever changes records notes that first: a look in between the two is repeated.
    pub(super) fn is_changed(&self) -> Result<bool, MemoryError> {
        Ok(self.looks_changed()? && self.looks_changed()?)
    }

    fn looks_changed(&self) -> Result<bool, MemoryError> {
        let noted = self.header()?;
        let changed = ChangeStamp::of(&self.file).map_err(|error| self.unreadable(&error.to_string()))?;
        Ok(self.length()? == length_of(noted) && !stamp_of(noted).is_of(changed))
    }

    /// Makes durable what was appended; how far it went then.
    pub(super) fn sync(&self) -> Result<JournalExtent, MemoryError> {
        let extent = self.extent()?;
        self.file.sync_data().map_err(|error| MemoryError::Unwritable { path: self.path.clone(), error })?;
        Ok(extent)
    }

    /// By the length that is noted last in an append: another process may be in the middle of one.
    fn extent(&self) -> Result<JournalExtent, MemoryError> {
        let bytes = self.noted_length()?;
        Ok(JournalExtent { bytes, newest: self.identity_before(bytes)? })
    }

    /// Whether it went so far, with the same record there.
    pub(super) fn reaches(&self, extent: &JournalExtent) -> Result<bool, MemoryError> {
        Ok(self.length()? >= extent.bytes && self.identity_before(extent.bytes)? == extent.newest)
    }

    /// Whether it ends before that by its own account, or has another record there: what is missing cannot be counted. Of one that was
    /// cut off, or is damaged there, it can.
    pub(super) fn is_older_than(&self, extent: &JournalExtent) -> Result<bool, MemoryError> {
        if self.noted_length()? < extent.bytes {
            return Ok(true);
        }
        let is_there = extent.bytes <= self.length()?;
        let record = if is_there { self.record_before(extent.bytes)? } else { None };
        Ok(record.is_some_and(|record| record::decode(&record).is_some() && record::identity(&record) != extent.newest))
    }

    /// The record that ends at an offset, where one does.
    fn record_before(&self, end: u64) -> Result<Option<[u8; RECORD]>, MemoryError> {
        let Some(from) = end.checked_sub(RECORD as u64).filter(|from| *from >= HEADER as u64) else { return Ok(None) };
        let mut record = [0; RECORD];
        self.file.read_exact_at(&mut record, from).map_err(|error| self.unreadable(&error.to_string()))?;
        Ok(Some(record))
    }

    fn identity_before(&self, end: u64) -> Result<u32, MemoryError> {
        Ok(self.record_before(end)?.map_or(0, |found| record::identity(&found)))
    }

    pub(super) fn origin(&self) -> Result<Origin, MemoryError> {
        Origin::of(&self.file).map_err(|error| self.unreadable(&error.to_string()))
    }

    pub(super) fn length(&self) -> Result<u64, MemoryError> {
        let metadata = self.file.metadata().map_err(|error| self.unreadable(&error.to_string()))?;
        Ok(metadata.len())
    }

    /// Whether something was taken off its end.
    pub(super) fn is_cut_off(&self) -> Result<bool, MemoryError> {
        let length = self.length()?;
        Ok(length < HEADER as u64 || length < self.noted_length()?)
    }

    fn noted_length(&self) -> Result<u64, MemoryError> {
        Ok(length_of(self.header()?))
    }

    fn header(&self) -> Result<u64, MemoryError> {
        let mut noted = [0; HEADER];
        self.file.read_exact_at(&mut noted, 0).map_err(|error| self.unreadable(&error.to_string()))?;
        Ok(u64::from_be_bytes(noted))
    }

    pub(super) fn is_long(&self) -> Result<bool, MemoryError> {
        Ok(self.length()? > LONG * RECORD as u64)
    }

    /// The attempts of at most `most` of the newest records behind an offset, oldest first.
    pub(super) fn newest(&self, behind: u64, most: usize) -> Result<Vec<PostedAttempt>, MemoryError> {
        let end = self.length()?;
        let from = end.saturating_sub(most.saturating_mul(RECORD) as u64).max(behind.min(end)).max(HEADER as u64);
        let attempts = self.attempts(from, &mut RecordReader::default())?;
        Ok(attempts.into_iter().map(|(_, posted)| posted).collect())
    }

    /// The attempts from an offset on, oldest first, each with where its record begins.
    fn attempts(&self, from: u64, reader: &mut RecordReader) -> Result<Vec<(u64, PostedAttempt)>, MemoryError> {
        let end = self.length()?;
        let mut bytes = vec![0; usize::try_from(end.saturating_sub(from)).unwrap_or(0)];
        self.file.read_exact_at(&mut bytes, from).map_err(|error| self.unreadable(&error.to_string()))?;
        let (records, rest) = bytes.as_chunks::<RECORD>();
        let mut attempts = Vec::with_capacity(records.len());
        for (at, found) in records.iter().enumerate() {
            match reader.read(found).ok_or_else(|| self.unreadable("it is damaged"))? {
                JournalRecord::Attempt(posted) => attempts.push((from + (at * RECORD) as u64, posted)),
                JournalRecord::Message(_) => {}
            }
        }
        if rest.is_empty() { Ok(attempts) } else { Err(self.unreadable("it is damaged")) }
    }

    /// The newer half, and how much of that lies before an offset of the whole.
    pub(super) fn newest_half(&self, offset: u64) -> Result<(Vec<PostedAttempt>, u64), MemoryError> {
        let mut attempts = self.attempts(HEADER as u64, &mut RecordReader::default())?;
        let kept = attempts.split_off(attempts.len().saturating_sub((LONG / 2) as usize));
        let before = kept.iter().take_while(|(at, _)| *at < offset).count();
        let kept: Vec<_> = kept.into_iter().map(|(_, posted)| posted).collect();
        let bytes = record::encode(kept.get(..before).unwrap_or_default(), NamedLast::Message(None)).len();
        Ok((kept, (HEADER + bytes) as u64))
    }

    /// Every record of a file that can be read, whatever else is wrong with it.
    pub(super) fn readable_part(path: &Path) -> PostedRecord {
        let bytes = files::read(path).map(|(bytes, _)| bytes).unwrap_or_default();
        let Some((header, records)) = bytes.split_first_chunk::<HEADER>() else {
            return PostedRecord { has_unknown_gap: true, ..PostedRecord::default() };
        };
        let length = length_of(u64::from_be_bytes(*header));
        let noted = length.saturating_sub(HEADER as u64).div_ceil(RECORD as u64);
        let there = records.len().div_ceil(RECORD) as u64;
        let has_unknown_gap = length > LONGEST;
        let whole = if has_unknown_gap { there } else { noted.max(there) };
        // An attempt is noted once: a second record of it lies in the place of another one.
        let mut known = HashSet::new();
        let (mut reader, mut posted, mut messages) = (RecordReader::default(), Vec::new(), 0);
        for found in records.as_chunks::<RECORD>().0 {
            match reader.read(found) {
                Some(JournalRecord::Attempt(one)) if known.insert((one.recipient, one.attempt, one.epoch)) => {
                    posted.push(one);
                }
                Some(JournalRecord::Message(_)) => messages += 1,
                Some(JournalRecord::Attempt(_)) | None => {}
            }
        }
        let unreadable = whole.saturating_sub(posted.len() as u64 + messages);
        PostedRecord { posted, unreadable, has_unknown_gap, begins_at: None }
    }

    /// Whether each of its records can be read.
    pub(super) fn is_whole(&self) -> bool {
        Self::readable_part(&self.path).unreadable == 0
    }

    /// Takes numbers out of a file's records, which stay.
    pub(super) fn forget(path: &Path, phones: &[u64]) -> Result<(), MemoryError> {
        let journal = Self::open(path)?;
        let unwritable = |error| MemoryError::Unwritable { path: path.to_owned(), error };
        journal.lock().map_err(unwritable)?;
        let (bytes, _) = files::read(path).map_err(unwritable)?;
        let is_ours = !journal.is_changed()?;
        if is_ours {
            // An engine that looks meanwhile would take this for another program's change.
            write_header(&journal.file, ChangeStamp::UNKNOWN, journal.noted_length()?).map_err(unwritable)?;
        }
        let records = bytes.get(HEADER..).unwrap_or_default().as_chunks::<RECORD>().0;
        for (at, found) in records.iter().enumerate() {
            let Some(JournalRecord::Attempt(posted)) = record::decode(found) else { continue };
            if phones.contains(&posted.phone) {
                let record = record::of_attempt(&PostedAttempt { phone: FORGOTTEN, ..posted });
                journal.file.write_all_at(&record, (HEADER + at * RECORD) as u64).map_err(unwritable)?;
            }
        }
        if is_ours {
            note_length(&journal.file, journal.noted_length()?).map_err(unwritable)?;
        }
        journal.file.sync_data().map_err(unwritable)
    }

    fn unreadable(&self, why: &str) -> MemoryError {
        MemoryError::Unreadable { path: self.path.clone(), why: why.to_owned() }
    }
}

fn note_length(file: &File, length: u64) -> io::Result<()> {
    ChangeStamp::note(file, |stamp| write_header(file, stamp, length))
}

fn write_header(file: &File, stamp: ChangeStamp, length: u64) -> io::Result<()> {
    let header = u64::from(stamp.0) << LENGTH_BITS | length;
    file.write_all_at(&header.to_be_bytes(), 0)
}

const fn length_of(header: u64) -> u64 {
    header & ((1 << LENGTH_BITS) - 1)
}

const fn stamp_of(header: u64) -> ChangeStamp {
    ChangeStamp((header >> LENGTH_BITS) as u32)
}
