//! Makes hostile text harmless for a terminal or a spreadsheet, and finds the nearest known word for a mistyped one.
//! Must not be used on a message on its way to WhatsApp: people get exactly what the operator wrote.

mod commands;
mod csv;
mod keys;

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use chrono::TimeDelta;
use unicode_normalization::UnicodeNormalization;

pub use commands::{has_command, host, pasteable};
pub use csv::{csv_meant, csv_safe};
pub use keys::{default_keys, replace_keys};

/// Removes whatever could control a terminal or disguise the order of letters: control characters (C0, DEL, C1),
/// bidi marks and overrides, invisible format characters, joiners. Line breaks and tabs become one space each.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_break(c) || is_invisible(c)) {
        return Cow::Borrowed(text);
    }
    let kept = text.chars().filter(|&c| is_break(c) || !is_invisible(c));
    Cow::Owned(kept.map(|c| if is_break(c) { ' ' } else { c }).collect())
}

/// Without what says nothing to an operator: `(os error 111)`, and addresses of a library's documentation.
pub fn without_details(text: &str) -> String {
    let words = text.split(": https://docs.rs/").next().unwrap_or_default();
    let mut parts = words.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| said + part.split_once(')').map_or("", |(_, after)| after))
}

/// The same for a screen, on which joiners and variation selectors stay where they mean something: a family is one picture, and
/// the scripts of India and Iran are joined as they are written.
pub fn clean_shown(text: &str) -> Cow<'_, str> {
    if text.contains(is_joining) { Cow::Owned(clean_name(text)) } else { clean(text) }
}

/// What is kept of a text while it is typed: joiners and variation selectors too, which may come one by one.
pub fn clean_typed(text: &str) -> String {
    let kept = text.chars().filter(|&c| is_break(c) || is_joining(c) || !is_invisible(c));
    kept.map(|c| if is_break(c) { ' ' } else { c }).collect()
}

/// The same for a name that is kept, which people read in their message: joiners and variation selectors stay where they join
/// or select something, as in emoji and in the scripts of India and Iran. Between Latin letters, where they could only disguise,
/// they go.
pub fn clean_name(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut kept = String::with_capacity(text.len());
    let mut last: Option<char> = None;
    for (at, &c) in chars.iter().enumerate() {
        let is_kept = match c {
            '\u{200c}' | '\u{200d}' => {
                let next = chars[at + 1..].iter().copied().find(|c| !is_selector(*c));
                joins(last) && joins(next)
            }
            c if is_selector(c) => last.is_some_and(|last| !is_joining(last) && !last.is_whitespace()),
            c => !is_invisible(c) || is_break(c),
        };
        if is_kept {
            let c = if is_break(c) { ' ' } else { c };
            kept.push(c);
            last = Some(c);
        }
    }
    kept
}

/// Selects how the character before it looks.
const fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe0e}' | '\u{fe0f}')
}

const fn is_joining(c: char) -> bool {
    is_selector(c) || matches!(c, '\u{200c}' | '\u{200d}')
}

/// Whether a joiner beside it means something.
fn joins(c: Option<char>) -> bool {
    c.is_some_and(|c| is_selector(c) || !c.is_ascii() && !c.is_whitespace() && !is_invisible(c) && !is_latin(c))
}

/// Letters that nothing joins: Latin with its accents, Greek, Cyrillic.
const fn is_latin(c: char) -> bool {
    matches!(c, '\u{c0}'..='\u{52f}' | '\u{1e00}'..='\u{1fff}')
}

/// Whether the character moves to another line or column: shown as a space.
fn is_break(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether the character shows nothing by itself: controls, bidi, joiners, fillers, selectors, tags, byte order marks.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether nothing of a text can be seen: blanks, and characters that show nothing by themselves.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

/// A text in which line breaks and what could not be seen are spelled out, `list\nof people.csv`: of the name of a file each character counts.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_break(c) || is_invisible(c) && !is_joining(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a cell says that a spreadsheet could not compute it.
pub fn is_error_value(text: &str) -> bool {
    const ERRORS: [&str; 9] = ["#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#DATA!"];
    ERRORS.contains(&text.trim())
}

/// Whether a cell is what programs export for an empty one, spelled exactly as they do: `Null` and `Nan` are people's names.
pub fn is_empty_marker(text: &str) -> bool {
    const MARKERS: [&str; 15] = [
        "null", "NULL", "(null)", "(NULL)", "\\N", "nan", "NaN", "N/A", "n/a", "#N/A", "NIL", "nil", "-", "--",
        "\u{2014}",
    ];
    MARKERS.contains(&text.trim())
}

/// JSON that no terminal obeys: it escapes the first 32 characters by itself, and a terminal also obeys some from 127 to 159.
pub fn escaped_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, '\u{7f}'..='\u{9f}') {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Text as one word of a shell command.
pub fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The text of what [`shell_quoted`] wrote; `None`: it did not write this.
pub fn shell_unquoted(word: &str) -> Option<String> {
    let text = word.strip_prefix('\'')?.strip_suffix('\'')?.replace("'\\''", "'");
    (shell_quoted(&text) == word).then_some(text)
}

/// Text as [`shell_quoted`] has it, without quotes where none are needed.
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) { text.to_owned() } else { shell_quoted(text) }
}

/// A whole number with a comma between thousands: `1,240`.
pub fn number(n: i64) -> String {
    let sign = if n < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(&n.unsigned_abs().to_string()))
}

/// A number with the noun that agrees with it: `1 row`, `1,240 rows`.
pub fn count_of<N: fmt::Display + Copy + PartialEq + From<u8>>(n: N, one: &str, many: &str) -> String {
    let noun = if n == N::from(1) { one } else { many };
    let text = n.to_string();
    let digits = text.trim_start_matches('-');
    format!("{}{} {noun}", &text[..text.len() - digits.len()], grouped(digits))
}

/// `1 person`, `3 people`.
pub fn people<N: fmt::Display + Copy + PartialEq + From<u8>>(n: N) -> String {
    count_of(n, "person", "people")
}

/// `1 person is`, `3 people are`.
pub fn people_are(n: i64) -> String {
    count_of(n, "person is", "people are")
}

/// Digits with a comma before every three from the right.
pub fn grouped(digits: &str) -> String {
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// The candidate that a mistyped word most likely meant, whatever its case: at most one slip (a letter added, lost,
/// changed or swapped with its neighbour) per three letters, at least one allowed. The first of equals wins.
pub fn nearest<'a, I>(word: &str, candidates: I) -> Option<&'a str>
where
    I: IntoIterator<Item = &'a str>,
{
    let word = lower(word);
    if word.len() > 100 {
        return None;
    }
    let allowed = (word.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (slips(&word, &lower(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn lower(word: &str) -> Vec<char> {
    word.trim().chars().flat_map(char::to_lowercase).collect()
}

/// Edit distance with swaps of neighbours counted once (optimal string alignment), keeping three rows.
fn slips(from: &[char], to: &[char]) -> usize {
    let mut before = vec![0; to.len() + 1];
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, &a) in from.iter().enumerate() {
        let mut row = vec![i + 1; to.len() + 1];
        for (j, &b) in to.iter().enumerate() {
            let changed = above[j] + usize::from(a != b);
            row[j + 1] = changed.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a == to[j - 1] && from[i - 1] == b {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[to.len()]
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to memory does not fail.
        _ = write!(text, "{byte:02x}");
        text
    })
}

/// Without the accents of Latin, Greek and Cyrillic letters (`Zoë` is `Zoe`), and decomposed: to be compared with what was treated alike.
pub fn without_accents(text: &str) -> String {
    text.nfd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).map(without_stroke).collect()
}

/// What a stroke is part of does not decompose.
const fn without_stroke(letter: char) -> char {
    match letter {
        'ł' => 'l',
        'Ł' => 'L',
        'ø' => 'o',
        'Ø' => 'O',
        'đ' => 'd',
        'Đ' => 'D',
        'ħ' => 'h',
        'Ħ' => 'H',
        'ı' => 'i',
        'ŧ' => 't',
        'Ŧ' => 'T',
        other => other,
    }
}

/// How long a message is, as it is counted wherever one is shown: `1,024 characters`.
pub fn characters(text: &str) -> String {
    count_of(i64::try_from(text.chars().count()).unwrap_or(i64::MAX), "character", "characters")
}

/// A length of time as people say it: `45 s`, `12 min`, `1 h 20 min`, `3 days 4 h`.
pub fn span_words(span: TimeDelta) -> String {
    let (minutes, hours, days) = (span.num_minutes(), span.num_hours(), span.num_days());
    let two = |large: String, small: i64, unit: &str| {
        if small == 0 { large } else { format!("{large} {small} {unit}") }
    };
    match span.num_seconds() {
        seconds @ ..=59 => format!("{} s", seconds.max(0)),
        60..=3_599 => format!("{minutes} min"),
        3_600..=86_399 => two(format!("{hours} h"), minutes % 60, "min"),
        _ => two(count_of(days, "day", "days"), hours % 24, "h"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_keeps_what_joins_and_loses_what_disguises() {
        for name in [
            "👨\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}\u{200d}🔥",
            "1\u{fe0f}\u{20e3}",
            "نمی\u{200c}دانم",
            "ශ්\u{200d}රී",
            "Siti Aminah",
        ] {
            assert_eq!(clean_name(name), name);
        }
        for (name, kept) in [
            ("A\u{200d}li", "Ali"),
            ("Ali\u{200d}", "Ali"),
            ("\u{fe0f}Ali", "Ali"),
            ("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}"),
            ("é\u{200c}á", "éá"),
            ("A\u{202e}b\u{200b}\u{feff}\u{1b}[2J", "Ab[2J"),
            ("one\ntwo", "one two"),
            ("👨\u{200d}\u{200d}👩", "👨\u{200d}👩"),
        ] {
            assert_eq!(clean_name(name), kept, "{name:?}");
        }
    }

    #[test]
    fn an_escape_sequence_in_a_name_cannot_reach_the_terminal() {
        assert_eq!(clean("Aina\u{1b}[2J\u{1b}]0;owned\u{7}"), "Aina[2J]0;owned");
        assert_eq!(clean("\u{9b}31mred"), "31mred");
        assert_eq!(clean("del\u{7f}ete"), "delete");
    }

    #[test]
    fn bidi_overrides_and_zero_width_characters_are_taken_out() {
        assert_eq!(clean("a\u{202e}b\u{2066}c\u{200f}d\u{200b}e\u{feff}f\u{ad}g"), "abcdefg");
        assert_eq!(clean("👨\u{200d}👩\u{200d}👧"), "👨👩👧");
        assert_eq!(clean("❤\u{fe0f}"), "❤");
    }

    #[test]
    fn line_breaks_become_spaces_so_that_words_do_not_run_together() {
        assert_eq!(clean("one\ntwo\tthree\u{2028}four"), "one two three four");
    }

    #[test]
    fn ordinary_text_in_any_script_is_borrowed_unchanged() {
        for text in ["Aina binti Omar", "李小龍", "मीना", "محمد", "Zoë 😀"] {
            assert!(matches!(clean(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn a_count_agrees_with_its_noun_and_is_grouped() {
        assert_eq!(people(0_i64), "0 people");
        assert_eq!(people(1_usize), "1 person");
        assert_eq!(people(1_240_u64), "1,240 people");
        assert_eq!(count_of(-1_500_i64, "row", "rows"), "-1,500 rows");
    }

    #[test]
    fn a_terminal_obeys_nothing_of_json() {
        assert_eq!(escaped_json("{\"a\":\"\u{9b}2J 陈\"}"), "{\"a\":\"\\u009b2J 陈\"}");
    }

    #[test]
    fn a_mistyped_word_finds_the_one_that_was_meant() {
        let known = ["database", "senders", "engine", "name", "daily_cap"];

        assert_eq!(nearest("databse", known), Some("database"));
        assert_eq!(nearest("Nmae", known), Some("name"));
        assert_eq!(nearest("dailycap", known), Some("daily_cap"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("x", ["y"]), Some("y"));
        assert_eq!(nearest("name", []), None);
    }

    proptest! {
        #[test]
        fn cleaned_text_is_clean_and_cleaning_again_changes_nothing(text in any::<String>()) {
            let once = clean(&text).into_owned();

            prop_assert!(!once.chars().any(is_invisible));
            prop_assert_eq!(clean(&once), once.as_str());
        }

        #[test]
        fn a_word_is_nearest_to_itself(word in "[a-z_]{1,20}") {
            prop_assert_eq!(nearest(&word, ["zzzzzz", word.as_str()]), Some(word.as_str()));
        }
    }

    #[test]
    fn a_cause_names_neither_numbers_of_errors_nor_documentation() {
        let said = "tcp connect error: Connection refused (os error 111), then reset (os error 104)";
        assert_eq!(without_details(said), "tcp connect error: Connection refused, then reset");
        let said =
            "peer closed connection without sending TLS close_notify: https://docs.rs/rustls/latest/rustls/manual";
        assert_eq!(without_details(said), "peer closed connection without sending TLS close_notify");
    }
}
