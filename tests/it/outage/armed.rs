//! A launch whose ten seconds pass while the database does not answer: whoever launched it could not take it back.

use std::time::{Duration, Instant};

use blastdeck::app::{App, Launch};
use blastdeck::domain::ids::BlastId;

use super::{Frozen, SETUP, nothing_leaves};
use crate::chaos::proxied;
use crate::recurring::engine_app;
use crate::support::{Shop, TestDatabase, TestDir, eventually_async, private_postgres, settle_for};

/// How many engines wait for the very time at which the blast starts.
const KNOWS_WHEN: &str = "select count(*) from sender_leases l join blasts b on b.deleted_at is null
    where (l.waiting -> 'blasts' -> b.id::text ->> 'until')::timestamptz = b.send_after";

/// Launches a draft to three people as somebody at a dashboard does.
async fn launch(shop: &Shop, app: &App) -> String {
    let id = shop.draft(0..3).await;
    let blast = BlastId(id.parse().unwrap());
    let version = app.blast(blast).await.unwrap().version;
    app.launch(Launch { blast, version, people: 3, armed_for: Launch::ARMED_FOR }).await.unwrap();
    id
}

/// So much of the ten seconds is left.
async fn leave(shop: &Shop, seconds: i64) {
    shop.execute(&format!(
        "update blasts set send_after = now() + interval '{seconds} s', armed_at = now() - interval '{} s'",
        10 - seconds
    ))
    .await;
}

async fn seconds_left(shop: &Shop) -> i64 {
    shop.number("select ceil(extract(epoch from send_after - now()))::bigint from blasts where deleted_at is null")
        .await
}

/// Gives a scheduled blast a time that is more than two seconds away when this returns, however busy the machine is, and returns when that is.
async fn due_soon(shop: &Shop, id: &str) -> Instant {
    let mut lead = Duration::from_secs(5);
    loop {
        let due = Instant::now() + lead;
        let until = format!("now() + interval '{} s'", lead.as_secs());
        shop.execute(&format!("update blasts set scheduled_for = {until}, send_after = {until} where id = {id}")).await;
        // A moment in which its engine may read that; also one that has not read it sends nothing.
        settle_for(2_500).await;
        if due.saturating_duration_since(Instant::now()) > Duration::from_secs(2) {
            return due;
        }
        lead *= 3;
    }
}

/// It waits ten seconds more, and `u` takes it back.
async fn is_armed_again(shop: &Shop, app: &App) {
    eventually_async("it waits again", async || seconds_left(shop).await > 6).await;
    assert_eq!(nothing_leaves(shop).await, 0);
    app.undo_mine().await.unwrap();
    assert_eq!(
        shop.number("select count(*) from blasts where state = 'draft' and armed_at is null and deleted_at is null")
            .await,
        1
    );
}

#[tokio::test]
async fn a_launch_that_nobody_could_take_back_waits_ten_seconds_more_once_the_database_answers() {
    let (shop, proxy) = proxied(SETUP).await;
    let engine = shop.engine();
    let app = engine_app(&shop, "one").await;
    launch(&shop, &app).await;
    eventually_async("its engine waits for it", async || {
        shop.number("select count(*) from sender_leases where waiting::text like '%armed%'").await == 1
    })
    .await;

    leave(&shop, 1).await;
    for _ in 0..600 {
        proxy.cut();
        settle_for(5).await;
    }

    is_armed_again(&shop, &app).await;
    engine.stop().await;
}

#[tokio::test]
async fn so_does_one_whose_engine_was_killed_meanwhile_and_none_that_could_be_taken_back() {
    let (shop, _proxy) = proxied(SETUP).await;
    let app = engine_app(&shop, "one").await;
    let engine = shop.engine();
    let blast = launch(&shop, &app).await;
    eventually_async("its engine waits for it", async || {
        shop.number("select count(*) from sender_leases where holder is not null").await == 1
    })
    .await;
    engine.kill().await;
    leave(&shop, 0).await;
    shop.execute("update sender_leases set expires_at = now() - interval '1 s'").await;

    let engine = shop.engine();
    is_armed_again(&shop, &app).await;

    shop.send(&blast).await;
    shop.until_posts(3).await;
    engine.stop().await;
}

#[tokio::test]
async fn a_launch_that_takes_seconds_is_shown_for_ten_seconds_all_the_same() {
    let shop = Shop::open(SETUP).await;
    let app = engine_app(&shop, "one").await;
    let id = shop.draft(0..3).await;
    let mut by_hand = shop.database.pool.begin().await.unwrap();
    sqlx::query("lock table suppressions in access exclusive mode").execute(&mut *by_hand).await.unwrap();
    let held = async {
        settle_for(1_500).await;
        by_hand.rollback().await.unwrap();
    };
    let blast = BlastId(id.parse().unwrap());
    let version = app.blast(blast).await.unwrap().version;
    let launch = Launch { blast, version, people: 3, armed_for: Launch::ARMED_FOR };
    let (launched, ()) = tokio::join!(app.launch(launch), held);

    let (launched, now) = (launched.unwrap(), shop.number("select extract(epoch from now())::bigint").await);
    let left = launched.send_after.unwrap().timestamp() - now;
    assert!((10..=13).contains(&left), "{left} s");
}

#[tokio::test]
async fn a_launch_is_taken_back_also_while_the_database_stands_still_and_else_waits_ten_seconds_more() {
    let dir = TestDir::new();
    let (local, address) = private_postgres(&dir).await;
    let shop = Shop::open_on(TestDatabase::private(address.url(), &address).await, SETUP);
    let app = engine_app(&shop, "one").await;
    let engine = shop.engine();
    // Also where enough of the ten seconds is left afterwards.
    for (is_undone, seconds, stands_still) in [(false, 3, 5_000), (true, 3, 5_000), (false, 8, 3_000)] {
        launch(&shop, &app).await;
        eventually_async("its engine waits for it", async || {
            shop.number("select count(*) from sender_leases where waiting::text like '%armed%'").await == 1
        })
        .await;
        leave(&shop, seconds).await;
        eventually_async("its engine has read that", async || {
            if seconds_left(&shop).await < 2 {
                // The machine is busy: it begins anew before the time has come.
                leave(&shop, seconds).await;
            }
            shop.number(KNOWS_WHEN).await == 1
        })
        .await;

        let frozen = Frozen::stop(&local);
        let undo = async { if is_undone { app.undo_mine().await.map(|_| ()) } else { Ok(()) } };
        let thaw = async {
            settle_for(stands_still).await;
            drop(frozen);
        };
        let (undone, ()) = tokio::join!(undo, thaw);

        undone.unwrap();
        if !is_undone {
            is_armed_again(&shop, &app).await;
        }
        assert_eq!(nothing_leaves(&shop).await, 0);
        assert_eq!(shop.number("select count(*) from blasts where state <> 'draft'").await, 0);
        shop.execute("update blasts set deleted_at = now()").await;
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_scheduled_start_whose_time_came_while_the_database_stood_still_can_be_taken_back_for_ten_seconds() {
    let dir = TestDir::new();
    let (local, address) = private_postgres(&dir).await;
    let shop = Shop::open_on(TestDatabase::private(address.url(), &address).await, SETUP);
    let app = engine_app(&shop, "one").await;
    let engine = shop.engine();
    for undo in [false, true] {
        let id = shop.draft(0..3).await;
        let blast = BlastId(id.parse().unwrap());
        shop.execute(&format!("update blasts set scheduled_for = now() + interval '1 hour' where id = {id}")).await;
        let version = app.blast(blast).await.unwrap().version;
        app.launch(Launch { blast, version, people: 3, armed_for: Launch::ARMED_FOR }).await.unwrap();
        let due = due_soon(&shop, &id).await;

        let frozen = Frozen::stop(&local);
        let undone = async { if undo { app.undo_mine().await.map(|_| ()) } else { Ok(()) } };
        let thaw = async {
            let stands_still = due.saturating_duration_since(Instant::now()) + Duration::from_millis(2_500);
            settle_for(u64::try_from(stands_still.as_millis()).unwrap()).await;
            drop(frozen);
        };
        let (undone, ()) = tokio::join!(undone, thaw);

        undone.unwrap();
        if !undo {
            is_armed_again(&shop, &app).await;
        }
        assert_eq!(shop.state(&id).await, "draft");
        shop.ok(&["blast", "delete", &id, "--yes"]).await;
    }
    assert_eq!(shop.sim.posts().await.len(), 0);
    engine.stop().await;
}
