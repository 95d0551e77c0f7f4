//! Webhooks that would have us believe the wrong thing: of an attempt that has another message, of people whose ids were given
//! again after a restore, dated ahead, or without a name.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::scene::{InboxScene, envelope, failed, status, statuses, text, uncertain};
use crate::support::{digits, eventually_async};

fn suppressed(n: u32) -> String {
    format!("select count(*) from suppressions where business = 'kedai' and phone_number = '+{}'", digits(n))
}

/// A status that names the attempt of person 1 under an id of its own.
async fn under_another_id(scene: &InboxScene, mut item: Value, id: &str) -> Value {
    item["id"] = json!(id);
    item["biz_opaque_callback_data"] = json!(scene.callback(1).await);
    item
}

#[tokio::test]
async fn a_failure_under_another_id_lowers_nobody_whose_message_is_known() {
    let scene = InboxScene::sent(1).await;
    let failure = under_another_id(&scene, failed(1, 131_026), "wamid.other").await;

    scene.receive(statuses(&[failure])).await;

    assert_eq!((scene.status(1).await.as_str(), scene.shop.state("1").await.as_str()), ("sent", "completed"));
    assert_eq!(scene.shop.number("select count(*) from webhook_inbox where state = 'parked'").await, 1);
    scene.receive(statuses(&[status(1, "read")])).await;
    assert_eq!(scene.status(1).await, "read", "its own id counts");
    scene.shop.invariants().await;
}

#[tokio::test]
async fn of_two_ids_for_one_uncertain_attempt_the_first_is_learned_and_the_other_counts_for_nothing() {
    let scene = InboxScene::with(1, "cloud", &uncertain(1)).await;
    let taught = under_another_id(&scene, status(1, "delivered"), "wamid.first").await;
    let failure = under_another_id(&scene, failed(1, 131_026), "wamid.second").await;

    scene.receive(statuses(&[taught, failure])).await;

    assert_eq!(scene.status(1).await, "delivered");
    let ids =
        "select string_agg(message_id, ' ') from provider_message where recipient_id = 1 and message_id is not null";
    assert_eq!(scene.text(ids).await.as_deref(), Some("wamid.first"));
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_status_of_what_a_restore_took_away_is_nobodys_though_its_ids_were_given_again() {
    let scene = InboxScene::with(1, "cloud", &uncertain(1)).await;
    let mut late = under_another_id(&scene, failed(1, 131_026), "wamid.before").await;
    late["recipient_user_id"] = json!("MY.somebody");
    late.as_object_mut().unwrap().remove("recipient_id");
    // The backup is older than that attempt: the one with its ids is of somebody else, and later.
    let given_again = "update provider_message set claimed_at = claimed_at + interval '1 hour';
                       update blast_recipients set reason = 'a test' where id = 1";
    scene.shop.execute(given_again).await;

    scene.receive(statuses(&[late])).await;

    assert_eq!(scene.status(1).await, "uncertain");
    assert_eq!(scene.shop.number("select count(*) from user_ids").await, 0, "no id of a stranger is learned as theirs");
    assert_eq!(scene.shop.number("select count(*) from provider_message where message_id is not null").await, 0);
    assert_eq!(scene.text("select state from webhook_inbox").await.as_deref(), Some("applied"));
    scene.shop.invariants().await;
}

#[tokio::test]
async fn an_opt_out_among_several_errors_is_one_wherever_it_stands() {
    let scene = InboxScene::sent(1).await;
    let mut failure = failed(1, 131_026);
    failure["errors"].as_array_mut().unwrap().push(json!({ "code": 131_050, "title": "User has stopped marketing" }));

    scene.receive(statuses(&[failure])).await;

    assert_eq!(scene.status(1).await, "opted_out");
    assert_eq!(scene.shop.number(&suppressed(1)).await, 1);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_wish_that_is_dated_ahead_does_not_silence_a_later_stop() {
    let scene = InboxScene::sent(1).await;
    let tomorrow = chrono::Utc::now().timestamp() + 20 * 3600;
    let resume = json!({ "user_preferences": [
        { "wa_id": digits(1), "category": "marketing_messages", "value": "resume", "timestamp": tomorrow }] });
    scene.receive(resume).await;
    // Meta's times are of whole seconds.
    scene.shop.execute("update marketing_wishes set at = at - interval '2 seconds'").await;

    scene.receive(text(1, "wamid.in1", "STOP")).await;

    assert_eq!(scene.shop.number(&suppressed(1)).await, 1);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_stop_of_a_linked_phones_chat_without_a_number_asks_the_operator_and_is_claimed_as_no_opt_out() {
    let scene = InboxScene::sent(1).await;
    let stop = |beside: Value| {
        let key = json!({ "remoteJid": "123456789012345@lid", "fromMe": false, "senderPn": beside });
        json!({ "key": key, "message": { "conversation": "STOP" } })
    };

    scene.receive_wsapme(stop(Value::Null)).await;

    let reasons = "select reason from webhook_inbox where failed_items is not null";
    eventually_async("it is among what failed", async || {
        scene.shop.number("select count(*) from webhook_inbox where failed_items is not null").await == 1
    })
    .await;
    let why = scene.text(reasons).await.unwrap();
    assert!(why.contains("suppress add"), "{why}");
    let listed = scene.shop.json_lines(&["replies"]).await;
    assert_eq!((&listed[0]["text"], &listed[0]["is_opt_out"]), (&json!("STOP"), &json!(false)), "kept, and no opt-out");
    let table = scene.shop.ok(&["replies"]).await;
    assert!(!table.contains("opts out") && table.contains("asks to stop"), "{table}");

    scene.receive_wsapme(stop(json!(format!("{}@s.whatsapp.net", digits(1))))).await;

    assert_eq!(scene.shop.number(&suppressed(1)).await, 1, "the number that stands beside it is theirs");
}

#[tokio::test]
async fn a_stop_whose_message_has_no_readable_id_is_kept_and_once() {
    let scene = InboxScene::sent(4).await;
    let mut stops: Vec<Value> = (1..=4).map(|n| text(n, "", "STOP")).collect();
    stops[0]["messages"][0].as_object_mut().unwrap().remove("id");
    stops[2]["messages"][0]["id"] = json!("wamid.\0");
    stops[3]["messages"][0]["id"] = json!("x".repeat(5_000));

    scene.receive_all(&stops).await;
    let mut again = envelope(&stops[0]);
    again["entry"][0]["time"] = json!(1_790_000_001);
    assert_eq!(scene.serve.meta(again.to_string()).await, StatusCode::OK);
    scene.until_applied().await;

    for n in 1..=4 {
        assert_eq!(scene.shop.number(&suppressed(n)).await, 1, "person {n}");
    }
    assert_eq!(scene.shop.number("select count(*) from replies").await, 4);
    assert_eq!(scene.shop.number("select count(*) from webhook_inbox where failed_items is not null").await, 0);
}

#[tokio::test]
async fn a_stop_to_another_number_of_the_account_holds_for_its_business() {
    let scene = InboxScene::sent(3).await;
    let wish = json!({ "user_preferences": [{ "wa_id": digits(2), "category": "marketing_messages", "value": "stop",
                                              "timestamp": chrono::Utc::now().timestamp() }] });
    for value in [text(1, "wamid.in1", "STOP"), wish, text(3, "wamid.in3", "Hello")] {
        let mut body = envelope(&value);
        body["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = json!("777777777777777");
        assert_eq!(scene.serve.meta(body.to_string()).await, StatusCode::OK);
    }
    scene.until_applied().await;

    assert_eq!((scene.shop.number(&suppressed(1)).await, scene.shop.number(&suppressed(2)).await), (1, 1));
    assert_eq!(scene.shop.number("select count(*) from suppressions").await, 2);
    assert_eq!(scene.shop.number("select count(*) from replies").await, 0, "what is written to it is not ours");
}

#[tokio::test]
async fn an_opt_out_follows_its_person_to_another_number() {
    let scene = InboxScene::sent(4).await;
    scene.receive(text(1, "wamid.in1", "STOP")).await;
    let moved = |from: u32, to: u32| {
        let at = chrono::Utc::now().timestamp().to_string();
        json!({ "messages": [{ "from": digits(from), "id": format!("wamid.moved{from}"), "timestamp": at, "type": "system",
                               "system": { "type": "user_changed_number", "wa_id": digits(to),
                                           "body": "User changed their number" } }] })
    };

    scene.receive_all(&[moved(1, 2), moved(3, 4)]).await;

    let held = [1, 2, 3, 4].map(suppressed);
    let mut counts = Vec::new();
    for query in &held {
        counts.push(scene.shop.number(query).await);
    }
    assert_eq!(counts, [1, 1, 0, 0], "of whoever did not opt out, neither number");
    let notices = scene.shop.ok(&["notices"]).await;
    let (before, now) = (digits(3), digits(4));
    let (moved, merge) =
        (format!("+{before} is +{now} now: `"), format!(" customer merge +{before} +{now}` makes them one customer"));
    assert!(notices.contains(&moved) && notices.contains(&merge), "{notices}");
    let config = format!("blastdeck --config '{}'", scene.shop.path("config.toml").display());
    let read = scene.shop.json_lines(&["notices"]).await;
    for words in [notices.as_str(), read[0]["words"].as_str().unwrap()] {
        assert!(words.contains(&config), "it is for this database: {words}");
    }
    scene.shop.ok(&["customer", "merge", &digits(3), &digits(4)]).await;
    scene.shop.invariants().await;
}

#[tokio::test]
async fn what_an_operator_set_follows_its_person_to_another_number_until_one_allows_it_again() {
    let scene = InboxScene::sent(4).await;
    scene.shop.ok(&["suppress", "add", &digits(1), "--business", "kedai", "--reason", "by letter"]).await;
    scene.shop.ok(&["suppress", "add", &digits(2)]).await;
    let moved = |from: u32, to: u32| {
        let at = chrono::Utc::now().timestamp().to_string();
        json!({ "messages": [{ "from": digits(from), "id": format!("wamid.moved{from}"), "timestamp": at, "type": "system",
                               "system": { "type": "user_changed_number", "wa_id": digits(to),
                                           "body": "User changed their number" } }] })
    };

    scene.receive_all(&[moved(1, 3), moved(2, 4)]).await;

    let words =
        "select string_agg(business || ' ' || source || ' ' || created_by || ' ' || reason, '; ' order by phone_number)
                   from suppressions where phone_number in ('+60100000003', '+60100000004')";
    assert_eq!(
        scene.text(words).await.unwrap(),
        "kedai operator aina suppressed as +60100000001 (by letter), and they have this number now; \
         * operator aina suppressed as +60100000002, and they have this number now"
    );
    scene.shop.ok(&["suppress", "remove", &digits(3), "--business", "kedai"]).await;
    scene.shop.execute("update webhook_inbox set state = 'new', open_items = null, next_try_at = now()").await;
    scene.until_applied().await;
    assert_eq!(scene.shop.number(&suppressed(3)).await, 0, "a replay does not overrule the operator");
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_stop_that_no_reply_carries_counts_for_the_newest_message_that_reached_them() {
    let scene = InboxScene::sent(3).await;
    let wish = json!({ "user_preferences": [{ "wa_id": digits(1), "category": "marketing_messages", "value": "stop",
                                              "timestamp": chrono::Utc::now().timestamp() }] });
    scene.receive(wish).await;
    scene.shop.ok(&["suppress", "add", &digits(2), "--business", "kedai"]).await;

    let report = scene.shop.json(&["blast", "report", "1"]).await;

    assert_eq!((&report["opted_out_later"], &report["counts"]["sent"]), (&json!(2), &json!(3)), "{report}");
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_word_of_the_gateways_that_nobody_knows_is_kept_beside_the_stage() {
    let scene = InboxScene::with(1, "sales", "").await;

    scene.receive_wsapme(json!({ "messageId": "wamid.1", "status": "TELEPORTED" })).await;

    let kept = "select status::text || ' ' || provider_status from blast_recipients";
    assert_eq!(scene.text(kept).await.as_deref(), Some("sent TELEPORTED"));
    scene.shop.invariants().await;
}
