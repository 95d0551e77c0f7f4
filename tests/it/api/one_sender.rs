//! A token of one sender, where several clients share a database: nothing of another client's is read, named or taken back by it.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Api, ApiAnswer, said};
use super::{client, client_with, served};
use crate::inbox::blast_of;
use crate::support::{PATIENCE, Shop, digits};

#[tokio::test]
async fn an_undo_takes_back_the_acts_of_its_own_token_whatever_that_is_named() {
    let (shop, serve) = served().await;
    let all = client(&shop, &serve, "write").await;
    let made =
        all.post("/api/blasts", json!({ "message": "Hi", "sender": "sales", "recipients": [digits(0), digits(1)] }));
    let path = format!("/api/blasts/{}", made.await.expect(201).body["id"]);
    let people: Vec<Value> = all.get(&path).await.body["recipients"].as_array().unwrap().clone();
    let opt_out = async |api: &Api, person: &Value| {
        let path = format!("/api/recipients/{}", person["id"]);
        api.patch(&path, json!({ "status": "opted_out" })).await.expect(200);
    };

    // One that was revoked, whose name another client's has now; and an operator's name.
    let till = client_with(&shop, &serve, &["till", "--scope", "write", "--sender", "sales"]).await;
    opt_out(&till, &people[0]).await;
    shop.ok(&["token", "revoke", "till"]).await;
    shop.ok(&["mark", "1", &digits(1), "opt-out"]).await;
    for name in ["till", "aina"] {
        let other = client_with(&shop, &serve, &[name, "--scope", "write", "--sender", "cloud"]).await;
        let refused = other.post("/api/undo", json!({})).await.expect(409);
        assert_eq!(refused.body["detail"], "there is nothing of yours to take back", "{name}");
    }
    assert_eq!(shop.number("select count(*) from suppressions").await, 2);

    // Its own act it takes back, and so does the operator.
    shop.ok(&["mark", "1", &digits(1), "undo"]).await;
    let own = client_with(&shop, &serve, &["own", "--scope", "write", "--sender", "sales"]).await;
    opt_out(&own, &people[1]).await;
    own.post("/api/undo", json!({})).await.expect(200);
    assert_eq!(shop.number("select count(*) from suppressions").await, 1);
    serve.stop().await;
}

#[tokio::test]
async fn people_are_named_by_the_blasts_of_its_sender_alone() {
    let (shop, serve) = served().await;
    let all = client(&shop, &serve, "write").await;
    let new = |sender: &str, recipients: Value| json!({ "message": "Hi", "sender": sender, "recipients": recipients });
    all.post("/api/blasts", new("sales", json!([digits(0)]))).await.expect(201);
    all.post("/api/blasts", new("cloud", json!([digits(1)]))).await.expect(201);
    let list = shop.write("vip.csv", format!("phone,name\n{},Siti\n", digits(0)));
    shop.ok(&["list", "save", "vip", list.to_str().unwrap()]).await;
    shop.ok(&["customer", "tag", &digits(0), "gold"]).await;
    let cloud = client_with(&shop, &serve, &["cloud", "--scope", "write", "--sender", "cloud"]).await;

    let new_from = |from: &str| json!({ "message": "Hi", "from": from, "sender": "cloud" });
    for from in ["list:vip", "tag:gold", "-tag:gold blast:2", "blast:1", "blast:2,1 stuck:sent", "blast:2 list:vip"] {
        let own = json!({ "message": "Hi", "from": from });
        for (path, body) in [("/api/blasts", new_from(from)), ("/api/blasts/2/follow-up", own)] {
            let refused = cloud.post(path, body).await.expect(422);
            assert_eq!(refused.fields(), ["from"], "{from}");
            assert!(!refused.body.to_string().contains("Siti"), "{refused:?}");
        }
    }
    for q in ["tag:gold", "-list:vip"] {
        for path in ["recipients", "export"] {
            let refused = cloud.get(&format!("/api/blasts/2/{path}?q={q}")).await.expect(422);
            assert_eq!(refused.fields(), ["q"], "{q}");
        }
    }
    // Its own are named, and the operator names all.
    cloud.post("/api/blasts", new_from("blast:2")).await.expect(201);
    all.post("/api/blasts", new_from("list:vip")).await.expect(201);
    serve.stop().await;
}

#[tokio::test]
async fn it_sees_the_opt_outs_from_every_business_and_lifts_none() {
    let (shop, serve) = served().await;
    let all = client(&shop, &serve, "write").await;
    let cloud = client_with(&shop, &serve, &["cloud", "--scope", "admin", "--sender", "cloud"]).await;
    all.post("/api/suppressions", json!({ "phone_number": digits(0) })).await.expect(200);

    let listed = cloud.get(&format!("/api/suppressions?phone_number={}", digits(0))).await.expect(200);
    assert_eq!(listed.body["suppressions"][0]["business"], "*");
    let lifted = cloud.request(Method::DELETE, "/api/suppressions").json(&json!({ "phone_number": digits(0) }));
    let refused = said(lifted).await.expect(404);
    let why = refused.body["detail"].as_str().unwrap();
    assert!(why.ends_with("but for `*`: a token of one sender does not lift that"), "{why}");

    // A name that another client's token has is no more than taken.
    shop.ok(&["token", "new", "till", "--scope", "read"]).await;
    let taken = cloud.post("/api/tokens", json!({ "name": "till", "scope": "read", "sender": "cloud" })).await;
    assert_eq!(taken.expect(409).body["detail"], "the name till is taken: choose another");
    serve.stop().await;
}

/// What blasts of the other client's are called here.
const OTHERS: &str = "Secret";

/// What the ids of the other client's blasts begin with: no other number in an answer has these digits.
const OTHERS_ID: &str = "987654";

/// The other client's blast of this number, as [`others_next`] gives them.
fn others(n: u32) -> u32 {
    format!("{OTHERS_ID}{n:03}").parse().unwrap()
}

/// Has the next blast be the other client's of this number.
async fn others_next(shop: &Shop, n: u32) {
    next_blast(shop, others(n)).await;
}

async fn next_blast(shop: &Shop, id: u32) {
    shop.execute(&format!("alter table blasts alter column id restart with {id}")).await;
}

/// Nothing of blasts of the other client's is in an answer: neither their ids, under whatever name, nor what they are called.
#[track_caller]
fn assert_nothing_of_others(answer: &ApiAnswer) {
    let text = answer.body.to_string();
    for named in [OTHERS_ID, OTHERS, "sender sales", ":\"sales\""] {
        assert!(!text.contains(named), "{named}: {answer:?}");
    }
}

/// The person with this number in a blast, as a call is about them.
async fn person(api: &Api, blast: u32, number: u32) -> String {
    let people = api.get(&format!("/api/blasts/{blast}/recipients?q={}", digits(number))).await.expect(200).body;
    format!("/api/recipients/{}", people["recipients"][0]["id"])
}

/// What an opt-out takes out of blasts it takes out of those of all senders of the business, and so it is with what lifts it.
#[tokio::test]
async fn an_opt_out_that_is_lifted_or_taken_back_says_nothing_of_blasts_of_other_senders() {
    let (shop, serve) = served().await;
    others_next(&shop, 1).await;
    shop.execute(&blast_of("sales", others(1), 1)).await;
    shop.execute(&format!("update blasts set blast_tag = '{OTHERS} sent'")).await;
    let all = client(&shop, &serve, "write").await;
    let cloud = client_with(&shop, &serve, &["cloud", "--scope", "write", "--sender", "cloud"]).await;
    let make = async |sender: &str, tag: String| {
        let people = [digits(0), digits(1)];
        let new = json!({ "message": "Hi", "sender": sender, "blast_tag": tag, "recipients": people });
        all.post("/api/blasts", new).await.expect(201);
    };
    make("sales", format!("{OTHERS} draft")).await;
    next_blast(&shop, 1).await;
    make("cloud", "Own".to_owned()).await;
    others_next(&shop, 3).await;
    make("sales", format!("{OTHERS} that is over")).await;
    make("sales", format!("{OTHERS} that goes on")).await;
    all.post("/api/suppressions", json!({ "phone_number": digits(0), "business": "kedai" })).await.expect(200);
    shop.execute(&format!(
        "update blasts set state = 'completed' where id = {};
         update blasts set state = 'paused', launched_at = now() where id = {}",
        others(3),
        others(4)
    ))
    .await;

    let lift = cloud.request(Method::DELETE, "/api/suppressions").json(&json!({ "phone_number": digits(0) }));
    let lifted = said(lift).await.expect(200);
    assert_nothing_of_others(&lifted);
    let named = ["queued_in", "left_out_of", "over"].map(|field| lifted.body[field].clone());
    assert_eq!(named, [json!([1]), json!([]), json!([])]);
    let back =
        format!("select count(*) from blast_recipients where blast_id in (1, {}) and status = 'queued'", others(2));
    assert_eq!(shop.number(&back).await, 4, "they are back in the draft of the other sender as well");

    let own = person(&cloud, 1, 0).await;
    cloud.patch(&own, json!({ "status": "opted_out" })).await.expect(200);
    let undone = cloud.patch(&own, json!({ "status": "undo" })).await.expect(200);
    assert_nothing_of_others(&undone);
    cloud.patch(&own, json!({ "status": "opted_out" })).await.expect(200);
    let undone = cloud.post("/api/undo", json!({})).await.expect(200);
    assert_nothing_of_others(&undone);
    assert_eq!(shop.number(&back).await, 4);

    // A mark of the other sender's holds still.
    cloud.patch(&person(&cloud, 1, 1).await, json!({ "status": "opted_out" })).await.expect(200);
    all.patch(&person(&all, others(1), 1).await, json!({ "status": "opted_out" })).await.expect(200);
    let held = cloud.post("/api/undo", json!({})).await.expect(200);
    assert_nothing_of_others(&held);
    let still = &held.body["still_suppressed"][0];
    assert_eq!((&still["business"], &still["marked_in"]), (&json!("kedai"), &Value::Null), "{held:?}");
    let why = held.body["undone"].as_str().unwrap();
    assert!(why.ends_with("`DELETE /api/suppressions` lifts that"), "{why}");
    serve.stop().await;
}

#[tokio::test]
async fn an_answer_or_an_order_that_is_taken_back_says_nothing_of_follow_ups_of_other_senders() {
    let (shop, serve) = served().await;
    shop.execute(&blast_of("cloud", 1, 4)).await;
    shop.execute(
        "update blast_recipients set status = 'read', standing = 'read', read_timestamp = now() - interval '1 hour'",
    )
    .await;
    others_next(&shop, 1).await;
    let all = client(&shop, &serve, "write").await;
    let cloud = client_with(&shop, &serve, &["cloud", "--scope", "admin", "--sender", "cloud"]).await;
    let follow_up = json!({ "stuck_at": "read", "sender": "sales", "blast_tag": OTHERS, "message": "Still there?" });
    let made = all.post("/api/blasts/1/follow-up", follow_up).await.expect(201);
    assert_eq!(made.body["id"], others(1));
    all.post(&format!("/api/blasts/{}/send", others(1)), json!({ "expect_recipients": 4 })).await.expect(200);
    let order = async |api: &Api, id: u32, number: u32| {
        let items = json!([{ "sku": "teh", "quantity": 1, "price": "2.50" }]);
        let order = json!({ "campaignId": "1", "phoneNumber": digits(number), "items": items });
        api.post("/api/whatsapp/orders", order).await.expect(201);
        let cancel = json!({ "status": "cancelled" });
        api.patch(&format!("/api/whatsapp/orders/{id}"), cancel).await.expect(200)
    };

    let cancelled = order(&cloud, 1, 1).await;
    let own = person(&cloud, 1, 2).await;
    cloud.patch(&own, json!({ "status": "replied" })).await.expect(200);
    let undone = cloud.patch(&own, json!({ "status": "undo" })).await.expect(200);
    let kept = cloud.delete("/api/blasts/1").await.expect(409);
    let said_to_all = order(&all, 2, 3).await;

    for answer in [&cancelled, &undone, &kept] {
        assert_nothing_of_others(answer);
    }
    assert_eq!(cancelled.body.get("leftOut"), None);
    let why = kept.body["detail"].as_str().unwrap();
    assert!(why.starts_with("a blast of another sender follows it and is not over"), "{why}");
    let left_out = said_to_all.body["leftOut"].as_str().unwrap();
    let follow_up = format!("still left out of {OTHERS}, Follow-up 1 (blast {})", others(1));
    assert!(left_out.starts_with(&follow_up), "{left_out}");
    for path in [
        "/api/blasts",
        "/api/blasts/1",
        "/api/blasts/1/plan",
        "/api/blasts/1/report",
        "/api/blasts/1/stats",
        "/api/blasts/1/steps",
        "/api/blasts/1/recipients",
        "/api/blasts/1/stuck-recipients",
        "/api/recipients?q=60100",
        &own,
        &format!("{own}/history"),
        "/api/whatsapp/orders",
        "/api/whatsapp/carts",
        "/api/whatsapp/messages?campaignId=1",
        "/api/schedules",
        "/api/senders",
        "/api/suppressions",
        "/api/tokens",
        "/api/shares",
    ] {
        assert_nothing_of_others(&cloud.get(path).await.expect(200));
    }
    serve.stop().await;
}

#[tokio::test]
async fn an_export_ends_with_its_token() {
    let (shop, serve) = served().await;
    shop.draft(0..1).await;
    shop.execute(
        "insert into blast_recipients (blast_id, phone_number, name)
         select 1, '+6019' || lpad(n::text, 8, '0'), repeat('Siti ', 10) from generate_series(1, 120000) n",
    )
    .await;
    let api = client_with(&shop, &serve, &["exp", "--scope", "read"]).await;

    let mut answer = api.request(Method::GET, "/api/blasts/1/export?format=jsonl").send().await.unwrap();
    assert!(answer.chunk().await.unwrap().is_some());
    shop.ok(&["token", "revoke", "exp"]).await;
    let since = Instant::now();
    let ended = loop {
        assert!(since.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(10)).await;
        match answer.chunk().await {
            Ok(Some(_)) => {}
            ended => break ended,
        }
    };

    assert!(ended.is_err(), "it was sent to its end");
    serve.stop().await;
}
