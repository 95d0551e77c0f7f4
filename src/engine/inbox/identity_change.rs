//! Somebody has another id at Meta, or another number: what was kept of the old one stays theirs.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::effects::Effects;
use super::item::{IdentityNews, InboxItem, ItemOutcome};
use super::opt_out::{ReportedOptOut, apply_named, leave_out, meant, record};
use crate::engine::context::EngineContext;
use crate::engine::machine_memory::RememberedOptOut;
use crate::store::StoreError;
use crate::store::inbox::notices::{self, NewNotice};
use crate::store::nameless_wish::{self, NamelessPerson};
use crate::store::reply;
use crate::store::suppression::{self, NewSuppression, OperatorSuppression, SuppressionScope};

/// Learns a person's new id, or number: what was kept of the old one stays theirs, and so does an opt-out.
pub(super) async fn apply(
    tx: &mut PgConnection,
    engine: &EngineContext,
    (item, news): (&InboxItem, &IdentityNews),
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    let Some(sender) = meant(&mut *tx, item).await?.first().copied() else { return Ok(ItemOutcome::Applied) };
    let IdentityNews { before, now, previous_phone, phone, at } = news;
    let business = suppression::business(&mut *tx, SuppressionScope::Sender(sender)).await?;
    let previous = match (previous_phone, before) {
        (None, Some(before)) => reply::phone_of(&mut *tx, &business, before).await?,
        (previous, _) => previous.clone(),
    };
    if let Some(now) = now {
        let mut known = reply::change_id(&mut *tx, sender, (before.as_deref(), now), phone.as_deref()).await?;
        // Learned by another item of the same request, as a rule.
        known.push(now.clone());
        if let Some(before) = before {
            nameless_wish::follow(&mut *tx, NamelessPerson { business: &business, user_id: before }, now).await?;
        }
        apply_named(&mut *tx, engine, &known, effects).await?;
    }
    match (previous, phone) {
        (Some(previous), Some(phone)) if previous != *phone => {
            let at = item.time_of(*at);
            note(&mut *tx, (item, at), (&previous, phone)).await?;
            let by_operators = follow_operators(&mut *tx, engine, (&business, at), (&previous, phone), effects).await?;
            let theirs = follow_person(tx, engine, (&business, at), (&previous, phone), effects).await?;
            Ok(theirs.and(by_operators))
        }
        _ => Ok(ItemOutcome::Applied),
    }
}

/// Says so to operators: their blasts and lists have the number before.
async fn note(
    tx: &mut PgConnection,
    (item, at): (&InboxItem, DateTime<Utc>),
    (previous, phone): (&str, &str),
) -> Result<(), StoreError> {
    let words = format!(
        "{previous} is {phone} now: `blastdeck customer merge {previous} {phone}` makes them one customer; drafts, lists and blasts \
         that repeat keep the number before until it is changed there"
    );
    let notice = NewNotice {
        provider: "meta",
        account: item.account.as_deref(),
        field: "changed_number",
        subject: None,
        words: &words,
        at,
    };
    notices::add(tx, &notice).await?;
    Ok(())
}

/// Their own word holds for the number that they have now.
async fn follow_person(
    tx: &mut PgConnection,
    engine: &EngineContext,
    (business, at): (&str, DateTime<Utc>),
    (previous, phone): (&str, &str),
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    if !suppression::is_theirs(&mut *tx, business, previous).await? {
        return Ok(ItemOutcome::Applied);
    }
    let reason = format!("they opted out as {previous}, and have this number now");
    let scope = SuppressionScope::Business(business);
    record(tx, engine, ReportedOptOut { scope, phone, source: "person", reason: &reason, at }, effects).await
}

/// So does what operators said of them, unless one allowed the new number since.
async fn follow_operators(
    tx: &mut PgConnection,
    engine: &EngineContext,
    (business, at): (&str, DateTime<Utc>),
    (previous, phone): (&str, &str),
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    let mut whole = ItemOutcome::Applied;
    for standing in suppression::operators(&mut *tx, business, previous).await? {
        let OperatorSuppression { business, reason, by } = &standing;
        if suppression::allowed_since(&mut *tx, (business, phone), at).await? {
            continue;
        }
        let why = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let reason = format!("suppressed as {previous}{why}, and they have this number now");
        let new = NewSuppression { business, phone, reason: Some(&reason), source: "operator", by };
        suppression::add(&mut *tx, new).await?;
        effects.remembered.push(RememberedOptOut::of(new, false));
        effects.ordered = true;
        whole = leave_out(&mut *tx, engine, (business, phone, at), effects).await?.and(whole);
    }
    Ok(whole)
}
