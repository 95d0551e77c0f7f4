//! What is said of blasts that repeat: where they are over, where the clocks of another zone rule, and where nobody is found yet.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{SETUP, pattern};
use crate::support::{Setup, Shop, digits};

#[tokio::test]
async fn a_pattern_that_was_ended_does_not_start_any_more() {
    let shop = Shop::open(SETUP).await;
    let id = pattern(&shop, 0..2, &["--repeat", "every day 09:00", "--timezone", "Asia/Kuala_Lumpur"]).await;
    assert!(shop.ok(&["blast", "plan", &id]).await.contains("  starts "));

    let over = shop.run(&["blast", "schedule", "end", &id, "--yes"]).await;
    assert!(over.err.contains(" is ended: no more times"), "{over:?}");
    let again = shop.run(&["blast", "schedule", "end", &id, "--yes"]).await;
    assert!(again.code == 3 && again.err.contains(" is ended: it has no more times"), "{again:?}");

    let plan = shop.json(&["blast", "plan", &id]).await;
    assert_eq!((&plan["starts_at"], &plan["repeat"]["next"]), (&Value::Null, &json!([])), "{plan}");
    let said = shop.ok(&["blast", "plan", &id]).await;
    assert!(!said.contains("starts") && !said.contains("  next "), "{said}");
    assert_eq!(shop.json(&["blast", "show", &id]).await["scheduled_for"], Value::Null);
    assert_eq!(shop.json_lines(&["blast", "list"]).await[0]["scheduled_for"], Value::Null);
    let listed = shop.ok(&["blast", "list"]).await;
    assert!(listed.contains("  ended ") && !listed.contains("cancelled"), "{listed}");
    let ended = shop.json_lines(&["blast", "list", "--state", "ended"]).await;
    assert_eq!(ended.iter().map(|blast| blast["id"].to_string()).collect::<Vec<_>>(), std::slice::from_ref(&id));
    for verb in [
        &["blast", "schedule", "skip", &id][..],
        &["blast", "wait", &id],
        &["blast", "send", &id, "--yes"],
        &["blast", "retry", &id, "--yes"],
        &["blast", "undo", &id],
        &["blast", "step", "add", &id, "--after", "24h", "--message", "Hi"],
    ] {
        let refused = shop.run(verb).await;
        assert!(refused.err.contains(" is ended") && !refused.err.contains("cancelled"), "{verb:?}: {refused:?}");
    }
    assert!(said.contains("the blast is ended: "), "{said}");
}

#[tokio::test]
async fn a_time_by_other_clocks_than_the_readers_names_the_zone() {
    let shop = Shop::open(SETUP).await;
    let id = pattern(&shop, 0..1, &["--repeat", "every day 09:00", "--timezone", "Pacific/Auckland"]).await;
    let own = pattern(&shop, 1..2, &["--repeat", "every day 09:00", "--timezone", "UTC"]).await;

    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", format!("{config}[ui]\ntimezone = \"UTC\"\n"));
    let plan = shop.ok(&["blast", "plan", &id]).await;
    assert!(plan.contains("every day 09:00 (Pacific/Auckland)") && plan.contains(" UTC)"), "{plan}");
    let listed = shop.ok(&["blast", "schedule", "list"]).await;
    let line = |id: &str| listed.lines().find(|line| line.trim_start().starts_with(id)).unwrap().to_owned();
    assert!(line(&id).contains("every day 09:00 (Pacific/Auckland)") && line(&id).contains(" UTC)"), "{listed}");
    assert!(line(&own).contains("every day 09:00 (UTC)") && line(&own).contains(" 09:00 UTC"), "{listed}");
    assert!(!line(&own).contains("(09:00 UTC)"), "{listed}");
    // Without an engine it says so some seconds after it was sent, however long the verbs take here.
    shop.execute("update blasts set updated_at = now() + interval '1 hour'").await;
    let shown = shop.ok(&["blast", "show", &id]).await;
    assert!(shown.contains("repeats every day 09:00 (Pacific/Auckland)"), "{shown}");
    let all = shop.ok(&["blast", "list"]).await;
    let row = all.lines().find(|line| line.trim_start().starts_with(&id)).unwrap();
    assert!(row.contains("09:00 Pacific/Auckland (") && row.contains(" repeats "), "{all}");
    for line in ["  date ", "  now "] {
        let line = shown.lines().find(|text| text.starts_with(line)).unwrap();
        assert!(line.contains("09:00 Pacific/Auckland ("), "{shown}");
    }
}

/// Every sentence about one schedule, in the order of its life.
#[tokio::test]
async fn a_pause_a_skip_and_a_resume_say_what_comes_next_alike() {
    let shop = Shop::open(SETUP).await;
    let id = pattern(&shop, 0..2, &["--repeat", "every day 09:00", "--timezone", "Pacific/Auckland"]).await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", format!("{config}[ui]\ntimezone = \"UTC\"\n"));
    let times: Vec<DateTime<Utc>> =
        serde_json::from_value(shop.json(&["blast", "schedule", "show", &id]).await["next"].clone()).unwrap();
    let zone = chrono_tz::Pacific::Auckland;
    let at = |n: usize| {
        let there = times[n].with_timezone(&zone);
        let is_this_year = there.year() == Utc::now().with_timezone(&zone).year();
        let there = there.format(if is_this_year { "%a %-d %b %H:%M" } else { "%a %-d %b %Y %H:%M" });
        // It is the day before in Greenwich.
        format!("{there} Pacific/Auckland ({} UTC)", times[n].format("%-d %b %H:%M"))
    };
    let run = async |verb: &[&str]| shop.run(&[&["blast", "schedule"], verb].concat()).await.err;
    let until = "makes a blast until `BLASTDECK_STATE_DIR='";
    let resumes = format!("blast schedule resume {id}` resumes it");

    let skipped = run(&["skip", &id]).await;
    assert!(skipped.contains(&format!(" on {} is left out: the next is {}", at(0), at(1))), "{skipped}");
    let paused = run(&["pause", &id]).await;
    assert!(paused.contains(&format!("none of its times (every day 09:00 (Pacific/Auckland)) {until}")), "{paused}");
    assert!(paused.contains(&format!("{resumes}; the next would be {}", at(1))), "{paused}");
    let refused = run(&["skip", &id]).await;
    assert!(refused.contains("people is paused: it makes no blasts until `BLASTDECK_STATE_DIR='"), "{refused}");
    assert!(refused.contains(&resumes), "{refused}");
    let shown = shop.ok(&["blast", "schedule", "show", &id]).await;
    assert!(shown.contains(&format!("  next     {}, once it is resumed", at(1))), "{shown}");
    let listed = shop.ok(&["blast", "schedule", "list"]).await;
    assert!(listed.contains(&format!("paused; once resumed {}", at(1))), "{listed}");
    let unsent = shop.run(&["blast", "send", &id, "--yes", "--no-engine"]).await;
    assert!(unsent.code == 3 && unsent.err.contains("blast resume"), "{unsent:?}");
    let resumed = run(&["resume", &id, "--yes", "--no-engine"]).await;
    let next = format!("is resumed and repeats every day 09:00 (Pacific/Auckland): the next is {}", at(1));
    assert!(resumed.contains(&next), "{resumed}");
    let again = run(&["resume", &id, "--yes", "--no-engine"]).await;
    assert!(again.contains("people repeats: it is not paused, and starts by itself"), "{again}");
    let sent = shop.run(&["blast", "send", &id]).await;
    assert!(sent.code == 3 && sent.err.contains("it repeats by itself"), "{sent:?}");
}

#[tokio::test]
async fn a_blast_that_repeats_is_made_also_while_its_filter_finds_nobody() {
    let shop = Shop::open(Setup::default()).await;
    let earlier = shop.draft(0..2).await;
    let filter = format!("blast:{earlier} status:read");
    let new = ["blast", "new", "--sender", "sales", "--message", "Hi", "--from", &filter];
    assert_eq!(shop.run(&new).await.code, 3, "one that does not repeat goes to nobody");

    let unlimited = shop.json(&[&new[..], &["--repeat", "every day 09:00"]].concat()).await["id"].to_string();
    let plan = shop.ok(&["blast", "plan", &unlimited]).await;
    assert!(plan.contains("  at most   1 at a time, as nobody is in it yet; "), "{plan}");
    shop.send(&unlimited).await;
    let shown = shop.ok(&["blast", "schedule", "show", &unlimited]).await;
    assert!(shown.contains("  at most  1 at a time without asking"), "{shown}");
    shop.ok(&["blast", "schedule", "end", &unlimited, "--yes"]).await;

    let made = shop.json(&[&new[..], &["--repeat", "every day 09:00", "--at-most", "5"]].concat()).await;

    let id = made["id"].to_string();
    let plan = shop.json(&["blast", "plan", &id]).await;
    assert_eq!((&plan["people"], &plan["obstacles"]), (&json!(0), &json!([])), "{plan}");
    shop.send(&id).await;
    assert_eq!(shop.state(&id).await, "scheduled");
    assert_eq!(shop.number(&format!("select at_most::bigint from blasts where id = {id}")).await, 5);

    shop.ok(&["blast", "pause", &id]).await;
    let other = shop.blast(4..6).await;
    shop.until_idle().await;
    assert_eq!((shop.state(&other).await.as_str(), shop.state(&id).await.as_str()), ("completed", "paused"));
    shop.ok(&["blast", "resume", &id, "--yes"]).await;
    assert_eq!(shop.state(&id).await, "scheduled");
}

#[tokio::test]
async fn what_repeats_to_a_filter_is_planned_and_resumed_with_those_whom_it_finds_now() {
    let shop = Shop::open(Setup::default()).await;
    let earlier = shop.draft(0..3).await;
    let set = async |status: &str, of: &str| {
        shop.execute(&format!(
            "update blast_recipients set status = '{status}', standing = '{status}', sent_at = now(), read_timestamp = now()
              where blast_id = {earlier} and {of}"
        ))
        .await;
    };
    set("read", "true").await;
    let filter = format!("blast:{earlier} stuck:read");
    let new =
        ["blast", "new", "--sender", "sales", "--message", "Hi", "--from", &filter, "--repeat", "every day 09:00"];
    let id = shop.json(&new).await["id"].to_string();
    assert_eq!(shop.json(&["blast", "send", &id, "--yes", "--no-engine"]).await["people"], 3);

    set("replied", "id = (select min(id) from blast_recipients)").await;

    for state in ["scheduled", "paused"] {
        assert_eq!(shop.state(&id).await, state);
        let plan = shop.json(&["blast", "plan", &id]).await;
        assert_eq!((&plan["people"], &plan["segment"]["finds"]), (&json!(2), &json!(2)), "{state}: {plan}");
        assert!(shop.ok(&["blast", "plan", &id]).await.contains("stuck:read: finds 2 people"), "{state}");
        if state == "scheduled" {
            shop.ok(&["blast", "schedule", "pause", &id]).await;
        }
    }
    set("replied", "true").await;
    shop.ok(&["blast", "schedule", "resume", &id, "--yes"]).await;
    assert_eq!(shop.state(&id).await, "scheduled");
    let confirmed = format!("select at_most::bigint from blasts where id = {id}");
    assert_eq!(shop.number(&confirmed).await, 3, "what was confirmed first holds");
}

#[tokio::test]
async fn times_outside_of_the_hours_are_said_and_several_that_would_go_at_once_are_refused() {
    let shop = Shop::open(SETUP).await;
    let of = async |rule: &str, hours: &str| {
        let zone = ["--repeat", rule, "--window", hours, "--timezone", "Asia/Kuala_Lumpur"];
        let id = shop.draft_with(0..2, &zone).await;
        let plan = shop.json(&["blast", "plan", &id]).await;
        (id, plan["obstacles"].clone(), plan["repeat"]["clock_notes"].clone())
    };

    let (id, crowded, _) = of("every hour", "09:00-12:00").await;
    let (_, within, said) = of("0 9-11 * * *", "09:00-12:00").await;
    let (_, late, waits) = of("every day 23:00", "09:00-21:00").await;
    let (_, touching, _) = of("0 8,9 * * *", "09:00-21:00").await;

    let why = crowded[0].as_str().unwrap();
    assert!(why.starts_with("its times ") && why.contains(":00 and ") && why.contains(" would both go when "), "{why}");
    assert!(touching[0].as_str().unwrap().contains(" 08:00 and "), "{touching}");
    let refused = shop.run(&["blast", "send", &id, "--yes", "--no-engine"]).await;
    assert!(refused.code == 3 && refused.err.contains("would both go when "), "{refused:?}");
    assert_eq!((&within, &said), (&json!([]), &json!([])));
    for own in [&["--local-time", "10:00"][..], &["--window", "08:00-21:00", "--window-local"]] {
        for (rule, is_refused) in [("0 9,15 * * *", true), ("every day 09:00", false)] {
            let id = shop.draft_with(0..2, &[&["--repeat", rule], own].concat()).await;
            let why = shop.json(&["blast", "plan", &id]).await["obstacles"].to_string();
            assert_eq!(
                why.contains(" would both go at ") && why.contains("everyone's own"),
                is_refused,
                "{rule}: {why}"
            );
        }
    }
    let waits = waits[0].as_str().unwrap();
    assert!(late == json!([]) && waits.contains(" 23:00 is outside of its hours, 09:00-21:00 daily"), "{late} {waits}");
    assert!(waits.ends_with(" 09:00"), "{waits}");
}

#[tokio::test]
async fn what_repeats_behind_a_stopped_sender_says_in_every_list_that_it_waits_then() {
    let shop = Shop::open(SETUP).await;
    let id = pattern(&shop, 0..2, &["--repeat", "every day 09:00"]).await;
    shop.execute(
        "update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'Device is offline'",
    )
    .await;

    let listed = shop.ok(&["blast", "schedule", "list"]).await;
    let shown = shop.ok(&["blast", "schedule", "show", &id]).await;

    let unless = ", but not while its sender is stopped";
    assert!(listed.contains(unless) && shown.contains(unless), "{listed}{shown}");
}

#[tokio::test]
async fn a_pattern_to_more_people_than_a_time_may_go_to_promises_no_day() {
    let shop = Shop::open(SETUP).await;
    let id = pattern(&shop, 0..3, &["--repeat", "every day 09:00", "--at-most", "1"]).await;

    let plan = shop.json(&["blast", "plan", &id]).await;

    assert_eq!(plan["people"], 3);
    for day in ["today", "tomorrow", "later", "done_at"] {
        assert_eq!(plan[day], Value::Null, "{plan}");
    }
}

#[tokio::test]
async fn a_pattern_says_which_operator_skipped_paused_or_resumed_it() {
    let shop = Shop::open(super::SETUP).await;
    let id = super::pattern(&shop, 0..2, &["--repeat", "every day 09:00", "--times", "3"]).await;
    let by = async || shop.json(&["blast", "show", &id]).await["state_by"].clone();
    let operator = by().await;
    assert_ne!(operator, "engine");
    let verbs: [&[&str]; 5] = [&["skip"], &["pause"], &["resume", "--yes"], &["skip"], &["skip"]];

    for verb in verbs {
        shop.execute(&format!("update blasts set state_by = 'engine' where id = {id}")).await;
        shop.ok(&[&["blast", "schedule", verb[0], &id][..], &verb[1..]].concat()).await;
        assert_eq!(by().await, operator, "{verb:?}");
    }

    assert_eq!(shop.state(&id).await, "completed", "also of the last time");
}

#[tokio::test]
async fn the_times_of_a_schedule_say_where_they_end() {
    let shop = Shop::open(SETUP).await;
    let id = pattern(&shop, 0..1, &["--repeat", "every day 09:00"]).await;
    let missed = "insert into blast_occurrences (pattern, at, outcome)
                  select id, now() - n * interval '1 day', 'missed' from blasts, generate_series(1, 130) n";
    shop.execute(missed).await;

    let shown = shop.ok(&["blast", "schedule", "show", &id]).await;

    assert!(shown.ends_with("  and 30 more before these\n"), "{shown}");
}

#[tokio::test]
async fn the_start_of_a_draft_stands_in_the_list() {
    let shop = Shop::open(Setup::default()).await;
    let day = (Utc::now() + TimeDelta::days(40)).format("%Y-%m-%d");
    shop.draft_with(0..1, &["--at", &format!("{day} 09:00")]).await;

    let listed = shop.ok(&["blast", "list"]).await;

    assert!(listed.contains("  once sent ") && listed.contains(" 09:00 "), "{listed}");
}

#[tokio::test]
async fn a_plan_says_where_the_next_time_comes_before_a_time_is_done() {
    let shop = Shop::open(SETUP).await;
    for (gap, falls_behind) in [("40m", true), ("20m", false)] {
        let id = shop.draft_with(0..3, &["--repeat", "0 * * * *", "--gap", gap]).await;

        let plan = shop.ok(&["blast", "plan", &id]).await;

        assert_eq!(plan.contains("so each falls further behind"), falls_behind, "{gap}: {plan}");
        let said = shop.json(&["blast", "plan", &id]).await;
        assert_eq!(said["falls_behind"].is_string(), falls_behind, "{gap}: {said}");
    }
}

#[tokio::test]
async fn a_larger_number_that_is_confirmed_when_it_is_resumed_holds_from_then_on() {
    let shop = Shop::open(Setup::default()).await;
    let id = shop.draft_with(0..2, &["--repeat", "every day 09:00"]).await;
    shop.ok(&["blast", "send", &id, "--yes", "--no-engine"]).await;
    let added = shop.ok(&["blast", "add", &id, "+60129990001", "--name", "Ben"]).await;
    assert!(
        added.contains(", which goes out next ") && added.contains("waits for you then if it is to more"),
        "{added}"
    );
    let confirmed = format!("select at_most::bigint from blasts where id = {id}");
    assert_eq!(shop.number(&confirmed).await, 2, "whoever is added confirms nobody");

    shop.ok(&["blast", "schedule", "pause", &id]).await;
    shop.ok(&["blast", "schedule", "resume", &id, "--people", "3", "--no-engine"]).await;

    assert_eq!(shop.number(&confirmed).await, 3);
    shop.execute("update blasts set at_most = 9").await;
    let unasked = shop.run(&["blast", "add", &id, "+60129990002", "--name", "Ann"]).await;
    assert!(unasked.code == 3 && unasked.err.contains("whoever is added gets it from then on"), "{unasked:?}");
}

/// It went out in five minutes to more people than anybody had confirmed, as every screen but one had it.
#[tokio::test]
async fn a_list_that_grew_says_what_goes_to_it_and_the_plan_says_that_this_waits() {
    let shop = Shop::open(SETUP).await;
    let of = |people: std::ops::Range<u32>| people.map(|n| digits(n) + "\n").collect::<String>();
    let small = shop.write("small.csv", format!("phone\n{}", of(0..2)));
    let large = shop.write("large.csv", format!("phone\n{}", of(0..3)));
    shop.ok(&["list", "save", "vip", small.to_str().unwrap()]).await;
    let new =
        ["blast", "new", "--sender", "sales", "--message", "Hi", "--from", "list:vip", "--repeat", "every day 09:00"];
    let id = shop.json(&new).await["id"].to_string();
    shop.send(&id).await;
    let before = shop.ok(&["blast", "plan", &id]).await;

    let saved = shop.run(&["list", "save", "vip", large.to_str().unwrap()]).await;

    assert!(saved.err.contains(&format!("(blast {id}) goes to list vip, next ")), "{saved:?}");
    assert!(saved.err.contains("; it waits for you then if that is to more than 2 people"), "{saved:?}");
    let plan = shop.ok(&["blast", "plan", &id]).await;
    let waits = "by itself, but waits for you then, since it goes to 3 people and at most 2 were confirmed";
    assert!(!before.contains("but waits for you") && plan.contains(waits), "{before}{plan}");
}
