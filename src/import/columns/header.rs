//! Whether the first row of a list is a header, a person or a title.

use std::borrow::Cow;

use super::opt_out_title::{OptOutTitle, names_opt_outs};
use super::{NAME_ENDS, NAME_HEADERS, PHONE_HEADERS, PHONE_PARTS, Samples, decode, key, phone_by_header, positions};
use crate::domain::phone::{Phone, PhoneError, Region, is_date_or_years};
use crate::domain::text::is_empty_marker;
use crate::import::records::Record;

/// With so many digits a cell may be somebody's number, though it stands above the header or has letters in it.
const DIGITS_LEAST: usize = 7;

/// With fewer a cell may be the number of a column.
const DIGITS_OF_PERSON: usize = 4;

/// How many rows stand above the header: titles, as spreadsheets have them, with nobody's number in them. Over a row that names no column
/// besides that of the phones they have a single cell each.
pub(in crate::import) fn rows_above_header(first_rows: &[Record]) -> usize {
    let cells = |row: &Record| keys_of(row).into_iter().filter(|key| !key.is_empty()).collect::<Vec<_>>();
    let below = |at: usize| first_rows.get(at + 1..).unwrap_or_default();
    let names_columns = |at: usize, row: &Record| names_columns(row, below(at));
    let is_title = |(at, row): &(usize, &Record)| !names_columns(*at, row) && !holds_number(row);
    let titles = first_rows.iter().enumerate().take_while(is_title).count();
    if first_rows.get(titles).is_some_and(|row| names_columns(titles, row)) {
        return titles;
    }
    let titles = first_rows.iter().take_while(|row| cells(row).len() == 1 && !holds_number(row)).count();
    let is_header = |row: &Record| {
        let keys = cells(row);
        keys.len() > 1 && keys.iter().any(|key| names_phones(key))
    };
    if first_rows.get(titles).is_some_and(is_header) { titles } else { 0 }
}

/// Whether a row is a header beyond doubt: one cell is called as a column of phones is and stands in theirs, another one is called as one whose
/// meaning is known, and nobody's number stands in it. Without the first, `WA` and `stop` may be what somebody said, and where.
pub(super) fn names_columns(row: &Record, people: &[Record]) -> bool {
    let (keys, opt_outs) = (keys_of(row), opt_outs_of(row));
    let is_beside_title =
        |phone: usize| positions(&keys, is_whole_title).chain(opt_outs.iter().copied()).any(|column| column != phone);
    let mut phones = positions(&keys, |key| names_phones(without_number(key)));
    phones.any(|column| is_beside_title(column) && are_numbers(people, column)) && !holds_number(row)
}

/// Whether a row between the people of a list is a header again, as where two files were joined: its cell in the column of their numbers is
/// called as one of phones is, and another one as a column whose meaning is known.
pub(super) fn is_further_header(row: &Record, phone: usize) -> bool {
    let (keys, opt_outs) = (keys_of(row), opt_outs_of(row));
    // *no phone* may be what somebody wrote in place of a number: beside the title of names it is one as well.
    let has_names = positions(&keys, is_title_of_names).any(|column| column != phone);
    let names = |key: &String| PHONE_HEADERS.contains(&without_number(key)) || has_names && names_phones(key);
    keys.get(phone).is_some_and(names)
        && positions(&keys, is_whole_title).chain(opt_outs).any(|column| column != phone)
        && !holds_number(row)
}

/// Where the title of a column stands that says who wants no messages.
fn opt_outs_of(row: &Record) -> Vec<usize> {
    let cells = row.values.iter().enumerate();
    cells.filter(|(_, cell)| OptOutTitle::of(&decode(cell).0).is_some()).map(|(column, _)| column).collect()
}

/// Whether half or more of the cells of a column that are not empty are somebody's numbers.
fn are_numbers(people: &[Record], column: usize) -> bool {
    let cells = people.iter().filter_map(|row| row.values.get(column)).map(|value| decode(value).0);
    let cells: Vec<_> = cells.filter(|cell| !cell.trim().is_empty()).collect();
    let numbers = cells.iter().filter(|cell| may_be_number(cell)).count();
    numbers > 0 && numbers * 2 >= cells.len()
}

fn keys_of(row: &Record) -> Vec<String> {
    row.values.iter().map(|value| key(&decode(value).0)).collect()
}

/// Whether somebody's number is in a row, whichever country's, or what a spreadsheet left of it.
fn holds_number(row: &Record) -> bool {
    row.values.iter().any(|value| may_be_number(&decode(value).0))
}

/// Digits beside other letters than those of an id or a link may be anything, such as the number of a company.
fn may_be_number(cell: &str) -> bool {
    use PhoneError::{Date, Empty, Fraction, Negative, NoDigits, NotDigits, Scientific, TooLong};
    match Phone::parse(cell, Region::MALAYSIA) {
        Err(Scientific) => true,
        Err(Empty | NoDigits | NotDigits(_) | Fraction | Negative | Date) => false,
        // It may be a text, of which nothing was read.
        Err(TooLong) if cell.contains(char::is_alphabetic) => false,
        _ => cell.chars().filter(|c| c.is_numeric()).count() >= DIGITS_LEAST && !is_date_or_years(cell),
    }
}

/// Whether a column may be called so that has phones.
fn names_phones(key: &str) -> bool {
    PHONE_HEADERS.contains(&key) || PHONE_PARTS.iter().any(|part| key.contains(part))
}

/// Who the first row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstRowKind {
    Header,
    Person,
    /// A person whose number cannot be read: they are rejected, and not passed over as a header.
    UnreadablePerson,
}

impl FirstRowKind {
    /// `others`: the rows behind it, which show where the phones are.
    pub(super) fn of(first: &Record, others: &Samples<'_>) -> Self {
        let cells: Vec<_> = first.values.iter().map(|value| decode(value).0).collect();
        let keys: Vec<_> = cells.iter().map(|cell| key(cell)).collect();
        let phone = phone_by_header(&keys, others);
        if phone.is_some_and(|phone| is_title_above_numbers((&cells, &keys), phone, others)) {
            return Self::Header;
        }
        if has_number((&cells, &keys), phone, others) {
            return Self::Person;
        }
        let is_person = phone.is_some_and(|phone| is_unreadable_person((&cells, &keys), phone, others));
        if is_person { Self::UnreadablePerson } else { Self::Header }
    }
}

/// Whether the cell above the numbers is the title of their column, whatever digits are in it: another cell is called as a column of names is,
/// and nobody is called so; or it is a date or the years of a season, and another cell is called as columns are. No number of a known range
/// stands in the row: some dates are how numbers are written, too. Where two cells are called so, nothing else is a person's row.
fn is_title_above_numbers((cells, keys): (&[Cow<'_, str>], &[String]), phone: usize, others: &Samples<'_>) -> bool {
    let Some(cell) = cells.get(phone) else { return false };
    let has_title = |words: TitleWords| has_title((cells, keys), (phone, words), others);
    let is_title = has_title(TitleWords::Name) || is_date_or_years(cell) && has_title(TitleWords::Part);
    let are_titles = titles((cells, keys), (phone, TitleWords::Whole), others) > 1;
    is_title && (are_titles || !cells.iter().any(|cell| others.is_known(cell)))
}

/// Whether somebody's number is in a first row. `phone`: where the rows below seem to have theirs. Digits elsewhere may be the title of a
/// column, such as a date or the years of a season: those are possible numbers, too.
fn has_number((cells, keys): (&[Cow<'_, str>], &[String]), phone: Option<usize>, others: &Samples<'_>) -> bool {
    let is_number = |cell: &str| others.is_phone(cell);
    let Some(phone) = phone.filter(|column| others.any(*column, |value| others.is_phone(value))) else {
        return cells.iter().any(|cell| is_number(cell));
    };
    if is_number(&cells[phone]) || names_phones(&keys[phone]) {
        return is_number(&cells[phone]);
    }
    // They may lack the first of two numbers.
    let are_phones = |column: usize| others.mostly(column, |value| others.is_phone(value));
    let mut numbers = cells.iter().enumerate().filter(|(_, cell)| is_number(cell));
    numbers.any(|(column, cell)| are_phones(column) || others.is_known(cell))
}

/// Whether the cell above the numbers is one that is damaged, wrong or not there, and not the title of a column, which is a word, perhaps
/// with a digit in it.
fn is_unreadable_person((cells, keys): (&[Cow<'_, str>], &[String]), phone: usize, others: &Samples<'_>) -> bool {
    let Some(cell) = cells.get(phone) else { return false };
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    let is_header = |words: TitleWords| has_title((cells, keys), (phone, words), others);
    match Phone::parse(cell, others.region) {
        Err(PhoneError::Scientific | PhoneError::SpreadsheetError) => true,
        Err(PhoneError::Empty | PhoneError::NoDigits) => stands_for_nothing(cell) && !is_header(TitleWords::Part),
        // A title may have an example in it, or a date.
        _ if cell.chars().any(char::is_alphabetic) => digits >= DIGITS_LEAST && !is_header(TitleWords::Whole),
        _ => digits >= DIGITS_OF_PERSON,
    }
}

/// How much of a cell beside a number says that it is the title of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TitleWords {
    /// All of it, and it is no word that somebody may have as their name, their group or their reason.
    Name,
    /// All of it: what has such a word in it may be what they bought, or where they work.
    Whole,
    /// Also a word in it, such as *telefon*.
    Part,
}

/// Whether another column than that of the phones is called as one is whose meaning is known: the row is a header then.
fn has_title(row: (&[Cow<'_, str>], &[String]), of: (usize, TitleWords), others: &Samples<'_>) -> bool {
    titles(row, of, others) > 0
}

/// How many are. What most rows behind it have as well is no title, such as a reason in a list of opt-outs; in a column of who wants no
/// messages, those who want none may all have its own name.
fn titles(
    (cells, keys): (&[Cow<'_, str>], &[String]),
    (phone, words): (usize, TitleWords),
    others: &Samples<'_>,
) -> usize {
    let is_title = |column: usize| {
        let key = keys[column].as_str();
        match words {
            TitleWords::Name => is_title_of_names(key),
            TitleWords::Whole => is_whole_title(key),
            TitleWords::Part => is_whole_title(key) || is_in_words(&cells[column]) && names_phones(key),
        }
    };
    let is_repeated = |column: usize| others.in_most_rows(column, |value| key(value) == keys[column]);
    (0..keys.len()).filter(|column| *column != phone && is_title(*column) && !is_repeated(*column)).count()
}

/// Whether a cell is called as columns are whose meaning is known, perhaps with a number behind it.
fn is_whole_title(key: &str) -> bool {
    PHONE_HEADERS.contains(&without_number(key))
        || NAME_HEADERS.contains(&key)
        || NAME_ENDS.iter().any(|end| key.ends_with(end))
        || names_opt_outs(key)
}

/// `phone2` as `phone`.
fn without_number(key: &str) -> &str {
    key.trim_end_matches(|c: char| c.is_ascii_digit())
}

fn is_title_of_names(key: &str) -> bool {
    let may_be_group = matches!(key, "customer" | "pelanggan");
    (NAME_HEADERS.contains(&key) || NAME_ENDS.iter().any(|end| key.ends_with(end))) && !may_be_group
}

/// Not `iPhone 15`, and no address at *tmobile*.
fn is_in_words(cell: &str) -> bool {
    !cell.contains(|c: char| c == '@' || c.is_ascii_digit())
}

/// `?`, `n/a`, `-`: what people and programs write where there is no number. An empty cell may have a title that nobody wrote.
fn stands_for_nothing(cell: &str) -> bool {
    let cell = cell.trim();
    is_empty_marker(cell) || !cell.is_empty() && cell.chars().all(|c| matches!(c, '?' | '-' | '.' | '/'))
}
