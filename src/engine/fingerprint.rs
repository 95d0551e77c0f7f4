//! What a process was started with: its program, its settings with their tokens, its database. A process can stand in for
//! another if its fingerprint covers the other's; a process whose own has changed is to be started anew.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::ExposeSecret;

use crate::config::{Config, HookConfig, SenderConfig};

/// Where the running program can be had on Linux, also when its file was replaced since.
const RUNNING: &str = "/proc/self/exe";

/// Its text goes into the standby's lock file, which only its user may read: program and settings, then each sender whose
/// token could be read, with its token. All are hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    program: u64,
    settings: u64,
    /// The senders' tokens, by the senders' names.
    tokens: BTreeMap<u64, u64>,
}

impl Fingerprint {
    /// With the program in a file.
    pub fn of(program: &Path, config: &Config) -> io::Result<Self> {
        Ok(Self { program: stamp(program)?, settings: settings(config), tokens: tokens(config) })
    }

    /// With the program that runs now, whatever its file has become.
    pub fn of_this_process(config: &Config) -> io::Result<Self> {
        let running = Path::new(RUNNING);
        if running.exists() { Self::of(running, config) } else { Self::of(&program()?, config) }
    }

    /// The same program, with other settings.
    #[must_use]
    pub fn with(&self, config: &Config) -> Self {
        Self { program: self.program, settings: settings(config), tokens: tokens(config) }
    }

    /// Whether a process with this one can do everything that one with the other can: it has the same program and settings,
    /// and all of the other's tokens. It may have more: those of another shell, say.
    pub fn covers(&self, other: &Self) -> bool {
        (self.program, self.settings) == (other.program, other.settings)
            && other.tokens.iter().all(|(name, token)| self.tokens.get(name) == Some(token))
    }

    /// Whether it is the same program with the same settings, but another token for a sender that both have one for.
    pub fn differs_in_a_token(&self, other: &Self) -> bool {
        let differs = |(name, token): (&u64, &u64)| self.tokens.get(name).is_some_and(|own| own != token);
        (self.program, self.settings) == (other.program, other.settings) && other.tokens.iter().any(differs)
    }

    /// The senders of a configuration whose tokens another process has and this one lacks.
    pub fn lacks<'a>(&self, other: &Self, config: &'a Config) -> Vec<&'a SenderConfig> {
        let is_lacking = |name: u64| other.tokens.contains_key(&name) && !self.tokens.contains_key(&name);
        config.senders.iter().filter(|sender| is_lacking(hash_of(&sender.name))).collect()
    }

    /// Whether the file at the program's place is another one by now. One that is gone for the moment is not.
    pub fn is_program_replaced(&self) -> bool {
        program().and_then(|path| stamp(&path)).is_ok_and(|now| now != self.program)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{:x}", self.program, self.settings)?;
        self.tokens.iter().try_for_each(|(name, token)| write!(f, " {name:x}.{token:x}"))
    }
}

/// The text is no fingerprint: another version wrote it.
#[derive(Debug)]
pub struct UnreadableFingerprint;

impl FromStr for Fingerprint {
    type Err = UnreadableFingerprint;

    fn from_str(text: &str) -> Result<Self, UnreadableFingerprint> {
        let pairs = text.split_whitespace().map(|pair| {
            let (left, right) = pair.split_once('.')?;
            Some((u64::from_str_radix(left, 16).ok()?, u64::from_str_radix(right, 16).ok()?))
        });
        let mut pairs = pairs.collect::<Option<Vec<_>>>().ok_or(UnreadableFingerprint)?.into_iter();
        let (program, settings) = pairs.next().ok_or(UnreadableFingerprint)?;
        Ok(Self { program, settings, tokens: pairs.collect() })
    }
}

/// This program's file. The system reports a file that was replaced while it ran as deleted, though another is in its place.
pub fn program() -> io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    let named = path.to_str().and_then(|path| path.strip_suffix(" (deleted)")).map(PathBuf::from);
    Ok(named.unwrap_or(path))
}

/// Distinguishes two files, and a file from what was written over it.
pub fn stamp(path: &Path) -> io::Result<u64> {
    let file = fs::metadata(path)?;
    Ok(hash_of(&(file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec())))
}

/// Of the screen's settings those that an engine goes by as well: days, and what counts as revenue.
const OF_ENGINES: [&str; 2] = ["ui.timezone", "ui.currency"];

/// What sending depends on beside the tokens: every value in force but the screen's, the database.
fn settings(config: &Config) -> u64 {
    let database = config.database.url.as_ref().map(crate::config::DatabaseUrl::expose);
    let dirs = [&config.database.data_dir, &config.database.state_dir].map(|dir| std::path::absolute(dir).ok());
    let values: Vec<_> = config
        .origins()
        .iter()
        .filter(|origin| {
            let is_apart = ["ui.", "database."].iter().any(|table| origin.key.starts_with(table));
            OF_ENGINES.contains(&origin.key.as_str()) || !is_apart
        })
        .map(|origin| (&origin.key, &origin.value))
        .collect();
    // Their addresses are not shown whole.
    let hooks: Vec<_> = config.hooks.iter().map(|hook| hook.url.url().as_str()).collect();
    hash_of(&(values, hooks, database, dirs))
}

/// Of the senders whose tokens can be read, and of hooks with a secret in a variable. One in a file is read for each call anyway.
fn tokens(config: &Config) -> BTreeMap<u64, u64> {
    let token = |sender: &SenderConfig| {
        let token = sender.token.read(&sender.name).ok()?;
        Some((hash_of(&sender.name), hash_of(&(&sender.name, token.expose_secret()))))
    };
    let secret = |hook: &HookConfig| {
        let source = hook.secret.file().is_none().then_some(&hook.secret)?;
        let secret = source.read_as("secret").ok()?;
        let name = format!("hooks.{}", hook.name);
        Some((hash_of(&name), hash_of(&(&name, secret.expose_secret()))))
    };
    config.senders.iter().filter_map(token).chain(config.hooks.iter().filter_map(secret)).collect()
}

pub fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_screens_settings_those_count_that_an_engine_goes_by() {
        let settings = |ui: &str| settings(&Config::from_toml_str(&format!("[ui]\n{ui}\n")).unwrap());

        assert_eq!(settings("name = \"Kedai Aina\""), settings("name = \"Kedai\""));
        assert_ne!(settings("timezone = \"Asia/Tokyo\""), settings("timezone = \"Asia/Kuala_Lumpur\""));
        assert_ne!(settings("currency = \"SGD\""), settings("currency = \"MYR\""));
    }
}
