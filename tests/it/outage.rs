//! Postgres gone while a dashboard sends: nothing is sent blindly, nothing is lost, it goes on by itself, and the first line
//! says since when the numbers are old.

mod armed;
mod stopped;

use std::time::{Duration, Instant};

use blastdeck::private_postgres::{PrivatePostgres, ServerStatus};
use rustix::process::{Pid, Signal, kill_process};

use crate::chaos::proxied;
use crate::support::proxy::Side;
use crate::support::serve::Serve;
use crate::support::{
    Deadline, Pty, Setup, Shop, Size, TestDatabase, TestDir, digits, eventually_async, long_form, measured,
    private_postgres, settle_for, until_unchanged,
};

/// POSTs in flight at once, and as many more as answers after 60 ms allow.
const SLOTS: i64 = 12;
const WINDOW: Size = Size { columns: 120, rows: 29 };

const SETUP: Setup<'static> = Setup {
    sim: &["--latency", "60ms", "--speed", "6000"],
    sender: "rate = \"unlimited\"\nin_flight = 8",
    engine: "speed = 600",
    polling: "interval = \"1s\"\nper_second = 0.3\ngive_up_after = \"12m\"",
};

/// As `pg_ctl stop -m immediate` does.
fn stop_immediately(local: &PrivatePostgres) {
    let ServerStatus::Running { pid, .. } = local.status().unwrap() else { panic!("the server runs") };
    kill_process(Pid::from_raw(pid).unwrap(), Signal::QUIT).unwrap();
}

/// Threads read the terminal; the test itself must not stand still.
async fn until_shown(pty: &Pty, words: &str) {
    eventually_async(&format!("{words} is shown"), async || pty.text().contains(words)).await;
}

/// Waits until the window's own list says that all three were sent to: nobody is marked *replied* before that.
async fn until_all_were_sent_to(window: &Pty) {
    let is_through = |line: &&str| line.contains("Person ") && !line.contains("queued") && !line.contains("sending");
    eventually_async("its list has three people who were sent to", async || {
        window.text().lines().filter(is_through).count() >= 3
    })
    .await;
}

/// Waits until nothing more comes to the provider; how many came.
async fn nothing_leaves(shop: &Shop) -> usize {
    until_unchanged("POSTs", Duration::from_millis(500), async || shop.sim.stats().await.posts).await
}

#[tokio::test]
async fn a_database_that_is_gone_for_a_while_costs_a_running_blast_nothing_but_the_time() {
    let dir = TestDir::new();
    let (local, address) = private_postgres(&dir).await;
    let shop = Shop::open_on(TestDatabase::private(address.url(), &address).await, SETUP);
    let blast = shop.blast(0..600).await;
    let mut window = shop.dashboard(WINDOW);
    shop.until_posts(30).await;

    stop_immediately(&local);
    until_shown(&window, "STALE since").await;
    // Those that were claimed still go, and their answers are kept.
    let posts = nothing_leaves(&shop).await;
    settle_for(if long_form() { 60_000 } else { 1_000 }).await;
    let posts_later = shop.sim.posts().await.len();
    assert_eq!(posts_later, posts, "nothing is sent that could not be written down first");
    local.ensure_running().await.unwrap();
    let back = Instant::now();
    shop.until_posts(posts + 1).await;
    measured("sends again after the database was back", back.elapsed(), Duration::from_secs(10));
    until_shown(&window, "live, news").await;
    eventually_async("all are sent to", async || shop.count("queued").await + shop.count("sending").await == 0).await;
    // Doubt may still end: an answer that was kept is written down late.
    let settled = async || shop.state(&blast).await == "completed" || shop.count("uncertain").await > 0;
    eventually_async("the blast is over, but for who is in doubt", settled).await;
    let uncertain = shop.count("uncertain").await;
    window.type_keys("qq");
    eventually_async("the window has closed", async || !window.on_screen(vt100::Screen::alternate_screen)).await;

    // A claim whose commit was made and not acknowledged is all that may be in doubt.
    assert!(uncertain <= SLOTS, "{uncertain}");
    shop.promises().await;
}

#[tokio::test]
async fn the_standby_goes_on_when_the_window_that_sends_is_killed() {
    let shop = Shop::open(SETUP).await;
    shop.blast(0..500).await;
    let window = shop.dashboard(WINDOW);
    shop.until_posts(20).await;
    eventually_async("its standby is there", async || !shop.engines().is_empty()).await;
    shop.until_listening(2).await;

    window.signal(Signal::KILL);
    let killed = Instant::now();
    // What the window had on its way may still arrive; the standby may send before it would be seen that nothing comes.
    let posts = shop.sim.stats().await.posts + usize::try_from(SLOTS).unwrap();
    shop.until_posts(posts + 1).await;
    measured("the standby sends after the window was killed", killed.elapsed(), Duration::from_secs(10));
    eventually_async("all are sent to", async || shop.count("queued").await + shop.count("sending").await == 0).await;
    eventually_async("it ends by itself", async || shop.engines().is_empty()).await;

    assert!(shop.count("uncertain").await <= SLOTS);
    shop.promises().await;
}

/// A server that stands still with all its processes, until it is dropped.
struct Frozen(Vec<Pid>);

impl Frozen {
    /// The one that starts the others stands still first: none is added meanwhile, and one that has just ended is none.
    fn stop(local: &PrivatePostgres) -> Self {
        let ServerStatus::Running { pid, .. } = local.status().unwrap() else { panic!("the server runs") };
        let parent_of = |name: &str| {
            let stat = std::fs::read_to_string(format!("/proc/{name}/stat")).ok()?;
            stat.rsplit(") ").next()?.split(' ').nth(1)?.parse::<i32>().ok()
        };
        let server = Pid::from_raw(pid).unwrap();
        kill_process(server, Signal::STOP).unwrap();
        let names =
            std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let children =
            names.filter(|name| parent_of(name) == Some(pid)).filter_map(|name| Pid::from_raw(name.parse().ok()?));
        let stopped = children.filter(|child| kill_process(*child, Signal::STOP).is_ok());
        Self(stopped.chain([server]).collect())
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for process in &self.0 {
            let _ = kill_process(*process, Signal::CONT);
        }
    }
}

#[tokio::test]
async fn a_database_that_stands_still_for_a_while_is_waited_for() {
    let dir = TestDir::new();
    let (local, address) = private_postgres(&dir).await;
    let shop = Shop::open_on(TestDatabase::private(address.url(), &address).await, SETUP);
    let blast = shop.blast(0..400).await;
    let engine = shop.engine();
    shop.until_posts(30).await;

    let frozen = Frozen::stop(&local);
    let posts = nothing_leaves(&shop).await;
    // Longer than the lease.
    settle_for(if long_form() { 45_000 } else { 5_500 }).await;
    let meanwhile = shop.sim.posts().await.len() - posts;
    drop(frozen);
    let back = Instant::now();
    shop.until_posts(posts + 1).await;
    let took = back.elapsed();
    measured("sends again after the database went on", took, Duration::from_secs(10));
    eventually_async("all are sent to", async || shop.count("queued").await + shop.count("sending").await == 0).await;
    let uncertain = shop.count("uncertain").await;
    shop.until_state(&blast, if uncertain > 0 { "sending" } else { "completed" }).await;
    engine.stop().await;

    assert!(meanwhile == 0 && uncertain <= SLOTS, "{meanwhile} POSTs meanwhile, {uncertain} uncertain");
    shop.promises().await;
}

#[tokio::test]
async fn an_engine_whose_database_stands_still_ends_when_it_is_asked() {
    let dir = TestDir::new();
    let (local, address) = private_postgres(&dir).await;
    let shop = Shop::open_on(TestDatabase::private(address.url(), &address).await, SETUP);
    shop.blast(0..100).await;
    let engine = shop.engine();
    shop.until_posts(20).await;

    let frozen = Frozen::stop(&local);
    let ended = tokio::time::timeout(Duration::from_secs(20), engine.end()).await;
    drop(frozen);

    let ended = ended.expect("it ends, though its database does not answer");
    let said = std::fs::read_to_string(shop.path("engine.log")).unwrap();
    assert_eq!(ended.code(), Some(1), "{said}");
    assert!(said.contains("the engine ended without its database, which does not answer"), "{said}");
    let engine = shop.engine();
    eventually_async("all are sent to", async || shop.count("queued").await + shop.count("sending").await == 0).await;
    engine.stop().await;
    let uncertain = shop.count("uncertain").await;
    assert!(uncertain <= SLOTS, "{uncertain} uncertain");
    shop.promises().await;
}

#[tokio::test]
async fn a_window_whose_database_stands_still_closes_when_it_is_asked() {
    let dir = TestDir::new();
    let (local, address) = private_postgres(&dir).await;
    let shop = Shop::open_on(TestDatabase::private(address.url(), &address).await, SETUP);
    shop.blast(0..100).await;
    let mut window = shop.dashboard(WINDOW);
    shop.until_posts(20).await;

    let frozen = Frozen::stop(&local);
    window.type_keys("qq");
    let asked = Instant::now();
    let mut deadline = Deadline::after(Duration::from_secs(20));
    while !window.has_ended() && deadline.wait_a_moment().await {}
    let (has_ended, said) = (window.has_ended(), window.text());
    drop(frozen);

    assert!(has_ended && said.contains("the database does not answer"), "{said}");
    measured("a window closes whose database stands still", asked.elapsed(), Duration::from_secs(9));
}

#[tokio::test]
async fn a_server_that_listens_already_waits_for_a_database_that_goes_away_just_then() {
    let (shop, proxy) = proxied(SETUP).await;

    let serve = Serve::start(&shop, &[]).await;
    for _ in 0..20 {
        proxy.cut();
        settle_for(10).await;
    }

    shop.until_listening(1).await;
    serve.stop().await;
}

#[tokio::test]
async fn a_mark_whose_commit_was_not_acknowledged_is_not_said_to_be_lost() {
    let (shop, proxy) = proxied(SETUP).await;
    let blast = shop.blast(0..3).await;
    let mut window = shop.dashboard(WINDOW);
    eventually_async("everybody was sent to", async || shop.count("queued").await + shop.count("sending").await == 0)
        .await;
    proxy.swallow_commits("insert into operator_actions", 1);

    until_all_were_sent_to(&window).await;
    window.type_keys("3r");

    until_shown(&window, "reply may have been written: the database did not confirm it").await;
    assert_eq!((proxy.swallowed(), shop.count("replied").await), (1, 1), "it is done");
    until_shown(&window, "live, news").await;

    proxy.swallow_commits("insert into operator_actions", 1);
    let said = shop.run(&["mark", &blast, &digits(1), "closed"]).await;
    assert_eq!((said.code, shop.count("closed").await), (1, 1), "{said:?}");
    assert!(said.err.contains("the database did not confirm that"), "{said:?}");
    window.type_keys("qq");
}

#[tokio::test]
async fn a_window_with_an_act_that_nobody_answers_says_so_and_closes_when_it_is_asked_twice() {
    let (shop, proxy) = proxied(SETUP).await;
    shop.blast(0..3).await;
    let mut window = shop.dashboard(WINDOW);
    eventually_async("everybody was sent to", async || shop.count("queued").await + shop.count("sending").await == 0)
        .await;
    proxy.halt_at_commit("insert into operator_actions", Side::Before);

    until_all_were_sent_to(&window).await;
    window.type_keys("3r");

    until_shown(&window, "1 ACT NOT CONFIRMED since").await;
    window.type_keys("q");
    until_shown(&window, "1 act of yours is not confirmed by the database").await;
    window.type_keys("q");
    eventually_async("the process is gone", async || window.has_ended()).await;
    proxy.calm();
    assert_eq!(shop.count("replied").await, 0);
}

/// The transaction that puts a list into a draft.
const IMPORTS: &str = "set total_recipients = case when";

#[tokio::test]
async fn people_whose_commit_never_reached_the_database_are_not_said_to_be_added() {
    let (shop, proxy) = proxied(SETUP).await;
    let draft = shop.draft(0..3).await;
    let phone = format!("+{}", digits(7));
    let add = ["blast", "add", &draft, &phone, "--name", "Aina"];

    proxy.halt_at_commit(IMPORTS, Side::Before);
    let (failed, ()) = tokio::join!(shop.run(&add), async {
        eventually_async("the commit is kept from the database", async || proxy.is_halted()).await;
        proxy.calm();
    });

    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(failed.err.contains("the database cannot be reached") && failed.out.is_empty(), "{failed:?}");
    assert_eq!(shop.number("select count(*) from blast_recipients").await, 3);
    proxy.swallow_commits(IMPORTS, 1);
    let made = shop.run(&add).await;
    assert_eq!((made.code, proxy.swallowed()), (0, 1), "{made:?}");
    assert!(made.err.contains("1 person taken"), "{made:?}");
    assert_eq!(shop.number("select count(*) from blast_recipients").await, 4);
}

#[tokio::test]
async fn a_cancel_that_is_broken_off_after_it_took_effect_says_that_it_did() {
    let (shop, proxy) = proxied(SETUP).await;
    let blast = shop.blast_with(0..3, &["--window", "00:00-00:01"]).await;

    proxy.swallow_commits("status = 'skipped'", 1);
    let cancelled = shop.run(&["blast", "cancel", &blast, "--yes"]).await;

    assert_eq!((cancelled.code, proxy.swallowed(), shop.state(&blast).await.as_str()), (1, 1, "cancelled"));
    assert!(cancelled.err.contains("it is cancelled, and nobody else in it gets a message"), "{cancelled:?}");
    assert!(cancelled.err.contains("an engine finishes it, or the same command"), "{cancelled:?}");
}
