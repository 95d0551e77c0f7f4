//! Pools that begin with a connection that is open already: a process that looked at its database over one connection does not make
//! another for its work.
//!
//! sqlx makes each connection of a pool itself, and lends it by a mutable reference to `after_connect` alone. So the first one goes to
//! a socket of this process, which answers nothing but that it is ready, and `after_connect` puts the open one in its place.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixListener;
use tokio::time::timeout;

/// How long the first connect may take, which leaves this process for nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a client that needs no password is answered: `AuthenticationOk`, and `ReadyForQuery` outside a transaction.
const READY: &[u8; 15] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

/// An open connection, until a pool has it.
#[derive(Clone, Default)]
pub(super) struct OpenConnection(Arc<Mutex<Option<PgConnection>>>);

impl OpenConnection {
    pub(super) fn new(connection: PgConnection) -> Self {
        Self(Arc::new(Mutex::new(Some(connection))))
    }

    pub(super) fn take(&self) -> Option<PgConnection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A pool whose `after_connect` replaces its first connection by the open one. Where the pool cannot have it, it is closed, and the pool
/// connects when it is first used.
pub(super) async fn pool(options: PgPoolOptions, to: PgConnectOptions, open: OpenConnection) -> PgPool {
    match connect_to_own_socket(options.clone(), to.clone()).await {
        Ok(pool) => {
            pool.set_connect_options(to);
            pool
        }
        Err(error) => {
            tracing::debug!(%error, "the first connection is closed: the pool makes another");
            if let Some(connection) = open.take() {
                // Nothing is asked of it any more.
                let _ = connection.close().await;
            }
            options.connect_lazy_with(to)
        }
    }
}

async fn connect_to_own_socket(options: PgPoolOptions, to: PgConnectOptions) -> Result<PgPool, sqlx::Error> {
    let directory = SocketDirectory::make()?;
    let listener = UnixListener::bind(directory.0.join(format!(".s.PGSQL.{}", to.get_port())))?;
    let connect = options.connect_with(to.socket(&directory.0).ssl_mode(PgSslMode::Disable));
    let answer = async {
        let (mut stream, _) = listener.accept().await?;
        stream.write_all(READY).await?;
        // Open until the client has read it.
        Ok(stream)
    };
    let (pool, _stream) = timeout(PATIENCE, async { tokio::try_join!(connect, answer) })
        .await
        .map_err(|_| sqlx::Error::PoolTimedOut)??;
    Ok(pool)
}

/// A directory that nobody else may enter, for a moment.
struct SocketDirectory(PathBuf);

impl SocketDirectory {
    fn make() -> io::Result<Self> {
        let directory = std::env::temp_dir().join(format!("blastdeck-{:016x}", rand::random::<u64>()));
        DirBuilder::new().mode(0o700).create(&directory)?;
        Ok(Self(directory))
    }
}

impl Drop for SocketDirectory {
    fn drop(&mut self) {
        // What stays is an empty directory among temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
