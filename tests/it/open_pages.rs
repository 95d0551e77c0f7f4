//! Pages of the dashboard that are open while something happens: they follow it.

use crate::support::{Setup, Shop, Size};

const LAPTOP: Size = Size { columns: 120, rows: 29 };

#[tokio::test]
async fn a_plan_that_is_open_while_its_blast_is_launched_elsewhere_asks_for_nothing_any_more() {
    let shop = Shop::open(Setup::default()).await;
    let draft = shop.draft(0..3).await;
    let mut window = shop.dashboard(LAPTOP);
    window.wait_for_text("draft");
    window.type_keys("1S");
    window.wait_for_text("people: _");

    shop.send(&draft).await;

    window.wait_for_text("Nothing left to confirm");
    assert!(!window.text().contains("people: _"), "{}", window.text());
    assert!(!window.text().contains("enter send"), "{}", window.text());
}

#[tokio::test]
async fn people_get_old_enough_for_a_follow_up_while_its_page_is_open() {
    let shop = Shop::open(Setup::default()).await;
    shop.blast(0..3).await;
    shop.until_idle().await;
    shop.execute(
        "update blast_recipients set status = 'read', standing = 'read', sent_at = now(), delivered_at = now(), read_timestamp = now()",
    )
    .await;
    let mut window = shop.dashboard(LAPTOP);
    window.wait_for_text("Read");
    window.type_keys("2jjf");
    window.wait_for_text("Follow up");
    let line = |window: &str| window.lines().find(|line| line.contains("over 24 h")).map(str::to_owned);
    window.wait_for("nobody is there for a day", |screen| {
        line(&screen.contents()).is_some_and(|line| line.contains(" 0 stuck"))
    });

    // As time does: nothing of the blast changes.
    shop.execute("update blast_recipients set read_timestamp = now() - interval '25 h'").await;

    window.wait_for("all three are", |screen| {
        line(&screen.contents()).is_some_and(|line| line.contains(" 3 stuck") && line.contains(" 3 get it"))
    });
}
