//! What somebody writes of whom it is not known whether they have the message: whoever decides about them sees it.

use serde_json::json;

use super::scene::{InboxScene, text, uncertain};
use crate::support::{digits, eventually_async};

/// Somebody uncertain wrote.
async fn wrote() -> InboxScene {
    let old = "update provider_message set claimed_at = now() - interval '1 hour', received_at = now() - interval '1 hour';
               update blast_recipients set claimed_at = now() - interval '1 hour', changed_at = now() - interval '1 hour';";
    let scene = InboxScene::with(1, "cloud", &format!("{}{old}", uncertain(1))).await;
    scene.receive(text(1, "wamid.in1", "Ok, I take three")).await;
    scene
}

async fn until_replied(scene: &InboxScene) {
    scene.shop.execute("update webhook_inbox set next_try_at = now() where state = 'parked'").await;
    eventually_async("they replied", async || scene.status(1).await == "replied").await;
    let kept = "select count(*) from replies where recipient_id = 1 and not is_undecided";
    assert_eq!(scene.shop.number(kept).await, 1);
    assert_eq!(scene.shop.number("select count(*) from replies").await, 1);
}

#[tokio::test]
async fn a_reply_of_somebody_uncertain_is_shown_at_once_and_decides_nothing() {
    let scene = wrote().await;
    let shop = &scene.shop;

    let replies = shop.json_lines(&["replies", "1"]).await;
    assert_eq!((replies.len(), &replies[0]["text"]), (1, &json!("Ok, I take three")));
    assert_eq!(scene.status(1).await, "uncertain");
    assert_eq!(shop.number("select count(*) from webhook_inbox where state = 'parked'").await, 1);
    // It came twice.
    scene.receive(text(1, "wamid.in1", "Ok, I take three")).await;
    assert_eq!(shop.json_lines(&["replies", "1"]).await.len(), 1);

    let all = shop.run(&["uncertain", "resolve", "1", "all", "resend"]).await;
    assert!(all.code == 3 && all.err.contains("1 of them wrote since, maybe in answer to it."), "{all:?}");
    let one = shop.run(&["uncertain", "resolve", "1", &digits(1), "resend"]).await;
    assert!(one.code == 3 && one.err.contains("They wrote since, maybe in answer to it."), "{one:?}");
    shop.ok(&["uncertain", "resolve", "1", &digits(1), "sent"]).await;
    until_replied(&scene).await;
    shop.ok(&["audit"]).await;
}

#[tokio::test]
async fn a_reply_counts_where_it_was_written_before_the_message_was_sent_once_more() {
    let scene = wrote().await;

    let again = scene.shop.run(&["uncertain", "resolve", "1", &digits(1), "resend", "--yes", "--json"]).await;
    assert!(again.code == 0 && again.err.contains("They wrote since, maybe in answer to it."), "{again:?}");
    scene
        .shop
        .execute(
            "update blast_recipients set status = 'sent', standing = 'sent', attempt = 2, message_id = 'wamid.2',
                                         sent_at = now() + interval '12 minutes';
             insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)
             values (1, 1, 2, 'queued', 'sent', 'send')",
        )
        .await;

    until_replied(&scene).await;
}

#[tokio::test]
async fn a_reply_of_somebody_who_is_left_out_stays_where_it_is() {
    let scene = wrote().await;
    let shop = &scene.shop;

    shop.ok(&["uncertain", "resolve", "1", &digits(1), "drop"]).await;
    shop.execute("update webhook_inbox set next_try_at = now() where state = 'parked'").await;
    scene.until_applied().await;

    let decided = "select count(*) from replies where recipient_id = 1 and not is_undecided";
    eventually_async("it is decided", async || shop.number(decided).await == 1).await;
    assert_eq!((scene.status(1).await.as_str(), shop.json_lines(&["replies", "1"]).await.len()), ("skipped", 1));
}
