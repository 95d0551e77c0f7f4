//! `demo`: the whole product in a world of its own, gone without a trace.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sqlx::PgPool;

use crate::support::{TestDir, blastdeck, eventually, eventually_async, long_form, processes_naming};

/// A demo without a terminal, its temporary files in a directory of the test's own.
fn demo(dir: &TestDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(blastdeck());
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir.path())
        .env("TMPDIR", dir.path())
        .args(["demo", "--headless", "--json"])
        .args(arguments)
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

const SMALL: &[&str] = &["--recipients", "60", "--speed", "2000", "--seed", "7"];

fn report_of(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    let text = std::str::from_utf8(&output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "nothing but one JSON value: {text}");
    serde_json::from_str(text).unwrap()
}

/// What can befall webhooks and the answers to sends, each bad enough to be met by several people.
const FAULTS: [&str; 7] = [
    "webhook-duplicate=1",
    "webhook-repeated=0.3",
    "webhook-reorder=1",
    "webhook-early=0.1",
    "webhook-lost=0.1",
    "webhook-outage=0.3",
    "accept-then-hangup=0.1",
];

/// Shapes that vary.
const SHAPES: [&str; 5] =
    ["webhook-v23=0.5", "no-delivered=0.3", "no-phone=0.3", "wa-id-rewritten=0.3", "throttle=0.02"];

/// A template instead of a text, and webhooks instead of polls. The demo itself compares everybody with the simulator's
/// record, and fails on any difference.
fn over_meta(dir: &TestDir, faults: &[&str]) -> Child {
    let faults: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
    demo(dir, &[SMALL, &["--provider", "meta"], &faults].concat()).spawn().unwrap()
}

fn assert_as_announced(what: &str, demo: Child) {
    let report = report_of(&demo.wait_with_output().unwrap());

    assert_eq!(report["blast"]["state"], "completed", "{what}");
    assert_eq!(report["counts"]["uncertain"], 0, "{what}: callback data settles what was hung up on");
}

#[test]
fn a_demo_through_meta_agrees_with_the_simulator_whatever_happens_to_its_webhooks() {
    let dir = TestDir::new();

    let (calm, stormy) = (over_meta(&dir, &[]), over_meta(&dir, &[&FAULTS[..], &SHAPES].concat()));

    assert_as_announced("nothing", calm);
    assert_as_announced("everything", stormy);
    assert_eq!(left_in(&dir), BTreeSet::new());
}

/// The long form; together they are in the ordinary one.
#[test]
fn a_demo_through_meta_agrees_with_the_simulator_under_each_fault_alone() {
    let dir = TestDir::new();
    let faults = if long_form() { [&FAULTS[..], &SHAPES].concat() } else { vec!["webhook-outage=0.3"] };

    for fault in faults {
        assert_as_announced(fault, over_meta(&dir, &[fault]));
    }
}

/// What a demo put where its temporary files go.
fn left_in(dir: &TestDir) -> BTreeSet<PathBuf> {
    std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_headless_demo_ends_with_a_true_report_and_leaves_nothing_and_a_seed_gives_one_story() {
    let dir = TestDir::new();

    let [first, second] = [SMALL, SMALL].map(|arguments| demo(&dir, arguments).spawn().unwrap());
    let [first, second] = [first, second].map(|demo| demo.wait_with_output().unwrap());
    let told = String::from_utf8_lossy(&first.stderr).into_owned();
    let [first, second] = [first, second].map(|demo| report_of(&demo));

    assert!(told.contains("60 people are sent to"), "how far it is: {told}");
    for part in ["funnel", "stuck", "counts", "rates", "errors"] {
        assert_eq!(first[part], second[part], "{part}");
    }
    let funnel =
        ["sent", "received", "read", "replied", "closed"].map(|stage| first["funnel"][stage].as_i64().unwrap());
    assert!(funnel.is_sorted_by(|above, below| above >= below), "{funnel:?}");
    assert!(funnel[2] > 0 && funnel[2] < funnel[0], "people read, and not all: {funnel:?}");
    let counts = first["counts"].as_object().unwrap();
    assert_eq!(counts.values().map(|count| count.as_i64().unwrap()).sum::<i64>(), 60);
    assert_eq!(first["blast"]["state"], "completed");
    assert_eq!(left_in(&dir), BTreeSet::new());
    assert_eq!(processes_of(&dir), [""; 0]);
}

/// The database of a demo whose blast is drafted.
async fn database_of(dir: &TestDir) -> PgPool {
    let mut database = None;
    eventually_async("its blast is drafted", async || {
        let config = left_in(dir).into_iter().find_map(|made| std::fs::read_to_string(made.join("demo.toml")).ok());
        let config = config.unwrap_or_default();
        let Some(url) = config.lines().find_map(|line| line.strip_prefix("url = ")) else { return false };
        let Ok(pool) = PgPool::connect(url.trim_matches('"')).await else { return false };
        let drafted = sqlx::query_scalar::<_, i64>("select count(*) from blasts").fetch_one(&pool).await;
        database = Some(pool);
        drafted.is_ok_and(|blasts| blasts > 0)
    })
    .await;
    database.unwrap()
}

/// The first three texts that are to be kept meet a database that is busy with something else.
const REFUSES_THREE: &str = "create sequence refusals;
     create function refuse() returns trigger language plpgsql as $$ begin
         if nextval('refusals') <= 3 then raise exception 'busy' using errcode = '40P01'; end if; return new; end $$;
     create trigger refuse before insert on replies for each row execute function refuse()";

#[tokio::test]
async fn replies_that_could_not_be_written_for_a_moment_are_in_the_report_of_a_demo() {
    let dir = TestDir::new();
    let demo = demo(&dir, SMALL).spawn().unwrap();
    let database = database_of(&dir).await;
    sqlx::raw_sql(REFUSES_THREE).execute(&database).await.unwrap();

    eventually_async("three are refused", async || {
        let refused = sqlx::query_scalar::<_, i64>("select last_value from refusals").fetch_one(&database).await;
        refused.unwrap() >= 3
    })
    .await;
    database.close().await;
    let ended = tokio::task::spawn_blocking(move || demo.wait_with_output().unwrap()).await.unwrap();

    assert_eq!(report_of(&ended)["blast"]["state"], "completed");
}

#[tokio::test]
async fn a_demo_knows_its_operator_although_their_configuration_is_not_there_yet() {
    let dir = TestDir::new();
    let config = dir.path().join("none.toml");
    let demo = demo(&dir, SMALL).env("BLASTDECK_CONFIG", config).env("BLASTDECK_OPERATOR", "aina").spawn().unwrap();
    let database = database_of(&dir).await;

    let by_aina = "select count(*) from operator_actions where operator = 'aina'";
    eventually_async("what is done in it is aina's", async || {
        sqlx::query_scalar::<_, i64>(by_aina).fetch_one(&database).await.is_ok_and(|acts| acts > 0)
    })
    .await;

    database.close().await;
    let ended = tokio::task::spawn_blocking(move || demo.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(report_of(&ended)["blast"]["state"], "completed");
}

/// Everything that names the directory, but for its own keeper.
fn processes_of(dir: &TestDir) -> Vec<String> {
    processes_naming(dir.path()).into_iter().filter(|line| !line.starts_with("/bin/sh")).collect()
}

#[test]
fn a_demo_that_is_killed_leaves_no_process_and_no_file() {
    let dir = TestDir::new();
    // Slow enough that it is in the middle of it.
    let mut demo = demo(&dir, &["--recipients", "500", "--speed", "200"]).spawn().unwrap();
    let pid = demo.id();
    eventually("its simulator runs", || !simulators_of(pid).is_empty());
    let simulators = simulators_of(pid);
    assert!(!processes_of(&dir).is_empty() && !left_in(&dir).is_empty());

    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
    demo.wait().unwrap();

    eventually("its files are gone", || left_in(&dir).is_empty());
    eventually("its servers are gone", || processes_of(&dir).is_empty());
    eventually("its simulator is gone", || simulators.iter().all(|pid| !is_a_simulator(pid)));
}

#[test]
fn a_demo_that_is_interrupted_clears_up_and_does_not_call_it_success() {
    let dir = TestDir::new();
    let demo = demo(&dir, &["--recipients", "500", "--speed", "200"]).spawn().unwrap();
    let pid = demo.id();
    eventually("its simulator runs", || !simulators_of(pid).is_empty());

    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::INT).unwrap();
    let output = demo.wait_with_output().unwrap();

    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert_eq!(left_in(&dir), BTreeSet::new());
    assert_eq!(processes_of(&dir), [""; 0]);
}

/// The simulators that this process started.
fn simulators_of(parent: u32) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_child = |pid: &String| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|id| id.trim() == parent.to_string()))
    };
    pids.filter(|pid| pid.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|pid| is_child(pid) && is_a_simulator(pid))
        .collect()
}

fn is_a_simulator(pid: &str) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).replace('\0', " ").contains(" sim --json --while-stdin")
}
