//! What people write between the restore of a database and somebody's word that its sender may go on.

use serde_json::json;

use crate::answering::scene::AnswerScene;
use crate::inbox::scene::text;
use crate::support::{digits, eventually_async};

/// Two people had blast 1, which a restored database has forgotten, and a third was not sent to; the sender asks.
async fn asking() -> AnswerScene {
    let mut scene = AnswerScene::unserved(2).await;
    let shop = &scene.shop;
    shop.execute(
        "update blast_recipients set status = 'queued', standing = 'queued', attempt = 0, message_id = null,
                                     sent_at = null, claimed_at = null;
         delete from provider_message",
    )
    .await;
    shop.execute(&format!(
        "insert into blast_recipients (blast_id, phone_number, name) values (1, '+{}', 'Person 3');
         update blasts set state = 'sending', total_recipients = 3 where id = 1",
        digits(3)
    ))
    .await;
    scene.serve().await;
    let stopped = "select count(*) from senders where stopped_code = 'restored'";
    eventually_async("it asks", async || scene.shop.number(stopped).await == 1).await;
    scene
}

#[tokio::test]
async fn what_is_written_before_a_restored_sender_is_confirmed_belongs_to_whoever_had_the_message() {
    let scene = asking().await;
    for n in [1, 2, 3] {
        scene.receive(text(n, &format!("wamid.in{n}"), "I take three")).await;
    }
    assert_eq!(scene.json_lines(&["replies", "1"]).await.len(), 3, "they are shown at once");

    scene.ok(&["sender", "confirm", "cloud", "--yes"]).await;

    eventually_async("the third had nothing", async || scene.json_lines(&["replies", "1"]).await.len() == 2).await;
    assert_eq!(scene.shop.count("uncertain").await, 2);
    let again = scene.run(&["uncertain", "resolve", "1", &digits(1), "resend"]).await;
    assert!(again.code == 3 && again.err.contains("They wrote since, maybe in answer to it."), "{again:?}");
    scene.ok(&["uncertain", "resolve", "1", &digits(1), "sent"]).await;
    eventually_async("they replied", async || scene.shop.count("replied").await == 1).await;
    let loose = scene.json_lines(&["replies"]).await;
    assert!(loose.iter().any(|reply| reply["blast"] == json!(null)), "{loose:?}");
    scene.ok(&["audit"]).await;
}
