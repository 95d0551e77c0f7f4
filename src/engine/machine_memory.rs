//! What this machine remembers of one sender: how far the database had come when it was last seen, and whom this machine
//! posted to. It lies outside of everything that a restore of the database replaces.
//!
//! Two files a sender: a small one that is replaced as a whole, and the journal of attempts that it names. The files are
//! the memory's only owner: nothing of it is kept in a process, since several processes of a machine write it in turn.
//! What cannot be read or written is an error, never an empty memory.

mod error;
mod files;
mod forgetting;
mod index;
mod journal;
mod known;
mod missing;
mod opt_outs;
mod origin;
mod record;
mod sender_key;
mod stamp;

pub use error::MemoryError;
pub use files::make_directory;
use files::private;
pub use forgetting::{forget_in_files, forget_key, make_forget_key};
use journal::JournalExtent;
pub use journal::{Journal, PostedRecord};
pub use known::{has_known_blasts, note_blasts};
pub use missing::MissingPosts;
pub use opt_outs::{AppendedOptOuts, OptOutExtent, OptOutLock, OptOutMemory, ReadableOptOuts, RememberedOptOut};
pub use origin::Origin;
pub use sender_key::SenderKey;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::file_lock::FileLock;
use crate::store::fence::{DatabaseIdentity, PostedAttempt};

/// How long a process may have the memory locked: less than the database waits for a transaction that does nothing, since a
/// lease is verified inside of one.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);

/// How far a database had come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub likeness: DatabaseIdentity,
    /// Of the sender's lease; both only grow.
    pub epoch: i64,
    pub renewals: i64,
    /// When the server was started on which it had come so far; earlier versions did not note it.
    #[serde(default)]
    pub server_started_at: Option<DateTime<Utc>>,
}

impl Standing {
    /// The further of two of the same database.
    fn further(self, other: &Self) -> Self {
        Self {
            likeness: self.likeness,
            server_started_at: self.server_started_at,
            epoch: self.epoch.max(other.epoch),
            renewals: self.renewals.max(other.renewals),
        }
    }
}

/// The small file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct MemoryPage {
    standing: Standing,
    /// The journal's number: each new one has the next.
    journal: u64,
    /// The journal file itself: a copy of it is another file.
    origin: Origin,
    /// How far the journal went when this was written. One that does not go so far is an older copy, whatever file it is in.
    #[serde(default)]
    extent: JournalExtent,
    /// The file that this was written into: in any other one it is a copy. Absent in those of older versions.
    #[serde(default)]
    own_origin: Option<Origin>,
    /// Attempts before this offset were confirmed to be missing.
    confirmed_bytes: u64,
    /// A confirmation found that posts had been noted here and were gone, nobody knows how many.
    #[serde(default)]
    has_gap: bool,
    /// A confirmation began it in a database from which something had been sent: what was posted before that is not in it.
    #[serde(default)]
    began_at: Option<DateTime<Utc>>,
    /// The database has a file of opt-outs: if there is none, it was removed.
    #[serde(default)]
    has_opt_outs: bool,
    /// The name of its sender. Earlier versions did not note it.
    #[serde(default)]
    sender: Option<String>,
}

/// A small file as it is.
struct FoundPage {
    page: MemoryPage,
    /// It was written into another file, and copied into this one.
    is_copy: bool,
}

/// What is remembered of a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    pub standing: Standing,
    /// The newest attempts that the database must have, at most [`WITNESSES`].
    pub witnesses: Vec<PostedAttempt>,
}

/// So many attempts are looked up in a database before it is sent from.
const WITNESSES: usize = 512;

/// The memory of one sender in one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderMemory {
    directory: PathBuf,
    /// The sender's name.
    sender: String,
    /// What the names of its files begin with.
    stem: String,
}

impl SenderMemory {
    /// In the directory of its database. Makes nothing yet.
    pub fn new(directory: &Path, sender: SenderKey<'_>) -> Self {
        Self { directory: directory.to_owned(), sender: sender.name.to_owned(), stem: sender.stem(directory) }
    }

    /// What is remembered; `None` when this machine never sent for it.
    ///
    /// # Errors
    /// A memory that is torn, copied or cannot be opened.
    pub fn read(&self) -> Result<Option<Remembered>, MemoryError> {
        let Some(page) = self.page()? else { return Ok(None) };
        let witnesses = self.journal(&page)?.newest(page.confirmed_bytes, WITNESSES)?;
        Ok(Some(Remembered { standing: page.standing, witnesses }))
    }

    /// How far the database had come, whatever is wrong with the journal.
    pub fn standing(&self) -> Option<Standing> {
        Some(self.page().ok()??.standing)
    }

    /// Remembers how far the database has come, and opens the journal for what is posted from here on. What is remembered
    /// only rises.
    pub fn remember(&self, standing: &Standing) -> Result<Journal, MemoryError> {
        let lock = self.lock()?;
        let (page, journal) = match self.page()? {
            Some(page) => {
                let journal = self.journal(&page)?;
                (MemoryPage { standing: standing.clone().further(&page.standing), ..page }, journal)
            }
            None => self.begin(standing.clone(), 0)?,
        };
        let (page, journal) = self.compact(page, journal, &lock)?;
        let extent = journal.sync()?;
        let has_opt_outs = page.has_opt_outs || OptOutMemory::new(&self.directory).path().exists();
        self.write(&MemoryPage { extent, has_opt_outs, ..page.clone() }, &lock)?;
        journal.indexed(page.confirmed_bytes)
    }

    /// Remembers that a lease was renewed so often under an epoch.
    pub fn raise(&self, epoch: i64, renewals: i64) -> Result<(), MemoryError> {
        let lock = self.lock()?;
        let path = self.page_path();
        let page = self.page()?.ok_or_else(|| MemoryError::Unreadable { path, why: "it is gone".to_owned() })?;
        let standing = Standing { epoch, renewals, ..page.standing.clone() }.further(&page.standing);
        let extent = self.journal(&page)?.sync()?;
        self.write(&MemoryPage { standing, extent, ..page }, &lock)
    }

    /// Everybody this machine knows that it posted to, as far as that can be read, and how much of it cannot.
    pub fn posted(&self) -> PostedRecord {
        let begins_at = self.found_page().ok().flatten().and_then(|found| found.page.began_at);
        let has_unknown_gap = self.has_lost_a_journal();
        let mut record = PostedRecord { has_unknown_gap, begins_at, ..PostedRecord::default() };
        for path in self.journals() {
            record.add(Journal::readable_part(&path));
        }
        record
    }

    /// Whether the journal that the page names is gone, or is another file or an older one, as one that was copied back; or an earlier
    /// one was. Without a page, or with one that is a copy, nobody knows.
    fn has_lost_a_journal(&self) -> bool {
        let found = match self.found_page() {
            Ok(None) => return false,
            Ok(Some(found)) if !found.is_copy && !found.page.has_gap => found,
            _ => return true,
        };
        let journal = Journal::open(&self.journal_path(found.page.journal));
        !journal.is_ok_and(|journal| {
            journal.origin().ok() == Some(found.page.origin)
                && !journal.is_older_than(&found.page.extent).unwrap_or(true)
                // Of what is damaged the missing can be counted.
                && (journal.is_changed().is_ok_and(|is_changed| !is_changed) || !journal.is_whole())
        })
    }

    /// Starts over from here, by an operator's word: what the database lacks of the journal so far is no sign any more. A journal that
    /// is damaged anywhere is left as it is, and a new one begun.
    pub fn confirm(&self, standing: Standing, missing: MissingPosts) -> Result<(), MemoryError> {
        let lock = self.lock()?;
        let known = self.page().ok().flatten().and_then(|page| Some((self.journal(&page).ok()?, page)));
        let known = known.filter(|(journal, _)| journal.is_whole());
        let (page, journal) = match known {
            Some((journal, page)) => (MemoryPage { standing, ..page }, journal),
            None => self.begin(standing, self.next_journal())?,
        };
        let extent = journal.sync()?;
        let confirmed_bytes = journal.length()?;
        let has_gap = page.has_gap || missing == MissingPosts::Unknown;
        let began_at = page.began_at.or_else(|| (missing == MissingPosts::Earlier).then(Utc::now));
        self.write(&MemoryPage { extent, confirmed_bytes, has_gap, began_at, ..page }, &lock)
    }

    fn begin(&self, standing: Standing, number: u64) -> Result<(MemoryPage, Journal), MemoryError> {
        let journal = Journal::create(&self.journal_path(number))?;
        let page = MemoryPage {
            standing,
            journal: number,
            origin: journal.origin()?,
            extent: JournalExtent::default(),
            own_origin: None,
            confirmed_bytes: 0,
            has_gap: false,
            began_at: None,
            has_opt_outs: false,
            sender: None,
        };
        Ok((page, journal))
    }

    /// Begins a new journal with the newest of a long one.
    fn compact(
        &self,
        page: MemoryPage,
        journal: Journal,
        lock: &FileLock,
    ) -> Result<(MemoryPage, Journal), MemoryError> {
        if !journal.is_long()? {
            return Ok((page, journal));
        }
        let (kept, confirmed_bytes) = journal.newest_half(page.confirmed_bytes)?;
        let (fresh, mut next) = self.begin(page.standing, page.journal + 1)?;
        next.append(&kept)?;
        let extent = next.sync()?;
        let MemoryPage { has_gap, began_at, has_opt_outs, .. } = page;
        let (number, page) =
            (page.journal, MemoryPage { extent, confirmed_bytes, has_gap, began_at, has_opt_outs, ..fresh });
        self.write(&page, lock)?;
        // The page names the new one: the old one only takes up space.
        let _ = fs::remove_file(self.journal_path(number));
        Ok((page, next))
    }

    fn page(&self) -> Result<Option<MemoryPage>, MemoryError> {
        match self.found_page()? {
            Some(FoundPage { is_copy: true, .. }) => {
                Err(MemoryError::Unreadable { path: self.page_path(), why: "it is a copy".to_owned() })
            }
            found => Ok(found.map(|found| found.page)),
        }
    }

    /// The page as it is, a copy too.
    fn found_page(&self) -> Result<Option<FoundPage>, MemoryError> {
        let path = self.page_path();
        let found = files::read(&path).and_then(|(text, file)| Ok((text, Origin::of(&file)?)));
        let (text, origin) = match found {
            Ok(found) => found,
            // A journal without it: somebody removed it, unless nothing was ever written into that. It is made first, and its maker may have
            // been killed, or found no room for the page.
            Err(error)
                if error.kind() == io::ErrorKind::NotFound
                    && self.journals().iter().all(|path| Journal::is_unused(path)) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(MemoryError::reading(&path, error)),
        };
        match serde_json::from_slice::<MemoryPage>(&text) {
            Ok(page) => Ok(Some(FoundPage { is_copy: page.own_origin.is_some_and(|own| own != origin), page })),
            Err(error) => Err(MemoryError::Unreadable { path, why: format!("it is damaged ({error})") }),
        }
    }

    /// The journal that a page names, if it is that very file and nothing of it was cut off.
    fn journal(&self, page: &MemoryPage) -> Result<Journal, MemoryError> {
        let path = self.journal_path(page.journal);
        let journal = Journal::open(&path)?;
        let why = if journal.origin()? != page.origin {
            "it is a copy"
        } else if journal.is_cut_off()? {
            "it was cut off"
        } else if !journal.reaches(&page.extent)? {
            "it is an older one than this machine wrote"
        } else if journal.is_changed()? {
            "another program has changed it"
        } else {
            return Ok(journal);
        };
        Err(MemoryError::Unreadable { path, why: why.to_owned() })
    }

    /// Written beside and renamed: a kill leaves the old one or the new one.
    fn write(&self, page: &MemoryPage, lock: &FileLock) -> Result<(), MemoryError> {
        let path = self.page_path();
        // Of this process alone: one that was stopped may have its own open still.
        let draft = path.with_extension(format!("{}.new", std::process::id()));
        let write = || {
            let mut file = private(OpenOptions::new().create(true).truncate(true).write(true)).open(&draft)?;
            let (own_origin, sender) = (Some(Origin::of(&file)?), Some(self.sender.clone()));
            file.write_all(&serde_json::to_vec(&MemoryPage { own_origin, sender, ..page.clone() })?)?;
            file.sync_data()?;
            // As late as can be: whoever was stopped, and passed over, replaces nothing.
            if lock.is_in_place() { fs::rename(&draft, &path).map(|()| true) } else { Ok(false) }
        };
        let written: io::Result<bool> = write();
        if !matches!(written, Ok(true)) {
            // On a full disk nothing of it stays behind.
            let _ = fs::remove_file(&draft);
        }
        match written {
            Ok(true) => Ok(()),
            Ok(false) => Err(MemoryError::Superseded { path }),
            Err(error) => Err(MemoryError::writing(&path, error)),
        }
    }

    /// One process at a time reads and writes.
    fn lock(&self) -> Result<FileLock, MemoryError> {
        let path = self.path("lock");
        let locked = make_directory(&self.directory).and_then(|()| FileLock::take(&path, LOCK_PATIENCE));
        locked.map_err(|error| MemoryError::writing(&path, error))
    }

    /// The journals there are, whatever the page says.
    fn journals(&self) -> Vec<PathBuf> {
        sender_key::journals(&self.directory, &self.stem)
    }

    fn next_journal(&self) -> u64 {
        let number = |path: &PathBuf| path.to_str()?.rsplit_once('-')?.1.parse::<u64>().ok();
        self.journals().iter().filter_map(number).max().map_or(0, |newest| newest + 1)
    }

    fn page_path(&self) -> PathBuf {
        self.path("json")
    }

    fn journal_path(&self, number: u64) -> PathBuf {
        self.path(&format!("posted-{number}"))
    }

    /// A file of this memory.
    pub fn path(&self, ending: &str) -> PathBuf {
        self.directory.join(format!("{}.{ending}", self.stem))
    }
}

/// Whether a sender of this database was sent for while there was a file of opt-outs.
pub fn has_opt_outs(directory: &Path) -> bool {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let pages =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    let pages = pages.filter_map(|path| serde_json::from_slice::<MemoryPage>(&files::read(&path).ok()?.0).ok());
    pages.into_iter().any(|page| page.has_opt_outs)
}

/// The memories in `state` of the same database on the same server, whatever its id was then: a backup from before it had
/// one gets another when it is migrated.
pub fn of_server(state: &Path, sender: SenderKey<'_>, likeness: &DatabaseIdentity) -> Vec<SenderMemory> {
    let databases = fs::read_dir(state).into_iter().flatten().flatten();
    let memories = databases.map(|database| SenderMemory::new(&database.path(), sender));
    let is_of = |found: &FoundPage| found.page.is_of(likeness);
    memories.filter(|memory| memory.found_page().is_ok_and(|found| found.as_ref().is_some_and(is_of))).collect()
}

impl MemoryPage {
    fn is_of(&self, likeness: &DatabaseIdentity) -> bool {
        let known = &self.standing.likeness;
        !known.system_identifier.is_empty() && known.is_of_cluster(likeness)
    }
}

#[cfg(test)]
mod tests;
