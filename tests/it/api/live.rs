//! A blast's events as they happen, for programs.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use reqwest::Response;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::client::{Api, said};
use super::{client, client_with, served};
use crate::support::{PATIENCE, Shop, measured, settle_for};

/// What came over a stream: the events in their order.
pub struct Events {
    response: Response,
    text: String,
}

/// One event.
#[derive(Debug)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: Value,
}

impl Events {
    pub async fn open(api: &Api, path: &str, last_event_id: Option<&str>) -> Self {
        let mut request = api.request(reqwest::Method::GET, path);
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        Self::of(request.send().await.unwrap())
    }

    pub fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event; `None`: the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let rest = self.text.split_off(end + 2);
                let block = std::mem::replace(&mut self.text, rest);
                let field = |name: &str| {
                    let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    line.unwrap_or_default().to_owned()
                };
                let event = Event {
                    name: field("event"),
                    id: field("id"),
                    data: serde_json::from_str(&field("data")).unwrap_or(Value::Null),
                };
                if event.name.is_empty() {
                    continue;
                }
                return Some(event);
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.expect("something comes").ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event of this name that fits.
    pub async fn until(&mut self, name: &str, fits: impl Fn(&Value) -> bool) -> Event {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.name == name && fits(&event.data) {
                return event;
            }
        }
    }
}

/// Somebody of a blast writes.
async fn reply(shop: &Shop, n: u32) {
    shop.execute(&format!(
        "insert into replies (sender_id, blast_id, recipient_id, phone_number, kind, body, message_id, at)
         select b.sender_id, b.id, r.id, r.phone_number, 'text', 'reply {n}', 'wamid.{n}', now()
           from blasts b join blast_recipients r on r.blast_id = b.id order by r.id limit 1;
         select pg_notify('blastdeck', '1')"
    ))
    .await;
}

#[tokio::test]
async fn a_blast_is_followed_by_its_events_and_gone_on_with_after_a_break() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "read").await;
    let blast = shop.draft(0..3).await;
    let path = format!("/api/blasts/{blast}/events");
    let mut events = Events::open(&api, &path, None).await;

    let first = events.until("blast", |_| true).await;
    assert_eq!((first.data["state"].as_str(), first.data["counts"]["queued"].as_i64()), (Some("draft"), Some(3)));
    assert_eq!((first.id.as_str(), &first.data["waiting"]), ("0", &Value::Null));

    shop.execute("update blasts set state_reason = 'send it with `blast send`'; select pg_notify('blastdeck', '1')")
        .await;
    events.until("blast", |data| data["state_reason"] == "`POST /api/blasts/{id}/send` sends it").await;

    let began = Instant::now();
    shop.execute(
        "update blast_recipients set status = 'sent', standing = 'sent', message_id = 'A' || id, attempt = 1, sent_at = now()
          where id = 1; select pg_notify('blastdeck', '1')",
    )
    .await;
    events.until("blast", |data| data["metrics"]["sent"] == 1).await;
    measured("a change, in the stream", began.elapsed(), Duration::from_secs(3));

    reply(&shop, 1).await;
    let heard = events.until("reply", |_| true).await;
    assert_eq!((heard.data["text"].as_str(), heard.data["kind"].as_str()), (Some("reply 1"), Some("text")));
    assert_eq!(heard.data["id"].to_string(), heard.id);
    drop(events);

    // Longer ago than anything that could still be committed late.
    shop.execute("update replies set received_at = now() - interval '1 minute'").await;
    for n in 2..=4 {
        reply(&shop, n).await;
    }
    let mut again = Events::open(&api, &path, Some(&heard.id)).await;
    let missed: Vec<Event> = vec![
        again.next().await.unwrap(),
        again.next().await.unwrap(),
        again.next().await.unwrap(),
        again.next().await.unwrap(),
    ];
    let texts: Vec<_> = missed.iter().map(|event| event.data["text"].as_str().unwrap_or(&event.name)).collect();
    assert_eq!(texts, ["reply 2", "reply 3", "reply 4", "blast"], "{missed:?}");
    reply(&shop, 5).await;
    assert_eq!(again.until("reply", |_| true).await.data["text"], "reply 5", "each of them once");
    // More at once than are kept for those who watch: they are read, and none comes twice.
    shop.execute(
        "insert into replies (sender_id, blast_id, recipient_id, phone_number, kind, body, message_id, at)
         select sender_id, blast_id, recipient_id, phone_number, kind, 'many', 'wamid.many' || n, now()
           from replies, generate_series(1, 600) n where message_id = 'wamid.5';
         select pg_notify('blastdeck', '1')",
    )
    .await;
    let mut seen = HashSet::new();
    while seen.len() < 600 {
        let reply = again.until("reply", |_| true).await;
        assert_eq!(reply.data["text"], "many");
        assert!(seen.insert(reply.id.clone()), "{} came twice", reply.id);
    }
    reply(&shop, 6).await;
    assert_eq!(again.until("reply", |_| true).await.data["text"], "reply 6");

    let mut all = Events::open(&api, &format!("{path}?last_event_id=0"), None).await;
    assert_eq!(all.next().await.unwrap().data["text"], "reply 1");
    said(api.request(reqwest::Method::GET, &path).header("Last-Event-ID", "x")).await.expect(422);
    shop.ok(&["blast", "delete", &blast, "--yes"]).await;
    while all.next().await.is_some() {}
    serve.stop().await;
}

#[tokio::test]
async fn many_viewers_share_one_reading_and_see_at_most_four_a_second() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "read").await;
    let blast = shop.draft(0..400).await;
    let path = format!("/api/blasts/{blast}/events");
    let mut viewers = Vec::new();
    for _ in 0..20 {
        viewers.push(Events::open(&api, &path, None).await);
    }
    let began = Instant::now();

    let changes = async {
        for id in 1..=300 {
            shop.execute(&format!(
                "update blast_recipients set status = 'sent', standing = 'sent', message_id = 'A' || id, attempt = 1,
                        sent_at = now() where id = {id}; select pg_notify('blastdeck', '1')"
            ))
            .await;
        }
    };
    let watching = futures_util::stream::iter(&mut viewers).for_each_concurrent(None, async |events: &mut Events| {
        let mut seen = 0;
        while events.until("blast", |_| true).await.data["metrics"]["sent"] != 300 {
            seen += 1;
        }
        let most = 2.0 + began.elapsed().as_secs_f64() * 4.0;
        assert!(f64::from(seen) <= most, "{seen} in {:?}", began.elapsed());
    });
    tokio::join!(changes, watching);

    let listening = shop
        .number("select count(*) from pg_stat_activity where query like 'LISTEN%' and datname = current_database()")
        .await;
    assert!(listening <= 1, "{listening} connections listen for one server without an engine");
    serve.stop().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_token_and_with_the_server_and_shows_no_other_senders_blast() {
    let (shop, serve) = served().await;
    let reader = client(&shop, &serve, "read").await;
    let other = client(&shop, &serve, "write").await;
    let cloud = client_with(&shop, &serve, &["cloud", "--scope", "read", "--sender", "cloud"]).await;
    let blast =
        other.post("/api/blasts", json!({ "message": "Hi", "sender": "sales" })).await.expect(201).body["id"].clone();
    let path = format!("/api/blasts/{blast}/events");
    let mut revoked = Events::open(&reader, &path, None).await;
    let mut stays = Events::open(&other, &path, None).await;
    revoked.until("blast", |_| true).await;
    stays.until("blast", |_| true).await;

    cloud.get(&path).await.expect(404);
    let own = client_with(&shop, &serve, &["own", "--scope", "read", "--sender", "sales"]).await;
    let mut lost = Events::open(&own, &path, None).await;
    lost.until("blast", |_| true).await;
    shop.execute(
        "update blasts set version = version + 1, sender_id = (select id from senders where name = 'cloud');
         select pg_notify('blastdeck', '1')",
    )
    .await;
    while let Some(event) = lost.next().await {
        assert_eq!(event.data["version"], 0, "it is another sender's since");
    }
    stays.until("blast", |data| data["version"] == 1).await;
    let began = Instant::now();
    shop.ok(&["token", "revoke", "read"]).await;
    while revoked.next().await.is_some() {}
    measured("a revoked token, until its stream ended", began.elapsed(), Duration::from_secs(5));
    reader.get(&path).await.expect(401);

    settle_for(50).await;
    let began = Instant::now();
    let (ended, ()) = tokio::join!(stays.next(), serve.stop());
    assert!(ended.is_none(), "{ended:?}");
    measured("a stop, until the stream ended", began.elapsed(), Duration::from_secs(6));
}

#[tokio::test]
async fn other_sites_call_only_where_that_is_configured() {
    let (shop, serve) = super::served_with("[http]\ncors_origins = [\"https://shop.example\"]\n").await;
    let api = client(&shop, &serve, "read").await;
    let ask = async |origin: &str| {
        let url = format!("{}/api/blasts/1/send", serve.base_url);
        let request = serve.client.request(reqwest::Method::OPTIONS, url).header("Origin", origin);
        said(request.header("Access-Control-Request-Method", "POST")).await
    };

    let asked = ask("https://shop.example").await.expect(204);
    assert_eq!(asked.header("access-control-allow-origin"), "https://shop.example");
    let headers = asked.header("access-control-allow-headers");
    assert!(headers.contains("authorization") && headers.contains("prefer"), "{headers}");
    let read = said(api.request(reqwest::Method::GET, "/api/blasts").header("Origin", "https://shop.example")).await;
    assert_eq!(read.expect(200).header("access-control-allow-origin"), "https://shop.example");
    for other in ["https://evil.example", "http://shop.example", "null"] {
        assert_eq!(ask(other).await.header("access-control-allow-origin"), "", "{other}");
    }
    serve.stop().await;
}
