use std::process::Command;

use super::*;

fn new(name: &str) -> NewSender {
    NewSender {
        name: name.to_owned(),
        provider: ProviderKind::Wsapme,
        device: "5850".to_owned(),
        waba_id: String::new(),
        business: String::new(),
        region: "MY".to_owned(),
        gap: "20-60".to_owned(),
        base_url: String::new(),
        token: TypedToken::Secret("a \"secret\" of ours".to_owned()),
    }
}

fn config(text: &str) -> (tempfile::TempDir, Config) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    fs::write(&path, text).unwrap();
    let config = Config::load(&Flags { config: Some(path), database_url: None }).unwrap();
    (dir, config)
}

#[test]
fn times_are_shown_by_the_first_senders_clocks_where_the_machine_runs_by_utc_and_nothing_else_is_written() {
    let berlin = Tz::Europe__Berlin;
    assert_eq!(shown_zone("", Tz::UTC, "MY"), Some(Tz::Asia__Kuala_Lumpur));
    assert_eq!(shown_zone("[database]\nurl = \"x\"\n", Tz::UTC, "MY"), Some(Tz::Asia__Kuala_Lumpur));
    assert_eq!(shown_zone("[ui]\nname = \"Kedai\"\n", Tz::UTC, "MY"), None, "a table stands once");
    assert_eq!(shown_zone("", Tz::Etc__UTC, "MY"), Some(Tz::Asia__Kuala_Lumpur));
    assert_eq!(shown_zone("", berlin, "MY"), None, "the machine is somewhere");
    assert_eq!(shown_zone("", Tz::UTC, "US"), None, "a country of several zones");
}

#[test]
fn what_stands_in_the_file_stays_and_the_token_is_for_this_user_alone() {
    let before = "# mine\n[ui] # the shop\nname = \"Kedai Aina\"   # do not touch";
    let (dir, config) = config(before);

    let (path, token) = PreparedConfig::write(&config, &new("sales")).unwrap().keep().unwrap();

    let after = fs::read_to_string(&path).unwrap();
    assert!(after.contains("\ngap = \"20-60\"\n"), "{after}");
    assert!(after.starts_with(before), "{after}");
    let loaded = Config::load(&Flags { config: Some(path), database_url: None }).unwrap();
    assert_eq!(loaded.sender("sales").unwrap().device, "5850");
    let token = token.unwrap();
    assert_eq!(fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(token).unwrap(), "a \"secret\" of ours\n");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn a_sender_has_the_zone_of_its_country_where_that_has_one() {
    for (region, zone) in [("MY", "Asia/Kuala_Lumpur"), ("DE", "Europe/Berlin"), ("US", "America/New_York")] {
        let (_dir, config) = config("[ui]\ntimezone = \"America/New_York\"\n");
        let new = NewSender { region: region.to_owned(), ..new("sales") };

        let (path, _) = PreparedConfig::write(&config, &new).unwrap().keep().unwrap();

        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.contains(&format!("region = \"{region}\"\ntimezone = \"{zone}\"")), region != "US", "{text}");
        let loaded = Config::load(&Flags { config: Some(path), database_url: None }).unwrap();
        assert_eq!(loaded.sender("sales").unwrap().timezone.name(), zone);
    }
}

#[test]
fn a_sender_shares_the_opt_outs_of_the_business_that_was_chosen() {
    let (_dir, config) = config("");
    let (path, _) = PreparedConfig::write(&config, &new("sales")).unwrap().keep().unwrap();
    let flags = Flags { config: Some(path), database_url: None };
    let config = Config::load(&flags).unwrap();
    let own = |name: &str, device: &str| NewSender { device: device.to_owned(), ..new(name) };

    let second = NewSender { business: "sales".to_owned(), ..own("second", "5851") };
    PreparedConfig::write(&config, &second).unwrap().keep().unwrap();
    let config = Config::load(&flags).unwrap();
    PreparedConfig::write(&config, &own("third", "5852")).unwrap().keep().unwrap();

    let config = Config::load(&flags).unwrap();
    assert_eq!(
        ["sales", "second", "third"].map(|name| config.sender(name).unwrap().business()),
        ["sales", "sales", "third"]
    );
}

#[test]
fn what_is_refused_or_not_kept_leaves_no_file_behind() {
    let (dir, config) = config("");

    drop(PreparedConfig::write(&config, &new("sales")).unwrap());
    let refused = PreparedConfig::write(&config, &NewSender { device: String::new(), ..new("sales") });

    assert!(refused.err().unwrap().contains("device"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    assert!(!format!("{:?}", new("sales")).contains("secret\" of"));
}

#[test]
fn what_somebody_wrote_into_the_file_meanwhile_is_not_overwritten() {
    let (dir, config) = config("[ui]\nname = \"Kedai\"\n");
    let prepared = PreparedConfig::write(&config, &new("sales")).unwrap();
    fs::write(config.path().unwrap(), "[ui]\nname = \"Kedai Aina\"\n").unwrap();

    let refused = prepared.keep().unwrap_err();

    assert!(refused.contains("was changed meanwhile"), "{refused}");
    assert_eq!(fs::read_to_string(config.path().unwrap()).unwrap(), "[ui]\nname = \"Kedai Aina\"\n");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no token either");
}

#[test]
fn a_device_is_not_replaced() {
    // Of a directory of the test's own: as root, what stood here would be gone.
    let dir = tempfile::tempdir().unwrap();
    let (path, _held) =
        (dir.path().join("config.toml"), std::os::unix::net::UnixListener::bind(dir.path().join("config.toml")));
    let (_, config) = config("");
    let config = Config { path: Some(path), ..config };

    let refused = PreparedConfig::write(&config, &new("sales")).err().unwrap();

    assert!(refused.contains("is not a file that can be replaced"), "{refused}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn both_files_belong_to_whom_the_configuration_belonged_to() {
    if !rustix::process::geteuid().is_root() {
        // Nobody else may give a file away.
        return;
    }
    let (_dir, config) = config("");
    chown(config.path().unwrap(), Some(64_998), Some(64_999)).unwrap();

    let (path, token) = PreparedConfig::write(&config, &new("sales")).unwrap().keep().unwrap();

    for file in [path, token.unwrap()] {
        let owner = fs::metadata(file).unwrap();
        assert_eq!((owner.uid(), owner.gid()), (64_998, 64_999));
    }
}

#[test]
fn the_group_that_alone_reads_roots_configuration_reads_the_token_as_well() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for (mode, token_mode) in [(0o640, 0o640), (0o644, 0o600), (0o600, 0o600)] {
        let (_dir, config) = config("");
        given(config.path().unwrap(), (0, 64_999), mode);

        let (path, token) = PreparedConfig::write(&config, &new("sales")).unwrap().keep().unwrap();

        let (path, token) = (fs::metadata(path).unwrap(), fs::metadata(token.unwrap()).unwrap());
        assert_eq!((path.mode() & 0o777, token.mode() & 0o777, token.gid()), (mode, token_mode, 64_999));
    }
}

/// Gives a file away, as only root may.
fn given(path: &Path, (user, group): (u32, u32), mode: u32) {
    chown(path, Some(user), Some(group)).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// In a process of its own, which has no right to give files away, as nobody but root has.
#[test]
fn a_sender_is_added_to_a_configuration_of_somebody_else_who_can_still_read_it() {
    const OF_CHILD: &str = "BLASTDECK_TEST_OF_SOMEBODY_ELSE";
    const NAME: &str =
        "config::adding::tests::a_sender_is_added_to_a_configuration_of_somebody_else_who_can_still_read_it";
    if let Some(dir) = std::env::var_os(OF_CHILD) {
        add_to_those_of_others(Path::new(&dir));
        return;
    }
    if !rustix::process::geteuid().is_root() {
        // Nobody else can have a file that belongs to somebody else.
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, owner, mode) in OF_OTHERS {
        fs::create_dir(dir.path().join(name)).unwrap();
        let path = dir.path().join(name).join("config.toml");
        fs::write(&path, "").unwrap();
        given(&path, owner, mode);
    }

    let mut child = Command::new("setpriv");
    child.arg("--bounding-set=-chown").arg(std::env::current_exe().unwrap()).args(["--exact", NAME]);
    let ended = child.env(OF_CHILD, dir.path()).output().unwrap();

    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
}

/// Configurations, each in a directory of its own, with owner, group and mode.
const OF_OTHERS: [(&str, (u32, u32), u32); 5] = [
    ("owner-alone", (64_998, 64_999), 0o600),
    ("owner-and-group", (64_998, 0), 0o640),
    ("group-alone", (0, 64_999), 0o640),
    ("everybody", (64_998, 64_999), 0o644),
    ("everybody-by-group", (0, 64_999), 0o644),
];

fn add_to_those_of_others(dir: &Path) {
    let by_variable = NewSender { token: TypedToken::Variable("SALES_TOKEN".to_owned()), ..new("sales") };
    for (name, typed, named) in [
        ("owner-alone", false, false),
        ("owner-and-group", false, false),
        ("group-alone", false, false),
        ("everybody", false, true),
        ("everybody-by-group", true, true),
    ] {
        let path = dir.join(name).join("config.toml");
        for (new, is_added) in [(&new("sales"), typed), (&by_variable, named)] {
            let config = Config::load(&Flags { config: Some(path.clone()), database_url: None }).unwrap();

            let kept = PreparedConfig::write(&config, new).unwrap().keep();

            assert_eq!(kept.is_ok(), is_added, "{name}: {kept:?}");
            assert_eq!(fs::read_to_string(&path).unwrap().contains("sales"), is_added, "{name}");
            if let Err(why) = kept {
                let line = format!("`sudo blastdeck --config '{}'`", path.display());
                assert!(why.contains("could then not read it") && why.contains(&line), "{why}");
                assert_eq!(fs::read_dir(dir.join(name)).unwrap().count(), 1, "no draft and no token");
            }
            // The next one is added to it as it was.
            let as_it_was = fs::OpenOptions::new().write(true).truncate(true).open(&path);
            as_it_was.unwrap();
        }
    }
}
