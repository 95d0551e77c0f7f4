//! A step that cannot be made now, and those behind it.

use super::*;

#[tokio::test]
async fn a_step_that_somebody_holds_in_the_database_holds_up_no_other() {
    let shop = Shop::open(SETUP).await;
    let (held, other) = (received(&shop, 0..2, 50).await, received(&shop, 5..7, 50).await);
    for blast in [&held, &other] {
        add(&shop, blast, &["--after", "48h", "--until", "read", "--auto", "--at-most", "9"]).await;
    }
    let app = engine_app(&shop, "one").await;
    let now = Utc::now();
    app.engine().clock.observe(Moment::now(), now);
    let mut by_hand = shop.database.pool.begin().await.unwrap();
    let lock = format!("select from blast_steps where blast = {held} for update");
    sqlx::query(AssertSqlSafe(lock)).execute(&mut *by_hand).await.unwrap();

    let occurred = app.occur(now).await;

    let sent = made(&shop, &other, 1).await;
    assert_eq!((made(&shop, &held, 1).await.len(), sent.len()), (0, 1));
    assert_eq!(shop.state(&sent[0]).await, "sending");
    assert!(occurred.unwrap_err().to_string().contains("the database was busy"), "it is tried again soon");
    by_hand.rollback().await.unwrap();
    occur(&app, now).await;
    assert_eq!(made(&shop, &held, 1).await.len(), 1);
}
