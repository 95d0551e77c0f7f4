//! Times that have their row already, and a pattern that stands at one of them: it goes on, and none comes twice.

use chrono::Utc;

use super::{SETUP, engine_app, occurrences, pattern};
use crate::support::{Shop, eventually_async};

const DAILY: [&str; 4] = ["--repeat", "every day 09:00", "--timezone", "Asia/Kuala_Lumpur"];

/// A day in seconds: no clock changes in Kuala Lumpur.
const DAY: i64 = 86_400;

/// The next time of the one pattern.
async fn next(shop: &Shop) -> i64 {
    shop.number("select extract(epoch from scheduled_for)::bigint from blasts where repeat_rule is not null").await
}

async fn seen(shop: &Shop) -> i64 {
    shop.number("select repeat_seen::bigint from blasts where repeat_rule is not null").await
}

#[tokio::test]
async fn a_time_that_was_skipped_stays_skipped_once_a_clock_that_was_ahead_is_set_right() {
    let shop = Shop::open(SETUP).await;
    let pattern = pattern(&shop, 0..2, &DAILY).await;
    shop.ok(&["blast", "schedule", "skip", &pattern]).await;
    let after_it = next(&shop).await;
    // As an engine leaves it whose database's clock was ahead by two days: the time after the skipped one was missed.
    shop.execute(&format!(
        "insert into blast_occurrences (pattern, at, outcome) select id, scheduled_for, 'missed' from blasts where id = {pattern};
         update blasts set scheduled_for = scheduled_for + interval '1 day', send_after = scheduled_for + interval '1 day',
                           repeat_seen = 2, updated_at = now() + interval '1 day 20 hours' where id = {pattern}"
    ))
    .await;

    engine_app(&shop, "one").await.occur(Utc::now()).await.unwrap();

    assert_eq!(next(&shop).await, after_it);
    assert_eq!((occurrences(&shop, &pattern, "skipped").await, occurrences(&shop, &pattern, "missed").await), (1, 0));
    assert_eq!(seen(&shop).await, 1, "the one that was skipped");
}

#[tokio::test]
async fn a_time_further_ahead_that_was_skipped_is_no_next_time_either() {
    let shop = Shop::open(SETUP).await;
    let pattern = pattern(&shop, 0..2, &DAILY).await;
    let first = next(&shop).await;
    // As somebody leaves it who skips a time while a clock is ahead by a day.
    shop.execute(&format!(
        "insert into blast_occurrences (pattern, at, outcome)
         select id, scheduled_for + interval '1 day', 'skipped' from blasts where id = {pattern};
         update blasts set repeat_seen = 1 where id = {pattern}"
    ))
    .await;

    let schedule = shop.json(&["blast", "schedule", "show", &pattern]).await;
    let skipped = shop.json(&["blast", "schedule", "skip", &pattern]).await;

    let times: Vec<i64> = schedule["next"].as_array().unwrap().iter().map(epoch).collect();
    assert_eq!(times[..2], [first, first + 2 * DAY], "{schedule}");
    assert_eq!(epoch(&skipped["next"]), first + 2 * DAY, "{skipped}");
    assert_eq!(next(&shop).await, first + 2 * DAY);
}

#[tokio::test]
async fn a_pattern_that_stands_at_a_time_which_is_noted_goes_on_to_the_one_after_it() {
    let shop = Shop::open(SETUP).await;
    let pattern = pattern(&shop, 0..2, &DAILY).await;
    let first = next(&shop).await;
    shop.execute(&format!(
        "insert into blast_occurrences (pattern, at, outcome) select id, scheduled_for, 'made' from blasts where id = {pattern};
         update blasts set repeat_seen = 1 where id = {pattern}"
    ))
    .await;
    let engine = shop.engine();

    eventually_async("it goes on", async || next(&shop).await == first + DAY).await;
    engine.stop().await;

    assert_eq!(seen(&shop).await, 1, "no time is counted twice");
    assert_eq!(shop.number("select count(*) from blasts").await, 1, "nor made twice");
}

fn epoch(at: &serde_json::Value) -> i64 {
    at.as_str().unwrap().parse::<chrono::DateTime<Utc>>().unwrap().timestamp()
}
