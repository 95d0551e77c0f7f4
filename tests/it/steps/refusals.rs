//! What is no step, and what a step says while it waits.

use chrono::Utc;

use super::{SETUP, add, made, occur, received, set};
use crate::recurring::engine_app;
use crate::support::Shop;

#[tokio::test]
async fn what_is_no_step_is_refused_with_what_to_write() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..2, 50).await;
    for (further, code, said) in [
        (&["--message", "Hi", "--after", "soon"][..], 2, "soon"),
        (&["--message", "Hi", "--after", "0s"], 2, "48h"),
        (&["--message", "Hi", "--after", "48h", "--since", "queued"], 2, "write sent, received"),
        (&["--message", "Hi", "--after", "48h", "--since", "read", "--until", "sent"], 2, "write replied or closed"),
        (&["--message", "Hi", "--after", "48h", "--until", "cart"], 2, "write received, read, replied or closed"),
        (&["--message", "Hi", "--after", "48h", "--until", "sent"], 2, "write received, read, replied or closed"),
        (&["--message", "Hi", "--after", "48h", "--since", "closed"], 2, "a step cannot count from `closed`"),
        (&["--message", "Hi", "--after", "48h", "--auto"], 2, "--at-most"),
        (&["--message", "Hi", "--after", "48h", "--at-most", "5"], 2, "--auto"),
        (&["--message", "Hi", "--after", "48h", "--auto", "--at-most", "0"], 2, "0"),
        (&["--message", "Hi {city}", "--after", "48h"], 2, "cannot be rendered for anyone"),
        (&["--message", "Hi {", "--after", "48h"], 2, "--message"),
        (&["--after", "48h"], 2, "--message"),
        (&["--template", "hello_world", "--after", "48h"], 3, "template"),
    ] {
        let ran = shop.run(&[&["blast", "step", "add", &blast][..], further].concat()).await;
        assert!(ran.code == code && ran.err.contains(said), "{further:?}: {ran:?}");
    }
    let missing = shop.run(&["blast", "step", "set", &blast, "4", "--after", "48h"]).await;
    assert!(missing.code == 1 && missing.err.contains("has no step 4"), "{missing:?}");
    assert_eq!(shop.run(&["blast", "step", "list", "99"]).await.code, 1);
    add(&shop, &blast, &["--after", "48h"]).await;
    let wrong = shop.run(&["blast", "step", "set", &blast, "1", "--until", "sent"]).await;
    assert!(wrong.code == 2 && wrong.err.contains("--until"), "{wrong:?}");
    shop.execute(&format!("update blasts set state = 'cancelled' where id = {blast}")).await;
    let over = shop.run(&["blast", "step", "add", &blast, "--after", "48h", "--message", "Hi"]).await;
    assert!(over.code == 3 && over.err.contains("cancelled"), "{over:?}");
}

#[tokio::test]
async fn a_step_that_was_paused_says_so_while_its_draft_waits_and_numbers_say_what_to_write() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..2, 90).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let app = engine_app(&shop, "one").await;
    occur(&app, Utc::now()).await;
    let draft = made(&shop, &blast, 1).await.pop().unwrap();

    shop.ok(&["blast", "step", "pause", &blast, "1"]).await;

    let said = shop.ok(&["blast", "step", "list", &blast]).await;
    assert!(said.contains(&format!("paused; asks you: blast {draft}")), "{said}");
    let zero = shop.run(&["blast", "step", "set", &blast, "1", "--first", "0"]).await;
    assert!(zero.code == 2 && zero.err.contains("write a whole number from 1"), "{zero:?}");
    let times = shop.run(&["blast", "new", "--sender", "sales", "--message", "Hi", "--times", "99999999999"]).await;
    assert!(times.code == 2 && times.err.contains("write a whole number from 1"), "{times:?}");
    let until = shop.run(&["blast", "new", "--sender", "sales", "--message", "Hi", "--until", "2026-13-40"]).await;
    assert!(until.code == 2 && until.err.contains("write year, month and day, such as 2026-12-01"), "{until:?}");
}

#[tokio::test]
async fn a_step_of_an_old_blast_says_how_many_are_due_already() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 90).await;
    let add = async |message: &str, further: &[&str]| {
        let usual = ["blast", "step", "add", &blast, "--message", message, "--until", "read"];
        shop.run(&[&usual[..], further].concat()).await.err
    };

    let asks = add("1", &["--after", "48h"]).await;
    assert!(asks.contains("3 people are due now: the next look of an engine makes its draft"), "{asks}");
    let twice = add("1", &["--after", "48h"]).await;
    assert!(twice.contains("step 1 sends the same message after the same wait"), "{twice}");
    let auto = ["--after", "48h", "--auto", "--at-most", "3"];
    let unasked = add("2", &auto).await;
    assert!(unasked.contains("3 people are due now: step 2 of blast 1 sends to them at once"), "{unasked}");
    assert!(unasked.contains("add --yes"), "{unasked}");
    assert_eq!(shop.json_lines(&["blast", "step", "list", &blast]).await.len(), 1, "nothing was added");
    let sends = add("2", &[&auto[..], &["--yes"]].concat()).await;
    assert!(sends.contains("3 people are due now: the next look of an engine sends to them by itself"), "{sends}");
    assert!(sends.contains(&format!("blast step pause {blast} 2` holds it")), "{sends}");
    let too_many = add("3", &["--after", "48h", "--auto", "--at-most", "2"]).await;
    assert!(too_many.contains("3 people are due now, more than 2: its draft waits for your yes"), "{too_many}");
    let nobody = add("4", &["--after", "96h"]).await;
    assert!(!nobody.contains("due now"), "{nobody}");
    shop.ok(&["blast", "step", "pause", &blast, "2"]).await;
    let unasked = shop.run(&["blast", "step", "resume", &blast, "2"]).await;
    assert!(unasked.code == 3 && unasked.err.contains("sends to them at once"), "{unasked:?}");
    let resumed = shop.run(&["blast", "step", "resume", &blast, "2", "--yes"]).await.err;
    assert!(resumed.contains("3 people are due now"), "{resumed}");
    let before = shop.json_lines(&["blast", "step", "list", &blast]).await;
    let unasked = shop.run(&["blast", "step", "set", &blast, "2", "--after", "40h"]).await;
    assert!(unasked.code == 3 && unasked.err.contains("step 2 of blast 1 sends to them at once"), "{unasked:?}");
    assert_eq!(shop.json_lines(&["blast", "step", "list", &blast]).await, before, "it stays as it is, and goes on");
}

#[tokio::test]
async fn a_step_of_a_paused_blast_says_that_it_waits_for_that_and_for_how_many() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 90).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    let listed = async || shop.ok(&["blast", "step", "list", &blast]).await;
    let comes_at = async || shop.json(&["blast", "step", "list", &blast]).await["comes_at"].clone();
    let (due, paused) = (listed().await, format!("update blasts set state = 'paused' where id = {blast}"));

    shop.execute(&paused).await;
    let held = listed().await;
    let shown = shop.ok(&["blast", "show", &blast]).await;
    shop.ok(&["blast", "step", "set", &blast, "1", "--after", "200h"]).await;
    let (later, none) = (listed().await, comes_at().await);
    shop.execute(&format!("update blasts set state = 'completed' where id = {blast}")).await;

    assert!(due.contains("as people are due; 3 are due already"), "{due}");
    assert!(held.contains("not while its blast is paused; 3 are due already"), "{held}");
    assert!(shown.contains("not while its blast is paused"), "{shown}");
    assert!(later.contains("not while its blast is paused") && none.is_null(), "{later}: {none}");
    assert!(comes_at().await.is_string(), "once it goes on");
}

#[tokio::test]
async fn a_step_that_made_a_draft_today_says_that_it_sends_a_day_after_that() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 90).await;
    add(&shop, &blast, &["--after", "48h", "--until", "read"]).await;
    occur(&engine_app(&shop, "one").await, Utc::now()).await;
    let draft = made(&shop, &blast, 1).await.pop().unwrap();
    shop.ok(&["blast", "delete", &draft, "--yes"]).await;
    let set = async |further: &[&str]| {
        let usual = ["blast", "step", "set", &blast, "1", "--auto", "--at-most"];
        shop.run(&[&usual[..], further].concat()).await
    };

    let listed = shop.ok(&["blast", "step", "list", &blast]).await;
    let unasked = set(&["5"]).await;
    let (sends, too_many) = (set(&["5", "--yes"]).await, set(&["2"]).await);

    assert!(listed.contains("; 3 are due already (it makes one draft a day)"), "{listed}");
    let said = format!("3 people are due now: step 1 of blast {blast} makes one draft a day, and sends to them on ");
    assert!(unasked.code == 3 && unasked.err.contains(&said), "{unasked:?}");
    let said = "3 people are due already: a step makes one draft a day, and sends to them by itself on ";
    assert!(sends.code == 0 && sends.err.contains(said), "{sends:?}");
    let (said, asks) = ("3 people are due already, more than 2: the next draft, on ", ", waits for your yes");
    assert!(too_many.code == 0 && too_many.err.contains(said) && too_many.err.contains(asks), "{too_many:?}");
}

#[tokio::test]
async fn whom_nobody_asked_about_yet_may_be_due_and_a_step_asks_for_them_too() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..4, 90).await;
    let unasked = "status = 'sent', standing = 'sent', delivered_at = null";
    set(&shop, &blast, 1, &format!("{unasked}, message_id = 'M1'")).await;
    set(&shop, &blast, 2, &format!("{unasked}, message_id = 'M2', sent_at = now() - interval '1 hour'")).await;
    set(&shop, &blast, 3, &format!("{unasked}, message_id = 'M3'")).await;
    let add = async |until: &str| {
        let usual = ["blast", "step", "add", &blast, "--message", "1", "--after", "48h", "--auto", "--at-most", "9"];
        shop.run(&[&usual[..], &["--until", until]].concat()).await
    };

    let (first, both) = (add("received").await, add("read").await);

    let said = "2 people are due as soon as the provider was asked how far they got, unless they are further: step 1 of blast 1 then";
    assert!(first.code == 3 && first.err.contains(said), "{first:?}");
    let said =
        "3 people are due now, 2 of them unless the provider says that they are further: step 1 of blast 1 sends";
    assert!(both.code == 3 && both.err.contains(said), "{both:?}");
    assert_eq!(shop.json_lines(&["blast", "step", "list", &blast]).await.len(), 0);
}

#[tokio::test]
async fn a_step_of_a_follow_up_counts_on_from_it() {
    let shop = Shop::open(SETUP).await;
    let blast = received(&shop, 0..3, 50).await;
    let follow_up = shop.json(&["blast", "follow-up", &blast, "--stuck-at", "received", "--older-than", "1h"]).await;
    assert_eq!(shop.json(&["blast", "show", &follow_up["id"].to_string()]).await["follow_up_stage"], "Follow-up 1");

    let step = add(&shop, &follow_up["id"].to_string(), &["--after", "24h"]).await;

    assert_eq!(step["stage"], "Follow-up 2");
}
