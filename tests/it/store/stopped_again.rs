//! A sender that was let go on is stopped again where nothing was sent since, and all that was launched of it is as it was before.

use blastdeck::app::{App, Launch};
use blastdeck::domain::blast::BlastState;
use blastdeck::domain::ids::BlastId;

use super::marks::{operator_app, refusal};
use super::{BLAST, Scene};

/// Three that a stopped sender was launched for, each with its own launch, and the first with the act that lets them go on.
async fn going_on() -> (Scene, App) {
    let scene = Scene::queued(1).await;
    scene
        .execute(
            "update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'Device is offline';
             insert into blasts (blast_tag, sender_id, state, message, total_recipients, launched_at)
             select tag, 1, 'sending', 'Hi', 1, now() - interval '1 hour' from unnest(array['Second', 'Third']) tag;
             insert into blast_recipients (blast_id, phone_number) values (2, '+60100000402'), (3, '+60100000403');
             insert into operator_actions (operator, action, blast_id, at)
             select 'ben', 'launch', id, now() - interval '1 hour' from blasts",
        )
        .await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BLAST).await.unwrap().version;
    aina.resume(Launch { blast: BLAST, version, people: 3, armed_for: Launch::ARMED_FOR }).await.unwrap();
    (scene, aina)
}

const WAITING: &str = "select count(*) from blasts where send_after > now() and state = 'sending'";
const STOPPED: &str = "select count(*) from senders where stopped_code = 'device'";

#[tokio::test]
async fn undoing_the_start_of_any_blast_that_goes_on_with_its_sender_stops_the_sender_again() {
    let (scene, _) = going_on().await;
    assert_eq!((scene.number(WAITING).await, scene.number(STOPPED).await), (3, 0));

    let undone = operator_app(&scene, "ben").await.undo_launch_of(BlastId(3)).await.unwrap().sentence;

    assert_eq!(undone, "sender sales is stopped again: nothing was sent");
    assert_eq!((scene.number(WAITING).await, scene.number(STOPPED).await), (0, 1));
}

#[tokio::test]
async fn the_others_are_taken_back_together_where_the_one_with_the_act_was_paused_since() {
    let (scene, aina) = going_on().await;
    aina.pause(BLAST).await.unwrap();

    let undone = aina.undo_launch_of(BlastId(2)).await.unwrap().sentence;

    assert_eq!(undone, "sender sales is stopped again: nothing was sent");
    assert_eq!((scene.number(WAITING).await, scene.number(STOPPED).await), (0, 1));
    assert_eq!(aina.blast(BLAST).await.unwrap().state, BlastState::Paused);
}

/// Nothing was sent is said of all of them.
#[tokio::test]
async fn a_sender_is_not_stopped_again_once_one_of_its_blasts_has_begun() {
    let (scene, aina) = going_on().await;
    scene
        .execute(
            "insert into claims (blast_id, sender_id, attempt_number, epoch, first_id, last_id, recipients)
             select 3, 1, 1, 1, id, id, array[id] from blast_recipients where blast_id = 3;
             update blasts set send_after = now() - interval '1 second'",
        )
        .await;

    let refused = refusal(aina.undo_launch_of(BLAST).await);

    assert!(refused.starts_with("Third has started"), "{refused}");
    assert_eq!(scene.number(STOPPED).await, 0);
}

/// The notice of the stop comes a moment later to an engine, and where it ended before it had sent one, not at all.
#[tokio::test]
async fn a_claim_that_waited_while_its_sender_was_stopped_claims_nobody() {
    let scene = Scene::queued(3).await;
    let mut stop = scene.pool().begin().await.unwrap();
    sqlx::query("select from sender_leases for update").execute(&mut *stop).await.unwrap();
    sqlx::query("update senders set stopped_at = now(), stopped_code = 'device'").execute(&mut *stop).await.unwrap();

    let (claimed, ()) = tokio::join!(scene.claim(3), scene.commit_once_waited_for(stop));

    assert!(claimed.is_empty(), "{claimed:?}");
    scene.execute("update senders set stopped_at = null, stopped_code = null").await;
    assert_eq!(scene.claim(3).await.len(), 3);
}
