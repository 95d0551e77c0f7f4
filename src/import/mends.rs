//! Cells that are read as something else than stands in the list.

use super::records::Record;
use crate::domain::rejected_rows::{CellMend, RowDigest};

/// The mended cells of a list that is being read.
#[derive(Debug, Default)]
pub(super) struct Mends {
    wanted: Vec<CellMend>,
    /// Those of them that were applied, each with the number of its row by now.
    fitted: Vec<CellMend>,
}

impl Mends {
    pub(super) const fn new(wanted: Vec<CellMend>) -> Self {
        Self { wanted, fitted: Vec::new() }
    }

    /// Mends a row; it is named as the list has it, for whatever is still wrong with it. A row that is another one since it was mended, as
    /// in a file that was changed, is read as it stands; one that moved is still the same.
    pub(super) fn apply(&mut self, columns: &[String], record: &mut Record) -> Option<RowDigest> {
        if self.wanted.is_empty() {
            return None;
        }
        let digest = record.digest(columns);
        for mend in self.take_of(record.row, &digest) {
            let Some(column) = columns.iter().position(|name| *name == mend.column) else {
                self.wanted.push(mend);
                continue;
            };
            if record.values.len() <= column {
                record.values.resize(column + 1, Vec::new());
            }
            record.values[column] = mend.value.clone().into_bytes();
            record.fractions.retain(|fraction| *fraction != column);
            self.fitted.push(CellMend { row: record.row, ..mend });
        }
        Some(digest)
    }

    /// The mends of this row, where it has moved as well.
    fn take_of(&mut self, row: u64, digest: &RowDigest) -> Vec<CellMend> {
        let fits = |mend: &&CellMend| mend.digest == *digest && (mend.row == row || !mend.is_alike);
        let rows: Vec<_> = self.wanted.iter().filter(fits).map(|mend| mend.row).collect();
        let own = rows.iter().find(|of| **of == row).or_else(|| rows.first()).copied();
        let (taken, wanted) = std::mem::take(&mut self.wanted)
            .into_iter()
            .partition(|mend| mend.digest == *digest && Some(mend.row) == own);
        self.wanted = wanted;
        taken
    }

    /// Whether a row was mended.
    pub(super) fn has_mended(&self, row: u64) -> bool {
        self.fitted.iter().any(|mend| mend.row == row)
    }

    /// Nothing that may be somebody's number is kept.
    pub(super) fn forget(&mut self, row: u64) {
        // Those that wait may be of rows that moved: the number is no longer theirs.
        self.fitted.retain(|mend| mend.row != row);
    }

    /// Those that were applied, and those that fit no row.
    pub(super) fn into_parts(self) -> (Vec<CellMend>, Vec<CellMend>) {
        (self.fitted, self.wanted)
    }
}
