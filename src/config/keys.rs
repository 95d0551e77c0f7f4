//! The keys there are, and the environment variables that override them.

/// Whether a key does something in this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Now,
    /// Known, so that one file serves later versions too; noted as unused.
    Later,
}

#[derive(Debug)]
pub(super) struct Key {
    pub name: &'static str,
    pub used: Use,
}

/// A table of the file.
#[derive(Debug)]
pub(super) struct Table {
    pub name: &'static str,
    pub keys: &'static [Key],
}

const fn now(name: &'static str) -> Key {
    Key { name, used: Use::Now }
}

const fn later(name: &'static str) -> Key {
    Key { name, used: Use::Later }
}

/// Every table and key, in the order of the example file.
pub(super) const TABLES: [Table; 7] = [
    Table { name: "database", keys: &[now("url"), now("data_dir"), now("state_dir")] },
    Table {
        name: "senders",
        keys: &[
            now("name"),
            now("provider"),
            now("device"),
            now("region"),
            now("business"),
            now("token"),
            now("base_url"),
            now("status_call"),
            now("rate"),
            now("gap"),
            now("pair_gap"),
            now("daily_cap"),
            now("in_flight"),
            now("timezone"),
            now("timeout"),
            later("webhook_secret"),
        ],
    },
    Table {
        name: "engine",
        keys: &[
            now("failures_in_a_row"),
            now("lease_seconds"),
            now("retry_tries"),
            now("retry_backoff"),
            now("retry_backoff_max"),
            now("too_late"),
            now("keep_history"),
            now("speed"),
            later("id"),
        ],
    },
    Table { name: "polling", keys: &[now("interval"), now("per_second"), now("give_up_after")] },
    Table { name: "opt_out", keys: &[now("keywords"), later("languages")] },
    Table {
        name: "ui",
        keys: &[
            now("name"),
            now("currency"),
            now("timezone"),
            now("ascii"),
            now("theme"),
            later("test_to"),
            later("keys"),
        ],
    },
    Table { name: "http", keys: &[later("listen"), later("tokens")] },
];

/// The table of a name.
pub(super) fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

impl Table {
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.keys.iter().map(|key| key.name)
    }
}

/// The variables that override a key of a table that stands once, the strongest first.
pub(super) fn variables(table: &str, key: &str) -> Vec<String> {
    let own = format!("BLASTDECK_{}_{}", fold(table), fold(key));
    match (table, key) {
        ("database", "url") => vec!["DATABASE_URL".to_owned(), own],
        ("database", "data_dir") => vec!["BLASTDECK_DATA_DIR".to_owned(), own],
        ("database", "state_dir") => vec!["BLASTDECK_STATE_DIR".to_owned(), own],
        _ => vec![own],
    }
}

/// What the variables of a sender begin with.
pub(super) fn sender_prefix(name: &str) -> String {
    format!("BLASTDECK_SENDERS_{}_", fold(name))
}

/// A name as it stands in a variable: upper case, everything but letters and digits an underscore.
pub(super) fn fold(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// Where a dotted key stands in the order of the example file.
pub(super) fn position(path: &str) -> (usize, String, usize) {
    let table = path.split(['.', '[']).next().unwrap_or_default();
    let (owner, name) = path.rsplit_once('.').unwrap_or((path, ""));
    let at = TABLES.iter().position(|candidate| candidate.name == table).unwrap_or(TABLES.len());
    let within = TABLES.get(at).and_then(|table| table.keys.iter().position(|key| key.name == name));
    // Senders keep together, each with its keys in order.
    (at, owner.to_owned(), within.unwrap_or(usize::MAX))
}
