//! A draft that somebody else changes or deletes while it is written on: neither text is lost without an answer.

use crate::support::{Pty, Setup, Shop, Size, eventually_async};

const SCREEN: Size = Size { columns: 120, rows: 40 };

/// Types behind the message of the draft that is selected. Its form stays open.
fn type_on(pty: &mut Pty, words: &str) {
    pty.type_keys("1e");
    pty.wait_for_text("Draft ══ draft");
    // A draft opens at its message.
    pty.type_keys(&format!("\r{words}"));
    pty.wait_for_text(words);
    pty.wait_for_text("draft 1, saved");
}

/// What the other window does; its saves of half a text may come first.
async fn meanwhile(shop: &Shop, verb: &[&str]) {
    eventually_async("it is done", async || shop.run(verb).await.code == 0).await;
}

/// Whether that is the whole of the draft's text, or an end of it.
async fn says(shop: &Shop, draft: &str, words: &str) -> bool {
    shop.number(&format!("select count(*) from blasts where id = {draft} and message like '%{words}'")).await == 1
}

#[tokio::test]
async fn of_two_texts_the_one_stays_that_somebody_says() {
    let shop = Shop::open(Setup::default()).await;
    let draft = shop.draft(0..2).await;
    let mut pty = shop.dashboard(SCREEN);
    pty.wait_for_text("queued 2");

    for (answer, kept) in [("y", "mine1!"), ("n", "theirs n")] {
        type_on(&mut pty, if answer == "y" { "mine1" } else { "mine2" });
        meanwhile(&shop, &["blast", "edit", &draft, "--message", &format!("theirs {answer}")]).await;
        pty.type_keys("!\x1b");
        pty.wait_for_text("another session of yours changed this draft meanwhile: what you wrote is not saved");
        // No plan of what somebody else wrote.
        pty.type_keys("S");
        pty.wait_for_text("what you wrote is not saved");
        assert!(!pty.text().contains("What they read"), "{}", pty.text());

        pty.type_keys("\x1b");
        pty.wait_for_text("put what you wrote in its place? Its people stay.");
        pty.type_keys(answer);
        pty.wait_for_text(if answer == "y" { "is kept" } else { "what is there stays" });
        assert!(says(&shop, &draft, kept).await, "{answer}");
    }
    // The form opens with what is there.
    pty.type_keys("e");
    pty.wait_for_text("theirs n");
    pty.type_keys("\x1bqqq");
    assert!(pty.wait_for_exit().success());
}

#[tokio::test]
async fn of_a_draft_that_was_deleted_meanwhile_a_new_one_is_made_if_somebody_wants_it() {
    let shop = Shop::open(Setup::default()).await;
    let draft = shop.draft(0..2).await;
    let mut pty = shop.dashboard(SCREEN);
    pty.wait_for_text("queued 2");

    type_on(&mut pty, "mine");
    meanwhile(&shop, &["blast", "delete", &draft, "--yes"]).await;
    pty.type_keys("!\x1b");
    pty.wait_for_text("another session of yours deleted this draft meanwhile: what you wrote is not saved");
    pty.type_keys("\x1b");
    pty.wait_for_text("make a new draft of what you wrote, without its people?");
    pty.type_keys("y");
    pty.wait_for_text("is kept");

    let listed = shop.json_lines(&["blast", "list"]).await;
    assert_eq!(listed.len(), 1);
    assert!(says(&shop, &listed[0]["id"].to_string(), "mine!").await);
    pty.type_keys("qqq");
    assert!(pty.wait_for_exit().success());
}

#[tokio::test]
async fn a_form_shows_at_once_what_somebody_else_made_of_its_draft() {
    let shop = Shop::open(Setup::default()).await;
    let draft = shop.draft(0..2).await;
    let mut pty = shop.dashboard(SCREEN);
    pty.wait_for_text("queued 2");

    // Nothing is unsaved: it is shown as it is now, at the same line.
    pty.type_keys("1e");
    pty.wait_for_text("Draft ══ draft");
    meanwhile(&shop, &["blast", "edit", &draft, "--message", "theirs"]).await;
    pty.wait_for_text("another session of yours changed this draft meanwhile: this is what it says now");
    pty.wait_for_text("theirs");
    // It is the newest version that is written on.
    pty.type_keys("\r, and mine");
    pty.wait_for_text("theirs, and mine");
    pty.type_keys("\x1b\x1b");
    pty.wait_for_text("is kept");
    assert!(says(&shop, &draft, "theirs, and mine").await);

    // What is being typed stays, and it is said what comes of it.
    pty.type_keys("e");
    pty.wait_for_text("Draft ══ draft");
    pty.type_keys("\r");
    pty.wait_for_text("opens your editor");
    meanwhile(&shop, &["blast", "edit", &draft, "--message", "theirs once more"]).await;
    pty.wait_for_text("somebody changed this draft meanwhile: esc leaves it, and asks");
    pty.type_keys("\x1b");
    pty.wait_for_text("theirs once more");

    // Of a draft that is gone nothing is kept, and nothing is asked where nothing was written.
    meanwhile(&shop, &["blast", "delete", &draft, "--yes"]).await;
    pty.wait_for_text("this draft was deleted meanwhile: esc leaves it");
    pty.type_keys("\x1b");
    pty.wait_for_text("draft 1 was deleted meanwhile, by somebody else");
    pty.type_keys("qqq");
    assert!(pty.wait_for_exit().success());
}

#[tokio::test]
async fn what_is_written_on_what_somebody_schedules_or_launches_meanwhile_is_not_lost() {
    let shop = Shop::open(Setup::default()).await;
    let draft = shop.draft(0..2).await;
    let mut pty = shop.dashboard(SCREEN);
    pty.wait_for_text("queued 2");

    // Nothing is unsaved: the form is that of what is scheduled now.
    pty.type_keys("1e");
    pty.wait_for_text("Draft ══ draft");
    meanwhile(&shop, &["blast", "edit", &draft, "--at", "tomorrow 09:00"]).await;
    meanwhile(&shop, &["blast", "send", &draft, "--yes", "--no-engine"]).await;
    pty.wait_for_text("Scheduled ══ blast 1");

    // Two texts of what is scheduled: whose stays is asked.
    pty.type_keys("\r, mine");
    pty.wait_for_text(", mine");
    meanwhile(&shop, &["blast", "edit", &draft, "--tag", "theirs"]).await;
    pty.type_keys("\x1b");
    pty.wait_for_text("another session of yours changed this draft meanwhile: what you wrote is not saved");
    pty.type_keys("\x1b");
    pty.wait_for_text("put what you wrote in its place? Its people stay.");
    pty.type_keys("y");
    eventually_async("it is saved", async || says(&shop, &draft, ", mine").await).await;

    // It was launched, and what was written becomes a draft of its own.
    pty.type_keys("e");
    pty.wait_for_text("Scheduled ══ blast 1");
    pty.type_keys("\r too");
    pty.wait_for_text(", mine too");
    meanwhile(&shop, &["blast", "cancel", &draft, "--yes"]).await;
    pty.wait_for_text("this blast was cancelled");
    pty.type_keys("\x1b");
    pty.wait_for_text("cancelled this blast meanwhile: what you wrote is not saved");
    pty.type_keys("\x1b");
    pty.wait_for_text("make a new draft of what you wrote, without its people?");
    pty.type_keys("y");
    eventually_async("it is a draft", async || says(&shop, "2", ", mine too").await).await;
    assert_eq!(shop.state("2").await, "draft");
    pty.type_keys("qqq");
    assert!(pty.wait_for_exit().success());
}
