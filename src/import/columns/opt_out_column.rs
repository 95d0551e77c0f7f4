//! Columns that say who wants no messages, by what they are called.

use std::collections::HashSet;

use super::header::{is_further_header, names_columns};
use super::opt_out_cell::{denies, says_no, says_so};
use super::opt_out_title::{OptOutTitle, without_answers, words};
use super::{Samples, decode, key};
use crate::import::records::Record;

/// With what in it the title below one that is written over several columns says that it belongs there.
const CHANNEL_PARTS: &[&str] = &["mail", "whatsapp", "sms", "phone", "call", "telefon", "telepon", "yn"];

/// A column that says who wants no messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import) struct OptOutColumn {
    pub column: usize,
    /// A day in it may be another one, such as a subscription's last day.
    is_stop: bool,
    /// Somebody named it: whatever its title says, it is one.
    is_chosen: bool,
}

impl OptOutColumn {
    const fn of(title: OptOutTitle, column: usize) -> Self {
        Self { column, is_stop: title.is_stop, is_chosen: false }
    }

    /// One that somebody named.
    pub(super) const fn chosen(column: usize) -> Self {
        Self { column, is_stop: false, is_chosen: true }
    }

    pub(super) const fn is_chosen(self) -> bool {
        self.is_chosen
    }

    /// Of the title of a column.
    pub(super) fn titled(title: &str, column: usize) -> Option<Self> {
        OptOutTitle::of(title).map(|title| Self::of(title, column))
    }

    /// The field of that name, of a person whom a program gives.
    pub(in crate::import) fn of_field(name: &str) -> Option<Self> {
        Self::titled(name, 0)
    }

    /// Those of a header and of the titles above it.
    pub(super) fn of_header(header: &Record, titles: &[Record], people: &Samples<'_>) -> Vec<Self> {
        let below =
            |row: &Record, column: usize| row.values.get(column).map_or_else(String::new, |cell| key(&decode(cell).0));
        let is_channel = |key: &str| CHANNEL_PARTS.iter().any(|part| key.contains(part));
        let is_of_answers =
            |of: &Self| people.values(of.column).next().is_some() && of.is_borne_out(people) && !of.is_counted(people);
        let width = header.values.len();
        let mut found: Vec<_> = Self::titled_in(header).filter(|of| !of.is_counted(people)).collect();
        for row in titles {
            // One without answers below it is the list's; one above another title is about something else in its row.
            let is_of_column = |of: &Self| {
                let key = below(header, of.column);
                (key.is_empty() || is_channel(&key)) && is_of_answers(of)
            };
            for of in Self::titled_above(row).filter(is_of_column) {
                found.push(of);
                found.extend(of.further_in(row, width).filter(is_of_column));
            }
        }
        let first = people.rows.first();
        let further = Self::titled_in(header).flat_map(|of| of.further_in(header, width));
        found.extend(
            further.filter(|of| first.is_some_and(|first| is_channel(&below(first, of.column))) && is_of_answers(of)),
        );
        found
    }

    /// Those of a list that is read without a header, though its first row may be one: its cell there is called as such a column is, and no more
    /// than half of the others that are not empty are about something else. If the row is a person's, they want no messages. One that is a
    /// header beyond doubt may stand below somebody's number.
    pub(super) fn without_header(first: &Record, others: &Samples<'_>) -> Vec<Self> {
        let borne_out = Self::called_in(first).filter(|of| of.is_borne_out(others));
        borne_out.chain(Self::of_headers_in(others.rows)).collect()
    }

    /// Those behind it, as far as nothing stands above them: a spreadsheet has a title that is written over several columns in the first of
    /// these, and a row ends with its last value. There a day may be another one.
    fn further_in(self, row: &Record, width: usize) -> impl Iterator<Item = Self> + '_ {
        let is_empty = |column: &usize| row.values.get(*column).is_none_or(|cell| decode(cell).0.trim().is_empty());
        let behind = (self.column + 1..width).take_while(is_empty);
        behind.map(|column| Self { column, is_stop: true, is_chosen: false })
    }

    /// Whether no more than half of the cells of its column that are not empty are about something else.
    fn is_borne_out(self, people: &Samples<'_>) -> bool {
        let all = people.values(self.column).count();
        people.values(self.column).filter(|value| !self.is_answer(value)).count() * 2 <= all
    }

    /// Whether its cells count something, such as the stops of a tour: they are small numbers, and at least two of them no answers.
    fn is_counted(self, people: &Samples<'_>) -> bool {
        let is_count = |value: &str| (1..=3).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
        let values: Vec<_> = people.values(self.column).map(|value| value.trim().to_owned()).collect();
        let counts: HashSet<&str> = values.iter().map(String::as_str).filter(|value| !self.is_answer(value)).collect();
        self.is_stop && counts.len() > 1 && values.iter().all(|value| is_count(value))
    }

    /// Those of a row between the people of a list, if it is a header. `phone`: the column of their numbers.
    pub(in crate::import) fn of_further_header(row: &Record, phone: usize) -> Option<Vec<Self>> {
        is_further_header(row, phone).then(|| Self::titled_in(row).collect())
    }

    /// Those of headers further down whose numbers stand in another column than this: no row before can be read by them, and none behind.
    pub(super) fn of_other_headers(rows: &[Record], phone: usize) -> Vec<Self> {
        let behind = |at: usize| rows.get(at + 1..).unwrap_or_default();
        let others = rows.iter().enumerate();
        let others = others.filter(|(at, row)| names_columns(row, behind(*at)) && !is_further_header(row, phone));
        others.flat_map(|(_, row)| Self::titled_in(row)).collect()
    }

    fn of_headers_in(rows: &[Record]) -> impl Iterator<Item = Self> + '_ {
        rows.iter().filter(|row| names_columns(row, rows)).flat_map(Self::titled_in)
    }

    fn called_in(row: &Record) -> impl Iterator<Item = Self> {
        let called = |(column, value): (usize, &Vec<u8>)| {
            OptOutTitle::of_name(&key(&decode(value).0)).map(|title| Self::of(title, column))
        };
        row.values.iter().enumerate().filter_map(called)
    }

    /// Those that a row above the header names. A longer title that stands there alone is that of the list.
    fn titled_above(row: &Record) -> impl Iterator<Item = Self> {
        let is_alone = row.values.iter().filter(|cell| !decode(cell).0.trim().is_empty()).count() == 1;
        let named = move |(column, value): (usize, &Vec<u8>)| {
            let title = decode(value).0;
            if !is_alone {
                return Self::titled(&title, column);
            }
            let name = without_answers(&words(&title)).concat();
            OptOutTitle::of_name(&name).map(|title| Self::of(title, column))
        };
        row.values.iter().enumerate().filter_map(named)
    }

    fn titled_in(row: &Record) -> impl Iterator<Item = Self> {
        let titled = |(column, value): (usize, &Vec<u8>)| Self::titled(&decode(value).0, column);
        row.values.iter().enumerate().filter_map(titled)
    }

    /// Whether a cell says that its person wants no messages: in a word, or by the day of it.
    pub(in crate::import) fn says_so(self, value: &str) -> bool {
        says_so(value, !self.is_stop)
    }

    /// The same column, in which no day counts.
    pub(in crate::import) const fn by_words(self) -> Self {
        Self { is_stop: true, ..self }
    }

    /// Whether a cell says neither that its person wants no messages nor that they want some. An empty one, or a dash, says the latter.
    pub(super) fn is_unclear(self, value: &str) -> bool {
        let is_nothing = |c: char| c.is_whitespace() || matches!(c, '-' | '–' | '—' | '.' | '/' | '_');
        !value.chars().all(is_nothing) && !self.is_answer(value)
    }

    /// Whether a cell says that, or that its person wants some.
    fn is_answer(self, value: &str) -> bool {
        self.says_so(value) || says_no(value) || denies(value)
    }
}
