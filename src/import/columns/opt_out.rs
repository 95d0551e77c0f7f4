//! Columns that say who wants no messages, by what they are called.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization;

use super::header::{is_further_header, names_columns};
use super::opt_out_cell::{denies, says_no, says_so};
use super::{Samples, decode, key};
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
    "dncflag",
    "donotcall",
    "unsub",
    "blacklist",
    "blacklisted",
    "berhenti",
    "henti",
    "berhentimelanggan",
    "berhentiberlangganan",
    "janganhubungi",
    "jangandihubungi",
    "janganmesej",
    "sudahberhenti",
    "berhentilangganan",
    "hentimesej",
    "取消订阅",
    "取消訂閱",
    "不要联系",
    "不要聯繫",
    "已退订",
    "已退訂",
    "退订",
    "是否退订",
    "退訂",
    "是否退訂",
    "拒收",
];

/// With what in it a longer title names such a column: `Opt-out (Y/N)`, `unsubscribed_at`, `WhatsApp opt-out`.
pub(super) const HEADER_PARTS: &[&str] = &[
    "optout",
    "optedout",
    "unsubscribe",
    "donotcontact",
    "donotmessage",
    "donotcall",
    "janganhubungi",
    "jangandihubungi",
    "berhentimelanggan",
    "berhentilangganan",
    "berhentiberlangganan",
    "退订",
    "退訂",
    "拒收",
];

/// With what in it such a title says the opposite.
const OPPOSITE_PARTS: &[&str] = &[
    "notopt",
    "notunsub",
    "notyet",
    "didnt",
    "optin",
    "tidakopt",
    "tidakunsub",
    "takopt",
    "takunsub",
    "belumopt",
    "belumunsub",
    "bukanopt",
    "bukanunsub",
    "pernahopt",
    "pernahunsub",
    "belumberhenti",
    "tidakberhenti",
    "takberhenti",
    "bukanberhenti",
    "未退",
    "没退",
    "沒退",
    "不退",
    "非退",
    "未拒",
    "回t",
    "回复",
    "回覆",
    "链接",
];

/// With which words, or their plural, such a title says the opposite, or is about what belongs to an opt-out. At the end of a longer word they
/// count as well: `unsubscribecount`.
const OTHER_WORDS: &[&str] = &[
    "never",
    "removed",
    "sent",
    "link",
    "url",
    "code",
    "token",
    "remind",
    "reminder",
    "reminded",
    "count",
    "reason",
    "id",
    "key",
    "keyword",
    "group",
    "reply",
    "replie",
    "balas",
    "without",
    "except",
    "minus",
    "exclude",
    "excluded",
    "excluding",
    "tanpa",
    "kecuali",
];

/// A title about mail or fax is about messages as well where it names one of these.
const CHANNELS_OF_MESSAGES: &[&str] = &["whatsapp", "sms", "phone", "call", "telefon", "telepon"];

/// What stands behind a title to say what belongs in its cells: `Stop (Y/N)`.
const ANSWER_WORDS: &[&[&str]] = &[
    &["y", "n"],
    &["yn"],
    &["yes", "no"],
    &["ya", "tidak"],
    &["y", "t"],
    &["true", "false"],
    &["1", "0"],
    &["0", "1"],
    &["是", "否"],
];

/// With what in it the title below one that is written over several columns says that it belongs there.
const CHANNEL_PARTS: &[&str] = &["mail", "whatsapp", "sms", "phone", "call", "telefon", "telepon", "yn"];

/// Whether a column may be called so that says who wants no messages.
pub(super) fn names_opt_outs(key: &str) -> bool {
    HEADERS.contains(&key)
}

/// Whether the title of a column may name one that says who wants no messages, perhaps among other words.
pub(super) fn titles_opt_outs(title: &str) -> bool {
    OptOutColumn::titled(title, 0).is_some()
}

/// The words of a title, also of one such as `optedOutAt`, in small ordinary letters.
pub(super) fn words(title: &str) -> Vec<String> {
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

/// Whether such a title stands among other words that do not change what it is about.
fn is_longer_title(words: &[String], key: &str) -> bool {
    let has = |parts: &[&str]| parts.iter().any(|part| key.contains(part));
    let is_other = |word: &String| {
        let word = word.trim_end_matches('s');
        let is_in_one = HEADER_PARTS.iter().any(|part| word.contains(part));
        OTHER_WORDS.iter().any(|other| word == *other || is_in_one && other.len() > 2 && word.ends_with(other))
    };
    let is_mail = key.contains("mail") || words.iter().any(|word| word.starts_with("fax"));
    let is_other_channel = is_mail && !has(CHANNELS_OF_MESSAGES);
    // *Phone No. opted out* is a number's.
    let begins_part =
        |word: &String| word.get(..3).is_some_and(|head| HEADER_PARTS.iter().any(|part| part.starts_with(head)));
    let is_no = |at: usize| {
        let is_of_number = at > 0
            && CHANNELS_OF_MESSAGES
                .iter()
                .chain(&["app", "mobile", "contact", "tel", "hp"])
                .any(|of| words[at - 1] == *of);
        words[at] == "no" && !is_of_number && words.get(at + 1).is_some_and(begins_part)
    };
    let is_opposite = has(OPPOSITE_PARTS) || (0..words.len()).any(is_no);
    has(HEADER_PARTS) && !is_opposite && !is_other_channel && !words.iter().any(is_other)
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
    pub(super) fn titled(title: &str, column: usize) -> Option<Self> {
        let words = words(title);
        let words = without_answers(&words);
        let key = words.concat();
        Self::called(&key, column).or_else(|| is_longer_title(words, &key).then_some(Self { column, is_stop: false }))
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
            // One without answers below it is the list's.
            for of in Self::titled_above(row).filter(is_of_answers) {
                let further = of.further_in(row, width).filter(|of| {
                    let key = below(header, of.column);
                    (key.is_empty() || is_channel(&key)) && is_of_answers(of)
                });
                found.push(of);
                found.extend(further);
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
        behind.map(|column| Self { column, is_stop: true })
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
        let called = |(column, value): (usize, &Vec<u8>)| Self::called(&key(&decode(value).0), column);
        row.values.iter().enumerate().filter_map(called)
    }

    /// Those that a row above the header names. A longer title that stands there alone is that of the list.
    fn titled_above(row: &Record) -> impl Iterator<Item = Self> {
        let is_alone = row.values.iter().filter(|cell| !decode(cell).0.trim().is_empty()).count() == 1;
        let named = move |(column, value): (usize, &Vec<u8>)| {
            let title = decode(value).0;
            let key = without_answers(&words(&title)).concat();
            if is_alone { Self::called(&key, column) } else { Self::titled(&title, column) }
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
