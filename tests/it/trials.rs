//! What operators met who tried the program: options that were refused, listings that were wrong, files made for a reader.

use std::os::unix::fs::PermissionsExt;

use blastdeck::private_postgres::{PrivatePostgres, Status};

use crate::support::{Said, Setup, Shop, TestDir, blastdeck, said};

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
        assert!(said.err.contains("`blastdeck db start` makes it"), "{verb:?}: {said:?}");
    }
    let started = run_in(&dir, &["--read-only", "db", "start"]).await;

    assert!(started.code == 3 && started.err.contains("--read-only was given"), "{started:?}");
    let local = PrivatePostgres::new(Some(dir.path().join("data"))).unwrap();
    assert_eq!(local.status().unwrap(), Status::Absent);
}

#[tokio::test]
async fn starting_the_private_database_is_refused_where_another_is_in_force() {
    let shop = Shop::open(Setup::default()).await;

    let said = shop.run(&["db", "start"]).await;

    assert!(said.code == 3 && said.out.is_empty() && said.err.contains("was not started: postgres://"), "{said:?}");
}

#[tokio::test]
async fn doctor_warns_of_a_token_that_others_may_read() {
    let shop = Shop::open(Setup::default()).await;
    let token = shop.write("token", "a-token-for-nobody\n");
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    let source = format!("{{ file = \"{}\" }}", token.display());
    shop.write("config.toml", config.replace("{ env = \"WSAPME_TOKEN\" }", &source));

    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = shop.run(&["doctor"]).await;
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let own = shop.run(&["doctor"]).await;

    let warning = format!("`chmod 600 {}`", token.display());
    assert!(open.out.lines().any(|line| line.starts_with("doubtful") && line.contains(&warning)), "{open:?}");
    assert!(!own.out.contains("chmod"), "{own:?}");
}
