//! What is asked again and again costs the same with a million people as with a hundred, also where the planner's statistics
//! mislead it.

use blastdeck::domain::blast::BlastState;
use blastdeck::domain::ids::{BlastId, RecipientId};
use blastdeck::domain::phone::Phone;
use blastdeck::store::claim::{ClaimRequest, claim, next_due, skip_suppressed};
use blastdeck::store::clearing::unfinished;
use blastdeck::store::lease::{self, release};
use blastdeck::store::local_time::{self, LocalDue};
use blastdeck::store::reply::{self, LearnedIdentity};
use blastdeck::store::{blast, forget, person, plan, poll, suppression, view};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use super::{BLAST, SENDER, Scene, acquire};
use crate::support::eventually_async;

/// Half of the table is queued, and none of it in the blast that is asked about: a walk over the table seems cheap, and
/// finds nobody.
async fn two_halves() -> Scene {
    let scene = Scene::queued(0).await;
    scene
        .execute(
            "insert into blasts (blast_tag, sender_id, message, state) values ('Draft', 1, 'Hi', 'draft');
             insert into blast_recipients (blast_id, phone_number, status, standing, sent_at, message_id, attempt)
             select 1, '+60100' || lpad(n::text, 6, '0'), 'read', 'read', now(), 'M' || n, 1 from generate_series(1, 20000) as n;
             insert into blast_recipients (blast_id, phone_number)
             select 2, '+60100' || lpad(n::text, 6, '0') from generate_series(1, 20000) as n;
             analyze",
        )
        .await;
    scene
}

/// Walks over all people so far, and lookups in their indexes.
async fn walks_and_lookups(pool: &PgPool) -> (i64, i64) {
    sqlx::query_as("select seq_scan, idx_scan from pg_stat_user_tables where relname = 'blast_recipients'")
        .fetch_one(pool)
        .await
        .unwrap()
}

/// How many walks over all people the queries took.
async fn walks(scene: &Scene, asked: impl AsyncFnOnce(&PgPool)) -> i64 {
    let before = walks_and_lookups(scene.pool()).await;
    let pool = PgPoolOptions::new().max_connections(1).connect(&scene.database.url).await.unwrap();
    asked(&pool).await;
    // A connection reports what it counted when it ends.
    pool.close().await;
    eventually_async("what was counted is reported", async || walks_and_lookups(scene.pool()).await.1 > before.1).await;
    walks_and_lookups(scene.pool()).await.0 - before.0
}

/// How many people's rows the queries read.
async fn rows_read(scene: &Scene, asked: impl AsyncFnOnce(&PgPool)) -> i64 {
    let read = "select idx_tup_fetch + seq_tup_read from pg_stat_user_tables where relname = 'blast_recipients'";
    let before = scene.number(read).await;
    walks(scene, asked).await;
    scene.number(read).await - before
}

#[tokio::test]
async fn no_engine_walks_over_all_people_to_see_that_there_is_nothing_to_do() {
    let scene = two_halves().await;
    let long_ago = Utc::now() - TimeDelta::days(1);

    let walks = walks(&scene, async |pool| {
        assert_eq!(blast::senders_with_work(pool).await.unwrap(), []);
        assert_eq!(blast::finished(pool).await.unwrap(), [BLAST]);
        let mut connection = pool.acquire().await.unwrap();
        assert_eq!(blast::pause_stale(&mut connection, SENDER, long_ago, "why").await.unwrap(), []);
        drop(connection);
        assert_eq!(poll::senders(pool, long_ago).await.unwrap(), []);
        assert_eq!(poll::blasts(pool, SENDER, long_ago).await.unwrap(), []);
        let after = (DateTime::UNIX_EPOCH, RecipientId(0));
        let band = poll::PollQuery { blast: BLAST, after, until: Utc::now(), limit: 200 };
        assert!(poll::pending(pool, band).await.unwrap().is_empty());
        assert_eq!(unfinished(pool).await.unwrap(), []);
        assert_eq!(next_due(pool, BLAST).await.unwrap(), None);
        claim(
            pool,
            scene.lease,
            ClaimRequest { blast: BLAST, people: 64, after: None, patience: std::time::Duration::MAX, oldest: None },
        )
        .await
        .unwrap();
        assert_eq!(lease::sweep(pool, SENDER, scene.lease.epoch, &[]).await.unwrap(), 0);
        release(pool, scene.lease).await.unwrap();
        acquire(pool, "second").await.unwrap();
        assert!(blast::complete(pool, BLAST).await.unwrap());
    })
    .await;

    assert_eq!(walks, 0);
}

#[tokio::test]
async fn what_ended_long_ago_is_not_looked_at_each_second() {
    let scene = Scene::queued(0).await;
    scene
        .execute(
            "insert into blasts (blast_tag, sender_id, message, state, updated_at)
             select 'Answer ' || n, 1, 'Hi', 'completed', now() - interval '60 days' from generate_series(1, 1000) as n;
             insert into blast_recipients (blast_id, phone_number, status, standing, sent_at, message_id, attempt)
             values (1, '+60100000001', 'sent', 'sent', now(), 'M1', 1);
             analyze",
        )
        .await;
    let (_, before) = walks_and_lookups(scene.pool()).await;

    walks(&scene, async |pool| {
        let lately = Utc::now() - TimeDelta::hours(1);
        assert_eq!(poll::senders(pool, lately).await.unwrap(), [SENDER]);
        assert_eq!(poll::blasts(pool, SENDER, lately).await.unwrap(), [BLAST]);
    })
    .await;

    let (_, after) = walks_and_lookups(scene.pool()).await;
    assert!(after - before < 20, "{} lookups", after - before);
}

#[tokio::test]
async fn no_dashboard_walks_over_all_people_to_show_how_a_blast_stands() {
    let scene = two_halves().await;

    let walks = walks(&scene, async |pool| {
        let blasts = view::blasts::list(pool, &view::BlastFilter::default()).await.unwrap();
        let queued: Vec<_> = blasts.iter().map(|blast| blast.counts.queued).collect();
        assert_eq!(queued, [20_000, 0]);
        assert_eq!(view::blasts::counts(pool, BLAST).await.unwrap().read, 20_000);
        assert_eq!(view::blasts::state(pool, BlastId(2)).await.unwrap(), Some(BlastState::Draft));
        let orders = [view::Order::Row, view::Order::NewestChange];
        for (order, anchor) in
            orders.into_iter().flat_map(|order| [(order, view::Anchor::Start), (order, view::Anchor::End)])
        {
            let filter = blastdeck::domain::filter::Filter::default();
            let query = view::RecipientQuery { blast: BLAST, filter, order, as_of: None, anchor, limit: 100 };
            assert_eq!(view::recipients::window(pool, &query).await.unwrap().len(), 100);
        }
    })
    .await;

    assert_eq!(walks, 0);
}

#[tokio::test]
async fn a_plan_looks_once_at_each_person_also_right_after_an_import() {
    let scene = Scene::queued(0).await;
    // No statistics: whatever the planner thinks of these people is a guess.
    scene
        .execute(
            "alter table blast_recipients set (autovacuum_enabled = off);
             insert into blasts (blast_tag, sender_id, message, state) values ('Draft', 1, 'Hi', 'draft');
             insert into blast_recipients (blast_id, phone_number, status, standing, sent_at, message_id, attempt)
             select 1, '+60100' || lpad(n::text, 6, '0'), 'sent', 'sent', now(), 'M' || n, 1 from generate_series(1, 4000) as n;
             update blast_recipients set status = 'uncertain', standing = 'uncertain', sent_at = null where id % 10 = 0;
             insert into blast_recipients (blast_id, phone_number)
             select 2, '+60100' || lpad(n::text, 6, '0') from generate_series(1, 4000) as n;
             insert into suppressions (business, phone_number, source)
             select b, '+60100' || lpad(n::text, 6, '0'), 'person' from generate_series(1, 500) as n, unnest('{kedai,*}'::text[]) as b",
        )
        .await;

    let read = rows_read(&scene, async |pool| {
        let overlap =
            plan::overlap(pool, BlastId(2), ("kedai", Utc::now() - TimeDelta::days(7)), &[], None).await.unwrap();
        assert_eq!(
            (overlap.recently_messaged, overlap.queued_elsewhere),
            (3_500, 0),
            "without the 500 who get nothing, and with those of whom it is not known"
        );
        assert_eq!(suppression::count_in(pool, BlastId(2)).await.unwrap(), 500, "each counts once");
        assert_eq!(skip_suppressed(pool, BlastId(2)).await.unwrap(), 500);
    })
    .await;

    assert!(read < 25_000, "{read} rows were read for 4,000 people");
}

#[tokio::test]
async fn who_is_due_by_their_own_clock_is_written_by_key_also_right_after_an_import() {
    let scene = Scene::queued(0).await;
    scene
        .execute(
            "alter table blast_recipients set (autovacuum_enabled = off);
             insert into blast_recipients (blast_id, phone_number)
             select 1, '+60100' || lpad(n::text, 6, '0') from generate_series(1, 20000) as n",
        )
        .await;
    let hours = |id: &i64| TimeDelta::hours(1 + id % 24);
    let ids: Vec<i64> = sqlx::query_scalar("select id from blast_recipients").fetch_all(scene.pool()).await.unwrap();
    let now = Utc::now();
    let due: Vec<_> = ids.iter().map(|id| LocalDue { id: RecipientId(*id), at: now + hours(id) }).collect();

    let read = rows_read(&scene, async |pool| {
        let mut tx = pool.begin().await.unwrap();
        // Each compared with all of a statement's five thousand would take longer, and a million for ever.
        sqlx::query("set local statement_timeout = '10s'").execute(&mut *tx).await.unwrap();
        local_time::set_due(&mut tx, BLAST, &due).await.unwrap();
        tx.commit().await.unwrap();
    })
    .await;

    assert!(read < 70_000, "{read} rows were read for 20,000 people");
    let moments = "select count(distinct next_attempt_at) from blast_recipients where next_attempt_at > now()";
    assert_eq!(scene.number(moments).await, 24);
    let wrong = "select count(*) from blast_recipients
                  where round(extract(epoch from next_attempt_at - (select min(next_attempt_at) from blast_recipients)) / 3600) <> id % 24";
    assert_eq!(scene.number(wrong).await, 0);
}

#[tokio::test]
async fn whoever_opted_out_is_found_by_number_also_right_after_an_import() {
    let scene = Scene::queued(0).await;
    scene
        .execute(
            "alter table blast_recipients set (autovacuum_enabled = off);
             insert into blast_recipients (blast_id, phone_number)
             select 1, '+60100' || lpad(n::text, 6, '0') from generate_series(1, 4000) as n;
             insert into suppressions (business, phone_number, source)
             select 'kedai', '+60100' || lpad((n * 700)::text, 6, '0'), 'person' from generate_series(1, 10) as n",
        )
        .await;

    let read = rows_read(&scene, async |pool| {
        assert_eq!(suppression::count_in(pool, BLAST).await.unwrap(), 5);
        assert_eq!(skip_suppressed(pool, BLAST).await.unwrap(), 5);
        assert_eq!(skip_suppressed(pool, BLAST).await.unwrap(), 0);
    })
    .await;

    assert!(read < 200, "{read} rows were read for ten opt-outs");
}

#[tokio::test]
async fn whose_an_id_is_is_looked_up_by_key_however_many_are_known() {
    let scene = Scene::queued(0).await;
    let learned =
        |n: u32| LearnedIdentity { sender: SENDER, user_id: format!("MY.{n}"), phone: format!("+60100{n:06}") };

    let mut connection = scene.pool().acquire().await.unwrap();
    // A statement's plan is made when there are few, and kept.
    for batch in 0..20 {
        let batch: Vec<_> = (batch * 200..(batch + 1) * 200).map(learned).collect();
        assert_eq!(reply::learn(&mut connection, &batch).await.unwrap().len(), 200);
        assert_eq!(reply::learn(&mut connection, &batch).await.unwrap().len(), 0);
    }
    connection.close().await.unwrap();

    let read = "select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables where relname = 'user_ids'";
    let entries = "select coalesce(sum(idx_tup_read), 0)::bigint from pg_stat_user_indexes where relname = 'user_ids'";
    eventually_async("what was counted is reported", async || scene.number(entries).await > 0).await;
    let (read, entries) = (scene.number(read).await, scene.number(entries).await);
    assert!(read <= 8_000 && entries <= 8_000, "{read} rows and {entries} entries for 8,000 ids");
}

#[tokio::test]
async fn a_person_is_found_by_either_spelling_through_an_index() {
    let scene = two_halves().await;
    // Without statistics of the index's own expression, as right after an upgrade.
    scene
        .execute(
            "insert into blast_recipients (blast_id, phone_number, status, standing, sent_at, message_id, attempt)
             values (1, '+5548987654321', 'sent', 'sent', now(), 'M', 1), (2, '+554887654321', 'queued', 'queued', null, null, 0)",
        )
        .await;
    let other = Phone::parse("+554887654321", "MY".parse().unwrap()).unwrap();

    let read = rows_read(&scene, async |pool| {
        let mut connection = pool.acquire().await.unwrap();
        let reached = person::newest_reached(&mut connection, SENDER, other.as_str()).await.unwrap().unwrap();
        assert_eq!(suppression::open_rows(&mut connection, "*", "+5548987654321").await.unwrap().len(), 1);
        drop(connection);
        assert!(view::recipients::by_phone(pool, BLAST, &other).await.unwrap().is_some());
        assert_eq!(
            view::recipients::details(pool, reached.id).await.unwrap().unwrap().elsewhere.len(),
            0,
            "a draft is no history"
        );
    })
    .await;

    assert!(read < 30, "{read} rows were read for one person");
}

#[tokio::test]
async fn the_first_people_are_counted_as_in_the_funnel_and_beside_others_at_the_same_age() {
    let scene = Scene::queued(0).await;
    // The first blast is ten minutes old; all of its people are known by their status, some by their times too. The other is a day
    // old, and two of its people read it within ten minutes.
    scene
        .execute(
            "insert into blasts (blast_tag, sender_id, message, state, launched_at, blast_date)
             values ('Before', 1, 'Hi', 'completed', now() - interval '1 day', now() - interval '1 day'),
                    ('Never begun', 1, 'Hi', 'completed', now() - interval '2 days', now() - interval '2 days');
             insert into blasts (blast_tag, follow_up_stage, sender_id, message, state, launched_at, blast_date, total_recipients)
             values ('Raya', 'Test', 1, 'Hi', 'completed', now() - interval '1 hour', now() - interval '1 hour', 1);
             insert into blast_recipients (blast_id, phone_number, status, standing, sent_at, changed_at, message_id, attempt)
             values (4, '+60100000077', 'read', 'read', now() - interval '1 hour', now(), 'T1', 1);
             insert into blast_recipients (blast_id, phone_number, status, standing, sent_at, delivered_at, read_timestamp, changed_at,
                                           message_id, attempt)
             select 1, '+60100' || lpad(n::text, 6, '0'), s::recipient_status, s::recipient_status,
                    now() - interval '11 minutes' + n * interval '1 minute', d, r, now(), 'M' || n, 1
               from (values (1, 'read', now() - interval '2 minutes', now() - interval '1 minute'),
                            (2, 'read', null, now() - interval '1 minute'),
                            (3, 'read', null, null),
                            (4, 'delivered', null, null),
                            (5, 'closed', null, null)) as p (n, s, d, r);
             insert into blast_recipients (blast_id, phone_number) values (1, '+60100000009');
             insert into blast_recipients (blast_id, phone_number, status, standing, sent_at, read_timestamp, changed_at, message_id,
                                           attempt)
             select 2, '+60100' || lpad(n::text, 6, '0'), 'read', 'read', now() - interval '1 day',
                    now() - interval '1 day' + n * interval '4 minutes', now(), 'N' || n, 1 from generate_series(1, 4) as n;",
        )
        .await;

    let fared = plan::fared(scene.pool(), BLAST, "kedai").await.unwrap();

    let rows: Vec<_> = fared.iter().map(|row| (&*row.tag, row.sent, row.received, row.read, row.replied)).collect();
    // One to oneself is no blast to compare with.
    assert_eq!(rows, [("Raya", 5, 5, 4, 1), ("Before", 4, 2, 2, 0)]);
    let funnel = view::blasts::counts(scene.pool(), BLAST).await.unwrap().funnel();
    assert_eq!((funnel.sent, funnel.received, funnel.read, funnel.replied), (5, 5, 4, 1));
}

#[tokio::test]
async fn what_was_lost_with_somebody_who_was_forgotten_is_found_without_all_other_acts() {
    let scene = Scene::queued(3).await;
    scene
        .execute(
            r#"insert into operator_actions (operator, action, detail)
               select 'aina', 'suppress', '{}' from generate_series(1, 20000);
               insert into operator_actions (operator, action, detail) values ('aina', 'forget', '{"lost": ["person 2"]}');
               analyze"#,
        )
        .await;
    let mut tx = scene.pool().begin().await.unwrap();
    let read = "select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables
                 where relname = 'operator_actions'";
    // Of what the session did before, not all is counted elsewhere yet.
    let before: i64 = sqlx::query_scalar(read).fetch_one(&mut *tx).await.unwrap();

    let lost = forget::lost_words(&mut tx, &[RecipientId(1), RecipientId(2)]).await.unwrap();

    let after: i64 = sqlx::query_scalar(read).fetch_one(&mut *tx).await.unwrap();
    assert_eq!((lost, after - before), (vec![RecipientId(2)], 1));
}
