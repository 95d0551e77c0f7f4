//! What somebody writes of whom it is not known whether they have the message: whoever decides about them sees it.

use serde_json::json;

use super::scene::{InboxScene, OLD, blast_of, text, uncertain};
use crate::support::{digits, eventually_async};

/// Somebody uncertain wrote.
async fn wrote() -> InboxScene {
    let scene = InboxScene::with(1, "cloud", &format!("{}{OLD}", uncertain(1))).await;
    scene.receive(text(1, "wamid.in1", "Ok, I take three")).await;
    scene
}

/// It is decided what the reply answers, soon after it was decided about its writer, and it stays with their message.
async fn until_decided(scene: &InboxScene) {
    let decided = "select count(*) from replies where recipient_id = 1 and undecided_attempt is null";
    eventually_async("it is decided", async || scene.shop.number(decided).await == 1).await;
    assert_eq!(scene.shop.json_lines(&["replies", "1"]).await.len(), 1);
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

    let listed = shop.run(&["uncertain", "list", "1"]).await;
    assert!(listed.code == 0 && listed.err.contains("1 of them wrote since, maybe in answer to it."), "{listed:?}");
    let all = shop.run(&["uncertain", "resolve", "1", "all", "resend"]).await;
    assert!(all.code == 3 && all.err.contains("1 of them wrote since, maybe in answer to it."), "{all:?}");
    let one = shop.run(&["uncertain", "resolve", "1", &digits(1), "resend"]).await;
    assert!(one.code == 3 && one.err.contains("They wrote since, maybe in answer to it."), "{one:?}");
    // It waits for that alone.
    shop.execute("update webhook_inbox set next_try_at = now() + interval '1 hour' where state = 'parked'").await;
    shop.ok(&["uncertain", "resolve", "1", &digits(1), "sent"]).await;
    until_decided(&scene).await;
    eventually_async("they replied", async || scene.status(1).await == "replied").await;
    shop.ok(&["audit"]).await;
}

#[tokio::test]
async fn a_reply_that_had_to_wait_answers_nothing_that_went_meanwhile() {
    let scene = wrote().await;
    let later = format!(
        "insert into blasts (blast_tag, sender_id, message, template, state, total_recipients, launched_at, completed_at)
         select 'later', sender_id, message, template, 'completed', 1, now(), now() from blasts where id = 1;
         insert into blast_recipients (blast_id, phone_number, status, standing, attempt, message_id, sent_at, claimed_at)
         values (2, '+{}', 'sent', 'sent', 1, 'wamid.later', now(), now())",
        digits(1)
    );
    scene.shop.execute(&later).await;

    scene.shop.ok(&["uncertain", "resolve", "1", &digits(1), "drop"]).await;

    until_decided(&scene).await;
    assert_eq!(
        scene.shop.number("select count(*) from blast_recipients where blast_id = 2 and status = 'sent'").await,
        1
    );
}

/// Whoever had it sent once more has said that they did not have it when they wrote.
#[tokio::test]
async fn a_reply_before_the_message_was_sent_once_more_stays_with_it_and_marks_nobody() {
    for waits in [true, false] {
        let scene = wrote().await;
        let put_off =
            "update webhook_inbox set next_try_at = now() + interval '1 hour', waits_for = null where state = 'parked'";
        if waits {
            scene.shop.execute(put_off).await;
        }

        let again = scene.shop.run(&["uncertain", "resolve", "1", &digits(1), "resend", "--yes", "--json"]).await;
        assert!(again.code == 0 && again.err.contains("They wrote since, maybe in answer to it."), "{again:?}");
        assert!(again.out.contains(&format!("\"phone_number\":\"+{}\"", digits(1))), "{again:?}");
        if !waits {
            until_decided(&scene).await;
        }
        let sent = "update blast_recipients set status = 'sent', standing = 'sent', attempt = 2, message_id = 'wamid.2', sent_at = now();
             insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)
             values (1, 1, 2, 'queued', 'sent', 'send');
             update webhook_inbox set next_try_at = now() where state = 'parked'";
        scene.shop.execute(sent).await;

        until_decided(&scene).await;
        assert_eq!(scene.status(1).await, "sent", "{waits}");
    }
}

#[tokio::test]
async fn a_reply_of_somebody_who_is_uncertain_in_two_blasts_is_said_before_either_is_sent_once_more() {
    let second = blast_of("cloud", 2, 1).replace("'wamid.' || n", "'second.' || n");
    let both = format!("{second}{}{}{OLD}", uncertain(1), uncertain(2));
    let scene = InboxScene::with(1, "cloud", &both).await;
    scene.receive(text(1, "wamid.in1", "Ok, I take three")).await;

    for blast in ["1", "2"] {
        let asked = scene.shop.run(&["uncertain", "resolve", blast, &digits(1), "resend"]).await;
        assert!(asked.code == 3 && asked.err.contains("They wrote since, maybe in answer to it."), "{asked:?}");
    }
}

/// Nor is anything that a reply can answer older than thirty days, or of a blast that was deleted.
#[tokio::test]
async fn a_reply_answers_what_reached_its_writer_since_a_message_that_may_not_have_gone() {
    let second = blast_of("cloud", 2, 1).replace("'wamid.' || n", "'second.' || n");
    let third = blast_of("cloud", 3, 3).replace("'wamid.' || n", "'third.' || n");
    let stale = format!(
        "{}{}{OLD}
         update blast_recipients set claimed_at = now() - interval '40 days', changed_at = now() - interval '40 days' where id = 2;
         {second}{third}{} update blasts set deleted_at = now() where id = 3",
        uncertain(1),
        uncertain(2),
        [4, 5, 6].map(uncertain).concat()
    );
    let scene = InboxScene::with(2, "cloud", &stale).await;

    let written = [(1, "wamid.in1"), (2, "wamid.in2"), (3, "wamid.in3")].map(|(n, id)| text(n, id, "Ok, I take three"));
    scene.receive_all(&written).await;

    assert_eq!(scene.shop.number("select count(*) from webhook_inbox where state = 'parked'").await, 0);
    let answered = "select string_agg(coalesce(recipient_id::text, 'nobody'), ' ' order by phone_number) from replies";
    assert_eq!(scene.text(answered).await.as_deref(), Some("3 nobody nobody"));
    let statuses = "select string_agg(status::text, ' ' order by id) from blast_recipients where blast_id < 3";
    assert_eq!(scene.text(statuses).await.as_deref(), Some("uncertain uncertain replied"));
}

#[tokio::test]
async fn a_reply_of_somebody_who_is_left_out_stays_where_it_is() {
    let scene = wrote().await;
    let shop = &scene.shop;

    shop.ok(&["uncertain", "resolve", "1", &digits(1), "drop"]).await;

    until_decided(&scene).await;
    assert_eq!((scene.status(1).await.as_str(), shop.json_lines(&["replies", "1"]).await.len()), ("skipped", 1));
}

#[tokio::test]
async fn a_stop_of_somebody_uncertain_is_shown_with_their_message() {
    let scene = InboxScene::with(1, "cloud", &format!("{}{OLD}", uncertain(1))).await;

    scene.receive(text(1, "wamid.in1", "STOP")).await;

    let shop = &scene.shop;
    let replies = shop.json_lines(&["replies", "1"]).await;
    assert_eq!((replies.len(), &replies[0]["text"]), (1, &json!("STOP")));
    assert_eq!(shop.number("select count(*) from replies where recipient_id is null").await, 0);
    let again = shop.run(&["uncertain", "resolve", "1", &digits(1), "resend", "--yes"]).await;
    assert!(again.code == 3 && again.err.contains(" opted out: nothing goes to them"), "{again:?}");
    shop.ok(&["uncertain", "resolve", "1", &digits(1), "sent"]).await;
    assert_eq!(shop.json_lines(&["replies", "1"]).await.len(), 1);
    assert_eq!(shop.number("select count(*) from blast_recipients where opted_out_at is not null").await, 1);
    shop.ok(&["audit"]).await;
}

#[tokio::test]
async fn whoever_writes_something_undecided_gets_no_follow_up_that_was_launched_before() {
    let scene = InboxScene::sent(1).await;
    let later = format!(
        "insert into blasts (blast_tag, sender_id, message, template, state, total_recipients, launched_at, completed_at)
         select 'later', sender_id, message, template, 'completed', 1, now(), now() from blasts where id = 1;
         insert into blasts (blast_tag, sender_id, message, template, state, total_recipients, launched_at, follows_blast, follows_stage)
         select 'follow-up', sender_id, message, template, 'paused', 1, now(), 1, 'sent' from blasts where id = 1;
         insert into blast_recipients (blast_id, phone_number, status, standing, attempt, claimed_at)
         values (2, '+{0}', 'uncertain', 'uncertain', 1, now() - interval '10 seconds');
         insert into blast_recipients (blast_id, phone_number) values (3, '+{0}')",
        digits(1)
    );
    scene.shop.execute(&later).await;

    scene.receive(text(1, "wamid.in1", "Yes please")).await;

    let kept = "select count(*) from replies where undecided_attempt is not null";
    assert_eq!(scene.shop.number(kept).await, 1);
    let follow_up = "select status::text || ': ' || coalesce(reason, '') from blast_recipients where blast_id = 3";
    assert_eq!(scene.shop.text(follow_up).await, "skipped: replied since");
}
