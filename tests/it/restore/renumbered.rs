//! A database that was put back registers its senders anew, in whatever order they come.

use super::SETUP;
use crate::support::Shop;

/// What a machine remembers is the sender's own, and not that of whoever has its number now.
#[tokio::test]
async fn a_sender_that_comes_back_under_another_number_is_asked_about_and_the_one_with_its_number_is_not() {
    let shop = Shop::open(SETUP).await;
    shop.blast(0..5).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 5);
    // As rows of before it was registered, in the same tables.
    shop.execute("truncate senders, provider_message, deleted_attempts, status_history restart identity cascade").await;

    shop.add_sender("front");
    let new = shop.draft_of("front", 10..13, &[]).await;
    shop.send(&new).await;
    let again = shop.draft_of("sales", 0..5, &[]).await;
    shop.send(&again).await;
    assert_eq!(shop.text("select string_agg(name, ' ' order by id) from senders").await, "front sales");
    shop.until_idle().await;

    let posts = shop.sim.posts().await;
    assert_eq!(posts.len(), 8, "those of the other sender got theirs: {posts:?}");
    let asks =
        "select count(*) from senders where name = 'sales' and stopped_reason like '%this machine remembers epoch%'";
    assert_eq!(shop.number(asks).await, 1);
    shop.ok(&["sender", "confirm", "sales", "--yes"]).await;
    assert_eq!(shop.count("uncertain").await, 5);
    assert_eq!(shop.sim.posts().await.len(), 8, "nobody twice");
    shop.promises().await;
}
