//! `--plain`: a line for each thing that happens, where there is no terminal.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::support::{PATIENCE, Setup, Shop, digits};

struct Plain {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Plain {
    fn of(shop: &Shop, arguments: &[&str]) -> Self {
        let mut child = shop.command(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line that has these words.
    async fn line_with(&mut self, words: &[&str]) -> String {
        let found = async {
            loop {
                let line = self.lines.next_line().await.unwrap().expect("it goes on");
                if words.iter().all(|word| line.contains(word)) {
                    return line;
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no line with {words:?}"))
    }
}

#[tokio::test]
async fn a_blast_is_sent_and_followed_as_lines_without_a_terminal() {
    let shop = Shop::open(Setup::default()).await;
    let earlier = shop.blast_with(6..8, &["--tag", "Earlier"]).await;
    shop.ok(&["blast", "pause", &earlier]).await;
    let blast = shop.draft_with(0..6, &["--tag", "Raya promo"]).await;
    let mut plain = Plain::of(&shop, &["--plain"]);
    // Printed once it has read what happened before, which it does not repeat.
    plain.line_with(&["Earlier", "of 2 sent"]).await;

    shop.send(&blast).await;
    plain.line_with(&["Raya promo: sending by aina, was draft"]).await;
    plain.line_with(&["Raya promo", "of 6 sent", "closed, RM 0.00"]).await;
    shop.ok(&["mark", &blast, &digits(3), "note", "--note", "a\u{1b}[2J b"]).await;
    let note = plain.line_with(&["aina: wrote a note, Person 3"]).await;
    let pid = Pid::from_raw(i32::try_from(plain.child.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let ended = plain.child.wait().await.unwrap();

    assert!(ended.success(), "{ended:?}");
    assert!(!note.contains('\u{1b}') && note.as_bytes()[2] == b':', "{note}");
    shop.promises().await;
}

/// Kills whatever standby of a shop there is, as often as one is started.
async fn without_standbys(shop: &Shop) {
    loop {
        for standby in shop.engines() {
            let _ = kill_process(standby, Signal::KILL);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_repeats_is_made_also_while_no_standby_lives() {
    let shop = Shop::open(Setup::default()).await;
    let daily = shop.draft_with(0..2, &["--tag", "Daily", "--repeat", "every day 09:00"]).await;
    shop.ok(&["blast", "send", &daily, "--yes", "--no-engine"]).await;
    let earlier = shop.blast_with(6..8, &["--tag", "Earlier"]).await;
    shop.ok(&["blast", "pause", &earlier]).await;
    let mut plain = Plain::of(&shop, &["--plain"]);
    let sent = async {
        plain.line_with(&["Earlier", "of 2 sent"]).await;
        shop.execute(&format!("update blasts set scheduled_for = now(), send_after = now() where id = {daily}")).await;
        plain.line_with(&["Daily", "2 of 2 sent"]).await;
    };

    tokio::select! {
        () = without_standbys(&shop) => {}
        () = sent => {}
    }
}

#[tokio::test]
async fn what_repeats_is_said_to_repeat_and_is_given_no_numbers() {
    let shop = Shop::open(Setup::default()).await;
    let daily = shop.draft_with(0..2, &["--tag", "Daily", "--repeat", "every day 09:00"]).await;
    shop.send(&daily).await;
    let mut plain = Plain::of(&shop, &["--plain"]);

    let line = plain.line_with(&["Daily repeats every day 09:00, next "]).await;

    assert!(!line.contains("scheduled") && !line.contains("sent"), "{line}");
    plain.child.kill().await.unwrap();
}

#[tokio::test]
async fn what_repeats_says_that_its_sender_is_stopped_and_later_that_no_blast_could_be_made() {
    let shop = Shop::open(Setup::default()).await;
    let daily = shop.draft_with(0..2, &["--tag", "Daily", "--repeat", "every day 09:00"]).await;
    shop.send(&daily).await;
    shop.execute("update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'offline'").await;
    let mut plain = Plain::of(&shop, &["--plain", "--read-only"]);

    plain.line_with(&["Daily repeats every day 09:00, next ", "; sender stopped: offline"]).await;
    // A change of its state has it looked at within a second.
    shop.execute(
        "update senders set stopped_at = null, stopped_code = null, stopped_reason = null;
         update blasts set state = 'paused';
         update blasts set state = 'scheduled', state_reason = 'the engine at web1 says: no key',
                           scheduled_for = now() - interval '1 minute', send_after = now() - interval '1 minute'",
    )
    .await;

    // With its next time before that, which came, it would be another line.
    plain
        .line_with(&["Daily repeats every day 09:00; its time came, and no blast was made of it: the engine at web1"])
        .await;
    plain.child.kill().await.unwrap();
}

#[tokio::test]
async fn plain_goes_without_a_command() {
    let shop = Shop::open(Setup::default()).await;

    let said = shop.run(&["--plain", "blast", "list"]).await;

    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
    assert!(said.err.contains("takes the dashboard's place"), "{said:?}");
}
