//! When it is looked whether something is to be made: times of patterns, and steps.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::caller::Caller;
use crate::app::{App, AppError};
use crate::domain::act::Actor;
use crate::domain::api_token::TokenScope;
use crate::engine;
use crate::store::{recurring, step};

/// It is looked whether a time has come when the next one does, and at most and at least so often; more rarely while nothing
/// repeats and no blast has steps. Orders wake it, and where there are steps any change does: somebody may be due by it.
const LOOK_AT_MOST: Duration = Duration::from_secs(1);
const LOOK_AT_LEAST: Duration = Duration::from_secs(10);
const LOOK_AT_REST: Duration = Duration::from_secs(60);
/// How long it waits after a failure.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// When it is looked again whether a time has come.
struct NextLook {
    /// At the latest after this.
    pause: Duration,
    /// Some blast has steps.
    has_steps: bool,
}

impl App {
    /// Makes and launches the occurrences of this process's senders as their times come, until it is stopped: beside every engine.
    pub fn spawn_schedules(&self, stop: CancellationToken) -> JoinHandle<()> {
        let app = self.clone();
        tokio::spawn(async move { app.run_schedules(stop).await })
    }

    async fn run_schedules(&self, stop: CancellationToken) {
        let (engine, mut hints, mut orders) = (self.as_engine(), self.news(), self.engine().notifier.orders());
        loop {
            orders.mark_unchanged();
            hints.mark_unchanged();
            // A database that says nothing any more must not keep the program from ending.
            let looked = tokio::select! {
                () = stop.cancelled() => return,
                looked = engine.look() => looked,
            };
            let next = looked.unwrap_or_else(|error| {
                tracing::warn!(%error, "what repeats is tried again in a moment");
                NextLook { pause: AGAIN_AFTER, has_steps: false }
            });
            let wake = async {
                tokio::time::sleep(LOOK_AT_MOST.min(next.pause)).await;
                tokio::select! {
                    _ = orders.changed() => {}
                    _ = hints.changed(), if next.has_steps => {}
                    () = tokio::time::sleep(next.pause.saturating_sub(LOOK_AT_MOST)) => {}
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = wake => {}
            }
        }
    }

    /// Makes what is due; when it is to be looked again.
    async fn look(&self) -> Result<NextLook, AppError> {
        if let Some(now) = engine::agreed_time(self.pool()).await? {
            self.occur(now).await?;
        }
        let has_steps = step::is_any(self.pool()).await?;
        let pause = match recurring::next_due(self.pool()).await? {
            Some(next) => {
                let ahead = (next - self.engine().clock.now()).to_std();
                ahead.unwrap_or(LOOK_AT_MOST).min(LOOK_AT_LEAST)
            }
            None if has_steps => LOOK_AT_LEAST,
            None => LOOK_AT_REST,
        };
        Ok(NextLook { pause, has_steps })
    }

    /// The same app, whose acts are the engine's.
    fn as_engine(&self) -> Self {
        let name = Actor::ENGINE.to_owned();
        self.acting_for(Caller {
            name,
            token: None,
            sender: None,
            scope: TokenScope::Admin,
            expires_at: None,
            request: None,
        })
    }
}
