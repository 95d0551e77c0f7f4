//! Equal failures in a row that are reported after acceptance pause their blast, as those of sends do, whether a webhook reports them or
//! the answer to a question. Only news that changed its person counts. Any other news ends the row: failures come sooner than
//! deliveries, and those of a blast's first seconds would otherwise look like all of it.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

use super::sending::{equal_failures, pause_in};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::recipient::{Evidence, ProviderStage};
use crate::domain::retry::{CodeRetry, ErrorClass};
use crate::store::StoreError;
use crate::store::evidence::EvidenceEntry;
use crate::store::inbox::streaks::{self, LateStreak};

/// Why somebody failed who had been accepted, where a provider says nothing.
pub(super) const FAILED_LATER: &str = "the provider reported a failure after accepting it";

/// What a status says of its blast, once it has changed its person.
pub(super) enum LateNews {
    /// Sent, delivered or read.
    Passed(BlastId),
    Failed {
        blast: BlastId,
        code: String,
        why: String,
    },
}

impl LateNews {
    /// What evidence that changed its person says of the blast: nothing where somebody fails again whom the code had tried again. Such
    /// attempts are due together, hours later, and would be all of the news.
    pub(super) fn of(entry: &EvidenceEntry) -> Option<Self> {
        let blast = entry.blast;
        let is_another_try = entry.stamped.attempt > 1 && matches!(entry.retry, CodeRetry::Automatic { .. });
        match &entry.stamped.evidence {
            Evidence::Provider { stage: ProviderStage::Failed, .. } if is_another_try => None,
            Evidence::Provider { stage, .. } if *stage != ProviderStage::Failed => Some(Self::Passed(blast)),
            Evidence::Provider { error: Some(error), .. } if error.class == ErrorClass::FailRecipient => {
                Some(Self::Failed { blast, code: error.code.clone(), why: error.message.clone() })
            }
            _ => None,
        }
    }
}

/// Counts the news of a batch, in its order, up to `most` equal failures in a row; `true`: that paused a blast.
pub(super) async fn count(tx: &mut PgConnection, most: i32, news: &[LateNews]) -> Result<bool, StoreError> {
    let failing: BTreeSet<BlastId> = news.iter().filter_map(failed_blast).collect();
    if failing.is_empty() {
        let passed: BTreeSet<BlastId> = news.iter().map(blast_of).collect();
        streaks::end(tx, &passed.into_iter().collect::<Vec<_>>()).await?;
        return Ok(false);
    }
    let mut rows: BTreeMap<BlastId, LateStreak> =
        streaks::hold(tx, &failing.into_iter().collect::<Vec<_>>()).await?.into_iter().collect();
    let (mut ended, mut full) = (BTreeSet::new(), Vec::new());
    for one in news {
        let LateNews::Failed { blast, code, why } = one else {
            rows.remove(&blast_of(one));
            ended.insert(blast_of(one));
            continue;
        };
        let length = rows.remove(blast).filter(|row| row.code == *code).map_or(0, |row| row.length) + 1;
        if length >= most {
            full.push((*blast, equal_failures(length, why)));
            ended.insert(*blast);
        } else {
            rows.insert(*blast, LateStreak { code: code.clone(), length });
        }
    }
    let mut has_paused = false;
    for (blast, why) in full {
        has_paused |= pause_in(&mut *tx, blast, &why, &[BlastState::Sending]).await?;
    }
    let ended: Vec<BlastId> = ended.into_iter().filter(|blast| !rows.contains_key(blast)).collect();
    streaks::end(tx, &ended).await?;
    streaks::set(tx, &rows.into_iter().collect::<Vec<_>>()).await?;
    Ok(has_paused)
}

const fn failed_blast(news: &LateNews) -> Option<BlastId> {
    match news {
        LateNews::Failed { blast, .. } => Some(*blast),
        LateNews::Passed(_) => None,
    }
}

const fn blast_of(news: &LateNews) -> BlastId {
    match news {
        LateNews::Failed { blast, .. } | LateNews::Passed(blast) => *blast,
    }
}
