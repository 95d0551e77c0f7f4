//! What holds a sender up, noted with its lease.

use sqlx::PgPool;
use sqlx::types::Json;

use super::Lease;
use crate::domain::ids::SenderId;
use crate::domain::waiting::{Waiting, WaitingReport};
use crate::store::StoreError;

/// Stores what the sender and its blasts wait for, for every process to read.
pub async fn write_waiting(pool: &PgPool, lease: Lease, report: &WaitingReport) -> Result<(), StoreError> {
    sqlx::query("update sender_leases set waiting = $3 where sender_id = $1 and epoch = $2")
        .bind(lease.sender)
        .bind(lease.epoch)
        .bind(Json(report))
        .execute(pool)
        .await?;
    Ok(())
}

/// Notes that a process does not take this sender because the provider refused its token, of this fingerprint. Where
/// somebody holds the sender nothing is noted.
pub async fn write_refused(pool: &PgPool, sender: SenderId, (process, token): (&str, &str)) -> Result<(), StoreError> {
    let waiting = Waiting::TokenRefused { process: process.to_owned(), is_elsewhere: false };
    let report = WaitingReport { sender: Some(waiting), token: Some(token.to_owned()), ..WaitingReport::default() };
    sqlx::query(
        "update sender_leases set waiting = $2
          where sender_id = $1 and (holder is null or expires_at < now()) and waiting is distinct from $2",
    )
    .bind(sender)
    .bind(Json(report))
    .execute(pool)
    .await?;
    Ok(())
}
