//! The inbox's own rules: what comes twice is kept once, what is taken is nobody else's, old days are dropped.

use std::time::Duration;

use blastdeck::domain::ids::SenderId;
use blastdeck::store::inbox::{self, InboxProgress, NewWebhook, ReplaySelection};
use blastdeck::store::months;
use sqlx::PgPool;

use crate::support::database;

fn webhook(body: &[u8]) -> NewWebhook {
    NewWebhook {
        provider: "meta",
        senders: None,
        content_type: Some("application/json".to_owned()),
        body: body.to_vec().into(),
    }
}

async fn ids_taken(pool: &PgPool) -> Vec<i64> {
    let mut tx = inbox::begin(pool).await.unwrap();
    let rows = inbox::take(&mut tx).await.unwrap();
    rows.iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn the_same_bytes_are_kept_once_a_day_and_those_of_another_sender_apart() {
    let database = database().await;
    let pool = &database.pool;
    let of = |senders: &[i64]| NewWebhook {
        provider: "wsapme",
        senders: Some(senders.iter().copied().map(SenderId).collect()),
        ..webhook(b"{}")
    };

    inbox::insert(pool, &[webhook(b"{}"), webhook(b"{}"), webhook(b"\0\xff")]).await.unwrap();
    inbox::insert(pool, &[webhook(b"{}"), of(&[1]), of(&[1, 2]), of(&[1, 2])]).await.unwrap();

    let mut tx = inbox::begin(pool).await.unwrap();
    let rows = inbox::take(&mut tx).await.unwrap();
    let kept: Vec<_> = rows.iter().map(|row| (row.provider.as_str(), row.senders.clone(), row.body.clone())).collect();
    let senders = |ids: &[i64]| Some(ids.iter().copied().map(SenderId).collect::<Vec<_>>());
    assert_eq!(
        kept,
        [
            ("meta", None, b"{}".to_vec()),
            ("meta", None, b"\0\xff".to_vec()),
            ("wsapme", senders(&[1]), b"{}".to_vec()),
            ("wsapme", senders(&[1, 2]), b"{}".to_vec()),
        ]
    );
}

#[tokio::test]
async fn what_one_engine_has_taken_no_other_takes_until_it_is_free() {
    let database = database().await;
    let pool = &database.pool;
    inbox::insert(pool, &[webhook(b"1"), webhook(b"2")]).await.unwrap();

    let mut first = inbox::begin(pool).await.unwrap();
    let rows = inbox::take(&mut first).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(ids_taken(pool).await, [0; 0]);
    first.rollback().await.unwrap();

    assert_eq!(ids_taken(pool).await.len(), 2, "whoever died has taken nothing");
}

#[tokio::test]
async fn what_waits_is_tried_again_after_its_pause_or_when_its_id_is_learned() {
    let database = database().await;
    let pool = &database.pool;
    inbox::insert(pool, &[webhook(b"1"), webhook(b"2")]).await.unwrap();
    let waits = InboxProgress {
        items: 3,
        open: vec![0, 2],
        failed: vec![1],
        waits_for: vec!["wamid.1".to_owned(), "wamid.2".to_owned()],
        reason: Some("waits".to_owned()),
        pause: Duration::from_secs(60),
        ..InboxProgress::default()
    };
    let mut tx = inbox::begin(pool).await.unwrap();
    let rows = inbox::take(&mut tx).await.unwrap();
    let progress = [waits, InboxProgress { items: 1, ..InboxProgress::default() }];
    inbox::mark(&mut tx, &rows.into_iter().zip(progress).collect::<Vec<_>>()).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(ids_taken(pool).await, [0; 0]);
    let due = inbox::next_due(pool).await.unwrap().unwrap();
    assert!(due > Duration::from_secs(50) && due <= Duration::from_secs(60), "{due:?}");
    let mut tx = inbox::begin(pool).await.unwrap();
    assert_eq!(inbox::wake_waiting(&mut tx, &["wamid.3".to_owned()]).await.unwrap(), 0);
    assert_eq!(inbox::wake_waiting(&mut tx, &["wamid.2".to_owned()]).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let mut tx = inbox::begin(pool).await.unwrap();
    let [row] = &inbox::take(&mut tx).await.unwrap()[..] else { panic!("one is due") };
    assert_eq!((row.open_items.clone(), row.failed_items.clone(), row.tries), (Some(vec![0, 2]), Some(vec![1]), 1));
    drop(tx);

    let summary = inbox::summary(pool).await.unwrap();
    assert_eq!((summary.new, summary.parked, summary.failed), (0, 1, 0));
    assert_eq!(inbox::list(pool, true, 10).await.unwrap().len(), 1);
    assert_eq!(inbox::list(pool, false, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn replayed_requests_are_due_again_whole_or_their_failed_items_only() {
    let database = database().await;
    let pool = &database.pool;
    inbox::insert(pool, &[webhook(b"1"), webhook(b"2")]).await.unwrap();
    let failed =
        InboxProgress { items: 2, failed: vec![1], reason: Some("odd".to_owned()), ..InboxProgress::default() };
    let mut tx = inbox::begin(pool).await.unwrap();
    let rows = inbox::take(&mut tx).await.unwrap();
    let id = rows[1].id;
    let progress = [failed, InboxProgress { items: 1, ..InboxProgress::default() }];
    inbox::mark(&mut tx, &rows.into_iter().zip(progress).collect::<Vec<_>>()).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(inbox::replay(pool, ReplaySelection::Failed).await.unwrap(), 1);
    assert_eq!(inbox::replay(pool, ReplaySelection::One(id)).await.unwrap(), 1);

    let mut tx = inbox::begin(pool).await.unwrap();
    let open: Vec<_> = inbox::take(&mut tx).await.unwrap().into_iter().map(|row| row.open_items).collect();
    assert_eq!(open, [Some(vec![1]), None]);
    drop(tx);
    assert_eq!(inbox::replay(pool, ReplaySelection::Since("2026-01-01T00:00:00Z".parse().unwrap())).await.unwrap(), 2);
    assert_eq!(inbox::replay(pool, ReplaySelection::One(id + 100)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_request_that_is_replayed_waits_since_the_replay_and_a_new_one_since_it_came() {
    let database = database().await;
    let pool = &database.pool;
    inbox::insert(pool, &[webhook(b"1")]).await.unwrap();
    let came =
        "update webhook_inbox set received_at = now() - interval '3 hours', next_try_at = now() - interval '3 hours'";
    sqlx::raw_sql(came).execute(pool).await.unwrap();
    let waits = async || chrono::Utc::now() - inbox::summary(pool).await.unwrap().oldest.unwrap();
    assert!(waits().await >= chrono::TimeDelta::hours(3));
    let mut tx = inbox::begin(pool).await.unwrap();
    let rows = inbox::take(&mut tx).await.unwrap();
    let applied = InboxProgress { items: 1, ..InboxProgress::default() };
    inbox::mark(&mut tx, &rows.into_iter().map(|row| (row, applied.clone())).collect::<Vec<_>>()).await.unwrap();
    tx.commit().await.unwrap();

    let day_ago = chrono::Utc::now() - chrono::TimeDelta::days(1);
    assert_eq!(inbox::replay(pool, ReplaySelection::Since(day_ago)).await.unwrap(), 1);

    assert!(waits().await < chrono::TimeDelta::hours(1));
}

#[tokio::test]
async fn days_are_there_a_week_ahead_and_old_ones_are_dropped_whole() {
    let database = database().await;
    let pool = &database.pool;
    let days = "select count(*) from pg_inherits where inhparent = 'webhook_inbox'::regclass";
    let count = async || sqlx::query_scalar::<_, i64>(days).fetch_one(pool).await.unwrap();
    assert_eq!(count().await, 9);
    let old = "do $$ begin
                   execute format('create table five_ago partition of webhook_inbox for values from (%L) to (%L)',
                                  (now() at time zone 'UTC')::date - 5, (now() at time zone 'UTC')::date - 4);
               end $$";
    sqlx::raw_sql(old).execute(pool).await.unwrap();

    assert_eq!(months::drop_old_days(pool, 5).await.unwrap().gone, Vec::<String>::new());
    assert_eq!(months::drop_old_days(pool, 4).await.unwrap().gone, ["five_ago"]);

    assert_eq!(count().await, 9);
    assert_eq!(months::make(pool).await.unwrap(), 0);
}
