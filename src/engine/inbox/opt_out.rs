//! Opt-outs by a reply, by a setting of WhatsApp or by a code of the provider's: durable before the next POST of any blast of the
//! business, whatever becomes of the rest of what they came with. A stop of somebody who is known by nothing but an id takes
//! effect once their number is learned.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::effects::Effects;
use super::item::{InboxItem, ItemNews, ItemOutcome, NewsPerson, ReplyNews, WishNews};
use super::replies::{self, Attribution};
use super::returning::put_back;
use crate::domain::act::Actor;
use crate::domain::ids::{MessageId, SenderId};
use crate::domain::recipient::{Evidence, StampedEvidence};
use crate::domain::session::AnsweredWithin;
use crate::engine::context::EngineContext;
use crate::engine::machine_memory::RememberedOptOut;
use crate::provider::meta::webhook::MarketingWish;
use crate::store::StoreError;
use crate::store::alias;
use crate::store::evidence::{EntryOutcome, EvidenceEntry, EvidenceSource, WhenLocked, record_in};
use crate::store::inbox::NamelessKind;
use crate::store::inbox::notices::senders_of_account;
use crate::store::nameless_wish::{self, NamelessPerson};
use crate::store::reply::{self, AnsweredMessage};
use crate::store::suppression::{self, LiftOutcome, NewSuppression, SuppressionScope};

/// Somebody who is not to be messaged.
#[derive(Clone, Copy)]
pub(super) struct ReportedOptOut<'a> {
    pub scope: SuppressionScope<'a>,
    /// With the plus.
    pub phone: &'a str,
    /// `person` or `provider`.
    pub source: &'a str,
    pub reason: &'a str,
    /// By the provider's clock: a wish that is older than the last one counts no more.
    pub at: DateTime<Utc>,
}

/// Only the phone itself shows who wrote: an operator has to look.
const NO_NUMBER: &str = "somebody asks to stop whose number the gateway does not show: look on the sender's phone who it is, \
                         then `blastdeck suppress add` their number";

/// What somebody asked for, and whom.
struct AskedFor<'a> {
    /// Whom it may be meant for: it holds for the businesses of all of them.
    senders: Vec<SenderId>,
    /// Of one person. None where they are known by nothing but an id.
    phones: Vec<String>,
    user_id: Option<&'a str>,
    wish: MarketingWish,
    reason: &'a str,
    at: DateTime<Utc>,
    counted: CountedBy<'a>,
}

/// What says of somebody's message that they opted out.
#[derive(Clone, Copy)]
enum CountedBy<'a> {
    /// The reply that it is, when that is applied.
    Reply,
    /// No reply carries it: it counts for what was answered by the message that it edits, else for the newest message that reached them.
    Itself { edits: Option<&'a MessageId> },
}

/// What an item asks for, if it is a stop or a resume. All of it stays, also where some of the person's rows are locked: only
/// these are still to come then.
pub(super) async fn apply(
    tx: &mut PgConnection,
    engine: &EngineContext,
    item: &InboxItem,
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    let asked = match &item.news {
        ItemNews::Reply(news) if news.is_stop => Some(by_words(tx, engine, (item, news), effects).await?),
        ItemNews::Wish(news) => by_setting(tx, item, news).await?,
        _ => None,
    };
    let Some(asked) = asked else { return Ok(ItemOutcome::Applied) };
    if asked.phones.is_empty() && asked.user_id.is_none() {
        return Ok(ItemOutcome::Failed(NO_NUMBER.to_owned()));
    }
    let mut whole = ItemOutcome::Applied;
    for business in businesses(&mut *tx, &asked.senders).await? {
        match fulfil(&mut *tx, engine, (&asked, &business), effects).await? {
            ItemOutcome::Waits { .. } if !replies::has_time(engine, item) => {}
            ItemOutcome::Applied => {}
            unfinished => whole = unfinished,
        }
    }
    Ok(whole)
}

/// The businesses of these senders, each once.
pub(super) async fn businesses(tx: &mut PgConnection, senders: &[SenderId]) -> Result<Vec<String>, StoreError> {
    let mut businesses = Vec::with_capacity(senders.len());
    for sender in senders {
        businesses.push(suppression::business(&mut *tx, SuppressionScope::Sender(*sender)).await?);
    }
    businesses.sort_unstable();
    businesses.dedup();
    Ok(businesses)
}

/// What was asked for, within one business.
async fn fulfil(
    tx: &mut PgConnection,
    engine: &EngineContext,
    (asked, business): (&AskedFor<'_>, &str),
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    let nameless = asked.user_id.map(|user_id| NamelessPerson { business, user_id });
    // Of several businesses, one may know whose id it is, and another not.
    let known = match nameless.filter(|_| asked.phones.is_empty()) {
        Some(nameless) => reply::phone_of(&mut *tx, business, nameless.user_id).await?,
        None => None,
    };
    if asked.phones.is_empty() && known.is_none() {
        let Some(nameless) = nameless else { return Ok(ItemOutcome::Applied) };
        nameless_wish::keep(tx, nameless, (asked.wish.word(), asked.reason), asked.at).await?;
        let kind = match asked.wish {
            MarketingWish::Stop => NamelessKind::Stop,
            MarketingWish::Resume => NamelessKind::Message,
        };
        return Ok(replies::lacks_number(asked.user_id, kind));
    }
    if let Some(nameless) = nameless {
        // Kept before the number was known, perhaps in the same moment.
        apply_named(&mut *tx, engine, &[nameless.user_id.to_owned()], effects).await?;
    }
    let mut whole = ItemOutcome::Applied;
    for phone in asked.phones.iter().chain(&known) {
        whole = whole.and(fulfil_for(&mut *tx, engine, (asked, business, phone), effects).await?);
    }
    Ok(whole)
}

async fn fulfil_for(
    tx: &mut PgConnection,
    engine: &EngineContext,
    (asked, business, phone): (&AskedFor<'_>, &str, &str),
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    let scope = SuppressionScope::Business(business);
    let opt_out = ReportedOptOut { scope, phone, source: "person", reason: asked.reason, at: asked.at };
    match asked.wish {
        MarketingWish::Stop => {
            let recorded = record(&mut *tx, engine, opt_out, effects).await?;
            let CountedBy::Itself { edits } = asked.counted else { return Ok(recorded) };
            let counted = count_later(tx, engine, ((&asked.senders, edits), opt_out), effects).await?;
            Ok(recorded.and(counted))
        }
        MarketingWish::Resume => resume(tx, engine, (business, phone, asked.at), effects).await,
    }
}

async fn by_words<'a>(
    tx: &mut PgConnection,
    engine: &EngineContext,
    (item, news): (&'a InboxItem, &'a ReplyNews),
    effects: &mut Effects,
) -> Result<AskedFor<'a>, StoreError> {
    let Attribution { certain, phone, quoted_person } =
        replies::attribute(&mut *tx, engine, (item, news), effects).await?.into();
    let is_theirs = matches!((&phone, &quoted_person), (Some(one), Some(other)) if replies::is_one_person(one, other));
    let senders = match certain {
        Some(sender) => vec![sender],
        None => meant(&mut *tx, item).await?,
    };
    let phone = match (phone, senders.first()) {
        (None, Some(sender)) => phone_of(tx, *sender, &news.person).await?,
        (phone, _) => phone,
    };
    Ok(AskedFor {
        senders,
        phones: phone.into_iter().chain(quoted_person.filter(|_| !is_theirs)).collect(),
        user_id: news.person.user_id.as_deref(),
        wish: MarketingWish::Stop,
        reason: "they asked",
        at: item.time_of(news.at),
        counted: match &news.edit {
            Some(edit) => CountedBy::Itself { edits: edit.original.as_ref() },
            // What is written to a number that no sender has is kept as no reply.
            None if item.senders.is_empty() => CountedBy::Itself { edits: None },
            None => CountedBy::Reply,
        },
    })
}

/// Whose businesses a wish may be meant for. A number that no sender has belongs to the business of its account all the same.
pub(super) async fn meant(tx: &mut PgConnection, item: &InboxItem) -> Result<Vec<SenderId>, StoreError> {
    if item.senders.is_empty() && item.account.is_some() {
        return senders_of_account(tx, item.account.as_deref()).await;
    }
    Ok(item.senders.clone())
}

/// As set in WhatsApp.
async fn by_setting<'a>(
    tx: &mut PgConnection,
    item: &'a InboxItem,
    news: &'a WishNews,
) -> Result<Option<AskedFor<'a>>, StoreError> {
    let senders = meant(&mut *tx, item).await?;
    let Some(sender) = senders.first().copied() else { return Ok(None) };
    Ok(Some(AskedFor {
        senders,
        phones: phone_of(tx, sender, &news.person).await?.into_iter().collect(),
        user_id: news.person.user_id.as_deref(),
        wish: news.wish,
        reason: "they stopped marketing messages in WhatsApp",
        at: item.time_of(news.at),
        counted: CountedBy::Itself { edits: None },
    }))
}

/// Suppresses a number and its aliases for a business, wherever they are still open. *Locked*: that is durable, and a row of theirs
/// is to follow.
pub(super) async fn record(
    tx: &mut PgConnection,
    engine: &EngineContext,
    opt_out: ReportedOptOut<'_>,
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    let mut whole = record_one(&mut *tx, engine, opt_out, effects).await?;
    for phone in &alias::of(&mut *tx, opt_out.phone).await? {
        whole = whole.and(record_one(&mut *tx, engine, ReportedOptOut { phone, ..opt_out }, effects).await?);
    }
    Ok(whole)
}

async fn record_one(
    tx: &mut PgConnection,
    engine: &EngineContext,
    opt_out: ReportedOptOut<'_>,
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    let ReportedOptOut { phone, at, .. } = opt_out;
    let business = suppression::business(&mut *tx, opt_out.scope).await?;
    if reply::wish(&mut *tx, (&business, phone), "stop", at).await? {
        let by = if opt_out.source == "person" { "the person" } else { Actor::ENGINE };
        let new =
            NewSuppression { business: &business, phone, reason: Some(opt_out.reason), source: opt_out.source, by };
        suppression::add(&mut *tx, new).await?;
        effects.remembered.push(RememberedOptOut::of(new, false).said_at(at));
        effects.ordered = true;
    } else if !suppression::is_theirs(&mut *tx, &business, phone).await? {
        // They, or an operator, wished otherwise since.
        return Ok(ItemOutcome::Applied);
    }
    leave_out(tx, engine, (&business, phone, at), effects).await
}

/// Wherever a number is still open it is left out now. *Locked*: a row of theirs is to follow.
pub(super) async fn leave_out(
    tx: &mut PgConnection,
    engine: &EngineContext,
    (business, phone, at): (&str, &str, DateTime<Utc>),
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    let open = suppression::open_rows(&mut *tx, business, phone).await?;
    let people =
        open.into_iter().map(|(blast_id, recipient_id, attempt)| AnsweredMessage { blast_id, recipient_id, attempt });
    note(tx, engine, (people.collect(), at), effects).await
}

/// Notes of these people that they opted out.
async fn note(
    tx: &mut PgConnection,
    engine: &EngineContext,
    (people, at): (Vec<AnsweredMessage>, DateTime<Utc>),
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    let entry = |of: AnsweredMessage| {
        let stamped = StampedEvidence { attempt: of.attempt, at, evidence: Evidence::OptOut };
        EvidenceEntry::new(of.blast_id, of.recipient_id, stamped, EvidenceSource::Webhook)
    };
    let entries: Vec<_> = people.into_iter().map(entry).collect();
    let recorded = record_in(tx, &entries, &engine.settings.retry, WhenLocked::Skip).await?;
    effects.changed.extend(entries.iter().map(|entry| entry.blast));
    Ok(if recorded.contains(&EntryOutcome::Locked) { ItemOutcome::Locked } else { ItemOutcome::Applied })
}

/// As a reply that says stop, it counts for what was answered by the message that was edited, else for the newest message that reached
/// them: of this number, else of the business.
async fn count_later(
    tx: &mut PgConnection,
    engine: &EngineContext,
    ((senders, edits), opt_out): ((&[SenderId], Option<&MessageId>), ReportedOptOut<'_>),
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    let ReportedOptOut { phone, at, .. } = opt_out;
    let business = suppression::business(&mut *tx, opt_out.scope).await?;
    if !suppression::is_theirs(&mut *tx, &business, phone).await? {
        return Ok(ItemOutcome::Applied);
    }
    let mut answered = match edits {
        Some(original) => reply::answered_by(&mut *tx, (senders, phone), original).await?,
        None => None,
    };
    if answered.is_none() {
        let newest = reply::newest_reached(&mut *tx, (senders, phone), AnsweredWithin::of(at)).await?;
        answered = newest.map(|(_, message)| message);
    }
    if answered.is_none() {
        let newest = replies::newest_of_business(&mut *tx, (senders, phone), AnsweredWithin::of(at)).await?;
        answered = newest.map(|(_, message)| message);
    }
    note(tx, engine, (answered.into_iter().collect(), at), effects).await
}

/// Lifts what the person and the provider said of a number and its aliases. What an operator did stands, also where the person's word
/// stood above it. *Locked*: that is durable, and a row that they are back in is to follow.
async fn resume(
    tx: &mut PgConnection,
    engine: &EngineContext,
    (business, phone, at): (&str, &str, DateTime<Utc>),
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    let mut whole = resume_one(&mut *tx, engine, (business, phone, at), effects).await?;
    for phone in &alias::of(&mut *tx, phone).await? {
        whole = whole.and(resume_one(&mut *tx, engine, (business, phone, at), effects).await?);
    }
    Ok(whole)
}

async fn resume_one(
    tx: &mut PgConnection,
    engine: &EngineContext,
    (business, phone, at): (&str, &str, DateTime<Utc>),
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    if !reply::wish(&mut *tx, (business, phone), "resume", at).await? {
        return put_back(tx, engine, (business, phone, at), effects).await;
    }
    let theirs = NewSuppression { business, phone, reason: None, source: "person", by: "the person" };
    match suppression::lift(&mut *tx, business, phone).await? {
        LiftOutcome::Nothing => {}
        LiftOutcome::Lifted => effects.remembered.push(RememberedOptOut::of(theirs, true)),
        LiftOutcome::OperatorsStands { reason, by } => {
            let by = by.as_deref().unwrap_or_default();
            let operators = NewSuppression { reason: reason.as_deref(), source: "operator", by, ..theirs };
            effects.remembered.push(RememberedOptOut::of(operators, false));
        }
    }
    put_back(tx, engine, (business, phone, at), effects).await
}

/// The wishes that were kept of these ids, as far as their numbers are known by now. Of a row that is locked the claim knows: it
/// passes over whoever is suppressed.
pub(super) async fn apply_named(
    tx: &mut PgConnection,
    engine: &EngineContext,
    user_ids: &[String],
    effects: &mut Effects,
) -> Result<(), StoreError> {
    if user_ids.is_empty() {
        return Ok(());
    }
    effects.learned_ids.extend(user_ids.iter().cloned());
    for named in nameless_wish::take_named(&mut *tx, user_ids).await? {
        let (scope, phone) = (SuppressionScope::Business(&named.business), &*named.phone);
        match MarketingWish::of_word(&named.wish) {
            Some(MarketingWish::Resume) => {
                resume(&mut *tx, engine, (&named.business, phone, named.at), effects).await?;
            }
            Some(MarketingWish::Stop) | None => {
                let opt_out = ReportedOptOut { scope, phone, source: "person", reason: &named.reason, at: named.at };
                record(&mut *tx, engine, opt_out, effects).await?;
            }
        }
    }
    Ok(())
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
