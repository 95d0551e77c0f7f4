//! What was scheduled, and came due while its sender was stopped: it goes on with the others once the stop is lifted, and waits for its
//! time as before where that is taken back.

use blastdeck::app::Launch;
use blastdeck::domain::blast::BlastState;
use blastdeck::domain::ids::BlastId;
use blastdeck::store::blast;
use chrono::{TimeDelta, Utc};

use super::marks::{operator_app, refusal};
use super::{BLAST, SENDER, Scene};

/// A stopped sender, beside whose blast others were scheduled by ben: for an hour ago, for seven, and for in an hour.
async fn with_due_blasts() -> Scene {
    let scene = Scene::queued(3).await;
    scene
        .execute(
            "update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'Device is offline';
             insert into blasts (blast_tag, sender_id, message, state, state_by, send_after, scheduled_for, blast_date, total_recipients)
             select tag, 1, 'Hi', 'scheduled', 'ben', now() - late, now() - late, now() - late, 1
               from (values ('Due', interval '1 hour'), ('Late', '7 hours'), ('Ahead', '-1 hour')) as t (tag, late);
             insert into blast_recipients (blast_id, phone_number)
             select id, '+6010000010' || id from blasts where state = 'scheduled'",
        )
        .await;
    scene
}

#[tokio::test]
async fn what_came_due_while_its_sender_was_stopped_waits_a_moment_with_the_others_and_asks_where_that_is_long_ago() {
    let scene = with_due_blasts().await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BLAST).await.unwrap().version;
    let resume = |people| aina.resume(Launch { blast: BLAST, version, people, armed_for: Launch::ARMED_FOR });
    let scheduled = "select count(*) from blasts where state = 'scheduled' and blast_tag in ('Late', 'Ahead')";

    assert!(refusal(resume(3).await).starts_with("it is 5 people now, not 3"));
    resume(5).await.unwrap();

    assert_eq!(scene.number(scheduled).await, 2);
    let armed = "select count(*) from blasts where state = 'sending' and send_after > now() and (id = 1 or launched_at is not null)";
    assert_eq!(scene.number(armed).await, 2);
    let undone = aina.undo_mine().await.unwrap().sentence;
    assert_eq!(undone, "sender sales is stopped again: nothing was sent");
    assert_eq!(aina.queued_for(aina.blast(BLAST).await.unwrap().sender_id).await.unwrap(), 5, "nobody got anything");
    let as_before = "select count(*) from blasts where blast_tag = 'Due' and state = 'scheduled' and state_by = 'ben' and launched_at is null
                        and armed_at is null and send_after = scheduled_for and blast_date = scheduled_for";
    assert_eq!(scene.number(as_before).await, 1, "whether it is still to go is asked once its sender goes on late");
    let by_aina = "select count(*) from blast_changes where new_state = 'scheduled' and old_state = 'sending' and by_whom = 'aina'";
    assert_eq!(scene.number(by_aina).await, 1, "ben, whose schedule it is, did nothing now");
}

#[tokio::test]
async fn what_was_started_with_the_others_and_paused_since_stays_paused_where_the_sender_is_stopped_again() {
    let scene = with_due_blasts().await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BLAST).await.unwrap().version;
    aina.resume(Launch { blast: BLAST, version, people: 5, armed_for: Launch::ARMED_FOR }).await.unwrap();
    let due = BlastId(scene.number("select id from blasts where blast_tag = 'Due'").await);
    operator_app(&scene, "ben").await.pause(due).await.unwrap();

    aina.undo_launch_of(BLAST).await.unwrap();

    assert_eq!(aina.blast(due).await.unwrap().state, BlastState::Paused);
    assert_eq!(scene.number("select count(*) from senders where stopped_at is not null").await, 1);
}

#[tokio::test]
async fn a_list_that_comes_in_for_a_blast_whose_time_came_does_not_hold_up_its_sender() {
    let scene = with_due_blasts().await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BLAST).await.unwrap().version;
    let mut list = scene.pool().begin().await.unwrap();
    sqlx::query("select from blasts where blast_tag = 'Due' for share").execute(&mut *list).await.unwrap();

    aina.resume(Launch { blast: BLAST, version, people: 5, armed_for: Launch::ARMED_FOR }).await.unwrap();

    list.commit().await.unwrap();
    let left = "select count(*) from blasts where blast_tag = 'Due' and state = 'scheduled'";
    assert_eq!(scene.number(left).await, 1, "its engine starts it");
    assert_eq!(scene.number("select count(*) from senders where stopped_at is not null").await, 0);
}

#[tokio::test]
async fn nothing_starts_by_itself_while_its_sender_is_stopped_or_is_being_stopped() {
    let scene = with_due_blasts().await;
    let start = async || blast::start_scheduled(scene.pool(), SENDER, TimeDelta::hours(6)).await.unwrap();
    let runnable = async || blast::runnable(scene.pool(), SENDER).await.unwrap().len();
    let due = scene.number("select id from blasts where blast_tag = 'Due'").await;
    let late = scene.number("select id from blasts where blast_tag = 'Late'").await;

    assert_eq!((start().await, runnable().await), (Vec::new(), 1), "it is stopped");
    scene.execute("update senders set stopped_at = null, stopped_code = null, stopped_reason = null").await;
    assert_eq!(runnable().await, 3);
    let mut stop = scene.pool().begin().await.unwrap();
    sqlx::query("update senders set stopped_at = now(), stopped_code = 'device'").execute(&mut *stop).await.unwrap();
    assert!(start().await.is_empty(), "somebody stops it just now");
    stop.rollback().await.unwrap();

    let mut started = start().await;
    started.sort_unstable();
    assert_eq!(started, [BlastId(due), BlastId(late)]);
    assert_eq!(scene.number("select count(*) from blasts where state = 'paused' and blast_tag = 'Late'").await, 1);
}

/// As an engine does that reaches the database again. `u` takes back one of them, and the other goes out.
#[tokio::test]
async fn what_starts_at_one_time_behind_an_outage_is_armed_one_by_one_for_whoever_scheduled_it() {
    let scene = Scene::queued(3).await;
    scene
        .execute(
            "insert into blasts (blast_tag, sender_id, message, state, state_by, send_after, scheduled_for, launched_at, total_recipients)
             select tag, 1, 'Hi', 'sending', 'engine', now() - interval '1 second', now() - interval '1 second', now(), 1
               from unnest(array['Early', 'Bird']) as tag;
             insert into operator_actions (operator, action, blast_id) values ('aina', 'launch', 2), ('ben', 'launch', 3)",
        )
        .await;

    let armed = blast::arm_again(scene.pool(), SENDER, Utc::now() - TimeDelta::minutes(1)).await.unwrap();

    assert_eq!(armed.len(), 2, "{armed:?}");
    let whose = "select count(*) from blasts where (blast_tag, state_by) in (('Early', 'aina'), ('Bird', 'ben'))";
    assert_eq!(scene.number(whose).await, 2);
    assert_eq!(scene.number("select count(distinct armed_at) from blasts").await, 2, "no act armed both");
}
