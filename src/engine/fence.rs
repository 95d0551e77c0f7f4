//! A database that went back in time, or was copied elsewhere, has people queued who got their message already. Nothing
//! is sent from it until an operator says so.
//!
//! Two memories tell: the database's own note of what it was when it last sent, and a file of this machine's with the
//! newest renewal of each lease that it saw. Neither is moved by anything that a restore brings back.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::domain::ids::SenderId;
use crate::store::fence::{self, Likeness, Noted};
use crate::store::{StoreError, sender};

/// The code that a sender is stopped with.
pub const RESTORED: &str = "restored";

/// What this machine remembers of one database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    likeness: Option<Likeness>,
    confirmed_at: Option<DateTime<Utc>>,
    /// The highest count of renewals seen, by sender.
    renewals: BTreeMap<i64, i64>,
}

/// The fence of one process and database.
#[derive(Debug)]
pub struct Fence {
    path: PathBuf,
    memory: Mutex<Memory>,
}

impl Fence {
    /// Reads what is remembered in `directory`; nothing, when it was never sent from here.
    pub fn open(directory: &std::path::Path) -> Self {
        let path = directory.join("memory.json");
        let memory = fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { path, memory: Mutex::new(memory) }
    }

    /// Whether this database may send for a sender; the reason when it may not.
    pub async fn check(&self, pool: &PgPool, sender: SenderId) -> Result<Result<(), String>, StoreError> {
        let now = fence::likeness(pool).await?;
        let Some(noted) = noted_or_new(pool, &now).await? else { return Ok(Ok(())) };
        if noted.likeness != now {
            return Ok(Err(
                "this database is a copy, or was restored: who had the message since is not known here".to_owned()
            ));
        }
        let renewals = fence::renewals(pool, sender).await?;
        let memory = self.memory.lock().map(|memory| memory.clone()).unwrap_or_default();
        let is_confirmed = memory.confirmed_at.is_none_or(|before| noted.confirmed_at > before);
        let is_older = memory.confirmed_at.is_some_and(|before| noted.confirmed_at < before);
        let seen = memory.renewals.get(&sender.0).copied().unwrap_or(0);
        if !is_confirmed && (is_older || renewals < seen) {
            return Ok(Err("this database went back in time: who had the message since is not known here".to_owned()));
        }
        self.remember(|memory| {
            if is_confirmed {
                *memory = Memory::default();
            }
            memory.likeness = Some(now);
            memory.confirmed_at = Some(noted.confirmed_at);
            memory.renewals.insert(sender.0, renewals);
        });
        Ok(Ok(()))
    }

    /// An operator's word that this database may send as it is.
    pub async fn confirm(&self, pool: &PgPool) -> Result<(), StoreError> {
        let now = fence::likeness(pool).await?;
        let mut connection = pool.acquire().await?;
        fence::note(&mut connection, &now).await
    }

    /// Remembers that a lease was renewed so often.
    pub fn saw(&self, sender: SenderId, renewals: i64) {
        self.remember(|memory| {
            memory.renewals.insert(sender.0, renewals);
        });
    }

    /// Written beside and renamed, so that a kill leaves the old or the new memory. A disk that refuses it costs this
    /// memory only; the database's own note still stands.
    fn remember(&self, change: impl FnOnce(&mut Memory)) {
        let Ok(mut memory) = self.memory.lock() else { return };
        change(&mut memory);
        let Ok(text) = serde_json::to_vec(&*memory) else { return };
        let draft = self.path.with_extension("new");
        let written = fs::write(&draft, text).and_then(|()| fs::rename(&draft, &self.path));
        if let Err(error) = written {
            tracing::debug!(%error, "what was sent from here is not remembered");
        }
    }
}

/// What was noted; before the first message, it is noted now.
async fn noted_or_new(pool: &PgPool, now: &Likeness) -> Result<Option<Noted>, StoreError> {
    if let Some(noted) = fence::noted(pool).await? {
        return Ok(Some(noted));
    }
    let mut connection = pool.acquire().await?;
    fence::note(&mut connection, now).await?;
    drop(connection);
    fence::noted(pool).await
}

/// Stops a sender at the fence.
pub async fn close(pool: &PgPool, id: SenderId, why: &str) -> Result<bool, StoreError> {
    let reason = format!("{why}; if everybody queued may get it, confirm with `blastdeck sender confirm` or S");
    sender::stop(pool, id, RESTORED, &reason).await
}
