//! Sentences for programs: they name fields and calls, not commands, and say what helps.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{ApiAnswer, said};
use super::{Api, client, client_with, configure, served};
use crate::inbox::blast_of;
use crate::support::serve::Serve;
use crate::support::{Setup, Shop, digits};

#[track_caller]
fn detail(answer: &ApiAnswer) -> &str {
    answer.body["detail"].as_str().unwrap_or_else(|| panic!("{answer:?}"))
}

async fn draft(api: &Api, recipients: Value) -> String {
    let made = api.post("/api/blasts", json!({ "message": "Hi", "recipients": recipients })).await.expect(201);
    format!("/api/blasts/{}", made.body["id"])
}

#[tokio::test]
async fn errors_name_fields_and_calls() {
    let (shop, serve) = served().await;
    shop.execute(&blast_of("cloud", 1, 3)).await;
    let api = client(&shop, &serve, "write").await;

    let order = json!({ "campaignId": "1", "phoneNumber": digits(1), "items": [{ "productRetailerId": "nope" }] });
    let order = api.post("/api/whatsapp/orders", order).await.expect(422);
    assert_eq!(order.fields(), ["items[0].price"]);
    assert!(!detail(&order).contains("*1@") && detail(&order).contains("write it as"), "{order:?}");
    let messages = api.get("/api/whatsapp/messages?campaignId=x").await.expect(422);
    assert_eq!(messages.fields(), ["campaignId"]);
    assert!(detail(&messages).contains("GET /api/") && !detail(&messages).contains("column"), "{messages:?}");
    serve.stop().await;
}

#[tokio::test]
async fn a_catalogue_without_a_business_is_asked_for_the_field() {
    let shop = Shop::open(Setup::default()).await;
    let other = format!(
        "[[senders]]\nname = \"other\"\nprovider = \"wsapme\"\ndevice = \"5851\"\nbusiness = \"lain\"\n\
         base_url = \"{}\"\ntoken = {{ env = \"WSAPME_TOKEN\" }}\n",
        shop.sim.base_url()
    );
    configure(&shop, &other);
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let api = client(&shop, &serve, "write").await;
    let body = json!({ "name": "menu", "products": [{ "retailerId": "teh", "name": "Teh" }] });

    let refused = api.post("/api/whatsapp/catalogs", body).await.expect(422);

    assert_eq!(refused.fields(), ["business"]);
    assert!(detail(&refused).contains("kedai, lain") && !detail(&refused).contains("--"), "{refused:?}");
    serve.stop().await;
}

#[tokio::test]
async fn what_cannot_be_undone_is_called_what_it_was() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "admin").await;
    draft(&api, json!(["60100000001"])).await;

    let made = api.post("/api/shares", json!({ "blast_id": 1, "expires_in": "7d" })).await.expect(201);
    let refused = api.post("/api/undo", json!({})).await.expect(409);
    assert!(detail(&refused).contains("to make a link to the page of"), "{refused:?}");
    assert!(!detail(&refused).contains("U on a person"), "no key of the dashboard: {refused:?}");
    api.delete(&format!("/api/shares/{}", made.body["id"])).await.expect(204);
    let refused = api.post("/api/undo", json!({})).await.expect(409);
    assert!(detail(&refused).contains("to revoke a link to the page of"), "{refused:?}");
    let token = json!({ "name": "shop", "scope": "read", "expires_in": "7d" });
    api.post("/api/tokens", token).await.expect(201);
    let refused = api.post("/api/undo", json!({})).await.expect(409);
    assert!(detail(&refused).contains("the token shop"), "{refused:?}");
    let mark =
        "a PATCH of a person, at `/api/recipients/` and their id, with the status `undo` takes back their last mark";
    assert!(detail(&refused).contains(mark) && !detail(&refused).contains('{'), "{refused:?}");
    serve.stop().await;
}

#[tokio::test]
async fn what_is_over_says_which_call_helps() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = draft(&api, json!(["60100000001"])).await;
    api.post(&format!("{path}/send"), json!({})).await.expect(200);

    let sending = api.patch(&path, json!({ "blast_tag": "x" })).await.expect(409);
    assert!(detail(&sending).contains("`POST /api/blasts"), "{sending:?}");
    api.post(&format!("{path}/cancel"), json!({})).await.expect(200);
    for (call, body) in [("pause", json!({})), ("resume", json!({})), ("cancel", json!({}))] {
        let over = api.post(&format!("{path}/{call}"), body).await.expect(409);
        assert!(detail(&over).contains("`POST /api/blasts"), "{call}: {over:?}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn numbers_in_a_query_name_their_range() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "read").await;

    for (query, field, range) in [
        ("limit=-1", "limit", "1 to 1000"),
        ("limit=1001", "limit", "1 to 1000"),
        ("limit=x", "limit", "whole number"),
        ("page=99999999999999", "page", "there is no such page"),
        ("page=0", "page", "from 1"),
        ("date_from=2026-12-02&date_to=2026-12-01", "date_to", "date_from"),
        ("date=2026-12-02&date_from=2026-12-01", "date_from", "date"),
        ("date=2026-12-02&date_to=2026-12-01", "date_to", "date"),
    ] {
        let refused = api.get(&format!("/api/blasts?{query}")).await.expect(422);
        assert_eq!(refused.fields(), [field], "{query}");
        assert!(detail(&refused).contains(range), "{query}: {refused:?}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_once_and_as_it_is() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = draft(&api, json!(["60100000001"])).await;

    let template = json!({ "template": { "name": "order_ready" } });
    let refused = api.post("/api/blasts", template).await.expect(422);
    assert_eq!(detail(&refused), "template: language is missing");
    let nobody = api.upload(&format!("{path}/recipients"), "application/json", "[]").await.expect(422);
    assert!(!detail(&nobody).contains("header"), "{nobody:?}");
    let unknown = json!({ "name": "x", "templateName": "no_such_template" });
    let unknown = api.post("/api/whatsapp/campaigns", unknown).await.expect(422);
    assert!(detail(&unknown).contains("`GET /api/senders/cloud/templates`"), "{unknown:?}");
    let person = api.get(&format!("{path}/recipients")).await.expect(200).body["recipients"][0]["id"].clone();
    let note = api.patch(&format!("/api/recipients/{person}"), json!({ "note": "" })).await.expect(409);
    assert!(detail(&note).contains("has no note"), "{note:?}");
    serve.stop().await;
}

#[tokio::test]
async fn a_token_of_another_sender_is_told_that_it_is_the_reason() {
    let (shop, serve) = served().await;
    let sales = client_with(&shop, &serve, &["till", "--scope", "write", "--sender", "sales"]).await;

    let body = json!({ "name": "x", "templateName": "order_ready" });
    let refused = sales.post("/api/whatsapp/campaigns", body).await.expect(422);

    assert_eq!(refused.fields(), ["sender"]);
    assert!(detail(&refused).contains("token") && detail(&refused).contains("sales"), "{refused:?}");
    serve.stop().await;
}

#[tokio::test]
async fn a_campaign_is_called_one_and_so_are_its_fields() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let body =
        json!({ "name": "x", "templateName": "tour_package_marketing", "templateVariables": { "1": "a", "2": "b" } });
    let id = api.post("/api/whatsapp/campaigns", body).await.expect(201).body["id"].clone();
    let path = format!("/api/whatsapp/campaigns/{}", id.as_str().unwrap());

    let nobody = api.post(&format!("{path}/recipients"), json!(["nobody"])).await.expect(422);
    assert!(detail(&nobody).contains("phoneNumber") && !nobody.body.to_string().contains("phone_number"), "{nobody:?}");
    api.post(&format!("{path}/recipients"), json!(["60100000001"])).await.expect(201);
    api.post(&format!("{path}/send"), json!({})).await.expect(200);
    let again = api.post(&format!("{path}/send"), json!({})).await.expect(409);
    assert!(
        detail(&again).starts_with("x was started already, by ") && !detail(&again).contains("blast "),
        "{again:?}"
    );
    for refused in [
        said(api.request(Method::PUT, &path).json(&json!({ "name": "y" }))).await.expect(409),
        api.post(&format!("{path}/recipients"), json!(["60100000002"])).await.expect(409),
    ] {
        assert!(detail(&refused).contains("campaign ") && !detail(&refused).contains("blast "), "{refused:?}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn a_refused_command_names_its_own_blast() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = draft(&api, json!(["60100000001"])).await;

    let resumed = api.post(&format!("{path}/resume"), json!({})).await.expect(409);
    let paused = api.post(&format!("{path}/pause"), json!({})).await.expect(409);

    assert!(detail(&resumed).contains(&format!("`POST {path}/send` sends it")), "{resumed:?}");
    assert!(detail(&paused).contains(&format!("`DELETE {path}` removes it")), "{paused:?}");
    let bad = json!({ "recipients": ["60100000001", "12"] });
    let bad = said(api.request(Method::DELETE, &format!("{path}/recipients")).json(&bad)).await.expect(422);
    let error = &bad.body["errors"][0];
    assert_eq!((&error["field"], &error["row"]), (&json!("recipients[1]"), &json!(2)), "{bad:?}");
    serve.stop().await;
}

#[tokio::test]
async fn a_retry_of_nobody_is_refused_with_the_reason() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = draft(&api, json!(["60100000001", "60100000002"])).await;
    let nobody = async |body: Value| api.post(&format!("{path}/retry"), body).await.expect(409);
    shop.execute("update blasts set state = 'completed', launched_at = now()").await;

    assert_eq!(detail(&nobody(json!({})).await), "nobody has failed in this blast");
    shop.execute(
        "update blast_recipients set status = 'failed', standing = 'failed', attempt = 1, failed_at = now(), changed_at = now(),
                                     error_code = '131049', message_id = 'wamid.' || id, failed_attempt = 1",
    )
    .await;
    let early = nobody(json!({ "code": "131049" })).await;
    assert!(detail(&early).contains("Meta asks to wait a day, the first may from "), "{early:?}");
    let unknown = nobody(json!({ "code": "x" })).await;
    let empty = api.post(&format!("{path}/retry"), json!({ "code": null })).await.expect(422);
    assert_eq!(empty.fields(), ["code"], "no code is not every code");
    assert!(detail(&unknown).starts_with("nobody failed with the code `x`"), "{unknown:?}");
    let all = nobody(json!({})).await;
    assert!(detail(&all).contains(&format!("`GET {path}/report` has the errors")), "{all:?}");
    serve.stop().await;
}

#[tokio::test]
async fn the_hours_of_a_campaign_name_the_fields_that_change_them() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let body =
        json!({ "name": "x", "templateName": "tour_package_marketing", "templateVariables": { "1": "a", "2": "b" } });
    let id = api.post("/api/whatsapp/campaigns", body).await.expect(201).body["id"].clone();
    let path = format!("/api/whatsapp/campaigns/{}", id.as_str().unwrap());

    let refused = said(api.request(Method::PUT, &path).json(&json!({ "sendWindow": null }))).await.expect(422);

    assert!(detail(&refused).contains("sendWindowStart") && detail(&refused).contains("null"), "{refused:?}");
    serve.stop().await;
}
