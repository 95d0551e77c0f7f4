//! Why no blast was made of a time that has come: kept with the blast that repeats, for whoever looks at it, on whichever machine.

use chrono::{DateTime, Utc};

use crate::app::{App, AppError};
use crate::domain::ids::BlastId;
use crate::domain::text;
use crate::store::{StoreError, recurring};

impl App {
    /// Keeps the reason until the pattern moves on. What ends by itself, as a database that is busy does, is none.
    pub(super) async fn keep_failure(&self, id: BlastId, now: DateTime<Utc>, error: &AppError) {
        let is_passing = matches!(
            error,
            AppError::Store(
                StoreError::Unavailable(_)
                    | StoreError::Unconfirmed(_)
                    | StoreError::Busy(_)
                    | StoreError::Refusing(_)
                    | StoreError::Silent { .. }
            )
        );
        if is_passing {
            return;
        }
        let why = format!("the engine at {} says: {error}", text::host());
        match recurring::keep_failure(self.pool(), id, now, &why).await {
            Ok(true) => self.notify(id).await,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, blast = id.0, "why no blast was made could not be kept"),
        }
    }
}
