//! Blasts that repeat: each time once, whichever engines live; to a fresh audience; none late by surprise.

mod failing;
mod hours;
mod noted;
mod words;
mod years;

use chrono::{DateTime, SecondsFormat, TimeDelta, Timelike, Utc};
use serde_json::json;

use crate::support::{Clock, Setup, Shop, digits, eventually_async};

pub use years::{Chance, app_with, engine_app};

const SETUP: Setup<'static> = Setup {
    sim: &["--latency", "20ms"],
    sender: "rate = \"40/s\"\nin_flight = 8",
    engine: "",
    polling: "interval = \"10m\"\nper_second = 0.01\ngive_up_after = \"1h\"",
};

/// A pattern to these people that was sent; its id.
async fn pattern(shop: &Shop, people: std::ops::Range<u32>, further: &[&str]) -> String {
    let pattern = shop.draft_with(people, further).await;
    shop.send(&pattern).await;
    pattern
}

/// Has the next time of a pattern be so far from now.
async fn come(shop: &Shop, pattern: &str, ahead: TimeDelta) {
    let at = (Utc::now() + ahead).to_rfc3339_opts(SecondsFormat::Millis, true);
    shop.execute(&format!("update blasts set scheduled_for = '{at}', send_after = '{at}' where id = {pattern}")).await;
}

async fn occurrences(shop: &Shop, pattern: &str, outcome: &str) -> i64 {
    shop.number(&format!("select count(*) from blast_occurrences where pattern = {pattern} and outcome = '{outcome}'"))
        .await
}

async fn newest(shop: &Shop, pattern: &str) -> String {
    let query = format!("select max(id) from blasts where pattern_blast = {pattern}");
    shop.number(&query).await.to_string()
}

#[tokio::test]
async fn a_time_makes_one_blast_whichever_engines_live_and_the_pattern_goes_on() {
    let shop = Shop::open(SETUP).await;
    let pattern = pattern(&shop, 0..5, &["--repeat", "every day 09:00", "--timezone", "Asia/Kuala_Lumpur"]).await;
    assert_eq!(shop.state(&pattern).await, "scheduled");
    let engines = [shop.engine(), shop.engine()];
    shop.until_listening(2).await;

    come(&shop, &pattern, TimeDelta::seconds(2)).await;
    eventually_async("the time has come", async || occurrences(&shop, &pattern, "made").await == 1).await;
    let made = newest(&shop, &pattern).await;
    shop.until_state(&made, "completed").await;

    assert_eq!(shop.sim.posts().await.len(), 5);
    assert_eq!(shop.number("select count(*) from blasts").await, 2);
    let shown = shop.json(&["blast", "show", &made]).await;
    assert_eq!(shown["pattern"], json!(pattern.parse::<i64>().unwrap()), "{shown}");
    let schedule = shop.json(&["blast", "schedule", "show", &pattern]).await;
    assert_eq!(
        (&schedule["made"], &schedule["missed"], &schedule["state"]),
        (&json!(1), &json!(0), &json!("scheduled"))
    );
    let next: DateTime<Utc> = schedule["next"][0].as_str().unwrap().parse().unwrap();
    assert_eq!((next.hour(), next.minute()), (1, 0), "nine in Kuala Lumpur: {schedule}");
    let shown = shop.ok(&["blast", "schedule", "show", &pattern]).await;
    assert!(shown.contains("state    repeats"), "{shown}");
    assert_eq!(shop.number(&format!("select count(*) from attempts a join blast_recipients r on r.id = a.recipient_id where r.blast_id = {pattern}")).await, 0);
    for engine in engines {
        engine.stop().await;
    }
    shop.invariants().await;
}

#[tokio::test]
async fn a_pattern_that_cannot_make_its_blast_holds_up_no_other() {
    let shop = Shop::open(SETUP).await;
    let broken = pattern(&shop, 0..2, &["--repeat", "every day 09:00"]).await;
    let good = pattern(&shop, 0..2, &["--repeat", "every day 09:00"]).await;
    shop.execute(&format!("update blasts set segment = 'status:nonsense' where id = {broken}")).await;
    come(&shop, &broken, TimeDelta::seconds(-2)).await;
    come(&shop, &good, TimeDelta::seconds(-1)).await;

    let occurred = engine_app(&shop, "one").await.occur(Utc::now()).await;

    assert!(occurred.is_err(), "it is tried again soon");
    assert_eq!((occurrences(&shop, &broken, "made").await, occurrences(&shop, &good, "made").await), (0, 1));
    assert_eq!(shop.state(&newest(&shop, &good).await).await, "sending");
}

/// Whoever opted out stands in its list, and is left out of each time: how many it goes to is for its plan to say.
#[tokio::test]
async fn a_time_that_asks_since_somebody_may_be_sent_to_again_says_no_other_number_than_its_plan() {
    let shop = Shop::open(SETUP).await;
    for out in [2, 3] {
        shop.ok(&["suppress", "add", &digits(out)]).await;
    }
    let pattern = pattern(&shop, 0..4, &["--repeat", "every day 09:00"]).await;
    assert_eq!(shop.number(&format!("select at_most::bigint from blasts where id = {pattern}")).await, 2);
    shop.ok(&["suppress", "remove", &digits(2), "--yes"]).await;

    come(&shop, &pattern, TimeDelta::seconds(-1)).await;
    engine_app(&shop, "one").await.occur(Utc::now()).await.unwrap();

    let asking = newest(&shop, &pattern).await;
    let shown = shop.json(&["blast", "show", &asking]).await;
    let why = "it was to go to more people than were confirmed (at most 2): resume it to send it all the same";
    assert_eq!((&shown["state"], &shown["state_reason"]), (&json!("paused"), &json!(why)), "{shown}");
    assert_eq!(shop.json(&["blast", "plan", &asking]).await["people"], 3);
}

#[tokio::test]
async fn the_audience_of_a_filter_is_fresh_and_a_larger_one_than_was_confirmed_asks() {
    let shop = Shop::open(Setup::default()).await;
    let earlier = shop.blast(0..3).await;
    shop.until_idle().await;
    shop.execute(&format!(
        "update blast_recipients set status = 'read', standing = 'read', closed_at = null, replied_marked_at = null, reply_seen_at = null,
                opted_out_at = null where blast_id = {earlier};
         update blast_recipients set status = 'sent', standing = 'sent', read_timestamp = null where blast_id = {earlier} and phone_number <> '+{}'",
        digits(0)
    ))
    .await;
    let filter = format!("blast:{earlier} status:read");
    let made = shop
        .json(&[
            "blast",
            "new",
            "--sender",
            "sales",
            "--message",
            "Hi",
            "--from",
            &filter,
            "--repeat",
            "every day 09:00",
        ])
        .await;
    let pattern = made["id"].to_string();
    shop.send(&pattern).await;
    assert_eq!(shop.number(&format!("select at_most::bigint from blasts where id = {pattern}")).await, 1);

    shop.execute(&format!("update blast_recipients set status = 'read', standing = 'read', read_timestamp = now() where blast_id = {earlier}")).await;
    let engine = shop.engine();
    come(&shop, &pattern, TimeDelta::zero()).await;
    eventually_async("the time has come", async || occurrences(&shop, &pattern, "made").await == 1).await;
    let asking = newest(&shop, &pattern).await;
    shop.until_state(&asking, "paused").await;

    let shown = shop.json(&["blast", "show", &asking]).await;
    let why = "it was to go to more people than were confirmed (at most 1): resume it to send it all the same";
    assert_eq!((&shown["state_reason"], &shown["counts"]["queued"]), (&json!(why), &json!(3)), "{shown}");
    shop.ok(&["blast", "resume", &asking, "--yes", "--no-engine"]).await;
    shop.until_state(&asking, "completed").await;
    assert_eq!(
        shop.number(&format!("select count(*) from blast_recipients where blast_id = {asking} and attempt > 0")).await,
        3
    );
    engine.stop().await;
}

#[tokio::test]
async fn a_time_of_which_everybody_is_left_out_says_how_many_its_filter_found_and_why_nobody_was_left() {
    let shop = Shop::open(SETUP).await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", format!("{config}\n[[businesses]]\nname = \"kedai\"\nfrequency_cap = \"7d\"\n"));
    let sent = |days: u32| format!("set status = 'sent', standing = 'sent', sent_at = now() - interval '{days} days'");
    let earlier = shop.draft(0..3).await;
    shop.execute(&format!("update blast_recipients {} where blast_id = {earlier}", sent(10))).await;
    let (filter, rule) = (format!("blast:{earlier} status:sent"), "every day 09:00");
    let new = ["blast", "new", "--sender", "sales", "--message", "Hi", "--from", &filter, "--repeat", rule];
    let pattern = shop.json(&new).await["id"].to_string();
    shop.send(&pattern).await;

    let lately = shop.draft(0..3).await;
    shop.execute(&format!(
        "update blast_recipients {} where blast_id = {lately};
         insert into suppressions (business, phone_number, source) select business, '+{}', 'operator' from senders",
        sent(6),
        digits(2)
    ))
    .await;
    come(&shop, &pattern, TimeDelta::seconds(-1)).await;
    engine_app(&shop, "one").await.occur(Utc::now()).await.unwrap();

    let over = shop.json(&["blast", "show", &newest(&shop, &pattern).await]).await;
    let why =
        "its filter found 3 people, and nobody was left: 1 opted out, 2 within the frequency cap of another message";
    assert_eq!((&over["state"], &over["state_reason"]), (&json!("completed"), &json!(why)), "{over}");
}

#[tokio::test]
async fn a_time_that_passed_while_no_engine_ran_is_told_and_never_sent_late() {
    let shop = Shop::open(SETUP).await;
    // Twelve hours from now, so that no other time of it has passed.
    let rule = format!("every day {:02}:00", (Utc::now().hour() + 12) % 24);
    let daily = pattern(&shop, 0..2, &["--repeat", &rule, "--timezone", "UTC"]).await;
    let hourly = pattern(&shop, 2..4, &["--repeat", "every hour"]).await;
    come(&shop, &daily, TimeDelta::hours(-7)).await;
    shop.execute(&format!(
        "update blasts set scheduled_for = date_trunc('hour', now()) - interval '4 hours', send_after = date_trunc('hour', now()) - interval '4 hours'
          where id = {hourly}"
    ))
    .await;

    let engine = shop.engine();
    eventually_async("both have come", async || {
        occurrences(&shop, &daily, "missed").await == 1 && occurrences(&shop, &hourly, "made").await == 1
    })
    .await;

    let late = newest(&shop, &daily).await;
    shop.until_state(&late, "paused").await;
    let shown = shop.json(&["blast", "show", &late]).await;
    assert!(shown["state_reason"].as_str().unwrap().contains("passed while no engine ran"), "{shown}");
    assert_eq!(occurrences(&shop, &hourly, "missed").await, 4, "only the last of several goes");
    let made = newest(&shop, &hourly).await;
    shop.until_state(&made, "completed").await;
    assert_eq!(shop.sim.stats().await.posts, 2, "of the daily one nothing went");
    engine.stop().await;
    shop.invariants().await;
}

#[tokio::test]
async fn times_that_a_clock_which_was_ahead_has_passed_are_still_to_come() {
    let shop = Shop::open(SETUP).await;
    let pattern = pattern(&shop, 0..2, &["--repeat", "every day 09:00", "--timezone", "Asia/Kuala_Lumpur"]).await;
    let due = "extract(epoch from scheduled_for)::bigint from blasts where repeat_rule is not null";
    let next = shop.number(&format!("select {due}")).await;
    // As an engine leaves it whose database's clock was ahead by three days.
    shop.execute(&format!(
        "insert into blast_occurrences (pattern, at, outcome)
         select {pattern}, scheduled_for + make_interval(days => n), case n when 2 then 'made' else 'missed' end
           from blasts, generate_series(0, 2) n where id = {pattern};
         update blasts set scheduled_for = scheduled_for + interval '3 days', send_after = scheduled_for + interval '3 days',
                           repeat_seen = 3, updated_at = now() + interval '2 days 20 hours' where id = {pattern}"
    ))
    .await;

    let engine = shop.engine();
    eventually_async("its next time is the next", async || shop.number(&format!("select {due}")).await == next).await;
    engine.stop().await;

    assert_eq!(occurrences(&shop, &pattern, "missed").await + occurrences(&shop, &pattern, "made").await, 0);
    assert_eq!(shop.number("select repeat_seen::bigint from blasts where repeat_rule is not null").await, 0);
}

#[tokio::test]
async fn a_machine_whose_clock_is_ahead_passes_no_time_of_what_repeats() {
    let shop = Shop::open(SETUP).await;
    let clock = Clock::new(&shop.path(""));
    let pattern = pattern(&shop, 0..2, &["--repeat", "every day 09:00", "--timezone", "Asia/Kuala_Lumpur"]).await;
    let next = "select extract(epoch from scheduled_for)::bigint from blasts where repeat_rule is not null";
    let before = shop.number(next).await;
    let blast = shop.blast(2..4).await;

    // From its start on: nothing has measured by how much.
    clock.jump(400 * 86_400);
    let engine = shop.engine_with(&clock.environment());
    shop.until_waiting(&blast, "clock").await;
    engine.stop().await;

    assert_eq!(occurrences(&shop, &pattern, "missed").await + occurrences(&shop, &pattern, "made").await, 0);
    assert_eq!(shop.number(next).await, before);
}

#[tokio::test]
async fn what_repeated_and_is_over_says_so_in_its_plan_and_takes_no_step() {
    let shop = Shop::open(SETUP).await;
    let id = pattern(&shop, 0..2, &["--repeat", "every day 09:00", "--times", "2"]).await;
    for _ in 0..2 {
        shop.ok(&["blast", "schedule", "skip", &id]).await;
    }

    let plan = shop.json(&["blast", "plan", &id]).await;
    assert_eq!((&plan["shared_with"], &plan["done_at"]), (&json!([]), &json!(null)), "{plan}");
    let why = "the blast is over: make a new blast to send again (its last time was skipped)";
    assert_eq!(plan["obstacles"], json!([why]), "{plan}");
    assert_eq!(shop.ok(&["blast", "plan", &id]).await, format!("nobody gets a message: {why}\n"));
    let step = shop.run(&["blast", "step", "add", &id, "--after", "48h", "--message", "Hi"]).await;
    assert!(step.code == 3 && step.err.contains("no step would come"), "{step:?}");
    let listed = shop.ok(&["blast", "schedule", "list"]).await;
    assert!(
        listed.contains("skipped") && listed.lines().nth(1).is_some_and(|line| line.trim_end().ends_with('2')),
        "{listed}"
    );
}

#[tokio::test]
async fn it_is_paused_resumed_skipped_and_ended_and_ends_by_itself() {
    let shop = Shop::open(SETUP).await;
    let id = pattern(&shop, 0..2, &["--repeat", "every day 09:00", "--times", "2"]).await;
    let schedule = |verb: &'static str| ["blast", "schedule", verb];
    let first = shop.json(&["blast", "schedule", "show", &id]).await["next"].clone();
    assert_eq!(first.as_array().unwrap().len(), 2, "two times in all: {first}");

    let skipped = shop.json(&[&schedule("skip")[..], &[&id]].concat()).await;
    assert_eq!(skipped["next"], first[1]);
    shop.ok(&[&schedule("pause")[..], &[&id]].concat()).await;
    assert_eq!(shop.state(&id).await, "paused");
    let left = json!([first[1]]);
    assert_eq!(
        shop.json(&["blast", "plan", &id]).await["repeat"]["next"],
        left,
        "the time that was left out does not come"
    );
    assert_eq!(shop.json(&["blast", "schedule", "show", &id]).await["next"], left);
    assert_eq!(shop.run(&[&schedule("skip")[..], &[&id]].concat()).await.code, 3, "paused, it has no next time");
    shop.ok(&[&schedule("resume")[..], &[&id, "--yes", "--no-engine"]].concat()).await;
    assert_eq!(shop.state(&id).await, "scheduled");
    let again = shop.run(&["blast", "send", &id, "--yes", "--no-engine"]).await;
    assert!(again.code == 3 && again.err.contains("by itself"), "{again:?}");

    let over = shop.json(&[&schedule("skip")[..], &[&id]].concat()).await;
    assert_eq!(over["next"], json!(null));
    assert_eq!((shop.state(&id).await.as_str(), shop.count("skipped").await), ("completed", 2));
    let shown = shop.json(&["blast", "show", &id]).await;
    assert_eq!(shown["state_reason"], "its last time was skipped", "{shown}");
    let listed = shop.ok(&["blast", "list"]).await;
    assert!(listed.contains(" over ") && !listed.contains("100%"), "{listed}");

    let second = pattern(&shop, 2..4, &["--repeat", "every mon,thu 09:00"]).await;
    shop.ok(&[&schedule("end")[..], &[&second, "--yes"]].concat()).await;
    assert_eq!(shop.state(&second).await, "cancelled");
    let listed = shop.json_lines(&["blast", "schedule", "list"]).await;
    assert_eq!(listed.len(), 2);
    let plain = shop.draft(4..5).await;
    assert_eq!(shop.run(&[&schedule("end")[..], &[&plain, "--yes"]].concat()).await.code, 1, "it does not repeat");
}

#[tokio::test]
async fn a_rule_that_is_none_is_refused_and_the_plan_says_what_the_clocks_do() {
    let shop = Shop::open(SETUP).await;
    let list = shop.write("people.csv", "phone,name\n+60123450001,Siti\n");
    let new = |further: &[&'static str]| {
        let usual = [
            "blast",
            "new",
            "--sender",
            "sales",
            "--message",
            "Hi",
            "--recipients",
            "people.csv",
            "--timezone",
            "Europe/Berlin",
        ];
        [&usual[..], further].concat()
    };
    assert!(list.exists());
    for (further, said) in [
        (&["--repeat", "soon"][..], "every day 09:00"),
        (&["--repeat", "0 9 30 2 *"], "never comes"),
        (&["--repeat", "*/5 * * * *"], "too often"),
        (&["--repeat", "every day 09:00", "--until", "2020-01-01"], "--until: its last day, 2020-01-01, has passed"),
        (&["--times", "2"], "--repeat"),
        (&["--repeat", "every day 09:00", "--at", "2999-01-01T09:00"], "cannot be used with"),
    ] {
        let ran = shop.run(&new(further)).await;
        assert!(ran.code == 2 && ran.err.contains(said), "{further:?}: {ran:?}");
    }
    let id = shop.ok(&new(&["--repeat", "every day 02:30"])).await;
    let plan = shop.json(&["blast", "plan", id.trim()]).await;
    let notes: Vec<_> = plan["repeat"]["clock_notes"].as_array().unwrap().iter().map(ToString::to_string).collect();
    assert!(notes.len() == 2 && notes.iter().any(|note| note.contains("does not exist")), "{plan}");
    assert!(notes.iter().any(|note| note.contains("comes twice")), "{plan}");
    let said = shop.ok(&["blast", "plan", id.trim()]).await;
    assert!(said.contains("repeats   every day 02:30") && said.contains("clocks"), "{said}");
    assert!(said.contains("each time, from ") && said.contains("the first time:\n"), "one time is not the day: {said}");
}

#[tokio::test]
async fn a_plan_counts_from_the_first_time_and_says_where_what_repeats_ends() {
    let shop = Shop::open(SETUP).await;
    for further in [&[][..], &["--local-time", "10:00"]] {
        let ending = ["--repeat", "every month 28 09:00", "--times", "2", "--until", "2999-12-31"];
        let id = shop.draft_with(0..3, &[&ending[..], further].concat()).await;

        let plan = shop.json(&["blast", "plan", &id]).await;

        let at = |value: &serde_json::Value| value.as_str().map(|at| at.parse::<DateTime<Utc>>().unwrap());
        let first = at(&plan["repeat"]["next"][0]).unwrap();
        assert_eq!(plan["repeat"]["next"].as_array().unwrap().len(), 2, "{plan}");
        assert_eq!(plan["repeat"]["ends"], "after 2999-12-31, or after 2 times", "{plan}");
        assert!(at(&plan["done_at"]).is_some_and(|done| done >= first), "{plan}");
        for zone in plan["zones"].as_array().unwrap() {
            assert!(at(&zone["from"]).unwrap() >= first, "{plan}");
        }
        let said = shop.ok(&["blast", "plan", &id]).await;
        assert!(said.contains("ends      after 2999-12-31, or after 2 times"), "{said}");
    }
}
