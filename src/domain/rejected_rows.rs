//! The rows of a list that a draft was made without, and why. Kept with the draft.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::list_columns::{ListColumns, UnclearOptOuts};
use super::phone::{Phone, PhoneError};
use super::text::{count_of, hex};

/// The longest cell that is kept, in characters.
const VALUE_MAX: usize = 200;

/// What was left out of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRows {
    /// How many rows.
    pub total: u64,
    /// By reason, the most frequent first.
    pub reasons: Vec<RejectedReason>,
    /// The first rows.
    pub rows: Vec<LeftOutRow>,
    /// The list's file, where it is known: one that was pasted has none.
    #[serde(default)]
    pub file: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_pasted: bool,
    /// The columns that it was read by; `None` where that was not noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Box<ListColumns>>,
    /// The numbers of whoever was taken out of the draft by hand since: they stay out whenever the list is read again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken_out: Vec<String>,
    /// The cells that were read as something else, for whenever the list is read again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mends: Vec<CellMend>,
    /// Rows that were taken all the same.
    #[serde(default)]
    pub unusual_lengths: UnusualLengths,
}

/// Rows that were taken though a list leaves something open of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DoubtfulRows {
    /// Numbers that seem to have a digit too many or too few.
    pub unusual_lengths: UnusualLengths,
    pub unclear_opt_outs: Vec<UnclearOptOuts>,
}

/// A cell that is read as something else than stands in the list, which stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellMend {
    /// As [`LeftOutRow`] counts them.
    pub row: u64,
    pub column: String,
    /// The row that it is for: where a changed list has another one in its place, that is left as it is.
    #[serde(default)]
    pub digest: RowDigest,
    /// Whether other rows are the same in all of it: then it is known by its number as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_alike: bool,
    /// Whose row it is, as [`LeftOutRow`] has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whose: Option<String>,
    /// Their number, as [`LeftOutRow`] has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    pub value: String,
}

/// What a row of a list is recognized by: all its cells as they stand there, and the columns that they are in. The empty one, of drafts
/// from before it was kept, is that of no row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowDigest(String);

impl RowDigest {
    pub fn of<'c>(columns: &'c [String], cells: impl Iterator<Item = &'c [u8]>) -> Self {
        let mut digest = Sha256::new();
        for part in columns.iter().map(String::as_bytes).chain([&[] as &[u8]]).chain(cells) {
            // With its length, so that no two rows are one text.
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        Self(hex(&digest.finalize()[..16]))
    }

    /// That of one row or another.
    #[cfg(test)]
    pub fn of_a_row() -> Self {
        Self::of(&[], std::iter::once(&b"row"[..]))
    }

    pub const fn is_known(&self) -> bool {
        !self.0.is_empty()
    }
}

/// The most rows that are named.
const NAMED_MAX: usize = 10;

/// Rows whose number has a length that is unusual in its country. Nobody is left out for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UnusualLengths {
    #[schema(example = 1)]
    pub total: u64,
    /// The first rows, as a spreadsheet shows them.
    #[schema(example = json!([17]))]
    pub rows: Vec<u64>,
}

impl UnusualLengths {
    pub fn add(&mut self, row: u64) {
        self.total += 1;
        if self.rows.len() < NAMED_MAX {
            self.rows.push(row);
        }
    }

    /// A row that was added is left out.
    pub fn remove(&mut self, row: u64) {
        self.total -= 1;
        self.rows.retain(|added| *added != row);
    }

    /// `2 numbers of unusual length for their country, taken all the same (rows 3, 9)`; `None` where there is none.
    pub fn in_words(&self) -> Option<String> {
        let numbers = count_of(self.total, "number", "numbers");
        let rows: Vec<_> = self.rows.iter().map(u64::to_string).collect();
        let more = if self.total > rows.len() as u64 { ", …" } else { "" };
        let noun = if self.total == 1 { "row" } else { "rows" };
        let rows = if rows.is_empty() { String::new() } else { format!(" ({noun} {}{more})", rows.join(", ")) };
        (self.total > 0).then(|| format!("{numbers} of unusual length for their country, taken all the same{rows}"))
    }
}

/// How many rows were left out for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedReason {
    pub reason: String,
    pub rows: u64,
}

impl RejectedReason {
    /// Whether these may be numbers of another country than the one that they were read as.
    pub fn may_be_of_another_country(&self) -> bool {
        [PhoneError::TooShort, PhoneError::TooLong, PhoneError::WrongLength]
            .iter()
            .any(|error| error.to_string() == self.reason)
    }
}

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutRow {
    /// Its number as a spreadsheet shows it, from 1.
    pub row: u64,
    pub column: String,
    pub value: String,
    /// Whose row it is, where the list says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub reason: String,
    /// Whether it is one cell that is wrong, which can be mended.
    pub is_cell: bool,
    #[serde(default)]
    pub digest: RowDigest,
    /// Their number, where it can be read: by it the row is found when they ask to be forgotten, whichever cell is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}

impl RejectedRows {
    /// Of which rows the list does not make clear whether they want messages.
    pub fn unclear_opt_outs(&self) -> Vec<UnclearOptOuts> {
        self.columns.iter().flat_map(|columns| columns.unclear_opt_outs.clone()).collect()
    }

    /// Why rows are left out whose people were taken out of the draft before the list was read.
    pub const TAKEN_OUT: &str = "taken out of this draft by hand";

    /// How many were taken out by hand since the list was read: those of before are among its rows.
    pub fn taken_out_since(&self) -> i64 {
        let is_theirs = |reason: &&RejectedReason| reason.reason == Self::TAKEN_OUT;
        let before = self.reasons.iter().find(is_theirs).map_or(0, |reason| reason.rows);
        i64::try_from((self.taken_out.len() as u64).saturating_sub(before)).unwrap_or(i64::MAX)
    }

    /// `/home/aina/raya.csv   phone = No. Telefon   name = Nama`: the list and its columns, as far as they are known.
    pub fn read_from(&self) -> Option<String> {
        let place = self.file.clone().or_else(|| self.is_pasted.then(|| "pasted cells".to_owned()));
        let columns = self.columns.as_deref().map(ListColumns::in_words);
        let words: Vec<_> = place.into_iter().chain(columns).collect();
        (!words.is_empty()).then(|| words.join("   "))
    }

    /// `4 repeats, 2 not a phone number`: the first reasons, and how many rows have others, where those are several reasons.
    pub fn in_words(&self, most: usize) -> String {
        // In place of one more reason nothing shorter could be said.
        let most = if self.reasons.len() == most.saturating_add(1) { most + 1 } else { most };
        let commonest = self.reasons.iter().take(most);
        let said: u64 = commonest.clone().map(|reason| reason.rows).sum();
        let mut words: Vec<String> = commonest.map(|reason| format!("{} {}", reason.rows, reason.reason)).collect();
        let others = self.total.saturating_sub(said);
        words.extend((others > 0).then(|| format!("and {others} more for other reasons")));
        words.join(", ")
    }

    /// Whether some may be numbers of another country.
    pub fn is_foreign(&self) -> bool {
        self.reasons.iter().any(RejectedReason::may_be_of_another_country)
    }

    /// The same without what Postgres keeps in no JSON, and without cells as long as a book.
    #[must_use]
    pub fn to_keep(mut self) -> Self {
        let short = |text: &mut String| *text = text.chars().filter(|c| *c != '\0').take(VALUE_MAX).collect();
        for row in &mut self.rows {
            short(&mut row.column);
            short(&mut row.value);
            short(&mut row.reason);
            row.name.iter_mut().for_each(short);
        }
        for reason in &mut self.reasons {
            short(&mut reason.reason);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{LeftOutRow, RejectedReason, RejectedRows, RowDigest};

    #[test]
    fn the_first_reasons_are_said_and_the_others_counted() {
        let reason = |reason: &str, rows| RejectedReason { reason: reason.to_owned(), rows };
        let reasons = vec![reason("not a phone number", 4), reason("no {bandar}", 2), reason("lost", 1)];
        let left_out = RejectedRows { total: 7, reasons, ..RejectedRows::default() };

        assert_eq!(left_out.in_words(1), "4 not a phone number, and 3 more for other reasons");
        assert_eq!(left_out.in_words(2), "4 not a phone number, 2 no {bandar}, 1 lost", "one more is named");
        assert_eq!(left_out.in_words(3), "4 not a phone number, 2 no {bandar}, 1 lost");
    }

    #[test]
    fn what_postgres_keeps_in_no_json_is_not_kept() {
        let row = LeftOutRow {
            row: 4,
            column: "a\0b".to_owned(),
            value: "x".repeat(10_000),
            name: Some("A\0ina".to_owned()),
            reason: "no".to_owned(),
            is_cell: true,
            digest: RowDigest::default(),
            phone: None,
        };
        let kept = RejectedRows { total: 1, rows: vec![row], ..RejectedRows::default() }.to_keep();

        assert_eq!((kept.rows[0].column.as_str(), kept.rows[0].value.len()), ("ab", 200));
        assert_eq!(kept.rows[0].name.as_deref(), Some("Aina"));
    }

    #[test]
    fn every_cell_and_every_column_is_part_of_what_a_row_is_recognized_by() {
        let digest = |columns: &[&str], cells: &[&str]| {
            let columns: Vec<_> = columns.iter().map(|&column| column.to_owned()).collect();
            RowDigest::of(&columns, cells.iter().map(|cell| cell.as_bytes()))
        };
        let row = digest(&["phone", "name"], &["x", "Ben"]);

        assert_eq!(row, digest(&["phone", "name"], &["x", "Ben"]));
        for other in [
            digest(&["phone", "name"], &["x", "Ali"]),
            digest(&["phone", "name"], &["xB", "en"]),
            digest(&["phone", "name"], &["x", "Ben", ""]),
            digest(&["name", "phone"], &["x", "Ben"]),
            digest(&["phone"], &["name", "x", "Ben"]),
        ] {
            assert_ne!(row, other);
        }
    }
}
