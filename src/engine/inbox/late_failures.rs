//! Equal failures in a row that are reported after acceptance pause their blast, as those of sends do. Any other news ends the row:
//! failures come sooner than deliveries, and those of a blast's first seconds would otherwise look like all of it.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

use super::consequences::pause;
use super::effects::Effects;
use crate::domain::ids::BlastId;
use crate::engine::context::EngineContext;
use crate::engine::sending::equal_failures;
use crate::store::StoreError;
use crate::store::inbox::streaks::{self, LateStreak};

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

/// Counts the news of a batch, in its order.
pub(super) async fn count(
    tx: &mut PgConnection,
    engine: &EngineContext,
    news: &[LateNews],
    effects: &mut Effects,
) -> Result<(), StoreError> {
    let failing: BTreeSet<BlastId> = news.iter().filter_map(failed_blast).collect();
    if failing.is_empty() {
        let passed: BTreeSet<BlastId> = news.iter().map(blast_of).collect();
        return streaks::end(tx, &passed.into_iter().collect::<Vec<_>>()).await;
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
        if length >= engine.settings.failures_in_a_row {
            full.push((*blast, equal_failures(length, why)));
            ended.insert(*blast);
        } else {
            rows.insert(*blast, LateStreak { code: code.clone(), length });
        }
    }
    for (blast, why) in full {
        effects.ordered |= pause(&mut *tx, blast, &why).await?;
    }
    let ended: Vec<BlastId> = ended.into_iter().filter(|blast| !rows.contains_key(blast)).collect();
    streaks::end(tx, &ended).await?;
    streaks::set(tx, &rows.into_iter().collect::<Vec<_>>()).await
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
