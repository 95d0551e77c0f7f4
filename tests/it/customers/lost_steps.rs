//! Steps that lost the number of whoever was forgotten: nobody lets one send by itself unasked, whatever was done to it in between.

use blastdeck::app::{StepChange, StepKey, StepView};
use blastdeck::domain::ids::BlastId;

use super::{FIRST, number};
use crate::recurring::engine_app;
use crate::support::{Setup, Shop, digits};

/// Somebody whom nothing is sent to, and whom others are to call.
const NAMED: u32 = FIRST + 9;

/// Adds step 1 of a blast, which says `Or ask 0` once they are forgotten.
async fn add_naming_step(shop: &Shop, blast: &str, how: &[&str]) {
    let value = format!("update blast_recipients set variables = '{{\"agent\": \"{}\"}}'", digits(NAMED));
    shop.execute(&value).await;
    let add = ["blast", "step", "add", blast, "--after", "48h", "--until", "read", "--message", "Or ask {agent}"];
    shop.ok(&[&add[..], how, &["--yes"]].concat()).await;
}

/// A shop where they were forgotten, and step 1 of blast 1 says `Or ask 0` since.
async fn with_lost_step(how: &[&str], is_paused: bool) -> Shop {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(FIRST..FIRST + 2).await;
    shop.until_idle().await;
    add_naming_step(&shop, &blast, how).await;
    if is_paused {
        shop.ok(&["blast", "step", "pause", &blast, "1"]).await;
    }
    shop.ok(&["customer", "forget", &number(NAMED), "--yes"]).await;
    shop
}

fn lost(blast: i64) -> String {
    format!("their number was taken out of the words of step 1 of blast {blast} or of values that it sends")
}

#[tokio::test]
async fn whoever_has_a_step_send_by_itself_that_lost_a_number_while_it_asked_is_asked_about_that() {
    for is_paused in [false, true] {
        let shop = with_lost_step(&[], is_paused).await;
        if is_paused {
            // It asks before it sends, and is let go on for that alone.
            shop.ok(&["blast", "step", "resume", "1", "1"]).await;
        }
        let auto = ["blast", "step", "set", "1", "1", "--auto", "--at-most", "9"];

        let asked = shop.run(&auto).await;
        let asks = shop.number("select count(*) from blast_steps where at_most is null").await;
        let said = shop.run(&[&auto[..], &["--yes"]].concat()).await;

        assert!(asked.code == 3 && asked.err.contains(&lost(1)), "{is_paused}: {asked:?}");
        assert_eq!(asks, 1, "it asks still");
        assert!(said.code == 0 && said.err.contains(&lost(1)), "{is_paused}: {said:?}");
        shop.ok(&["blast", "step", "set", "1", "1", "--ask"]).await;
        let again = shop.run(&auto).await;
        assert!(again.code == 0 && !again.err.contains(&lost(1)), "it was let send as it is: {again:?}");
    }
}

#[tokio::test]
async fn a_copy_of_a_step_that_lost_a_number_is_asked_about_as_the_step_is() {
    let shop = with_lost_step(&["--auto", "--at-most", "9"], true).await;
    engine_app(&shop, "one").await.duplicate(BlastId(1)).await.unwrap();
    let copy = shop.number("select max(id) from blasts").await;

    let asked = shop.run(&["blast", "step", "resume", &copy.to_string(), "1"]).await;

    assert!(asked.code == 3 && asked.err.contains(&lost(copy)), "{asked:?}");
}

#[tokio::test]
async fn a_step_that_got_other_words_after_it_lost_a_number_is_resumed_unasked() {
    let shop = with_lost_step(&["--auto", "--at-most", "9"], true).await;
    let (set, resume) = (["blast", "step", "set", "1", "1"], ["blast", "step", "resume", "1", "1"]);
    shop.ok(&[&set[..], &["--after", "49h"]].concat()).await;
    let asked = shop.run(&resume).await;
    assert!(asked.code == 3 && asked.err.contains(&lost(1)), "another time is not other words: {asked:?}");

    shop.ok(&[&set[..], &["--message", "Or ask us"]].concat()).await;
    let resumed = shop.run(&resume).await;

    assert!(resumed.code == 0 && !resumed.err.contains(&lost(1)), "{resumed:?}");
}

#[tokio::test]
async fn a_step_that_lost_a_number_since_somebody_saw_it_is_not_resumed_by_them() {
    let shop = with_lost_step(&["--auto", "--at-most", "9"], true).await;
    let app = engine_app(&shop, "one").await;
    let key = StepKey { blast: BlastId(1), number: 1 };
    let view = app.step(key).await.unwrap();
    let before = StepView { lost_number: false, ..view.clone() };
    let resume = async |shown: &StepView| app.change_step_seen(key, StepChange::Resume, shown.seen()).await;

    let refused = resume(&before).await.unwrap_err().to_string();
    let view = app.step(key).await.unwrap();

    assert!(refused.contains(&lost(1)), "{refused}");
    assert!(view.step.paused_at.is_some() && view.lost_number, "{view:?}");
    assert!(resume(&view).await.unwrap(), "it goes on for whoever knows");
}

#[tokio::test]
async fn a_draft_with_a_step_that_lost_a_number_is_launched_once_somebody_lets_that_send_as_it_is() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(FIRST..FIRST + 2).await;
    add_naming_step(&shop, &blast, &["--auto", "--at-most", "9"]).await;
    let seen = shop.number("select version from blasts").await;
    shop.ok(&["customer", "forget", &number(NAMED), "--yes"]).await;
    let resume = ["blast", "step", "resume", &blast, "1"];

    let refused = shop.run(&["blast", "send", &blast, "--yes", "--no-engine"]).await;
    let asked = shop.run(&["blast", "step", "set", &blast, "1", "--at-most", "20"]).await;

    assert!(shop.number("select version from blasts").await > seen, "a plan that was open does not launch it");
    assert!(refused.code == 3 && refused.err.contains(&lost(1)), "{refused:?}");
    assert!(refused.err.contains(" blast step pause 1 1` holds it"), "{refused:?}");
    assert!(asked.code == 3 && asked.err.contains(&lost(1)), "{asked:?}");
    assert_eq!(shop.state(&blast).await, "draft");
    shop.ok(&["blast", "step", "pause", &blast, "1"]).await;
    let unasked = shop.run(&resume).await;
    assert!(unasked.code == 3 && unasked.err.contains(&lost(1)), "{unasked:?}");
    shop.ok(&[&resume[..], &["--yes"]].concat()).await;
    shop.send(&blast).await;
}

#[tokio::test]
async fn a_copy_of_a_blast_that_was_over_when_its_step_lost_a_number_is_not_launched_unasked() {
    for message in ["Or ask {agent}", "Or call +{number}"] {
        let shop = Shop::open(Setup::default()).await;
        let blast = shop.draft(FIRST..FIRST + 2).await;
        add_naming_step(&shop, &blast, &["--auto", "--at-most", "9"]).await;
        let message = message.replace("{number}", &digits(NAMED));
        shop.execute(&format!("update blast_steps set message = '{message}'")).await;
        shop.send(&blast).await;
        shop.ok(&["blast", "cancel", &blast, "--yes"]).await;
        shop.ok(&["customer", "forget", &number(NAMED), "--yes"]).await;
        engine_app(&shop, "one").await.duplicate(BlastId(1)).await.unwrap();
        let copy = shop.number("select max(id) from blasts").await;

        let refused = shop.run(&["blast", "send", &copy.to_string(), "--yes", "--no-engine"]).await;

        assert!(refused.code == 3 && refused.err.contains(&lost(copy)), "{message}: {refused:?}");
    }
}
