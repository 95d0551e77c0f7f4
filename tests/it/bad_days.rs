//! Bad days of the database: it refuses, it waits for somebody else's lock, people are deleted under a blast. It goes on by
//! itself, says why it does not, and nobody is messaged twice.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::{
    Deadline, Setup, Shop, database, digits, eventually_async, measured, said, settle_for, until_unchanged,
};

/// Four at a time, so that a blast lasts long enough to meet trouble.
const SETUP: Setup<'static> = Setup {
    sim: &["--latency", "30ms", "--speed", "6000"],
    sender: "rate = \"unlimited\"\nin_flight = 4",
    engine: "speed = 600",
    polling: "interval = \"1s\"\nper_second = 0.3\ngive_up_after = \"12m\"",
};

/// A shop whose tables refuse new rows while `refusing` names them, with the code that stands there.
async fn refusing_shop() -> Shop {
    let shop = Shop::open(SETUP).await;
    shop.execute(
        "create table refusing (of text, code text);
         create sequence refused minvalue 0 start 0;
         create function refuse() returns trigger language plpgsql as $$
         declare why text;
         begin
             select code into why from refusing where of = tg_table_name;
             if found then
                 perform nextval('refused');
                 -- An internal error, in Postgres's words for a connection that finds no room on the disk.
                 raise exception '%', case why when 'XX000' then 'could not write init file' else 'no' end using errcode = why;
             end if;
             return null;
         end $$;
         create trigger refuse before insert on claims for each statement execute function refuse();
         create trigger refuse before insert on provider_message for each statement execute function refuse()",
    )
    .await;
    shop
}

async fn refuse(shop: &Shop, table: &str, code: &str) {
    shop.execute(&format!("insert into refusing values ('{table}', '{code}')")).await;
}

/// How often a table refused; a sequence is not rolled back.
async fn refused(shop: &Shop) -> i64 {
    shop.number("select last_value from refused").await
}

async fn waiting(shop: &Shop, blast: &str) -> Value {
    shop.json(&["blast", "show", blast]).await["waiting"].clone()
}

async fn says(shop: &Shop, blast: &str, words: &str) {
    let said = async || waiting(shop, blast).await["text"].as_str().is_some_and(|text| text.starts_with(words));
    eventually_async(words, said).await;
}

async fn open_people(shop: &Shop) -> i64 {
    shop.count("queued").await + shop.count("sending").await
}

async fn psql(shop: &Shop) -> PgConnection {
    PgConnection::connect(&shop.database.url).await.unwrap()
}

async fn say(connection: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await.unwrap();
}

fn log(shop: &Shop) -> String {
    std::fs::read_to_string(shop.path("engine.log")).unwrap()
}

#[tokio::test]
async fn a_full_disk_is_reported_with_what_to_do_and_the_blast_goes_on_once_there_is_space() {
    tokio::join!(a_full_disk_under("claims"), a_full_disk_under("provider_message"));
}

async fn a_full_disk_under(table: &str) {
    let shop = refusing_shop().await;
    let blast = shop.blast(0..150).await;
    let engine = shop.engine();
    shop.until_posts(10).await;

    refuse(&shop, table, "53100").await;
    says(&shop, &blast, "the database's disk is full").await;
    // For an instant between two tries another reason may be read.
    let mends = async || waiting(&shop, &blast).await["mend"] == "make room there";
    eventually_async("it says what to do", mends).await;
    // Nobody is sent to blindly.
    until_unchanged("POSTs", Duration::from_secs(1), async || shop.sim.stats().await.posts).await;
    assert_eq!(shop.state(&blast).await, "sending");
    shop.execute("delete from refusing").await;
    shop.until_state(&blast, "completed").await;
    engine.stop().await;

    assert_eq!((shop.sim.posts().await.len(), shop.count("uncertain").await), (150, 0));
    shop.promises().await;
}

#[tokio::test]
async fn whatever_the_database_refuses_for_a_while_is_tried_again_and_named() {
    let shop = refusing_shop().await;
    let blast = shop.blast(0..400).await;
    let engine = shop.engine();
    shop.until_posts(5).await;

    for (table, code, words) in [
        ("claims", "57014", Some("the database takes too long")),
        ("provider_message", "55P03", Some("somebody holds a lock in the database")),
        ("claims", "53200", Some("the database has no memory left")),
        ("claims", "XX000", Some("the database's disk is full")),
        ("provider_message", "25006", Some("the database takes no changes")),
        ("claims", "40001", None),
        ("provider_message", "40P01", None),
        ("provider_message", "40001", None),
        ("claims", "40P01", None),
    ] {
        let before = refused(&shop).await;
        refuse(&shop, table, code).await;
        match words {
            Some(words) => says(&shop, &blast, words).await,
            None => eventually_async("it is refused twice", async || refused(&shop).await >= before + 2).await,
        }
        shop.execute("delete from refusing").await;
        let posts = shop.sim.stats().await.posts;
        shop.until_posts(posts + 5).await;
    }
    eventually_async("no reason is given any more", async || waiting(&shop, &blast).await["text"].is_null()).await;
    shop.until_state(&blast, "completed").await;
    engine.stop().await;

    assert_eq!((shop.sim.posts().await.len(), shop.count("uncertain").await), (400, 0));
    shop.promises().await;
}

/// Who waits for the history's lock in a transaction that has locked rows: only then has it an id.
const HOLDING_PEOPLE: &str = "select count(*) from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and backend_xid is not null
        and query like '%status_history%'";

/// Holds the history, and then wants the people whom the engine may hold: those whose statuses it writes in that moment, if there are
/// any.
async fn cross(shop: &Shop) {
    let mut psql = psql(shop).await;
    say(&mut psql, "begin; lock table status_history in share row exclusive mode").await;
    let mut deadline = Deadline::after(Duration::from_secs(3));
    while shop.number(HOLDING_PEOPLE).await == 0 && deadline.wait_a_moment().await {}
    let _ = sqlx::query("update blast_recipients set note = coalesce(note, '') || '.'").execute(&mut psql).await;
    let _ = sqlx::query("rollback").execute(&mut psql).await;
}

#[tokio::test]
async fn a_deadlock_with_a_hand_typed_transaction_costs_nobody_anything() {
    let shop = Shop::open(SETUP).await;
    let blast = shop.blast(0..300).await;
    let engine = shop.engine();
    shop.until_posts(10).await;
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";

    eventually_async("there was a deadlock", async || {
        cross(&shop).await;
        shop.number(deadlocks).await > 0
    })
    .await;

    shop.until_state(&blast, "completed").await;
    engine.stop().await;
    assert_eq!((shop.sim.posts().await.len(), shop.count("uncertain").await), (300, 0));
    shop.promises().await;
}

#[tokio::test]
async fn somebody_locked_by_hand_waits_and_the_others_go_on() {
    let shop = Shop::open(SETUP).await;
    let (first, second) = (shop.blast(0..60).await, shop.blast(60..120).await);
    // One who is queued, one whose message is in flight, and a blast as a whole.
    shop.sim.answer_send(&digits(1), serde_json::json!([{ "delay_ms": 700 }])).await;
    let lock = |n: u32| format!("select 1 from blast_recipients where phone_number = '+{}' for update", digits(n));
    let (mut queued, mut sending, mut whole) = (psql(&shop).await, psql(&shop).await, psql(&shop).await);
    say(&mut queued, &format!("begin; {}", lock(50))).await;
    say(&mut whole, &format!("begin; select 1 from blasts where id = {second} for update")).await;
    let engine = shop.engine();
    eventually_async("one is in flight", async || shop.sim.posts().await.iter().any(|p| p.phone == digits(1))).await;
    say(&mut sending, &format!("begin; {}", lock(1))).await;

    let began = Instant::now();
    eventually_async("all others are sent to", async || {
        (open_people(&shop).await, shop.count("queued").await) == (2, 1)
    })
    .await;
    let took = began.elapsed();
    // Longer than any lock is waited for.
    settle_for(5_500).await;
    let log_lines = log(&shop).lines().count();
    for connection in [&mut queued, &mut sending, &mut whole] {
        say(connection, "commit").await;
    }
    for blast in [&first, &second] {
        shop.until_state(blast, "completed").await;
    }
    engine.stop().await;

    measured("the others, beside three locks", took, Duration::from_secs(4));
    assert!(log_lines < 10, "{}", log(&shop));
    assert_eq!((shop.sim.posts().await.len(), shop.count("uncertain").await), (120, 0));
    shop.promises().await;
}

#[tokio::test]
async fn a_blast_deleted_by_hand_while_it_is_sent_leaves_one_line_and_the_others_go_on() {
    let shop = Shop::open(Setup { sim: &["--latency", "300ms", "--speed", "6000"], ..SETUP }).await;
    let (deleted, kept) = (shop.blast(0..40).await, shop.blast(40..80).await);
    let engine = shop.engine();
    shop.until_posts(6).await;

    shop.execute(&format!("delete from blasts where id = {deleted}")).await;
    let one = shop.sim.posts().await.len();
    shop.until_posts(one + 4).await;
    // And one person of the other, in flight just now.
    shop.execute("delete from blast_recipients where id = (select max(recipient_id) from in_flight)").await;
    shop.execute(&format!("update blasts set total_recipients = 39 where id = {kept}")).await;
    shop.until_state(&kept, "completed").await;
    engine.stop().await;

    let lines = log(&shop).lines().filter(|line| line.contains("were deleted from the database")).count();
    assert!((1..=2).contains(&lines), "{}", log(&shop));
    assert!(log(&shop).lines().count() < 8 && !log(&shop).contains("panicked"), "{}", log(&shop));
    assert_eq!((open_people(&shop).await, shop.count("uncertain").await), (0, 0));
    let mut phones: Vec<_> = shop.sim.posts().await.into_iter().map(|post| post.phone).collect();
    let posts = phones.len();
    phones.sort();
    phones.dedup();
    assert_eq!(phones.len(), posts, "nobody is sent to twice");
    shop.invariants().await;
    shop.ok(&["audit"]).await;
}

#[tokio::test]
async fn an_engine_whose_log_finds_a_full_disk_goes_on() {
    let shop = Shop::open(SETUP).await;
    std::os::unix::fs::symlink("/dev/full", shop.path("engine.log")).unwrap();
    shop.blast(0..40).await;
    let engine = shop.engine();

    for posts in [5, 15] {
        shop.until_posts(posts).await;
        // Each of them makes it log a warning.
        shop.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity
              where application_name = 'blastdeck' and datname = current_database()",
        )
        .await;
    }

    eventually_async("all are sent to", async || shop.count("queued").await + shop.count("sending").await == 0).await;
    engine.stop().await;
    shop.promises().await;
}

#[tokio::test]
async fn an_engine_that_may_open_no_file_for_a_while_asks_nobody_to_confirm_and_goes_on() {
    // One at a time: several connections that cannot be made at once would be waited for for a minute.
    let shop = Shop::open(Setup { sender: "rate = \"unlimited\"\nin_flight = 1", ..SETUP }).await;
    // So many that it has not sent to all of them once its limit is lowered.
    let blast = shop.blast(0..300).await;
    let engine = shop.engine();
    shop.until_posts(5).await;
    let pid = Pid::from_raw(i32::try_from(engine.pid()).unwrap());
    let before = getrlimit(Resource::Nofile);
    let allow = |limit| prlimit(pid, Resource::Nofile, limit).unwrap();

    allow(Rlimit { current: Some(3), ..before });
    let log = || std::fs::read_to_string(shop.path("engine.log")).unwrap();
    let stopped = "select count(*) from senders where stopped_at is not null";
    let tries = async || log().contains("before that can be read") || shop.number(stopped).await > 0;
    eventually_async("it tries to read its record", tries).await;
    allow(before);

    shop.until_state(&blast, "completed").await;
    engine.stop().await;
    assert_eq!(shop.number(stopped).await, 0);
    shop.promises().await;
}

#[tokio::test]
async fn a_database_that_takes_no_changes_is_named_by_whoever_looks_and_by_the_check() {
    let shop = Shop::open_on(database().await.with_new_sessions(), SETUP);
    let blast = shop.blast(0..60).await;
    let engine = shop.engine();
    shop.until_posts(5).await;
    // Changes hold for new connections: this one can undo them.
    let mut own = shop.database.pool.acquire().await.unwrap();
    let mut alter = async |change: &str, further: &str| {
        let statement =
            format!("do $$ begin execute format('alter database %I {change}', current_database()); end $$; {further}");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *own).await.unwrap();
    };
    let ends = "select pg_terminate_backend(pid) from pg_stat_activity
                 where application_name = 'blastdeck' and datname = current_database()";

    alter("set default_transaction_read_only = on", ends).await;
    says(&shop, &blast, "the database takes no changes").await;
    let log = || std::fs::read_to_string(shop.path("engine.log")).unwrap();
    eventually_async("the engine was refused", async || log().contains("read-only transaction")).await;
    let unwritable = shop.run(&["doctor"]).await;
    let senders = shop.run(&["sender", "list"]).await;
    let paused = shop.run(&["blast", "pause", &blast]).await;
    // Sessions of the time before stay read-only.
    alter("reset default_transaction_read_only", "").await;
    alter("connection limit 3", "").await;
    let crowded = shop.run(&["doctor"]).await;

    let mend = "the database takes no changes: make it writable";
    assert!(unwritable.code == 1 && unwritable.out.contains(mend), "{unwritable:?}");
    assert!(senders.out.contains("the database takes no changes"), "{senders:?}");
    assert!(paused.code == 1 && paused.err.contains("or default_transaction_read_only is on there"), "{paused:?}");
    assert!(crowded.out.contains("it allows 3 connections, and an engine needs up to 9"), "{crowded:?}");
    shop.until_state(&blast, "completed").await;
    engine.stop().await;
    shop.promises().await;
}

#[tokio::test]
async fn a_role_that_may_not_write_is_named_by_the_check() {
    let shop = Shop::open(SETUP).await;
    // Whoever opens it first registers the senders.
    shop.ok(&["sender", "list"]).await;
    let role = format!("clerk_of_{}", shop.database.name());
    shop.execute(&format!(
        "create role {role} login; grant select on all tables in schema public to {role};
         grant usage, select on all sequences in schema public to {role}"
    ))
    .await;
    let (_, place) = shop.database.url.split_once('@').unwrap();
    let doctor = async || {
        let mut doctor = shop.command(&["doctor"]);
        doctor.env("DATABASE_URL", format!("postgres://{role}@{place}"));
        said(doctor).await
    };

    let reader = doctor().await;
    shop.execute(&format!("grant insert, update, delete on all tables in schema public to {role}")).await;
    let writer = doctor().await;

    assert!(reader.code == 1 && reader.out.contains(&format!("{role} may not read and write ")), "{reader:?}");
    assert!(writer.out.contains(&format!("{role} does not own the tables")), "{writer:?}");
    let own = shop.run(&["doctor"]).await;
    assert!(!own.out.contains("rights"), "{own:?}");
}
