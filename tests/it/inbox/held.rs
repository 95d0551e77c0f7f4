//! Messages that Meta accepts and holds back: they count apart, are never sent again, and a pause of their template waits for an
//! operator.

use blastdeck::store::inbox::webhook_liveness;
use serde_json::json;

use super::scene::{InboxScene, a_minute_ago, failed, status, statuses};
use crate::support::serve::{ACCOUNT, with_secrets};
use crate::support::{digits, eventually_async, said};

const HELD: &str = "update blast_recipients set provider_status = 'held_for_quality_assessment' where id <= 3";

#[tokio::test]
async fn who_is_held_by_meta_counts_apart_until_a_sent_or_later_webhook_comes() {
    let scene = InboxScene::with(5, "cloud", HELD).await;
    let shown = async || scene.shop.json(&["blast", "show", "1"]).await;

    let before = shown().await;
    assert_eq!((&before["counts"]["sent"], &before["held_by_meta"]), (&json!(5), &json!(3)));
    assert_eq!((&before["stuck"]["sent"], &before["unasked"]), (&json!(2), &json!(0)), "who is held is not stuck");
    let text = scene.shop.ok(&["blast", "show", "1"]).await;
    assert!(text.contains("3 at sent are held by Meta"), "{text}");
    assert!(scene.shop.ok(&["blast", "report", "1"]).await.contains("3 at sent are held by Meta"));
    scene.shop.invariants().await;

    scene.receive(statuses(&[status(1, "sent"), status(2, "delivered"), status(4, "sent")])).await;

    let after = shown().await;
    assert_eq!((&after["counts"]["sent"], &after["held_by_meta"]), (&json!(4), &json!(1)));
    assert_eq!(after["stuck"]["sent"], json!(3));
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_template_that_is_paused_under_assessment_has_its_blast_wait_for_the_operator() {
    let scene = InboxScene::with(5, "cloud", HELD).await;
    assert_eq!(scene.shop.state("1").await, "completed");

    scene.receive(statuses(&[failed(1, 132_015), failed(2, 132_015)])).await;

    assert_eq!(scene.shop.state("1").await, "paused", "also one that was over");
    let why = scene.text("select state_reason from blasts").await.unwrap();
    assert!(why.contains("by the test"), "{why}");
    let shown = scene.shop.json(&["blast", "show", "1"]).await;
    assert_eq!((&shown["counts"]["failed"], &shown["held_by_meta"]), (&json!(2), &json!(1)));
    scene.shop.until_idle().await;
    assert_eq!(scene.shop.state("1").await, "paused", "an engine does not end it");
    let refused = scene.shop.run(&["blast", "retry", "1", "--yes", "--no-engine"]).await;
    assert_eq!(refused.code, 3, "only asked for by its code: {refused:?}");

    let retried = scene.shop.json(&["blast", "retry", "1", "--code", "132015", "--yes", "--no-engine"]).await;

    assert_eq!((&retried["people"], &retried["state"]), (&json!(2), &json!("paused")));
    assert_eq!(scene.shop.count("queued").await, 2);
    scene.receive(statuses(&[status(1, "sent")])).await;
    assert_eq!(scene.status(1).await, "queued", "late news of the message that was dropped lifts nobody");
    scene.shop.invariants().await;
    // Somebody resumes it: what happened before they did comes late.
    scene.shop.execute("update blasts set state = 'sending', state_reason = null").await;
    scene.receive(statuses(&[a_minute_ago(failed(3, 132_015))])).await;
    assert_eq!(scene.status(3).await, "failed");
    assert_ne!(scene.shop.state("1").await, "paused");
    // Once it is over, it waits for whoever can be tried again.
    scene.shop.execute("update blasts set state = 'completed', completed_at = now()").await;
    scene.receive(statuses(&[a_minute_ago(failed(4, 132_015))])).await;
    assert_eq!((scene.status(4).await.as_str(), scene.shop.state("1").await.as_str()), ("failed", "paused"));
}

#[tokio::test]
async fn an_undeliverable_message_is_tried_again_hours_later_also_when_the_blast_was_over() {
    let scene = InboxScene::sent(3).await;

    scene.receive(statuses(&[failed(1, 131_026), failed(2, 131_049), failed(2, 131_049), failed(1, 131_026)])).await;

    assert_eq!([scene.status(1).await, scene.status(2).await], ["queued", "failed"], "131049 not by itself");
    assert_eq!(scene.shop.state("1").await, "sending");
    let due = "select extract(epoch from next_attempt_at - now())::bigint / 60 from blast_recipients where id = 1";
    let minutes = scene.shop.number(due).await;
    assert!((239..=264).contains(&minutes), "four hours, at most a tenth more: {minutes}");
    scene.receive(statuses(&[status(1, "sent")])).await;
    assert_eq!(scene.status(1).await, "queued");
    scene.receive(statuses(&[status(1, "delivered")])).await;
    assert_eq!(scene.status(1).await, "delivered", "it arrived after all");
    eventually_async("it is over again", async || scene.shop.state("1").await == "completed").await;
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_message_that_lost_the_number_of_somebody_forgotten_is_not_tried_again_by_itself_but_stays_failed() {
    const NAMED: u32 = 734_521;
    let scene = InboxScene::sent(4).await;
    scene
        .shop
        .execute(&format!(
            "update blasts set message = 'Hi {{name}}, call {{agent}}', retry_next_day = true;
             update blast_recipients set variables = '{{\"agent\": \"{}\"}}' where id <> 3;
             update blast_recipients set variables = '{{\"agent\": \"Ana\"}}' where id = 3",
            digits(NAMED)
        ))
        .await;
    scene.shop.ok(&["customer", "forget", &format!("+{}", digits(NAMED)), "--yes"]).await;

    scene
        .receive(statuses(&[failed(1, 131_026), failed(2, 131_049), failed(3, 131_026), status(4, "delivered")]))
        .await;

    let found = [scene.status(1).await, scene.status(2).await, scene.status(3).await, scene.status(4).await];
    assert_eq!(found, ["failed", "failed", "queued", "delivered"], "nothing was lost of the third's");
    let why =
        scene.text("select string_agg(distinct reason, '; ') from blast_recipients where status = 'failed'").await;
    let why = why.unwrap();
    assert_eq!(why, "not tried again: the message would go without the number of somebody who was forgotten since");
    assert!(scene.shop.ok(&["blast", "recipients", "1", "--json"]).await.contains(&why));
}

#[tokio::test]
async fn the_third_undeliverable_message_is_the_last_and_a_cancelled_blast_tries_none() {
    let twice = "update blast_recipients set tries = 2 where id = 1";
    let scene = InboxScene::with(2, "cloud", twice).await;
    scene.receive(statuses(&[failed(1, 131_026)])).await;
    assert_eq!(scene.status(1).await, "failed");
    scene.shop.execute("update blasts set state = 'cancelled'").await;

    scene.receive(statuses(&[failed(2, 131_026)])).await;

    assert_eq!(scene.status(2).await, "failed");
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_blast_that_says_so_tries_those_again_after_a_day_who_had_enough_marketing() {
    let scene = InboxScene::with(2, "cloud", "update blasts set retry_next_day = true").await;

    scene.receive(statuses(&[failed(1, 131_049), failed(2, 130_472)])).await;

    assert_eq!(scene.shop.count("queued").await, 2);
    let soonest = "select min(extract(epoch from next_attempt_at - now()))::bigint / 3600 from blast_recipients";
    assert!(scene.shop.number(soonest).await >= 23);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn equal_failures_in_a_row_by_webhook_pause_the_blast_unless_other_news_comes_between_them() {
    let sending = "update blasts set state = 'sending';
                   update blast_recipients set status = 'uncertain', standing = 'uncertain', reason = 'a test' where id = 12;
                   update provider_message set outcome = 'unknown', message_id = null where recipient_id = 12;
                   update status_history set new_status = 'uncertain' where recipient_id = 12";
    let scene = InboxScene::with(13, "cloud", sending).await;
    let wrong = |n| failed(n, 131_053);

    scene.receive(statuses(&[wrong(1), wrong(2), wrong(2), wrong(2), wrong(2)])).await;
    scene.receive(statuses(&[wrong(3), status(4, "sent"), wrong(4), status(5, "delivered"), wrong(6)])).await;
    assert_eq!(scene.shop.state("1").await, "sending", "three, and then other news");
    scene.receive(statuses(&[wrong(7), wrong(8), failed(9, 131_052)])).await;
    assert_eq!(scene.shop.state("1").await, "sending", "another code begins anew");
    assert_eq!(scene.shop.number("select length::bigint from blast_late_streaks").await, 1);
    scene.receive(statuses(&[failed(10, 131_052), failed(11, 131_052), failed(1, 131_052)])).await;
    assert_eq!(scene.shop.state("1").await, "sending", "three: the fourth had failed before");
    scene.shop.execute("update blast_late_streaks set length = 4").await;

    scene.receive(statuses(&[failed(13, 131_052)])).await;

    assert_eq!(scene.shop.state("1").await, "paused");
    let why = scene.text("select state_reason from blasts").await.unwrap();
    assert!(why.starts_with("5 equal failures in a row"), "{why}");
    assert_eq!(scene.shop.number("select count(*) from blast_late_streaks").await, 0);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn people_who_fail_once_more_after_hours_do_not_pause_their_blast() {
    // Somebody is left for tomorrow: a blast with nobody to send to would be completed by the engine.
    let second = "update blast_recipients set attempt = 2;
                  update provider_message set attempt = 2;
                  insert into blast_recipients (blast_id, phone_number, next_attempt_at)
                  values (1, '+60199999999', now() + interval '1 day');
                  update blasts set state = 'sending'";
    let scene = InboxScene::with(6, "cloud", second).await;
    let gone = |n| failed(n, 131_026);

    scene.receive(statuses(&[gone(1), gone(2), gone(3), gone(4), gone(5), gone(6)])).await;

    assert_ne!(scene.shop.state("1").await, "paused", "nobody new failed");
    assert_eq!(scene.shop.number("select count(*) from blast_late_streaks").await, 0);
    assert_eq!(scene.shop.number("select count(*) from blast_recipients where status = 'queued'").await, 6 + 1);
}

#[tokio::test]
async fn what_meta_says_of_limits_is_kept_and_what_it_said_later_stays() {
    let scene = InboxScene::sent(1).await;
    let capability = |people: serde_json::Value| {
        json!({ "field": "business_capability_update", "max_daily_conversations_per_business": people,
                "max_phone_numbers_per_business": 25 })
    };
    let people = "select people::bigint from business_limits where business = 'kedai'";

    scene.receive(capability(json!("TIER_250"))).await;
    assert_eq!(scene.shop.number(people).await, 250);
    scene.receive(capability(json!(2_000))).await;
    assert_eq!(scene.shop.number(people).await, 2_000);
    scene.shop.execute("update business_limits set people = 10000, learned_at = now()").await;
    scene.receive(capability(json!("TIER_2K"))).await;
    scene.receive(capability(json!("TIER_250"))).await;
    scene.receive(capability(json!(500))).await;
    assert_eq!(scene.shop.number(people).await, 10_000, "copies, and news from before");

    let upgrade = json!({ "field": "phone_number_quality_update", "display_phone_number": "60122222222",
                          "event": "THROUGHPUT_UPGRADE", "current_limit": "TIER_UNLIMITED" });
    scene.receive(upgrade).await;

    let throughput = "select throughput::bigint from senders where name = 'cloud'";
    assert_eq!(scene.shop.number(throughput).await, 1_000);
    assert_eq!(scene.shop.number(people).await, 10_000, "there the word for the limit means the throughput");
}

#[tokio::test]
async fn which_number_of_an_account_is_faster_is_not_guessed() {
    let another = format!(
        "insert into senders (name, provider, business, account) values ('second', 'meta', 'kedai', '{ACCOUNT}')"
    );
    let scene = InboxScene::with(1, "cloud", &another).await;

    scene
        .receive(json!({ "field": "phone_number_quality_update", "display_phone_number": "60122222222",
                         "event": "THROUGHPUT_UPGRADE", "current_limit": "TIER_UNLIMITED" }))
        .await;

    assert_eq!(scene.shop.number("select count(*) from provider_notices").await, 1);
    assert_eq!(scene.shop.number("select count(*) from senders where throughput is not null").await, 0);
}

#[tokio::test]
async fn a_sender_whose_accepted_messages_have_no_webhook_for_five_minutes_asks_the_operator_until_one_comes() {
    let scene = InboxScene::sent(2).await;
    let unheard = "select count(*) from senders where unheard_since is not null";
    scene.receive(statuses(&[status(99, "sent")])).await;
    note(&scene).await;
    assert_eq!(scene.shop.number(unheard).await, 0, "a minute is not long");
    scene.shop.execute("update provider_message set claimed_at = now() - interval '6 minutes'").await;
    scene.shop.execute("update senders set webhook_seen_at = now() - interval '1 minute'").await;
    note(&scene).await;
    assert_eq!(scene.shop.number(unheard).await, 0, "one came since");
    // What waits came long ago as well, whenever it is tried again.
    let old = "update webhook_inbox set received_at = received_at - interval '10 minutes' where state = 'parked'";
    scene.shop.execute(old).await;
    scene.shop.execute("update senders set webhook_seen_at = now() - interval '1 hour'").await;
    let mut behind = scene.shop.database.pool.begin().await.unwrap();
    let waits = "insert into webhook_inbox (provider, digest, body, received_at) values ('meta', '1', '{}', now() - interval '2 minutes')";
    sqlx::query(waits).execute(&mut *behind).await.unwrap();
    let noted = webhook_liveness::note_unheard(&mut *behind).await.unwrap();
    assert_eq!(noted, Vec::<String>::new(), "what waits in the inbox may be of theirs");
    behind.rollback().await.unwrap();

    note(&scene).await;

    assert_eq!(scene.shop.number(unheard).await, 1);
    assert_eq!(note(&scene).await, Vec::<String>::new(), "once");
    let check = said(with_secrets(scene.shop.command(&["sender", "check", "cloud"]))).await;
    assert!(check.out.contains("no webhook of it has arrived for five minutes"), "{check:?}");
    let tries = async || scene.shop.number("select tries::bigint from webhook_inbox where state = 'parked'").await;
    let before = tries().await;
    scene.shop.execute("update webhook_inbox set next_try_at = now() where state = 'parked'").await;
    eventually_async("what waited is tried again", async || tries().await > before).await;
    assert_eq!(scene.shop.number(unheard).await, 1, "it came long ago");
    let since = "update webhook_inbox set received_at = now() - interval '2 minutes', next_try_at = now() where state = 'parked'";
    scene.shop.execute(since).await;
    eventually_async("what came since counts, whenever it is applied", async || scene.shop.number(unheard).await == 0)
        .await;
    scene.receive(statuses(&[status(1, "sent")])).await;
    assert_eq!(scene.shop.number(unheard).await, 0);
    assert_eq!(note(&scene).await, Vec::<String>::new(), "webhooks came since");
}

async fn note(scene: &InboxScene) -> Vec<String> {
    webhook_liveness::note_unheard(&scene.shop.database.pool).await.unwrap()
}
