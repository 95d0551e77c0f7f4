//! Opt-outs of everything that is due, in short transactions of their own before the rest: whoever asked to be left alone does not
//! wait for what others wrote. Nothing is marked by that: the requests are applied as ever, which changes nothing of it.

use std::collections::HashSet;

use sqlx::PgConnection;

use super::item::{InboxItem, ItemNews, NewsPerson, StatusNews};
use super::part::{self, RequestPart};
use super::turn::{ItemPart, Turn};
use crate::domain::recipient::ProviderStage;
use crate::domain::retry::ErrorClass;
use crate::domain::sender::ProviderKind;
use crate::engine::context::EngineContext;
use crate::provider::failure_class;
use crate::store::StoreError;
use crate::store::inbox;

/// At most so many in one transaction.
const AT_ONCE: usize = 50;

/// Applies the opt-outs in these requests, except for those that are `heeded` already.
pub(super) async fn apply(
    engine: &EngineContext,
    parts: &mut [RequestPart],
    heeded: &HashSet<i64>,
) -> Result<(), StoreError> {
    let mut items = part::gather(parts, |part| !heeded.contains(&part.row.id));
    let applied = apply_items(engine, &mut items).await;
    part::give_back(parts, items);
    applied
}

async fn apply_items(engine: &EngineContext, items: &mut [InboxItem]) -> Result<(), StoreError> {
    if !items.iter().any(may_opt_out) {
        return Ok(());
    }
    let mut tx = inbox::begin(&engine.sending_pool).await?;
    Turn::new(engine).judge(&mut tx, items).await?;
    tx.rollback().await?;
    let opt_outs: Vec<&InboxItem> = items.iter().filter(|item| opts_out(item)).collect();
    for batch in opt_outs.chunks(AT_ONCE) {
        let named: HashSet<&str> = batch.iter().filter_map(|item| person(item)?.user_id.as_deref()).collect();
        let is_named =
            |item: &&InboxItem| matches!(&item.news, ItemNews::Identity { user_id, .. } if named.contains(&**user_id));
        let mut tx = inbox::begin(&engine.sending_pool).await?;
        let mut turn = Turn::new(engine);
        turn.learn_identities(&mut tx, items.iter().filter(is_named)).await?;
        apply_batch(&mut turn, &mut tx, batch).await?;
        turn.wake_waiting(&mut tx).await?;
        tx.commit().await?;
        turn.effects.publish(engine).await;
    }
    Ok(())
}

/// What becomes of each is found out when its request is applied.
async fn apply_batch(turn: &mut Turn<'_>, tx: &mut PgConnection, batch: &[&InboxItem]) -> Result<(), StoreError> {
    let (statuses, wishes): (Vec<&InboxItem>, Vec<&InboxItem>) =
        batch.iter().partition(|item| matches!(item.news, ItemNews::Status(_)));
    for item in wishes {
        turn.apply_part(tx, item, ItemPart::Wish).await?;
    }
    if !statuses.is_empty() {
        turn.bisect(tx, &statuses.into_iter().enumerate().collect::<Vec<_>>()).await?;
    }
    Ok(())
}

fn may_opt_out(item: &InboxItem) -> bool {
    matches!(item.news, ItemNews::Reply(_)) || opts_out(item)
}

fn opts_out(item: &InboxItem) -> bool {
    match &item.news {
        ItemNews::Reply(news) => news.is_stop,
        ItemNews::Wish(_) => true,
        ItemNews::Status(news) => is_refusal(item.provider, news),
        _ => false,
    }
}

/// A failure whose code says that the person opted out.
fn is_refusal(provider: ProviderKind, news: &StatusNews) -> bool {
    let code = news.error.as_ref().map(|(code, _)| code.as_str());
    news.stage == Some(ProviderStage::Failed) && failure_class(provider, code) == ErrorClass::OptOut
}

fn person(item: &InboxItem) -> Option<&NewsPerson> {
    match &item.news {
        ItemNews::Reply(news) => Some(&news.person),
        ItemNews::Wish(news) => Some(&news.person),
        _ => None,
    }
}
