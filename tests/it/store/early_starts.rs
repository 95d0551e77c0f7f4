//! What starts by itself, whatever is the matter with another; and is sent before its time: taken back or paused within its seconds, it
//! starts by itself as before.

use blastdeck::app::{App, AppError, DraftEdit, Launch, PeopleSource};
use blastdeck::domain::blast::BlastState;
use blastdeck::domain::ids::{BlastId, RecipientId};
use blastdeck::domain::recipient::Mark;
use blastdeck::store::blast;
use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::marks::{operator_app, refusal};
use super::undo::{draft_with_a_time, refused_unchanged};
use super::{BLAST, SENDER, Scene};

async fn launch(app: &App) -> BlastState {
    let version = app.blast(BLAST).await.unwrap().version;
    app.launch(Launch { blast: BLAST, version, people: 3, armed_for: TimeDelta::seconds(10) }).await.unwrap().state
}

/// Scheduled by aina for in an hour, and sent before that by ben, ten seconds ahead.
async fn sent_early() -> (Scene, App, App) {
    let (scene, aina) = draft_with_a_time().await;
    let ben = operator_app(&scene, "ben").await;
    assert_eq!(launch(&aina).await, BlastState::Scheduled);
    assert_eq!(launch(&ben).await, BlastState::Sending);
    (scene, aina, ben)
}

async fn is_as_aina_scheduled_it(app: &App) {
    let blast = app.blast(BLAST).await.unwrap();
    assert_eq!((blast.state, blast.send_after), (BlastState::Scheduled, blast.scheduled_for));
    assert_eq!((blast.launched_at, blast.scheduled_by()), (None, Some("aina".to_owned())), "{blast:?}");
}

#[tokio::test]
async fn once_it_is_taken_back_it_starts_by_itself_as_it_was_scheduled() {
    let (scene, aina, ben) = sent_early().await;

    let sentence = ben.undo_mine().await.unwrap().sentence;

    assert!(sentence.starts_with("Raya is scheduled again and starts "), "{sentence}");
    assert!(sentence.ends_with(": nothing was sent"), "{sentence}");
    is_as_aina_scheduled_it(&aina).await;
    // Somebody who is killed half-way leaves no draft behind, which nobody would miss.
    assert_eq!(
        scene.number("select count(*) from blast_changes where new_state = 'draft' and by_whom is not null").await,
        0
    );
    assert!(refused_unchanged(&scene, &ben).await.contains("nothing of yours"), "he scheduled nothing");
    let undone = aina.undo_mine().await.unwrap();
    assert_eq!(undone.sentence, "Raya is a draft again: nothing was sent");
    assert_eq!(undone.command_lines, ["blastdeck blast undo 1"]);
}

#[tokio::test]
async fn it_keeps_its_time_where_somebody_changes_it_while_its_early_start_is_taken_back() {
    let (scene, aina, ben) = sent_early().await;
    let mut edit = scene.pool().begin().await.unwrap();
    sqlx::query("update blasts set rate = '10/min', version = version + 1").execute(&mut *edit).await.unwrap();

    let undo = tokio::spawn(async move { ben.undo_mine().await });
    scene.commit_once_waited_for(edit).await;

    let sentence = undo.await.unwrap().unwrap().sentence;
    assert!(sentence.starts_with("Raya is scheduled again and starts "), "{sentence}");
    is_as_aina_scheduled_it(&aina).await;
}

#[tokio::test]
async fn what_is_paused_while_its_early_start_is_taken_back_stays_paused() {
    let (scene, aina, ben) = sent_early().await;
    let mut pause = scene.pool().begin().await.unwrap();
    sqlx::query("update blasts set state = 'paused', version = version + 1").execute(&mut *pause).await.unwrap();

    let undo = tokio::spawn(async move { ben.undo_mine().await });
    scene.commit_once_waited_for(pause).await;

    let why = refusal(undo.await.unwrap());
    assert!(why.starts_with("Raya is paused now"), "{why}");
    assert_eq!(aina.blast(BLAST).await.unwrap().state, BlastState::Paused);
}

#[tokio::test]
async fn nobody_is_added_to_what_was_scheduled_since_somebody_looked() {
    let (scene, aina) = draft_with_a_time().await;
    let mut scheduling = scene.pool().begin().await.unwrap();
    sqlx::query("update blasts set state = 'scheduled'").execute(&mut *scheduling).await.unwrap();

    let adding =
        tokio::spawn(async move { aina.add_people(BLAST, PeopleSource::given([json!("+60100000009")])).await });
    scene.commit_once_waited_for(scheduling).await;

    let why = "blast 1 is scheduled by now, not a draft: nobody was added, look again";
    assert_eq!(refusal(adding.await.unwrap()), why);
    assert_eq!(scene.number("select count(*) from blast_recipients").await, 3);
}

#[tokio::test]
async fn who_is_added_while_the_draft_is_deleted_is_added_to_none() {
    let (scene, aina) = draft_with_a_time().await;
    let mut deleting = scene.pool().begin().await.unwrap();
    sqlx::query("update blasts set deleted_at = now()").execute(&mut *deleting).await.unwrap();

    let adding =
        tokio::spawn(async move { aina.add_people(BLAST, PeopleSource::given([json!("+60100000009")])).await });
    scene.commit_once_waited_for(deleting).await;

    let gone = adding.await.unwrap().unwrap_err();
    assert!(matches!(&gone, AppError::NotFound(why) if why.starts_with("there is no blast 1")), "{gone:?}");
}

#[tokio::test]
async fn whoever_scheduled_it_takes_the_early_start_of_somebody_else_back_first() {
    let (_scene, aina, _ben) = sent_early().await;

    aina.undo_mine().await.unwrap();

    is_as_aina_scheduled_it(&aina).await;
    let (_, question) = aina.ask_about_mine(Some(BLAST), None).await.unwrap().unwrap();
    assert_eq!(question, "Raya is scheduled again already. Make it a draft, which does not start by itself?");
}

#[tokio::test]
async fn an_early_start_takes_nothing_back_that_somebody_else_launched_since() {
    let (scene, aina, ben) = sent_early().await;
    let start = ben.start_of_blast(BLAST).await.unwrap();
    aina.undo_launch_of(BLAST).await.unwrap();
    assert_eq!(launch(&aina).await, BlastState::Sending);

    let why = ben.undo_start_of(BLAST, start).await.unwrap_err();

    assert!(matches!(why, AppError::Changed), "{why:?}");
    assert_eq!(aina.blast(BLAST).await.unwrap().state, BlastState::Sending);
    assert!(refused_unchanged(&scene, &ben).await.contains("nothing of yours"));
}

#[tokio::test]
async fn an_older_launch_takes_nothing_back_that_somebody_else_scheduled_since() {
    let (scene, aina) = draft_with_a_time().await;
    let ben = operator_app(&scene, "ben").await;
    launch(&aina).await;
    // As a window that was closed in the middle of it leaves it.
    scene.execute("update blasts set state = 'draft', send_after = null").await;
    launch(&ben).await;

    let why = refused_unchanged(&scene, &aina).await;

    assert!(why.contains("ben scheduled Raya since: nothing was taken back"), "{why}");
}

#[tokio::test]
async fn where_its_time_has_passed_or_is_gone_it_is_a_draft() {
    for time in ["now() - interval '1 second'", "null"] {
        let (scene, _aina, ben) = sent_early().await;
        scene.execute(&format!("update blasts set scheduled_for = {time}")).await;

        let sentence = ben.undo_mine().await.unwrap().sentence;

        let draft = "Raya is a draft again: nothing was sent, and the time that it was to start at has passed";
        assert_eq!(sentence, draft, "{time}");
        let blast = ben.blast(BLAST).await.unwrap();
        assert_eq!((blast.state, blast.send_after), (BlastState::Draft, None));
    }
}

#[tokio::test]
async fn paused_within_its_seconds_it_keeps_its_time() {
    let (_scene, aina, ben) = sent_early().await;

    let paused = ben.pause(BLAST).await.unwrap();
    let version = paused.version;
    let resumed = aina.resume(Launch { blast: BLAST, version, people: 3, armed_for: TimeDelta::zero() }).await.unwrap();

    assert_eq!((paused.state, paused.launched_at), (BlastState::Paused, None));
    assert_eq!(Some(paused.blast_date), paused.scheduled_for, "lists have it by its start");
    assert_eq!((resumed.state, resumed.send_after), (BlastState::Scheduled, resumed.scheduled_for));
}

#[tokio::test]
async fn what_is_paused_before_its_time_becomes_a_draft_which_can_be_edited() {
    let (scene, aina) = draft_with_a_time().await;
    launch(&aina).await;
    aina.pause(BLAST).await.unwrap();
    let edit = async || {
        let version = aina.blast(BLAST).await.unwrap().version;
        aina.edit(BLAST, version, DraftEdit { tag: Some("Hari Raya".to_owned()), ..DraftEdit::default() }).await
    };
    let why = refusal(edit().await);
    assert!(why.contains("`blastdeck blast undo 1` makes it a draft, which can be edited"), "{why}");

    assert_eq!(aina.undo_launch_of(BLAST).await.unwrap().sentence, "Raya is a draft again: nothing was sent");

    edit().await.unwrap();
    assert_eq!(aina.blast(BLAST).await.unwrap().state, BlastState::Draft);
    assert_eq!(scene.number("select count(*) from blasts where send_after is not null").await, 0);
}

#[tokio::test]
async fn it_is_not_done_while_it_can_be_taken_back_or_starts_later() {
    for paused in [false, true] {
        let (scene, aina, ben) = sent_early().await;
        if paused {
            ben.pause(BLAST).await.unwrap();
        }
        for recipient in 1..=3 {
            aina.mark(RecipientId(recipient), Mark::OptOut).await.unwrap();
        }

        assert!(!blast::complete(scene.pool(), BLAST).await.unwrap(), "paused: {paused}");
        assert_eq!(blast::finished(scene.pool()).await.unwrap(), [], "paused: {paused}");

        scene.execute("update blasts set state = 'sending', launched_at = now(), send_after = now()").await;
        assert!(blast::complete(scene.pool(), BLAST).await.unwrap());
    }
}

#[tokio::test]
async fn the_plan_of_an_early_start_has_the_own_times_that_count_from_now() {
    let (scene, aina) = draft_with_a_time().await;
    let in_days = "update blasts set scheduled_for = now() + interval '3 days', local_time = '10:00'";
    scene.execute(in_days).await;
    launch(&aina).await;

    let later = aina.plan(BLAST).await.unwrap().forecast.done_at.unwrap();
    let now = aina.plan_at_once(BLAST, chrono_tz::Tz::UTC).await.unwrap().forecast.done_at.unwrap();

    assert!(later - Utc::now() > TimeDelta::days(2), "{later}");
    assert!(now - Utc::now() < TimeDelta::days(2), "{now}");
}

#[tokio::test]
async fn a_blast_that_somebody_holds_keeps_its_sender_from_nothing_else() {
    let scene = Scene::queued(1).await;
    scene
        .execute(
            "insert into blasts (blast_tag, sender_id, message) values ('Deepavali', 1, 'Hi');
             update blasts set state = 'scheduled', scheduled_for = now(), send_after = now()",
        )
        .await;
    let mut held = scene.pool().begin().await.unwrap();
    sqlx::query("select from blasts where id = 1 for update").execute(&mut *held).await.unwrap();
    let start = async || blast::start_scheduled(scene.pool(), SENDER, TimeDelta::hours(6)).await.unwrap();

    assert_eq!(start().await, [BlastId(2)]);
    held.rollback().await.unwrap();
    assert_eq!(start().await, [BLAST]);

    scene.execute("update blasts set first_people = 1, first_left = 0 where id = 1").await;
    let mut held = scene.pool().begin().await.unwrap();
    sqlx::query("select from blasts where id = 1 for update").execute(&mut *held).await.unwrap();
    assert!(!blast::pause_after_first(scene.pool(), BLAST).await.unwrap());
    held.rollback().await.unwrap();
    assert!(blast::pause_after_first(scene.pool(), BLAST).await.unwrap());
}
