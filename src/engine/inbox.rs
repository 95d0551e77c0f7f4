//! Applies webhooks: takes what is due from the inbox and records what it says, in one transaction with the mark that it is
//! applied. A crash in between leaves nothing half done, and applying it twice changes nothing.

mod effects;
mod item;
mod late_failures;
mod notices;
mod opt_out;
mod progress;
mod replies;
mod statuses;
mod stops;

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::context::EngineContext;
use crate::domain::ids::SenderId;
use crate::domain::sender::ProviderKind;
use crate::provider::meta::webhook as meta;
use crate::provider::wsapme::webhook as wsapme;
use crate::store::inbox::{self, InboxRow, hearing, messages};
use crate::store::{StoreError, reply};
use effects::Effects;
use item::{InboxItem, ItemNews, ItemOutcome};

/// Without a notification, the inbox is read again this often.
const READ_EVERY: Duration = Duration::from_secs(5);
/// The same where no sender of this engine receives webhooks: those of others are theirs to apply.
const READ_OTHERS_EVERY: Duration = Duration::from_secs(60);
/// What is due is in another engine's hands.
const OTHERS_PAUSE: Duration = Duration::from_millis(200);
/// At most so many statuses in one statement.
const STATUSES_AT_ONCE: usize = 1_000;
/// So often in one turn a lock is waited for, a tenth of a second each; then hardly at all.
const LOCK_WAITS: u32 = 20;

/// Applies what comes until stopped.
pub(super) async fn run(engine: EngineContext, stop: CancellationToken) {
    let mut received = engine.notifier.inbox();
    let mut failures = 0;
    while !stop.is_cancelled() {
        received.mark_unchanged();
        let pause = match step(&engine, &stop).await {
            Ok(pause) => {
                failures = 0;
                pause
            }
            Err(error) => {
                if failures == 0 {
                    tracing::warn!(%error, "webhooks are applied later");
                }
                failures += 1;
                StoreError::backoff(failures)
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            _ = received.changed(), if failures == 0 => {}
            () = sleep(pause) => {}
        }
    }
}

/// Applies what is due, until the stop; returns how long until the next is.
async fn step(engine: &EngineContext, stop: &CancellationToken) -> Result<Duration, StoreError> {
    let is_ours = engine.senders.iter().any(|sender| sender.receives_webhooks);
    let read_every = if is_ours { READ_EVERY } else { READ_OTHERS_EVERY };
    loop {
        // Not on the connections for sending: an idle engine opens none of them for this.
        match inbox::next_due(&engine.pool).await? {
            None => return Ok(read_every),
            Some(due) if !due.is_zero() => return Ok(due.min(read_every)),
            Some(_) => {}
        }
        if !apply_due(engine).await? {
            return Ok(OTHERS_PAUSE);
        }
        // As long as something can be taken, nobody asks when it is due: with a long transaction elsewhere that walks over dead
        // entries, as the taking does.
        while !stop.is_cancelled() && apply_due(engine).await? {}
        if stop.is_cancelled() {
            return Ok(Duration::ZERO);
        }
    }
}

/// One turn. `false`: nothing could be taken.
async fn apply_due(engine: &EngineContext) -> Result<bool, StoreError> {
    let mut tx = inbox::begin(&engine.sending_pool).await?;
    let rows = inbox::take(&mut tx).await?;
    if rows.is_empty() {
        tx.rollback().await?;
        return Ok(false);
    }
    let mut turn = Turn { engine, effects: Effects::default(), lock_waits: 0 };
    match turn.apply(&mut tx, rows).await {
        Ok(()) => tx.commit().await?,
        Err(error) => {
            // Now, not when the connection is next used.
            let _ = tx.rollback().await;
            return Err(error);
        }
    }
    turn.effects.publish(engine).await;
    Ok(true)
}

/// Some requests while they are applied.
struct Turn<'e> {
    engine: &'e EngineContext,
    effects: Effects,
    /// How often a lock was waited for in vain. Only what needs it is held up: a wait is shorter than it takes the server to look
    /// for deadlocks, so that nobody who locks in another order has to give way.
    lock_waits: u32,
}

impl Turn<'_> {
    /// After something was rolled back that met somebody else's lock.
    async fn met_a_lock(&mut self, tx: &mut PgConnection) -> Result<(), StoreError> {
        self.lock_waits += 1;
        if self.lock_waits == LOCK_WAITS {
            inbox::hurry(tx).await?;
        }
        Ok(())
    }

    async fn apply(&mut self, tx: &mut PgConnection, rows: Vec<InboxRow>) -> Result<(), StoreError> {
        let now = self.engine.clock.now();
        let mut counts = Vec::with_capacity(rows.len());
        let mut items = Vec::new();
        for (n, row) in rows.iter().enumerate() {
            let read = read(row, n, now);
            counts.push(i32::try_from(read.len()).unwrap_or(i32::MAX));
            let is_open = |item: &InboxItem| row.open_items.as_ref().is_none_or(|open| open.contains(&item.position));
            items.extend(read.into_iter().filter(is_open));
        }
        self.resolve_senders(tx, &mut items).await?;
        hearing::heard(&mut *tx, &item::named_senders(&items)).await?;
        stops::judge(tx, self.engine, &mut items).await?;
        let mut outcomes = vec![ItemOutcome::Applied; items.len()];
        if !self.learn_identities(tx, &items).await? {
            for (item, outcome) in items.iter().zip(&mut outcomes) {
                if matches!(item.news, ItemNews::Identity { .. }) {
                    *outcome = ItemOutcome::Locked;
                }
            }
        }
        self.apply_statuses(tx, &items, &mut outcomes).await?;
        for (item, outcome) in items.iter().zip(&mut outcomes) {
            if !matches!(item.news, ItemNews::Status(_) | ItemNews::Identity { .. }) {
                *outcome = self.apply_alone(tx, item).await?;
            }
        }
        if !self.effects.learned_ids.is_empty() {
            inbox::wake_waiting(tx, &self.effects.learned_ids).await?;
        }
        let progress = progress::of(&rows, &counts, items.iter().zip(outcomes), now);
        inbox::mark(tx, &rows.into_iter().zip(progress).collect::<Vec<_>>()).await
    }

    /// Meta names the number that a webhook is about.
    async fn resolve_senders(&self, tx: &mut PgConnection, items: &mut [InboxItem]) -> Result<(), StoreError> {
        let mut devices: Vec<&str> = items.iter().filter_map(|item| item.device.as_deref()).collect();
        devices.sort_unstable();
        devices.dedup();
        if devices.is_empty() {
            return Ok(());
        }
        let mut senders: HashMap<String, Vec<SenderId>> = HashMap::new();
        for (device, sender) in messages::senders_of(tx, "meta", &devices).await? {
            senders.entry(device).or_default().push(sender);
        }
        for item in items {
            if let Some(device) = &item.device {
                item.senders = senders.get(device).cloned().unwrap_or_default();
            }
        }
        Ok(())
    }

    /// Before anything else, so that what names nobody but an id finds its person. `false`: somebody has a lock on what they need.
    async fn learn_identities(&mut self, tx: &mut PgConnection, items: &[InboxItem]) -> Result<bool, StoreError> {
        let learned = items.iter().filter_map(|item| match &item.news {
            ItemNews::Identity { phone, user_id } => Some(reply::LearnedIdentity {
                sender: *item.senders.first()?,
                user_id: user_id.clone(),
                phone: phone.clone(),
            }),
            _ => None,
        });
        let mut seen = std::collections::HashSet::new();
        let learned: Vec<_> = learned.filter(|one| seen.insert(one.clone())).collect();
        if learned.is_empty() {
            return Ok(true);
        }
        let mut savepoint = tx.begin().await?;
        let mut effects = Effects::default();
        match self::learn(&mut savepoint, self.engine, &learned, &mut effects).await {
            Ok(()) => {
                self.effects.add(effects);
                savepoint.commit().await?;
                Ok(true)
            }
            Err(StoreError::Busy(_)) => {
                savepoint.rollback().await?;
                self.met_a_lock(tx).await?;
                Ok(false)
            }
            Err(error) if error.is_transient() => Err(error),
            Err(error) => {
                tracing::warn!(%error, "ids of people could not be kept");
                savepoint.rollback().await?;
                Ok(true)
            }
        }
    }

    async fn apply_statuses(
        &mut self,
        tx: &mut PgConnection,
        items: &[InboxItem],
        outcomes: &mut [ItemOutcome],
    ) -> Result<(), StoreError> {
        let statuses = items.iter().enumerate().filter(|(_, item)| matches!(item.news, ItemNews::Status(_)));
        let statuses: Vec<(usize, &InboxItem)> = statuses.collect();
        for batch in statuses.chunks(STATUSES_AT_ONCE) {
            for (n, outcome) in self.bisect(tx, batch).await? {
                outcomes[n] = outcome;
            }
        }
        Ok(())
    }

    /// Applies a batch under a savepoint. When the database refuses something in it, or something is locked that it needs, it is
    /// halved until the culprit is alone.
    async fn bisect(
        &mut self,
        tx: &mut PgConnection,
        batch: &[(usize, &InboxItem)],
    ) -> Result<Vec<(usize, ItemOutcome)>, StoreError> {
        let mut savepoint = tx.begin().await?;
        let mut effects = Effects::default();
        let applied = statuses::apply(&mut savepoint, self.engine, batch, &mut effects).await;
        match applied {
            Ok(outcomes) => {
                savepoint.commit().await?;
                self.effects.add(effects);
                Ok(batch.iter().map(|(n, _)| *n).zip(outcomes).collect())
            }
            Err(error) if error.is_transient() && !matches!(error, StoreError::Busy(_)) => Err(error),
            Err(error) => {
                savepoint.rollback().await?;
                let outcome = self.outcome_of(tx, &error).await?;
                if let [(n, _)] = batch {
                    return Ok(vec![(*n, outcome)]);
                }
                let (left, right) = batch.split_at(batch.len() / 2);
                let mut outcomes = Box::pin(self.bisect(tx, left)).await?;
                outcomes.extend(Box::pin(self.bisect(tx, right)).await?);
                Ok(outcomes)
            }
        }
    }

    /// What becomes of an item because of an error, after which its savepoint was rolled back.
    async fn outcome_of(&mut self, tx: &mut PgConnection, error: &StoreError) -> Result<ItemOutcome, StoreError> {
        if matches!(error, StoreError::Busy(_)) {
            self.met_a_lock(tx).await?;
            return Ok(ItemOutcome::Locked);
        }
        Ok(ItemOutcome::Failed(error.to_string()))
    }

    /// Applies one item. A stop stays, whatever becomes of the rest.
    async fn apply_alone(&mut self, tx: &mut PgConnection, item: &InboxItem) -> Result<ItemOutcome, StoreError> {
        let wish = match &item.news {
            ItemNews::Reply(_) | ItemNews::Wish(_) => self.apply_part(tx, item, ItemPart::Wish).await?,
            _ => ItemOutcome::Applied,
        };
        if matches!(wish, ItemOutcome::Failed(_)) {
            return Ok(wish);
        }
        let rest = self.apply_part(tx, item, ItemPart::Rest).await?;
        Ok(if rest == ItemOutcome::Applied { wish } else { rest })
    }

    /// Under a savepoint of its own. Of a wish everything stays that could be written; of the rest nothing, unless it is applied.
    async fn apply_part(
        &mut self,
        tx: &mut PgConnection,
        item: &InboxItem,
        part: ItemPart,
    ) -> Result<ItemOutcome, StoreError> {
        let mut savepoint = tx.begin().await?;
        let mut effects = Effects::default();
        let applied = match part {
            ItemPart::Wish => opt_out::apply(&mut savepoint, self.engine, item, &mut effects).await,
            ItemPart::Rest => apply_rest(&mut savepoint, self.engine, item, &mut effects).await,
        };
        let outcome = match applied {
            Ok(outcome) => outcome,
            Err(error) if error.is_transient() && !matches!(error, StoreError::Busy(_)) => return Err(error),
            Err(error) => {
                savepoint.rollback().await?;
                return self.outcome_of(tx, &error).await;
            }
        };
        let stays = match part {
            ItemPart::Wish => !matches!(outcome, ItemOutcome::Failed(_)),
            ItemPart::Rest => outcome == ItemOutcome::Applied,
        };
        if stays {
            savepoint.commit().await?;
            self.effects.add(effects);
        } else {
            savepoint.rollback().await?;
        }
        Ok(outcome)
    }
}

/// What of an item is applied by itself.
#[derive(Clone, Copy)]
enum ItemPart {
    /// The stop or resume in it.
    Wish,
    Rest,
}

async fn learn(
    tx: &mut PgConnection,
    engine: &EngineContext,
    identities: &[reply::LearnedIdentity],
    effects: &mut Effects,
) -> Result<(), StoreError> {
    let learned = reply::learn(&mut *tx, identities).await?;
    opt_out::apply_named(tx, engine, &learned, effects).await
}

async fn apply_rest(
    tx: &mut PgConnection,
    engine: &EngineContext,
    item: &InboxItem,
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    match &item.news {
        ItemNews::Reply(news) => replies::apply(tx, engine, item, news, effects).await,
        ItemNews::IdentityChange { before, now, phone } => {
            opt_out::change_id(tx, engine, item, (before.as_deref(), now, phone.as_deref()), effects).await
        }
        ItemNews::Notice(news) => notices::apply(tx, item, news, effects).await,
        ItemNews::Unreadable(why) => Ok(ItemOutcome::Failed(why.clone())),
        ItemNews::Nothing | ItemNews::Wish(_) | ItemNews::Status(_) | ItemNews::Identity { .. } => {
            Ok(ItemOutcome::Applied)
        }
    }
}

/// The table knows no third word.
fn provider_of(row: &InboxRow) -> ProviderKind {
    if row.provider == "meta" { ProviderKind::Meta } else { ProviderKind::Wsapme }
}

/// What is in a request. Its items have the same positions whenever it is read.
fn read(row: &InboxRow, n: usize, now: DateTime<Utc>) -> Vec<InboxItem> {
    let news: Vec<_> = match provider_of(row) {
        ProviderKind::Meta => meta::parse(&row.body, now).into_iter().map(item::of_meta).collect(),
        ProviderKind::Wsapme => {
            let origin =
                |position: usize| item::WsapmeOrigin { digest: &row.digest, position, received_at: row.received_at };
            let events = wsapme::parse(&row.body, now).into_iter().enumerate();
            events.map(|(position, event)| item::of_wsapme(event, &origin(position))).collect()
        }
    };
    let items = (0..).zip(news).map(|(position, read)| InboxItem {
        row: n,
        position,
        received_at: row.received_at,
        provider: provider_of(row),
        senders: row.senders.clone().unwrap_or_default(),
        device: read.device,
        account: read.account,
        news: read.news,
    });
    items.collect()
}
