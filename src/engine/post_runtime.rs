//! A thread for POSTs alone, where no rate holds them back. A thousand of them under way are a thousand tasks that are
//! ready at once; on the same threads the ledger's and the claims' next step to the database would queue behind them, and
//! the screen too. What a POST allocates is also freed where it was made, which is cheaper.

use std::sync::LazyLock;
use std::{io, thread};

use tokio::runtime::{Builder, Handle};

/// Made with the first POST, and never shut down: connections live in it.
static ROOM: LazyLock<Option<Handle>> = LazyLock::new(|| open().ok());

fn open() -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new().name("posts".to_owned()).spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(handle)
}

/// Where POSTs run: their own thread, or the caller's where none can be had.
pub fn handle() -> Handle {
    ROOM.as_ref().map_or_else(Handle::current, Handle::clone)
}
