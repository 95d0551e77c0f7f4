//! Which database this is: what a copy or a restored backup gives itself away by.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};

use super::StoreError;
use crate::domain::ids::SenderId;

/// A database as it describes itself. Each part changes with one way of becoming another: a dump restored elsewhere has
/// another system or oid, a recovery to an earlier point another timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Likeness {
    pub system_identifier: String,
    pub database_oid: i64,
    pub timeline: i64,
}

/// What the engines that sent from it noted.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Noted {
    #[sqlx(flatten)]
    pub likeness: Likeness,
    pub confirmed_at: DateTime<Utc>,
}

/// The database as it is. Where the control data may not be read (some hosts), only the oid speaks.
pub async fn likeness(pool: &PgPool) -> Result<Likeness, StoreError> {
    let whole = sqlx::query_as(
        "select (select system_identifier::text from pg_control_system()) as system_identifier,
                (select oid::bigint from pg_database where datname = current_database()) as database_oid,
                (select timeline_id::bigint from pg_control_checkpoint()) as timeline",
    )
    .fetch_one(pool)
    .await;
    match whole {
        Ok(likeness) => Ok(likeness),
        Err(sqlx::Error::Database(refusal)) if refusal.code().as_deref() == Some("42501") => only_oid(pool).await,
        Err(error) => Err(error.into()),
    }
}

async fn only_oid(pool: &PgPool) -> Result<Likeness, StoreError> {
    let likeness = sqlx::query_as(
        "select '' as system_identifier, oid::bigint as database_oid, 0::bigint as timeline
           from pg_database where datname = current_database()",
    )
    .fetch_one(pool)
    .await?;
    Ok(likeness)
}

/// What was noted; `None` before anything was ever sent from it.
pub async fn noted(pool: &PgPool) -> Result<Option<Noted>, StoreError> {
    Ok(sqlx::query_as("select system_identifier, database_oid, timeline, confirmed_at from installation")
        .fetch_optional(pool)
        .await?)
}

/// Notes the database as it is, by an operator's word or before the first message.
pub async fn note(tx: &mut PgConnection, likeness: &Likeness) -> Result<(), StoreError> {
    sqlx::query(
        "insert into installation (system_identifier, database_oid, timeline) values ($1, $2, $3)
         on conflict (only_row) do update
            set system_identifier = excluded.system_identifier, database_oid = excluded.database_oid,
                timeline = excluded.timeline, confirmed_at = now()",
    )
    .bind(&likeness.system_identifier)
    .bind(likeness.database_oid)
    .bind(likeness.timeline)
    .execute(tx)
    .await?;
    Ok(())
}

/// How often a sender's lease was taken or renewed: only ever grows, unless the database goes back in time.
pub async fn renewals(pool: &PgPool, sender: SenderId) -> Result<i64, StoreError> {
    let renewals = sqlx::query_scalar("select renewals from sender_leases where sender_id = $1")
        .bind(sender)
        .fetch_optional(pool)
        .await?;
    Ok(renewals.unwrap_or(0))
}
