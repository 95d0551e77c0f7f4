//! Statuses: found by the id of their message, else by the attempt that they return. The latter settles a send whose outcome is
//! unknown, and teaches its id.

mod matching;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::consequences::{self, Failure, SlowDowns};
use super::effects::Effects;
use super::item::{InboxItem, ItemNews, ItemOutcome, StatusNews};
use super::opt_out::{self, ReportedOptOut};
use crate::domain::phone::PersonKey;
use crate::domain::recipient::{AttemptOutcome, Evidence, ProviderError, ProviderStage, StampedEvidence};
use crate::domain::retry::CodeRetry;
use crate::domain::sender::ProviderKind;
use crate::engine::context::EngineContext;
use crate::engine::late_failures::{self, FAILED_LATER, LateNews};
use crate::provider::{code_rule, failure_class};
use crate::store::alias::{self, NumberAlias};
use crate::store::evidence::{AttemptAnswer, EntryOutcome, EvidenceEntry, EvidenceSource, WhenLocked, record_in};
use crate::store::inbox::messages::{self, KnownAttempt, KnownMessage, PricingRow};
use crate::store::reply::{self, LearnedIdentity};
use crate::store::suppression::SuppressionScope;
use crate::store::{StoreError, poll};
use matching::{MessageMatch, find};

/// Applies a batch; what became of each, in order.
pub(super) async fn apply(
    tx: &mut PgConnection,
    engine: &EngineContext,
    batch: &[(usize, &InboxItem)],
    effects: &mut Effects,
) -> Result<Vec<ItemOutcome>, StoreError> {
    let statuses: Vec<StatusItem<'_>> = batch.iter().filter_map(|(_, item)| StatusItem::of(item)).collect();
    let found = find(tx, engine, &statuses).await?;
    let mut entries = Vec::with_capacity(statuses.len());
    let mut of_entry = Vec::with_capacity(statuses.len());
    for (n, (status, found)) in statuses.iter().zip(&found).enumerate() {
        for entry in entries_of(engine, status, found) {
            entries.push(entry);
            of_entry.push(n);
        }
    }
    let mut outcomes: Vec<ItemOutcome> =
        statuses.iter().zip(&found).map(|(status, found)| found.outcome(status)).collect();
    let recorded = record_in(tx, &entries, &engine.settings.retry, WhenLocked::Skip).await?;
    let (mut news, mut slow_downs) = (Vec::new(), SlowDowns::default());
    for ((entry, n), recorded) in entries.iter().zip(of_entry).zip(recorded) {
        match recorded {
            EntryOutcome::Locked => outcomes[n] = ItemOutcome::Locked,
            EntryOutcome::Changed { .. } => {
                effects.changed.insert(entry.blast);
                news.extend(LateNews::of(entry));
                if let (Evidence::Provider { error: Some(error), .. }, Some(message)) =
                    (&entry.stamped.evidence, found[n].message())
                {
                    let provider = statuses[n].item.provider;
                    let failure = Failure { provider, message, error, at: entry.stamped.at };
                    news.extend(consequences::apply(tx, engine, &failure, &mut slow_downs, effects).await?);
                }
            }
            EntryOutcome::Nothing | EntryOutcome::Refused(_) | EntryOutcome::Gone => {}
        }
    }
    record_refusals(&mut *tx, engine, &statuses, &found, effects).await?;
    slow_downs.write(&mut *tx, effects).await?;
    effects.ordered |= late_failures::count(tx, engine.settings.failures_in_a_row, &news).await?;
    note_words(&mut *tx, &statuses, &found).await?;
    let learned = statuses.iter().zip(&found).filter(|(_, found)| matches!(found, MessageMatch::ByAttempt(_)));
    effects.learned_ids.extend(learned.map(|(status, _)| status.news.message_id.as_str().to_owned()));
    alias::learn(&mut *tx, &aliases(&statuses, &found)).await?;
    let learned = reply::learn(&mut *tx, &identities(&statuses, &found)).await?;
    opt_out::apply_named(&mut *tx, engine, &learned, effects).await?;
    messages::record_pricing(tx, &pricing(&statuses, &found, &outcomes)).await?;
    Ok(outcomes)
}

/// Notes who opted out by a code: also where the message is another program's, or the person was further already.
async fn record_refusals(
    tx: &mut PgConnection,
    engine: &EngineContext,
    statuses: &[StatusItem<'_>],
    found: &[MessageMatch],
    effects: &mut Effects,
) -> Result<(), StoreError> {
    for (status, found) in statuses.iter().zip(found).filter(|(status, _)| status.news.is_refusal(status.item.provider))
    {
        let (senders, phone) = match (found.message(), status.news.person.phone.as_deref()) {
            (Some(message), _) => (vec![message.sender_id], message.phone_number.as_str()),
            (None, Some(phone)) => (opt_out::meant(&mut *tx, status.item).await?, phone),
            (None, None) => continue,
        };
        for business in opt_out::businesses(&mut *tx, &senders).await? {
            let scope = SuppressionScope::Business(&business);
            let reason = "the provider says that they opted out";
            let opt_out = ReportedOptOut { scope, phone, source: "provider", reason, at: status.at() };
            opt_out::record(&mut *tx, engine, opt_out, effects).await?;
        }
    }
    Ok(())
}

/// Learns of statuses of our messages whose ids stand in them, and applies nothing else of them.
pub(super) async fn learn_identities(
    tx: &mut PgConnection,
    engine: &EngineContext,
    items: &[InboxItem],
    effects: &mut Effects,
) -> Result<(), StoreError> {
    let statuses: Vec<StatusItem<'_>> = items.iter().filter_map(StatusItem::of).collect();
    let found = find(tx, engine, &statuses).await?;
    alias::learn(&mut *tx, &aliases(&statuses, &found)).await?;
    let learned = reply::learn(&mut *tx, &identities(&statuses, &found)).await?;
    opt_out::apply_named(tx, engine, &learned, effects).await
}

/// Keeps words of a gateway's that nobody knows, for whoever looks at the person, as an answer to a question does.
async fn note_words(
    tx: &mut PgConnection,
    statuses: &[StatusItem<'_>],
    found: &[MessageMatch],
) -> Result<(), StoreError> {
    for (status, found) in statuses.iter().zip(found) {
        let is_unknown = status.item.provider == ProviderKind::Wsapme && status.news.stage.is_none();
        if let (true, Some(message)) = (is_unknown, found.message()) {
            poll::note_word(&mut *tx, (message.recipient_id, message.attempt), &status.news.word).await?;
        }
    }
    Ok(())
}

struct StatusItem<'a> {
    item: &'a InboxItem,
    news: &'a StatusNews,
}

impl<'a> StatusItem<'a> {
    fn of(item: &'a InboxItem) -> Option<Self> {
        let ItemNews::Status(news) = &item.news else { return None };
        Some(Self { item, news })
    }

    fn at(&self) -> DateTime<Utc> {
        self.item.time_of(self.news.at)
    }
}

/// The evidence in a status. One that teaches its id proves the acceptance first.
fn entries_of(engine: &EngineContext, status: &StatusItem<'_>, found: &MessageMatch) -> Vec<EvidenceEntry> {
    let Some(message) = found.message() else { return Vec::new() };
    let entry = |evidence, error: Option<&ProviderError>| {
        let stamped = StampedEvidence { attempt: message.attempt, at: status.at(), evidence };
        let mut facts = json!({ "word": status.news.word });
        if let Some(error) = error {
            facts["code"] = json!(error.code);
        }
        EvidenceEntry {
            metadata: Some(facts),
            ..EvidenceEntry::new(message.blast_id, message.recipient_id, stamped, EvidenceSource::Webhook)
        }
    };
    let mut entries = Vec::with_capacity(2);
    if let MessageMatch::ByAttempt(attempt) = found {
        let accepted = Evidence::Accepted {
            message_id: Some(status.news.message_id.clone()),
            provider_status: None,
            message_timestamp: None,
        };
        entries.push(EvidenceEntry { answer: Some(learned_answer(attempt, status.news)), ..entry(accepted, None) });
    }
    if let Some(stage) = status.news.stage {
        let error = (stage == ProviderStage::Failed).then(|| failure(status));
        let retry = error.as_ref().map_or(CodeRetry::ByClass, |error| retry_of(engine, (status, message), error));
        let (word, c2s_at) = (status.news.word.clone(), status.news.c2s_at);
        let evidence = Evidence::Provider { stage, word, c2s_at, error: error.clone() };
        entries.push(EvidenceEntry { retry, jitter: rand::random(), ..entry(evidence, error.as_ref()) });
    }
    entries
}

fn learned_answer(attempt: &KnownAttempt, news: &StatusNews) -> AttemptAnswer {
    AttemptAnswer {
        sender: attempt.message.sender_id,
        epoch: attempt.epoch,
        claimed_at: attempt.claimed_at,
        outcome: AttemptOutcome::Accepted,
        message_id: Some(news.message_id.clone()),
        http_status: None,
        error_code: None,
        body: bytes::Bytes::new(),
        text: None,
        known_as: None,
        flagged: Some("its id was learned from a webhook"),
    }
}

/// By the provider alone: an engine that does not have the sender must not take it for less than it is.
fn failure(status: &StatusItem<'_>) -> ProviderError {
    let (code, words) = status.news.error.clone().unwrap_or_else(|| ("error".to_owned(), String::new()));
    let class = failure_class(status.item.provider, Some(&code));
    let message = if words.is_empty() { FAILED_LATER.to_owned() } else { words };
    ProviderError { code, message, class }
}

/// What its code says of trying a failed message again, as its sender is set where that is known here; nothing for providers
/// whose messages are never sent again after an id.
fn retry_of(
    engine: &EngineContext,
    (status, message): (&StatusItem<'_>, &KnownMessage),
    error: &ProviderError,
) -> CodeRetry {
    let configured = engine.senders.iter().find(|sender| sender.id == message.sender_id);
    match configured {
        Some(sender) => sender.code_rule(&error.code).retry,
        None => code_rule(status.item.provider, &error.code).retry,
    }
}

/// Whose id stands beside no number: the number is that of our message. Nothing is learned of whoever was forgotten, who has a stand-in
/// for a number.
fn identities(statuses: &[StatusItem<'_>], found: &[MessageMatch]) -> Vec<LearnedIdentity> {
    let learned = statuses.iter().zip(found).filter_map(|(status, found)| {
        let (person, message) = (&status.news.person, found.message()?);
        let user_id = person.user_id.clone().filter(|_| person.phone.is_none())?;
        message.phone_number.key()?;
        let phone = message.phone_number.as_str().to_owned();
        Some(LearnedIdentity { sender: message.sender_id, user_id, phone })
    });
    learned.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Who has another number at WhatsApp than in our list, and was not forgotten.
fn aliases(statuses: &[StatusItem<'_>], found: &[MessageMatch]) -> Vec<NumberAlias> {
    let known = statuses.iter().zip(found).filter_map(|(status, found)| {
        let (alias, phone) = (status.news.person.phone.as_ref()?, &found.message()?.phone_number);
        let key = PersonKey::of_digits(alias.trim_start_matches('+'))?;
        (phone.key()? != key).then(|| NumberAlias { alias: alias.clone(), phone: phone.as_str().to_owned() })
    });
    known.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Each message once, in the order of its key: two engines never wait for each other.
fn pricing(statuses: &[StatusItem<'_>], found: &[MessageMatch], outcomes: &[ItemOutcome]) -> Vec<PricingRow> {
    let mut rows: HashMap<(i64, &str), PricingRow> = HashMap::new();
    for ((status, found), outcome) in statuses.iter().zip(found).zip(outcomes) {
        let Some(message) = found.message().filter(|_| *outcome == ItemOutcome::Applied) else { continue };
        let is_delivered = matches!(status.news.stage, Some(ProviderStage::Delivered | ProviderStage::Read));
        let pricing = status.news.pricing.as_ref();
        // Only Meta charges by message, and returns our attempt in each status.
        if pricing.is_none() && !(is_delivered && status.news.callback.is_some()) {
            continue;
        }
        let row = rows.entry((message.sender_id.0, status.news.message_id.as_str())).or_insert_with(|| PricingRow {
            sender: message.sender_id,
            message_id: status.news.message_id.clone(),
            blast: message.blast_id,
            recipient: message.recipient_id,
            category: None,
            kind: None,
            model: None,
            billable: None,
            is_delivered: false,
        });
        row.is_delivered |= is_delivered;
        if let Some(pricing) = pricing {
            row.category = row.category.take().or_else(|| pricing.category.clone());
            row.kind = row.kind.take().or_else(|| pricing.kind.clone());
            row.model = row.model.take().or_else(|| pricing.model.clone());
            row.billable = row.billable.or(pricing.is_billable);
        }
    }
    let mut rows: Vec<PricingRow> = rows.into_values().collect();
    rows.sort_unstable_by(|a, b| (a.sender, a.message_id.as_str()).cmp(&(b.sender, b.message_id.as_str())));
    rows
}
