//! Restarts a private Postgres that died.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::notifier::DatabaseState;
use crate::private_postgres::{PrivatePostgres, PrivatePostgresError};

/// The pause between two checks of a server that does not answer, and the longest between two attempts to start it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Restarts the server whenever it has died, until stopped. One that was stopped on purpose stays stopped.
pub async fn keep_alive(mut database: watch::Receiver<DatabaseState>, local: PrivatePostgres, stop: CancellationToken) {
    let work = async {
        while database.wait_for(|state| *state != DatabaseState::Up).await.is_ok() {
            until_up(&database, &local).await;
        }
    };
    stop.run_until_cancelled(work).await;
}

/// Tries until the database answers, whoever started it.
async fn until_up(database: &watch::Receiver<DatabaseState>, local: &PrivatePostgres) {
    let (mut pause, mut said) = (LOOK_EVERY, String::new());
    while *database.borrow() != DatabaseState::Up {
        match local.revive().await {
            Ok(_) => pause = LOOK_EVERY,
            Err(PrivatePostgresError::StoppedOnPurpose) => {
                log_once(&mut said, &PrivatePostgresError::StoppedOnPurpose);
                pause = LOOK_EVERY;
            }
            Err(error) => {
                log_once(&mut said, &error);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        sleep(pause).await;
    }
}

fn log_once(said: &mut String, error: &PrivatePostgresError) {
    let words = error.to_string();
    if *said != words {
        tracing::warn!(%error, "the private database is not started again");
        *said = words;
    }
}
