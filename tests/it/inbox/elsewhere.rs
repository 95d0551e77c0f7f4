//! News of senders that another machine has: applied as there, whichever engine is first.

use serde_json::{Value, json};

use super::scene::{InboxScene, failed, statuses, text};
use crate::support::serve::{ACCOUNT, NUMBER, senders};
use crate::support::{Setup, Shop, digits};

/// Its engine has no token of `cloud`, which is another machine's to send for.
async fn scene(further: &str) -> InboxScene {
    let shop = Shop::open(Setup::default()).await;
    let usable_elsewhere = senders(shop.sim.base_url()).replace("META_TOKEN", "META_TOKEN_OF_ANOTHER_MACHINE");
    shop.write("config.toml", usable_elsewhere);
    InboxScene::on(shop, 4, "cloud", further).await
}

#[tokio::test]
async fn failures_mean_the_same_to_an_engine_that_cannot_send_for_their_sender() {
    let scene = scene("").await;

    scene.receive(statuses(&[failed(1, 131_050), failed(2, 131_031)])).await;

    assert_eq!(scene.status(1).await, "opted_out");
    let suppressed = format!("select count(*) from suppressions where phone_number = '+{}'", digits(1));
    assert_eq!(scene.shop.number(&suppressed).await, 1);
    let stopped = "select count(*) from senders where stopped_at is not null and name = 'cloud'";
    assert_eq!(scene.shop.number(stopped).await, 1, "a locked account stops its sender");
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_notice_acts_on_the_senders_of_its_account_whoever_has_their_token() {
    let sending =
        "update blasts set state = 'sending', template = '{\"name\":\"tour\",\"language\":{\"code\":\"en_US\"}}';
                   update blast_recipients set status = 'uncertain', standing = 'uncertain' where id = 1;
                   update status_history set new_status = 'uncertain' where recipient_id = 1";
    let scene = scene(sending).await;

    scene
        .receive(json!({ "field": "message_template_status_update", "event": "PAUSED", "message_template_id": 1,
                         "message_template_name": "tour", "message_template_language": "en_US" }))
        .await;
    scene.receive(json!({ "field": "account_update", "event": "ACCOUNT_DELETED" })).await;

    assert_eq!(scene.shop.state("1").await, "paused");
    let stopped = "select count(*) from senders where stopped_at is not null and name = 'cloud'";
    assert_eq!(scene.shop.number(stopped).await, 1);
    let others = "select count(*) from senders where stopped_at is not null and name <> 'cloud'";
    assert_eq!(scene.shop.number(others).await, 0);
}

#[tokio::test]
async fn a_stop_word_of_the_senders_own_configuration_counts_wherever_it_is_read() {
    let scene = scene("").await;
    let registered = "select account || ' ' || ('berhenti' = any(stop_words)) from senders where name = 'cloud'";
    assert_eq!(scene.text(registered).await, Some(format!("{ACCOUNT} true")));
    // As a machine does whose configuration has another word.
    scene.shop.execute("update senders set stop_words = array['cukup'] where name = 'cloud'").await;

    scene.receive_all(&[text(1, "wamid.in1", "Cukup"), text(2, "wamid.in2", "STOP"), text(3, "wamid.in3", "Hi")]).await;

    assert_eq!(scene.shop.number("select count(*) from suppressions where source = 'person'").await, 2);
    assert_eq!(scene.status(3).await, "replied");
}

#[tokio::test]
async fn a_notice_about_an_account_that_no_sender_has_changes_nothing() {
    let scene = scene("").await;
    let notice = |account: &str| -> Value {
        json!({ "object": "whatsapp_business_account",
                "entry": [{ "id": account, "time": 1_790_000_000, "changes": [{ "field": "account_update",
                            "value": { "event": "ACCOUNT_DELETED" } }] }] })
    };

    scene.serve.meta(notice(NUMBER).to_string()).await;
    scene.until_applied().await;

    assert_ne!(NUMBER, ACCOUNT);
    assert_eq!(scene.shop.number("select count(*) from senders where stopped_at is not null").await, 0);
}
