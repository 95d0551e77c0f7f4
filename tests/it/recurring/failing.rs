//! Times of which no blast can be made: whoever looks reads why, wherever the engine runs that says so.

use std::fs;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::{SETUP, come, engine_app, occurrences, pattern};
use crate::support::{Shop, digits, eventually_async};

#[tokio::test]
async fn a_time_of_which_no_blast_can_be_made_says_why_everywhere_until_it_is_made() {
    let shop = Shop::open(SETUP).await;
    shop.ok(&["customer", "forget", &digits(9), "--yes"]).await;
    let pattern = pattern(&shop, 0..2, &["--repeat", "every day 09:00"]).await;
    come(&shop, &pattern, TimeDelta::seconds(-1)).await;
    // A machine of its own, which lacks the key.
    let without_key = engine_app(&shop, "one").await;
    assert!(without_key.occur(Utc::now()).await.is_err(), "it is tried again soon");

    let shown = shop.json(&["blast", "show", &pattern]).await;
    let waits = &shown["waiting"];
    assert_eq!((&waits["reason"], &shown["done_at"]), (&json!("not_made"), &Value::Null), "{shown}");
    let why = waits["why"].as_str().unwrap();
    assert!(why.starts_with("the engine at ") && why.contains("this machine does not have their key"), "{shown}");
    let shown = shop.ok(&["blast", "show", &pattern]).await;
    assert!(shown.contains("  state    asks you\n"), "{shown}");
    assert!(shown.contains("  now      its time came, and no blast was made of it: the engine at "), "{shown}");
    assert!(shown.contains("  fix      an engine tries it again every few seconds"), "{shown}");
    let listed = shop.ok(&["blast", "schedule", "list"]).await;
    assert!(listed.contains("asks you") && listed.contains(", not made: the engine at "), "{listed}");
    let schedule = shop.ok(&["blast", "schedule", "show", &pattern]).await;
    assert!(schedule.contains("  state    asks you: the engine at "), "{schedule}");
    assert!(schedule.contains(", not made yet\n"), "{schedule}");
    let schedule = shop.json(&["blast", "schedule", "show", &pattern]).await;
    assert_eq!(schedule["waiting"]["reason"], "not_made", "{schedule}");
    // Its sender is stopped as well: that is what it waits for then.
    shop.execute(
        "update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'Device is offline'",
    )
    .await;
    let listed = shop.ok(&["blast", "schedule", "list"]).await;
    assert!(listed.contains(", not made: the engine at "), "{listed}");
    let schedule = shop.ok(&["blast", "schedule", "show", &pattern]).await;
    assert!(schedule.contains(", not made yet\n"), "{schedule}");
    let shown = shop.ok(&["blast", "show", &pattern]).await;
    assert!(shown.contains("sender confirm") && shown.contains("  fix      an engine tries it again every"), "{shown}");
    shop.execute("update senders set stopped_at = null, stopped_code = null, stopped_reason = null").await;
    let doctor = shop.run(&["doctor"]).await;
    let named = format!("blast {pattern} ");
    let is_found =
        |line: &str| line.starts_with("bad ") && line.contains(&named) && line.contains("no blast was made of it");
    assert!(doctor.code == 1 && doctor.out.lines().any(is_found), "{doctor:?}");

    let version = format!("select version::bigint from blasts where id = {pattern}");
    let before = shop.number(&version).await;
    assert!(without_key.occur(Utc::now()).await.is_err());
    assert_eq!(shop.number(&version).await, before, "what is known is not written again");
    let engine = shop.engine();
    eventually_async("it is made", async || occurrences(&shop, &pattern, "made").await == 1).await;
    engine.stop().await;
    let shown = shop.json(&["blast", "show", &pattern]).await;
    assert!(shown["state_reason"].is_null() && shown["waiting"]["reason"] != "not_made", "{shown}");
}

#[tokio::test]
async fn doctor_finds_that_the_key_of_people_who_were_forgotten_is_missing_here() {
    let shop = Shop::open(SETUP).await;
    shop.ok(&["customer", "forget", &digits(9), "--yes"]).await;
    let finding = async || {
        let doctor = shop.run(&["doctor"]).await;
        doctor.out.lines().find(|line| line.contains(" forget.key ")).map(str::to_owned)
    };
    assert_eq!(finding().await, None);
    let key = shop.json(&["customer", "key"]).await["file"].as_str().unwrap().to_owned();
    fs::rename(&key, format!("{key}.away")).unwrap();

    let found = finding().await.unwrap_or_default();

    assert!(found.starts_with("doubtful ") && found.contains("does not have their key"), "{found}");
    assert!(found.contains(&format!("copy the file `{key}`")), "{found}");
}
