//! Every call of the document: who is let in, and how what does not fit is refused. A new route is tried as it is; one that changes a
//! thing says here which state it refuses, or that there is none.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{ApiAnswer, said};
use super::document::{Operation, document};
use super::{Api, client, configure, served};
use crate::support::Shop;
use crate::support::serve::Serve;

/// Whoever is in the first draft.
const CUSTOMER: &str = "60100000001";

/// Longer than any body but a list may be.
const TOO_LONG: usize = 25 * 1024 * 1024 + 1;

/// Calls that are refused with 409 of a blast in this state. One that takes a blast in every state stands in [`ANY_STATE`].
const WRONG_STATE: [(&str, &str); 18] = [
    ("PUT /api/blasts/{id}", "cancelled"),
    ("PATCH /api/blasts/{id}", "cancelled"),
    ("POST /api/blasts/{id}/send", "cancelled"),
    ("POST /api/blasts/{id}/resume", "draft"),
    ("POST /api/blasts/{id}/pause", "draft"),
    ("POST /api/blasts/{id}/cancel", "draft"),
    ("POST /api/blasts/{id}/retry", "draft"),
    ("POST /api/blasts/{id}/undo", "draft"),
    ("POST /api/blasts/{id}/follow-up", "draft"),
    ("POST /api/blasts/{id}/recipients", "cancelled"),
    ("DELETE /api/blasts/{id}/recipients", "cancelled"),
    ("POST /api/blasts/{id}/check-status", "draft"),
    ("POST /api/blasts/{id}/steps", "cancelled"),
    ("PUT /api/whatsapp/campaigns/{id}", "cancelled"),
    ("PATCH /api/whatsapp/campaigns/{id}", "cancelled"),
    ("POST /api/whatsapp/campaigns/{id}/send", "cancelled"),
    ("POST /api/whatsapp/campaigns/{id}/recipients", "cancelled"),
    ("DELETE /api/whatsapp/campaigns/{id}/recipients", "cancelled"),
];

const ANY_STATE: [&str; 5] = [
    "DELETE /api/blasts/{id}",
    "DELETE /api/whatsapp/campaigns/{id}",
    "POST /api/blasts/{id}/report",
    "PATCH /api/blasts/{id}/steps/{number}",
    "DELETE /api/blasts/{id}/steps/{number}",
];

/// A shop with something of each kind, so that every call has what it is about.
struct Scene {
    shop: Shop,
    serve: Serve,
    draft: String,
    cancelled: String,
    /// Of templates.
    campaign_draft: String,
    campaign_cancelled: String,
    person: String,
    job: String,
}

async fn scene() -> (Scene, Api) {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "admin").await;
    let made = async |recipients: Value| {
        let made = api.post("/api/blasts", json!({ "message": "Hi", "recipients": recipients })).await.expect(201);
        made.body["id"].to_string()
    };
    let draft = made(json!(["60100000001"])).await;
    let (cancelled, campaign_draft) = (made(json!(["60100000002"])).await, made(json!(["60100000003"])).await);
    let campaign_cancelled = made(json!(["60100000004"])).await;
    for blast in [&cancelled, &campaign_cancelled] {
        api.post(&format!("/api/blasts/{blast}/send"), json!({})).await.expect(200);
        api.post(&format!("/api/blasts/{blast}/cancel"), json!({})).await.expect(200);
    }
    shop.execute(&format!(
        "update blasts set template = '{{\"name\":\"order_ready\",\"language\":{{\"code\":\"en_US\"}}}}'
          where id in ({campaign_draft}, {campaign_cancelled})"
    ))
    .await;
    // One of each, with the id 1.
    shop.execute(
        "insert into catalogues (business, name, source) values ('kedai', 'Shop', 'csv');
         insert into products (catalogue_id, sku, name) values (1, 'teh', 'Teh Tarik');
         insert into orders (sender_id, source, ordered_at) select id, 'operator', now() from senders where name = 'sales';
         insert into carts (sender_id, blast_id, recipient_id, phone_number, created_by)
         select s.id, r.blast_id, r.id, r.phone_number, 'x' from blast_recipients r, senders s where s.name = 'sales' limit 1",
    )
    .await;
    let job = api.post(&format!("/api/blasts/{cancelled}/check-status"), json!({})).await.expect(202);
    let job = job.body["id"].to_string();
    api.post(&format!("/api/blasts/{draft}/steps"), json!({ "after": "48h", "message": "Hi" })).await.expect(201);
    let people = api.get(&format!("/api/blasts/{draft}/recipients")).await.expect(200);
    let person = people.body["recipients"][0]["id"].to_string();
    (Scene { shop, serve, draft, cancelled, campaign_draft, campaign_cancelled, person, job }, api)
}

impl Scene {
    async fn operations(&self) -> Vec<Operation> {
        document(&self.serve.base_url).await.operations()
    }

    /// Those behind a token.
    async fn gated(&self) -> Vec<Operation> {
        let gated: Vec<_> = self.operations().await.into_iter().filter(|one| one.scope().is_some()).collect();
        assert!(gated.len() > 45, "{}", gated.len());
        gated
    }

    /// Its address, about something that is there.
    fn there(&self, operation: &Operation) -> String {
        let id: &str = match operation.path.as_str() {
            path if path.starts_with("/api/recipients/") => &self.person,
            path if path.starts_with("/api/jobs/") => &self.job,
            path if path.starts_with("/api/whatsapp/customers/") => CUSTOMER,
            "/api/whatsapp/catalogs/{id}" | "/api/whatsapp/products/{id}" | "/api/whatsapp/orders/{id}" => "1",
            path if path.starts_with("/api/whatsapp/carts/") => "1",
            path if path.starts_with("/api/whatsapp/campaigns/") => &self.campaign_draft,
            _ => &self.draft,
        };
        operation.with(&[("id", id), ("name", "sales"), ("number", "1")])
    }
}

/// Its address, about nothing that is there.
fn nowhere(operation: &Operation) -> String {
    operation.with(&[("id", "9999999"), ("name", "nobody"), ("number", "1")])
}

async fn ask(api: &Api, operation: &Operation, path: &str) -> ApiAnswer {
    let request = api.request(operation.method.clone(), path);
    said(if operation.reads_json() { request.json(&operation.example()) } else { request }).await
}

#[track_caller]
fn refused(operation: &Operation, answer: &ApiAnswer, status: u16, kind: &str) {
    let name = operation.name();
    assert_eq!((answer.status, answer.kind()), (status, kind), "{name}: {answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json", "{name}");
    assert!(!answer.header("x-request-id").is_empty() && answer.body["detail"].is_string(), "{name}: {answer:?}");
}

#[tokio::test]
async fn every_call_wants_a_token_that_may_make_it() {
    let (scene, _) = scene().await;
    let (nobody, reader) = (Api::new(&scene.serve, "bd_nobody"), client(&scene.shop, &scene.serve, "read").await);

    for operation in scene.gated().await {
        let path = scene.there(&operation);
        refused(&operation, &ask(&nobody, &operation, &path).await, 401, "unauthorized");
        if operation.scope() == Some("read") {
            assert_ne!(operation.method, Method::POST, "{} only reads", operation.name());
        } else {
            refused(&operation, &ask(&reader, &operation, &path).await, 403, "scope");
        }
    }
    assert_eq!(scene.shop.number("select count(*) from blasts").await, 4);
    scene.serve.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_what_an_address_does_not_take_is_said() {
    let (scene, api) = scene().await;

    for operation in scene.gated().await.iter().filter(|operation| operation.path.contains('{')) {
        refused(operation, &ask(&api, operation, &nowhere(operation)).await, 404, "not-found");
        for id in ["x", "-1", "99999999999999999999", "%00", "1%2F2"] {
            let path = operation.with(&[("id", id), ("name", id), ("number", id)]);
            refused(operation, &ask(&api, operation, &path).await, 404, "not-found");
        }
    }
    for (path, methods) in document(&scene.serve.base_url).await.methods() {
        let parts = path.split('/').map(|part| match part {
            "{id}" => &scene.draft,
            "{number}" => "1",
            part if part.starts_with('{') => "sales",
            part => part,
        });
        let path = parts.collect::<Vec<_>>().join("/");
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if !methods.contains(&method) {
                let wrong = said(api.request(method.clone(), &path)).await.expect(405);
                assert_eq!((wrong.kind(), wrong.header("allow").is_empty()), ("method", false), "{method} {path}");
            }
        }
    }
    scene.serve.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let (scene, api) = scene().await;

    for operation in scene.gated().await {
        let path = scene.there(&operation);
        if operation.method != Method::GET || operation.parameters("query").next().is_some() {
            let answer = said(api.request(operation.method.clone(), &format!("{path}?wat=1"))).await;
            refused(&operation, &answer, 422, "invalid");
            assert_eq!(answer.fields(), ["wat"], "{}", operation.name());
        }
        if !operation.reads_json() {
            continue;
        }
        let request = || api.request(operation.method.clone(), &path);
        let wrong = if operation.example().get("stuck_at").is_some() {
            json!({ "wat": 1, "stuck_at": "read" })
        } else {
            json!({ "wat": 1 })
        };
        let answer = said(request().json(&wrong)).await;
        refused(&operation, &answer, 422, "invalid");
        assert_eq!(answer.fields(), ["wat"], "{}", operation.name());
        let answer = said(request().header("Content-Type", "application/json").body("{")).await;
        refused(&operation, &answer, 400, "not-json");
        let answer = said(request().header("Content-Type", "text/plain").body("wat")).await;
        refused(&operation, &answer, 415, "media-type");
        if !operation.parameters("header").any(|header| header["name"] == "Idempotency-Key") {
            continue;
        }
        let answer = said(request().header("Idempotency-Key", "x".repeat(256)).json(&operation.example())).await;
        assert_eq!((answer.status, answer.fields()), (422, vec!["Idempotency-Key"]), "{}", operation.name());
    }
    scene.serve.stop().await;
}

/// Calls whose example names something that this scene has not, with the field that says so.
const NOT_IN_THE_SCENE: [(&str, &str); 2] =
    [("POST /api/whatsapp/campaigns", "templateName"), ("POST /api/whatsapp/customers/{id}/unmerge", "phoneNumber")];

#[tokio::test]
async fn every_example_is_a_request_that_can_be_made() {
    let (scene, api) = scene().await;
    let mut refused = Vec::new();

    for operation in scene.gated().await.iter().filter(|operation| operation.reads_json()) {
        let answer = ask(&api, operation, &scene.there(operation)).await;
        let is_missing = |field: &str| NOT_IN_THE_SCENE.contains(&(operation.name().as_str(), field));
        if [400, 415, 422].contains(&answer.status) && !answer.fields().iter().all(|field| is_missing(field)) {
            refused.push(format!("{}: {}", operation.name(), answer.body["detail"]));
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
    scene.serve.stop().await;
}

#[tokio::test]
async fn too_long_a_body_is_refused() {
    let (scene, api) = scene().await;

    for operation in scene.gated().await.iter().filter(|operation| operation.reads_json()) {
        let request = api.request(operation.method.clone(), &scene.there(operation));
        let answer = said(request.header("Content-Type", "application/json").body(too_long())).await;
        refused(operation, &answer, 413, "too-long");
    }
    scene.serve.stop().await;
}

fn too_long() -> reqwest::Body {
    // One copy for all of them.
    static SPACES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    reqwest::Body::from(SPACES.get_or_init(|| vec![b' '; TOO_LONG]).as_slice())
}

#[tokio::test]
async fn a_call_at_the_wrong_time_is_a_conflict() {
    let (scene, api) = scene().await;

    for operation in scene.gated().await {
        let is_about_a_blast =
            ["/api/blasts/{id}", "/api/whatsapp/campaigns/{id}"].iter().any(|begin| operation.path.starts_with(begin));
        let name = operation.name();
        if operation.method == Method::GET || !is_about_a_blast || ANY_STATE.contains(&name.as_str()) {
            continue;
        }
        let Some((_, state)) = WRONG_STATE.iter().find(|(other, _)| *other == name) else {
            panic!("{name}: say in WRONG_STATE which state of a blast it refuses")
        };
        let id = match *state {
            "draft" => &scene.draft,
            _ if operation.path.starts_with("/api/whatsapp/") => &scene.campaign_cancelled,
            _ => &scene.cancelled,
        };
        let body = match operation.path.as_str() {
            path if path.ends_with("/recipients") => json!({ "recipients": ["60100000009"] }),
            path if path.ends_with("/steps") => json!({ "after": "48h", "message": "Hi" }),
            path if path.ends_with("/follow-up") => json!({ "stuck_at": "read", "message": "Hi" }),
            _ => json!({}),
        };
        let request = api.request(operation.method.clone(), &operation.with(&[("id", id)]));
        refused(&operation, &said(request.json(&body)).await, 409, "refused");
    }
    scene.serve.stop().await;
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_when_to_come_again() {
    let (scene, _) = scene().await;
    configure(&scene.shop, "[http]\nrequests_per_minute = 1\n");
    let serve = Serve::start(&scene.shop, &["--no-engine"]).await;
    let api = super::client_with(&scene.shop, &serve, &["hasty", "--scope", "admin"]).await;
    let token = &api.token;

    api.get("/api/token").await.expect(200);
    for operation in scene.gated().await {
        let answer = ask(&Api::new(&serve, token), &operation, &scene.there(&operation)).await;
        refused(&operation, &answer, 429, "too-many-requests");
        assert!((1..=60).contains(&answer.header("retry-after").parse::<u32>().unwrap()), "{answer:?}");
    }
    serve.stop().await;
    scene.serve.stop().await;
}

#[tokio::test]
async fn the_document_and_its_page_need_no_token_and_load_nothing() {
    let (_shop, serve) = served().await;

    for (path, kind) in [("/openapi.json", "application/json"), ("/docs", "text/html")] {
        let answer = serve.client.get(format!("{}{path}", serve.base_url)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert!(header("content-type").starts_with(kind), "{path}");
        assert!(header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff");
    }
    let version = document(&serve.base_url).await;
    assert!(version.operations().len() > 55);
    serve.stop().await;
}
