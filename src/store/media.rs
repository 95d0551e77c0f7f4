//! Files that people sent: which are to be fetched, and what became of each. The files themselves are on a machine's disk.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};

use super::StoreError;
use super::forget::PersonTraces;
use super::settings::interval;
use crate::domain::ids::{ReplyId, SenderId};

/// A file that is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct WantedFile {
    pub reply_id: ReplyId,
    pub sender_id: SenderId,
    /// The provider's id of the file.
    pub media_id: String,
    /// How often it was tried, this time included.
    pub tries: i32,
    /// Later the provider has it no more.
    pub give_up_at: DateTime<Utc>,
}

/// A file on a machine's disk.
#[derive(Debug, Clone, Copy)]
pub struct StoredFile<'a> {
    /// SHA-256 in hex.
    pub digest: &'a str,
    pub mime_type: Option<&'a str>,
    pub bytes: i64,
    pub host: &'a str,
}

/// Notes that the file of a reply is to be fetched while the provider has it.
pub async fn want(
    tx: &mut PgConnection,
    (reply, sender): (ReplyId, SenderId),
    media_id: &str,
    kept_for: TimeDelta,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into reply_media (reply_id, sender_id, media_id, give_up_at) values ($1, $2, $3, now() + $4::interval)
         on conflict (reply_id) do nothing",
    )
    .bind(reply)
    .bind(sender)
    .bind(media_id)
    .bind(interval(kept_for)?)
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes files of these senders that are due, the longest waiting first. Nobody else takes them for `held_for`: whoever took
/// them and died gives them up by that.
pub async fn take(
    pool: &PgPool,
    senders: &[SenderId],
    held_for: TimeDelta,
    limit: i64,
) -> Result<Vec<WantedFile>, StoreError> {
    let taken = sqlx::query_as(
        "update reply_media set tries = tries + 1, next_try_at = now() + $2::interval
          where reply_id in (select reply_id from reply_media
                              where state = 'wanted' and next_try_at <= now() and sender_id = any($1)
                              order by next_try_at limit $3 for update skip locked)
         returning reply_id, sender_id, media_id, tries, give_up_at",
    )
    .bind(senders.iter().map(|sender| sender.0).collect::<Vec<_>>())
    .bind(interval(held_for)?)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(taken)
}

/// Notes where a file is. `false`: somebody else stored or lost it meanwhile.
pub async fn stored(pool: &PgPool, reply: ReplyId, file: StoredFile<'_>) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update reply_media
            set state = 'stored', digest = $2, mime_type = $3, bytes = $4, host = $5, reason = null, stored_at = now()
          where reply_id = $1 and state = 'wanted'",
    )
    .bind(reply)
    .bind(file.digest)
    .bind(file.mime_type.map(|kind| kind.replace('\0', "")))
    .bind(file.bytes)
    .bind(file.host)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Tries a file again after a pause; gives it up where the provider has it no more by then. `true`: it did.
pub async fn retry(pool: &PgPool, reply: ReplyId, pause: TimeDelta, why: &str) -> Result<bool, StoreError> {
    let is_lost: Option<bool> = sqlx::query_scalar(
        "update reply_media
            set next_try_at = now() + $2::interval, reason = $3,
                state = case when now() + $2::interval >= give_up_at then 'lost' else state end
          where reply_id = $1 and state = 'wanted'
         returning state = 'lost'",
    )
    .bind(reply)
    .bind(interval(pause)?)
    .bind(why.replace('\0', ""))
    .fetch_optional(pool)
    .await?;
    Ok(is_lost.unwrap_or(false))
}

/// Gives up what nobody has tried since the provider has it no more. Returns how many.
pub async fn expire(pool: &PgPool) -> Result<u64, StoreError> {
    let lost = sqlx::query(
        "update reply_media set state = 'lost', reason = coalesce(reason, 'nobody fetched it in time')
          where state = 'wanted' and give_up_at <= now() and next_try_at <= now()",
    )
    .execute(pool)
    .await?;
    Ok(lost.rows_affected())
}

/// Gives a file up.
pub async fn lose(pool: &PgPool, reply: ReplyId, why: &str) -> Result<(), StoreError> {
    sqlx::query("update reply_media set state = 'lost', reason = $2 where reply_id = $1 and state = 'wanted'")
        .bind(reply)
        .bind(why.replace('\0', ""))
        .execute(pool)
        .await?;
    Ok(())
}

/// Lets go of the files that a machine has had for so many days. Returns the digests that no other reply of this machine needs.
pub async fn drop_old(pool: &PgPool, host: &str, days: u32) -> Result<Vec<String>, StoreError> {
    let digests = sqlx::query_scalar(
        "with dropped as (
             update reply_media set state = 'dropped'
              where state = 'stored' and host = $1 and stored_at < now() - make_interval(days => $2)
             returning reply_id, digest)
         select distinct digest from dropped d
          where not exists (select 1 from reply_media m where m.digest = d.digest and m.host = $1 and m.state = 'stored'
                                                          and m.reply_id not in (select reply_id from dropped))",
    )
    .bind(host)
    .bind(i32::try_from(days).unwrap_or(i32::MAX))
    .fetch_all(pool)
    .await?;
    Ok(digests)
}

/// Has a file fetched again that a machine has let go of while a reply with the same one came, if the provider still has it.
pub async fn want_again(pool: &PgPool, host: &str, digest: &str) -> Result<(), StoreError> {
    sqlx::query(
        "update reply_media set state = 'wanted', next_try_at = now()
          where digest = $2 and host = $1 and state = 'stored' and give_up_at > now()",
    )
    .bind(host)
    .bind(digest)
    .execute(pool)
    .await?;
    Ok(())
}

/// The files that a person sent: the digest of each, and the machine that has it.
pub async fn of_person(tx: &mut PgConnection, of: &PersonTraces) -> Result<Vec<(String, String)>, StoreError> {
    let files = sqlx::query_as(
        "with theirs as (
             select id from replies
              where person_key(phone_number) = any($1) or recipient_id = any($2) or user_id = any($3))
         select distinct m.digest, m.host from reply_media m
          where m.reply_id in (select id from theirs)
            and m.state = 'stored' and m.digest is not null and m.host is not null
            and not exists (select from reply_media o
                             where o.digest = m.digest and o.reply_id not in (select id from theirs))",
    );
    Ok(files.bind(&of.people).bind(&of.rows).bind(&of.ids).fetch_all(tx).await?)
}
