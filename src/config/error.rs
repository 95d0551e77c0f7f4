//! What is wrong with a configuration: all problems at once, each with its location and the fix.

use std::fmt;
use std::path::PathBuf;

/// Where an invalid value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemLocation {
    /// A line of the file, from 1; 0 for the file as a whole.
    File {
        path: PathBuf,
        line: usize,
    },
    Variable(String),
    Flag(&'static str),
    Nowhere,
}

impl ProblemLocation {
    /// The line in the file; after all of them for what stands elsewhere.
    pub(super) const fn line(&self) -> usize {
        match self {
            Self::File { line, .. } => *line,
            Self::Variable(_) | Self::Flag(_) | Self::Nowhere => usize::MAX,
        }
    }
}

impl fmt::Display for ProblemLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line: 0 } => write!(f, "{}: ", path.display()),
            Self::File { path, line } => write!(f, "{}:{line}: ", path.display()),
            Self::Variable(name) => write!(f, "{name}: "),
            Self::Flag(flag) => write!(f, "{flag}: "),
            Self::Nowhere => Ok(()),
        }
    }
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    pub location: ProblemLocation,
    /// The key as written in the file, such as `engine.speed` or `senders.sales.rate`; empty for a problem with no
    /// single key.
    pub key: String,
    /// What is wrong and how to fix it, as a sentence.
    pub text: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.location.fmt(f)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.text)
    }
}

/// An invalid configuration: its problems in the order of their lines. Never empty, and never with a secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    pub problems: Vec<ConfigProblem>,
}

impl ConfigError {
    pub(super) fn of(location: ProblemLocation, key: &str, text: impl Into<String>) -> Self {
        Self { problems: vec![ConfigProblem { location, key: key.to_owned(), text: text.into() }] }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.problems.iter().map(ConfigProblem::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ConfigError {}
