//! A database that was taken away and created again, before its dump is restored into it.

use blastdeck::store::fence::{FOREIGN_KEYS, TRIGGERS};

use super::SETUP;
use crate::support::{Shop, database, digits, eventually_async, said};

const EMPTY: &str = "drop schema public cascade; create schema public";

async fn tables(shop: &Shop) -> i64 {
    shop.number("select count(*) from pg_class where relnamespace = 'public'::regnamespace").await
}

#[tokio::test]
async fn whoever_knows_a_database_with_blasts_makes_no_tables_in_an_empty_one() {
    let shop = Shop::open(SETUP).await;
    // No engine has run here: a command alone has seen the blast.
    shop.draft(0..3).await;
    shop.ok(&["blast", "list"]).await;
    shop.execute(EMPTY).await;

    for command in [&["blast", "list"][..], &["engine", "--until-idle"], &["db", "migrate"], &["suppress", "list"]] {
        let refused = shop.run(command).await;
        assert!(refused.code == 1 && refused.err.contains("db migrate --allow-empty"), "{command:?}: {refused:?}");
        assert_eq!(tables(&shop).await, 0, "{command:?}");
    }

    // In another shell the bare line would be about another database.
    let checked = shop.run(&["doctor"]).await;
    assert!(checked.out.contains(" db migrate --allow-empty`"), "{checked:?}");
    assert!(!checked.out.contains("`blastdeck db migrate"), "{checked:?}");

    let made = shop.json(&["db", "migrate", "--allow-empty"]).await;
    assert!(made["migrations"].as_i64() > Some(50), "{made}");
    shop.ok(&["blast", "list"]).await;
}

#[tokio::test]
async fn a_new_machine_makes_the_tables_by_itself() {
    let shop = Shop::open(SETUP).await;
    shop.draft(0..3).await;
    shop.execute(EMPTY).await;

    let mut elsewhere = shop.command(&["blast", "list"]);
    elsewhere.env("BLASTDECK_STATE_DIR", shop.path("elsewhere"));
    let listed = said(elsewhere).await;

    assert_eq!(listed.code, 0, "{listed:?}");
    assert!(tables(&shop).await > 50);
}

/// `pg_restore` makes all tables before it fills the first.
#[tokio::test]
async fn tables_without_their_migrations_are_those_of_a_restore() {
    let shop = Shop::open(SETUP).await;
    shop.execute(EMPTY).await;
    shop.execute("create table blast_recipients (id bigint)").await;

    for command in [&["blast", "list"][..], &["db", "migrate", "--allow-empty"]] {
        let refused = shop.run(command).await;
        assert!(refused.code == 1 && refused.err.contains("is incomplete"), "{command:?}: {refused:?}");
        assert_eq!(tables(&shop).await, 1, "{command:?}");
    }
}

/// A restore that runs several jobs makes the keys in no order.
#[tokio::test]
async fn while_a_foreign_key_is_missing_no_row_is_deleted_that_it_may_refer_to() {
    let shop = Shop::open(SETUP).await;
    let draft = shop.draft(0..3).await;
    shop.execute("alter table blast_counts drop constraint blast_counts_blast_fkey").await;

    let number = digits(1);
    for command in [
        &["blast", "remove", &draft, &number][..],
        &["blast", "delete", &draft, "--yes"],
        &["customer", "forget", &number, "--yes"],
    ] {
        let refused = shop.run(command).await;
        assert!(refused.code == 1 && refused.err.contains("is incomplete"), "{command:?}: {refused:?}");
    }
    assert_eq!(shop.number("select count(*) from blast_recipients").await, 3);

    shop.execute("alter table blast_counts add constraint blast_counts_blast_fkey foreign key (blast_id) references blasts (id) on delete cascade")
        .await;
    shop.ok(&["blast", "remove", &draft, &number]).await;
}

/// Rows are loaded before their key is made: a second row for a sender would keep it from being made.
#[tokio::test]
async fn while_the_key_of_leases_is_missing_no_lease_gets_a_second_row() {
    let shop = Shop::open(SETUP).await;
    shop.blast(0..3).await;
    shop.until_idle().await;
    shop.execute("alter table sender_leases drop constraint sender_leases_pkey").await;
    shop.blast(10..13).await;

    let engine = shop.engine();

    let log = || std::fs::read_to_string(shop.path("engine.log")).unwrap();
    eventually_async("it says so", async || log().contains("is incomplete")).await;
    engine.stop().await;
    assert_eq!(shop.number("select count(*) from sender_leases").await, 1);
    assert_eq!(shop.sim.posts().await.len(), 3);
    shop.execute("alter table sender_leases add constraint sender_leases_pkey primary key (sender_id)").await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 6);
}

#[tokio::test]
async fn a_database_has_the_keys_and_triggers_that_the_program_counts_on() {
    let shop = Shop::open(SETUP).await;
    let ours = "(select relnamespace from pg_class where oid = 'blast_recipients'::regclass)";
    let keys =
        format!("select count(*) from pg_constraint where contype = 'f' and conparentid = 0 and connamespace = {ours}");
    let triggers = format!(
        "select count(*) from pg_trigger t join pg_class c on c.oid = t.tgrelid
          where not tgisinternal and tgparentid = 0 and c.relnamespace = {ours}"
    );

    assert_eq!((shop.number(&keys).await, shop.number(&triggers).await), (FOREIGN_KEYS, TRIGGERS));
}

#[tokio::test]
async fn a_read_only_look_at_an_empty_database_says_that_it_is_empty() {
    let shop = Shop::open(SETUP).await;
    shop.execute(EMPTY).await;

    let refused = shop.run(&["--read-only", "blast", "list"]).await;

    assert!(refused.code == 1 && refused.err.contains("this database is empty"), "{refused:?}");
    assert_eq!(tables(&shop).await, 0);
}

#[tokio::test]
async fn tables_in_a_schema_that_nobody_looks_in_are_named_and_no_others_are_made() {
    let shop = Shop::open_on(database().await.with_new_sessions(), SETUP);
    shop.blast(0..2).await;
    shop.until_idle().await;
    let other = "create schema other;
                 do $$ begin execute format('alter database %I set search_path = other', current_database()); end $$";
    shop.execute(other).await;

    for command in [&["blast", "list"][..], &["engine"], &["db", "migrate"]] {
        let refused = shop.run(command).await;
        assert!(
            refused.code == 1 && refused.err.contains("tables are in its schema public"),
            "{command:?}: {refused:?}"
        );
    }
    assert_eq!(shop.number("select count(*) from pg_class where relname = '_sqlx_migrations'").await, 1);
}
