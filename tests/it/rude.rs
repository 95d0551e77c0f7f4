//! Providers that answer late, endlessly, by halves or not at all: each outcome is what is known of it, nobody is sent to
//! again, and the engine stays as small as it was.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::closed::ClosedPort;
use crate::support::rude::{Manner, Rude};
use crate::support::{Setup, Shop, eventually_async, long_form, measured, settle_for};

/// A blast to so many people through a rude provider.
async fn shop(rude: &Rude, sender: &str, people: u32) -> (Shop, String) {
    shop_at(rude.url(), sender, people).await
}

/// A blast to so many people through the provider at this address.
async fn shop_at(url: &str, sender: &str, people: u32) -> (Shop, String) {
    let shop = Shop::open(Setup { engine: "failures_in_a_row = 1000", sender, ..Setup::default() }).await;
    shop.send_through(url);
    let blast = shop.blast(0..people).await;
    (shop, blast)
}

async fn until_nobody_waits(shop: &Shop) {
    eventually_async("all are tried", async || shop.count("queued").await + shop.count("sending").await == 0).await;
}

/// How many outcomes are unknown for a reason with these words in it.
async fn unknown_because(shop: &Shop, words: &str) -> i64 {
    let query = format!("select count(*) from blast_recipients where status = 'uncertain' and reason like '%{words}%'");
    shop.number(&query).await
}

#[tokio::test]
async fn an_answer_that_comes_after_the_timeout_is_unknown_and_the_message_is_not_sent_again() {
    // In the long form as it may really be: asked for half a minute, answered after one and a half.
    let (late, timeout) = if long_form() { (90, "30s") } else { (3, "1s") };
    let rude = Rude::start(|_| Manner::Late(Duration::from_secs(if long_form() { 90 } else { 3 }))).await;
    let (shop, _) = shop(&rude, &format!("in_flight = 4\nrate = \"unlimited\"\ntimeout = \"{timeout}\""), 4).await;

    let engine = shop.engine();
    eventually_async("all are asked", async || rude.calls().len() == 4).await;
    eventually_async("all are given up", async || unknown_because(&shop, "no response in time").await == 4).await;
    // Until the answer would have come.
    settle_for((late + 1) * 1_000).await;
    engine.stop().await;

    assert_eq!((unknown_because(&shop, "no response in time").await, rude.calls().len()), (4, 4));
    let gone_before = |call: &crate::support::rude::Call| {
        call.gone_at.is_some_and(|gone_at| gone_at - call.came_at < Duration::from_secs(late))
    };
    assert!(rude.calls().iter().all(gone_before), "a late answer finds nobody: {:?}", rude.calls());
    shop.invariants().await;
}

#[tokio::test]
async fn a_body_of_fifty_megabytes_is_read_up_to_a_bound_and_unknown() {
    let rude = Rude::start(|_| Manner::Huge(50_000_000)).await;
    let (shop, _) = shop(&rude, "in_flight = 16\nrate = \"unlimited\"", 16).await;

    let engine = shop.engine();
    until_nobody_waits(&shop).await;
    let peak = engine.peak_memory();
    engine.stop().await;

    assert_eq!((unknown_because(&shop, "more than 1048576 bytes").await, rude.called_again()), (16, Vec::new()));
    let most = rude.calls().iter().map(|call| call.written).max().unwrap();
    assert!(most < 20_000_000, "{most} bytes were taken");
    println!("16 bodies of 50 MB: at most {} kB in memory, {most} bytes taken of one", peak / 1024);
    assert!(peak < 250_000_000, "{peak} bytes in memory");
    shop.invariants().await;
}

#[tokio::test]
async fn a_header_of_kilobytes_is_read_with_the_answer() {
    let rude = Rude::start(|_| Manner::LongHeader(60_000)).await;
    let (shop, _) = shop(&rude, "in_flight = 4\nrate = \"unlimited\"", 8).await;

    let engine = shop.engine();
    until_nobody_waits(&shop).await;
    engine.stop().await;

    assert_eq!((shop.count("sent").await, rude.called_again()), (8, Vec::new()));
    shop.invariants().await;
}

#[tokio::test]
async fn a_header_without_end_and_an_answer_of_one_byte_a_second_end_unknown_in_time() {
    let rude = Rude::start(|n| if n % 2 == 0 { Manner::EndlessHeader } else { Manner::Drips }).await;
    let (shop, _) = shop(&rude, "in_flight = 8\nrate = \"unlimited\"\ntimeout = \"2s\"", 8).await;

    let engine = shop.engine();
    let began = Instant::now();
    until_nobody_waits(&shop).await;
    let (took, peak) = (began.elapsed(), engine.peak_memory());
    engine.stop().await;

    assert_eq!((shop.count("uncertain").await, rude.calls().len()), (8, 8));
    measured("all of them are given up with a timeout of 2 s", took, Duration::from_secs(8));
    assert!(peak < 150_000_000, "{peak} bytes");
    let most = rude.calls().iter().map(|call| call.written).max().unwrap();
    assert!(most < 10_000_000, "{most} bytes of a header were taken");
    shop.invariants().await;
}

#[tokio::test]
async fn connections_that_break_every_second_time_leave_doubt_and_nobody_is_called_again() {
    tokio::join!(
        every_second_connection_breaks("in_flight = 6\nrate = \"unlimited\"", 60),
        every_second_connection_breaks("in_flight = 1\nrate = \"unlimited\"\ngap = \"1s..1s\"", 6),
    );
}

async fn every_second_connection_breaks(sender: &str, people: u32) {
    let rude = Rude::start(|n| match n % 6 {
        1 => Manner::HangsUp,
        3 => Manner::BreaksOff,
        5 => Manner::Slams,
        _ => Manner::Polite,
    })
    .await;
    let (shop, _) = shop(&rude, sender, people).await;

    let engine = shop.engine();
    until_nobody_waits(&shop).await;
    engine.stop().await;

    let polite: Vec<_> = rude.calls().into_iter().filter(|call| call.manner == Manner::Polite).collect();
    let accepted = "select count(*) from provider_message where outcome = 'accepted'";
    assert_eq!(shop.number(accepted).await, i64::try_from(polite.len()).unwrap());
    assert_eq!(shop.count("uncertain").await, i64::from(people) - i64::try_from(polite.len()).unwrap());
    assert_eq!(rude.called_again(), Vec::<String>::new());
    // Who was hung up on before a byte was written is tried again: nobody else is.
    let not_sent = "select count(*) from provider_message where outcome = 'rejected' and error_code = 'connect'";
    let attempts = shop.number("select count(*) from attempts").await;
    assert_eq!(attempts - shop.number(not_sent).await, i64::from(people));
    shop.invariants().await;
}

#[tokio::test]
async fn an_answer_that_comes_twice_on_a_kept_connection_is_nobody_elses() {
    let rude = Rude::start(|_| Manner::Twice { taken: 3 }).await;
    let (shop, _) = shop(&rude, "in_flight = 4\nrate = \"unlimited\"", 80).await;

    let engine = shop.engine();
    until_nobody_waits(&shop).await;
    engine.stop().await;

    let taken: BTreeSet<String> = rude.calls().into_iter().map(|call| call.phone).collect();
    let sent: Vec<(String, Option<String>)> =
        sqlx::query_as("select substr(phone_number, 2), message_id from blast_recipients where status = 'sent'")
            .fetch_all(&shop.database.pool)
            .await
            .unwrap();
    let invented = sent.iter().filter(|(phone, _)| !taken.contains(phone)).count();
    let foreign = sent.iter().filter(|(phone, id)| id.as_ref() != Some(&format!("3EB0{phone}"))).count();
    let unknown = unknown_because(&shop, "another").await;
    println!("{} sent, {unknown} unknown, {invented} invented, {foreign} with a foreign id", sent.len());
    assert_eq!((invented, foreign, rude.called_again()), (0, 0, Vec::new()));
    assert!(sent.len() >= 4 && unknown >= 4, "{} sent, {unknown} unknown", sent.len());
    assert_eq!(shop.count("uncertain").await + i64::try_from(sent.len()).unwrap(), 80);
    shop.invariants().await;
}

#[tokio::test]
async fn a_refusal_that_nobody_asked_for_has_nobody_sent_to_again_and_nobody_failed() {
    let rude = Rude::start(|_| Manner::RefusesUnasked).await;
    let (shop, _) = shop(&rude, "in_flight = 4\nrate = \"unlimited\"", 60).await;

    let engine = shop.engine();
    until_nobody_waits(&shop).await;
    engine.stop().await;

    let unknown = unknown_because(&shop, "another answer followed").await;
    assert_eq!((rude.called_again(), shop.count("failed").await), (Vec::new(), 0));
    assert!(unknown >= 1 && shop.count("sent").await >= 4, "{unknown} unknown");
    assert_eq!(shop.count("uncertain").await + shop.count("sent").await, 60);
    shop.invariants().await;
}

#[tokio::test]
async fn who_could_not_be_connected_to_is_known_not_to_have_it_and_is_tried_again() {
    let closed = ClosedPort::new();
    let (shop, blast) = shop_at(&closed.url(), "in_flight = 2\nrate = \"unlimited\"", 4).await;

    let engine = shop.engine();
    let refused = "select count(*) from provider_message where outcome = 'rejected' and error_code = 'connect'";
    eventually_async("connections are refused", async || shop.number(refused).await >= 4).await;
    engine.stop().await;
    assert_eq!((shop.count("uncertain").await, shop.count("queued").await), (0, 4));

    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", config.replace(&closed.url(), shop.sim.base_url()));
    shop.execute("update blast_recipients set next_attempt_at = now()").await;
    let engine = shop.engine();
    shop.until_state(&blast, "completed").await;
    engine.stop().await;
    assert_eq!(shop.sim.posts().await.len(), 4);
    shop.promises().await;
}

#[tokio::test]
async fn a_hold_is_kept_by_the_next_engine() {
    let closed = ClosedPort::new();
    let (shop, blast) = shop_at(&closed.url(), "in_flight = 2\nrate = \"unlimited\"", 4).await;

    let engine = shop.engine();
    shop.until_waiting(&blast, "provider").await;
    eventually_async("the hold is written", async || {
        shop.number("select count(*) from blasts where provider_hold_until > now() + interval '2 seconds'").await == 1
    })
    .await;
    engine.kill().await;
    let tried = shop.number("select count(*) from attempts").await;
    let engine = shop.engine();
    let reason = shop.until_waiting(&blast, "provider").await;
    engine.stop().await;

    assert!(reason["text"].as_str().unwrap().contains("no connection"), "{reason}");
    assert_eq!(shop.number("select count(*) from attempts").await, tried);
}

#[tokio::test]
async fn a_provider_that_is_away_for_a_moment_is_waited_for_and_no_blast_is_paused() {
    let closed = ClosedPort::new();
    let shop = Shop::open(Setup {
        engine: "speed = 10",
        sender: "in_flight = 4\nrate = \"unlimited\"",
        sim: &["--latency", "20ms", "--speed", "6000"],
        ..Setup::default()
    })
    .await;
    shop.send_through(&closed.url());
    let blast = shop.blast(0..12).await;

    let engine = shop.engine();
    let reason = shop.until_waiting(&blast, "provider").await;
    assert!(reason["text"].as_str().unwrap().contains("no connection"), "{reason}");
    let gateway = closed.open(&shop);
    shop.until_state(&blast, "completed").await;
    engine.stop().await;
    gateway.abort();

    assert_eq!((shop.sim.posts().await.len(), shop.count("failed").await), (12, 0));
    assert_eq!(shop.number("select count(*) from blast_changes where new_state = 'paused'").await, 0);
    shop.promises().await;
}
