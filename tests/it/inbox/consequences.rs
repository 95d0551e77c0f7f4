//! What a failure by webhook means beyond its person: the same as in the answer to a POST.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::scene::{InboxScene, a_minute_ago, envelope, failed, statuses};
use crate::support::eventually_async;

/// Blast 1 is being sent, to somebody who is due in an hour: the sender's engine is at it, and posts to nobody.
const GOES_ON: &str = "insert into blast_recipients (blast_id, phone_number, next_attempt_at)
    values (1, '+60100000999', now() + interval '1 hour');
    update blasts set state = 'sending', total_recipients = 7;
    select pg_notify('blastdeck_orders', '')";

/// An error outside of any message: its entry says nothing of when it was written.
async fn outside(scene: &InboxScene, code: u32) {
    let mut body = envelope(&json!({ "errors": [{ "code": code, "title": "By the test" }] }));
    body["entry"][0].as_object_mut().unwrap().remove("time");
    // No two requests are the same bytes.
    body["sent"] = json!(chrono::Utc::now().timestamp_micros());
    assert_eq!(scene.serve.meta(body.to_string()).await, StatusCode::OK);
    scene.until_applied().await;
}

#[tokio::test]
async fn a_code_by_webhook_slows_holds_and_stops_as_it_does_in_an_answer() {
    let scene = InboxScene::with(6, "cloud", GOES_ON).await;
    let shop = &scene.shop;
    // The messages of the scene are none that this machine remembers.
    let stopped = "select count(*) from senders where name = 'cloud' and stopped_code = 'restored'";
    eventually_async("it asks", async || shop.number(stopped).await == 1).await;
    shop.ok(&["sender", "confirm", "cloud", "--yes"]).await;
    eventually_async("the sender is held", async || {
        shop.number("select count(*) from sender_leases where expires_at > now()").await > 0
    })
    .await;

    scene.receive(statuses(&[failed(1, 130_429), failed(2, 130_429)])).await;
    eventually_async("the sender is slowed", async || {
        shop.number("select max(slowed)::bigint from senders").await == 1
    })
    .await;
    assert_eq!(scene.status(1).await, "failed", "whoever's message had an id is not sent to again");

    outside(&scene, 131_057).await;
    let held = "select extract(epoch from max(held_until) - now())::bigint from senders";
    eventually_async("a minute of maintenance", async || (45..=60).contains(&shop.number(held).await)).await;

    scene.receive(statuses(&[failed(3, 134_101)])).await;
    shop.execute("update blast_recipients set next_attempt_at = now() where phone_number = '+60100000999'").await;
    let said = shop.until_waiting("1", "provider").await;
    let text = said["text"].as_str().unwrap();
    assert!(text.contains("by the test; Meta is still preparing the template"), "with the table's advice: {said}");
    let span = "select extract(epoch from provider_hold_until - now())::bigint from blasts";
    assert!((590..=600).contains(&shop.number(span).await));
    assert_eq!(shop.state("1").await, "sending", "it waits, and is not paused");

    outside(&scene, 131_048).await;
    let stopped = "select count(*) from senders where stopped_code = '131048' and name = 'cloud'";
    assert_eq!(shop.number(stopped).await, 1);
    let notices = "select count(*) from provider_notices where effect is not null";
    assert_eq!(shop.number(notices).await, 2);

    shop.ok(&["sender", "confirm", "cloud", "--yes"]).await;
    scene.receive(statuses(&[a_minute_ago(failed(4, 131_048))])).await;
    assert_eq!(scene.status(4).await, "failed");
    assert_eq!(shop.number(stopped).await, 0, "somebody has let it go on since");
    outside(&scene, 131_048).await;
    assert_eq!(shop.number(stopped).await, 1, "a later one with the same words");
}

fn account_update(event: &str, key: &str, detail: &Value) -> Value {
    json!({ "field": "account_update", "event": event, key: detail })
}

#[tokio::test]
async fn a_disabled_or_locked_account_takes_the_place_of_a_restriction_and_never_the_other_way_round() {
    let scene = InboxScene::sent(1).await;
    let restriction = |days: i64| {
        let until = (chrono::Utc::now() + chrono::TimeDelta::days(days)).timestamp();
        let restricted = json!([{ "restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": until }]);
        account_update("ACCOUNT_RESTRICTION", "restriction_info", &restricted)
    };
    let disabled = account_update("DISABLED_UPDATE", "ban_info", &json!({ "waba_ban_state": "DISABLE" }));

    scene.receive(restriction(3)).await;
    scene.receive(disabled).await;
    outside(&scene, 131_031).await;
    scene.receive(restriction(5)).await;

    let effects = "select string_agg(effect, '; ' order by id) from provider_notices";
    let expected = "1 stopped; 1 stopped before, and now for this; 1 stopped already; 1 stopped already";
    assert_eq!(scene.text(effects).await.as_deref(), Some(expected));
    let [check, list] = [&["sender", "check", "cloud"], &["sender", "list", "--json"]];
    for said in [scene.shop.run(check).await, scene.shop.run(list).await] {
        assert!(said.out.contains("DISABLED_UPDATE: DISABLE"), "{said:?}");
    }
    let confirmed = scene.shop.run(&["sender", "confirm", "cloud", "--yes"]).await;
    assert!(confirmed.code == 0 && confirmed.err.contains("was stopped: DISABLED_UPDATE: DISABLE"), "{confirmed:?}");
    let logged = "select count(*) from operator_actions where detail ->> 'reason' like 'DISABLED_UPDATE%'";
    assert_eq!(scene.shop.number(logged).await, 1, "among what happened");
}

#[tokio::test]
async fn a_locked_account_by_a_failed_message_takes_the_place_of_a_restriction() {
    let scene = InboxScene::sent(2).await;

    scene.receive(statuses(&[failed(1, 368)])).await;
    scene.receive(statuses(&[failed(2, 131_031)])).await;

    let code = "select stopped_code from senders where name = 'cloud'";
    assert_eq!(scene.text(code).await.as_deref(), Some("131031"));
}
