//! What became of a commit whose answer was lost.

use std::time::Duration;

use sqlx::PgPool;
use tokio::time::Instant;

use crate::store::StoreError;

/// A transaction's id, by which the database says what became of it.
pub(super) type TransactionId = String;

/// How long the database may take to say that, and how often it is asked.
const SETTLE_FOR: Duration = Duration::from_secs(10);
const ASK_EVERY: Duration = Duration::from_millis(100);

/// What became of a transaction whose commit ended with this error.
pub(super) async fn settle(pool: &PgPool, transaction: &TransactionId, error: StoreError) -> Result<(), StoreError> {
    let StoreError::Unavailable(error) = error else { return Err(error) };
    let status = "select pg_xact_status($1::text::xid8)";
    let until = Instant::now() + SETTLE_FOR;
    while Instant::now() < until {
        let asked = sqlx::query_scalar::<_, Option<String>>(status).bind(transaction).fetch_one(pool);
        match tokio::time::timeout_at(until, asked).await {
            Ok(Ok(Some(status))) if status == "committed" => return Ok(()),
            Ok(Ok(Some(status))) if status == "aborted" => return Err(StoreError::Unavailable(error)),
            // Too long ago for it to know.
            Ok(Ok(None)) => break,
            _ => tokio::time::sleep(ASK_EVERY).await,
        }
    }
    Err(StoreError::Unconfirmed(error))
}
