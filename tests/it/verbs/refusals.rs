//! What a verb cannot do: a clear line, the right code, and nothing changed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{DONE, FAILED, REFUSED, USAGE, busy_shop, is_a_clear_line};
use crate::support::{Setup, Shop, digits, measured, said};

#[tokio::test]
async fn a_list_that_cannot_be_used_is_refused_and_leaves_nothing() {
    let shop = Shop::open(Setup::default()).await;
    shop.ok(&["db", "migrate"]).await;
    shop.ok(&["sender", "list"]).await;
    let before = shop.rows().await;
    let long = "x".repeat(5_000);
    let good = shop.write("good.csv", "name,phone\nSiti,010-012 3456\n");
    let cases: [(&str, &str, i32, &[&str]); 7] = [
        ("", "Hi", REFUSED, &["list.csv: the file is empty"]),
        (
            "name,town\nSiti,Klang\nAli,Ipoh\n",
            "Hi",
            REFUSED,
            &["list.csv: no column holds phone numbers", "name, town"],
        ),
        ("name,phone\n", "Hi", REFUSED, &["list.csv: no people in the file"]),
        ("phone\n6.01E+10\n", "Hi", REFUSED, &["list.csv: ", "row 2", "lost by the spreadsheet"]),
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
    is_a_clear_line(&new(&["--sender", "slaes"]).await, FAILED, &["no sender `slaes`", "sales"]);
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
async fn what_does_not_exist_is_named_and_nothing_changes() {
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
        (&["mark", "1", "12", "replied"], USAGE, "`12`"),
        (&["mark", "2", &digits(10), "replied"], REFUSED, "nothing was sent"),
        (&["mark", "1", &digits(1), "undo"], REFUSED, "no mark to take back"),
        (&["mark", "1", &digits(1), "closed", "--amount", "-5"], USAGE, "`-5` is not an amount"),
        (&["uncertain", "resolve", "1", &digits(1), "drop"], REFUSED, "not uncertain"),
        (&["sender", "check", "slaes"], FAILED, "no sender `slaes`"),
        (&["suppress", "add", "hello"], USAGE, "`hello`"),
        (&["suppress", "remove", &stranger], FAILED, "not suppressed"),
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
async fn an_unknown_key_is_reported_with_the_nearest_one_and_nothing_runs() {
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
async fn a_database_that_is_not_there_is_reported_quickly_and_without_its_password() {
    let shop = Shop::open(Setup::default()).await;
    let began = Instant::now();

    let said = shop.run(&["blast", "list", "--database-url", "postgres://u:s3cret@127.0.0.1:9/db"]).await;

    let took = began.elapsed();
    is_a_clear_line(&said, FAILED, &["the database cannot be reached"]);
    assert!(!said.err.contains("s3cret"), "{said:?}");
    measured("a database that is not there", took, Duration::from_secs(5));
    is_a_clear_line(
        &shop.run(&["blast", "list", "--database-url", "mysql://x"]).await,
        USAGE,
        &["--database-url", "postgres://"],
    );
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

/// What a script gets for a failure: an object in the last line of standard error, nothing among the data, the exit code.
#[tokio::test]
async fn a_failure_with_json_is_json() {
    let shop = busy_shop().await;
    let cases: [(&[&str], i32, &str); 9] = [
        (&["blast"], USAGE, "usage"),
        (&["blast", "show", "77"], FAILED, "not_found"),
        (&["blast", "show", "seven"], USAGE, "usage"),
        (&["blast", "lsit"], USAGE, "usage"),
        (&["blast", "new", "--sender", "slaes", "--message", "x", "--recipients", "people.csv"], FAILED, "not_found"),
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
        let failure: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{verb:?}: {error}: {said:?}"));
        assert_eq!(
            (&failure["error"]["kind"], &failure["error"]["exit_code"]),
            (&json!(kind), &json!(code)),
            "{failure}"
        );
        let message = failure["error"]["message"].as_str().unwrap();
        assert!(!message.is_empty() && !message.contains('\n'), "{failure}");
        assert!(!message.contains("Usage:") && !message.starts_with("error"), "{failure}");
    }
}

#[tokio::test]
async fn what_was_typed_wrongly_is_reported_with_what_to_type() {
    let shop = busy_shop().await;
    let new = ["blast", "new", "--sender", "sales", "--message", "x", "--recipients", "people.csv", "--timezone"];
    let cases: [(&[&str], &[&str]); 9] = [
        (&["blast", "show", "seven"], &["`seven` is not an id", "' blastdeck --config '", "' blast list`"]),
        (&["audit", "99999999999999999999"], &["is not an id"]),
        (&["blast", "list", "--date", "1/12/2026"], &["`1/12/2026` is not a valid date", "2026-12-01"]),
        (&["blast", "list", "--from", "2026-02-30"], &["`2026-02-30` is not a valid date", "2026-12-01"]),
        (&[&new[..], &["Kuala Lumpur"]].concat(), &["did you mean Asia/Kuala_Lumpur?"]),
        (&[&new[..], &["GMT+8"]].concat(), &["`GMT+8` is not a time zone", "Asia/Kuala_Lumpur"]),
        (&["blast", "recipients", "1", "--search", "status:PENDING"], &["`provider:PENDING`"]),
        (&["blast", "recipients", "1", "--search", "status:optedout"], &["opted_out"]),
        (&["blast", "recipients", "1", "--search", "read>20/11"], &["`20/11` is not a time", "2026-11-20"]),
    ];
    for (verb, words) in cases {
        is_a_clear_line(&shop.run(verb).await, USAGE, words);
    }
}

#[tokio::test]
async fn a_time_zone_that_the_machine_does_not_name_is_doubtful() {
    let shop = Shop::open(Setup::default()).await;
    let doctor = async |zone: &str| {
        let mut command = shop.command(&["doctor"]);
        command.env("TZ", zone);
        said(command).await.out
    };

    let unread = doctor("MYT-8").await;
    assert!(unread.contains("TZ=MYT-8 is no name of a time zone: times are in "), "{unread}");
    let mut list = shop.command(&["blast", "list"]);
    list.env("TZ", "MYT-8");
    let said_of_list = said(list).await;
    assert!(
        said_of_list.code == 0 && said_of_list.err.contains("TZ=MYT-8 is no name of a time zone"),
        "{said_of_list:?}"
    );
    for zone in ["Asia/Kuala_Lumpur", ":/etc/localtime", ""] {
        let read = doctor(zone).await;
        assert!(!read.contains("is no name of a time zone"), "{zone}: {read}");
    }
}
