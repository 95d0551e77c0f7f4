//! Sessions of people who signed in to the pages with a token, by the hash of what their cookie holds.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::StoreError;
use super::api_token::TokenIdentity;

pub async fn insert(pool: &PgPool, hash: &[u8; 32], token: i64, expires_at: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query("insert into api_sessions (hash, token_id, expires_at) values ($1, $2, $3)")
        .bind(&hash[..])
        .bind(token)
        .bind(expires_at)
        .execute(pool)
        .await?;
    Ok(())
}

/// Ends a session, if there is one.
pub async fn delete(pool: &PgPool, hash: &[u8; 32]) -> Result<(), StoreError> {
    sqlx::query("delete from api_sessions where hash = $1").bind(&hash[..]).execute(pool).await?;
    Ok(())
}

/// The valid token that a valid session was begun with.
pub async fn identify(pool: &PgPool, hash: &[u8; 32]) -> Result<Option<TokenIdentity>, StoreError> {
    let token = sqlx::query_as(
        "select t.id, t.name, t.scope, t.sender_id, t.expires_at
           from api_sessions s
           join api_tokens t on t.id = s.token_id
          where s.hash = $1 and s.expires_at > now() and t.revoked_at is null and coalesce(t.expires_at > now(), true)",
    );
    Ok(token.bind(&hash[..]).fetch_optional(pool).await?)
}

/// Forgets those that have expired; how many.
pub async fn prune(pool: &PgPool) -> Result<u64, StoreError> {
    Ok(sqlx::query("delete from api_sessions where expires_at <= now()").execute(pool).await?.rows_affected())
}
