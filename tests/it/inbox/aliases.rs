//! People whom WhatsApp knows by another number than the list has, as after a renumbering: what they ask for holds for both.

use serde_json::{Value, json};

use super::scene::{InboxScene, status, statuses, text, uncertain};
use super::stopping::{next_blast, wish};
use crate::support::graph::FakeGraph;
use crate::support::serve::senders;
use crate::support::{Setup, Shop, digits};

/// The number by which WhatsApp knows person 1.
const ELSEWHERE: u32 = 777_777;
const USER_ID: &str = "MY.person1";

/// A status of person 1's message, as of the number by which WhatsApp knows them.
fn delivered_elsewhere() -> Value {
    let mut delivered = status(1, "delivered");
    delivered["recipient_id"] = json!(digits(ELSEWHERE));
    delivered
}

/// A paused blast to person 1 and another is to come.
async fn scene() -> InboxScene {
    InboxScene::with(1, "cloud", &next_blast(2)).await
}

async fn suppressed(scene: &InboxScene) -> Vec<String> {
    let phones = sqlx::query_scalar("select phone_number from suppressions where business = 'kedai' order by 1");
    phones.fetch_all(&scene.shop.database.pool).await.unwrap()
}

fn both() -> [String; 2] {
    [1, ELSEWHERE].map(|n| format!("+{}", digits(n)))
}

async fn next(scene: &InboxScene) -> Option<String> {
    scene.text("select current_status(r)::text from blast_recipients r where blast_id = 2 order by id limit 1").await
}

#[tokio::test]
async fn an_answer_that_names_another_number_is_kept_with_both_as_they_are_dialled() {
    let graph = FakeGraph::knowing(|to| to.replace("6010", "6097")).await;
    let shop = Shop::open(Setup::default()).await;
    shop.write("config.toml", senders(&graph.url));
    let list = shop.write("people.csv", "phone\n+60100000007\n");
    let new =
        ["blast", "new", "--sender", "cloud", "--message", "hello", "--recipients", list.to_str().unwrap(), "--json"];
    shop.ok(&new).await;
    shop.ok(&["blast", "send", "1", "--yes", "--no-engine"]).await;

    shop.ok(&["engine", "--until-idle"]).await;

    let kept: Vec<(String, String)> =
        sqlx::query_as("select alias, phone_number from number_aliases").fetch_all(&shop.database.pool).await.unwrap();
    assert_eq!(kept, [("+60970000007".to_owned(), "+60100000007".to_owned())]);
    shop.invariants().await;
}

#[tokio::test]
async fn a_stop_from_the_number_that_a_status_named_holds_for_the_one_in_the_list() {
    let scene = scene().await;
    scene.receive(statuses(&[delivered_elsewhere()])).await;

    scene.receive(text(ELSEWHERE, "wamid.in1", "STOP")).await;

    assert_eq!(suppressed(&scene).await, both());
    assert_eq!(next(&scene).await.as_deref(), Some("opted_out"));
    let answered = "select count(*) from replies where recipient_id = 1";
    assert_eq!(scene.shop.number(answered).await, 1, "it is a reply to what reached them");
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_status_that_names_their_other_number_settles_the_attempt_that_it_names() {
    let scene = InboxScene::with(1, "cloud", &uncertain(1)).await;
    let mut delivered = delivered_elsewhere();
    delivered["biz_opaque_callback_data"] = json!(scene.callback(1).await);

    scene.receive(statuses(&[delivered])).await;

    assert_eq!(scene.status(1).await, "delivered");
    scene.receive(text(ELSEWHERE, "wamid.in1", "STOP")).await;
    assert_eq!(suppressed(&scene).await, both(), "the number is theirs from then on");
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_stop_from_a_stranger_holds_once_a_status_says_whose_number_that_is() {
    let scene = scene().await;
    scene.receive(text(ELSEWHERE, "wamid.in1", "STOP")).await;
    assert_eq!(suppressed(&scene).await, both()[1..]);

    scene.receive(statuses(&[delivered_elsewhere()])).await;

    assert_eq!(suppressed(&scene).await, both());
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_stop_that_quotes_our_message_holds_for_whoever_had_it_whatever_number_it_comes_from() {
    let scene = scene().await;
    let mut stop = text(ELSEWHERE, "wamid.in1", "STOP");
    stop["messages"][0]["context"] = json!({ "id": "wamid.1" });

    scene.receive(stop).await;

    assert_eq!(suppressed(&scene).await, both());
    assert_eq!(next(&scene).await.as_deref(), Some("opted_out"));
}

#[tokio::test]
async fn a_stop_by_an_id_alone_holds_for_all_numbers_that_are_known_beside_it() {
    let scene = scene().await;
    let mut taught = delivered_elsewhere();
    taught["recipient_user_id"] = json!(USER_ID);
    scene.receive(statuses(&[taught])).await;
    let mut stop = text(ELSEWHERE, "wamid.in1", "STOP");
    stop["messages"][0].as_object_mut().unwrap().remove("from");
    stop["messages"][0]["from_user_id"] = json!(USER_ID);
    stop.as_object_mut().unwrap().remove("contacts");

    scene.receive(stop).await;

    assert_eq!(suppressed(&scene).await, both());
}

#[tokio::test]
async fn whoever_allows_messages_again_from_the_one_number_is_sent_to_at_the_other() {
    let scene = scene().await;
    scene.receive(statuses(&[delivered_elsewhere()])).await;
    let now = chrono::Utc::now().timestamp();
    scene.receive(wish(ELSEWHERE, "stop", now - 5)).await;
    assert_eq!(suppressed(&scene).await, both());

    scene.receive(wish(ELSEWHERE, "resume", now)).await;

    assert_eq!(suppressed(&scene).await, Vec::<String>::new());
    assert_eq!(next(&scene).await.as_deref(), Some("queued"));
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_reply_from_the_other_number_may_be_answered() {
    let scene = scene().await;
    scene.receive(statuses(&[delivered_elsewhere()])).await;

    scene.receive(text(ELSEWHERE, "wamid.in1", "How much is it?")).await;

    assert_eq!(scene.status(1).await, "replied");
    let said = scene.shop.run(&["reply", "1", &format!("+{}", digits(1)), "RM 5"]).await;
    assert!(said.err.contains("Answer to Person 1 (blast 3) was started"), "{said:?}");
}

#[tokio::test]
async fn nothing_is_learned_of_whoever_was_forgotten_and_what_a_status_says_counts() {
    let scene = InboxScene::with(2, "cloud", "").await;
    let [mut delivered, mut read] = [status(1, "delivered"), status(1, "read")];
    delivered["biz_opaque_callback_data"] = json!(scene.callback(1).await);
    delivered["recipient_user_id"] = json!(USER_ID);
    read.clone_from(&delivered);
    read["status"] = json!("read");
    read.as_object_mut().unwrap().remove("recipient_id");
    scene.shop.ok(&["customer", "forget", &both()[0], "--yes"]).await;

    scene.receive(statuses(&[delivered, status(2, "delivered")])).await;
    scene.receive(statuses(&[read])).await;

    assert_eq!(
        scene.text("select string_agg(state, ' ') from webhook_inbox").await.as_deref(),
        Some("applied applied")
    );
    let statuses = "select string_agg(status::text, ' ' order by id) from blast_recipients";
    assert_eq!(scene.text(statuses).await.as_deref(), Some("read delivered"));
    let learned = "select (select count(*) from user_ids) + (select count(*) from number_aliases)";
    assert_eq!(scene.shop.number(learned).await, 0);
    scene.shop.ok(&["audit"]).await;
}
