//! A thread for POSTs alone, where no rate holds them back. A thousand of them under way are a thousand tasks that are ready at once; on the same
//! threads the ledger's and the claims' next step to the database would queue behind them, and the screen too. What a
//! POST allocates is also freed where it was made, which is cheaper.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Handle, Runtime};

/// Made with the first POST, and never shut down: connections live in it.
static ROOM: LazyLock<Option<Runtime>> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).thread_name("posts").enable_all().build().ok());

/// Where POSTs run: their own thread, or the caller's where none can be had.
pub(super) fn handle() -> Handle {
    ROOM.as_ref().map_or_else(Handle::current, |room| room.handle().clone())
}
