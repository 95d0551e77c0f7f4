//! Whoever asks for messages again is back wherever their opt-out took them out of a blast that is not over, unless its number was
//! confirmed without them, or somebody else's word stands. `app/returning.rs` does the same for operators.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::effects::Effects;
use super::item::ItemOutcome;
use crate::domain::recipient::{Evidence, StampedEvidence, Undone};
use crate::engine::context::EngineContext;
use crate::store::StoreError;
use crate::store::evidence::{EntryOutcome, EvidenceEntry, EvidenceSource, WhenLocked, record_in};
use crate::store::suppression::{self, TakenOut};

/// Undoes a number's opt-outs in a business where nothing suppresses it by now. *Locked*: a row of theirs is to follow.
pub(super) async fn put_back(
    tx: &mut PgConnection,
    engine: &EngineContext,
    (business, phone, at): (&str, &str, DateTime<Utc>),
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    if !suppression::standing(&mut *tx, &[(phone, business)]).await?.is_empty() {
        return Ok(ItemOutcome::Applied);
    }
    let returns = |one: &TakenOut| one.business == business && one.may_return();
    let taken_out = suppression::taken_out(&mut *tx, &[phone], &[]).await?;
    let entry = |one: TakenOut| {
        let stamped = StampedEvidence { attempt: one.attempt, at, evidence: Evidence::Undo(Undone::OptOut) };
        let why = json!({ "why": "they asked for messages again" });
        EvidenceEntry { metadata: Some(why), ..EvidenceEntry::new(one.blast, one.id, stamped, EvidenceSource::Webhook) }
    };
    let entries: Vec<_> = taken_out.into_iter().filter(returns).map(entry).collect();
    if entries.is_empty() {
        return Ok(ItemOutcome::Applied);
    }
    let recorded = record_in(tx, &entries, &engine.settings.retry, WhenLocked::Skip).await?;
    effects.changed.extend(entries.iter().map(|entry| entry.blast));
    effects.ordered = true;
    Ok(if recorded.contains(&EntryOutcome::Locked) { ItemOutcome::Locked } else { ItemOutcome::Applied })
}
