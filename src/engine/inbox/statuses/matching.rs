//! Whose message a status is about: found by its id, else by the attempt that it returns.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::super::item::{ItemOutcome, StatusNews};
use super::StatusItem;
use crate::domain::ids::{MessageId, RecipientId};
use crate::domain::status::Status;
use crate::engine::context::EngineContext;
use crate::provider::meta::callback::CallbackData;
use crate::store::StoreError;
use crate::store::inbox::messages::{self, AttemptQuery, IdQuery, KnownAttempt, KnownMessage};

/// Whose message a status is about.
pub(super) enum MessageMatch {
    ById(KnownMessage),
    /// By the attempt that it returns: its id is not known yet.
    ByAttempt(KnownAttempt),
    /// By the attempt; the answer to its POST is still to come, and is evidence of its own.
    InFlight,
    /// It names an attempt whose message has another id: that one's statuses count, and nobody else's.
    OfAnotherId,
    /// Of another program, of another installation, of a blast that was deleted, or of what a restored database has forgotten.
    Foreign,
    Unknown,
}

impl MessageMatch {
    pub(super) const fn message(&self) -> Option<&KnownMessage> {
        match self {
            Self::ById(message) | Self::ByAttempt(KnownAttempt { message, .. }) => Some(message),
            Self::InFlight | Self::OfAnotherId | Self::Foreign | Self::Unknown => None,
        }
    }

    pub(super) fn outcome(&self, status: &StatusItem<'_>) -> ItemOutcome {
        let message_id = &status.news.message_id;
        let id = || message_id.as_str().to_owned();
        let waits = |why| ItemOutcome::Waits { why, id: Some(id()) };
        match self {
            Self::ById(_) | Self::ByAttempt(_) | Self::Foreign => ItemOutcome::Applied,
            Self::InFlight => {
                ItemOutcome::InFlight { why: "the answer to its send is still to come".to_owned(), id: id() }
            }
            Self::OfAnotherId => waits(format!("its attempt has a message with another id than {message_id}")),
            Self::Unknown => waits(format!("no message is known as {message_id}")),
        }
    }
}

/// Whose messages these statuses are about, in order.
pub(super) async fn find(
    tx: &mut PgConnection,
    engine: &EngineContext,
    statuses: &[StatusItem<'_>],
) -> Result<Vec<MessageMatch>, StoreError> {
    let mut asked = Vec::with_capacity(statuses.len());
    for (n, status) in (0..).zip(statuses) {
        let message_id = &status.news.message_id;
        let of = status.news.callback.as_ref().map(|callback| (callback.recipient, callback.attempt));
        asked.extend(status.item.senders.iter().map(|sender| IdQuery { n, sender: *sender, message_id, of }));
    }
    let known = messages::by_ids(tx, &asked).await?;
    let mut known: HashMap<i32, KnownMessage> = known.into_iter().map(|message| (message.n, message)).collect();
    let mut found: Vec<MessageMatch> =
        (0..).zip(statuses).map(|(n, status)| first_guess(engine, known.remove(&n), status)).collect();
    let attempts = (0..).zip(statuses).zip(&found).filter(|(_, found)| matches!(found, MessageMatch::Unknown));
    let attempts: Vec<AttemptQuery<'_>> =
        attempts.filter_map(|((n, status), _)| attempt_query(n, status.news)).collect();
    if !attempts.is_empty() {
        find_by_attempt(tx, (statuses, &attempts), &mut found).await?;
    }
    Ok(found)
}

/// Finds those whose ids are not known by their attempts. A claim is committed before its message is posted: whoever is not in the
/// database was deleted, or lost to a restore, and nothing more becomes known of them.
async fn find_by_attempt(
    tx: &mut PgConnection,
    (statuses, attempts): (&[StatusItem<'_>], &[AttemptQuery<'_>]),
    found: &mut [MessageMatch],
) -> Result<(), StoreError> {
    let mut taught: HashMap<(i64, i32), &MessageId> = HashMap::new();
    let mut left: HashMap<i32, RecipientId> = attempts.iter().map(|asked| (asked.n, asked.recipient)).collect();
    for attempt in messages::by_attempts(&mut *tx, attempts).await? {
        left.remove(&attempt.message.n);
        let Ok(n) = usize::try_from(attempt.message.n) else { continue };
        let of = (attempt.message.recipient_id.0, attempt.message.attempt);
        let matched = of_attempt(attempt, &statuses[n]);
        let id = &statuses[n].news.message_id;
        let is_taught = matches!(matched, MessageMatch::ByAttempt(_)) && *taught.entry(of).or_insert(id) != id;
        found[n] = if is_taught { MessageMatch::OfAnotherId } else { matched };
    }
    let gone = messages::gone(tx, &left.values().copied().collect::<Vec<_>>()).await?;
    for (n, _) in left.into_iter().filter(|(_, person)| gone.contains(person)) {
        let Ok(n) = usize::try_from(n) else { continue };
        found[n] = MessageMatch::Foreign;
    }
    Ok(())
}

fn first_guess(engine: &EngineContext, known: Option<KnownMessage>, status: &StatusItem<'_>) -> MessageMatch {
    let of_another = |callback: &CallbackData| callback.installation() != &*engine.installation;
    let is_foreign = status.news.is_foreign || status.news.callback.as_ref().is_some_and(of_another);
    match known {
        Some(message) => MessageMatch::ById(message),
        None if is_foreign || status.item.senders.is_empty() => MessageMatch::Foreign,
        None => MessageMatch::Unknown,
    }
}

fn attempt_query(n: i32, news: &StatusNews) -> Option<AttemptQuery<'_>> {
    let callback = news.callback.as_ref()?;
    let phone = news.person.phone.as_deref();
    Some(AttemptQuery { n, blast: callback.blast, recipient: callback.recipient, attempt: callback.attempt, phone })
}

/// Whether a status is of the attempt that it names. The same number may serve another installation, and a restored database
/// gives ids again: sender and claim must be those of the attempt. WhatsApp may know its person by another number, but not by one
/// that somebody else in the blast has.
fn of_attempt(attempt: KnownAttempt, status: &StatusItem<'_>) -> MessageMatch {
    let KnownAttempt { message, claimed_at, has_id, names_another, .. } = &attempt;
    let is_claim = status.news.callback.as_ref().is_some_and(|callback| callback.claimed_at == *claimed_at);
    if !is_claim {
        MessageMatch::Foreign
    } else if *names_another || !status.item.senders.contains(&message.sender_id) {
        MessageMatch::Unknown
    } else if *has_id {
        MessageMatch::OfAnotherId
    } else if message.status == Status::Sending && message.newest_attempt == message.attempt {
        MessageMatch::InFlight
    } else {
        MessageMatch::ByAttempt(attempt)
    }
}
