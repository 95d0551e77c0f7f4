//! `kill -9` between any two statements of a request: sent again with its `Idempotency-Key`, it has exactly one effect.

use futures_util::future::BoxFuture;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::client::{Api, said};
use super::configure;
use crate::support::proxy::Proxy;
use crate::support::serve::Serve;
use crate::support::{Setup, Shop, database, digits, eventually_async, figure, long_form, postgres};

/// A path, a body and its type.
type Request = (String, Vec<u8>, &'static str);

/// A request, and how often it had its effect by the database.
struct Crashed {
    /// Makes what the request needs; the request.
    prepare: fn(&Api) -> BoxFuture<'_, Request>,
    /// Counts effects of all requests so far.
    effects: &'static str,
    /// How many effects a request has.
    each: i64,
}

fn people(from: u32, to: u32) -> Vec<String> {
    (from..to).map(digits).collect()
}

async fn draft(api: &Api) -> Value {
    let body = json!({ "message": "Hi", "recipients": people(0, 3), "blastTag": "draft" });
    api.post("/api/blasts", body).await.expect(201).body["id"].clone()
}

/// Kills the server before each of its round trips to the database (in the short form before and after each COMMIT), and sends the
/// request again.
async fn one_effect_whenever_it_is_killed(of: Crashed) {
    let proxy = Proxy::start(postgres().await.socket()).await;
    let mut database = database().await;
    database.url = proxy.url(database.name());
    let shop = Shop::open_on(database, Setup::default());
    configure(&shop, "");
    let mut serve = Serve::start(&shop, &["--no-engine"]).await;
    let token = shop.json(&["token", "new", "writer", "--scope", "write"]).await["token"].as_str().unwrap().to_owned();
    // Undisturbed ones show where there is something to disturb, of a server that has had a request before.
    let (mut moments, mut requests, mut kills) = (vec![usize::MAX; 2], 0, 0);
    while let Some(trips) = moments.pop() {
        let api = Api::new(&serve, &token);
        let (path, body, kind) = (of.prepare)(&api).await;
        let request = |api: &Api| -> RequestBuilder {
            let request = api.request(Method::POST, &path).header("Content-Type", kind).body(body.clone());
            request.header("Idempotency-Key", format!("order-{requests}"))
        };
        proxy.halt_after(trips);
        let asked = tokio::spawn(request(&api).send());
        eventually_async("it is answered, or held up", async || asked.is_finished() || proxy.is_halted()).await;
        if trips == usize::MAX && moments.is_empty() {
            moments = moments_of(&proxy);
        }
        kills += i64::from(!asked.is_finished());
        // Also after an answer: each request meets a server that knows as little as the others did.
        serve.kill().await;
        proxy.calm();
        serve = Serve::start(&shop, &["--no-engine"]).await;

        let api = Api::new(&serve, &token);
        let first = said(request(&api)).await;
        let again = said(request(&api)).await;

        requests += 1;
        assert!(matches!(first.status, 200 | 201), "killed after {trips} round trips: {first:?}");
        assert_eq!((again.status, &again.body), (first.status, &first.body), "killed after {trips} round trips");
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(shop.number(of.effects).await, requests * of.each, "killed after {trips} round trips");
    }
    figure(&format!("{requests} requests, {kills} of them killed"));
    assert!(kills >= 1, "{kills}");
    serve.stop().await;
}

/// After how many round trips to kill.
fn moments_of(proxy: &Proxy) -> Vec<usize> {
    let (trips, commits) = proxy.trips();
    if long_form() {
        return (0..=trips).collect();
    }
    let mut around: Vec<_> = commits.into_iter().flat_map(|before| [before, before + 1]).collect();
    around.dedup();
    around
}

#[tokio::test]
async fn a_create_that_is_killed_anywhere_makes_one_blast() {
    one_effect_whenever_it_is_killed(Crashed {
        prepare: |_| {
            let body = json!({ "message": "Hi", "recipients": people(0, 3), "blastTag": "made" });
            Box::pin(async move { ("/api/blasts".to_owned(), body.to_string().into_bytes(), "application/json") })
        },
        effects: "select count(*) from blasts b where blast_tag = 'made'
                     and (select count(*) from blast_recipients r where r.blast_id = b.id) = 3",
        each: 1,
    })
    .await;
}

#[tokio::test]
async fn a_send_that_is_killed_anywhere_launches_once() {
    one_effect_whenever_it_is_killed(Crashed {
        prepare: |api| {
            Box::pin(async move {
                (
                    format!("/api/blasts/{}/send", draft(api).await),
                    b"{\"expect_recipients\":3}".to_vec(),
                    "application/json",
                )
            })
        },
        effects: "select count(*) from operator_actions a join blasts b on b.id = a.blast_id
                   where a.action = 'launch' and b.state = 'sending' and b.version = 1",
        each: 1,
    })
    .await;
}

#[tokio::test]
async fn a_bulk_add_that_is_killed_anywhere_adds_everybody_once() {
    one_effect_whenever_it_is_killed(Crashed {
        prepare: |api| {
            Box::pin(async move {
                let id = draft(api).await;
                let row = |phone: &String| json!({ "phone_number": phone }).to_string();
                let rows = people(100, 2_600).iter().map(row).collect::<Vec<_>>().join("\n");
                (format!("/api/blasts/{id}/recipients"), rows.into_bytes(), "application/x-ndjson")
            })
        },
        effects: "select count(*) from blast_recipients r where r.id not in (
                      select min(r.id) + n from blast_recipients r cross join generate_series(0, 2) as n group by r.blast_id, n)",
        each: 2_500,
    })
    .await;
}
