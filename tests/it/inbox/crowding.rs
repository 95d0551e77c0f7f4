//! What one request can do to the others: nothing, however much is in it and whatever becomes of it. Opt-outs come first.

use blastdeck::store::inbox::{self, NewWebhook};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::scene::{InboxScene, envelope, status, statuses, text};
use crate::support::serve::senders;
use crate::support::{Setup, Shop, digits, eventually_async};

fn suppressed(n: u32) -> String {
    format!("select count(*) from suppressions where phone_number = '+{}'", digits(n))
}

/// One request with `count` texts of people from `first` on; the last one says STOP.
fn texts_then_stop(first: u32, count: u32) -> Value {
    let at = chrono::Utc::now().timestamp().to_string();
    let items = (first..first + count).map(|n| {
        let body = if n + 1 == first + count { "STOP" } else { "Hello" };
        json!({ "from": digits(n), "id": format!("wamid.in{n}"), "timestamp": at, "type": "text", "text": { "body": body } })
    });
    json!({ "messages": items.collect::<Vec<_>>() })
}

async fn post(scene: &InboxScene, body: String) {
    assert_eq!(scene.serve.meta(body).await, StatusCode::OK);
}

#[tokio::test]
async fn a_body_of_a_million_empty_entries_fails_with_a_reason_and_a_stop_behind_it_holds() {
    let scene = InboxScene::sent(1).await;
    let entries = vec!["{}"; 1_000_000].join(",");
    post(&scene, format!("{{\"object\":\"whatsapp_business_account\",\"entry\":[{entries}]}}")).await;

    post(&scene, envelope(&text(1, "wamid.in1", "STOP")).to_string()).await;

    eventually_async("the stop holds", async || scene.shop.number(&suppressed(1)).await == 1).await;
    let failed = "select count(*) from webhook_inbox where state = 'failed' and reason like '%values%'";
    eventually_async("the large one has failed", async || scene.shop.number(failed).await == 1).await;
    let applied = "select count(*) from webhook_inbox where state = 'applied'";
    eventually_async("the other is applied", async || scene.shop.number(applied).await == 1).await;
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_stop_holds_before_the_texts_that_came_before_it_are_applied() {
    let scene = InboxScene::sent(500).await;
    let replies = "select count(*) from replies";

    post(&scene, envelope(&texts_then_stop(1, 450)).to_string()).await;
    post(&scene, envelope(&text(500, "wamid.in500", "STOP")).to_string()).await;

    for n in [450, 500] {
        eventually_async("the stop holds", async || scene.shop.number(&suppressed(n)).await == 1).await;
        let kept = scene.shop.number(replies).await;
        assert!(kept < 450, "the stop of person {n} waited for {kept} texts");
    }
    eventually_async("all are kept", async || scene.shop.number(replies).await == 451).await;
    let applied = "select count(*) from webhook_inbox where state = 'applied' and tries = 1";
    eventually_async("both are applied", async || scene.shop.number(applied).await == 2).await;
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_request_that_the_database_refuses_is_set_aside_with_its_reason_and_tried_again_alone() {
    let scene = InboxScene::sent(8).await;
    scene
        .shop
        .execute(
            "create function refuse() returns trigger language plpgsql as $$
             begin
                 if new.body = 'poison' then
                     raise exception 'not now' using errcode = 'out_of_memory';
                 end if;
                 return new;
             end $$;
             create trigger refuse before insert on replies for each row execute function refuse();",
        )
        .await;

    for n in 1..=8 {
        let body = if n == 4 { "poison" } else { "Hello" };
        post(&scene, envelope(&text(n, &format!("wamid.in{n}"), body)).to_string()).await;
    }

    let replies = "select count(*) from replies";
    eventually_async("the others are applied", async || scene.shop.number(replies).await == 7).await;
    let aside = "select count(*) from webhook_inbox where state = 'parked' and tries > 0 and reason like '%not now%'";
    eventually_async("it is set aside", async || scene.shop.number(aside).await == 1).await;
    scene.shop.execute("drop trigger refuse on replies").await;
    eventually_async("it follows", async || scene.shop.number(replies).await == 8).await;
    scene.shop.invariants().await;
}

/// More than one transaction takes: what waits in the first part must not keep the others from their turn.
#[tokio::test]
async fn of_a_request_in_parts_everything_is_tried_before_what_waits_is_tried_again() {
    let scene = InboxScene::sent(1).await;
    let mut items: Vec<_> = (10_001..=15_000).map(|n| status(n, "delivered")).collect();
    items.push(status(1, "read"));

    post(&scene, envelope(&statuses(&items)).to_string()).await;

    eventually_async("the last is applied", async || scene.status(1).await == "read").await;
    let waiting = "select count(*) from webhook_inbox
                    where state = 'parked' and cardinality(open_items) = 5000 and 0 <= all (open_items)
                      and cardinality(waits_for) = 5000 and items = 5001";
    eventually_async("the others wait", async || scene.shop.number(waiting).await == 1).await;
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_stop_holds_however_many_requests_came_before_it() {
    let scene = InboxScene::sent(1).await;
    let stop = envelope(&text(1, "wamid.in1", "STOP")).to_string();
    let mut tx = scene.shop.database.pool.begin().await.unwrap();
    let backlog = "insert into webhook_inbox (provider, digest, body)
                   select 'meta', sha256(n::text::bytea), '{\"object\":\"x\",\"entry\":[]}' from generate_series(1, 20000) as n";
    sqlx::query(backlog).execute(&mut *tx).await.unwrap();
    let last = "insert into webhook_inbox (provider, digest, body, may_opt_out, next_try_at)
                values ('meta', sha256('stop'), $1, true, now() + interval '1 second')";
    sqlx::query(last).bind(stop.as_bytes()).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    scene.shop.execute("select pg_notify('blastdeck_inbox', '')").await;

    eventually_async("the stop holds", async || scene.shop.number(&suppressed(1)).await == 1).await;
    // By the transactions' own times: how much is applied until this test looks says how busy the machine is.
    let before = "select count(*) from webhook_inbox where applied_at < (select created_at from suppressions)";

    assert_eq!(scene.shop.number(before).await, 0, "it waited for none of the 20,000 requests before it");
}

#[tokio::test]
async fn a_long_backlog_is_read_for_opt_outs_page_by_page_and_each_request_once() {
    const LARGE: usize = 700 * 1024;
    let shop = Shop::open(Setup::default()).await;
    let pool = &shop.database.pool;
    for batch in 0..12 {
        let webhooks = (0..200).map(|n| {
            let text = format!("{{\"n\":\"{batch}-{n}\"}}");
            let body = if n == 7 { text + &" ".repeat(LARGE) } else { text };
            NewWebhook { provider: "wsapme", senders: None, content_type: None, body: body.into() }
        });
        inbox::insert(pool, &webhooks.collect::<Vec<_>>()).await.unwrap();
    }

    let (mut seen, mut after) = (Vec::<i64>::new(), 0);
    let mut tx = inbox::begin(pool).await.unwrap();
    loop {
        let except: Vec<i64> = seen.iter().copied().filter(|id| *id > after).collect();
        let page = inbox::opt_outs(&mut tx, after, &except).await.unwrap();
        if page.rows.is_empty() {
            break;
        }
        assert!(page.up_to >= after && except.len() <= 2_000, "{} are named one by one", except.len());
        seen.extend(page.rows.iter().map(|row| row.id));
        after = page.up_to;
    }

    seen.sort_unstable();
    let all: Vec<i64> =
        sqlx::query_scalar("select id from webhook_inbox order by id").fetch_all(&mut *tx).await.unwrap();
    assert_eq!((seen.len(), seen == all), (2_400, true));
}

#[tokio::test]
async fn stops_that_came_while_no_engine_ran_hold_before_an_engine_that_starts_sends_anything() {
    let shop = Shop::open(Setup::default()).await;
    shop.write("config.toml", senders(shop.sim.base_url()).replace("\"unlimited\"", "\"unlimited\"\ngap = \"none\""));
    let at = chrono::Utc::now().timestamp().to_string();
    let stops = (0..300).map(|n| {
        json!({ "from": digits(n), "id": format!("wamid.in{n}"), "timestamp": at, "type": "text", "text": { "body": "STOP" } })
    });
    let stops = json!({ "messages": stops.collect::<Vec<_>>() });
    shop.ok(&["sender", "list"]).await;
    // As a server leaves it that is killed right after its answer.
    let body = envelope(&stops).to_string().into();
    let kept = NewWebhook { provider: "meta", senders: None, content_type: None, body };
    inbox::insert(&shop.database.pool, &[kept]).await.unwrap();
    let blast = shop.draft(0..301).await;
    shop.ok(&["blast", "send", &blast, "--yes", "--no-engine"]).await;

    let engine = shop.engine();
    shop.until_state(&blast, "completed").await;

    assert_eq!(shop.sim.posts().await.len(), 1, "one of them wrote nothing");
    engine.stop().await;
}
