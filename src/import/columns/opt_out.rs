//! Columns that say who wants no messages, and what in their cells says so.

use unicode_normalization::UnicodeNormalization;

use super::header::{is_further_header, names_columns};
use super::{Samples, decode, key};
use crate::domain::phone::{begins_with_day, is_date_or_years, is_exported_day};
use crate::import::records::Record;

/// What such a column may be called.
const HEADERS: &[&str] = &[
    "optout",
    "optedout",
    "optouts",
    "stop",
    "unsubscribe",
    "unsubscribed",
    "donotcontact",
    "donotmessage",
    "dnc",
    "nomessages",
    "berhenti",
    "henti",
];

/// With what in it a longer title names such a column: `Opt-out (Y/N)`, `unsubscribed_at`, `WhatsApp opt-out`.
const HEADER_PARTS: &[&str] = &["optout", "optedout", "unsubscribe", "donotcontact", "donotmessage"];

/// With what in it such a title says the opposite.
const OPPOSITE_PARTS: &[&str] = &["notopt", "notunsub", "didnt", "noopt", "optin"];

/// With which words, or their plural, such a title says the opposite, is about what belongs to an opt-out, or about another channel.
const OTHER_WORDS: &[&str] = &[
    "never", "tidak", "belum", "removed", "sent", "link", "url", "code", "token", "remind", "reminder", "reminded",
    "count", "reason", "mail", "email", "fax",
];

/// What stands behind a title to say what belongs in its cells: `Stop (Y/N)`.
const ANSWER_WORDS: &[&[&str]] = &[&["y", "n"], &["yn"], &["yes", "no"], &["ya", "tidak"]];

/// With what in it the title below one that is written over several columns says that it belongs there.
const CHANNEL_PARTS: &[&str] = &["mail", "whatsapp", "sms", "phone", "call", "telefon", "telepon", "yn"];

/// With what a cell of it says so, besides what such a column may be called. Anything else may be about something else, such as a bus stop.
const CELLS: &[&str] = &[
    "yes",
    "y",
    "true",
    "1",
    "1.0",
    "1.00",
    "01",
    "x",
    "stopped",
    "ya",
    "benar",
    "si",
    "sí",
    "verdadero",
    "vero",
    "sim",
    "verdadeiro",
    "oui",
    "vrai",
    "ja",
    "wahr",
    "是",
    "退订",
    "✓",
    "✔",
    "✅",
    "☑",
    "√",
];

/// With what a cell of it says that somebody wants messages. Whoever has something else in it gets them as well, but that may be about
/// something else, and may mean that they want none: *active* is about a subscription or about the block.
const NO_CELLS: &[&str] = &[
    "no",
    "n",
    "false",
    "f",
    "0",
    "0.0",
    "0.00",
    "00",
    "tidak",
    "salah",
    "tak",
    "bukan",
    "belum",
    "não",
    "falso",
    "non",
    "faux",
    "nein",
    "falsch",
    "否",
    "never",
    "none",
    "null",
    "na",
    "nil",
    "subscribed",
    "resubscribed",
    "optin",
    "optedin",
];

/// With what in it a day is that of somebody who wants messages again.
const BACK_PARTS: &[&str] = &["optedin", "resubscri", "reactivat", "rejoin"];

/// So many words such a wish has at most.
const WISH_WORDS: usize = 3;

/// What phones and spreadsheets put behind a sign to have it drawn in colours.
const EMOJI: char = '\u{fe0f}';

/// Whether a column may be called so that says who wants no messages.
pub(super) fn names_opt_outs(key: &str) -> bool {
    HEADERS.contains(&key)
}

/// Whether the title of a column may name one that says who wants no messages, perhaps among other words.
pub(super) fn titles_opt_outs(title: &str) -> bool {
    OptOutColumn::titled(title, 0).is_some()
}

/// The words of a title, also of one such as `optedOutAt`, in small ordinary letters.
fn words(title: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for letter in title.nfkc() {
        if !letter.is_alphanumeric() || was_small && letter.is_uppercase() {
            words.push(String::new());
        }
        was_small = letter.is_lowercase();
        if letter.is_alphanumeric() {
            words.last_mut().into_iter().for_each(|word| word.extend(letter.to_lowercase()));
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn without_answers(words: &[String]) -> &[String] {
    let is_end = |end: &&&[&str]| words.len() > end.len() && words[words.len() - end.len()..].iter().eq(end.iter());
    ANSWER_WORDS.iter().find(is_end).map_or(words, |end| &words[..words.len() - end.len()])
}

/// A column that says who wants no messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import) struct OptOutColumn {
    pub column: usize,
    /// A day in it may be another one, such as a subscription's last day.
    is_stop: bool,
}

impl OptOutColumn {
    fn called(key: &str, column: usize) -> Option<Self> {
        names_opt_outs(key).then_some(Self { column, is_stop: key == "stop" })
    }

    /// The same of the title of a column, which may be longer.
    fn titled(title: &str, column: usize) -> Option<Self> {
        let words = words(title);
        let (key, is_other) = (words.concat(), |word: &String| OTHER_WORDS.contains(&word.trim_end_matches('s')));
        let has = |parts: &[&str]| parts.iter().any(|part| key.contains(part));
        let is_longer = || has(HEADER_PARTS) && !has(OPPOSITE_PARTS) && !words.iter().any(is_other);
        Self::called(&without_answers(&words).concat(), column)
            .or_else(|| is_longer().then_some(Self { column, is_stop: false }))
    }

    /// The field of that name, of a person whom a program gives.
    pub(in crate::import) fn of_field(name: &str) -> Option<Self> {
        Self::titled(name, 0)
    }

    /// Those of a header and of the titles above it, and of one that stands between its people.
    pub(super) fn of_header(header: &Record, titles: &[Record], people: &Samples<'_>) -> Vec<Self> {
        let above = titles.iter().flat_map(Self::titled_in).filter(|of| of.is_borne_out(people));
        let below =
            |row: &Record, column: usize| row.values.get(column).map_or_else(String::new, |cell| key(&decode(cell).0));
        let is_channel = |key: &str| CHANNEL_PARTS.iter().any(|part| key.contains(part));
        let width = header.values.len();
        let of_titles = titles.iter().flat_map(|row| Self::further_in(row, width)).filter(|of| {
            let key = below(header, of.column);
            key.is_empty() || is_channel(&key)
        });
        let first = people.rows.first();
        let of_header = Self::further_in(header, width)
            .filter(|of| first.is_some_and(|first| is_channel(&below(first, of.column))));
        let further = of_titles.chain(of_header).filter(|of| of.is_borne_out(people));
        Self::titled_in(header).chain(above).chain(further).chain(Self::of_headers_in(people.rows)).collect()
    }

    /// Those of a list that is read without a header, though its first row may be one: its cell there is called as such a column is, and no more
    /// than half of the others that are not empty are about something else. If the row is a person's, they want no messages. One that is a
    /// header beyond doubt may stand below somebody's number.
    pub(super) fn without_header(first: &Record, others: &Samples<'_>) -> Vec<Self> {
        let borne_out = Self::called_in(first).filter(|of| of.is_borne_out(others));
        borne_out.chain(Self::of_headers_in(others.rows)).collect()
    }

    /// Those behind one that is called so, as far as nothing stands above them: a spreadsheet has a title that is written over several columns
    /// in the first of these, and a row ends with its last value. There a day may be another one.
    fn further_in(row: &Record, width: usize) -> impl Iterator<Item = Self> + '_ {
        let is_empty = |column: &usize| row.values.get(*column).is_none_or(|cell| decode(cell).0.trim().is_empty());
        Self::titled_in(row).flat_map(move |of| {
            let behind = (of.column + 1..width).take_while(is_empty);
            behind.map(|column| Self { column, is_stop: true })
        })
    }

    /// Whether no more than half of the cells of its column that are not empty are about something else.
    fn is_borne_out(self, people: &Samples<'_>) -> bool {
        let all = people.values(self.column).count();
        people.values(self.column).filter(|value| !self.is_answer(value)).count() * 2 <= all
    }

    /// Those of a header that stands between the people of a list. `phone`: the column of their numbers.
    pub(in crate::import) fn of_further_header(row: &Record, phone: usize) -> Vec<Self> {
        if is_further_header(row, phone) { Self::titled_in(row).collect() } else { Vec::new() }
    }

    fn of_headers_in(rows: &[Record]) -> impl Iterator<Item = Self> + '_ {
        rows.iter().filter(|row| names_columns(row, rows)).flat_map(Self::titled_in)
    }

    fn called_in(row: &Record) -> impl Iterator<Item = Self> {
        let called = |(column, value): (usize, &Vec<u8>)| Self::called(&key(&decode(value).0), column);
        row.values.iter().enumerate().filter_map(called)
    }

    fn titled_in(row: &Record) -> impl Iterator<Item = Self> {
        let titled = |(column, value): (usize, &Vec<u8>)| Self::titled(&decode(value).0, column);
        row.values.iter().enumerate().filter_map(titled)
    }

    /// Whether a cell says that its person wants no messages: in a word, or by the day of it.
    pub(in crate::import) fn says_so(self, value: &str) -> bool {
        let is_day = || begins_with_day(value) || is_date_or_years(value) || is_exported_day(value);
        is_wish(value) || !is_back(value) && (!self.is_stop && is_day() || has_day_behind_wish(value))
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
        self.says_so(value) || says_no(value)
    }
}

/// Whether a cell of such a column says that its person wants messages.
pub(in crate::import) fn says_no(value: &str) -> bool {
    is_in(NO_CELLS, value)
}

/// Whether a text says that somebody wants no messages.
fn is_wish(text: &str) -> bool {
    is_in(CELLS, text) || names_opt_outs(&key(text))
}

/// *do not contact since 31/12/2025*, *unsubscribed in Jan 2026*: the day shows that what stands before it is not about something else.
fn has_day_behind_wish(value: &str) -> bool {
    // A year alone may be anything.
    let is_time = |text: &str| begins_with_day(text) || text.len() > 4 && is_date_or_years(text);
    // `1 Jan 2026` is a day.
    let is_word = |wish: &str| wish.contains(char::is_alphabetic);
    let may_stand_between = |word: &str| word.chars().all(char::is_alphabetic) && !says_no(word);
    let has_time = |rest: &str| {
        let behind_word = rest.split_once(char::is_whitespace).filter(|(word, _)| may_stand_between(word));
        is_time(rest) || behind_word.is_some_and(|(_, time)| is_time(time.trim_start()))
    };
    let ends = value.match_indices(char::is_whitespace).map(|(at, _)| at).take(WISH_WORDS);
    ends.map(|at| value.split_at(at)).any(|(wish, rest)| is_word(wish) && is_wish(wish) && has_time(rest.trim()))
}

/// Whether a cell is one of these words, or of the signs and numbers whose signs count: `0/1` is not `01`.
fn is_in(cells: &[&str], value: &str) -> bool {
    let (word, whole) = (key(value), value.trim().nfkc().collect::<String>());
    let is_word = word.contains(char::is_alphabetic) && cells.contains(&word.as_str());
    is_word || cells.contains(&whole.as_str()) || cells.contains(&value.trim().trim_end_matches(EMOJI))
}

/// Whether a day has words beside it that say that its person is back: `12/03/2026 resubscribed`, `opted in 12/03/2026`.
fn is_back(value: &str) -> bool {
    let key = key(value);
    value.split_whitespace().next_back().is_some_and(says_no) || BACK_PARTS.iter().any(|part| key.contains(part))
}
