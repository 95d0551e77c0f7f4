//! What happened, against a real Postgres: one list out of six tables, page by page; what is new to whom; and who is here.

mod orders;
mod unread;

use blastdeck::app::Access;
use blastdeck::domain::act::Act;
use blastdeck::domain::blast::BlastState;
use blastdeck::domain::ids::{RecipientId, SenderId};
use blastdeck::domain::sender::StopCode;
use blastdeck::domain::status::Status;
use blastdeck::domain::unseen::{SeenSpan, Unseen};
use blastdeck::store::sender::{self, StopOutcome};
use blastdeck::store::view::activity::{self, ActivityEvent, ActivityRow, LeftByUndo};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};

use crate::recurring::app_with;
use crate::support::{Setup, Shop, TestDatabase, database, digits, eventually_async};

/// Two blasts, three people, and a minute between any two events.
const SCENE: &str = "
    insert into senders (name, provider, business, rehearsal) values ('sales', 'wsapme', 'kedai', true);
    insert into blasts (blast_tag, sender_id, message) values ('Hari Sukan', 1, 'hi'), ('Raya promo', 1, 'Hi {name}');
    insert into blast_recipients (blast_id, phone_number, name, status, error_message, sent_at) values
        (2, '+60100000001', 'Siti Aminah', 'replied', null, '2026-11-20 01:00Z'),
        (2, '+60100000002', 'Tan Mei Ling', 'failed', 'Undeliverable', null),
        (1, '+60100000003', 'Kavitha', 'read', null, '2026-11-19 01:00Z');
    insert into replies (sender_id, blast_id, recipient_id, phone_number, kind, body, message_id, at, received_at) values
        (1, 2, 1, '+60100000001', 'text', 'How much?', 'wamid.1', '2026-11-20 02:00Z', '2026-11-20 02:00Z'),
        (1, null, null, '+60199999999', 'text', 'Who is this?', 'wamid.2', '2026-11-20 02:01Z', '2026-11-20 02:01Z');
    insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, changed_at) values
        (2, 2, 1, 'sending', 'failed', 'send', '2026-11-20 02:02Z'),
        (2, 1, 1, 'sent', 'delivered', 'poll', '2026-11-20 02:02Z');
    insert into suppressions (business, phone_number, reason, source, created_by, created_at) values
        ('kedai', '+60100000003', 'STOP', 'person', 'the person', '2026-11-20 02:03Z'),
        ('other', '+60100000003', 'STOP', 'person', 'the person', '2026-11-20 02:03Z');
    insert into operator_actions (operator, action, blast_id, recipient_id, phone_number, detail, at) values
        ('ben', 'closed', 2, 1, '+60100000001', '{\"amount\": \"120\"}', '2026-11-20 02:04Z'),
        ('ben', 'replied', 2, 1, '+60100000001', '{\"several\": {\"act\": \"7\", \"people\": 2}}', '2026-11-20 02:05Z'),
        ('ben', 'replied', 2, 2, '+60100000002', '{\"several\": {\"act\": \"7\", \"people\": 2}}', '2026-11-20 02:05Z'),
        ('ben', 'pause', 2, null, null, '{}', '2026-11-20 02:06Z');
    insert into blast_changes (blast_id, old_state, new_state, reason, by_whom, at) values
        (2, 'sending', 'paused', null, 'ben', '2026-11-20 02:06Z');
    insert into provider_notices (digest, provider, field, words, effect, at, received_at) values
        ('x', 'meta', 'account_update', 'restricted', 'sender stopped', '2026-11-20 02:07Z', '2026-11-20 02:07Z')";

async fn scene() -> TestDatabase {
    let database = database().await;
    run(&database.pool, SCENE).await;
    database
}

async fn run(pool: &PgPool, statements: &str) {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(pool).await.unwrap();
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn words(row: &ActivityRow) -> String {
    let what = match &row.event {
        ActivityEvent::Reply { text, .. } => text.clone(),
        ActivityEvent::OptOut { reason, .. } => format!("opt-out {}", reason.as_deref().unwrap()),
        ActivityEvent::Trouble { status, why } => format!("{status} {}", why.as_deref().unwrap()),
        ActivityEvent::Act { act, by, people, .. } => format!("{act} by {by} {}", people.unwrap_or(1)),
        ActivityEvent::Change { to, .. } => to.to_string(),
        ActivityEvent::Notice { words, .. } => words.clone(),
    };
    let who = row.name.as_deref().or(row.tag.as_deref()).unwrap_or("-");
    format!("{who}: {what}")
}

#[tokio::test]
async fn six_tables_are_one_list_newest_first_and_a_bulk_mark_is_one_line() {
    let scene = scene().await;

    let rows = activity::page(&scene.pool, None, 50).await.unwrap();

    assert_eq!(
        rows.iter().map(words).collect::<Vec<_>>(),
        [
            "-: restricted",
            "Raya promo: paused",
            "Raya promo: replied by ben 2",
            "Siti Aminah: closed by ben 1",
            "Kavitha: opt-out STOP",
            "Tan Mei Ling: failed Undeliverable",
            "-: Who is this?",
            "Siti Aminah: How much?",
        ]
    );
    let of = |n: usize| (rows[n].blast.map(|id| id.0), rows[n].recipient.map(|id| id.0));
    assert_eq!(
        [of(1), of(2), of(3), of(4), of(6)],
        [(Some(2), None), (Some(2), None), (Some(2), Some(1)), (Some(1), Some(3)), (None, None)]
    );
    assert!(matches!(rows[3].event, ActivityEvent::Act { act: Act::Closed, .. }));
    assert!(matches!(rows[1].event, ActivityEvent::Change { from: BlastState::Sending, .. }));
    assert!(matches!(rows[5].event, ActivityEvent::Trouble { status: Status::Failed, .. }));
}

#[tokio::test]
async fn an_opt_out_that_is_lifted_has_the_name_of_whoever_it_was() {
    let scene = scene().await;
    let lifted = "insert into operator_actions (operator, action, phone_number, detail, at) values
                      ('ana', 'unsuppress', '+60100000003', '{\"business\": \"kedai\"}', '2026-11-20 02:08Z'),
                      ('ana', 'unsuppress', '+60100000009', '{\"business\": \"kedai\"}', '2026-11-20 02:09Z')";
    run(&scene.pool, lifted).await;

    let rows = activity::page(&scene.pool, None, 2).await.unwrap();

    assert!(rows.iter().all(|row| matches!(row.event, ActivityEvent::Act { act: Act::Unsuppress, .. })), "{rows:?}");
    let names: Vec<_> = rows.iter().map(|row| row.name.as_deref()).collect();
    assert_eq!(names, [None, Some("Kavitha")], "nobody has the other number");
}

#[tokio::test]
async fn a_window_that_only_reads_has_one_moment_from_which_on_things_are_new() {
    let shop = Shop::open(Setup::default()).await;
    let window = app_with(&shop, "aina", Access::ReadOnly).await;

    let first = window.activity_head().await.unwrap();
    let second = window.activity_head().await.unwrap();

    assert_eq!(second.unseen, first.unseen, "a head that changes by itself is drawn for nothing");
}

#[tokio::test]
async fn an_undo_tells_what_it_left_whatever_became_of_the_person_since() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..1).await;
    shop.until_idle().await;
    shop.execute("update blast_recipients set status = 'read', standing = 'read', closed_at = null, replied_marked_at = null, reply_seen_at = null").await;
    let mark = async |what: &[&str]| shop.ok(&[&["mark", &blast, &format!("+{}", digits(0))], what].concat()).await;
    mark(&["closed", "--amount", "200"]).await;
    mark(&["undo"]).await;
    mark(&["replied"]).await;

    let rows = activity::page(&shop.database.pool, None, 50).await.unwrap();

    let left = rows.iter().find_map(|row| match &row.event {
        ActivityEvent::Act { act: Act::Undo, left, .. } => *left,
        _ => None,
    });
    assert_eq!(left, Some(LeftByUndo { status: Status::Read, amount: None }), "{rows:?}");
}

#[tokio::test]
async fn what_was_taken_back_is_one_line_but_for_a_sale_which_says_so() {
    let scene = scene().await;
    run(
        &scene.pool,
        "update operator_actions set undone_by = 'ben' where action = 'closed' or recipient_id = 1;
         insert into operator_actions (operator, action, blast_id, recipient_id, phone_number, detail, at) values
             ('ben', 'undo', 2, 1, '+60100000001', '{\"action\": \"closed\", \"several\": {\"act\": \"8\", \"people\": 1}}',
              '2026-11-20 02:08Z')",
    )
    .await;

    let rows = activity::page(&scene.pool, None, 50).await.unwrap();

    let acts: Vec<_> = rows.iter().filter(|row| matches!(row.event, ActivityEvent::Act { .. })).map(words).collect();
    let expected = ["Siti Aminah: undo by ben 1", "Raya promo: replied by ben 2", "Siti Aminah: closed by ben 1"];
    assert_eq!(acts, expected, "one of two still stands");
    let taken_back = rows.iter().filter_map(|row| match &row.event {
        ActivityEvent::Act { act: Act::Closed, taken_back_by, .. } => taken_back_by.as_deref(),
        _ => None,
    });
    assert_eq!(taken_back.collect::<Vec<_>>(), ["ben"]);
    assert!(matches!(&rows[0].event, ActivityEvent::Act { detail: Some(what), people: None, .. } if what == "closed"));
    run(
        &scene.pool,
        "update operator_actions set detail = '{\"amount\": \"200\"}' where action = 'closed';
         update operator_actions set detail = detail || jsonb_build_object('of', (select max(id) from operator_actions where action = 'closed'))
          where action = 'undo'",
    )
    .await;
    let rows = activity::page(&scene.pool, None, 50).await.unwrap();
    assert!(
        matches!(&rows[0].event, ActivityEvent::Act { detail: Some(what), .. } if what == "closed 200"),
        "{rows:?}"
    );
    run(&scene.pool, "update operator_actions set undone_by = 'ben' where action = 'replied'").await;
    let rows = activity::page(&scene.pool, None, 50).await.unwrap();
    assert!(!rows.iter().any(|row| words(row).contains("replied")), "{rows:?}");
}

#[tokio::test]
async fn a_launch_says_when_it_starts_while_it_can_be_taken_back() {
    let scene = scene().await;
    run(
        &scene.pool,
        "insert into blast_changes (blast_id, old_state, new_state, by_whom, at) values
             (2, 'draft', 'sending', 'ben', '2026-11-20 02:09Z');
         update blasts set state = 'sending', send_after = '2026-11-20 02:09:10Z' where id = 2;
         delete from blast_changes where at > '2026-11-20 02:10Z'",
    )
    .await;

    let rows = activity::page(&scene.pool, None, 50).await.unwrap();

    let starts = |row: &ActivityRow| match row.event {
        ActivityEvent::Change { starts_at, .. } => Some(starts_at),
        _ => None,
    };
    let found: Vec<_> = rows.iter().filter_map(starts).collect();
    assert_eq!(found[0], Some(at("2026-11-20T02:09:10Z")), "{rows:?}");
    assert!(found[1..].iter().all(Option::is_none), "{rows:?}");

    // Paused and resumed within the minute: the start is that of the resume.
    run(
        &scene.pool,
        "insert into blast_changes (blast_id, old_state, new_state, by_whom, at) values
             (2, 'sending', 'paused', 'canary', '2026-11-20 02:09:20Z'), (2, 'paused', 'sending', 'root', '2026-11-20 02:09:31Z');
         update blasts set send_after = '2026-11-20 02:09:32Z' where id = 2",
    )
    .await;
    let rows = activity::page(&scene.pool, None, 50).await.unwrap();
    let found: Vec<_> = rows.iter().filter_map(starts).collect();
    assert_eq!(found[..3], [Some(at("2026-11-20T02:09:32Z")), None, None], "{rows:?}");
    run(&scene.pool, "delete from blast_changes where at > '2026-11-20 02:09:10Z'").await;

    // Launched to start at once: it is not armed.
    run(&scene.pool, "update blasts set send_after = '2026-11-20 02:09Z' where id = 2").await;
    let rows = activity::page(&scene.pool, None, 50).await.unwrap();
    assert!(rows.iter().filter_map(starts).all(|starts| starts.is_none()), "{rows:?}");

    // Behind a stop of its sender it starts once that is resumed.
    run(
        &scene.pool,
        "update blasts set send_after = '2026-11-20 02:09:10Z' where id = 2;
         update senders set stopped_at = '2026-11-20 02:08Z', stopped_code = 'device', stopped_reason = 'Device is offline'",
    )
    .await;
    let rows = activity::page(&scene.pool, None, 50).await.unwrap();
    assert!(rows.iter().filter_map(starts).all(|starts| starts.is_none()), "{rows:?}");
}

#[tokio::test]
async fn pages_of_any_size_make_up_the_same_list_also_within_one_moment() {
    let scene = scene().await;
    run(
        &scene.pool,
        "update replies set received_at = '2026-11-20 02:03Z'; update status_history set changed_at = '2026-11-20 02:03Z';
         update operator_actions set at = '2026-11-20 02:03Z'; update blast_changes set at = '2026-11-20 02:03Z';
         update provider_notices set received_at = '2026-11-20 02:03Z'",
    )
    .await;
    let whole = activity::page(&scene.pool, None, 50).await.unwrap();

    for size in 1..5 {
        let mut rows: Vec<ActivityRow> = Vec::new();
        loop {
            let page = activity::page(&scene.pool, rows.last().map(|row| row.place), size).await.unwrap();
            if page.is_empty() {
                break;
            }
            rows.extend(page);
        }
        assert_eq!(rows, whole, "pages of {size}");
    }
    assert_eq!(whole.len(), 8);
}

/// However much there is, a page reads a page of each table's index.
#[tokio::test]
async fn a_page_walks_over_no_table() {
    let scene = scene().await;
    run(
        &scene.pool,
        "insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, changed_at)
         select 2, 1, 1, 'sent', case when n % 100 = 0 then 'failed' else 'delivered' end::recipient_status, 'poll',
                '2026-11-20 02:02Z'::timestamptz - n * interval '1 second'
           from generate_series(1, 40000) n;
         insert into replies (sender_id, phone_number, kind, body, message_id, at, received_at)
         select 1, '+60100000001', 'text', 'hi', 'm' || n, now(), '2026-11-20 02:00Z'::timestamptz - n * interval '1 second'
           from generate_series(1, 20000) n;
         analyze",
    )
    .await;
    let read = async || -> (i64, i64) {
        sqlx::query_as(
            "select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint, coalesce(sum(idx_scan), 0)::bigint
               from pg_stat_user_tables where relname like 'status_history%' or relname = 'replies'",
        )
        .fetch_one(&scene.pool)
        .await
        .unwrap()
    };
    let (rows, scans) = read().await;
    let pool = PgPoolOptions::new().max_connections(1).connect(&scene.url).await.unwrap();

    let page = activity::page(&pool, None, 60).await.unwrap();
    activity::page(&pool, page.last().map(|row| row.place), 60).await.unwrap();
    let mut unseen = Unseen::since(at("2026-11-20T01:00:00Z"));
    for minute in 1..12 {
        unseen.show(SeenSpan::at(at("2026-11-20T01:00:00Z") + TimeDelta::minutes(5 * minute)));
    }
    activity::head(&pool, "aina", unseen).await.unwrap();

    // A connection reports what it counted when it ends.
    pool.close().await;
    eventually_async("what was counted is reported", async || read().await.1 > scans).await;
    let rows = read().await.0 - rows;
    assert!(rows < 2_000, "{rows} rows of 60,000 were read");
}

#[tokio::test]
async fn a_sender_that_stops_and_goes_on_is_among_what_happened() {
    let scene = scene().await;
    let (pool, sender) = (&scene.pool, SenderId(1));
    let code = StopCode::Provider("190".to_owned());
    let [first, again] = ["the account is locked", "once more"];
    assert_eq!(sender::stop(pool, sender, &code, first).await.unwrap(), StopOutcome::Stopped);
    assert_eq!(sender::stop(pool, sender, &code, again).await.unwrap(), StopOutcome::StoppedAlready);
    let mut tx = pool.begin().await.unwrap();
    assert_eq!(sender::unstop(&mut tx, sender, "aina").await.unwrap(), Some(code));
    assert_eq!(sender::unstop(&mut tx, sender, "aina").await.unwrap(), None);
    tx.commit().await.unwrap();

    let rows = activity::page(pool, None, 50).await.unwrap();

    let seen: Vec<_> = rows[..2]
        .iter()
        .map(|row| match &row.event {
            ActivityEvent::Act { act, by, detail, .. } => {
                (act.word(), by.as_str(), detail.as_deref(), row.name.as_deref())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let sales = Some("sales");
    let stopped = ("stop-sender", "engine", Some("the account is locked"), sales);
    assert_eq!(seen, [("resume-sender", "aina", None, sales), stopped]);
}

#[tokio::test]
async fn a_deleted_draft_is_named_and_a_close_that_became_an_order_is_not_said_to_be_taken_back() {
    let scene = scene().await;
    run(
        &scene.pool,
        "update operator_actions set undone_by = 'ben', undone_at = now(), detail = detail || '{\"replaced\": true}'
          where action = 'closed';
         insert into operator_actions (operator, action, blast_id, detail) values
             ('ben', 'edit', 99, '{\"version\": 3}'),
             ('ben', 'edit', 99, '{\"skipped\": \"2026-11-30T01:00:00Z\"}'),
             ('ben', 'edit', 99, '{\"start\": \"2026-11-30T02:00:00Z\"}'),
             ('ben', 'delete', 99, '{\"tag\": \"Raya last call\", \"stage\": \"Follow-up 1\"}')",
    )
    .await;

    let rows = activity::page(&scene.pool, None, 50).await.unwrap();

    assert_eq!(rows[0].blast_name().as_deref(), Some("Raya last call, Follow-up 1"), "{:?}", rows[0]);
    assert_eq!(rows[0].name, None);
    assert_eq!(rows[1].blast_name(), rows[0].blast_name(), "what was done to it before: {:?}", rows[1]);
    let detail = |row: &ActivityRow| match &row.event {
        ActivityEvent::Act { detail, .. } => detail.clone(),
        _ => None,
    };
    let before: Vec<_> = rows[1..3].iter().filter_map(detail).collect();
    assert_eq!(before, ["start 2026-11-30T02:00:00Z", "skipped 2026-11-30T01:00:00Z"]);
    assert!(!rows.iter().any(|row| words(row).contains("closed")), "{rows:?}");
}

#[tokio::test]
async fn an_answer_has_its_own_row_beside_and_one_that_failed_is_counted_until_it_is_seen() {
    let scene = scene().await;
    run(
        &scene.pool,
        "insert into blasts (blast_tag, follow_up_stage, sender_id, message, state, answers_blast, answers_recipient, answer_until)
         values ('Answer to Siti', 'Answer', 1, 'RM 20', 'completed', 2, 1, now() + interval '1 day');
         insert into blast_recipients (blast_id, phone_number, status, standing) values (3, '+60100000001', 'failed', 'failed');
         insert into operator_actions (operator, action, blast_id, recipient_id, phone_number, detail) values
             ('ben', 'answer', 2, 1, '+60100000001', '{\"answer\": 3}');
         insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source) values
             (3, 4, 1, 'sending', 'failed', 'send')",
    )
    .await;

    let rows = activity::page(&scene.pool, None, 50).await.unwrap();
    let unseen = Unseen::since(at("2026-11-20T00:00:00Z"));
    let head = activity::head(&scene.pool, "aina", unseen).await.unwrap();

    let answer = rows.iter().find_map(|row| match row.event {
        ActivityEvent::Act { act: Act::Answer, answer, .. } => Some((row.recipient, answer)),
        _ => None,
    });
    assert_eq!(answer, Some((Some(RecipientId(1)), Some(RecipientId(4)))), "{rows:?}");
    assert_eq!(head.failed_answers, 1, "the failure of the blast itself is none");
    let seen = activity::head(&scene.pool, "aina", Unseen::since(chrono::Utc::now())).await.unwrap();
    assert_eq!(seen.failed_answers, 0);
}
