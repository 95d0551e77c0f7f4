//! The end of an engine whose database accepts and does not answer: it waits for nothing any more. Whoever was in flight is
//! found by the next engine, as after a crash.

use std::time::Duration;

use sqlx::PgPool;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::store;

/// How long a database may stay silent once the engine is asked to end.
const PATIENCE: Duration = Duration::from_secs(6);
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Returns when the database has not answered for [`PATIENCE`] after the stop. One that refuses has answered.
pub(super) async fn until_silent(pool: &PgPool, stop: &CancellationToken) {
    stop.cancelled().await;
    while timeout(PATIENCE, store::now(pool)).await.is_ok() {
        sleep(ASK_EVERY).await;
    }
}
