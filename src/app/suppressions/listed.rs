//! The opt-outs of a list, however long it is: one that is broken off is given again.

use std::collections::HashSet;

use super::{OptOut, OptOutTime, RowWait, SuppressedAll};
use crate::app::forget::ForgettingWait;
use crate::app::{App, AppError};
use crate::domain::phone::PersonKey;
use crate::store::import::NewRecipient;
use crate::store::{StoreError, forget};

/// How many numbers of a list are suppressed in one transaction.
const SUPPRESSED_AT_ONCE: usize = 1_000;

/// How whoever the database was too busy for is tried once more: first all of them with hardly a wait, so that nobody stays behind those who
/// are locked.
const ROUNDS: [RowWait; 4] = [RowWait::Short, RowWait::AnyLock, RowWait::AnyLock, RowWait::AnyLock];

/// So many people are waited for in vain before the others are not tried again: each takes some seconds.
const WAITS: usize = 20;

/// How far a list has come.
struct ListProgress {
    done: SuppressedAll,
    counted: HashSet<PersonKey>,
    /// How often a single person was waited for in vain.
    waits: usize,
}

impl App {
    /// Suppresses everybody in a list, in short transactions of a thousand: one that is broken off is given again. Those of a transaction
    /// that met somebody's lock come behind the others, one by one. A column `reason` says why.
    pub async fn suppress_list(
        &self,
        business: Option<&str>,
        people: &[NewRecipient],
    ) -> Result<SuppressedAll, AppError> {
        let business = self.own_business(business).await?;
        let done = SuppressedAll { business, added: 0, already: 0, unremembered: None };
        let mut progress = ListProgress { done, counted: HashSet::new(), waits: 0 };
        // Nobody else waits for somebody who is being forgotten: messages would go to them meanwhile.
        let numbers: Vec<&str> = people.iter().map(|person| person.phone.as_str()).collect();
        let held = forget::being_forgotten(self.pool(), &numbers).await?;
        let (last, first): (Vec<_>, Vec<_>) = people.iter().partition(|person| held.contains(person.phone.as_str()));
        let mut left = Vec::new();
        for some in first.chunks(SUPPRESSED_AT_ONCE).chain(last.chunks(SUPPRESSED_AT_ONCE)) {
            if self.suppress_listed(some, RowWait::AnyLock, &mut progress).await?.is_some() {
                left.extend_from_slice(some);
            }
        }
        self.suppress_left(left, &mut progress).await?;
        Ok(progress.done)
    }

    /// One by one, so that whoever has a lock on one holds up nobody else.
    async fn suppress_left(&self, mut left: Vec<&NewRecipient>, progress: &mut ListProgress) -> Result<(), AppError> {
        let mut busy = None;
        for wait in ROUNDS {
            let mut still = Vec::new();
            for one in left {
                if let Some(error) = self.suppress_listed(&[one], wait, progress).await? {
                    progress.waits += usize::from(wait == RowWait::AnyLock);
                    if progress.waits == WAITS {
                        return Err(error.into());
                    }
                    busy = Some(error);
                    still.push(one);
                }
            }
            if still.is_empty() {
                return Ok(());
            }
            left = still;
        }
        busy.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Suppresses some of a list, all or none. What the database was busy with, where it was: then none of them is.
    async fn suppress_listed(
        &self,
        some: &[&NewRecipient],
        wait: RowWait,
        progress: &mut ListProgress,
    ) -> Result<Option<StoreError>, AppError> {
        let opt_out = |person: &NewRecipient| OptOut {
            phone: person.phone.clone(),
            reason: person.variables.get("reason").map(str::to_owned),
        };
        let people = some.iter().copied().map(opt_out).collect();
        let ListProgress { done, counted, .. } = progress;
        let how = (OptOutTime::Earlier, counted, (ForgettingWait::Long, wait));
        let all = match self.suppress_some(Some(&done.business), people, how).await {
            Err(AppError::Store(error @ StoreError::Busy(_))) => return Ok(Some(error)),
            all => all?,
        };
        done.added += all.added;
        done.already += all.already;
        done.unremembered = all.unremembered.or(done.unremembered.take());
        Ok(None)
    }
}
