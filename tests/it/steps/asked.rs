//! What is asked before a step may send at once: it is asked first and written afterwards.

use blastdeck::app::NewStep;
use blastdeck::domain::content::BlastContent;
use blastdeck::domain::status::Status;
use blastdeck::domain::step::{StepRule, StepSince};

use super::*;
use crate::support::Size;

const ACTS: &str = "select count(*) from operator_actions where detail ? 'step'";
const WIDE: Size = Size { columns: 250, rows: 30 };

async fn steps(shop: &Shop, blast: &str) -> Vec<Value> {
    shop.json_lines(&["blast", "step", "list", blast]).await
}

#[tokio::test]
async fn ctrl_c_at_the_question_leaves_no_step_behind_and_the_number_is_the_one_that_was_asked_about() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 90).await;
    let add = ["blast", "step", "add", &blast, "--after", "48h", "--message", "Hi", "--auto", "--at-most", "9"];
    let add = [&add[..], &["--until", "read"]].concat();
    let asks = format!("3 people are due now: step 1 of blast {blast} sends to them at once. Type 3, then press enter");

    let mut terminal = shop.in_terminal(&add, WIDE);
    terminal.wait_for_text(&asks);
    assert_eq!(steps(&shop, &blast).await.len(), 0, "nobody sees a step that is only asked about");
    terminal.type_keys("\x03");
    terminal.wait_for_exit();
    let refused = shop.run(&add).await;
    assert!(refused.code == 3 && refused.err.contains("step 1 of blast"), "{refused:?}");
    assert_eq!((steps(&shop, &blast).await.len(), shop.number(ACTS).await), (0, 0));

    let mut terminal = shop.in_terminal(&add, WIDE);
    terminal.wait_for_text(&asks);
    terminal.type_keys("3\r");
    assert_eq!(terminal.wait_for_exit().exit_code(), 0, "{}", terminal.text());
    let added = steps(&shop, &blast).await;
    assert_eq!(
        (added.len(), &added[0]["number"], &added[0]["stage"], &added[0]["paused"]),
        (1, &json!(1), &json!("Follow-up 1"), &json!(false))
    );
    assert_eq!(shop.number(ACTS).await, 1);
}

#[tokio::test]
async fn a_change_that_is_not_confirmed_leaves_the_step_as_it_was_and_sending() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 40).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read", "--auto", "--at-most", "9"]).await;
    let (before, acts) = (steps(&shop, &blast).await, shop.number(ACTS).await);
    let sooner = ["blast", "step", "set", &blast, "1", "--after", "24h"];
    let asks = format!("3 people are due now: step 1 of blast {blast} sends to them at once. Type 3, then press enter");

    for answer in ["\x03", "2\r"] {
        let mut terminal = shop.in_terminal(&sooner, WIDE);
        terminal.wait_for_text(&asks);
        terminal.type_keys(answer);
        assert_ne!(terminal.wait_for_exit().exit_code(), 0);
        assert_eq!((steps(&shop, &blast).await, shop.number(ACTS).await), (before.clone(), acts), "{answer:?}");
    }
    let refused = shop.run(&sooner).await;
    assert!(refused.code == 3 && !refused.err.contains("paused"), "{refused:?}");
    assert_eq!((steps(&shop, &blast).await, shop.number(ACTS).await), (before, acts));

    let mut terminal = shop.in_terminal(&sooner, WIDE);
    terminal.wait_for_text(&asks);
    terminal.type_keys("3\r");
    assert_eq!(terminal.wait_for_exit().exit_code(), 0, "{}", terminal.text());
    let after = steps(&shop, &blast).await;
    assert_eq!((&after[0]["after_seconds"], &after[0]["paused"]), (&json!(86_400), &json!(false)));
    assert_eq!(shop.number(ACTS).await, acts + 1);
}

#[tokio::test]
async fn a_step_that_was_shown_is_not_written_to_more_people_or_under_another_number() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 90).await;
    let id = BlastId(blast.parse().unwrap());
    set(&shop, &blast, 2, "status = 'read', standing = 'read', read_timestamp = now()").await;
    let app = engine_app(&shop, "aina").await;
    let new = |text: &str| NewStep {
        rule: StepRule::new(TimeDelta::hours(48), StepSince::Stage(Status::Sent), Some(Status::Read)).unwrap(),
        stage: None,
        content: BlastContent::parse(text, None).unwrap(),
        first: None,
        at_most: std::num::NonZeroU32::new(9),
    };

    let shown = app.new_step_shown(id, &new("1")).await.unwrap();
    assert_eq!((shown.key.number, shown.at_once.people()), (1, 2));
    set(&shop, &blast, 2, "status = 'delivered', standing = 'delivered', read_timestamp = null").await;
    let more = app.add_step_as_shown(new("1"), shown).await.unwrap_err().to_string();
    assert!(more.contains("it is 3 people now, not 2"), "{more}");

    let shown = app.new_step_shown(id, &new("1")).await.unwrap();
    assert_eq!(app.add_step(id, new("2")).await.unwrap(), 1);
    let taken = app.add_step_as_shown(new("1"), shown).await.unwrap_err().to_string();
    assert!(taken.contains(&format!("somebody added step 1 to blast {blast} meanwhile")), "{taken}");
    assert_eq!(steps(&shop, &blast).await.len(), 1);
    let shown = app.new_step_shown(id, &new("1")).await.unwrap();
    assert_eq!(app.add_step_as_shown(new("1"), shown).await.unwrap(), 2);
}

/// One that is not written yet has no row from which its words and its distance to the others could be read.
#[tokio::test]
async fn a_step_that_is_not_written_yet_leaves_out_whoever_had_its_words_or_a_step_near_it() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 90).await;
    let other = shop.blast(0..1).await;
    let words = shop.text(&format!("select message from blasts where id = {other}")).await;
    shop.execute(&format!(
        "update blast_recipients set status = 'sent', standing = 'sent', attempt = 1, sent_at = now() - interval '10 hours'
          where blast_id = {other}"
    ))
    .await;
    add(&shop, &blast, &["--after", "72h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;
    occur(&app, Utc::now()).await;
    let draft = made(&shop, &blast, 1).await.pop().unwrap();
    shop.send(&draft).await;
    shop.execute(&format!(
        "update blast_recipients set status = 'sent', standing = 'sent', attempt = 1, sent_at = now() - interval '10 hours'
          where blast_id = {draft} and phone_number = '{}';
         update blast_recipients set status = 'failed', standing = 'failed', attempt = 1, failed_at = now()
          where blast_id = {draft} and phone_number <> '{}'",
        phone(1),
        phone(1)
    ))
    .await;
    let ask = async |message: &str, after: &str| {
        let add = ["blast", "step", "add", &blast, "--message", message, "--until", "read", "--after", after];
        shop.run(&[&add[..], &["--auto", "--at-most", "9"]].concat()).await.err
    };

    let far = ask("Other words", "70h").await;
    let near = ask("Other words", "48h").await;
    let same = ask(&words, "70h").await;

    assert!(far.contains("3 people are due now: step 2"), "{far}");
    assert!(near.contains("2 people are due now: step 2"), "24 hours lie between the two: {near}");
    assert!(same.contains("2 people are due now: step 2"), "{same}");
}
