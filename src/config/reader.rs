//! Reads typed values out of raw ones, and keeps the books: each problem, and where each value came from.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use super::document::{Found, Raw, Values};
use super::problem::{Place, Problem};
use super::token::TokenSource;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Default,
    /// The line of the file, from 1.
    File {
        line: usize,
    },
    Variable(String),
    Flag(&'static str),
}

impl Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { line } => write!(f, "file, line {line}"),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// One value in force. Secrets appear as the place they are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Such as `engine.speed` or `senders.sales.rate`.
    pub key: String,
    pub value: String,
    pub source: Source,
}

/// Problems and origins, gathered while reading.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    pub problems: Vec<Problem>,
    pub origins: Vec<Origin>,
}

impl Log {
    pub fn new(path: Option<PathBuf>) -> Self {
        let path = path.unwrap_or_else(|| PathBuf::from("config.toml"));
        Self { path, problems: Vec::new(), origins: Vec::new() }
    }

    pub fn problem(&mut self, source: &Source, key: &str, text: impl Into<String>) {
        let place = match source {
            Source::File { line } => Place::File { path: self.path.clone(), line: *line },
            Source::Variable(name) => Place::Variable(name.clone()),
            Source::Flag(flag) => Place::Flag(flag),
            Source::Default => Place::Nowhere,
        };
        let clean = |text: &str| crate::domain::text::clean(text).into_owned();
        self.problems.push(Problem { place, key: clean(key), text: clean(&text.into()) });
    }
}

/// One table being read.
pub(super) struct Reader<'a> {
    prefix: String,
    /// Where the table begins, to blame for what is missing in it; 0 when it does not stand in the file.
    line: usize,
    values: Values,
    pub log: &'a mut Log,
}

impl<'a> Reader<'a> {
    pub fn new(prefix: impl Into<String>, values: Values, log: &'a mut Log) -> Self {
        let lines = values.values().filter_map(|found| match found.source {
            Source::File { line } => Some(line),
            _ => None,
        });
        Self { prefix: prefix.into(), line: lines.min().unwrap_or(0), values, log }
    }

    pub fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.prefix)
    }

    /// A problem with a key whose value was read before, at the place where that stood.
    pub fn problem(&mut self, key: &'static str, text: impl Into<String>) {
        let path = self.path(key);
        let origin = self.log.origins.iter().rev().find(|origin| origin.key == path);
        let source = origin.map_or(Source::Default, |origin| origin.source.clone());
        self.log.problem(&source, &path, text);
    }

    /// Whether the key was set anywhere.
    pub fn has(&self, key: &'static str) -> bool {
        self.values.contains_key(key)
    }

    pub fn or_default<T>(&mut self, key: &'static str, default: T) -> T
    where
        T: FromStr<Err: Display> + Display,
    {
        match self.parsed(key) {
            Some(value) => value,
            None => self.note_default(key, default),
        }
    }

    /// A value that may be absent; `absent` says in a word what that means.
    pub fn optional<T>(&mut self, key: &'static str, absent: &str) -> Option<T>
    where
        T: FromStr<Err: Display> + Display,
    {
        let value = self.parsed(key);
        if value.is_none() {
            self.note(key, absent, Source::Default);
        }
        value
    }

    /// A value that `none` or `off` switches off.
    pub fn unless_off<T>(&mut self, key: &'static str, default: Option<T>) -> Option<T>
    where
        T: FromStr<Err: Display> + Display,
    {
        if let Some(Found { raw: Raw::Text(text), source }) = self.values.get(key)
            && matches!(text.trim().to_ascii_lowercase().as_str(), "none" | "off")
        {
            let source = source.clone();
            self.note(key, "none", source);
            return None;
        }
        self.parsed(key).or_else(|| {
            let shown = default.as_ref().map_or_else(|| "none".to_owned(), T::to_string);
            self.note(key, &shown, Source::Default);
            default
        })
    }

    /// A value that there is no default for; `mend` is the line to write.
    pub fn required<T>(&mut self, key: &'static str, mend: &str) -> Option<T>
    where
        T: FromStr<Err: Display> + Display,
    {
        if !self.has(key) {
            let path = self.path(key);
            self.log.problem(&Source::File { line: self.line }, &path, format!("missing: write {mend}"));
        }
        self.parsed(key)
    }

    /// A whole number within a range.
    pub fn within(&mut self, key: &'static str, default: u32, range: RangeInclusive<u32>) -> u32 {
        let value = self.or_default(key, default);
        if !range.contains(&value) {
            self.problem(key, format!("{value} is out of range: write {} to {}", range.start(), range.end()));
        }
        value
    }

    /// A list of words; in a variable they are set apart by commas.
    pub fn list(&mut self, key: &'static str, default: &[&str]) -> Vec<String> {
        let Some(Found { raw, source }) = self.values.remove(key) else {
            let default: Vec<_> = default.iter().map(ToString::to_string).collect();
            self.note(key, &default.join(", "), Source::Default);
            return default;
        };
        let words = match raw {
            Raw::List(words) => words,
            Raw::Text(text) => text.split(',').map(str::to_owned).collect(),
            Raw::Table(_) => {
                let path = self.path(key);
                self.log.problem(&source, &path, "a list is meant, as in [\"STOP\"]");
                Vec::new()
            }
        };
        let words: Vec<_> = words.iter().map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect();
        self.note(key, &words.join(", "), source);
        words
    }

    /// Where a secret is read from. The secret itself never stands in the file, and never in a message.
    pub fn token(&mut self, key: &'static str) -> Option<TokenSource> {
        let path = self.path(key);
        let mend = "write token = { env = \"WSAPME_TOKEN\" } or { file = \"/path\" }";
        let Some(Found { raw, source }) = self.values.remove(key) else {
            self.log.problem(&Source::File { line: self.line }, &path, format!("missing: {mend}"));
            return None;
        };
        let token = match (&raw, &source) {
            (Raw::Text(_), Source::Variable(name)) => Ok(TokenSource::Variable(name.clone())),
            (Raw::Text(_), _) => Err(format!("a secret does not belong in this file: {mend}")),
            (Raw::Table(entries), _) => TokenSource::from_entries(entries).ok_or_else(|| mend.to_owned()),
            (Raw::List(_), _) => Err(mend.to_owned()),
        };
        match token {
            Ok(token) => {
                self.note(key, &token.to_string(), source);
                Some(token)
            }
            Err(text) => {
                self.log.problem(&source, &path, text);
                None
            }
        }
    }

    fn parsed<T>(&mut self, key: &'static str) -> Option<T>
    where
        T: FromStr<Err: Display> + Display,
    {
        let Found { raw, source } = self.values.remove(key)?;
        let path = self.path(key);
        let Raw::Text(text) = raw else {
            self.log.problem(&source, &path, "one value is meant, not a list or table");
            return None;
        };
        match text.trim().parse::<T>() {
            Ok(value) => {
                self.note(key, &value.to_string(), source);
                Some(value)
            }
            Err(error) => {
                self.log.problem(&source, &path, error.to_string());
                None
            }
        }
    }

    fn note_default<T: Display>(&mut self, key: &str, default: T) -> T {
        self.note(key, &default.to_string(), Source::Default);
        default
    }

    fn note(&mut self, key: &str, value: &str, source: Source) {
        self.log.origins.push(Origin { key: self.path(key), value: value.to_owned(), source });
    }
}
