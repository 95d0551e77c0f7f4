//! What `u` takes back leaves no trace of itself: a pause has its reason again, what happened is told once, and an act in a blast
//! that nobody sees is asked about first.

use blastdeck::app::{App, AppError, DraftEdit, DraftForm, Launch};
use blastdeck::domain::act::{Act, Actor};
use blastdeck::domain::blast::{BlastState, PersonClocks};
use blastdeck::domain::field_change::FieldChange;
use blastdeck::domain::ids::{BlastId, RecipientId};
use blastdeck::domain::recipient::{Evidence, Mark, Resolution};
use blastdeck::store::view::activity::{self, ActivityEvent};
use chrono::{NaiveTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::marks::{act_of, operator_app, refusal};
use super::{BLAST, Scene, entry};

/// The blast waits for somebody to look at its first person.
async fn after_its_first(scene: &Scene) {
    scene
        .execute(
            "update blasts set state = 'paused', state_by = 'engine', state_reason = 'the first one is done',
                               first_people = 1, first_left = 0",
        )
        .await;
    // Something was tried for somebody, who is queued again.
    scene.execute("update blast_recipients set attempt = 1 where id = 1").await;
}

async fn resume(app: &App) {
    let version = app.blast(BLAST).await.unwrap().version;
    app.resume(Launch { blast: BLAST, version, people: 3, armed_for: TimeDelta::minutes(1) }).await.unwrap();
}

#[tokio::test]
async fn a_blast_that_was_resumed_and_is_stopped_again_is_paused_for_the_same_reason() {
    for by_undo in [true, false] {
        let scene = Scene::queued(3).await;
        after_its_first(&scene).await;
        let aina = operator_app(&scene, "aina").await;
        resume(&aina).await;
        assert_eq!(
            scene.number("select count(*) from blasts where first_left is null and state_reason is null").await,
            1
        );

        if by_undo {
            aina.undo_mine().await.unwrap();
        } else {
            aina.pause(BLAST).await.unwrap();
        }

        let blast = aina.blast(BLAST).await.unwrap();
        assert!(blast.state == BlastState::Paused && blast.asks_for_person(), "{blast:?}");
        assert_eq!(blast.state_reason.as_deref(), Some("the first one is done"));
        assert!(blast.first.are_through());
    }
}

/// Nobody is sent to before its hours or the next day: until then it is taken back as in its ten seconds.
#[tokio::test]
async fn a_resume_that_waits_is_taken_back_with_the_reason_and_the_name_of_the_pause_before() {
    let scene = Scene::queued(3).await;
    after_its_first(&scene).await;
    let aina = operator_app(&scene, "aina").await;
    resume(&aina).await;
    scene.execute("update blasts set send_after = now() - interval '1 second'").await;

    let said = aina.undo_mine().await.unwrap().sentence;

    assert_eq!(said, "Raya is paused again: nothing more was sent");
    let blast = aina.blast(BLAST).await.unwrap();
    assert!(blast.state == BlastState::Paused && blast.asks_for_person(), "{blast:?}");
    assert_eq!(blast.state_by, Some(Actor::Engine));
    assert_eq!(blast.state_reason.as_deref(), Some("the first one is done"));
    assert!(blast.first.are_through());
}

#[tokio::test]
async fn a_resume_that_is_taken_back_before_anybody_was_sent_to_does_not_say_that_some_were() {
    let scene = Scene::queued(3).await;
    scene.execute("update blasts set state = 'paused', state_by = 'aina'").await;
    let aina = operator_app(&scene, "aina").await;
    resume(&aina).await;

    let said = aina.undo_mine().await.unwrap().sentence;

    assert_eq!(said, "Raya is paused again: nothing was sent");
}

/// As a resume by a command is, which nobody can take back where it sends at once.
#[tokio::test]
async fn a_resume_at_once_that_waits_for_its_hours_is_taken_back_though_some_were_sent_to_before() {
    let scene = Scene::queued(3).await;
    after_its_first(&scene).await;
    let day = (Utc::now() + TimeDelta::days(2)).format("%a").to_string().to_lowercase();
    scene.execute(&format!("update blasts set weekdays = '{day}', timezone = 'UTC'")).await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BLAST).await.unwrap().version;
    aina.resume(Launch { blast: BLAST, version, people: 3, armed_for: TimeDelta::zero() }).await.unwrap();

    let said = aina.undo_launch_of(BLAST).await.unwrap().sentence;

    assert_eq!(said, "Raya is paused again: nothing more was sent");
    assert_eq!(aina.blast(BLAST).await.unwrap().state_reason.as_deref(), Some("the first one is done"));
}

#[tokio::test]
async fn a_draft_that_made_itself_says_why_it_waits_once_its_launch_is_taken_back() {
    let why = "step 1 of blast 2 made it: it waits for your yes";
    for pauses in 0..3 {
        let scene = Scene::queued(3).await;
        let made = "update blasts set state = 'draft', launched_at = null, state_by = 'engine', state_reason =";
        let starts = if pauses > 0 { ", scheduled_for = now() + interval '2 days'" } else { "" };
        scene.execute(&format!("{made} '{why}'{starts}")).await;
        let aina = operator_app(&scene, "aina").await;
        let version = aina.blast(BLAST).await.unwrap().version;
        aina.launch(Launch { blast: BLAST, version, people: 3, armed_for: TimeDelta::minutes(1) }).await.unwrap();
        for pause in 0..pauses {
            if pause > 0 {
                let version = aina.blast(BLAST).await.unwrap().version;
                aina.resume(Launch { blast: BLAST, version, people: 3, armed_for: TimeDelta::minutes(1) })
                    .await
                    .unwrap();
            }
            aina.pause(BLAST).await.unwrap();
        }

        aina.undo_launch_of(BLAST).await.unwrap();

        let blast = aina.blast(BLAST).await.unwrap();
        assert_eq!((blast.state, blast.state_by), (BlastState::Draft, Some(Actor::Engine)));
        assert_eq!(blast.state_reason.as_deref(), Some(why), "paused {pauses} times");
    }
}

#[tokio::test]
async fn a_launch_that_was_taken_back_is_told_once() {
    let scene = Scene::queued(3).await;
    scene.execute("update blasts set state = 'draft', launched_at = null").await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BLAST).await.unwrap().version;
    aina.launch(Launch { blast: BLAST, version, people: 3, armed_for: TimeDelta::minutes(1) }).await.unwrap();
    scene.execute("delete from blast_changes where new_state not in ('sending')").await;
    let changes = async || {
        let rows = activity::page(scene.pool(), None, 20).await.unwrap();
        let to = |event| if let ActivityEvent::Change { to, .. } = event { Some(to) } else { None };
        rows.into_iter().filter_map(|row| to(row.event)).collect::<Vec<_>>()
    };
    assert_eq!(changes().await, [BlastState::Sending]);

    aina.undo_mine().await.unwrap();

    assert_eq!(changes().await, [BlastState::Draft]);
}

#[tokio::test]
async fn an_act_in_another_blast_is_asked_about_by_name_and_is_still_the_newest_when_it_is_taken_back() {
    let scene = Scene::queued(3).await;
    scene.execute("update blasts set state = 'paused'").await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(RecipientId(2), Mark::OptOut).await.unwrap();

    assert_eq!(aina.ask_about_mine(Some(BLAST), None).await.unwrap(), None);
    let (act, question) = aina.ask_about_mine(Some(BlastId(99)), None).await.unwrap().unwrap();
    assert!(
        question.starts_with("your last act in Raya, Initial (blast 1): opt-out, ")
            && question.ends_with("Take it back?"),
        "{question}"
    );

    aina.mark(RecipientId(3), Mark::Note("later".to_owned())).await.unwrap();
    assert!(refusal(aina.undo_my_act(&act_of(act)).await).contains("nothing was taken back"));
    let (act, _) = aina.ask_about_mine(Some(BlastId(99)), None).await.unwrap().unwrap();
    aina.undo_my_act(&act_of(act)).await.unwrap();
    assert_eq!(scene.number("select count(*) from blast_recipients where note is not null").await, 0);
}

#[tokio::test]
async fn of_a_later_amount_the_question_names_the_amount() {
    let scene = Scene::queued(3).await;
    scene.execute("update blast_recipients set status = 'sent', standing = 'sent', attempt = 1, sent_at = now()").await;
    let aina = operator_app(&scene, "aina").await;
    let ask = async || aina.ask_about_mine(Some(BLAST), Some(RecipientId(3))).await.unwrap().unwrap().1;
    aina.mark(RecipientId(2), Mark::Closed(None)).await.unwrap();
    assert!(ask().await.starts_with("your last act: closed, "), "{}", ask().await);

    aina.amend(RecipientId(2), None, Decimal::from(50)).await.unwrap();

    assert!(ask().await.starts_with("your last act: the amount of "), "{}", ask().await);
    aina.undo_mine().await.unwrap();
    assert!(ask().await.starts_with("your last act: closed, "), "{}", ask().await);
}

#[tokio::test]
async fn an_act_on_somebody_else_than_is_shown_is_asked_about_and_one_without_undo_is_not() {
    let scene = Scene::queued(3).await;
    scene.execute("update blasts set state = 'paused'").await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(RecipientId(2), Mark::OptOut).await.unwrap();

    assert_eq!(aina.ask_about_mine(Some(BLAST), Some(RecipientId(2))).await.unwrap(), None);
    let (act, question) = aina.ask_about_mine(Some(BLAST), Some(RecipientId(3))).await.unwrap().unwrap();
    assert!(question.starts_with("your last act: opt-out, ") && !question.contains("Raya"), "{question}");
    aina.undo_my_act(&act_of(act)).await.unwrap();

    aina.mark_several(&[RecipientId(1), RecipientId(2)], &Mark::Note("both".to_owned())).await.unwrap();
    for shown in [Some(RecipientId(1)), Some(RecipientId(3)), None] {
        let (_, question) = aina.ask_about_mine(Some(BLAST), shown).await.unwrap().unwrap();
        assert!(question.contains(", 2 people. Take it back?"), "{question}");
    }

    let version = aina.blast(BLAST).await.unwrap().version;
    scene.execute("update blasts set state = 'draft', launched_at = null, send_after = null").await;
    aina.launch(Launch { blast: BLAST, version, people: 3, armed_for: TimeDelta::minutes(1) }).await.unwrap();
    scene.execute("update blasts set state = 'completed'").await;
    assert_eq!(aina.ask_about_mine(Some(BlastId(99)), None).await.unwrap(), None);
    assert!(refusal(aina.undo_mine().await).contains("it is done now"));
}

#[tokio::test]
async fn a_draft_that_is_written_by_hand_keeps_its_rule_and_peoples_own_time() {
    let scene = Scene::queued(3).await;
    scene.execute("update blasts set state = 'draft', launched_at = null, send_after = null").await;
    let aina = operator_app(&scene, "aina").await;
    let mut opened = aina.open_draft(BLAST).await.unwrap();
    assert!(opened.form.repeat.is_none());
    let rule = "every mon 09:00".parse().unwrap();
    let until = chrono::NaiveDate::from_ymd_opt(2099, 12, 31);
    let order = blastdeck::app::RepeatOrder { rule, until, times: std::num::NonZeroU32::new(10), at_most: None };
    opened.form.timezone = Some(chrono_tz::Asia::Kuala_Lumpur);
    opened.form.window = Some("09:00-21:00".parse().unwrap());
    opened.form.repeat = Some(order.clone());
    opened.form.clocks = PersonClocks { local_time: NaiveTime::from_hms_opt(10, 0, 0), window_local: true };

    let saved = aina.save_draft(Some(opened.at), &opened.form).await.unwrap();

    let read = aina.open_draft(BLAST).await.unwrap().form;
    assert_eq!((read.repeat.as_ref(), read.clocks, read.start), (Some(&order), opened.form.clocks, None));
    let schedules = aina.schedules().await.unwrap();
    assert!(matches!(&schedules[..], [one] if one.repeat.times == Some(10)), "{schedules:?}");
    opened.form.repeat = None;
    // A sender that is gone is not taken for a draft that is.
    let elsewhere = DraftForm { sender: "gone".to_owned(), ..opened.form.clone() };
    assert!(matches!(aina.save_draft(Some(saved.at), &elsewhere).await, Err(AppError::NotFound(_))));
    aina.save_draft(Some(saved.at), &opened.form).await.unwrap();
    assert_eq!(
        scene.number("select count(*) from blasts where repeat_rule is not null or repeat_until is not null").await,
        0
    );
}

#[tokio::test]
async fn what_was_decided_about_an_uncertain_message_and_that_a_draft_was_deleted_is_told() {
    let scene = Scene::queued(3).await;
    scene
        .execute("update blast_recipients set status = 'uncertain', standing = 'uncertain', attempt = 1 where id = 2")
        .await;
    scene.execute("insert into blasts (blast_tag, sender_id, message, state) values ('Promo', 1, 'Hi', 'draft')").await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(RecipientId(2), Mark::Resolve(Resolution::Drop)).await.unwrap();
    aina.delete(BlastId(2)).await.unwrap();

    let rows = activity::page(scene.pool(), None, 20).await.unwrap();

    let told =
        |row: ActivityEvent| if let ActivityEvent::Act { act, detail, .. } = row { Some((act, detail)) } else { None };
    let told: Vec<_> = rows.into_iter().filter_map(|row| told(row.event)).collect();
    assert!(told.contains(&(Act::Resolve, Some("drop".to_owned()))), "{told:?}");
    assert!(told.contains(&(Act::Delete, Some("draft".to_owned()))), "{told:?}");
}

#[tokio::test]
async fn a_decision_that_is_taken_back_is_one_line_and_no_news_to_whoever_took_it_back() {
    let scene = Scene::queued(3).await;
    scene
        .execute("update blast_recipients set status = 'uncertain', standing = 'uncertain', attempt = 1 where id = 2")
        .await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(RecipientId(2), Mark::Resolve(Resolution::Drop)).await.unwrap();
    let before = activity::page(scene.pool(), None, 20).await.unwrap().len();

    aina.undo_person(RecipientId(2)).await.unwrap();

    let rows = activity::page(scene.pool(), None, 20).await.unwrap();
    assert_eq!(rows.len(), before, "in place of the decision: {rows:?}");
    assert!(!rows.iter().any(|row| matches!(row.event, ActivityEvent::Trouble { .. })), "{rows:?}");
}

#[tokio::test]
async fn u_after_a_mark_was_taken_back_does_not_call_an_older_act_the_last_one() {
    let scene = Scene::queued(3).await;
    let aina = operator_app(&scene, "aina").await;
    aina.pause(BLAST).await.unwrap();
    aina.mark(RecipientId(2), Mark::OptOut).await.unwrap();
    aina.undo_person(RecipientId(2)).await.unwrap();

    let why = refusal(aina.undo_mine().await);

    assert!(why.starts_with("u does not restore a mark that was taken back: mark "), "{why}");
    assert!(
        why.ends_with(
            " again. Your act before that was to pause Raya: S resumes it; U on a person takes back their last mark"
        ),
        "{why}"
    );
    let both = [RecipientId(1), RecipientId(2)];
    aina.mark_several(&both, &Mark::OptOut).await.unwrap();
    aina.undo_people(&both).await.unwrap();
    let why = refusal(aina.undo_mine().await);
    let of_both = "u does not restore marks that were taken back: mark these 2 people again. ";
    assert!(why.starts_with(of_both), "{why}");
}

#[tokio::test]
async fn the_pace_of_a_started_blast_that_was_changed_is_changed_again_by_its_key() {
    let scene = Scene::queued(3).await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BLAST).await.unwrap().version;
    let edit = DraftEdit { rate: FieldChange::Set("20/min".parse().unwrap()), ..DraftEdit::default() };
    aina.edit(BLAST, version, edit.clone()).await.unwrap();

    assert_eq!(
        refusal(aina.undo_mine().await),
        "your last act was to change the hours or the pace of Raya: e on it changes it again"
    );
    assert!(aina.edit(BLAST, version, edit).await.unwrap_err().to_string().contains("changed this blast"));
    let renamed = DraftEdit { tag: Some("Raya 2".to_owned()), ..DraftEdit::default() };
    let why = aina.edit(BLAST, version + 1, renamed).await.unwrap_err().to_string();
    assert!(why.ends_with("once started, only rate, gap, window and weekdays can change"), "{why}");
}

#[tokio::test]
async fn what_another_window_of_the_same_operator_did_is_asked_about() {
    let scene = Scene::queued(3).await;
    scene.execute("update blasts set state = 'paused'").await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(RecipientId(2), Mark::OptOut).await.unwrap();
    let ask = async || aina.ask_about_mine(Some(BLAST), Some(RecipientId(2))).await.unwrap();
    assert_eq!(ask().await, None);

    scene.execute("update operator_actions set process = 1").await;

    let (act, question) = ask().await.unwrap();
    assert!(question.starts_with("your last act, by another window or command: opt-out, "), "{question}");
    aina.undo_my_act(&act_of(act)).await.unwrap();
}

#[tokio::test]
async fn u_does_not_ask_about_what_is_too_late_to_take_back_and_of_several_says_how_many_had_it_already() {
    let scene = Scene::sending(3).await;
    let doubt = |id| entry(id, Evidence::Unknown { why: "no answer".to_owned() }, b"");
    scene.record(&[doubt(1), doubt(2), doubt(3)]).await;
    scene.execute("update blast_recipients set claimed_at = claimed_at - interval '1 hour'").await;
    let aina = operator_app(&scene, "aina").await;
    let people: Vec<_> = (1..=3).map(RecipientId).collect();
    let asks = async || aina.ask_about_mine(Some(BlastId(99)), None).await.unwrap();

    aina.mark_several(&people, &Mark::Resolve(Resolution::Resend)).await.unwrap();
    assert!(asks().await.unwrap().1.contains("the answer about an uncertain message, 3 people. Take it back?"));
    assert_eq!(scene.claim(3).await.len(), 3);
    assert_eq!(asks().await, None);
    let why = refusal(aina.undo_mine().await);
    let first = "of 3 people nothing is taken back, the first: Person 1: too late to take back what you decided about their message";
    assert!(why.starts_with(first) && why.ends_with("U on a person takes back their last mark"), "{why}");

    aina.mark_several(&people, &Mark::OptOut).await.unwrap();
    let again = refusal(aina.mark_several(&people, &Mark::OptOut).await);
    assert_eq!(again, "nobody was marked: 3 had opted out already");
}
