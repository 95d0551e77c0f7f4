//! Opt-outs of everything that waits, in short transactions of their own before the rest: whoever asked to be left alone does not
//! wait for what others wrote. Nothing is marked by that: the requests are applied as ever, which changes nothing of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::item::{InboxItem, ItemNews, ItemOutcome, NewsPerson};
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

    /// After all of a page, but for what met a lock.
    fn note_page(&mut self, scanned: Vec<(i64, DateTime<Utc>)>) {
        if scanned.is_empty() {
            return;
        }
        self.written.retain(|(request, _)| !scanned.iter().any(|(id, _)| id == request));
        self.ids.extend(scanned);
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

    /// Nothing is left behind `up_to` but these: large requests are read after smaller ones that came later. `held_up`: the first that is to be
    /// tried again.
    fn settle(&mut self, now: DateTime<Utc>, held_up: Option<i64>) {
        let is_settled = |(id, received_at): (&i64, &DateTime<Utc>)| {
            now - *received_at > SETTLED_AFTER && held_up.is_none_or(|first| *id < first)
        };
        let settled = self.ids.iter().filter(|one| is_settled(*one)).map(|(id, _)| *id);
        self.up_to = settled.fold(self.up_to, i64::max);
        self.ids.retain(|id, _| *id > self.up_to);
        if held_up.is_none() {
            self.written.clear();
        }
    }
}

/// What came of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScanOutcome {
    /// All opt-outs that wait hold.
    Done,
    /// Some met somebody else's lock, perhaps of another process that is writing the same ones: they are to be tried again.
    HeldUp,
}

/// Applies the opt-outs in everything that waits, however long the backlog before them is. Only requests that may hold one are
/// read: behind them stands nothing but other people's messages.
pub(super) async fn scan(engine: &EngineContext, applied: &mut AppliedOptOuts) -> Result<ScanOutcome, StoreError> {
    let (mut after, mut held_up) = (applied.up_to, HashSet::new());
    loop {
        let mut tx = inbox::begin(&engine.sending_pool).await?;
        // Only what stands behind the page before: a backlog of any length costs each page the same.
        let except: Vec<i64> = applied.ids.keys().chain(&held_up).copied().filter(|id| *id > after).collect();
        let OptOutPage { rows, up_to } = inbox::opt_outs(&mut tx, after, &except).await?;
        let went_back = rows.is_empty() && inbox::last_id(&mut tx).await? < applied.up_to;
        tx.rollback().await?;
        if went_back {
            // The database was restored: what comes has ids that were seen.
            *applied = AppliedOptOuts { advances: applied.advances(), ..AppliedOptOuts::default() };
            after = 0;
            continue;
        }
        let now = engine.clock.now();
        after = up_to;
        if rows.is_empty() {
            applied.settle(now, held_up.iter().copied().min());
            return Ok(if held_up.is_empty() { ScanOutcome::Done } else { ScanOutcome::HeldUp });
        }
        let mut scanned: Vec<_> = rows.iter().map(|row| (row.id, row.received_at)).collect();
        let mut parts = reading::read(rows, now).await;
        let locked = apply_page(engine, &mut parts, applied).await?;
        scanned.retain(|(id, _)| !locked.contains(id));
        held_up.extend(locked);
        applied.note_page(scanned);
    }
}

/// Applies the opt-outs of a page: where one request fails, the others by themselves. Returns those of which something met a lock.
async fn apply_page(
    engine: &EngineContext,
    parts: &mut [RequestPart],
    applied: &mut AppliedOptOuts,
) -> Result<HashSet<i64>, StoreError> {
    match apply(engine, parts, applied).await {
        Err(error) if !error.is_transient() => {}
        done => return done,
    }
    let mut locked = HashSet::new();
    for part in parts {
        let id = part.row.id;
        match apply(engine, std::slice::from_mut(part), applied).await {
            Err(error) if error.is_transient() => return Err(error),
            // Its own turn meets it again, and sets it aside.
            Err(error) => tracing::warn!(id, %error, "opt-outs of a webhook cannot be applied"),
            Ok(of_part) => locked.extend(of_part),
        }
    }
    Ok(locked)
}

/// At most so many in one transaction, however far the database is:
/// another process that comes to the same ones waits for it.
const AT_ONCE: usize = 10;

/// Applies the opt-outs in these requests, except for those that are `applied` already. Returns the requests of which something met a lock.
pub(super) async fn apply(
    engine: &EngineContext,
    parts: &mut [RequestPart],
    applied: &mut AppliedOptOuts,
) -> Result<HashSet<i64>, StoreError> {
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
) -> Result<HashSet<i64>, StoreError> {
    let mut locked = HashSet::new();
    if !items.iter().any(may_opt_out) {
        return Ok(locked);
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
        let outcomes = apply_batch(&mut turn, &mut tx, batch).await?;
        turn.wake_waiting(&mut tx).await?;
        turn.effects.commit(engine, tx).await?;
        let (held_up, done): (Vec<_>, Vec<_>) =
            outcomes.into_iter().partition(|(_, outcome)| *outcome == ItemOutcome::Locked);
        for (n, outcome) in &done {
            if let ItemOutcome::Failed(why) = outcome {
                tracing::warn!(id = requests[batch[*n].row], why, "an opt-out cannot be recorded");
            }
        }
        applied.advance_with(done.into_iter().map(|(n, _)| (requests[batch[n].row], batch[n].position)));
        locked.extend(held_up.into_iter().map(|(n, _)| requests[batch[n].row]));
    }
    Ok(locked)
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

/// What came of each, by its place in the batch. What else becomes of it is found out when its request is applied.
async fn apply_batch(
    turn: &mut InboxTurn<'_>,
    tx: &mut PgConnection,
    batch: &[&InboxItem],
) -> Result<Vec<(usize, ItemOutcome)>, StoreError> {
    let items = batch.iter().copied().enumerate();
    let (statuses, wishes): (Vec<_>, Vec<_>) = items.partition(|(_, item)| matches!(item.news, ItemNews::Status(_)));
    let mut outcomes = Vec::with_capacity(batch.len());
    for (n, item) in wishes {
        outcomes.push((n, turn.apply_part(tx, item, ItemPart::Wish).await?));
    }
    if !statuses.is_empty() {
        outcomes.extend(turn.bisect(tx, &statuses).await?);
    }
    Ok(outcomes)
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

        applied.settle(now, None);

        assert_eq!((applied.up_to, applied.ids.len(), applied.ids.contains_key(&8)), (5, 1, true));
        applied.settle(now + TimeDelta::minutes(1), None);
        assert_eq!((applied.up_to, applied.ids.len()), (8, 0));
    }
}
