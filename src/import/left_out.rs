//! What is kept of the rows that were rejected.

use super::tally::ReadThrough;
use super::{Imported, Rejection, Rejections};
use crate::domain::list_columns::{ChosenColumns, ListColumns};
use crate::domain::rejected_rows::{LeftOutRow, RejectedReason, RejectedRows};
use crate::domain::text::count_of;

/// Whether the rows that a list was made without are kept with the draft.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum KeptRejections {
    /// The list is all that is in the draft; its file, where it has one.
    #[default]
    OfList,
    OfFile(String),
    /// Its cells were pasted.
    Pasted,
    /// It was added to others.
    None,
}

impl KeptRejections {
    /// The path of its file, where it has one.
    pub fn file(&self) -> Option<String> {
        match self {
            Self::OfFile(path) => Some(path.clone()),
            Self::OfList | Self::Pasted | Self::None => None,
        }
    }

    /// Whether the list is the one that a draft was made of, by whichever path.
    pub fn is_of(&self, kept: &RejectedRows) -> bool {
        let (Some(file), Some(kept)) = (self.file(), &kept.file) else { return false };
        let real = |path: &str| std::fs::canonicalize(path).ok();
        file == *kept || real(&file).is_some_and(|file| real(kept) == Some(file))
    }

    /// What is written of a list that was read.
    pub(super) fn of(&self, read: &ReadThrough, taken_out: Vec<String>) -> Option<RejectedRows> {
        let left_out = RejectedRows {
            unusual_lengths: read.tally.unusual_lengths.clone(),
            is_pasted: *self == Self::Pasted,
            columns: read.list_columns().map(Box::new),
            mends: read.mends.clone(),
            taken_out,
            ..left_out(&read.tally.rejections(), &read.columns, self.file())
        };
        // A table has columns, and only a table's cells are mended.
        let is_any = left_out.total > 0 || left_out.unusual_lengths.total > 0 || left_out.columns.is_some();
        (*self != Self::None && is_any).then(|| left_out.to_keep())
    }
}

impl ReadThrough {
    /// Only a table has columns.
    fn list_columns(&self) -> Option<ListColumns> {
        let (phone, name) = (self.phone_column.clone(), self.name_column.clone());
        let (other_phones, local) = (self.other_phones.clone(), self.tally.local.clone());
        (!self.columns.is_empty()).then_some(ListColumns {
            phone,
            name,
            is_chosen: self.is_chosen,
            other_phones,
            unclear_opt_outs: self.unclear_opt_outs.clone(),
            opt_outs: self.opt_outs.clone(),
            country: self.country,
            local,
        })
    }
}

impl Imported {
    /// What does not fit any more was corrected in another blast: nothing is lost by it here.
    pub(super) fn corrected_as_before(self) -> Self {
        Self { corrected_as_before: self.mends.len(), unfit_mends: Vec::new(), ..self }
    }

    /// `2 cells are corrected as in an earlier blast from this file`; `None` where none is.
    pub fn corrected_as_before_words(&self) -> Option<String> {
        let cells = count_of(self.corrected_as_before as u64, "cell is corrected", "cells are corrected");
        (self.corrected_as_before > 0).then(|| format!("{cells} as in an earlier blast from this file"))
    }

    /// `3 without a name: the cell has null, N/A or the like`; `None` where nobody's is.
    pub fn without_name_words(&self) -> Option<String> {
        let names = count_of(self.without_name, "name reads", "names read");
        (self.without_name > 0).then(|| format!("{names} null, N/A or the like: taken as no name"))
    }

    /// How a list was read, by what was chosen of it; only a table has columns.
    pub fn list_columns(&self, chosen: &ChosenColumns) -> Option<ListColumns> {
        let (phone, name) = (self.phone_column.clone(), self.name_column.clone());
        let (other_phones, local) = (self.other_phones.clone(), self.local.clone());
        (!self.columns.is_empty()).then_some(ListColumns {
            phone,
            name,
            is_chosen: chosen.is_of_columns(),
            other_phones,
            unclear_opt_outs: self.unclear_opt_outs.clone(),
            opt_outs: self.opt_outs.clone(),
            country: chosen.country,
            local,
        })
    }

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
        digest: rejection.digest.clone(),
        phone: rejection.phone.clone(),
    };
    RejectedRows {
        total: rejected.total,
        reasons,
        rows: rejected.examples.iter().map(row).collect(),
        file,
        ..RejectedRows::default()
    }
}
