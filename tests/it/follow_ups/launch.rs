//! Who answers in the moment of a follow-up's launch, and after it in the blast that it follows.

use blastdeck::app::Launch;
use blastdeck::domain::follow_up::LeftOut;
use blastdeck::domain::ids::BlastId;
use blastdeck::domain::status::Status;
use blastdeck::store::import::{self, ImportNote};
use chrono::TimeDelta;
use serde_json::json;

use super::{engine_app, follow_up_draft, mark, skipped, stuck_shop};
use crate::support::{WAITING_FOR_A_LOCK, digits, eventually_async, said};

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

/// Whoever resumes one to people's own times, or gives a scheduled one others, has its people in hand until that is written.
#[tokio::test]
async fn whoever_answers_while_a_follow_up_that_was_launched_gets_its_times_is_not_sent_it() {
    let (shop, blast) = stuck_shop().await;
    let draft = follow_up_draft(&shop, &blast).await;
    for (state, n, left_out) in [("paused", 0, 1), ("scheduled", 3, 2)] {
        shop.execute(&format!("update blasts set state = '{state}', launched_at = now() where id = {draft}")).await;
        let mut times = shop.database.pool.begin().await.unwrap();
        let writes = format!(
            "update blasts set version = version + 1 where id = {draft};
             update blast_recipients set next_attempt_at = now() where blast_id = {draft} and status = 'queued'"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(writes)).execute(&mut *times).await.unwrap();

        let phone = format!("+{}", digits(n));
        let marks = tokio::spawn(said(shop.command(&["mark", &blast, &phone, "replied"])));
        let stands = async || marks.is_finished() || shop.number(WAITING_FOR_A_LOCK).await > 0;
        eventually_async("the mark is written, or waits for the times", stands).await;
        times.commit().await.unwrap();
        let marked = marks.await.unwrap();

        assert_eq!(marked.code, 0, "{marked:?}");
        assert_eq!(skipped(&shop, &draft, "replied since").await, (left_out, left_out), "{state}");
    }
}

#[tokio::test]
async fn an_answer_does_not_wait_for_the_list_that_comes_into_a_follow_up() {
    let (shop, blast) = stuck_shop().await;
    let draft = follow_up_draft(&shop, &blast).await;
    let pool = &shop.database.pool;
    let version = shop.number(&format!("select version from blasts where id = {draft}")).await;
    let (mut list, _) =
        import::begin_adding(pool, BlastId(draft.parse().unwrap()), &ImportNote::default()).await.unwrap().unwrap();
    assert!(list.clear(version).await.unwrap());

    mark(&shop, &blast, 0, "replied").await;

    let free = format!("select count(*) from (select from blasts where id = {draft} for no key update skip locked) b");
    assert_eq!(shop.number(&free).await, 0, "whoever launches it waits");
    list.commit(pool, 0).await.unwrap();
    let left = format!("select total_recipients::bigint from blasts where id = {draft} and version > {version}");
    assert_eq!(shop.number(&left).await, 0);
}

#[tokio::test]
async fn whoever_answered_and_is_locked_in_the_moment_of_the_launch_is_waited_for() {
    let (shop, blast) = stuck_shop().await;
    let draft = follow_up_draft(&shop, &blast).await;
    mark(&shop, &blast, 0, "replied").await;
    let mut by_hand = shop.database.pool.begin().await.unwrap();
    let locks = format!("select from blast_recipients where blast_id = {draft} for update");
    sqlx::query(sqlx::AssertSqlSafe(locks)).execute(&mut *by_hand).await.unwrap();

    let sends = tokio::spawn(said(shop.command(&["blast", "send", &draft, "--yes", "--no-engine"])));
    let stands = async || sends.is_finished() || shop.number(WAITING_FOR_A_LOCK).await > 0;
    eventually_async("the launch is over, or waits for them", stands).await;
    by_hand.rollback().await.unwrap();
    let sent = sends.await.unwrap();

    assert_eq!(sent.code, 0, "{sent:?}");
    assert_eq!(skipped(&shop, &draft, "replied since").await, (1, 1));
}

/// Its plan names them as before, and whoever takes their answer back has them sent to.
#[tokio::test]
async fn whom_a_launch_left_out_is_in_the_draft_again_once_it_is_taken_back() {
    let (shop, blast) = stuck_shop().await;
    let draft = follow_up_draft(&shop, &blast).await;
    mark(&shop, &blast, 0, "replied").await;
    let phone = digits(3);
    shop.execute(&format!(
        "insert into suppressions (business, phone_number, source) select business, '+{phone}', 'operator' from senders"
    ))
    .await;
    let plan = async || {
        let plan = shop.json(&["blast", "plan", &draft]).await;
        (plan["people"].clone(), plan["segment"].clone())
    };
    let before = plan().await;
    assert_eq!((&before.0, &before.1["left_out"]), (&1.into(), &json!({ "replied": 1 })));
    let (app, id) = (engine_app(&shop, "one").await, BlastId(draft.parse().unwrap()));
    let shown = app.plan(id).await.unwrap();
    let armed_for = TimeDelta::minutes(5);
    app.launch(Launch { blast: id, version: shown.blast.version, people: shown.people, armed_for }).await.unwrap();
    assert_eq!(skipped(&shop, &draft, "replied since").await, (1, 1));

    app.undo_launch_of(id).await.unwrap();

    let queued = format!("select count(*) from blast_recipients where blast_id = {draft} and status = 'queued'");
    assert_eq!(shop.number(&queued).await, 3);
    assert_eq!(plan().await, before);
    mark(&shop, &blast, 0, "undo").await;
    assert_eq!(plan().await.0, 2);
}

/// The filter finds them again by then, and has nobody taken out of the draft.
#[tokio::test]
async fn whom_a_launch_left_out_is_in_a_draft_of_a_filter_again_once_it_is_taken_back() {
    let (shop, blast) = stuck_shop().await;
    let made = shop.json(&["blast", "follow-up", &blast, "--from", "stuck:read", "--message", "Hi"]).await;
    let draft = made["id"].to_string();
    let (app, id) = (engine_app(&shop, "one").await, BlastId(draft.parse().unwrap()));
    app.renew_audience(id).await.unwrap();
    let queued = format!("select count(*) from blast_recipients where blast_id = {draft} and status = 'queued'");
    let before = shop.number(&queued).await;
    let shown = app.plan(id).await.unwrap();
    let armed_for = TimeDelta::minutes(5);
    app.launch(Launch { blast: id, version: shown.blast.version, people: shown.people, armed_for }).await.unwrap();
    mark(&shop, &blast, 0, "replied").await;
    assert_eq!(skipped(&shop, &draft, "replied since").await, (1, 1));
    mark(&shop, &blast, 0, "undo").await;
    assert_eq!(shop.number(&queued).await, before - 1, "who was left out after the launch stays so");

    app.undo_launch_of(id).await.unwrap();

    assert!(!app.renew_audience(id).await.unwrap(), "the filter finds the same people");
    assert_eq!(shop.number(&queued).await, before);
    assert_eq!(shop.json(&["blast", "plan", &draft]).await["people"], before);
}

#[tokio::test]
async fn a_follow_up_of_a_follow_up_promises_nobody_who_replied_in_the_first_blast() {
    let (shop, blast) = stuck_shop().await;
    let first = follow_up_draft(&shop, &blast).await;
    shop.execute(&format!(
        "update blast_recipients set status = 'read', standing = 'read', sent_at = now(), message_id = 'F' || id, attempt = 1
          where blast_id = {first};
         update blasts set state = 'completed', launched_at = now() where id = {first}"
    ))
    .await;
    mark(&shop, &blast, 0, "replied").await;
    let (app, id) = (engine_app(&shop, "one").await, BlastId(first.parse().unwrap()));

    let promised = app.follow_up_preview(id, Status::Read).await.unwrap();

    let everybody = &promised.ages[0];
    assert_eq!((everybody.stuck, everybody.gets()), (3, 2));
    assert_eq!(everybody.left_out, [(LeftOut::Replied, 1)]);
    let second = shop.json(&["blast", "follow-up", &first, "--stuck-at", "read"]).await;
    let plan = shop.json(&["blast", "plan", &second["id"].to_string()]).await;
    assert_eq!((&second["taken"], &plan["people"]), (&2.into(), &2.into()), "{second} {plan}");
}

/// Whoever was named by a filter may have replied before: only what came since is an answer.
#[tokio::test]
async fn a_follow_up_of_one_that_a_filter_named_promises_nobody_who_replied_in_the_first_blast_since() {
    let (shop, blast) = stuck_shop().await;
    let first = follow_up_draft(&shop, &blast).await;
    shop.execute(&format!(
        "update blast_recipients set status = 'read', standing = 'read', sent_at = now(), message_id = 'F' || id, attempt = 1
          where blast_id = {first};
         update blasts set state = 'completed', launched_at = now(), follows_stage = null, segment = 'blast:{blast}'
          where id = {first}"
    ))
    .await;
    mark(&shop, &blast, 0, "replied").await;
    mark(&shop, &blast, 1, "replied").await;
    let earlier = "interval '1 hour'";
    shop.execute(&format!(
        "update blast_recipients set replied_marked_at = replied_marked_at - {earlier}, changed_at = changed_at - {earlier}
          where blast_id = {blast} and phone_number = '+{}'",
        digits(1)
    ))
    .await;
    let (app, id) = (engine_app(&shop, "one").await, BlastId(first.parse().unwrap()));

    let promised = app.follow_up_preview(id, Status::Read).await.unwrap();

    let everybody = &promised.ages[0];
    assert_eq!((everybody.stuck, everybody.left_out.as_slice()), (3, [(LeftOut::Replied, 1)].as_slice()));
    let second = shop.json(&["blast", "follow-up", &first, "--stuck-at", "read"]).await;
    assert_eq!(second["taken"], 2, "{second}");
    let late = shop
        .text("select phone_number from blast_recipients where blast_id = (select max(id) from blasts) limit 1")
        .await;
    mark(&shop, &blast, late.trim_start_matches("+60100").parse().unwrap(), "replied").await;
    let plan = shop.json(&["blast", "plan", &second["id"].to_string()]).await;
    assert_eq!(plan["people"], 1, "{plan}");
}
