//! `blast export`: everybody once, whatever the format, and nothing half-written under the name that was asked for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Said, Setup, Shop, digits};

#[tokio::test]
async fn an_export_has_everybody_once_in_both_formats_and_under_the_same_names() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..2_500).await;

    let csv = shop.run(&["blast", "export", "1"]).await;
    let json = shop.json_lines(&["blast", "export", "1"]).await;
    let same = shop.ok(&["blast", "export", "1", "--format", "json"]).await;
    let listed = shop.json_lines(&["blast", "recipients", "1", "--limit", "1"]).await;

    let lines: Vec<&str> = csv.out.lines().collect();
    assert!(lines[0].starts_with("id,phone_number,name,status,message_id,sent_at,"), "{}", lines[0]);
    let ids: Vec<i64> = lines[1..].iter().map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    assert!(ids.len() == 2_500 && ids.is_sorted() && ids.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(csv.err.trim(), "2,500 people exported");
    let phones: BTreeSet<&str> = json.iter().map(|person| person["phone_number"].as_str().unwrap()).collect();
    assert_eq!(phones.len(), 2_500);
    assert_eq!(same.lines().count(), json.len());
    assert_eq!(json[0], listed[0], "as `blast recipients --json` prints them");
}

#[tokio::test]
async fn an_export_has_what_the_list_says_of_everybody_in_columns_of_their_own() {
    let shop = Shop::open(Setup::default()).await;
    let with = async |list: &str| {
        let list = shop.write("list.csv", list);
        let new = ["blast", "new", "--sender", "sales", "--message", "Hi", "--recipients", list.to_str().unwrap()];
        shop.json(&new).await["id"].to_string()
    };
    let blast =
        with("phone,name,City,status,=cmd\n60123450001,Siti,Ipoh,vip,\n60123450002,Ben,\"Kuala, L\",,=1+1\n").await;
    with("phone,name,size\n60123450001,Siti,L\n").await;

    let csv = shop.ok(&["blast", "export", &blast]).await;
    let json = shop.json_lines(&["blast", "export", &blast]).await;
    let all = shop.json_lines(&["blast", "export", "--all"]).await;
    let history = shop.ok(&["blast", "export", &blast, "--what", "history"]).await;

    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].ends_with(",external_id,'=cmd,city,list_status"), "{csv}");
    assert!(lines[1].ends_with(",,,Ipoh,vip") && lines[2].ends_with(",,'=1+1,\"Kuala, L\","), "{csv}");
    assert_eq!(
        (&json[0]["status"], &json[0]["list_status"], &json[1]["=cmd"]),
        (&json!("queued"), &json!("vip"), &json!("=1+1"))
    );
    assert_eq!((&all[0]["city"], &all[0]["size"]), (&json!("Ipoh"), &json!(null)));
    assert_eq!((&all[2]["city"], &all[2]["size"]), (&json!(null), &json!("L")));
    assert!(!history.contains("city"), "{history}");
}

#[tokio::test]
async fn an_export_takes_the_filter_language_also_for_replies_and_history() {
    let shop = Shop::open(Setup::default()).await;
    shop.blast(0..6).await;
    shop.until_idle().await;
    let person = digits(3);
    shop.ok(&["mark", "1", &person, "note", "--note", "=1+1"]).await;
    shop.execute(
        "insert into replies (sender_id, blast_id, recipient_id, phone_number, kind, body, message_id, at, received_at)
         select b.sender_id, r.blast_id, r.id, r.phone_number, 'text', E'yes\\nplease', 'm' || r.id, now(), now()
           from blast_recipients r join blasts b on b.id = r.blast_id",
    )
    .await;
    shop.execute(&format!("update blast_recipients set external_id = 'customer-4' where phone_number = '+{person}'"))
        .await;
    let filter = format!("phone:*{}", &person[person.len() - 4..]);
    let of = |what| ["blast", "export", "1", "--what", what, "--search", &filter];

    let people = shop.ok(&of("recipients")).await;
    let replies = shop.ok(&of("replies")).await;
    let all = shop.json_lines(&["blast", "export", "1", "--what", "replies"]).await;
    let history = shop.json_lines(&of("history")).await;

    assert!(people.lines().count() == 2 && people.contains("'=1+1"), "{people}");
    assert!(people.trim_end().ends_with(",customer-4"), "{people}");
    let listed = shop.json_lines(&["blast", "recipients", "1"]).await;
    let own: Vec<_> = listed.iter().map(|person| person["external_id"].as_str()).collect();
    assert_eq!(own, [None, None, None, Some("customer-4"), None, None]);
    assert!(replies.contains("\"yes\nplease\"") && replies.matches("please").count() == 1, "{replies}");
    assert_eq!(all.len(), 6);
    let steps: Vec<_> = history.iter().map(|change| change["new_status"].as_str().unwrap()).collect();
    assert!(steps.starts_with(&["sending", "sent"]), "{steps:?}");
    assert!(history.iter().all(|change| change["phone_number"].as_str().unwrap().ends_with(&person)), "{history:?}");
}

#[tokio::test]
async fn a_file_is_never_written_over_and_is_there_only_when_it_is_whole() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..3).await;
    let file = shop.path("raya.csv");
    let to_file = ["blast", "export", "1", "--output", file.to_str().unwrap()];

    let first = shop.run(&to_file).await;
    let written = std::fs::read_to_string(&file).unwrap();
    let second = shop.run(&to_file).await;
    let wrong = shop.run(&["blast", "export", "1", "--search", "stauts:read"]).await;
    let nowhere = shop.run(&["blast", "export", "9"]).await;

    assert_eq!((first.code, second.code, wrong.code, nowhere.code), (0, 3, 2, 1), "{second:?} {wrong:?} {nowhere:?}");
    assert_eq!(written.lines().count(), 4);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
    assert!(!shop.path("raya.csv.part").exists());
    assert!(second.err.contains("exists already") && wrong.err.contains("did you mean"), "{second:?} {wrong:?}");
}

#[tokio::test]
async fn a_dash_is_standard_output_and_a_name_says_what_the_file_is() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..3).await;
    let export = async |further: &[&str]| shop.run(&[&["blast", "export", "1"], further].concat()).await;

    let dash = export(&["--output", "-"]).await;
    assert!(
        dash.code == 0 && dash.out.starts_with("id,phone_number,") && dash.err.trim() == "3 people exported",
        "{dash:?}"
    );
    assert!(!shop.path("-").exists());
    for (name, further, said) in [
        ("o.xls", vec![], "name it o.xlsx"),
        ("o.ods", vec!["--format", "csv"], "name it o.csv"),
        ("b.csv", vec!["--format", "xlsx"], "name it b.xlsx"),
        ("b.xlsx", vec!["--format", "json"], "name it b.jsonl"),
        ("b.csv", vec!["--json", "--format", "json"], "name it b.jsonl"),
        ("o.pdf", vec![], "written as .csv, .jsonl or .xlsx"),
        ("o.DOCX", vec!["--format", "csv"], "written as .csv, .jsonl or .xlsx"),
    ] {
        let file = shop.path(name);
        let refused = export(&[&["--output", file.to_str().unwrap()], &further[..]].concat()).await;
        assert!(refused.code == 2 && refused.err.contains(said), "{name}: {refused:?}");
        assert!(!file.exists() && !shop.path(&format!("{name}.part")).exists());
    }
    for format in ["csv", "xlsx"] {
        let both = export(&["--format", format, "--json"]).await;
        let why = format!("--json and --format {format} name two formats: leave one of them out");
        assert!(both.code == 2 && both.out.is_empty() && both.err.contains(&why), "{both:?}");
    }
    assert_eq!(export(&["--format", "json", "--json"]).await.code, 0);
    let report = shop.run(&["blast", "report", "1", "--format", "markdown", "--json"]).await;
    assert!(report.code == 2 && report.err.contains("--json and --format markdown name two formats"), "{report:?}");
    let plain = shop.path("o.txt");
    assert_eq!(export(&["--output", plain.to_str().unwrap()]).await.code, 0);
}

#[tokio::test]
async fn with_json_a_file_is_what_its_ending_says_and_standard_output_has_one_object_about_it() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..3).await;

    for (name, format, begins) in [("a.csv", "csv", "id,"), ("a.json", "json", "{"), ("a.xlsx", "xlsx", "PK")] {
        let file = shop.path(name);
        let said = shop.run(&["--json", "blast", "export", "1", "--output", file.to_str().unwrap()]).await;

        let about: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(about, json!({ "what": "recipients", "rows": 3, "format": format, "file": file }), "{said:?}");
        assert!(said.code == 0 && !said.err.contains("exported"), "{said:?}");
        assert!(std::fs::read(&file).unwrap().starts_with(begins.as_bytes()), "{name}");
    }
}

#[tokio::test]
async fn an_export_replaces_no_link_and_writes_to_no_device() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..3).await;
    let link = shop.path("link.csv");
    std::os::unix::fs::symlink(shop.path("nowhere.csv"), &link).unwrap();

    let dangling = shop.run(&["blast", "export", "1", "--output", link.to_str().unwrap()]).await;
    let device = shop.run(&["blast", "export", "1", "--output", "/dev/full"]).await;
    let folder = shop.run(&["blast", "export", "1", "--output", shop.path("").to_str().unwrap()]).await;

    assert!(dangling.code == 3 && dangling.err.contains("exists already"), "{dangling:?}");
    assert!(link.is_symlink() && !shop.path("nowhere.csv").exists());
    assert!(device.code == 3 && device.err.contains("/dev/full is a device, not a file"), "{device:?}");
    assert!(folder.code == 3 && folder.err.contains("is a directory"), "{folder:?}");
}

#[tokio::test]
async fn standard_output_that_is_full_is_named() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..3).await;

    for verb in [&["blast", "export", "1"][..], &["blast", "list"], &["blast", "show", "1", "--json"]] {
        let mut command = shop.command(verb);
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        command.stdout(full).stderr(std::process::Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().await.unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1), "{verb:?}: {err}");
        assert!(err.contains("standard output cannot be written") && err.contains("No space left"), "{verb:?}: {err}");
    }
}

#[tokio::test]
async fn an_export_into_a_closed_standard_output_fails_and_a_list_that_a_script_throws_away_does_not() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..3).await;

    let closed = closed_output(&shop, &["blast", "export", "1"]).await;

    assert!(closed.code == 1 && closed.err.contains("standard output is closed"), "{closed:?}");
    assert!(!closed.err.contains("exported"), "{closed:?}");
    for secret in
        [&["token", "new", "till", "--scope", "read"][..], &["share", "1", "--for", "7d"], &["hook", "secret"]]
    {
        let closed = closed_output(&shop, secret).await;
        assert!(closed.code == 1 && closed.err.contains("nobody would have it"), "{secret:?}: {closed:?}");
    }
    assert_eq!(shop.number("select (select count(*) from api_tokens) + (select count(*) from api_shares)").await, 0);
    for verb in [&["blast", "list"][..], &["order", "list"], &["cart", "list"], &["customer", "list"], &["replies"]] {
        // As Python's DEVNULL is.
        let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null").unwrap();
        let mut command = shop.command(verb);
        let thrown_away = command.stdout(null).spawn().unwrap().wait_with_output().await.unwrap();
        assert_eq!(thrown_away.status.code(), Some(0), "{verb:?}");
    }
}

/// SIGXFSZ would end it in the middle, with the half of a file left behind and not a word.
#[tokio::test]
async fn an_export_beyond_the_limit_of_file_sizes_fails_with_the_files_name_and_leaves_nothing() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..1_000).await;
    let file = shop.path("raya.csv");

    let verb = ["blast", "export", "1", "--output", file.to_str().unwrap()];
    let limited = shop.in_shell(&verb, "ulimit -f 8; exec \"$0\" \"$@\"").await;

    assert!(limited.code == 1 && limited.err.contains("raya.csv cannot be written"), "{limited:?}");
    assert!(limited.err.contains("ulimit -f"), "{limited:?}");
    assert!(!file.exists() && !shop.path("raya.csv.part").exists());
}

/// What is made stays made where its line is lost: whoever reads the error must not make it twice.
#[tokio::test]
async fn a_verb_that_changed_something_says_so_where_it_cannot_print_it() {
    let shop = Shop::open(Setup::default()).await;
    let draft = shop.draft(0..3).await;
    let list = shop.write("list.csv", "phone\n+60123456789\n");
    let new = ["blast", "new", "--sender", "sales", "--message", "Hi", "--recipients", list.to_str().unwrap()];

    let made = shop.in_shell(&new, FULL).await;
    let token = shop.in_shell(&["token", "new", "till", "--scope", "read", "--json"], FULL).await;
    let added = shop.in_shell(&["blast", "add", &draft, "+60123456780", "--name", "Ben"], FULL).await;
    let suppressed = shop.in_shell(&["suppress", "add", "+60123456781", "--json"], FULL).await;
    let read = shop.in_shell(&["blast", "list"], FULL).await;

    let said = [made, token, added, suppressed, read].map(|said| {
        assert_eq!(said.code, 1, "{said:?}");
        said.err
    });
    assert!(
        said[0].contains("blast 2 is a draft now, and only this could not be printed: standard output"),
        "{said:?}"
    );
    assert!(said[1].contains("token till is made") && said[1].contains("token revoke till`"), "{said:?}");
    assert!(said[2].contains("1 person was added to blast 1, and only this could not be printed"), "{said:?}");
    assert!(said[3].contains("may be done all the same: look before you repeat it"), "{said:?}");
    assert!(said[4].contains("blastdeck: standard output cannot be written"), "{said:?}");
    assert_eq!(shop.number("select count(*) from blasts").await, 2);
}

#[tokio::test]
async fn help_and_the_version_fail_where_they_cannot_be_printed() {
    let shop = Shop::open(Setup::default()).await;

    for verb in [&["--help"][..], &["--version"], &["blast", "new", "--help"], &["help", "blast"]] {
        let said = shop.in_shell(verb, FULL).await;
        let why = "blastdeck: standard output cannot be written";
        assert!(said.code == 1 && said.err.contains(why), "{verb:?}: {said:?}");
    }
}

const FULL: &str = "exec \"$0\" \"$@\" > /dev/full";

/// The program without a standard output.
async fn closed_output(shop: &Shop, verb: &[&str]) -> Said {
    shop.in_shell(verb, "exec \"$0\" \"$@\" >&-").await
}

/// How much memory a process may take at most, in kilobytes: the same for a million people as for a hundred.
const MEMORY_MAX: u64 = 60 * 1_024;

/// Takes minutes, and measures the machine: only with `BLASTDECK_LONG_TESTS=1`.
#[tokio::test]
async fn a_million_people_are_exported_in_as_little_memory_as_a_hundred() {
    if std::env::var_os("BLASTDECK_LONG_TESTS").is_none() {
        return;
    }
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..1).await;
    shop.execute(
        "insert into blast_recipients (blast_id, phone_number, name)
         select 1, '+60110' || lpad(n::text, 7, '0'), 'Person ' || n from generate_series(1, 999999) n",
    )
    .await;
    let file = shop.path("million.csv");

    let most = peak_of(&shop, &["blast", "export", "1", "--output", file.to_str().unwrap()]).await;

    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 1_000_001);
    eprintln!("peak memory of the export: {most} kB");
    assert!(most < MEMORY_MAX, "{most} kB");
}

/// The most memory that the program took with these arguments, in kilobytes.
async fn peak_of(shop: &Shop, arguments: &[&str]) -> u64 {
    let mut running = shop.command(arguments).spawn().unwrap();
    let status = format!("/proc/{}/status", running.id().unwrap());
    let mut most = 0;
    loop {
        if let Some(ended) = running.try_wait().unwrap() {
            assert!(ended.success(), "{arguments:?}");
            return most;
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        most = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(most);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// How much an import may take at most, in kilobytes: it has the workbook, packed, and everybody's number.
const IMPORT_MEMORY_MAX: u64 = 100 * 1_024;

/// Takes minutes, and measures the machine: only with `BLASTDECK_LONG_TESTS=1`.
#[tokio::test]
async fn a_workbook_of_a_hundred_thousand_people_is_written_and_read_in_flat_memory() {
    if std::env::var_os("BLASTDECK_LONG_TESTS").is_none() {
        return;
    }
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..1).await;
    shop.execute(
        "insert into blast_recipients (blast_id, phone_number, name)
         select 1, '+60110' || lpad(n::text, 7, '0'), 'Person ' || n from generate_series(1, 99999) n",
    )
    .await;
    let file = shop.path("people.xlsx");
    let file = file.to_str().unwrap();

    let written = peak_of(&shop, &["blast", "export", "1", "--output", file]).await;
    let new = ["blast", "new", "--sender", "sales", "--message", "Hi {name}", "--recipients", file];
    let read = peak_of(&shop, &new).await;

    let people = shop.number("select count(*) from blast_recipients where blast_id = 2").await;
    eprintln!("peak memory of the export: {written} kB, of the import: {read} kB");
    assert_eq!(people, 100_000);
    assert!(written < MEMORY_MAX && read < IMPORT_MEMORY_MAX, "{written} kB, {read} kB");
}

#[tokio::test]
async fn a_history_has_the_amounts_of_sales_also_those_that_were_changed_later() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..2).await;
    shop.until_idle().await;
    let person = digits(1);
    for amount in ["25.50", "30"] {
        shop.ok(&["mark", &blast, &person, "closed", "--amount", amount]).await;
    }

    shop.ok(&["mark", &blast, &person, "closed", "--amount", "99"]).await;
    shop.ok(&["mark", &blast, &person, "undo"]).await;

    let history = shop.json_lines(&["blast", "export", &blast, "--what", "history"]).await;

    let taken_back = history.iter().find(|change| change["detail"]["taken_back_by"].is_string()).unwrap();
    assert_eq!((&taken_back["amount"], &taken_back["detail"]["amount"]), (&Value::Null, &json!("99.00")));
    let history: Vec<_> = history.iter().filter(|change| *change != taken_back).collect();
    let sales = history.iter().filter(|change| change["new_status"] == "closed");
    let sales: Vec<_> = sales.map(|change| (change["amount"].as_str().unwrap(), change["by"].clone())).collect();
    assert_eq!(sales.iter().map(|(amount, _)| *amount).collect::<Vec<_>>(), ["25.50", "30.00"]);
    assert_eq!(sales[0].1, sales[1].1);
    assert!(history.iter().filter(|change| change["new_status"] != "closed").all(|change| change["amount"].is_null()));
}

#[tokio::test]
async fn a_history_has_no_amount_of_a_sale_that_was_taken_back_and_says_what_it_was() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..1).await;
    shop.until_idle().await;
    shop.ok(&["mark", &blast, &digits(0), "closed", "--amount", "120.50"]).await;
    shop.ok(&["mark", &blast, &digits(0), "undo"]).await;

    let history = shop.json_lines(&["blast", "export", &blast, "--what", "history"]).await;

    let sale = history.iter().find(|change| change["new_status"] == "closed").unwrap();
    assert_eq!((&sale["amount"], &sale["detail"]["amount"]), (&Value::Null, &json!("120.50")), "{sale}");
    assert!(sale["detail"]["taken_back_by"].is_string(), "{sale}");
}
