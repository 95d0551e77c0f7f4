//! Who answers in the moment of a follow-up's launch.

use super::{follow_up_draft, skipped, stuck_shop};
use crate::support::{digits, eventually_async, said};

#[tokio::test]
async fn whoever_answers_in_the_moment_of_the_launch_is_not_sent_the_follow_up() {
    let (shop, blast) = stuck_shop().await;
    let draft = follow_up_draft(&shop, &blast).await;
    // As a launch has it that read who answered, and has not committed yet.
    let mut launch = shop.database.pool.begin().await.unwrap();
    let starts = format!("update blasts set state = 'sending', launched_at = now() where id = {draft}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(starts)).execute(&mut *launch).await.unwrap();

    let phone = format!("+{}", digits(0));
    let marks = tokio::spawn(said(shop.command(&["mark", &blast, &phone, "replied"])));
    let waits = "select count(*) from pg_stat_activity
                  where datname = current_database() and wait_event_type = 'Lock' and query like '%from blasts%'";
    let stands = async || marks.is_finished() || shop.number(waits).await > 0;
    eventually_async("the mark is written, or waits for the launch", stands).await;
    launch.commit().await.unwrap();
    let marked = marks.await.unwrap();

    assert_eq!(marked.code, 0, "{marked:?}");
    assert_eq!(skipped(&shop, &draft, "replied since").await, (1, 1));
}
