//! Times that come while the hours for sending are closed: of those that would go together at an opening one goes, whoever changes the hours.

use blastdeck::domain::ids::BlastId;
use chrono::{DateTime, TimeDelta, Timelike, Utc};
use serde_json::json;

use super::{SETUP, come, engine_app, newest, occurrences, pattern};
use crate::api::client;
use crate::support::Shop;
use crate::support::serve::Serve;

const HOURLY: [&str; 4] = ["--repeat", "every hour", "--timezone", "UTC"];

/// Eight in the evening of tomorrow: what a test reads of the times from then on is the same however long it takes.
fn tomorrow_evening() -> DateTime<Utc> {
    (Utc::now() + TimeDelta::days(1)).date_naive().and_hms_opt(20, 0, 0).unwrap().and_utc()
}

/// Has the next time of a pattern be this one.
async fn comes_at(shop: &Shop, pattern: &str, at: DateTime<Utc>) {
    let at = at.to_rfc3339();
    shop.execute(&format!("update blasts set scheduled_for = '{at}', send_after = '{at}' where id = {pattern}")).await;
}

#[tokio::test]
async fn hours_with_which_several_times_would_go_at_once_are_refused_of_what_repeats_as_by_its_launch() {
    let shop = Shop::open(SETUP).await;
    let id = pattern(&shop, 0..2, &HOURLY).await;
    let unsent = shop.draft_with(0..2, &[&HOURLY[..], &["--window", "09:00-12:00"]].concat()).await;
    // Both have the same times ahead.
    let first = tomorrow_evening();
    comes_at(&shop, &id, first).await;
    shop.execute(&format!(
        "insert into blast_occurrences (pattern, at, outcome) values ({unsent}, '{}', 'skipped')",
        (first - TimeDelta::hours(1)).to_rfc3339()
    ))
    .await;
    let plan = shop.json(&["blast", "plan", &unsent]).await;
    let why = plan["obstacles"][0].as_str().unwrap();
    assert!(why.contains(" would both go when its hours (09:00-12:00 "), "{plan}");

    let edited = shop.run(&["blast", "edit", &id, "--window", "09:00-12:00"]).await;
    assert!(edited.code == 3 && edited.err.contains(why), "{edited:?}");
    let app = engine_app(&shop, "ana").await;
    let mut opened = app.open_draft(BlastId(id.parse().unwrap())).await.unwrap();
    opened.form.window = Some("09:00-12:00".parse().unwrap());
    let saved = app.save_draft(Some(opened.at), &opened.form).await.unwrap_err();
    assert!(saved.to_string().contains(why), "{saved}");
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let api = client(&shop, &serve, "write").await;
    let path = format!("/api/blasts/{id}");
    let patched = api.patch(&path, json!({ "send_window": "09:00-12:00" })).await.expect(409).body;
    assert!(patched.to_string().contains(why), "{patched}");
    serve.stop().await;

    let kept = format!("select count(*) from blasts where id = {id} and send_window is null and weekdays is null");
    assert_eq!(shop.number(&kept).await, 1);
    shop.ok(&["blast", "edit", &id, "--window", "00:00-24:00"]).await;
    assert_eq!(shop.number(&kept).await, 0, "in which no time waits");
}

/// Whatever day it is: the days on which they are closed may be far ahead.
#[tokio::test]
async fn weekdays_that_have_quarters_of_an_hour_wait_are_refused_on_any_day() {
    let shop = Shop::open(SETUP).await;
    let id = pattern(&shop, 0..2, &["--repeat", "*/15 * * * *", "--timezone", "UTC"]).await;

    for days in ["mon-fri", "wed-mon", "sat-thu"] {
        let edited = shop.run(&["blast", "edit", &id, "--weekdays", days]).await;

        assert!(edited.code == 3 && edited.err.contains(" would both go when its hours"), "{days}: {edited:?}");
        let mend = "make another one with a rule whose times are within these, or give it other hours";
        assert!(edited.err.contains(mend), "{days}: {edited:?}");
    }
}

#[tokio::test]
async fn of_times_that_would_go_at_one_opening_the_first_is_made_and_the_others_are_missed() {
    let shop = Shop::open(SETUP).await;
    let id = pattern(&shop, 0..2, &HOURLY).await;
    let first = tomorrow_evening();
    comes_at(&shop, &id, first).await;
    // As an earlier version let somebody edit it.
    shop.execute(&format!("update blasts set send_window = '09:00-12:00' where id = {id}")).await;
    let said = shop.ok(&["blast", "schedule", "show", &id]).await;
    assert!(said.contains(":00, and those after it until then are missed"), "{said}");
    let engine = engine_app(&shop, "one").await;
    let hour = async |n: i64| engine.occur(first + TimeDelta::hours(n) + TimeDelta::seconds(1)).await.unwrap();
    let came = async || (occurrences(&shop, &id, "made").await, occurrences(&shop, &id, "missed").await);

    hour(0).await;
    assert_eq!(came().await, (1, 0));
    hour(1).await;
    assert_eq!(came().await, (1, 1), "the first one goes at nine");
    shop.ok(&["blast", "cancel", &newest(&shop, &id).await, "--yes"]).await;
    hour(2).await;
    assert_eq!(came().await, (2, 1), "nothing else goes at nine");
    for n in 3..=13 {
        hour(n).await;
    }
    assert_eq!(came().await, (2, 12), "also the one at nine itself");
    hour(14).await;
    assert_eq!(came().await, (3, 12), "the hours are open");
    assert_eq!(shop.state(&id).await, "scheduled");
}

#[tokio::test]
async fn a_refused_plan_names_no_time_that_was_left_out() {
    let shop = Shop::open(SETUP).await;
    let id = pattern(&shop, 0..2, &HOURLY).await;
    comes_at(&shop, &id, tomorrow_evening()).await;
    shop.execute(&format!("update blasts set send_window = '08:00-09:00' where id = {id}")).await;
    let times: Vec<DateTime<Utc>> =
        serde_json::from_value(shop.json(&["blast", "schedule", "show", &id]).await["next"].clone()).unwrap();
    let named = async || shop.json(&["blast", "plan", &id]).await["obstacles"][0].as_str().unwrap().to_owned();
    let pair = |first: usize| [times[first], times[first + 1]].map(|at| at.format("%H:%M").to_string());
    let has = |why: &str, [first, second]: [String; 2]| {
        let (left, right) = why.split_once(" would both go when ").unwrap();
        assert!(left.contains(&format!(" {first} and ")) && left.ends_with(&second), "{left} ... {right}");
    };
    has(&named().await, pair(0));

    shop.ok(&["blast", "schedule", "skip", &id]).await;

    has(&named().await, pair(1));
}

#[tokio::test]
async fn a_time_that_waits_for_its_hours_and_is_taken_back_is_a_draft_until_somebody_sends_it() {
    let shop = Shop::open(SETUP).await;
    // Half a day from now for an hour.
    let opens = (Utc::now() + TimeDelta::hours(12)).hour();
    let hours = format!("{opens:02}:00-{:02}:00", opens + 1);
    let id = pattern(&shop, 0..2, &["--repeat", "every day 09:00", "--timezone", "UTC", "--window", &hours]).await;
    come(&shop, &id, TimeDelta::seconds(-1)).await;
    let engine = engine_app(&shop, "one").await;
    engine.occur(Utc::now()).await.unwrap();
    let made = newest(&shop, &id).await;
    assert_eq!(shop.state(&made).await, "sending");

    let undone = shop.run(&["blast", "undo", &made]).await;
    engine.occur(Utc::now()).await.unwrap();

    assert!(undone.code == 0 && undone.err.contains(" is a draft again: nothing was sent"), "{undone:?}");
    assert_eq!(shop.state(&made).await, "draft", "no engine launches it anew");
}
