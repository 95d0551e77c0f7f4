//! What people write back: kept, and attributed by the message that it quotes, else to the newest one that reached them. A stop
//! word alone is an opt-out.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;

use super::effects::Effects;
use super::item::{InboxItem, ItemOutcome, ReplyNews};
use super::{opt_out, orders};
use crate::domain::ids::{RecipientId, ReplyId, SenderId};
use crate::domain::phone::PersonKey;
use crate::domain::recipient::{Evidence, Quoted, StampedEvidence};
use crate::domain::sender::ProviderKind;
use crate::domain::session::AnsweredWithin;
use crate::engine::context::EngineContext;
use crate::engine::media::KEPT_BY_META;
use crate::store::evidence::{EntryOutcome, EvidenceEntry, EvidenceSource, WhenLocked, record_in};
use crate::store::inbox::NamelessKind;
use crate::store::reply::{self, AnsweredMessage, LearnedIdentity, NewReply, QuotedMessage, UncertainQuery};
use crate::store::{StoreError, answered, media};

/// A reply waits this long for its writer's number, where nothing but an id is known of them, and for what becomes of a message
/// that it may answer. A stop waits for nothing but a number: what is in flight is found by the opt-out itself.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

/// A message that has been in flight for this long is one that no engine waits for any more: its sender is to be taken before anything is
/// known of it.
const LONG_IN_FLIGHT: TimeDelta = TimeDelta::minutes(5);

/// One that is kept already, with the message of somebody who is uncertain or has been in flight for long, waits longer for what is decided
/// about them. Where a sender is to be confirmed after a restore, it waits for that however long it takes, and as long again for whom that
/// makes uncertain.
const KEPT_PATIENCE: TimeDelta = TimeDelta::hours(23);

/// Files that are fetched: payment slips come as these. Films and voices stay where they are.
const FETCHED: [&str; 2] = ["picture", "document"];

pub(super) async fn apply(
    tx: &mut PgConnection,
    engine: &EngineContext,
    item: &InboxItem,
    news: &ReplyNews,
    effects: &mut Effects,
) -> Result<ItemOutcome, StoreError> {
    let written_to = attribute(&mut *tx, engine, (item, news), effects).await?;
    if let Some(waits) = waits(&mut *tx, engine, (item, news), (&written_to, effects)).await? {
        return Ok(waits);
    }
    let written_to = again(&mut *tx, engine, (item, news), (written_to, effects)).await?;
    let (sender, phone, answered) = match written_to {
        WrittenTo::Message { sender, phone, message, quoted, .. } => {
            let kept = reply::undecided(&mut *tx, &item.senders, &news.message_id).await?;
            // Whoever had it sent once more has said that they did not have it when they wrote: it marks nobody.
            let is_before =
                |kept: AnsweredMessage| kept.recipient_id == message.recipient_id && kept.attempt < message.attempt;
            let answers = (quoted == Quoted::Yes || !kept.is_some_and(is_before)).then_some((message, quoted));
            (sender, phone, answers)
        }
        WrittenTo::Sender { sender, phone } => (sender, phone, None),
        WrittenTo::Nobody => return Ok(ItemOutcome::Applied),
    };
    let shown_with = match answered {
        Some((message, _)) => Some(message),
        None => stopped(&mut *tx, (item, news), phone.as_deref()).await?,
    };
    let new = new_reply((item, news), (sender, phone.as_deref()), shown_with);
    let at = new.at;
    let Some(id) = reply::add(&mut *tx, &new, &item.senders).await? else { return Ok(ItemOutcome::Applied) };
    want_file(&mut *tx, (id, sender), item, news).await?;
    let Some((message, quoted)) = answered else {
        if let Some(order) = &news.order {
            orders::keep(tx, (order, &new, &engine.currency), None).await?;
        }
        return Ok(ItemOutcome::Applied);
    };
    let evidence = if news.is_stop { Evidence::OptOut } else { Evidence::Reply { quoted } };
    let stamped = StampedEvidence { attempt: message.attempt, at, evidence };
    let entry = EvidenceEntry::new(message.blast_id, message.recipient_id, stamped, EvidenceSource::Webhook);
    let entry = EvidenceEntry { metadata: Some(json!({ "text": news.body })), ..entry };
    let bought =
        news.order.as_ref().filter(|order| order.is_purchase()).map(|order| order.entry(&entry, &engine.currency));
    let entries: Vec<_> = std::iter::once(entry).chain(bought).collect();
    let recorded = record_in(&mut *tx, &entries, &engine.settings.retry, WhenLocked::Skip).await?;
    if recorded.contains(&EntryOutcome::Locked) {
        return Ok(ItemOutcome::Locked);
    }
    if let Some(order) = &news.order {
        orders::keep(tx, (order, &new, &engine.currency), recorded.last()).await?;
    }
    effects.changed.insert(message.blast_id);
    Ok(ItemOutcome::Applied)
}

/// A reply as it is kept.
fn new_reply<'a>(
    (item, news): (&InboxItem, &'a ReplyNews),
    (sender, phone): (SenderId, Option<&'a str>),
    answers: Option<AnsweredMessage>,
) -> NewReply<'a> {
    NewReply {
        sender,
        answers,
        phone,
        user_id: news.person.user_id.as_deref(),
        name: news.name.as_deref(),
        kind: &news.kind,
        body: &news.body,
        payload: news.payload.as_deref(),
        media_id: news.media_id.as_deref(),
        message_id: &news.message_id,
        quoted_id: news.quoted.as_ref().map(crate::domain::ids::MessageId::as_str),
        at: item.time_of(news.at),
        is_undecided: false,
    }
}

/// Keeps what somebody wrote who is uncertain, has been in flight for long, or was not sent to as a database says that was restored, with the
/// message that it may answer: whoever decides about them has to see it. `is_late`: only what came to light after a restore is waited for.
async fn keep_undecided(
    tx: &mut PgConnection,
    (item, news): (&InboxItem, &ReplyNews),
    written_to: &WrittenTo,
    (effects, is_late): (&mut Effects, bool),
) -> Result<bool, StoreError> {
    let Some(phone) = written_to.phone() else { return Ok(false) };
    let query = uncertain_query((item, news), (&item.senders, phone), written_to.reached());
    let mut undecided = if is_late { None } else { reply::newest_in_flight(&mut *tx, query, LONG_IN_FLIGHT).await? };
    if undecided.is_none() {
        undecided = reply::newest_uncertain(&mut *tx, query, is_late.then_some(KEPT_PATIENCE)).await?;
    }
    if undecided.is_none() {
        undecided = reply::newest_unconfirmed(&mut *tx, query).await?;
    }
    let Some((sender, message)) = undecided else { return Ok(false) };
    let new = NewReply { is_undecided: true, ..new_reply((item, news), (sender, Some(phone)), Some(message)) };
    if let Some(id) = reply::add(&mut *tx, &new, &item.senders).await? {
        want_file(&mut *tx, (id, sender), item, news).await?;
        // Whatever it answers, they answered: no follow-up that waits goes to them.
        answered::leave_out_of_launched(&mut *tx, &[message.recipient_id]).await?;
        effects.changed.insert(message.blast_id);
    }
    Ok(true)
}

/// When the message was sent that a reply may answer: one that had to wait answers none that went meanwhile.
fn sent_within((item, news): (&InboxItem, &ReplyNews)) -> AnsweredWithin {
    AnsweredWithin::of(item.time_of(news.at)).here_at(item.received_at)
}

/// The messages that a reply which quotes nothing may answer though it is not known whether they went.
fn uncertain_query<'a>(
    (item, news): (&InboxItem, &'a ReplyNews),
    (senders, phone): (&'a [SenderId], &'a str),
    reached: Option<RecipientId>,
) -> UncertainQuery<'a> {
    UncertainQuery { senders, phone, sent: sent_within((item, news)), reached, message_id: &news.message_id }
}

/// A stop decides nothing about a message of which it is not known whether it went, but is shown with it: it is the answer of its person.
async fn stopped(
    tx: &mut PgConnection,
    (item, news): (&InboxItem, &ReplyNews),
    phone: Option<&str>,
) -> Result<Option<AnsweredMessage>, StoreError> {
    let Some(phone) = phone.filter(|_| news.is_stop) else { return Ok(None) };
    let query = uncertain_query((item, news), (&item.senders, phone), None);
    let uncertain = reply::newest_uncertain(tx, query, None).await?;
    Ok(uncertain.map(|(_, message)| message))
}

/// A message that was in flight when it was looked for may have been known to have gone when it was asked whether any is. Whatever went
/// before that question is found now.
async fn again(
    tx: &mut PgConnection,
    engine: &EngineContext,
    of: (&InboxItem, &ReplyNews),
    (written_to, effects): (WrittenTo, &mut Effects),
) -> Result<WrittenTo, StoreError> {
    match written_to.phone() {
        Some(_) => attribute(tx, engine, of, effects).await,
        None => Ok(written_to),
    }
}

/// While its writer's number, or what becomes of a message that it may answer, can still become known.
async fn waits(
    tx: &mut PgConnection,
    engine: &EngineContext,
    (item, news): (&InboxItem, &ReplyNews),
    (written_to, effects): (&WrittenTo, &mut Effects),
) -> Result<Option<ItemOutcome>, StoreError> {
    let is_late = !has_time_of(engine, item, KEPT_PATIENCE);
    let has_time = has_time(engine, item);
    if has_time && written_to.lacks_number() && news.person.user_id.is_some() {
        let kind = match &news.order {
            Some(_) => NamelessKind::Order,
            None if news.is_stop => NamelessKind::Stop,
            None => NamelessKind::Message,
        };
        return Ok(Some(lacks_number(news.person.user_id.as_deref(), kind)));
    }
    if !news.is_stop && (is_late || written_to.is_undecided(tx, item, news).await?) {
        let is_kept = keep_undecided(tx, (item, news), written_to, (effects, is_late)).await?;
        if !is_kept && !has_time {
            return Ok(None);
        }
        let why = "it is not known yet whether a message to this person went".to_owned();
        let kept = ItemOutcome::Undecided { why: why.clone(), id: news.message_id.clone() };
        return Ok(Some(if is_kept { kept } else { ItemOutcome::Waits { why, id: None } }));
    }
    Ok(None)
}

/// Has the reply's file fetched. A gateway names an address of its own instead: nothing is fetched from it.
async fn want_file(
    tx: &mut PgConnection,
    of: (ReplyId, SenderId),
    item: &InboxItem,
    news: &ReplyNews,
) -> Result<(), StoreError> {
    let is_fetched = item.provider == ProviderKind::Meta && FETCHED.contains(&news.kind.as_str());
    match news.media_id.as_deref().filter(|_| is_fetched) {
        Some(media_id) => media::want(tx, of, media_id, KEPT_BY_META).await,
        None => Ok(()),
    }
}

/// Whether what is not known of its writer may still become known.
pub(super) fn has_time(engine: &EngineContext, item: &InboxItem) -> bool {
    has_time_of(engine, item, PATIENCE)
}

fn has_time_of(engine: &EngineContext, item: &InboxItem, patience: TimeDelta) -> bool {
    engine.clock.now() - item.received_at < patience
}

/// Until the id is learned, or its time is over.
pub(super) fn lacks_number(user_id: Option<&str>, kind: NamelessKind) -> ItemOutcome {
    ItemOutcome::Waits { why: kind.reason().to_owned(), id: user_id.map(str::to_owned) }
}

/// Whom somebody wrote to, with the writer's number.
pub(super) enum WrittenTo {
    Message {
        sender: SenderId,
        /// Whose message it is: of an order it may be another sender of the business.
        reached_by: SenderId,
        phone: Option<String>,
        message: AnsweredMessage,
        quoted: Quoted,
        /// Whose message is quoted, by their number in our list.
        quoted_person: Option<String>,
    },
    /// No message is known that this could answer.
    Sender { sender: SenderId, phone: Option<String> },
    /// The number is not one of ours.
    Nobody,
}

/// Whom something is meant for, if that is certain, and who wrote it.
#[derive(Default)]
pub(super) struct Attribution {
    pub certain: Option<SenderId>,
    pub phone: Option<String>,
    pub quoted_person: Option<String>,
}

impl From<WrittenTo> for Attribution {
    fn from(written_to: WrittenTo) -> Self {
        match written_to {
            WrittenTo::Message { sender, phone, quoted: Quoted::Yes, quoted_person, .. } => {
                Self { certain: Some(sender), phone, quoted_person }
            }
            WrittenTo::Message { phone, .. } | WrittenTo::Sender { phone, .. } => Self { phone, ..Self::default() },
            WrittenTo::Nobody => Self::default(),
        }
    }
}

impl WrittenTo {
    /// The number of a writer who quotes none of our messages.
    fn phone(&self) -> Option<&str> {
        match self {
            Self::Nobody | Self::Message { quoted: Quoted::Yes, .. } => None,
            Self::Message { phone, .. } | Self::Sender { phone, .. } => phone.as_deref(),
        }
    }

    /// Whether nothing but an id is known of the writer.
    const fn lacks_number(&self) -> bool {
        matches!(self, Self::Sender { phone: None, .. })
    }

    /// Whether a message may have gone to the writer that this answers, newer than what reached them, unless it quotes another.
    async fn is_undecided(
        &self,
        tx: &mut PgConnection,
        item: &InboxItem,
        news: &ReplyNews,
    ) -> Result<bool, StoreError> {
        let Some(phone) = self.phone() else { return Ok(false) };
        let senders = match item.senders.first() {
            Some(first) if news.order.is_some() && !self.is_of(&item.senders) => {
                reply::senders_beside(&mut *tx, *first).await?
            }
            _ => item.senders.clone(),
        };
        reply::is_undecided(tx, uncertain_query((item, news), (&senders, phone), self.reached())).await
    }

    /// Who had the newest message that is known to have reached the writer of a reply that quotes none.
    const fn reached(&self) -> Option<RecipientId> {
        match self {
            Self::Message { quoted: Quoted::No, message, .. } => Some(message.recipient_id),
            Self::Message { .. } | Self::Sender { .. } | Self::Nobody => None,
        }
    }

    /// Whether one of these senders sent the message that is answered.
    fn is_of(&self, senders: &[SenderId]) -> bool {
        matches!(self, Self::Message { reached_by, .. } if senders.contains(reached_by))
    }
}

/// Money is never somebody else's, whosever message is quoted.
pub(super) fn is_one_person(phone: &str, other: &str) -> bool {
    let key = |phone: &str| PersonKey::of_digits(phone.trim_start_matches('+'));
    key(phone) == key(other)
}

/// A message that is quoted also says who wrote, where only an id shows: whoever had it. Their id is learned by that.
pub(super) async fn attribute(
    tx: &mut PgConnection,
    engine: &EngineContext,
    (item, news): (&InboxItem, &ReplyNews),
    effects: &mut Effects,
) -> Result<WrittenTo, StoreError> {
    let Some(first) = item.senders.first().copied() else { return Ok(WrittenTo::Nobody) };
    let phone = opt_out::phone_of(&mut *tx, first, &news.person).await?;
    for sender in item.senders.iter().copied() {
        if let Some(id) = &news.quoted
            && let Some(QuotedMessage { message, phone_number }) = reply::quoted(&mut *tx, sender, id).await?
            && (news.order.is_none() || phone.as_deref().is_none_or(|phone| is_one_person(phone, &phone_number)))
        {
            if let (None, Some(user_id)) = (&phone, news.person.user_id.clone()) {
                let identity = LearnedIdentity { sender, user_id, phone: phone_number.clone() };
                let learned = reply::learn(&mut *tx, &[identity]).await?;
                opt_out::apply_named(&mut *tx, engine, &learned, effects).await?;
            }
            let phone = phone.or_else(|| Some(phone_number.clone()));
            let quoted_person = Some(phone_number);
            let reached_by = sender;
            return Ok(WrittenTo::Message { sender, reached_by, phone, message, quoted: Quoted::Yes, quoted_person });
        }
    }
    let Some(number) = &phone else { return Ok(WrittenTo::Sender { sender: first, phone }) };
    let newest = newest(&mut *tx, (item, news), number).await?;
    Ok(match newest {
        Some((reached_by, message)) => {
            // Their word is said to the number that they wrote to, whichever number's message it answers.
            let sender = if item.senders.contains(&reached_by) { reached_by } else { first };
            WrittenTo::Message { sender, reached_by, phone, message, quoted: Quoted::No, quoted_person: None }
        }
        None => WrittenTo::Sender { sender: first, phone },
    })
}

/// The newest message that reached a number within the window. An order at a sender that reached nobody there belongs to the newest of
/// its business, and so does a stop: a shop sends from one number and is written to at another.
async fn newest(
    tx: &mut PgConnection,
    (item, news): (&InboxItem, &ReplyNews),
    number: &str,
) -> Result<Option<(SenderId, AnsweredMessage)>, StoreError> {
    let sent = sent_within((item, news));
    let own = reply::newest_reached(&mut *tx, (&item.senders, number), sent).await?;
    if own.is_some() || !(news.order.is_some() || news.is_stop) {
        return Ok(own);
    }
    newest_of_business(tx, (&item.senders, number), sent).await
}

/// The newest message that reached a number within the window, of any sender of the business.
pub(super) async fn newest_of_business(
    tx: &mut PgConnection,
    (senders, number): (&[SenderId], &str),
    sent: AnsweredWithin,
) -> Result<Option<(SenderId, AnsweredMessage)>, StoreError> {
    let Some(first) = senders.first() else { return Ok(None) };
    let senders = reply::senders_beside(&mut *tx, *first).await?;
    reply::newest_reached(tx, (&senders, number), sent).await
}
