//! What an operator's last act is called where it cannot be undone, and where it is.

use blastdeck::app::Launch;
use chrono::TimeDelta;

use super::marks::{operator_app, refusal};
use super::{BLAST, Scene};

#[tokio::test]
async fn an_answer_is_named_by_whom_it_was_for_and_by_their_number_as_whatsapp_prints_it() {
    let scene = Scene::queued(3).await;
    let aina = operator_app(&scene, "aina").await;
    scene.execute("update blast_recipients set name = 'Siti Aminah' where id = 1").await;
    let answered = "insert into operator_actions (operator, action, blast_id, recipient_id, phone_number)
                    values ('aina', 'answer', 1, 1, '+60137772036')";
    scene.execute(answered).await;

    let why = refusal(aina.undo_mine().await);

    assert!(why.starts_with("your last act was to answer Siti Aminah, +60 13-777 2036: "), "{why}");
}

#[tokio::test]
async fn a_launch_that_is_taken_back_is_named_with_its_stage() {
    let scene = Scene::queued(3).await;
    scene.execute("update blasts set state = 'draft', launched_at = null, follow_up_stage = 'Follow-up 1'").await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    let version = aina.blast(BLAST).await.unwrap().version;
    aina.launch(Launch { blast: BLAST, version, people: 3, armed_for: TimeDelta::minutes(1) }).await.unwrap();

    let asked = ben.others_launch(BLAST).await.unwrap();
    let sentence = aina.undo_mine().await.unwrap().sentence;

    assert_eq!(asked.map(|(_, question)| question).as_deref(), Some("aina started Raya, Follow-up 1: take that back?"));
    assert_eq!(sentence, "Raya, Follow-up 1 is a draft again: nothing was sent");
}
