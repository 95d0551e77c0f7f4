//! What happens in the same moment: a pause that meets an operator's change, news of other installations, crowds that wait.

use std::time::Duration;

use blastdeck::store::inbox::{self, InboxProgress, NewWebhook};
use blastdeck::store::months;
use serde_json::json;
use sqlx::postgres::PgPoolOptions;

use super::scene::{InboxScene, envelope, failed, status, statuses, text, uncertain};
use crate::support::{database, eventually_async};

fn webhook(body: &[u8]) -> NewWebhook {
    NewWebhook { provider: "meta", senders: None, content_type: None, body: body.to_vec().into() }
}

#[tokio::test]
async fn a_pause_by_a_notice_is_not_lost_to_a_change_in_the_same_moment() {
    let sending =
        "update blasts set state = 'sending', template = '{\"name\":\"tour\",\"language\":{\"code\":\"en_US\"}}';
                   update blast_recipients set status = 'uncertain', standing = 'uncertain' where id = 1;
                   update status_history set new_status = 'uncertain' where recipient_id = 1";
    let scene = InboxScene::with(1, "cloud", sending).await;
    let mut operator = scene.shop.database.pool.begin().await.unwrap();
    sqlx::query("update blasts set version = version + 1").execute(&mut *operator).await.unwrap();
    let notice = json!({ "field": "message_template_status_update", "event": "PAUSED", "message_template_id": 1,
                         "message_template_name": "tour", "message_template_language": "en_US" });
    scene.serve.meta(envelope(&notice).to_string()).await;
    let waits = "select count(*) from pg_stat_activity
                  where datname = current_database() and wait_event_type = 'Lock' and query like 'update blasts%'";
    eventually_async("the pause waits for the operator", async || scene.shop.number(waits).await > 0).await;

    operator.commit().await.unwrap();

    eventually_async("it is paused", async || scene.shop.state("1").await == "paused").await;
}

#[tokio::test]
async fn a_lock_holds_up_only_what_needs_it() {
    let scene = InboxScene::sent(40).await;
    let mut lock = scene.shop.database.pool.begin().await.unwrap();
    sqlx::query("select 1 from senders for no key update").execute(&mut *lock).await.unwrap();
    let mut crowd: Vec<_> = (1..=30).map(|n| text(n, &format!("wamid.in{n}"), "STOP")).collect();
    crowd.push(statuses(&[status(31, "read"), failed(32, 131_050), status(33, "delivered")]));
    crowd.push(text(34, "wamid.in34", "Hello"));
    for value in &crowd {
        assert!(scene.serve.meta(envelope(value).to_string()).await.is_success());
    }

    for (n, expected) in [(31, "read"), (33, "delivered"), (34, "replied")] {
        eventually_async("what needs no lock is applied", async || scene.status(n).await == expected).await;
    }
    assert_eq!(scene.shop.number("select count(*) from suppressions").await, 0);

    lock.rollback().await.unwrap();
    let suppressed = "select count(*) from suppressions";
    eventually_async("the others follow", async || scene.shop.number(suppressed).await == 31).await;
    eventually_async("so does the failure", async || scene.status(32).await == "opted_out").await;
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_reply_belongs_to_a_message_that_is_known_to_have_gone_in_the_same_moment() {
    let scene = InboxScene::with(1, "cloud", &uncertain(1)).await;
    // After the reply's message was looked for, and before it is asked whether one may be on its way.
    let mut between = scene.shop.database.pool.begin().await.unwrap();
    sqlx::query("lock table claims in access exclusive mode").execute(&mut *between).await.unwrap();
    scene.serve.meta(envelope(&text(1, "wamid.in1", "Hello")).to_string()).await;
    let asks = "select count(*) from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock' and query like '%in_flight f where f.recipient_id = r.id and f.claimed_at <=%r.status = ''uncertain''%'";
    eventually_async("it is asked", async || scene.shop.number(asks).await > 0).await;

    sqlx::raw_sql(
        "update blast_recipients set status = 'sent', standing = 'sent', message_id = 'wamid.1', sent_at = now();
         update provider_message set outcome = 'accepted', message_id = 'wamid.1';
         insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)
         values (1, 1, 1, 'uncertain', 'sent', 'webhook')",
    )
    .execute(&mut *between)
    .await
    .unwrap();
    between.commit().await.unwrap();

    scene.until_applied().await;
    eventually_async("they replied", async || scene.status(1).await == "replied").await;
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_status_of_another_installation_or_program_is_nobodys_at_once() {
    let scene = InboxScene::sent(1).await;
    let mut foreign = status(9, "delivered");
    foreign["biz_opaque_callback_data"] = json!("blastdeck:another-installation:1:1:1:1790000000123456");
    let mut of_another_program = status(8, "delivered");
    of_another_program["biz_opaque_callback_data"] = json!("order 77");

    scene.receive(statuses(&[foreign, of_another_program])).await;

    assert_eq!(scene.text("select state from webhook_inbox").await.as_deref(), Some("applied"));
}

/// Whatever it says of the message; an opt-out in it is its person's all the same.
#[tokio::test]
async fn a_status_of_a_blast_that_was_deleted_is_nobodys_at_once() {
    let scene = InboxScene::sent(2).await;
    let mut late = [status(1, "read"), failed(2, 131_050)];
    for (recipient, item) in (1..).zip(&mut late) {
        item["biz_opaque_callback_data"] = json!(scene.callback(recipient).await);
    }
    scene.shop.ok(&["blast", "delete", "1", "--yes"]).await;
    let people = "select count(*) from blast_recipients";
    eventually_async("its people are gone", async || scene.shop.number(people).await == 0).await;

    scene.receive(statuses(&late)).await;

    assert_eq!(scene.text("select state from webhook_inbox").await.as_deref(), Some("applied"));
    let suppressed = "select string_agg(phone_number, ' ') from suppressions";
    assert_eq!(scene.text(suppressed).await.as_deref(), Some("+60100000002"));
}

#[tokio::test]
async fn what_is_new_is_taken_before_a_crowd_that_waits_and_some_of_the_crowd_beside_it() {
    let database = database().await;
    let pool = &database.pool;
    let parked = "insert into webhook_inbox (provider, digest, body, state, open_items, next_try_at)
                  select 'meta', sha256(n::text::bytea), 'x', 'parked', '{0}', now() - interval '1 minute'
                    from generate_series(1, 1500) as n";
    sqlx::raw_sql(parked).execute(pool).await.unwrap();
    let new: Vec<_> = (0..1_100).map(|n: u32| webhook(n.to_string().as_bytes())).collect();
    inbox::insert(pool, &new).await.unwrap();

    let mut tx = inbox::begin(pool).await.unwrap();
    let taken = inbox::take(&mut tx).await.unwrap();

    let waiting = taken.iter().filter(|row| row.open_items.is_some()).count();
    let fresh = taken.len() - waiting;
    assert!(fresh >= 500, "{fresh} new beside {waiting} that wait");
    assert!(waiting >= 50, "{fresh} new beside {waiting} that wait");
}

#[tokio::test]
async fn a_request_is_on_disk_before_it_is_answered_whatever_the_databases_default() {
    let database = database().await;
    let watch = "create table watched (setting text);
                 create function watch() returns trigger language plpgsql as $$
                 begin insert into watched values (current_setting('synchronous_commit')); return null; end $$;
                 create trigger watch after insert on webhook_inbox for each row execute function watch();
                 do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$";
    sqlx::raw_sql(watch).execute(&database.pool).await.unwrap();
    let pool = PgPoolOptions::new().connect(&database.url).await.unwrap();

    inbox::insert(&pool, &[webhook(b"{}")]).await.unwrap();

    let setting: String = sqlx::query_scalar("select setting from watched").fetch_one(&pool).await.unwrap();
    assert_eq!(setting, "on");
    pool.close().await;
}

#[tokio::test]
async fn an_old_day_is_kept_while_something_of_it_is_not_applied() {
    let database = database().await;
    let pool = &database.pool;
    let old = "do $$ begin
                   for n in 5..6 loop
                       execute format('create table ago_%s partition of webhook_inbox for values from (%L) to (%L)', n,
                                      (now() at time zone 'UTC')::date - n, (now() at time zone 'UTC')::date - n + 1);
                       execute format('insert into webhook_inbox (received_on, provider, digest, body) values (%L, ''meta'', %L, ''x'')',
                                      (now() at time zone 'UTC')::date - n, 'x');
                   end loop;
               end $$";
    sqlx::raw_sql(old).execute(pool).await.unwrap();
    let mut tx = inbox::begin(pool).await.unwrap();
    let rows = inbox::take(&mut tx).await.unwrap();
    let waits = InboxProgress { items: 1, open: vec![0], pause: Duration::from_secs(60), ..InboxProgress::default() };
    let progress = [waits, InboxProgress { items: 1, ..InboxProgress::default() }];
    inbox::mark(&mut tx, &rows.into_iter().zip(progress).collect::<Vec<_>>()).await.unwrap();
    tx.commit().await.unwrap();

    let dropped = months::drop_old_days(pool, 4).await.unwrap();

    assert_eq!(dropped.gone, ["ago_5"], "of the older one something waits");
    sqlx::raw_sql("update webhook_inbox set state = 'applied'").execute(pool).await.unwrap();
    assert_eq!(months::drop_old_days(pool, 4).await.unwrap().gone, ["ago_6"]);
}
