use std::time::Duration;

use super::environment::UserDirectories;
use super::*;
use crate::domain::pace::Limits;
use crate::domain::sender::SendEdge;

mod variables;

const EXAMPLE: &str = include_str!("../../assets/config.example.toml");

const SALES: &str = "[[senders]]\nname = \"sales\"\nprovider = \"wsapme\"\ndevice = 5850\ntoken = { env = \"T\" }\n";

fn problems(text: &str) -> Vec<String> {
    let error = Config::from_toml_str(text).expect_err(text);
    error.problems.iter().map(ToString::to_string).collect()
}

fn in_environment<const N: usize>(text: &str, variables: [(&str, &str); N]) -> Result<Config, ConfigError> {
    Config::build(text, None, &Environment::with(variables), &Flags::default())
}

/// An environment whose directories lie in `home`.
fn at_home<const N: usize>(home: impl AsRef<Path>, variables: [(&str, &str); N]) -> Environment {
    let mut environment = Environment::with(variables);
    let home = home.as_ref().to_owned();
    let (config, data, state) = (home.join("config"), home.join("share"), home.join("state"));
    environment.directories = Some(UserDirectories { home, config, data, state });
    environment
}

fn sales(extra: &str) -> SenderConfig {
    Config::from_toml_str(&format!("{SALES}{extra}")).unwrap().senders.remove(0)
}

// The example

#[test]
fn the_example_file_is_a_good_configuration() {
    let config = Config::from_toml_str(EXAMPLE).unwrap();

    assert_eq!(config.senders.len(), 1);
    assert_eq!(config.senders[0].rate.to_string(), "20/min");
    assert_eq!(config.ui.name.as_deref(), Some("Kedai Aina"));
}

#[test]
fn the_rehearsals_file_is_a_good_configuration_with_the_simulators_account() {
    let config = Config::from_toml_str(include_str!("../../assets/rehearsal.toml")).unwrap();

    assert!(config.senders.len() == 2 && config.senders.iter().all(SenderConfig::is_rehearsal));
    let page = include_str!("../../docs/SIMULATOR.md");
    let meta = config.senders[1].meta.as_ref().unwrap();
    for value in [&meta.phone_number_id, &meta.waba_id] {
        assert!(page.contains(&format!("`{value}`")), "{value}");
    }
    assert!(page.contains(&format!("--speed {} ", config.engine.speed)), "{}", config.engine.speed);
}

#[test]
fn the_example_file_with_every_comment_opened_is_good_too() {
    let keyed = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        line.contains(" = ") && key.chars().all(|c| c.is_ascii_lowercase() || c == '_') || line.starts_with('[')
    };
    let opened: Vec<_> =
        EXAMPLE.lines().map(|line| line.strip_prefix("# ").filter(|rest| keyed(rest)).unwrap_or(line)).collect();

    let config = Config::from_toml_str(&opened.join("\n")).unwrap();

    assert!(config.database.url.is_some());
}

/// Every key that is accepted has an effect; keys of a later version are unknown.
#[test]
fn a_key_without_effect_is_no_key() {
    for text in ["[engine]\nid = \"engine-1\"\n", "[opt_out]\nlanguages = [\"en\"]\n", "[http]\ncors = \"*\"\n"] {
        assert!(problems(text)[0].contains("unknown key"), "{:?}", problems(text));
    }
}

#[test]
fn keys_of_the_dashboard_are_taken_as_written_with_their_lines() {
    let config = Config::from_toml_str("[ui]\nname = \"Kedai\"\n[ui.keys]\nfind = \"/ ctrl-f\"\nquit = []\n").unwrap();

    let keys: Vec<_> = config.ui.keys.iter().map(|key| (key.action.as_str(), key.keys.join("+"), key.line)).collect();
    assert_eq!(keys, [("find", "/+ctrl-f".to_owned(), 4), ("quit", String::new(), 5)]);
    assert!(problems("[ui]\nkeys = 3\n")[0].contains("must be a table"), "{:?}", problems("[ui]\nkeys = 3\n"));
    let nested = "[ui.keys]\nfind = { a = 1 }\n";
    assert!(problems(nested)[0].contains("config.toml:2: ui.keys.find: write the names"), "{:?}", problems(nested));
}

#[test]
fn every_known_key_is_documented_in_the_example_file() {
    let mut table = "";
    let mut documented = Vec::new();
    for line in EXAMPLE.lines().map(|line| line.trim_start_matches("# ")) {
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_matches(['[', ']']);
        } else if let Some((key, _)) = line.split_once(" = ") {
            documented.push((table, key));
        }
    }
    for table in &keys::TABLES {
        for key in table.names() {
            assert!(documented.contains(&(table.name, key)), "{}.{key} is not in the example file", table.name);
        }
    }
}

#[test]
fn the_values_in_the_example_are_the_defaults_where_it_says_so() {
    let example = Config::from_toml_str(EXAMPLE).unwrap();
    let bare = Config::from_toml_str("").unwrap();

    assert_eq!(format!("{:?}", example.engine), format!("{:?}", bare.engine));
    assert_eq!(format!("{:?}", example.polling), format!("{:?}", bare.polling));
    assert_eq!(format!("{:?}", example.opt_out), format!("{:?}", bare.opt_out));
}

// Defaults

#[test]
fn without_a_file_the_defaults_hold_and_there_is_no_sender() {
    let config = Config::from_toml_str("").unwrap();

    assert!(config.senders.is_empty());
    assert!(config.database.url.is_none());
    assert_eq!(config.engine.failures_in_a_row, 5);
    assert_eq!(config.engine.lease, Duration::from_secs(15));
    assert_eq!(config.ui.currency, "MYR");
}

#[test]
fn a_sender_whose_pace_is_not_stated_is_paced_gently() {
    let sender = sales("");

    assert_eq!(sender.gap.unwrap().to_string(), "20s..1m");
    assert_eq!(sender.daily_cap.unwrap().get(), 500);
    assert_eq!(sender.in_flight, 1);
    assert_eq!(sender.base_url.as_str(), "https://api.wsapme.com");
    assert_eq!(sender.region.to_string(), "MY");
    assert_eq!(sender.business(), "sales");
    assert_eq!(sender.timeout, Duration::from_secs(30));
}

#[test]
fn whoever_states_a_rate_gets_no_gap_unless_it_is_stated_too() {
    assert_eq!(sales("rate = \"unlimited\"\n").gap, None);
    assert_eq!(sales("rate = \"20/min\"\ngap = \"1s..2s\"\n").gap.unwrap().to_string(), "1s..2s");
    assert_eq!(sales("gap = \"none\"\ndaily_cap = \"off\"\n").limits(Speed::REAL), Limits::none(chrono_tz::UTC));
}

// Problems

#[test]
fn every_problem_is_found_at_once_with_its_line_key_and_mend() {
    let text = "[engine]\nspede = 2\nlease_seconds = 1\n[databse]\nurl = 1\n[[senders]]\nname = \"sales\"\n\
                provider = \"mata\"\nrate = \"-1/min\"\ngap = \"60s..20s\"\nbase_url = \"http://api.wsapme.com\"\n\
                region = \"XX\"\n[ui]\nascii = 1\n";

    let found = problems(text);

    let expected = [
        "config.toml:2: engine.spede: unknown key: did you mean `speed`?",
        "config.toml:3: engine.lease_seconds: 1 is out of range: write 5 to 300",
        "config.toml:4: databse: unknown key: did you mean `database`?",
        "config.toml:8: senders.sales.provider: no such provider: write wsapme or meta",
        "config.toml:9: senders.sales.rate: `-1/min` is not a valid rate: it cannot be negative; write 20/min, 80/s, 90/h, 500/day or unlimited",
        "config.toml:10: senders.sales.gap: `60s..20s` ends before it begins: write the shorter pause first, as in 20s..60s",
        "config.toml:11: senders.sales.base_url: the token would be sent in clear text: write https://",
        "config.toml:12: senders.sales.region: `XX` is not a two-letter country code: write one, such as MY",
        "config.toml:14: ui.ascii: write auto, true or false",
    ];
    for line in expected {
        assert!(found.iter().any(|found| found == line), "{line}\nis not in\n{}", found.join("\n"));
    }
    assert!(found.iter().any(|line| line.starts_with("config.toml:7: senders.sales.token: missing")), "{found:?}");
    assert_eq!(found.len(), expected.len() + 1, "{found:#?}");
}

const CLOUD: &str = "[[senders]]\nname = \"cloud\"\nprovider = \"meta\"\nphone_number_id = \"106853218861309\"\n\
    waba_id = \"102290129340398\"\ntoken = { env = \"T\" }\n";

#[test]
fn a_sender_of_metas_has_its_own_keys_and_defaults() {
    let config = Config::from_toml_str(CLOUD).unwrap();
    let sender = config.sender("cloud").unwrap();

    let meta = sender.meta.as_ref().unwrap();
    assert_eq!((meta.phone_number_id.as_str(), meta.waba_id.as_str()), ("106853218861309", "102290129340398"));
    assert_eq!((meta.api_version.as_str(), meta.send_edge), ("v24.0", SendEdge::Messages));
    assert!(meta.app_secret.is_none() && meta.verify_token.is_none());
    assert_eq!(sender.base_url.as_str(), "https://graph.facebook.com");
    assert_eq!((sender.rate.to_string().as_str(), sender.gap, sender.daily_cap), ("80/s", None, None));
    assert_eq!(sender.in_flight, 64);
    assert_eq!(sender.identity().id, "106853218861309");
}

#[test]
fn keys_of_the_other_provider_are_refused() {
    let found = problems(&format!("{CLOUD}device = \"5850\"\n{}waba_id = \"1\"\n", SALES.trim_start()));

    let wsapme = "only a sender with provider = \"wsapme\" has it: remove it";
    let meta = "only a sender with provider = \"meta\" has it: remove it";
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].ends_with(&format!("senders.cloud.device: {wsapme}")), "{found:?}");
    assert!(found[1].ends_with(&format!("senders.sales.waba_id: {meta}")), "{found:?}");
}

#[test]
fn a_version_is_checked_as_the_client_will_check_it() {
    let version = |version: &str| {
        let token = "token = { env = \"T\" }";
        Config::from_toml_str(&CLOUD.replace(token, &format!("{token}\napi_version = \"{version}\"")))
    };

    for (text, is_good) in
        [("v24.0", true), ("v123.10", true), ("v1234.0", false), ("v24.1234", false), ("24.0", false)]
    {
        assert_eq!(version(text).is_ok(), is_good, "{text}");
    }
}

#[test]
fn ids_versions_and_calls_of_metas_are_checked() {
    let found = problems(&CLOUD.replace("106853218861309", "+60 12").replace(
        "token = { env = \"T\" }",
        "token = { env = \"T\" }\napi_version = \"24\"\nsend_call = \"mail\"\napp_secret = \"s3cret\"",
    ));

    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(!found.join("").contains("s3cret"));
}

#[test]
fn a_file_that_is_no_toml_is_named_with_its_line() {
    let found = problems("[engine]\nspeed = = 1\n");

    assert!(found[0].starts_with("config.toml:2: not TOML: "), "{found:?}");
}

#[test]
fn a_problem_is_not_reported_again_by_what_follows_from_it() {
    let hook = "[[hooks]]\nname = \"crm\"\nurl = \"https://example.com\"\nsecret = { env = \"S\" }\nevents = [\"*\"]\n";
    let rest = format!("{hook}senders = [\"sales\"]\n[[businesses]]\nname = \"sales\"\n");
    let of_sender = problems(&format!("{}{rest}", SALES.replace("5850", "\"58 50\"")));
    let of_text = in_environment("[engine]\nspeed = = 1\n", [("BLASTDECK_SENDERS_SALES_TOKEN", "t")]).unwrap_err();

    Config::from_toml_str(&format!("{SALES}{rest}")).unwrap();
    assert!(of_sender.len() == 1 && of_sender[0].contains("device"), "{of_sender:?}");
    assert!(of_text.problems.iter().all(|problem| problem.text.contains("not TOML")), "{of_text}");
}

#[test]
fn a_token_in_the_file_is_refused_and_not_repeated() {
    let found = problems(&SALES.replace("{ env = \"T\" }", "\"s3cret\""));

    assert_eq!(found.len(), 1);
    assert!(found[0].contains("a secret does not belong in this file"), "{found:?}");
    assert!(!found[0].contains("s3cret"));
}

#[test]
fn senders_must_differ_also_as_variables() {
    let found = problems(&format!("{SALES}{}", SALES.replace("sales", "SALES")));

    assert_eq!(
        found,
        ["config.toml:7: senders.SALES.name: too similar to the sender `sales`: give each a distinct name"]
    );
}

#[test]
fn one_phone_is_one_sender() {
    let [again, elsewhere, other] =
        ["device = \" 5850\"\n", "device = \"5850\"\nbase_url = \"https://other.example\"\n", "device = \"5851\"\n"]
            .map(|device| {
                format!(
                    "{SALES}[[senders]]\nname = \"dup\"\nprovider = \"wsapme\"\ntoken = {{ env = \"T\" }}\n{device}"
                )
            });

    let found = problems(&again);
    assert!(
        found.len() == 1 && found[0].contains("senders.dup.device: the same phone as the sender `sales`"),
        "{found:?}"
    );
    assert!(Config::from_toml_str(&elsewhere).is_ok() && Config::from_toml_str(&other).is_ok());
}

#[test]
fn a_real_sender_cannot_be_hurried_but_a_rehearsal_can() {
    let hurried = format!("{SALES}[engine]\nspeed = 60\n");
    let rehearsal = format!("{SALES}base_url = \"http://127.0.0.1:9000\"\n[engine]\nspeed = 60\n");

    assert_eq!(
        problems(&hurried),
        ["config.toml:7: engine.speed: sender sales is real, and only a rehearsal can run faster: write 1"]
    );
    assert!(Config::from_toml_str(&rehearsal).unwrap().senders[0].is_rehearsal());
}

#[test]
fn only_loopback_is_a_rehearsal_and_may_be_spoken_to_in_clear() {
    for address in ["http://localhost:1", "http://127.0.0.1", "http://[::1]:8080/x/", "https://127.9.9.9"] {
        assert!(sales(&format!("base_url = \"{address}\"\n")).is_rehearsal(), "{address}");
    }
    assert!(!sales("base_url = \"https://localhost.example.com\"\n").is_rehearsal());
    for address in [
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "ftp://localhost",
        "https://u:p@x.my",
        "https://x.my?a",
        "api.wsapme.com",
        "",
    ] {
        let found = problems(&format!("{SALES}base_url = \"{address}\"\n"));
        assert!(found[0].contains("senders.sales.base_url"), "{found:?}");
    }
}

#[test]
fn odd_shapes_are_problems_and_not_panics() {
    for text in [
        "senders = 1",
        "senders = [1]",
        "[senders]\nname = 1",
        "database = 1",
        "[engine]\nspeed = [1]",
        "[opt_out]\nkeywords = [[1]]",
        "[opt_out]\nkeywords = { a = 1 }",
        "[opt_out]\nkeywords = []",
        "[opt_out]\nkeywords = [\" \", \"\"]",
        "[[senders]]",
        "[[database]]",
        "[[senders]]\ntoken = { env = \"A\", file = \"b\" }",
        "[[senders]]\ntoken = { env = 1, x = [2] }",
        "[polling]\nper_second = -1",
        "[polling]\nper_second = nan",
        "[polling]\ninterval = 0",
        "[ui]\ncurrency = \"RM\"",
        "[ui]\ntimezone = \"Mars\"",
        "[database]\nurl = \"mysql://x\"",
    ] {
        assert!(!problems(text).is_empty(), "{text}");
    }
}

#[test]
fn problems_come_in_the_order_of_their_lines() {
    let found =
        problems("[ui]\ntimezone = \"Mars\"\n[polling]\nper_second = -1\n[database]\nurl = \"mysql://x\"\nurk = 1\n");

    let lines: Vec<_> = found.iter().map(|problem| problem.split(':').nth(1).unwrap()).collect();
    assert_eq!(lines, ["2", "4", "6", "7"], "{found:#?}");
}

// Files that are none

/// What is wrong with a path as a configuration.
fn refused(path: &Path) -> String {
    let flags = Flags { config: Some(path.to_owned()), ..Flags::default() };
    Config::load_in(&flags, &Environment::default()).expect_err(&path.display().to_string()).to_string()
}

#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe.toml");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let long = dir.path().join("long.toml");
    fs::write(&long, " ".repeat(1024 * 1024 + 1)).unwrap();

    assert!(refused(&pipe).contains("a pipe, which can be read only once"), "{}", refused(&pipe));
    assert!(refused(dir.path()).contains("a directory: name the file in it"), "{}", refused(dir.path()));
    assert!(refused(Path::new("/dev/zero")).contains("a device or a socket"), "{}", refused(Path::new("/dev/zero")));
    assert!(refused(&long).contains("longer than 1048576 bytes"), "{}", refused(&long));
    assert!(EXAMPLE.contains(&format!("The file may be up to {} MiB long.", FILE_MAX >> 20)));
}

#[test]
fn a_pipe_that_a_shell_opened_for_this_process_is_read_and_so_is_nothing() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut writer, SALES.as_bytes()).unwrap();
    drop(writer);
    let pipe = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
    let load = |path: &str| {
        let flags = Flags { config: Some(path.into()), ..Flags::default() };
        Config::load_in(&flags, &Environment::default()).unwrap()
    };

    assert_eq!(load(&pipe).senders.len(), 1);
    assert!(load("/dev/null").senders.is_empty());
}
