//! What is promised before and while a blast is sent: hours, days, caps and the slower pace counted in, alike in every
//! face; and that a plan counts whom it means.

mod day_limits;

use blastdeck::domain::ids::BlastId;
use blastdeck::store::plan::{self, PlanGroup};
use chrono::{DateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::recurring::engine_app;
use crate::support::{Setup, Shop, digits, eventually_async};

/// In real time.
const REAL: Setup<'static> = Setup {
    sim: &["--latency", "20ms"],
    sender: "rate = \"20/min\"\nin_flight = 4\ntimezone = \"UTC\"",
    engine: "",
    polling: "interval = \"10m\"\nper_second = 0.01\ngive_up_after = \"1h\"",
};

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap_or_else(|| panic!("{value} is no time")).parse().unwrap()
}

/// Two hours that are closed now, and when they open.
fn closed_hours() -> (String, DateTime<Utc>) {
    let opens = (Utc::now() + TimeDelta::hours(3)).with_minute(0).and_then(|at| at.with_second(0)).unwrap();
    let opens = opens.with_nanosecond(0).unwrap();
    let closes = match (opens.hour() + 2) % 24 {
        0 => 24,
        hour => hour,
    };
    (format!("{:02}:00-{closes:02}:00", opens.hour()), opens)
}

#[tokio::test]
async fn a_limit_that_is_set_nowhere_is_said_to_be_a_default() {
    let unset = Shop::open(Setup { sender: "", ..REAL }).await;
    let set = Shop::open(REAL).await;
    let plan = async |shop: &Shop| {
        let blast = shop.draft(0..3).await;
        shop.ok(&["blast", "plan", &blast]).await
    };

    let (unset, set) = (plan(&unset).await, plan(&set).await);

    assert!(unset.contains("(default: gap is not set for [[senders]] sales)"), "{unset}");
    assert!(set.contains("(config: rate of [[senders]] sales)"), "{set}");
}

#[tokio::test]
async fn hours_that_are_closed_are_in_the_plan_and_in_the_promise_of_every_face() {
    let shop = Shop::open(REAL).await;
    let (hours, opens) = closed_hours();
    let blast = shop.draft_with(0..40, &["--window", &hours, "--timezone", "UTC"]).await;

    let plan = shop.json(&["blast", "plan", &blast]).await;
    let text = shop.ok(&["blast", "plan", &blast]).await;
    shop.send(&blast).await;
    let engine = shop.engine();
    let waiting = shop.until_waiting(&blast, "window").await;
    let show = shop.json(&["blast", "show", &blast]).await;
    let list = shop.json(&["blast", "list"]).await;
    engine.stop().await;

    // 40 people at 20 a minute, and no faster than that.
    let done = opens + TimeDelta::minutes(2);
    for at in [&plan["done_at"], &show["done_at"], &list["done_at"]] {
        assert!((time(at) - done).abs() < TimeDelta::seconds(10), "{at}, not {done}");
    }
    assert_eq!(time(&waiting["until"]), opens);
    assert_eq!((&show["per_hour"], &plan["window"]), (&json!(1_200), &json!(format!("{hours} daily (UTC)"))));
    assert!(text.contains(&format!("  hours     {hours} daily")), "{text}");
    let share = if opens.date_naive() == Utc::now().date_naive() { &plan["today"] } else { &plan["tomorrow"] };
    assert_eq!((&share["people"], time(&share["from"])), (&json!(40), opens));
}

#[tokio::test]
async fn what_joins_letters_and_pictures_is_shown_as_it_is_sent() {
    let shop = Shop::open(REAL).await;
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    let list = shop.write("family.csv", format!("phone,name\n{},Siti {family}\n", digits(1)));
    let new = ["blast", "new", "--sender", "sales", "--message", "Hi {name}", "--recipients", list.to_str().unwrap()];
    let id = shop.json(&new).await["id"].to_string();

    let said = shop.ok(&["blast", "plan", &id]).await;

    assert!(said.contains(&format!("Siti {family}: Hi Siti {family}")), "{said}");
}

#[tokio::test]
async fn a_start_outside_the_hours_says_when_they_open() {
    let shop = Shop::open(Setup::default()).await;
    let (hours, opens) = closed_hours();
    let blast = shop.draft_with(0..40, &["--window", &hours, "--timezone", "UTC"]).await;
    let engine = shop.engine();

    let said = shop.run(&["blast", "send", &blast, "--yes"]).await;

    engine.stop().await;
    let opens = opens.format("%H:%M UTC");
    assert!(said.err.contains(&opens.to_string()) && said.err.contains(" and goes to 40 people: "), "{said:?}");
    assert!(!said.err.contains("is being sent"), "{said:?}");
}

#[tokio::test]
async fn a_blast_that_does_not_fit_its_hours_is_promised_for_the_next_ones() {
    let shop = Shop::open(REAL).await;
    let (hours, opens) = closed_hours();
    // Two hours at ten an hour.
    let blast = shop.draft_with(0..30, &["--window", &hours, "--timezone", "UTC", "--gap", "6m"]).await;

    let plan = shop.json(&["blast", "plan", &blast]).await;

    assert_eq!(plan["pace"], "gap 6m, about 10 an hour");
    assert_eq!(time(&plan["done_at"]), opens + TimeDelta::days(1) + TimeDelta::minutes(54));
}

#[tokio::test]
async fn a_plan_names_what_its_sender_sends_meanwhile() {
    let shop = Shop::open(REAL).await;
    shop.blast(0..9).await;
    let draft = shop.draft(10..19).await;

    let plan = shop.json(&["blast", "plan", &draft]).await;
    let text = shop.ok(&["blast", "plan", &draft]).await;

    assert_eq!(plan["shared_with"], json!([{ "tag": "people", "queued": 9, "starts_at": null, "assumed": false }]));
    assert!(
        text.contains("  shared    with people, 9 still queued: they take turns, and the times below allow for it\n"),
        "{text}"
    );
}

/// A zone in which it is neither just before nor just after midnight.
fn zone_at_day() -> Tz {
    if Utc::now().hour() < 12 { Tz::Etc__GMTMinus6 } else { Tz::Etc__GMTPlus6 }
}

/// A shop whose sender sends ten messages a day.
async fn ten_a_day(zone: Tz) -> Shop {
    let sender = format!("rate = \"600/min\"\nin_flight = 4\ntimezone = \"{zone}\"");
    let shop = Shop::open(Setup { sender: &sender, ..REAL }).await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", config.replace("daily_cap = \"none\"", "daily_cap = 10"));
    shop
}

/// A local time so many days from now.
fn local(zone: Tz, days: i64, clock: &str) -> String {
    format!("{}T{clock}", (Utc::now() + TimeDelta::days(days)).with_timezone(&zone).date_naive())
}

/// A plan's people of today, tomorrow, and all days after.
fn shares(plan: &Value) -> [i64; 3] {
    ["today", "tomorrow", "later"].map(|day| plan[day]["people"].as_i64().unwrap_or(0))
}

#[tokio::test]
async fn a_blast_beside_a_slower_one_is_promised_what_that_one_leaves() {
    let zone = zone_at_day();
    let shop = ten_a_day(zone).await;
    shop.blast_with(0..12, &["--gap", "10m"]).await;
    let quick = shop.draft(20..28).await;

    let plan = shop.json(&["blast", "plan", &quick]).await;

    assert_eq!(shares(&plan), [8, 0, 0], "{plan}");
}

#[tokio::test]
async fn a_plan_counts_what_starts_by_itself_before_it_is_done() {
    let zone = zone_at_day();
    let shop = ten_a_day(zone).await;
    let first = shop.draft_with(0..6, &["--at", &local(zone, 1, "09:00")]).await;
    shop.send(&first).await;
    let second = shop.draft_with(20..28, &["--at", &local(zone, 1, "09:30")]).await;
    let next_week = shop.draft_with(40..48, &["--at", &local(zone, 7, "09:00")]).await;
    // Today's ten leave two for tomorrow.
    let today = shop.draft(60..72).await;
    let eleven = shop.draft(80..86).await;

    let second = shop.json(&["blast", "plan", &second]).await;
    let next_week = shop.json(&["blast", "plan", &next_week]).await;
    let today_plan = shop.json(&["blast", "plan", &today]).await;
    let text = shop.ok(&["blast", "plan", &today]).await;
    let unshared = shop.json(&["blast", "plan", &eleven]).await;

    assert_eq!(shares(&second), [0, 4, 4], "{second}");
    let starts_at = time(&second["shared_with"][0]["starts_at"]).with_timezone(&zone);
    assert_eq!(starts_at.format("%FT%R").to_string(), local(zone, 1, "09:00"), "{second}");
    assert_eq!(shares(&next_week), [0, 0, 8], "{next_week}");
    assert_eq!(shares(&today_plan), [10, 2, 0], "{today_plan}");
    assert_eq!(today_plan["shared_with"], json!([]), "it is done at midnight: {text}");
    assert_eq!((shares(&unshared), &unshared["shared_with"]), ([6, 0, 0], &json!([])));
}

#[tokio::test]
async fn a_plan_says_who_gets_both_also_where_the_other_blast_starts_later_or_repeats() {
    let zone = zone_at_day();
    let shop = ten_a_day(zone).await;
    let at = shop.draft_with(0..2, &["--at", &local(zone, 1, "09:00")]).await;
    let repeats = shop.draft_with(2..5, &["--repeat", "every day 09:00"]).await;
    let plan = shop.draft(0..6).await;
    let queued = async || shop.json(&["blast", "plan", &plan]).await["queued_elsewhere"].clone();
    assert_eq!(queued().await, 0, "drafts send nothing");

    shop.send(&at).await;
    shop.send(&repeats).await;

    assert_eq!(queued().await, 5);
    let (pool, now) = (&shop.database.pool, Utc::now());
    let group = (BlastId(plan.parse().unwrap()), PlanGroup::Elsewhere);
    assert_eq!(plan::of_group(pool, group, ("kedai", now), &[]).await.unwrap().len(), 5);
    shop.execute(&format!("update blasts set pattern_blast = {repeats} where id = {plan}")).await;
    assert_eq!(queued().await, 2, "not those of the pattern that it was made of");
    shop.ok(&["blast", "cancel", &at, "--yes"]).await;
    assert_eq!(queued().await, 0);
}

#[tokio::test]
async fn what_repeats_from_the_time_of_a_plan_on_is_named_in_it() {
    let zone = zone_at_day();
    let shop = ten_a_day(zone).await;
    let pattern = shop.draft_with(0..3, &["--repeat", "every day 09:05"]).await;
    shop.send(&pattern).await;
    let tomorrow = shop.draft_with(20..23, &["--at", &local(zone, 1, "09:05")]).await;
    let other = shop.draft_with(30..33, &["--repeat", "every day 09:05"]).await;
    let second_day = shop.draft_with(40..43, &["--at", &local(zone, 2, "09:05")]).await;

    for blast in [tomorrow, other, second_day] {
        let plan = shop.json(&["blast", "plan", &blast]).await;
        assert_eq!(plan["shared_with"][0]["queued"], 3, "{plan}");
    }
}

#[tokio::test]
async fn a_plan_says_which_number_it_assumes_of_what_finds_its_people_later() {
    let zone = zone_at_day();
    let shop = ten_a_day(zone).await;
    // Others had them before.
    shop.draft(0..7).await;
    let from =
        ["blast", "new", "--sender", "sales", "--message", "Hi", "--from", "blast:1", "--repeat", "every day 09:00"];
    let pattern = shop.json(&from).await["id"].to_string();
    shop.send(&pattern).await;
    let draft = shop.draft_with(20..28, &["--at", &local(zone, 3, "09:30")]).await;

    let plan = shop.json(&["blast", "plan", &draft]).await;
    let text = shop.ok(&["blast", "plan", &draft]).await;

    // Three of ten are left on that day, and the others go at midnight.
    let done = time(&plan["done_at"]).with_timezone(&zone).date_naive().to_string();
    assert!(local(zone, 4, "00:00").starts_with(&done), "{plan}");
    assert_eq!((&plan["shared_with"][0]["queued"], &plan["shared_with"][0]["assumed"]), (&json!(7), &json!(true)));
    assert!(text.contains("finds its people anew then: the times below assume 7 people\n"), "{text}");
}

#[tokio::test]
async fn a_stopped_sender_promises_nothing_of_what_is_about_to_start_either() {
    let shop = Shop::open(REAL).await;
    let blast = shop.blast(0..9).await;
    shop.execute("update blasts set send_after = now() + interval '1 hour'").await;
    let engine = shop.engine();
    eventually_async("an engine", async || {
        shop.number("select count(*) from sender_leases where holder is not null").await == 1
    })
    .await;
    let armed = shop.json(&["blast", "show", &blast]).await;
    engine.stop().await;
    shop.execute("update senders set stopped_at = now(), stopped_code = 'restored', stopped_reason = 'back in time'")
        .await;

    let stopped = shop.json(&["blast", "show", &blast]).await;

    assert!(armed["done_at"].is_string(), "{armed}");
    assert_eq!(
        (&stopped["waiting"]["reason"], &stopped["done_at"]),
        (&json!("sender_stopped"), &Value::Null),
        "{stopped}"
    );
}

#[tokio::test]
async fn a_stopped_sender_promises_nothing() {
    let shop = Shop::open(REAL).await;
    let (draft, blast) = (shop.draft(0..9).await, shop.blast(10..19).await);
    shop.execute("update senders set stopped_at = now(), stopped_code = '401', stopped_reason = 'token refused', refused_token = 'another'")
        .await;

    let plan = shop.json(&["blast", "plan", &draft]).await;
    let show = shop.json(&["blast", "show", &blast]).await;
    let text = shop.ok(&["blast", "plan", &draft]).await;

    assert_eq!(
        (&plan["done_at"], &plan["today"], &plan["stopped"]),
        (&Value::Null, &Value::Null, &json!("token refused"))
    );
    assert_eq!((&show["done_at"], &show["waiting"]["reason"]), (&Value::Null, &json!("sender_stopped")));
    assert!(text.contains("  stopped   the sender sends nothing until this is fixed: token refused\n"), "{text}");
    assert!(text.contains("  shared    with people, 9 still queued: they take turns\n"), "{text}");
    let mend = show["waiting"]["mend"].as_str().unwrap();
    let words = "set WSAPME_TOKEN to the right token in the shell and start blastdeck there again: it then goes on by itself (`";
    assert!(mend.starts_with(words) && mend.contains(" sender confirm sales` resumes it"), "{mend}");
}

#[tokio::test]
async fn a_sender_that_was_not_configured_when_this_began_may_have_been_added_since() {
    let shop = Shop::open(REAL).await;
    shop.add_sender("promo");
    let draft = shop.draft_of("promo", 0..3, &[]).await;
    shop.configure(REAL);

    let plan = shop.json(&["blast", "plan", &draft]).await;

    let says = "sender promo is not in the configuration that this program started with: add it under [[senders]], or \
                start this program again if it has been added since";
    assert_eq!(plan["obstacles"], json!([says]));
}

#[tokio::test]
async fn samples_are_of_people_who_get_a_message_and_say_why_they_are_shown() {
    let shop = Shop::open(REAL).await;
    let people = [("X", 0), ("Aminah", 1), ("Al", 2), ("Muhammad Hafiz bin Abdullah", 3), ("Raju", 4)];
    let rows: Vec<_> = people.iter().map(|(name, n)| format!("{name},{}", digits(*n))).collect();
    let list = shop.write("people.csv", format!("name,phone\n{}\n", rows.join("\n")));
    let new = ["blast", "new", "--sender", "sales", "--message", "Hi {name}", "--recipients", list.to_str().unwrap()];
    // Before the import: whoever opts out later is out of the queue at once.
    shop.ok(&["suppress", "add", &digits(0)]).await;
    let blast = shop.json(&new).await["id"].to_string();

    let plan = shop.json(&["blast", "plan", &blast]).await;

    let samples: Vec<_> = plan["samples"].as_array().unwrap().iter().map(|one| (&one["which"], &one["text"])).collect();
    let wanted =
        [("first", "Hi Aminah"), ("shortest name", "Hi Al"), ("longest name", "Hi Muhammad Hafiz bin Abdullah")]
            .map(|(which, text)| (json!(which), json!(text)));
    assert_eq!(samples, wanted.iter().map(|(which, text)| (which, text)).collect::<Vec<_>>());
    assert_eq!(plan["samples"][0]["phone_number"], format!("+{}", digits(1)), "as everywhere in JSON");
}

#[tokio::test]
async fn somebody_without_a_name_is_a_sample_of_what_they_read() {
    let shop = Shop::open(REAL).await;
    let list =
        shop.write("people.csv", format!("name,phone\nAminah,{}\nAl,{}\n,{}\n", digits(1), digits(2), digits(3)));
    let message = "Hi {name|there}";
    let new = ["blast", "new", "--sender", "sales", "--message", message, "--recipients", list.to_str().unwrap()];
    let blast = shop.json(&new).await["id"].to_string();

    let plan = shop.json(&["blast", "plan", &blast]).await;

    let second = &plan["samples"][1];
    assert_eq!((&second["which"], &second["text"]), (&json!("no name"), &json!("Hi there")), "{plan}");
}

#[tokio::test]
async fn somebody_with_nothing_in_a_column_is_a_sample_of_what_they_read() {
    let shop = Shop::open(REAL).await;
    let people = [("Aminah", "teh"), ("Al", "kopi"), ("Muhammad Hafiz", "roti"), ("Raju", " "), ("Devi", "")];
    let rows: Vec<_> =
        people.iter().zip(1..).map(|((name, wants), n)| format!("{name},{},{wants}", digits(n))).collect();
    let list = shop.write("people.csv", format!("name,phone,Wants This\n{}\n", rows.join("\n")));
    let draft = async |message: &str| {
        let new = ["blast", "new", "--sender", "sales", "--message", message, "--recipients", list.to_str().unwrap()];
        shop.json(&new).await["id"].to_string()
    };
    let samples = async |blast: &str| shop.json(&["blast", "plan", blast]).await["samples"].as_array().unwrap().clone();

    let blast = draft("Hi {name}, your {wants this|usual}").await;
    let with_column = samples(&blast).await;

    let last = with_column.last().unwrap();
    assert_eq!((&last["which"], &last["text"]), (&json!("empty column"), &json!("Hi Raju, your usual")), "{last}");
    let plain = draft("Hi {name}").await;
    assert_eq!(samples(&plain).await.len(), 3, "a column that the message does not name is none of its own");
    // Each of them can be tried on oneself.
    let (app, blast) = (engine_app(&shop, "one").await, blast.parse().unwrap());
    for sample in app.plan(blast).await.unwrap().samples {
        let test = app.send_test(blast, sample.person, Some(&digits(99))).await.unwrap();
        let theirs = format!(
            "select count(*) from blast_recipients where blast_id = {} and name = '{}'",
            test.id,
            sample.name.as_deref().unwrap()
        );
        assert_eq!(shop.number(&theirs).await, 1, "{sample:?}");
    }
}

#[tokio::test]
async fn nobody_who_is_left_out_is_counted_as_messaged_before() {
    let shop = Shop::open(Setup::default()).await;
    shop.blast(0..14).await;
    shop.until_idle().await;
    shop.ok(&["suppress", "add", &digits(5)]).await;
    let second = shop.draft(0..14).await;

    let plan = shop.json(&["blast", "plan", &second]).await;

    let numbers = ["people", "suppressed", "recently_messaged"].map(|key| plan[key].as_i64().unwrap());
    assert_eq!(numbers, [13, 1, 13]);
}

#[tokio::test]
async fn the_seconds_in_which_a_launch_can_be_taken_back_are_in_the_plan() {
    let shop = Shop::open(REAL).await;
    let blast = shop.draft_with(0..1, &[]).await;
    let before = Utc::now();

    let plan = shop.json(&["blast", "plan", &blast]).await;

    assert!(time(&plan["done_at"]) - before >= TimeDelta::seconds(10), "{plan}");
}
