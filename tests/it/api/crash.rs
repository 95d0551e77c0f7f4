//! `kill -9` between any two statements of a request: sent again with its `Idempotency-Key`, it has exactly one effect.

use futures_util::future::BoxFuture;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::client::{Api, said};
use super::configure;
use crate::support::proxy::{Of, Proxy, Side};
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

/// The statement of whatever is written together with a key.
const KEYED: Of = "insert into api_requests";

/// When a server is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// Before or after the request's effect is committed.
    Commit(Side),
    /// After so many round trips to the database, those of maintenance among them.
    Trips(usize),
}

impl Moment {
    fn arm(self, proxy: &Proxy) {
        match self {
            Self::Commit(side) => proxy.halt_at_commit(KEYED, side),
            Self::Trips(trips) => proxy.halt_after(trips),
        }
    }
}

/// Kills the server before and after the COMMIT of the request's effect, in the long form also before each of its round trips to the
/// database, and sends the request again.
async fn one_effect_whenever_it_is_killed(of: Crashed) {
    let proxy = Proxy::start(postgres().await.socket()).await;
    let mut database = database().await;
    database.url = proxy.url(database.name());
    let shop = Shop::open_on(database, Setup::default());
    configure(&shop, "");
    let mut serve = Serve::start(&shop, &["--no-engine"]).await;
    let token = shop.json(&["token", "new", "writer", "--scope", "write"]).await["token"].as_str().unwrap().to_owned();
    // One that is undisturbed shows how many round trips there are.
    let mut moments = vec![Moment::Commit(Side::After), Moment::Commit(Side::Before), Moment::Trips(usize::MAX)];
    let mut requests = 0;
    while let Some(moment) = moments.pop() {
        let api = Api::new(&serve, &token);
        let (path, body, kind) = (of.prepare)(&api).await;
        let request = |api: &Api| -> RequestBuilder {
            let request = api.request(Method::POST, &path).header("Content-Type", kind).body(body.clone());
            request.header("Idempotency-Key", format!("order-{requests}"))
        };
        moment.arm(&proxy);
        let asked = tokio::spawn(request(&api).send());
        eventually_async("it is answered, or held up", async || asked.is_finished() || proxy.is_halted()).await;
        let is_killed = !asked.is_finished();
        if matches!(moment, Moment::Trips(usize::MAX)) && long_form() {
            moments.extend((0..=proxy.trips()).map(Moment::Trips));
        }
        // Also after an answer: each request meets a server that knows as little as the others did.
        serve.kill().await;
        proxy.calm();
        serve = Serve::start(&shop, &["--no-engine"]).await;

        let api = Api::new(&serve, &token);
        let first = said(request(&api)).await;
        let again = said(request(&api)).await;

        requests += 1;
        assert!(is_killed || matches!(moment, Moment::Trips(_)), "answered though it was held up: {moment:?}");
        assert!(matches!(first.status, 200 | 201), "killed at {moment:?}: {first:?}");
        assert_eq!((again.status, &again.body), (first.status, &first.body), "killed at {moment:?}");
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(shop.number(of.effects).await, requests * of.each, "killed at {moment:?}");
    }
    figure(&format!("{requests} requests"));
    serve.stop().await;
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
