//! The end of an engine whose database is gone, or accepts and does not answer: it waits for nothing any more. Whoever was in
//! flight is found by the next engine, as after a crash.

use std::time::Duration;

use sqlx::PgPool;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::store;

/// How long a database may give no answer once the engine is asked to end.
const PATIENCE: Duration = Duration::from_secs(6);
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Returns when the database has not answered for [`PATIENCE`] after the stop. One that cannot be reached has not answered.
pub(super) async fn until_silent(pool: &PgPool, stop: &CancellationToken) {
    stop.cancelled().await;
    let mut silent_at = Instant::now() + PATIENCE;
    while Instant::now() < silent_at {
        if matches!(timeout_at(silent_at, store::now(pool)).await, Ok(Ok(_))) {
            silent_at = Instant::now() + PATIENCE;
        }
        sleep(ASK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_database_that_is_gone_has_not_answered() {
        let nowhere = tempfile::tempdir().unwrap();
        let pool = PgPoolOptions::new().connect_lazy_with(PgConnectOptions::new().socket(nowhere.path()));
        let stop = CancellationToken::new();
        stop.cancel();
        let asked = Instant::now();

        let ended = timeout(Duration::from_secs(60), until_silent(&pool, &stop)).await;

        assert!(ended.is_ok() && asked.elapsed() <= PATIENCE + ASK_EVERY, "after {:?}", asked.elapsed());
    }
}
