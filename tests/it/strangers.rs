//! `blastdeck serve` and what is not well: strangers who send slowly, senders that cannot be used here.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use rustix::process::{Resource, getrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::serve::{APP_SECRET, Serve, WEBHOOK_SECRET, senders, signature};
use crate::support::{Setup, Shop, eventually_async, measured, settle_for};

async fn shop() -> Shop {
    let shop = Shop::open(Setup::default()).await;
    shop.write("config.toml", senders(shop.sim.base_url()));
    shop
}

/// A request that announces 25 MB and sends one byte.
async fn dribble(address: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("POST /api/webhook/meta HTTP/1.1\r\nHost: x\r\nContent-Length: 26214400\r\n{headers}\r\n{{");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn strangers_who_announce_much_and_send_little_hold_up_nobody() {
    let shop = shop().await;
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let address = serve.base_url.trim_start_matches("http://").to_owned();
    let invented = format!("X-Hub-Signature-256: {}\r\n", signature("a guess", b""));
    let mut strangers = Vec::new();
    for headers in ["", &invented] {
        for _ in 0..20 {
            strangers.push(dribble(&address, headers).await);
        }
    }

    assert_eq!(serve.meta("{}").await, StatusCode::OK);
    assert_eq!(serve.meta(vec![b'x'; 3 * 1024 * 1024]).await, StatusCode::OK);

    let began = Instant::now();
    let mut answer = String::new();
    strangers[39].read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "whoever sends that slowly is given up: {answer}");
    measured("a body that comes too slowly, until it is refused", began.elapsed(), Duration::from_secs(20));
    serve.stop().await;
}

#[tokio::test]
async fn strangers_who_take_all_the_room_and_send_nothing_more_give_way() {
    let shop = shop().await;
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let address = serve.base_url.trim_start_matches("http://").to_owned();
    // As many connections as the server has room for, and some more.
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let mut strangers = Vec::new();
    for _ in 0..(files / 4).min(1_024) + 20 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"POST /api/webhook/meta HTTP/1.1\r\nHost: x\r\n").await.unwrap();
        strangers.push(stream);
    }
    let began = Instant::now();

    assert_eq!(serve.meta("{}").await, StatusCode::OK);

    measured("a webhook behind strangers", began.elapsed(), Duration::from_secs(8));
    serve.stop().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_bodies_that_are_still_to_come() {
    let shop = shop().await;
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let address = serve.base_url.trim_start_matches("http://").to_owned();
    let mut slow = dribble(&address, &format!("X-Hub-Signature-256: {}\r\n", signature(APP_SECRET, b"{"))).await;
    // Once another is answered, the one before it is being read.
    assert_eq!(serve.meta("{}").await, StatusCode::OK);

    serve.stop().await;

    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "it is asked to send it again: {answer}");
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_kept() {
    let shop = shop().await;
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let mut lock = shop.database.pool.begin().await.unwrap();
    sqlx::query("lock table webhook_inbox in share mode").execute(&mut *lock).await.unwrap();
    let first = serve.meta("{\"n\":1}");
    let (second, third) = ("{\"n\":2}", "{\"n\":3}");
    let given_up = async {
        let waits = "select count(*) from pg_stat_activity
                      where datname = current_database() and wait_event_type = 'Lock' and query like '%webhook_inbox%'";
        eventually_async("the first is being kept", async || shop.number(waits).await > 0).await;
        let second = tokio::time::timeout(Duration::from_secs(1), serve.meta(second));
        assert!(second.await.is_err(), "it waits for the first");
        // The server sees that its client is gone. The first waits for the lock for five seconds in all.
        settle_for(1_500).await;
        lock.rollback().await.unwrap();
    };

    let (first, ()) = tokio::join!(first, given_up);

    assert_eq!(first, StatusCode::OK);
    assert_eq!(serve.meta(third).await, StatusCode::OK);
    let kept: Vec<Vec<u8>> =
        sqlx::query_scalar("select body from webhook_inbox order by id").fetch_all(&shop.database.pool).await.unwrap();
    assert_eq!(kept, [b"{\"n\":1}", third.as_bytes()]);
    serve.stop().await;
}

#[tokio::test]
async fn webhooks_of_a_sender_that_cannot_be_used_here_are_kept() {
    let shop = shop().await;
    let config = senders(shop.sim.base_url()).replace("WSAPME_TOKEN", "A_TOKEN_OF_ANOTHER_MACHINE");
    shop.write("config.toml", config);
    let serve = Serve::start(&shop, &["--no-engine"]).await;

    assert_eq!(serve.post(&format!("/api/webhook/wsapme/{WEBHOOK_SECRET}"), "{}").await, StatusCode::OK);

    let of_sales =
        "select count(*) from webhook_inbox where senders = array (select id from senders where name = 'sales')";
    assert_eq!(shop.number(of_sales).await, 1);
    serve.stop().await;
}

#[tokio::test]
async fn where_no_webhook_could_be_accepted_it_says_what_is_missing_and_serves_the_rest() {
    let shop = shop().await;
    let config = senders(shop.sim.base_url());
    let bare: Vec<&str> = config.lines().filter(|line| !line.contains("secret")).collect();
    let bare = bare.join("\n");
    assert!(!bare.contains(APP_SECRET));
    shop.write("config.toml", bare);

    let serve = Serve::start(&shop, &["--no-engine"]).await;

    assert_eq!(serve.get("/livez").await.0, StatusCode::OK);
    assert_eq!(serve.post("/api/webhook/meta", "{}").await, StatusCode::UNAUTHORIZED);
    let log = std::fs::read_to_string(shop.path("serve.log")).unwrap();
    assert!(log.contains("app_secret") && log.contains("webhook_secret"), "{log}");
    serve.stop().await;
}
