//! The environment of the process, captured once: variables, host, time zone, user and directories. Passed to
//! everything that needs it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use etcetera::BaseStrategy;

use super::directory::absolute;
use super::document::{Document, RawValue, SourcedValue, TableValues, unknown_key};
use super::keys::{self, TableKeys};
use super::log::{ConfigLog, ValueSource};
use crate::domain::text::clean;

/// Variables, and what else of the machine determines defaults. The default is empty.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// Names of variables whose values are not UTF-8.
    unreadable: BTreeSet<String>,
    host: Option<String>,
    /// Whose process it is, where no variable names the user: under `cron`, or in a container.
    user: Option<String>,
    /// What `/etc/localtime` points at.
    localtime: Option<PathBuf>,
    is_root: bool,
    pub(super) directories: Option<UserDirectories>,
}

/// The user's base directories, as the XDG specification has them.
#[derive(Debug, Clone)]
pub(super) struct UserDirectories {
    pub home: PathBuf,
    pub config: PathBuf,
    pub data: PathBuf,
    pub state: PathBuf,
}

impl UserDirectories {
    /// `None` where the user has no home directory.
    fn of_process() -> Option<Self> {
        let base = etcetera::choose_base_strategy().ok()?;
        let (config, data, state) = (base.config_dir(), base.data_dir(), base.state_dir()?);
        Some(Self { home: base.home_dir().to_owned(), config, data, state })
    }
}

impl Environment {
    /// Captures the environment of this process.
    pub fn of_process() -> Self {
        let (mut variables, mut unreadable) = (BTreeMap::new(), BTreeSet::new());
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => _ = variables.insert(name, value),
                Err(_) => _ = unreadable.insert(name),
            }
        }
        let host = ["/proc/sys/kernel/hostname", "/etc/hostname"].into_iter().find_map(first_line);
        Self {
            variables,
            unreadable,
            host,
            user: Some(user_of_process()),
            localtime: std::fs::read_link("/etc/localtime").ok(),
            is_root: rustix::process::geteuid().is_root(),
            directories: UserDirectories::of_process(),
        }
    }

    /// An environment with these variables only, for an ordinary user.
    pub fn with<const N: usize>(variables: [(&str, &str); N]) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { variables, ..Self::default() }
    }

    /// The same with a home directory.
    #[cfg(test)]
    #[must_use]
    pub fn at_home(self, home: PathBuf) -> Self {
        let [config, data, state] = [".config", ".local/share", ".local/state"].map(|dir| home.join(dir));
        Self { directories: Some(UserDirectories { home, config, data, state }), ..self }
    }

    /// A directory as a setting of the configuration has it: `~` is the home directory, and a relative path is of the working directory.
    pub fn directory(&self, written: PathBuf) -> PathBuf {
        absolute(written, self)
    }

    /// A variable's value; an empty one counts as unset.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Where the file is searched for; the first that exists is used.
    pub(super) fn config_paths(&self) -> Vec<PathBuf> {
        let own = self.directories.as_ref().map(|own| own.config.clone());
        own.into_iter().chain([PathBuf::from("/etc")]).map(|dir| dir.join("blastdeck/config.toml")).collect()
    }

    /// Where the private database lives unless something else is set.
    pub(super) fn data_dir(&self) -> PathBuf {
        self.own().map_or_else(|| PathBuf::from("/var/lib/blastdeck"), |own| own.data.join("blastdeck"))
    }

    /// Where this machine's memory lies unless something else is set.
    pub(super) fn state_dir(&self) -> PathBuf {
        self.own().map_or_else(|| PathBuf::from("/var/lib/blastdeck-state"), |own| own.state.join("blastdeck"))
    }

    /// `None` for root, whose directories are the same however root was reached.
    fn own(&self) -> Option<&UserDirectories> {
        self.directories.as_ref().filter(|_| !self.is_root)
    }

    pub(super) fn home(&self) -> Option<&Path> {
        self.directories.as_ref().map(|own| &*own.home)
    }

    /// The machine's time zone: `TZ`, else the target of `/etc/localtime`, else UTC.
    pub(super) fn zone(&self) -> Tz {
        self.get("TZ").and_then(zone_named).or_else(|| zone_of_link(self.localtime.as_deref()?)).unwrap_or(Tz::UTC)
    }

    /// The operator: `BLASTDECK_OPERATOR`, else `login@host`. At most 64 characters, without control characters.
    pub(super) fn operator(&self) -> String {
        let login = || {
            let name = self.get("USER").or_else(|| self.get("LOGNAME")).or(self.user.as_deref()).unwrap_or("unknown");
            let host = self.get("HOSTNAME").or(self.host.as_deref());
            host.map_or_else(|| name.to_owned(), |host| format!("{name}@{host}"))
        };
        let operator = self.get("BLASTDECK_OPERATOR").map_or_else(login, str::to_owned);
        clean(&operator).trim().chars().take(64).collect()
    }

    /// Overrides the file's values with every variable; a variable that names no key is a problem, like an unknown key.
    pub(super) fn overlay(&self, document: &mut Document, log: &mut ConfigLog) {
        let mut taken = BTreeSet::new();
        for table in keys::TABLES.iter().filter(|table| !keys::ARRAYS.contains(&table.name)) {
            let values = document.tables.entry(table.name).or_default();
            self.overlay_table(values, &mut taken, table, |key| keys::variables(table.name, key));
        }
        for table in keys::ARRAYS.iter().filter_map(|name| keys::table(name)) {
            for values in document.arrays.get_mut(table.name).into_iter().flatten() {
                let Some(RawValue::Text(name)) = values.get("name").map(|found| &found.raw) else { continue };
                let prefix = keys::prefix(table.name, name);
                self.overlay_table(values, &mut taken, table, |key| vec![format!("{prefix}{}", keys::fold(key))]);
            }
        }
        self.report_unreadable(&taken, log);
        self.report_strangers(document, &taken, log);
    }

    /// Ours that are not UTF-8 are refused: as if they were not set, another database would be used, or another directory.
    fn report_unreadable(&self, taken: &BTreeSet<String>, log: &mut ConfigLog) {
        let is_ours = |name: &&String| taken.contains(*name) || name.starts_with("BLASTDECK_");
        for name in self.unreadable.iter().filter(is_ours) {
            log.problem(&ValueSource::Variable(name.clone()), "", "its value is not UTF-8");
        }
    }

    fn overlay_table(
        &self,
        values: &mut TableValues,
        taken: &mut BTreeSet<String>,
        table: &'static TableKeys,
        variables: impl Fn(&str) -> Vec<String>,
    ) {
        for key in table.keys {
            let names = variables(key);
            let set = names.iter().find_map(|name| Some((name.clone(), self.get(name)?.to_owned())));
            // A sender's name is what its variables are found by: one that gives another is reported as unknown.
            if keys::ARRAYS.contains(&table.name) && *key == "name" {
                continue;
            }
            taken.extend(names);
            if let Some((name, value)) = set {
                values.insert(key, SourcedValue { raw: RawValue::Text(value), source: ValueSource::Variable(name) });
            }
        }
    }

    fn report_strangers(&self, document: &Document, taken: &BTreeSet<String>, log: &mut ConfigLog) {
        for name in self.variables.keys().filter(|name| !taken.contains(*name)) {
            let table = keys::TABLES.iter().find_map(|table| {
                let prefix = format!("BLASTDECK_{}_", keys::fold(table.name));
                Some((table, name.strip_prefix(&prefix)?))
            });
            let Some((table, rest)) = table else { continue };
            let text = if keys::ARRAYS.contains(&table.name) {
                stranger_of_array(document, table, name, rest)
            } else {
                unknown_key(rest, table.names())
            };
            log.problem(&ValueSource::Variable(name.clone()), "", text);
        }
    }
}

fn stranger_of_array(document: &Document, table: &TableKeys, variable: &str, rest: &str) -> String {
    let names =
        document.arrays.get(table.name).into_iter().flatten().filter_map(|values| match &values.get("name")?.raw {
            RawValue::Text(name) => Some(name.as_str()),
            _ => None,
        });
    let kind = table.name.trim_end_matches('s');
    let key =
        names.filter_map(|name| variable.strip_prefix(&keys::prefix(table.name, name))).min_by_key(|key| key.len());
    match key {
        Some("NAME") => {
            format!("a {kind}'s name stands in the file alone, for its variables are found by it: rename it there")
        }
        Some(key) => unknown_key(key, table.names()),
        None => format!("{rest} begins with the name of no {kind} in the file"),
    }
}

fn first_line(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

/// The zone that a `TZ` means, by its name or by the path of its file.
pub fn zone_named(tz: &str) -> Option<Tz> {
    let name = tz.trim_start_matches(':');
    let of_file = || {
        let path = Some(Path::new(name)).filter(|path| path.is_absolute())?;
        zone_of_link(path).or_else(|| zone_of_link(&path.canonicalize().ok()?))
    };
    name.parse().ok().or_else(of_file)
}

/// The zone's name in a path such as `/usr/share/zoneinfo/Asia/Kuala_Lumpur`.
fn zone_of_link(path: &Path) -> Option<Tz> {
    let text = path.to_str()?;
    text.split_once("zoneinfo/").and_then(|(_, name)| name.parse().ok())
}

/// The name of the process's user in `/etc/passwd`, else the number.
fn user_of_process() -> String {
    let number = rustix::process::geteuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    user_of_number(&users, &number).map_or_else(|| format!("uid {number}"), str::to_owned)
}

fn user_of_number<'a>(users: &'a str, number: &str) -> Option<&'a str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1) == Some(number)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::{Environment, user_of_number};
    use crate::config::{Config, Flags};

    #[test]
    fn what_is_set_for_us_and_is_not_utf_8_is_refused() {
        let with = |name: &str| {
            let environment = Environment { unreadable: [name.to_owned()].into(), ..Environment::default() };
            Config::build("", None, &environment, &Flags::default()).map(|_| ()).map_err(|error| error.to_string())
        };

        for ours in ["DATABASE_URL", "BLASTDECK_STATE_DIR", "BLASTDECK_CONFIG"] {
            let error = with(ours).unwrap_err();
            assert!(error.contains(ours) && error.contains("is not UTF-8"), "{error}");
        }
        assert_eq!(with("LESSCHARDEF"), Ok(()));
    }

    #[test]
    fn a_user_without_variables_is_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/bash\n\n+::::::\naina:x:1000:100::/home/aina:/bin/sh\n";

        assert_eq!(user_of_number(users, "0"), Some("root"));
        assert_eq!(user_of_number(users, "1000"), Some("aina"));
        assert_eq!(user_of_number(users, "100"), None);
    }
}
