//! Follow-ups to customers with several numbers: they are about people, and not about numbers that somebody listed.

use blastdeck::domain::ids::BlastId;
use serde_json::json;

use super::{mark, numbers, stuck_shop};
use crate::recurring::engine_app;
use crate::support::digits;

fn number(n: u32) -> String {
    format!("+{}", digits(n))
}

#[tokio::test]
async fn a_follow_up_leaves_out_who_opted_out_or_bought_at_another_number_of_theirs() {
    let (shop, blast) = stuck_shop().await;
    let bought = shop.draft(14..15).await;
    shop.execute(&format!(
        "update blast_recipients set status = 'closed', closed_at = now() where blast_id = {bought}"
    ))
    .await;
    for (old, new) in [(0, 10), (3, 13), (4, 14)] {
        shop.ok(&["customer", "merge", &number(old), &number(new)]).await;
    }

    let made = shop.json(&["blast", "follow-up", &blast, "--stuck-at", "read"]).await["id"].to_string();

    assert_eq!(numbers(&shop, &made).await, [number(0), number(3)], "whoever bought elsewhere is not chased");
    shop.ok(&["suppress", "add", &number(10)]).await;
    mark(&shop, &blast, 0, "replied").await;
    let plan = shop.json(&["blast", "plan", &made]).await;
    assert_eq!((&plan["people"], &plan["suppressed"]), (&json!(1), &json!(1)), "counted once: {plan}");
    assert_eq!(plan["samples"].as_array().unwrap().len(), 1, "{plan}");
    let left_out = shop.json_lines(&["blast", "plan", &made, "--left-out"]).await;
    assert_eq!((&left_out[0]["phone_number"], &left_out[0]["reason"]), (&json!(number(0)), &json!("opted_out")));
    let posts = shop.sim.posts().await.len();
    shop.send(&made).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), posts + 1);
    let out = format!("select count(*) from blast_recipients where blast_id = {made} and status = 'opted_out'");
    assert_eq!(shop.number(&out).await, 1);
    assert_eq!(shop.state(&made).await, "completed");
    mark(&shop, &blast, 0, "undo").await;
    let again = shop.run(&["blast", "follow-up", &blast, "--stuck-at", "read"]).await;
    assert!(again.err.contains("2 opted out, 2 bought since"), "{again:?}");
}

#[tokio::test]
async fn the_plan_of_a_filters_blast_that_is_paused_asks_for_as_many_as_get_it() {
    let (shop, blast) = stuck_shop().await;
    shop.ok(&["customer", "merge", &number(0), &number(10)]).await;
    let from = format!("blast:{blast} stuck:read older:24h");
    let new = ["blast", "new", "--sender", "sales", "--message", "Still there?", "--from", &from];
    let made = shop.json(&new).await;
    assert_eq!(made["reasons"][0], json!({ "reason": "opted out", "rows": 1 }), "whom it left out: {made}");
    let made = made["id"].to_string();
    shop.send(&made).await;
    shop.ok(&["blast", "pause", &made]).await;
    shop.ok(&["suppress", "add", &number(10)]).await;

    let plan = shop.json(&["blast", "plan", &made]).await;

    assert_eq!((&plan["people"], &plan["suppressed"]), (&json!(1), &json!(1)), "{plan}");
}

#[tokio::test]
async fn a_copy_of_what_goes_to_whom_a_filter_or_a_stage_finds_leaves_out_who_opted_out_at_another_number() {
    for is_follow_up in [false, true] {
        let (shop, blast) = stuck_shop().await;
        shop.ok(&["customer", "merge", &number(0), &number(10)]).await;
        let from = format!("blast:{blast} stuck:read older:24h");
        let new = ["blast", "new", "--sender", "sales", "--message", "Still there?", "--from", &from];
        let follow_up = ["blast", "follow-up", &blast, "--stuck-at", "read", "--older-than", "24h"];
        let made = shop.json(if is_follow_up { &follow_up[..] } else { &new[..] }).await["id"].to_string();
        shop.send(&made).await;
        shop.execute(&format!(
            "update blasts set state = 'completed', completed_at = now() where id = {made};
             update blast_recipients set status = 'read', standing = 'read', attempt = 1, sent_at = now(), read_timestamp = now()
              where blast_id = {made}"
        ))
        .await;
        shop.ok(&["suppress", "add", &number(10)]).await;

        let app = engine_app(&shop, "aina").await;
        let (copy, _) = app.duplicate(BlastId(made.parse().unwrap())).await.unwrap();
        let (again, _) = app.duplicate(copy.id).await.unwrap();

        let posts = shop.sim.posts().await.len();
        let [copy, again] = [copy, again].map(|copy| copy.id.to_string());
        for copy in [&copy, &again] {
            assert_eq!(numbers(&shop, copy).await, [number(0), number(3)]);
            let plan = shop.json(&["blast", "plan", copy]).await;
            assert_eq!((&plan["people"], &plan["suppressed"]), (&json!(1), &json!(1)), "{is_follow_up}: {plan}");
        }
        shop.send(&copy).await;
        shop.until_idle().await;
        assert_eq!(shop.sim.posts().await.len(), posts + 1);
        let out = format!("select count(*) from blast_recipients where blast_id = {copy} and status = 'opted_out'");
        assert_eq!(shop.number(&out).await, 1);
    }
}
