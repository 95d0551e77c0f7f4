//! What the cells of a column say in which people stand who want no messages.

use unicode_normalization::UnicodeNormalization;

use super::key;
use super::opt_out_title::names_opt_outs;
use crate::domain::phone::{
    begins_with_day, begins_with_day_of_a_year, is_date_or_years, is_day_of_a_year, is_exported_day, is_negation,
};

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
    "退訂",
    "已退订",
    "已退訂",
    "sudah",
    "done",
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
    "subscribed",
    "resubscribed",
    "optin",
    "optedin",
];

/// With what programs and people fill a cell that is empty.
const EMPTY_CELLS: &[&str] = &["none", "null", "na", "nil"];

/// What stands behind a day on which somebody came back, besides a *no*.
const BACK_CELLS: &[&str] = &["active", "aktif", "start", "back"];

/// With what in it a day is that of somebody who wants messages again.
const BACK_PARTS: &[&str] = &["optin", "optedin", "resubscri", "reactivat", "rejoin"];

/// Before which words such a part says the opposite: *do not reactivate*.
const BACK_NEGATIONS: &[&str] = &[
    "wont",
    "doesnt",
    "cant",
    "cannot",
    "declined",
    "withdrawn",
    "revoked",
    "expired",
    "cancelled",
    "canceled",
    "cancel",
    "withdrew",
    "ended",
    "not",
    "dont",
    "never",
    "no",
    "refused",
    "refuses",
    "jangan",
    "tidak",
    "tak",
];

/// With which first word a longer cell says so, whatever stands behind it: *Yes - asked by phone*.
const FIRST_WORDS: &[&str] = &["yes", "ya", "oui", "sim", "ja", "true", "y", "是"];
/// Words behind it that take that back, besides negations.
const KEEPS: &[&str] = &[
    "keep", "still", "continue", "wants", "want", "back", "mistake", "masih", "mahu", "nak", "teruskan", "semula",
    "active", "aktif",
];

/// So many words such a wish has at most.
const WISH_WORDS: usize = 3;

/// What phones and spreadsheets put behind a sign to have it drawn in colours.
const EMOJI: char = '\u{fe0f}';

/// Whether a cell of such a column says that its person wants messages, or nothing.
pub(in crate::import) fn says_no(value: &str) -> bool {
    is_in(NO_CELLS, value) || is_in(EMPTY_CELLS, value)
}

/// Whether a cell says that its person wants no messages: in a word, or by the day of it, where days count.
pub(super) fn says_so(value: &str, do_days_count: bool) -> bool {
    let is_day = || {
        begins_with_day(value) || is_date_or_years(value) || is_exported_day(value) || begins_with_day_of_a_year(value)
    };
    is_wish(value)
        || begins_with_yes(value, !do_days_count)
        || has_day_behind_wish(value)
        || do_days_count && (is_day() && !is_back(value) || begins_with_wish(value))
}

/// *Yes - asked by phone*, *ya (telefon)*: unless it takes that back. `is_parted`: a sign has to stand behind the word, since *Ya Kun* is a place.
fn begins_with_yes(value: &str, is_parted: bool) -> bool {
    let value = value.trim();
    let end = value.find(|c: char| !c.is_alphanumeric()).unwrap_or(value.len());
    let (first, rest) = value.split_at(end);
    let is_parted = is_parted || matches!(first, "y" | "Y");
    let has_sign = rest.trim_start().starts_with(|c: char| !c.is_alphanumeric() && c != '?');
    // *yes, do not message* is another word for it.
    let says_more = ["donot", "dont", "jangan"].iter().any(|part| key(rest).contains(part));
    FIRST_WORDS.contains(&first.to_lowercase().as_str())
        && !rest.starts_with('?')
        && (has_sign || !is_parted)
        && (says_more || !takes_back(&words_of(rest)))
}

/// *unsubscribed on 5 Jan*: such a name, and more than a word behind it that takes nothing back and is about no other channel.
fn begins_with_wish(value: &str) -> bool {
    let words = words_of(value);
    let longest = words.len().min(WISH_WORDS);
    (1..=longest).any(|count| {
        let (name, rest) = (words[..count].concat(), &words[count..]);
        let is_mail = rest.iter().any(|word| word.contains("mail"));
        names_opt_outs(&name) && !is_mail && !takes_back(rest)
    })
}

fn words_of(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// Whether words behind such a cell's first take it back.
fn takes_back(words: &[String]) -> bool {
    let is_other = |word: &String| is_negation(word) || is_in(NO_CELLS, word) || KEEPS.contains(&word.as_str());
    words.iter().any(is_other) || BACK_PARTS.iter().any(|part| words.concat().contains(part))
}

/// Whether a cell says that its person did not opt out, or is back: *no*, *never opted out*, *no (31/12/2025)*, *12/03/2026 resubscribed*.
pub(super) fn denies(value: &str) -> bool {
    let is_signs = |c: char| !c.is_alphanumeric();
    let is_negated = || {
        let (first, rest) = value.trim().split_once(char::is_whitespace)?;
        // *No, stop* says stop.
        let is_one = first.ends_with(char::is_alphanumeric) && rest.trim_start().starts_with(char::is_alphanumeric);
        let rest = rest.trim_matches(is_signs);
        let is_negation = is_negation(first.trim_matches(is_signs));
        Some(is_negation && (is_one && is_wish(rest) || begins_with_day(rest) || is_date_or_years(rest)))
    };
    is_in(NO_CELLS, value) || is_back(value) || is_negated().unwrap_or(false)
}

/// Whether a text says that somebody wants no messages.
fn is_wish(text: &str) -> bool {
    is_in(CELLS, text) || names_opt_outs(&key(text))
}

/// *do not contact since 31/12/2025*, *unsubscribed in Jan 2026*: the day shows that what stands before it is not about something else.
fn has_day_behind_wish(value: &str) -> bool {
    // A year alone may be anything.
    let is_time =
        |text: &str| begins_with_day(text) || text.len() > 4 && is_date_or_years(text) || is_day_of_a_year(text);
    // `1 Jan 2026` is a day.
    let is_word = |wish: &str| !wish.contains(|c: char| c.is_ascii_digit());
    let may_stand_between = |word: &str| word.chars().all(char::is_alphabetic) && !says_no(word);
    let has_time = |rest: &str| {
        let behind_word = rest.split_once(char::is_whitespace).filter(|(word, _)| may_stand_between(word));
        is_time(rest) || behind_word.is_some_and(|(_, time)| is_time(time.trim_start()))
    };
    let is_around = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']');
    let ends = value.match_indices(char::is_whitespace).map(|(at, _)| at).take(WISH_WORDS);
    ends.map(|at| value.split_at(at))
        .any(|(wish, rest)| is_word(wish) && is_wish(wish) && has_time(rest.trim_matches(is_around)))
}

/// Whether a cell is one of these words, or of the signs and numbers whose signs count: `0/1` is not `01`, but `="1"` is 1.
fn is_in(cells: &[&str], value: &str) -> bool {
    let (word, whole) = (key(value), value.trim().nfkc().collect::<String>());
    let is_word = word.contains(char::is_alphabetic) && cells.contains(&word.as_str());
    let is_around = |c: char| matches!(c, '=' | '"' | '\'' | '(' | ')' | '[' | ']');
    is_word || cells.contains(&whole.trim_matches(is_around)) || cells.contains(&value.trim().trim_end_matches(EMOJI))
}

/// Whether a day has words beside it that say that its person is back: `12/03/2026 resubscribed`, `opted in 12/03/2026`, `12/03/2026 no`.
fn is_back(value: &str) -> bool {
    let words: Vec<String> = value.split_whitespace().map(key).filter(|word| !word.is_empty()).collect();
    let is_negated = words.iter().any(|word| BACK_NEGATIONS.contains(&word.as_str()));
    let has_part = || BACK_PARTS.iter().any(|part| words.concat().contains(part));
    let is_last = |(day, word): (&str, &str)| {
        let is_day_alone = day.trim().ends_with(|c: char| c.is_ascii_digit()) && is_date_or_years(day.trim());
        is_day_alone && (is_in(NO_CELLS, word) || BACK_CELLS.contains(&key(word).as_str()))
    };
    // *START 12/03/2026*
    let is_first = |(word, day): (&str, &str)| BACK_CELLS.contains(&key(word).as_str()) && begins_with_day(day);
    let has_day = value.contains(|c: char| c.is_ascii_digit());
    // *31/12/2025 STOP (opted in 01/01/2024)*
    let has_wish = words.iter().any(|word| names_opt_outs(word)) || words.concat().contains("optedout");
    if has_wish {
        return false;
    }
    value.trim().split_once(char::is_whitespace).is_some_and(is_first)
        || has_day && !is_negated && has_part()
        || value.trim().rsplit_once(char::is_whitespace).is_some_and(is_last)
}
