//! Answers under a kill, and what becomes of them with their blast.

use serde_json::json;

use super::scene::AnswerScene;
use crate::support::digits;

#[tokio::test]
async fn an_answer_whose_server_was_killed_in_the_middle_of_its_post_is_uncertain_and_never_sent_again() {
    let mut scene = AnswerScene::served(1).await;
    scene.wrote(&[1]).await;
    scene.shop.sim.answer_send(&digits(1), json!([{ "delay_ms": 60_000 }])).await;
    scene.ok(&["reply", "1", &digits(1), "RM 20", "--no-wait", "--no-engine"]).await;
    scene.shop.until_posts(2).await;

    scene.kill_server().await;
    scene.until_idle().await;

    let again = scene.run(&["reply", "1", &digits(1), "RM 20"]).await;
    assert_eq!(again.code, 3, "{again:?}");
    assert_eq!(scene.texts().await.len(), 1);
    let listed = scene.json_lines(&["blast", "list"]).await;
    let answer = listed.iter().find(|blast| blast["tag"] == "Answer to Person 1").expect("it asks for somebody");
    assert_eq!((&answer["counts"]["uncertain"], &answer["waiting"]["reason"]), (&json!(1), &json!("uncertain")));

    scene.ok(&["uncertain", "resolve", &answer["id"].to_string(), &digits(1), "sent"]).await;

    assert_eq!(scene.json_lines(&["blast", "list"]).await.len(), 1, "nobody is asked any more");
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_refused_answer_is_a_failure_that_says_why_and_may_be_sent_anew() {
    let scene = AnswerScene::served(1).await;
    scene.wrote(&[1]).await;
    let refusal =
        json!({ "error": { "message": "(#131026) Message undeliverable", "code": 100, "type": "OAuthException" } });
    scene.shop.sim.answer_send(&digits(1), json!([{ "code": 400, "body": refusal.to_string() }])).await;

    let failed = scene.run(&["reply", "1", &digits(1), "RM 20", "--json"]).await;
    let anew = scene.json(&["reply", "1", &digits(1), "RM 20"]).await;

    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(failed.out.contains("\"outcome\":\"failed\"") && failed.err.contains("(100)"), "{failed:?}");
    assert_eq!(anew["outcome"], "accepted");
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_blast_that_is_deleted_takes_its_answers_along() {
    let scene = AnswerScene::unserved(1).await;
    scene.wrote(&[1]).await;
    scene.ok(&["reply", "1", &digits(1), "RM 20", "--no-engine", "--no-wait"]).await;

    scene.ok(&["blast", "delete", "1", "--yes"]).await;
    scene.until_idle().await;

    assert_eq!(scene.texts().await.len(), 0);
    assert_eq!(scene.shop.number("select count(*) from blast_recipients").await, 0);
}
