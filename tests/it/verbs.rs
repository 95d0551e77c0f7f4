//! The command line as scripts meet it: JSON that parses, a clear line and the right code for what is wrong, and then
//! nothing changed.

use std::process::Stdio;
use std::time::Instant;

use serde_json::{Value, json};
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
    let verbs: [&[&str]; 24] = [
        &["blast", "list"],
        &["blast", "show", "1"],
        &["blast", "plan", "2"],
        &["blast", "report", "1"],
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
async fn a_list_that_cannot_be_used_is_refused_and_leaves_nothing() {
    let shop = Shop::open(Setup::default()).await;
    shop.ok(&["db", "migrate"]).await;
    shop.ok(&["sender", "list"]).await;
    let before = shop.rows().await;
    let long = "x".repeat(5_000);
    let good = shop.write("good.csv", "name,phone\nSiti,010-012 3456\n");
    let cases: [(&str, &str, i32, &[&str]); 7] = [
        ("", "Hi", REFUSED, &["the file is empty"]),
        ("name,town\nSiti,Klang\nAli,Ipoh\n", "Hi", REFUSED, &["no column holds phone numbers", "name, town"]),
        ("name,phone\n", "Hi", REFUSED, &["no people in the file"]),
        ("phone\n6.01E+10\n", "Hi", REFUSED, &["row 2", "lost by the spreadsheet"]),
        ("phone,town\n0100123456,Klang\n", "Hi {twon}", REFUSED, &["{twon}", "did you mean {town}?"]),
        ("phone\n0100123456\n", &long, USAGE, &["5000 characters", "4096"]),
        ("phone\n0100123456\n", "Hi {", USAGE, &["never closed"]),
    ];
    for (list, message, code, words) in cases {
        let list = shop.write("list.csv", list);

        let said = shop
            .run(&["blast", "new", "--sender", "sales", "--message", message, "--recipients", list.to_str().unwrap()])
            .await;

        is_a_clear_line(&said, code, words);
    }
    let new = async |more: &[&str]| {
        let usual = ["blast", "new", "--message", "Hi", "--recipients", good.to_str().unwrap()];
        shop.run(&[&usual, more].concat()).await
    };
    is_a_clear_line(&new(&["--sender", "slaes"]).await, USAGE, &["no sender `slaes`", "sales"]);
    is_a_clear_line(&new(&["--sender", "sales", "--rate", "-5/min"]).await, USAGE, &["-5/min", "--rate"]);
    is_a_clear_line(&new(&["--sender", "sales", "--gap", "60s..20s"]).await, USAGE, &["60s..20s"]);
    is_a_clear_line(&new(&["--sender", "sales", "--window", "9-25"]).await, USAGE, &["--window"]);
    let nowhere = shop.run(&["blast", "new", "--sender", "sales", "--message", "x", "--recipients", "none.csv"]).await;
    is_a_clear_line(&nowhere, USAGE, &["none.csv"]);
    assert_eq!(shop.rows().await, before);
    let files = std::fs::read_dir(shop.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert!(!files.iter().any(|name| name.to_string_lossy().contains("rejected")), "{files:?}");
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

    let told: Value = serde_json::from_str(&made.out).unwrap();
    assert_eq!((told["taken"].as_i64(), told["rejected"].as_i64()), (Some(1), Some(2)), "{made:?}");
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
async fn what_does_not_exist_is_told_by_name_and_changes_nothing() {
    let shop = busy_shop().await;
    let before = shop.rows().await;
    let stranger = digits(999);
    let cases: [(&[&str], i32, &str); 20] = [
        (&["blast", "show", "77"], FAILED, "no blast 77"),
        (&["blast", "send", "77", "--yes"], FAILED, "no blast 77"),
        (&["blast", "report", "77"], FAILED, "no blast 77"),
        (&["blast", "recipients", "77"], FAILED, "no blast 77"),
        (&["blast", "pause", "77"], FAILED, "no blast 77"),
        (&["uncertain", "list", "77"], FAILED, "no blast 77"),
        (&["audit", "9999"], FAILED, "no blast 9999"),
        (&["audit", "--repair", "9999"], FAILED, "no blast 9999"),
        (&["mark", "77", &stranger, "replied"], FAILED, "no blast 77"),
        (&["mark", "1", &stranger, "replied"], FAILED, "not in blast 1"),
        (&["mark", "1", "12", "replied"], REFUSED, "`12`"),
        (&["mark", "2", &digits(10), "replied"], REFUSED, "nothing was sent"),
        (&["mark", "1", &digits(1), "undo"], REFUSED, "no mark to take back"),
        (&["mark", "1", &digits(1), "closed", "--amount", "-5"], USAGE, "`-5` is not an amount"),
        (&["uncertain", "resolve", "1", &digits(1), "drop"], REFUSED, "not uncertain"),
        (&["sender", "check", "slaes"], FAILED, "no sender `slaes`"),
        (&["suppress", "add", "hello"], USAGE, "`hello`"),
        (&["suppress", "remove", &stranger], REFUSED, "not suppressed"),
        (&["blast", "send", "two"], USAGE, "two"),
        (&["blast", "lsit"], USAGE, "list"),
    ];
    for (verb, code, words) in cases {
        is_a_clear_line(&shop.run(verb).await, code, &[words]);
    }
    is_a_clear_line(&shop.run(&["blast", "send", "2"]).await, REFUSED, &["--yes"]);
    is_a_clear_line(&shop.run(&[]).await, USAGE, &["needs a terminal"]);
    assert_eq!(shop.rows().await, before);
}

#[tokio::test]
async fn an_unknown_key_is_told_with_the_nearest_one_and_nothing_runs() {
    let shop = busy_shop().await;
    let before = shop.rows().await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", config.replace("lease_seconds", "lease_secnods"));

    for verb in [&["blast", "list"][..], &["blast", "send", "2", "--yes"], &["engine", "--until-idle"]] {
        is_a_clear_line(&shop.run(verb).await, USAGE, &["config.toml:", "lease_secnods", "lease_seconds"]);
    }
    shop.write("config.toml", config.replace("rate = \"unlimited\"", "rate = \"-5/min\""));
    is_a_clear_line(&shop.run(&["blast", "list"]).await, USAGE, &["senders.sales.rate", "-5/min"]);
    shop.write("config.toml", config.replace("[engine]", "[engine]\nspeed = 0").replace("speed = 600", ""));
    is_a_clear_line(&shop.run(&["blast", "list"]).await, USAGE, &["engine.speed"]);
    let doctor = shop.run(&["doctor"]).await;
    assert_eq!((doctor.code, doctor.out.contains("engine.speed")), (FAILED, true), "{doctor:?}");
    assert_eq!(shop.rows().await, before);
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told_quickly_and_without_its_password() {
    let shop = Shop::open(Setup::default()).await;
    let began = Instant::now();

    let said = shop.run(&["blast", "list", "--database-url", "postgres://u:s3cret@127.0.0.1:9/db"]).await;

    let took = began.elapsed();
    is_a_clear_line(&said, FAILED, &["the database cannot be reached"]);
    assert!(!said.err.contains("s3cret"), "{said:?}");
    assert!(took.as_secs() < 5, "{took:?}");
    is_a_clear_line(
        &shop.run(&["blast", "list", "--database-url", "mysql://x"]).await,
        USAGE,
        &["--database-url", "postgres://"],
    );
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
async fn read_only_changes_nothing_and_says_so() {
    let shop = busy_shop().await;
    let before = shop.rows().await;
    let person = digits(1);
    let writes: [&[&str]; 10] = [
        &["blast", "send", "2", "--yes"],
        &["blast", "pause", "1"],
        &["blast", "cancel", "1", "--yes"],
        &["blast", "delete", "1", "--yes"],
        &["mark", "1", &person, "replied"],
        &["suppress", "add", &person],
        &["suppress", "remove", &person],
        &["uncertain", "resolve", "1", &person, "sent"],
        &["engine", "--until-idle"],
        &["db", "migrate"],
    ];
    for verb in writes {
        is_a_clear_line(&shop.run(&[&["--read-only"], verb].concat()).await, REFUSED, &["--read-only"]);
    }
    let list = shop.write("list.csv", "phone\n0100123456\n");
    let new =
        ["--read-only", "blast", "new", "--sender", "sales", "--message", "x", "--recipients", list.to_str().unwrap()];
    is_a_clear_line(&shop.run(&new).await, REFUSED, &["--read-only"]);
    let reads: [&[&str]; 10] = [
        &["blast", "list"],
        &["blast", "show", "1"],
        &["blast", "plan", "2"],
        &["blast", "report", "1"],
        &["blast", "recipients", "1"],
        &["uncertain", "list", "1"],
        &["suppress", "list"],
        &["sender", "list"],
        &["sender", "check"],
        &["audit"],
    ];
    for verb in reads {
        let said = shop.run(&[&["--read-only"], verb].concat()).await;
        assert_eq!(said.code, DONE, "{verb:?}: {said:?}");
    }
    assert_eq!(shop.rows().await, before);
}

#[tokio::test]
async fn an_audit_tells_a_difference_by_its_own_code() {
    let shop = busy_shop().await;
    shop.execute("insert into blast_count_deltas (blast_id, status, people) values (1, 'read', 2)").await;

    let said = shop.run(&["audit"]).await;

    assert_eq!(said.code, DIFFERENCE, "{said:?}");
    assert!(said.out.contains("blast 1 read") && said.err.contains("audit --repair`"), "{said:?}");
}

#[tokio::test]
async fn lost_counters_are_written_anew_and_stay_true_under_a_running_engine() {
    let shop = busy_shop().await;
    shop.ok(&["mark", "1", &digits(1), "closed", "--amount", "12.50"]).await;
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

/// What a script gets for a failure: an object in the last line of standard error, nothing among the data, the exit code.
#[tokio::test]
async fn a_failure_with_json_is_json() {
    let shop = busy_shop().await;
    let cases: [(&[&str], i32, &str); 8] = [
        (&["blast", "show", "77"], FAILED, "not_found"),
        (&["blast", "show", "seven"], USAGE, "usage"),
        (&["blast", "lsit"], USAGE, "usage"),
        (&["blast", "new", "--sender", "slaes", "--message", "x", "--recipients", "people.csv"], USAGE, "usage"),
        (&["mark", "2", &digits(10), "replied"], REFUSED, "refused"),
        (&["--read-only", "blast", "pause", "1"], REFUSED, "refused"),
        (&["blast", "send", "2"], REFUSED, "refused"),
        (&["--database-url", "postgres://aina@127.0.0.1:1/shop", "blast", "list"], FAILED, "database"),
    ];
    for (verb, code, kind) in cases {
        let said = shop.run(&[verb, &["--json"]].concat()).await;

        assert_eq!(said.code, code, "{verb:?}: {said:?}");
        assert_eq!(said.out, "", "{verb:?}: {said:?}");
        let last = said.err.lines().last().unwrap();
        let told: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{verb:?}: {error}: {said:?}"));
        assert_eq!((&told["error"]["kind"], &told["error"]["exit_code"]), (&json!(kind), &json!(code)), "{told}");
        let message = told["error"]["message"].as_str().unwrap();
        assert!(!message.is_empty() && !message.contains('\n'), "{told}");
    }
}

#[tokio::test]
async fn what_was_typed_wrongly_is_told_with_what_to_type() {
    let shop = busy_shop().await;
    let new = ["blast", "new", "--sender", "sales", "--message", "x", "--recipients", "people.csv", "--timezone"];
    let cases: [(&[&str], &[&str]); 9] = [
        (&["blast", "show", "seven"], &["`seven` is no id", "blastdeck blast list"]),
        (&["audit", "99999999999999999999"], &["is no id"]),
        (&["blast", "list", "--date", "1/12/2026"], &["`1/12/2026` is no day", "2026-12-01"]),
        (&["blast", "list", "--from", "2026-02-30"], &["`2026-02-30` is no day", "2026-12-01"]),
        (&[&new[..], &["Kuala Lumpur"]].concat(), &["did you mean Asia/Kuala_Lumpur?"]),
        (&[&new[..], &["GMT+8"]].concat(), &["`GMT+8` is no time zone", "Asia/Kuala_Lumpur"]),
        (&["blast", "recipients", "1", "--search", "status:PENDING"], &["`provider:PENDING`"]),
        (&["blast", "recipients", "1", "--search", "status:optedout"], &["opted_out"]),
        (&["blast", "recipients", "1", "--search", "read>20/11"], &["`20/11` is no time", "2026-11-20"]),
    ];
    for (verb, words) in cases {
        is_a_clear_line(&shop.run(verb).await, USAGE, words);
    }
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
