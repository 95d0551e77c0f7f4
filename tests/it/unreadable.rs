//! What somebody typed into the database by hand and no program can read: it is refused where it is typed, mended by an
//! upgrade, and where neither is so, it holds up one blast and no other.

use sqlx::AssertSqlSafe;

use crate::support::{Setup, Shop, broken_invariants, eventually_async};

/// Takes back what the upgrade brought: the database as an older version had it. It knew no answers, whose columns that upgrade
/// would fill.
const BEFORE_THE_UPGRADE: &str = "
    do $$ declare wanted record; begin
        for wanted in select conrelid::regclass as name, conname from pg_constraint
                       where (conname like '%\\_times\\_check' or conname = 'blast_recipients_amount_number_check') and coninhcount = 0
        loop execute format('alter table %s drop constraint %I', wanted.name, wanted.conname); end loop;
    end $$;
    drop table blast_polls;
    alter table senders drop column hold_lifted_at;
    alter table blasts drop constraint blasts_answer_check;
    -- It was a table then.
    alter view attempts rename to attempts_later;
    delete from _sqlx_migrations where version = 6";

#[tokio::test]
async fn a_time_or_an_amount_that_cannot_be_read_is_refused_where_it_is_typed() {
    let shop = Shop::open(Setup::default()).await;
    shop.blast(0..2).await;
    shop.until_idle().await;
    let times: Vec<(String, String)> = sqlx::query_as(
        "select table_name::text, column_name::text from information_schema.columns
          where table_schema = 'public' and data_type = 'timestamp with time zone' and is_generated = 'NEVER'
            and table_name in ('senders', 'blasts', 'blast_recipients', 'provider_message')",
    )
    .fetch_all(&shop.database.pool)
    .await
    .unwrap();
    assert!(times.len() > 20, "{times:?}");

    for (table, column) in &times {
        // An answer has all that makes it one, or nothing of it.
        let rule = match column.as_str() {
            "answer_until" => "answer",
            "armed_at" => "armed_at",
            _ => "times",
        };
        for time in ["infinity", "-infinity", "200000-01-01", "1969-12-31"] {
            let typed = format!("update {table} set {column} = '{time}'");
            let refused = sqlx::query(AssertSqlSafe(typed.clone())).execute(&shop.database.pool).await;
            let why = refused.expect_err(&typed).to_string();
            assert!(why.contains(&format!("{table}_{rule}_check")), "{typed}: {why}");
        }
    }
    let refused = sqlx::query("update blast_recipients set amount = 'NaN'").execute(&shop.database.pool).await;
    assert!(refused.unwrap_err().to_string().contains("blast_recipients_amount_number_check"));
    let typed = "update blasts set send_after = '2030-01-01', completed_at = null";
    sqlx::query(typed).execute(&shop.database.pool).await.unwrap();
}

#[tokio::test]
async fn an_upgrade_mends_what_cannot_be_read_and_everything_goes_on() {
    let shop = Shop::open(Setup::default()).await;
    let (armed, queued, sold) = (shop.blast(0..2).await, shop.blast(2..5).await, shop.draft(5..7).await);
    shop.execute(BEFORE_THE_UPGRADE).await;
    shop.execute(&format!(
        "update blasts set send_after = 'infinity' where id = {armed};
         update blast_recipients set next_attempt_at = '-infinity' where blast_id = {queued};
         update blast_recipients set amount = 'NaN', status = 'closed', standing = 'sent', sent_at = 'infinity',
                closed_at = now() where blast_id = {sold}"
    ))
    .await;

    shop.ok(&["db", "migrate"]).await;
    shop.execute("alter view attempts_later rename to attempts").await;

    for verb in [&["blast", "list"][..], &["blast", "show", &sold], &["blast", "report", &sold], &["audit"]] {
        shop.ok(verb).await;
    }
    // The armed one is never due, and the engine goes on until it is stopped.
    let engine = shop.engine();
    eventually_async("the others are sent", async || shop.sim.posts().await.len() == 3).await;
    engine.stop().await;
    let left = format!("select count(*) from blast_recipients where blast_id = {armed} and status = 'queued'");
    assert_eq!(shop.number(&left).await, 2, "what was to be sent never is not sent");
    let broken = broken_invariants(&shop.database.pool).await;
    assert!(!broken.iter().any(|broken| broken.contains("counters")), "{broken:#?}");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_holds_up_its_own_blast_alone_until_it_is_mended() {
    // A fast rate, so that claims are also made ahead.
    tokio::join!(
        a_row_holds_up_its_blast("rate = \"unlimited\"\nin_flight = 4"),
        a_row_holds_up_its_blast("rate = \"50/s\"\nin_flight = 4"),
    );
}

async fn a_row_holds_up_its_blast(sender: &str) {
    let shop = Shop::open(Setup { sender, ..Setup::default() }).await;
    let (spoilt, other) = (shop.draft(0..3).await, shop.draft(3..43).await);
    let person = format!("(select min(id) from blast_recipients where blast_id = {spoilt})");
    shop.send(&spoilt).await;
    shop.send(&other).await;
    shop.execute(&format!("update blast_recipients set variables = '{{\"x\": 1e400}}' where id = {person}")).await;
    let engine = shop.engine();

    shop.until_state(&other, "completed").await;
    let said = shop.until_waiting(&spoilt, "unreadable").await;
    let words = said["text"].as_str().unwrap().to_owned();
    assert!(words.contains("recipient 1 cannot be read"), "{said}");
    assert_eq!(shop.sim.posts().await.len(), 40, "nobody of the spoilt one");
    shop.execute("update blast_recipients set variables = null").await;
    shop.until_state(&spoilt, "completed").await;

    engine.stop().await;
    shop.promises().await;
}

#[tokio::test]
async fn somebody_whose_attempts_cannot_be_counted_on_is_set_aside_and_holds_up_nobody() {
    let shop = Shop::open(Setup::default()).await;
    let (spoilt, other) = (shop.draft(0..3).await, shop.draft(3..6).await);
    let person = format!("(select min(id) from blast_recipients where blast_id = {spoilt})");
    shop.execute(&format!("update blast_recipients set attempt = 2147483647, tries = 2147483647 where id = {person}"))
        .await;
    shop.send(&spoilt).await;
    shop.send(&other).await;
    let engine = shop.engine();

    shop.until_state(&other, "completed").await;
    eventually_async("all but them have it", async || shop.sim.posts().await.len() == 5).await;

    shop.until_waiting(&spoilt, "uncertain").await;
    engine.stop().await;
    let aside = shop.json_lines(&["uncertain", "list", &spoilt]).await;
    assert!(aside.len() == 1 && aside[0].to_string().contains("by hand after attempt 2147483647"), "{aside:?}");
}

/// Lets a table have rows that are older than its constraint, as after an upgrade that did not look at them.
const UNSEEN: &str = "
    do $$ declare wanted record; begin
        for wanted in select conrelid::regclass as name, conname, pg_get_constraintdef(oid) as definition from pg_constraint
                       where (conname like '%\\_times\\_check' or conname = 'blast_recipients_amount_number_check') and coninhcount = 0
                         and conname !~ '^(api_|blast_reports|blast_changes|hook|opt_out_removals|activity_seen|open_dashboards|blast_occurrences|blast_steps|customer_|catalogues|products|product_variants|orders|order_changes|order_edits|carts|claims|number_aliases|saved_lists)' -- made with their tables
        loop
            execute format('alter table %s drop constraint %I', wanted.name, wanted.conname);
            insert into dropped values (wanted.name, wanted.conname, wanted.definition);
        end loop;
    end $$";

const NOT_VALID: &str = "
    do $$ declare one record; begin
        for one in select * from dropped
        loop
            execute format('alter table %s add constraint %I %s not valid', one.name, one.conname, replace(one.definition, ' NOT VALID', ''));
        end loop;
        drop table dropped;
    end $$;
    delete from _sqlx_migrations where version in (11, 20);
    -- It was a table then.
    alter view attempts rename to attempts_later";

#[tokio::test]
async fn rows_that_are_older_than_the_constraints_are_mended_and_hold_up_nothing() {
    let shop = Shop::open(Setup::default()).await;
    let sold = shop.blast(0..3).await;
    shop.until_idle().await;
    let (armed, late, other) = (shop.blast(10..12).await, shop.blast(20..22).await, shop.blast(30..33).await);
    shop.execute("create table dropped (name text, conname text, definition text)").await;
    shop.execute(UNSEEN).await;
    shop.execute(&format!(
        "update blast_recipients set amount = 'NaN', status = 'closed', closed_at = '-infinity', sent_at = '-infinity'
          where id = (select min(id) from blast_recipients where blast_id = {sold});
         insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)
             select blast_id, id, attempt, 'sent', 'closed', 'operator' from blast_recipients where status = 'closed';
         update blast_recipients set next_attempt_at = '-infinity' where blast_id = {late};
         update blasts set created_at = 'infinity', blast_date = 'infinity', launched_at = '-infinity' where id = {sold};
         update blasts set send_after = 'infinity' where id = {armed};
         update operator_actions set at = 'infinity', undone_at = null;
         update senders set created_at = '-infinity';
         update provider_message set received_at = '-infinity', claimed_at = 'infinity';
         insert into suppressions (business, phone_number, source, created_at) values ('kedai', '+60199999999', 'operator', 'infinity')"
    ))
    .await;
    shop.execute(NOT_VALID).await;

    shop.ok(&["db", "migrate"]).await;
    shop.execute("alter view attempts_later rename to attempts").await;

    let unseen = "select count(*) from pg_constraint where not convalidated
                     and (conname like '%\\_times\\_check' or conname = 'blast_recipients_amount_number_check')";
    assert_eq!(shop.number(unseen).await, 0, "they hold for every row");
    for verb in [
        &["blast", "list"][..],
        &["blast", "show", &sold],
        &["blast", "report", &sold],
        &["suppress", "list"],
        &["sender", "list"],
        &["audit"],
    ] {
        shop.ok(verb).await;
    }
    let engine = shop.engine();
    shop.until_state(&other, "completed").await;
    shop.until_state(&late, "completed").await;
    engine.stop().await;
    let closed = format!(
        "select count(*) from blast_recipients where blast_id = {sold} and closed_at is not null and amount is null"
    );
    assert_eq!(shop.number(&closed).await, 1, "the sale stays one, without its amount");
    let left = format!("select count(*) from blast_recipients where blast_id = {armed} and status = 'queued'");
    assert_eq!(shop.number(&left).await, 2, "what was to be sent never is not sent");
    let broken = broken_invariants(&shop.database.pool).await;
    assert!(!broken.iter().any(|broken| broken.contains("counters")), "{broken:#?}");
}

#[tokio::test]
async fn what_is_no_number_is_not_posted_to_and_the_others_are() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..6).await;
    for (n, number) in ["garbage", "+60 12", "", "+6012345678901234567890", "60123456789"].iter().enumerate() {
        let who = format!("(select min(id) + {n} from blast_recipients where blast_id = {blast})");
        shop.execute(&format!("update blast_recipients set phone_number = '{number}' where id = {who}")).await;
    }
    shop.send(&blast).await;

    shop.until_idle().await;

    assert_eq!(shop.sim.posts().await.len(), 1);
    assert_eq!(
        (
            shop.count("failed").await,
            shop.count("read").await + shop.count("delivered").await + shop.count("sent").await
        ),
        (5, 1)
    );
    let said = "select count(*) from blast_recipients where error_code = 'number' and error_message like '% is not a phone number: nothing was sent%'";
    assert_eq!(shop.number(said).await, 5);
    assert_eq!(shop.state(&blast).await, "completed");
}

#[tokio::test]
async fn a_limit_that_cannot_be_read_holds_up_its_own_blast_alone_until_it_is_fixed() {
    let shop = Shop::open(Setup::default()).await;
    for (first, column, typed) in
        [(0, "send_window", "22-25"), (10, "gap", "10 to 20"), (20, "timezone", "Mars/Olympus")]
    {
        let posts = shop.sim.posts().await.len();
        let (spoilt, other) = (shop.blast(first..first + 3).await, shop.blast(first + 3..first + 6).await);
        shop.execute(&format!("update blasts set {column} = '{typed}' where id = {spoilt}")).await;
        let engine = shop.engine();

        shop.until_state(&other, "completed").await;
        let words = shop.until_waiting(&spoilt, "unreadable").await["text"].as_str().unwrap().to_owned();
        assert!(words.contains(&format!("`{column}`")) && words.contains(typed), "{words}");
        assert_eq!(shop.sim.posts().await.len(), posts + 3, "nobody of the one with the unreadable {column}");
        let listed = shop.ok(&["blast", "list"]).await;
        assert!(listed.contains(&format!("`{column}`")), "{listed}");
        shop.execute(&format!("update blasts set {column} = null where id = {spoilt}")).await;
        shop.until_state(&spoilt, "completed").await;

        engine.stop().await;
    }
    shop.promises().await;
}

#[tokio::test]
async fn a_blast_with_a_limit_that_cannot_be_read_is_not_launched() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..3).await;
    shop.execute("update blasts set send_window = '22-25'").await;

    let refused = shop.run(&["blast", "send", &blast, "--yes", "--no-engine"]).await;

    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("`send_window`") && refused.err.contains("22-25"), "{refused:?}");
    assert_eq!(shop.state(&blast).await, "draft");
    for verb in [["blast", "plan"], ["blast", "show"]] {
        let said = shop.ok(&[verb[0], verb[1], &blast]).await;
        assert!(said.contains("`send_window`"), "{said}");
    }
}
