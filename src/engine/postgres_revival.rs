//! Restarts a private Postgres that died, or that somebody ends while our sessions keep it alive.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::notifier::DatabaseState;
use crate::private_postgres::{PrivatePostgres, PrivatePostgresError};

/// The pause between two checks of a server that does not answer, and the longest between two attempts to start it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often it is checked whether a server that answers is being ended: its open sessions go on, and it takes no new ones.
const STOPPING_EVERY: Duration = Duration::from_secs(10);

/// Restarts the server whenever it has died, until stopped. One that was stopped on purpose stays stopped.
pub async fn keep_alive(mut database: watch::Receiver<DatabaseState>, local: PrivatePostgres, stop: CancellationToken) {
    let work = async {
        loop {
            let answers = tokio::select! {
                state = database.wait_for(|state| *state != DatabaseState::Up) => {
                    if state.is_err() {
                        return;
                    }
                    false
                }
                () = sleep(STOPPING_EVERY) => true,
            };
            if answers {
                restart_if_stopping(&local).await;
            } else {
                until_up(&database, &local).await;
            }
        }
    };
    stop.run_until_cancelled(work).await;
}

/// A server that `kill` asked to end waits for our sessions, and we for it: it is ended and started anew.
async fn restart_if_stopping(local: &PrivatePostgres) {
    if !local.is_stopping() {
        return;
    }
    tracing::warn!("somebody is ending the private database while it is in use: it is started anew");
    if let Err(error) = local.revive().await {
        tracing::warn!(%error, "the private database is not started again");
    }
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
