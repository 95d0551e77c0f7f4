//! Cells that are read as something else than stands in the list.

use super::records::Record;
use crate::domain::rejected_rows::{CellMend, RowDigest};

/// The mended cells of a list that is being read.
#[derive(Debug, Default)]
pub(super) struct Mends {
    wanted: Vec<CellMend>,
    /// Those of them that were applied.
    fitted: Vec<CellMend>,
}

impl Mends {
    pub(super) const fn new(wanted: Vec<CellMend>) -> Self {
        Self { wanted, fitted: Vec::new() }
    }

    /// Mends a row; it is named as the list has it, for whatever is still wrong with it. A row that is another one since it was mended, as
    /// in a file that was changed, is read as it stands.
    pub(super) fn apply(&mut self, columns: &[String], record: &mut Record) -> Option<RowDigest> {
        let of_row: Vec<_> = self.wanted.iter().filter(|mend| mend.row == record.row).collect();
        if of_row.is_empty() {
            return None;
        }
        let digest = record.digest(columns);
        for mend in of_row.into_iter().filter(|mend| mend.digest == digest) {
            let Some(column) = columns.iter().position(|name| *name == mend.column) else { continue };
            if record.values.len() <= column {
                record.values.resize(column + 1, Vec::new());
            }
            record.values[column] = mend.value.clone().into_bytes();
            record.fractions.retain(|fraction| *fraction != column);
            self.fitted.push(mend.clone());
        }
        Some(digest)
    }

    /// Nothing that may be somebody's number is kept.
    pub(super) fn forget(&mut self, row: u64) {
        self.wanted.retain(|mend| mend.row != row);
        self.fitted.retain(|mend| mend.row != row);
    }

    /// Those that were applied, and those that fit no row.
    pub(super) fn into_parts(self) -> (Vec<CellMend>, Vec<CellMend>) {
        let unfit = self.wanted.into_iter().filter(|mend| !self.fitted.contains(mend)).collect();
        (self.fitted, unfit)
    }
}
