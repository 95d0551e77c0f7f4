//! Statuses and notices: in any order, any number of times, before their message is known and after.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scene::{InboxScene, envelope, failed, status, statuses, uncertain};
use crate::support::{eventually_async, long_form, measured};

#[tokio::test]
async fn a_thousand_statuses_three_times_and_shuffled_end_where_they_would_in_order() {
    let scene = InboxScene::sent(400).await;
    let mut items = Vec::new();
    for n in 1..=400 {
        for word in ["sent", "delivered", "read"] {
            if word == "read" && n % 2 == 0 {
                continue;
            }
            let mut item = status(n, word);
            item["pricing"] =
                json!({ "billable": true, "pricing_model": "PMP", "type": "regular", "category": "marketing" });
            items.push(item);
        }
    }
    let mut posts = Vec::new();
    for turn in 0..3 {
        let mut shuffled = items.clone();
        // A step that divides nothing walks through all of them in another order.
        shuffled
            .sort_by_key(|item| (item.to_string().len() * 7919 + item["id"].as_str().unwrap().len() * 31 + turn) % 97);
        shuffled.rotate_left(turn * 333);
        posts.extend(shuffled.chunks(500).map(statuses));
    }

    scene.receive_all(&posts).await;

    assert_eq!(scene.shop.count("read").await, 200);
    assert_eq!(scene.shop.count("delivered").await, 200);
    let priced = "select count(*) from message_pricing where is_delivered and category = 'marketing' and billable";
    assert_eq!(scene.shop.number(priced).await, 400, "each message once");
    assert_eq!(scene.shop.number("select count(*) from webhook_inbox where state <> 'applied'").await, 0);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn an_uncertain_send_is_settled_by_the_attempt_that_a_status_returns_and_learns_its_id() {
    let scene = InboxScene::with(3, "cloud", &uncertain(1)).await;
    scene.receive(statuses(&[status(1, "read")])).await;
    assert_eq!(scene.status(1).await, "uncertain", "an id that nobody knows settles nothing");
    assert_eq!(scene.shop.number("select count(*) from webhook_inbox where state = 'parked'").await, 1);
    let mut foreign = status(1, "delivered");
    foreign["biz_opaque_callback_data"] = json!("blastdeck:another-installation:1:1:1:1790000000123456");
    let mut of_another = status(2, "delivered");
    of_another["id"] = json!("wamid.9");
    of_another["biz_opaque_callback_data"] = json!(scene.callback(1).await);
    scene.receive(statuses(&[foreign, of_another])).await;
    assert_eq!(scene.status(1).await, "uncertain", "another installation's, or another person's");
    // Its next turn is far away: only the id that is learned can bring it forward.
    scene.shop.execute("update webhook_inbox set next_try_at = now() + interval '1 hour' where state = 'parked'").await;

    let mut ours = status(1, "sent");
    ours["biz_opaque_callback_data"] = json!(scene.callback(1).await);
    scene.receive(statuses(&[ours])).await;

    eventually_async("what waited is applied", async || scene.status(1).await == "read").await;
    assert_eq!(scene.text("select message_id from blast_recipients where id = 1").await.as_deref(), Some("wamid.1"));
    scene.shop.invariants().await;
}

#[tokio::test]
async fn an_id_that_is_known_names_its_message_whichever_attempt_comes_with_it() {
    let scene = InboxScene::sent(4).await;
    let with = |item: Value, callback: String| {
        let mut item = item;
        item["biz_opaque_callback_data"] = json!(callback);
        item
    };
    let own = with(status(1, "delivered"), scene.callback(1).await);
    let of_another = with(status(2, "read"), scene.callback(3).await);
    let foreign = "blastdeck:another-installation:1:4:1:1790000000123456".to_owned();
    let foreign = with(status(4, "read"), foreign);

    scene.receive(statuses(&[own, of_another, foreign])).await;

    let found = [scene.status(1).await, scene.status(2).await, scene.status(3).await, scene.status(4).await];
    assert_eq!(found, ["delivered", "read", "sent", "read"]);
    assert_eq!(scene.shop.number("select count(*) from webhook_inbox where state <> 'applied'").await, 0);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn an_attempt_of_another_sender_is_not_settled_by_a_status_that_returns_it() {
    let scene = InboxScene::with(1, "sales", &uncertain(1)).await;
    let mut of_another = status(1, "delivered");
    of_another["biz_opaque_callback_data"] = json!(scene.callback(1).await);

    scene.receive(statuses(&[of_another])).await;

    assert_eq!(scene.status(1).await, "uncertain", "the number that the status names is another sender's");
    assert_eq!(scene.shop.number("select count(*) from provider_message where message_id is not null").await, 0);
}

#[tokio::test]
async fn a_status_that_comes_before_the_answer_to_its_send_waits_for_it() {
    let hide = "update provider_message set message_id = null where recipient_id = 1";
    let scene = InboxScene::with(1, "cloud", hide).await;

    scene.receive(statuses(&[status(1, "delivered")])).await;
    assert_eq!(scene.status(1).await, "sent");
    let listed = scene.shop.json_lines(&["inbox", "list"]).await;
    assert_eq!((&listed[0]["state"], &listed[0]["open"]), (&json!("parked"), &json!(1)), "{listed:?}");
    scene.shop.execute("update provider_message set message_id = 'wamid.1' where recipient_id = 1").await;

    eventually_async("it is applied", async || scene.status(1).await == "delivered").await;
    assert_eq!(scene.shop.number("select count(*) from webhook_inbox where state = 'applied'").await, 1);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_message_stays_delivered_to_its_price_whatever_comes_in_one_request_with_that() {
    let scene = InboxScene::sent(1).await;
    let [delivered, sent] = ["delivered", "sent"].map(|word| {
        let mut item = status(1, word);
        item["pricing"] = json!({ "billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility" });
        item
    });

    scene.receive(statuses(&[delivered, sent])).await;

    assert_eq!(scene.shop.number("select count(*) from message_pricing where is_delivered").await, 1);
}

#[tokio::test]
async fn a_status_of_a_message_that_nobody_knows_is_given_up_after_a_day() {
    let scene = InboxScene::sent(1).await;
    scene.receive(statuses(&[status(9, "read")])).await;
    assert_eq!(scene.shop.number("select count(*) from webhook_inbox where state = 'parked'").await, 1);

    let of_yesterday = "update webhook_inbox set received_at = now() - interval '25 hours', next_try_at = now()";
    scene.shop.execute(of_yesterday).await;

    let given_up =
        "select count(*) from webhook_inbox where state = 'failed' and reason like 'given up after a day: %'";
    eventually_async("it is given up", async || scene.shop.number(given_up).await == 1).await;
}

#[tokio::test]
async fn what_failed_at_the_first_try_still_counts_once_the_rest_was_waited_for() {
    let hide = "update provider_message set message_id = null where recipient_id = 1";
    let scene = InboxScene::with(1, "cloud", hide).await;
    scene.receive(statuses(&[json!(7), status(1, "delivered")])).await;
    assert_eq!(scene.shop.number("select count(*) from webhook_inbox where state = 'parked'").await, 1);

    scene.shop.execute("update provider_message set message_id = 'wamid.1' where recipient_id = 1").await;

    eventually_async("the rest is applied", async || scene.status(1).await == "delivered").await;
    let failed = scene.shop.json_lines(&["inbox", "list", "--failed"]).await;
    assert_eq!((&failed[0]["state"], &failed[0]["failed"]), (&json!("failed"), &json!(1)), "{failed:?}");
}

#[tokio::test]
async fn failures_go_through_the_table_of_codes() {
    let scene = InboxScene::sent(4).await;

    scene.receive(statuses(&[failed(1, 131_026), failed(2, 131_050), failed(3, 131_049), failed(4, 999_999)])).await;

    let mut ends = Vec::new();
    for n in 1..=4 {
        ends.push(scene.status(n).await);
    }
    assert_eq!(ends, ["queued", "opted_out", "failed", "failed"], "131026 is tried again hours later");
    let suppressed = "select count(*) from suppressions where business = 'kedai' and phone_number = '+60100000002'";
    assert_eq!(scene.shop.number(suppressed).await, 1);
    assert_eq!(scene.text("select error_code from blast_recipients where id = 1").await.as_deref(), Some("131026"));
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_locked_account_stops_its_sender_and_no_code_of_a_single_message_does() {
    let scene = InboxScene::sent(3).await;
    let code = "select stopped_code from senders where name = 'cloud'";

    scene.receive(statuses(&[failed(1, 131_050), failed(2, 999_999)])).await;
    assert_eq!(scene.text(code).await, None);
    scene.receive(statuses(&[failed(3, 131_031)])).await;

    assert_eq!(scene.text(code).await.as_deref(), Some("131031"));
    assert_eq!(scene.status(3).await, "failed");
    scene.shop.invariants().await;
}

#[tokio::test]
async fn one_bad_item_spoils_no_other_and_a_replay_changes_nothing() {
    let scene = InboxScene::sent(3).await;
    let value = statuses(&[
        status(1, "delivered"),
        json!({ "status": "read" }),
        json!(7),
        status(2, "read"),
        status(3, "deleted"),
    ]);
    scene.receive(value).await;
    scene.receive(json!({ "field": "of_tomorrow", "anything": [1] })).await;
    scene.serve.meta("<html>").await;
    scene.until_applied().await;

    assert_eq!([scene.status(1).await, scene.status(2).await, scene.status(3).await], ["delivered", "read", "sent"]);
    let failed = scene.shop.json_lines(&["inbox", "list", "--failed"]).await;
    let failures: Vec<_> = failed.iter().map(|row| (row["state"].clone(), row["failed"].clone())).collect();
    assert_eq!(failures, [(json!("failed"), json!(1)), (json!("failed"), json!(2))], "{failed:?}");
    let facts = "select md5(string_agg(r::text, ' ' order by id)) from blast_recipients r";
    let (before, history) = (scene.text(facts).await, "select count(*) from status_history");
    let changes = scene.shop.number(history).await;

    for replay in [&["--failed"][..], &["--since", "1h"], &["1"]] {
        scene.shop.ok(&[&["inbox", "replay"], replay].concat()).await;
        scene.until_applied().await;
    }

    assert_eq!((scene.text(facts).await, scene.shop.number(history).await), (before, changes));
    assert_eq!(scene.shop.number("select count(*) from webhook_inbox where failed_items is not null").await, 2);
    assert_eq!(scene.shop.run(&["inbox", "replay", "99"]).await.code, 1);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_notice_about_a_template_pauses_its_blasts_once_and_one_about_the_account_stops_its_senders() {
    let sending =
        "update blasts set state = 'sending', template = '{\"name\":\"tour\",\"language\":{\"code\":\"en_US\"}}';
                   update blast_recipients set status = 'uncertain', standing = 'uncertain' where id = 1;
                   update status_history set new_status = 'uncertain' where recipient_id = 1";
    let scene = InboxScene::with(2, "cloud", sending).await;
    let template = |event: &str, language: &str| {
        json!({ "field": "message_template_status_update", "event": event, "message_template_id": 1,
                "message_template_name": "tour", "message_template_language": language, "reason": "quality" })
    };
    scene.receive(template("PAUSED", "ms")).await;
    scene.receive(template("APPROVED", "en-US")).await;
    assert_eq!(scene.shop.state("1").await, "sending", "another language, or good news");

    scene.receive(template("PAUSED", "en-US")).await;
    assert_eq!(scene.shop.state("1").await, "paused");
    let why = scene.text("select state_reason from blasts").await.unwrap();
    assert!(why.contains("tour (en_US)") && why.contains("PAUSED: quality"), "{why}");
    scene.shop.execute("update blasts set state = 'sending', state_reason = null").await;
    let again = envelope(&template("PAUSED", "en-US")).to_string() + " ";
    scene.serve.meta(again).await;
    scene.until_applied().await;
    assert_eq!(scene.shop.state("1").await, "sending", "whoever let it go on is not overruled by a copy");

    let restriction = json!([{ "restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING" }]);
    scene
        .receive(json!({ "field": "account_update", "event": "ACCOUNT_RESTRICTION", "restriction_info": restriction }))
        .await;
    let stopped = scene.text("select stopped_reason from senders where name = 'cloud'").await.unwrap();
    assert!(stopped.contains("RESTRICTED_BIZ_INITIATED_MESSAGING"), "{stopped}");
    assert_eq!(scene.shop.number("select count(*) from senders where stopped_at is not null").await, 1);
}

#[tokio::test]
async fn tens_of_thousands_of_statuses_are_applied_in_seconds() {
    let people = if long_form() { 20_000 } else { 2_000 };
    let scene = InboxScene::sent(people).await;
    scene.shop.execute("analyze").await;
    let mut posts = Vec::new();
    for word in ["sent", "delivered", "read"] {
        let items: Vec<_> = (1..=people).map(|n| status(n, word)).collect();
        posts.extend(items.chunks(1_000).map(|items| envelope(&statuses(items)).to_string()));
    }
    let began = Instant::now();

    for post in posts {
        assert_eq!(scene.serve.meta(post).await, reqwest::StatusCode::OK);
    }
    measured(&format!("{} statuses are durable", 3 * people), began.elapsed(), Duration::from_secs(10));
    eventually_async("all are read", async || scene.shop.count("read").await == i64::from(people)).await;

    measured(&format!("{} statuses are applied", 3 * people), began.elapsed(), Duration::from_secs(30));
    scene.shop.invariants().await;
}
