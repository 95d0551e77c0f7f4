//! One transaction of the inbox: whatever becomes of one item, the others are applied, under savepoints of their own.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use sqlx::{Connection, PgConnection};

use super::effects::Effects;
use super::item::{self, InboxItem, ItemNews, ItemOutcome};
use super::part::{self, RequestPart};
use super::{identity_change, notices, opt_out, progress, replies, statuses, stops};
use crate::domain::ids::SenderId;
use crate::domain::phone::PersonKey;
use crate::domain::sender::ProviderKind;
use crate::engine::context::EngineContext;
use crate::store::inbox::notices::senders_of_account;
use crate::store::inbox::{self, messages, webhook_liveness};
use crate::store::{StoreError, forget, reply};

/// At most so many statuses in one statement.
const STATUSES_AT_ONCE: usize = 1_000;
/// So often in one turn a lock is waited for, a tenth of a second each; then hardly at all.
const LOCK_WAITS: u32 = 20;

/// Some requests while they are applied.
pub(super) struct InboxTurn<'e> {
    pub(super) engine: &'e EngineContext,
    pub effects: Effects,
    /// How often a lock was waited for in vain. Only what needs it is held up: a wait is shorter than it takes the server to look
    /// for deadlocks, so that no transaction which locks in another order has to give way.
    lock_waits: u32,
}

impl<'e> InboxTurn<'e> {
    pub(super) fn new(engine: &'e EngineContext) -> Self {
        Self { engine, effects: Effects::default(), lock_waits: 0 }
    }

    /// After something was rolled back that met somebody else's lock.
    async fn met_a_lock(&mut self, tx: &mut PgConnection) -> Result<(), StoreError> {
        self.lock_waits += 1;
        if self.lock_waits == LOCK_WAITS {
            inbox::hurry(tx).await?;
        }
        Ok(())
    }

    /// Applies these requests and marks them, but for those that are in other engines' hands; `false`: all are.
    pub(super) async fn apply(&mut self, tx: &mut PgConnection, parts: &mut [RequestPart]) -> Result<bool, StoreError> {
        let ours = inbox::lock(tx, &parts.iter().map(|part| &part.row).collect::<Vec<_>>()).await?;
        if ours.is_empty() {
            return Ok(false);
        }
        let mut items = part::gather(parts, |part| ours.contains(&part.row.id));
        let outcomes = self.apply_items(tx, &mut items).await;
        let done = match outcomes {
            Ok(outcomes) => self.mark(tx, (parts, &ours), items.iter().zip(outcomes)).await,
            Err(error) => Err(error),
        };
        part::give_back(parts, items);
        done.map(|()| true)
    }

    async fn mark(
        &self,
        tx: &mut PgConnection,
        (parts, ours): (&[RequestPart], &HashSet<i64>),
        outcomes: impl Iterator<Item = (&InboxItem, ItemOutcome)>,
    ) -> Result<(), StoreError> {
        let progress = progress::of(parts, outcomes, self.engine.clock.now());
        let rows = parts.iter().map(|part| part.row.clone()).zip(progress);
        inbox::mark(tx, &rows.filter(|(row, _)| ours.contains(&row.id)).collect::<Vec<_>>()).await
    }

    async fn apply_items(
        &mut self,
        tx: &mut PgConnection,
        items: &mut [InboxItem],
    ) -> Result<Vec<ItemOutcome>, StoreError> {
        self.attribute(tx, items).await?;
        webhook_liveness::heard(&mut *tx, &item::named_senders(items)).await?;
        let mut outcomes = vec![ItemOutcome::Applied; items.len()];
        if !self.learn_identities(tx, items.iter()).await? {
            for (item, outcome) in items.iter().zip(&mut outcomes) {
                if matches!(item.news, ItemNews::Identity { .. }) {
                    *outcome = ItemOutcome::Locked;
                }
            }
        }
        self.apply_statuses(tx, items, &mut outcomes).await?;
        for (item, outcome) in items.iter().zip(&mut outcomes) {
            match &item.news {
                ItemNews::Status(_) | ItemNews::Identity { .. } | ItemNews::Nothing => {}
                ItemNews::Unreadable(why) => *outcome = ItemOutcome::Failed(why.clone()),
                _ => *outcome = self.apply_alone(tx, item).await?,
            }
        }
        self.wake_waiting(tx).await?;
        Ok(outcomes)
    }

    /// What waits for ids that were learned in this transaction is due at once.
    pub(super) async fn wake_waiting(&self, tx: &mut PgConnection) -> Result<(), StoreError> {
        if !self.effects.learned_ids.is_empty() {
            inbox::wake_waiting(tx, &self.effects.learned_ids).await?;
        }
        Ok(())
    }

    /// Finds out whose news these are, and which of them are stops.
    pub(super) async fn attribute(&self, tx: &mut PgConnection, items: &mut [InboxItem]) -> Result<(), StoreError> {
        self.resolve_senders(tx, items).await?;
        refuse_unproven(tx, items).await?;
        stops::note(tx, self.engine, items).await
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
    pub(super) async fn learn_identities<'i>(
        &mut self,
        tx: &mut PgConnection,
        items: impl Iterator<Item = &'i InboxItem>,
    ) -> Result<bool, StoreError> {
        let learned = items.filter_map(|item| match &item.news {
            ItemNews::Identity { phone, user_id } => Some(reply::LearnedIdentity {
                sender: *item.senders.first()?,
                user_id: user_id.clone(),
                phone: phone.clone(),
            }),
            _ => None,
        });
        let mut seen = HashSet::new();
        let learned: Vec<_> = learned.filter(|one| seen.insert(one.clone())).collect();
        let learned = without_forgotten(tx, self.engine, learned).await?;
        if learned.is_empty() {
            return Ok(true);
        }
        let mut savepoint = tx.begin().await?;
        let mut effects = Effects::default();
        match learn(&mut savepoint, self.engine, &learned, &mut effects).await {
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
    pub(super) async fn bisect(
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

    /// Applies one item. A stop stays, whatever becomes of the rest; and what was written is kept where a stop in it failed.
    async fn apply_alone(&mut self, tx: &mut PgConnection, item: &InboxItem) -> Result<ItemOutcome, StoreError> {
        let wish = match &item.news {
            ItemNews::Reply(_) | ItemNews::Wish(_) => self.apply_part(tx, item, ItemPart::Wish).await?,
            _ => ItemOutcome::Applied,
        };
        let rest = self.apply_part(tx, item, ItemPart::Rest).await?;
        let is_wish = rest == ItemOutcome::Applied || matches!(wish, ItemOutcome::Failed(_));
        Ok(if is_wish { wish } else { rest })
    }

    /// Under a savepoint of its own. Of a wish everything stays that could be written; of the rest nothing, unless it is applied or kept.
    pub(super) async fn apply_part(
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
            ItemPart::Rest => matches!(outcome, ItemOutcome::Applied | ItemOutcome::Undecided { .. }),
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
pub(super) enum ItemPart {
    /// The stop or resume in it.
    Wish,
    Rest,
}

/// Those whose number was not forgotten: the provider may still tell of an old message of whoever was.
async fn without_forgotten(
    tx: &mut PgConnection,
    engine: &EngineContext,
    mut learned: Vec<reply::LearnedIdentity>,
) -> Result<Vec<reply::LearnedIdentity>, StoreError> {
    let key = if learned.is_empty() { None } else { engine.fence.forget_key().ok().flatten() };
    let Some(key) = key else { return Ok(learned) };
    let hash = |one: &reply::LearnedIdentity| {
        PersonKey::of_digits(one.phone.trim_start_matches('+')).map(|person| key.opt_out(person))
    };
    let forgotten = forget::forgotten_among(tx, &learned.iter().filter_map(hash).collect::<Vec<_>>()).await?;
    learned.retain(|one| hash(one).is_none_or(|hash| !forgotten.contains(&hash)));
    Ok(learned)
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
        ItemNews::Reply(news) if news.edit.is_some() => Ok(ItemOutcome::Applied),
        ItemNews::Reply(news) => replies::apply(tx, engine, item, news, effects).await,
        ItemNews::IdentityChange(news) => identity_change::apply(tx, engine, (item, news), effects).await,
        ItemNews::Notice(news) => notices::apply(tx, engine, item, news, effects).await,
        ItemNews::Nothing
        | ItemNews::Unreadable(_)
        | ItemNews::Wish(_)
        | ItemNews::Status(_)
        | ItemNews::Identity { .. } => Ok(ItemOutcome::Applied),
    }
}

/// Why news is not applied that another app signed.
const UNPROVEN: &str = "signed with the app_secret of another sender than those it is about: if they belong to one app of Meta's, give \
                        them the same app_secret, and `blastdeck inbox replay` it by its number";

/// Whoever has the secret of one app says nothing about the numbers and accounts of another: not by naming a number of its own beside an
/// account that is not, either.
async fn refuse_unproven(tx: &mut PgConnection, items: &mut [InboxItem]) -> Result<(), StoreError> {
    let mut accounts: HashMap<String, Vec<SenderId>> = HashMap::new();
    for item in items.iter_mut().filter(|item| item.provider == ProviderKind::Meta && !item.proven.is_empty()) {
        let of_account: &[SenderId] = match &item.account {
            Some(account) => match accounts.entry(account.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(senders_of_account(&mut *tx, Some(account)).await?),
            },
            None => &[],
        };
        let is_anothers =
            |about: &[SenderId]| !about.is_empty() && !about.iter().any(|sender| item.proven.contains(sender));
        if is_anothers(&item.senders) || is_anothers(of_account) {
            item.news = ItemNews::Unreadable(UNPROVEN.to_owned());
        }
    }
    Ok(())
}
