//! Stops that must hold: of people who are known by nothing but an id, beside an operator's word, and while rows are locked.

use serde_json::{Value, json};

use super::scene::{InboxScene, blast_of, envelope, failed, status, statuses, text, uncertain};
use crate::support::{digits, eventually_async};

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// A business-scoped id of person `n`.
fn user_id(n: u32) -> String {
    format!("MY.person{n}")
}

/// A STOP of somebody whose number does not show.
fn nameless_stop(n: u32) -> Value {
    json!({ "messages": [{ "from_user_id": user_id(n), "id": format!("wamid.in{n}"), "timestamp": now().to_string(),
                           "type": "text", "text": { "body": "STOP" } }] })
}

pub fn wish(n: u32, value: &str, at: i64) -> Value {
    json!({ "user_preferences": [{ "wa_id": digits(n), "category": "marketing_messages", "value": value, "timestamp": at }] })
}

fn suppressed(n: u32) -> String {
    format!("select count(*) from suppressions where business = 'kedai' and phone_number = '+{}'", digits(n))
}

/// A paused blast of the same business, 2, with person 1 to `people` queued.
pub fn next_blast(people: u32) -> String {
    format!(
        "insert into blasts (blast_tag, sender_id, message, state, total_recipients)
         values ('Next', (select id from senders where name = 'sales'), 'Hi', 'paused', {people});
         insert into blast_recipients (blast_id, phone_number)
         select 2, '+60100' || lpad(n::text, 6, '0') from generate_series(1, {people}) as n"
    )
}

#[tokio::test]
async fn a_stop_that_quotes_our_message_suppresses_its_person_though_no_number_shows() {
    let scene = InboxScene::with(2, "cloud", &next_blast(2)).await;
    let mut stop = nameless_stop(1);
    stop["messages"][0]["context"] = json!({ "id": "wamid.1", "from": "60122222222" });

    scene.receive(stop).await;

    assert_eq!(scene.shop.number(&suppressed(1)).await, 1);
    let next = "select status::text from blast_recipients where blast_id = 2 order by id limit 1";
    assert_eq!(scene.text(next).await.as_deref(), Some("opted_out"), "in the next blast, too");
    let learned = "select phone_number from user_ids where user_id = 'MY.person1'";
    assert_eq!(scene.text(learned).await, Some(format!("+{}", digits(1))), "their id is known from now on");
    assert_eq!(scene.shop.number("select count(*) from replies where phone_number = '+60100000001'").await, 1);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_stop_beside_a_picture_or_in_an_edit_is_one() {
    let scene = InboxScene::sent(2).await;
    let mut picture = text(1, "wamid.in1", "");
    picture["messages"][0]["type"] = json!("image");
    picture["messages"][0]["image"] = json!({ "id": "77", "mime_type": "image/jpeg", "caption": "Stop!" });
    let mut edit = text(2, "wamid.in3", "");
    edit["messages"][0]["type"] = json!("edit");
    edit["messages"][0]["edit"] =
        json!({ "original_message_id": "wamid.in2", "message": { "type": "text", "text": { "body": "STOP" } } });

    scene.receive_all(&[picture, text(2, "wamid.in2", "hmm"), edit]).await;

    assert_eq!((scene.shop.number(&suppressed(1)).await, scene.shop.number(&suppressed(2)).await), (1, 1));
    let replies = "select string_agg(body, ', ' order by message_id) from replies";
    assert_eq!(scene.text(replies).await.as_deref(), Some("(picture) Stop!, hmm"), "an edit is no new reply");
    let people = scene.shop.json_lines(&["blast", "recipients", "1"]).await;
    assert!(people.iter().all(|person| person["opted_out_at"].is_string()), "{people:?}");
    scene.shop.invariants().await;
}

/// An edit by person `n`, after which their message `original` says STOP.
fn edited_stop(n: u32, id: &str, original: &str) -> Value {
    let mut edit = text(n, id, "");
    edit["messages"][0]["type"] = json!("edit");
    edit["messages"][0]["edit"] =
        json!({ "original_message_id": original, "message": { "type": "text", "text": { "body": "STOP" } } });
    edit
}

#[tokio::test]
async fn a_stop_by_an_edit_is_that_of_the_person_whose_message_was_edited_and_no_reply() {
    let older = blast_of("cloud", 2, 2).replace("'wamid.' || n", "'older.' || n");
    let hour = "update blast_recipients set sent_at = now() - interval '1 hour' where blast_id = 2";
    let scene = InboxScene::with(2, "cloud", &format!("{older}{hour}")).await;
    let mut question = text(1, "wamid.in1", "How much?");
    question["messages"][0]["context"] = json!({ "id": "older.1", "from": "60122222222" });
    scene.receive(question).await;

    scene.receive_all(&[edited_stop(1, "wamid.in2", "wamid.in1"), edited_stop(2, "wamid.in3", "wamid.unknown")]).await;

    let opted_out =
        "select string_agg(blast_id || ':' || right(phone_number, 1), ' ' order by id) from blast_recipients
                      where opted_out_at is not null";
    assert_eq!(scene.text(opted_out).await.as_deref(), Some("1:2 2:1"), "whose message is unknown: the newest");
    let replied = "select count(*) from blast_recipients where replied_at is not null";
    assert_eq!((scene.shop.number(replied).await, scene.shop.number("select count(*) from replies").await), (1, 1));
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_stop_that_another_app_of_the_account_was_to_answer_holds() {
    let scene = InboxScene::sent(1).await;
    let mut stop = text(1, "wamid.in1", "STOP");
    stop["field"] = json!("standby");

    scene.receive(stop).await;

    let suppressed = format!("select count(*) from suppressions where phone_number = '+{}'", digits(1));
    assert_eq!(scene.shop.number(&suppressed).await, 1);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_code_that_says_stop_holds_though_the_message_is_another_programs_or_was_read() {
    let scene = InboxScene::sent(2).await;
    let mut foreign = failed(7, 131_050);
    foreign["id"] = json!("wamid.of another program");

    scene.receive_all(&[statuses(&[status(2, "read")]), statuses(&[foreign, failed(2, 131_050)])]).await;

    assert_eq!((scene.shop.number(&suppressed(7)).await, scene.shop.number(&suppressed(2)).await), (1, 1));
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_stop_of_an_id_that_nobody_knows_holds_once_its_number_is_learned_however_late() {
    let scene = InboxScene::sent(4).await;
    let by_setting = json!({ "user_preferences": [{ "user_id": user_id(2), "category": "marketing_messages",
                                                    "value": "stop", "timestamp": now() }] });
    scene.receive_all(&[nameless_stop(1), by_setting, nameless_stop(3)]).await;
    // Nothing in the inbox waits for so long.
    let old =
        "update webhook_inbox set received_at = now() - interval '2 days', next_try_at = now() where state = 'parked'";
    scene.shop.execute(old).await;
    let parked = "select count(*) from webhook_inbox where state = 'parked'";
    eventually_async("nothing waits any more", async || scene.shop.number(parked).await == 0).await;
    assert_eq!(scene.shop.number("select count(*) from suppressions").await, 0);
    assert_eq!(scene.shop.number("select count(*) from webhook_inbox where state = 'failed'").await, 0);

    let mut delivered = status(1, "delivered");
    delivered["recipient_user_id"] = json!(user_id(1));
    delivered.as_object_mut().unwrap().remove("recipient_id");
    scene.receive(statuses(&[delivered])).await;
    let mut hello = text(2, "wamid.in9", "Hello");
    hello["contacts"] = json!([{ "wa_id": digits(2), "user_id": user_id(2) }]);
    scene.receive(hello).await;
    let change = json!([{ "wa_id": digits(3), "user_id": { "previous": user_id(3), "current": "MY.third" } }]);
    scene.receive(json!({ "user_id_update": change })).await;

    for n in 1..=3 {
        assert_eq!(scene.shop.number(&suppressed(n)).await, 1, "{n}");
    }
    assert_eq!(scene.shop.number("select count(*) from suppressions").await, 3);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_stop_of_an_id_that_changed_before_its_number_was_known_holds() {
    let scene = InboxScene::sent(1).await;
    let change = json!([{ "user_id": { "previous": user_id(1), "current": "MY.another" } }]);
    scene.receive_all(&[nameless_stop(1), json!({ "user_id_update": change })]).await;
    assert_eq!(scene.shop.number("select count(*) from suppressions").await, 0);

    let mut hello = text(1, "wamid.in9", "Hello");
    hello["contacts"] = json!([{ "wa_id": digits(1), "user_id": "MY.another" }]);
    scene.receive(hello).await;

    assert_eq!(scene.shop.number(&suppressed(1)).await, 1);
}

#[tokio::test]
async fn a_stop_of_an_id_that_only_the_backlog_knows_does_not_wait_for_it() {
    let scene = InboxScene::with(2, "cloud", &next_blast(2)).await;
    let mut by_message = status(1, "delivered");
    by_message["recipient_user_id"] = json!(user_id(1));
    by_message.as_object_mut().unwrap().remove("recipient_id");
    let mut by_number = status(2, "delivered");
    by_number["recipient_user_id"] = json!(user_id(2));
    // What teaches them is behind: an engine that has it is not done with it.
    let behind = "create function keep_behind() returns trigger language plpgsql as
                      $$ begin new.next_try_at = now() + interval '1 hour'; return new; end $$;
                  create trigger keep_behind before insert on webhook_inbox for each row
                      when (not new.may_opt_out) execute function keep_behind()";
    scene.shop.execute(behind).await;
    scene.serve.meta(envelope(&statuses(&[by_message])).to_string()).await;
    scene.serve.meta(envelope(&statuses(&[by_number])).to_string()).await;

    scene.serve.meta(envelope(&nameless_stop(1)).to_string()).await;
    scene.serve.meta(envelope(&nameless_stop(2)).to_string()).await;

    for n in 1..=2 {
        eventually_async("their stop holds", async || scene.shop.number(&suppressed(n)).await == 1).await;
    }
    let new = "select count(*) from webhook_inbox where state = 'new'";
    eventually_async("nothing but the rest waits", async || scene.shop.number(new).await == 2).await;
    assert_eq!(scene.status(1).await, "sent", "nothing else of it is applied");
}

#[tokio::test]
async fn an_id_that_cannot_be_learned_for_a_lock_is_learned_after_it() {
    let scene = InboxScene::sent(1).await;
    scene.receive(nameless_stop(1)).await;
    let mut lock = scene.shop.database.pool.begin().await.unwrap();
    let same = "insert into user_ids (business, user_id, phone_number) values ('kedai', 'MY.person1', '+60')";
    sqlx::query(same).execute(&mut *lock).await.unwrap();

    let mut hello = text(1, "wamid.in9", "Hello");
    hello["contacts"] = json!([{ "wa_id": digits(1), "user_id": user_id(1) }]);
    scene.receive(hello).await;
    assert_eq!(scene.shop.number("select count(*) from replies where body = 'Hello'").await, 1, "the rest is applied");
    assert_eq!(scene.shop.number(&suppressed(1)).await, 0);
    lock.rollback().await.unwrap();

    eventually_async("their stop holds", async || scene.shop.number(&suppressed(1)).await == 1).await;
}

#[tokio::test]
async fn a_stop_waits_for_no_outcome_as_other_replies_do() {
    let scene = InboxScene::with(1, "cloud", &uncertain(1)).await;
    scene.receive(text(1, "wamid.in1", "Hello")).await;
    let decided = "select count(*) from replies where undecided_attempt is null";
    assert_eq!(scene.shop.number(decided).await, 0, "a message to them may have gone");

    scene.receive(text(1, "wamid.in2", "STOP")).await;

    assert_eq!(scene.shop.number("select count(*) from replies where body = 'STOP'").await, 1);
    assert_eq!(scene.shop.number(&suppressed(1)).await, 1);
}

#[tokio::test]
async fn a_stop_that_is_older_than_a_resume_leaves_nobody_out() {
    let scene = InboxScene::with(1, "cloud", &next_blast(1)).await;
    scene.receive(wish(1, "resume", now())).await;

    let mut stop = text(1, "wamid.in1", "STOP");
    stop["messages"][0]["timestamp"] = json!((now() - 10).to_string());
    scene.receive(stop).await;

    assert_eq!(scene.shop.number("select count(*) from suppressions").await, 0);
    assert_eq!(
        scene.shop.number("select count(*) from blast_recipients where blast_id = 2 and status = 'queued'").await,
        1
    );
}

#[tokio::test]
async fn a_resume_falls_back_to_what_an_operator_set_before_the_stop_or_after_it() {
    let scene = InboxScene::sent(3).await;
    scene.shop.ok(&["suppress", "add", &digits(1), "--reason", "by letter", "--business", "kedai"]).await;
    scene
        .receive_all(&[text(1, "wamid.in1", "STOP"), text(2, "wamid.in2", "STOP"), text(3, "wamid.in3", "STOP")])
        .await;
    scene.shop.ok(&["suppress", "add", &digits(2), "--reason", "by letter", "--business", "kedai"]).await;
    let by_person = "select count(*) from suppressions where source = 'person' and reason = 'they asked'";
    assert_eq!(scene.shop.number(by_person).await, 3, "their own word stands above it");

    scene.receive_all(&[1, 2, 3].map(|n| wish(n, "resume", now() + 5))).await;

    assert_eq!(scene.shop.number(&suppressed(3)).await, 0, "only their own word is taken back");
    let by_operator = "select count(*) from suppressions
                        where source = 'operator' and reason = 'by letter' and created_by = 'aina'";
    assert_eq!(scene.shop.number(by_operator).await, 2);
    assert_eq!(scene.shop.number("select count(*) from suppressions").await, 2);
    scene.shop.ok(&["suppress", "remove", &digits(1), "--business", "kedai"]).await;
    assert_eq!(scene.shop.number(&suppressed(1)).await, 0);
}

#[tokio::test]
async fn a_mark_that_was_taken_back_stands_no_more_beside_a_stop() {
    let scene = InboxScene::sent(1).await;
    scene.shop.ok(&["mark", "1", &digits(1), "opt-out"]).await;
    scene.receive(text(1, "wamid.in1", "STOP")).await;
    scene.shop.ok(&["mark", "1", &digits(1), "undo"]).await;
    assert_eq!(scene.shop.number(&suppressed(1)).await, 1, "their own word stands");

    scene.receive(wish(1, "resume", now() + 5)).await;

    assert_eq!(scene.shop.number("select count(*) from suppressions").await, 0);
}

#[tokio::test]
async fn a_database_that_forgot_stops_and_resumes_is_told_where_each_person_stood() {
    let scene = InboxScene::with(4, "cloud", &next_blast(4)).await;
    scene.shop.ok(&["suppress", "add", &digits(1), "--reason", "by letter", "--business", "kedai"]).await;
    scene.receive_all(&[1, 2, 3].map(|n| text(n, &format!("wamid.in{n}"), "STOP"))).await;
    scene.receive_all(&[1, 2].map(|n| wish(n, "resume", now() + 5))).await;
    scene.serve.stop().await;
    let forget = "delete from suppressions;
                  delete from opt_out_memories;
                  delete from status_history where blast_id = 2;
                  update blast_recipients set status = 'queued', standing = 'queued', opted_out_at = null, reason = null
                   where blast_id = 2;
                  update blasts set state = 'sending' where id = 2";
    scene.shop.execute(forget).await;

    scene.shop.until_idle().await;

    let mut sent_to: Vec<_> = scene.shop.sim.posts().await.into_iter().map(|post| post.phone).collect();
    sent_to.sort_unstable();
    assert_eq!(sent_to, [digits(2), digits(4)], "who resumed, and who never stopped");
    let standing = "select count(*) from suppressions where phone_number = '+60100000001' and source = 'operator'
                                                        and reason = 'by letter' and created_by = 'aina'
                                                         or phone_number = '+60100000003' and source = 'person'";
    assert_eq!(scene.shop.number(standing).await, 2);
    assert_eq!(scene.shop.number("select count(*) from suppressions").await, 2);
}

#[tokio::test]
async fn a_stop_is_durable_while_somebody_has_one_of_the_persons_rows_locked() {
    let scene = InboxScene::with(2, "cloud", &next_blast(2)).await;
    let mut lock = scene.shop.database.pool.begin().await.unwrap();
    sqlx::query("select 1 from blast_recipients where blast_id = 2 for update").execute(&mut *lock).await.unwrap();

    scene.receive_all(&[text(1, "wamid.in1", "STOP"), wish(2, "stop", now())]).await;

    let open = "select count(*) from webhook_inbox where state = 'parked'";
    assert_eq!((scene.shop.number(&suppressed(1)).await, scene.shop.number(&suppressed(2)).await), (1, 1));
    assert_eq!(scene.shop.number(open).await, 2, "the rows that are locked are still to come");
    lock.rollback().await.unwrap();
    let left_out = "select count(*) from blast_recipients where blast_id = 2 and status = 'opted_out'";
    eventually_async("the rows follow", async || scene.shop.number(left_out).await == 2).await;
    eventually_async("nothing waits any more", async || scene.shop.number(open).await == 0).await;
    assert_eq!(scene.shop.number("select count(*) from replies").await, 1);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn whoever_asks_for_messages_again_is_back_where_a_mark_and_their_stop_took_them_out() {
    let scene = InboxScene::with(2, "cloud", &next_blast(3)).await;
    let queued = "select count(*) from blast_recipients where blast_id = 2 and status = 'queued'";
    scene.shop.ok(&["mark", "1", &digits(1), "opt-out"]).await;
    scene.receive_all(&[text(1, "wamid.in1", "STOP"), text(2, "wamid.in2", "STOP")]).await;
    assert_eq!(scene.shop.number(queued).await, 1);

    let undone = scene.shop.ok(&["mark", "1", &digits(1), "undo"]).await;
    assert!(undone.contains("by their own word (they asked)"), "{undone}");
    assert_eq!(scene.shop.number(queued).await, 1, "their own word stands");
    scene.receive_all(&[1, 2].map(|n| wish(n, "resume", now() + 5))).await;

    assert_eq!(scene.shop.number(queued).await, 3);
    scene.shop.invariants().await;
}
