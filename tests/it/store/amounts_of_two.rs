//! Two operators write the amount of one sale: each line says whose it is, and so does what is asked and refused.

use blastdeck::store::view::recipients::details;

use super::Scene;
use super::marks::{SITI, operator_app, refusal, sale, sent};

/// What happened to her since she was sent to: what was said of it, and by whom.
async fn history(scene: &Scene) -> Vec<String> {
    let rows = details(scene.pool(), SITI).await.unwrap().unwrap().history;
    let by_hand = rows.into_iter().filter(|row| row.source == "operator");
    by_hand
        .map(|row| format!("{} {} {}", row.new_status, row.detail.unwrap_or_default(), row.by.unwrap_or_default()))
        .collect()
}

#[tokio::test]
async fn each_amount_has_a_line_with_who_wrote_it_and_who_took_it_back() {
    let scene = sent().await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    scene.execute("insert into operator_actions (operator, action, blast_id) values ('ben', 'pause', 1)").await;
    aina.mark(SITI, sale("120.00")).await.unwrap();
    ben.amend(SITI, "120".parse().ok(), "150".parse().unwrap()).await.unwrap();
    assert_eq!(history(&scene).await, ["closed amount 120.00 aina", "closed amount 150.00 ben"]);

    let question = aina.ask_about_mark(SITI).await.unwrap();
    aina.undo_person(SITI).await.unwrap();

    assert_eq!(question.as_deref(), Some("ben wrote the amount of Person 1, RM 150.00: take that back?"));
    assert_eq!(history(&scene).await, ["closed amount 120.00 aina", "closed amount 150.00, taken back by aina ben"]);
    let own = aina.ask_about_mark(SITI).await.unwrap();
    assert_eq!(own, None, "what is left is her own");
    let theirs = ben.ask_about_mark(SITI).await.unwrap();
    assert_eq!(theirs.as_deref(), Some("aina marked Person 1 closed: take that back?"));
    let why = refusal(ben.undo_mine().await);
    assert!(why.starts_with("aina took back what you did last. Your act before that was to pause "), "{why}");
    scene.invariants().await;
}
