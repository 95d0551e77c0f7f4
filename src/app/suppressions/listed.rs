//! The opt-outs of a list, however long it is: one that is broken off is given again.

use std::collections::HashSet;

use super::{OptOut, OptOutTime, RowWait, SuppressedAll};
use crate::app::forget::ForgettingWait;
use crate::app::{App, AppError};
use crate::domain::phone::PersonKey;
use crate::store::import::NewRecipient;
use crate::store::{StoreError, forget};

/// How many of a list are suppressed in one transaction, and how long locks are waited for. Where one met a lock, its people come again behind
/// the others: first in ever fewer and with hardly a wait, so that everybody is opted out soon but those who are locked.
const ROUNDS: [(usize, RowWait); 7] = [
    (1_000, RowWait::Short),
    (100, RowWait::Short),
    (10, RowWait::Short),
    (1, RowWait::Short),
    (1, RowWait::AnyLock),
    (1, RowWait::AnyLock),
    (1, RowWait::AnyLock),
];

/// So many people are waited for in vain before the others are not tried again: each takes some seconds.
const WAITS: usize = 20;

/// So many rows of those who could not be suppressed are named.
const ROWS_NAMED: usize = 10;

/// What suppressing a list came to.
#[derive(Debug)]
pub struct SuppressedList {
    pub all: SuppressedAll,
    /// Whom the database was too busy for until the end, if anybody.
    pub missed: Option<MissedOptOuts>,
}

/// People of a list who could not be suppressed: they may still be messaged.
#[derive(Debug)]
pub struct MissedOptOuts {
    pub people: usize,
    /// Where the first of them stand, as a spreadsheet counts.
    pub rows: Vec<u64>,
    /// What became of the last try.
    pub error: StoreError,
}

/// How far a list has come.
struct SuppressionProgress {
    done: SuppressedAll,
    counted: HashSet<PersonKey>,
    /// What the database was busy with last.
    busy: Option<StoreError>,
}

impl SuppressionProgress {
    /// `left`: whom the database was too busy for.
    fn end(self, left: &[&NewRecipient]) -> SuppressedList {
        let mut rows: Vec<u64> = left.iter().filter_map(|person| person.list_row).collect();
        rows.sort_unstable();
        rows.truncate(ROWS_NAMED);
        let busy = self.busy.filter(|_| !left.is_empty());
        let missed = busy.map(|error| MissedOptOuts { people: left.len(), rows, error });
        SuppressedList { all: self.done, missed }
    }
}

impl App {
    /// Suppresses everybody in a list, in short transactions: one that is broken off is given again. Those of a transaction that met
    /// somebody's lock come behind the others, in the end one by one. A column `reason` says why.
    pub async fn suppress_list(
        &self,
        business: Option<&str>,
        people: &[NewRecipient],
    ) -> Result<SuppressedList, AppError> {
        let business = self.own_business(business).await?;
        let done = SuppressedAll { business, added: 0, already: 0, unremembered: None };
        let mut progress = SuppressionProgress { done, counted: HashSet::new(), busy: None };
        // Nobody else waits for somebody who is being forgotten: messages would go to them meanwhile.
        let numbers: Vec<&str> = people.iter().map(|person| person.phone.as_str()).collect();
        let held = forget::being_forgotten(self.pool(), &numbers).await?;
        let (last, first): (Vec<_>, Vec<_>) = people.iter().partition(|person| held.contains(person.phone.as_str()));
        let mut left = self.suppress_part(first, &mut progress).await?;
        left.extend(self.suppress_part(last, &mut progress).await?);
        Ok(progress.end(&left))
    }

    /// Returns whom the database was too busy for.
    async fn suppress_part<'a>(
        &self,
        people: Vec<&'a NewRecipient>,
        progress: &mut SuppressionProgress,
    ) -> Result<Vec<&'a NewRecipient>, AppError> {
        let (mut left, mut waits) = (people, 0);
        for (at_once, wait) in ROUNDS {
            let mut still = Vec::new();
            for some in left.chunks(at_once) {
                let is_done = waits < WAITS && self.suppress_listed(some, wait, progress).await?;
                if !is_done {
                    waits += usize::from(wait == RowWait::AnyLock);
                    still.extend_from_slice(some);
                }
            }
            left = still;
        }
        Ok(left)
    }

    /// Suppresses some of a list, all or none: none, and `false`, where the database was busy with one of them.
    async fn suppress_listed(
        &self,
        some: &[&NewRecipient],
        wait: RowWait,
        progress: &mut SuppressionProgress,
    ) -> Result<bool, AppError> {
        let opt_out = |person: &NewRecipient| OptOut {
            phone: person.phone.clone(),
            reason: person.variables.get("reason").map(str::to_owned),
        };
        let people = some.iter().copied().map(opt_out).collect();
        let SuppressionProgress { done, counted, busy } = progress;
        let how = (OptOutTime::Earlier, counted, (ForgettingWait::Long, wait));
        let all = match self.suppress_some(Some(&done.business), people, how).await {
            Err(AppError::Store(error @ StoreError::Busy(_))) => {
                *busy = Some(error);
                return Ok(false);
            }
            all => all?,
        };
        done.added += all.added;
        done.already += all.already;
        done.unremembered = all.unremembered.or(done.unremembered.take());
        Ok(true)
    }
}
