//! Follow-ups of blasts that are gone.

use serde_json::json;

use super::{follow_up_draft, mark, numbers, skipped, stuck_shop};
use crate::support::{WAITING_FOR_A_LOCK, digits, eventually_async, said};

#[tokio::test]
async fn a_follow_up_of_a_blast_that_was_deleted_is_planned_and_sent_to_the_same_people() {
    let (shop, blast) = stuck_shop().await;
    let draft = follow_up_draft(&shop, &blast).await;
    let other = shop.blast(3..4).await;
    shop.until_idle().await;
    mark(&shop, &other, 3, "closed").await;
    // As an earlier version let it be deleted.
    shop.execute(&format!("update blasts set follows_blast = null where id = {draft}")).await;
    shop.ok(&["blast", "delete", &blast, "--yes"]).await;
    shop.until_idle().await;
    assert_eq!(shop.number(&format!("select count(*) from blasts where id = {blast}")).await, 0);

    let plan = shop.json(&["blast", "plan", &draft]).await;
    assert_eq!((&plan["people"], &plan["segment"]["left_out"]), (&json!(2), &json!({ "closed": 1 })), "{plan}");
    let sent = shop.json(&["blast", "send", &draft, "--yes", "--no-engine"]).await;

    assert_eq!(sent["people"], 2, "{sent}");
    assert_eq!(skipped(&shop, &draft, "bought since").await, (1, 1));
}

#[tokio::test]
async fn a_blast_is_not_deleted_while_its_follow_up_has_somebody_queued() {
    let (shop, blast) = stuck_shop().await;
    let draft = follow_up_draft(&shop, &blast).await;
    let said = shop.run(&["blast", "delete", &blast, "--yes"]).await;
    assert!(said.code == 3 && said.err.contains(&format!("blast {draft} follows it and is not over")), "{said:?}");
    shop.ok(&["blast", "send", &draft, "--yes", "--no-engine"]).await;
    shop.ok(&["blast", "pause", &draft]).await;

    let said = shop.run(&["blast", "delete", &blast, "--yes"]).await;
    assert!(said.code == 3 && said.err.contains(&format!("blast {draft} follows it and is not over")), "{said:?}");

    shop.ok(&["blast", "cancel", &draft, "--yes"]).await;
    shop.ok(&["blast", "delete", &blast, "--yes"]).await;
}

#[tokio::test]
async fn a_blast_is_not_deleted_while_a_follow_up_of_it_is_made() {
    let (shop, blast) = stuck_shop().await;
    let follow_up = format!(
        "select from blasts where id = {blast} for no key update;
         insert into blasts (blast_tag, sender_id, message, follows_blast, follows_stage)
         select blast_tag, sender_id, message, id, 'read' from blasts where id = {blast};
         insert into blast_recipients (blast_id, phone_number) select max(id), '+60190000000' from blasts"
    );
    let deleted = format!("update blasts set deleted_at = now() where id = {blast}");
    let no_blast = format!("there is no blast {blast}");
    for (first, second, refused) in [
        (&follow_up, &["blast", "delete", &blast, "--yes"][..], "follows it and is not over"),
        (&deleted, &["blast", "follow-up", &blast, "--stuck-at", "read"][..], no_blast.as_str()),
    ] {
        let mut tx = shop.database.pool.begin().await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(first.clone())).execute(&mut *tx).await.unwrap();
        let says = tokio::spawn(said(shop.command(second)));
        let stands = async || says.is_finished() || shop.number(WAITING_FOR_A_LOCK).await > 0;
        eventually_async("it waits, or is over", stands).await;
        tx.commit().await.unwrap();

        let says = says.await.unwrap();
        assert!(says.code != 0 && says.err.contains(refused), "{says:?}");
    }
}

#[tokio::test]
async fn deleting_a_blast_names_the_drafts_that_find_their_people_in_it() {
    let (shop, blast) = stuck_shop().await;
    let made = shop.json(&["blast", "follow-up", &blast, "--from", "stuck:read"]).await;
    let draft = made["id"].to_string();

    let asked = shop.run(&["blast", "delete", &blast]).await;
    let named = format!("Draft {draft} follows it, and finds nobody from then on.");
    assert!(asked.code == 3 && asked.err.contains(&named), "{asked:?}");
    shop.ok(&["blast", "delete", &blast, "--yes"]).await;

    let plan = shop.ok(&["blast", "plan", &draft]).await;
    assert!(
        plan.contains("nobody is left to send to")
            && plan.contains(&format!("blast {blast}, in which its filter finds people, was deleted")),
        "{plan}"
    );
}

#[tokio::test]
async fn whoever_is_in_flight_in_a_follow_up_that_was_deleted_is_in_no_other_one() {
    let (shop, blast) = stuck_shop().await;
    let wrong = follow_up_draft(&shop, &blast).await;
    shop.send(&wrong).await;
    shop.put_in_flight(&wrong, 3).await;
    shop.ok(&["blast", "cancel", &wrong, "--yes"]).await;
    shop.ok(&["blast", "delete", &wrong, "--yes"]).await;

    let right = shop.json(&["blast", "follow-up", &blast, "--stuck-at", "read"]).await["id"].to_string();

    assert_eq!(numbers(&shop, &right).await, [0, 4].map(|n| format!("+{}", digits(n))));
}
