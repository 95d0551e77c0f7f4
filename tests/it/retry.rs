//! Trying again who failed really sends, and only to who is known never to have had the message.

use serde_json::json;

use crate::support::{Setup, Shop, digits};

#[tokio::test]
async fn who_was_refused_is_sent_to_again_and_who_failed_after_acceptance_is_not() {
    let shop = Shop::open(Setup {
        sim: &["--latency", "10ms", "--speed", "6000"],
        sender: "rate = \"unlimited\"\nin_flight = 1",
        engine: "speed = 600",
        polling: "interval = \"1s\"\nper_second = 0.3\ngive_up_after = \"12m\"",
    })
    .await;
    shop.sim.answer_send(&digits(0), json!([{ "body": r#"{"success":false,"message":"Invalid number"}"# }])).await;
    shop.sim.answer_send(&digits(1), json!([{ "message_id": "M1" }])).await;
    shop.sim
        .answer_status("M1", json!([{ "body": r#"{"success":true,"data":{"status":"ERROR"}}"#, "times": 1000 }]))
        .await;
    let blast = shop.blast(0..4).await;
    shop.until_idle().await;
    assert_eq!(shop.state(&blast).await, "completed");
    assert_eq!(shop.count("failed").await, 2);

    let said = shop.json(&["blast", "retry", &blast, "--yes", "--no-engine"]).await;

    assert_eq!((said["people"].clone(), shop.state(&blast).await.as_str()), (json!(1), "sending"));
    shop.until_idle().await;
    assert_eq!(shop.state(&blast).await, "completed");
    let posts = shop.sim.posts().await;
    let to = |n| posts.iter().filter(|post| post.phone == digits(n)).count();
    assert_eq!((to(0), to(1), to(2)), (2, 1, 1));
    shop.invariants().await;
}

#[tokio::test]
async fn one_answer_for_all_uncertain_people_closes_a_blast_by_decision() {
    let shop = Shop::open(Setup {
        sim: &["--latency", "10ms", "--speed", "6000", "--fault", "accept-then-hangup=1"],
        sender: "rate = \"unlimited\"\nin_flight = 2",
        engine: "failures_in_a_row = 100",
        polling: "give_up_after = \"1s\"",
    })
    .await;
    let blast = shop.blast(0..3).await;
    shop.until_idle().await;
    assert_eq!((shop.count("uncertain").await, shop.state(&blast).await.as_str()), (3, "sending"));

    let early = shop.json(&["uncertain", "resolve", &blast, "all", "resend", "--yes"]).await;
    let said = shop.json(&["uncertain", "resolve", &blast, "all", "drop", "--yes"]).await;

    assert_eq!((early["resolved"].as_i64(), early["refused"].as_i64()), (Some(0), Some(3)), "an answer may still come");
    assert_eq!((said["resolved"].as_i64(), said["refused"].as_i64()), (Some(3), Some(0)));
    shop.until_idle().await;
    assert_eq!((shop.count("skipped").await, shop.state(&blast).await.as_str()), (3, "completed"));
    assert_eq!(shop.sim.posts().await.len(), 3);
    shop.invariants().await;
}
