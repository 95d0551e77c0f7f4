//! A server of one test's own, whose files can be taken away and put back.

use std::path::{Path, PathBuf};
use std::process::Command;

use blastdeck::private_postgres::{Address, PrivatePostgres, ServerStatus};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use sqlx::{Connection, PgConnection};

use super::private::stopped_postgres;
use super::{TestDir, eventually_async};

pub struct Cluster {
    pub local: PrivatePostgres,
    pub dir: TestDir,
}

impl Cluster {
    /// Running, and able to be recovered.
    pub async fn start() -> (Self, Address) {
        let dir = TestDir::new();
        let cluster = Self { local: stopped_postgres(&dir).await, dir };
        cluster.set("wal_level = replica\n");
        let address = cluster.local.ensure_running().await.unwrap();
        (cluster, address)
    }

    /// Copies the files as they are now; the server is away meanwhile.
    pub async fn back_up(&self) {
        self.local.stop().await.unwrap();
        let _ = std::fs::remove_dir_all(self.copy());
        copy(&self.files(), &self.copy());
        self.local.ensure_running().await.unwrap();
    }

    /// The server is gone at once, and comes back with the files of the copy.
    pub async fn put_back(&self) {
        self.replace_files().await;
        self.local.ensure_running().await.unwrap();
    }

    /// The same as a replica that was behind and is promoted: on a new timeline.
    pub async fn fail_over(&self) {
        self.replace_files().await;
        std::fs::write(self.files().join("recovery.signal"), "").unwrap();
        self.set("wal_level = replica\nrestore_command = 'false'\n");
        let address = self.local.ensure_running().await.unwrap();
        // Until it is promoted it answers as a replica, which changes nothing.
        let mut connection = PgConnection::connect(&address.url()).await.unwrap();
        eventually_async("it is promoted", async || {
            let recovering = sqlx::query_scalar("select pg_is_in_recovery()").fetch_one(&mut connection);
            !recovering.await.unwrap_or(true)
        })
        .await;
    }

    /// As `pg_ctl stop -m immediate` does.
    pub fn stop_immediately(&self) -> Pid {
        let ServerStatus::Running { pid, .. } = self.local.status().unwrap() else { panic!("the server runs") };
        let pid = Pid::from_raw(pid).unwrap();
        kill_process(pid, Signal::QUIT).unwrap();
        pid
    }

    async fn replace_files(&self) {
        let pid = self.stop_immediately();
        eventually_async("the server is gone", async || test_kill_process(pid).is_err()).await;
        std::fs::remove_dir_all(self.files()).unwrap();
        copy(&self.copy(), &self.files());
    }

    fn set(&self, settings: &str) {
        std::fs::write(self.files().join("extra.conf"), settings).unwrap();
    }

    fn files(&self) -> PathBuf {
        self.dir.path().join("data/postgres")
    }

    fn copy(&self) -> PathBuf {
        self.dir.path().join("copy")
    }
}

/// With owners and modes: the server refuses the files of anybody else.
pub fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").args(["-a", "--"]).args([from, to]).status().unwrap();
    assert!(copied.success());
}
