//! Finds a number in what others wrote, in the digits of any script and within longer words. Regular expressions as Postgres reads them.

use std::fmt::Write as _;

use crate::domain::phone::digits::ZEROS;
use crate::domain::phone::{DIGITS_MAX, PersonKey, other_spelling};

/// How many of a number's last digits find it in a text, however it is written there.
const TAIL: usize = 8;

/// What finds a person's numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NumberPatterns {
    /// Quick, and found wherever one of the others is.
    pub near: String,
    /// In a text: what stands for the number, with what people put before and between its digits, and no longer number of another's.
    pub text: String,
    /// In a SKU or another name of a thing, where no other's number is looked for.
    pub name: String,
    /// In JSON as it came, its bytes read as Latin-1: digits of other scripts are several characters or escapes there. Slow.
    pub raw: String,
}

impl NumberPatterns {
    pub fn of(people: &[PersonKey]) -> Self {
        let numbers: Vec<_> = people.iter().map(|person| person.number().to_string()).collect();
        let joined =
            |pattern: fn(&str) -> String| numbers.iter().map(|number| pattern(number)).collect::<Vec<_>>().join("|");
        Self { near: joined(near), text: joined(text), name: joined(name), raw: joined(raw) }
    }
}

fn tail(number: &str) -> &str {
    &number[number.len().saturating_sub(TAIL)..]
}

fn near(number: &str) -> String {
    let digits: Vec<_> = tail(number).chars().map(any_script).collect();
    digits.join(&format!("[^{}A-Za-z]{{0,2}}", any_digit()))
}

fn text(number: &str) -> String {
    let any = any_digit();
    let tail: String = tail(number).chars().map(any_script).collect();
    // What stands before the number is not part of it: a blank, a slash, another's number.
    let alone = format!("{}{}(?![{any}])", before(number), near(number));
    // With digits behind it, it may be another's longer number, unless letters make it a word or nobody's number is so long.
    let behind_letters = format!("(?<=[A-Za-z][-_]?)[{any}]*{tail}[{any}]*");
    let before_letters = format!("[{any}]*{tail}[{any}]+(?=[-_]?[A-Za-z])");
    let spellings = [Some(number.to_owned()), other_spelling(number)];
    let too_long = spellings.into_iter().flatten().map(|full| {
        let more = (DIGITS_MAX + 1).saturating_sub(full.len()).max(1);
        format!("[{any}]*{}[{any}]{{{more},}}", full.chars().map(any_script).collect::<String>())
    });
    let too_long: Vec<_> = too_long.collect();
    format!("{alone}|{behind_letters}|{before_letters}|{}", too_long.join("|"))
}

/// What people put before a number's last digits: those that they are preceded by, from a blank or another sign on, or digits without
/// anything between.
fn before(number: &str) -> String {
    let any = any_digit();
    let touching = format!("[+]?[{any}]*");
    let spellings = [Some(number.to_owned()), other_spelling(number)];
    let heads = spellings.iter().flatten().map(|full| &full[..full.len() - tail(full).len()]);
    let heads: Vec<_> = heads.filter(|head| !head.is_empty()).map(head_as_written).collect();
    if heads.is_empty() { touching } else { format!("(?:(?<![{any}])(?:{})|{touching})", heads.join("|")) }
}

/// A number's first digits from abroad, with or without the 0 that they have at home; or at home, where the first ones are left out.
fn head_as_written(head: &str) -> String {
    const BETWEEN: &str = "[- ()./]{0,3}";
    let (zero, digits) = (any_script('0'), head.chars().map(any_script));
    let abroad: Vec<_> = digits.clone().map(|digit| format!("{digit}{BETWEEN}(?:{zero}{BETWEEN})?")).collect();
    let at_home = digits.fold(String::new(), |before, digit| {
        let before = if before.is_empty() { before } else { format!("(?:{before})?") };
        format!("{before}{digit}{BETWEEN}")
    });
    format!("(?:[+]|{zero}{zero}){BETWEEN}{}|[+]?{zero}?{at_home}", abroad.concat())
}

fn name(number: &str) -> String {
    let any = any_digit();
    let tail: String = tail(number).chars().map(any_script).collect();
    format!("[{any}]*{tail}[{any}]*|{}", text(number))
}

fn raw(number: &str) -> String {
    let digits: Vec<_> = tail(number).chars().map(as_bytes_or_escape).collect();
    format!("{}(?![0-9])", digits.join("[^0-9A-Za-z]{0,3}"))
}

/// The digits of all scripts, for between brackets.
fn any_digit() -> String {
    ZEROS.iter().fold("0-9".to_owned(), |mut ranges, zero| {
        if *zero != '0' {
            _ = write!(ranges, "{zero}-{}", digit_of(*zero, 9));
        }
        ranges
    })
}

/// A digit in each script.
fn any_script(digit: char) -> String {
    let value = digit.to_digit(10).unwrap_or_default();
    let digits: String = ZEROS.iter().map(|zero| digit_of(*zero, value)).collect();
    format!("[{digits}]")
}

fn digit_of(zero: char, value: u32) -> char {
    char::from_u32(u32::from(zero) + value).unwrap_or(zero)
}

/// A digit in each script, as the bytes of UTF-8 or as JSON's `\u`, in either case.
fn as_bytes_or_escape(digit: char) -> String {
    let value = digit.to_digit(10).unwrap_or_default();
    let others = || ZEROS.iter().filter(|zero| **zero != '0').map(|zero| digit_of(*zero, value));
    let bytes = others().map(|c| c.to_string().bytes().map(char::from).collect::<String>());
    let escapes = others().map(|c| c.encode_utf16(&mut [0; 2]).iter().map(|unit| escape(*unit)).collect::<String>());
    let ways: Vec<_> = bytes.chain(escapes).collect();
    format!("(?:{digit}|{})", ways.join("|"))
}

fn escape(unit: u16) -> String {
    format!("{unit:04x}").chars().fold(r"\\u".to_owned(), |mut escape, c| {
        _ = match c {
            'a'..='f' => write!(escape, "[{c}{}]", c.to_ascii_uppercase()),
            c => write!(escape, "{c}"),
        };
        escape
    })
}
