//! Whoever wrote and was not marked as replied.

use super::*;

#[tokio::test]
async fn whoever_wrote_and_is_not_marked_is_counted_unless_they_opted_out() {
    let (shop, blast) = stuck_shop().await;
    let id = BlastId(blast.parse().unwrap());
    // The first read it long ago and wrote twice, the second opted out, the fifth read it an hour ago, the sixth is at another stage.
    for (person, message) in [(0, 1), (0, 2), (1, 3), (4, 4), (5, 5)] {
        shop.execute(&format!(
            "insert into replies (sender_id, blast_id, recipient_id, phone_number, kind, body, message_id, at)
             select b.sender_id, r.blast_id, r.id, r.phone_number, 'text', 'How much?', 'wamid.{message}', now()
               from blast_recipients r join blasts b on b.id = r.blast_id
              where r.blast_id = {blast} and r.phone_number = '+{}'",
            digits(person)
        ))
        .await;
    }
    let app = engine_app(&shop, "one").await;

    let at_read = app.follow_up_preview(id, Status::Read).await.unwrap();
    let at_replied = app.follow_up_preview(id, Status::Replied).await.unwrap();

    assert_eq!((at_read.ages[0].unmarked, at_read.ages[PROPOSED_AGE].unmarked), (2, 1), "of whom each age takes");
    assert_eq!(at_replied.ages[0].unmarked, 0);
}

#[tokio::test]
async fn the_plan_of_a_follow_up_counts_who_wrote_and_was_not_marked() {
    let (shop, blast) = stuck_shop().await;
    let wrote = |n| {
        format!(
            "insert into replies (sender_id, blast_id, recipient_id, phone_number, kind, body, message_id, at, received_at)
             select 1, blast_id, id, phone_number, 'text', 'How much?', 'wamid.{n}', now(), now() from blast_recipients
              where blast_id = {blast} and phone_number = '+{}'",
            digits(n)
        )
    };
    shop.execute(&format!("{}; {}", wrote(0), wrote(5))).await;

    let follow_up = shop.json(&["blast", "follow-up", &blast, "--stuck-at", "read", "--older-than", "24h"]).await;
    let found = shop
        .json(&[
            "blast",
            "new",
            "--sender",
            "sales",
            "--tag",
            "x",
            "--message",
            "hi",
            "--from",
            &format!("blast:{blast}"),
        ])
        .await;

    for (draft, people) in [(follow_up["id"].to_string(), "1"), (found["id"].to_string(), "2")] {
        let plan = shop.run(&["blast", "plan", &draft]).await;
        let words = format!(" {people} wrote and not marked as replied: it goes to them too\n");
        assert!(plan.out.contains(&words), "{plan:?}");
    }
    let fresh = shop.draft(0..2).await;
    assert!(!shop.run(&["blast", "plan", &fresh]).await.out.contains("wrote"), "its list is new");
}

#[tokio::test]
async fn whoever_answers_while_a_follow_up_to_people_who_were_found_stuck_has_them_queued_is_not_sent_it() {
    let (shop, blast) = stuck_shop().await;
    let app = engine_app(&shop, "one").await;
    let from = FoundFollowUp { blast: BlastId(blast.parse().unwrap()), from: "stuck:read".to_owned() };
    let made = app.follow_up_found(&from).await.unwrap().blast.to_string();
    let before = numbers(&shop, &made).await;
    shop.send(&made).await;

    mark(&shop, &blast, 0, "replied").await;

    let (skipped, _) = skipped(&shop, &made, "replied since").await;
    assert_eq!((skipped, before.len() >= 2), (1, true), "{before:?}");
}
