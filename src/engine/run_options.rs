//! How a process runs its engine.

use super::change_watcher::ChangeWatcher;
use super::standby::Standby;
use crate::domain::engine_role::EngineRole;
use crate::private_postgres::PrivatePostgres;

/// When an engine ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    Stopped,
    /// When nothing is sending, due, or young enough to ask about, and no cancel or delete is unfinished.
    Idle,
}

/// How this process runs its engine.
pub struct RunOptions {
    pub role: EngineRole,
    pub until: Until,
    /// Starts another process that waits for the leases, so that work continues without this one.
    pub standby: Option<Standby>,
    /// The private Postgres, where that is the database: started again when it dies.
    pub local: Option<PrivatePostgres>,
    /// For a process that cannot restart by itself: once its program or its settings are not the current ones any more, it
    /// sends nothing, and leaves its senders to a standby.
    pub watcher: Option<ChangeWatcher>,
}
