//! A sender that is confirmed by turns on several machines, each of which remembers other posts.

use std::path::Path;

use serde_json::{Value, json};

use super::super::{Restorable, SETUP};
use super::{a_shop_that_has_sent, asks_and_sends_nothing, forget_renewals, remembered};
use crate::support::{Said, Shop, eventually_async, said};

/// The program on one of several machines, which have one name.
async fn on(shop: &Shop, machine: &Path, arguments: &[&str]) -> Said {
    let mut command = shop.command(arguments);
    command.env("BLASTDECK_STATE_DIR", machine);
    said(command).await
}

/// What one machine says stays known while another one is asked: else two that are asked by turns would ask for ever.
#[tokio::test]
async fn whoever_confirms_on_one_machine_after_another_is_asked_once_on_each() {
    let shop = a_shop_that_has_sent().await;
    shop.blast(10..15).await;
    forget_renewals(&shop).await;
    asks_and_sends_nothing(&shop, "(3 posts)").await;
    // As the words of a machine of another name, which has another memory.
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    shop.execute(&format!(
        "update senders set stopped_reason = replace(stopped_reason, ' on {host} with', ' on till-2 with')"
    ))
    .await;
    let confirm = ["sender", "confirm", "sales", "--yes", "--no-engine"];
    let mut elsewhere = shop.command(&confirm);
    elsewhere.env("BLASTDECK_STATE_DIR", shop.path("state-of-another"));

    let asked = said(elsewhere).await;

    assert!(asked.code == 3 && asked.err.contains("then confirm again on this machine"), "{asked:?}");
    let reason = shop.text("select stopped_reason from senders").await;
    assert!(reason.contains("(3 posts)") && reason.contains(" on till-2 with"), "{reason}");
    assert!(reason.contains("remembers posting to nobody") && reason.contains(&format!(" on {host} with")), "{reason}");
    // What the machine that said it reads there: its own name.
    shop.execute(&format!(
        "update senders set stopped_reason = replace(stopped_reason, ' on till-2 with', ' on {host} with')"
    ))
    .await;
    shop.ok(&confirm).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 8);
    shop.promises().await;
}

/// Nobody acquires a sender that is stopped: what the engine of the other machine says of it is all that its operator learns.
#[tokio::test]
async fn whoever_confirms_where_nothing_is_remembered_learns_of_a_machine_whose_engine_remembers() {
    let shop = a_shop_that_has_sent().await;
    shop.blast(0..5).await;
    let state = shop.path("state-of-another");
    let newcomer = shop.engine_with(&[("BLASTDECK_STATE_DIR", state.to_str().unwrap())]);
    let reason = "select count(*) from senders where stopped_reason like ";
    eventually_async("it asks", async || shop.number(&format!("{reason}'%posting to nobody%'")).await == 1).await;

    let engine = shop.engine();
    eventually_async("the other one says what it knows", async || {
        shop.number(&format!("{reason}'%posting to nobody%(3 posts)%'")).await == 1
    })
    .await;

    let confirm = ["sender", "confirm", "sales", "--yes", "--no-engine"];
    let mut elsewhere = shop.command(&confirm);
    elsewhere.env("BLASTDECK_STATE_DIR", &state);
    let asked = said(elsewhere).await;
    assert!(asked.code == 3 && asked.err.contains("remembered whom it posted to"), "{asked:?}");
    newcomer.stop().await;
    engine.stop().await;
}

/// Machines that were made of one image may have one name.
#[tokio::test]
async fn whoever_confirms_by_turns_on_two_machines_of_one_name_is_asked_once_on_each() {
    let shop = a_shop_that_has_sent().await;
    shop.blast(10..15).await;
    forget_renewals(&shop).await;
    asks_and_sends_nothing(&shop, "(3 posts)").await;
    let confirm = ["sender", "confirm", "sales", "--yes", "--no-engine"];
    let mut elsewhere = shop.command(&confirm);
    elsewhere.env("BLASTDECK_STATE_DIR", shop.path("state-of-another"));

    let asked = said(elsewhere).await;

    assert!(asked.code == 3 && asked.err.contains("then confirm again on this machine"), "{asked:?}");
    let reason = shop.text("select stopped_reason from senders").await;
    assert!(reason.contains("(3 posts)") && reason.contains("another machine of the same name says: "), "{reason}");
    shop.ok(&confirm).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 8);
}

/// Its command is for the machine that says it, by its paths: whoever reads it elsewhere has others, also where both have one name.
#[tokio::test]
async fn what_a_machine_says_names_its_own_paths_whoever_reads_it() {
    let shop = a_shop_that_has_sent().await;
    shop.blast(10..15).await;
    forget_renewals(&shop).await;
    asks_and_sends_nothing(&shop, "(3 posts)").await;
    let (own, other) = (shop.path("state"), shop.path("state-of-another"));
    let mut elsewhere = shop.command(&["sender", "list"]);
    elsewhere.env("BLASTDECK_STATE_DIR", &other);

    let (here, there) = (shop.run(&["sender", "list"]).await, said(elsewhere).await);

    let own = format!(" with `BLASTDECK_STATE_DIR='{}' blastdeck --config '", own.display());
    assert!(here.out.contains(&own) && here.out.contains(" sender confirm sales`"), "{here:?}");
    assert!(there.out.contains(&own) && !there.out.contains(other.to_str().unwrap()), "{there:?}");
}

/// What comes first is another machine's words, of posts that this one knows nothing of: its own stand behind them.
#[tokio::test]
async fn whoever_confirms_where_another_machine_asked_first_that_remembers_others_is_asked_once_more() {
    let shop = a_shop_that_has_sent().await;
    shop.blast(10..15).await;
    forget_renewals(&shop).await;
    asks_and_sends_nothing(&shop, "(3 posts)").await;
    shop.execute(
        "update senders set stopped_reason = replace(stopped_reason, '(3 posts)', '(9 posts)') ||
                '. Besides, another machine of the same name says: ' || stopped_reason",
    )
    .await;
    let confirm = ["sender", "confirm", "sales", "--yes", "--no-engine"];

    let asked = shop.run(&confirm).await;

    assert!(asked.code == 3 && asked.err.contains("another machine remembers others"), "{asked:?}");
    let reason = shop.text("select stopped_reason from senders").await;
    assert!(reason.starts_with("this machine remembers whom it posted to (3 posts)"), "its own come first: {reason}");
    assert!(reason.matches("(3 posts)").count() == 1 && reason.contains("(9 posts)"), "{reason}");
    shop.ok(&confirm).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 8);
}

/// The engine of a machine that has no record asks. Where another machine's operator confirms, its engine has its turn.
#[tokio::test]
async fn an_engine_without_a_record_leaves_a_sender_to_the_machine_on_which_it_was_confirmed() {
    let shop = a_shop_that_has_sent().await;
    shop.blast(10..15).await;
    let stopped = "select count(*) from senders where stopped_at is not null";
    let state = shop.path("state-of-another");
    let newcomer = shop.engine_with(&[("BLASTDECK_STATE_DIR", state.to_str().unwrap())]);
    eventually_async("it asks", async || shop.number(stopped).await == 1).await;
    let confirm = ["sender", "confirm", "sales", "--yes", "--no-engine"];
    let asked = shop.run(&confirm).await;
    assert!(asked.code == 3 && asked.err.contains("then confirm again on this machine"), "{asked:?}");

    shop.ok(&confirm).await;

    let own = shop.engine();
    shop.until_posts(3 + 5).await;
    own.stop().await;
    newcomer.stop().await;
    let log = std::fs::read_to_string(shop.path("engine.log")).unwrap();
    assert_eq!(log.matches("nothing is sent until somebody confirms").count(), 1, "{log}");
    assert_eq!(shop.number(stopped).await, 0);
    shop.promises().await;
}

/// What the other one posted since may be lost with the database of before, and only the other one knows.
#[tokio::test]
async fn a_machine_that_was_not_the_last_to_send_asks_once_the_server_was_started_anew() {
    let shop = a_shop_that_has_sent().await;
    shop.blast(10..15).await;
    // As granted to an engine of another machine, on a server that was started since this one's record was written.
    shop.execute("update sender_leases set epoch = epoch + 1, renewals = renewals + 1").await;
    let page = remembered(&shop, "json");
    let mut noted: Value = serde_json::from_str(&std::fs::read_to_string(&page).unwrap()).unwrap();
    assert!(noted["standing"]["server_started_at"].is_string(), "{noted}");
    noted["standing"]["server_started_at"] = json!("2026-01-01T00:00:00Z");
    std::fs::write(&page, noted.to_string()).unwrap();

    asks_and_sends_nothing(&shop, "the server was started anew since: what was sent by that, from another machine or from this one just before it went down").await;

    shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 8);
    shop.promises().await;
}

/// What another machine without a record was asked is not what this one was.
#[tokio::test]
async fn a_machine_whose_record_is_gone_says_so_though_another_one_without_a_record_was_asked() {
    let shop = a_shop_that_has_sent().await;
    shop.blast(10..15).await;
    forget_renewals(&shop).await;
    asks_and_sends_nothing(&shop, "(3 posts)").await;
    let confirm = ["sender", "confirm", "sales", "--yes", "--no-engine"];
    let mut elsewhere = shop.command(&confirm);
    elsewhere.env("BLASTDECK_STATE_DIR", shop.path("state-of-another"));
    assert_eq!(said(elsewhere).await.code, 3);

    std::fs::remove_dir_all(shop.path("state")).unwrap();

    let asked = shop.run(&confirm).await;
    assert!(asked.code == 3 && asked.err.contains("find its state directory"), "{asked:?}");
    shop.ok(&confirm).await;
}

/// As OPERATIONS has it: while the blasts are paused no engine takes the sender, so that the second machine asks at the resume.
#[tokio::test]
async fn where_two_machines_sent_in_the_lost_time_the_second_one_asks_once_a_blast_is_resumed_on_it() {
    const CONFIRM: [&str; 5] = ["sender", "confirm", "sales", "--yes", "--no-engine"];
    const ENGINE: [&str; 2] = ["engine", "--until-idle"];
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    let (here, elsewhere) = (shop.path("here"), shop.path("elsewhere"));
    let blasts = [shop.blast(0..4).await, shop.blast(10..14).await];
    for blast in &blasts {
        shop.ok(&["blast", "pause", blast]).await;
    }
    world.cluster.back_up().await;
    for (machine, blast) in [(&here, &blasts[0]), (&elsewhere, &blasts[1])] {
        shop.ok(&["blast", "resume", blast, "--yes", "--no-engine"]).await;
        // A machine that has no record asks first.
        on(shop, machine, &ENGINE).await;
        on(shop, machine, &CONFIRM).await;
        on(shop, machine, &ENGINE).await;
    }
    assert_eq!(world.posts().await, 4 + 4);
    world.cluster.put_back().await;

    shop.ok(&["blast", "resume", &blasts[1], "--yes", "--no-engine"]).await;
    on(shop, &here, &ENGINE).await;
    shop.ok(&["blast", "pause", &blasts[1]]).await;
    assert_eq!(on(shop, &here, &CONFIRM).await.code, 0);
    let early = on(shop, &elsewhere, &CONFIRM).await;
    assert!(early.code == 3 && early.err.contains("takes none whose blasts are paused"), "{early:?}");

    shop.ok(&["blast", "resume", &blasts[1], "--yes", "--no-engine"]).await;
    on(shop, &elsewhere, &ENGINE).await;
    assert_eq!((world.posts().await, shop.count("uncertain").await), (8, 4), "it asks before it sends");
    assert_eq!(on(shop, &elsewhere, &CONFIRM).await.code, 0);
    on(shop, &elsewhere, &ENGINE).await;

    assert_eq!((world.posts().await, shop.count("uncertain").await), (8, 8));
}
