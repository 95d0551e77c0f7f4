//! What a database that went back in time has forgotten, and its people are to get once more: by the same draft, or by one that is made anew.

use std::path::Path;

use reqwest::StatusCode;
use serde_json::json;

use super::{Restorable, SETUP};
use crate::answering::scene::AnswerScene;
use crate::inbox::scene::{envelope, text};
use crate::support::{Shop, digits, eventually_async};

const CONFIRM: [&str; 5] = ["sender", "confirm", "sales", "--yes", "--no-engine"];

/// A draft with other words than usual.
async fn other_words(shop: &Shop, people: std::ops::Range<u32>) -> String {
    let list = shop.list(people);
    let new = ["blast", "new", "--sender", "sales", "--message", "Other words", "--recipients", list.to_str().unwrap()];
    shop.json(&new).await["id"].to_string()
}

/// A blast to three people, all of whom failed.
async fn failed_blast(shop: &Shop) -> String {
    shop.sim.faults(&["error=1"]).await;
    let failed = shop.blast(10..13).await;
    shop.until_idle().await;
    shop.sim.faults(&[]).await;
    assert_eq!(counted(shop, &failed, "failed").await, 3);
    failed
}

async fn counted(shop: &Shop, blast: &str, status: &str) -> i64 {
    let query = format!("select count(*) from blast_recipients where blast_id = {blast} and status = '{status}'");
    shop.number(&query).await
}

#[tokio::test]
async fn a_list_that_is_imported_after_the_confirmation_brings_nobody_the_same_words_again() {
    let world = Restorable::after_losing(async |shop| _ = shop.blast(10..14).await).await;
    let shop = &world.shop;

    let confirmed = shop.json(&CONFIRM).await;
    assert_eq!((&confirmed["uncertain"], &confirmed["unknown"]), (&json!(0), &json!(4)), "{confirmed}");
    let other = other_words(shop, 10..14).await;
    assert_eq!(counted(shop, &other, "queued").await, 4, "another message");
    let first = shop.draft(10..16).await;
    assert_eq!((counted(shop, &first, "uncertain").await, counted(shop, &first, "queued").await), (4, 2));
    shop.ok(&["blast", "delete", &first, "--yes"]).await;
    shop.until_idle().await;
    let same = shop.draft(10..16).await;
    assert_eq!((counted(shop, &same, "uncertain").await, counted(shop, &same, "queued").await), (4, 2));
    let plan = shop.json(&["blast", "plan", &same]).await;
    assert_eq!((&plan["people"], &plan["uncertain"]), (&json!(2), &json!(4)), "{plan}");
    assert!(shop.ok(&["blast", "plan", &same]).await.contains("     4 uncertain: they may have had it"));
    let listed = shop.ok(&["uncertain", "list"]).await;
    assert!(listed.trim_start().starts_with(&same) && listed.contains("     4 uncertain"), "{listed}");
    shop.send(&same).await;
    shop.until_idle().await;
    assert_eq!(world.posts().await, 3 + 4 + 1 + 2);
    assert_eq!(shop.number("select count(*) from lost_posts where spent_on is null").await, 0);
    let third = shop.draft(10..14).await;
    assert_eq!(counted(shop, &third, "uncertain").await, 4, "nobody has decided");
    let added = shop.run(&["blast", "add", &third, "+60129990001", "--name", "Ben"]).await;
    assert_eq!((added.code, added.err.as_str()), (0, "1 person taken\n"), "nothing of those who were in it before");
    shop.execute(
        "update blast_recipients set changed_at = now() - interval '1 hour', claimed_at = now() - interval '1 hour'",
    )
    .await;
    shop.ok(&["uncertain", "resolve", &same, "all", "sent", "--yes"]).await;
    let fourth = shop.draft(10..14).await;
    assert_eq!(counted(shop, &fourth, "queued").await, 4, "each post speaks against one message");
    for draft in [&other, &third, &fourth] {
        shop.ok(&["blast", "delete", draft, "--yes"]).await;
    }
    shop.until_idle().await;
    shop.promises().await;
}

#[tokio::test]
async fn a_row_that_is_given_a_lost_id_hides_no_post_from_the_draft_that_it_was_for() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    let earlier = shop.blast(0..5).await;
    shop.until_idle().await;
    let from = format!("blast:{earlier}");
    let new = ["blast", "new", "--sender", "sales", "--message", "Once more", "--from", &from];
    let draft = shop.json(&new).await["id"].to_string();
    world.cluster.back_up().await;
    shop.ok(&["suppress", "add", &digits(2)]).await;
    shop.send(&draft).await;
    shop.until_idle().await;
    assert_eq!(world.posts().await, 5 + 4);
    world.cluster.put_back().await;
    let other = other_words(shop, 0..5).await;
    shop.blast(20..21).await;
    shop.until_idle().await;

    let confirmed = shop.json(&CONFIRM).await;

    assert_eq!(confirmed["uncertain"], 4, "{confirmed}");
    assert_eq!((counted(shop, &draft, "uncertain").await, counted(shop, &other, "uncertain").await), (4, 0));
    let plan = shop.ok(&["blast", "plan", &draft]).await;
    assert!(
        plan.contains("nobody is left to send to") && plan.contains("4 people in it may have it already"),
        "{plan}"
    );
    let said = shop.run(&["blast", "send", &draft, "--yes"]).await;
    shop.until_idle().await;
    assert_eq!((said.code, world.posts().await), (3, 10), "{said:?}");
    shop.invariants().await;
}

/// Who failed, and is tried again, may have had the same words by another blast in the time that was lost.
#[tokio::test]
async fn a_retry_brings_nobody_the_words_that_another_blast_brought_in_the_lost_time() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    let failed = failed_blast(shop).await;
    world.loses(async |shop| _ = shop.blast(10..13).await).await;
    let posts = world.posts().await;
    shop.ok(&["sender", "confirm", "sales", "--yes"]).await;
    shop.until_idle().await;

    shop.ok(&["blast", "retry", &failed, "--yes"]).await;
    shop.until_idle().await;

    assert_eq!((world.posts().await, counted(shop, &failed, "uncertain").await), (posts + 1, 3));
    shop.invariants().await;
}

/// The retry itself is lost, and its people stay failed: a new list would bring them the same words.
#[tokio::test]
async fn whoever_was_sent_to_again_in_the_lost_time_and_stays_failed_is_doubted_in_a_new_list() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    let failed = failed_blast(shop).await;
    world.loses(async |shop| _ = shop.ok(&["blast", "retry", &failed, "--yes"]).await).await;
    let posts = world.posts().await;
    shop.ok(&["sender", "confirm", "sales", "--yes"]).await;
    shop.until_idle().await;

    let again = shop.draft(10..14).await;

    assert_eq!((counted(shop, &again, "uncertain").await, counted(shop, &again, "queued").await), (3, 1));
    assert_eq!((world.posts().await, counted(shop, &failed, "failed").await), (posts + 1, 3));
    shop.invariants().await;
}

/// Both have posted since the backup; what the first one's confirmation made uncertain is deleted before the second one confirms.
#[tokio::test]
async fn what_is_deleted_between_two_confirmations_hides_no_post_of_the_second_machine() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    let (here, elsewhere) = (shop.path("here"), shop.path("elsewhere"));
    let on = async |machine: &Path, arguments: &[&str]| {
        let mut command = shop.command(arguments);
        command.env("BLASTDECK_STATE_DIR", machine);
        crate::support::said(command).await
    };
    // Each machine asks first, since the other one has sent.
    let sends = async |machine: &Path| {
        on(machine, &["engine", "--until-idle"]).await;
        on(machine, &CONFIRM).await;
        on(machine, &["engine", "--until-idle"]).await;
    };
    shop.blast(0..3).await;
    sends(&here).await;
    let other = other_words(shop, 10..14).await;
    world.cluster.back_up().await;
    shop.blast(10..14).await;
    sends(&elsewhere).await;
    shop.send(&other).await;
    sends(&here).await;
    assert_eq!(world.posts().await, 3 + 4 + 4);
    world.cluster.put_back().await;

    shop.blast(20..21).await;
    on(&here, &["engine", "--until-idle"]).await;
    on(&here, &CONFIRM).await;
    assert_eq!(counted(shop, &other, "uncertain").await, 4);
    shop.ok(&["blast", "delete", &other, "--yes"]).await;
    on(&elsewhere, &["engine", "--until-idle"]).await;
    on(&elsewhere, &CONFIRM).await;

    let same = shop.draft(10..14).await;
    assert_eq!((counted(shop, &same, "uncertain").await, counted(shop, &same, "queued").await), (4, 0));
    shop.invariants().await;
}

/// What is decided about a row is about the words that it brings.
#[tokio::test]
async fn a_decision_about_a_draft_with_other_words_by_now_is_none_about_the_lost_ones() {
    let world = Restorable::after_losing(async |shop| _ = shop.blast(10..12).await).await;
    let shop = &world.shop;
    shop.ok(&CONFIRM).await;
    let first = shop.draft(10..12).await;
    assert_eq!(counted(shop, &first, "uncertain").await, 2);

    shop.ok(&["blast", "edit", &first, "--message", "Other words"]).await;
    shop.ok(&["uncertain", "resolve", &first, "all", "drop", "--yes"]).await;

    let second = shop.draft(10..12).await;
    assert_eq!(counted(shop, &second, "uncertain").await, 2);
}

/// The draft itself was posted, and is edited before anybody decides.
#[tokio::test]
async fn a_decision_about_the_edited_draft_that_was_posted_is_none_about_its_former_words() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    shop.blast(0..3).await;
    shop.until_idle().await;
    let draft = shop.draft(10..12).await;
    world.loses(async |shop| shop.send(&draft).await).await;
    shop.ok(&CONFIRM).await;
    assert_eq!(counted(shop, &draft, "uncertain").await, 2);

    shop.ok(&["blast", "edit", &draft, "--message", "Other words"]).await;
    shop.execute(
        "update blast_recipients set changed_at = now() - interval '1 hour', claimed_at = now() - interval '1 hour'",
    )
    .await;
    shop.ok(&["uncertain", "resolve", &draft, "all", "resend", "--yes"]).await;

    let same = shop.draft(10..12).await;
    assert_eq!(counted(shop, &same, "uncertain").await, 2, "nobody decided about these words");
    shop.send(&draft).await;
    shop.until_idle().await;
    assert_eq!(counted(shop, &draft, "sent").await, 2, "and what was decided holds");
}

const AGE: &str = "update blast_recipients set changed_at = now() - interval '1 hour', claimed_at = now() - interval '1 hour' where status = 'uncertain'";

#[tokio::test]
async fn an_answer_about_a_lost_post_counts_in_whichever_list_it_is_given() {
    let world = Restorable::after_losing(async |shop| _ = shop.blast(10..12).await).await;
    let shop = &world.shop;
    shop.ok(&CONFIRM).await;
    let first = shop.draft(10..12).await;
    let second = shop.draft(10..12).await;
    assert_eq!((counted(shop, &first, "uncertain").await, counted(shop, &second, "uncertain").await), (2, 2));

    shop.execute(AGE).await;
    shop.ok(&["uncertain", "resolve", &second, "all", "drop", "--yes"]).await;

    let third = shop.draft(10..12).await;
    assert_eq!(counted(shop, &third, "queued").await, 2);
    assert_eq!(counted(shop, &first, "uncertain").await, 2, "who was asked about is still to be answered for");
}

#[tokio::test]
async fn an_answer_to_send_again_is_none_once_the_draft_says_something_else() {
    let world = Restorable::after_losing(async |shop| _ = shop.blast(10..12).await).await;
    let shop = &world.shop;
    shop.ok(&CONFIRM).await;
    let first = shop.draft(10..12).await;
    shop.execute(AGE).await;
    shop.ok(&["uncertain", "resolve", &first, "all", "resend", "--yes"]).await;

    shop.ok(&["blast", "edit", &first, "--message", "Other words"]).await;

    assert_eq!(counted(shop, &first, "queued").await, 2, "the new words go to them");
    let second = shop.draft(10..12).await;
    assert_eq!(counted(shop, &second, "uncertain").await, 2);
}

/// What was answered was about the words in between.
#[tokio::test]
async fn a_draft_that_has_the_lost_words_again_asks_again_whatever_was_answered_meanwhile() {
    let world = Restorable::after_losing(async |shop| _ = shop.blast(10..12).await).await;
    let shop = &world.shop;
    shop.ok(&CONFIRM).await;
    // A list of the lost words, and one that had nothing to do with them.
    let list = shop.draft(10..12).await;
    let other = other_words(shop, 10..12).await;
    let edit = async |draft: &str, words: &str| {
        shop.ok(&["blast", "edit", draft, "--message", words]).await;
    };
    edit(&list, "Something else").await;
    edit(&other, "Hi {name}").await;
    edit(&other, "Other words").await;
    for draft in [&list, &other] {
        assert_eq!(counted(shop, draft, "uncertain").await, 2, "they asked once");
        shop.execute(AGE).await;
        shop.ok(&["uncertain", "resolve", draft, "all", "resend", "--yes"]).await;
        assert_eq!(counted(shop, draft, "queued").await, 2);

        edit(draft, "Hi {name}").await;

        assert_eq!(counted(shop, draft, "uncertain").await, 2, "nobody decided about these words");
    }
    // Once somebody has, they go, and only once.
    shop.execute(AGE).await;
    shop.ok(&["uncertain", "resolve", &list, "all", "resend", "--yes"]).await;
    shop.send(&list).await;
    shop.until_idle().await;
    assert_eq!(counted(shop, &list, "sent").await, 2);
    shop.invariants().await;
}

/// Whoever is added again to the draft that was posted, while it has other words, is asked about, and what is answered is about those.
#[tokio::test]
async fn an_answer_about_somebody_added_to_the_edited_draft_is_none_about_the_lost_words() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    shop.blast(0..3).await;
    shop.until_idle().await;
    let draft = shop.draft(10..12).await;
    world.loses(async |shop| shop.send(&draft).await).await;
    shop.ok(&CONFIRM).await;
    shop.ok(&["blast", "edit", &draft, "--message", "Other words"]).await;
    shop.ok(&["blast", "remove", &draft, &digits(10), &digits(11)]).await;
    let list = shop.list(10..12);
    shop.ok(&["blast", "add", &draft, "--recipients", list.to_str().unwrap()]).await;
    assert_eq!(counted(shop, &draft, "uncertain").await, 2);
    shop.execute(AGE).await;
    shop.ok(&["uncertain", "resolve", &draft, "all", "resend", "--yes"]).await;
    assert_eq!(counted(shop, &draft, "queued").await, 2);

    let same = shop.draft(10..12).await;
    shop.ok(&["blast", "edit", &draft, "--message", "Hi {name}"]).await;

    assert_eq!((counted(shop, &same, "uncertain").await, counted(shop, &draft, "uncertain").await), (2, 2));
    shop.ok(&["blast", "edit", &draft, "--message", "Other words"]).await;
    shop.execute(AGE).await;
    shop.ok(&["uncertain", "resolve", &draft, "all", "resend", "--yes"]).await;
    shop.send(&draft).await;
    shop.until_idle().await;
    assert_eq!(counted(shop, &draft, "sent").await, 2, "other words go once that was answered");
    shop.invariants().await;
}

/// A pattern that was made after the restore is one that somebody may make for want of the lost blast.
#[tokio::test]
async fn a_pattern_that_is_made_after_the_confirmation_asks_at_its_first_time() {
    let world = Restorable::after_losing(async |shop| _ = shop.blast(10..12).await).await;
    let shop = &world.shop;
    shop.ok(&CONFIRM).await;
    let pattern = shop.draft_with(10..12, &["--repeat", "every day 09:00"]).await;
    shop.send(&pattern).await;

    shop.execute(&format!("update blasts set scheduled_for = now(), send_after = now() where id = {pattern}")).await;
    let engine = shop.engine();

    let of_its_time =
        "select count(*) from blast_recipients r join blasts b on b.id = r.blast_id where b.occurrence_at is not null";
    eventually_async("its time has come", async || shop.number(of_its_time).await == 2).await;
    engine.stop().await;
    assert_eq!(shop.number(&format!("{of_its_time} and r.status = 'uncertain'")).await, 2);
}

#[tokio::test]
async fn a_pattern_keeps_its_people_though_another_blast_was_posted_to_them() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    let pattern = shop.draft_with(10..13, &["--repeat", "every day 09:00"]).await;
    shop.blast(0..3).await;
    shop.until_idle().await;
    world.loses(async |shop| _ = shop.blast(10..13).await).await;

    shop.ok(&CONFIRM).await;

    assert_eq!((counted(shop, &pattern, "queued").await, counted(shop, &pattern, "uncertain").await), (3, 0));
    assert_eq!(shop.number("select count(*) from lost_posts").await, 3);
}

#[tokio::test]
async fn nothing_is_made_in_a_database_whose_triggers_are_not_there_yet() {
    let shop = Shop::open(SETUP).await;
    shop.execute("drop trigger count_inserted on blast_recipients").await;
    let list = shop.list(0..3);
    let new = ["blast", "new", "--sender", "sales", "--message", "Hi", "--recipients", list.to_str().unwrap()];

    let refused = shop.run(&new).await;

    assert!(refused.code != 0 && refused.err.contains("the database is incomplete"), "{refused:?}");
    assert_eq!(shop.number("select count(*) from blasts").await, 0);
}

/// A restore loads the rows before their triggers: what was written then would be in no count, and what was kept is dropped with its table.
#[tokio::test]
async fn in_the_middle_of_a_restore_nobody_is_marked_nothing_is_cancelled_and_no_webhook_is_kept() {
    let scene = AnswerScene::served(2).await;
    let shop = &scene.shop;
    shop.execute("drop trigger count_updated on blast_recipients").await;
    let rows = shop.rows().await;

    let (of, who) = ("1", digits(1));
    for arguments in
        [&["mark", of, &who, "replied"][..], &["mark", of, &who, "closed"], &["blast", "delete", of, "--yes"]]
    {
        let refused = scene.run(arguments).await;
        assert!(refused.code != 0 && refused.err.contains("the database is incomplete"), "{arguments:?}: {refused:?}");
    }
    let stop = envelope(&text(1, "wamid.in1", "STOP")).to_string();
    assert_eq!(scene.post(stop).await, StatusCode::SERVICE_UNAVAILABLE);

    assert_eq!(shop.rows().await, rows);
    assert_eq!(shop.number("select count(*) from webhook_inbox").await, 0);
}
