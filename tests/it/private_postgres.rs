//! The private Postgres and the throwaway one, with the machine's real server: started, shared, crashed, damaged, killed.

mod faults;
mod sharing;
mod throwaway;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;

use blastdeck::private_postgres::{Address, PrivatePostgres, ServerStatus, Stopped};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::{PATIENCE, TestDir, blastdeck};

/// A private Postgres in a dir of its own.
struct House {
    dir: TestDir,
    data_dir: PathBuf,
    local: PrivatePostgres,
}

impl House {
    fn new() -> Self {
        Self::named("data")
    }

    fn named(name: &str) -> Self {
        let dir = TestDir::new();
        let data_dir = dir.path().join(name);
        let local = PrivatePostgres::new(Some(data_dir.clone())).unwrap();
        Self { dir, data_dir, local }
    }

    fn cluster(&self) -> PathBuf {
        self.data_dir.join("postgres")
    }

    fn pid(&self) -> i32 {
        match self.local.status().unwrap() {
            ServerStatus::Running { pid, .. } => pid,
            other => panic!("no server runs: {other:?}"),
        }
    }

    fn program(&self, verb: &str) -> Command {
        let mut command = Command::new(blastdeck());
        command.args(["db", verb]).env("BLASTDECK_DATA_DIR", &self.data_dir).env_remove("DATABASE_URL");
        command.env_remove("XDG_RUNTIME_DIR");
        command
    }

    /// All that the server has written into its own log.
    fn log(&self) -> String {
        let logs = fs::read_dir(self.cluster().join("log")).unwrap().map(|log| log.unwrap().path());
        logs.map(|log| fs::read_to_string(log).unwrap()).collect()
    }
}

/// Runs a program to its end with its output captured, as `$(…)` does: returns when the *pipes* close.
fn captured(mut command: Command) -> Output {
    let (sender, receiver) = mpsc::channel();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    thread::spawn(move || sender.send(command.output().unwrap()));
    receiver.recv_timeout(PATIENCE).expect("a captured call returns")
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

async fn ask(url: &str, question: &str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(AssertSqlSafe(question.to_owned())).fetch_one(&mut connection).await.unwrap()
}

async fn execute(address: &Address, statement: &str) {
    let mut connection = PgConnection::connect(&address.url()).await.unwrap();
    sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
}

fn write_pid_file(house: &House, text: &str) {
    fs::write(house.cluster().join("postmaster.pid"), text).unwrap();
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
