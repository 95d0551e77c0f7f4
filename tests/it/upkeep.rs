//! What an engine does beside sending: months of history that are over long enough go, and work on a whole blast that was
//! left in the middle is finished.

mod killed;

use blastdeck::domain::filter::Filter;
use blastdeck::domain::ids::{BlastId, RecipientId};
use blastdeck::store::claim;
use blastdeck::store::clearing::{Clearing, ClearingKind};
use blastdeck::store::count::{audit, audit_history};
use blastdeck::store::months::drop_old;
use blastdeck::store::view;
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::{
    Setup, Shop, TestDatabase, WAITING_FOR_A_LOCK, broken_invariants, database, digits, eventually_async,
};

async fn execute(pool: &PgPool, statements: &str) {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(pool).await.unwrap();
}

async fn number(pool: &PgPool, query: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(pool).await.unwrap()
}

/// Attaches the month that began so many months ago, under whatever name.
fn month(name: &str, ago: i32) -> String {
    format!(
        "do $$ declare from_month timestamp := date_trunc('month', now() at time zone 'UTC') - interval '{ago} months';
         begin
             execute format('create table {name} partition of status_history for values from (%L) to (%L)',
                            from_month at time zone 'UTC', (from_month + interval '1 month') at time zone 'UTC');
         end $$;"
    )
}

async fn is_there(pool: &PgPool, table: &str) -> bool {
    number(pool, &format!("select count(*) from pg_class where oid = to_regclass('{table}')")).await == 1
}

/// A blast of people who all opened their message in a month long ago.
async fn people_of_old(people: u32) -> TestDatabase {
    let database = database().await;
    let old = "date_trunc('month', now() at time zone 'UTC') - interval '30 months' + interval '3 days'";
    execute(
        &database.pool,
        &format!(
            "{}
             insert into senders (name, provider, business) values ('sales', 'wsapme', 'kedai');
             insert into blasts (blast_tag, sender_id, message, state, total_recipients) values ('Raya', 1, 'Hi', 'completed', {people});
             insert into blast_recipients (blast_id, phone_number, status, standing)
             select 1, '+60100' || lpad(n::text, 6, '0'), 'read', 'read' from generate_series(1, {people}) as n;
             insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, changed_at, source)
             select 1, id, 1, 'delivered', 'read', {old}, 'poll' from blast_recipients",
            month("old_times", 30)
        ),
    )
    .await;
    database
}

#[tokio::test]
async fn months_that_ended_long_enough_ago_are_dropped_whole_and_younger_ones_stay() {
    let database = database().await;
    let pool = &database.pool;
    execute(pool, &[month("three_ago", 3), month("two_ago", 2)].concat()).await;

    assert_eq!(drop_old(pool, 3).await.unwrap().gone, Vec::<String>::new());
    assert_eq!(drop_old(pool, 2).await.unwrap().gone, ["three_ago"]);
    assert_eq!(drop_old(pool, 1).await.unwrap().gone, ["two_ago"]);

    assert_eq!(drop_old(pool, 1).await.unwrap().gone, Vec::<String>::new());
    assert_eq!(number(pool, "select count(*) from pg_inherits where inhparent = 'status_history'::regclass").await, 5);
}

#[tokio::test]
async fn a_table_of_another_schema_is_never_dropped_whatever_it_is_called() {
    let database = database().await;
    let pool = &database.pool;
    execute(
        pool,
        "create schema theirs;
         create table theirs.status_history (changed_at timestamptz not null) partition by range (changed_at);
         create table theirs.status_history_2001_01 partition of theirs.status_history
             for values from ('2001-01-01') to ('2001-02-01');
         create table theirs.lent partition of status_history for values from ('2002-01-01') to ('2002-02-01');
         create table status_history_2001_01 (changed_at timestamptz)",
    )
    .await;

    assert_eq!(drop_old(pool, 1).await.unwrap().gone, Vec::<String>::new());

    for table in ["theirs.status_history_2001_01", "theirs.lent", "status_history_2001_01"] {
        assert!(is_there(pool, table).await, "{table}");
    }
}

#[tokio::test]
async fn whoever_outlives_their_history_is_no_difference_for_the_audit_and_can_still_be_looked_at() {
    let database = people_of_old(3).await;
    let pool = &database.pool;
    execute(pool, "update blast_recipients set name = 'Aina' where id = 1").await;

    assert_eq!(drop_old(pool, 24).await.unwrap().gone, ["old_times"]);

    assert_eq!(audit(pool, None).await.unwrap(), []);
    assert_eq!(audit_history(pool, None).await.unwrap(), []);
    let person = view::recipients::details(pool, RecipientId(1)).await.unwrap().unwrap();
    assert_eq!((person.row.name.as_deref(), person.history.len()), (Some("Aina"), 0));
    // What is kept is still looked at.
    execute(
        pool,
        "insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)
         values (1, 2, 1, 'read', 'closed', 'operator')",
    )
    .await;
    assert_eq!(audit_history(pool, None).await.unwrap(), [BlastId(1)]);
    assert_eq!(audit_history(pool, Some(BlastId(2))).await.unwrap(), []);
}

fn keeping(keep_history: &str) -> String {
    format!("speed = 600\nkeep_history = \"{keep_history}\"")
}

#[tokio::test]
async fn a_month_that_somebody_reads_is_dropped_later_and_the_engine_sends_meanwhile() {
    let engine = keeping("1 month");
    let shop = Shop::open(Setup { engine: &engine, ..Setup::default() }).await;
    shop.execute(&month("long_ago", 3)).await;
    let mut reader = shop.database.pool.begin().await.unwrap();
    sqlx::query("select count(*) from long_ago").execute(&mut *reader).await.unwrap();

    shop.blast(0..3).await;
    shop.until_idle().await;

    assert!(is_there(&shop.database.pool, "long_ago").await);
    assert_eq!(shop.sim.posts().await.len(), 3);
    reader.rollback().await.unwrap();
    shop.until_idle().await;
    assert!(!is_there(&shop.database.pool, "long_ago").await);
    shop.promises().await;
}

#[tokio::test]
async fn history_that_is_to_be_kept_forever_is_kept() {
    let engine = keeping("forever");
    let shop = Shop::open(Setup { engine: &engine, ..Setup::default() }).await;
    shop.execute(&month("long_ago", 300)).await;

    shop.until_idle().await;

    assert!(is_there(&shop.database.pool, "long_ago").await);
}

#[tokio::test]
async fn a_cancel_that_ended_in_the_middle_is_finished_by_an_engine() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..5).await;
    // As its process left it: the state is written, nobody is left out yet.
    shop.execute(&format!(
        "update blasts set state = 'cancelled', state_reason = 'cancelled', state_by = 'aina', version = version + 1,
                updated_at = now() - interval '1 minute' where id = {blast}"
    ))
    .await;

    shop.until_idle().await;

    assert_eq!((shop.count("skipped").await, shop.sim.posts().await.len()), (5, 0));
    let count =
        "select count(*) from status_history where new_status = 'skipped' and source = 'operator' and by_whom = 'aina'";
    assert_eq!(shop.number(count).await, 5);
    shop.promises().await;
}

#[tokio::test]
async fn a_deleted_blast_is_gone_at_once_and_an_engine_removes_what_is_left_of_it() {
    let shop = Shop::open(Setup::default()).await;
    let (blast, other) = (shop.draft(0..5).await, shop.draft(5..7).await);
    shop.execute(&format!(
        "update blasts set deleted_at = now() - interval '1 minute', updated_at = now() - interval '1 minute',
                version = version + 1 where id = {blast}"
    ))
    .await;

    let list = shop.json(&["blast", "list"]).await;
    assert_eq!(list["id"].to_string(), other, "one object a line, and only the other: {list}");
    for verb in [&["blast", "show", &blast][..], &["blast", "send", &blast, "--yes", "--no-engine"]] {
        let said = shop.run(verb).await;
        assert!(said.code != 0 && said.err.contains("there is no blast"), "{verb:?}: {said:?}");
    }
    assert_eq!(
        view::recipients::find(&shop.database.pool, &Filter::person(&digits(0)), (None, None), 10).await.unwrap(),
        []
    );

    shop.until_idle().await;

    assert_eq!(shop.number(&format!("select count(*) from blasts where id = {blast}")).await, 0);
    assert_eq!(shop.number(&format!("select count(*) from blast_recipients where blast_id <> {other}")).await, 0);
    assert_eq!(shop.number(&format!("select count(*) from blast_counts where blast_id = {blast}")).await, 0);
    shop.invariants().await;
}

/// A cancelled blast with so many people queued.
async fn cancelled(people: u32) -> TestDatabase {
    let database = database().await;
    execute(
        &database.pool,
        &format!(
            "insert into senders (name, provider, business) values ('sales', 'wsapme', 'kedai');
             insert into blasts (blast_tag, sender_id, message, state, state_reason, state_by, total_recipients)
             values ('Raya', 1, 'Hi', 'cancelled', 'cancelled', 'aina', {people});
             insert into blast_recipients (blast_id, phone_number)
             select 1, '+6010' || lpad(n::text, 7, '0') from generate_series(1, {people}) as n"
        ),
    )
    .await;
    database
}

#[tokio::test]
async fn whoever_is_in_flight_in_a_deleted_blast_goes_when_their_answer_is_known_and_gets_no_late_post() {
    let database = cancelled(3).await;
    let pool = &database.pool;
    let claim = "insert into claims (blast_id, sender_id, attempt_number, epoch, first_id, last_id, recipients)
                 values (1, 1, 1, 0, 2, 2, '{2}')";
    execute(pool, claim).await;
    execute(pool, "update blasts set deleted_at = now()").await;
    let delete = Clearing { blast: BlastId(1), kind: ClearingKind::Remove };
    let there = "select count(*) from blast_recipients";

    assert_eq!(delete.finish(pool).await.unwrap(), 2);
    assert_eq!(number(pool, there).await, 1);
    let (deleted, gone) = (RecipientId(2), RecipientId(3));
    assert_eq!(claim::still_wanted(pool, &[deleted, gone]).await.unwrap(), []);
    execute(pool, "delete from in_flight").await;
    delete.finish(pool).await.unwrap();

    assert_eq!((number(pool, there).await, number(pool, "select count(*) from blasts").await), (0, 0));
}

#[tokio::test]
async fn a_large_cancel_goes_in_pieces_and_two_at_once_share_the_work() {
    let database = cancelled(9_000).await;
    let pool = &database.pool;
    let left = Clearing { blast: BlastId(1), kind: ClearingKind::LeaveOut };

    let (ours, theirs) = tokio::join!(left.finish(pool), left.finish(pool));

    assert_eq!(ours.unwrap() + theirs.unwrap(), 9_000);
    let largest =
        "select max(n)::bigint from (select count(*) n from status_history group by changed_at) as transaction";
    assert!(number(pool, largest).await <= 2_000, "no transaction holds many people");
    assert_eq!(broken_invariants(pool).await, Vec::<String>::new());
    let blast = Clearing { blast: BlastId(1), kind: ClearingKind::Remove };
    assert_eq!(blast.finish(pool).await.unwrap(), 0, "what nobody deleted is not removed");
    execute(pool, "update blasts set deleted_at = now()").await;
    assert_eq!(blast.finish(pool).await.unwrap(), 9_000);
    assert_eq!(number(pool, "select count(*) from blasts").await, 0);
    assert_eq!(broken_invariants(pool).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_person_whom_somebody_holds_is_waited_for_and_not_forgotten() {
    let database = cancelled(10).await;
    let pool = &database.pool;
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("update blast_recipients set note = 'typed by hand' where id = 4").execute(&mut *holder).await.unwrap();

    let left_out = tokio::spawn({
        let pool = pool.clone();
        async move { Clearing { blast: BlastId(1), kind: ClearingKind::LeaveOut }.finish(&pool).await }
    });
    eventually_async("it waits", async || number(pool, WAITING_FOR_A_LOCK).await > 0).await;
    holder.commit().await.unwrap();

    assert_eq!(left_out.await.unwrap().unwrap(), 10);
    assert_eq!(broken_invariants(pool).await, Vec::<String>::new());
}

#[tokio::test]
async fn nothing_old_is_dropped_while_the_databases_clock_is_ahead() {
    let shop = Shop::open(Setup::default()).await;
    shop.execute(
        "create schema clock;
         create function clock.now() returns timestamptz language sql stable as $$ select pg_catalog.now() + interval '400 days' $$",
    )
    .await;
    let path = async |path: &str| {
        let set = format!(
            "do $$ begin execute format('alter database %I set search_path = {path}', current_database()); end $$"
        );
        shop.execute(&set).await;
    };
    let days = "select count(*) from pg_inherits where inhparent = 'webhook_inbox'::regclass";
    let before = shop.number(days).await;

    path("clock, pg_catalog, public").await;
    shop.until_idle().await;
    assert!(shop.number(days).await > before, "{before} and those ahead");
    assert!(is_there(&shop.database.pool, &today()).await, "today's is there");

    shop.execute("drop schema clock cascade").await;
    path("\"$user\", public").await;
    shop.until_idle().await;
    assert!(is_there(&shop.database.pool, &today()).await);
}

/// The inbox of today.
fn today() -> String {
    format!("webhook_inbox_{}", chrono::Utc::now().format("%Y_%m_%d"))
}
