//! Opt-outs of everything that waits, in short transactions of their own before the rest: whoever asked to be left alone does not
//! wait for what others wrote. Nothing is marked by that: the requests are applied as ever, which changes nothing of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::item::{InboxItem, ItemNews, NewsPerson};
use super::part::{self, RequestPart};
use super::reading;
use super::statuses;
use super::turn::{InboxTurn, ItemPart};
use crate::engine::context::EngineContext;
use crate::store::StoreError;
use crate::store::inbox::{self, InboxRow, OptOutPage};
use crate::store::reply;

/// Ids are given before their requests are durable: those of this long ago are all there.
const SETTLED_AFTER: TimeDelta = TimeDelta::seconds(10);

/// The requests whose opt-outs hold.
#[derive(Debug, Default)]
pub(super) struct AppliedOptOuts {
    /// All up to this id that may hold one, by their bytes.
    up_to: i64,
    /// Of those behind it, these, with when they were received; and those of the turn before.
    ids: HashMap<i64, DateTime<Utc>>,
    turn: HashSet<i64>,
    /// What was written of requests that do not all hold yet: the request and the position in it. Written once more, it is no advance.
    written: HashSet<(i64, i32)>,
    /// Goes on with each page that holds and each transaction that wrote more.
    advances: Arc<AtomicU64>,
}

impl AppliedOptOuts {
    /// By which somebody who waits sees that it goes on.
    pub(super) fn advances(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.advances)
    }

    fn advance(&self) {
        self.advances.fetch_add(1, Ordering::Relaxed);
    }

    /// After a transaction with these opt-outs. Where another one fails, its page is read anew, and these are written again.
    fn advance_with(&mut self, opt_outs: impl Iterator<Item = (i64, i32)>) {
        let before = self.written.len();
        self.written.extend(opt_outs);
        if self.written.len() > before {
            self.advance();
        }
    }

    /// After all of a page.
    fn note_page(&mut self, scanned: Vec<(i64, DateTime<Utc>)>) {
        self.ids.extend(scanned);
        self.written.clear();
        self.advance();
    }

    /// Those of one turn, in place of the turn before.
    pub(super) fn turn(&mut self, ids: HashSet<i64>) {
        self.turn = ids;
    }

    /// What waited is tried anew: somebody's number may be known by now.
    fn has(&self, row: &InboxRow) -> bool {
        let is_scanned = row.may_opt_out && row.open_items.is_none();
        self.turn.contains(&row.id) || is_scanned && (row.id <= self.up_to || self.ids.contains_key(&row.id))
    }

    /// Nothing is left behind `up_to` but these: large requests are read after smaller ones that came later.
    fn settle(&mut self, now: DateTime<Utc>) {
        let is_settled = |received_at: DateTime<Utc>| now - received_at > SETTLED_AFTER;
        let settled = self.ids.iter().filter(|(_, received_at)| is_settled(**received_at)).map(|(id, _)| *id);
        self.up_to = settled.fold(self.up_to, i64::max);
        self.ids.retain(|id, _| *id > self.up_to);
        self.written.clear();
    }
}

/// Applies the opt-outs in everything that waits, however long the backlog before them is. Only requests that may hold one are
/// read: behind them stands nothing but other people's messages.
pub(super) async fn scan(engine: &EngineContext, applied: &mut AppliedOptOuts) -> Result<(), StoreError> {
    let mut after = applied.up_to;
    loop {
        let mut tx = inbox::begin(&engine.sending_pool).await?;
        // Only what stands behind the page before: a backlog of any length costs each page the same.
        let except: Vec<i64> = applied.ids.keys().copied().filter(|id| *id > after).collect();
        let OptOutPage { rows, up_to } = inbox::opt_outs(&mut tx, after, &except).await?;
        tx.rollback().await?;
        let now = engine.clock.now();
        after = up_to;
        if rows.is_empty() {
            applied.settle(now);
            return Ok(());
        }
        let scanned: Vec<_> = rows.iter().map(|row| (row.id, row.received_at)).collect();
        let mut parts = reading::read(rows, now).await;
        apply(engine, &mut parts, applied).await?;
        applied.note_page(scanned);
    }
}

/// At most so many in one transaction.
const AT_ONCE: usize = 50;

/// Applies the opt-outs in these requests, except for those that are `applied` already.
pub(super) async fn apply(
    engine: &EngineContext,
    parts: &mut [RequestPart],
    applied: &mut AppliedOptOuts,
) -> Result<(), StoreError> {
    let requests: Vec<i64> = parts.iter().map(|part| part.row.id).collect();
    let mut items = part::gather(parts, |part| !applied.has(&part.row));
    let done = apply_items(engine, &requests, &mut items, applied).await;
    part::give_back(parts, items);
    done
}

async fn apply_items(
    engine: &EngineContext,
    requests: &[i64],
    items: &mut [InboxItem],
    applied: &mut AppliedOptOuts,
) -> Result<(), StoreError> {
    if !items.iter().any(may_opt_out) {
        return Ok(());
    }
    let mut tx = inbox::begin(&engine.sending_pool).await?;
    InboxTurn::new(engine).attribute(&mut tx, items).await?;
    tx.rollback().await?;
    let opt_outs: Vec<&InboxItem> = items.iter().filter(|item| opts_out(item)).collect();
    for batch in opt_outs.chunks(AT_ONCE) {
        let named: HashSet<&str> = batch.iter().filter_map(|item| person(item)?.user_id.as_deref()).collect();
        let mut tx = inbox::begin(&engine.sending_pool).await?;
        let mut turn = InboxTurn::new(engine);
        turn.learn_identities(&mut tx, items.iter().filter(|item| identifies(item, &named))).await?;
        learn_from_backlog(&mut turn, &mut tx, batch).await?;
        apply_batch(&mut turn, &mut tx, batch).await?;
        turn.wake_waiting(&mut tx).await?;
        turn.effects.commit(engine, tx).await?;
        applied.advance_with(batch.iter().map(|item| (requests[item.row], item.position)));
    }
    Ok(())
}

/// Learns the numbers of those who show nothing but an id from whatever waits: a status of their message teaches it, and may stand
/// behind hours of others.
async fn learn_from_backlog(
    turn: &mut InboxTurn<'_>,
    tx: &mut PgConnection,
    batch: &[&InboxItem],
) -> Result<(), StoreError> {
    let nameless = batch.iter().filter_map(|item| person(item).filter(|person| person.phone.is_none()));
    let ids: Vec<&str> = nameless.filter_map(|person| person.user_id.as_deref()).collect();
    let ids = if ids.is_empty() { return Ok(()) } else { reply::unknown_ids(&mut *tx, &ids).await? };
    if ids.is_empty() {
        return Ok(());
    }
    let parts = reading::read(inbox::naming(tx, &ids).await?, turn.engine.clock.now()).await;
    let mut items: Vec<InboxItem> = parts.into_iter().flat_map(|part| part.items).collect();
    let ids = ids.iter().map(String::as_str).collect();
    items.retain(|item| identifies(item, &ids));
    turn.attribute(tx, &mut items).await?;
    turn.learn_identities(tx, items.iter()).await?;
    statuses::learn_identities(tx, turn.engine, &items, &mut turn.effects).await
}

/// Whether an item may say whose one of these ids is.
fn identifies(item: &InboxItem, ids: &HashSet<&str>) -> bool {
    match &item.news {
        ItemNews::Identity { user_id, .. } => ids.contains(&**user_id),
        ItemNews::Status(news) => news.person.user_id.as_deref().is_some_and(|id| ids.contains(id)),
        _ => false,
    }
}

/// What becomes of each is found out when its request is applied.
async fn apply_batch(turn: &mut InboxTurn<'_>, tx: &mut PgConnection, batch: &[&InboxItem]) -> Result<(), StoreError> {
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
        ItemNews::Status(news) => news.is_refusal(item.provider),
        _ => false,
    }
}

fn person(item: &InboxItem) -> Option<&NewsPerson> {
    match &item.news {
        ItemNews::Reply(news) => Some(&news.person),
        ItemNews::Wish(news) => Some(&news.person),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opt_outs_that_are_written_once_more_are_no_advance() {
        let mut applied = AppliedOptOuts::default();
        let advances = applied.advances();
        let batch = [(3, 0), (5, 0), (5, 1)];

        applied.advance_with(batch.into_iter());
        for _ in 0..3 {
            applied.advance_with(batch.into_iter());
        }

        assert_eq!(advances.load(Ordering::Relaxed), 1);
        applied.advance_with([(5, 1), (8, 0)].into_iter());
        assert_eq!(advances.load(Ordering::Relaxed), 2, "the next batch");
        applied.note_page(vec![(3, Utc::now()), (5, Utc::now()), (8, Utc::now())]);
        assert_eq!((advances.load(Ordering::Relaxed), applied.written.len()), (3, 0));
    }

    #[test]
    fn only_what_is_durable_for_long_is_known_by_its_id_alone() {
        let now = Utc::now();
        let ago = |seconds| now - TimeDelta::seconds(seconds);
        let mut applied = AppliedOptOuts {
            ids: HashMap::from([(3, ago(60)), (5, ago(30)), (8, ago(1))]),
            ..AppliedOptOuts::default()
        };

        applied.settle(now);

        assert_eq!((applied.up_to, applied.ids.len(), applied.ids.contains_key(&8)), (5, 1, true));
        applied.settle(now + TimeDelta::minutes(1));
        assert_eq!((applied.up_to, applied.ids.len()), (8, 0));
    }
}
