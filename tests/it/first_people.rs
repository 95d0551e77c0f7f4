//! A blast that sends to its first people and then waits for a person: exactly so many, whatever happens to the engines.

use serde_json::json;

use crate::support::closed::ClosedPort;
use crate::support::{Setup, Shop, digits, eventually_async};

const CLAIMED: &str = "select count(distinct recipient_id) from attempts";

#[tokio::test]
async fn it_stops_by_itself_after_exactly_so_many_and_goes_on_when_somebody_has_looked() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft_with(0..12, &["--first", "5"]).await;
    let plan = shop.ok(&["blast", "plan", &blast]).await;
    assert!(plan.contains("first     5 of ") && plan.contains("then it waits for you"), "{plan}");
    assert_eq!(shop.json(&["blast", "plan", &blast]).await["first"]["people"], 5);
    assert_eq!(shop.json(&["blast", "show", &blast]).await["first"], json!({ "people": 5, "left": 5 }));
    shop.send(&blast).await;

    let engine = shop.engine();
    shop.until_state(&blast, "paused").await;
    engine.stop().await;

    assert_eq!(shop.number(CLAIMED).await, 5);
    let shown = shop.json(&["blast", "show", &blast]).await;
    assert!(shown.to_string().contains("the first 5 are done"), "{shown}");
    // As if its engine had been killed before it could pause: nobody else does.
    shop.execute("update blasts set state = 'sending', send_after = now() - interval '1 minute'").await;
    assert_eq!(shop.waiting(&blast).await["reason"], "no_engine");
    shop.execute("update blasts set state = 'paused'").await;
    shop.ok(&["blast", "resume", &blast, "--yes", "--no-engine"]).await;
    shop.until_idle().await;
    assert_eq!((shop.state(&blast).await.as_str(), shop.number(CLAIMED).await), ("completed", 12));
    shop.promises().await;
}

#[tokio::test]
async fn it_asks_for_somebody_as_soon_as_the_last_of_the_first_has_an_outcome() {
    let shop = Shop::open(Setup::default()).await;
    // The next turn of its pace is an hour away.
    let blast = shop.blast_with(0..12, &["--first", "1", "--gap", "1h..1h"]).await;

    let engine = shop.engine();
    shop.until_state(&blast, "paused").await;
    engine.stop().await;

    assert_eq!(shop.number(CLAIMED).await, 1);
    let shown = shop.json(&["blast", "show", &blast]).await;
    assert!(shown.to_string().contains("the first one is done: see how it went, then resume"), "{shown}");
    shop.invariants().await;
}

#[tokio::test]
async fn killed_engines_and_several_of_them_do_not_send_to_one_more() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast_with(0..40, &["--first", "9"]).await;

    for _ in 0..3 {
        let (one, other) = (shop.engine(), shop.engine());
        let before = shop.number(CLAIMED).await;
        eventually_async("somebody more is claimed, or it has stopped", async || {
            shop.number(CLAIMED).await > before || shop.state(&blast).await == "paused"
        })
        .await;
        tokio::join!(one.kill(), other.kill());
    }
    // Sweeps whom the killed ones left in flight.
    shop.until_idle().await;

    assert_eq!(shop.state(&blast).await, "paused");
    assert_eq!(shop.number(CLAIMED).await, 9);
    assert_eq!(shop.number("select first_left::bigint from blasts").await, 0);
    shop.invariants().await;
}

#[tokio::test]
async fn whom_a_claim_did_not_reach_is_not_one_of_the_first() {
    let closed = ClosedPort::new();
    let shop = Shop::open(Setup { engine: "speed = 10", ..Setup::default() }).await;
    shop.send_through(&closed.url());
    let blast = shop.blast_with(0..12, &["--first", "5"]).await;

    let engine = shop.engine();
    shop.until_waiting(&blast, "provider").await;
    eventually_async("they are given back", async || {
        shop.number("select first_left::bigint from blasts").await == 5 && shop.count("sending").await == 0
    })
    .await;
    assert_eq!(shop.state(&blast).await, "sending");
    let gateway = closed.open(&shop);
    shop.until_state(&blast, "paused").await;
    engine.stop().await;
    gateway.abort();

    assert_eq!((shop.sim.posts().await.len(), shop.count("queued").await), (5, 7));
    let shown = shop.json(&["blast", "show", &blast]).await;
    assert!(shown.to_string().contains("the first 5 are done"), "{shown}");
    shop.promises().await;
}

#[tokio::test]
async fn a_blast_of_fewer_people_is_done_without_a_stop() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast_with(0..3, &["--first", "25"]).await;

    shop.until_idle().await;

    assert_eq!(shop.state(&blast).await, "completed");
    shop.promises().await;
}

#[tokio::test]
async fn a_resume_while_the_first_are_in_flight_still_waits_for_somebody_to_look() {
    let shop = Shop::open(Setup { sim: &["--latency", "3s"], ..Setup::default() }).await;
    let blast = shop.blast_with(0..12, &["--first", "3"]).await;
    let engine = shop.engine();
    eventually_async("they are in flight", async || shop.count("sending").await == 3).await;
    shop.sim.hold();

    shop.ok(&["blast", "pause", &blast]).await;
    let plan = shop.ok(&["blast", "plan", &blast]).await;
    let resumed = shop.run(&["blast", "resume", &blast, "--yes", "--no-engine"]).await.err;
    assert!(resumed.contains("to nobody more before it waits for you"), "{resumed}");
    assert_eq!(shop.count("sending").await, 3, "the provider answers after all of this");
    shop.sim.let_go();
    let asks = async || shop.json(&["blast", "show", &blast]).await["state_reason"].to_string().contains("are done");
    eventually_async("it waits for somebody to look", asks).await;
    engine.stop().await;

    assert!(plan.contains("nobody more before it waits for you"), "{plan}");
    assert_eq!((shop.sim.posts().await.len(), shop.state(&blast).await.as_str()), (3, "paused"));
    shop.promises().await;
}

#[tokio::test]
async fn once_it_waited_a_retry_has_it_wait_no_second_time() {
    let shop = Shop::open(Setup::default()).await;
    let refused = json!([{ "body": r#"{"success":false,"message":"Invalid number"}"# }]);
    shop.sim.answer_send(&digits(0), refused).await;
    let blast = shop.blast_with(0..12, &["--first", "3"]).await;
    let engine = shop.engine();
    shop.until_state(&blast, "paused").await;
    engine.stop().await;
    assert_eq!(shop.count("failed").await, 1);

    shop.ok(&["blast", "retry", &blast, "--yes", "--no-engine"]).await;
    let plan = shop.json(&["blast", "plan", &blast]).await;
    shop.ok(&["blast", "resume", &blast, "--yes", "--no-engine"]).await;
    shop.until_idle().await;

    assert_eq!((&plan["people"], &plan["first"]), (&json!(10), &json!(null)), "{plan}");
    assert_eq!((shop.state(&blast).await.as_str(), shop.sim.posts().await.len()), ("completed", 13));
}
