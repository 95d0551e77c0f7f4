//! News of a message that is in flight for long: nobody can take its sender, so that it does not become uncertain.

use serde_json::json;

use super::scene::{InboxScene, status, statuses, text};
use crate::support::eventually_async;

/// Person 1 has had the message of blast 1. That of blast 2 has been in flight for hours, and another machine has the sender.
const LONG_IN_FLIGHT: &str = "
    insert into sender_leases (sender_id, holder, host, epoch, expires_at, valid)
    select id, 'elsewhere', 'elsewhere', 1, now() + interval '1 hour', interval '1 hour' from senders where name = 'cloud'
        on conflict (sender_id) do update set holder = excluded.holder, host = excluded.host, epoch = excluded.epoch,
                                              expires_at = excluded.expires_at, valid = excluded.valid;
    update blast_recipients set sent_at = now() - interval '5 hours', claimed_at = now() - interval '5 hours';
    insert into blasts (blast_tag, sender_id, message, state, total_recipients, launched_at)
    select 'Hari', id, 'Hi', 'sending', 1, now() from senders where name = 'cloud';
    insert into blast_recipients (blast_id, phone_number, name) values (2, '+60100000001', 'Person 1');
    insert into claims (blast_id, sender_id, attempt_number, epoch, claimed_at, first_id, last_id, recipients)
    select id, sender_id, 1, 1, now() - interval '3 hours', 2, 2, array[2] from blasts where id = 2;";

/// Whoever takes the sender makes uncertain whom its last engine left in flight.
const TAKEN: &str = "delete from claims";

/// Everything that waits was received so many hours ago, and is tried once more.
async fn again_after(scene: &InboxScene, hours: u32) {
    let received = format!(
        "update webhook_inbox set received_at = now() - interval '{hours} hours', next_try_at = now(), tries = 0"
    );
    scene.shop.execute(&received).await;
    let tried = "select count(*) from webhook_inbox where tries > 0";
    eventually_async("it was tried", async || scene.shop.number(tried).await == 1).await;
}

async fn state(scene: &InboxScene) -> String {
    scene.text("select state from webhook_inbox").await.unwrap()
}

async fn statuses_of_both(scene: &InboxScene) -> String {
    scene.text("select string_agg(current_status(r)::text, ' ' order by id) from blast_recipients r").await.unwrap()
}

#[tokio::test]
async fn the_proof_that_a_message_went_is_not_given_up_before_somebody_takes_its_sender() {
    let scene = InboxScene::with(1, "cloud", LONG_IN_FLIGHT).await;
    let claimed = "select (extract(epoch from claimed_at) * 1000000)::bigint from attempts where recipient_id = 2";
    let mut read = status(1, "read");
    read["id"] = json!("wamid.2");
    let attempt = format!("2:2:1:{}", scene.shop.number(claimed).await);
    read["biz_opaque_callback_data"] = json!(format!("blastdeck:{}:{attempt}", scene.installation));

    scene.receive(statuses(&[read])).await;
    again_after(&scene, 48).await;

    assert_eq!((state(&scene).await.as_str(), statuses_of_both(&scene).await.as_str()), ("parked", "sent sending"));
    scene.shop.execute(TAKEN).await;
    scene.shop.execute("update webhook_inbox set next_try_at = now()").await;
    eventually_async("it is applied", async || statuses_of_both(&scene).await == "sent read").await;
    assert_eq!(state(&scene).await, "applied");
}

#[tokio::test]
async fn a_reply_to_somebody_in_flight_for_long_is_kept_with_that_message_and_answers_no_earlier_one() {
    let scene = InboxScene::with(1, "cloud", LONG_IN_FLIGHT).await;
    let kept = "select count(*) from replies where recipient_id = 2 and undecided_attempt = 1";

    scene.receive(text(1, "wamid.in1", "Ok, I take three")).await;
    assert_eq!(scene.shop.number(kept).await, 1, "whoever looks sees it at once");
    again_after(&scene, 2).await;
    assert_eq!((state(&scene).await.as_str(), statuses_of_both(&scene).await.as_str()), ("parked", "sent sending"));

    scene.shop.execute(TAKEN).await;
    again_after(&scene, 2).await;
    assert_eq!((state(&scene).await.as_str(), statuses_of_both(&scene).await.as_str()), ("parked", "sent uncertain"));
    assert_eq!(scene.shop.number(kept).await, 1);
}
