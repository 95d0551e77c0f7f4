//! Windows that close, or whose configuration changed: what becomes of their blasts.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use rustix::process::{Signal, kill_process};

use super::{SLOW, until_sent_to};
use crate::support::{Pty, Setup, Shop, Size, eventually, eventually_async, measured};

const WINDOW: Size = Size { columns: 100, rows: 24 };

/// Nobody waits, and everybody is sent to at once.
const FAST: Setup<'static> = Setup { sender: "rate = \"unlimited\"\nin_flight = 16", ..SLOW };

#[tokio::test]
async fn a_window_that_was_opened_with_an_older_configuration_takes_no_sender() {
    let shop = Shop::open(FAST).await;
    let mut window = shop.dashboard(WINDOW);
    window.wait_for_text("live");
    shop.until_listening(1).await;
    let blast = shop.draft(0..40).await;

    shop.configure(SLOW);
    shop.ok(&["blast", "send", &blast, "--yes", "--no-engine"]).await;

    shop.until_posts(1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let posts = shop.sim.stats().await.posts;
    assert!(posts < 5, "{posts} were sent with the pace that the file no longer has");
    window.wait_for_text("this window no longer sends");
    assert_eq!(shop.engines().len(), 1, "a standby with the new configuration sends");
    window.type_keys("qq");
    assert!(window.wait_for_exit().success());
}

#[tokio::test]
async fn a_window_whose_configuration_changes_hands_its_senders_to_the_standby() {
    let shop = Shop::open(SLOW).await;
    let mut window = shop.dashboard(WINDOW);
    window.wait_for_text("live");
    let blast = shop.blast(0..50).await;
    shop.until_posts(1).await;
    let epoch = shop.number("select max(epoch) from sender_leases").await;

    shop.configure(Setup { sender: "gap = \"20m..20m\"", ..SLOW });

    window.wait_for_text("this window no longer sends");
    let posts = shop.sim.stats().await.posts;
    shop.until_posts(posts + 2).await;
    assert!(shop.number("select max(epoch) from sender_leases").await > epoch);
    assert_eq!(shop.count("uncertain").await, 0);
    window.type_keys("qq");
    assert!(window.wait_for_exit().success());
    // The standby goes on: who is sent to while the two are compared would count as nobody's.
    shop.ok(&["blast", "pause", &blast]).await;
    eventually_async("nobody is in flight", async || shop.count("sending").await == 0).await;
    shop.promises().await;
}

/// A window that sends three blasts of three senders, which nobody takes over once it is closed.
async fn with_three_that_nobody_takes_over() -> (Shop, Pty) {
    let shop = Shop::open(SLOW).await;
    for name in ["counter", "market"] {
        shop.add_sender(name);
    }
    for (sender, tag, first) in [("sales", "Raya", 0), ("counter", "Deepavali", 100), ("market", "Hari Sukan", 200)] {
        let blast = shop.draft_of(sender, first..first + 50, &["--tag", tag]).await;
        shop.send(&blast).await;
    }
    let window = shop.dashboard(WINDOW);
    window.wait_for_text("live");
    for first in [0, 100, 200] {
        until_sent_to(&shop, first).await;
    }
    // Another standby would find nothing that it can read.
    shop.write("config.toml", "[[senders]]\nname = ");
    // One may end by itself in this moment.
    shop.engines().into_iter().for_each(|standby| _ = kill_process(standby, Signal::KILL));
    (shop, window)
}

#[tokio::test]
async fn whoever_quits_waits_once_for_all_blasts_and_reads_at_once_what_for() {
    let (_shop, mut window) = with_three_that_nobody_takes_over().await;

    let began = Instant::now();
    window.type_keys("qq");
    window.wait_for_text("waiting a few seconds for a standby to take over");
    let said_after = began.elapsed();
    let ended = window.wait_for_exit();

    let (text, took) = (window.text(), began.elapsed());
    assert!(!ended.success(), "{text}");
    measured("a quit, until it says what it waits for", said_after, Duration::from_secs(3));
    measured("a quit that waits for three blasts", took, Duration::from_secs(9));
    for tag in ["Raya", "Deepavali", "Hari Sukan"] {
        assert!(text.contains(&format!("{tag} does not continue without this window")), "{text}");
    }
}

#[tokio::test]
async fn ctrl_c_ends_the_wait_for_whoever_takes_over() {
    let (_shop, mut window) = with_three_that_nobody_takes_over().await;
    window.type_keys("qq");
    window.wait_for_text("ctrl-c ends the wait");

    let began = Instant::now();
    window.type_keys("\u{3}");
    let ended = window.wait_for_exit();

    let (text, took) = (window.text(), began.elapsed());
    assert!(!ended.success() && text.contains("the wait ended before it was known"), "{text}");
    measured("ctrl-c while a quit waits", took, Duration::from_secs(3));
}

#[tokio::test]
async fn whoever_quits_reads_that_what_repeats_makes_its_next_blast_and_not_that_it_starts() {
    let shop = Shop::open(FAST).await;
    let daily = shop.draft_with(0..3, &["--tag", "Daily", "--repeat", "every day 09:00"]).await;
    shop.send(&daily).await;
    let mut window = shop.dashboard(WINDOW);
    window.wait_for_text("live");

    window.type_keys("q");
    let ended = window.wait_for_exit();

    let text = window.text();
    assert!(
        ended.success() && text.contains("Daily makes its next blast ") && !text.contains("Daily starts"),
        "{text}"
    );
}

#[tokio::test]
async fn whoever_quits_reads_what_starts_without_the_window_and_a_standby_is_there_for_it() {
    let shop = Shop::open(FAST).await;
    let at = |hours| (Utc::now() + TimeDelta::hours(hours)).format("%Y-%m-%dT%H:%MZ").to_string();
    for (tag, first, hours) in [("Later", 0, 3), ("Sooner", 10, 2)] {
        let blast = shop.draft_with(first..first + 3, &["--tag", tag, "--at", &at(hours)]).await;
        shop.ok(&["blast", "send", &blast, "--yes", "--no-engine"]).await;
    }
    let mut window = shop.dashboard(WINDOW);
    window.wait_for_text("live");
    eventually("the window's standby runs", || !shop.engines().is_empty());
    shop.engines().into_iter().for_each(|standby| _ = kill_process(standby, Signal::KILL));

    window.type_keys("q");
    let ended = window.wait_for_exit();

    let text = window.text();
    assert!(ended.success(), "{text}");
    assert!(
        text.contains("2 blasts start by themselves, Sooner first, ") && text.contains(", without this window"),
        "{text}"
    );
    eventually("a standby runs again", || !shop.engines().is_empty());
}
