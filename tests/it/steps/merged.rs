//! Steps to customers with several numbers.

use chrono::Utc;

use super::{SETUP, add, made, occur, people, phone, received, set};
use crate::recurring::engine_app;
use crate::support::Shop;

#[tokio::test]
async fn a_step_leaves_out_who_replied_at_another_number_of_theirs() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 400).await;
    let other = received(&shop, 10..12, 400).await;
    set(&shop, &other, 10, "status = 'replied', replied_marked_at = now()").await;
    for (old, new) in [(0, 10), (1, 11)] {
        shop.ok(&["customer", "merge", &phone(old), &phone(new)]).await;
    }
    add(&shop, &blast, &["--after", "48h", "--until", "replied"]).await;
    let app = engine_app(&shop, "one").await;

    occur(&app, Utc::now()).await;

    let drafts = made(&shop, &blast, 1).await;
    assert_eq!(people(&shop, &drafts[0]).await, [phone(1), phone(2)]);
    let plan = shop.json(&["blast", "plan", &drafts[0]]).await;
    assert_eq!(plan["segment"]["left_out"]["replied"], 1, "{plan}");
}
