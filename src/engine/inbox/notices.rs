//! Notices about accounts, numbers and templates: kept with the provider's words, and acted on once. Whoever lets a blast or
//! a sender go on afterwards is not overruled by a copy that comes late.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::consequences::{SlowDowns, wait_after};
use super::effects::Effects;
use super::item::{InboxItem, ItemOutcome, NoticeDemand, NoticeNews};
use crate::domain::blast::BlastState;
use crate::domain::ids::SenderId;
use crate::domain::retry::ErrorClass;
use crate::domain::sender::{ProviderKind, StopCode};
use crate::engine::context::EngineContext;
use crate::engine::sending::pause_in;
use crate::provider::{advised, refusal_class};
use crate::store::StoreError;
use crate::store::business::{self, PeopleLimit};
use crate::store::inbox::notices::{self, NewNotice};
use crate::store::sender::{self, StopOutcome};

pub(super) async fn apply(
    tx: &mut PgConnection,
    engine: &EngineContext,
    item: &InboxItem,
    news: &NoticeNews,
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    let new = NewNotice {
        provider: "meta",
        account: item.account.as_deref(),
        field: news.field,
        subject: news.subject.as_deref(),
        words: &news.words,
        // What comes among messages does not say when it was written: a later one with the same words is news.
        at: news.written_at.unwrap_or(item.received_at),
    };
    let Some(id) = notices::add(&mut *tx, &new).await? else { return Ok(ItemOutcome::Applied) };
    tracing::info!(account = item.account, field = news.field, subject = news.subject, words = news.words, "notice");
    // Whichever machine has their tokens: the notice acts once, by the first engine that reads it.
    let senders = notices::senders_of_account(&mut *tx, item.account.as_deref()).await?;
    let effect = match &news.demand {
        NoticeDemand::None => None,
        NoticeDemand::Limit { people, per_second } => {
            learn(&mut *tx, &senders, (*people, *per_second), new.at).await?;
            None
        }
        NoticeDemand::StopAccount { code } => stop_all(&mut *tx, &senders, code, &news.words).await?,
        NoticeDemand::Error { code } => {
            // A number that none of ours has is somebody else's.
            let senders = if item.device.is_some() { &item.senders } else { &senders };
            match refusal_class(item.provider, code) {
                ErrorClass::StopSender => {
                    let why = advised(item.provider, code, &news.words);
                    stop_all(&mut *tx, senders, code, &why).await?
                }
                ErrorClass::SlowSender => slow_all(&mut *tx, engine, (senders, item.provider, code), new.at).await?,
                _ => None,
            }
        }
        NoticeDemand::PauseTemplate { name, language } => {
            let why = format!("Meta says of template {}: {}", news.subject.as_deref().unwrap_or(name), news.words);
            pause_all(&mut *tx, &senders, (name, language.as_deref()), &why).await?
        }
    };
    if let Some(effect) = effect {
        notices::set_effect(tx, id, &effect).await?;
        effects.ordered = true;
    }
    Ok(ItemOutcome::Applied)
}

/// Meta names the number by how it is displayed, which is known of none: where an account has several, the next look at their
/// health shows which is faster.
async fn learn(
    tx: &mut PgConnection,
    senders: &[SenderId],
    (people, per_second): (Option<PeopleLimit>, Option<u32>),
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    if let Some(people) = people {
        business::set_limit(&mut *tx, senders, people, at).await?;
    }
    if let ([sender], Some(per_second)) = (senders, per_second) {
        business::set_throughput(tx, *sender, per_second).await?;
    }
    Ok(())
}

async fn stop_all(
    tx: &mut PgConnection,
    senders: &[SenderId],
    code: &str,
    words: &str,
) -> Result<Option<String>, StoreError> {
    let mut outcomes = Vec::with_capacity(senders.len());
    for id in senders {
        let outcome = sender::stop(&mut *tx, *id, &StopCode::Provider(code.to_owned()), words).await?;
        if outcome.is_news() {
            tracing::warn!(sender = id.0, code, words, "stopped by a notice about its account");
        }
        outcomes.push(outcome);
    }
    Ok(stop_words(&outcomes))
}

/// `1 stopped, 2 stopped already`.
fn stop_words(outcomes: &[StopOutcome]) -> Option<String> {
    let kinds = [
        (StopOutcome::Stopped, "stopped"),
        (StopOutcome::Replaced, "stopped before, and now for this"),
        (StopOutcome::StoppedAlready, "stopped already"),
    ];
    let counted = kinds.map(|(kind, words)| (outcomes.iter().filter(|outcome| **outcome == kind).count(), words));
    let said: Vec<String> =
        counted.into_iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

async fn slow_all(
    tx: &mut PgConnection,
    engine: &EngineContext,
    (senders, provider, code): (&[SenderId], ProviderKind, &str),
    at: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    let mut slow_downs = SlowDowns::default();
    for id in senders {
        slow_downs.add(engine, *id, (wait_after(engine, provider, code), at));
    }
    let slowed = slow_downs.write(tx, &mut Effects::default()).await?;
    Ok((slowed > 0).then(|| format!("{slowed} slowed down")))
}

async fn pause_all(
    tx: &mut PgConnection,
    senders: &[SenderId],
    (name, language): (&str, Option<&str>),
    why: &str,
) -> Result<Option<String>, StoreError> {
    let mut paused = Vec::new();
    for id in notices::blasts_with_template(&mut *tx, senders, name, language).await? {
        if pause_in(&mut *tx, id, why, &[BlastState::Sending]).await? {
            paused.push(format!("blast {id} paused"));
        }
    }
    Ok((!paused.is_empty()).then(|| paused.join(", ")))
}
