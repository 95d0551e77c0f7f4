//! Opt-outs by a reply, by a setting of WhatsApp or by a code of the provider's: durable together with what they follow from, and
//! before the next POST of any blast of the business.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::effects::Effects;
use super::item::{InboxItem, ItemOutcome, NewsPerson, WishNews};
use crate::domain::act::Actor;
use crate::domain::ids::SenderId;
use crate::domain::recipient::{Evidence, StampedEvidence};
use crate::engine::context::EngineContext;
use crate::provider::meta::webhook::MarketingWish;
use crate::store::evidence::{EntryOutcome, EvidenceEntry, EvidenceSource, WhenLocked, record_in};
use crate::store::suppression::{self, NewSuppression, SuppressionScope};
use crate::store::{StoreError, reply};

/// Somebody who is not to be messaged.
#[derive(Clone, Copy)]
pub(super) struct OptOut<'a> {
    pub sender: SenderId,
    /// With the plus.
    pub phone: &'a str,
    /// `person` or `provider`.
    pub source: &'a str,
    pub reason: &'a str,
    /// By the provider's clock: a wish that is older than the last one counts no more.
    pub at: DateTime<Utc>,
}

/// Suppresses a number for the sender's business, wherever it is still open.
pub(super) async fn record(
    tx: &mut PgConnection,
    engine: &EngineContext,
    opt_out: OptOut<'_>,
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    let OptOut { phone, at, .. } = opt_out;
    let business = suppression::business(&mut *tx, SuppressionScope::Sender(opt_out.sender)).await?;
    if !reply::wish(&mut *tx, (&business, phone), "stop", at).await? {
        return Ok(ItemOutcome::Applied);
    }
    let by = if opt_out.source == "person" { "the person" } else { Actor::ENGINE };
    let new = NewSuppression { business: &business, phone, reason: Some(opt_out.reason), source: opt_out.source, by };
    suppression::add(&mut *tx, new).await?;
    engine.fence.remember_suppression(new, false).await;
    effects.ordered = true;
    let open = suppression::open_rows(&mut *tx, &business, phone).await?;
    let entry = |(blast, recipient, attempt)| {
        let stamped = StampedEvidence { attempt, at, evidence: Evidence::OptOut };
        EvidenceEntry::new(blast, recipient, stamped, EvidenceSource::Webhook)
    };
    let entries: Vec<_> = open.into_iter().map(entry).collect();
    let recorded = record_in(tx, &entries, &engine.settings.retry, WhenLocked::Skip).await?;
    if recorded.contains(&EntryOutcome::Locked) {
        return Ok(ItemOutcome::Locked);
    }
    effects.changed.extend(entries.iter().map(|entry| entry.blast));
    Ok(ItemOutcome::Applied)
}

/// Stop or resume, as set in WhatsApp. A resume lifts what the person and the provider said, never what an operator did.
pub(super) async fn apply_wish(
    tx: &mut PgConnection,
    engine: &EngineContext,
    item: &InboxItem,
    news: &WishNews,
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    let Some(sender) = item.senders.first().copied() else { return Ok(ItemOutcome::Applied) };
    let Some(phone) = phone_of(tx, sender, &news.person).await? else {
        return Ok(ItemOutcome::Waits { why: "no number is known of this person's id".to_owned(), id: None });
    };
    let at = news.at.unwrap_or(item.received_at);
    match news.wish {
        MarketingWish::Stop => {
            let reason = "they stopped marketing messages in WhatsApp";
            record(tx, engine, OptOut { sender, phone: &phone, source: "person", reason, at }, effects).await
        }
        MarketingWish::Resume => {
            let business = suppression::business(&mut *tx, SuppressionScope::Sender(sender)).await?;
            if reply::wish(&mut *tx, (&business, &phone), "resume", at).await? {
                let wish = NewSuppression {
                    business: &business,
                    phone: &phone,
                    reason: None,
                    source: "person",
                    by: "the person",
                };
                if suppression::lift(tx, &business, &phone).await? {
                    engine.fence.remember_suppression(wish, true).await;
                }
            }
            Ok(ItemOutcome::Applied)
        }
    }
}

/// The number of whoever is named, by their id where that is all there is.
pub(super) async fn phone_of(
    tx: &mut PgConnection,
    sender: SenderId,
    person: &NewsPerson,
) -> Result<Option<String>, StoreError> {
    if let (None, Some(id)) = (&person.phone, &person.user_id) {
        let business = suppression::business(&mut *tx, SuppressionScope::Sender(sender)).await?;
        return reply::phone_of(tx, &business, id).await;
    }
    Ok(person.phone.clone())
}
