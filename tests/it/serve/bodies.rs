//! Thousands of bodies that nobody would write: random bytes, random JSON, and webhooks that were damaged on their way.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::shop;
use crate::support::serve::{ACCOUNT, APP_SECRET, NUMBER, Serve, WEBHOOK_SECRET, signature};
use crate::support::{digits, eventually_async, figure, long_form};

const SEED: u64 = 4_711;
/// Requests in flight.
const AT_ONCE: usize = 16;

#[tokio::test]
async fn thousands_of_random_and_damaged_bodies_are_kept_if_they_are_proven_and_change_nobody() {
    let shop = shop().await;
    let serve = Arc::new(Serve::start(&shop, &[]).await);
    shop.until_listening(1).await;
    shop.execute(&crate::inbox::blast_of("cloud", 1, 20)).await;
    let facts = "select md5(string_agg(x, ' ')) from (
        select string_agg(b::text, ' ' order by b.id) as x from blasts b union all
        select string_agg(r::text, ' ' order by r.id) from blast_recipients r union all
        select string_agg(m::text, ' ' order by m.id) from provider_message m union all
        select string_agg(h::text, ' ' order by h.id) from status_history h union all
        -- That webhooks come is noted.
        select string_agg((to_jsonb(s) - 'webhook_seen_at')::text, ' ' order by s.id) from senders s) as facts";
    let read = async || sqlx::query_scalar::<_, String>(facts).fetch_one(&shop.database.pool).await.unwrap();
    let before = read().await;
    figure(&format!("seed {SEED}"));

    let mut random = StdRng::seed_from_u64(SEED);
    let bodies = if long_form() { 10_000 } else { 2_000 };
    let requests: Vec<OddRequest> = (0..bodies).map(|_| OddRequest::draw(&mut random)).collect();
    let requests = Arc::new(requests);
    let posting = (0..AT_ONCE).map(|first| {
        let (serve, requests) = (serve.clone(), requests.clone());
        tokio::spawn(async move {
            for (n, request) in requests.iter().enumerate().skip(first).step_by(AT_ONCE) {
                let (status, expected) = (request.post(&serve).await, request.expected());
                assert_eq!(status, expected, "number {n} of seed {SEED}: {request:?}");
            }
        })
    });
    for posting in posting.collect::<Vec<_>>() {
        posting.await.unwrap();
    }
    let new = "select count(*) from webhook_inbox where state = 'new'";
    eventually_async("all are read", async || shop.number(new).await == 0).await;

    let mut proven: Vec<_> = requests.iter().filter(|request| request.is_proven).collect();
    proven.sort_unstable_by_key(|request| (request.of_meta, &request.body));
    proven.dedup_by_key(|request| (request.of_meta, &request.body));
    assert_eq!(shop.number("select count(*) from webhook_inbox").await, i64::try_from(proven.len()).unwrap());
    let speechless = "select count(*) from webhook_inbox where state = 'failed' and coalesce(reason, '') = ''";
    assert_eq!(shop.number(speechless).await, 0);
    assert_eq!(read().await, before, "none of them is about anybody of ours");
    assert_eq!(serve.get("/livez").await.0, StatusCode::OK);
    let log = std::fs::read_to_string(shop.path("serve.log")).unwrap();
    assert!(!log.contains("panicked"), "{log}");
    shop.invariants().await;
    Arc::into_inner(serve).unwrap().stop().await;
}

/// A body, and how it is posted.
#[derive(Debug)]
struct OddRequest {
    of_meta: bool,
    is_proven: bool,
    body: Vec<u8>,
}

impl OddRequest {
    fn draw(random: &mut StdRng) -> Self {
        let of_meta = random.random_range(0..5) > 0;
        let body = match random.random_range(0..10) {
            0 => bytes(random, 400),
            1 => odd_json(random, 4).to_string().into_bytes(),
            _ => damaged(random, of_meta),
        };
        Self { of_meta, is_proven: random.random_range(0..4) > 0, body }
    }

    const fn expected(&self) -> StatusCode {
        if self.is_proven { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
    }

    async fn post(&self, serve: &Serve) -> StatusCode {
        let body = self.body.clone();
        match (self.of_meta, self.is_proven) {
            (true, true) => serve.meta(body).await,
            (true, false) => {
                serve.meta_with(body, &[("X-Hub-Signature-256", &signature("of a stranger", &self.body))]).await
            }
            (false, true) => serve.post(&format!("/api/webhook/wsapme/{WEBHOOK_SECRET}"), body).await,
            (false, false) => serve.post(&format!("/api/webhook/wsapme/{APP_SECRET}"), body).await,
        }
    }
}

fn bytes(random: &mut StdRng, at_most: usize) -> Vec<u8> {
    let length = random.random_range(0..at_most);
    (0..length).map(|_| random.random()).collect()
}

/// Any JSON, with the words of webhooks in it.
fn odd_json(random: &mut StdRng, depth: usize) -> Value {
    const KEYS: [&str; 12] = [
        "object", "entry", "changes", "value", "field", "statuses", "messages", "id", "status", "metadata", "data",
        "key",
    ];
    match random.random_range(0..if depth == 0 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => random.random::<bool>().into(),
        2 => random.random::<i64>().into(),
        3 => String::from_utf8_lossy(&bytes(random, 20)).into_owned().into(),
        4 => KEYS[random.random_range(0..KEYS.len())].into(),
        5 => (0..random.random_range(0..4)).map(|_| odd_json(random, depth - 1)).collect(),
        _ => {
            let fields = (0..random.random_range(0..5))
                .map(|_| (KEYS[random.random_range(0..KEYS.len())].to_owned(), odd_json(random, depth - 1)));
            Value::Object(fields.collect())
        }
    }
}

/// A good webhook about a stranger in which up to eight things were changed.
fn damaged(random: &mut StdRng, of_meta: bool) -> Vec<u8> {
    let good = if of_meta { of_meta_kind(random) } else { of_wsapme_kind(random) };
    let mut body = good.to_string().into_bytes();
    for _ in 0..random.random_range(0..=8) {
        damage(random, &mut body);
    }
    body
}

fn damage(random: &mut StdRng, body: &mut Vec<u8>) {
    if body.is_empty() {
        return;
    }
    let at = random.random_range(0..body.len());
    let end = (at + random.random_range(1..40)).min(body.len());
    match random.random_range(0..8) {
        0 => body[at] ^= 1 << random.random_range(0..8),
        1 => body[at] = random.random(),
        2 => body.truncate(at),
        3 => drop(body.drain(at..end)),
        4 => {
            let again = body[at..end].to_vec();
            body.splice(at..at, again);
        }
        5 => {
            let noise = bytes(random, 10);
            body.splice(at..at, noise);
        }
        6 => {
            const WORDS: [&str; 9] =
                ["\\u0000", "\0", "null", "{}", "[]", "1e999", "-9223372036854775809", "\\ud800", "\u{feff}"];
            body.splice(at..end, WORDS[random.random_range(0..WORDS.len())].bytes());
        }
        _ => {
            let depth = random.random_range(1..300);
            body.splice(at..at, std::iter::repeat_n(b'[', depth));
        }
    }
}

/// The number of somebody who is in no blast.
fn stranger(random: &mut StdRng) -> String {
    digits(random.random_range(500_000..999_999))
}

fn of_meta_kind(random: &mut StdRng) -> Value {
    let person = stranger(random);
    let id = format!("wamid.HBgL{:016x}", random.random::<u64>());
    let status = |word: &str| {
        json!({ "statuses": [{ "id": id, "status": word, "timestamp": "1790000000", "recipient_id": person,
            "recipient_user_id": "MY.1a2B3c", "biz_opaque_callback_data": "blastdeck:of-another-installation:1:1:1:1790000000123456",
            "pricing": { "billable": true, "pricing_model": "PMP", "type": "regular", "category": "marketing" },
            "errors": [{ "code": 131_026, "title": "Undeliverable", "error_data": { "details": "x" } }] }] })
    };
    let message = |kind: &str, content: Value| {
        json!({ "contacts": [{ "profile": { "name": "Aina" }, "wa_id": person }],
                "messages": [{ "from": person, "id": id, "timestamp": "1790000000", "type": kind, (kind): content,
                               "context": { "id": "wamid.unknown" } }] })
    };
    let (field, value) = match random.random_range(0..13) {
        0 => ("messages", status("sent")),
        1 => ("messages", status("delivered")),
        2 => ("messages", status("read")),
        3 => ("messages", status("failed")),
        4 => ("messages", message("text", json!({ "body": "STOP" }))),
        5 => ("messages", message("button", json!({ "payload": "YES", "text": "Ya" }))),
        6 => (
            "messages",
            message("interactive", json!({ "type": "list_reply", "list_reply": { "id": "1", "title": "Ya" } })),
        ),
        7 => (
            "messages",
            message(
                "order",
                json!({ "catalog_id": "1", "product_items": [
            { "product_retailer_id": "sku", "quantity": 2, "item_price": 29.9, "currency": "MYR" }] }),
            ),
        ),
        8 => ("messages", message("image", json!({ "id": "17", "mime_type": "image/png", "caption": "resit" }))),
        9 => (
            "user_preferences",
            json!({ "user_preferences": [
            { "wa_id": person, "category": "marketing_messages", "value": "stop", "timestamp": 1_790_000_000 }] }),
        ),
        10 => ("messages", message("system", json!({ "type": "user_changed_number", "wa_id": stranger(random) }))),
        11 => (
            "message_template_status_update",
            json!({ "event": "PAUSED", "message_template_id": 1,
            "message_template_name": "of_nobody", "message_template_language": "en_US", "reason": "quality" }),
        ),
        _ => ("business_capability_update", json!({ "max_daily_conversation_per_phone": 1_000 })),
    };
    let mut value = value;
    value["messaging_product"] = "whatsapp".into();
    value["metadata"] = json!({ "display_phone_number": "60122222222", "phone_number_id": NUMBER });
    let changes = json!([{ "field": field, "value": value }]);
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": ACCOUNT, "time": 1_790_000_000, "changes": changes }] })
}

fn of_wsapme_kind(random: &mut StdRng) -> Value {
    let person = stranger(random);
    let id = format!("3EB0{:016X}", random.random::<u64>());
    match random.random_range(0..3) {
        0 => json!({ "key": { "remoteJid": format!("{person}@s.whatsapp.net"), "fromMe": true, "id": id },
                     "update": { "status": 3, "messageTimestamp": 1_790_000_000 } }),
        1 => json!({ "data": [{ "messageId": id, "status": "READ" }] }),
        _ => {
            json!({ "type": "text", "message": "Hello", "from": format!("{person}@c.us"), "timestamp": 1_790_000_000 })
        }
    }
}
