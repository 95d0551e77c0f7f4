//! What loading a configuration finds out: its problems, and the source of each value.

use std::fmt::{self, Display};
use std::path::PathBuf;

use super::error::{ConfigError, ConfigProblem, ProblemLocation};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueSource {
    Default,
    /// The line of the file, from 1.
    File {
        line: usize,
    },
    Variable(String),
    Flag(&'static str),
}

impl Display for ValueSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { line } => write!(f, "file, line {line}"),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// One value in force. Secrets are shown as the place they are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingOrigin {
    /// Such as `engine.speed` or `senders.sales.rate`.
    pub key: String,
    pub value: String,
    pub source: ValueSource,
}

/// The problems and origins collected while reading.
#[derive(Debug)]
pub(super) struct ConfigLog {
    path: PathBuf,
    pub problems: Vec<ConfigProblem>,
    pub origins: Vec<SettingOrigin>,
}

impl ConfigLog {
    pub fn new(path: Option<PathBuf>) -> Self {
        let path = path.unwrap_or_else(|| PathBuf::from("config.toml"));
        Self { path, problems: Vec::new(), origins: Vec::new() }
    }

    pub fn problem(&mut self, source: &ValueSource, key: &str, text: impl Into<String>) {
        let location = match source {
            ValueSource::File { line } => ProblemLocation::File { path: self.path.clone(), line: *line },
            ValueSource::Variable(name) => ProblemLocation::Variable(name.clone()),
            ValueSource::Flag(flag) => ProblemLocation::Flag(flag),
            ValueSource::Default => ProblemLocation::Nowhere,
        };
        let clean = |text: &str| crate::domain::text::clean(text).into_owned();
        self.problems.push(ConfigProblem { location, key: clean(key), text: clean(&text.into()) });
    }

    /// The problems in the order of their lines.
    pub fn into_error(mut self) -> ConfigError {
        self.problems.sort_by_key(|problem| problem.location.line());
        ConfigError { problems: self.problems }
    }
}
