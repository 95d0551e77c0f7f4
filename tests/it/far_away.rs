//! The dashboard over a slow link: keys that are typed ahead hit whom they were typed for.

use std::time::{Duration, Instant};

use crate::support::{Setup, Shop, Size, digits, eventually_async, measured};

const SCREEN: Size = Size { columns: 120, rows: 29 };
/// One way: an answer to a key is seen twice as long after it.
const LAG: Duration = Duration::from_millis(150);
/// Of forty marks, without a look at the screen.
const AT_MOST: Duration = Duration::from_secs(60);

/// The last digits of somebody's number, as they are read off a phone.
fn last_digits(n: u32) -> String {
    let digits = digits(n);
    digits[digits.len() - 4..].to_owned()
}

#[tokio::test]
async fn forty_marks_typed_ahead_over_a_slow_link_hit_the_right_people_with_the_right_amounts() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(100..150).await;
    let mut pty = shop.dashboard_over(LAG, SCREEN);
    eventually_async("all were sent to", async || shop.number("select count(*) from attempts").await == 50).await;
    shop.until_state(&blast, "completed").await;
    pty.wait_for_text("everyone 50");

    let since = Instant::now();
    for n in 100..130 {
        pty.type_keys(&format!("/{}\rr", last_digits(n)));
    }
    for n in 130..140 {
        pty.type_keys(&format!("/{}\rc{n}\r", last_digits(n)));
    }
    let marked = "select count(*) from blast_recipients
                   where amount is not null or replied_at is not null and closed_at is null";
    eventually_async("all are marked", async || shop.number(marked).await == 40).await;
    let took = since.elapsed();

    let replied =
        "select string_agg(right(phone_number, 4), ' ' order by id) from blast_recipients where replied_at is not null";
    let amounts =
        "select string_agg(right(phone_number, 4) || '=' || amount::int, ' ' order by id) from blast_recipients
                    where closed_at is not null";
    let expected: Vec<_> = (100..130).map(last_digits).collect();
    let sold: Vec<_> = (130..140).map(|n| format!("{}={n}", last_digits(n))).collect();
    assert_eq!(shop.text(amounts).await, sold.join(" "));
    assert_eq!(shop.text(&format!("{replied} and closed_at is null")).await, expected.join(" "));
    measured("forty marks over a slow link", took, AT_MOST);
    pty.type_keys("qqq");
    shop.promises().await;
}

#[tokio::test]
async fn whoever_opens_a_dashboard_on_a_slow_database_reads_what_is_waited_for() {
    let shop = Shop::open(Setup::default()).await;
    let mut by_hand = shop.database.pool.begin().await.unwrap();
    sqlx::query("lock table _sqlx_migrations in access exclusive mode").execute(&mut *by_hand).await.unwrap();

    let window = shop.dashboard(Size { columns: 100, rows: 24 });

    window.wait_for_text("waiting for the database; an empty one is set up");
    by_hand.rollback().await.unwrap();
    window.wait_for_text("live");
}
