//! What has a launched blast send again (other hours, a sender whose stop is lifted) waits a moment first, as a launch does, and is
//! taken back whole until then.

use blastdeck::app::{App, AppError, DraftEdit, ForgottenCheck, Launch};
use blastdeck::domain::act::{Act, Actor};
use blastdeck::domain::blast::BlastState;
use blastdeck::domain::field_change::FieldChange;
use blastdeck::domain::ids::BlastId;
use blastdeck::domain::recipient::Evidence;
use blastdeck::domain::retry::ErrorClass;
use blastdeck::domain::waiting::Waiting;
use blastdeck::store::view::activity::{self, ActivityEvent};
use chrono::{TimeDelta, Utc};

use super::marks::{operator_app, refusal};
use super::{BLAST, Scene, entry};
use crate::support::{WAITING_FOR_A_LOCK, eventually_async};

/// It may send the day after tomorrow only.
async fn closed_blast() -> (Scene, App) {
    let scene = Scene::queued(3).await;
    let day = (Utc::now() + TimeDelta::days(2)).format("%a").to_string().to_lowercase();
    scene.execute(&format!("update blasts set weekdays = '{day}', timezone = 'UTC'")).await;
    let aina = operator_app(&scene, "aina").await;
    (scene, aina)
}

async fn open_hours(app: &App) {
    let version = app.blast(BLAST).await.unwrap().version;
    let edit = DraftEdit { weekdays: FieldChange::Clear, ..DraftEdit::default() };
    app.edit_armed(BLAST, (version, Launch::ARMED_FOR), edit, None).await.unwrap();
}

#[tokio::test]
async fn a_blast_that_is_let_send_outside_its_hours_waits_a_moment_and_gets_them_back() {
    let (scene, aina) = closed_blast().await;

    open_hours(&aina).await;

    let blast = aina.blast(BLAST).await.unwrap();
    assert!(blast.armed_until(Utc::now()).is_some() && blast.limits.weekdays.is_none(), "{blast:?}");

    let undone = aina.undo_mine().await.unwrap().sentence;

    assert_eq!(undone, "Raya waits for its hours again: nothing was sent");
    let blast = aina.blast(BLAST).await.unwrap();
    assert!(blast.state == BlastState::Sending && blast.limits.weekdays.is_some(), "{blast:?}");
    assert!(blast.armed_until(Utc::now()).is_none(), "it waits for its hours, and for nothing else: {blast:?}");
    assert_eq!(scene.number("select count(*) from operator_actions where undone_at is not null").await, 1);
}

#[tokio::test]
async fn hours_that_are_given_back_are_logged_with_the_command_that_gives_them_back_at_any_time() {
    let (scene, aina) = closed_blast().await;
    let day: String = sqlx::query_scalar("select weekdays from blasts").fetch_one(scene.pool()).await.unwrap();
    open_hours(&aina).await;

    let undone = aina.undo_mine().await.unwrap();

    assert_eq!(undone.command_lines, [format!("blastdeck blast edit {BLAST} --weekdays {day}")]);
}

#[tokio::test]
async fn a_sender_that_is_stopped_again_is_logged_with_the_command_that_takes_its_start_back() {
    let scene = Scene::queued(3).await;
    let stop = "update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'Device is offline'";
    scene.execute(stop).await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BLAST).await.unwrap().version;
    aina.resume(Launch { blast: BLAST, version, people: 3, armed_for: Launch::ARMED_FOR }).await.unwrap();

    let undone = aina.undo_mine().await.unwrap();

    assert_eq!(undone.command_lines, [format!("blastdeck blast undo {BLAST}")]);
}

/// As a claim has it: of one that waits after its first people it wants the row as well.
#[tokio::test]
async fn hours_are_given_back_under_the_lease_before_the_blasts_row() {
    let (scene, aina) = closed_blast().await;
    open_hours(&aina).await;
    let mut claims = scene.pool().begin().await.unwrap();
    sqlx::query("select from sender_leases for key share").execute(&mut *claims).await.unwrap();

    let undo = tokio::spawn(async move { aina.undo_mine().await });
    eventually_async("it waits for the lease", async || scene.number(WAITING_FOR_A_LOCK).await > 0).await;
    sqlx::query("select from blasts for update nowait").execute(&mut *claims).await.unwrap();
    claims.commit().await.unwrap();

    assert_eq!(undo.await.unwrap().unwrap().sentence, "Raya waits for its hours again: nothing was sent");
}

#[tokio::test]
async fn new_hours_have_nobody_sent_to_who_was_not_confirmed() {
    let (_scene, aina) = closed_blast().await;
    let version = aina.blast(BLAST).await.unwrap().version;
    let open = |people, armed_for| {
        let edit = DraftEdit { weekdays: FieldChange::Clear, ..DraftEdit::default() };
        aina.edit_armed(BLAST, (version, armed_for), edit, Some(people))
    };

    for armed_for in [Launch::ARMED_FOR, TimeDelta::zero()] {
        let why = refusal(open(2, armed_for).await);

        assert!(why.starts_with("it is 3 people now, not 2"), "{why}");
        assert!(aina.blast(BLAST).await.unwrap().limits.weekdays.is_some());
    }
    open(3, Launch::ARMED_FOR).await.unwrap();
    assert!(aina.blast(BLAST).await.unwrap().limits.weekdays.is_none());
}

#[tokio::test]
async fn whoever_has_a_colleagues_blast_send_now_is_the_one_who_started_it() {
    let (scene, aina) = closed_blast().await;
    scene.execute("update blasts set state_by = 'ben'").await;
    // Another one is called the same.
    scene
        .execute(
            "insert into blasts (blast_tag, follow_up_stage, sender_id, message)
             select blast_tag, follow_up_stage, sender_id, message from blasts",
        )
        .await;

    open_hours(&aina).await;

    assert_eq!(aina.blast(BLAST).await.unwrap().state_by, Some(Actor::Operator("aina".to_owned())));
    let newest = activity::page(scene.pool(), None, 1).await.unwrap().remove(0);
    let is_launch =
        |event: &ActivityEvent| matches!(event, ActivityEvent::Act { act: Act::Launch, by, .. } if by == "aina");
    assert!(is_launch(&newest.event), "{newest:?}");
    let undone = aina.undo_mine().await.unwrap().sentence;
    assert_eq!(undone, "Raya #1 waits for its hours again: nothing was sent");
}

#[tokio::test]
async fn the_undo_of_its_launch_gives_a_blast_its_hours_back_whoever_asks() {
    let (scene, aina) = closed_blast().await;
    let ben = operator_app(&scene, "ben").await;
    open_hours(&aina).await;

    let question = ben.others_launch(BLAST).await.unwrap();
    let seen = ben.at_version(BLAST, ben.blast(BLAST).await.unwrap().version - 1);
    assert!(matches!(seen.undo_launch_of(BLAST).await, Err(AppError::Changed)), "it is another version by now");
    ben.undo_launch_of(BLAST).await.unwrap();

    assert_eq!(question.unwrap().1, "aina started Raya: take that back?");
    assert!(ben.blast(BLAST).await.unwrap().limits.weekdays.is_some());
}

#[tokio::test]
async fn hours_that_somebody_else_has_changed_meanwhile_stay_and_the_start_is_stopped_all_the_same() {
    let (scene, aina) = closed_blast().await;
    let ben = operator_app(&scene, "ben").await;
    open_hours(&aina).await;
    let version = ben.blast(BLAST).await.unwrap().version;
    let edit = DraftEdit { window: FieldChange::Set("03:00-04:00".parse().unwrap()), ..DraftEdit::default() };
    ben.edit(BLAST, version, edit).await.unwrap();

    let blast = ben.blast(BLAST).await.unwrap();
    if blast.limits.own_window(chrono_tz::UTC).is_some_and(|own| !own.is_open(Utc::now() + Launch::ARMED_FOR)) {
        assert!(matches!(blast.waiting, Some(Waiting::Window { .. })), "it is not said to start: {:?}", blast.waiting);
    }

    let stopped = aina.undo_mine().await.unwrap().sentence;

    assert_eq!(stopped, "Raya is paused: its hours were changed once more since, and stay; nothing was sent");
    let blast = ben.blast(BLAST).await.unwrap();
    assert_eq!((blast.state, blast.limits.words().as_str()), (BlastState::Paused, "03:00-04:00, no pace of its own"));
}

#[tokio::test]
async fn hours_are_not_taken_back_from_a_blast_that_has_begun_to_send_by_new_ones() {
    let (scene, aina) = closed_blast().await;
    open_hours(&aina).await;
    scene.execute("update blasts set send_after = now()").await;
    assert_eq!(scene.claim(1).await.len(), 1);

    let why = refusal(aina.undo_mine().await);

    assert!(
        why.starts_with("your last act was to have Raya send at any hour: p pauses it; e gives it its hours"),
        "{why}"
    );
    assert!(aina.blast(BLAST).await.unwrap().limits.weekdays.is_none());
}

/// As where everybody left is to be retried later.
#[tokio::test]
async fn hours_are_given_back_also_once_the_start_has_come_as_long_as_nobody_was_sent_to() {
    let (scene, aina) = closed_blast().await;
    scene.execute("update blast_recipients set next_attempt_at = now() + interval '1 hour'").await;
    open_hours(&aina).await;
    let due = aina.blast(BLAST).await.unwrap().nobody_due.and_then(|waiting| waiting.until());
    assert!(due.is_some_and(|due| due > Utc::now() + TimeDelta::minutes(50)), "nobody gets it before: {due:?}");
    scene.execute("update blasts set send_after = now() - interval '1 second'").await;

    let undone = aina.undo_mine().await.unwrap().sentence;

    assert_eq!(undone, "Raya waits for its hours again: nothing was sent");
    let blast = aina.blast(BLAST).await.unwrap();
    assert!(blast.state == BlastState::Sending && blast.limits.weekdays.is_some(), "{blast:?}");
}

#[tokio::test]
async fn hours_are_given_back_where_somebody_changes_the_pace_at_the_same_moment() {
    let (scene, aina) = closed_blast().await;
    open_hours(&aina).await;
    let mut edit = scene.pool().begin().await.unwrap();
    sqlx::query("update blasts set rate = '10/min', version = version + 1").execute(&mut *edit).await.unwrap();

    let undo = tokio::spawn(async move { aina.undo_mine().await });
    scene.commit_once_waited_for(edit).await;

    assert_eq!(undo.await.unwrap().unwrap().sentence, "Raya waits for its hours again: nothing was sent");
}

#[tokio::test]
async fn an_edit_that_opens_no_hours_holds_up_nobody() {
    let scene = Scene::queued(3).await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BLAST).await.unwrap().version;
    let edit = DraftEdit { window: FieldChange::Set("00:00-24:00".parse().unwrap()), ..DraftEdit::default() };

    aina.edit_armed(BLAST, (version, Launch::ARMED_FOR), edit, None).await.unwrap();

    assert!(aina.blast(BLAST).await.unwrap().armed_until(Utc::now()).is_none());
}

#[tokio::test]
async fn all_that_a_stopped_sender_was_launched_for_waits_a_moment_once_it_may_go_on_and_it_is_stopped_again() {
    let scene = Scene::queued(3).await;
    scene
        .execute(
            "update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'Device is offline';
             insert into blasts (blast_tag, follow_up_stage, sender_id, state, message, total_recipients)
             select 'Other', follow_up_stage, sender_id, 'sending', message, 0 from blasts limit 1;
             update blasts set state_by = 'ben'",
        )
        .await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BLAST).await.unwrap().version;

    let resumed = aina.resume(Launch { blast: BLAST, version, people: 3, armed_for: Launch::ARMED_FOR }).await.unwrap();

    assert!(resumed.armed_until(Utc::now()).is_some(), "{resumed:?}");
    assert_eq!(resumed.state_by, Some(Actor::Operator("aina".to_owned())), "whoever lifts the stop has it start");
    assert_eq!(scene.number("select count(*) from blasts where state_by = 'aina'").await, 2, "all that goes on");
    let ben = operator_app(&scene, "ben").await;
    for (blast, name) in [(BLAST, "Raya"), (BlastId(2), "Other")] {
        let (_, question) = ben.others_launch(blast).await.unwrap().unwrap();
        assert_eq!(question, format!("aina let the sender of {name} go on: stop it again?"));
    }
    let armed = "select count(*) from blasts where send_after > now()";
    assert_eq!(scene.number(armed).await, 2);
    let seen = aina.at_version(BLAST, resumed.version - 1);
    assert!(matches!(seen.undo_launch_of(BLAST).await, Err(AppError::Changed)), "it is another version by now");

    let undone = aina.undo_mine().await.unwrap().sentence;

    assert_eq!(undone, "sender sales is stopped again: nothing was sent");
    let stopped = "select count(*) from senders where stopped_code = 'device' and stopped_reason = 'Device is offline'";
    assert_eq!(scene.number(stopped).await, 1);
    assert_eq!(aina.blast(BLAST).await.unwrap().state, BlastState::Sending);
    assert_eq!(scene.number(armed).await, 0, "they wait for their sender");
}

#[tokio::test]
async fn hours_that_are_given_back_leave_the_others_of_the_sender_their_ten_seconds() {
    let (scene, aina) = closed_blast().await;
    open_hours(&aina).await;
    // As an engine leaves them that could not reach the database.
    scene
        .execute(
            "insert into blasts (blast_tag, sender_id, state, message, send_after, armed_at)
             select 'Other', sender_id, 'sending', message, send_after, now() from blasts",
        )
        .await;

    aina.undo_mine().await.unwrap();

    assert_eq!(scene.number("select count(*) from blasts where id = 2 and send_after > now()").await, 1);
    assert_eq!(scene.number("select count(*) from blasts where id = 1 and send_after > now()").await, 0);
}

/// aina has it send at any hour, and an hour later ben lets its sender go on, by another blast.
async fn let_go_on_since_its_new_hours() -> (Scene, App) {
    let (scene, aina) = closed_blast().await;
    open_hours(&aina).await;
    scene
        .execute(
            "update operator_actions set at = at - interval '1 hour';
             update blasts set send_after = now() - interval '1 hour', armed_at = now() - interval '1 hour';
             update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'Device is offline';
             insert into blasts (blast_tag, sender_id, state, message, total_recipients) values ('Other', 1, 'sending', 'Hi', 1);
             insert into blast_recipients (blast_id, phone_number) values (2, '+60100000402')",
        )
        .await;
    let ben = operator_app(&scene, "ben").await;
    let version = ben.blast(BlastId(2)).await.unwrap().version;
    ben.resume(Launch { blast: BlastId(2), version, people: 4, armed_for: Launch::ARMED_FOR }).await.unwrap();
    (scene, aina)
}

#[tokio::test]
async fn new_hours_of_before_are_not_taken_back_where_somebody_else_let_the_sender_go_on_since() {
    let (_scene, aina) = let_go_on_since_its_new_hours().await;

    let refused = refusal(aina.undo_mine().await);

    assert!(refused.starts_with("ben let the sender of Raya go on since: nothing was taken back"), "{refused}");
    assert_eq!(aina.blast(BLAST).await.unwrap().state, BlastState::Sending);
}

#[tokio::test]
async fn nor_are_they_once_that_sender_has_stopped_again() {
    let (scene, aina) = let_go_on_since_its_new_hours().await;
    let stop = "update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'Device is offline'";
    scene.execute(stop).await;

    let asked = aina.ask_about_mine(Some(BlastId(99)), None).await.unwrap();
    let refused = refusal(aina.undo_mine().await);

    assert_eq!(asked, None);
    assert!(refused.starts_with("your last act was to have Raya send at any hour: p pauses it; "), "{refused}");
    assert_eq!(aina.blast(BLAST).await.unwrap().state, BlastState::Sending);
    assert_eq!(scene.number("select count(*) from operator_actions where undone_at is not null").await, 0);
}

#[tokio::test]
async fn a_stopped_sender_does_not_go_on_for_more_people_than_were_confirmed() {
    let scene = Scene::queued(3).await;
    let stop = "update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'Device is offline'";
    scene.execute(stop).await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BLAST).await.unwrap().version;
    let again = |people| aina.resume(Launch { blast: BLAST, version, people, armed_for: Launch::ARMED_FOR });
    let stopped = "select count(*) from senders where stopped_at is not null";

    let resumed = refusal(again(2).await);
    let confirmed = refusal(aina.confirm_sender("sales", ForgottenCheck::Required, Some(2)).await);

    assert!(resumed.starts_with("it is 3 people now, not 2"), "{resumed}");
    assert!(confirmed.starts_with("it is 3 people now, not 2"), "{confirmed}");
    assert_eq!(scene.number(stopped).await, 1);
    scene
        .execute(
            "with answer as (
                insert into blasts (blast_tag, follow_up_stage, sender_id, message, state, answers_blast, answers_recipient, answer_until)
                select 'Raya', 'Answer', sender_id, 'Yes', 'sending', 1, 1, now() + interval '1 hour' from blasts returning id)
             insert into blast_recipients (blast_id, phone_number) select id, '+60100999999' from answer",
        )
        .await;
    // No list has it.
    let with_answers = aina.blast(BLAST).await.unwrap().counts.queued + aina.senders().await.unwrap()[0].queued_answers;
    assert!(refusal(again(3).await).starts_with("it is 4 people now, not 3"));
    again(with_answers).await.unwrap();
    assert_eq!(scene.number(stopped).await, 0);
}

#[tokio::test]
async fn a_blast_that_waits_with_its_sender_is_paused_by_its_undo_and_keeps_the_hours_that_it_was_given_earlier() {
    let (scene, aina) = closed_blast().await;
    open_hours(&aina).await;
    scene
        .execute(
            "update operator_actions set at = at - interval '1 hour';
             update blasts set send_after = now() + interval '10 seconds'",
        )
        .await;

    let undone = aina.undo_launch_of(BLAST).await.unwrap().sentence;

    let blast = aina.blast(BLAST).await.unwrap();
    assert!(undone.contains("nothing") && blast.state != BlastState::Sending, "{undone}: {blast:?}");
    assert!(blast.limits.weekdays.is_none(), "{blast:?}");
}

#[tokio::test]
async fn a_change_of_pace_while_the_start_counts_down_leaves_it_to_be_taken_back() {
    let scene = Scene::queued(3).await;
    scene.execute("update blasts set state = 'draft', launched_at = null").await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BLAST).await.unwrap().version;
    aina.launch(Launch { blast: BLAST, version, people: 3, armed_for: Launch::ARMED_FOR }).await.unwrap();
    let edit = DraftEdit { rate: FieldChange::Set("30/h".parse().unwrap()), ..DraftEdit::default() };
    let armed = aina.blast(BLAST).await.unwrap();
    aina.edit_armed(BLAST, (armed.version, Launch::ARMED_FOR), edit, None).await.unwrap();

    let undone = aina.undo_mine().await.unwrap().sentence;

    assert_eq!(undone, "Raya is a draft again: nothing was sent");
    assert!(aina.blast(BLAST).await.unwrap().limits.rate.is_some(), "its pace stays");
}

#[tokio::test]
async fn a_pause_in_the_moment_before_it_sends_by_new_hours_gives_the_former_ones_back() {
    let (_scene, aina) = closed_blast().await;
    open_hours(&aina).await;

    let paused = aina.pause(BLAST).await.unwrap();

    assert_eq!(paused.state, BlastState::Paused);
    assert!(paused.limits.weekdays.is_some(), "{paused:?}");
}

#[tokio::test]
async fn a_change_after_the_launch_of_a_start_at_a_set_time_is_the_last_act_and_not_the_launch() {
    let scene = Scene::queued(3).await;
    scene
        .execute("update blasts set state = 'draft', launched_at = null, scheduled_for = now() + interval '2 days'")
        .await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BLAST).await.unwrap().version;
    aina.launch(Launch { blast: BLAST, version, people: 3, armed_for: Launch::ARMED_FOR }).await.unwrap();
    let scheduled = aina.blast(BLAST).await.unwrap();
    let edit = DraftEdit { rate: FieldChange::Set("30/h".parse().unwrap()), ..DraftEdit::default() };
    aina.edit_armed(BLAST, (scheduled.version, Launch::ARMED_FOR), edit, None).await.unwrap();

    let why = refusal(aina.undo_mine().await);

    assert!(why.starts_with("your last act was to edit Raya: "), "{why}");
    assert_eq!(aina.blast(BLAST).await.unwrap().state, BlastState::Scheduled, "the launch stands");
}

/// As a resume has it.
#[tokio::test]
async fn a_retry_of_a_follow_up_has_its_row_before_it_waits_for_others_of_the_same_blast() {
    let scene = Scene::sending(1).await;
    let (class, code) = (ErrorClass::FailRecipient, "400".to_owned());
    let error = Evidence::Rejected { class, code, message: "no such number".to_owned() };
    scene.record(&[entry(1, error, b"")]).await;
    scene
        .execute(
            "insert into blasts (blast_tag, sender_id, message, state) values ('Merdeka', 1, 'Hi', 'completed');
             update blasts set follows_blast = 2, follows_stage = 'read', launched_at = now() where id = 1",
        )
        .await;
    let aina = operator_app(&scene, "aina").await;
    let mut resumes = scene.pool().begin().await.unwrap();
    let others = "select pg_advisory_xact_lock(hashtextextended('follow-ups of 2', 0))";
    sqlx::query(others).execute(&mut *resumes).await.unwrap();

    let retries = tokio::spawn(async move { aina.retry(BLAST, None).await });
    eventually_async("it waits for the others", async || scene.number(WAITING_FOR_A_LOCK).await > 0).await;
    let free = "select count(*) from (select from blasts where id = 1 for no key update skip locked) b";
    assert_eq!(scene.number(free).await, 0);
    resumes.commit().await.unwrap();

    assert_eq!(retries.await.unwrap().unwrap(), 1);
}
