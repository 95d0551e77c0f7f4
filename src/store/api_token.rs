//! Tokens of the HTTP API, by the hash of their secret.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, PgConnection, PgPool, Row};
use utoipa::ToSchema;

use super::StoreError;
use crate::domain::api_token::TokenScope;
use crate::domain::ids::SenderId;

/// A token to make.
#[derive(Debug, Clone)]
pub struct NewToken<'a> {
    pub name: &'a str,
    pub hash: [u8; 32],
    pub scope: TokenScope,
    /// It acts for this sender only.
    pub sender: Option<SenderId>,
    pub by: &'a str,
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a request's token is.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TokenIdentity {
    pub id: i64,
    pub name: String,
    #[sqlx(try_from = "String")]
    pub scope: TokenScope,
    #[sqlx(rename = "sender_id")]
    pub sender: Option<SenderId>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// A token as it is listed, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
#[schema(as = Token)]
pub struct TokenRow {
    #[schema(example = "shop")]
    pub name: String,
    #[sqlx(try_from = "String")]
    pub scope: TokenScope,
    #[schema(example = json!(null))]
    pub sender: Option<String>,
    #[schema(example = "aina")]
    pub created_by: String,
    pub created_at: DateTime<Utc>,
    #[schema(example = json!(null))]
    pub expires_at: Option<DateTime<Utc>>,
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

/// `false`: a token of this name is there already.
pub async fn insert(tx: &mut PgConnection, new: NewToken<'_>) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "insert into api_tokens (name, hash, scope, sender_id, created_by, expires_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (lower(name)) where revoked_at is null do nothing",
    )
    .bind(new.name)
    .bind(&new.hash[..])
    .bind(new.scope.word())
    .bind(new.sender)
    .bind(new.by)
    .bind(new.expires_at)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// `false`: there is no such token (of this sender, if one is given), or it is revoked already.
pub async fn revoke(tx: &mut PgConnection, name: &str, by: &str, sender: Option<SenderId>) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update api_tokens set revoked_at = now(), revoked_by = $2
          where lower(name) = lower($1) and revoked_at is null and ($3::bigint is null or sender_id = $3)",
    )
    .bind(name)
    .bind(by)
    .bind(sender)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Every token, or this sender's, the newest first; those that are revoked too, since acts stand under their names.
pub async fn list(pool: &PgPool, sender: Option<SenderId>) -> Result<Vec<TokenRow>, StoreError> {
    let tokens = sqlx::query_as(
        "select t.name, t.scope, s.name as sender, t.created_by, t.created_at, t.expires_at, t.revoked_at, t.revoked_by,
                t.last_used_at, t.revoked_at is null and coalesce(t.expires_at > now(), true) as is_valid
           from api_tokens t
           left join senders s on s.id = t.sender_id
          where $1::bigint is null or t.sender_id = $1
          order by t.id desc",
    );
    Ok(tokens.bind(sender).fetch_all(pool).await?)
}

/// Whether a token is neither revoked nor expired.
pub async fn holds(pool: &PgPool, id: i64) -> Result<bool, StoreError> {
    let holds = sqlx::query_scalar(
        "select exists (select from api_tokens
                         where id = $1 and revoked_at is null and coalesce(expires_at > now(), true))",
    );
    Ok(holds.bind(id).fetch_one(pool).await?)
}

/// The valid token with this hash. Notes that it is used, once a minute.
pub async fn identify(pool: &PgPool, hash: &[u8; 32]) -> Result<Option<TokenIdentity>, StoreError> {
    let found = sqlx::query(
        "select id, name, scope, sender_id, expires_at, coalesce(last_used_at < now() - interval '1 minute', true) as is_late
           from api_tokens
          where hash = $1 and revoked_at is null and coalesce(expires_at > now(), true)",
    );
    let Some(row) = found.bind(&hash[..]).fetch_optional(pool).await? else { return Ok(None) };
    let token = TokenIdentity::from_row(&row)?;
    if row.try_get("is_late")? {
        sqlx::query("update api_tokens set last_used_at = now() where id = $1").bind(token.id).execute(pool).await?;
    }
    Ok(Some(token))
}
