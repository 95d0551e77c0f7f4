//! A whole blast over Meta's wire, with webhooks that are lost, doubled, late and early, and a server that is killed: what we
//! count is what was announced.

use std::collections::HashMap;

use serde_json::Value;

use crate::support::closed::address_to_return_to;
use crate::support::serve::{APP_SECRET, NUMBER, Serve, senders};
use crate::support::{Setup, Shop, digits, eventually_async};

const PEOPLE: u32 = 150;

/// Everything that can befall a webhook, at once.
const FAULTS: [&str; 10] = [
    "accept-then-hangup=0.1",
    "webhook-lost=0.1",
    "webhook-duplicate=0.5",
    "webhook-repeated=0.3",
    "webhook-reorder=0.5",
    "webhook-early=0.2",
    "no-delivered=0.2",
    "no-phone=0.2",
    "async-131026=0.05",
    "async-131050=0.05",
];

#[tokio::test]
async fn a_blast_ends_as_its_webhooks_announced_whatever_befell_them() {
    let shop = shop().await;
    let serve = Serve::start(&shop, &[]).await;
    shop.sim.meta_webhooks_to(&format!("{}/api/webhook/meta", serve.base_url)).await;
    send(&shop).await;

    until_over(&shop).await;

    assert_as_announced(&shop).await;
}

#[tokio::test]
async fn a_server_that_is_killed_again_and_again_loses_nothing_and_sends_nothing_twice() {
    let shop = shop().await;
    let free = address_to_return_to();
    let mut serve = Serve::start(&shop, &["--listen", &free]).await;
    shop.sim.meta_webhooks_to(&format!("{}/api/webhook/meta", serve.base_url)).await;
    send(&shop).await;

    for posts in [20, 60, 100] {
        // A slow machine leaves many in doubt with each kill, and fewer to post to. Whoever is undeliverable waits for hours.
        let queued = "select count(*) from blast_recipients
                       where status = 'queued' and error_code is distinct from '131026'";
        eventually_async("there are more POSTs, or nobody is left", async || {
            shop.sim.stats().await.posts >= posts || shop.number(queued).await == 0
        })
        .await;
        serve.kill().await;
        serve = Serve::start(&shop, &["--listen", &free]).await;
    }
    until_over(&shop).await;

    assert_as_announced(&shop).await;
    let posts = shop.sim.posts().await;
    let mut accepted: Vec<_> = posts.iter().filter(|post| post.accepted).map(|post| &post.phone).collect();
    let all = accepted.len();
    accepted.sort_unstable();
    accepted.dedup();
    assert_eq!(accepted.len(), all, "nobody twice");
}

async fn shop() -> Shop {
    let account = ["--phone-number-id", NUMBER, "--app-secret", APP_SECRET];
    let mut sim = [&["--latency", "20ms", "--speed", "6000"][..], &account].concat();
    sim.extend(FAULTS.iter().flat_map(|fault| ["--fault", *fault]));
    let shop = Shop::open(Setup { sim: &sim, ..Setup::default() }).await;
    shop.write("config.toml", senders(shop.sim.base_url()) + "[engine]\nlease_seconds = 5\n");
    shop
}

/// Blast 1, to everybody.
async fn send(shop: &Shop) {
    let rows: Vec<_> = (0..PEOPLE).map(|n| format!("Person {n},{}", digits(n))).collect();
    let list = shop.write("people.csv", format!("name,phone\n{}\n", rows.join("\n")));
    let new = ["blast", "new", "--sender", "cloud", "--template", "hello_world", "--language", "en_US", "--recipients"];
    for verb in
        [&[&new[..], &[list.to_str().unwrap(), "--json"]].concat()[..], &["blast", "send", "1", "--yes", "--no-engine"]]
    {
        let done = shop.run(verb).await;
        assert_eq!(done.code, 0, "{done:?}");
    }
}

/// All are posted to, all is announced, and all of that is applied. Whoever is undeliverable is tried again hours later.
async fn until_over(shop: &Shop) {
    let open = "select count(*) from blast_recipients
                 where status = 'queued' and (error_code is distinct from '131026' or next_attempt_at < now())";
    eventually_async("all are posted to", async || shop.number(open).await == 0).await;
    eventually_async("all is announced", async || shop.sim.truth().await["settled"] == true).await;
    let left = "select count(*) from webhook_inbox where state in ('new', 'parked')";
    eventually_async("all is applied", async || shop.number(left).await == 0).await;
}

async fn assert_as_announced(shop: &Shop) {
    let truth = shop.sim.truth().await;
    let expected: HashMap<String, Vec<String>> = truth["posts"].as_array().unwrap().iter().map(expected).collect();
    let people: Vec<(String, String)> = sqlx::query_as(
        "select phone_number, case when error_code = '131050' or error_code = '131026' and status = 'queued' then 'failed'
                                   else status::text end
           from blast_recipients order by id",
    )
    .fetch_all(&shop.database.pool)
    .await
    .unwrap();
    // Whoever was claimed by a server that was killed before the POST was never posted to.
    let unposted = vec!["uncertain".to_owned()];
    let expected = |phone: &str| expected.get(phone.trim_start_matches('+')).unwrap_or(&unposted);
    let wrong: Vec<_> = people.iter().filter(|(phone, status)| !expected(phone).contains(status)).collect();
    let wrong: Vec<_> = wrong.into_iter().map(|(phone, status)| (phone, status, expected(phone))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(shop.number("select count(*) from webhook_inbox where failed_items is not null").await, 0);
    shop.invariants().await;
}

/// A person's number, and where they may stand by what was announced.
fn expected(post: &Value) -> (String, Vec<String>) {
    let phone = post["phone"].as_str().unwrap().trim_start_matches('+').to_owned();
    // A stop is an opt-out, and leaves its person where they were.
    let wrote = post["announced_reply"] == true && post["reply_text"] != "STOP";
    let stages = match (wrote, post["announced_stage"].as_str()) {
        (true, _) => vec!["replied"],
        (false, Some(stage)) => vec![stage],
        // The answer was lost with the server that waited for it, or it was never sent.
        (false, None) => vec!["sent", "uncertain"],
    };
    (phone, stages.into_iter().map(str::to_owned).collect())
}
