//! A database that went back in time, was copied, or failed over to a replica that was behind has people queued who got
//! their message already. Nothing is sent from it until an operator says so.
//!
//! What the database says of itself is compared with what this machine remembers ([`super::memory`]): when a lease is
//! acquired, in the same transaction, and again whenever a claim meets a server that was started anew. If
//! there is no memory although something was sent, or was launched before this server was started or its tables were made, or it cannot be read or
//! written, somebody has to confirm as well.
//!
//! A rollback of the whole machine, memory included, cannot be seen from inside it.

mod earlier_version;
mod opt_outs;
mod restored;
mod stops;

pub use opt_outs::ForgottenCheck;
pub use restored::RestoredSenders;
pub use stops::{ask_to_confirm_again, close, takeover_failed};

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::lease_watch::Seen;
use super::machine_memory::{
    Journal, MemoryError, MissingPosts, OptOutMemory, PostedRecord, Remembered, SenderKey, SenderMemory, Standing,
    forget_in_files, forget_key, make_directory, make_forget_key, of_server,
};
use crate::domain::forgotten::{ForgetKey, MissingForgetKey};
use crate::domain::ids::SenderId;
use crate::domain::phone::PersonKey;
use crate::domain::retry::RetryRules;
use crate::store::fence::{self, Confirmed, DatabaseIdentity, PostedAttempt, SenderFacts, Server};
use crate::store::lease::{self, LeaseCounters};
use crate::store::{self, StoreError};

/// How many attempts are restored in one statement.
const AT_ONCE: usize = 5_000;

/// Why nothing is sent from this database.
#[derive(Debug, thiserror::Error)]
pub enum FenceRefusal {
    #[error("this database is a copy, was restored, or is served by a replica that took over")]
    OtherDatabase,
    #[error("this database went back in time: {0}")]
    BackInTime(Regression),
    #[error(
        "this machine has no record of what was sent from this database, and the database may have gone back in time"
    )]
    NoRecord,
    #[error(
        "an engine took this sender after this machine's record ends, and the server was started anew since: what was sent by that, from another \
         machine or from this one just before it went down, is not in the record, and the database may have gone back in time"
    )]
    OldRecord,
    #[error(
        "a blast waits that was launched before this server was started, or before its tables were restored, and this machine has no record of \
         the database: it may be a copy"
    )]
    LaunchedElsewhere,
    #[error("what this machine remembers of this database cannot be relied on: {0}")]
    Memory(#[from] MemoryError),
    #[error(
        "people who asked to be forgotten may be in this database again, and get messages: {0}; copy the file `forget.key` from the \
         machine where they were forgotten"
    )]
    Unrecognized(MissingForgetKey),
    /// A query failed: nothing is known yet, and it is retried.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl FenceRefusal {
    /// This machine knows nothing of the sender in this database, or not what was sent last.
    pub const fn is_without_record(&self) -> bool {
        matches!(self, Self::NoRecord | Self::OldRecord | Self::LaunchedElsewhere)
    }
}

/// What shows that a database went back in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Regression {
    #[error("its lease counts {now}, and counted {before} when this process last read it")]
    Seen { now: LeaseCounters, before: LeaseCounters },
    #[error("its lease counts {now}, and this machine remembers {before}")]
    Counted { now: LeaseCounters, before: LeaseCounters },
    #[error("{0} of the newest attempts that this machine remembers are missing from it")]
    AttemptsMissing(i64),
    #[error("its newest recipient is {now}, and this machine posted to {before}")]
    RecipientsMissing { now: i64, before: i64 },
    #[error("it counts an attempt again that this machine remembers")]
    AttemptRepeated,
    #[error("it has lost the id that this machine knows it by")]
    IdLost,
}

impl From<sqlx::Error> for FenceRefusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Where this machine keeps its memory of one database.
#[derive(Debug, Clone)]
pub struct Fence {
    /// The memories of all databases.
    state: PathBuf,
    /// The memory of this database.
    directory: PathBuf,
    /// Where an earlier version kept them: inside what a restore replaces.
    old: PathBuf,
    /// An opt-out that is noted again is evidence about whoever is queued.
    retry: RetryRules,
}

/// What a sender continues with once its database was verified.
#[derive(Debug)]
pub struct Verified {
    pub journal: Journal,
    /// When the verified server was started.
    pub server: Server,
}

impl Fence {
    /// `state` is this machine's, `database` the random id of the database, `old` the data directory's `run`.
    pub fn new(state: &Path, database: &str, old: PathBuf, retry: RetryRules) -> Self {
        Self { state: state.to_owned(), directory: state.join(database), old, retry }
    }

    /// Compares the database, by `facts` from the transaction that acquires the lease, with what is remembered; then remembers
    /// it as it is. `seen` is what this process itself saw of a holder elsewhere.
    pub async fn verify(
        &self,
        connection: &mut PgConnection,
        (sender, facts): (SenderKey<'_>, &SenderFacts),
        server: Server,
        seen: Option<Seen>,
    ) -> Result<Verified, FenceRefusal> {
        if facts.incarnation != server.incarnation {
            return Err(StoreError::ServerChanged.into());
        }
        let memory = SenderMemory::new(&self.directory, sender);
        let remembered = self.recall_sender(&memory, sender, facts, &server.likeness)?;
        // A process that froze here lost its transaction, and another engine may have sent since: `facts` would be older than
        // the memory. While the transaction lives nobody else acquires or renews this lease.
        fence::require_connection(connection).await?;
        fence::require_triggers(connection).await?;
        require_as_remembered(facts, &server.likeness, remembered.as_ref(), seen)?;
        let witnesses = remembered.map(|remembered| remembered.witnesses).unwrap_or_default();
        if let Some(regression) = missing_from(connection, facts, &witnesses).await? {
            return Err(FenceRefusal::BackInTime(regression));
        }
        self.note_forgotten(connection).await?;
        if facts.sent_from.as_ref() != Some(&server.likeness) {
            fence::record_identity(connection, sender.id, &server.likeness).await?;
        }
        let journal = memory.remember(&standing(facts, &server.likeness))?;
        Ok(Verified { journal, server })
    }

    /// Compares the database with what is remembered of a sender, as an engine will before it sends. Writes nothing.
    pub async fn examine(&self, pool: &PgPool, sender: SenderKey<'_>) -> Result<(), FenceRefusal> {
        let server = fence::server(pool).await?;
        let mut connection = pool.acquire().await?;
        let facts = fence::facts(&mut connection, sender.id).await?;
        let memory = SenderMemory::new(&self.directory, sender);
        let remembered = self.recall_sender(&memory, sender, &facts, &server.likeness)?;
        require_as_remembered(&facts, &server.likeness, remembered.as_ref(), None)?;
        let witnesses = remembered.map(|remembered| remembered.witnesses).unwrap_or_default();
        match missing_from(&mut connection, &facts, &witnesses).await? {
            Some(regression) => Err(FenceRefusal::BackInTime(regression)),
            None => Ok(()),
        }
    }

    /// The same in place, for a lease that is held, after its server was started anew.
    pub async fn verify_again(&self, pool: &PgPool, sender: SenderKey<'_>) -> Result<Verified, FenceRefusal> {
        let server = fence::server(pool).await?;
        let mut tx = store::begin(pool).await?;
        // No renewal comes between what the database says and what is remembered of it.
        lease::lock(&mut tx, sender.id).await?;
        let facts = fence::facts(&mut tx, sender.id).await?;
        let verified = self.verify(&mut tx, (sender, &facts), server, None).await?;
        tx.commit().await?;
        Ok(verified)
    }

    /// The opt-outs that were noted on this machine for this database.
    pub fn opt_outs(&self) -> OptOutMemory {
        OptOutMemory::new(&self.directory)
    }

    /// The file of the key under which people are forgotten here.
    pub fn forget_key_path(&self) -> PathBuf {
        self.directory.join("forget.key")
    }

    /// The key; `None`: this machine has none.
    pub fn forget_key(&self) -> Result<Option<ForgetKey>, MemoryError> {
        forget_key(&self.forget_key_path())
    }

    /// The key, made if there is none.
    pub fn make_forget_key(&self) -> Result<ForgetKey, MemoryError> {
        make_forget_key(&self.forget_key_path())
    }

    /// Takes people out of what this machine remembers, and out of the files of a directory of logs. What was posted stays
    /// known by its ids. Blocks the thread.
    pub fn forget_people(&self, people: &[PersonKey], logs: &Path) -> Result<(), MemoryError> {
        forget_in_files(&[&self.directory, &self.old], people, logs)
    }

    /// Whether anything can be remembered: makes the directory if need be, and a file in it for an instant.
    pub fn check_writable(&self) -> Result<(), MemoryError> {
        let probe = self.directory.join(format!("probe-{}", std::process::id()));
        let written =
            make_directory(&self.directory).and_then(|()| fs::write(&probe, "")).and_then(|()| fs::remove_file(&probe));
        written.map_err(|error| MemoryError::writing(&self.directory, error))
    }

    /// Remembers that a lease was renewed. Writes to the disk and waits for it.
    pub fn renewed(&self, sender: SenderKey<'_>, counters: LeaseCounters) -> Result<(), MemoryError> {
        SenderMemory::new(&self.directory, sender).raise(counters.epoch, counters.renewals)
    }

    /// What is remembered, by this version or the one before.
    fn recall_sender(
        &self,
        memory: &SenderMemory,
        sender: SenderKey<'_>,
        facts: &SenderFacts,
        likeness: &DatabaseIdentity,
    ) -> Result<Option<Remembered>, FenceRefusal> {
        if let Some(remembered) = memory.read()? {
            return Ok(Some(remembered));
        }
        if !of_server(&self.state, sender, likeness).is_empty() {
            // The same server under another id: it was brought back from before it had this one.
            return Err(FenceRefusal::BackInTime(Regression::IdLost));
        }
        Ok(if facts.has_sent { earlier_version::memory(&self.old, (sender.id, facts.epoch), likeness) } else { None })
    }

    /// Who would become uncertain if a sender were confirmed: writes it as [`Self::confirm`] does, for a transaction that is rolled back,
    /// and touches no memory.
    pub async fn doubt(
        &self,
        server: &Server,
        connection: &mut PgConnection,
        sender: SenderKey<'_>,
    ) -> Result<Confirmed, FenceRefusal> {
        let posted = self.posted(sender, &server.likeness).posted;
        let since = fence::newest_attempt(connection, sender.id).await?;
        self.note_readable_opt_outs(connection).await?;
        Ok(restore_posted(connection, (sender.id, since), &posted).await?)
    }

    /// An operator's word that a sender may go on as the database is. People whom this machine posted to and the database has
    /// forgotten become uncertain. Needs a writable memory. Resumes no other sender.
    pub async fn confirm(
        &self,
        server: &Server,
        connection: &mut PgConnection,
        (sender, forgotten): (SenderKey<'_>, ForgottenCheck),
    ) -> Result<Confirmed, FenceRefusal> {
        let memory = SenderMemory::new(&self.directory, sender);
        let PostedRecord { posted, unreadable, has_unknown_gap, .. } = self.posted(sender, &server.likeness);
        let known = memory.standing();
        let newest = posted.iter().map(|one| one.epoch).max().unwrap_or(0);
        let (epoch, renewals) = known.map_or((newest, 0), |known| (known.epoch.max(newest), known.renewals));
        fence::raise(connection, sender.id, (epoch, renewals)).await?;
        let since = fence::newest_attempt(connection, sender.id).await?;
        let mut confirmed = self.confirm_opt_outs(connection, forgotten).await?;
        confirmed.unreadable_posts = i64::try_from(unreadable).unwrap_or(i64::MAX);
        confirmed += restore_posted(connection, (sender.id, since), &posted).await?;
        fence::record_identity(connection, sender.id, &server.likeness).await?;
        fence::record_tables(connection, sender.id).await?;
        let facts = fence::facts(connection, sender.id).await?;
        // Something was sent for this sender, and nothing at all is known of it here.
        let is_forgotten = facts.has_sent && posted.is_empty() && unreadable == 0;
        let missing = match (has_unknown_gap, is_forgotten) {
            (true, _) => MissingPosts::Unknown,
            (false, true) => MissingPosts::Earlier,
            (false, false) => MissingPosts::None,
        };
        confirmed.has_unknown_gap = missing != MissingPosts::None;
        memory.confirm(standing(&facts, &server.likeness), missing)?;
        Ok(confirmed)
    }
}

impl Fence {
    /// Everybody this machine knows that it posted to from this database, whatever its id was then.
    fn posted(&self, sender: SenderKey<'_>, likeness: &DatabaseIdentity) -> PostedRecord {
        let memory = SenderMemory::new(&self.directory, sender);
        let mut record = memory.posted();
        for other in of_server(&self.state, sender, likeness).iter().filter(|other| **other != memory) {
            record.add(other.posted());
        }
        record
    }
}

/// Records what this machine posted and the database has forgotten, after `since`; whom that makes uncertain.
async fn restore_posted(
    connection: &mut PgConnection,
    (sender, since): (SenderId, DateTime<Utc>),
    posted: &[PostedAttempt],
) -> Result<Confirmed, StoreError> {
    let mut restored = Confirmed::default();
    for some in posted.chunks(AT_ONCE) {
        restored += fence::restore_attempts(connection, sender, some).await?;
        restored += fence::doubt_imported_again(connection, (sender, since), some).await?;
    }
    Ok(restored)
}

fn standing(facts: &SenderFacts, likeness: &DatabaseIdentity) -> Standing {
    let server_started_at = Some(facts.incarnation.server_started_at);
    Standing { likeness: likeness.clone(), epoch: facts.epoch, renewals: facts.renewals, server_started_at }
}

/// Refuses a database that is not as this machine remembers it, as far as that shows without reading attempts.
fn require_as_remembered(
    facts: &SenderFacts,
    server: &DatabaseIdentity,
    remembered: Option<&Remembered>,
    seen: Option<Seen>,
) -> Result<(), FenceRefusal> {
    let is_put_back = facts.registered_table != facts.incarnation.people_table;
    if is_put_back || facts.sent_from.as_ref().is_some_and(|before| before != server) {
        return Err(FenceRefusal::OtherDatabase);
    }
    let now = LeaseCounters { epoch: facts.epoch, renewals: facts.renewals };
    if let Some(Seen { furthest: before, .. }) = seen
        && now.is_before(before)
    {
        return Err(FenceRefusal::BackInTime(Regression::Seen { now, before }));
    }
    // A new machine may take over from a live fleet, and an old one that knows less of it.
    let server_started_at = facts.incarnation.server_started_at;
    let is_of_living = seen.and_then(|seen| seen.alive_on) == Some(server_started_at);
    let Some(Remembered { standing, .. }) = remembered else {
        return match facts {
            _ if is_of_living => Ok(()),
            SenderFacts { has_sent: true, .. } => Err(FenceRefusal::NoRecord),
            SenderFacts { is_launched_elsewhere: true, .. } => Err(FenceRefusal::LaunchedElsewhere),
            _ => Ok(()),
        };
    };
    if standing.likeness != *server && !is_successor(&standing.likeness, server) {
        return Err(FenceRefusal::OtherDatabase);
    }
    let before = LeaseCounters { epoch: standing.epoch, renewals: standing.renewals };
    if now.is_before(before) {
        return Err(FenceRefusal::BackInTime(Regression::Counted { now, before }));
    }
    let is_of_this_start = standing.server_started_at == Some(server_started_at);
    if was_granted_to_another(before, now) && !is_of_this_start && !is_of_living {
        return Err(FenceRefusal::OldRecord);
    }
    Ok(())
}

/// A grant counts both on. What this machine was killed before it remembered is a renewal alone, and a sender that was moved an epoch alone.
const fn was_granted_to_another(before: LeaseCounters, now: LeaseCounters) -> bool {
    now.epoch > before.epoch && now.renewals > before.renewals
}

/// The database itself notes that somebody confirmed it since: a later timeline of the same cluster is then no surprise.
fn is_successor(before: &DatabaseIdentity, now: &DatabaseIdentity) -> bool {
    before.is_of_cluster(now) && now.timeline > before.timeline
}

/// What is missing of the attempts that are remembered. Those of people who are gone were deleted on purpose, unless the
/// database has never come as far as their ids.
async fn missing_from(
    connection: &mut PgConnection,
    facts: &SenderFacts,
    witnesses: &[PostedAttempt],
) -> Result<Option<Regression>, StoreError> {
    let (now, newest) = (facts.newest_recipient, witnesses.iter().map(|one| one.recipient.0).max());
    if let Some(before) = newest.filter(|newest| *newest > now) {
        return Ok(Some(Regression::RecipientsMissing { now, before }));
    }
    let missing = fence::missing(connection, witnesses).await?;
    Ok((missing > 0).then_some(Regression::AttemptsMissing(missing)))
}

#[cfg(test)]
mod tests;
