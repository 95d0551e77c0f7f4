//! A pause holds, whatever else somebody changes of the blast at the same moment; and who may end it.

use blastdeck::app::Launch;
use blastdeck::domain::blast::{BlastCommand, BlastState};
use chrono::TimeDelta;

use super::marks::{operator_app, refusal};
use super::{BLAST, Scene};
use crate::support::{WAITING_FOR_A_LOCK, eventually_async};

#[tokio::test]
async fn a_pause_is_not_refused_because_somebody_edits_the_blast_meanwhile() {
    let scene = Scene::queued(3).await;
    let aina = operator_app(&scene, "aina").await;
    let mut edit = scene.pool().begin().await.unwrap();
    let edited = "update blasts set version = version + 1, description = 'edited' where id = $1";
    sqlx::query(edited).bind(BLAST).execute(&mut *edit).await.unwrap();
    let pause = tokio::spawn(async move { aina.pause(BLAST).await });
    eventually_async("the pause waits for the edit", async || scene.number(WAITING_FOR_A_LOCK).await == 1).await;

    edit.commit().await.unwrap();

    pause.await.unwrap().unwrap();
    let state = "select count(*) from blasts where state = 'paused' and description = 'edited'";
    assert_eq!(scene.number(state).await, 1);
}

#[tokio::test]
async fn a_resume_that_confirmed_no_number_goes_to_fewer_people_and_never_to_more() {
    let scene = Scene::queued(3).await;
    scene.execute("update blasts set state = 'paused'").await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BLAST).await.unwrap().version;
    let resume = |people| Launch { blast: BLAST, version, people, armed_for: TimeDelta::zero() };

    assert!(refusal(aina.resume(resume(5)).await).contains("it is 3 people now, not 5"));
    let more = aina.start_unconfirmed(resume(2), BlastCommand::Resume).await;
    assert!(refusal(more).contains("it is 3 people now, not 2"));
    // Two opted out since they were counted.
    let fewer = aina.start_unconfirmed(resume(5), BlastCommand::Resume).await.unwrap();

    assert_eq!(fewer.state, BlastState::Sending);
}
