//! What operators met who tried the program: options that were refused, listings that were wrong, files made for a reader.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use blastdeck::private_postgres::{PrivatePostgres, ServerStatus};
use tokio::net::{TcpListener, UnixStream};

use crate::support::{Said, Setup, Shop, TestDir, blastdeck, digits, postgres, said};

#[tokio::test]
async fn a_search_may_begin_with_a_minus_and_a_status_is_explained_as_in_a_search() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..3).await;

    let others = shop.run(&["blast", "recipients", "1", "--search", "-status:failed", "--json"]).await;
    let provider = shop.run(&["blast", "recipients", "1", "--status", "PENDING"]).await;
    let typo = shop.run(&["blast", "recipients", "1", "--status", "raed"]).await;
    let unknown = shop.run(&["blast", "recipients", "1", "--status", "somewhere"]).await;

    assert_eq!((others.code, others.out.lines().count()), (0, 3), "{others:?}");
    assert!(provider.code == 2 && provider.err.contains("`provider:PENDING` finds with --search"), "{provider:?}");
    assert!(typo.code == 2 && typo.err.contains("did you mean `read`?"), "{typo:?}");
    let listed = "queued, sending, uncertain, sent, received, read, replied, closed, failed, opted_out, skipped";
    assert!(unknown.code == 2 && unknown.err.contains(listed), "{unknown:?}");
}

#[tokio::test]
async fn today_is_counted_for_senders_that_the_configuration_has_otherwise_or_no_more() {
    let shop = Shop::open(Setup::default()).await;
    shop.blast(0..3).await;
    shop.until_idle().await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();

    shop.write("config.toml", config.replace("5850", "7777"));
    let moved = shop.json(&["sender", "list"]).await;
    shop.write("config.toml", config.replace("\"sales\"", "\"office\"").replace("5850", "7777"));
    let listed = shop.ok(&["sender", "list", "--json"]).await;

    assert_eq!(moved["today"], 3, "{moved}");
    let removed = listed.lines().find(|line| line.contains("\"name\":\"sales\"")).unwrap();
    assert!(removed.contains("\"today\":3"), "{removed}");
}

/// The program with a private database in this directory.
async fn run_in(dir: &TestDir, arguments: &[&str]) -> Said {
    let mut command = tokio::process::Command::new(blastdeck());
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir.path())
        .env("BLASTDECK_DATA_DIR", dir.path().join("data"))
        .env("BLASTDECK_STATE_DIR", dir.path().join("state"))
        .args(arguments);
    said(command).await
}

#[tokio::test]
async fn with_read_only_no_private_database_is_made_or_started() {
    let dir = TestDir::new();

    for verb in [&["blast", "list"][..], &["db", "url"], &["sender", "list"]] {
        let said = run_in(&dir, &[&["--read-only"], verb].concat()).await;
        assert!(said.code == 3 && said.err.contains("the private database is not there yet"), "{verb:?}: {said:?}");
        assert!(said.err.contains(" blastdeck db start` makes it"), "{verb:?}: {said:?}");
    }
    let started = run_in(&dir, &["--read-only", "db", "start"]).await;

    assert!(started.code == 3 && started.err.contains("--read-only was given"), "{started:?}");
    let local = PrivatePostgres::new(Some(dir.path().join("data"))).unwrap();
    assert_eq!(local.status().unwrap(), ServerStatus::Absent);
}

#[tokio::test]
async fn a_command_that_makes_a_new_database_says_so_and_where() {
    let dir = TestDir::new();

    let first = run_in(&dir, &["blast", "list"]).await;
    let second = run_in(&dir, &["blast", "list"]).await;
    run_in(&dir, &["db", "stop"]).await;

    let made = format!("a new, empty database was made in {}", dir.path().join("data").display());
    assert!(first.code == 0 && first.err.contains(&made), "{first:?}");
    assert!(second.code == 0 && !second.err.contains("database was made"), "{second:?}");
}

#[tokio::test]
async fn starting_the_private_database_is_refused_where_another_is_in_force() {
    let shop = Shop::open(Setup::default()).await;

    let said = shop.run(&["db", "start"]).await;

    assert!(said.code == 3 && said.out.is_empty() && said.err.contains("was not started: postgres://"), "{said:?}");
}

#[tokio::test]
async fn doctor_warns_of_a_token_or_a_secret_that_others_may_read() {
    let shop = Shop::open(Setup::default()).await;
    let files = ["token", "webhook_secret", "app_secret", "verify_token"]
        .map(|name| shop.write(name, format!("a-{name}-for-nobody\n")));
    let source = |n: usize| format!("{{ file = \"{}\" }}", files[n].display());
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    let of_wsapme = format!("{}\nwebhook_secret = {}", source(0), source(1));
    let of_meta = format!(
        "[[senders]]\nname = \"cloud\"\nprovider = \"meta\"\nphone_number_id = \"1\"\nwaba_id = \"2\"\nbase_url = \"{}\"\n\
         token = {{ env = \"WSAPME_TOKEN\" }}\napp_secret = {}\nverify_token = {}\n",
        shop.sim.base_url(),
        source(2),
        source(3)
    );
    shop.write("config.toml", config.replace("{ env = \"WSAPME_TOKEN\" }", &of_wsapme) + "\n" + &of_meta);
    let doctor = async |mode: u32| {
        for file in &files {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        shop.run(&["doctor"]).await
    };

    let open = doctor(0o644).await;
    let own = doctor(0o600).await;

    for file in &files {
        let warning = format!("`chmod 600 {}`", file.display());
        assert!(open.out.lines().any(|line| line.starts_with("doubtful") && line.contains(&warning)), "{open:?}");
    }
    assert!(!own.out.contains("chmod"), "{own:?}");
}

#[tokio::test]
async fn what_was_sold_is_in_the_report_and_a_mark_says_what_it_changed() {
    let shop = Shop::open(Setup::default()).await;
    shop.blast(0..2).await;
    shop.until_idle().await;

    let sold = shop.ok(&["mark", "1", &digits(0), "closed", "--amount", "10"]).await;
    let more = shop.ok(&["mark", "1", &digits(0), "closed", "--amount", "12.5"]).await;
    shop.ok(&["mark", "1", &digits(1), "replied"]).await;
    shop.ok(&["mark", "1", &digits(1), "opt-out"]).await;
    let again = shop.run(&["mark", "1", &digits(1), "opt-out"]).await;

    assert!(sold.contains("closed with RM 10.00, ") && sold.contains(" -> closed"), "{sold}");
    assert!(more.ends_with(": closed with RM 12.50 in place of RM 10.00\n"), "{more}");
    assert_eq!(shop.json(&["blast", "report", "1"]).await["amount"], "12.50");
    assert!(again.code == 3 && again.err.contains("has opted out already: nothing changed"), "{again:?}");
}

#[tokio::test]
async fn what_cannot_be_is_told_with_what_to_write() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..1).await;
    let plan = shop.ok(&["blast", "plan", "1"]).await;
    let cases: [(&[&str], &[&str]); 3] = [
        (&["blast", "recipients", "1", "--limit", "x"], &["write a whole number, 1 or more"]),
        (&["suppress", "list", "--limit", "-1"], &["write a whole number, 1 or more"]),
        (&["blast", "list", "--from", "2026-12-02", "--to", "2026-12-01"], &["--from 2026-12-02 is later than --to"]),
    ];
    for (verb, words) in cases {
        let said = shop.run(verb).await;
        assert!(said.code == 2 && words.iter().all(|words| said.err.contains(words)), "{verb:?}: {said:?}");
    }
    let draft = shop.run(&["blast", "pause", "1"]).await;

    assert!(plan.starts_with("1 person gets one message, from sales"), "{plan}");
    assert!(draft.code == 3 && draft.err.contains("people is a draft: "), "{draft:?}");
}

#[tokio::test]
async fn a_wrong_number_in_the_configuration_is_told_with_its_range() {
    let shop = Shop::open(Setup::default()).await;
    let cases = [
        ("BLASTDECK_ENGINE_RETRY_TRIES", "-1", "`-1` is not a whole number from 0 to 20"),
        ("BLASTDECK_POLLING_PER_SECOND", "x", "write a number above 0, at most 1000"),
        ("BLASTDECK_SENDERS_SALES_DAILY_CAP", "0", "or none for no cap"),
        ("BLASTDECK_SENDERS_SALES_NAME", "office", "rename it there"),
    ];
    for (variable, value, words) in cases {
        let mut command = shop.command(&["blast", "list"]);
        command.env(variable, value);

        let said = said(command).await;

        assert!(said.code == 2 && said.err.contains(words) && said.err.contains(variable), "{said:?}");
    }
}

#[tokio::test]
async fn a_wrong_database_address_is_told_with_what_to_correct() {
    let shop = Shop::open(Setup::default()).await;
    let port = shop.sim.base_url().rsplit(':').next().unwrap().to_owned();
    let cases = [
        ("postgres://aina:s3cret@127.0.0.1/x?sslmode=bogus".to_owned(), "the database's address cannot be used: "),
        (
            format!("postgres://aina:s3cret@127.0.0.1:{port}/x"),
            "does not speak as Postgres does: correct the host and port",
        ),
        ("postgres://aina:s3cret@no-such-host.invalid/x".to_owned(), "correct the host in the address"),
    ];
    for (url, words) in cases {
        let said = shop.run(&["blast", "list", "--database-url", &url]).await;

        assert!(said.code == 1 && said.err.contains(words) && !said.err.contains("s3cret"), "{said:?}");
    }
}

#[tokio::test]
async fn a_database_is_reached_by_every_kind_of_address_that_libpq_takes() {
    let shop = Shop::open(Setup::default()).await;
    let (server, name) = (postgres().await, shop.database.name().to_owned());
    let dir = server.socket_dir().to_str().unwrap();
    let by_tcp = TcpListener::bind("[::1]:0").await.unwrap();
    let port = by_tcp.local_addr().unwrap().port();
    let forwarding = tokio::spawn(forward(by_tcp, server.socket()));
    let urls = [
        format!("postgres:///{name}?host={dir}&user=blastdeck"),
        format!("postgresql://blastdeck@/{name}?host={dir}"),
        format!("postgres://blastdeck:s3cret@{}/{name}?sslmode=require", dir.replace('/', "%2F")),
        format!("postgres://blastdeck:s3cret@[::1]:{port}/{name}?sslmode=disable&connect_timeout=3"),
    ];
    for url in &urls {
        let listed = shop.run(&["blast", "list", "--database-url", url]).await;
        let doctor = shop.run(&["doctor", "--database-url", url]).await;

        assert!(listed.code == 0 && !listed.err.contains("WARN"), "{url}: {listed:?}");
        let is_there = doctor.out.contains(&format!("/{name}")) && doctor.out.contains("schema up to date");
        assert!(is_there && !doctor.out.contains("s3cret"), "{url}: {doctor:?}");
    }
    let unknown = shop.run(&["blast", "list", "--database-url", &format!("{}&pasword=s3cret", urls[0])]).await;
    assert!(unknown.code == 0 && !unknown.err.contains("s3cret"), "{unknown:?}");
    forwarding.abort();
}

/// Connects whoever comes by TCP with a socket.
async fn forward(listener: TcpListener, socket: PathBuf) {
    while let Ok((mut client, _)) = listener.accept().await {
        let mut server = UnixStream::connect(&socket).await.unwrap();
        tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
    }
}

#[tokio::test]
async fn a_port_in_use_and_a_file_for_a_directory_are_told_with_what_to_choose() {
    let shop = Shop::open(Setup::default()).await;
    let address = shop.sim.base_url().trim_start_matches("http://").to_owned();
    let dir = TestDir::new();
    std::fs::write(dir.path().join("data"), "a file").unwrap();

    let used = shop.run(&["sim", "--listen", &address]).await;
    let file = run_in(&dir, &["blast", "list"]).await;

    assert!(used.code == 1 && used.err.contains("is used by another program: name another port"), "{used:?}");
    assert!(file.code == 1 && file.err.contains("a file is in its place"), "{file:?}");
    assert!(file.err.contains("BLASTDECK_DATA_DIR"), "{file:?}");
}
