//! Whoever takes an opt-out back is asked first where somebody gets a message by it, and is told where nobody can any more.

use blastdeck::app::App;
use blastdeck::domain::ids::RecipientId;
use blastdeck::domain::recipient::Mark;
use chrono::{TimeDelta, Utc};

use super::marks::operator_app;
use super::{BLAST, Scene};

async fn opt_out(app: &App, people: &[i64]) {
    let people: Vec<_> = people.iter().copied().map(RecipientId).collect();
    app.mark_several(&people, &Mark::OptOut).await.unwrap();
}

#[tokio::test]
async fn every_way_of_taking_an_opt_out_back_asks_where_it_sends() {
    let scene = Scene::queued(3).await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    aina.mark(RecipientId(2), Mark::OptOut).await.unwrap();
    let who = "Person 2";
    let then = format!("Then {who} gets the message of Raya");

    let (act, mine) = aina.ask_about_mine(Some(BLAST), Some(RecipientId(2))).await.unwrap().unwrap();
    assert_eq!(mine, format!("your last act: opt-out, {who}. Take it back? {then}"));
    assert_eq!(aina.ask_about_named(act).await.unwrap(), Some(format!("take back your opt-out? {then}")));
    let own = aina.ask_about_mark(RecipientId(2)).await.unwrap();
    assert_eq!(own, Some(format!("take back your opt-out of {who}? {then}")));
    let others = ben.ask_about_mark(RecipientId(2)).await.unwrap();
    assert_eq!(others, Some(format!("aina marked {who} opt-out: take that back? {then}")));
    let several = [RecipientId(1), RecipientId(2)];
    let marks = ben.ask_about_marks(&several).await.unwrap();
    assert_eq!(marks, Some(format!("take back the last mark of 2 people? {then}")));
}

#[tokio::test]
async fn a_paused_or_counting_blast_and_a_mark_that_is_no_opt_out_ask_nothing_more() {
    let scene = Scene::queued(3).await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(RecipientId(1), Mark::Note("later".to_owned())).await.unwrap();
    assert_eq!(aina.ask_about_mine(Some(BLAST), None).await.unwrap(), None);

    opt_out(&aina, &[2]).await;
    let in_a_minute = (Utc::now() + TimeDelta::minutes(1)).to_rfc3339();
    for set in ["state = 'paused'".to_owned(), format!("state = 'sending', send_after = '{in_a_minute}'")] {
        scene.execute(&format!("update blasts set {set}")).await;
        assert_eq!(aina.ask_about_mark(RecipientId(2)).await.unwrap(), None, "{set}");
    }
}

#[tokio::test]
async fn an_opt_out_that_is_taken_back_after_the_end_says_who_stays_left_out_and_how_to_reach_them() {
    let scene = Scene::queued(3).await;
    let aina = operator_app(&scene, "aina").await;
    opt_out(&aina, &[1, 2]).await;
    scene.execute("update blasts set state = 'completed', completed_at = now()").await;

    let several = aina.undo_mine().await.unwrap().sentence;

    let sender = aina.blast(BLAST).await.unwrap().sender;
    let line = |whom: &str| {
        format!(
            "(blast 1), which is over: `blastdeck blast new --sender {sender} --from 'blast:1 {whom}' --message 'TEXT'`"
        )
    };
    assert!(
        several.contains("; 2 people stay left out of Raya") && several.contains(&line("status:skipped")),
        "{several}"
    );

    scene.execute("update blasts set state = 'sending', completed_at = null").await;
    aina.mark(RecipientId(3), Mark::OptOut).await.unwrap();
    scene.execute("update blasts set state = 'completed', completed_at = now()").await;
    let one = aina.undo_mine().await.unwrap().sentence;
    assert!(one.contains("; still left out of Raya") && one.contains("phone:"), "{one}");
}
