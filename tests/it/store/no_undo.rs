//! An act that `u` cannot take back is named as it was done, with what can be done instead.

use blastdeck::app::Launch;
use blastdeck::domain::ids::BlastId;
use chrono::TimeDelta;

use super::marks::operator_app;
use super::undo::{refused_unchanged, with_an_opt_out};
use super::{BLAST, Scene};

#[tokio::test]
async fn a_time_that_was_left_out_and_a_step_that_was_changed_are_named() {
    let (scene, aina) = with_an_opt_out().await;
    for (detail, says) in [
        (
            r#"{"skipped": "2026-11-20T09:00:00Z"}"#,
            "leave out a time of Raya: that cannot be taken back; U on a person takes back their last mark",
        ),
        (r#"{"list": true}"#, "read the list of Raya: e on it changes it again"),
        (r#"{"step": 1, "step_was": "paused"}"#, "pause step 1 of Raya: ! lists it, and there S resumes it"),
        (r#"{"step": 1, "step_was": "added"}"#, "add step 1 to Raya: ! lists it, and there X removes it"),
        (
            r#"{"step": 1, "step_was": "changed"}"#,
            "change step 1 of Raya: `blastdeck blast step set 1 1` changes it again",
        ),
        (r#"{"step": 1, "step_was": "removed"}"#, "remove step 1 from Raya: f on its people, then a, adds it again"),
        (
            r#"{"version": 3, "pace": "any hour, 1s..2s; before: 09:00-21:00 mon-fri, 1s..2s"}"#,
            "have Raya send at any hour: p pauses it; e gives it its hours again (09:00-21:00 mon-fri)",
        ),
    ] {
        let of = "insert into operator_actions (operator, action, blast_id, detail)";
        scene.execute(&format!("{of} values ('aina', 'edit', 1, '{detail}')")).await;

        assert_eq!(refused_unchanged(&scene, &aina).await, format!("your last act was to {says}"));
    }
    assert_eq!(aina.dropped_hours(BLAST).await.unwrap().as_deref(), Some("09:00-21:00 mon-fri"));
    for (state, says) in [
        ("paused", "e gives it its hours again (09:00-21:00 mon-fri)"),
        ("completed", "it is done now; U on a person takes back their last mark"),
    ] {
        scene.execute(&format!("update blasts set state = '{state}'")).await;
        let says = format!("your last act was to have Raya send at any hour: {says}");
        assert_eq!(refused_unchanged(&scene, &aina).await, says);
    }
}

#[tokio::test]
async fn a_tag_and_a_note_are_named_with_what_takes_them_away() {
    let (scene, aina) = with_an_opt_out().await;
    for (detail, says) in [
        (
            r#"{"tags": ["vip"], "without": [], "note": null}"#,
            "# on their page changes it again: vip adds a tag, -vip takes it away",
        ),
        (
            r#"{"tags": [], "without": [], "note": "red"}"#,
            "`blastdeck customer show +60100000001` has its number, `blastdeck customer note +60100000001 --remove NUMBER` removes it",
        ),
        (r#"{"merged": "60100000002"}"#, "that cannot be taken back; U on a person takes back their last mark"),
    ] {
        let of = "insert into operator_actions (operator, action, phone_number, detail)";
        scene.execute(&format!("{of} values ('aina', 'customer', '+60100000001', '{detail}')")).await;

        let says = format!("your last act was to change a customer's tags, notes or numbers: {says}");
        assert_eq!(refused_unchanged(&scene, &aina).await, says);
    }
}

#[tokio::test]
async fn one_message_to_oneself_is_named_as_what_it_is_and_not_asked_about() {
    let (scene, aina) = with_an_opt_out().await;
    scene.execute("update blasts set state = 'draft', follow_up_stage = 'Test', total_recipients = 1").await;
    let version = aina.blast(BLAST).await.unwrap().version;
    aina.launch(Launch { blast: BLAST, version, people: 2, armed_for: TimeDelta::zero() }).await.unwrap();
    let says = "your last act was to send one message to yourself: what went out cannot be called back; nobody else got it; \
                U on a person takes back their last mark";

    assert_eq!(refused_unchanged(&scene, &aina).await, says);
    assert_eq!(aina.ask_about_mine(Some(BlastId(99)), None).await.unwrap(), None, "there is nothing to be asked");
    scene.execute("update blasts set state = 'completed'").await;
    assert_eq!(refused_unchanged(&scene, &aina).await, says);
}

#[tokio::test]
async fn a_launch_is_not_taken_back_past_a_claim_that_may_be_sending_of_it() {
    let scene = Scene::queued(3).await;
    let aina = operator_app(&scene, "aina").await;
    aina.pause(BLAST).await.unwrap();
    let version = aina.blast(BLAST).await.unwrap().version;
    aina.resume(Launch { blast: BLAST, version, people: 3, armed_for: TimeDelta::minutes(1) }).await.unwrap();
    let mut claim = scene.pool().begin().await.unwrap();
    sqlx::query("select 1 from sender_leases for key share").execute(&mut *claim).await.unwrap();

    let meanwhile = aina.undo_mine().await;
    claim.rollback().await.unwrap();

    assert!(meanwhile.is_err(), "{meanwhile:?}");
    aina.undo_mine().await.unwrap();
    assert_eq!(scene.number("select count(*) from blasts where state = 'sending'").await, 0);
}
