//! A blast goes on without the process that started it, and nobody says so before it is true: standbys and engines follow
//! their configuration, their program and their database.

mod private_server;
mod windows;

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Setup, Shop, TOKEN, blastdeck, copy, digits, eventually, eventually_async, said};

/// A pause of three seconds between two messages: it lasts longer than a test.
const SLOW: Setup<'static> = Setup {
    sim: &["--latency", "20ms", "--speed", "6000"],
    sender: "gap = \"30m..30m\"",
    engine: "speed = 600",
    polling: "interval = \"1s\"\nper_second = 0.3\ngive_up_after = \"12m\"",
};

async fn until_sent_to(shop: &Shop, person: u32) {
    let posted = async || shop.sim.posts().await.iter().any(|post| post.phone == digits(person));
    eventually_async("they are sent to", posted).await;
}

fn program_of(pid: Pid) -> u64 {
    std::fs::metadata(format!("/proc/{}/exe", pid.as_raw_pid())).map_or(0, |program| program.ino())
}

#[tokio::test]
async fn a_sender_that_was_added_is_sent_for_though_a_standby_was_started_before() {
    let shop = Shop::open(SLOW).await;
    let first = shop.draft(0..50).await;
    shop.ok(&["blast", "send", &first, "--yes"]).await;
    shop.until_posts(1).await;

    shop.add_sender("counter");
    let second = shop.draft_of("counter", 900..901, &[]).await;
    let said = shop.run(&["blast", "send", &second, "--yes"]).await;

    assert!(said.code == 0 && said.err.contains("to 1 person; `BLASTDECK_STATE_DIR='"), "{said:?}");
    until_sent_to(&shop, 900).await;
    eventually("one standby is left", || shop.engines().len() == 1);
    // The one before goes on as well.
    shop.until_posts(3).await;
    shop.promises().await;
}

/// A shop with two senders, each with a token of its own, and a blast of the first one.
async fn with_two_tokens() -> (Shop, String, String) {
    let shop = Shop::open(SLOW).await;
    let first = shop.draft(0..50).await;
    shop.add_sender("counter");
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", config.replacen("WSAPME_TOKEN", "COUNTER_TOKEN", 1));
    let second = shop.draft_of("counter", 900..901, &[]).await;
    (shop, first, second)
}

#[tokio::test]
async fn a_shell_with_fewer_tokens_leaves_the_standby_that_has_them_all() {
    let (shop, first, second) = with_two_tokens().await;
    let mut both = shop.command(&["blast", "send", &first, "--yes"]);
    both.env("COUNTER_TOKEN", TOKEN);
    assert_eq!(said(both).await.code, 0);
    shop.until_posts(1).await;
    let before = shop.engines();

    let mut one = shop.command(&["blast", "send", &second, "--yes"]);
    one.env("COUNTER_TOKEN", TOKEN).env_remove("WSAPME_TOKEN");
    let said = said(one).await;

    assert!(said.code == 0 && said.err.contains("to 1 person; `BLASTDECK_STATE_DIR='"), "{said:?}");
    until_sent_to(&shop, 900).await;
    assert_eq!(shop.engines(), before);
    let posts = shop.sim.stats().await.posts;
    shop.until_posts(posts + 1).await;
    shop.promises().await;
}

#[tokio::test]
async fn a_standby_that_replaces_one_with_another_token_says_for_whom_it_cannot_send() {
    let (shop, first, second) = with_two_tokens().await;
    shop.ok(&["blast", "send", &first, "--yes"]).await;
    shop.until_posts(1).await;

    let mut other = shop.command(&["blast", "send", &second, "--yes"]);
    other.env("COUNTER_TOKEN", TOKEN).env_remove("WSAPME_TOKEN");
    let said = said(other).await;

    assert!(said.code == 0 && said.err.contains("cannot send for this sender"), "{said:?}");
    assert!(said.err.contains("sales") && said.err.contains("WSAPME_TOKEN"), "{said:?}");
    until_sent_to(&shop, 900).await;
}

#[tokio::test]
async fn a_running_engine_follows_its_configuration_file_as_the_same_process() {
    let shop = Shop::open(SLOW).await;
    shop.blast(0..50).await;
    let engine = shop.engine();
    shop.until_posts(1).await;
    let before = shop.engines();

    shop.write("config.toml", "[[senders]]\nname = ");
    shop.add_sender("counter");
    shop.configure(SLOW);
    shop.add_sender("counter");
    let blast = shop.draft_of("counter", 900..901, &[]).await;
    shop.send(&blast).await;
    until_sent_to(&shop, 900).await;

    assert_eq!(shop.engines(), before);
    engine.stop().await;
    shop.promises().await;
}

#[tokio::test]
async fn a_configuration_without_the_sender_of_a_running_blast_is_not_followed_until_that_is_paused() {
    let shop = Shop::open(Setup { sender: "rate = \"20/s\"", ..SLOW }).await;
    let blast = shop.blast(0..2_000).await;
    let engine = shop.engine();
    shop.until_posts(5).await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    let has_logged = |words: &str| std::fs::read_to_string(shop.path("engine.log")).unwrap().contains(words);

    shop.write("config.toml", config.replace("name = \"sales\"", "name = \"sales2\""));

    eventually("it says why", || has_logged("sender sales is none of its [[senders]]"));
    shop.until_posts(shop.sim.posts().await.len() + 20).await;
    shop.ok(&["blast", "pause", &blast]).await;
    eventually("it is followed", || has_logged("the engine restarts"));
    engine.kill().await;
    shop.promises().await;
}

#[tokio::test]
async fn an_engine_whose_program_is_replaced_becomes_the_new_one() {
    let shop = Shop::open(SLOW).await;
    shop.blast(0..50).await;
    let (program, next) = (shop.path("blastdeck"), shop.path("blastdeck.new"));
    // By another process: a file that this one has open for writing is busy, also for whatever another test starts just then.
    copy(&blastdeck(), &program);
    let log = std::fs::File::create(shop.path("engine.log")).unwrap();
    let mut engine = shop.command_of(&program, &["engine"]).stderr(log).spawn().unwrap();
    shop.until_posts(1).await;
    let pid = Pid::from_raw(i32::try_from(engine.id().unwrap()).unwrap()).unwrap();
    let before = program_of(pid);

    // With a configuration that nothing can start with, nothing is started: it goes on.
    shop.write("config.toml", "[[senders]]\nname = ");
    copy(&blastdeck(), &next);
    std::fs::rename(&next, &program).unwrap();
    let posts = shop.sim.stats().await.posts;
    shop.until_posts(posts + 3).await;
    assert_eq!(program_of(pid), before);
    let logged = || std::fs::read_to_string(shop.path("engine.log")).unwrap();
    let words = "another program is in the place of this one and is not followed";
    eventually("it says so", || logged().contains(words));
    assert_eq!(logged().matches(words).count(), 1, "{}", logged());
    shop.configure(SLOW);
    eventually("it is the new program", || program_of(pid) == std::fs::metadata(&program).unwrap().ino());

    assert_ne!(program_of(pid), before);
    let posts = shop.sim.stats().await.posts;
    shop.until_posts(posts + 1).await;
    kill_process(pid, Signal::TERM).unwrap();
    assert!(engine.wait().await.unwrap().success());
    shop.promises().await;
}

#[tokio::test]
async fn where_no_standby_can_start_a_send_says_what_is_missing_and_fails() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..3).await;
    std::fs::create_dir_all(shop.path("data")).unwrap();
    shop.write("data/log", "a file where logs should go");

    let said = shop.run(&["blast", "send", &blast, "--yes"]).await;

    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("no engine sends it: no standby can be started"), "{said:?}");
    assert!(!said.err.contains("is being sent"), "{said:?}");
}

/// A shell's `--config <(…)`: a standby would find nothing in it, and take the place of one that has the senders.
#[tokio::test]
async fn a_configuration_that_was_a_pipe_starts_no_standby_and_says_so() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..3).await;
    let by_pipe = r#"file=$2; shift 2; cat "$file" | "$0" --config /dev/stdin "$@""#;

    let listed = shop.in_shell(&["blast", "list"], by_pipe).await;
    let said = shop.in_shell(&["blast", "send", &blast, "--yes"], by_pipe).await;

    assert!(listed.code == 0 && listed.out.contains("draft"), "{listed:?}");
    assert!(said.code == 1 && said.err.contains("the configuration was a pipe"), "{said:?}");
    assert!(shop.engines().is_empty());
}

#[tokio::test]
async fn a_send_without_an_engine_does_not_say_that_it_is_being_sent() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..3).await;

    let said = shop.run(&["blast", "send", &blast, "--yes", "--no-engine"]).await;

    assert!(said.code == 0 && said.err.contains("waits for an engine"), "{said:?}");
}

/// A shop whose blast a standby sends.
async fn with_standby() -> Shop {
    let shop = Shop::open(SLOW).await;
    let blast = shop.draft(0..50).await;
    shop.ok(&["blast", "send", &blast, "--yes"]).await;
    shop.until_posts(1).await;
    assert_eq!(shop.engines().len(), 1);
    shop
}

fn last_words(log: &Path) -> String {
    std::fs::read_to_string(log).unwrap_or_default()
}

#[tokio::test]
async fn a_standby_whose_directory_is_gone_ends() {
    let shop = with_standby().await;

    std::fs::rename(shop.path("data"), shop.path("moved")).unwrap();

    eventually("it ends", || shop.engines().is_empty());
    let words = last_words(&shop.path("moved/log/standby.log"));
    assert!(words.contains("the engine ends:") && words.contains("was removed"), "{words}");
}

#[tokio::test]
async fn a_standby_whose_database_is_gone_ends() {
    let shop = with_standby().await;

    shop.drop_database().await;

    eventually("it ends", || shop.engines().is_empty());
    let words = last_words(&shop.path("data/log/standby.log"));
    assert!(words.contains("its database is gone"), "{words}");
}

#[tokio::test]
async fn a_standby_under_a_schema_that_it_does_not_know_ends() {
    let shop = with_standby().await;

    shop.execute(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'from the future', true, '', 0)",
    )
    .await;

    eventually("it ends", || shop.engines().is_empty());
    let words = last_words(&shop.path("data/log/standby.log"));
    assert!(words.contains("migrated by a newer blastdeck"), "{words}");
}
