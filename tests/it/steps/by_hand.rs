//! Steps beside follow-ups that an operator makes by hand.

use chrono::Utc;
use serde_json::json;

use super::{SETUP, a_day_passes, add, made, occur, people, phone, received};
use crate::recurring::engine_app;
use crate::support::Shop;

/// A follow-up by hand with these words, which everybody of it got so many hours ago.
async fn followed_up(shop: &Shop, blast: &str, to: std::ops::Range<u32>, (hours, words): (i64, &str)) -> String {
    let by_hand = received(shop, to, hours).await;
    shop.execute(&format!(
        "update blasts set follows_blast = {blast}, follows_stage = 'delivered', message = '{words}',
                launched_at = now() - interval '{hours} hours' where id = {by_hand}"
    ))
    .await;
    by_hand
}

/// Has an attempt stand behind everybody who was sent to.
async fn keep_attempts(shop: &Shop) {
    shop.execute(
        "insert into provider_message (recipient_id, attempt, sender_id, outcome, epoch, received_at, claimed_at)
                  select r.id, 1, b.sender_id, 'accepted', 1, r.sent_at, r.sent_at
                    from blast_recipients r join blasts b on b.id = r.blast_id where r.attempt = 1",
    )
    .await;
}

#[tokio::test]
async fn a_step_leaves_out_who_had_its_message_in_a_follow_up_by_hand() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..5, 400).await;
    let by_hand = followed_up(&shop, &blast, 0..3, (200, "Still  there, {name}?")).await;
    shop.execute(&format!(
        "update blast_recipients set status = 'failed', standing = 'failed' where blast_id = {by_hand} and phone_number = '{}'",
        phone(2)
    ))
    .await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;

    occur(&app, Utc::now()).await;

    let drafts = made(&shop, &blast, 1).await;
    assert_eq!(people(&shop, &drafts[0]).await, [phone(2), phone(3), phone(4)], "whom it did not reach gets it");
    let plan = shop.json(&["blast", "plan", &drafts[0]]).await;
    assert_eq!(plan["segment"]["left_out"]["followed"], 2, "{plan}");
}

#[tokio::test]
async fn a_step_and_a_follow_up_by_hand_have_different_names() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..5, 400).await;
    let stage = async |id: &str| shop.json(&["blast", "show", id]).await["follow_up_stage"].clone();
    let by_hand = async || {
        let made = shop.json(&["blast", "follow-up", &blast, "--stuck-at", "received"]).await;
        let id = made["id"].to_string();
        shop.execute(&format!(
            "update blast_recipients set status = 'skipped', standing = 'skipped' where blast_id = {id}"
        ))
        .await;
        id
    };

    let first = by_hand().await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let third = by_hand().await;

    let steps = shop.json_lines(&["blast", "step", "list", &blast]).await;
    assert_eq!((stage(&first).await, &steps[0]["stage"]), ("Follow-up 1".into(), &"Follow-up 2".into()), "{steps:?}");
    assert_eq!(stage(&third).await, "Follow-up 3");
    // Neither is a name given twice where another one is deleted.
    shop.ok(&["blast", "delete", &first, "--yes"]).await;
    assert_eq!(stage(&by_hand().await).await, "Follow-up 4");
}

#[tokio::test]
async fn a_step_keeps_its_own_time_from_a_follow_up_by_hand() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 400).await;
    let by_hand = followed_up(&shop, &blast, 0..2, (1, "Our shop is open till ten")).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;

    occur(&app, Utc::now()).await;
    let drafts = made(&shop, &blast, 1).await;
    assert_eq!(people(&shop, &drafts[0]).await, [phone(2)]);
    shop.json(&["blast", "send", &drafts[0], "--yes", "--no-engine"]).await;
    shop.execute(&format!(
        "update blast_recipients set sent_at = now() - interval '49 hours' where blast_id = {by_hand}"
    ))
    .await;
    a_day_passes(&shop).await;
    occur(&app, Utc::now()).await;

    let drafts = made(&shop, &blast, 1).await;
    assert_eq!(people(&shop, &drafts[1]).await, [phone(0), phone(1)], "other words, and long enough ago");
}

#[tokio::test]
async fn a_follow_up_by_hand_that_was_deleted_counts_for_a_step_all_the_same() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..5, 400).await;
    let same = followed_up(&shop, &blast, 0..2, (200, "Still there, {name}?")).await;
    let lately = followed_up(&shop, &blast, 2..3, (1, "Our shop is open till ten")).await;
    let long_ago = followed_up(&shop, &blast, 3..4, (200, "Our shop is open till ten")).await;
    keep_attempts(&shop).await;
    for by_hand in [same, lately, long_ago] {
        shop.ok(&["blast", "delete", &by_hand, "--yes"]).await;
    }
    assert_eq!(shop.number("select count(*) from deleted_attempts where content is not null").await, 4);
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;

    occur(&app, Utc::now()).await;

    let drafts = made(&shop, &blast, 1).await;
    assert_eq!(people(&shop, &drafts[0]).await, [phone(3), phone(4)], "other words long ago, and none");
}

#[tokio::test]
async fn a_step_does_not_go_out_right_before_a_follow_up_by_hand_that_is_scheduled() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 400).await;
    let by_hand = received(&shop, 0..2, 1).await;
    shop.execute(&format!(
        "update blasts set follows_blast = {blast}, follows_stage = 'delivered', state = 'scheduled', launched_at = null,
                completed_at = null, scheduled_for = now() + interval '1 hour' where id = {by_hand};
         update blast_recipients set status = 'queued', standing = 'queued', attempt = 0, sent_at = null, delivered_at = null
          where blast_id = {by_hand}"
    ))
    .await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;

    occur(&app, Utc::now()).await;

    let drafts = made(&shop, &blast, 1).await;
    assert_eq!(people(&shop, &drafts[0]).await, [phone(2)]);
}

/// Has a blast be scheduled for this long from now, with these words.
async fn scheduled(shop: &Shop, to: std::ops::Range<u32>, (after, words): (&str, &str)) -> String {
    let blast = received(shop, to, 1).await;
    shop.execute(&format!(
        "update blasts set message = '{words}', state = 'scheduled', launched_at = null, completed_at = null,
                scheduled_for = now() + interval '{after}' where id = {blast};
         update blast_recipients set status = 'queued', standing = 'queued', attempt = 0, sent_at = null, delivered_at = null
          where blast_id = {blast}"
    ))
    .await;
    blast
}

#[tokio::test]
async fn a_step_leaves_out_who_is_about_to_get_its_very_message_however_long_that_waits() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 400).await;
    let by_hand = scheduled(&shop, 0..1, ("9 days", "Still there, {name}?")).await;
    shop.execute(&format!(
        "update blasts set follows_blast = {blast}, follows_stage = 'delivered' where id = {by_hand}"
    ))
    .await;
    scheduled(&shop, 1..2, ("9 days", "Another message")).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;

    occur(&app, Utc::now()).await;

    let drafts = made(&shop, &blast, 1).await;
    assert_eq!(people(&shop, &drafts[0]).await, [phone(1), phone(2)]);
    let plan = shop.json(&["blast", "plan", &drafts[0]]).await;
    assert_eq!(plan["segment"]["left_out"]["same_words"], 1, "{plan}");
}

#[tokio::test]
async fn a_step_leaves_out_who_had_its_very_message_by_any_blast_since_theirs_also_by_one_that_is_gone() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..6, 400).await;
    let words = |blast: &str, words: &str| {
        format!("update blasts set message = '{words}', launched_at = now() - interval '200 hours' where id = {blast}")
    };
    let of_another = received(&shop, 0..1, 200).await;
    let removed_step = received(&shop, 1..2, 200).await;
    let before_it = received(&shop, 2..3, 500).await;
    let deleted = received(&shop, 3..4, 200).await;
    let other_words = received(&shop, 4..5, 200).await;
    for of in [&of_another, &removed_step, &before_it, &deleted] {
        shop.execute(&words(of, "Still there, {name}?")).await;
    }
    shop.execute(&words(&other_words, "Our shop is open till ten")).await;
    shop.execute(&format!("update blasts set follows_blast = {blast}, step_number = 9 where id = {removed_step}"))
        .await;
    keep_attempts(&shop).await;
    shop.ok(&["blast", "delete", &deleted, "--yes"]).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;

    occur(&app, Utc::now()).await;

    let drafts = made(&shop, &blast, 1).await;
    assert_eq!(people(&shop, &drafts[0]).await, [phone(2), phone(4), phone(5)]);
    let plan = shop.json(&["blast", "plan", &drafts[0]]).await;
    let left_out = &plan["segment"]["left_out"];
    assert_eq!((&left_out["same_words"], &left_out["followed"]), (&json!(2), &json!(1)), "{plan}");
}

#[tokio::test]
async fn whom_a_blast_failed_to_reach_that_was_deleted_since_gets_the_step() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 400).await;
    let by_hand = followed_up(&shop, &blast, 0..1, (200, "Still there, {name}?")).await;
    let of_another = received(&shop, 1..2, 200).await;
    shop.execute(&format!(
        "update blasts set message = 'Still there, {{name}}?', launched_at = now() - interval '200 hours' where id = {of_another};
         update blast_recipients set status = 'failed', standing = 'failed' where blast_id in ({by_hand}, {of_another})"
    ))
    .await;
    keep_attempts(&shop).await;
    for gone in [by_hand, of_another] {
        shop.ok(&["blast", "delete", &gone, "--yes"]).await;
    }
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;

    occur(&app, Utc::now()).await;

    let drafts = made(&shop, &blast, 1).await;
    assert_eq!(people(&shop, &drafts[0]).await, [phone(0), phone(1), phone(2)]);
}

#[tokio::test]
async fn a_step_waits_for_what_repeats_only_shortly_before_its_time() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 400).await;
    for (to, after) in [(0..1, "5 minutes"), (1..2, "20 hours")] {
        let pattern = scheduled(&shop, to, (after, "Still there, {name}?")).await;
        shop.execute(&format!("update blasts set repeat_rule = 'every day 09:00' where id = {pattern}")).await;
    }
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;

    occur(&app, Utc::now()).await;

    let drafts = made(&shop, &blast, 1).await;
    assert_eq!(people(&shop, &drafts[0]).await, [phone(1), phone(2)]);
}

/// Has a blast be cancelled while one person in it is in flight, and the others still wait.
async fn cancel_in_flight(shop: &Shop, blast: &str, n: u32) {
    shop.execute(&format!(
        "update blasts set state = 'cancelled', completed_at = null where id = {blast};
         update blast_recipients set status = 'queued', standing = 'queued', attempt = 0, sent_at = null, delivered_at = null
          where blast_id = {blast}"
    ))
    .await;
    shop.put_in_flight(blast, n).await;
    shop.execute(&format!(
        "update blast_recipients set status = 'skipped', standing = 'skipped'
          where blast_id = {blast} and phone_number <> '{}'",
        phone(n)
    ))
    .await;
}

#[tokio::test]
async fn a_step_keeps_clear_of_whoever_is_in_flight_in_a_blast_that_was_cancelled_or_deleted() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..5, 400).await;
    let by_hand = followed_up(&shop, &blast, 0..2, (1, "Our shop is open till ten")).await;
    let same_words = followed_up(&shop, &blast, 2..4, (1, "Still there, {name}?")).await;
    shop.execute(&format!("update blasts set follows_blast = null, follows_stage = null where id = {same_words}"))
        .await;
    cancel_in_flight(&shop, &by_hand, 0).await;
    cancel_in_flight(&shop, &same_words, 2).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;

    occur(&app, Utc::now()).await;
    let cancelled = made(&shop, &blast, 1).await.pop().unwrap();
    assert_eq!(people(&shop, &cancelled).await, [phone(1), phone(3), phone(4)]);

    for gone in [&cancelled, &by_hand, &same_words] {
        shop.ok(&["blast", "delete", gone, "--yes"]).await;
    }
    a_day_passes(&shop).await;
    occur(&app, Utc::now()).await;
    let deleted = made(&shop, &blast, 1).await.pop().unwrap();
    assert_ne!(deleted, cancelled);
    assert_eq!(people(&shop, &deleted).await, [phone(1), phone(3), phone(4)]);
}
