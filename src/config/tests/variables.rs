//! What the environment, flags and the place of the file do to a configuration.

use super::*;

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
    let hook = "[[hooks]]\nname = \"crm\"\nurl = \"https://example.com\"\nsecret = { env = \"S\" }\nevents = [\"*\"]\n";
    let business = "[[businesses]]\nname = \"sales\"\n";
    let config = Config::from_toml_str(&format!("{SALES}{CLOUD}{hook}{business}")).unwrap();

    for table in &keys::TABLES {
        for key in table.keys {
            // Each provider has keys of its own.
            let owners: &[&str] = match table.name {
                "senders" => &["senders.sales", "senders.cloud"],
                "hooks" => &["hooks.crm"],
                "businesses" => &["businesses.sales"],
                name => &[name],
            };
            let is_there = |owner: &&str| config.origins().iter().any(|origin| origin.key == format!("{owner}.{key}"));
            assert!(owners.iter().any(is_there), "{}.{key}", table.name);
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

#[test]
fn the_operator_is_known_also_where_the_configuration_cannot_be_read() {
    let variables = [("USER", "aina"), ("HOSTNAME", "kedai"), ("BLASTDECK_CONFIG", "/nowhere/config.toml")];
    let environment = Environment::with(variables);

    assert!(Config::load_in(&Flags::default(), &environment).is_err());
    assert_eq!(Config::operator_in(&environment).as_deref(), Some("aina@kedai"));
    assert_eq!(Config::operator_in(&Environment::with([("BLASTDECK_OPERATOR", "engine")])), None);
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
fn a_link_that_leads_nowhere_is_not_passed_over() {
    for linked in ["config/blastdeck/config.toml", "config/blastdeck"] {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join(linked);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(dir.path().join("not mounted"), &link).unwrap();

        let error = Config::load_in(&Flags::default(), &at_home(&dir, [])).unwrap_err().to_string();

        assert!(error.contains("config.toml: a link on its path leads nowhere"), "{error}");
    }
}

#[test]
fn a_named_file_that_is_not_there_is_an_error_with_its_path_and_the_mend() {
    let flags = Flags { config: Some(PathBuf::from("/nowhere/deck.toml")), database_url: None };

    let error = Config::load_in(&flags, &Environment::default()).unwrap_err().to_string();

    assert!(error.starts_with("/nowhere/deck.toml: no such file: correct the path"), "{error}");
}

#[test]
fn a_blast_without_a_sender_goes_to_the_default_of_its_provider_or_to_the_only_one() {
    let second = SALES.replace("sales", "support").replace("5850", "5851");
    let default = |text: &str| {
        let config = Config::from_toml_str(text).unwrap();
        config.default_sender(ProviderKind::Wsapme).map(|sender| sender.name.clone())
    };

    assert_eq!(default(SALES).as_deref(), Some("sales"));
    assert_eq!(default(&format!("{SALES}{second}")), None);
    assert_eq!(default(&format!("{SALES}{second}default = true\n")).as_deref(), Some("support"));
    let two = Config::from_toml_str(&format!("{SALES}default = true\n{second}default = true\n")).unwrap_err();
    assert!(two.to_string().contains("sales is the default of provider wsapme already"), "{two}");
}
