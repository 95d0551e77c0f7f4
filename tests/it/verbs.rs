//! The command line as scripts meet it: JSON that parses, the right exit code, no secret and no control character.

mod exit_codes;
mod far;
mod people;
mod refusals;
mod scripts;

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::{Said, Setup, Shop, digits, said};

const DONE: i32 = 0;
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const REFUSED: i32 = 3;
const DIFFERENCE: i32 = 4;

/// A shop with a blast of six that is over, and a draft of two.
async fn busy_shop() -> Shop {
    let shop = Shop::open(Setup::default()).await;
    shop.blast(0..6).await;
    shop.until_idle().await;
    shop.draft(10..12).await;
    shop
}

#[track_caller]
fn is_a_clear_line(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, code, "{said:?}");
    assert!(words.iter().all(|word| said.err.contains(word)), "{words:?}: {said:?}");
    assert!(!said.err.contains("panicked") && !said.err.contains("Location:"), "{said:?}");
    assert_eq!(said.out, "", "what is wrong goes to stderr");
}

#[tokio::test]
async fn every_verb_that_prints_prints_json_when_asked() {
    let shop = busy_shop().await;
    let person = digits(3);
    let verbs: [&[&str]; 26] = [
        &["blast", "list"],
        &["blast", "show", "1"],
        &["blast", "plan", "2"],
        &["blast", "report", "1"],
        &["blast", "report", "1", "--save"],
        &["blast", "report", "1", "--saved"],
        &["blast", "recipients", "1"],
        &["blast", "recipients", "1", "--status", "read", "--search", "person", "--limit", "2"],
        &["mark", "1", &person, "replied"],
        &["mark", "1", &person, "closed", "--amount", "99.50"],
        &["mark", "1", &person, "note", "--note", "pays on Friday"],
        &["mark", "1", &person, "undo"],
        &["suppress", "add", &digits(11), "--reason", "asked"],
        &["suppress", "list"],
        &["suppress", "remove", &digits(11)],
        &["db", "migrate"],
        &["uncertain", "list", "1"],
        &["sender", "list"],
        &["sender", "check"],
        &["doctor"],
        &["audit"],
        &["audit", "1"],
        &["db", "url"],
        &["blast", "send", "2", "--yes", "--no-engine"],
        &["blast", "pause", "2"],
        &["blast", "cancel", "2", "--yes"],
    ];
    for verb in verbs {
        let said = shop.run(&[verb, &["--json"]].concat()).await;

        assert_eq!(said.code, DONE, "{verb:?}: {said:?}");
        let parsed = said.out.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>();
        let nobody = verb == ["uncertain", "list", "1"];
        assert!(parsed.as_ref().is_ok_and(|values| nobody || !values.is_empty()), "{verb:?}: {said:?}");
        assert!(parsed.unwrap().iter().all(Value::is_object), "{verb:?}: {said:?}");
        assert!(!said.out.contains('\u{1b}'), "{verb:?}");
    }
    shop.promises().await;
}

#[tokio::test]
async fn a_report_has_the_fields_that_scripts_rely_on() {
    let shop = busy_shop().await;

    let report = shop.json(&["blast", "report", "1"]).await;
    let people = shop.ok(&["blast", "recipients", "1", "--json"]).await;

    for path in [
        "/blast/id",
        "/blast/tag",
        "/blast/state",
        "/blast/sender",
        "/blast/follow_up_stage",
        "/blast/total_recipients",
        "/funnel/sent",
        "/funnel/received",
        "/funnel/read",
        "/funnel/replied",
        "/funnel/closed",
        "/stuck/sent",
        "/stuck/delivered",
        "/stuck/read",
        "/stuck/replied",
        "/counts/queued",
        "/counts/uncertain",
        "/counts/opted_out",
        "/counts/skipped",
        "/rates/received",
        "/rates/closed",
        "/errors",
    ] {
        assert!(report.pointer(path).is_some(), "{path}: {report}");
    }
    for line in people.lines() {
        let person: Value = serde_json::from_str(line).unwrap();
        for field in [
            "id",
            "phone_number",
            "name",
            "status",
            "message_id",
            "sent_at",
            "delivered_at",
            "read_at",
            "replied_at",
            "closed_at",
            "failed_at",
            "error_code",
            "error_message",
            "attempts",
        ] {
            assert!(person.get(field).is_some(), "{field}: {person}");
        }
    }
    assert_eq!(people.lines().count(), 6);
}

#[tokio::test]
async fn one_person_in_three_spellings_is_one_person() {
    let shop = Shop::open(Setup::default()).await;
    let list = shop.write("list.csv", "phone\n010-012 3456\n+60100123456\n60 10 012 3456\n");

    let made = shop
        .run(&[
            "blast",
            "new",
            "--sender",
            "sales",
            "--message",
            "Hi",
            "--recipients",
            list.to_str().unwrap(),
            "--json",
        ])
        .await;
    shop.send("1").await;
    shop.until_idle().await;

    let made_json: Value = serde_json::from_str(&made.out).unwrap();
    assert_eq!((made_json["taken"].as_i64(), made_json["rejected"].as_i64()), (Some(1), Some(2)), "{made:?}");
    let rejected = std::fs::read_to_string(shop.path("list.rejected.csv")).unwrap();
    assert_eq!(rejected.lines().count(), 3, "{rejected}");
    assert_eq!(shop.sim.posts().await.len(), 1);
}

#[tokio::test]
async fn a_list_is_taken_from_standard_input() {
    let shop = Shop::open(Setup::default()).await;
    let list = shop.write("list.csv", "phone\n010-012 3456\n");
    let mut new = shop.command(&["blast", "new", "--sender", "sales", "--message", "Hi", "--recipients", "-"]);
    new.stdin(std::fs::File::open(list).unwrap());

    let said = said(new).await;

    assert_eq!((said.code, said.out.as_str()), (DONE, "1\n"), "{said:?}");
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_failure() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..3_000).await;
    for verb in [&["blast", "recipients", "1", "--json"][..], &["blast", "recipients", "1"], &["blast", "list"]] {
        let mut command = shop.command(verb);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();

        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.next_line().await.unwrap().is_some());
        drop(lines);
        let ended = child.wait_with_output().await.unwrap();

        assert_eq!((ended.status.code(), ended.stderr.len()), (Some(DONE), 0), "{verb:?}: {ended:?}");
    }
}

#[tokio::test]
async fn an_audit_that_finds_a_difference_has_an_exit_code_of_its_own() {
    let shop = busy_shop().await;
    shop.execute("insert into blast_count_deltas (blast_id, status, people) values (1, 'read', 2)").await;

    let said = shop.run(&["audit"]).await;

    assert_eq!(said.code, DIFFERENCE, "{said:?}");
    assert!(said.out.contains("blast 1 read") && said.err.contains("audit --repair`"), "{said:?}");
}

#[tokio::test]
async fn lost_counters_are_written_anew_and_stay_true_under_a_running_engine() {
    let shop = busy_shop().await;
    shop.ok(&["mark", "1", &digits(1), "closed", "--amount", "20"]).await;
    let marked = shop.json(&["mark", "1", &digits(1), "closed", "--amount", "12.5"]).await;
    let said = ["blast_id", "phone_number", "amount", "amount_before"].map(|key| marked[key].clone());
    assert_eq!(serde_json::json!(said), serde_json::json!([1, format!("+{}", digits(1)), "12.50", "20.00"]));
    let before = shop.json(&["blast", "report", "1"]).await;
    shop.blast(100..400).await;
    let engine = shop.engine();
    shop.until_posts(50).await;

    shop.execute("truncate blast_counts, blast_count_deltas").await;
    let refused = shop.run(&["--read-only", "audit", "--repair"]).await;
    let repairs = [shop.run(&["audit", "--repair"]), shop.run(&["audit", "--repair", "--json"])];
    let repairs = futures_util::future::join_all(repairs).await;

    is_a_clear_line(&refused, REFUSED, &["--read-only"]);
    assert!(repairs.iter().all(|said| said.code == DONE), "{repairs:?}");
    assert!(repairs.iter().any(|said| said.out.contains("repaired")), "{repairs:?}");
    shop.until_state("3", "completed").await;
    engine.stop().await;
    assert_eq!(shop.run(&["audit"]).await.code, DONE);
    assert_eq!(shop.json(&["blast", "report", "1"]).await["counts"], before["counts"]);
    let blast = shop.json(&["blast", "show", "1"]).await;
    assert_eq!(blast["amount"], "12.50");
    shop.promises().await;
}

#[tokio::test]
async fn a_name_that_would_rewrite_the_screen_does_not() {
    let shop = Shop::open(Setup::default()).await;
    let list = shop.write("list.csv", "name,phone\n\"Siti\u{1b}[2J\u{7}\",0100123456\n");
    shop.ok(&["blast", "new", "--sender", "sales", "--message", "Hi {name}", "--recipients", list.to_str().unwrap()])
        .await;

    for verb in [&["blast", "recipients", "1"][..], &["blast", "plan", "1"], &["blast", "recipients", "1", "--json"]] {
        let out = shop.ok(verb).await;
        assert!(out.contains("Siti") && !out.contains('\u{1b}') && !out.contains('\u{7}'), "{verb:?}: {out:?}");
    }
}

/// Whatever a verb says of people and blasts: names and tags come from lists, and from hands in the database.
#[tokio::test]
async fn no_verb_lets_a_name_or_a_tag_command_the_terminal() {
    let shop = Shop::open(Setup::default()).await;
    shop.blast(0..3).await;
    shop.until_idle().await;
    shop.draft(10..12).await;
    shop.execute("update blasts set blast_tag = e'Ra\\x1b[2Jya\\u009b2J'").await;
    shop.execute("update blast_recipients set name = e'Si\\x1b]0;x\\x07ti\\u009b2J'").await;
    shop.execute("update blast_recipients set status = 'uncertain', standing = 'uncertain' where id = 3").await;
    let person = digits(0);

    let verbs: [&[&str]; 12] = [
        &["mark", "1", &person, "replied"],
        &["mark", "1", &person, "undo"],
        &["mark", "1", &person, "replied"],
        &["mark", "1", &person, "replied"],
        &["blast", "show", "1"],
        &["blast", "list"],
        &["blast", "plan", "2"],
        &["uncertain", "list", "1"],
        &["uncertain", "resolve", "1", &digits(2), "drop"],
        &["blast", "send", "2", "--yes", "--no-engine"],
        &["blast", "pause", "2"],
        &["blast", "cancel", "2", "--yes"],
    ];
    for verb in verbs {
        for more in [&[][..], &["--json"]] {
            let said = shop.run(&[verb, more].concat()).await;
            let text = format!("{}{}", said.out, said.err);
            let raw = text.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(raw, None, "{verb:?}: {said:?}");
        }
    }
}

#[tokio::test]
async fn the_token_and_the_password_are_in_no_output_and_no_file() {
    let shop = busy_shop().await;
    for verb in [
        &["doctor"][..],
        &["doctor", "--json"],
        &["sender", "check"],
        &["-vv", "sender", "check"],
        &["-vv", "blast", "list"],
    ] {
        let said = shop.run(verb).await;
        assert!(!format!("{said:?}").contains("a-token-for-nobody"), "{verb:?}");
    }
    shop.ok(&["blast", "send", "2", "--yes"]).await;
    crate::support::eventually("the engine ends by itself", || shop.engines().is_empty());
    let log = std::fs::read_to_string(shop.path("data/log/standby.log")).unwrap_or_default();
    assert!(!log.contains("a-token-for-nobody"));
}

#[tokio::test]
async fn mark_undo_takes_back_the_newest_act_alone() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..1).await;
    shop.until_idle().await;
    let person = digits(0);
    let mark = async |what: &[&str]| shop.ok(&[&["mark", &blast, &person], what].concat()).await;
    let closed = "select count(*) from blast_recipients where status = 'closed' and amount is null and note = 'asks'";

    mark(&["closed"]).await;
    mark(&["note", "--note", "asks"]).await;
    mark(&["closed", "--amount", "300"]).await;
    let amount = mark(&["undo"]).await;

    assert!(amount.contains("the amount is taken back"), "{amount}");
    assert_eq!(shop.number(closed).await, 1, "the sale and the note stand");
    mark(&["closed", "--amount", "300"]).await;
    let second = mark(&["closed", "--amount", "400"]).await;
    assert!(second.ends_with(": closed with RM 400.00 in place of RM 300.00\n"), "{second}");
    assert!(mark(&["undo"]).await.contains("300"), "the second amount alone");
    mark(&["undo"]).await;
    mark(&["undo"]).await;
    mark(&["undo"]).await;
    assert_eq!(shop.count("closed").await, 0);
}
