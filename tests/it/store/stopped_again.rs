//! A sender that was let go on is stopped again where nothing was sent since, and all that was launched of it is as it was before.

use blastdeck::app::{App, Launch};
use blastdeck::domain::act::Actor;
use blastdeck::domain::blast::BlastState;
use blastdeck::domain::ids::{ActionId, BlastId};
use chrono::TimeDelta;

use super::marks::{operator_app, refusal};
use super::{BLAST, Scene};

/// Three that a stopped sender was launched for, each with its own launch, and the first with the act that lets them go on.
async fn going_on() -> (Scene, App) {
    going_on_since("now()", Launch::ARMED_FOR).await
}

/// The same by a command, without seconds in which that can be taken back.
async fn going_on_at_once() -> (Scene, App) {
    going_on_since("now()", TimeDelta::zero()).await
}

/// The same, where it was stopped at this time, and how long they wait.
async fn going_on_since(stopped_at: &str, armed_for: TimeDelta) -> (Scene, App) {
    let scene = Scene::queued(1).await;
    scene.execute(&format!("update senders set stopped_at = {stopped_at}")).await;
    scene
        .execute(
            "update senders set stopped_code = 'device', stopped_reason = 'Device is offline';
             insert into blasts (blast_tag, sender_id, state, message, total_recipients)
             select tag, 1, 'sending', 'Hi', 1 from unnest(array['Second', 'Third']) tag;
             update blasts set state_by = 'ben', launched_at = now() - interval '1 hour', armed_at = now() - interval '1 hour',
                               send_after = now() - interval '1 hour' + interval '10 seconds';
             insert into blast_recipients (blast_id, phone_number) values (2, '+60100000402'), (3, '+60100000403');
             insert into operator_actions (operator, action, blast_id, at)
             select 'ben', 'launch', id, now() - interval '1 hour' from blasts order by id",
        )
        .await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BLAST).await.unwrap().version;
    aina.resume(Launch { blast: BLAST, version, people: 3, armed_for }).await.unwrap();
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

/// What its provider said is not said once more.
#[tokio::test]
async fn a_sender_that_is_stopped_again_is_stopped_since_the_time_at_which_it_was() {
    let (scene, aina) = going_on_since("now() - interval '2 minutes'", Launch::ARMED_FOR).await;

    aina.undo_launch_of(BLAST).await.unwrap();

    let as_before = "select count(*) from senders
                      where stopped_at between now() - interval '3 minutes' and now() - interval '2 minutes'";
    let by_aina = "select count(*) from operator_actions
                    where operator = 'aina' and detail ->> 'stopped' = 'true' and at > now() - interval '1 minute'";
    assert_eq!((scene.number(as_before).await, scene.number(by_aina).await), (1, 1));
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

    // No key or command: it would be that of another blast.
    let words = "Third has started: sender sales is not stopped again; each of its blasts can be paused";
    assert_eq!(refused, words);
    assert_eq!(scene.number(STOPPED).await, 0);
}

/// Somebody of a blast is claimed.
async fn claim_of(scene: &Scene, blast: i64) {
    scene
        .execute(&format!(
            "insert into claims (blast_id, sender_id, attempt_number, epoch, first_id, last_id, recipients)
             select blast_id, 1, 1, 1, id, id, array[id] from blast_recipients where blast_id = {blast}"
        ))
        .await;
}

/// The stop is the sender's, and *nothing was sent* is said of it.
#[tokio::test]
async fn whatever_was_sent_of_a_sender_since_keeps_it_from_being_stopped_again() {
    let (scene, aina) = going_on().await;
    claim_of(&scene, 3).await;
    scene.execute("update blasts set state = 'paused' where id = 3").await;
    let paused = refusal(aina.undo_launch_of(BLAST).await);

    let (other, aina) = going_on().await;
    other
        .execute(
            "insert into blasts (blast_tag, sender_id, state, message, total_recipients) values ('Fourth', 1, 'sending', 'Hi', 1);
             insert into blast_recipients (blast_id, phone_number) values (4, '+60100000404')",
        )
        .await;
    claim_of(&other, 4).await;
    let launched_since = refusal(aina.undo_launch_of(BLAST).await);

    assert!(paused.starts_with("Third has started: sender sales is not stopped again"), "{paused}");
    assert!(launched_since.starts_with("Fourth has started: sender sales is not stopped again"), "{launched_since}");
    assert_eq!((scene.number(STOPPED).await, other.number(STOPPED).await), (0, 0));
}

#[tokio::test]
async fn undoing_a_paused_blast_does_not_stop_the_sender_of_the_others() {
    let (scene, aina) = going_on().await;
    aina.pause(BlastId(2)).await.unwrap();

    let refused = refusal(aina.undo_launch_of(BlastId(2)).await);

    assert_eq!(refused, "Second is paused now: nothing was taken back; S resumes it");
    assert_eq!((scene.number(WAITING).await, scene.number(STOPPED).await), (2, 0));
}

/// By ben, an hour ago.
const AS_LAUNCHED: &str = "select count(*) from blasts
    where state_by = 'ben' and armed_at = send_after - interval '10 seconds' and send_after < now() - interval '50 minutes'";

#[tokio::test]
async fn blasts_are_whose_they_were_and_wait_as_before_once_their_sender_is_stopped_again() {
    let (scene, aina) = going_on().await;
    assert_eq!(scene.number(AS_LAUNCHED).await, 0);
    // Its ten seconds are over, and nobody was claimed.
    scene.execute("update blasts set send_after = now() - interval '1 second'").await;

    aina.undo_mine().await.unwrap();

    assert_eq!(scene.number(AS_LAUNCHED).await, 3);
    assert_eq!(scene.number(STOPPED).await, 1);
}

/// As with a key that is pressed twice.
#[tokio::test]
async fn undoing_once_more_than_a_sender_was_stopped_again_does_not_pause_what_was_half_sent() {
    let (scene, aina) = going_on().await;
    half_sent(&scene, 2).await;
    aina.undo_launch_of(BlastId(2)).await.unwrap();

    let question = aina.ask_to_pause(BlastId(2)).await.unwrap();
    let refused = refusal(aina.undo_launch_of(BlastId(2)).await);

    assert_eq!(question.as_deref(), Some("Second has started, and that cannot be taken back: pause it?"));
    assert!(refused.starts_with("Second has started: p pauses it"), "{refused}");
    assert_eq!(scene.number("select count(*) from blasts where state = 'sending'").await, 3);
    assert_eq!(scene.number("select count(*) from operator_actions where undone_at is not null").await, 1);
}

/// A blast was sent to somebody half an hour ago.
async fn half_sent(scene: &Scene, blast: i64) {
    scene
        .execute(&format!(
            "insert into blast_recipients (blast_id, phone_number, status, standing, sent_at, message_id, attempt)
             values ({blast}, '+60100000405', 'sent', 'sent', now() - interval '30 minutes', 'M5', 1);
             insert into provider_message (recipient_id, attempt, sender_id, outcome, message_id, epoch, claimed_at)
             select id, 1, 1, 'accepted', 'M5', 1, now() - interval '30 minutes' from blast_recipients where message_id = 'M5'"
        ))
        .await;
}

/// While the sender goes on by the act of somebody else.
#[tokio::test]
async fn whoever_launched_a_half_sent_blast_does_not_take_that_back_since_it_waits_with_its_sender() {
    let (scene, _) = going_on().await;
    half_sent(&scene, 3).await;

    let refused = refusal(operator_app(&scene, "ben").await.undo_mine().await);

    assert!(refused.starts_with("Third has started: p pauses it"), "{refused}");
    assert_eq!((scene.number(WAITING).await, scene.number(STOPPED).await), (3, 0));
}

#[tokio::test]
async fn what_was_to_be_sent_before_its_time_keeps_that_where_it_is_paused_as_its_sender_goes_on() {
    for is_undone in [false, true] {
        let (scene, aina) = going_on().await;
        scene
            .execute(
                "update blasts set scheduled_for = now() + interval '1 day' where id = 2;
                 update operator_actions set detail = '{\"early\": true}' where blast_id = 2",
            )
            .await;

        if is_undone {
            aina.undo_mine().await.unwrap();
            let again = aina.undo_launch_of(BlastId(2)).await.unwrap().sentence;
            assert!(again.starts_with("Second is scheduled again and starts "), "{again}");
        } else {
            aina.pause(BlastId(2)).await.unwrap();
        }

        let blast = aina.blast(BlastId(2)).await.unwrap();
        assert!(blast.launched_at.is_none() && blast.scheduled_for.is_some(), "{is_undone}: {blast:?}");
    }
}

/// The pause of before a resume of which something was sent is none of it.
#[tokio::test]
async fn a_pause_while_the_sender_goes_on_is_that_of_whoever_paused_it() {
    let (scene, aina) = going_on().await;
    scene
        .execute(
            "insert into operator_actions (operator, action, blast_id, at, detail)
             values ('ben', 'resume', 2, now() - interval '45 minutes',
                     '{\"paused\": {\"state_reason\": \"five in a row failed\", \"state_by\": \"engine\", \"first_left\": 5}}')",
        )
        .await;
    half_sent(&scene, 2).await;

    let paused = aina.pause(BlastId(2)).await.unwrap();

    assert_eq!((paused.state_by, paused.state_reason), (Some(Actor::Operator("aina".to_owned())), None));
    assert_eq!(scene.number("select count(*) from blasts where first_left is not null").await, 0);
}

/// As ctrl-c does of a launch on a terminal.
#[tokio::test]
async fn a_launch_is_taken_back_by_itself_where_its_sender_was_let_go_on_meanwhile() {
    let (scene, aina) = going_on().await;
    let launch = ActionId(scene.number("select id from operator_actions where blast_id = 2").await);
    assert_eq!(aina.taken_back_by(BlastId(2)).await.unwrap(), None);

    let undone = operator_app(&scene, "ben").await.undo_start_of(BlastId(2), Some(launch)).await.unwrap().sentence;

    assert_eq!(undone, "Second is a draft again: nothing was sent");
    assert_eq!((scene.number(WAITING).await, scene.number(STOPPED).await), (2, 0));
    assert_eq!(aina.taken_back_by(BlastId(2)).await.unwrap().as_deref(), Some("ben"));
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

#[tokio::test]
async fn a_yes_about_a_start_takes_back_no_other_start() {
    let (scene, aina) = going_on().await;
    let ben = operator_app(&scene, "ben").await;
    let (asked, question) = ben.others_launch(BlastId(2)).await.unwrap().unwrap();
    aina.undo_mine().await.unwrap();
    let version = aina.blast(BLAST).await.unwrap().version;
    aina.resume(Launch { blast: BLAST, version, people: 3, armed_for: Launch::ARMED_FOR }).await.unwrap();

    let refused = refusal(ben.undo_asked_start(BlastId(2), asked).await);

    assert_eq!(question, "aina let the sender of Second go on: stop it again?");
    assert!(refused.contains("meanwhile: nothing was taken back; u asks again"), "{refused}");
    assert_eq!((scene.number(WAITING).await, scene.number(STOPPED).await), (3, 0));
    let (asked, _) = ben.others_launch(BlastId(2)).await.unwrap().unwrap();
    ben.undo_asked_start(BlastId(2), asked).await.unwrap();
    assert_eq!(scene.number(STOPPED).await, 1);
}

/// Somebody else answered it meanwhile.
#[tokio::test]
async fn a_yes_about_a_start_that_was_taken_back_does_not_ask_to_pause_what_was_half_sent_before() {
    let (scene, aina) = going_on().await;
    half_sent(&scene, 2).await;
    let ben = operator_app(&scene, "ben").await;
    let (asked, _) = ben.others_launch(BlastId(2)).await.unwrap().unwrap();
    aina.undo_mine().await.unwrap();

    let question = ben.ask_to_pause_asked(BlastId(2), asked).await.unwrap();
    let refused = refusal(ben.undo_asked_start(BlastId(2), asked).await);

    assert_eq!(question, None);
    assert!(refused.starts_with("somebody took that back"), "{refused}");
}

#[tokio::test]
async fn whoever_resumes_a_sender_second_is_not_said_to_be_late_while_it_can_be_stopped() {
    let (scene, _aina) = going_on().await;
    let ben = operator_app(&scene, "ben").await;
    let again = async |blast| {
        let version = ben.blast(blast).await.unwrap().version;
        refusal(ben.resume(Launch { blast, version, people: 3, armed_for: Launch::ARMED_FOR }).await)
    };

    for (blast, name) in [(BLAST, "Raya"), (BlastId(3), "Third")] {
        assert_eq!(again(blast).await, format!("{name}: aina resumed it already, nothing has been sent since"));
    }

    scene.execute("update blasts set send_after = now() - interval '1 second'").await;
    assert_eq!(again(BlastId(3)).await, "Third is sending: aina resumed it already");
}

#[tokio::test]
async fn once_they_have_started_the_question_whether_to_pause_one_names_the_others() {
    let (scene, aina) = going_on().await;
    scene
        .execute(
            "insert into claims (blast_id, sender_id, attempt_number, epoch, first_id, last_id, recipients)
             select 3, 1, 1, 1, id, id, array[id] from blast_recipients where blast_id = 3;
             update blasts set send_after = now() - interval '1 second'",
        )
        .await;

    let of_three = aina.ask_to_pause(BlastId(3)).await.unwrap().unwrap();
    aina.pause(BLAST).await.unwrap();
    let of_two = aina.ask_to_pause(BlastId(3)).await.unwrap().unwrap();
    aina.pause(BlastId(2)).await.unwrap();
    let of_one = aina.ask_to_pause(BlastId(3)).await.unwrap().unwrap();

    let started = "started, and that cannot be taken back: pause";
    assert_eq!(of_three, format!("Third and 2 others have {started} Third? The others go on."));
    assert_eq!(of_two, format!("Third and Second have {started} Third? Second goes on."));
    assert_eq!(of_one, format!("Third has {started} it?"));
}

/// Of what was let go on this one has sent, and the sender has stopped by itself since.
async fn stopped_by_itself_since(sent: i64) -> (Scene, App) {
    let (scene, aina) = going_on().await;
    half_sent(&scene, sent).await;
    scene
        .execute(
            "update provider_message set claimed_at = now();
             update blasts set send_after = now();
             update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'Device is offline'",
        )
        .await;
    (scene, aina)
}

#[tokio::test]
async fn a_launch_of_which_nothing_was_sent_is_taken_back_behind_a_sender_that_stopped_by_itself_again() {
    let (scene, aina) = stopped_by_itself_since(1).await;

    let undone = aina.undo_launch_of(BlastId(3)).await.unwrap().sentence;

    assert_eq!(undone, "Third is a draft again: nothing was sent");
    assert_eq!(scene.number(STOPPED).await, 1);
    let refused = refusal(aina.undo_launch_of(BLAST).await);
    assert_eq!(refused, "Raya has started: p pauses it, then X cancels the rest");
}

/// By `u`, and over the API.
#[tokio::test]
async fn of_an_act_that_let_a_stopped_sender_go_on_before_nothing_is_taken_back_but_ones_own_launch() {
    let (scene, aina) = stopped_by_itself_since(1).await;

    let refused = refusal(aina.undo_mine().await);
    assert!(refused.starts_with("sender sales is stopped already: nothing was taken back; "), "{refused}");
    assert_eq!(scene.number("select count(*) from operator_actions where undone_at is not null").await, 0);

    // Of the blast by which she let it go on nothing was sent, and it is she who had launched it.
    let (scene, aina) = stopped_by_itself_since(2).await;
    scene.execute("update operator_actions set operator = 'aina' where blast_id = 1").await;
    let (_, asked) = aina.ask_about_mine(Some(BlastId(99)), None).await.unwrap().unwrap();
    let undone = aina.undo_mine().await.unwrap().sentence;

    assert_eq!(asked, "your last act was to launch Raya, Initial (blast 1). Take it back?");
    assert_eq!(undone, "Raya is a draft again: nothing was sent");
    assert_eq!(scene.number(STOPPED).await, 1);
}

async fn stops_by_itself(scene: &Scene) {
    let stop = "update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'Device is offline'";
    scene.execute(stop).await;
}

/// All three are being sent still, and no act is taken back.
async fn is_as_it_was(scene: &Scene) {
    assert_eq!(scene.number("select count(*) from blasts where state = 'sending'").await, 3);
    assert_eq!(scene.number("select count(*) from operator_actions where undone_at is not null").await, 0);
}

/// Nothing waits by it: it left no seconds, or somebody else let the sender go on since.
#[tokio::test]
async fn an_act_that_let_a_sender_go_on_and_holds_nothing_any_more_takes_back_nobody_elses_launch() {
    let (scene, aina) = going_on_at_once().await;
    stops_by_itself(&scene).await;
    let at_once = refusal(aina.undo_mine().await);

    let (other, aina) = going_on().await;
    stops_by_itself(&other).await;
    let ben = operator_app(&other, "ben").await;
    let version = ben.blast(BlastId(2)).await.unwrap().version;
    ben.resume(Launch { blast: BlastId(2), version, people: 3, armed_for: Launch::ARMED_FOR }).await.unwrap();
    let while_it_goes_on = refusal(aina.undo_mine().await);
    stops_by_itself(&other).await;
    let armed_anew = refusal(aina.undo_mine().await);

    let stopped = "sender sales is stopped already: nothing was taken back; ";
    assert!(at_once.starts_with(stopped), "{at_once}");
    let since = "ben let sender sales go on since: nothing was taken back; ";
    assert!(while_it_goes_on.starts_with(since), "{while_it_goes_on}");
    assert!(armed_anew.starts_with(stopped), "{armed_anew}");
    is_as_it_was(&scene).await;
    is_as_it_was(&other).await;
}

/// By the command and the API, by `u`, and by a yes to the question of somebody else's `u`.
#[tokio::test]
async fn a_sender_that_was_let_go_on_at_once_is_stopped_again_or_not_and_none_of_its_blasts_is_paused() {
    for way in ["command", "u", "yes"] {
        for has_begun in [true, false] {
            let (scene, aina) = going_on_at_once().await;
            if has_begun {
                claim_of(&scene, 3).await;
            }

            let undone = match way {
                "command" => aina.undo_launch_of(BLAST).await,
                "u" => aina.undo_mine().await,
                _ => {
                    let ben = operator_app(&scene, "ben").await;
                    let (asked, question) = ben.others_launch(BLAST).await.unwrap().unwrap();
                    assert_eq!(question, "aina let the sender of Raya go on: stop it again?");
                    ben.undo_asked_start(BLAST, asked).await
                }
            };

            if has_begun {
                let refused = refusal(undone);
                let words = "Third has started: sender sales is not stopped again; each of its blasts can be paused";
                assert!(refused.starts_with(words), "{way}: {refused}");
                is_as_it_was(&scene).await;
            } else {
                assert_eq!(undone.unwrap().sentence, "sender sales is stopped again: nothing was sent", "{way}");
                assert_eq!(scene.number("select count(*) from blasts where state = 'sending'").await, 3, "{way}");
            }
            assert_eq!(scene.number(STOPPED).await, i64::from(!has_begun), "{way}");
        }
    }
}

#[tokio::test]
async fn undoing_once_more_does_not_say_that_the_sender_goes_on_since_it_went_on_before() {
    let (scene, aina) = stopped_by_itself_since(1).await;
    let version = aina.blast(BlastId(2)).await.unwrap().version;
    aina.resume(Launch { blast: BlastId(2), version, people: 3, armed_for: Launch::ARMED_FOR }).await.unwrap();
    let first = aina.undo_launch_of(BlastId(2)).await.unwrap().sentence;
    assert_eq!(first, "sender sales is stopped again: nothing was sent");

    let again = aina.undo_launch_of(BlastId(2)).await.unwrap().sentence;

    assert_eq!(again, "Second is a draft again: nothing was sent");
    assert_eq!(scene.number(STOPPED).await, 1);
}

/// Whoever presses `u` there long after may mean something else.
#[tokio::test]
async fn a_launch_that_waits_for_its_stopped_sender_is_asked_about_in_another_blast_after_its_ten_seconds() {
    let scene = Scene::queued(1).await;
    scene
        .execute(
            "update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'Device is offline';
             update blasts set state = 'draft'",
        )
        .await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BLAST).await.unwrap().version;
    aina.launch(Launch { blast: BLAST, version, people: 1, armed_for: Launch::ARMED_FOR }).await.unwrap();
    scene.execute("update blasts set send_after = now() - interval '1 second'").await;

    let (_, asked) = aina.ask_about_mine(Some(BlastId(99)), None).await.unwrap().unwrap();

    assert_eq!(asked, "your last act was to launch Raya, Initial (blast 1). Take it back?");
}

#[tokio::test]
async fn a_sender_that_went_on_is_not_stopped_again_from_another_blast_without_a_question() {
    let (scene, aina) = going_on().await;
    scene.execute("update blasts set send_after = now() - interval '1 second'").await;

    let (_, asked) = aina.ask_about_mine(Some(BlastId(99)), None).await.unwrap().unwrap();
    claim_of(&scene, 3).await;
    let too_late = aina.ask_about_mine(Some(BlastId(99)), None).await.unwrap();

    assert_eq!(asked, "your last act was to resume Raya, Initial (blast 1). Take it back?");
    assert_eq!(too_late, None);
}
