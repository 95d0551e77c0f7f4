//! A throwaway server is gone with its owner, however the owner ends.

use std::io::{BufRead, BufReader};

use blastdeck::private_postgres::Throwaway;
use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::support::{TestDatabase, database, eventually, postgres, processes_naming};

fn start() -> Throwaway {
    Throwaway::start_in(&std::env::temp_dir(), "trial", &blastdeck()).unwrap()
}

#[track_caller]
fn nothing_is_left_of(dir: &Path) {
    eventually("its directory is gone", || !exists(dir));
    eventually("its processes are gone", || processes_naming(dir).is_empty());
}

#[tokio::test]
async fn a_throwaway_answers_and_is_gone_after_its_stop() {
    let server = Throwaway::start("trial", &blastdeck()).await.unwrap();
    let dir = server.dir().to_owned();

    assert_eq!(ask(&server.address().url(), "select current_database()::text").await, "blastdeck");
    server.stop().await.unwrap();

    assert!(!exists(&dir));
    assert_eq!(processes_naming(&dir), [""; 0]);
}

#[test]
fn a_throwaway_is_gone_when_its_owner_panics() {
    let (sender, receiver) = mpsc::channel();
    let owner = thread::spawn(move || {
        let server = start();
        sender.send(server.dir().to_owned()).unwrap();
        panic!("on purpose");
    });

    let dir = receiver.recv().unwrap();
    assert!(owner.join().is_err());

    nothing_is_left_of(&dir);
}

#[test]
fn a_throwaway_is_gone_when_its_owner_is_killed() {
    let mut owner = owner();
    let dir = PathBuf::from(BufReader::new(owner.stdout.take().unwrap()).lines().find_map(dir_in).unwrap());
    assert!(exists(&dir));

    owner.kill().unwrap();
    owner.wait().unwrap();

    nothing_is_left_of(&dir);
}

#[test]
fn a_throwaway_is_gone_when_its_owner_is_killed_while_it_is_made() {
    let dir = TestDir::new();
    let dir = dir.path().join("made");
    let mut guard = Command::new(blastdeck())
        .args(["guard-postgres".as_ref(), dir.as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    eventually("it is being made", || dir.join("postgres.unfinished").exists());

    drop(guard.stdin.take());
    guard.wait().unwrap();

    nothing_is_left_of(&dir);
}

#[test]
fn a_throwaway_whose_guard_was_killed_is_cleared_up_by_its_owner() {
    let server = start();
    let dir = server.dir().to_owned();
    kill_process(guard_of(&dir), Signal::KILL).unwrap();

    drop(server);

    nothing_is_left_of(&dir);
}

#[test]
fn a_guard_touches_no_directory_that_was_there_before() {
    let dir = TestDir::new();
    let precious = dir.path().join("precious");
    fs::create_dir(&precious).unwrap();
    let mut call = Command::new(blastdeck());
    call.arg("guard-postgres").arg(&precious);

    let output = captured(call);

    assert!(String::from_utf8_lossy(&output.stdout).starts_with("failed "));
    assert!(precious.exists());
}

#[tokio::test]
async fn each_test_has_a_database_of_its_own() {
    let first: TestDatabase = database().await;
    let second = database().await;
    sqlx::query("create table mine ()").execute(&first.pool).await.unwrap();

    let seen = ask(&second.url, "select (to_regclass('mine') is null)::text").await;
    let url = first.url.clone();
    drop(first);

    assert_eq!(seen, "true");
    assert!(PgConnection::connect(&url).await.is_err(), "it is dropped with the test");
}

#[tokio::test]
async fn all_tests_of_a_run_share_one_server() {
    assert_eq!(postgres().await, postgres().await);
    assert_eq!(ask(&postgres().await.url(), "show fsync").await, "off");
}

/// The process that keeps the server in `dir`.
fn guard_of(dir: &Path) -> Pid {
    let wanted = dir.to_string_lossy().into_owned();
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let guard = pids.filter(|pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains("guard-postgres") && line.contains(&wanted)
    });
    Pid::from_raw(guard.last().unwrap()).unwrap()
}

fn dir_in(line: std::io::Result<String>) -> Option<String> {
    line.unwrap().split_once("owner of ").map(|(_, dir)| dir.to_owned())
}

/// This test program again, as the owner of a throwaway server that it never lets go.
fn owner() -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "private_postgres::throwaway::own_a_server_until_killed", "--nocapture"])
        .env(OWNS, "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Set for the other process of `a_throwaway_is_gone_when_its_owner_is_killed`.
const OWNS: &str = "BLASTDECK_TEST_OWNS_A_SERVER";

/// Not a test by itself, but that process.
#[test]
fn own_a_server_until_killed() {
    if std::env::var_os(OWNS).is_none() {
        return;
    }
    let server = start();
    println!("owner of {}", server.dir().display());
    thread::park_timeout(PATIENCE);
}
