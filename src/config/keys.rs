//! The known keys, and the environment variables that override them.

/// One table of the file and its keys.
#[derive(Debug)]
pub(super) struct TableKeys {
    pub name: &'static str,
    pub keys: &'static [&'static str],
}

/// Every table and key, in the order of the example file.
pub(super) const TABLES: [TableKeys; 10] = [
    TableKeys { name: "database", keys: &["url", "data_dir", "state_dir"] },
    TableKeys {
        name: "senders",
        keys: &[
            "name",
            "provider",
            "device",
            "phone_number_id",
            "waba_id",
            "region",
            "business",
            "token",
            "app_secret",
            "verify_token",
            "webhook_secret",
            "base_url",
            "api_version",
            "send_call",
            "status_call",
            "rate",
            "gap",
            "pair_gap",
            "daily_cap",
            "in_flight",
            "timezone",
            "timeout",
            "retry_next_day",
            "default",
        ],
    },
    TableKeys {
        name: "engine",
        keys: &[
            "failures_in_a_row",
            "lease_seconds",
            "retry_tries",
            "retry_backoff",
            "retry_backoff_max",
            "too_late",
            "keep_history",
            "speed",
        ],
    },
    TableKeys { name: "polling", keys: &["interval", "per_second", "give_up_after"] },
    TableKeys {
        name: "http",
        keys: &["listen", "public_url", "open_on_loopback", "requests_per_minute", "cors_origins", "keep_inbox_days"],
    },
    TableKeys {
        name: "hooks",
        keys: &["name", "url", "secret", "old_secret", "events", "senders", "batch", "allow_private"],
    },
    TableKeys { name: "businesses", keys: &["name", "frequency_cap"] },
    TableKeys { name: "opt_out", keys: &["keywords"] },
    TableKeys { name: "pricing", keys: &["rates"] },
    TableKeys { name: "ui", keys: &["name", "currency", "timezone", "ascii", "theme", "test_to"] },
];

/// The tables that there may be several of, each with a name.
pub(super) const ARRAYS: [&str; 3] = ["senders", "hooks", "businesses"];

/// The keys of the table with this name.
pub(super) fn table(name: &str) -> Option<&'static TableKeys> {
    TABLES.iter().find(|table| table.name == name)
}

impl TableKeys {
    pub fn key(&self, name: &str) -> Option<&'static str> {
        self.keys.iter().copied().find(|key| *key == name)
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.keys.iter().copied()
    }

    /// With the table that a file may have within this one.
    pub fn names_in_file(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.names().chain((self.name == "ui").then_some("keys"))
    }
}

/// The variables that override a key of a table that is not an array, the strongest first.
pub(super) fn variables(table: &str, key: &str) -> Vec<String> {
    let own = format!("BLASTDECK_{}_{}", fold(table), fold(key));
    match (table, key) {
        ("database", "url") => vec!["DATABASE_URL".to_owned(), own],
        ("database", "data_dir") => vec!["BLASTDECK_DATA_DIR".to_owned(), own],
        ("database", "state_dir") => vec!["BLASTDECK_STATE_DIR".to_owned(), own],
        _ => vec![own],
    }
}

/// The prefix of the variables of a table of [`ARRAYS`], such as a sender.
pub(super) fn prefix(table: &str, name: &str) -> String {
    format!("BLASTDECK_{}_{}_", fold(table), fold(name))
}

/// A name as part of a variable: in upper case, with an underscore for everything but letters and digits.
pub(super) fn fold(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// The position of a dotted key in the example file, for sorting.
pub(super) fn position(path: &str) -> (usize, String, usize) {
    let table = path.split(['.', '[']).next().unwrap_or_default();
    let (owner, name) = path.rsplit_once('.').unwrap_or((path, ""));
    let at = TABLES.iter().position(|candidate| candidate.name == table).unwrap_or(TABLES.len());
    let within = TABLES.get(at).and_then(|table| table.keys.iter().position(|key| *key == name));
    // Each sender's keys stay together, in order.
    (at, owner.to_owned(), within.unwrap_or(usize::MAX))
}
