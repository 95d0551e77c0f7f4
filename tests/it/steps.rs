//! Follow-ups that make themselves: each person gets a step once at most; nobody early, and nobody who answered, bought or opted out.

mod alike;
mod asked;
mod by_hand;
mod carts;
mod changed;
mod held;
mod late;
mod merged;
mod message;
mod month;
mod refusals;

use blastdeck::app::{App, Launch};
use blastdeck::domain::ids::BlastId;
use blastdeck::engine::Moment;
use blastdeck::store::step;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::recurring::engine_app;
use crate::support::{Setup, Shop, digits};

/// A shop whose provider answers, and nobody reads or replies by themselves.
const SETUP: Setup<'static> = Setup {
    sim: &["--latency", "20ms"],
    sender: "rate = \"unlimited\"\nin_flight = 8",
    engine: "",
    polling: "interval = \"10m\"\nper_second = 0.01\ngive_up_after = \"1h\"",
};

fn phone(n: u32) -> String {
    format!("+{}", digits(n))
}

/// A blast to these people that is over: everybody received it so many hours ago.
async fn received(shop: &Shop, people: std::ops::Range<u32>, hours: i64) -> String {
    let blast = shop.blast(people).await;
    shop.execute(&format!(
        "update blasts set state = 'completed', completed_at = now() where id = {blast};
         update blast_recipients set status = 'delivered', standing = 'delivered', attempt = 1,
                sent_at = now() - interval '{hours} hours', delivered_at = now() - interval '{hours} hours' where blast_id = {blast}"
    ))
    .await;
    blast
}

/// Changes somebody of a blast.
async fn set(shop: &Shop, blast: &str, n: u32, to: &str) {
    let phone = phone(n);
    shop.execute(&format!("update blast_recipients set {to} where blast_id = {blast} and phone_number = '{phone}'"))
        .await;
}

async fn opt_out(shop: &Shop, n: u32) {
    let phone = phone(n);
    shop.execute(&format!(
        "insert into suppressions (business, phone_number, source) select business, '{phone}', 'operator' from senders"
    ))
    .await;
}

/// Looks after what is due at a moment, by a clock that shows it.
async fn occur(app: &App, now: DateTime<Utc>) {
    app.engine().clock.observe(Moment::now(), now);
    app.occur(now).await.unwrap();
}

async fn add(shop: &Shop, blast: &str, further: &[&str]) -> Value {
    let usual = ["blast", "step", "add", blast, "--message", "Still there, {name}?", "--yes"];
    shop.json(&[&usual[..], further].concat()).await
}

/// The blasts that a step made, the oldest first.
async fn made(shop: &Shop, blast: &str, step: i64) -> Vec<String> {
    let query = format!("select id from blasts where follows_blast = {blast} and step_number = {step} order by id");
    let ids: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&shop.database.pool).await.unwrap();
    ids.iter().map(ToString::to_string).collect()
}

/// Who of a blast is not left out of it.
async fn people(shop: &Shop, blast: &str) -> Vec<String> {
    let query = format!(
        "select phone_number from blast_recipients where blast_id = {blast} and status <> 'skipped' order by phone_number"
    );
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&shop.database.pool).await.unwrap()
}

/// A day passes for a step, by what is kept of it.
async fn a_day_passes(shop: &Shop) {
    shop.execute("update blast_steps set last_made_at = last_made_at - interval '25 hours', next_look_at = null").await;
}

#[tokio::test]
async fn a_step_makes_a_draft_to_exactly_those_who_are_due_and_it_waits_for_a_yes() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..8, 90).await;
    let other = received(&shop, 5..7, 10).await;
    set(&shop, &blast, 1, "status = 'sent', standing = 'sent', message_id = 'M1', delivered_at = null").await;
    set(&shop, &blast, 2, "status = 'read', standing = 'read', read_timestamp = now()").await;
    set(&shop, &blast, 3, "sent_at = now() - interval '47 hours'").await;
    opt_out(&shop, 4).await;
    set(&shop, &other, 5, "status = 'closed', standing = 'read', closed_at = now()").await;
    set(&shop, &other, 6, "status = 'replied', standing = 'replied', replied_marked_at = now()").await;
    set(&shop, &blast, 7, "status = 'failed', standing = 'failed', failed_at = now()").await;
    let step = add(&shop, &blast, &["--after", "48h", "--until", "read", "--first", "1"]).await;
    assert_eq!((&step["number"], &step["stage"], &step["waits"]), (&json!(1), &json!("Follow-up 1"), &Value::Null));
    let app = engine_app(&shop, "one").await;

    occur(&app, Utc::now()).await;
    occur(&app, Utc::now()).await;

    let drafts = made(&shop, &blast, 1).await;
    assert_eq!(drafts.len(), 1);
    let draft = &drafts[0];
    assert_eq!(people(&shop, draft).await, [phone(0)], "who is at sent was not asked about");
    let shown = shop.json(&["blast", "show", draft]).await;
    assert_eq!((&shown["state"], &shown["follows"].to_string(), &shown["step"]), (&json!("draft"), &blast, &json!(1)));
    assert!(shown["state_reason"].as_str().unwrap().contains("waits for your yes"), "{shown}");
    let listed = shop.ok(&["blast", "list"]).await;
    assert!(listed.contains("asks you") && listed.contains("Follow-up 1"), "{listed}");
    let asks = shop.json(&["blast", "list", "--state", "asks"]).await;
    assert_eq!(asks["id"].to_string(), *draft);
    let plan = shop.ok(&["blast", "plan", &blast]).await;
    assert!(plan.contains("2d after sent, not read") && plan.contains(&format!("asks you: blast {draft}")), "{plan}");
    let left_out = shop.json(&["blast", "plan", draft]).await["segment"]["left_out"].clone();
    assert_eq!(left_out, json!({ "opted_out": 1, "closed": 1, "further": 1 }));

    // Renewed until it is sent, then frozen.
    set(&shop, &blast, 3, "sent_at = now() - interval '49 hours'").await;
    let sent = shop.json(&["blast", "send", draft, "--yes", "--no-engine"]).await;
    assert_eq!(sent["people"], 2);
    assert_eq!(people(&shop, draft).await, [phone(0), phone(3)]);
    a_day_passes(&shop).await;
    occur(&app, Utc::now()).await;
    assert_eq!(made(&shop, &blast, 1).await.len(), 1, "everybody had it");
    set(&shop, &blast, 2, "status = 'delivered', standing = 'delivered', read_timestamp = null").await;
    a_day_passes(&shop).await;
    occur(&app, Utc::now()).await;
    let drafts = made(&shop, &blast, 1).await;
    assert_eq!(people(&shop, &drafts[1]).await, [phone(2)], "the next draft is of those who came after");
}

#[tokio::test]
async fn steps_that_are_late_keep_their_distance() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 73).await;
    for after in ["24h", "48h", "72h"] {
        add(&shop, &blast, &["--after", after, "--until", "replied", "--auto", "--at-most", "9"]).await;
    }
    let app = engine_app(&shop, "one").await;
    let all = async || {
        (made(&shop, &blast, 1).await.len(), made(&shop, &blast, 2).await.len(), made(&shop, &blast, 3).await.len())
    };

    occur(&app, Utc::now()).await;
    assert_eq!(all().await, (1, 0, 0), "nobody gets three messages at once because no engine ran");
    let first = made(&shop, &blast, 1).await.remove(0);
    let sent = |ago: &str| {
        format!(
            "update blast_recipients set status = 'sent', standing = 'sent', attempt = 1, sent_at = now() - interval '{ago}' where blast_id = {first}"
        )
    };
    shop.execute(&sent("23 hours")).await;
    a_day_passes(&shop).await;
    occur(&app, Utc::now()).await;
    assert_eq!(all().await, (1, 0, 0), "a day lies between the first and the second");
    shop.execute(&sent("25 hours")).await;
    a_day_passes(&shop).await;
    occur(&app, Utc::now()).await;
    assert_eq!(all().await, (1, 1, 0));
}

#[tokio::test]
async fn the_steps_of_a_cancelled_blast_come_no_more() {
    let shop = Shop::open(SETUP).await;
    let blast = shop.draft(0..2).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    shop.send(&blast).await;

    shop.ok(&["blast", "cancel", &blast, "--yes"]).await;

    let listed = shop.ok(&["blast", "step", "list", &blast]).await;
    assert!(listed.contains("no more: its blast is over"), "{listed}");
}

#[tokio::test]
async fn what_a_step_sends_by_itself_is_not_said_to_wait_after_more_people_than_it_goes_to() {
    let shop = Shop::open(SETUP).await;
    let blast = shop.draft(0..2).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read", "--first", "5", "--auto", "--at-most", "3"]).await;
    let listed = async || shop.ok(&["blast", "step", "list", &blast]).await;

    let said = listed().await;
    shop.ok(&["blast", "step", "set", &blast, "1", "--first", "2", "--yes"]).await;

    let how = "by itself to at most 3; to more it waits for your yes, then waits after the first 5";
    assert!(said.contains(how), "{said}");
    let fewer = listed().await;
    assert!(fewer.contains("by itself to at most 3, then waits after the first 2"), "{fewer}");
}

#[tokio::test]
async fn a_step_that_sends_by_itself_asks_about_more_people_than_were_confirmed() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..2, 50).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read", "--auto", "--at-most", "2"]).await;
    let app = engine_app(&shop, "one").await;

    occur(&app, Utc::now()).await;
    let first = made(&shop, &blast, 1).await.pop().unwrap();
    assert_eq!((shop.state(&first).await.as_str(), people(&shop, &first).await.len()), ("sending", 2));
    let engine = shop.engine();
    shop.until_state(&first, "completed").await;
    engine.stop().await;
    assert_eq!(shop.sim.posts().await.len(), 2);

    shop.execute(&format!(
        "insert into blast_recipients (blast_id, phone_number, name, status, standing, attempt, sent_at, delivered_at)
         select {blast}, n, 'Siti', 'delivered', 'delivered', 1, now() - interval '50 hours', now() - interval '50 hours'
           from unnest(array['{}', '{}', '{}']) n",
        phone(5),
        phone(6),
        phone(7)
    ))
    .await;
    a_day_passes(&shop).await;
    occur(&app, Utc::now()).await;
    occur(&app, Utc::now()).await;
    let second = made(&shop, &blast, 1).await.pop().unwrap();
    let shown = shop.json(&["blast", "show", &second]).await;
    let why = "it was to go to more people than were confirmed (at most 2): send it to send it all the same";
    assert_eq!((&shown["state"], &shown["state_reason"]), (&json!("draft"), &json!(why)), "{shown}");
    assert_eq!(people(&shop, &second).await.len(), 3);

    let listed = async || shop.ok(&["blast", "step", "list", &blast]).await;
    assert!(listed().await.contains(&format!("asks you: blast {second}")));
    // As it is until it is launched.
    shop.execute(&format!("update blasts set state_by = null, state_reason = null where id = {second}")).await;
    let next = format!("goes by itself next: blast {second}");
    assert!(listed().await.contains(&next) && !shop.ok(&["blast", "list"]).await.contains("asks you"));
    shop.execute(&format!("update blasts set state_by = 'engine', state_reason = '{why}' where id = {second}")).await;

    // An operator's own draft from now on: what they take back is not sent by itself.
    let second_id = BlastId(second.parse().unwrap());
    let plan = app.plan(second_id).await.unwrap();
    let armed_for = TimeDelta::minutes(5);
    let launch = Launch { blast: second_id, version: plan.blast.version, people: plan.people, armed_for };
    app.launch(launch).await.unwrap();
    app.undo_launch_of(second_id).await.unwrap();
    shop.ok(&["blast", "step", "set", &blast, "1", "--at-most", "5"]).await;
    occur(&app, Utc::now()).await;
    assert_eq!(shop.state(&second).await, "draft");
    shop.send(&second).await;
    assert_eq!(shop.state(&second).await, "sending");

    shop.ok(&["blast", "step", "set", &blast, "1", "--ask"]).await;
    let nothing = shop.run(&["blast", "step", "set", &blast, "1"]).await;
    assert!(nothing.code == 2 && nothing.err.contains("nothing to change: give --after"), "{nothing:?}");
    let number_alone = shop.run(&["blast", "step", "set", &blast, "1", "--at-most", "5"]).await;
    assert!(number_alone.code == 2 && number_alone.err.contains("--auto"), "{number_alone:?}");
}

#[tokio::test]
async fn people_of_a_draft_that_was_not_sent_come_again_and_those_of_a_sent_one_never() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 50).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;
    let mut drafts = Vec::new();
    for then in ["delete", "cancel", "sent"] {
        a_day_passes(&shop).await;
        occur(&app, Utc::now()).await;
        let draft = made(&shop, &blast, 1).await.pop().unwrap();
        assert!(!drafts.contains(&draft) && people(&shop, &draft).await.len() == 3, "before {then}");
        if then == "delete" {
            shop.ok(&["blast", "delete", &draft, "--yes"]).await;
        } else {
            shop.send(&draft).await;
        }
        if then == "cancel" {
            shop.ok(&["blast", "cancel", &draft, "--yes"]).await;
        }
        drafts.push(draft);
    }
    let engine = shop.engine();
    shop.until_state(&drafts[2], "completed").await;
    engine.stop().await;

    shop.ok(&["blast", "delete", &drafts[2], "--yes"]).await;
    a_day_passes(&shop).await;
    occur(&app, Utc::now()).await;

    let query = format!("select count(*) from blasts where follows_blast = {blast} and id > {}", drafts[2]);
    assert_eq!(shop.number(&query).await, 0, "that its blast is deleted makes nobody get it twice");
    assert_eq!(shop.number("select count(*) from blast_step_people").await, 3);
}

#[tokio::test]
async fn a_plan_counts_whom_a_launch_would_go_to_now_and_names_the_steps() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 50).await;
    let draft = shop
        .json(&[
            "blast",
            "new",
            "--sender",
            "sales",
            "--message",
            "Hi",
            "--from",
            &format!("blast:{blast} stuck:received"),
        ])
        .await["id"]
        .to_string();
    add(&shop, &draft, &["--after", "48h", "--first", "2"]).await;
    shop.ok(&["mark", &blast, &phone(0), "replied"]).await;

    let plan = shop.json(&["blast", "plan", &draft]).await;

    assert_eq!((&plan["people"], &plan["segment"]["finds"]), (&json!(2), &json!(2)), "{plan}");
    let said = shop.ok(&["blast", "plan", &draft]).await;
    assert!(said.contains("2 people get one message each") && said.contains("then waits after the first 2"), "{said}");
}

#[tokio::test]
async fn who_answers_after_the_launch_while_still_queued_is_left_out() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 50).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;
    occur(&app, Utc::now()).await;
    let draft = made(&shop, &blast, 1).await.pop().unwrap();
    opt_out(&shop, 1).await;
    shop.send(&draft).await;

    shop.ok(&["mark", &blast, &phone(0), "replied"]).await;

    let engine = shop.engine();
    shop.until_state(&draft, "completed").await;
    engine.stop().await;
    let posts = shop.sim.posts().await;
    assert_eq!(posts.len(), 1, "{posts:?}");
    assert_eq!(people(&shop, &draft).await, [phone(2)]);
}

#[tokio::test]
async fn each_time_of_a_blast_that_repeats_has_its_steps() {
    let shop = Shop::open(SETUP).await;
    let pattern = shop.draft_with(0..2, &["--repeat", "every day 09:00"]).await;
    add(&shop, &pattern, &["--after", "48h", "--until", "read"]).await;
    shop.send(&pattern).await;
    shop.execute(&format!("update blasts set scheduled_for = now(), send_after = now() where id = {pattern}")).await;
    let app = engine_app(&shop, "one").await;

    occur(&app, Utc::now() + TimeDelta::seconds(1)).await;

    let query = format!("select max(id) from blasts where pattern_blast = {pattern}");
    let occurrence = shop.number(&query).await.to_string();
    let steps = shop.json_lines(&["blast", "step", "list", &occurrence]).await;
    assert_eq!((steps.len(), &steps[0]["stage"]), (1, &json!("Follow-up 1")));
}

#[tokio::test]
async fn a_draft_whose_people_all_opted_out_asks_nobody_and_the_step_goes_on() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..2, 90).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    set(&shop, &blast, 1, "sent_at = now(), delivered_at = now()").await;
    let app = engine_app(&shop, "one").await;
    occur(&app, Utc::now()).await;
    assert!(shop.ok(&["blast", "list"]).await.contains("asks you"));

    shop.ok(&["suppress", "add", &phone(0)]).await;

    assert!(!shop.ok(&["blast", "list"]).await.contains("asks you"));
    assert!(!shop.ok(&["blast", "step", "list", &blast]).await.contains("asks you"));
    set(&shop, &blast, 1, "sent_at = now() - interval '50 hours', delivered_at = now() - interval '50 hours'").await;
    a_day_passes(&shop).await;
    occur(&app, Utc::now()).await;
    assert_eq!(made(&shop, &blast, 1).await.len(), 2, "the next people are not kept waiting for it");
}
