//! Meta's limit of people within a moving day: what is promised under it is what the engine does.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::inbox::scene::blast_of;
use crate::support::serve::{NUMBER, Serve, senders, with_secrets};
use crate::support::{Setup, Shop, digits, eventually_async, said};

/// Drafts 1, 2, ... to so many new people each.
async fn shop(drafts: &[u32]) -> Shop {
    let sim = ["--latency", "5ms", "--phone-number-id", NUMBER];
    let shop = Shop::open(Setup { sim: &sim, ..Setup::default() }).await;
    shop.write("config.toml", senders(shop.sim.base_url()));
    for (blast, people) in (1..).zip(drafts) {
        let rows: Vec<_> = (0..*people).map(|n| format!("Person {n},{}", digits(blast * 1_000 + n))).collect();
        let list = shop.write("people.csv", format!("name,phone\n{}\n", rows.join("\n")));
        let new = ["blast", "new", "--sender", "cloud", "--template", "hello_world", "--language", "en_US"];
        done(&shop, &[&new[..], &["--recipients", list.to_str().unwrap()]].concat()).await;
    }
    shop
}

/// Launches these. A launch reads the limit, so that it is set afterwards.
async fn launch(shop: &Shop, blasts: &[&str], limit: u32) {
    for blast in blasts {
        done(shop, &["blast", "send", blast, "--yes", "--no-engine"]).await;
    }
    shop.execute(&format!("update business_limits set people = {limit}")).await;
}

async fn done(shop: &Shop, verb: &[&str]) {
    let done = said(with_secrets(shop.command(verb))).await;
    assert_eq!(done.code, 0, "{done:?}");
}

/// Another number of the business wrote to so many others, who count no more at a time.
async fn counted_until(shop: &Shop, blast: u32, people: u32, until: DateTime<Utc>) {
    shop.execute("insert into senders (name, provider, business, rehearsal) values ('other', 'meta', 'kedai', true)")
        .await;
    shop.execute(&blast_of("other", blast, people)).await;
    let at = (until - TimeDelta::hours(24)).to_rfc3339();
    shop.execute(&format!(
        "update provider_message set claimed_at = '{at}'
          where recipient_id in (select id from blast_recipients where blast_id = {blast})"
    ))
    .await;
}

async fn asked(shop: &Shop, verb: &[&str]) -> Value {
    let said = said(with_secrets(shop.command(verb))).await;
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap_or_else(|| panic!("{value} is no time")).parse().unwrap()
}

#[tokio::test]
async fn the_plan_says_what_goes_when_by_the_moving_day_and_the_engine_keeps_to_it() {
    let shop = shop(&[6]).await;
    let frees = Utc::now() + TimeDelta::seconds(25);
    counted_until(&shop, 2, 3, frees).await;
    shop.execute("insert into business_limits (business, people, learned_at) values ('kedai', 5, now())").await;
    let plan = asked(&shop, &["blast", "plan", "1", "--json"]).await;
    launch(&shop, &["1"], 5).await;
    let serve = Serve::start(&shop, &[]).await;
    eventually_async("all but one are sent to", async || shop.count("queued").await == 1).await;
    let waits = shop.until_waiting("1", "people_limit").await;
    let show = asked(&shop, &["blast", "show", "1", "--json"]).await;

    assert_eq!(plan["people_limit"], json!({ "limit": 5, "left": 2 }));
    let shares = ["today", "tomorrow", "later"].map(|day| plan[day]["people"].as_i64().unwrap_or_default());
    assert_eq!(shares, [5, 1, 0], "two, then three places that are free again; the last one a day after the first");
    let posts = shop.sim.posts().await;
    let before = posts.iter().filter(|post| post.at < frees).count();
    assert!(posts.len() == 5 && before <= 2, "{before} of {} before {frees}", posts.len());
    let (promised, until) = (time(&plan["done_at"]), time(&waits["until"]));
    assert!((promised - until).abs() < TimeDelta::seconds(20), "promised {promised}, goes on {until}");
    assert!((time(&show["done_at"]) - until).abs() < TimeDelta::seconds(2), "{show}, not {until}");
    serve.stop().await;
    shop.invariants().await;
}

#[tokio::test]
async fn people_who_count_already_are_promised_at_once_where_a_place_is_left() {
    let shop = shop(&[1]).await;
    counted_until(&shop, 2, 4, Utc::now() + TimeDelta::hours(3)).await;
    launch(&shop, &["1"], 6).await;
    // The same four again, beside somebody new.
    shop.execute(
        "insert into blasts (blast_tag, sender_id, message, state, total_recipients)
         select 'again', id, 'Hi', 'draft', 4 from senders where name = 'cloud';
         insert into blast_recipients (blast_id, phone_number)
         select 3, phone_number from blast_recipients where blast_id = 2",
    )
    .await;

    let plan = asked(&shop, &["blast", "plan", "3", "--json"]).await;

    assert_eq!(plan["people_limit"], json!({ "limit": 6, "left": 2 }));
    assert!(time(&plan["done_at"]) < Utc::now() + TimeDelta::minutes(1), "{plan}");
}

#[tokio::test]
async fn the_senders_line_names_the_limit_that_holds_all_of_its_blasts() {
    let shop = shop(&[2, 2]).await;
    counted_until(&shop, 3, 3, Utc::now() + TimeDelta::hours(3)).await;
    launch(&shop, &["1", "2"], 3).await;
    let serve = Serve::start(&shop, &[]).await;

    for blast in ["1", "2"] {
        shop.until_waiting(blast, "people_limit").await;
    }

    eventually_async("the sender waits for it", async || {
        let list = shop.json_lines(&["sender", "list"]).await;
        let cloud = list.iter().find(|sender| sender["name"] == "cloud").unwrap();
        cloud["waiting"]["reason"] == "people_limit" && cloud["waiting"]["people"] == 3
    })
    .await;
    assert_eq!(shop.sim.posts().await.len(), 0);
    serve.stop().await;
}
