//! What there is to do for an engine.

use super::context::EngineContext;
use super::hooks;
use super::maintenance::Maintenance;
use super::run_options::Until;
use crate::domain::ids::SenderId;
use crate::store::{self, StoreError, blast, lease, poll};

/// Senders with something to send or to ask about, in the order of their ids. A stopped sender has nothing to do until somebody fixes it.
pub(super) async fn senders(engine: &EngineContext, until: Until) -> Result<Vec<SenderId>, StoreError> {
    let sending = blast::senders_with_work(&engine.pool).await?;
    let young = engine.clock.now().checked_sub_signed(engine.settings.follow_for(until)).unwrap_or_default();
    let young = poll::senders(&engine.pool, young).await?;
    let mut idle: Vec<SenderId> =
        young.into_iter().filter(|id| !sending.contains(id) && !reports_by_webhook(engine, *id)).collect();
    if !idle.is_empty() {
        let yielding = lease::yielding(&engine.pool, &idle, &sending).await?;
        idle.retain(|id| !yielding.contains(id));
    }
    let mut due = [sending, idle].concat();
    due.sort_unstable();
    due.dedup();
    Ok(due)
}

/// Whether there is something to do that nobody does: a sender of ours that nobody holds, or what there is beside the sending.
pub(super) async fn is_left(
    engine: &EngineContext,
    until: Until,
    maintenance: &Maintenance,
) -> Result<bool, StoreError> {
    let due = senders(engine, until).await?;
    for sender in engine.senders.iter().filter(|sender| due.binary_search(&sender.id).is_ok()) {
        if lease::held_by_other(&engine.pool, sender.id, engine.identity.name()).await?.is_none() {
            return Ok(true);
        }
    }
    Ok(due.is_empty() && beside_sending(engine, maintenance).await?)
}

/// Whether nobody can be asked about at this sender's provider.
fn reports_by_webhook(engine: &EngineContext, id: SenderId) -> bool {
    engine.senders.iter().any(|sender| sender.id == id && !sender.provider.answers_status())
}

/// Whether an engine that ends by itself has work beside the sending: webhooks both ways, whole blasts, steps that come.
pub(super) async fn beside_sending(engine: &EngineContext, maintenance: &Maintenance) -> Result<bool, StoreError> {
    Ok(store::inbox::has_new(&engine.pool).await?
        || maintenance.has_left(engine).await?
        || hooks::has_left(engine).await?
        || store::step::is_near(&engine.pool, engine.clock.now()).await?)
}
