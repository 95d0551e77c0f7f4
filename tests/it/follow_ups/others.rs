//! Several follow-ups of one blast: nobody is written to by one whom another has reached, nor by a copy of one.

use blastdeck::app::{CopiedPeople, FollowUp};
use blastdeck::domain::ids::BlastId;
use blastdeck::domain::status::Status;
use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;

use super::{follow_up_draft, mark, skipped, stuck_shop};
use crate::recurring::engine_app;
use crate::support::{Shop, digits, said};

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
async fn follow_ups_that_are_made_at_the_same_time_share_nobody() {
    let (shop, blast) = stuck_shop().await;
    let app = engine_app(&shop, "aina").await;
    let from =
        FollowUp { blast: BlastId(blast.parse().unwrap()), stuck_at: Status::Read, older_than: TimeDelta::zero() };

    let made = join_all((0..6).map(|_| app.follow_up_alike(from))).await;

    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1, "{made:?}");
    let refused: Vec<String> = made.into_iter().filter_map(Result::err).map(|why| why.to_string()).collect();
    assert!(refused.iter().all(|why| why.contains("follow-up")), "{refused:?}");
    let twice = "select count(*) from (select phone_number from blast_recipients r join blasts b on b.id = r.blast_id
                  where b.follows_blast is not null group by 1 having count(*) > 1) x";
    assert_eq!(shop.number(twice).await, 0);
}

/// A follow-up's draft and a copy of it: the same three people in both.
async fn twins(shop: &Shop, blast: &str) -> [String; 2] {
    let draft = follow_up_draft(shop, blast).await;
    let app = engine_app(shop, "aina").await;
    let (copy, _) = app.duplicate(BlastId(draft.parse().unwrap())).await.unwrap();
    [draft, copy.id.to_string()]
}

/// Has each launch take a moment between its first write and its commit, so that two of them overlap.
pub async fn slow_launches(shop: &Shop) {
    shop.execute(
        "create function take_a_moment() returns trigger language plpgsql as $$ begin perform pg_sleep(1); return null; end $$;
         create trigger take_a_moment after update on blasts for each row
            when (old.state <> new.state and new.state = 'sending') execute function take_a_moment()",
    )
    .await;
}

#[tokio::test]
async fn follow_ups_that_are_launched_at_the_same_moment_do_not_go_to_the_same_people() {
    let (shop, blast) = stuck_shop().await;
    let drafts = twins(&shop, &blast).await;
    slow_launches(&shop).await;

    let send = |draft: &str| tokio::spawn(said(shop.command(&["blast", "send", draft, "--yes", "--no-engine"])));
    let launches = drafts.each_ref().map(|draft| send(draft));
    let mut codes = Vec::new();
    for launch in launches {
        let said = launch.await.unwrap();
        assert!(said.code == 0 || said.err.contains("had another follow-up"), "{said:?}");
        codes.push(said.code);
    }

    codes.sort_unstable();
    assert_eq!(codes, [0, 3]);
    let queued = "select count(*) from blast_recipients r join blasts b on b.id = r.blast_id
                   where r.status = 'queued' and b.state = 'sending'";
    assert_eq!(shop.number(queued).await, 3);
}

#[tokio::test]
async fn whom_a_follow_up_is_scheduled_for_is_left_out_of_another_one() {
    let (shop, blast) = stuck_shop().await;
    let [scheduled, other] = twins(&shop, &blast).await;
    shop.ok(&["blast", "edit", &scheduled, "--at", "tomorrow 10:00"]).await;
    shop.ok(&["blast", "send", &scheduled, "--yes", "--no-engine"]).await;

    let plan = shop.json(&["blast", "plan", &other]).await;
    let refused = shop.run(&["blast", "send", &other, "--yes", "--no-engine"]).await;

    assert_eq!((&plan["people"], &plan["segment"]["left_out"]), (&json!(0), &json!({ "followed": 3 })), "{plan}");
    assert!(refused.code == 3 && refused.err.contains("nobody is left to send to"), "{refused:?}");
    assert_eq!(shop.count("queued").await, 6);
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

#[tokio::test]
async fn a_copy_of_a_filters_follow_up_leaves_out_who_answered_or_had_another_one_since() {
    let (shop, blast) = stuck_shop().await;
    let filter = format!("blast:{blast} -status:closed");
    let draft = shop
        .json(&[
            "blast",
            "new",
            "--sender",
            "sales",
            "--from",
            &filter,
            "--message",
            "Still there?",
            "--stage",
            "Again",
        ])
        .await;
    let draft = draft["id"].as_i64().unwrap().to_string();
    shop.execute(&format!("update blasts set follows_blast = {blast} where id = {draft}")).await;
    shop.ok(&["blast", "send", &draft, "--yes", "--no-engine"]).await;
    shop.ok(&["blast", "cancel", &draft, "--yes"]).await;
    let app = engine_app(&shop, "aina").await;
    let (copy, people) = app.duplicate(BlastId(draft.parse().unwrap())).await.unwrap();
    let copy = copy.id.to_string();
    let all = shop.json(&["blast", "plan", &copy]).await["people"].as_i64().unwrap();

    mark(&shop, &blast, 0, "replied").await;
    mark(&shop, &blast, 4, "closed").await;

    assert_eq!(people, CopiedPeople::All);
    let plan = shop.json(&["blast", "plan", &copy]).await;
    let left_out = &plan["segment"]["left_out"];
    assert_eq!((&plan["people"], left_out), (&json!(all - 2), &json!({ "closed": 1, "replied": 1 })), "{plan}");
}

#[tokio::test]
async fn a_copy_of_a_follow_up_to_buyers_keeps_those_who_had_bought_before() {
    let (shop, blast) = stuck_shop().await;
    mark(&shop, &blast, 3, "closed").await;
    mark(&shop, &blast, 4, "closed").await;
    let filter = format!("blast:{blast} status:closed");
    let new = ["blast", "new", "--sender", "sales", "--from", &filter, "--message", "Thank you!", "--stage", "Thanks"];
    let draft = shop.json(&new).await["id"].as_i64().unwrap().to_string();
    shop.execute(&format!("update blasts set follows_blast = {blast} where id = {draft}")).await;
    shop.ok(&["blast", "send", &draft, "--yes", "--no-engine"]).await;
    shop.ok(&["blast", "cancel", &draft, "--yes"]).await;
    let app = engine_app(&shop, "aina").await;

    let (copy, _) = app.duplicate(BlastId(draft.parse().unwrap())).await.unwrap();

    let plan = shop.json(&["blast", "plan", &copy.id.to_string()]).await;
    assert_eq!(plan["people"], json!(2), "{plan}");
}

#[tokio::test]
async fn whoever_failed_is_not_sent_to_again_once_another_follow_up_has_written_to_them_or_they_replied() {
    let (shop, blast) = stuck_shop().await;
    let draft = follow_up_draft(&shop, &blast).await;
    let other = shop.draft(4..5).await;
    // A step's, whose people are kept apart from those of other steps only.
    shop.execute(&format!(
        "update blasts set state = 'completed', launched_at = now(), step_number = 1 where id = {draft};
         update blast_recipients set status = 'failed', standing = 'failed', attempt = 1, failed_at = now(), error_code = 'busy'
          where blast_id = {draft};
         update blasts set state = 'completed', launched_at = now(), follows_blast = {blast}, follows_stage = 'read' where id = {other};
         update blast_recipients set status = 'sent', standing = 'sent', attempt = 1, sent_at = now() + interval '1 second'
          where blast_id = {other}"
    ))
    .await;
    let retry = ["blast", "retry", &draft, "--no-engine"];
    let asked = shop.run(&retry).await;
    mark(&shop, &blast, 3, "replied").await;

    let said = shop.json(&[&retry[..], &["--yes"]].concat()).await;

    assert!(asked.err.contains("1 more answered since, or had another message"), "{asked:?}");
    assert_eq!(said["people"], 1, "{said}");
    let queued = format!("select phone_number from blast_recipients where blast_id = {draft} and status = 'queued'");
    let queued: Vec<String> =
        sqlx::query_scalar(sqlx::AssertSqlSafe(queued)).fetch_all(&shop.database.pool).await.unwrap();
    assert_eq!(queued, [format!("+{}", digits(0))]);
    shop.execute(&format!("update blasts set state = 'completed' where id = {draft}")).await;
    let nobody = shop.run(&[&retry[..], &["--yes"]].concat()).await;
    assert!(nobody.code == 3 && nobody.err.contains("2 people opted out or answered since they failed"), "{nobody:?}");
}

#[tokio::test]
async fn whom_a_follow_up_reached_that_was_deleted_since_is_left_out_of_another_one() {
    let (shop, blast) = stuck_shop().await;
    let [sent, other] = twins(&shop, &blast).await;
    shop.ok(&["blast", "send", &sent, "--yes", "--no-engine"]).await;
    shop.until_idle().await;
    shop.execute(&format!(
        "update blast_recipients set status = 'sent', standing = 'sent', replied_marked_at = null, reply_seen_at = null, closed_at = null
          where blast_id = {sent} and attempt > 0"
    ))
    .await;
    let reached =
        shop.number(&format!("select count(*) from blast_recipients where blast_id = {sent} and attempt > 0")).await;
    shop.ok(&["blast", "delete", &sent, "--yes"]).await;

    let follows = |plan: &serde_json::Value| plan["segment"]["left_out"]["followed"].clone();
    assert_eq!(follows(&shop.json(&["blast", "plan", &other]).await), json!(reached), "its people are still there");
    shop.until_idle().await;
    assert_eq!(shop.number(&format!("select count(*) from blasts where id = {sent}")).await, 0);
    assert_eq!(follows(&shop.json(&["blast", "plan", &other]).await), json!(reached), "nobody is there any more");
    let anew = shop.run(&["blast", "follow-up", &blast, "--stuck-at", "read"]).await;
    assert!(anew.code == 3, "{anew:?}");
    let by_filter = shop.run(&["blast", "follow-up", &blast, "--from", "stuck:read"]).await;
    assert!(by_filter.code == 3 || !by_filter.out.contains("\"taken\":3"), "{by_filter:?}");
}
