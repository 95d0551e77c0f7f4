//! Pace as the provider sees it: by the simulator's own record of when each POST came to its door.

mod costs;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Timelike, Utc};

use crate::support::{Post, Setup, Shop, digits, eventually_async, figure, long_form, measured, settle_for};

/// In real time: what a sender with a rate is like.
const REAL: Setup<'static> = Setup {
    sim: &["--latency", "20ms"],
    sender: "",
    engine: "",
    polling: "interval = \"10m\"\nper_second = 0.01\ngive_up_after = \"1h\"",
};

async fn arrivals(shop: &Shop) -> Vec<DateTime<Utc>> {
    let mut times: Vec<_> = shop.sim.posts().await.iter().map(|post| post.at).collect();
    times.sort_unstable();
    times
}

/// The most that came within any stretch of so long, wherever it is laid.
fn fullest(times: &[DateTime<Utc>], stretch: TimeDelta) -> usize {
    let within = |(n, at): (usize, &DateTime<Utc>)| times[n..].partition_point(|later| *later < *at + stretch);
    times.iter().enumerate().map(within).max().unwrap_or(0)
}

/// The share of a rate that was reached in the best stretch of so many posts: a machine that is busy elsewhere holds up the
/// others.
fn reached(times: &[DateTime<Utc>], posts: usize, per_second: u32) -> f64 {
    let shortest = times.windows(posts + 1).map(|run| run[posts] - run[0]).min().unwrap();
    f64::from(u32::try_from(posts).unwrap()) / shortest.as_seconds_f64() / f64::from(per_second)
}

/// How late a POST may be at the provider's door on a busy machine: it is then that much nearer to the one behind it.
const ON_ITS_WAY: TimeDelta = TimeDelta::milliseconds(100);

/// Checks that no two left closer than the gap: each is allowed to be late at the door, all of them together are not.
fn kept_apart(times: &[DateTime<Utc>], gap: TimeDelta) {
    let closest = times.windows(2).map(|two| two[1] - two[0]).min().unwrap();
    let gaps = i32::try_from(times.len() - 1).unwrap();
    let whole = times[times.len() - 1] - times[0];
    assert!(closest >= gap - ON_ITS_WAY, "two came {closest} apart, of {} with a gap of {gap}", times.len());
    assert!(whole >= gap * gaps - ON_ITS_WAY, "{} came within {whole} with a gap of {gap}", times.len());
}

/// Sends for some seconds at a rate; checks that no sliding second is over it, and that it is reached.
async fn a_rate_is_kept_and_reached(rate: u32, in_flight: u32, seconds: u32) {
    let sender = format!("rate = \"{rate}/s\"\nin_flight = {in_flight}");
    let shop = Shop::open(Setup { sender: &sender, ..REAL }).await;
    let people = usize::try_from(rate * seconds).unwrap();
    shop.blast(0..rate * seconds).await;
    let engine = shop.engine();
    eventually_async("everybody was sent to", async || shop.sim.stats().await.posts >= people).await;
    engine.stop().await;

    let times = arrivals(&shop).await;
    let most = fullest(&times, TimeDelta::seconds(1));
    let all = reached(&times, people - 1, rate);
    figure(&format!("{rate}/s: at most {most} in a second; {:.2} % of it reached", all * 100.0));
    // How late a POST comes to the door and how near the rate is reached is a matter of the machine; what all of them
    // together take is not.
    let whole = times[people - 1] - times[0];
    let least = TimeDelta::seconds(1) * i32::try_from(people - 1).unwrap() / i32::try_from(rate).unwrap();
    assert!(whole >= least - ON_ITS_WAY, "{people} came within {whole} at {rate}/s");
    let in_less = fullest(&times, TimeDelta::seconds(1) - ON_ITS_WAY);
    assert!(in_less <= rate as usize, "{in_less} in less than a second at {rate}/s");
    assert!(!long_form() || (most <= rate as usize && all >= 0.98), "{most} in a second, {all}");
    assert_eq!(times.len(), people);
    shop.promises().await;
}

#[tokio::test]
async fn a_rate_of_80_a_second_is_kept_in_every_second_and_reached() {
    a_rate_is_kept_and_reached(80, 16, if long_form() { 20 } else { 4 }).await;
}

#[tokio::test]
async fn a_rate_of_1000_a_second_is_kept_in_every_second_and_reached() {
    if long_form() {
        a_rate_is_kept_and_reached(1_000, 128, 10).await;
    }
}

/// How many of these POSTs went to the people of a range.
fn to(posts: &[Post], people: std::ops::Range<u32>) -> usize {
    let phones: Vec<_> = people.map(digits).collect();
    posts.iter().filter(|post| phones.contains(&post.phone)).count()
}

fn share(part: usize, of: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap()) / f64::from(u32::try_from(of).unwrap())
}

#[tokio::test]
async fn two_blasts_of_a_sender_share_its_rate_evenly() {
    let shop = Shop::open(Setup { sender: "rate = \"60/s\"\nin_flight = 16", ..REAL }).await;
    shop.draft(0..200).await;
    shop.draft(200..400).await;
    shop.ok(&["blast", "send", "1", "--yes", "--no-engine"]).await;
    shop.ok(&["blast", "send", "2", "--yes", "--no-engine"]).await;
    let engine = shop.engine();
    shop.until_posts(150).await;
    engine.stop().await;

    let posts = shop.sim.posts().await;
    let first = share(to(&posts, 0..200), posts.len());
    assert!((0.4..=0.6).contains(&first), "{first} of {}", posts.len());
    shop.promises().await;
}

#[tokio::test]
async fn a_blast_that_could_not_send_for_a_while_accrues_no_credit() {
    let shop = Shop::open(Setup { sender: "rate = \"60/s\"\nin_flight = 16", ..REAL }).await;
    let late = shop.draft(200..400).await;
    shop.blast(400..1_400).await;
    let engine = shop.engine();
    shop.until_posts(40).await;
    shop.execute(&format!(
        "update blast_recipients set next_attempt_at = now() + interval '3 s' where blast_id = {late}"
    ))
    .await;
    shop.send(&late).await;
    eventually_async("the late one has begun", async || to(&shop.sim.posts().await, 200..400) > 0).await;
    let alone = shop.sim.posts().await.len();
    shop.until_posts(alone + 80).await;
    engine.stop().await;

    let posts = &shop.sim.posts().await[alone..];
    let late = share(to(posts, 200..400), posts.len());
    assert!((0.35..=0.65).contains(&late), "{late} of {}", posts.len());
    shop.promises().await;
}

#[tokio::test]
async fn a_blast_with_a_gap_of_its_own_moves_and_leaves_the_rest_to_the_other() {
    let shop = Shop::open(Setup { sender: "rate = \"60/s\"\nin_flight = 16", ..REAL }).await;
    shop.blast_with(0..100, &["--gap", "200ms"]).await;
    shop.blast(200..500).await;
    let engine = shop.engine();
    shop.until_posts(180).await;
    engine.stop().await;

    let times = arrivals(&shop).await;
    let took = (times[times.len() - 1] - times[0]).as_seconds_f64();
    let posts = shop.sim.posts().await;
    let mut patient: Vec<_> = posts.iter().filter(|post| post.phone < digits(100)).map(|post| post.at).collect();
    patient.sort_unstable();
    kept_apart(&patient, TimeDelta::milliseconds(200));
    let best = reached(&times, 120, 60);
    let moves = share(patient.len(), 1) / took;
    figure(&format!("{moves:.1} a second with a gap of 200 ms; {:.1} % of the rate", best * 100.0));
    assert!(!long_form() || moves >= 2.5 && best >= 0.9, "{moves} a second, {best}");
    shop.promises().await;
}

#[tokio::test]
async fn a_number_gets_no_two_messages_closer_than_the_pair_gap_also_over_a_restart() {
    let sender = "rate = \"unlimited\"\nin_flight = 4\npair_gap = \"30s\"";
    let shop = Shop::open(Setup { sender, ..REAL }).await;
    // Drafts beforehand: on a busy machine the gap would be over before they were made.
    let both = [shop.draft(0..8).await, shop.draft(4..12).await];
    let first = shop.blast(0..8).await;
    let engine = shop.engine();
    shop.until_state(&first, "completed").await;
    engine.kill().await;
    for blast in &both {
        shop.send(blast).await;
    }

    let engine = shop.engine();
    let said = shop.until_waiting(&both[0], "pair_gap").await;
    for blast in &both {
        shop.until_state(blast, "completed").await;
    }
    engine.stop().await;

    let mut last = BTreeMap::new();
    for post in shop.sim.posts().await {
        if let Some(before) = last.insert(post.phone.clone(), post.at) {
            kept_apart(&[before, post.at], TimeDelta::seconds(30));
        }
    }
    assert_eq!((last.len(), shop.sim.posts().await.len()), (12, 24));
    // Eight, or fewer where the engine was quick and the asking slow.
    let people = said["people"].as_i64().unwrap();
    assert!((1..=8).contains(&people), "{said}");
    let words = format!("waits for: pair gap, {people} left and the next was messaged too recently, next 20");
    assert!(said["text"].as_str().unwrap().starts_with(&words), "{said}");
    let given_back = shop.number("select count(*) from provider_message where outcome = 'released'").await;
    assert!(given_back <= 2 * 16, "{given_back} were given back for 16 people: that is asking again and again");
    shop.invariants().await;
}

#[tokio::test]
async fn after_slow_down_nothing_goes_before_the_time_that_the_provider_named() {
    // The simulator says 30 s of a time that runs ten times as fast: three seconds.
    let setup = Setup { sim: &["--latency", "30ms", "--speed", "10"], ..REAL };
    let shop = Shop::open(Setup { sender: "rate = \"unlimited\"\nin_flight = 4", ..setup }).await;
    shop.sim.faults(&["throttle=1"]).await;
    let blast = shop.blast(0..40).await;
    let engine = shop.engine();
    let held = "select count(*) from senders where held_until > now()";
    eventually_async("the sender is held", async || shop.number(held).await == 1).await;
    shop.sim.faults(&[]).await;

    let said = shop.until_waiting(&blast, "throttled").await;
    let said_at = Utc::now();
    shop.until_posts(20).await;
    engine.stop().await;

    let times = arrivals(&shop).await;
    let throttled = times.iter().take_while(|at| **at - times[0] < TimeDelta::seconds(1)).count();
    let pause = times[throttled] - times[throttled - 1];
    assert!(throttled <= 4, "{throttled} went together: those behind them must wait");
    assert!(pause >= TimeDelta::seconds(3), "{pause}");
    assert_eq!(
        said["text"].as_str().unwrap().split(", until").next().unwrap(),
        "waits for: the provider, which asked to slow down"
    );
    let until: DateTime<Utc> = said["until"].as_str().unwrap().parse().unwrap();
    // Counted from the answer, which comes after the post, and had come when this was said; by the database's clock, as the engine read it.
    let (named, clock) = (TimeDelta::seconds(3), TimeDelta::milliseconds(500));
    assert!(
        (times[0] + named - clock..=said_at + named + clock).contains(&until),
        "{until}: posts from {}, said at {said_at}",
        times[0]
    );
    shop.promises().await;
}

/// A pause during a wait that lasts an hour and more: how long after its commit the engine had let go of the wait.
async fn pause_during(sender: &str, blast: &[&str], reason: &str) -> Duration {
    let shop = Shop::open(Setup { sender, ..REAL }).await;
    let blast = shop.blast_with(0..9, blast).await;
    if reason == "throttled" {
        shop.sim.faults(&["throttle=1"]).await;
    }
    let engine =
        shop.engine_with(&[("BLASTDECK_SENDERS_SALES_DAILY_CAP", if reason == "daily_cap" { "2" } else { "none" })]);
    shop.until_waiting(&blast, reason).await;
    let posts = shop.sim.stats().await.posts;

    let order = ["blast", "pause", &blast];
    let pause = shop.ok(&order);
    let noticed = async {
        eventually_async("the engine knows of it", async || {
            shop.number("select count(*) from sender_leases where waiting -> 'blasts' <> '{}'").await == 0
        })
        .await;
        shop.number("select (extract(epoch from clock_timestamp() - updated_at) * 1000)::bigint from blasts").await
    };
    let (_, took) = tokio::join!(pause, noticed);
    settle_for(200).await;
    assert_eq!(shop.sim.stats().await.posts, posts, "nothing goes after it");
    engine.stop().await;
    shop.promises().await;
    Duration::from_millis(took.unsigned_abs())
}

#[tokio::test]
async fn a_pause_ends_any_wait_within_a_tenth_of_a_second() {
    let hour = Utc::now().hour();
    let hours = format!("{:02}:00-{:02}:00", (hour + 2) % 24, (hour + 3) % 24);
    let fast = "rate = \"unlimited\"\nin_flight = 4";
    let waits: [(&str, &[&str], &str); 5] = [
        ("gap = \"1h\"", &[], "gap"),
        ("rate = \"1/h\"", &[], "rate"),
        (fast, &["--window", &hours, "--timezone", "UTC"], "window"),
        (fast, &[], "throttled"),
        (fast, &[], "daily_cap"),
    ];
    if long_form() {
        for (sender, blast, reason) in waits {
            let took = pause_during(sender, blast, reason).await;
            measured(reason, took, Duration::from_millis(100));
        }
    } else {
        futures_util::future::join_all(waits.map(|(sender, blast, reason)| pause_during(sender, blast, reason))).await;
    }
}

#[tokio::test]
async fn a_pause_of_a_fast_blast_lets_one_more_message_through_at_most() {
    let shop = Shop::open(Setup { sender: "rate = \"80/s\"\nin_flight = 32", ..REAL }).await;
    let blast = shop.blast(0..400).await;
    let engine = shop.engine();
    shop.until_posts(60).await;
    let began = Instant::now();
    shop.ok(&["blast", "pause", &blast]).await;
    eventually_async("all are settled", async || shop.count("sending").await == 0).await;
    let posts = shop.sim.stats().await.posts;
    settle_for(300).await;
    assert_eq!(shop.sim.stats().await.posts, posts, "nothing goes after it");

    let paused: DateTime<Utc> =
        sqlx::query_scalar("select updated_at from blasts").fetch_one(&shop.database.pool).await.unwrap();
    let late = arrivals(&shop).await.iter().filter(|at| **at > paused + TimeDelta::milliseconds(100)).count();
    engine.stop().await;
    figure(&format!("{late} came more than 100 ms after the pause; settled after {:?}", began.elapsed()));
    assert!(!long_form() || late <= 1, "{late}");
    // Whoever was claimed ahead is queued again, to be sent to after a resume.
    assert_eq!((shop.count("failed").await, shop.count("uncertain").await), (0, 0));
    shop.promises().await;
}

#[tokio::test]
async fn whoever_asks_for_more_than_the_sender_may_is_told_that_the_senders_limit_binds() {
    let shop = Shop::open(Setup { sender: "rate = \"20/min\"", ..REAL }).await;
    let list = shop.write("people.csv", "phone\n+60100000001\n");
    let new = ["blast", "new", "--sender", "sales", "--message", "Hi", "--recipients", list.to_str().unwrap()];

    let faster = shop.run(&[&new[..], &["--gap", "1s..2s"]].concat()).await;
    let slower = shop.run(&[&new[..], &["--gap", "20s..60s"]].concat()).await;

    let told = "sender sales goes no faster than its own rate 20/min: that limit binds, not the blast's";
    assert!(faster.code == 0 && faster.err.contains(told), "{faster:?}");
    assert!(slower.code == 0 && !slower.err.contains("binds"), "{slower:?}");
}
