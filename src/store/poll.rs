//! Whom to poll: accepted people whose stage may still rise, by age.

use std::ops::Bound;

use chrono::{DateTime, SecondsFormat, Utc};
use sqlx::{PgExecutor, PgPool};

use super::{StoreError, begin, settings};
use crate::domain::ids::{BlastId, MessageId, RecipientId, SenderId};
use crate::domain::phone::Phone;
use crate::domain::polling::TimeRange;
use crate::domain::status::Status;

/// Somebody to poll.
#[derive(Debug, Clone)]
pub struct PollTarget {
    pub id: RecipientId,
    pub blast: BlastId,
    pub attempt: i32,
    pub phone_number: Phone,
    pub message_id: MessageId,
    pub sent_at: DateTime<Utc>,
    /// By which time they are in order, and their age counts: see [`PollQuery`].
    pub since: DateTime<Utc>,
    pub status: Status,
    /// The provider's newest status, so that a repetition is recognised.
    pub word: Option<String>,
    pub has_c2s: bool,
}

/// A stretch of times within one blast. Whoever is at *sent* counts from when that was written, a moment after they were sent to: by that
/// their index for the newest changes has them in order, and a send needs no entry in one for polling. Whoever is at *delivered*
/// counts from when they were sent to.
#[derive(Debug, Clone, Copy)]
pub struct PollQuery {
    pub blast: BlastId,
    /// After this, exclusive, in order of time and id.
    pub after: (DateTime<Utc>, RecipientId),
    /// Up to this.
    pub until: DateTime<Utc>,
    pub limit: i64,
}

/// Keeps a word of the provider's that says nothing of a stage, beside the attempt that it is about.
pub async fn note_word(executor: impl PgExecutor<'_>, of: (RecipientId, i32), word: &str) -> Result<(), StoreError> {
    let noted = sqlx::query(
        "update blast_recipients set provider_status = $3
          where id = $1 and attempt = $2 and status in ('sent', 'delivered') and provider_status is distinct from $3",
    );
    noted.bind(of.0).bind(of.1).bind(word.replace('\0', "")).execute(executor).await?;
    Ok(())
}

/// Blasts in which somebody may have been sent to since a time, by its parameter. One that was completed sends no more: what ended long
/// before that is not looked at, however many answers there ever were. A day more, for whom an answer reached late. They are looked at one
/// by one: as a join, the planner may read everybody who was sent to.
macro_rules! sent_since {
    ($since:literal) => {
        concat!(
            "(select id, sender_id from blasts
               where state in ('scheduled', 'sending', 'paused', 'cancelled') and deleted_at is null
              union
              select id, sender_id from blasts
               where updated_at > ",
            $since,
            " - interval '1 day' and state <> 'draft' and deleted_at is null)"
        )
    };
}

/// A condition: somebody of a blast `b` is to be polled, by a time's parameter. Both are looked up by the time.
macro_rules! has_somebody_since {
    ($since:literal) => {
        concat!(
            "(exists (select 1 from blast_recipients r
                       where r.blast_id = b.id and r.status = 'sent' and r.changed_at > ",
            $since,
            " and r.message_id is not null offset 0)
              or exists (select 1 from blast_recipients r
                          where r.blast_id = b.id and r.status = 'delivered' and r.sent_at > ",
            $since,
            " and r.message_id is not null offset 0))"
        )
    };
}

/// Blasts of a sender with somebody to poll, sent since `since`.
pub async fn blasts(pool: &PgPool, sender: SenderId, since: DateTime<Utc>) -> Result<Vec<BlastId>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let blasts = sqlx::query_scalar(concat!(
        "select b.id from ",
        sent_since!("$2"),
        " b
          where b.sender_id = $1 and ",
        has_somebody_since!("$2"),
        " order by b.id",
    ))
    .bind(sender)
    .bind(since)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(blasts)
}

/// Whether a sender's provider may be polled: the sender is not stopped, and the provider asked for no pause.
pub async fn may_poll(pool: &PgPool, sender: SenderId) -> Result<bool, StoreError> {
    let may = sqlx::query_scalar(
        "select stopped_at is null and coalesce(held_until <= now(), true) from senders where id = $1",
    )
    .bind(sender)
    .fetch_optional(pool)
    .await?;
    Ok(may.unwrap_or(false))
}

/// Records that everybody of a blast whose time ([`PollQuery`]) is in these ranges was polled. Writes nothing where that is known.
pub async fn record_asked(pool: &PgPool, blast: BlastId, stretches: &[TimeRange]) -> Result<(), StoreError> {
    if stretches.is_empty() {
        return Ok(());
    }
    let asked: Vec<_> = stretches.iter().copied().map(as_range).collect();
    let asked = format!("{{{}}}", asked.join(","));
    let mut tx = begin(pool).await?;
    sqlx::query("insert into blast_polls (blast_id) select id from blasts where id = $1 on conflict do nothing")
        .bind(blast)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "update blast_polls set asked = asked + $2::text::tstzmultirange
          where blast_id = $1 and not asked @> $2::text::tstzmultirange",
    )
    .bind(blast)
    .bind(asked)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

fn as_range((from, to): TimeRange) -> String {
    let written = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let from = match from {
        Bound::Included(at) => format!("[{}", written(at)),
        Bound::Excluded(at) => format!("({}", written(at)),
        Bound::Unbounded => "(".to_owned(),
    };
    let to = match to {
        Bound::Included(at) => format!("{}]", written(at)),
        Bound::Excluded(at) => format!("{})", written(at)),
        Bound::Unbounded => ")".to_owned(),
    };
    format!("{from},{to}")
}

/// Senders with anybody to poll.
pub async fn senders(pool: &PgPool, since: DateTime<Utc>) -> Result<Vec<SenderId>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let senders = sqlx::query_scalar(concat!(
        "select distinct b.sender_id from ",
        sent_since!("$1"),
        " b join senders s on s.id = b.sender_id
          where s.stopped_at is null and ",
        has_somebody_since!("$1"),
        " union
         select j.sender_id from api_jobs j join senders s on s.id = j.sender_id
          where j.kind = 'check_status' and j.state in ('queued', 'running') and s.stopped_at is null",
    ))
    .bind(since)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(senders)
}

/// The provider's answer to the send of an attempt, byte for byte.
pub async fn send_reply(pool: &PgPool, recipient: RecipientId, attempt: i32) -> Result<Option<Vec<u8>>, StoreError> {
    let reply = sqlx::query_scalar(
        "select body from provider_message where recipient_id = $1 and attempt = $2 and outcome = 'accepted' limit 1",
    );
    Ok(reply.bind(recipient).bind(attempt).fetch_optional(pool).await?)
}

type PollRow =
    (RecipientId, BlastId, i32, Phone, Option<String>, DateTime<Utc>, DateTime<Utc>, Status, Option<String>, bool);

/// The people at a status within a [`PollQuery`], by the time that counts there.
macro_rules! people_at {
    ($status:literal, $since:literal) => {
        concat!(
            "select id, blast_id, attempt, phone_number, message_id, sent_at, ",
            $since,
            " as since, status::text, provider_status, message_c2s_timestamp is not null as has_c2s
               from blast_recipients
              where blast_id = $1 and status = '",
            $status,
            "' and message_id is not null and sent_at is not null and ",
            $since,
            " >= $2 and ",
            $since,
            " <= $4 and (",
            $since,
            ", id) > ($2, $3) order by ",
            $since,
            ", id limit $5"
        )
    };
}

/// The next people in a range, oldest first: at most as many of each status are read.
pub async fn pending(pool: &PgPool, band: PollQuery) -> Result<Vec<PollTarget>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let rows: Vec<PollRow> = sqlx::query_as(concat!(
        "(",
        people_at!("sent", "changed_at"),
        ") union all (",
        people_at!("delivered", "sent_at"),
        ") order by since, id limit $5"
    ))
    .bind(band.blast)
    .bind(band.after.0)
    .bind(band.after.1)
    .bind(band.until)
    .bind(band.limit)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows.into_iter().filter_map(from_row).collect())
}

fn from_row(
    (id, blast, attempt, phone_number, message_id, sent_at, since, status, word, has_c2s): PollRow,
) -> Option<PollTarget> {
    let message_id = MessageId::new(message_id.as_deref()?)?;
    Some(PollTarget { id, blast, attempt, phone_number, message_id, sent_at, since, status, word, has_c2s })
}
