//! What operators ask of the inbox costs what it returns, however much lies there.

use blastdeck::store::inbox::{self, ReplaySelection};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use serde_json::json;

use super::scene::{InboxScene, text};
use crate::support::{database, eventually_async};

/// Rows read so far, and index lookups.
async fn read(pool: &PgPool) -> (i64, i64) {
    let counted =
        "select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint, sum(coalesce(idx_scan, 0) + seq_scan)::bigint
                     from pg_stat_user_tables where relname like 'webhook\\_inbox\\_2%'";
    sqlx::query_as(counted).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn failed_ones_and_how_much_waits_are_found_without_a_walk_over_what_is_applied() {
    let database = database().await;
    let rows = "insert into webhook_inbox (provider, digest, body, state, failed_items)
                select 'meta', sha256(n::text::bytea), 'x', case when n % 10000 = 0 then 'failed' else 'applied' end,
                       case when n % 10000 = 0 then '{0}'::int[] end
                  from generate_series(1, 20000) as n";
    sqlx::raw_sql(rows).execute(&database.pool).await.unwrap();
    sqlx::raw_sql("analyze webhook_inbox").execute(&database.pool).await.unwrap();
    let before = read(&database.pool).await;
    let pool = PgPoolOptions::new().max_connections(1).connect(&database.url).await.unwrap();

    assert_eq!(inbox::summary(&pool).await.unwrap().failed, 2);
    assert_eq!(inbox::replay(&pool, ReplaySelection::Failed).await.unwrap(), 2);

    // A connection reports what it counted when it ends.
    pool.close().await;
    eventually_async("it is reported", async || read(&database.pool).await.1 > before.1).await;
    let rows = read(&database.pool).await.0 - before.0;
    assert!(rows < 1_000, "{rows} rows were read");
}

#[tokio::test]
async fn a_request_that_named_somebody_who_was_forgotten_is_never_replayed() {
    let database = database().await;
    let rows = "insert into webhook_inbox (provider, digest, body, state, failed_items)
                select 'meta', sha256(n::text::bytea), case when n <= 2 then ''::bytea else 'x' end,
                       case when n % 2 = 0 then 'failed' else 'applied' end, case when n % 2 = 0 then '{0}'::int[] end
                  from generate_series(1, 4) as n";
    sqlx::raw_sql(rows).execute(&database.pool).await.unwrap();
    let states = async || -> Vec<String> {
        sqlx::query_scalar("select state from webhook_inbox order by id").fetch_all(&database.pool).await.unwrap()
    };

    let hour_ago = chrono::Utc::now() - chrono::TimeDelta::hours(1);
    assert_eq!(inbox::replay(&database.pool, ReplaySelection::Since(hour_ago)).await.unwrap(), 2);
    assert_eq!(states().await, ["applied", "failed", "new", "new"]);
    assert_eq!(inbox::replay(&database.pool, ReplaySelection::One(1)).await.unwrap(), 0);

    // One that was replayed by a version before failed for good.
    assert_eq!(inbox::replay(&database.pool, ReplaySelection::Failed).await.unwrap(), 1);
    assert_eq!(states().await, ["applied", "applied", "new", "new"]);
}

#[tokio::test]
async fn replies_that_come_together_are_seen_one_by_one() {
    let scene = InboxScene::sent(3).await;
    let texts: Vec<_> =
        (1..=3).map(|n| text(n, &format!("wamid.in{n}"), "I take three")["messages"][0].clone()).collect();

    scene.receive(json!({ "messages": texts })).await;

    assert_eq!(scene.shop.number("select count(distinct received_at) from replies").await, 3);
}
