//! What is kept of the rows that were rejected.

use super::tally::Tally;
use super::{Imported, Rejection, Rejections};
use crate::domain::rejected_rows::{LeftOutRow, RejectedReason, RejectedRows};

/// Whether the rows that a list was made without are kept with the draft.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum KeptRejections {
    /// The list is all that is in the draft; its file, where it has one.
    #[default]
    OfList,
    OfFile(String),
    /// It was added to others.
    None,
}

impl KeptRejections {
    fn file(&self) -> Option<String> {
        match self {
            Self::OfFile(path) => Some(path.clone()),
            Self::OfList | Self::None => None,
        }
    }

    /// What is written of a list that was read.
    pub(super) fn of(&self, tally: &Tally, columns: &[String]) -> Option<RejectedRows> {
        let unusual_lengths = tally.unusual_lengths.clone();
        let left_out = RejectedRows { unusual_lengths, ..left_out(&tally.rejections(), columns, self.file()) };
        let is_any = left_out.total > 0 || left_out.unusual_lengths.total > 0 || left_out.file.is_some();
        (*self != Self::None && is_any).then(|| left_out.to_keep())
    }
}

impl Imported {
    /// The rows that were left out, as they are kept.
    pub fn left_out(&self) -> RejectedRows {
        left_out(&self.rejected, &self.columns, None)
    }
}

fn left_out(rejected: &Rejections, columns: &[String], file: Option<String>) -> RejectedRows {
    let reasons = rejected
        .reasons
        .iter()
        .map(|count| RejectedReason { reason: count.reason.clone(), rows: count.rows })
        .collect();
    let row = |rejection: &Rejection| LeftOutRow {
        row: rejection.row,
        column: rejection.column.clone(),
        value: rejection.value.clone(),
        name: rejection.name.clone(),
        reason: rejection.reason.to_string(),
        is_cell: columns.contains(&rejection.column),
    };
    RejectedRows {
        total: rejected.total,
        reasons,
        rows: rejected.examples.iter().map(row).collect(),
        file,
        ..RejectedRows::default()
    }
}
