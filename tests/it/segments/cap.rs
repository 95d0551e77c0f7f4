//! The frequency cap between two blasts that nobody was sent by yet.

use blastdeck::domain::ids::BlastId;
use serde_json::{Value, json};

use super::{draft_from, read_shop};
use crate::follow_ups::slow_launches;
use crate::recurring::engine_app;
use crate::support::{Shop, WAITING_FOR_A_LOCK, eventually_async, said};

/// The shop with a frequency cap of a week, and two drafts to the same two people.
async fn two_drafts() -> (Shop, [String; 2]) {
    let (shop, blast) = read_shop().await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", format!("{config}\n[[businesses]]\nname = \"kedai\"\nfrequency_cap = \"7d\"\n"));
    let filter = format!("blast:{blast} stuck:read older:48h");
    let made = [draft_from(&shop, &filter).await, draft_from(&shop, &filter).await];
    assert!(made.iter().all(|made| made["taken"] == 2), "{made:?}");
    (shop, made.map(|made| made["id"].to_string()))
}

#[tokio::test]
async fn blasts_that_are_launched_at_the_same_moment_do_not_go_to_the_same_people() {
    let (shop, drafts) = two_drafts().await;
    slow_launches(&shop).await;

    let send = |draft: &str| tokio::spawn(said(shop.command(&["blast", "send", draft, "--yes", "--no-engine"])));
    let launches = drafts.each_ref().map(|draft| send(draft));
    let mut codes = Vec::new();
    for launch in launches {
        let said = launch.await.unwrap();
        assert!(said.code == 0 || said.err.contains("its filter finds different people now"), "{said:?}");
        codes.push(said.code);
    }

    codes.sort_unstable();
    assert_eq!(codes, [0, 3]);
    assert_eq!(shop.number("select count(*) from blasts where state = 'sending'").await, 1);
}

#[tokio::test]
async fn whom_a_blast_is_scheduled_for_within_the_cap_is_left_out_of_another_one() {
    let (shop, [scheduled, other]) = two_drafts().await;
    let schedule = async |blast: &str, at: &str| {
        shop.ok(&["blast", "edit", blast, "--at", at]).await;
        shop.ok(&["blast", "plan", blast]).await;
        shop.run(&["blast", "send", blast, "--yes", "--no-engine"]).await
    };
    let at = |days: i64| (chrono::Utc::now() + chrono::TimeDelta::days(days)).to_rfc3339();
    assert_eq!(schedule(&scheduled, &at(10)).await.code, 0);

    let now = plan(&shop, &other).await;
    let refused = schedule(&other, &at(4)).await;
    let near = plan(&shop, &other).await;
    let far = schedule(&other, &at(20)).await;

    assert_eq!((&now["people"], &now["segment"]["left_out"].get("frequency_cap")), (&json!(2), &None), "{now}");
    assert_eq!(
        (refused.code, &near["people"], &near["segment"]["left_out"]["frequency_cap"]),
        (3, &json!(0), &json!(2))
    );
    assert_eq!(far.code, 0, "{far:?}");
    shop.ok(&["blast", "pause", &scheduled]).await;
    let nearer = shop.run(&["blast", "edit", &other, "--at", &at(12)]).await;
    assert!(nearer.code == 3 && nearer.err.contains("another message within the frequency cap"), "{nearer:?}");
    shop.ok(&["blast", "edit", &other, "--at", &at(25)]).await;
    shop.ok(&["blast", "resume", &scheduled, "--yes"]).await;
    shop.ok(&["blast", "send", &scheduled, "--now", "--yes", "--no-engine"]).await;
    let at_once = shop.run(&["blast", "send", &other, "--now", "--yes", "--no-engine"]).await;
    assert!(at_once.code == 3 && at_once.err.contains("another message within the frequency cap"), "{at_once:?}");
}

async fn plan(shop: &Shop, blast: &str) -> Value {
    shop.json(&["blast", "plan", blast]).await
}

#[tokio::test]
async fn a_message_of_now_counts_for_a_blast_of_tomorrow_and_not_for_one_of_next_month() {
    let (shop, [now, later]) = two_drafts().await;
    shop.ok(&["blast", "send", &now, "--yes", "--no-engine"]).await;
    shop.ok(&["blast", "pause", &now]).await;
    let frozen = plan(&shop, &later).await;
    assert_eq!(frozen["people"], 0, "what is paused goes on at any time: {frozen}");
    shop.execute(&format!(
        "update blasts set state = 'completed' where id = {now};
         update blast_recipients set status = 'sent', standing = 'sent', sent_at = now(), attempt = 1 where blast_id = {now}"
    ))
    .await;

    for (days, people) in [(1, 0), (30, 2)] {
        let at = (chrono::Utc::now() + chrono::TimeDelta::days(days)).to_rfc3339();
        shop.ok(&["blast", "edit", &later, "--at", &at]).await;
        assert_eq!(plan(&shop, &later).await["people"], people, "in {days} days");
    }
}

#[tokio::test]
async fn whoever_failed_is_not_sent_to_again_within_the_cap_of_another_message() {
    let (shop, [failed, other]) = two_drafts().await;
    shop.execute(&format!(
        "update blasts set state = 'completed', launched_at = now() where id = {failed};
         update blast_recipients set status = 'failed', standing = 'failed', attempt = 1, failed_at = now(), error_code = 'busy'
          where blast_id = {failed}"
    ))
    .await;
    let retry = ["blast", "retry", &failed, "--no-engine"];
    let before = shop.run(&retry).await;
    shop.ok(&["blast", "send", &other, "--yes", "--no-engine"]).await;

    let after = shop.run(&[&retry[..], &["--yes"]].concat()).await;

    assert!(before.err.contains("2 people who failed"), "{before:?}");
    assert!(after.code == 3 && after.err.contains("within the frequency cap"), "{after:?}");
}

#[tokio::test]
async fn what_was_paused_goes_on_without_whoever_had_a_message_meanwhile_also_of_a_blast_that_was_deleted() {
    let (shop, [paused, scheduled]) = two_drafts().await;
    let other = shop.draft(0..1).await;
    shop.ok(&["blast", "send", &paused, "--yes", "--no-engine"]).await;
    shop.ok(&["blast", "pause", &paused]).await;
    // Somebody of a list that a file named, which the cap does not hold for.
    shop.execute(&format!(
        "update blasts set state = 'completed', launched_at = now() where id = {other};
         update blast_recipients set status = 'sent', standing = 'sent', sent_at = now(), attempt = 1 where blast_id = {other}"
    ))
    .await;

    shop.ok(&["blast", "resume", &paused, "--yes", "--no-engine"]).await;

    let left_out = format!(
        "select count(*) from blast_recipients where blast_id = {paused} and status = 'skipped' and reason like '%frequency cap%'"
    );
    assert_eq!((shop.number(&left_out).await, shop.count("queued").await), (1, 3), "and the other draft's two");
    shop.execute(&format!(
        "update blasts set state = 'scheduled', scheduled_for = now() + interval '30 days', send_after = now() + interval '30 days'
          where id = {scheduled};
         update blasts set deleted_at = now() where id = {other};
         update blasts set state = 'completed' where id = {paused};
         update blast_recipients set status = 'failed', standing = 'failed', failed_at = now() where blast_id = {paused}"
    ))
    .await;
    let at_once = shop.run(&["blast", "send", &scheduled, "--now", "--yes", "--no-engine"]).await;
    assert!(at_once.code == 3 && at_once.err.contains("another message within the frequency cap"), "{at_once:?}");
}

#[tokio::test]
async fn whoever_is_in_flight_in_a_blast_that_was_cancelled_or_deleted_gets_no_other_one_within_the_cap() {
    let (shop, [wrong, right]) = two_drafts().await;
    shop.send(&wrong).await;
    shop.put_in_flight(&wrong, 0).await;

    for act in ["cancel", "delete"] {
        shop.ok(&["blast", act, &wrong, "--yes"]).await;
        let plan = plan(&shop, &right).await;
        let left_out = &plan["segment"]["left_out"]["frequency_cap"];
        assert_eq!((&plan["people"], left_out), (&json!(1), &json!(1)), "{act}: {plan}");
    }
    let sent = shop.json(&["blast", "send", &right, "--yes", "--no-engine"]).await;
    assert_eq!(sent["people"], 1, "{sent}");
}

#[tokio::test]
async fn a_blast_is_not_launched_to_whom_another_one_is_retried_while_its_people_are_read() {
    let (shop, [draft, _]) = two_drafts().await;
    let failed = shop.draft(0..1).await;
    shop.execute(&format!(
        "update blasts set state = 'completed', launched_at = now() where id = {failed};
         update blasts set launched_at = now() - interval '1 hour', updated_at = now() - interval '1 hour' where launched_at is not null;
         update blast_recipients set status = 'failed', standing = 'failed', attempt = 1, failed_at = now(), error_code = 'busy'
          where blast_id = {failed}"
    ))
    .await;
    let (app, failed) = (engine_app(&shop, "aina").await, BlastId(failed.parse().unwrap()));
    let mut holds = shop.database.pool.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('frequency cap of kedai', 0)), pg_advisory_lock(42)")
        .execute(&mut *holds)
        .await
        .unwrap();
    // Whom the retry is of was named by no filter: it waits for no launch. All but its end is done before the launch begins, which waits for
    // its lock a few seconds at most.
    shop.execute(
        "create function wait_for_word() returns trigger language plpgsql as $$ begin
             while not pg_try_advisory_xact_lock(42) loop perform pg_sleep(0.02); end loop;
             return null;
         end $$;
         create trigger wait_for_word after insert on operator_actions for each row
            when (new.action = 'retry') execute function wait_for_word()",
    )
    .await;
    let retry = tokio::spawn(async move { app.retry(failed, None).await });
    let sleeping =
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'";
    eventually_async("the retry is about to end", async || shop.number(sleeping).await > 0).await;
    let launch = tokio::spawn(said(shop.command(&["blast", "send", &draft, "--yes", "--no-engine"])));
    eventually_async("its people are read", async || shop.number(WAITING_FOR_A_LOCK).await > 0).await;

    sqlx::query("select pg_advisory_unlock(42)").execute(&mut *holds).await.unwrap();
    assert_eq!(retry.await.unwrap().unwrap(), 1);
    holds.commit().await.unwrap();

    let refused = launch.await.unwrap();
    assert!(refused.code == 3 && refused.err.contains("its filter finds different people now"), "{refused:?}");
    assert_eq!(shop.state(&draft).await, "draft");
    assert_eq!(plan(&shop, &draft).await["people"], 1);
}

#[tokio::test]
async fn the_next_time_of_a_blast_that_repeats_and_goes_to_a_list_counts_but_not_for_follow_ups_of_its_own_times() {
    let (shop, [draft, _]) = two_drafts().await;
    let named = shop.number("select min(id) from blasts").await;
    let pattern = shop.draft_with(3..4, &["--repeat", "every day 09:00"]).await;
    shop.send(&pattern).await;
    let people = async |change: String| {
        shop.execute(&change).await;
        let plan = plan(&shop, &draft).await;
        (plan["people"].as_i64().unwrap(), plan["segment"]["left_out"]["frequency_cap"].as_i64().unwrap_or_default())
    };

    let repeating = |to: &str| format!("update blasts set {to} where id = {pattern}");
    assert_eq!(people(repeating("updated_at = now()")).await, (1, 1));
    assert_eq!(people(repeating("scheduled_for = now() + interval '20 days'")).await, (2, 0), "later than the cap");
    assert_eq!(people(repeating("scheduled_for = now() + interval '2 days'")).await, (1, 1));
    assert_eq!(people(repeating("segment = 'tag:vip'")).await, (2, 0), "nobody knows yet whom its filter finds");
    shop.execute(&repeating("segment = null")).await;
    assert_eq!(people(format!("update blasts set pattern_blast = {pattern} where id = {named}")).await, (2, 0));
}
