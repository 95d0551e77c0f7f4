//! `blastdeck serve`: what is proven is kept and answered 200, whatever is in it; what is not is refused, and nothing of it kept.

mod bodies;

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::serve::{
    APP_SECRET, NUMBER, Serve, VERIFY_TOKEN, WEBHOOK_SECRET, senders, signature, with_secrets,
};
use crate::support::{Setup, Shop, eventually_async, measured, said};

const KEPT: &str = "select count(*) from webhook_inbox";

async fn shop() -> Shop {
    let shop = Shop::open(Setup::default()).await;
    shop.write("config.toml", senders(shop.sim.base_url()));
    shop
}

#[tokio::test]
async fn only_what_was_signed_with_the_app_secret_is_kept_byte_for_byte() {
    let shop = shop().await;
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let body =
        r#"{"object":"whatsapp_business_account","entry":[{"id":"1","note":"caf\u00e9 \/ é"}]}"#.as_bytes().to_vec();
    let good = signature(APP_SECRET, &body);
    let mut changed = body.clone();
    changed[10] ^= 1;
    let upper = format!("sha256={}", good.trim_start_matches("sha256=").to_uppercase());
    let unicode = String::from_utf8(body.clone()).unwrap().replace("\\u00e9", "é").into_bytes();

    for (what, body, headers) in [
        ("a byte changed", changed, vec![("X-Hub-Signature-256", good.clone())]),
        ("unescaped", unicode, vec![("X-Hub-Signature-256", good.clone())]),
        ("a wrong secret", body.clone(), vec![("X-Hub-Signature-256", signature("another", &body))]),
        ("no header", body.clone(), vec![]),
        ("an empty header", body.clone(), vec![("X-Hub-Signature-256", String::new())]),
        ("no scheme", body.clone(), vec![("X-Hub-Signature-256", good.replace("sha256=", ""))]),
        ("another scheme", body.clone(), vec![("X-Hub-Signature", good.replace("sha256", "sha1"))]),
        ("cut short", body.clone(), vec![("X-Hub-Signature-256", good[..good.len() - 1].to_owned())]),
        ("no hex", body.clone(), vec![("X-Hub-Signature-256", good.replace('a', "g").replace('1', "ü"))]),
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(serve.meta_with(body, &headers).await, StatusCode::UNAUTHORIZED, "{what}");
    }
    assert_eq!(shop.number(KEPT).await, 0);

    for header in [("X-HUB-SIGNATURE-256", good.as_str()), ("x-hub-signature-256", &upper)] {
        assert_eq!(serve.meta_with(body.clone(), &[header]).await, StatusCode::OK, "{header:?}");
    }
    let kept: Vec<Vec<u8>> =
        sqlx::query_scalar("select body from webhook_inbox").fetch_all(&shop.database.pool).await.unwrap();
    assert_eq!(kept, [body], "once, as it came");
    let log = std::fs::read_to_string(shop.path("serve.log")).unwrap();
    assert_eq!(log.matches("without proof").count(), 1, "counted, not repeated: {log}");
    assert!(!log.contains(APP_SECRET), "{log}");
    serve.stop().await;
}

#[tokio::test]
async fn three_megabytes_are_kept_thirty_are_too_long_and_an_empty_body_is_no_error() {
    let shop = shop().await;
    let serve = Serve::start(&shop, &["--no-engine"]).await;

    assert_eq!(serve.meta(vec![b'x'; 3 * 1024 * 1024]).await, StatusCode::OK);
    assert!(announced(&serve, 30).await.starts_with("HTTP/1.1 413"), "before it is sent");
    assert!(streamed(&serve, 30).await.starts_with("HTTP/1.1 413"), "without its length");
    assert_eq!(serve.meta(vec![]).await, StatusCode::OK);
    assert_eq!(shop.number(KEPT).await, 2);
    serve.stop().await;
}

/// A request whose body comes as this header says, of which nothing was sent yet.
async fn begun(serve: &Serve, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(serve.base_url.trim_start_matches("http://")).await.unwrap();
    let signature = signature("a guess", b"");
    let head = format!(
        "POST /api/webhook/meta HTTP/1.1\r\nHost: x\r\n{body}\r\nConnection: close\r\n\
         X-Hub-Signature-256: {signature}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// The beginning of the answer to so many megabytes that are announced.
async fn announced(serve: &Serve, megabytes: usize) -> String {
    let mut stream = begun(serve, &format!("Content-Length: {}", megabytes * 1024 * 1024)).await;
    let mut answer = vec![0; 64];
    let read = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

/// The answer to so many megabytes in chunks.
async fn streamed(serve: &Serve, megabytes: usize) -> String {
    let mut stream = begun(serve, "Transfer-Encoding: chunked").await;
    let chunk = [b"100000\r\n", &vec![b'x'; 1024 * 1024][..], b"\r\n"].concat();
    for _ in 0..megabytes {
        stream.write_all(&chunk).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn wsapmes_secret_is_in_the_path_or_the_query() {
    let shop = shop().await;
    let serve = Serve::start(&shop, &["--no-engine"]).await;

    for path in [
        "/api/webhook/wsapme",
        "/api/webhook/wsapme/wrong",
        "/api/webhook/wsapme?secret=",
        "/api/webhook/wsapme?secret=x",
    ] {
        assert_eq!(serve.post(path, "{}").await, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(shop.number(KEPT).await, 0);
    assert_eq!(serve.post(&format!("/api/webhook/wsapme/{WEBHOOK_SECRET}"), "{\"a\":1}").await, StatusCode::OK);
    assert_eq!(serve.post(&format!("/api/webhook/wsapme?secret={WEBHOOK_SECRET}"), "a=1").await, StatusCode::OK);
    let of_sales = "select count(*) from webhook_inbox where provider = 'wsapme'
                     and senders = array (select id from senders where name = 'sales')";
    assert_eq!(shop.number(of_sales).await, 2);
    serve.stop().await;
}

#[tokio::test]
async fn metas_handshake_returns_exactly_the_challenge_to_who_knows_the_token() {
    let shop = shop().await;
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let ask = async |token: &str| {
        serve.get(&format!("/api/webhook/meta?hub.mode=subscribe&hub.challenge=11%2B58&hub.verify_token={token}")).await
    };

    assert_eq!(ask(VERIFY_TOKEN).await, (StatusCode::OK, "11+58".to_owned()));
    for wrong in ["", "x", APP_SECRET] {
        assert_eq!(ask(wrong).await.0, StatusCode::FORBIDDEN, "{wrong}");
    }
    assert_eq!(serve.get("/api/webhook/meta").await.0, StatusCode::FORBIDDEN);
    for (query, lacks) in [
        ("hub.challenge=1", "hub.mode"),
        ("hub.mode=x&hub.challenge=1", "hub.mode"),
        ("hub.mode=subscribe", "hub.challenge"),
    ] {
        let (status, said) = serve.get(&format!("/api/webhook/meta?{query}&hub.verify_token={VERIFY_TOKEN}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(said.contains(lacks) && !said.contains("no sender"), "{query}: {said}");
    }
    assert_eq!(serve.get("/livez").await, (StatusCode::OK, "ok\n".to_owned()));
    assert_eq!(serve.get("/readyz").await, (StatusCode::OK, "ok\n".to_owned()));
    assert_eq!(serve.get("/nothing").await.0, StatusCode::NOT_FOUND);
    serve.stop().await;
}

#[tokio::test]
async fn a_secret_that_is_rotated_in_its_file_counts_without_a_restart() {
    let shop = shop().await;
    let file = shop.write("app-secret", APP_SECRET);
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    let in_file = format!("app_secret = {{ file = \"{}\" }}", file.display());
    shop.write("config.toml", config.replace("app_secret = { env = \"META_APP_SECRET\" }", &in_file));
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let body = br#"{"object":"whatsapp_business_account","entry":[]}"#.to_vec();
    let signed_by =
        async |secret: &str| serve.meta_with(body.clone(), &[("X-Hub-Signature-256", &signature(secret, &body))]).await;
    assert_eq!(signed_by(APP_SECRET).await, StatusCode::OK);

    shop.write("app-secret", "the-next-secret\n");

    eventually_async("the new one counts", async || signed_by("the-next-secret").await == StatusCode::OK).await;
    assert_eq!(signed_by(APP_SECRET).await, StatusCode::UNAUTHORIZED, "the one before does no more");
    serve.stop().await;
}

#[tokio::test]
async fn without_its_database_it_lives_is_not_ready_and_asks_to_send_again() {
    let shop = shop().await;
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    shop.execute("alter table webhook_inbox rename to away").await;

    assert_eq!(serve.meta("{}").await, StatusCode::SERVICE_UNAVAILABLE);
    shop.execute("alter table away rename to webhook_inbox").await;
    assert_eq!(serve.meta("{}").await, StatusCode::OK);
    shop.drop_database().await;

    assert_eq!(serve.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(serve.get("/livez").await.0, StatusCode::OK);
    serve.stop().await;
}

#[tokio::test]
async fn a_slow_client_holds_up_neither_others_nor_the_stop() {
    let shop = shop().await;
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let address = serve.base_url.trim_start_matches("http://").to_owned();
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"POST /api/webhook/meta HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{").await.unwrap();
        slow.push(stream);
    }

    assert_eq!(serve.meta("{}").await, StatusCode::OK);

    let began = Instant::now();
    serve.stop().await;
    measured("a stop with slow clients", began.elapsed(), Duration::from_secs(10));
    let mut rest = Vec::new();
    let _ = slow[0].read_to_end(&mut rest).await;
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 401"), "{}", String::from_utf8_lossy(&rest));
}

#[tokio::test]
async fn it_listens_on_other_addresses_only_on_purpose() {
    let shop = shop().await;

    let nowhere = shop.run(&["serve", "--listen", "localhost:8080", "--no-engine"]).await;
    assert!(nowhere.code == 2 && nowhere.err.contains("such as 127.0.0.1:8080"), "{nowhere:?}");
    let refused = shop.run(&["serve", "--listen", "0.0.0.0:0", "--no-engine"]).await;

    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("--public") && refused.err.contains("reverse proxy"), "{refused:?}");
}

#[tokio::test]
async fn a_busy_port_is_named_with_the_mend() {
    let shop = shop().await;
    let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap().to_string();

    let refused = shop.run(&["serve", "--no-engine", "--listen", &address]).await;

    assert_eq!(refused.code, 1);
    assert!(refused.err.contains(&address) && refused.err.contains("--listen"), "{refused:?}");
}

#[tokio::test]
async fn a_server_whose_standard_output_nobody_reads_serves_all_the_same() {
    let shop = shop().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (reader, nobody) = std::io::pipe().unwrap();
    drop(reader);
    let log = shop.path("serve.log");
    let mut command = shop.command(&["serve", "--json", "--no-engine", "--listen", &free.to_string()]);
    let mut serve = command.stdout(nobody).stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();

    let is_alive = async || {
        let Ok(mut stream) = TcpStream::connect(free).await else { return false };
        let mut answer = String::new();
        let request = format!("GET /livez HTTP/1.1\r\nHost: {free}\r\nConnection: close\r\n\r\n");
        let asked = stream.write_all(request.as_bytes()).await;
        asked.is_ok() && stream.read_to_string(&mut answer).await.is_ok() && answer.starts_with("HTTP/1.1 200")
    };
    eventually_async("it answers, or has ended", async || is_alive().await || serve.try_wait().unwrap().is_some())
        .await;

    let said = std::fs::read_to_string(&log).unwrap();
    assert!(serve.try_wait().unwrap().is_none(), "{said}");
    assert!(said.contains("where it listens could not be printed"), "{said}");
}

#[tokio::test]
async fn an_address_at_which_it_cannot_listen_is_not_followed() {
    let shop = shop().await;
    let any = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (free, busy) = (any().local_addr().unwrap(), any());
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    let listen = |at| shop.write("config.toml", format!("{config}\n[http]\nlisten = \"{at}\"\n"));
    listen(free);
    let log = shop.path("serve.log");
    let mut serve = shop.command(&["serve"]).stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    let answers = async || TcpStream::connect(free).await.is_ok();
    eventually_async("it listens", answers).await;
    // Once its engine says so it follows the configuration.
    shop.until_listening(1).await;

    let taken = busy.local_addr().unwrap();
    listen(taken);
    let refuses = async || std::fs::read_to_string(&log).unwrap().contains(&format!("it cannot listen on {taken}"));
    eventually_async("it says so", refuses).await;

    assert!(answers().await && serve.try_wait().unwrap().is_none());
}

#[tokio::test]
async fn a_sender_whose_webhooks_are_refused_is_doubtful() {
    let sim = ["--phone-number-id", NUMBER, "--app-secret", APP_SECRET];
    let shop = Shop::open(Setup { sim: &sim, ..Setup::default() }).await;
    shop.write("config.toml", senders(shop.sim.base_url()));
    let check = async |verb: &[&str], secrets: &[(&str, &str)]| {
        let mut command = with_secrets(shop.command(verb));
        command.envs(secrets.iter().copied());
        said(command).await
    };
    let unset = [("META_APP_SECRET", ""), ("WSAPME_WEBHOOK_SECRET", "")];

    for verb in [&["doctor"][..], &["sender", "check"]] {
        let (good, refused) = (check(verb, &[]).await, check(verb, &unset).await);

        assert!(!good.out.contains("its webhooks are refused"), "{good:?}");
        for says in ["no app_secret for sender cloud: ", "no webhook_secret for sender sales: "] {
            let line = refused.out.lines().find(|line| line.contains(says)).unwrap_or_else(|| panic!("{refused:?}"));
            assert!(line.contains("doubtful") && line.contains("it is empty: its webhooks are refused"), "{line}");
        }
        assert_eq!(refused.code, good.code);
    }
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", config.replace("app_secret = { env = \"META_APP_SECRET\" }\n", ""));
    let without = check(&["sender", "check", "cloud"], &[]).await;
    assert!(without.out.contains("no sender has an app_secret: webhooks of Meta's are not accepted"), "{without:?}");
}
