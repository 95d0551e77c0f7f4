//! Migrations: two at once, a database that is newer than the program, and one with people of before.

mod copies;

use std::process::Command;

use blastdeck::domain::act::Act;
use blastdeck::store::months;

use crate::support::proxy::Proxy;
use crate::support::{Setup, Shop, TestDir, broken_invariants, postgres, said};

#[tokio::test]
async fn two_programs_that_start_on_a_fresh_database_at_once_migrate_it_once() {
    let shop = Shop::open(Setup::default()).await;
    shop.execute("drop schema public cascade; create schema public").await;

    let list = &["blast", "list"][..];
    let (a, b, c) = tokio::join!(shop.run(&["db", "migrate"]), shop.run(list), shop.run(&["db", "migrate"]));

    assert_eq!((a.code, b.code, c.code), (0, 0, 0), "{a:?} {b:?} {c:?}");
    let files = std::fs::read_dir(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).unwrap();
    let known = i64::try_from(files.count()).unwrap();
    assert_eq!(shop.number("select count(*) from _sqlx_migrations where success").await, known);
    shop.draft(0..2).await;
    let again = shop.run(&["db", "migrate"]).await;
    assert!(again.err.contains("up to date"), "{again:?}");
}

/// Two with one number: whoever migrates runs one of them only.
#[test]
fn every_migration_has_a_number_of_its_own() {
    let files = std::fs::read_dir(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).unwrap();
    let mut numbers: Vec<String> =
        files.map(|file| file.unwrap().file_name().to_str().unwrap()[..4].to_owned()).collect();
    numbers.sort();

    let mut distinct = numbers.clone();
    distinct.dedup();

    assert_eq!(numbers, distinct);
}

#[tokio::test]
async fn a_database_that_is_newer_than_the_program_is_refused_in_a_sentence() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..2).await;
    shop.execute(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9001, 'of tomorrow', true, '\\x00', 1)",
    )
    .await;
    let before = shop.rows().await;

    for verb in
        [&["blast", "list"][..], &["db", "migrate"], &["engine", "--until-idle"], &["--read-only", "blast", "list"]]
    {
        let said = shop.run(verb).await;
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{verb:?}: {said:?}");
        assert!(said.err.contains("newer blastdeck") && said.err.contains("9001"), "{verb:?}: {said:?}");
        assert_eq!(said.err.lines().count(), 1, "{verb:?}: {said:?}");
    }
    assert_eq!(shop.rows().await, before);

    // Built from changed sources.
    shop.execute("delete from _sqlx_migrations where version = 9001").await;
    shop.execute("update _sqlx_migrations set checksum = '\\x00' where version = 3").await;
    let changed = shop.run(&["blast", "list"]).await;
    let why = "migration 3 of this database is not the one that this blastdeck has";
    assert!(changed.code == 1 && changed.err.contains(why), "{changed:?}");
}

#[tokio::test]
async fn a_record_of_migrations_that_was_changed_by_hand_is_named() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..2).await;
    for (change, says) in [
        ("delete from _sqlx_migrations where version = 1", "what migration 1 makes is in this database"),
        ("delete from _sqlx_migrations where version = 4", "what migration 4 makes is in this database"),
        (
            "delete from _sqlx_migrations where version = 78",
            "makes is in this database, and its row in _sqlx_migrations is missing",
        ),
        (
            "update _sqlx_migrations set success = false where version = 5",
            "migration 5 of this database is recorded as not",
        ),
    ] {
        shop.execute(&format!("create table kept as table _sqlx_migrations; {change}")).await;
        for verb in [&["blast", "list"][..], &["db", "migrate"]] {
            let said = shop.run(verb).await;
            assert!(said.err.contains(says) && said.err.contains("backup"), "{change}, {verb:?}: {said:?}");
            assert_eq!(said.err.lines().count(), 1, "{said:?}");
        }
        shop.execute("truncate _sqlx_migrations; insert into _sqlx_migrations table kept; drop table kept").await;
    }
    shop.ok(&["blast", "list"]).await;
}

#[tokio::test]
async fn a_reader_of_an_empty_database_learns_that_it_has_no_schema_and_makes_none() {
    let shop = Shop::open(Setup::default()).await;
    shop.execute("drop schema public cascade; create schema public").await;

    let said = shop.run(&["--read-only", "blast", "list"]).await;

    assert_ne!(said.code, 0, "{said:?}");
    assert!(said.err.contains("db migrate"), "{said:?}");
    assert_eq!(shop.number("select count(*) from pg_tables where schemaname = 'public'").await, 0);
}

#[tokio::test]
async fn the_history_has_its_months_from_the_last_to_three_ahead() {
    let shop = Shop::open(Setup::default()).await;
    let months = "select count(*) from generate_series(-1, 3) as n
                   where to_regclass('status_history_' || to_char(date_trunc('month', now() at time zone 'UTC')
                                                                  + make_interval(months => n), 'YYYY_MM')) is not null";
    assert_eq!(shop.number(months).await, 5);
    shop.execute(
        "do $$ begin execute 'drop table status_history_' || to_char(now() at time zone 'UTC' + interval '3 months', 'YYYY_MM');
         end $$",
    )
    .await;
    assert_eq!(shop.number(months).await, 4);

    shop.blast(0..2).await;
    shop.until_idle().await;

    assert_eq!(shop.number(months).await, 5, "an engine makes what is missing");
}

#[tokio::test]
async fn programs_that_start_together_on_a_new_day_make_its_partitions_once() {
    let shop = Shop::open(Setup::default()).await;
    for _ in 0..5 {
        shop.execute(
            "do $$ begin execute 'drop table status_history_' || to_char(now() at time zone 'UTC' + interval '3 months', 'YYYY_MM');
                         execute 'drop table webhook_inbox_' || to_char(now() at time zone 'UTC' + interval '7 days', 'YYYY_MM_DD');
             end $$",
        )
        .await;
        let make = || months::make(&shop.database.pool);

        let (a, b, c) = tokio::join!(make(), make(), make());

        assert_eq!(a.unwrap() + b.unwrap() + c.unwrap(), 2);
    }
}

/// The schema as it was before a migration.
async fn schema_before(shop: &Shop, version: &str) {
    shop.execute("drop schema public cascade; create schema public").await;
    let dir = TestDir::new();
    let migrations = std::fs::read_dir(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).unwrap();
    for file in migrations.map(|file| file.unwrap()).filter(|file| file.file_name().to_str().unwrap() < version) {
        std::fs::copy(file.path(), dir.path().join(file.file_name())).unwrap();
    }
    let migrator = sqlx::migrate::Migrator::new(dir.path()).await.unwrap();
    migrator.run(&shop.database.pool).await.unwrap();
}

#[tokio::test]
async fn whom_an_older_version_put_into_one_blast_twice_are_kept_and_sent_to_at_most_once() {
    let shop = Shop::open(Setup::default()).await;
    schema_before(&shop, "0008").await;
    shop.execute(
        "insert into senders (name, provider, business, rehearsal) values ('sales', 'wsapme', 'kedai', true);
         insert into blasts (blast_tag, sender_id, message, state, total_recipients) values
             ('Raya', 1, 'Hi', 'paused', 11), ('Draft', 1, 'Hi', 'draft', 1);
         insert into blast_recipients (blast_id, phone_number, status, standing, attempt, sent_at) values
             (1, '+5548987654321', 'queued', 'queued', 0, null), (1, '+554887654321', 'queued', 'queued', 0, null),
             (1, '+541123456789', 'queued', 'queued', 0, null), (1, '+5491123456789', 'queued', 'queued', 0, null),
             (1, '+5215512345678', 'queued', 'queued', 0, null), (1, '+525512345678', 'sent', 'sent', 1, now()),
             (1, '+5548987654322', 'uncertain', 'uncertain', 1, null), (1, '+554887654322', 'queued', 'queued', 0, null),
             (1, '+5548987654323', 'sent', 'sent', 1, now()), (1, '+554887654323', 'read', 'read', 1, now()),
             (1, '+554832345678', 'queued', 'queued', 0, null), (2, '+554887654321', 'queued', 'queued', 0, null);
         insert into attempts (recipient_id, attempt, sender_id, epoch)
             select id, 1, 1, 0 from blast_recipients where attempt = 1;
         insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)
             select 1, id, 1, 'queued', status, 'send' from blast_recipients where attempt = 1;
         update blast_recipients set reason = 'no answer' where status = 'uncertain';
         insert into suppressions (business, phone_number, source, created_by) values
             ('kedai', '+5548987654329', 'operator', 'aina'), ('kedai', '+554887654329', 'person', 'the person'),
             ('*', '+554887654329', 'operator', 'ben'), ('other', '+5548987654329', 'operator', 'aina')",
    )
    .await;

    shop.ok(&["db", "migrate"]).await;

    let people: Vec<(i64, String)> = sqlx::query_as(
        "select id, status::text || coalesce(' ' || second_spelling, '') from blast_recipients order by id",
    )
    .fetch_all(&shop.database.pool)
    .await
    .unwrap();
    let shown: Vec<_> = people.iter().map(|(_, shown)| shown.as_str()).collect();
    let first_of_two = ["queued", "skipped true", "queued", "skipped true"];
    let queued_beside_a_try = ["skipped true", "sent", "uncertain", "skipped true"];
    let both_tried = ["sent", "read true"];
    assert_eq!(shown, [&first_of_two[..], &queued_beside_a_try, &both_tried, &["queued", "queued"]].concat());
    assert_eq!(shop.number("select count(*) from status_history where new_status = 'skipped'").await, 4);
    assert_eq!(broken_invariants(&shop.database.pool).await, Vec::<String>::new());
    let opt_outs: Vec<(String, String)> = sqlx::query_as("select business, created_by from suppressions order by 1")
        .fetch_all(&shop.database.pool)
        .await
        .unwrap();
    let opt_outs: Vec<_> = opt_outs.iter().map(|(business, by)| (business.as_str(), by.as_str())).collect();
    assert_eq!(opt_outs, [("*", "ben"), ("kedai", "the person"), ("other", "aina")], "the strongest word of each");
    let again = "insert into blast_recipients (blast_id, phone_number) values (1, '+5548987654323')";
    assert!(sqlx::raw_sql(again).execute(&shop.database.pool).await.is_err(), "from now on once");
}

/// Whether the database takes an act with this word.
async fn takes_act(shop: &Shop, word: &str) -> bool {
    let insert = sqlx::query("insert into operator_actions (operator, action) values ('aina', $1)").bind(word);
    insert.execute(&shop.database.pool).await.is_ok()
}

#[tokio::test]
async fn acts_of_every_known_word_are_taken_and_older_ones_of_another_stay() {
    let shop = Shop::open(Setup::default()).await;
    schema_before(&shop, "0013").await;
    assert!(takes_act(&shop, "of-long-ago").await);
    shop.execute(
        "insert into senders (name, provider, business, rehearsal, stopped_at, stopped_code, stopped_reason)
         values ('old', 'wsapme', 'kedai', true, now(), 'config', 'by hand')",
    )
    .await;

    shop.ok(&["db", "migrate"]).await;

    assert_eq!(shop.number("select count(*) from operator_actions where action = 'of-long-ago'").await, 1);
    assert!(!takes_act(&shop, "of-long-ago").await);
    for act in Act::known() {
        assert!(takes_act(&shop, act.word()).await, "{act}");
    }
    assert_eq!(shop.number("select count(*) from senders where stopped_code = ''").await, 1, "still stopped");
    let unchecked = "select count(*) from pg_constraint where not convalidated";
    assert_eq!(shop.number(unchecked).await, 1, "only that of the acts");
}

#[tokio::test]
async fn in_a_database_without_old_words_every_constraint_holds_for_every_row() {
    let shop = Shop::open(Setup::default()).await;

    shop.ok(&["db", "migrate"]).await;

    assert_eq!(shop.number("select count(*) from pg_constraint where not convalidated").await, 0);
}

/// Before a row that a list was made without had the number of whose row it is.
#[tokio::test]
async fn of_rows_that_nobody_could_be_found_in_neither_a_hash_nor_a_lone_name_is_kept() {
    let shop = Shop::open(Setup::default()).await;
    schema_before(&shop, "0096").await;
    shop.execute(
        r#"insert into senders (name, provider, business, rehearsal) values ('sales', 'wsapme', 'kedai', true);
           insert into blasts (blast_tag, sender_id, message, state, total_recipients, left_out) values
               ('Raya', 1, 'Hi', 'draft', 1, '{"total": 2, "reasons": [], "rows": [
                   {"row": 2, "column": "stop", "value": "yes", "name": "Aina", "reason": "no", "is_cell": true, "digest": "hash-a"},
                   {"row": 3, "column": "phone", "value": "+60100000301", "name": "Ben", "reason": "no", "is_cell": true, "digest": "hash-b"}],
                   "mends": [{"row": 4, "column": "city", "digest": "hash-c", "value": "Ipoh"},
                             {"row": 5, "column": "city", "digest": "hash-d", "value": "Ipoh"}]}'),
               ('Deepavali', 1, 'Hi', 'draft', 0, '{"total": 0, "rows": "by hand"}'), ('None', 1, 'Hi', 'draft', 0, null);
           insert into blast_recipients (blast_id, phone_number, list_row) values (1, '+60100000302', 4)"#,
    )
    .await;

    shop.ok(&["db", "migrate"]).await;

    let left = text(&shop, "select left_out::text from blasts where id = 1").await;
    assert!(["Aina", "hash-a", "hash-b", "hash-d"].iter().all(|gone| !left.contains(gone)), "{left}");
    assert!(["Ben", "hash-c", r#""phone": "+60100000302""#].iter().all(|kept| left.contains(kept)), "{left}");
    assert_eq!(shop.number("select count(*) from blasts where left_out is null").await, 1);
}

async fn text(shop: &Shop, query: &str) -> String {
    sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned())).fetch_one(&shop.database.pool).await.unwrap()
}

/// Before the facts of an attempt stood with its answer.
#[tokio::test]
async fn attempts_of_the_version_before_are_one_row_each_with_all_that_was_said_of_them() {
    let shop = Shop::open(Setup::default()).await;
    schema_before(&shop, "0054").await;
    shop.execute(
        "insert into senders (name, provider, business, rehearsal) values ('sales', 'wsapme', 'kedai', true);
         insert into sender_leases (sender_id, holder, host, epoch, renewals, expires_at)
         values (1, 'before', 'here', 7, 3, now() + interval '1 minute');
         insert into blasts (blast_tag, sender_id, message, state, total_recipients) values ('Raya', 1, 'Hi', 'sending', 4);
         insert into blast_recipients (blast_id, phone_number, status, standing, attempt, sent_at, reason, changed_at) values
             (1, '+60100000001', 'sent', 'sent', 1, now(), null, now()), (1, '+60100000002', 'sent', 'sent', 2, now(), null, now()),
             (1, '+60100000003', 'uncertain', 'uncertain', 1, null, 'swept', '2026-11-20 08:00Z'),
             (1, '+60100000004', 'queued', 'queued', 0, null, null, now());
         insert into attempts (recipient_id, attempt, sender_id, epoch, claimed_at) values
             (1, 1, 1, 5, '2026-11-20 07:00Z'), (2, 1, 1, 5, '2026-11-20 07:00Z'), (2, 2, 1, 6, '2026-11-20 07:30Z'),
             (3, 1, 1, 6, '2026-11-20 07:40Z'), (4, 1, 1, 7, '2026-11-20 09:00Z');
         insert into provider_message (recipient_id, attempt, sender_id, outcome, message_id, http_status, body, flagged) values
             (1, 1, 1, 'unknown', null, 502, '<html>', null), (1, 1, 1, 'accepted', 'M1', null, '', 'learned'),
             (2, 1, 1, 'rejected', null, 429, 'busy', null), (2, 2, 1, 'accepted', 'M2', 200, '{}', null);
         insert into in_flight (recipient_id, blast_id, attempt, sender_id, epoch, claimed_at)
             values (4, 1, 1, 1, 7, '2026-11-20 09:00Z');
         insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)
             select 1, id, attempt, 'queued', current_status(r), 'send' from blast_recipients r",
    )
    .await;
    let attempts = "select string_agg(concat_ws(' ', recipient_id, attempt, sender_id, epoch, claimed_at), E'\\n'
                                      order by recipient_id, attempt) from attempts";
    let before = text(&shop, attempts).await;

    shop.ok(&["db", "migrate"]).await;

    assert_eq!(text(&shop, attempts).await, before);
    let ended = "select string_agg(concat_ws(' ', recipient_id, attempt, outcome, message_id, http_status, nullif(convert_from(body, 'UTF8'), ''), flagged),
                                   ', ' order by recipient_id, attempt) from provider_message";
    assert_eq!(
        text(&shop, ended).await,
        "1 1 accepted M1 502 <html> learned, 2 1 rejected 429 busy, 2 2 accepted M2 200 {}, 3 1 unknown"
    );
    assert_eq!(
        shop.number(
            "select count(*) from provider_message where outcome = 'unknown' and received_at = '2026-11-20 08:00Z'"
        )
        .await,
        1,
        "it counts from when it was found"
    );
    assert_eq!(
        shop.number("select count(*) from sender_leases where epoch > 7 and holder is null").await,
        1,
        "the engine of before claims nobody any more"
    );
}

/// Before people in flight had a table of their own.
#[tokio::test]
async fn whom_the_version_before_had_in_flight_are_uncertain_until_it_tells() {
    let shop = Shop::open(Setup::default()).await;
    schema_before(&shop, "0053").await;
    shop.execute(
        "insert into senders (name, provider, business, rehearsal) values ('sales', 'wsapme', 'kedai', true);
         insert into sender_leases (sender_id, holder, host, epoch, renewals, expires_at)
         values (1, 'before', 'here', 7, 3, now() + interval '1 minute');
         insert into blasts (blast_tag, sender_id, message, state, total_recipients) values ('Raya', 1, 'Hi', 'sending', 4);
         insert into blast_recipients (blast_id, phone_number, status, standing, attempt, epoch, claimed_at, sent_at) values
             (1, '+60100000001', 'sending', 'sending', 1, 7, now(), null), (1, '+60100000002', 'sent', 'sent', 1, 7, now(), now()),
             (1, '+60100000003', 'sending', 'sending', 2, 7, now(), null), (1, '+60100000004', 'queued', 'queued', 0, null, null, null);
         insert into attempts (recipient_id, attempt, sender_id, epoch)
             values (1, 1, 1, 7), (2, 1, 1, 7), (3, 1, 1, 6), (3, 2, 1, 7);
         insert into provider_message (recipient_id, attempt, sender_id, outcome)
             values (3, 1, 1, 'rejected'), (2, 1, 1, 'accepted');
         insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)
             select 1, id, attempt, 'queued', status, 'send' from blast_recipients where attempt > 0;",
    )
    .await;

    shop.ok(&["db", "migrate"]).await;

    assert_eq!((shop.count("sending").await, shop.count("uncertain").await, shop.count("queued").await), (0, 2, 1));
    assert_eq!(broken_invariants(&shop.database.pool).await, Vec::<String>::new());
    let over = "select count(*) from sender_leases where epoch > 7 and holder is null and expires_at <= now()";
    assert_eq!(shop.number(over).await, 1, "the engine of before claims nobody any more");
    shop.ok(&["audit"]).await;
}

#[tokio::test]
async fn bytes_that_a_database_prints_in_another_way_do_no_harm() {
    let shop = Shop::open(Setup::default()).await;
    shop.execute(&format!("alter database {} set bytea_output = 'escape'", shop.database.name())).await;

    shop.ok(&["blast", "list"]).await;
}

#[tokio::test]
async fn an_empty_database_is_filled_in_a_few_trips_as_one_migration_after_the_other_fills_it() {
    let shop = Shop::open(Setup::default()).await;
    let name = format!("{}_filled", shop.database.name());
    shop.execute(&format!("create database {name} template template0")).await;
    let proxy = Proxy::start(postgres().await.socket()).await;
    proxy.halt_after(usize::MAX);
    let mut command = shop.command(&["db", "migrate"]);
    command.env("DATABASE_URL", proxy.url(&name));

    let migrated = said(command).await;

    let trips = proxy.trips();
    assert!(migrated.code == 0 && trips < 40, "{trips} trips: {migrated:?}");
    let dumped = |url: &str| {
        let said = Command::new("pg_dump").args(["--schema-only", "--no-owner", url]).output().unwrap();
        assert!(said.status.success(), "{said:?}");
        let dump = String::from_utf8(said.stdout).unwrap();
        // A key of this dump alone, and checks over columns in the order in which a catalogue gave them.
        let is_same = |line: &&str| !line.starts_with('\\') && !line.contains("_times_check");
        dump.lines().filter(is_same).collect::<Vec<_>>().join("\n")
    };
    let direct = postgres().await.with_database(&name).url();
    assert_eq!(dumped(&direct), dumped(&shop.database.url));
    shop.execute(&format!("drop database {name}")).await;
}
