//! Whose message a webhook is about: by its id, or by the attempt that it returns.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};

use crate::domain::ids::{BlastId, MessageId, RecipientId, SenderId};
use crate::domain::phone::Phone;
use crate::domain::status::Status;
use crate::store::StoreError;
use crate::store::fence::{is_whole, whole_or_incomplete};
use crate::store::in_flight::current;

/// One of our messages, with its person as they are now.
#[derive(Debug, Clone, FromRow)]
pub struct KnownMessage {
    /// The position of the question.
    pub n: i32,
    pub sender_id: SenderId,
    pub recipient_id: RecipientId,
    pub blast_id: BlastId,
    pub attempt: i32,
    pub phone_number: Phone,
    /// Of the person's newest attempt.
    pub newest_attempt: i32,
    pub status: Status,
}

/// An attempt of ours, and what shows whether a message can be its own.
#[derive(Debug, Clone, FromRow)]
pub struct KnownAttempt {
    #[sqlx(flatten)]
    pub message: KnownMessage,
    /// A database that was restored may give the same ids and number to another attempt: at another time.
    pub claimed_at: DateTime<Utc>,
    /// Under which lease.
    pub epoch: i64,
    /// Whether the id of its message is known.
    pub has_id: bool,
    /// Whether the number that was named beside it is of somebody else in its blast.
    pub names_another: bool,
}

/// A question for [`by_attempts`].
#[derive(Debug, Clone, Copy)]
pub struct AttemptQuery<'a> {
    pub n: i32,
    pub blast: BlastId,
    pub recipient: RecipientId,
    pub attempt: i32,
    /// Whom the news names, with the plus.
    pub phone: Option<&'a str>,
}

/// A question for [`by_ids`].
#[derive(Debug, Clone, Copy)]
pub struct IdQuery<'a> {
    pub n: i32,
    pub sender: SenderId,
    pub message_id: &'a MessageId,
    /// Whose attempt it may be: there it is looked for first.
    pub of: Option<(RecipientId, i32)>,
}

/// The messages with these ids of these senders, where they are known. Ids are scattered over all of their index, which is larger than
/// what the server keeps in memory; people who were sent to together stand together.
pub async fn by_ids(tx: &mut PgConnection, asked: &[IdQuery<'_>]) -> Result<Vec<KnownMessage>, StoreError> {
    let mut found = of_attempts(&mut *tx, asked).await?;
    let known: HashSet<i32> = found.iter().map(|message| message.n).collect();
    let others: Vec<&IdQuery<'_>> = asked.iter().filter(|asked| !known.contains(&asked.n)).collect();
    if !others.is_empty() {
        found.extend(by_id_alone(tx, &others).await?);
    }
    Ok(found)
}

/// Those that are messages of the attempts which they name.
async fn of_attempts(tx: &mut PgConnection, asked: &[IdQuery<'_>]) -> Result<Vec<KnownMessage>, StoreError> {
    let named: Vec<(&IdQuery<'_>, (RecipientId, i32))> =
        asked.iter().filter_map(|asked| Some((asked, asked.of?))).collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let found = sqlx::query_as(concat!(
        "select x.n, m.sender_id, m.recipient_id, r.blast_id, m.attempt, r.phone_number, ",
        current!("r.", attempt),
        " as newest_attempt, ",
        current!("r.", status_word),
        " as status
           from unnest($1::int[], $2::bigint[], $3::text[], $4::bigint[], $5::int[])
                as x (n, sender_id, message_id, recipient_id, attempt)
          -- `offset` keeps the planner from looking the id up in the index of all ids after all.
          cross join lateral (select o.sender_id, o.recipient_id, o.attempt, o.message_id from provider_message o
                               where o.recipient_id = x.recipient_id and o.attempt = x.attempt offset 0) m
           join blast_recipients r on r.id = m.recipient_id
          where m.sender_id = x.sender_id and m.message_id = x.message_id"
    ))
    .bind(named.iter().map(|(asked, _)| asked.n).collect::<Vec<_>>())
    .bind(named.iter().map(|(asked, _)| asked.sender.0).collect::<Vec<_>>())
    .bind(named.iter().map(|(asked, _)| asked.message_id.as_str()).collect::<Vec<_>>())
    .bind(named.iter().map(|(_, (recipient, _))| recipient.0).collect::<Vec<_>>())
    .bind(named.iter().map(|(_, (_, attempt))| *attempt).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    Ok(found)
}

async fn by_id_alone(tx: &mut PgConnection, asked: &[&IdQuery<'_>]) -> Result<Vec<KnownMessage>, StoreError> {
    let found = sqlx::query_as(concat!(
        "select x.n, m.sender_id, m.recipient_id, r.blast_id, m.attempt, r.phone_number, ",
        current!("r.", attempt),
        " as newest_attempt, ",
        current!("r.", status_word),
        " as status
           from unnest($1::int[], $2::bigint[], $3::text[]) as x (n, sender_id, message_id)
           join provider_message m on m.sender_id = x.sender_id and m.message_id = x.message_id
           join blast_recipients r on r.id = m.recipient_id"
    ))
    .bind(asked.iter().map(|asked| asked.n).collect::<Vec<_>>())
    .bind(asked.iter().map(|asked| asked.sender.0).collect::<Vec<_>>())
    .bind(asked.iter().map(|asked| asked.message_id.as_str()).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// The attempts that were made like this. `offset 0` has each attempt and each person looked up by its key: a join reads all of the
/// view, and where nothing was analyzed yet, all people of the blast for each of them.
pub async fn by_attempts(tx: &mut PgConnection, asked: &[AttemptQuery<'_>]) -> Result<Vec<KnownAttempt>, StoreError> {
    let found = sqlx::query_as(
        concat!("select x.n, a.sender_id, a.recipient_id, r.blast_id, a.attempt, r.phone_number, ",
                current!("r.", attempt), " as newest_attempt, ", current!("r.", status_word), " as status,
                a.claimed_at, a.epoch,
                exists (select from provider_message m
                         where m.recipient_id = a.recipient_id and m.attempt = a.attempt and m.message_id is not null) as has_id,
                exists (select from blast_recipients o
                         where o.blast_id = r.blast_id and person_key(o.phone_number) = person_key(x.phone)
                           and o.id <> r.id) as names_another
           from unnest($1::int[], $2::bigint[], $3::bigint[], $4::int[], $5::text[])
                  as x (n, blast_id, recipient_id, attempt, phone)
          cross join lateral (select * from attempts
                               where recipient_id = x.recipient_id and attempt = x.attempt offset 0) a
          cross join lateral (select * from blast_recipients where id = x.recipient_id offset 0) r
          where r.blast_id = x.blast_id"),
    )
    .bind(asked.iter().map(|asked| asked.n).collect::<Vec<_>>())
    .bind(asked.iter().map(|asked| asked.blast.0).collect::<Vec<_>>())
    .bind(asked.iter().map(|asked| asked.recipient.0).collect::<Vec<_>>())
    .bind(asked.iter().map(|asked| asked.attempt).collect::<Vec<_>>())
    .bind(asked.iter().map(|asked| asked.phone).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// Those of these people who are not in the database. Each is looked up by their key.
///
/// # Errors
/// [`StoreError::Incomplete`] where some are not, and it is in the middle of a restore.
pub async fn gone(tx: &mut PgConnection, people: &[RecipientId]) -> Result<HashSet<RecipientId>, StoreError> {
    if people.is_empty() {
        return Ok(HashSet::new());
    }
    let gone: Vec<(RecipientId, bool)> = sqlx::query_as(concat!(
        "select x.id, ",
        is_whole!(),
        " from unnest($1::bigint[]) as x (id)
          where (select r.id from blast_recipients r where r.id = x.id) is null"
    ))
    .bind(people.iter().map(|id| id.0).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    whole_or_incomplete(gone.iter().all(|(_, is_whole)| *is_whole))?;
    Ok(gone.into_iter().map(|(id, _)| id).collect())
}

/// The senders that are, or were, these numbers or devices of a provider.
pub async fn senders_of(
    tx: &mut PgConnection,
    provider: &str,
    devices: &[&str],
) -> Result<Vec<(String, SenderId)>, StoreError> {
    let found = sqlx::query_as(
        "select d.device, d.sender_id from sender_devices d join senders s on s.id = d.sender_id
          where d.provider = $1 and d.device = any($2)
          order by d.device, (s.device = d.device) desc nulls last, d.sender_id",
    )
    .bind(provider)
    .bind(devices)
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// The stop words that these senders were registered with.
pub async fn stop_words(
    tx: &mut PgConnection,
    senders: &[SenderId],
) -> Result<Vec<(SenderId, Vec<String>)>, StoreError> {
    let words = sqlx::query_as("select id, stop_words from senders where id = any($1) and stop_words is not null")
        .bind(senders.iter().map(|sender| sender.0).collect::<Vec<_>>())
        .fetch_all(tx)
        .await?;
    Ok(words)
}

/// What a message is charged as, and whether it was delivered, by one status.
#[derive(Debug, Clone)]
pub struct PricingRow {
    pub sender: SenderId,
    pub message_id: MessageId,
    pub blast: BlastId,
    pub recipient: RecipientId,
    pub category: Option<String>,
    pub kind: Option<String>,
    pub model: Option<String>,
    pub billable: Option<bool>,
    pub is_delivered: bool,
}

/// Adds what statuses say of their messages' price, each message once in `rows`: what was said first stays.
pub async fn record_pricing(tx: &mut PgConnection, rows: &[PricingRow]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into message_pricing as p
                (sender_id, message_id, blast_id, recipient_id, category, kind, model, billable, is_delivered)
         select * from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[],
                              $8::boolean[], $9::boolean[])
         on conflict (sender_id, message_id) do update
            set category = coalesce(p.category, excluded.category), kind = coalesce(p.kind, excluded.kind),
                model = coalesce(p.model, excluded.model), billable = coalesce(p.billable, excluded.billable),
                is_delivered = p.is_delivered or excluded.is_delivered, updated_at = now()
          where (not p.is_delivered and excluded.is_delivered) or (p.category is null and excluded.category is not null)",
    )
    .bind(rows.iter().map(|row| row.sender.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.message_id.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.blast.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.recipient.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.category.as_deref()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.kind.as_deref()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.model.as_deref()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.billable).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.is_delivered).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}
