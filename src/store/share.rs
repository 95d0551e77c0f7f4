//! Links to one blast's page, by the hash of their secret.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, PgConnection, PgPool, Row};
use utoipa::ToSchema;

use super::StoreError;
use crate::domain::ids::{BlastId, SenderId, ShareId};

/// A link as it is listed, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, FromRow)]
#[schema(as = Share)]
pub struct ShareRow {
    #[schema(value_type = i64, example = 3)]
    pub id: ShareId,
    #[schema(value_type = i64, example = 7)]
    pub blast_id: BlastId,
    #[schema(example = "Campaign 2025-01-18")]
    pub blast_tag: String,
    #[schema(example = "aina")]
    pub created_by: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    #[schema(example = json!(null))]
    pub revoked_at: Option<DateTime<Utc>>,
    #[schema(example = json!(null))]
    pub revoked_by: Option<String>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Neither revoked nor expired.
    #[schema(example = true)]
    pub is_valid: bool,
}

/// What a link opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct ShareIdentity {
    pub id: ShareId,
    pub blast_id: BlastId,
}

/// A link to make.
#[derive(Debug, Clone, Copy)]
pub struct NewShare<'a> {
    pub hash: [u8; 32],
    pub blast: BlastId,
    pub by: &'a str,
    pub expires_at: DateTime<Utc>,
}

pub async fn insert(tx: &mut PgConnection, new: NewShare<'_>) -> Result<ShareId, StoreError> {
    let id = sqlx::query_scalar(
        "insert into api_shares (hash, blast_id, created_by, expires_at) values ($1, $2, $3, $4) returning id",
    )
    .bind(&new.hash[..])
    .bind(new.blast)
    .bind(new.by)
    .bind(new.expires_at)
    .fetch_one(tx)
    .await?;
    Ok(id)
}

/// Ends a link, of this sender's blasts only if one is given; the blast that it led to. `None`: there is no such link, or it is
/// revoked already.
pub async fn revoke(
    tx: &mut PgConnection,
    id: ShareId,
    by: &str,
    sender: Option<SenderId>,
) -> Result<Option<BlastId>, StoreError> {
    let revoked = sqlx::query_scalar(
        "update api_shares s set revoked_at = now(), revoked_by = $2
           from blasts b
          where s.id = $1 and s.revoked_at is null and b.id = s.blast_id and ($3::bigint is null or b.sender_id = $3)
         returning s.blast_id",
    );
    Ok(revoked.bind(id).bind(by).bind(sender).fetch_optional(tx).await?)
}

/// The links of a blast or of all, of one sender's or of all, the newest first.
pub async fn list(
    pool: &PgPool,
    blast: Option<BlastId>,
    sender: Option<SenderId>,
) -> Result<Vec<ShareRow>, StoreError> {
    let shares = sqlx::query_as(
        "select s.id, s.blast_id, b.blast_tag, s.created_by, s.created_at, s.expires_at, s.revoked_at, s.revoked_by, s.last_used_at,
                s.revoked_at is null and s.expires_at > now() as is_valid
           from api_shares s
           join blasts b on b.id = s.blast_id and b.deleted_at is null
          where ($1::bigint is null or s.blast_id = $1) and ($2::bigint is null or b.sender_id = $2)
          order by s.id desc",
    );
    Ok(shares.bind(blast).bind(sender).fetch_all(pool).await?)
}

/// The valid link with this hash. Notes that it is used, once a minute.
pub async fn identify(pool: &PgPool, hash: &[u8; 32]) -> Result<Option<ShareIdentity>, StoreError> {
    let found = sqlx::query(
        "select s.id, s.blast_id, coalesce(s.last_used_at < now() - interval '1 minute', true) as is_late
           from api_shares s
           join blasts b on b.id = s.blast_id and b.deleted_at is null
          where s.hash = $1 and s.revoked_at is null and s.expires_at > now()",
    );
    let Some(row) = found.bind(&hash[..]).fetch_optional(pool).await? else { return Ok(None) };
    let share = ShareIdentity::from_row(&row)?;
    if row.try_get("is_late")? {
        sqlx::query("update api_shares set last_used_at = now() where id = $1").bind(share.id).execute(pool).await?;
    }
    Ok(Some(share))
}
