//! Notifications to other processes: hints on one channel, orders on another, webhooks on a third.

use sqlx::PgPool;

use super::StoreError;
use crate::domain::ids::BlastId;

/// "Blast N changed": a hint, at most a few times a second a process.
pub const HINTS: &str = "blastdeck";
/// Pause, cancel, launch, opt-out: at once.
pub const ORDERS: &str = "blastdeck_orders";
/// A webhook was received: it can be applied.
pub const INBOX: &str = "blastdeck_inbox";

pub async fn hint(pool: &PgPool, blast: Option<BlastId>) -> Result<(), StoreError> {
    notify(pool, HINTS, blast).await
}

pub async fn order(pool: &PgPool, blast: Option<BlastId>) -> Result<(), StoreError> {
    notify(pool, ORDERS, blast).await
}

pub async fn inbox(pool: &PgPool) -> Result<(), StoreError> {
    notify(pool, INBOX, None).await
}

async fn notify(pool: &PgPool, channel: &str, blast: Option<BlastId>) -> Result<(), StoreError> {
    let payload = blast.map_or_else(String::new, |blast| blast.to_string());
    sqlx::query("select pg_notify($1, $2)").bind(channel).bind(payload).execute(pool).await?;
    Ok(())
}
