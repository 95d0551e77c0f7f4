//! A caller that goes away in the middle of a transaction leaves its connection as it found it.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use blastdeck::app::{App, AppError};
use blastdeck::store;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tracing_subscriber::fmt::MakeWriter;

use super::marks::operator_app;
use super::{BLAST, Scene};
use crate::support::{WAITING_FOR_A_LOCK, database, eventually_async};

/// More than it takes to acquire a connection and begin.
const POLLS: usize = 400;

/// Polls so often, unless it ends before, and drops it.
async fn break_off(work: impl Future, polls: usize) {
    let mut work = pin!(work);
    for _ in 0..polls {
        let is_over = poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_ready())).await;
        if is_over {
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn one_connection(url: &str) -> PgPool {
    PgPoolOptions::new().max_connections(1).connect(url).await.unwrap()
}

#[tokio::test]
async fn a_caller_that_goes_away_while_it_begins_leaves_no_transaction_open() {
    let database = database().await;
    let pool = one_connection(&database.url).await;

    for polls in 0..POLLS {
        break_off(store::begin(&pool), polls).await;
        let (first, second) = (transaction_id(&pool).await, transaction_id(&pool).await);

        assert_ne!(first, second, "what is written next would be lost: {polls} polls");
    }
}

async fn transaction_id(pool: &PgPool) -> String {
    sqlx::query_scalar("select pg_current_xact_id()::text").fetch_one(pool).await.unwrap()
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_during_a_commit_rolls_nothing_back_afterwards() {
    let database = database().await;
    let pool = one_connection(&database.url).await;
    let log = Log::default();
    let _logging = tracing::subscriber::set_default(
        tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(log.clone()).finish(),
    );

    for polls in 0..POLLS {
        let tx = store::begin(&pool).await.unwrap();
        break_off(tx.commit(), polls).await;
        sqlx::query("select 1").execute(&pool).await.unwrap();
    }

    let warnings = || {
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        log.matches("no transaction in progress").count()
    };
    assert_eq!(warnings(), 0);
    sqlx::raw_sql("rollback").execute(&pool).await.unwrap();
    assert_eq!(warnings(), 1, "it would have been seen");
}

#[tokio::test]
async fn a_retry_that_is_broken_off_goes_on_when_it_is_repeated_and_takes_nobody_who_fails_meanwhile() {
    let scene = Scene::queued(1_002).await;
    let aina = operator_app(&scene, "aina").await;
    let fail = async |whom: &str| {
        let failed = "status = 'failed', standing = 'failed', attempt = 1, failed_at = now(), error_code = 'busy'";
        scene.execute(&format!("update blast_recipients set {failed} where {whom}")).await;
    };
    let hold = async |person: i64| {
        let mut tx = scene.pool().begin().await.unwrap();
        sqlx::query("select from blast_recipients where id = $1 for update")
            .bind(person)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx
    };
    let until_waiting =
        async || eventually_async("a page waits", async || scene.number(WAITING_FOR_A_LOCK).await > 0).await;

    fail("id <= 1001").await;
    let held = hold(1_001).await;
    let asked = aina.once("again", [7; 32]).await.unwrap();
    let asked = tokio::spawn(async move { asked.retry(BLAST, None).await });
    until_waiting().await;
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    held.rollback().await.unwrap();
    let rest = aina.once("again", [7; 32]).await.unwrap().retry(BLAST, None).await;
    assert_eq!(rest.unwrap(), 1, "the first thousand were queued before");

    fail("id <= 1001").await;
    let held = hold(1).await;
    let asked = tokio::spawn(async move { aina.retry_as_shown(BLAST, None, 1_001).await });
    until_waiting().await;
    fail("id = 1002").await;
    held.rollback().await.unwrap();
    assert_eq!(asked.await.unwrap().unwrap(), 1_001);
    assert_eq!(scene.number("select count(*) from blast_recipients where status = 'failed'").await, 1);
}

#[tokio::test]
async fn a_retry_that_names_a_version_makes_one_itself_and_ends_where_somebody_else_does() {
    let scene = Scene::queued(1_001).await;
    let aina = operator_app(&scene, "aina").await;
    let fail = "update blast_recipients
                   set status = 'failed', standing = 'failed', attempt = 1, failed_at = now(), error_code = 'busy'";
    scene.execute(&format!("{fail}; update blasts set state = 'completed', launched_at = now()")).await;
    let seen = async || aina.at_version(BLAST, aina.blast(BLAST).await.unwrap().version);

    assert_eq!(seen().await.retry(BLAST, None).await.unwrap(), 1_001, "it was over, and goes on");

    // The next part may have the blast before the edit does, which then comes too late.
    let mut broken_off = None;
    for _ in 0..10 {
        scene.execute(fail).await;
        broken_off = retry_under_an_edit(&scene, seen().await).await.err();
        if broken_off.is_some() {
            break;
        }
    }
    let broken_off = broken_off.expect("it never ended where somebody else changed the blast");
    assert!(matches!(&broken_off, AppError::PartlyDone { error, .. } if matches!(**error, AppError::Changed)));
    let says = "1,000 people are queued again, and the rest is not, since somebody changed this blast meanwhile";
    assert!(broken_off.to_string().contains(says), "{broken_off}");
    assert_eq!(scene.number("select count(*) from blast_recipients where status = 'failed'").await, 1);
}

/// Has somebody change the blast behind the first part of a retry.
async fn retry_under_an_edit(scene: &Scene, app: App) -> Result<i64, AppError> {
    let mut held = scene.pool().begin().await.unwrap();
    sqlx::query("select from blast_recipients where id = 1 for update").execute(&mut *held).await.unwrap();
    let asked = tokio::spawn(async move { app.retry(BLAST, None).await });
    let waiting = async |sessions| {
        eventually_async("it waits", async || scene.number(WAITING_FOR_A_LOCK).await == sessions).await;
    };
    waiting(1).await;
    let pool = scene.pool().clone();
    let edit = "update blasts set version = version + 1";
    let edit = tokio::spawn(async move { sqlx::query(edit).execute(&pool).await });
    waiting(2).await;
    held.rollback().await.unwrap();
    edit.await.unwrap().unwrap();
    asked.await.unwrap()
}
