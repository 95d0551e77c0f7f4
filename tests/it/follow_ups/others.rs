//! Several follow-ups of one blast: nobody is written to by one whom another has reached, nor by a copy of one.

use blastdeck::app::CopiedPeople;
use blastdeck::domain::ids::BlastId;
use serde_json::json;

use super::{follow_up_draft, mark, skipped, stuck_shop};
use crate::recurring::engine_app;
use crate::support::digits;

#[tokio::test]
async fn whom_another_follow_up_of_the_blast_has_written_to_since_is_left_out_of_a_draft() {
    let (shop, blast) = stuck_shop().await;
    let draft = follow_up_draft(&shop, &blast).await;
    // As a step sends it, whose people are kept apart from other steps only.
    let other = shop.draft(3..6).await;
    shop.execute(&format!(
        "update blasts set state = 'completed', launched_at = now(), follows_blast = {blast}, follows_stage = 'read', step_number = 1
          where id = {other};
         update blast_recipients set status = 'sent', standing = 'sent', attempt = 1, sent_at = now() where blast_id = {other};
         update blast_recipients set status = 'failed', standing = 'failed'
          where blast_id = {other} and phone_number = '+{}'",
        digits(4)
    ))
    .await;

    let plan = shop.json(&["blast", "plan", &draft]).await;
    let sent = shop.json(&["blast", "send", &draft, "--yes", "--no-engine"]).await;

    assert_eq!((&plan["people"], &plan["segment"]["left_out"]), (&json!(2), &json!({ "followed": 1 })), "{plan}");
    assert_eq!(sent["people"], 2, "{sent}");
    assert_eq!(skipped(&shop, &draft, "in a follow-up of it already").await, (1, 1));
}

#[tokio::test]
async fn a_copy_of_a_follow_up_that_was_cancelled_leaves_out_whom_the_follow_up_would() {
    copied(CopiedPeople::All).await;
    copied(CopiedPeople::LeftOut).await;
}

/// Cancelled before anybody was sent to, or after the one who read it last.
async fn copied(whose: CopiedPeople) {
    let (shop, blast) = stuck_shop().await;
    let draft = follow_up_draft(&shop, &blast).await;
    shop.ok(&["blast", "send", &draft, "--yes", "--no-engine"]).await;
    let of = |n: u32| format!("blast_id = {draft} and phone_number = '+{}'", digits(n));
    if whose == CopiedPeople::LeftOut {
        let sent = "update blast_recipients set status = 'sent', standing = 'sent', attempt = 1, sent_at = now()";
        shop.execute(&format!("{sent} where {}", of(4))).await;
    }
    shop.ok(&["blast", "cancel", &draft, "--yes"]).await;
    mark(&shop, &blast, 0, "replied").await;
    let app = engine_app(&shop, "aina").await;

    let (copy, people) = app.duplicate(BlastId(draft.parse().unwrap())).await.unwrap();

    let gets = if whose == CopiedPeople::LeftOut { 1 } else { 2 };
    assert_eq!(people, whose);
    let plan = shop.json(&["blast", "plan", &copy.id.to_string()]).await;
    assert_eq!((&plan["people"], &plan["segment"]["left_out"]), (&json!(gets), &json!({ "replied": 1 })), "{plan}");
    let shown = shop.json(&["blast", "show", &copy.id.to_string()]).await;
    assert_eq!(shown["follows"], json!(blast.parse::<i64>().unwrap()), "{shown}");
}
