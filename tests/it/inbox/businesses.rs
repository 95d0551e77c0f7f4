//! An account of Meta's whose senders are of two businesses: what comes for a number of it that no sender has may be meant for both.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::scene::{InboxScene, envelope, failed, statuses};
use crate::support::serve::{ACCOUNT, senders};
use crate::support::{Setup, Shop, digits};

/// `cloud` of the business kedai, and `stall` of pasar. Pasar has seen somebody's id beside person 1's number.
async fn scene() -> InboxScene {
    let shop = Shop::open(Setup::default()).await;
    let base_url = shop.sim.base_url();
    let stall = format!(
        "[[senders]]\nname = \"stall\"\nprovider = \"meta\"\nphone_number_id = \"555000111222\"\nwaba_id = \"{ACCOUNT}\"\n\
         business = \"pasar\"\nbase_url = \"{base_url}\"\ntoken = {{ env = \"META_TOKEN\" }}\n\
         app_secret = {{ env = \"META_APP_SECRET\" }}\n"
    );
    shop.write("config.toml", senders(base_url) + &stall);
    let known =
        format!("insert into user_ids (business, user_id, phone_number) values ('pasar', 'MY.one', '+{}')", digits(1));
    InboxScene::on(shop, 1, "cloud", &known).await
}

/// To a number of the account that no sender has.
async fn receive_elsewhere(scene: &InboxScene, value: &Value) {
    let mut body = envelope(value);
    body["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = json!("777777777777777");
    assert_eq!(scene.serve.meta(body.to_string()).await, StatusCode::OK);
    scene.until_applied().await;
}

#[tokio::test]
async fn a_stop_holds_in_the_business_that_knows_whose_it_is_and_a_code_that_says_stop_in_each() {
    let scene = scene().await;
    let at = chrono::Utc::now().timestamp().to_string();
    let stop = json!({ "messages": [{ "from_user_id": "MY.one", "id": "wamid.in1", "timestamp": at, "type": "text",
                                      "text": { "body": "STOP" } }] });
    let mut refused = failed(2, 131_050);
    refused["id"] = json!("wamid.of another program");

    receive_elsewhere(&scene, &stop).await;
    receive_elsewhere(&scene, &statuses(&[refused])).await;

    let kept = "select string_agg(business || ' ' || right(phone_number, 1), ', ' order by phone_number, business) from suppressions";
    assert_eq!(scene.text(kept).await.as_deref(), Some("pasar 1, kedai 2, pasar 2"));
    let waits = "select count(*) from nameless_wishes where business = 'kedai'";
    assert_eq!(scene.shop.number(waits).await, 1, "until kedai knows it, too");
    scene.shop.invariants().await;
}
