//! Meta over HTTP: which codes are tried again, when, and how often; and the limits that Meta sets.

use serde_json::{Value, json};

use crate::inbox::scene::blast_of;
use crate::support::serve::{APP_SECRET, NUMBER, Serve, senders, with_secrets};
use crate::support::{Setup, Shop, digits, eventually_async, said};

/// Four hours are two seconds and a half.
const SPEED: &str = "6000";

async fn shop() -> Shop {
    let sim = ["--latency", "5ms", "--speed", SPEED, "--phone-number-id", NUMBER, "--app-secret", APP_SECRET];
    let shop = Shop::open(Setup { sim: &sim, ..Setup::default() }).await;
    shop.write("config.toml", format!("{}[engine]\nspeed = {SPEED}\n", senders(shop.sim.base_url())));
    shop
}

/// Blast 1, to the first people.
async fn send(shop: &Shop, people: u32) {
    let rows: Vec<_> = (0..people).map(|n| format!("Person {n},{}", digits(n))).collect();
    let list = shop.write("people.csv", format!("name,phone\n{}\n", rows.join("\n")));
    let new = ["blast", "new", "--sender", "cloud", "--template", "hello_world", "--language", "en_US", "--recipients"];
    for verb in [&[&new[..], &[list.to_str().unwrap()]].concat()[..], &["blast", "send", "1", "--yes", "--no-engine"]] {
        let done = said(with_secrets(shop.command(verb))).await;
        assert_eq!(done.code, 0, "{done:?}");
    }
}

fn refusal(code: u32, times: u32) -> Value {
    let body = json!({ "error": { "message": format!("(#{code}) By the test"), "code": code } });
    json!([{ "code": 400, "body": body.to_string(), "times": times }])
}

async fn posts_to(shop: &Shop, n: u32) -> usize {
    shop.sim.posts().await.iter().filter(|post| post.phone == digits(n)).count()
}

#[tokio::test]
async fn an_undeliverable_message_is_posted_three_times_in_all_and_a_wrong_one_once() {
    let shop = shop().await;
    shop.sim.answer_send(&digits(0), refusal(131_026, 100)).await;
    shop.sim.answer_send(&digits(1), refusal(131_026, 1)).await;
    shop.sim.answer_send(&digits(2), refusal(100, 100)).await;
    shop.sim.answer_send(&digits(3), refusal(131_049, 100)).await;
    let serve = Serve::start(&shop, &[]).await;

    send(&shop, 5).await;

    shop.until_state("1", "completed").await;
    let mut posts = Vec::new();
    for n in 0..5 {
        posts.push(posts_to(&shop, n).await);
    }
    assert_eq!(posts, [3, 2, 1, 1, 1]);
    assert_eq!((shop.count("failed").await, shop.count("sent").await), (3, 2));
    let retried = shop.run(&["blast", "retry", "1", "--code", "100", "--yes", "--no-engine"]).await;
    assert_eq!(retried.code, 3, "{retried:?}");
    serve.stop().await;
    shop.invariants().await;
}

#[tokio::test]
async fn a_pair_limit_holds_up_one_person_and_a_template_that_is_syncing_the_whole_blast() {
    let shop = shop().await;
    shop.sim.answer_send(&digits(0), refusal(131_056, 2)).await;
    shop.sim.answer_send(&digits(1), refusal(134_101, 1)).await;
    let serve = Serve::start(&shop, &[]).await;

    send(&shop, 3).await;

    shop.until_state("1", "completed").await;
    assert_eq!([posts_to(&shop, 0).await, posts_to(&shop, 1).await, posts_to(&shop, 2).await], [3, 2, 1]);
    assert_eq!(shop.count("sent").await, 3);
    serve.stop().await;
    shop.invariants().await;
}

#[tokio::test]
async fn a_blast_says_that_it_waits_for_a_template_that_is_syncing() {
    let sim = ["--latency", "5ms", "--phone-number-id", NUMBER];
    let shop = Shop::open(Setup { sim: &sim, ..Setup::default() }).await;
    shop.write("config.toml", senders(shop.sim.base_url()));
    shop.sim.answer_any_send(refusal(134_101, 100)).await;
    let serve = Serve::start(&shop, &[]).await;

    send(&shop, 3).await;

    let said = shop.until_waiting("1", "provider").await;
    assert!(said["text"].as_str().unwrap().contains("By the test"), "{said}");
    assert_eq!(shop.state("1").await, "sending", "refusals of messages that were in flight together count once");
    let wait = "select extract(epoch from (waiting -> 'blasts' -> '1' ->> 'until')::timestamptz - now())::bigint
                  from sender_leases where waiting -> 'blasts' -> '1' is not null";
    eventually_async("ten minutes", async || (500..=600).contains(&shop.number(wait).await)).await;
    serve.stop().await;
}

#[tokio::test]
async fn a_template_that_goes_on_syncing_pauses_its_blast_after_some_waits_and_not_after_one() {
    let sim = ["--latency", "50ms", "--phone-number-id", NUMBER];
    let shop = Shop::open(Setup { sim: &sim, ..Setup::default() }).await;
    // Ten minutes are three seconds.
    let engine = "[engine]\nspeed = 200\nfailures_in_a_row = 3\n";
    shop.write("config.toml", format!("{}{engine}", senders(shop.sim.base_url())));
    shop.sim.answer_any_send(refusal(134_101, 100)).await;
    let serve = Serve::start(&shop, &[]).await;

    send(&shop, 6).await;

    shop.until_waiting("1", "provider").await;
    assert_eq!((shop.state("1").await.as_str(), shop.sim.posts().await.len()), ("sending", 6));
    shop.until_state("1", "paused").await;
    let show = said(with_secrets(shop.command(&["blast", "show", "1", "--json"]))).await;
    assert!(show.out.contains("3 equal failures in a row"), "{show:?}");
    let posts = shop.sim.posts().await.len();
    assert!(posts > 12, "it was tried after each wait: {posts}");
    serve.stop().await;
}

#[tokio::test]
async fn the_people_of_all_numbers_of_a_business_count_against_its_limit_within_a_day() {
    let sim = ["--latency", "5ms", "--phone-number-id", NUMBER];
    let shop = Shop::open(Setup { sim: &sim, ..Setup::default() }).await;
    shop.write("config.toml", senders(shop.sim.base_url()));
    send(&shop, 6).await;
    assert_eq!(
        shop.number("select count(*) from business_limits where business = 'kedai' and people is null").await,
        1
    );
    shop.execute("insert into senders (name, provider, business, rehearsal) values ('other', 'meta', 'kedai', true)")
        .await;
    // Two people, one of whom is in the first blast as well, and one whom it wrote to the day before yesterday.
    shop.execute(&blast_of("other", 2, 3)).await;
    shop.execute(
        "update provider_message set claimed_at = now() - interval '25 hours'
          where recipient_id = (select id from blast_recipients where blast_id = 2 and phone_number = '+60100000003');
         update business_limits set people = 4",
    )
    .await;
    let serve = Serve::start(&shop, &[]).await;

    let waits = shop.until_waiting("1", "people_limit").await;
    assert_eq!(waits["people"], 4);
    assert!(waits["text"].as_str().unwrap().contains("4 people of this business in 24 hours"), "{waits}");
    eventually_async("as many as are left", async || shop.count("queued").await <= 4).await;
    let posts = shop.sim.posts().await.len();
    assert!((2..=4).contains(&posts), "no more than the limit leaves: {posts}");
    shop.execute("update business_limits set people = null").await;
    shop.until_state("1", "completed").await;

    shop.execute("update business_limits set people = 10; update senders set throughput = 20").await;
    let draft = draft(&shop).await;
    let plan = said(with_secrets(shop.command(&["blast", "plan", &draft, "--json"]))).await;
    let plan: Value = serde_json::from_str(&plan.out).unwrap();
    assert_eq!(plan["people_limit"], json!({ "limit": 10, "left": 4 }), "six people, two of them twice");
    assert!(plan["pace"].as_str().unwrap().starts_with("rate 20/s, Meta's limit of the number, "), "{plan}");
    assert_eq!(plan["sender_limits"], json!([]), "what Meta allows is set in no configuration");
    serve.stop().await;
}

/// Another one, to somebody new.
async fn draft(shop: &Shop) -> String {
    let list = shop.write("more.csv", format!("name,phone\nPerson,{}\n", digits(77)));
    let new = ["blast", "new", "--sender", "cloud", "--template", "hello_world", "--language", "en_US", "--recipients"];
    let made = said(with_secrets(shop.command(&[&new[..], &[list.to_str().unwrap(), "--json"]].concat()))).await;
    let made: Value = serde_json::from_str(&made.out).unwrap();
    made["id"].to_string()
}

#[tokio::test]
async fn whoever_ends_a_pause_of_the_provider_cuts_short_nobodys_own_wait() {
    let sim = ["--latency", "5ms", "--phone-number-id", NUMBER, "--app-secret", APP_SECRET];
    let shop = Shop::open(Setup { sim: &sim, ..Setup::default() }).await;
    shop.write("config.toml", format!("{}retry_next_day = true\n", senders(shop.sim.base_url())));
    shop.sim.answer_send(&digits(0), refusal(131_026, 9)).await;
    shop.sim.answer_send(&digits(1), refusal(131_049, 9)).await;
    shop.sim.answer_send(&digits(2), refusal(130_429, 1)).await;
    let serve = Serve::start(&shop, &[]).await;
    send(&shop, 3).await;
    let waiting =
        "select count(*) from blast_recipients where status = 'queued' and next_attempt_at > now() and tries > 0";
    eventually_async("all three wait", async || shop.number(waiting).await == 3).await;
    shop.execute("update senders set held_until = now() + interval '20 minutes'").await;

    shop.ok(&["sender", "confirm", "cloud", "--yes", "--no-engine"]).await;

    let hours =
        "select extract(epoch from next_attempt_at - now())::bigint / 3600 from blast_recipients where error_code = $1";
    let mut waits = Vec::new();
    for code in ["131026", "131049"] {
        let hours: i64 = sqlx::query_scalar(hours).bind(code).fetch_one(&shop.database.pool).await.unwrap();
        waits.push(hours);
    }
    assert!(waits[0] >= 3 && waits[1] >= 23, "{waits:?}");
    eventually_async("who was refused for the pause is sent to", async || posts_to(&shop, 2).await == 2).await;
    assert_eq!([posts_to(&shop, 0).await, posts_to(&shop, 1).await], [1, 1]);
    serve.stop().await;
}
