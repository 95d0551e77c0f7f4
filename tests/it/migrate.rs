//! Migrations: two at once, and a database that is newer than the program.

use crate::support::{Setup, Shop};

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
}

#[tokio::test]
async fn a_reader_of_a_fresh_database_is_told_that_it_has_no_schema_and_makes_none() {
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
