//! The pages for whoever pays: who sees them, what they show, and what they never show.

mod browser;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Client, Response};

use crate::support::serve::{Serve, senders};
use crate::support::{Setup, Shop, eventually_async};

/// A shop with both senders, its server, and a browser's client, which follows no redirect.
async fn served() -> (Shop, Serve, Client) {
    let shop = Shop::open(Setup::default()).await;
    shop.write("config.toml", format!("{}[ui]\nname = \"Kedai <Aina>\"\n", senders(shop.sim.base_url())));
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let none = reqwest::redirect::Policy::none();
    let client = Client::builder().tls_certs_only([]).no_proxy().redirect(none).build().unwrap();
    (shop, serve, client)
}

/// A new token with these arguments.
async fn token(shop: &Shop, arguments: &[&str]) -> String {
    shop.json(&[&["token", "new"], arguments].concat()).await["token"].as_str().unwrap().to_owned()
}

async fn sign_in(serve: &Serve, client: &Client, token: &str) -> Response {
    let form = format!("token={token}&next=%2Fblasts%2F1");
    let request = client.post(format!("{}/sign-in", serve.base_url)).body(form);
    request.header("Content-Type", "application/x-www-form-urlencoded").send().await.unwrap()
}

/// The cookie that an answer sets, as a browser sends it back.
fn cookie(headers: &HeaderMap) -> String {
    headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

async fn get(client: &Client, url: String, cookie: &str) -> (u16, HeaderMap, String) {
    let answer = client.get(url).header(COOKIE, cookie).send().await.unwrap();
    (answer.status().as_u16(), answer.headers().clone(), answer.text().await.unwrap())
}

/// A blast with a hostile tag, with everybody's number, name, note and message id known.
async fn hostile_blast(shop: &Shop) {
    let tag = "<script>alert(1)</script> 60100000000";
    let blast = shop.draft_with(0..3, &["--tag", tag, "--stage", "\"><img src=x onerror=alert(1)>"]).await;
    shop.execute(&format!(
        "update blast_recipients set status = 'read', standing = 'read', message_id = 'wamid.SECRET' || id, attempt = 1,
                sent_at = now(), delivered_at = now(), read_timestamp = now(), note = 'asks the price' where blast_id = {blast};
         update blasts set state = 'paused', state_reason = 'Person 1 at +60 10-000 0001 <b>said</b> so' where id = {blast}"
    ))
    .await;
}

/// What stands in no page of that blast.
const NEVER: [&str; 9] =
    ["60100000", "Person 0", "wamid", "asks the price", "<script>alert", "<img", "<b>", "000 0001", "style="];

#[tokio::test]
async fn whoever_signs_in_sees_the_blasts_and_nobody_of_them() {
    let (shop, serve, client) = served().await;
    hostile_blast(&shop).await;
    let token = token(&shop, &["payer", "--scope", "read"]).await;
    let url = |path: &str| format!("{}{path}", serve.base_url);

    for path in ["/", "/blasts/1"] {
        let (status, headers, text) = get(&client, url(path), "").await;
        assert_eq!(status, 401, "{path}");
        assert!(text.contains("type=\"password\"") && !text.contains("alert"), "{path}: {text}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    for path in ["/events", "/blasts/1/events"] {
        assert_eq!(get(&client, url(path), "blastdeck_session=bs_1").await.0, 401, "{path}");
    }
    assert_eq!(sign_in(&serve, &client, "bd_nobody").await.status(), 401);
    let begun = sign_in(&serve, &client, &token).await;
    assert_eq!((begun.status().as_u16(), begun.headers()[LOCATION].to_str().unwrap()), (303, "/blasts/1"));
    let set = begun.headers()[SET_COOKIE].to_str().unwrap();
    assert!(set.contains("; HttpOnly; SameSite=Lax") && !set.contains(&token), "{set}");
    let session = cookie(begun.headers());

    for path in ["/", "/blasts/1"] {
        let (status, _, text) = get(&client, url(path), &session).await;
        assert_eq!(status, 200, "{path}: {text}");
        assert!(
            text.contains("&lt;script&gt;alert(1)&lt;/script&gt; …") && text.contains("Kedai &lt;Aina&gt;"),
            "{text}"
        );
        assert!(text.contains("http-equiv=\"refresh\""), "{path}: it works without scripts");
        for never in NEVER {
            assert!(!text.contains(never), "{path} shows {never}: {text}");
        }
    }
    let kept: String =
        sqlx::query_scalar("select api_sessions::text from api_sessions").fetch_one(&shop.database.pool).await.unwrap();
    assert!(!kept.contains(&session[session.len() - 40..]), "{kept}");
    assert_eq!(get(&client, url("/blasts/99"), &session).await.0, 404);
    assert_eq!(get(&client, url("/blasts/x"), &session).await.0, 404);

    let out = client.post(url("/sign-out")).header(COOKIE, &session).send().await.unwrap();
    assert!(out.headers()[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(get(&client, url("/"), &session).await.0, 401, "the cookie opens nothing any more");
    let again = cookie(sign_in(&serve, &client, &token).await.headers());
    shop.ok(&["token", "revoke", "payer"]).await;
    eventually_async("the session ends with its token", async || get(&client, url("/"), &again).await.0 == 401).await;
    let foreign = client.post(url("/sign-in")).header("Origin", "https://evil.example").body(format!("token={token}"));
    assert_eq!(foreign.send().await.unwrap().status(), 403);
    let log = std::fs::read_to_string(shop.path("serve.log")).unwrap();
    assert!(!log.contains(&token) && !log.contains(&session), "{log}");
    serve.stop().await;
}

#[tokio::test]
async fn a_link_shows_one_blast_until_it_ends_and_nobody_of_it() {
    let (shop, serve, client) = served().await;
    hostile_blast(&shop).await;
    let made = shop.json(&["share", "1", "--for", "2h"]).await;
    let path = made["url"].as_str().unwrap().split_once("8080").unwrap().1.to_owned();
    let url = |path: &str| format!("{}{path}", serve.base_url);

    let (status, headers, text) = get(&client, url(&path), "").await;
    assert_eq!((status, headers["referrer-policy"].to_str().unwrap()), (200, "no-referrer"));
    assert!(text.contains("&lt;script&gt;") && text.contains(">3</span>") && !text.contains("Sign out"), "{text}");
    for never in NEVER.into_iter().chain(["said"]) {
        assert!(!text.contains(never), "{never}: {text}");
    }
    let mut stream = client.get(url(&format!("{path}/events"))).send().await.unwrap();
    let mut events = String::new();
    while !events.contains("event: page") || !events.ends_with("\n\n") {
        events.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
    }
    for never in NEVER.into_iter().chain(["said", "recipient"]) {
        assert!(!events.contains(never), "{never}: {events}");
    }

    let listed = shop.json_lines(&["share", "list"]).await;
    assert_eq!((listed[0]["id"].as_i64(), listed[0]["is_valid"].as_bool()), (Some(1), Some(true)), "{listed:?}");
    assert!(listed[0]["last_used_at"].is_string() && !listed[0].to_string().contains(&path[10..]), "{listed:?}");
    shop.ok(&["share", "revoke", "1"]).await;
    while stream.chunk().await.unwrap().is_some() {}
    eventually_async("a revoked one shows nothing", async || get(&client, url(&path), "").await.0 == 401).await;
    let (_, _, text) = get(&client, url(&path), "").await;
    assert!(text.contains("This link has ended") && !text.contains("script&gt;"), "{text}");
    assert_eq!(get(&client, url("/share/bl_0"), "").await.0, 401);
    assert_eq!(shop.run(&["share", "revoke", "1"]).await.code, 1);
    assert_eq!(shop.run(&["share", "9"]).await.code, 1);
    assert_eq!(shop.run(&["share", "1", "--for", "400d"]).await.code, 2);
    assert_eq!(shop.run(&["share"]).await.code, 2);
    let acts = "select count(*) from operator_actions where action = 'token' and blast_id = 1";
    assert_eq!(shop.number(acts).await, 2);
    serve.stop().await;
}

#[tokio::test]
async fn a_session_of_one_sender_sees_no_others_blast() {
    let (shop, serve, client) = served().await;
    shop.draft(0..2).await;
    let token = token(&shop, &["cloud", "--scope", "read", "--sender", "cloud"]).await;
    let session = cookie(sign_in(&serve, &client, &token).await.headers());
    let url = |path: &str| format!("{}{path}", serve.base_url);

    assert_eq!(get(&client, url("/blasts/1"), &session).await.0, 404);
    assert_eq!(get(&client, url("/blasts/1/events"), &session).await.0, 404);
    let (status, _, text) = get(&client, url("/"), &session).await;
    assert_eq!(status, 200);
    assert!(text.contains("There is no blast yet."), "{text}");
    serve.stop().await;
}

#[tokio::test]
async fn a_blast_that_stands_still_is_not_called_sending_and_says_why_to_whoever_pays() {
    let (shop, serve, client) = served().await;
    shop.draft(0..4).await;
    let session = cookie(sign_in(&serve, &client, &token(&shop, &["payer", "--scope", "read"]).await).await.headers());
    let url = |path: &str| format!("{}{path}", serve.base_url);

    for (change, word, sentence) in [
        ("state = 'sending', send_after = now() + interval '3 hours'", "starting", "Starts "),
        (
            "send_after = now() - interval '1 hour'",
            "interrupted",
            "Sending is interrupted: nothing is running that sends.",
        ),
        (
            "state = 'paused', state_by = 'engine', state_reason = '5 equal failures in a row'",
            "paused",
            "Paused: something needs the shop&#39;s attention.",
        ),
    ] {
        shop.execute(&format!("update blasts set {change} where id = 1")).await;
        for path in ["/", "/blasts/1"] {
            eventually_async("it says what it does", async || {
                let (_, _, text) = get(&client, url(path), &session).await;
                text.contains(&format!(">{word}</span>")) && text.contains(sentence)
            })
            .await;
            let (_, _, text) = get(&client, url(path), &session).await;
            for jargon in [">sending<", "engine", "equal failures", "blastdeck "] {
                assert!(!text.contains(jargon), "{path} says {jargon}: {text}");
            }
        }
    }
    serve.stop().await;
}

#[tokio::test]
async fn what_fails_for_good_is_no_outage_on_any_page() {
    let (shop, serve, client) = served().await;
    shop.draft(0..2).await;
    let session = cookie(sign_in(&serve, &client, &token(&shop, &["payer", "--scope", "read"]).await).await.headers());
    shop.execute("alter table blast_polls rename to hidden_polls").await;

    for path in ["/", "/blasts/1"] {
        let (status, headers, text) = get(&client, format!("{}{path}", serve.base_url), &session).await;
        assert_eq!((status, headers.get("retry-after")), (500, None), "{path}");
        assert!(text.contains("That did not work"), "{path}: {text}");
    }
    shop.execute("alter table hidden_polls rename to blast_polls").await;
    assert_eq!(get(&client, format!("{}/", serve.base_url), &session).await.0, 200);
    serve.stop().await;
}
