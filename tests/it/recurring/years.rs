//! A year of blasts that repeat, by a clock that is set: each time once and none at a wrong hour, whichever engines are killed.

use std::time::Duration;

use blastdeck::app::{Access, App, ProcessKind, Setup as AppSetup};
use blastdeck::config::Config;
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use super::{SETUP, pattern};
use crate::support::{Shop, long_form};

/// An engine's process, as far as it looks after what repeats.
pub async fn engine_app(shop: &Shop, name: &str) -> App {
    app_with(shop, name, Access::ReadWrite).await
}

/// The same with this access.
pub async fn app_with(shop: &Shop, name: &str, access: Access) -> App {
    blastdeck::provider::init();
    let text = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    let text = text.replace("{ env = \"WSAPME_TOKEN\" }", "{ file = \"/proc/sys/kernel/ostype\" }");
    let state = shop.path(name).display().to_string();
    let mut config = Config::from_toml_str(&format!("{text}\n[database]\nstate_dir = \"{state}\"\n")).unwrap();
    config.operator = name.to_owned();
    let setup = AppSetup {
        config,
        url: shop.database.url.clone(),
        program: "blastdeck".to_owned(),
        access,
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

/// The zones are looked at side by side. A year takes a while: an ordinary run looks at a month of it, in which every rule has its time,
/// and every change of their clocks is gone over below.
#[tokio::test]
async fn in_berlin_with_engines_killed_at_random_every_time_occurs_once_and_none_at_a_wrong_hour() {
    time_goes_by(chrono_tz::Europe::Berlin, a_month_or_a_year(), Chance(7)).await;
}

#[tokio::test]
async fn in_new_york_with_engines_killed_at_random_every_time_occurs_once_and_none_at_a_wrong_hour() {
    time_goes_by(chrono_tz::America::New_York, a_month_or_a_year(), Chance(8)).await;
}

#[tokio::test]
async fn in_kuala_lumpur_with_engines_killed_at_random_every_time_occurs_once_and_none_at_a_wrong_hour() {
    time_goes_by(chrono_tz::Asia::Kuala_Lumpur, a_month_or_a_year(), Chance(9)).await;
}

const YEAR: i64 = 366;

/// In days: of a year in the long form.
fn a_month_or_a_year() -> i64 {
    if long_form() { YEAR } else { 32 }
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
        (chrono_tz::Europe::Berlin, "2027-03-27T21:00:00Z"),
        (chrono_tz::Europe::Berlin, "2027-10-30T21:00:00Z"),
        (chrono_tz::America::New_York, "2027-03-14T03:00:00Z"),
        (chrono_tz::America::New_York, "2027-11-07T02:00:00Z"),
        (chrono_tz::Asia::Kuala_Lumpur, "2027-03-27T21:00:00Z"),
    ];
    for (person, (zone, from)) in changes.into_iter().enumerate() {
        let person = u32::try_from(person).unwrap();
        let id = pattern(&shop, person..person + 1, &["--repeat", rule.0, "--timezone", zone.name()]).await;
        let from: DateTime<Utc> = from.parse().unwrap();
        let to = from + TimeDelta::hours(if long_form() { 48 } else { 8 });
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
