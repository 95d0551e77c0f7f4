//! A day's limit, and who shares it.

use chrono::{TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{REAL, time, zone_at_day};
use crate::support::{Setup, Shop};

#[tokio::test]
async fn a_days_limit_leaves_the_rest_for_the_days_after() {
    let shop = Shop::open(Setup { sender: "rate = \"100/s\"\nin_flight = 4\ntimezone = \"UTC\"", ..REAL }).await;
    let blast = shop.draft(0..8).await;
    let capped = async |arguments: &[&str]| {
        let mut command = shop.command(arguments);
        command.env("BLASTDECK_SENDERS_SALES_DAILY_CAP", "3");
        crate::support::said(command).await.out
    };

    let plan: Value = serde_json::from_str(&capped(&["blast", "plan", &blast, "--json"]).await).unwrap();
    let text = capped(&["blast", "plan", &blast]).await;

    let people = ["today", "tomorrow", "later"].map(|day| plan[day]["people"].as_i64());
    assert_eq!((people, &plan["left_today"]), ([Some(3), Some(3), Some(2)], &json!(3)));
    let midnight = (Utc::now() + TimeDelta::days(2)).date_naive().and_hms_opt(0, 0, 0).unwrap().and_utc();
    assert!((time(&plan["done_at"]) - midnight).abs() < TimeDelta::seconds(1), "{plan}");
    for line in
        ["  limit     3 left of the daily cap until ", "  today     3", "  tomorrow  3, from ", "  later     2, from "]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[tokio::test]
async fn a_days_limit_counts_by_the_senders_days_for_whoever_reads_it_elsewhere() {
    // Their days end hours apart, both within the next 24 hours.
    let (zone, reader) = match Utc::now().hour() {
        ..12 => (Tz::Etc__GMTMinus11, "UTC"),
        _ => (Tz::UTC, "Etc/GMT+11"),
    };
    let sender = format!("rate = \"100/s\"\nin_flight = 4\ntimezone = \"{zone}\"");
    let shop = Shop::open(Setup { sender: &sender, ..REAL }).await;
    let blast = shop.draft(0..8).await;
    let mut command = shop.command(&["blast", "plan", &blast]);
    command.env("BLASTDECK_SENDERS_SALES_DAILY_CAP", "5").env("TZ", reader);

    let text = crate::support::said(command).await.out;

    for line in ["  days are counted in ", "  today     5", "  tomorrow  3, from "] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[tokio::test]
async fn blasts_that_share_a_days_limit_are_promised_their_turns_of_it() {
    let zone = zone_at_day();
    let sender = format!("rate = \"20/min\"\nin_flight = 4\ntimezone = \"{zone}\"");
    let shop = Shop::open(Setup { sender: &sender, ..REAL }).await;
    let blasts = [shop.draft(0..10).await, shop.draft(10..210).await, shop.draft(210..270).await];
    let fourth = shop.draft(300..360).await;
    // Somebody was sent to, and this machine remembers it; then today's limit was used up.
    shop.blast(400..401).await;
    let engine = shop.engine();
    shop.until_posts(1).await;
    engine.stop().await;
    shop.execute("insert into provider_message (recipient_id, attempt, sender_id, outcome) select n, 1, 1, 'unknown' from generate_series(900002, 900060) n")
        .await;
    for blast in &blasts {
        shop.send(blast).await;
    }
    let engine = shop.engine_with(&[("BLASTDECK_SENDERS_SALES_DAILY_CAP", "60")]);
    let capped = async |arguments: &[&str]| {
        let mut command = shop.command(&[arguments, &["--json"]].concat());
        command.env("BLASTDECK_SENDERS_SALES_DAILY_CAP", "60");
        serde_json::from_str::<Value>(&crate::support::said(command).await.out).unwrap()
    };
    for blast in &blasts {
        shop.until_waiting(blast, "daily_cap").await;
    }

    let today = Utc::now().with_timezone(&zone).date_naive();
    let mut days = Vec::new();
    for blast in &blasts {
        let done = time(&capped(&["blast", "show", blast]).await["done_at"]).with_timezone(&zone).date_naive();
        days.push((done - today).num_days());
    }
    let plan = capped(&["blast", "plan", &fourth]).await;
    engine.stop().await;

    // Through after 30, 270 and 130 messages of the sender, 60 a day.
    assert_eq!(days, [1, 5, 3]);
    // Tomorrow 10 of the first, and of the three others 16 or 17 each.
    let people = ["today", "tomorrow", "later"].map(|day| plan[day]["people"].as_i64());
    assert_eq!(people, [None, Some(16), Some(44)], "{plan}");
}

#[tokio::test]
async fn a_days_limit_that_is_reached_binds_until_the_hours_after_it_open() {
    let shop = Shop::open(Setup { sender: "rate = \"40/s\"\nin_flight = 2\ntimezone = \"UTC\"", ..REAL }).await;
    // Open now, and closed at midnight.
    let hour = Utc::now().hour();
    let window = if hour == 0 { "00:00-23:00".to_owned() } else { format!("{hour:02}:00-24:00") };
    let blast = shop.blast_with(0..9, &["--window", &window, "--timezone", "UTC"]).await;
    let engine = shop.engine_with(&[("BLASTDECK_SENDERS_SALES_DAILY_CAP", "3")]);

    let said = shop.until_waiting(&blast, "daily_cap").await;
    let show = shop.json(&["blast", "show", &blast]).await;
    engine.stop().await;

    let opens = (Utc::now() + TimeDelta::days(1)).date_naive().and_hms_opt(hour, 0, 0).unwrap().and_utc();
    assert_eq!(time(&said["until"]), opens, "midnight lifts the limit, but the hours are closed");
    assert_eq!(show["counts"]["sent"], 3);
}
