//! One server for every blastdeck of a user, up between calls.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use blastdeck::private_postgres::Stopped;

use super::*;

#[tokio::test]
async fn a_fresh_cluster_has_checksums_utf8_no_tcp_and_our_database() {
    let house = House::new();

    let url = house.local.ensure_running().await.unwrap().url();

    assert_eq!(ask(&url, "show data_checksums").await, "on");
    assert_eq!(ask(&url, "show server_encoding").await, "UTF8");
    assert_eq!(ask(&url, "show listen_addresses").await, "");
    assert_eq!(ask(&url, "select current_database() || ' of ' || current_user").await, "blastdeck of blastdeck");
    assert_eq!(ask(&url, "select rolsuper::text from pg_roles where rolname = current_user").await, "true");
    assert_eq!(fs::metadata(house.cluster()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn as_root_the_server_is_another_user() {
    let house = House::new();

    house.local.ensure_running().await.unwrap();

    let server = fs::metadata(house.cluster()).unwrap().uid();
    let us = rustix::process::geteuid().as_raw();
    assert_eq!(server == us, us != 0, "we are {us}, the server is {server}");
}

#[tokio::test]
async fn a_captured_call_returns_and_its_server_lives_on() {
    let house = House::new();

    let url = printed(&captured(house.program("url")));

    assert_eq!(ask(&url, "select 'alive'").await, "alive");
    assert_eq!(house.local.ensure_running().await.unwrap().url(), url);
}

#[tokio::test]
async fn the_url_works_with_psql() {
    let house = House::new();
    let url = house.local.ensure_running().await.unwrap().url();

    let Ok(output) = Command::new("psql").arg(&url).args(["-XAtc", "select 'hello'"]).output() else { return };

    assert_eq!(printed(&output), "hello");
}

#[test]
fn of_several_at_once_one_starts_the_server_and_all_use_it() {
    let house = House::new();

    let calls: Vec<_> = (0..4).map(|_| house.program("url")).map(|call| thread::spawn(|| captured(call))).collect();
    let urls: Vec<String> = calls.into_iter().map(|call| printed(&call.join().unwrap())).collect();

    assert!(urls.iter().all(|url| *url == urls[0]), "{urls:?}");
    assert_eq!(house.log().matches("starting PostgreSQL").count(), 1);
}

#[tokio::test]
async fn a_stop_ends_the_server_and_keeps_the_data() {
    let house = House::new();
    let address = house.local.ensure_running().await.unwrap();
    execute(&address, "create table kept as select 'here' as word").await;

    let first = house.local.stop().await.unwrap();
    let second = house.local.stop().await.unwrap();
    let status = house.local.status().unwrap();
    let address = house.local.ensure_running().await.unwrap();

    assert_eq!((first, second, status), (Stopped::Now, Stopped::WasNotRunning, ServerStatus::Stopped));
    assert_eq!(ask(&address.url(), "select word from kept").await, "here");
}

#[tokio::test]
async fn a_server_whose_process_may_not_be_looked_at_is_ended_by_a_stop() {
    if !rustix::process::geteuid().is_root() {
        // Anybody else runs the server as themselves, and sees it.
        return;
    }
    let house = House::new();
    house.local.ensure_running().await.unwrap();
    // As root has it in a container.
    let of = house.program("stop");
    let mut stop = Command::new("setpriv");
    stop.arg("--bounding-set=-sys_ptrace").arg(of.get_program()).args(of.get_args());
    stop.env("BLASTDECK_DATA_DIR", &house.data_dir).env_remove("DATABASE_URL");

    printed(&captured(stop));

    assert_eq!(house.local.status().unwrap(), ServerStatus::Stopped);
    house.local.ensure_running().await.unwrap();
    assert_eq!(house.local.stop().await.unwrap(), Stopped::Now);
}

#[tokio::test]
async fn a_stop_without_any_data_makes_none() {
    let house = House::new();

    assert_eq!(house.local.stop().await.unwrap(), Stopped::WasNotRunning);

    assert_eq!(house.local.status().unwrap(), ServerStatus::Absent);
    assert!(!house.data_dir.exists());
}

#[tokio::test]
async fn a_server_that_runs_is_used_as_it_is() {
    let house = House::new();
    house.local.ensure_running().await.unwrap();
    let pid = house.pid();

    let other = PrivatePostgres::new(Some(house.data_dir.clone())).unwrap();
    other.ensure_running().await.unwrap();

    assert_eq!(house.pid(), pid);
}

#[tokio::test]
async fn a_file_that_our_caller_left_open_is_not_the_servers() {
    let house = House::new();
    let held = house.dir.path().join("held");
    let script = format!("exec 7>{0} 200>{0}; exec \"$@\"", held.display());
    let mut call = Command::new("/bin/bash");
    call.args(["-c", &script, "sh"]).arg(blastdeck()).args(["db", "url"]).env("BLASTDECK_DATA_DIR", &house.data_dir);

    printed(&captured(call));

    let files = fs::read_dir(format!("/proc/{}/fd", house.pid())).unwrap();
    let open: Vec<_> = files.filter_map(|file| fs::read_link(file.unwrap().path()).ok()).collect();
    assert!(!open.is_empty());
    assert!(!open.contains(&held), "{open:?}");
}

#[tokio::test]
async fn a_settings_file_of_the_operators_is_obeyed() {
    let house = House::new();
    house.local.ensure_running().await.unwrap();
    house.local.stop().await.unwrap();
    fs::write(house.cluster().join("extra.conf"), "work_mem = '7MB'\n").unwrap();
    fs::set_permissions(house.cluster().join("extra.conf"), fs::Permissions::from_mode(0o644)).unwrap();

    let url = house.local.ensure_running().await.unwrap().url();

    assert_eq!(ask(&url, "show work_mem").await, "7MB");
}
