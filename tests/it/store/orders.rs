//! Orders among the other acts of operators: what `u` takes back, and what takes the place of what.

use blastdeck::app::view::ActivityEvent;
use blastdeck::app::{App, OrderDraft, typed_item};
use blastdeck::domain::ids::RecipientId;
use blastdeck::domain::order::OrderState;
use blastdeck::domain::recipient::{Evidence, Mark};

use super::marks::{operator_app, refusal};
use super::{BLAST, Scene, entry};
use crate::support::{WAITING_FOR_A_LOCK, eventually_async};

/// One person who was sent to.
async fn sent() -> (Scene, App) {
    let scene = Scene::sending(1).await;
    let aina = operator_app(&scene, "aina").await;
    let accepted = Evidence::Accepted { message_id: None, provider_status: None, message_timestamp: None };
    scene.record(&[entry(1, accepted, b"{}")]).await;
    (scene, aina)
}

/// Two teas, 6.00 in all.
fn draft() -> OrderDraft {
    let items = vec![typed_item("teh*2@3").unwrap()];
    OrderDraft { blast: BLAST, phone: "+60100000001".to_owned(), items, note: None }
}

#[tokio::test]
async fn an_order_typed_after_a_close_takes_its_place_and_its_cancel_opens_them_again() {
    let (scene, aina) = sent().await;
    aina.mark(RecipientId(1), Mark::Closed(None)).await.unwrap();

    let order = aina.add_order_in_place_of_close(&draft()).await.unwrap().order.id;

    assert_eq!(scene.statuses().await, ["closed"]);
    assert_eq!(scene.number("select amount::bigint from blast_recipients").await, 6);
    aina.step_order(order, OrderState::Cancelled).await.unwrap();
    assert_eq!(scene.statuses().await, ["sent"]);
    scene.invariants().await;
}

#[tokio::test]
async fn an_order_beside_a_close_that_was_meant_leaves_it_standing() {
    let (scene, aina) = sent().await;
    aina.mark(RecipientId(1), Mark::Closed(None)).await.unwrap();

    let order = aina.add_order(&draft()).await.unwrap().order.id;
    aina.step_order(order, OrderState::Cancelled).await.unwrap();

    assert_eq!(scene.statuses().await, ["closed"]);
    scene.invariants().await;
}

#[tokio::test]
async fn a_step_of_an_order_is_ones_last_act_and_in_the_activity() {
    let (scene, aina) = sent().await;
    let order = aina.add_order(&draft()).await.unwrap().order.id;

    aina.step_order(order, OrderState::Paid).await.unwrap();
    let paid = refusal(aina.undo_mine().await);
    let shown = aina.activity(None, 1).await.unwrap().rows.swap_remove(0);
    aina.step_order(order, OrderState::Cancelled).await.unwrap();
    let cancelled = refusal(aina.undo_mine().await);

    assert_eq!(
        paid,
        "your last act was to take order 1 to paid: that cannot be taken back; U on a person takes back their last mark"
    );
    let ActivityEvent::Act { order: Some(of), .. } = shown.event else { panic!("{shown:?}") };
    assert_eq!((of.id, of.state), (order, Some(OrderState::Paid)));
    assert_eq!(
        cancelled,
        "your last act was to cancel order 1: that cannot be taken back; U on a person takes back their last mark"
    );
    scene.invariants().await;
}

#[tokio::test]
async fn an_undo_that_the_cancel_of_its_order_overtakes_names_the_cancel() {
    let (scene, aina) = sent().await;
    let ben = operator_app(&scene, "ben").await;
    let order = aina.add_order(&draft()).await.unwrap().order.id;
    let mut by_hand = scene.pool().begin().await.unwrap();
    sqlx::query("select from blast_recipients for update").execute(&mut *by_hand).await.unwrap();

    let cancel = tokio::spawn(async move { ben.step_order(order, OrderState::Cancelled).await });
    eventually_async("the cancel waits", async || scene.number(WAITING_FOR_A_LOCK).await == 1).await;
    let undo = tokio::spawn(async move { aina.undo_mine().await });
    eventually_async("the undo waits behind it", async || scene.number(WAITING_FOR_A_LOCK).await == 2).await;
    by_hand.rollback().await.unwrap();

    assert_eq!(cancel.await.unwrap().unwrap().order.state, OrderState::Cancelled);
    assert_eq!(
        refusal(undo.await.unwrap()),
        "Person 1: ben cancelled order 1 a moment ago, and its amount is taken back already"
    );
    scene.invariants().await;
}
