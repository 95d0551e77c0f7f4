//! The file as tables of raw values, each with its line. Reports unknown keys.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{self, TableKeys};
use super::log::{ConfigLog, SettingOrigin, ValueSource};
use super::settings::KeySetting;
use crate::domain::text::nearest;

/// A value that is not yet parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RawValue {
    /// Any single value: text, number or boolean.
    Text(String),
    List(Vec<String>),
    Table(BTreeMap<String, String>),
}

#[derive(Debug, Clone)]
pub(super) struct SourcedValue {
    pub raw: RawValue,
    pub source: ValueSource,
}

/// The values of one table by key.
pub(super) type TableValues = BTreeMap<&'static str, SourcedValue>;

#[derive(Debug, Default)]
pub(super) struct Document {
    pub tables: BTreeMap<&'static str, TableValues>,
    /// Those of [`keys::ARRAYS`].
    pub arrays: BTreeMap<&'static str, Vec<TableValues>>,
    /// `[ui.keys]`.
    pub bindings: Vec<KeySetting>,
}

impl Document {
    /// Parses the text of the file. `None` where it is not TOML, which is reported alone: the rest would be guesses.
    pub fn parse(text: &str, log: &mut ConfigLog) -> Option<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (root, errors) = DeTable::parse_recoverable(text);
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
        let mut walk = DocumentParser { newlines, log, document: Self::default() };
        for error in &errors {
            let line = error.span().map_or(0, |span| walk.line(span.start));
            walk.log.problem(&ValueSource::File { line }, "", format!("not TOML: {}", error.message()));
        }
        errors.is_empty().then(|| {
            walk.root(root.get_ref());
            walk.document
        })
    }

    /// Takes the values of a table that is not an array.
    pub fn take(&mut self, table: &str) -> TableValues {
        self.tables.remove(table).unwrap_or_default()
    }

    /// Takes the tables of an array.
    pub fn take_array(&mut self, table: &str) -> Vec<TableValues> {
        self.arrays.remove(table).unwrap_or_default()
    }

    /// Overrides a value with that of a flag.
    pub fn flag(&mut self, table: &'static str, key: &'static str, flag: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            let found = SourcedValue { raw: RawValue::Text(value.to_owned()), source: ValueSource::Flag(flag) };
            self.tables.entry(table).or_default().insert(key, found);
        }
    }
}

struct DocumentParser<'a> {
    /// The offset of each line's end.
    newlines: Vec<usize>,
    log: &'a mut ConfigLog,
    document: Document,
}

impl DocumentParser<'_> {
    fn line(&self, offset: usize) -> usize {
        1 + self.newlines.partition_point(|newline| *newline < offset)
    }

    fn root(&mut self, root: &DeTable<'_>) {
        for (name, value) in root {
            let source = ValueSource::File { line: self.line(name.span().start) };
            let Some(table) = keys::table(name.get_ref()) else {
                self.unknown(&source, name.get_ref(), keys::TABLES.iter().map(|table| table.name));
                continue;
            };
            match (table.name, value.get_ref()) {
                (name, DeValue::Array(list)) if keys::ARRAYS.contains(&name) => {
                    list.iter().for_each(|one| self.one_of_array(table, one));
                }
                (name, _) if keys::ARRAYS.contains(&name) => self.log.problem(&source, name, single_brackets(name)),
                (_, DeValue::Table(entries)) => {
                    let values = self.values(table, table.name, entries);
                    self.document.tables.insert(table.name, values);
                }
                _ => self.log.problem(&source, table.name, format!("must be a table: write [{}]", table.name)),
            }
        }
    }

    fn one_of_array(&mut self, table: &'static TableKeys, value: &Spanned<DeValue<'_>>) {
        let line = self.line(value.span().start);
        let DeValue::Table(entries) = value.get_ref() else {
            self.log.problem(&ValueSource::File { line }, table.name, single_brackets(table.name));
            return;
        };
        let entry = |key: &str| entries.iter().find(|(name, _)| name.get_ref() == key);
        let name = entry("name").and_then(|(_, name)| name.get_ref().as_str());
        let position = self.document.arrays.get(table.name).map_or(0, Vec::len) + 1;
        let prefix =
            name.map_or_else(|| format!("{}[{position}]", table.name), |name| format!("{}.{name}", table.name));
        let values = self.values(table, &prefix, entries);
        self.document.arrays.entry(table.name).or_default().push(values);
    }

    fn values(&mut self, table: &'static TableKeys, prefix: &str, entries: &DeTable<'_>) -> TableValues {
        let mut values = TableValues::new();
        for (name, value) in entries {
            let source = ValueSource::File { line: self.line(name.span().start) };
            let path = format!("{prefix}.{}", name.get_ref());
            if path == "ui.keys" {
                self.bindings(&source, value.get_ref());
                continue;
            }
            match table.key(name.get_ref()) {
                None => self.unknown(&source, &path, table.names_in_file()),
                Some(key) => match raw(value.get_ref()) {
                    Some(raw) => drop(values.insert(key, SourcedValue { raw, source })),
                    None => self.log.problem(&source, &path, "neither a value nor a list of values"),
                },
            }
        }
        values
    }

    /// The dashboard knows which actions and keys there are; here an entry is a name and words.
    fn bindings(&mut self, source: &ValueSource, value: &DeValue<'_>) {
        let DeValue::Table(entries) = value else {
            self.log.problem(source, "ui.keys", "must be a table: write [ui.keys]");
            return;
        };
        for (name, value) in entries {
            let line = self.line(name.span().start);
            let action = name.get_ref().to_string();
            let keys = match raw(value.get_ref()) {
                Some(RawValue::Text(text)) => text.split_whitespace().map(str::to_owned).collect(),
                Some(RawValue::List(keys)) => keys,
                _ => {
                    let path = format!("ui.keys.{action}");
                    self.log.problem(&ValueSource::File { line }, &path, "write the names of its keys, such as \"R\"");
                    continue;
                }
            };
            self.log.origins.push(SettingOrigin {
                key: format!("ui.keys.{action}"),
                value: keys.join(" "),
                source: ValueSource::File { line },
            });
            self.document.bindings.push(KeySetting { action, keys, line });
        }
    }

    fn unknown(&mut self, source: &ValueSource, path: &str, known: impl Iterator<Item = &'static str> + Clone) {
        let text = unknown_key(path.rsplit('.').next().unwrap_or(path), known);
        self.log.problem(source, path, text);
    }
}

fn single_brackets(table: &str) -> String {
    format!("write [[{table}]], with double brackets")
}

/// The sentence for an unknown key, with the nearest known one.
pub(super) fn unknown_key(name: &str, known: impl Iterator<Item = &'static str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(meant) => format!("unknown key: did you mean `{meant}`?"),
        None => format!("unknown key: known here are {}", known.collect::<Vec<_>>().join(", ")),
    }
}

fn raw(value: &DeValue<'_>) -> Option<RawValue> {
    match value {
        DeValue::Array(list) => {
            list.iter().map(|item| single(item.get_ref())).collect::<Option<_>>().map(RawValue::List)
        }
        DeValue::Table(entries) => entries
            .iter()
            .map(|(key, value)| single(value.get_ref()).map(|value| (key.get_ref().to_string(), value)))
            .collect::<Option<_>>()
            .map(RawValue::Table),
        value => single(value).map(RawValue::Text),
    }
}

fn single(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Boolean(yes) => Some(yes.to_string()),
        DeValue::Datetime(at) => Some(at.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}
