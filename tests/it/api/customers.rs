//! Customers and messages over HTTP, in the documents' spelling.

use reqwest::Method;
use serde_json::json;

use super::client::said;
use super::{Api, client, client_with, served};

#[tokio::test]
async fn a_customer_is_found_tagged_merged_and_known_to_recipients() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let people = json!([{ "phoneNumber": "60100000001", "name": "Aina" }, { "phoneNumber": "60100000002", "customerId": "own-2" }]);
    let made = api.post("/api/blasts", json!({ "message": "Hi", "recipients": people })).await.expect(201);
    let blast = made.body["id"].to_string();
    shop.execute(&format!(
        "update blasts set template = '{{\"name\":\"x\",\"language\":{{\"code\":\"en\"}}}}', launched_at = now() where id = {blast};
         update blast_recipients set status = 'read', standing = 'read', sent_at = now(), message_id = 'wamid.' || id;
         insert into replies (sender_id, blast_id, recipient_id, phone_number, kind, body, message_id, at)
         select 1, blast_id, id, phone_number, 'text', 'yes', 'in.' || id, now() from blast_recipients"
    ))
    .await;

    let path = "/api/whatsapp/customers";
    let first = api.get(&format!("{path}?limit=1")).await.expect(200);
    assert_eq!(
        (&first.body["customers"][0]["id"], &first.body["nextCursor"]),
        (&json!("60100000001"), &json!("60100000001"))
    );
    let second = api.get(&format!("{path}?limit=1&cursor=60100000001")).await.expect(200);
    assert_eq!(second.body["customers"][0]["phoneNumber"], "+60100000002");
    assert_eq!(second.body["nextCursor"], json!(null), "nobody is behind them");
    let one = api.get(&format!("{path}/60100000001")).await.expect(200);
    assert_eq!((&one.body["readCount"], &one.body["campaigns"][0]["status"]), (&json!(1), &json!("read")));
    api.get(&format!("{path}/9999999")).await.expect(404);
    api.get(&format!("{path}/aina")).await.expect(404);

    let edit = json!({ "addTags": ["vip"], "note": "calls back" });
    let edited = api.patch(&format!("{path}/60100000001"), edit).await.expect(200);
    assert_eq!((&edited.body["tags"], &edited.body["notes"][0]["note"]), (&json!(["vip"]), &json!("calls back")));
    let wrong = api.patch(&format!("{path}/60100000001"), json!({ "addTags": ["very important"] })).await.expect(422);
    assert_eq!(wrong.fields(), ["addTags"]);
    let snake = json!({ "add_tags": ["late"], "remove_tags": ["vip"] });
    let snake = api.patch(&format!("{path}/60100000001"), snake).await.expect(200);
    assert_eq!(snake.body["tags"], json!(["late"]));
    let back = json!({ "addTags": ["vip"], "removeTags": ["late"] });
    api.patch(&format!("{path}/60100000001"), back).await.expect(200);
    let wrong = api.patch(&format!("{path}/60100000001"), json!({ "add_tags": ["very important"] })).await.expect(422);
    assert_eq!(wrong.fields(), ["add_tags"]);
    assert_eq!(api.get(&format!("{path}?tag=vip")).await.expect(200).body["customers"].as_array().unwrap().len(), 1);
    let merged = api.post(&format!("{path}/60100000001/merge"), json!({ "into": "60100000002" })).await.expect(200);
    assert_eq!(merged.body["phoneNumbers"], json!(["+60100000002", "+60100000001"]));
    api.post(&format!("{path}/60100000001/merge"), json!({ "into": "60100000002" })).await.expect(409);
    let apart = json!({ "phoneNumber": "60100000001" });
    // Another customer of a number that would be +60 49123456 as one of this country.
    api.post("/api/blasts", json!({ "message": "Hi", "recipients": ["+49123456"] })).await.expect(201);
    let elsewhere = api.post(&format!("{path}/49123456/unmerge"), apart.clone()).await.expect(422);
    assert_eq!(elsewhere.fields(), ["phoneNumber"]);
    api.post(&format!("{path}/60100000009/unmerge"), apart.clone()).await.expect(404);
    let abroad = api.post(&format!("{path}/60100000001/merge"), json!({ "into": "49123456" })).await.expect(200);
    assert_eq!((&abroad.body["id"], &abroad.body["phoneNumber"]), (&json!("49123456"), &json!("+49123456")));
    api.post(&format!("{path}/49123456/unmerge"), json!({ "phone_number": "60100000002" })).await.expect(200);
    api.post(&format!("{path}/60100000002/unmerge"), apart).await.expect(200);

    let listed = api.get(&format!("/api/whatsapp/campaigns/{blast}/recipients")).await.expect(200);
    let ids: Vec<_> =
        listed.body["recipients"].as_array().unwrap().iter().map(|one| one["customerId"].clone()).collect();
    assert_eq!(ids, [json!("60100000001"), json!("own-2")], "a program's own id stands before ours");
    serve.stop().await;
}

#[tokio::test]
async fn the_messages_of_a_campaign_come_in_pages_and_a_token_of_one_sender_sees_no_customers() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let made = api.post("/api/blasts", json!({ "message": "Hi", "recipients": ["60100000001", "60100000002"] })).await;
    let blast = made.expect(201).body["id"].to_string();
    shop.execute(
        "update blast_recipients set status = 'sent', standing = 'sent', sent_at = now(), message_text = 'Hi';
         insert into replies (sender_id, blast_id, recipient_id, phone_number, kind, body, message_id, at)
         select 1, blast_id, id, phone_number, 'text', 'yes', 'in.' || id, now() from blast_recipients",
    )
    .await;

    let path = format!("/api/whatsapp/messages?campaignId={blast}&limit=3");
    let first = api.get(&path).await.expect(200);
    let cursor = first.body["nextCursor"].as_str().unwrap();
    let rest = api.get(&format!("{path}&cursor={cursor}")).await.expect(200);

    let of = |body: &serde_json::Value| -> Vec<String> {
        let messages = body["messages"].as_array().unwrap();
        messages
            .iter()
            .map(|one| format!("{} {}", one["direction"].as_str().unwrap(), one["body"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(of(&first.body), ["outbound Hi", "outbound Hi", "inbound yes"]);
    assert_eq!(of(&rest.body), ["inbound yes"]);
    assert_eq!(rest.body["nextCursor"], json!(null));
    let sent = api.get(&path.replace("limit=3", "limit=2")).await.expect(200);
    let cursor = sent.body["nextCursor"].as_str().unwrap();
    let written = api.get(&format!("{path}&limit=2&cursor={cursor}").replace("&limit=3", "")).await.expect(200);
    assert_eq!(
        (of(&sent.body).len(), of(&written.body)),
        (2, vec!["inbound yes".to_owned(), "inbound yes".to_owned()])
    );
    assert_eq!(written.body["nextCursor"], json!(null));
    assert_eq!(first.body["messages"][0]["customerId"], "60100000001");
    api.get("/api/whatsapp/messages?campaignId=999").await.expect(404);
    api.get("/api/whatsapp/messages").await.expect(422);
    assert_eq!(api.get("/api/whatsapp/messages?campaignId=x").await.status, 422);
    let own = client_with(&shop, &serve, &["one", "--scope", "read", "--sender", "sales"]).await;
    own.get("/api/whatsapp/customers").await.expect(409);
    own.get(&path).await.expect(200);
    serve.stop().await;
}

#[tokio::test]
async fn a_customer_is_forgotten_only_once_their_id_is_said_twice() {
    let (shop, serve) = served().await;
    let (api, writer) = (client(&shop, &serve, "admin").await, client(&shop, &serve, "write").await);
    let draft = json!({ "message": "Hi", "recipients": [{ "phone_number": "60100000001", "name": "Aina" }] });
    api.post("/api/blasts", draft).await.expect(201);
    let path = "/api/whatsapp/customers/60100000001";
    let forget = async |api: &Api, query: &str| said(api.request(Method::DELETE, &format!("{path}{query}"))).await;
    let aina = "select count(*) from blast_recipients where name = 'Aina'";

    forget(&writer, "?confirm=60100000001").await.expect(403);
    let asked = forget(&api, "").await.expect(428);
    let detail = asked.body["detail"].as_str().unwrap();
    assert!(asked.kind() == "confirm" && detail.contains("1 row in a blast"), "{asked:?}");
    assert!(detail.contains("`DELETE /api/whatsapp/customers/60100000001?confirm=60100000001`"), "{detail}");
    assert_eq!(forget(&api, "?confirm=60100000002").await.expect(422).fields(), ["confirm"]);
    let plus = "/api/whatsapp/customers/+60100000001";
    let with_plus = said(api.request(Method::DELETE, plus)).await.expect(428);
    assert_eq!(with_plus.body["detail"], detail, "what it names is taken");
    assert_eq!(shop.number(aina).await, 1);

    let done = said(api.request(Method::DELETE, &format!("{plus}?confirm=+60100000001"))).await.expect(200);

    assert_eq!((&done.body["forgotten"], &done.body["wasKept"]["blasts"]), (&json!(true), &json!(1)), "{done:?}");
    assert_eq!(shop.number(aina).await, 0);
    forget(&api, "").await.expect(404);
    serve.stop().await;
}

#[tokio::test]
async fn a_request_whose_key_names_whoever_is_forgotten_is_still_done_once() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "admin").await;
    let number = json!({ "phone_number": "60100734512", "name": "Zulaikha Osman" });
    let draft = json!({ "message": "Hi", "recipients": [number] });
    let keys = ["k-60100734512", "order of zulaikha-osman", "another"];
    let ask = async |key: &str| {
        let request = api.request(Method::POST, "/api/blasts").header("Idempotency-Key", key);
        said(request.header("X-Request-Id", "id-of-60100734512").json(&draft)).await
    };
    for key in keys {
        ask(key).await.expect(201);
    }

    let plain = "select count(*) from api_requests where octet_length(fingerprint) = 32";
    assert_eq!(shop.number(plain).await, 3);

    said(api.request(Method::DELETE, "/api/whatsapp/customers/60100734512?confirm=60100734512")).await.expect(200);

    assert_eq!(shop.number(plain).await, 0, "a guess of the number is confirmed by no hash");
    let kept = "select count(*) from api_requests where (key || request_id) ~* '734512|zulaikha'";
    assert_eq!(shop.number(kept).await, 0);
    assert_eq!(shop.number("select count(*) from api_requests where key = 'another'").await, 1);
    for key in keys {
        let again = ask(key).await.expect(201);
        assert_eq!(again.header("idempotency-replayed"), "true", "{key}");
    }
    assert_eq!(shop.number("select count(*) from blasts").await, 3);
    let other = said(
        api.request(Method::POST, "/api/blasts").header("Idempotency-Key", keys[0]).json(&json!({ "message": "Ho" })),
    );
    assert_eq!(other.await.expect(422).kind(), "idempotency-key-reused");
    let later = async |message: &str| {
        let request = api.request(Method::POST, "/api/blasts").header("Idempotency-Key", "later");
        said(request.json(&json!({ "message": message, "recipients": ["60100000003"] }))).await
    };
    later("Hi").await.expect(201);
    assert_eq!(later("Hi").await.expect(201).header("idempotency-replayed"), "true");
    assert_eq!(later("Ho").await.expect(422).kind(), "idempotency-key-reused");
    assert_eq!(shop.number(plain).await, 0);
    serve.stop().await;
}
