//! Rows that were taken before another one says that their people want no messages.

use std::borrow::Cow;

use super::{At, Reason, Rejection, Taker};
use crate::domain::phone::{Phone, PhoneError, Region};
use crate::domain::rejected_rows::RowDigest;
use crate::import::records::Record;

impl Taker {
    /// Who wants no messages by one row gets none by another, whatever else is wrong with this one. Where it has no number in its place, whoever
    /// has a number anywhere in it may be meant.
    pub(super) fn take_back(&mut self, record: &Record, values: &[Cow<'_, str>]) -> Vec<Rejection> {
        if self.columns.opted_out_in(values).is_none() {
            return Vec::new();
        }
        let phones = match self.phone_of(record, values) {
            Ok(phone) => vec![phone],
            // Its digits may be somebody's number, of whom nobody thought.
            Err(PhoneError::Fraction) => Vec::new(),
            Err(_) => self.numbers_of(values),
        };
        phones.into_iter().filter_map(|phone| self.take_back_of(phone, record, values)).collect()
    }

    /// Those in its place; else, where nothing like one stands there, those elsewhere in the row.
    fn numbers_of(&self, values: &[Cow<'_, str>]) -> Vec<Phone> {
        let own = values.get(self.columns.phone).map_or("", |value| value);
        if own.chars().filter(char::is_ascii_digit).count() >= DIGITS_LEAST {
            return numbers_in(own, self.region);
        }
        values.iter().flat_map(|value| numbers_in(value, self.region)).collect()
    }

    fn take_back_of(&mut self, phone: Phone, record: &Record, values: &[Cow<'_, str>]) -> Option<Rejection> {
        let row = self.seen.opt_out(&phone, record.row)?;
        if self.forgotten.has(&phone) {
            return Some(self.rejection((row, None), values, (At::Column(self.columns.phone), Reason::Forgotten)));
        }
        // What stands in that row is not known any more, nor its name: none of its cells can be corrected.
        let (column, value) = ("their number".to_owned(), phone.as_str().to_owned());
        let reason = Reason::OptedOutElsewhere { row: record.row };
        Some(Rejection { row, column, value, name: None, reason, digest: RowDigest::default(), phone: Some(phone) })
    }
}

/// With so many digits a cell has somebody's number in it, whatever is wrong with it.
const DIGITS_LEAST: usize = 7;
/// Into so many groups a number is written at most: `+60 12 345 67 89`.
const GROUPS_MAX: usize = 7;

/// The numbers of known ranges in a cell that has more than one, or words beside it: `0123450008 / 0123450009`, `012-345 0008 012-345 0009`,
/// `tel: 012-345 0011 (Gina)`.
fn numbers_in(cell: &str, region: Region) -> Vec<Phone> {
    let number = |piece: &str| Phone::parse(piece, region).ok().filter(Phone::is_valid_pattern);
    let is_between = |c: char| !c.is_ascii_digit() && !c.is_whitespace() && !matches!(c, '+' | '-' | '(' | ')' | '.');
    let mut found = Vec::new();
    for piece in cell.split(is_between) {
        match number(piece.trim().trim_end_matches('(').trim_start_matches(')')) {
            Some(phone) => found.push(phone),
            None => found.extend(numbers_in_groups(piece, number)),
        }
    }
    found
}

/// The same of digits in groups: whichever of them, one behind the other, are a number.
fn numbers_in_groups(piece: &str, number: impl Fn(&str) -> Option<Phone>) -> Vec<Phone> {
    // A plus begins a number.
    let spread = piece.replace('+', " +");
    let groups: Vec<&str> =
        spread.split(|c: char| !c.is_ascii_digit() && c != '+').filter(|group| !group.is_empty()).collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < groups.len() {
        let mut counts = 1..=GROUPS_MAX.min(groups.len() - at);
        let first = counts.find_map(|count| Some((number(&groups[at..at + count].concat())?, count)));
        at += first.as_ref().map_or(1, |(_, count)| *count);
        found.extend(first.map(|(phone, _)| phone));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_a_cell_is_found_beside_whatever_words() {
        let found = |cell: &str| {
            let numbers = numbers_in(cell, Region::MALAYSIA);
            numbers.iter().map(|phone| phone.as_str().to_owned()).collect::<Vec<_>>()
        };

        assert_eq!(found("0123450008 / 0123450009"), ["+60123450008", "+60123450009"]);
        assert_eq!(found("+60 12 345 0010 (Gina)"), ["+60123450010"]);
        assert_eq!(found("tel: 012-345 0011 ext 2"), ["+60123450011"]);
        for both in [
            "0123450008 0123450009",
            "+60123450008+60123450009",
            "012-345 0008 - 012-345 0009",
            "012-3450008\t60 12-345 0009",
            "(012) 3450008 (012) 3450009",
            "0123450008 > 0123450009",
        ] {
            assert_eq!(found(both), ["+60123450008", "+60123450009"], "{both}");
        }
        for one in ["0123450008*", "✓ 012-345 0008", "0123450008 #2", "<0123450008>"] {
            assert_eq!(found(one), ["+60123450008"], "{one}");
        }
        assert_eq!(found("Aina"), [""; 0]);
        assert_eq!(found("31/12/2025"), [""; 0]);
    }
}
