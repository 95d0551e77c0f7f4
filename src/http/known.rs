//! Secrets that were looked up a moment ago: a client that asks a hundred times a second costs one look a second.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::app::AppError;

/// How long a secret that was found is taken for valid: a revoked one ends within this.
const KNOWN_FOR: Duration = Duration::from_secs(1);
/// At most so many are remembered.
const KNOWN_MAX: usize = 10_000;

/// What secrets of one kind stand for. A cache: it may be lost.
pub(super) struct Known<T>(Mutex<HashMap<String, (Instant, T)>>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Known<T> {
    /// What a secret stands for, if it is valid.
    pub(super) async fn identify(
        &self,
        secret: &str,
        look_up: impl AsyncFnOnce(&str) -> Result<Option<T>, AppError>,
    ) -> Result<Option<T>, AppError> {
        if let Some(known) = self.recent(secret) {
            return Ok(Some(known));
        }
        let asked_at = Instant::now();
        let found = look_up(secret).await?;
        if let Some(found) = &found {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= KNOWN_MAX {
                known.clear();
            }
            known.insert(secret.to_owned(), (asked_at, found.clone()));
        }
        Ok(found)
    }

    /// Looks it up anew next time.
    pub(super) fn forget(&self, secret: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(secret);
    }

    fn recent(&self, secret: &str) -> Option<T> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked_at, found) = known.get(secret)?;
        (asked_at.elapsed() < KNOWN_FOR).then(|| found.clone())
    }
}
