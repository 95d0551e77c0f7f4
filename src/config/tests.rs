use std::time::Duration;

use super::environment::UserDirectories;
use super::*;
use crate::domain::pace::Limits;

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
    for text in [
        &format!("{SALES}webhook_secret = {{ env = \"X\" }}\n"),
        "[engine]\nid = \"engine-1\"\n",
        "[opt_out]\nlanguages = [\"en\"]\n",
        "[ui]\ntest_to = \"+60100000000\"\n",
        "[ui]\nkeys = {}\n",
        "[http]\nlisten = \"127.0.0.1:8080\"\n",
    ] {
        assert!(problems(text)[0].contains("unknown key"), "{:?}", problems(text));
    }
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
        "config.toml:8: senders.sales.provider: no such provider: write wsapme",
        "config.toml:9: senders.sales.rate: `-1/min` is not a valid rate: it cannot be negative; write 20/min, 80/s, 90/h or unlimited",
        "config.toml:10: senders.sales.gap: `60s..20s` ends before it begins: write the shorter pause first, as in 20s..60s",
        "config.toml:11: senders.sales.base_url: the token would be sent in clear text: write https://",
        "config.toml:12: senders.sales.region: `XX` is not a country: two letters are meant, such as MY",
        "config.toml:7: senders.sales.device: missing: write device = \"5850\", the linked phone's id",
        "config.toml:14: ui.ascii: write auto, true or false",
    ];
    for line in expected {
        assert!(found.iter().any(|found| found == line), "{line}\nis not in\n{}", found.join("\n"));
    }
    assert!(found.iter().any(|line| line.starts_with("config.toml:7: senders.sales.token: missing")), "{found:?}");
    assert_eq!(found.len(), expected.len() + 1, "{found:#?}");
}

#[test]
fn a_sender_of_metas_is_refused_in_one_sentence() {
    let found =
        problems("[[senders]]\nname = \"cloud\"\nprovider = \"meta\"\nphone_number_id = \"1\"\nwaba_id = \"2\"\n");

    assert_eq!(
        found,
        [
            "config.toml:3: senders.cloud.provider: Meta's Cloud API comes later, this version sends through wsapme only: \
          take this sender out, or write provider = \"wsapme\""
        ]
    );
}

#[test]
fn a_file_that_is_no_toml_is_named_with_its_line() {
    let found = problems("[engine]\nspeed = = 1\n");

    assert!(found[0].starts_with("config.toml:2: not TOML: "), "{found:?}");
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

// Environment and flags

#[test]
fn variables_override_the_file_and_flags_override_both() {
    let text = format!("{SALES}[database]\nurl = \"postgres://file/a\"\n");
    let variables = [
        ("BLASTDECK_ENGINE_FAILURES_IN_A_ROW", "9"),
        ("BLASTDECK_SENDERS_SALES_RATE", "7/min"),
        ("BLASTDECK_SENDERS_SALES_TOKEN", "s3cret"),
        ("BLASTDECK_OPT_OUT_KEYWORDS", "stop, no more ,"),
        ("DATABASE_URL", "postgres://u:hidden@variable/b?password=hidden"),
        ("BLASTDECK_DATABASE_URL", "postgres://weaker/c"),
        ("BLASTDECK_DATA_DIR", "/tmp/deck"),
        ("BLASTDECK_OPERATOR", "Aina\u{1b}[2J"),
        ("BLASTDECK_INSTALL_POSTGRES", "1"),
    ];

    let config = in_environment(&text, variables).unwrap();
    let flags = Flags { database_url: Some("postgres://flag/d".to_owned()), config: None };
    let flagged = Config::build(&text, None, &Environment::with(variables), &flags).unwrap();

    assert_eq!(config.engine.failures_in_a_row, 9);
    assert_eq!(config.senders[0].rate.to_string(), "7/min");
    assert_eq!(config.senders[0].token, TokenSource::Variable("BLASTDECK_SENDERS_SALES_TOKEN".to_owned()));
    assert_eq!(config.opt_out.keywords, ["stop", "no more"]);
    assert_eq!(config.database.url.as_ref().unwrap().expose(), "postgres://u:hidden@variable/b?password=hidden");
    assert_eq!(config.database.data_dir, PathBuf::from("/tmp/deck"));
    assert_eq!(config.operator, "Aina[2J");
    assert_eq!(flagged.database.url.unwrap().expose(), "postgres://flag/d");
}

#[test]
fn no_operator_has_the_engines_name() {
    let refused = in_environment(SALES, [("BLASTDECK_OPERATOR", "engine")]).unwrap_err();

    let said = "BLASTDECK_OPERATOR: `engine` is reserved for the engine itself: choose another name";
    assert!(refused.problems.iter().any(|problem| problem.to_string() == said), "{refused:?}");
    assert!(in_environment(SALES, [("BLASTDECK_OPERATOR", "engineer")]).is_ok());
}

#[test]
fn it_tells_where_each_value_came_from_and_keeps_secrets_out_of_it() {
    let config = in_environment(
        SALES,
        [("DATABASE_URL", "postgres://u:hidden@host/db?password=hidden"), ("BLASTDECK_SENDERS_SALES_TOKEN", "hidden")],
    )
    .unwrap();

    let origin =
        |key: &str| config.origins().iter().find(|origin| origin.key == key).unwrap_or_else(|| panic!("{key}"));
    assert_eq!(origin("database.url").value, "postgres://u:***@host/db");
    assert_eq!(origin("database.url").source, ValueSource::Variable("DATABASE_URL".to_owned()));
    assert_eq!(origin("senders.sales.device").source, ValueSource::File { line: 4 });
    assert_eq!(origin("senders.sales.rate").source, ValueSource::Default);
    assert_eq!(origin("senders.sales.token").value, "environment variable BLASTDECK_SENDERS_SALES_TOKEN");
    assert!(!format!("{:?}", config.origins()).contains("hidden"));
    assert!(!format!("{config:?}").contains("hidden"));
}

#[test]
fn every_key_of_this_version_has_an_origin() {
    let config = Config::from_toml_str(SALES).unwrap();

    for table in &keys::TABLES {
        for key in table.keys {
            let path =
                if table.name == "senders" { format!("senders.sales.{key}") } else { format!("{}.{key}", table.name) };
            assert!(config.origins().iter().any(|origin| origin.key == path), "{path}");
        }
    }
}

#[test]
fn a_variable_that_names_no_key_is_a_problem_with_the_nearest_one() {
    let error = in_environment(
        SALES,
        [
            ("BLASTDECK_ENGINE_SPED", "2"),
            ("BLASTDECK_SENDERS_SALES_RAET", "1/s"),
            ("BLASTDECK_SENDERS_OTHER_RATE", "1/s"),
            ("BLASTDECK_SENDERS_SALES_DAILY_CAP", "lots"),
        ],
    )
    .unwrap_err();

    assert_eq!(
        error.to_string().lines().collect::<Vec<_>>(),
        [
            "BLASTDECK_ENGINE_SPED: unknown key: did you mean `speed`?",
            "BLASTDECK_SENDERS_OTHER_RATE: OTHER_RATE begins with the name of no sender in the file",
            "BLASTDECK_SENDERS_SALES_RAET: unknown key: did you mean `rate`?",
            "BLASTDECK_SENDERS_SALES_DAILY_CAP: senders.sales.daily_cap: `lots` is not a valid daily cap: write how many messages a day, at least 1, or none for no cap",
        ]
    );
}

#[test]
fn the_machines_surroundings_give_operator_zone_and_data_directory() {
    let variables = [("USER", "aina"), ("HOSTNAME", "kedai"), ("TZ", "Asia/Kuala_Lumpur")];
    let aina = at_home("/home/aina", variables);
    let config = Config::build(SALES, None, &aina, &Flags::default()).unwrap();

    assert_eq!(config.operator, "aina@kedai");
    assert_eq!(config.ui.timezone, chrono_tz::Asia::Kuala_Lumpur);
    assert_eq!(config.senders[0].timezone, chrono_tz::Asia::Kuala_Lumpur);
    assert_eq!(config.database.data_dir, PathBuf::from("/home/aina/share/blastdeck"));
    assert_eq!(config.database.state_dir, PathBuf::from("/home/aina/state/blastdeck"));
    let moved = Config::build("[database]\ndata_dir = \"~/deck\"", None, &aina, &Flags::default()).unwrap();
    assert_eq!(moved.database.data_dir, PathBuf::from("/home/aina/deck"));
}

// Files

#[test]
fn the_file_is_looked_for_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("config/blastdeck/config.toml");
    std::fs::create_dir_all(own.parent().unwrap()).unwrap();
    std::fs::write(&own, "[ui]\nname = \"own\"").unwrap();
    let named = dir.path().join("named.toml");
    std::fs::write(&named, "\u{feff}[ui]\r\nname = \"named\"\r\n").unwrap();
    let flags = Flags { config: Some(named.clone()), database_url: None };
    let variable = [("BLASTDECK_CONFIG", named.to_str().unwrap())];

    let own_config = Config::load_in(&Flags::default(), &at_home(&dir, [])).unwrap();
    let by_variable = Config::load_in(&Flags::default(), &at_home(&dir, variable)).unwrap();
    let by_flag = Config::load_in(&flags, &at_home(&dir, [])).unwrap();

    assert_eq!((own_config.ui.name.as_deref(), own_config.path()), (Some("own"), Some(own.as_path())));
    assert_eq!(by_variable.ui.name.as_deref(), Some("named"));
    assert_eq!(by_flag.ui.name.as_deref(), Some("named"));
}

#[test]
fn a_named_file_that_is_not_there_is_an_error_with_its_path_and_the_mend() {
    let flags = Flags { config: Some(PathBuf::from("/nowhere/deck.toml")), database_url: None };

    let error = Config::load_in(&flags, &Environment::default()).unwrap_err().to_string();

    assert!(error.starts_with("/nowhere/deck.toml: no such file: correct the path"), "{error}");
}
