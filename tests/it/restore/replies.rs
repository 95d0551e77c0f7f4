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

/// Makes requests so old that whatever they wait for is decided without it otherwise, and has them tried again.
async fn two_days_pass(scene: &AnswerScene) {
    let tries = scene.shop.number("select coalesce(sum(tries), 0) from webhook_inbox where state = 'parked'").await;
    let parked = scene.shop.number("select count(*) from webhook_inbox where state = 'parked'").await;
    scene
        .shop
        .execute(
            "update webhook_inbox set received_at = received_at - interval '2 days', next_try_at = now();
             update blast_recipients set claimed_at = claimed_at - interval '2 days';
             notify blastdeck_inbox",
        )
        .await;
    let again = "select coalesce(sum(tries), 0) from webhook_inbox where state = 'parked'";
    eventually_async("they are tried again", async || scene.shop.number(again).await >= tries + parked).await;
}

#[tokio::test]
async fn replies_wait_for_a_restored_sender_and_whom_it_makes_uncertain_however_long_that_takes() {
    let scene = asking().await;
    for n in [1, 3] {
        scene.receive(text(n, &format!("wamid.in{n}"), "I take three")).await;
    }
    two_days_pass(&scene).await;
    assert_eq!(scene.json_lines(&["replies", "1"]).await.len(), 2);
    scene.shop.execute("update webhook_inbox set received_at = received_at + interval '2 days'").await;

    scene.ok(&["sender", "confirm", "cloud", "--yes"]).await;
    let parked = "select count(*) from webhook_inbox where state = 'parked'";
    eventually_async("the third had nothing", async || scene.shop.number(parked).await == 1).await;
    assert_eq!(scene.json_lines(&["replies", "1"]).await.len(), 1);
    two_days_pass(&scene).await;

    let again = scene.run(&["uncertain", "resolve", "1", &digits(1), "resend"]).await;
    assert!(again.code == 3 && again.err.contains("They wrote since, maybe in answer to it."), "{again:?}");
    scene.ok(&["uncertain", "resolve", "1", &digits(1), "sent"]).await;
    eventually_async("they replied", async || scene.shop.count("replied").await == 1).await;
    scene.ok(&["audit"]).await;
}

#[tokio::test]
async fn a_reply_after_a_restore_answers_the_last_attempt_that_the_database_had_lost() {
    let scene = asking().await;
    scene.receive(text(1, "wamid.in1", "I take three")).await;
    // As if the post that was lost had been their second. Nothing tries it again in between.
    scene.shop.execute("update webhook_inbox set next_try_at = now() + interval '1 hour' where state = 'parked'").await;
    scene.shop.execute("update replies set undecided_attempt = undecided_attempt - 1").await;

    scene.ok(&["sender", "confirm", "cloud", "--yes"]).await;
    scene.ok(&["uncertain", "resolve", "1", &digits(1), "sent"]).await;

    eventually_async("they replied", async || scene.shop.count("replied").await == 1).await;
}

#[tokio::test]
async fn whoever_failed_before_a_backup_and_had_the_message_after_it_has_replied() {
    let scene = asking().await;
    scene
        .shop
        .execute("update blast_recipients set status = 'failed', standing = 'failed', failed_at = now() where id = 1")
        .await;
    scene.receive(text(1, "wamid.in1", "I take three")).await;
    assert_eq!(scene.json_lines(&["replies", "1"]).await.len(), 1, "it is kept with their message");

    scene.ok(&["sender", "confirm", "cloud", "--yes"]).await;
    scene.ok(&["uncertain", "resolve", "1", &digits(1), "sent"]).await;

    eventually_async("they replied", async || scene.shop.count("replied").await == 1).await;
}

#[tokio::test]
async fn a_reply_that_was_kept_with_the_wrong_message_is_kept_with_the_right_one_later() {
    let scene = asking().await;
    scene
        .shop
        .execute(&format!(
            "insert into blasts (blast_tag, sender_id, message, template, state, total_recipients, launched_at)
             -- Other words: with the same ones it may answer either.
             select 'later', sender_id, message, jsonb_set(template, '{{name}}', '\"another\"'), 'sending', 1, now() from blasts where id = 1;
             insert into blast_recipients (blast_id, phone_number, name) values (2, '+{}', 'Person 1')",
            digits(1)
        ))
        .await;
    scene.receive(text(1, "wamid.in1", "I take three")).await;
    assert_eq!(scene.json_lines(&["replies", "2"]).await.len(), 1);

    scene.ok(&["sender", "confirm", "cloud", "--yes"]).await;

    eventually_async("it is the first's", async || scene.json_lines(&["replies", "1"]).await.len() == 1).await;
}

#[tokio::test]
async fn whoever_wrote_since_their_message_was_tried_is_named_before_it_goes_once_more() {
    let scene = asking().await;
    scene.ok(&["sender", "confirm", "cloud", "--yes"]).await;
    for (n, at) in [(1, "now()"), (2, "now() - interval '1 day'")] {
        let reply = format!(
            "insert into replies (sender_id, phone_number, kind, body, message_id, at)
             select id, '+{}', 'text', 'Yes please', 'wamid.in{n}', {at} from senders where name = 'cloud'",
            digits(n)
        );
        scene.shop.execute(&reply).await;
    }

    let (since, before) = (digits(1), digits(2));
    let since = scene.run(&["uncertain", "resolve", "1", &since, "resend"]).await;
    let before = scene.run(&["uncertain", "resolve", "1", &before, "resend"]).await;

    assert!(since.err.contains("They wrote since, maybe in answer to it."), "{since:?}");
    assert!(!before.err.contains("They wrote since"), "{before:?}");
}

#[tokio::test]
async fn whoever_wrote_something_that_is_undecided_is_stuck_nowhere() {
    let scene = AnswerScene::unserved(3).await;
    scene
        .shop
        .execute(
            "update blast_recipients set status = 'read', standing = 'read', read_timestamp = now() where id < 3;
             update blast_recipients set status = 'replied', replied_marked_at = now() where id = 3",
        )
        .await;
    let undecided = async |n: u32| {
        let reply = format!(
            "insert into replies (sender_id, phone_number, kind, body, message_id, at, undecided_attempt)
             select id, '+{}', 'text', 'Yes please', 'wamid.in{n}', now(), 1 from senders where name = 'cloud'",
            digits(n)
        );
        scene.shop.execute(&reply).await;
    };
    undecided(1).await;
    undecided(3).await;
    let made = async |stuck: &str| {
        let from = format!("blast:1 stuck:{stuck}");
        let new =
            ["blast", "new", "--sender", "cloud", "--template", "hello_world", "--language", "en_US", "--from", &from];
        scene.run(&[&["--json"][..], &new].concat()).await
    };

    let (read, replied) = (made("read").await, made("replied").await);
    let follow_up =
        ["--json", "blast", "follow-up", "1", "--stuck-at", "read", "--template", "hello_world", "--language", "en_US"];
    let draft = scene.run(&follow_up).await;
    undecided(2).await;
    let plan = scene.run(&["--json", "blast", "plan", "4"]).await;

    assert!(read.out.contains("\"taken\":1,"), "the one who is stuck beyond doubt: {read:?}");
    assert!(replied.out.contains("\"taken\":1,"), "who replied has: {replied:?}");
    assert!(draft.out.contains("\"taken\":1}"), "{draft:?}");
    assert!(plan.out.contains("\"left_out\":{\"replied\":1}"), "{plan:?}");
}
