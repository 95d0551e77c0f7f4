//! Blasts that reach each person at a time of their own zone.

use std::collections::HashMap;

use blastdeck::domain::ids::BlastId;
use blastdeck::store::local_time::due_first;
use chrono::{DateTime, TimeDelta, Timelike, Utc};
use serde_json::{Value, json};

use crate::support::{Setup, Shop, digits, eventually_async, long_form};

const SETUP: Setup<'static> = Setup {
    sim: &["--latency", "5ms"],
    sender: "rate = \"250/s\"\nin_flight = 64",
    engine: "",
    polling: "interval = \"10m\"\nper_second = 0.01\ngive_up_after = \"1h\"",
};

/// Forty zones, of which some have half hours and quarters.
const ZONES: [&str; 40] = [
    "Pacific/Kiritimati",
    "Pacific/Tongatapu",
    "Pacific/Chatham",
    "Pacific/Auckland",
    "Pacific/Fiji",
    "Pacific/Noumea",
    "Australia/Sydney",
    "Australia/Adelaide",
    "Australia/Brisbane",
    "Asia/Tokyo",
    "Asia/Seoul",
    "Asia/Kuala_Lumpur",
    "Australia/Perth",
    "Asia/Jakarta",
    "Asia/Bangkok",
    "Asia/Yangon",
    "Asia/Dhaka",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Karachi",
    "Asia/Kabul",
    "Asia/Dubai",
    "Asia/Tehran",
    "Europe/Istanbul",
    "Africa/Nairobi",
    "Europe/Athens",
    "Africa/Cairo",
    "Europe/Berlin",
    "Africa/Lagos",
    "Europe/London",
    "Atlantic/Azores",
    "America/Noronha",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Halifax",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Pacific/Honolulu",
];

async fn draft(shop: &Shop, rows: &[String], further: &[&str]) -> String {
    let list = shop.write("zones.csv", format!("phone,name,timezone\n{}\n", rows.join("\n")));
    let usual = ["blast", "new", "--sender", "sales", "--message", "Hi {name}", "--recipients", list.to_str().unwrap()];
    shop.json(&[&usual[..], further].concat()).await["id"].to_string()
}

#[tokio::test]
async fn everybody_is_due_at_the_next_ten_of_their_own_clock_and_the_plan_shows_the_day_by_zone() {
    let shop = Shop::open(SETUP).await;
    let rows = [
        format!("{},Siti,", digits(1)),
        "+491511234567,Hans,".to_owned(),
        "+12125550123,Ann,America/New_York".to_owned(),
        format!("{},Ali,Asia/Kathmandu", digits(2)),
    ];
    // A minute that no clock shows within twenty minutes, also in Nepal, which is three quarters of an hour off the others.
    let ten = format!("10:{:02}", (Utc::now().minute() + 22) % 60);
    let id = draft(&shop, &rows, &["--local-time", &ten]).await;

    let plan = shop.json(&["blast", "plan", &id]).await;
    let zones = plan["zones"].as_array().unwrap();
    assert_eq!((zones.len(), &plan["obstacles"]), (4, &json!([])), "{plan}");
    let first: DateTime<Utc> = zones[0]["from"].as_str().unwrap().parse().unwrap();
    assert!(first >= Utc::now() - TimeDelta::minutes(1) && zones[0]["until"].is_string(), "{plan}");
    let said = shop.ok(&["blast", "plan", &id]).await;
    assert!(said.contains(&format!("{ten} in Asia/Kathmandu")), "{said}");

    shop.send(&id).await;

    let wrong = format!(
        "select count(*) from blast_recipients r
                   join (values ('Siti', 'Asia/Kuala_Lumpur'), ('Hans', 'Europe/Berlin'), ('Ann', 'America/New_York'),
                                ('Ali', 'Asia/Kathmandu')) z (name, zone) using (name)
                  where (next_attempt_at at time zone zone)::time <> '{ten}'
                     or next_attempt_at < now() - interval '1 minute' or next_attempt_at > now() + interval '24 hours'"
    );
    assert_eq!(shop.number(&wrong).await, 0);
    assert_eq!(shop.count("queued").await, 4);
    let engine = shop.engine();
    shop.until_listening(1).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(shop.sim.stats().await.posts, 0, "it is that time nowhere");
    engine.stop().await;
}

#[tokio::test]
async fn whose_zone_nobody_knows_is_counted_and_the_blast_refused() {
    let shop = Shop::open(SETUP).await;
    let rows = [
        format!("{},Siti,", digits(1)),
        "+12125550123,Ann,".to_owned(),
        "+12125550124,Bob,".to_owned(),
        "+6281234567890,Dewi,Jakarta".to_owned(),
    ];
    let id = draft(&shop, &rows, &["--local-time", "10:00"]).await;

    let plan = shop.json(&["blast", "plan", &id]).await;
    let why = plan["obstacles"][0].as_str().unwrap();
    assert!(why.contains("3 people") && why.contains("2: US has several") && why.contains("`Jakarta`"), "{plan}");
    assert!(why.contains("column timezone"), "{plan}");
    let sent = shop.run(&["blast", "send", &id, "--yes", "--no-engine"]).await;
    assert_eq!(sent.code, 3, "{sent:?}");
    for (further, said) in [(&["--local-time", "25:00"][..], "such as 10:00"), (&["--window-local"], "--window")] {
        let usual = ["blast", "new", "--sender", "sales", "--message", "Hi", "--recipients", "zones.csv"];
        let ran = shop.run(&[&usual[..], further].concat()).await;
        assert!(ran.code == 2 && ran.err.contains(said), "{ran:?}");
    }
}

#[tokio::test]
async fn hours_hold_by_each_persons_own_clock_also_for_who_is_late() {
    let shop = Shop::open(SETUP).await;
    let hour = Utc::now().hour();
    let window = format!("{hour:02}:00-{:02}:00", (hour + 2) % 24);
    let there = (2..22).map(|n| format!("{},There,Etc/GMT-12", digits(n)));
    let rows: Vec<_> = std::iter::once(format!("{},Here,Etc/UTC", digits(1))).chain(there).collect();
    // Claimed one after the other.
    let id = draft(&shop, &rows, &["--window", &window, "--window-local", "--gap", "1s"]).await;
    shop.send(&id).await;
    // As those would be whom the pace held up until their hours were over.
    shop.execute("update blast_recipients set next_attempt_at = now() where name = 'There'").await;

    let engine = shop.engine();
    shop.until_posts(1).await;
    let is_back = "select count(*) from blast_recipients where name = 'There' and status = 'queued' and next_attempt_at > now() + interval '1 hour'";
    crate::support::eventually_async("they are put off", async || shop.number(is_back).await == 20).await;
    let said = shop.until_waiting(&id, "own_time").await;
    assert!(said["text"].as_str().unwrap().starts_with("waits for: everyone's own hours, 20 left"), "{said}");
    let reasons = "select count(*) from blast_recipients where reason = 'it was outside the hours by their own clock'";
    let attempts = "select count(*) from attempts where outcome = 'released'";
    let claimed = (shop.number(attempts).await, shop.number(reasons).await);
    assert_eq!(claimed, (1, 1), "all of them are put off once the first one is");

    let posts = shop.sim.posts().await;
    assert_eq!((posts.len(), posts[0].phone.as_str()), (1, digits(1).as_str()));
    // As the provider's refusal by a webhook leaves those who are tried again.
    let refused = "update blast_recipients set tries = 1, error_code = '131026', reason = null where status = 'queued'";
    shop.execute(&format!("{refused} and id % 2 = 0")).await;
    assert_eq!(shop.waiting(&id).await["reason"], "own_time", "others wait for their hours");
    shop.execute(refused).await;
    assert_eq!(shop.waiting(&id).await["reason"], "backoff", "all of them are to be retried");
    shop.execute("update blast_recipients set tries = 0, error_code = null where status = 'queued'").await;
    engine.stop().await;
    shop.promises().await;
}

/// How long nothing may go while somebody is due: what a busy machine may need to notice it.
const IDLE_MAX: f64 = 10.0;

#[tokio::test]
async fn people_in_forty_zones_get_it_at_ten_and_no_later_than_the_pace_needs() {
    let (people, day) = if long_form() { (10_000_u32, 50.0) } else { (2_000, 20.0) };
    let shop = Shop::open(SETUP).await;
    let rows: Vec<_> = (0..people).map(|n| format!("{},Person {n},{}", digits(n), ZONES[n as usize % 40])).collect();
    let id = draft(&shop, &rows, &["--local-time", "10:00"]).await;
    shop.send(&id).await;
    let wrong = "select count(*) from blast_recipients
                  where (next_attempt_at at time zone (variables ->> 'timezone'))::time <> '10:00'
                     or next_attempt_at > now() + interval '24 hours 1 minute'";
    assert_eq!(shop.number(wrong).await, 0, "by Postgres's own clocks");
    assert!(shop.number("select count(distinct next_attempt_at) from blast_recipients").await > 25);
    // The day goes by faster from here on: what is due in a day is due in `day` seconds.
    let base = Utc::now() + TimeDelta::seconds(5);
    shop.execute(&format!(
        "update blast_recipients set next_attempt_at = timestamptz '{base}' + (next_attempt_at - timestamptz '{base}') * {day} / 86400
          where status = 'queued'"
    ))
    .await;
    let due: HashMap<String, DateTime<Utc>> = sqlx::query_as::<_, (String, DateTime<Utc>)>(
        "select substr(phone_number, 2), next_attempt_at from blast_recipients",
    )
    .fetch_all(&shop.database.pool)
    .await
    .unwrap()
    .into_iter()
    .collect();

    let engine = shop.engine();
    let mut deadline = crate::support::Deadline::after(std::time::Duration::from_secs(400));
    while shop.sim.stats().await.posts < people as usize {
        assert!(deadline.wait_a_moment().await, "{} of {people} came", shop.sim.stats().await.posts);
    }
    engine.stop().await;

    let mut posts: Vec<_> = shop.sim.posts().await.into_iter().map(|post| (post.at, due[&post.phone])).collect();
    assert_eq!(posts.len(), people as usize);
    assert!(posts.iter().all(|(at, due)| at >= due), "nobody before ten");
    posts.sort_by_key(|(at, _)| *at);
    // Whoever is due goes as soon as the pace lets them: it is never idle while somebody is due.
    let mut due_before = DateTime::<Utc>::MAX_UTC;
    let mut idle = 0.0_f64;
    for pair in posts.windows(2).rev() {
        let [(before, _), (at, due)] = pair else { continue };
        due_before = due_before.min(*due);
        idle = idle.max((*at - due_before.max(*before)).as_seconds_f64());
    }
    println!("it was idle for {idle:.1} s at most while somebody was due, of a day of {day} s");
    assert!(idle < IDLE_MAX, "{idle}");
    shop.promises().await;
}

#[tokio::test]
async fn a_copy_of_a_blast_is_sent_when_the_blast_is() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft_with(0..2, &["--repeat", "every mon 09:00", "--times", "5", "--at-most", "9"]).await;
    shop.draft_with(0..2, &["--local-time", "10:00"]).await;

    for blast in [1, 2] {
        let mut tx = shop.database.pool.begin().await.unwrap();
        blastdeck::store::draft::duplicate(&mut tx, BlastId(blast)).await.unwrap();
        tx.commit().await.unwrap();
    }

    let same = "select count(*) from blasts b join blasts c on c.id = b.id + 2
                 where (b.repeat_rule, b.repeat_until, b.repeat_times, b.at_most, b.local_time, b.window_local)
                       is not distinct from (c.repeat_rule, c.repeat_until, c.repeat_times, c.at_most, c.local_time, c.window_local)";
    assert_eq!(shop.number(same).await, 2);
    let kept = "select count(*) from blasts where id > 2 and (repeat_rule is not null or local_time is not null)";
    assert_eq!(shop.number(kept).await, 2);
}

#[tokio::test]
async fn nothing_is_promised_while_the_zones_of_some_are_not_known() {
    let shop = Shop::open(SETUP).await;
    let rows = [format!("{},Siti,", digits(1)), "+12125550123,Ann,".to_owned()];
    let id = draft(&shop, &rows, &["--local-time", "10:00"]).await;

    let plan = shop.json(&["blast", "plan", &id]).await;

    assert!(plan["obstacles"][0].as_str().unwrap().contains("the time zone of 1 person is not known"), "{plan}");
    let promised = ["today", "tomorrow", "later", "done_at"].map(|key| plan[key].clone());
    assert_eq!(promised, [json!(null), json!(null), json!(null), json!(null)], "{plan}");
}

fn shares(plan: &Value) -> [i64; 3] {
    ["today", "tomorrow", "later"].map(|day| plan[day]["people"].as_i64().unwrap_or(0))
}

/// A shop whose sender takes a minute between two messages, and whose days are those of UTC.
async fn by_the_minute(daily_cap: &str) -> Shop {
    let shop = Shop::open(Setup { sender: "gap = \"1m\"\nin_flight = 4\ntimezone = \"UTC\"", ..SETUP }).await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", config.replace("daily_cap = \"none\"", &format!("daily_cap = {daily_cap}")));
    shop
}

fn done_at(value: &Value) -> DateTime<Utc> {
    value["done_at"].as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap()
}

#[tokio::test]
async fn a_plan_by_own_clocks_is_what_is_promised_once_it_is_sent() {
    let shop = by_the_minute("10").await;
    // Due today or tomorrow by UTC, beside another blast that uses what is left of today and most of tomorrow.
    shop.blast_with(40..58, &[]).await;
    let rows: Vec<_> = (0..6).map(|n| format!("{},Siti,Asia/Kuala_Lumpur", digits(n))).collect();
    let rows = [rows, vec![format!("{},Hans,Europe/Berlin", digits(7))]].concat();
    let blast = draft(&shop, &rows, &["--local-time", "10:00"]).await;

    let plan = shop.json(&["blast", "plan", &blast]).await;
    let text = shop.ok(&["blast", "plan", &blast]).await;
    shop.send(&blast).await;
    let engine = shop.engine();
    shop.until_listening(1).await;
    // Nothing is promised before an engine has the sender's lease.
    eventually_async("it is promised", async || !shop.json(&["blast", "show", &blast]).await["done_at"].is_null())
        .await;
    let show = shop.json(&["blast", "show", &blast]).await;
    let shown = shop.ok(&["blast", "show", &blast]).await;
    engine.stop().await;

    assert_eq!(shares(&plan).iter().sum::<i64>(), 7, "{plan}");
    let last = plan["zones"].as_array().unwrap().iter().filter_map(|zone| zone["until"].as_str()).max().unwrap();
    assert_eq!(plan["done_at"], last, "{plan}");
    assert!((done_at(&plan) - done_at(&show)).abs() < TimeDelta::minutes(3), "{plan} {show}");
    assert!(text.contains("and the times below allow for it") && text.contains("10:00 in Europe/Berlin"), "{text}");
    assert!(!shown.contains("to be retried"), "nobody was tried: {shown}");
    let days = ["  today  ", "  tomorrow  ", "  later  "];
    assert!(days.iter().any(|day| text.contains(day)), "{text}");
}

#[tokio::test]
async fn three_of_one_zone_are_through_two_minutes_after_their_time() {
    let shop = by_the_minute("100").await;
    let rows: Vec<_> = (0..4).map(|n| format!("{},Siti,Etc/UTC", digits(n))).collect();
    shop.ok(&["suppress", "add", &format!("+{}", digits(3)), "--reason", "asked"]).await;
    let hour = (Utc::now() + TimeDelta::hours(2)).format("%H:00").to_string();
    let blast = draft(&shop, &rows, &["--local-time", &hour]).await;

    let plan = shop.json(&["blast", "plan", &blast]).await;

    let zone = &plan["zones"][0];
    let [from, until] = ["from", "until"].map(|key| zone[key].as_str().unwrap().parse::<DateTime<Utc>>().unwrap());
    assert_eq!((&zone["people"], until - from), (&json!(3), TimeDelta::minutes(2)), "{plan}");
    assert_eq!((shares(&plan).iter().sum::<i64>(), done_at(&plan)), (3, until), "{plan}");
}

#[tokio::test]
async fn hours_by_own_clocks_name_no_zone_of_the_sender() {
    let shop = by_the_minute("100").await;
    let rows = [format!("{},Siti,Asia/Kuala_Lumpur", digits(1)), format!("{},Hans,Europe/Berlin", digits(2))];
    let blast = draft(&shop, &rows, &["--window", "09:00-21:00", "--window-local"]).await;

    let text = shop.ok(&["blast", "plan", &blast]).await;

    assert!(text.contains("  hours     09:00-21:00 daily, by the clock of each person's own zone\n"), "{text}");
}

#[tokio::test]
async fn what_repeats_by_own_clocks_counts_beside_another_blast_at_its_peoples_times() {
    let shop = by_the_minute("10").await;
    // Its people's clocks show six only on the day after the one on which it begins.
    let tomorrow = Utc::now() + TimeDelta::days(1);
    let every = format!("every {} 12:00", tomorrow.format("%a").to_string().to_lowercase());
    let rows: Vec<_> = (0..6).map(|n| format!("{},Siti,Etc/UTC", digits(n))).collect();
    let repeats = draft(&shop, &rows, &["--repeat", &every, "--timezone", "UTC", "--local-time", "06:00"]).await;
    shop.send(&repeats).await;
    let rows: Vec<_> = (10..20).map(|n| format!("{},Ali,Etc/UTC", digits(n))).collect();
    let at = tomorrow.format("%Y-%m-%dT12:30").to_string();
    let other = draft(&shop, &rows, &["--at", &at]).await;

    let plan = shop.json(&["blast", "plan", &other]).await;

    assert_eq!(shares(&plan), [0, 10, 0], "{plan}");
}

#[tokio::test]
async fn nobody_is_added_to_what_waits_for_each_persons_own_time() {
    let shop = Shop::open(SETUP).await;
    let at = (Utc::now() + TimeDelta::days(3)).format("%Y-%m-%dT10:00").to_string();
    let blast = shop.draft_with(0..2, &["--at", &at, "--local-time", "10:00"]).await;
    shop.ok(&["blast", "send", &blast, "--yes", "--no-engine"]).await;
    let add = ["blast", "add", &blast, "+12125550123", "--name", "Ann", "--yes"];

    let refused = shop.run(&add).await;
    assert!(refused.code == 3 && refused.err.contains(&format!("blast undo {blast}`), add them")), "{refused:?}");
    assert_eq!(shop.number(&format!("select count(*) from blast_recipients where blast_id = {blast}")).await, 2);
    shop.ok(&["blast", "undo", &blast]).await;
    shop.ok(&add).await;
    let further = ["--repeat", "every day 10:00", "--window", "09:00-18:00", "--window-local"];
    let daily = shop.draft_with(0..2, &further).await;
    shop.send(&daily).await;
    shop.ok(&["blast", "add", &daily, "+12125550123", "--name", "Ann", "--yes"]).await;
}

#[tokio::test]
async fn the_zones_of_a_large_blast_are_those_of_the_people_who_are_due_first() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..1).await;
    shop.execute(&format!(
        "insert into blast_recipients (blast_id, phone_number)
         select {blast}, '+49151' || lpad(n::text, 8, '0') from generate_series(1, 20001) n"
    ))
    .await;
    let known = async || {
        let (groups, are_all) = due_first(&shop.database.pool, BlastId(blast.parse().unwrap())).await.unwrap();
        let first: Vec<_> = groups.iter().map(|group| group.phone_number.as_str()[..3].to_owned()).collect();
        (first.contains(&"+60".to_owned()), are_all)
    };

    assert_eq!(known().await, (true, false));

    // Everybody else was put off.
    shop.execute(
        "update blast_recipients set next_attempt_at = now() + interval '1 day' where phone_number like '+49%'",
    )
    .await;
    assert_eq!(known().await, (true, false));
    shop.execute("delete from blast_recipients where phone_number like '+49%' and id % 2 = 0").await;
    assert_eq!(known().await, (true, true));
}
