//! Senders of WSAPME's that have one secret in common: what comes may be about any of them.

use serde_json::{Value, json};

use super::scene::{InboxScene, blast_of};
use crate::support::serve::senders;
use crate::support::{Setup, Shop, digits};

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// `sales` of the business kedai and `stall` of pasar have the same secret. Blast 1 of `sales` went to person 1 and 2 an hour
/// before blast 2 of `stall`.
async fn scene() -> InboxScene {
    let shop = Shop::open(Setup::default()).await;
    let base_url = shop.sim.base_url();
    let stall = format!(
        "[[senders]]\nname = \"stall\"\nprovider = \"wsapme\"\ndevice = \"5851\"\nbusiness = \"pasar\"\nbase_url = \"{base_url}\"\n\
         token = {{ env = \"WSAPME_TOKEN\" }}\nwebhook_secret = {{ env = \"WSAPME_WEBHOOK_SECRET\" }}\n"
    );
    shop.write("config.toml", senders(base_url) + &stall);
    let second = blast_of("stall", 2, 2).replace("'wamid.' || n", "'second.' || n");
    let earlier = "update blast_recipients set sent_at = now() - interval '1 hour' where blast_id = 1;";
    InboxScene::on(shop, 2, "sales", &format!("{second}{earlier}")).await
}

fn incoming(n: u32, body: &str) -> Value {
    json!({ "type": "text", "message": body, "file": "", "from": format!("{}@c.us", digits(n)), "timestamp": now() })
}

#[tokio::test]
async fn a_stop_holds_for_every_business_that_it_may_be_meant_for() {
    let scene = scene().await;

    scene.receive_wsapme(incoming(1, "STOP")).await;

    let businesses = "select string_agg(business, ' ' order by business) from suppressions";
    assert_eq!(scene.text(businesses).await.as_deref(), Some("kedai pasar"));
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_reply_answers_the_newest_message_of_them_all_and_is_kept_once_though_another_is_found_later() {
    let scene = scene().await;
    scene.receive_wsapme(incoming(1, "Hello")).await;
    let blasts = "select string_agg(blast_id::text, ' ') from replies";
    assert_eq!(scene.text(blasts).await.as_deref(), Some("2"));

    scene.shop.execute("update blast_recipients set sent_at = now() where blast_id = 1").await;
    let replayed = scene.shop.run(&["inbox", "replay", "1"]).await;
    let said = "1 webhook is applied again, by the engine that runs or the next one to be started";
    assert!(replayed.code == 0 && replayed.err.contains(said), "{replayed:?}");
    scene.until_applied().await;

    assert_eq!(scene.text(blasts).await.as_deref(), Some("2"));
    scene.shop.invariants().await;
}
