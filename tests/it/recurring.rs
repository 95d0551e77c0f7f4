//! Blasts that repeat: each time once, whichever engines live; to a fresh audience; none late by surprise.

mod words;

use std::time::Duration;

use blastdeck::app::{Access, App, ProcessKind, Setup as AppSetup};
use blastdeck::config::Config;
use chrono::{DateTime, Datelike, Days, NaiveDate, SecondsFormat, TimeDelta, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::{Setup, Shop, digits, eventually_async, long_form};

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
    assert_eq!(shop.number(&format!("select count(*) from attempts a join blast_recipients r on r.id = a.recipient_id where r.blast_id = {pattern}")).await, 0);
    for engine in engines {
        engine.stop().await;
    }
    shop.invariants().await;
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
    let why = shown["state_reason"].as_str().unwrap();
    assert!(why.contains("3 people") && why.contains("at most 1"), "{shown}");
    shop.ok(&["blast", "resume", &asking, "--yes", "--no-engine"]).await;
    shop.until_state(&asking, "completed").await;
    assert_eq!(
        shop.number(&format!("select count(*) from blast_recipients where blast_id = {asking} and attempt > 0")).await,
        3
    );
    engine.stop().await;
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
async fn what_repeated_and_is_over_says_so_in_its_plan_and_takes_no_step() {
    let shop = Shop::open(SETUP).await;
    let id = pattern(&shop, 0..2, &["--repeat", "every day 09:00", "--times", "2"]).await;
    for _ in 0..2 {
        shop.ok(&["blast", "schedule", "skip", &id]).await;
    }

    let plan = shop.json(&["blast", "plan", &id]).await;
    assert_eq!((&plan["shared_with"], &plan["done_at"]), (&json!([]), &json!(null)), "{plan}");
    let why = "the blast is completed: make a new blast to send again (its last time was skipped)";
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
        (&["--repeat", "*/5 * * * *"], "oftener"),
        (&["--repeat", "every day 09:00", "--until", "2020-01-01"], "before its last day"),
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

/// An engine's process, as far as it looks after what repeats.
pub async fn engine_app(shop: &Shop, name: &str) -> App {
    blastdeck::provider::init();
    let text = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    let text = text.replace("{ env = \"WSAPME_TOKEN\" }", "{ file = \"/proc/sys/kernel/ostype\" }");
    let state = shop.path(name).display().to_string();
    let mut config = Config::from_toml_str(&format!("{text}\n[database]\nstate_dir = \"{state}\"\n")).unwrap();
    config.operator = name.to_owned();
    let setup = AppSetup {
        config,
        url: shop.database.url.clone(),
        access: Access::ReadWrite,
        process: ProcessKind::Command,
        stop: CancellationToken::new(),
    };
    App::open(setup).await.unwrap()
}

/// Numbers that look random, and are the same in each run.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    /// How long an engine lives: every third not long.
    pub fn patience(&mut self) -> Duration {
        if self.below(3) > 0 { Duration::from_secs(60) } else { Duration::from_micros(500 * (1 + self.below(100))) }
    }
}

/// Which days a rule means, by the calendar alone, and at which hours.
type Means = (&'static str, fn(NaiveDate) -> bool, &'static [u32]);

fn is_last(day: NaiveDate) -> bool {
    (day + Days::new(1)).month() != day.month()
}

const RULES: [Means; 3] = [
    ("every day 02:00", |_| true, &[2]),
    ("every sun 02:00", |day| day.weekday() == Weekday::Sun, &[2]),
    ("every month last 23:00", is_last, &[23]),
];
const HOURS: [u32; 24] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23];

/// The moments at which a clock on the wall of a zone first shows these hours, or passes over one: by its offsets alone.
fn on_the_wall(zone: Tz, (from, to): (DateTime<Utc>, DateTime<Utc>), (_, means, hours): Means) -> Vec<DateTime<Utc>> {
    let local = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
    let step = TimeDelta::minutes(30);
    let mut at = from.with_minute(0).unwrap().with_second(0).unwrap().with_nanosecond(0).unwrap() - TimeDelta::days(1);
    let (mut latest, mut found) = (local(at), Vec::new());
    while at < to {
        at += step;
        let now = local(at);
        let mut wanted = latest;
        while wanted < now {
            wanted += step;
            let is_due = wanted.minute() == 0 && hours.contains(&wanted.hour()) && means(wanted.date());
            if is_due && at > from && at <= to && found.last() != Some(&at) {
                found.push(at);
            }
        }
        latest = latest.max(now);
    }
    found
}

/// Lets engines look after what is due at a moment, one or both at once; every third is killed at a random point, and what it began is left
/// to the others. Ends once one came through and all that is made is launched: what a killed engine had sent to be committed may be made
/// after another has looked for it.
async fn live_through(shop: &Shop, engines: &[App; 2], now: DateTime<Utc>, chance: &mut Chance) {
    for _ in 0..300 {
        let patience = [chance.patience(), chance.patience()];
        let is_alone = chance.below(4) > 0;
        let first = usize::try_from(chance.below(2)).unwrap();
        let one = tokio::time::timeout(patience[0], engines[first].occur(now));
        let came = if is_alone {
            [one.await, Ok(Ok(()))]
        } else {
            let other = tokio::time::timeout(patience[1], engines[1 - first].occur(now));
            tokio::join!(one, other).into()
        };
        let waiting = "select count(*) from blasts where occurrence_at is not null and state = 'draft'";
        if came.into_iter().all(|came| came.is_ok_and(|done| done.is_ok())) && shop.number(waiting).await == 0 {
            return;
        }
    }
    panic!("nobody came through at {now}: {:?}", engines[0].occur(now).await);
}

/// The next time of whatever repeats.
async fn next_time(shop: &Shop) -> Option<DateTime<Utc>> {
    sqlx::query_scalar("select min(scheduled_for) from blasts where repeat_rule is not null and state = 'scheduled'")
        .fetch_one(&shop.database.pool)
        .await
        .unwrap()
}

/// The zones are looked at side by side: a year takes a while, and an ordinary run looks at a quarter
/// of it in two of them; every change of their clocks is gone over below.
#[tokio::test]
async fn in_a_year_in_berlin_with_engines_killed_at_random_every_time_occurs_once_and_none_at_a_wrong_hour() {
    time_goes_by(chrono_tz::Europe::Berlin, YEAR, Chance(7)).await;
}

#[tokio::test]
async fn in_new_york_with_engines_killed_at_random_every_time_occurs_once_and_none_at_a_wrong_hour() {
    time_goes_by(chrono_tz::America::New_York, a_quarter_or_a_year(), Chance(8)).await;
}

#[tokio::test]
async fn in_kuala_lumpur_with_engines_killed_at_random_every_time_occurs_once_and_none_at_a_wrong_hour() {
    time_goes_by(chrono_tz::Asia::Kuala_Lumpur, a_quarter_or_a_year(), Chance(9)).await;
}

const YEAR: i64 = 366;

/// In days: of a year in the long form.
fn a_quarter_or_a_year() -> i64 {
    if long_form() { YEAR } else { 92 }
}

async fn time_goes_by(zone: Tz, days: i64, mut chance: Chance) {
    let shop = Shop::open(SETUP).await;
    let mut patterns = Vec::new();
    for (person, rule) in (0..).zip(RULES) {
        let id = pattern(&shop, person..person + 1, &["--repeat", rule.0, "--timezone", zone.name()]).await;
        patterns.push((id, rule));
    }
    let engines = [engine_app(&shop, "one").await, engine_app(&shop, "two").await];
    let from = Utc::now();
    let to = from + TimeDelta::days(days);

    while let Some(next) = next_time(&shop).await.filter(|next| *next <= to) {
        let now = next + TimeDelta::seconds(i64::try_from(chance.below(1_200)).unwrap());
        Box::pin(live_through(&shop, &engines, now, &mut chance)).await;
    }

    let mut times = 0;
    for (id, rule) in &patterns {
        let query = format!(
            "select at from blast_occurrences where pattern = {id} and outcome = 'made' and at <= $1 order by at"
        );
        let made: Vec<DateTime<Utc>> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(to).fetch_all(&shop.database.pool).await.unwrap();
        assert_eq!(made, on_the_wall(zone, (from, to), *rule), "{} in {zone}", rule.0);
        times += i64::try_from(made.len()).unwrap();
    }
    assert!(times > days, "{times} in {days} days");
    one_blast_a_time(&shop).await;
}

#[tokio::test]
async fn over_both_changes_of_the_clocks_every_hour_occurs_once_with_engines_killed_at_random() {
    let shop = Shop::open(SETUP).await;
    let rule: Means = ("every hour", |_| true, &HOURS);
    let engines = [engine_app(&shop, "one").await, engine_app(&shop, "two").await];
    let mut chance = Chance(11);
    let changes = [
        (chrono_tz::Europe::Berlin, "2027-03-27T12:00:00Z"),
        (chrono_tz::Europe::Berlin, "2027-10-30T12:00:00Z"),
        (chrono_tz::America::New_York, "2027-03-13T18:00:00Z"),
        (chrono_tz::America::New_York, "2027-11-06T18:00:00Z"),
        (chrono_tz::Asia::Kuala_Lumpur, "2027-03-27T12:00:00Z"),
    ];
    for (person, (zone, from)) in changes.into_iter().enumerate() {
        let person = u32::try_from(person).unwrap();
        let id = pattern(&shop, person..person + 1, &["--repeat", rule.0, "--timezone", zone.name()]).await;
        let from: DateTime<Utc> = from.parse().unwrap();
        let to = from + TimeDelta::days(if long_form() { 2 } else { 1 });
        shop.execute(&format!("update blasts set scheduled_for = '{from}', send_after = '{from}' where id = {id}"))
            .await;
        while let Some(next) = next_time(&shop).await.filter(|next| *next <= to) {
            let now = next + TimeDelta::seconds(i64::try_from(chance.below(1_200)).unwrap());
            Box::pin(live_through(&shop, &engines, now, &mut chance)).await;
        }
        shop.ok(&["blast", "schedule", "end", &id, "--yes"]).await;
        let query = format!(
            "select at from blast_occurrences where pattern = {id} and outcome = 'made' and at <= $1 order by at"
        );
        let made: Vec<DateTime<Utc>> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(to).fetch_all(&shop.database.pool).await.unwrap();
        assert_eq!(made, on_the_wall(zone, (from - TimeDelta::seconds(1), to), rule), "{zone} from {from}");
    }
    one_blast_a_time(&shop).await;
}

/// Each time has a blast of its own, which was launched and has its person.
async fn one_blast_a_time(shop: &Shop) {
    let wrong: Vec<String> = sqlx::query_scalar(
        "select format('%s of pattern %s: %s, blast %s %s to %s (%s)', o.at, o.pattern, o.outcome, b.id, b.state, b.total_recipients,
                       b.state_reason)
           from blast_occurrences o left join blasts b on b.pattern_blast = o.pattern and b.occurrence_at = o.at
          where (o.outcome = 'made' and b.id = o.blast and b.state = 'sending' and b.total_recipients = 1) is not true",
    )
    .fetch_all(&shop.database.pool)
    .await
    .unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let blasts = shop.number("select count(*) from blasts where pattern_blast is not null").await;
    assert_eq!(blasts, shop.number("select count(*) from blast_occurrences").await);
    shop.promises().await;
}
