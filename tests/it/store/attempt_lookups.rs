//! Attempts are looked up by their keys: a takeover and early webhooks take no longer after a million messages than after ten.

use blastdeck::domain::ids::{BlastId, RecipientId, SenderId};
use blastdeck::store::business;
use blastdeck::store::fence::{PostedAttempt, missing, restore_attempts};
use blastdeck::store::inbox::messages::{AttemptQuery, by_attempts};
use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};

use super::{BLAST, SENDER, Scene};
use crate::support::eventually_async;

/// How many attempts there are, each of a person of their own, and of how many of them the last ones are asked about.
const ATTEMPTS: i64 = 20_000;
const ASKED: i64 = 500;

/// How many rows and entries of messages, people and of what is in flight were read in all, by connections that ended.
const READ: &str = "select (sum(t.seq_tup_read) + sum((select sum(i.idx_tup_read) from pg_stat_user_indexes i
                                                        where i.relid = t.relid)))::bigint
                      from pg_stat_user_tables t
                     where t.relname in ('provider_message', 'blast_recipients', 'claims')";

/// As the plans of the hot path, which are the ones that err the most: no hash join saves a join with everything.
const HOT_PATH: &str = "set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off;
                        set enable_bitmapscan = off; set statement_timeout = '20s'";

/// Half of those who are asked about are in flight, and three wrote by another number. Nothing was analyzed.
async fn many_attempts() -> Scene {
    let scene = Scene::queued(0).await;
    let first_in_flight = ATTEMPTS - ASKED / 2;
    let setup = format!(
            "alter table blast_recipients set (autovacuum_enabled = off);
             alter table provider_message set (autovacuum_enabled = off);
             insert into senders (name, provider, business, rehearsal) values ('other', 'meta', 'kedai', true);
             insert into blast_recipients (blast_id, phone_number, status, standing, sent_at, attempt)
             select 1, '+60100' || lpad(n::text, 6, '0'), 'sent', 'sent', now(), 1 from generate_series(1, {first_in_flight}) as n;
             insert into blast_recipients (blast_id, phone_number)
             select 1, '+60100' || lpad(n::text, 6, '0') from generate_series({first_in_flight} + 1, {ATTEMPTS}) as n;
             insert into provider_message (recipient_id, attempt, sender_id, outcome, message_id, epoch)
             select id, 1, case when id <= 3 then 2 else 1 end, 'accepted', 'M' || id, 1 from blast_recipients where status = 'sent';
             insert into claims (blast_id, sender_id, attempt_number, epoch, first_id, last_id, recipients)
             select 1, 1, 1, {epoch}, min(id), max(id), array_agg(id) from blast_recipients where status = 'queued'",
        epoch = scene.lease.epoch
    );
    on_its_own_connection(&scene, async |connection| {
        sqlx::raw_sql(AssertSqlSafe(setup)).execute(connection).await.unwrap();
    })
    .await;
    scene
}

/// The newest attempts, as this machine's journal has them.
async fn newest(scene: &Scene) -> Vec<PostedAttempt> {
    let people: Vec<(i64, String)> =
        sqlx::query_as("select id, phone_number from blast_recipients order by id desc limit $1")
            .bind(ASKED)
            .fetch_all(scene.pool())
            .await
            .unwrap();
    let posted = |(recipient, phone): (i64, String)| PostedAttempt {
        recipient: RecipientId(recipient),
        attempt: 1,
        epoch: scene.lease.epoch,
        claimed_at: Utc::now(),
        phone: phone.trim_start_matches('+').parse().unwrap(),
        message: None,
    };
    people.into_iter().map(posted).collect()
}

/// How many rows and entries of messages, people and of what is in flight a question reads.
async fn read(scene: &Scene, asked: impl AsyncFnOnce(&mut PgConnection)) -> i64 {
    let before = scene.number(READ).await;
    on_its_own_connection(scene, async |connection| {
        sqlx::raw_sql(HOT_PATH).execute(&mut *connection).await.unwrap();
        asked(connection).await;
    })
    .await;
    scene.number(READ).await - before
}

/// Until what it read is counted: a connection reports that when it ends.
async fn on_its_own_connection(scene: &Scene, work: impl AsyncFnOnce(&mut PgConnection)) {
    let before = scene.number(READ).await;
    let mut connection = scene.pool().acquire().await.unwrap().detach();
    work(&mut connection).await;
    sqlx::Connection::close(connection).await.unwrap();
    eventually_async("what was read is counted", async || scene.number(READ).await > before).await;
}

#[tokio::test]
async fn a_takeover_looks_up_what_the_machine_remembers() {
    let scene = many_attempts().await;
    let mut posted = newest(&scene).await;
    posted[0].epoch += 1;
    posted.last_mut().unwrap().epoch += 1;

    let read = read(&scene, async |connection| {
        assert_eq!(missing(connection, &posted).await.unwrap(), 2);
    })
    .await;

    assert!(read < 4 * ASKED, "{read} rows and entries were read for {ASKED} attempts");
}

#[tokio::test]
async fn a_confirmation_looks_up_what_the_machine_remembers() {
    for forgotten in [1, ASKED] {
        let scene = many_attempts().await;
        let mut posted = newest(&scene).await;
        posted.iter_mut().take(forgotten.try_into().unwrap()).for_each(|one| one.attempt += 1);

        let read = read(&scene, async |connection| {
            assert_eq!(
                restore_attempts(connection, SENDER, &posted).await.unwrap().uncertain,
                forgotten.min(ASKED / 2)
            );
        })
        .await;

        assert!(read < 20 * ASKED, "{read} rows and entries were read for {forgotten} of {ASKED} attempts");
    }
}

#[tokio::test]
async fn webhooks_that_name_attempts_look_them_up() {
    let scene = many_attempts().await;
    let posted = newest(&scene).await;
    let asked: Vec<_> = (0..)
        .zip(&posted)
        .map(|(n, one)| AttemptQuery { n, blast: BLAST, recipient: one.recipient, attempt: one.attempt, phone: None })
        .chain([AttemptQuery { n: -1, blast: BlastId(2), recipient: posted[0].recipient, attempt: 1, phone: None }])
        .collect();

    let read = read(&scene, async |connection| {
        let known = by_attempts(connection, &asked).await.unwrap();
        assert_eq!(known.len(), posted.len(), "everybody, but in their own blast");
        assert_eq!(known.iter().filter(|one| one.has_id).count(), 250);
    })
    .await;

    assert!(read < 8 * ASKED, "{read} rows and entries were read for {ASKED} attempts");
}

#[tokio::test]
async fn whom_a_number_wrote_to_is_read_without_the_messages_of_others() {
    let scene = many_attempts().await;

    let read = read(&scene, async |_| {
        let pool = sqlx::postgres::PgPoolOptions::new().max_connections(1).connect(&scene.database.url).await.unwrap();
        let people = business::people_since(&pool, SenderId(2), DateTime::UNIX_EPOCH).await.unwrap();
        assert_eq!(people.len(), 3);
        pool.close().await;
    })
    .await;

    assert!(read < ASKED, "{read} rows and entries were read for a number that wrote to three");
}
