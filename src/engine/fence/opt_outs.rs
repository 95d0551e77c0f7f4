//! Opt-outs that this machine remembers and the database has forgotten: they are noted again before anybody is claimed.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use tokio::task::spawn_blocking;

use super::{AT_ONCE, Fence, FenceRefusal};
use crate::domain::forgotten::{ForgottenPeople, HASH, MissingForgetKey};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::domain::recipient::{Evidence, StampedEvidence};
use crate::domain::retry::RetryRules;
use crate::engine::machine_memory::{
    AppendedOptOuts, MemoryError, OptOutExtent, OptOutLock, ReadableOptOuts, RememberedOptOut, has_opt_outs,
};
use crate::store::evidence::{EvidenceEntry, EvidenceSource, WhenLocked, record_in};
use crate::store::fence::Confirmed;
use crate::store::suppression::{self, UnrememberedRow};
use crate::store::{self, StoreError, forget};

/// Whether a confirmation needs the key of those who were forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForgottenCheck {
    Required,
    /// The key is lost for good, and somebody says that it goes on without it.
    Waived,
}

/// When everybody is compared with those who were forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    /// An operator confirms.
    Always,
    WhereHashesWereMissing,
}

/// What came of noting opt-outs again.
struct NotedAgain {
    opt_outs: i64,
    /// People who were forgotten are among them, and this machine has no key by which it would recognize them.
    unrecognized: Option<MissingForgetKey>,
}

impl Fence {
    /// Remembers opt-outs, before the commit that notes them. Those that were lifted are remembered after theirs, under a lock
    /// that was taken before it.
    pub async fn remember_opt_outs(
        &self,
        noted: Vec<RememberedOptOut>,
    ) -> Result<Option<AppendedOptOuts>, MemoryError> {
        let fence = self.clone();
        self.blocking(move || fence.opt_outs().lock()?.append(&noted, has_opt_outs(&fence.directory))).await
    }

    /// The same, within the transaction that notes or lifts them. An opt-out is never refused because it cannot be remembered: those that
    /// cannot be are noted there, and added before this machine sends again. Returns why they could not be.
    pub async fn remember_in(
        &self,
        tx: &mut PgConnection,
        noted: Vec<RememberedOptOut>,
    ) -> Result<Option<MemoryError>, StoreError> {
        if noted.is_empty() {
            return Ok(None);
        }
        match self.remember_opt_outs(noted.clone()).await {
            Ok(appended) => {
                // Committed with them: what somebody lifts elsewhere before the next comparison is not taken for forgotten then.
                if let Some(AppendedOptOuts { origin, before, after }) = appended {
                    suppression::record_appended(tx, &origin, (before, after)).await?;
                }
                Ok(None)
            }
            Err(error) => {
                self.remember_later(tx, noted, &error).await?;
                Ok(Some(error))
            }
        }
    }

    /// Notes in the database what this machine could not remember.
    pub async fn remember_later(
        &self,
        tx: &mut PgConnection,
        noted: Vec<RememberedOptOut>,
        why: &MemoryError,
    ) -> Result<(), StoreError> {
        tracing::error!(error = %why, people = noted.len(), "this machine cannot remember opt-outs: nothing is sent until it can");
        let rows: Vec<_> = noted.into_iter().map(UnrememberedRow::from).collect();
        suppression::add_unremembered(tx, self.opt_outs().origin().as_deref(), &rows).await
    }

    /// Whoever lifts opt-outs holds this from before the commit until [`Self::remember_lifted`], so that a comparison does not
    /// take them for forgotten.
    pub async fn lock_opt_outs(&self) -> Result<OptOutLock, MemoryError> {
        let memory = self.opt_outs();
        self.blocking(move || memory.lock()).await
    }

    pub fn remember_lifted(&self, lock: &OptOutLock, lifted: &[RememberedOptOut]) -> Result<(), MemoryError> {
        lock.append(lifted, has_opt_outs(&self.directory)).map(drop)
    }

    /// Whether this machine has an opt-out that stands, as far as its file can be read.
    pub async fn remembers_opt_out(&self, business: &str, phone: &Phone) -> bool {
        let memory = self.opt_outs();
        if !memory.path().exists() {
            return false;
        }
        let (business, person) = (business.to_owned(), phone.key());
        let is_it = move |one: &RememberedOptOut| one.whose() == (business.clone(), person, None);
        self.blocking(move || Ok(memory.readable(true).standing.iter().any(is_it))).await.unwrap_or(false)
    }

    /// The same as at an acquisition, for a lease that is held: one query by a key where nothing is new.
    pub async fn compare_opt_outs(&self, pool: &PgPool) -> Result<(), FenceRefusal> {
        let extent = self.opt_out_extent().await?;
        let mut tx = store::begin(pool).await?;
        self.note_missing(&mut tx, &extent).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes again what the database has forgotten since it was last compared.
    pub(super) async fn note_forgotten(&self, connection: &mut PgConnection) -> Result<(), FenceRefusal> {
        let extent = self.opt_out_extent().await?;
        self.note_missing(connection, &extent).await
    }

    async fn note_missing(&self, connection: &mut PgConnection, extent: &OptOutExtent) -> Result<(), FenceRefusal> {
        let (known, has_unremembered) = suppression::compared(connection, &extent.origin).await?;
        let known = known.and_then(|bytes| u64::try_from(bytes).ok());
        let extent = if has_unremembered { &self.catch_up(connection, extent).await? } else { extent };
        if known == Some(extent.bytes) {
            return Ok(());
        }
        let offset = known.filter(|known| *known < extent.bytes).unwrap_or(0);
        let remembered = self.recall(extent, offset).await?;
        let missing = suppression::forgotten(connection, &columns(&remembered)).await?;
        if !missing.is_empty() {
            // Whoever lifts one commits first: what was lifted meanwhile is known once they let go of the lock.
            drop(self.lock_opt_outs().await?);
            let newest = self.opt_out_extent().await?;
            let standing = self.recall(&newest, offset).await?;
            let is_standing = |one: &&RememberedOptOut| standing.contains(one);
            let missing = missing.iter().filter_map(|at| remembered.get(*at)).filter(is_standing).cloned();
            let noted =
                self.note_again(connection, &missing.collect::<Vec<_>>(), Compared::WhereHashesWereMissing).await?;
            if let Some(unrecognized) = noted.unrecognized {
                return Err(FenceRefusal::Unrecognized(unrecognized));
            }
            if noted.opt_outs > 0 {
                tracing::warn!(
                    opt_outs = noted.opt_outs,
                    "the database had forgotten opt-outs that this machine remembers: noted again"
                );
            }
        }
        Ok(suppression::record_compared(connection, &extent.origin, extent.bytes).await?)
    }

    /// Remembers what this machine could not when it was noted, as far as it still holds: what was lifted since, or noted again, stands
    /// in the list already, and would stand there the wrong way round. Killed before the commit it remembers it twice, which changes nothing.
    async fn catch_up(
        &self,
        connection: &mut PgConnection,
        extent: &OptOutExtent,
    ) -> Result<OptOutExtent, FenceRefusal> {
        let rows = suppression::take_unremembered(connection, &extent.origin).await?;
        if rows.is_empty() {
            return Ok(extent.clone());
        }
        let rows: Vec<_> = rows.into_iter().map(RememberedOptOut::from).collect();
        // Whoever lifts one commits under this lock: what is read now holds until it is let go of.
        let lock = self.lock_opt_outs().await?;
        let lifted: HashSet<usize> = suppression::missing(connection, &columns(&rows)).await?.into_iter().collect();
        let standing = self.recall(&self.opt_out_extent().await?, 0).await?;
        // An opt-out that stands there since is newer than what is remembered now: neither does a lift end it, which a database that went
        // back in time may still have, nor is it noted once more, as of before such a lift.
        let newest: HashMap<_, _> = standing.iter().map(|one| (one.whose(), one.at)).collect();
        let is_outdated = |row: &RememberedOptOut| newest.get(&row.whose()).is_some_and(|at| *at >= row.at);
        let holds = |(at, row): &(usize, RememberedOptOut)| row.is_lifted == lifted.contains(at) && !is_outdated(row);
        let rows: Vec<_> = rows.into_iter().enumerate().filter(holds).map(|(_, row)| row).collect();
        if !rows.is_empty() {
            tracing::info!(
                opt_outs = rows.len(),
                "this machine remembers opt-outs that it could not when they were noted"
            );
            self.remember_lifted(&lock, &rows)?;
        }
        drop(lock);
        Ok(self.opt_out_extent().await?)
    }

    async fn recall(&self, extent: &OptOutExtent, offset: u64) -> Result<Vec<RememberedOptOut>, MemoryError> {
        let (memory, extent) = (self.opt_outs(), extent.clone());
        self.blocking(move || memory.since(&extent, offset)).await
    }

    async fn opt_out_extent(&self) -> Result<OptOutExtent, MemoryError> {
        let fence = self.clone();
        self.blocking(move || fence.opt_outs().open(has_opt_outs(&fence.directory))).await
    }

    /// By an operator's word: everything that can be read is compared, and the file is whole again. Says how many were noted again, how
    /// many are lost, and how many of those who were forgotten nobody here recognizes.
    pub(super) async fn confirm_opt_outs(
        &self,
        connection: &mut PgConnection,
        forgotten: ForgottenCheck,
    ) -> Result<Confirmed, FenceRefusal> {
        let fence = self.clone();
        let (mut readable, mut extent) = self.blocking(move || fence.whole_opt_outs()).await?;
        let caught_up = self.catch_up(connection, &extent).await?;
        if caught_up != extent {
            readable.standing = self.recall(&caught_up, 0).await?;
            extent = caught_up;
        }
        let missing = suppression::forgotten(connection, &columns(&readable.standing)).await?;
        let missing: Vec<_> = missing.iter().filter_map(|at| readable.standing.get(*at)).cloned().collect();
        let noted = self.note_again(connection, &missing, Compared::Always).await?;
        if let (Some(unrecognized), ForgottenCheck::Required) = (&noted.unrecognized, forgotten) {
            return Err(FenceRefusal::Unrecognized(unrecognized.clone()));
        }
        suppression::record_compared(connection, &extent.origin, extent.bytes).await?;
        let count = |people: usize| i64::try_from(people).unwrap_or(i64::MAX);
        Ok(Confirmed {
            opt_outs: noted.opt_outs,
            unreadable_opt_outs: count(readable.unreadable),
            unrecognized: noted.unrecognized.map_or(0, |missing| count(missing.people)),
            ..Confirmed::default()
        })
    }

    /// What a confirmation notes again, for a transaction that is rolled back: the file stays as it is.
    pub(super) async fn note_readable_opt_outs(&self, connection: &mut PgConnection) -> Result<(), FenceRefusal> {
        let memory = self.opt_outs();
        if !memory.path().exists() {
            return Ok(());
        }
        let readable = self.blocking(move || Ok(memory.readable(true))).await?.standing;
        let missing = suppression::forgotten(connection, &columns(&readable)).await?;
        let missing: Vec<_> = missing.iter().filter_map(|at| readable.get(*at)).cloned().collect();
        self.note_again(connection, &missing, Compared::Always).await?;
        Ok(())
    }

    async fn note_again(
        &self,
        connection: &mut PgConnection,
        missing: &[RememberedOptOut],
        compared: Compared,
    ) -> Result<NotedAgain, FenceRefusal> {
        let (forgotten, _) = self.forgotten_people(connection).await?;
        // Of somebody who was forgotten since, while this machine's list could not be cleared, the hash alone stands.
        let is_forgotten = |one: &RememberedOptOut| one.whose().1.is_some_and(|person| forgotten.has_person(person));
        let missing: Vec<_> = missing.iter().filter(|one| !is_forgotten(one)).cloned().collect();
        let opt_outs = note_again(connection, &missing, &self.retry).await?;
        let has_hashes = missing.iter().any(|one| one.phone.starts_with(HASH));
        if compared == Compared::WhereHashesWereMissing && !has_hashes {
            return Ok(NotedAgain { opt_outs, unrecognized: None });
        }
        let (forgotten, unrecognized) = self.forgotten_people(connection).await?;
        if !forgotten.is_nobody() {
            self.leave_out_forgotten(connection, &forgotten).await?;
        }
        // Whoever was forgotten before the backup is so in the database as well.
        Ok(NotedAgain { opt_outs, unrecognized: unrecognized.filter(|_| has_hashes) })
    }

    /// Those whose hashes the database has, as far as this machine's key recognizes them, and who is left.
    async fn forgotten_people(
        &self,
        connection: &mut PgConnection,
    ) -> Result<(ForgottenPeople, Option<MissingForgetKey>), FenceRefusal> {
        Ok(ForgottenPeople::recognized(self.forget_key()?, forget::hashes(connection).await?))
    }

    /// Whoever was forgotten has their number again in a database that went back in time, and this machine knows a keyed hash of it
    /// alone: everybody is compared with those. Also whoever had their message, or failed: a follow-up or a retry would go to them.
    async fn leave_out_forgotten(
        &self,
        connection: &mut PgConnection,
        forgotten: &ForgottenPeople,
    ) -> Result<(), FenceRefusal> {
        let mut after = RecipientId(0);
        loop {
            let people = suppression::everybody(connection, after, AT_ONCE).await?;
            let Some(last) = people.last() else { return Ok(()) };
            after = last.id;
            let at = store::now(&mut *connection).await?;
            let again = people.iter().filter(|one| forgotten.has(&one.phone_number));
            let entries: Vec<_> = again.map(|one| opted_out((one.blast, one.id, one.attempt), at, None)).collect();
            record_in(connection, &entries, &self.retry, WhenLocked::Wait).await?;
        }
    }

    fn whole_opt_outs(&self) -> Result<(ReadableOptOuts, OptOutExtent), MemoryError> {
        let (memory, is_begun) = (self.opt_outs(), has_opt_outs(&self.directory));
        let readable = memory.readable(is_begun);
        let extent = if readable.unreadable > 0 { memory.mend(&readable) } else { memory.open(is_begun) };
        Ok((readable, extent?))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, MemoryError> + Send + 'static,
    ) -> Result<T, MemoryError> {
        let path = self.opt_outs().path().to_owned();
        let done = spawn_blocking(work).await;
        done.map_err(|error| MemoryError::Unreadable { path, why: error.to_string() })?
    }
}

impl From<RememberedOptOut> for UnrememberedRow {
    fn from(of: RememberedOptOut) -> Self {
        let RememberedOptOut { business, phone, reason, source, by, at, is_lifted } = of;
        Self { business, phone_number: phone, reason, source, created_by: by, is_lifted, noted_at: at }
    }
}

impl From<UnrememberedRow> for RememberedOptOut {
    fn from(of: UnrememberedRow) -> Self {
        let UnrememberedRow { business, phone_number, reason, source, created_by, is_lifted, noted_at } = of;
        Self { business, phone: phone_number, reason, source, by: created_by, at: noted_at, is_lifted }
    }
}

fn columns(opt_outs: &[RememberedOptOut]) -> suppression::SuppressionColumns<'_> {
    suppression::SuppressionColumns {
        times: opt_outs.iter().map(|one| one.at).collect(),
        businesses: opt_outs.iter().map(|one| one.business.as_str()).collect(),
        phones: opt_outs.iter().map(|one| one.phone.as_str()).collect(),
        reasons: opt_outs.iter().map(|one| one.reason.as_deref()).collect(),
        sources: opt_outs.iter().map(|one| one.source.as_str()).collect(),
        authors: opt_outs.iter().map(|one| one.by.as_str()).collect(),
    }
}

/// The rows, and the fact wherever one of these numbers is still open.
async fn note_again(
    connection: &mut PgConnection,
    missing: &[RememberedOptOut],
    rules: &RetryRules,
) -> Result<i64, StoreError> {
    let mut noted = 0;
    for some in missing.chunks(AT_ONCE) {
        let columns = columns(some);
        noted += suppression::add_again(connection, &columns).await?;
        let at = store::now(&mut *connection).await?;
        let open = suppression::open_rows_of(connection, &columns).await?;
        let entries = open.into_iter().map(|(place, blast, recipient, attempt)| {
            let by = usize::try_from(place).ok().and_then(|place| Some(some.get(place)?.by.clone()));
            opted_out((blast, recipient, attempt), at, by)
        });
        record_in(connection, &entries.collect::<Vec<_>>(), rules, WhenLocked::Wait).await?;
    }
    Ok(noted)
}

fn opted_out(
    (blast, recipient, attempt): (BlastId, RecipientId, i32),
    at: DateTime<Utc>,
    by: Option<String>,
) -> EvidenceEntry {
    let stamped = StampedEvidence { attempt, at, evidence: Evidence::OptOut };
    EvidenceEntry { by, ..EvidenceEntry::new(blast, recipient, stamped, EvidenceSource::Operator) }
}
