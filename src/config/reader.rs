//! Reads the typed values of one table, and logs each problem and origin.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::document::{RawValue, SourcedValue, TableValues};
use super::log::{ConfigLog, SettingOrigin, ValueSource};
use super::token::TokenSource;
use crate::domain::text::clean;

/// One table being read.
pub(super) struct TableReader<'a> {
    prefix: String,
    /// The first line of the table, which is reported for missing keys; 0 when the table is not in the file.
    line: usize,
    values: TableValues,
    pub log: &'a mut ConfigLog,
}

impl<'a> TableReader<'a> {
    pub fn new(prefix: impl Into<String>, values: TableValues, log: &'a mut ConfigLog) -> Self {
        let lines = values.values().filter_map(|found| match found.source {
            ValueSource::File { line } => Some(line),
            _ => None,
        });
        Self { prefix: prefix.into(), line: lines.min().unwrap_or(0), values, log }
    }

    pub fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.prefix)
    }

    /// Logs a problem with a value that was read before, at its location.
    pub fn problem(&mut self, key: &'static str, text: impl Into<String>) {
        let path = self.path(key);
        let origin = self.log.origins.iter().rev().find(|origin| origin.key == path);
        let source = origin.map_or(ValueSource::Default, |origin| origin.source.clone());
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

    /// A value that may be absent; `absent` describes what that means.
    pub fn optional<T>(&mut self, key: &'static str, absent: &str) -> Option<T>
    where
        T: FromStr<Err: Display> + Display,
    {
        let value = self.parsed(key);
        if value.is_none() {
            self.note(key, absent, ValueSource::Default);
        }
        value
    }

    /// A value that `none` or `off` switches off.
    pub fn unless_off<T>(&mut self, key: &'static str, default: Option<T>) -> Option<T>
    where
        T: FromStr<Err: Display> + Display,
    {
        if let Some(SourcedValue { raw: RawValue::Text(text), source }) = self.values.get(key)
            && matches!(text.trim().to_ascii_lowercase().as_str(), "none" | "off")
        {
            let source = source.clone();
            self.note(key, "none", source);
            return None;
        }
        self.parsed(key).or_else(|| {
            let shown = default.as_ref().map_or_else(|| "none".to_owned(), T::to_string);
            self.note(key, &shown, ValueSource::Default);
            default
        })
    }

    /// A value without a default; `mend` is the line to write.
    pub fn required<T>(&mut self, key: &'static str, mend: &str) -> Option<T>
    where
        T: FromStr<Err: Display> + Display,
    {
        if !self.has(key) {
            let path = self.path(key);
            self.log.problem(&ValueSource::File { line: self.line }, &path, format!("missing: write {mend}"));
        }
        self.parsed(key)
    }

    /// A whole number within a range.
    pub fn within(&mut self, key: &'static str, default: u32, range: RangeInclusive<u32>) -> u32 {
        if let Some(SourcedValue { raw: RawValue::Text(text), source }) = self.values.get(key)
            && text.trim().parse::<u32>().is_err()
        {
            let (start, end) = (range.start(), range.end());
            let (wrong, source) =
                (format!("`{}` is not a whole number from {start} to {end}", clean(text)), source.clone());
            let path = self.path(key);
            self.log.problem(&source, &path, wrong);
            self.values.remove(key);
            return default;
        }
        let value = self.or_default(key, default);
        if !range.contains(&value) {
            self.problem(key, format!("{value} is out of range: write {} to {}", range.start(), range.end()));
        }
        value
    }

    /// A list of strings; separated by commas in a variable.
    pub fn list(&mut self, key: &'static str, default: &[&str]) -> Vec<String> {
        let Some(SourcedValue { raw, source }) = self.values.remove(key) else {
            let default: Vec<_> = default.iter().map(ToString::to_string).collect();
            self.note(key, &default.join(", "), ValueSource::Default);
            return default;
        };
        let words = match raw {
            RawValue::List(words) => words,
            RawValue::Text(text) => text.split(',').map(str::to_owned).collect(),
            RawValue::Table(_) => {
                let path = self.path(key);
                self.log.problem(&source, &path, "must be a list, such as [\"STOP\"]");
                Vec::new()
            }
        };
        let words: Vec<_> = words.iter().map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect();
        self.note(key, &words.join(", "), source);
        words
    }

    /// Where a secret is read from. The secret itself is never in the file, and never in a message. `example` is the variable
    /// that a message suggests.
    pub fn secret(&mut self, key: &'static str, example: &str) -> Option<TokenSource> {
        if !self.has(key) {
            let (path, mend) = (self.path(key), secret_mend(key, example));
            self.log.problem(&ValueSource::File { line: self.line }, &path, format!("missing: {mend}"));
            return None;
        }
        self.optional_secret(key, example)
    }

    /// The same for a secret that may be absent.
    pub fn optional_secret(&mut self, key: &'static str, example: &str) -> Option<TokenSource> {
        let Some(SourcedValue { raw, source }) = self.values.remove(key) else {
            self.note(key, "none", ValueSource::Default);
            return None;
        };
        let mend = secret_mend(key, example);
        let secret = match (&raw, &source) {
            (RawValue::Text(_), ValueSource::Variable(name)) => Ok(TokenSource::Variable(name.clone())),
            (RawValue::Text(_), _) => Err(format!("a secret does not belong in this file: {mend}")),
            (RawValue::Table(entries), _) => TokenSource::from_entries(entries).ok_or(mend),
            (RawValue::List(_), _) => Err(mend),
        };
        match secret {
            Ok(secret) => {
                self.note(key, &secret.to_string(), source);
                Some(secret)
            }
            Err(text) => {
                let path = self.path(key);
                self.log.problem(&source, &path, text);
                None
            }
        }
    }

    /// Refuses a key that senders of this provider do not have.
    pub fn refuse(&mut self, key: &'static str, why: &str) {
        if let Some(SourcedValue { source, .. }) = self.values.remove(key) {
            let path = self.path(key);
            self.log.problem(&source, &path, why);
        }
    }

    fn parsed<T>(&mut self, key: &'static str) -> Option<T>
    where
        T: FromStr<Err: Display> + Display,
    {
        let SourcedValue { raw, source } = self.values.remove(key)?;
        let path = self.path(key);
        let RawValue::Text(text) = raw else {
            self.log.problem(&source, &path, "must be a single value, not a list or table");
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
        self.note(key, &default.to_string(), ValueSource::Default);
        default
    }

    fn note(&mut self, key: &str, value: &str, source: ValueSource) {
        self.log.origins.push(SettingOrigin { key: self.path(key), value: value.to_owned(), source });
    }
}

fn secret_mend(key: &str, example: &str) -> String {
    format!("write {key} = {{ env = \"{example}\" }} or {{ file = \"/path\" }}")
}
