//! What a crash, a reboot, a clean-up or a stranger leaves behind, and what becomes of it.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;

use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::support::eventually;

fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// The host that a URL names.
fn socket_dir(url: &str) -> PathBuf {
    let (_, rest) = url.split_once("host=").unwrap();
    PathBuf::from(rest.split('&').next().unwrap().replace("%2F", "/"))
}

#[tokio::test]
async fn a_killed_server_is_recovered_with_what_was_committed() {
    let house = House::new();
    let address = house.local.ensure_running().await.unwrap();
    execute(&address, "create table kept as select 'here' as word").await;
    let pid = house.pid();

    kill(pid);
    let address = house.local.ensure_running().await.unwrap();

    assert_eq!(ask(&address.url(), "select word from kept").await, "here");
    assert_ne!(house.pid(), pid);
}

#[tokio::test]
async fn a_session_that_outlives_its_killed_server_does_not_block_the_next() {
    let house = House::new();
    let address = house.local.ensure_running().await.unwrap();
    let url = address.url();
    // It computes and never waits, so it does not notice that its server is gone.
    let busy = tokio::spawn(async move { ask(&url, "select count(*)::text from generate_series(1, 1e12) n").await });
    let question = "select count(*)::text from pg_stat_activity where query like '%1e12%' and pid <> pg_backend_pid()";
    crate::support::eventually_async("the session is busy", || async { ask(&address.url(), question).await == "1" })
        .await;

    kill(house.pid());
    let address = house.local.ensure_running().await.unwrap();

    assert_eq!(ask(&address.url(), "select 'alive'").await, "alive");
    assert!(busy.await.is_err(), "the old session has ended");
}

#[tokio::test]
async fn a_pid_file_that_names_another_process_is_seen_through() {
    let house = House::new();
    house.local.ensure_running().await.unwrap();
    house.local.stop().await.unwrap();
    let mut stranger = Command::new("sleep");
    // Of the server's own user: such a process it takes for a server.
    stranger.arg("600").uid(fs::metadata(house.cluster()).unwrap().uid());
    let mut stranger = stranger.spawn().unwrap();
    let dir = house.cluster();
    write_pid_file(
        &house,
        &format!("{}\n{}\n1790000000\n5432\n{}\n\n\nready\n", stranger.id(), dir.display(), dir.display()),
    );

    let started = house.local.ensure_running().await;
    stranger.kill().unwrap();
    stranger.wait().unwrap();

    assert_eq!(ask(&started.unwrap().url(), "select 'alive'").await, "alive");
}

#[tokio::test]
async fn an_empty_or_damaged_pid_file_is_no_obstacle() {
    let house = House::new();
    house.local.ensure_running().await.unwrap();

    for damaged in ["", "no number\n"] {
        house.local.stop().await.unwrap();
        write_pid_file(&house, damaged);

        let url = house.local.ensure_running().await.unwrap().url();

        assert_eq!(ask(&url, "select 'alive'").await, "alive", "{damaged:?}");
    }
}

#[tokio::test]
async fn a_preparation_that_was_killed_is_done_again() {
    let house = House::new();
    let mut first = house.program("url").stdout(Stdio::null()).spawn().unwrap();
    let unfinished = house.data_dir.join("postgres.unfinished");
    eventually("the preparation has begun", || unfinished.join("PG_VERSION").exists());
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(!house.cluster().exists(), "it was killed too late to test anything");

    let url = house.local.ensure_running().await.unwrap().url();

    assert_eq!(ask(&url, "show data_checksums").await, "on");
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn a_server_whose_socket_was_cleaned_away_is_started_anew() {
    let house = House::new();
    let socket = house.local.ensure_running().await.unwrap().socket();
    let pid = house.pid();
    fs::remove_file(&socket).unwrap();

    let url = house.local.ensure_running().await.unwrap().url();

    assert_eq!(ask(&url, "select 'alive'").await, "alive");
    assert_ne!(house.pid(), pid);
    assert!(house.log().contains("received fast shutdown request"), "the old one was ended in order");
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_has_its_socket_elsewhere_until_the_stop() {
    let house = House::named(&"long-".repeat(30));

    let url = printed(&captured(house.program("url")));
    let dir = socket_dir(&url);
    let mode = fs::metadata(&dir).unwrap().permissions().mode() & 0o777;
    let answer = ask(&url, "select 'alive'").await;
    house.local.stop().await.unwrap();

    assert_eq!((answer.as_str(), mode), ("alive", 0o700));
    assert!(!dir.starts_with(house.dir.path()), "{}", dir.display());
    assert!(!exists(&dir), "{}", dir.display());
}

#[tokio::test]
async fn a_socket_directory_that_others_may_enter_is_refused() {
    let house = House::named(&"long-".repeat(30));
    let dir = socket_dir(&printed(&captured(house.program("url"))));
    house.local.stop().await.unwrap();
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();

    let output = captured(house.program("url"));
    fs::remove_dir(&dir).unwrap();

    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("not a directory of the database server's user alone"), "{said}");
}

#[tokio::test]
async fn data_of_another_version_is_refused_and_left_alone() {
    let house = House::new();
    house.local.ensure_running().await.unwrap();
    house.local.stop().await.unwrap();
    let version = house.cluster().join("PG_VERSION");
    let real = fs::read_to_string(&version).unwrap();
    fs::write(&version, "99\n").unwrap();

    let said = house.local.ensure_running().await.unwrap_err().to_string();

    assert!(said.contains("written by PostgreSQL 99"), "{said}");
    assert!(said.contains(&format!("the installed server is PostgreSQL {}", real.trim())), "{said}");
    assert_eq!(fs::read_to_string(&version).unwrap(), "99\n");
    assert_eq!(house.local.status().unwrap(), ServerStatus::Stopped);
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let house = House::new();
    house.local.ensure_running().await.unwrap();
    house.local.stop().await.unwrap();
    fs::remove_file(house.cluster().join("global/pg_control")).unwrap();

    let said = house.local.ensure_running().await.unwrap_err().to_string();

    assert!(said.contains("pg_control"), "{said}");
}

#[tokio::test]
async fn a_path_that_is_a_file_is_named() {
    let house = House::new();
    fs::write(&house.data_dir, "").unwrap();

    let said = house.local.ensure_running().await.unwrap_err().to_string();

    assert!(said.contains(&house.data_dir.display().to_string()), "{said}");
}

/// As an administrator copies it, for a rehearsal or a backup.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(copied.success());
}

#[tokio::test]
async fn a_directory_that_was_copied_while_its_server_ran_is_not_the_original() {
    let house = House::new();
    let original = house.local.ensure_running().await.unwrap();
    execute(&original, "create table mine (id int)").await;
    execute(&original, "checkpoint").await;
    let copied = house.dir.path().join("copied");
    copy(&house.data_dir, &copied);
    let copy = PrivatePostgres::new(Some(copied)).unwrap();

    assert_eq!(copy.status().unwrap(), ServerStatus::Stopped);
    let address = copy.ensure_running().await.unwrap();

    assert_ne!(address, original);
    execute(&address, "drop table mine").await;
    assert_eq!(ask(&original.url(), "select count(*)::text from mine").await, "0");
    assert_eq!(copy.stop().await.unwrap(), Stopped::Now);
    assert_eq!(ask(&original.url(), "select 'there'").await, "there");
}

#[tokio::test]
async fn a_frozen_server_is_named_with_what_lets_it_go_on() {
    let house = House::new();
    house.local.ensure_running().await.unwrap();
    let frozen = house.pid().to_string();
    let signal = |signal: &str| assert!(Command::new("kill").args([signal, &frozen]).status().unwrap().success());
    signal("-STOP");
    let started = house.local.ensure_running().await.map_err(|error| error.to_string());
    let stopped = house.local.stop().await.map_err(|error| error.to_string());
    signal("-CONT");

    for said in [started.unwrap_err(), stopped.unwrap_err()] {
        assert!(said.contains("is frozen") && said.contains(&format!("`kill -CONT {frozen}`")), "{said}");
    }
    house.local.ensure_running().await.unwrap();
    assert_eq!(house.local.stop().await.unwrap(), Stopped::Now);
}

#[tokio::test]
async fn data_of_another_user_is_named_with_the_line_that_gives_it_back() {
    if !rustix::process::geteuid().is_root() {
        // Nobody else may give a directory away.
        return;
    }
    let house = House::new();
    house.local.ensure_running().await.unwrap();
    house.local.stop().await.unwrap();
    std::os::unix::fs::chown(house.cluster(), Some(0), Some(0)).unwrap();

    let said = house.local.ensure_running().await.unwrap_err().to_string();

    assert!(said.contains("belongs to user 0") && said.contains("`chown -R "), "{said}");
}
