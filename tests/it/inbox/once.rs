//! Every piece of news has its effect once, on the message that it is about, and in time.

use std::collections::HashSet;

use reqwest::StatusCode;
use serde_json::json;

use super::scene::{InboxScene, blast_of, status, statuses, text};
use crate::support::serve::{Serve, WEBHOOK_SECRET, senders};
use crate::support::{Setup, Shop, digits, eventually_async};

/// The database refuses to change people at first, as in a deadlock: what is marked applied before its effect is lost then.
#[tokio::test]
async fn what_could_not_be_applied_stays_due_until_it_is() {
    let scene = InboxScene::sent(2).await;
    scene
        .shop
        .execute(
            "create sequence refusals;
             create function refuse() returns trigger language plpgsql as $$
             begin
                 if nextval('refusals') <= 3 then
                     raise exception 'not now' using errcode = 'serialization_failure';
                 end if;
                 return new;
             end $$;
             create trigger refuse before update on blast_recipients for each row execute function refuse();",
        )
        .await;

    let both = statuses(&[status(1, "delivered"), status(2, "read")]);
    assert_eq!(scene.serve.meta(super::scene::envelope(&both).to_string()).await, StatusCode::OK);

    eventually_async("both are applied", async || {
        scene.status(1).await == "delivered" && scene.status(2).await == "read"
    })
    .await;
    assert!(scene.shop.number("select last_value from refusals").await > 3, "it was refused before");
    scene.shop.invariants().await;
}

/// The person of both messages is the same, and so is their number in the status.
#[tokio::test]
async fn a_status_moves_the_message_with_its_id_and_no_other_of_that_person() {
    let later = blast_of("cloud", 2, 2).replace("'wamid.'", "'wamid.later.'");
    let scene = InboxScene::with(2, "cloud", &later).await;
    let mut of_later = status(2, "delivered");
    of_later["id"] = json!("wamid.later.2");

    scene.receive(statuses(&[status(1, "read"), of_later])).await;

    let of: Vec<(i64, String, String)> = sqlx::query_as(
        "select blast_id, phone_number, status::text from blast_recipients order by blast_id, phone_number",
    )
    .fetch_all(&scene.shop.database.pool)
    .await
    .unwrap();
    let expected = [(1, 1, "read"), (1, 2, "sent"), (2, 1, "sent"), (2, 2, "delivered")];
    assert_eq!(of, expected.map(|(blast, n, status)| (blast, format!("+{}", digits(n)), status.to_owned())));
    scene.shop.invariants().await;
}

/// Eight POSTs are in flight; two people more are claimed, and wait for one of those to end.
#[tokio::test]
async fn a_stop_keeps_back_who_is_claimed_already_and_not_yet_posted_to() {
    let shop = Shop::open(Setup { sim: &["--latency", "4s", "--speed", "6000"], ..Setup::default() }).await;
    let config = senders(shop.sim.base_url()).replace("rate = \"unlimited\"", "rate = \"unlimited\"\nin_flight = 8");
    shop.write("config.toml", config);
    let serve = Serve::start(&shop, &[]).await;
    let blast = shop.blast(1..13).await;
    shop.until_posts(8).await;
    let sending = "select string_agg(phone_number, ' ') from blast_recipients r where current_status(r) = 'sending'";
    let claimed: String = sqlx::query_scalar(sending).fetch_one(&shop.database.pool).await.unwrap();
    let posted: HashSet<String> = shop.sim.posts().await.into_iter().map(|post| format!("+{}", post.phone)).collect();
    let waiting: Vec<&str> = claimed.split(' ').filter(|phone| !posted.contains(*phone)).collect();
    let [stops, ..] = waiting[..] else { panic!("somebody waits for a POST to end: {claimed}") };
    let from = format!("{}@c.us", stops.trim_start_matches('+'));
    let stop = json!({ "type": "text", "message": "STOP", "from": from, "timestamp": chrono::Utc::now().timestamp() });

    assert_eq!(serve.post(&format!("/api/webhook/wsapme/{WEBHOOK_SECRET}"), stop.to_string()).await, StatusCode::OK);
    let noted = format!("select count(*) from suppressions where phone_number = '{stops}'");
    eventually_async("the stop is noted", async || shop.number(&noted).await == 1).await;
    let is_too_late = shop.sim.posts().await.iter().any(|post| stops.ends_with(&post.phone));
    shop.until_state(&blast, "completed").await;

    assert!(!is_too_late, "the machine was too slow for this test: the eight had ended");
    let posts = shop.sim.posts().await;
    assert_eq!(posts.len(), 11);
    assert!(!posts.iter().any(|post| stops.ends_with(&post.phone)), "{stops} had written STOP");
    assert_eq!(shop.count("opted_out").await, 1);
    shop.promises().await;
    serve.stop().await;
}

#[tokio::test]
async fn a_day_that_is_replayed_changes_nothing() {
    let scene = InboxScene::with(5, "cloud", &blast_of("sales", 2, 1).replace("'wamid.'", "'3EB0.'")).await;
    let at = chrono::Utc::now().timestamp();
    let priced = |n: u32, word: &str| {
        let mut item = status(n, word);
        item["pricing"] =
            json!({ "billable": true, "pricing_model": "PMP", "type": "regular", "category": "marketing" });
        item["recipient_user_id"] = json!(format!("MY.person{n}"));
        item
    };
    let wish = json!({ "user_preferences": [
        { "wa_id": digits(4), "category": "marketing_messages", "value": "stop", "timestamp": at }] });
    let template = json!({ "field": "message_template_status_update", "event": "PAUSED", "message_template_id": 1,
                           "message_template_name": "tour", "message_template_language": "en_US", "reason": "quality" });
    scene
        .receive_all(&[
            statuses(&[priced(1, "sent"), priced(1, "delivered"), priced(2, "read"), super::scene::failed(5, 131_026)]),
            text(1, "wamid.in1", "Hello"),
            text(2, "wamid.in2", "STOP"),
            wish,
            template,
        ])
        .await;
    let hello = json!({ "type": "text", "message": "Salam", "from": format!("{}@c.us", digits(1)), "timestamp": at });
    scene.receive_wsapme(hello).await;
    scene.receive_wsapme(json!({ "data": [{ "messageId": "3EB0.1", "status": "READ" }] })).await;
    assert_eq!(scene.shop.number("select count(*) from replies").await, 3);
    let before = scene.facts().await;

    for _ in 0..2 {
        scene.shop.ok(&["inbox", "replay", "--since", "1h"]).await;
        scene.until_applied().await;
    }

    assert_eq!(scene.facts().await, before);
    assert_eq!(scene.shop.number("select count(*) from webhook_inbox where tries < 1").await, 0, "all were read again");
    scene.shop.invariants().await;
}
