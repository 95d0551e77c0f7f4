//! Launches and pauses, taken back and raced for.

use blastdeck::app::{Launch, UndoOffer};
use blastdeck::domain::ids::BlastId;
use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;

use super::super::Scene;
use super::{operator_app, refusal};
use crate::support::{WAITING_FOR_A_LOCK, eventually_async};

#[tokio::test]
async fn a_refusal_names_a_follow_up_with_its_stage() {
    let scene = Scene::queued(2).await;
    scene.execute("update blasts set state = 'draft', follow_up_stage = 'Follow-up 1'").await;
    let aina = operator_app(&scene, "aina").await;
    let version = aina.blast(BlastId(1)).await.unwrap().version;
    aina.launch(Launch { blast: BlastId(1), version, people: 2, armed_for: TimeDelta::zero() }).await.unwrap();

    let says =
        "Raya, Follow-up 1 has started: p pauses it, then X cancels the rest; U on a person takes back their last mark";
    assert_eq!(refusal(aina.undo_mine().await), says);
}

#[tokio::test]
async fn a_launch_is_taken_back_while_it_is_armed_and_not_after() {
    let scene = Scene::queued(2).await;
    scene.execute("update blasts set state = 'draft'").await;
    let aina = operator_app(&scene, "aina").await;
    let launch = async |armed_for| {
        let version = aina.blast(BlastId(1)).await.unwrap().version;
        aina.launch(Launch { blast: BlastId(1), version, people: 2, armed_for }).await
    };

    launch(TimeDelta::seconds(10)).await.unwrap();
    assert_eq!(scene.claim(2).await.len(), 0);
    assert_eq!(aina.ask_to_pause(BlastId(1)).await.unwrap(), None, "it can be taken back");
    aina.undo_mine().await.unwrap();
    assert_eq!(scene.number("select count(*) from blasts where state = 'draft' and send_after is null").await, 1);

    launch(TimeDelta::zero()).await.unwrap();
    assert!(refusal(aina.undo_mine().await).contains("has started"));
    let question = "Raya has started, and that cannot be taken back: pause it?".to_owned();
    let asked = aina.ask_about_mine(Some(BlastId(99)), None).await.unwrap();
    assert_eq!(asked, Some((UndoOffer::Pause(BlastId(1)), question.clone())));
    assert_eq!(aina.ask_to_pause(BlastId(1)).await.unwrap(), Some(question));
    assert_eq!(scene.claim(2).await.len(), 2);
}

/// As a launch by a command is, which nobody can take back where it sends at once.
#[tokio::test]
async fn what_was_launched_at_once_and_waits_for_its_sender_its_hours_or_its_cap_is_taken_back_until_somebody_was_sent_to()
 {
    let day = (Utc::now() + TimeDelta::days(2)).format("%a").to_string().to_lowercase();
    let hours = format!("update blasts set weekdays = '{day}', timezone = 'UTC'");
    let own_hours = format!("update blasts set weekdays = '{day}', window_local = true");
    // In half a day by the clocks of Malaysia, eight hours ahead.
    let time = (Utc::now() + TimeDelta::hours(8 + 12)).format("%H:%M").to_string();
    let own_time = format!("update blasts set local_time = '{time}'");
    let stop = "update senders set stopped_at = now(), stopped_code = 'device'";
    let cap = "insert into deleted_attempts (sender_id, phone_number, at, refused)
               select 1, null, now(), false from generate_series(1, 500)";
    for waits in [stop, &*hours, &*own_hours, &*own_time, cap] {
        let scene = Scene::queued(2).await;
        scene.execute(&format!("update blasts set state = 'draft'; {waits}")).await;
        let aina = operator_app(&scene, "aina").await;
        let launch = async || {
            let version = aina.blast(BlastId(1)).await.unwrap().version;
            let launch = Launch { blast: BlastId(1), version, people: 2, armed_for: TimeDelta::zero() };
            aina.launch(launch).await.unwrap();
        };

        launch().await;
        assert_eq!(aina.ask_to_pause(BlastId(1)).await.unwrap(), None, "{waits}");
        let undone = aina.undo_mine().await.unwrap().sentence;
        assert_eq!(undone, "Raya is a draft again: nothing was sent", "{waits}");

        launch().await;
        scene.execute("update blast_recipients set attempt = 1 where id = 1").await;
        assert!(refusal(aina.undo_launch_of(BlastId(1)).await).contains("has started"), "{waits}");
    }
}

/// As one is whose time came while the database stood still: its engine has started it, and is about to give it ten seconds.
#[tokio::test]
async fn what_has_just_come_to_its_time_is_taken_back_until_somebody_was_sent_to() {
    let scene = Scene::queued(2).await;
    scene.execute("update blasts set state = 'draft', scheduled_for = now() + interval '1 hour'").await;
    let aina = operator_app(&scene, "aina").await;
    let launch = async || {
        let version = aina.blast(BlastId(1)).await.unwrap().version;
        let launch = Launch { blast: BlastId(1), version, people: 2, armed_for: TimeDelta::seconds(10) };
        aina.launch(launch).await.unwrap();
        scene
            .execute(
                "update blasts set scheduled_for = now() - interval '1 s', send_after = now() - interval '1 s', state = 'sending',
                                   state_by = 'engine', launched_at = now()",
            )
            .await;
    };

    launch().await;
    let undone = aina.undo_launch_of(BlastId(1)).await.unwrap().sentence;
    assert!(undone.starts_with("Raya is a draft again"), "{undone}");

    scene.execute("update blasts set scheduled_for = now() + interval '1 hour'").await;
    launch().await;
    scene.execute("update blast_recipients set attempt = 1 where id = 1").await;
    assert!(refusal(aina.undo_launch_of(BlastId(1)).await).contains("has started"));
}

#[tokio::test]
async fn of_two_operators_who_launch_or_pause_at_once_one_wins() {
    let scene = Scene::queued(2).await;
    scene.execute("update blasts set state = 'draft'").await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    let version = aina.blast(BlastId(1)).await.unwrap().version;
    let launch = Launch { blast: BlastId(1), version, people: 2, armed_for: TimeDelta::zero() };

    let wrong_number = refusal(aina.launch(Launch { people: 3, ..launch }).await);
    let (one, two) = tokio::join!(aina.launch(launch), ben.launch(launch));

    assert!(wrong_number.contains("2 people now, not 3"), "{wrong_number}");
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1, "{one:?} {two:?}");
    assert_eq!(scene.number("select count(*) from operator_actions where action = 'launch'").await, 1);
}

#[tokio::test]
async fn of_many_who_launch_in_the_same_instant_each_hears_who_was_first() {
    let scene = Scene::queued(2).await;
    let operators = ["aina", "ben", "chong", "devi", "emir", "farah"];
    let apps = join_all(operators.map(|name| operator_app(&scene, name))).await;
    for _ in 0..5 {
        scene.execute("update blasts set state = 'draft', version = version + 1; delete from operator_actions").await;
        let version = apps[0].blast(BlastId(1)).await.unwrap().version;
        let launch = Launch { blast: BlastId(1), version, people: 2, armed_for: TimeDelta::seconds(10) };

        let done = join_all(apps.iter().map(|app| app.launch(launch))).await;

        let first: Vec<_> = operators.iter().zip(&done).filter(|(_, done)| done.is_ok()).collect();
        assert_eq!(first.len(), 1, "{done:?}");
        let words = format!(": {} launched it already", first[0].0);
        for late in done.into_iter().filter(Result::is_err) {
            let why = refusal(late);
            assert!(why.ends_with(&words), "{why}, not {words}");
        }
    }
}

#[tokio::test]
async fn whoever_launches_second_hears_who_was_first() {
    let scene = Scene::queued(2).await;
    scene.execute("update blasts set state = 'draft'").await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    let version = aina.blast(BlastId(1)).await.unwrap().version;
    let launch = Launch { blast: BlastId(1), version, people: 2, armed_for: TimeDelta::seconds(10) };
    aina.launch(launch).await.unwrap();

    let second = refusal(ben.launch(launch).await);

    assert!(second.ends_with(": aina launched it already"), "{second}");
}

#[tokio::test]
async fn whoever_counts_people_in_the_middle_of_another_launch_hears_who_was_first() {
    let scene = Scene::queued(2).await;
    scene
        .execute(
            "update blasts set state = 'draft';
             insert into suppressions (business, phone_number, source) values ('kedai', '+60100000001', 'operator')",
        )
        .await;
    let ben = operator_app(&scene, "ben").await;
    let version = ben.blast(BlastId(1)).await.unwrap().version;
    let launch = Launch { blast: BlastId(1), version, people: 1, armed_for: TimeDelta::seconds(10) };
    let mut first = scene.pool().begin().await.unwrap();
    // The blast is read by then, and who of it opted out is not counted yet.
    sqlx::query("lock table suppressions in access exclusive mode").execute(&mut *first).await.unwrap();
    let launches = tokio::spawn(async move { ben.launch(launch).await });
    eventually_async("it waits", async || scene.number(WAITING_FOR_A_LOCK).await > 0).await;
    sqlx::raw_sql(
        "update blasts set state = 'scheduled', state_by = 'aina', version = version + 1, send_after = now() + interval '1 hour';
         insert into operator_actions (operator, action, blast_id, at) values ('aina', 'launch', 1, now());
         update blast_recipients set status = 'opted_out', standing = 'opted_out', opted_out_at = now()
          where phone_number = '+60100000001'",
    )
    .execute(&mut *first)
    .await
    .unwrap();
    first.commit().await.unwrap();

    let second = refusal(launches.await.unwrap());

    assert!(second.ends_with(": aina scheduled it already"), "{second}");
}
