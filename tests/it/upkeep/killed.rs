//! A cancel or a delete whose process was killed in the middle: whoever comes next finishes it.

use std::process::Stdio;
use std::time::Duration;

use crate::support::{PATIENCE, Setup, Shop, eventually_async};

/// So many that an engine needs more than one turn for them.
const PEOPLE: i64 = 30_000;

/// A shop with one blast of many people, put there without an import.
async fn shop(state: &str) -> Shop {
    let shop = Shop::open(Setup::default()).await;
    shop.ok(&["sender", "list"]).await;
    shop.draft(0..1).await;
    shop.execute(&format!(
        "insert into blast_recipients (blast_id, phone_number)
         select 1, '+6011' || lpad(n::text, 8, '0') from generate_series(2, {PEOPLE}) as n;
         update blasts set total_recipients = {PEOPLE}, state = '{state}' where id = 1;
         analyze"
    ))
    .await;
    shop
}

/// Runs the verb until `how_many` says that somebody was changed, and kills it as `kill -9` does. How many are left.
async fn kill_in_the_middle(shop: &Shop, verb: &[&str], left: &str) -> i64 {
    let mut child = shop.command(verb).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually_async("it has begun", async || shop.number(left).await < PEOPLE).await;
    child.kill().await.unwrap();
    eventually_async("its connections are gone", async || {
        let open = "select count(*) from pg_stat_activity
                     where application_name = 'blastdeck' and datname = current_database() and query <> 'DISCARD ALL'";
        shop.number(open).await == 0
    })
    .await;
    let left = shop.number(left).await;
    assert!(left > 0, "it was killed in the middle");
    left
}

const QUEUED: &str = "select count(*) from blast_recipients where status = 'queued'";
const THERE: &str = "select count(*) from blast_recipients";

#[tokio::test]
async fn a_killed_cancel_is_finished_by_the_same_command() {
    let shop = shop("paused").await;
    let left = kill_in_the_middle(&shop, &["blast", "cancel", "1", "--yes"], QUEUED).await;

    let said = shop.json(&["blast", "cancel", "1"]).await;

    assert_eq!((said["left_out"].as_i64(), shop.number(QUEUED).await), (Some(left), 0), "{said}");
    let again = shop.run(&["blast", "cancel", "1", "--yes"]).await;
    assert!(again.code == 3 && again.err.contains("it is over"), "{again:?}");
    assert_eq!(shop.number("select count(*) from operator_actions where action = 'cancel'").await, 1);
    shop.promises().await;
}

#[tokio::test]
async fn a_killed_delete_is_finished_by_the_same_command() {
    let shop = shop("draft").await;
    kill_in_the_middle(&shop, &["blast", "delete", "1", "--yes"], THERE).await;

    let said = shop.ok(&["blast", "delete", "1"]).await;

    assert_eq!((shop.number(THERE).await, shop.number("select count(*) from blasts").await), (0, 0), "{said}");
    let again = shop.run(&["blast", "delete", "1", "--yes"]).await;
    assert!(again.code != 0 && again.err.contains("there is no blast 1"), "{again:?}");
    shop.invariants().await;
}

#[tokio::test]
async fn an_engine_that_ends_by_itself_finishes_a_killed_cancel_and_a_killed_delete_first() {
    tokio::join!(is_finished_first("paused", "cancel", QUEUED), is_finished_first("draft", "delete", THERE));
}

async fn is_finished_first(state: &str, verb: &str, left: &str) {
    let shop = shop(state).await;
    kill_in_the_middle(&shop, &["blast", verb, "1", "--yes"], left).await;

    // It cannot know yet that nobody is at it any more.
    let mut engine = shop.command(&["engine", "--until-idle"]).spawn().unwrap();
    let patient = tokio::time::timeout(Duration::from_secs(4), engine.wait()).await;
    assert!(patient.is_err(), "it ended while the {verb} was in the middle: {patient:?}");
    shop.execute("update blasts set updated_at = now() - interval '1 minute'").await;
    let ended = tokio::time::timeout(2 * PATIENCE, engine.wait()).await.expect("it ends").unwrap();

    assert!(ended.success());
    assert_eq!(shop.number(left).await, 0, "{verb}");
    shop.invariants().await;
}

#[tokio::test]
async fn a_blast_that_cannot_be_cleared_holds_up_no_other() {
    let shop = Shop::open(Setup::default()).await;
    let (stubborn, other) = (shop.draft(0..3).await, shop.draft(3..6).await);
    shop.execute(&format!(
        "create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
         create trigger refuse before update on blast_recipients for each row when (old.blast_id = {stubborn})
             execute function refuse();
         update blasts set state = 'cancelled', state_reason = 'cancelled', updated_at = now() - interval '1 minute' * (10 - id)"
    ))
    .await;

    shop.until_idle().await;

    let queued = async |blast: &str| shop.number(&format!("{QUEUED} and blast_id = {blast}")).await;
    assert_eq!((queued(&stubborn).await, queued(&other).await), (3, 0));
}
