//! What was attempted for people who are deleted meanwhile still counts: for the day's cap, the rate, the gap to a number.

use blastdeck::domain::ids::BlastId;
use blastdeck::domain::recipient::Evidence;
use blastdeck::domain::retry::ErrorClass;
use blastdeck::store::blast;
use blastdeck::store::sender::{attempts_since, forget_deleted, recent_attempts, recent_numbers};
use chrono::{DateTime, TimeDelta, Utc};

use super::{SENDER, Scene, accepted, entry};

/// Of five claimed: one accepted, one refused, one given back, one without an answer, one in doubt.
async fn attempted() -> Scene {
    let scene = Scene::sending(5).await;
    let refusal =
        Evidence::Rejected { class: ErrorClass::FailRecipient, code: "x".to_owned(), message: "no".to_owned() };
    let mut released = entry(3, Evidence::Released { not_before: None }, b"");
    released.answer.as_mut().unwrap().outcome = blastdeck::domain::recipient::AttemptOutcome::Released;
    let doubt = entry(5, Evidence::Unknown { why: "no answer".to_owned() }, b"");
    scene.record(&[accepted(1, "M1"), entry(2, refusal, b"no"), released, doubt]).await;
    scene
}

fn an_hour_ago() -> DateTime<Utc> {
    Utc::now() - TimeDelta::hours(1)
}

/// For the day, for the rate, and for the gap to a number.
async fn counted(scene: &Scene) -> (i64, usize, usize) {
    (
        attempts_since(scene.pool(), SENDER, an_hour_ago()).await.unwrap(),
        recent_attempts(scene.pool(), SENDER, an_hour_ago()).await.unwrap().len(),
        recent_numbers(scene.pool(), SENDER, an_hour_ago()).await.unwrap().len(),
    )
}

#[tokio::test]
async fn deleting_a_blast_does_not_give_its_part_of_the_day_back() {
    let ways = [
        "delete from blast_recipients where id > 0",
        "delete from blasts where id = 1",
        "delete from blast_recipients where id < 3; delete from blast_recipients where id >= 3",
    ];
    for way in ways {
        let scene = attempted().await;
        assert_eq!(counted(&scene).await, (3, 4, 4));
        let of_blast = blast::recent_attempts(scene.pool(), BlastId(1), an_hour_ago()).await.unwrap();
        assert_eq!(of_blast.len(), 4, "whoever was given back counts towards no pace");

        scene.execute(way).await;

        assert_eq!(scene.number("select count(*) from attempts").await, 0);
        assert_eq!(counted(&scene).await, (3, 4, 4), "after {way}");
    }
}

#[tokio::test]
async fn emptying_the_table_forgets_only_to_whom() {
    let scene = attempted().await;

    scene.execute("truncate blast_recipients cascade").await;

    assert_eq!(counted(&scene).await, (3, 4, 0));
}

#[tokio::test]
async fn what_no_limit_looks_back_to_is_neither_kept_nor_copied() {
    let scene = attempted().await;
    scene.execute("update provider_message set claimed_at = now() - interval '33 days' where recipient_id = 1").await;
    scene.execute("delete from blast_recipients where id in (1, 2)").await;
    let kept = "select count(*) from deleted_attempts";
    assert_eq!(scene.number(kept).await, 1);
    assert_eq!(forget_deleted(scene.pool()).await.unwrap(), 0);

    scene.execute("update deleted_attempts set at = now() - interval '33 days'").await;

    assert_eq!(forget_deleted(scene.pool()).await.unwrap(), 1);
    assert_eq!(scene.number(kept).await, 0);
}
