//! What a process was started with: its program, its settings with their tokens, its database. Two processes with the same
//! fingerprint can stand in for one another; a process whose own has changed is to be started anew.

use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;

use crate::config::Config;

/// Where the running program can be had on Linux, also when its file was replaced since.
const RUNNING: &str = "/proc/self/exe";

/// A short text of it goes into the standby's lock file, which only its user may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    program: u64,
    settings: u64,
}

impl Fingerprint {
    /// With the program in a file.
    pub fn of(program: &Path, config: &Config) -> io::Result<Self> {
        Ok(Self { program: stamp(program)?, settings: settings(config) })
    }

    /// With the program that runs now, whatever its file has become.
    pub fn of_this_process(config: &Config) -> io::Result<Self> {
        let running = Path::new(RUNNING);
        if running.exists() { Self::of(running, config) } else { Self::of(&program()?, config) }
    }

    /// The same program, with other settings.
    #[must_use]
    pub fn with(self, config: &Config) -> Self {
        Self { settings: settings(config), ..self }
    }

    /// Whether the file at the program's place is another one by now. One that is gone for the moment is not.
    pub fn is_program_replaced(self) -> bool {
        program().and_then(|path| stamp(&path)).is_ok_and(|now| now != self.program)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.program, self.settings)
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

/// What sending depends on: every value in force but the screen's, the tokens themselves, the database.
fn settings(config: &Config) -> u64 {
    let database = config.database.url.as_ref().map(crate::config::DatabaseUrl::expose);
    let dirs = [&config.database.data_dir, &config.database.state_dir].map(|dir| std::path::absolute(dir).ok());
    let values: Vec<_> = config
        .origins()
        .iter()
        .filter(|origin| {
            origin.key == "ui.timezone" || !["ui.", "database."].iter().any(|table| origin.key.starts_with(table))
        })
        .map(|origin| (&origin.key, &origin.value))
        .collect();
    let token = |sender: &crate::config::SenderConfig| {
        sender.token.read(&sender.name).map(|token| hash_of(&token.expose_secret())).ok()
    };
    let tokens: Vec<_> = config.senders.iter().map(token).collect();
    hash_of(&(values, tokens, database, dirs))
}

pub fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
