//! What a verb asks on a terminal, and what can still be taken back after the answer.

use blastdeck::domain::ids::SenderId;
use chrono::{TimeDelta, Utc};

use crate::recurring::engine_app;
use crate::support::{Pty, Setup, Shop, Size, TestDatabase, TestDir, private_postgres};

#[tokio::test]
async fn a_start_that_was_typed_can_be_taken_back_for_ten_seconds() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..3).await;

    let mut terminal = shop.in_terminal(&["blast", "send", &blast], Size { columns: 250, rows: 30 });
    terminal.wait_for_text("Type 3, then press enter");
    terminal.type_keys("3\r");
    terminal.wait_for_text(&format!("blast pause {blast}` stops it, as ctrl-c does here and u in the dashboard"));
    let armed = "select count(*) from blasts where state = 'sending' and send_after > now()";
    assert_eq!(shop.number(armed).await, 1);
    shop.ok(&["blast", "pause", &blast]).await;
    terminal.wait_for_text("is paused: nothing was sent");
    assert_eq!(terminal.wait_for_exit().exit_code(), 3);

    assert_eq!(shop.sim.posts().await.len(), 0);
    assert_eq!(shop.count("queued").await, 3);
}

#[tokio::test]
async fn a_blast_that_was_paused_after_it_sent_is_not_said_to_have_sent_nothing() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft_with(0..3, &["--first", "1"]).await;
    let mut terminal = shop.in_terminal(&["blast", "send", &blast, "--no-engine"], Size { columns: 250, rows: 30 });
    terminal.wait_for_text("Type 3, then press enter");
    terminal.type_keys("3\r");
    terminal.wait_for_text("stops it, as ctrl-c does here");

    // The clock of this machine is behind the database's, by which its ten seconds are over.
    shop.execute(&format!(
        "update blast_recipients set status = 'delivered', standing = 'delivered', attempt = 1, sent_at = now(), delivered_at = now()
          where id = (select min(id) from blast_recipients where blast_id = {blast});
         update blasts set state = 'paused', state_by = 'engine', state_reason = 'the first one is done', version = version + 1
          where id = {blast}"
    ))
    .await;

    assert_eq!(terminal.wait_for_exit().exit_code(), 0, "{}", terminal.text());
    assert!(!terminal.text().contains("nothing was sent"), "{}", terminal.text());
}

#[tokio::test]
async fn ctrl_c_while_a_standby_is_waited_for_takes_the_launch_back() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..3).await;
    // Another machine seems to hold the sender: the hand-over waits for its renewal.
    let elsewhere = "insert into sender_leases (sender_id, holder, host, epoch, expires_at)
        select id, 'elsewhere', 'elsewhere', 1, now() + interval '1 minute' from senders
        on conflict (sender_id) do update set holder = excluded.holder, host = excluded.host, expires_at = excluded.expires_at";
    shop.execute(elsewhere).await;

    let mut terminal = shop.in_terminal(&["blast", "send", &blast], Size { columns: 250, rows: 30 });
    terminal.wait_for_text("Type 3, then press enter");
    terminal.type_keys("3\r");
    terminal.wait_for_text(&format!("blast pause {blast}` stops it"));
    terminal.type_keys("\x03");
    terminal.wait_for_text("is a draft again: nothing was sent");

    assert_eq!(terminal.wait_for_exit().exit_code(), 3);
    assert_eq!(shop.state(&blast).await, "draft");
    assert_eq!(shop.sim.posts().await.len(), 0);
}

#[tokio::test]
async fn a_terminal_calls_a_blast_by_one_name_where_another_one_is_called_the_same() {
    let shop = Shop::open(Setup::default()).await;
    let (blast, _namesake) = (shop.draft(0..3).await, shop.draft(3..6).await);
    let starts = || {
        let size = Size { columns: 250, rows: 60 };
        let mut terminal = shop.in_terminal(&["blast", "send", &blast, "--no-engine"], size);
        terminal.wait_for_text("Type 3, then press enter");
        terminal.type_keys("3\r");
        terminal.wait_for_text(&format!("people #{blast} starts "));
        terminal
    };
    let again = format!("people #{blast} is a draft again: nothing was sent");

    let mut by_ctrl_c = starts();
    by_ctrl_c.type_keys("\x03");
    by_ctrl_c.wait_for_text(&again);
    assert_eq!(by_ctrl_c.wait_for_exit().exit_code(), 3);

    let mut from_elsewhere = starts();
    shop.ok(&["blast", "undo", &blast]).await;
    from_elsewhere.wait_for_text(&again);
    assert_eq!(from_elsewhere.wait_for_exit().exit_code(), 3);
}

/// On a terminal: sent before its time, and waiting for its ten seconds.
fn sent_early(shop: &Shop, blast: &str) -> Pty {
    let mut terminal = shop.in_terminal(&["blast", "send", blast, "--now"], Size { columns: 250, rows: 40 });
    terminal.wait_for_text("Type 3, then press enter");
    let plan = terminal.text();
    assert!(!plan.contains("by itself") && plan.contains("from sales, now and not "), "the plan is of now: {plan}");
    terminal.type_keys("3\r");
    terminal.wait_for_text("stops it, as ctrl-c does here");
    terminal
}

async fn scheduled(shop: &Shop) -> String {
    let at = (Utc::now() + TimeDelta::hours(2)).format("%Y-%m-%dT%H:%MZ").to_string();
    let blast = shop.draft_with(0..3, &["--at", &at]).await;
    shop.ok(&["blast", "send", &blast, "--yes", "--no-engine"]).await;
    blast
}

#[tokio::test]
async fn a_terminal_whose_early_start_somebody_else_takes_back_says_so_and_ends() {
    let shop = Shop::open(Setup::default()).await;
    let blast = scheduled(&shop).await;
    let mut terminal = sent_early(&shop, &blast);

    let said = shop.ok(&["blast", "undo", &blast]).await;

    assert!(said.is_empty(), "it is said on stderr: {said}");
    terminal.wait_for_text("people is scheduled again: nothing was sent");
    assert_eq!(terminal.wait_for_exit().exit_code(), 3);
    assert_eq!((shop.state(&blast).await.as_str(), shop.sim.posts().await.len()), ("scheduled", 0));
    let undone = shop.json(&["blast", "undo", &blast]).await;
    assert_eq!(undone["state"], "draft", "{undone}");
    assert_eq!(shop.number("select count(*) from blasts where blast_date > now()").await, 0, "its start is no more");
    for (id, why) in
        [(blast.as_str(), "was not launched: there is nothing to take back"), ("99", "there is no blast 99")]
    {
        let refused = shop.run(&["blast", "undo", id]).await;
        assert!(!refused.err.is_empty() && refused.err.contains(why), "{refused:?}");
    }
}

#[tokio::test]
async fn ctrl_c_takes_an_early_start_back_once_the_database_answers_again() {
    let dir = TestDir::new();
    let (local, address) = private_postgres(&dir).await;
    let shop = Shop::open_on(TestDatabase::private(address.url(), &address).await, Setup::default());
    let blast = scheduled(&shop).await;
    let mut terminal = sent_early(&shop, &blast);
    local.stop().await.unwrap();

    terminal.type_keys("\x03");
    terminal.wait_for_text("is not taken back yet, and this goes on trying");
    local.ensure_running().await.unwrap();

    terminal.wait_for_text("is scheduled again and starts");
    assert_eq!(terminal.wait_for_exit().exit_code(), 3);
    assert_eq!((shop.state(&blast).await.as_str(), shop.sim.posts().await.len()), ("scheduled", 0));
}

#[tokio::test]
async fn whoever_is_added_to_what_is_scheduled_is_asked_about_first() {
    let shop = Shop::open(Setup::default()).await;
    let blast = scheduled(&shop).await;
    let add = ["blast", "add", &blast, "+60129990001", "--name", "Ben"];

    let unasked = shop.run(&add).await;
    assert!(unasked.code == 3 && unasked.err.contains("is scheduled for 3 people and starts "), "{unasked:?}");
    assert_eq!(shop.count("queued").await, 3);

    let added = shop.ok(&[&add[..], &["--yes"]].concat()).await;
    assert!(added.contains(&format!("4 people in blast {blast} now, which starts ")), "{added}");
    shop.ok(&["blast", "pause", &blast]).await;
    let paused = shop.run(&["blast", "add", &blast, "+60129990002", "--yes"]).await;
    assert!(paused.code == 3 && paused.err.contains(&format!("blast undo {blast}` makes it a draft")), "{paused:?}");
}

#[tokio::test]
async fn a_wrong_number_and_a_no_are_refusals_by_their_exit_code() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..3).await;
    let before = shop.rows().await;

    for (verb, question, answer, words) in [
        ("send", "Type 3, then press enter", "4\r", "\"4\" is not 3: nothing was done"),
        ("delete", "[y/N]", "n\r", "nothing was done"),
    ] {
        let mut terminal = shop.in_terminal(&["blast", verb, &blast], Size { columns: 250, rows: 30 });
        terminal.wait_for_text(question);
        terminal.type_keys(answer);
        terminal.wait_for_text(words);
        assert_eq!(terminal.wait_for_exit().exit_code(), 3, "{verb}");
    }

    assert_eq!(shop.rows().await, before);
}

#[tokio::test]
async fn a_sender_is_confirmed_by_the_number_of_people_who_get_their_message_then() {
    let shop = Shop::open(Setup::default()).await;
    let (blast, draft) = (shop.blast(0..3).await, shop.draft(3..5).await);
    let stop = "update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'offline'";
    shop.execute(stop).await;
    let confirm = ["sender", "confirm", "sales", "--no-engine"];
    let is_stopped = "select count(*) from senders where stopped_at is not null";

    let unasked = shop.run(&confirm).await;
    assert!(unasked.code == 3 && unasked.err.contains("--yes"), "{unasked:?}");
    for (answer, words, left) in [("y\r", "\"y\" is not 3: nothing was done", 1), ("3\r", "waits for an engine", 0)] {
        let mut terminal = shop.in_terminal(&confirm, Size { columns: 250, rows: 30 });
        terminal.wait_for_text("3 people queued in launched blasts get a message from sales. Type 3, then press enter");
        terminal.type_keys(answer);
        terminal.wait_for_text(words);
        terminal.wait_for_exit();
        assert_eq!(shop.number(is_stopped).await, left, "{answer}");
    }

    shop.execute(stop).await;
    for taken_back_by in ["ctrl-c", "blast undo", "both"] {
        let resume = ["blast", "resume", &blast, "--no-engine"];
        let mut terminal = shop.in_terminal(&resume, Size { columns: 250, rows: 30 });
        terminal.wait_for_text("Type 3, then press enter");
        terminal.type_keys("3\r");
        terminal.wait_for_text(&format!("blast undo {blast}` stops it again, as ctrl-c does here"));
        assert_eq!(shop.number("select count(*) from blasts where send_after > now()").await, 1);
        if taken_back_by != "ctrl-c" {
            shop.ok(&["blast", "undo", &blast]).await;
        }
        if taken_back_by != "blast undo" {
            terminal.type_keys("\x03");
        }
        terminal.wait_for_text("sender sales is stopped again");
        assert_eq!(terminal.wait_for_exit().exit_code(), 3, "{taken_back_by}");
        assert_eq!((shop.number(is_stopped).await, shop.sim.posts().await.len()), (1, 0), "{taken_back_by}");
    }

    shop.send(&draft).await;
    shop.execute(stop).await;
    let resumed = shop.json(&["blast", "resume", &blast, "--people", "5", "--no-engine"]).await;
    assert_eq!(resumed["people"], 5, "those of the sender's other blasts are among them");

    for launched in [&blast, &draft] {
        shop.ok(&["blast", "cancel", launched, "--yes"]).await;
    }
    shop.execute(stop).await;
    let mut terminal = shop.in_terminal(&confirm, Size { columns: 250, rows: 30 });
    terminal.wait_for_text("Nobody is queued in a launched blast of sales. May it send again? [y/N]");
    terminal.type_keys("n\r");
    assert_eq!(terminal.wait_for_exit().exit_code(), 3);
    assert_eq!(shop.number(is_stopped).await, 1);

    // It is seen, too, where this machine has another sender.
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", config.replace("\"sales\"", "\"office\"").replace("5850", "7777"));
    let elsewhere = engine_app(&shop, "aina").await;
    assert_eq!(elsewhere.stop_of(SenderId(1)).await.unwrap().as_deref(), Some("offline"));
}

/// It is one of all that go on.
#[tokio::test]
async fn a_sender_that_is_let_go_on_by_a_terminal_does_so_without_a_blast_that_is_paused_meanwhile() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..3).await;
    shop.execute("update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'offline'").await;
    let resume = ["blast", "resume", blast.as_str(), "--no-engine"];

    let mut terminal = shop.in_terminal(&resume, Size { columns: 250, rows: 30 });
    terminal.wait_for_text("Type 3, then press enter");
    terminal.type_keys("3\r");
    terminal.wait_for_text("as ctrl-c does here");
    shop.ok(&["blast", "pause", &blast]).await;

    terminal.wait_for_text("sender sales may resume without ");
    assert_eq!(terminal.wait_for_exit().exit_code(), 0);
    assert_eq!(shop.number("select count(*) from senders where stopped_at is not null").await, 0);
}

#[tokio::test]
async fn other_hours_open_for_no_more_people_than_were_typed() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..3).await;
    let day = (Utc::now() + TimeDelta::days(2)).format("%a").to_string().to_lowercase();
    shop.execute(&format!("update blasts set weekdays = '{day}', timezone = 'UTC'")).await;
    let edit = ["blast", "edit", blast.as_str(), "--clear", "weekdays"];

    let mut terminal = shop.in_terminal(&edit, Size { columns: 250, rows: 30 });
    terminal.wait_for_text(
        "is waiting for its hours; without days of its own it starts at once, and sends to 3 people. Type 3, then press enter",
    );
    shop.execute(&format!("insert into blast_recipients (blast_id, phone_number) values ({blast}, '+60100129999')"))
        .await;
    terminal.type_keys("3\r");
    terminal.wait_for_text("it is 4 people now, not 3");
    terminal.wait_for_exit();

    assert_eq!(shop.number("select count(*) from blasts where weekdays is not null").await, 1);
    shop.ok(&[&edit[..], &["--yes"]].concat()).await;
    assert_eq!(shop.number("select count(*) from blasts where weekdays is not null").await, 0);
}

#[tokio::test]
async fn a_terminal_that_cannot_draw_is_told_of_plain_lines() {
    let shop = Shop::open(Setup::default()).await;

    let mut terminal = shop.dashboard_with(&[("TERM", "dumb")], Size { columns: 250, rows: 30 });

    terminal.wait_for_text("--plain` prints a line for each thing that happens");
    assert_eq!(terminal.wait_for_exit().exit_code(), 2);
}
