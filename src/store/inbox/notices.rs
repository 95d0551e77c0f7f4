//! What providers say of accounts, numbers and templates. Each notice is kept, and acts, once.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::ids::{BlastId, SenderId};
use crate::store::StoreError;

/// A notice.
#[derive(Debug, Clone)]
pub struct NewNotice<'a> {
    pub provider: &'a str,
    /// The business account's id.
    pub account: Option<&'a str>,
    pub field: &'a str,
    /// The template or number.
    pub subject: Option<&'a str>,
    pub words: &'a str,
    /// When it was written, else when it came. Distinguishes it from others with the same words.
    pub at: DateTime<Utc>,
}

/// Keeps a notice; `None` when it is known already.
pub async fn add(tx: &mut PgConnection, notice: &NewNotice<'_>) -> Result<Option<i64>, StoreError> {
    let id = sqlx::query_scalar(
        "insert into provider_notices (digest, provider, account, field, subject, words, at)
         select sha256(convert_to(concat_ws('|', $1::text, $2::text, $3::text, $4::text, $5::text,
                                            extract(epoch from $6::timestamptz)), 'UTF8')),
                $1, $2, $3, $4, $5, $6
         on conflict (digest) do nothing returning id",
    )
    .bind(notice.provider)
    .bind(notice.account)
    .bind(notice.field)
    .bind(notice.subject)
    .bind(notice.words)
    .bind(notice.at)
    .fetch_optional(tx)
    .await?;
    Ok(id)
}

/// Writes what was stopped or paused because of a notice.
pub async fn set_effect(tx: &mut PgConnection, notice: i64, effect: &str) -> Result<(), StoreError> {
    sqlx::query("update provider_notices set effect = $2 where id = $1").bind(notice).bind(effect).execute(tx).await?;
    Ok(())
}

/// The senders of one of Meta's business accounts, as they were registered last.
pub async fn senders_of_account(tx: &mut PgConnection, account: Option<&str>) -> Result<Vec<SenderId>, StoreError> {
    let senders = sqlx::query_scalar("select id from senders where provider = 'meta' and account = $1 order by id")
        .bind(account)
        .fetch_all(tx)
        .await?;
    Ok(senders)
}

/// The blasts of these senders that are being sent with a template, in one language or, without one, in any.
pub async fn blasts_with_template(
    tx: &mut PgConnection,
    senders: &[SenderId],
    name: &str,
    language: Option<&str>,
) -> Result<Vec<BlastId>, StoreError> {
    let blasts = sqlx::query_scalar(
        "select id from blasts
          where sender_id = any($1) and state = 'sending' and deleted_at is null and template ->> 'name' = $2
            and ($3::text is null or coalesce(template #>> '{language,code}', template ->> 'language') = $3)
          order by id",
    )
    .bind(senders.iter().map(|sender| sender.0).collect::<Vec<_>>())
    .bind(name)
    .bind(language)
    .fetch_all(tx)
    .await?;
    Ok(blasts)
}
