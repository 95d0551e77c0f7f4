//! What reading a list came to: who was taken, and who was rejected for what.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Imported;
use super::encoding::RowEncoding;
use super::error::ImportError;
use super::person::{Rejection, RowNotes};
use super::rejected::Draft;
use crate::domain::ids::BlastId;
use crate::domain::list_columns::{LocalNumbers, UnclearOptOuts};
use crate::domain::phone::{PersonKey, Region};
use crate::domain::rejected_rows::{CellMend, UnusualLengths};
use crate::store::import::NewRecipient;

/// How many rejections are kept in memory, to be shown.
const EXAMPLES: usize = 100;

/// How many people are kept in memory, to be shown.
const FIRST: usize = 50;

/// What was found in a file so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) taken: u64,
    pub(super) rejected: u64,
    pub(super) reasons: HashMap<String, ReasonCount>,
    pub(super) examples: Vec<Rejection>,
    pub(super) first: Vec<(u64, NewRecipient)>,
    pub(super) not_utf8: Option<NotUtf8>,
    pub(super) unusual_lengths: UnusualLengths,
    /// Those whose name is what programs export for an empty cell.
    pub(super) without_name: u64,
    pub(super) local: Option<LocalNumbers>,
    /// Of each row that was taken, at its number.
    flags: Vec<RowFlags>,
}

/// What a row that was taken is counted in besides. Two bytes are kept of each row of a list, since a later one may take it back.
#[derive(Debug, Clone, Copy, Default)]
struct RowFlags {
    counted: u8,
    /// The column of opt-outs in which it says neither yes nor no, from 1; 0: none. Those from the 255th on are one.
    unclear: u8,
}

impl RowFlags {
    const WITHOUT_NAME: u8 = 1;
    const LOCAL: u8 = 2;
    const UNUSUAL_LENGTH: u8 = 4;
    const NOT_UTF8: u8 = 8;

    fn new(person: &NewRecipient, notes: &RowNotes) -> Self {
        let flag = |is_so: bool, flag| if is_so { flag } else { 0 };
        let counted = flag(notes.has_empty_marker, Self::WITHOUT_NAME)
            | flag(notes.missing_code.is_some(), Self::LOCAL)
            | flag(person.phone.has_unusual_length(), Self::UNUSUAL_LENGTH)
            | flag(notes.encoding == RowEncoding::Windows1252, Self::NOT_UTF8);
        let unclear = notes.unclear_opt_out.map_or(0, |column| u8::try_from(column + 1).unwrap_or(u8::MAX));
        Self { counted, unclear }
    }

    const fn has(self, flag: u8) -> bool {
        self.counted & flag != 0
    }
}

impl Tally {
    pub(super) fn take(&mut self, (row, person): (u64, &NewRecipient), notes: RowNotes) {
        self.taken += 1;
        let flags = RowFlags::new(person, &notes);
        self.without_name += u64::from(flags.has(RowFlags::WITHOUT_NAME));
        if let Some(country_code) = notes.missing_code {
            self.local.get_or_insert(LocalNumbers { numbers: 0, country_code }).numbers += 1;
        }
        if flags.has(RowFlags::UNUSUAL_LENGTH) {
            self.unusual_lengths.add(row);
        }
        if self.first.len() < FIRST {
            self.first.push((row, person.clone()));
        }
        if flags.has(RowFlags::NOT_UTF8) {
            self.not_utf8.get_or_insert(NotUtf8 { rows: 0, first_row: row }).rows += 1;
        }
        if let Ok(at) = usize::try_from(row) {
            self.flags.resize(self.flags.len().max(at + 1), RowFlags::default());
            self.flags[at] = flags;
        }
    }

    pub(super) fn reject(&mut self, rejection: Rejection) {
        self.rejected += 1;
        let reason = rejection.reason.in_general();
        let count = ReasonCount { reason: reason.clone(), rows: 0, first_row: rejection.row };
        self.reasons.entry(reason).or_insert(count).rows += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(rejection);
        }
    }

    /// A row that was taken is rejected after all.
    pub(super) fn take_back(&mut self, rejection: Rejection) {
        self.taken -= 1;
        let flags = usize::try_from(rejection.row).ok().and_then(|at| self.flags.get_mut(at));
        let flags = flags.map(std::mem::take).unwrap_or_default();
        self.without_name -= u64::from(flags.has(RowFlags::WITHOUT_NAME));
        if flags.has(RowFlags::LOCAL) {
            self.local = self.local.take().and_then(LocalNumbers::less_one);
        }
        if flags.has(RowFlags::UNUSUAL_LENGTH) {
            self.unusual_lengths.remove(rejection.row);
        }
        if flags.has(RowFlags::NOT_UTF8) {
            self.not_utf8 = self.first_not_utf8().and_then(|first_row| self.not_utf8?.less_one(first_row));
        }
        self.first.retain(|(row, _)| *row != rejection.row);
        self.reject(rejection);
    }

    /// The first row that was taken and is not UTF-8, from the one on that was.
    fn first_not_utf8(&self) -> Option<u64> {
        let from = self.not_utf8?.first_row;
        let flags = self.flags.iter().skip(usize::try_from(from).ok()?);
        (from..).zip(flags).find(|(_, flags)| flags.has(RowFlags::NOT_UTF8)).map(|(row, _)| row)
    }

    /// The rows that were taken and say neither yes nor no where they were to say who wants no messages, by column. `called` names one. `mention`: a
    /// title that is to say so of all of them.
    pub(super) fn unclear_opt_outs(
        &self,
        called: impl Fn(usize) -> String,
        mention: Option<String>,
    ) -> Vec<UnclearOptOuts> {
        let mut columns: BTreeMap<usize, UnclearOptOuts> = BTreeMap::new();
        for (row, flags) in (0..).zip(&self.flags).filter(|(_, flags)| flags.unclear > 0) {
            let column = usize::from(flags.unclear) - 1;
            let unclear = || UnclearOptOuts { column: called(column), rows: 0, first_row: row };
            columns.entry(column).or_insert_with(unclear).rows += 1;
        }
        let first_row = self.first.first().map_or(1, |(row, _)| *row);
        let mention = mention.filter(|_| self.taken > 0);
        let of_all = mention.map(|column| UnclearOptOuts { column, rows: self.taken, first_row });
        columns.into_values().chain(of_all).collect()
    }

    pub(super) fn rejections(&self) -> Rejections {
        let mut reasons: Vec<_> = self.reasons.values().cloned().collect();
        reasons.sort_by_key(|count| (std::cmp::Reverse(count.rows), count.first_row));
        Rejections { total: self.rejected, reasons, examples: self.examples.clone() }
    }
}

/// The rejected rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejections {
    pub total: u64,
    /// By reason, most frequent first.
    pub reasons: Vec<ReasonCount>,
    /// The first few.
    pub examples: Vec<Rejection>,
}

/// How many rows were rejected for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonCount {
    pub reason: String,
    pub rows: u64,
    /// From 1; 0 of people who were in no list.
    pub first_row: u64,
}

/// Accepted rows that are not UTF-8. They were read as Windows-1252 and may have wrong letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotUtf8 {
    pub rows: u64,
    pub first_row: u64,
}

impl NotUtf8 {
    /// Once one of them was taken back; `None` where none is left.
    fn less_one(self, first_row: u64) -> Option<Self> {
        (self.rows > 1).then(|| Self { rows: self.rows - 1, first_row })
    }
}

/// A file read to its end.
pub(super) struct ReadThrough {
    pub(super) tally: Tally,
    pub(super) rejected: Option<Draft>,
    pub(super) phone_column: String,
    pub(super) name_column: Option<String>,
    pub(super) sheet_words: String,
    pub(super) other_phones: Vec<String>,
    pub(super) unclear_opt_outs: Vec<UnclearOptOuts>,
    pub(super) columns: Vec<String>,
    /// Somebody chose the phone's or the name's.
    pub(super) is_chosen: bool,
    pub(super) opt_outs: Option<String>,
    pub(super) country: Option<Region>,
    /// The cells that were read as something else than stands there.
    pub(super) mends: Vec<CellMend>,
    /// Those that do not fit what stands there by now: they are forgotten, since what they were for is another row.
    pub(super) unfit_mends: Vec<CellMend>,
    /// How many people are in the draft who are not of its list.
    pub(super) by_hand: u64,
    /// Who was sent on, and wants no messages by a later row.
    pub(super) taken_back: HashSet<PersonKey>,
    /// How many of those were in the blast before.
    pub(super) members_out: u64,
    /// Who wants no messages by it.
    pub(super) opted_out: HashSet<PersonKey>,
}

impl ReadThrough {
    pub(super) fn is_empty(&self) -> bool {
        self.tally.taken == 0 && self.tally.rejected == 0
    }

    pub(super) fn refuse_nobody(&self) -> Result<(), ImportError> {
        let Tally { taken, rejected, examples, .. } = &self.tally;
        match (taken, rejected) {
            // Only a file has columns, and a header.
            (0, 0) if self.columns.is_empty() => Err(ImportError::NobodyGiven),
            (0, 0) => Err(ImportError::NoPeople),
            (0, rows) => Err(ImportError::NothingTaken { rows: *rows, examples: examples.clone() }),
            _ => Ok(()),
        }
    }

    pub(super) fn into_imported(mut self, blast: BlastId) -> Imported {
        let (rejected_file, warning) = match self.rejected.map(Draft::keep) {
            None => (None, None),
            Some(Ok(path)) => (Some(path), None),
            Some(Err(error)) => (None, Some(format!("the file of rejected rows could not be kept: {error}"))),
        };
        Imported {
            blast,
            taken: self.tally.taken,
            not_utf8: self.tally.not_utf8,
            unusual_lengths: std::mem::take(&mut self.tally.unusual_lengths),
            first: std::mem::take(&mut self.tally.first),
            without_name: self.tally.without_name,
            mends: self.mends,
            unfit_mends: self.unfit_mends,
            by_hand: self.by_hand,
            dropped: None,
            corrected_as_before: 0,
            changes: None,
            local: self.tally.local.take(),
            columns: self.columns,
            rejected: self.tally.rejections(),
            rejected_file,
            phone_column: self.phone_column,
            name_column: self.name_column,
            sheet_words: self.sheet_words,
            members_out: self.members_out,
            other_phones: self.other_phones,
            unclear_opt_outs: self.unclear_opt_outs,
            opt_outs: self.opt_outs,
            warning,
        }
    }
}
