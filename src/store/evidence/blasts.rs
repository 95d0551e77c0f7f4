//! The blasts of people whom evidence may queue again, under lock before anybody in them.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::entry::{EvidenceEntry, WhenLocked, may_requeue};
use crate::domain::blast::BlastState;
use crate::domain::ids::RecipientId;
use crate::domain::recipient::Evidence;
use crate::domain::retry::CodeRetry;
use crate::store::StoreError;

/// The blasts of people whom evidence may requeue, under lock before anybody in them, in the order of the blasts' ids.
pub async fn hold_blasts_of(tx: &mut PgConnection, evidence: &[(RecipientId, Evidence)]) -> Result<(), StoreError> {
    let requeued: Vec<i64> =
        evidence.iter().filter(|(_, evidence)| may_requeue(evidence, CodeRetry::ByClass)).map(|(id, _)| id.0).collect();
    if requeued.is_empty() {
        return Ok(());
    }
    // An operator's act may reopen a blast, or give back one of its first people.
    sqlx::query(
        "select 1 from blasts where id in (select blast_id from blast_recipients where id = any($1)) order by id for no key update",
    )
    .bind(requeued)
    .execute(tx)
    .await?;
    Ok(())
}

/// A requeue must see the blast's state, and hold it still until the commit: a cancel would otherwise pass by. Comes
/// before any lock on people.
pub(super) async fn hold_blasts(
    tx: &mut PgConnection,
    entries: &[EvidenceEntry],
    when_locked: WhenLocked,
) -> Result<HashMap<i64, HeldBlast>, StoreError> {
    let mut ids: Vec<i64> = entries.iter().filter(|entry| entry.may_requeue()).map(|entry| entry.blast.0).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    ids.sort_unstable();
    ids.dedup();
    // A reopening changes the row itself, and so does giving back one of its first people; two that shared it first would wait for
    // each other.
    let reopens = entries.iter().any(EvidenceEntry::may_reopen);
    let query = match (reopens, when_locked) {
        (true, WhenLocked::Wait) => sqlx::query_as(held_blasts!("no key update", "")),
        (true, WhenLocked::Skip) => sqlx::query_as(held_blasts!("no key update", "skip locked")),
        (false, WhenLocked::Wait) => sqlx::query_as(held_blasts!("share", "")),
        (false, WhenLocked::Skip) => sqlx::query_as(held_blasts!("share", "skip locked")),
    };
    let rows: Vec<HeldBlast> = query.bind(ids).fetch_all(tx).await?;
    Ok(rows.into_iter().map(|blast| (blast.id, blast)).collect())
}

/// What a requeue must know of its blast.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(super) struct HeldBlast {
    pub id: i64,
    pub state: BlastState,
    /// Whether *not now* is tried again by itself.
    pub retry_next_day: bool,
}

/// Those that wait after their first people are locked before the others.
macro_rules! held_blasts {
    ($lock:literal, $when_locked:literal) => {
        concat!(
            "with first as materialized (
                 select id, state::text as state, retry_next_day from blasts
                  where id = any($1) and first_left is not null order by id for no key update ",
            $when_locked,
            "),
             others as materialized (
                 select id, state::text as state, retry_next_day from blasts
                  where id = any($1) and first_left is null order by id for ",
            $lock,
            " ",
            $when_locked,
            ")
             select * from first union all select * from others"
        )
    };
}
use held_blasts;
