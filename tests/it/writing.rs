//! A blast written in the dashboard: by keys alone, with the real program, a real terminal, a real Postgres and the simulator.

use std::fs;

use rustix::process::Signal;

use crate::support::{Pty, Setup, Shop, Size, TOKEN, eventually_async, settle_for};

const SCREEN: Size = Size { columns: 120, rows: 40 };
/// Arrows, as terminals send them: on an empty line a letter is text.
const DOWN: &str = "\x1b[B";
const UP: &str = "\x1b[A";

/// Two who can be taken, one of whom needs a mend to be, and two who cannot.
const LIST: &str = "No. Telefon,Nama,bandar\n\
    0100120001,Siti Aminah,Klang\n\
    0100120002,Raj,Ipoh\n\
    6.01E+10,Ben,Klang\n\
    0100120001,Siti again,Klang\n";

fn open(shop: &Shop) -> Pty {
    let pty = shop.dashboard(SCREEN);
    pty.wait_for_text("1 Blasts");
    pty
}

/// From a shop without a blast to the form.
fn new_blast(pty: &mut Pty) {
    // Before its senders are read, a new blast leads to the first screen.
    pty.wait_for("the sender", |screen| screen.rows(0, 120).next().is_some_and(|header| header.contains("sales ")));
    pty.wait_for_text("no blast yet: n makes one");
    pty.type_keys("1n");
    pty.wait_for_text("nothing is sent from here");
}

#[tokio::test]
async fn a_blast_is_written_mended_planned_and_sent_by_keys_alone() {
    let shop = Shop::open(Setup::default()).await;
    let list = shop.path("raya.csv");
    fs::write(&list, LIST).unwrap();
    let mut pty = shop.dashboard(SCREEN);

    new_blast(&mut pty);
    // Tag, stage as it is, and the list by its path.
    pty.type_keys("j\rRaya last call\r");
    pty.wait_for_text("saved");
    pty.type_keys("j\r");
    pty.type_keys(list.to_str().unwrap());
    pty.type_keys("\r");
    pty.wait_for_text("2 taken, 2 left out");
    // The cursor is on the message: one column by its name, one picked.
    pty.type_keys("\rSalam {");
    pty.wait_for_text("esc is a plain {");
    pty.type_keys("\r, ke \x1b");
    pty.wait_for("the preview of the first row", |screen| screen.contents().contains("Salam Siti Aminah, ke"));
    // The row that a spreadsheet spoiled is mended in place.
    pty.type_keys("kk\r");
    pty.wait_for_text("row 4");
    pty.type_keys("\r\x150100120003\r");
    pty.wait_for_text("1 row ");
    pty.type_keys("\x1b");
    pty.wait_for_text("3 taken, 1 left out");
    pty.type_keys("S");
    pty.wait_for_text("Type 3, then press enter");
    pty.type_keys("3\r");
    pty.wait_for_text("starts at");

    eventually_async("all three were sent to", async || shop.number("select count(*) from attempts").await == 3).await;
    pty.type_keys("qqq");
    shop.promises().await;
}

#[tokio::test]
async fn a_phone_column_that_was_guessed_wrong_is_changed_and_named_wherever_the_draft_is_shown() {
    let shop = Shop::open(Setup::default()).await;
    let list = shop.path("raya.csv");
    fs::write(&list, "Telefon,Nombor baru,Nama\n0100120008,0100120001,Siti Aminah\n0100120009,0100120002,Raj\n")
        .unwrap();
    let mut pty = shop.dashboard(SCREEN);
    new_blast(&mut pty);
    pty.type_keys(&format!("{}\r{}\r", DOWN.repeat(3), list.display()));
    pty.wait_for_text("phone = Telefon");

    pty.type_keys(&format!("{UP}\r"));
    pty.wait_for_text("0100120001  |  0100120002");
    pty.type_keys("j\r");
    pty.wait_for_text("which has the names?");
    pty.type_keys("\r");
    pty.wait_for_text("phone = Nombor baru");
    pty.type_keys(&format!("{DOWN}\rSalam {{nama|there}}\x1bS"));
    pty.wait_for_text("Type 2, then press enter");
    assert!(pty.text().contains("raya.csv   phone = Nombor baru   name = Nama"), "{}", pty.text());
    pty.type_keys("\x1b\x1b");
    pty.wait_for_text("is kept");
    pty.type_keys("1e");
    pty.wait_for_text("phone = Nombor baru");

    assert!(pty.text().contains("raya.csv"), "{}", pty.text());
    let phones = shop.text("select string_agg(phone_number, ' ' order by id) from blast_recipients").await;
    assert_eq!(phones, "+60100120001 +60100120002");
}

#[tokio::test]
async fn a_draft_is_kept_at_every_step_half_written_and_cannot_be_sent_like_that() {
    let shop = Shop::open(Setup::default()).await;
    let mut pty = shop.dashboard(SCREEN);

    new_blast(&mut pty);
    pty.type_keys(&DOWN.repeat(3));
    // Cells pasted where the list belongs.
    pty.type_keys(&format!("\x1b[200~{}\x1b[201~", LIST.replace('\n', "\r")));
    // Once they are in the draft: until then esc would stop that.
    pty.wait_for_text("2 people in the draft");
    pty.type_keys(&format!("{DOWN}{DOWN}\rSalam {{Bandar"));
    pty.type_keys("\x1b\x1b");
    pty.wait_for_text("is kept");
    pty.hang_up();

    let kept = "select count(*) from blasts where message = 'Salam {Bandar' and unfinished like '%never closed%' and total_recipients = 2";
    eventually_async("it is in the database", async || shop.number(kept).await == 1).await;
    let refused = shop.run(&["blast", "send", "1", "--yes"]).await;
    assert!(refused.code == 3 && refused.err.contains("never closed"), "{refused:?}");

    // Opened again, mended, and sent from there.
    let mut pty = open(&shop);
    pty.wait_for_text("queued 2");
    pty.type_keys("1e");
    // What was left out is known again, though the list was pasted and is not kept.
    pty.wait_for_text("2 taken, 2 left out");
    pty.type_keys(&format!("{DOWN}{DOWN}\r}}!\x1b"));
    pty.wait_for_text("Salam Klang!");
    pty.type_keys("S");
    pty.wait_for_text("Type 2, then press enter");
    pty.wait_for_text("2 left out of the list: 1 lost by");
    let plan = shop.run(&["blast", "plan", "1"]).await;
    assert!(plan.out.contains("2 left out of the list: 1 lost by"), "{plan:?}");
    pty.type_keys("qqq");
    shop.promises().await;
}

#[tokio::test]
async fn a_hang_up_in_the_middle_of_a_word_loses_none_of_it() {
    let shop = Shop::open(Setup::default()).await;
    let mut pty = shop.dashboard(SCREEN);
    new_blast(&mut pty);
    pty.type_keys(&format!("{}\rSalam", DOWN.repeat(4)));
    pty.wait_for_text("draft 1, saved");

    pty.type_keys(" semua");
    pty.wait_for_text("Salam semua");
    pty.hang_up();

    let kept = "select count(*) from blasts where message = 'Salam semua'";
    eventually_async("it is in the database", async || shop.number(kept).await == 1).await;
}

#[tokio::test]
async fn the_operators_editor_has_the_terminal_to_itself_and_gives_the_text_back() {
    let shop = Shop::open(Setup::default()).await;
    let editor = shop.path("editor.sh");
    // It reads a line from the terminal: no key of it may go to the dashboard.
    fs::write(&editor, "trap i=1 INT; printf 'editing\\n'; until [ $i ]; do sleep 0.05; done; printf 'interrupted\\n'; read line </dev/tty; printf 'Salam %s' \"$line\" > \"$1\"\n").unwrap();
    let command = format!("sh {}", editor.display());
    let mut pty = shop.dashboard_with(&[("EDITOR", &command), ("VISUAL", "")], SCREEN);

    new_blast(&mut pty);
    // Down to the message: on the other lines a letter is not for the editor, and on an empty one it is text.
    pty.type_keys(&format!("{}\rHai\x1b", DOWN.repeat(4)));
    pty.wait_for_text("Hai");
    pty.type_keys("e");
    pty.wait_for("the editor", |screen| !screen.alternate_screen() && screen.contents().contains("editing"));
    // What the editor is interrupted by is nothing to the dashboard.
    pty.type_keys("\x03");
    pty.wait_for_text("interrupted");
    pty.type_keys("dari editor, qqq\r");
    pty.wait_for("the form", |screen| {
        screen.alternate_screen() && screen.contents().contains("Salam dari editor, qqq")
    });

    pty.type_keys("qqq");
    assert!(pty.wait_for_exit().success());
}

#[tokio::test]
async fn a_dashboard_that_is_ended_under_the_operators_editor_waits_for_it_and_keeps_what_was_written_there() {
    let shop = Shop::open(Setup::default()).await;
    let editor = shop.path("editor.sh");
    fs::write(&editor, "printf 'editing\\n'; read line </dev/tty; printf 'Salam %s' \"$line\" > \"$1\"\n").unwrap();
    let command = format!("sh {}", editor.display());
    let mut pty = shop.dashboard_with(&[("EDITOR", &command), ("VISUAL", "")], SCREEN);
    new_blast(&mut pty);
    pty.type_keys(&format!("{}\rHai\x1b", DOWN.repeat(4)));
    pty.wait_for_text("draft 1, saved");
    pty.type_keys("e");
    pty.wait_for("the editor", |screen| !screen.alternate_screen() && screen.contents().contains("editing"));

    pty.signal(Signal::TERM);
    settle_for(500).await;
    assert!(!pty.has_ended());
    pty.type_keys("semua\r");

    assert!(pty.wait_for_exit().success());
    assert_eq!(shop.number("select count(*) from blasts where message = 'Salam semua'").await, 1);
}

#[tokio::test]
async fn what_was_saved_in_an_editor_that_is_killed_is_kept_and_its_settings_of_the_terminal_are_not() {
    let shop = Shop::open(Setup::default()).await;
    let editor = shop.path("editor.sh");
    let rude = "stty raw -echo; printf 'Salam semua' > \"$1\"; printf editing; kill -TERM $$\n";
    fs::write(&editor, rude).unwrap();
    let command = format!("sh {}", editor.display());
    let mut pty = shop.dashboard_with(&[("EDITOR", &command), ("VISUAL", "")], SCREEN);
    new_blast(&mut pty);
    pty.type_keys(&format!("{}\rHai\x1b", DOWN.repeat(4)));
    pty.wait_for_text("draft 1, saved");

    pty.type_keys("e");
    pty.wait_for_text(".txt");

    let path = std::env::temp_dir().join(format!("blastdeck-{}-0.txt", pty.pid().as_raw_nonzero()));
    assert!(pty.text().contains(path.to_str().unwrap()), "{}", pty.text());
    assert_eq!(fs::read_to_string(&path).unwrap(), "Salam semua");
    fs::remove_file(path).unwrap();
    assert!(pty.is_raw(), "the dashboard has it again");
    pty.type_keys("qqq");
    assert!(pty.wait_for_exit().success());
    assert!(!pty.is_raw(), "as it was before the editor");
}

#[tokio::test]
async fn a_demo_from_the_first_page_says_that_it_starts_and_ends_there_with_what_was_typed_meanwhile() {
    let shop = Shop::open(Setup::default()).await;
    shop.write("config.toml", "");
    let mut pty = shop.dashboard(SCREEN);
    pty.wait_for_text("NO SENDER YET");

    pty.type_keys("\r");
    let starts = |screen: &vt100::Screen| !screen.alternate_screen() && screen.contents().contains("starting the demo");
    pty.wait_for("that it starts", starts);
    pty.type_keys("\x03");
    pty.wait_for("the first page", |screen| screen.alternate_screen() && screen.contents().contains("NO SENDER YET"));

    pty.type_keys("\r");
    pty.wait_for("that it starts", starts);
    pty.type_keys("qqqqqq");
    pty.wait_for_text("DEMO");
    pty.wait_for_text("Raya promo");
    pty.type_keys("qqq");
    pty.wait_for_text("NO SENDER YET");
    pty.type_keys("qqq");
    assert!(pty.wait_for_exit().success());
}

#[tokio::test]
async fn from_nothing_to_a_sent_blast_by_keys_alone() {
    let shop = Shop::open(Setup::default()).await;
    // A configuration of somebody's own, without a sender; a simulator instead of the provider.
    let before = "# mine: do not touch\n[engine]\nspeed = 600 # practice\nlease_seconds = 5\n";
    shop.write("config.toml", before);
    let list = shop.path("raya.csv");
    fs::write(&list, LIST).unwrap();
    let mut pty = shop.dashboard(SCREEN);

    pty.wait_for_text("NO SENDER YET");
    pty.wait_for_text("Nothing goes out until you type the number of people.");
    // A new blast leads nowhere without a sender, and says why.
    pty.type_keys("jj\r");
    pty.wait_for_text("a new blast needs a sender first");
    pty.type_keys("\r");
    pty.wait_for_text("Add a sender ══");
    pty.type_keys("\t\t\r5850\r\t\r");
    pty.type_keys(&format!("{TOKEN}\r\t\r{}\r", shop.sim.base_url()));
    pty.wait_for_text("Check and add");
    assert!(!pty.text().contains(TOKEN), "{}", pty.text());
    pty.type_keys("\r");
    pty.wait_for_text("sales is added");

    new_blast(&mut pty);
    pty.type_keys(&format!("{}\r", DOWN.repeat(3)));
    pty.type_keys(list.to_str().unwrap());
    pty.type_keys("\r");
    pty.wait_for_text("2 taken, 2 left out");
    pty.type_keys("\rSalam {name}\x1bS");
    pty.wait_for_text("Type 2, then press enter");
    pty.type_keys("2\r");
    pty.wait_for_text("starts at");
    eventually_async("both were sent to", async || shop.number("select count(*) from attempts").await == 2).await;

    let after = fs::read_to_string(shop.path("config.toml")).unwrap();
    assert!(after.starts_with(before) && !after.contains(TOKEN), "{after}");
    pty.type_keys("qqq");
    assert!(pty.wait_for_exit().success());
}

#[tokio::test]
async fn a_sender_that_its_provider_refuses_is_not_written() {
    let shop = Shop::open(Setup::default()).await;
    shop.write("config.toml", "# mine\n");
    let mut pty = shop.dashboard(SCREEN);
    pty.wait_for_text("NO SENDER YET");

    pty.type_keys("j\r\t\t\r5850\r\t\r");
    // Nobody answers there.
    pty.type_keys("not-the-token\r\t\rhttp://127.0.0.1:9\r\r");
    pty.wait_for_text("nothing is written");

    assert_eq!(fs::read_to_string(shop.path("config.toml")).unwrap(), "# mine\n");
    assert!(!shop.path("sales.token").exists());
    pty.type_keys("\x1bq");
    assert!(pty.wait_for_exit().success());
}

#[tokio::test]
async fn what_is_scheduled_is_edited_by_keys_and_nothing_half_typed_is_saved() {
    let shop = Shop::open(Setup::default()).await;
    let at = (chrono::Utc::now() + chrono::TimeDelta::days(2)).format("%Y-%m-%dT09:00+00:00").to_string();
    let blast = shop.draft_with(0..3, &["--at", &at]).await;
    shop.send(&blast).await;
    let message = || shop.text("select message from blasts where id = 1");
    let before = message().await;
    let mut pty = open(&shop);
    pty.wait_for_text("queued 3");

    pty.type_keys("1e");
    pty.wait_for_text("blast 1");
    pty.type_keys("\r\x15Salam {cit");
    pty.wait_for_text("Salam {cit");
    pty.type_keys("\x1b");
    pty.wait_for_text("never closed");
    assert_eq!(message().await, before, "what cannot be read is not saved");
    pty.type_keys("\r\x15Salam semua");
    pty.wait_for_text("Salam semua");
    pty.type_keys("\x1b");
    pty.wait_for_text("blast 1, saved");
    pty.type_keys("kkkkk\r");
    pty.wait_for_text("stays as it was confirmed");
    // The first takes the reason away.
    pty.type_keys("\x1b\x1b");
    pty.wait_for_text("is changed and stays scheduled");

    assert_eq!((shop.state("1").await, message().await), ("scheduled".to_owned(), "Salam semua".to_owned()));
    pty.type_keys("qqq");
}
