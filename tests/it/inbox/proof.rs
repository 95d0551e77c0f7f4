//! Which app's secret speaks for whom.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::scene::{InboxScene, envelope, status, statuses, text};
use crate::support::serve::{senders, signature};
use crate::support::{Setup, Shop};

const OTHER_SECRET: &str = "the-secret-of-another-app-0001";

/// `cloud`, and a sender of another app with its own account.
async fn two_apps() -> InboxScene {
    let shop = Shop::open(Setup::default()).await;
    shop.write("other.secret", OTHER_SECRET);
    let (base_url, secret) = (shop.sim.base_url(), shop.path("other.secret").display().to_string());
    let other = format!(
        "[[senders]]\nname = \"other\"\nprovider = \"meta\"\nphone_number_id = \"555000111222\"\nwaba_id = \"777000111222\"\n\
         base_url = \"{base_url}\"\ntoken = {{ env = \"META_TOKEN\" }}\napp_secret = {{ file = \"{secret}\" }}\n"
    );
    shop.write("config.toml", senders(base_url) + &other);
    InboxScene::on(shop, 2, "cloud", "").await
}

async fn receive_signed_by_the_other(scene: &InboxScene, value: &Value) {
    let body = envelope(value).to_string().into_bytes();
    let signature = signature(OTHER_SECRET, &body);
    assert_eq!(scene.serve.meta_with(body, &[("X-Hub-Signature-256", &signature)]).await, StatusCode::OK);
    scene.until_applied().await;
}

#[tokio::test]
async fn the_secret_of_one_app_says_nothing_about_the_numbers_of_another() {
    let scene = two_apps().await;

    receive_signed_by_the_other(&scene, &text(1, "wamid.in.1", "STOP")).await;
    receive_signed_by_the_other(&scene, &statuses(&[status(2, "read")])).await;
    let deleted = json!({ "field": "account_update", "event": "ACCOUNT_DELETED" });
    receive_signed_by_the_other(&scene, &deleted).await;
    // Beside a number of its own.
    let mut beside = deleted;
    beside["metadata"] = json!({ "phone_number_id": "555000111222" });
    receive_signed_by_the_other(&scene, &beside).await;

    assert_eq!([scene.status(1).await, scene.status(2).await], ["sent", "sent"]);
    assert_eq!(scene.shop.number("select count(*) from suppressions").await, 0);
    assert_eq!(scene.shop.number("select count(*) from senders where stopped_at is not null").await, 0);
    let failed = scene.shop.json_lines(&["inbox", "list", "--failed"]).await;
    assert_eq!(failed.len(), 4, "{failed:?}");
    let why = |row: &Value| row["reason"].as_str().unwrap_or_default().contains("app_secret of another sender");
    assert!(failed.iter().all(why), "{failed:?}");

    // Whoever replays it by its number vouches for it.
    let stop = failed.last().unwrap()["id"].to_string();
    scene.shop.ok(&["inbox", "replay", &stop]).await;
    scene.until_applied().await;
    assert_eq!(scene.shop.number("select count(*) from suppressions").await, 1);
    scene.receive(statuses(&[status(2, "read")])).await;
    assert_eq!(scene.status(2).await, "read");
    scene.shop.invariants().await;
}
