//! The column that somebody said has who wants no messages.

use super::{ChosenColumns, ImportError, OptOutColumn, chosen_column, numbered, position};

/// A column that somebody said has who wants no messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChosenOptOuts {
    /// What it is chosen by when the list is read again.
    pub(super) reference: String,
    /// By which it is known in another header; `None` where it has none: it stays in its place.
    pub(super) title: Option<String>,
}

impl ChosenOptOuts {
    pub(super) fn of(names: &[String], column: usize, chosen: &ChosenColumns) -> Self {
        let is_named = chosen.opt_outs.as_ref().is_some_and(|wanted| position(names, wanted.trim()).is_some());
        let is_only = names.iter().filter(|name| **name == names[column]).count() == 1;
        let reference = if is_named || is_only { names[column].clone() } else { numbered(column) };
        Self { reference, title: None }
    }
}

/// The columns that somebody said have who wants no messages: all of that name, or the one in that place.
pub(super) fn columns_of_opt_outs(
    names: &[String],
    phone: usize,
    chosen: &ChosenColumns,
) -> Result<Vec<OptOutColumn>, ImportError> {
    let Some(wanted) = &chosen.opt_outs else { return Ok(Vec::new()) };
    let first = chosen_column(names, wanted)?;
    if first == phone {
        return Err(ImportError::SameColumn { column: names[phone].clone(), other: "what says who opted out" });
    }
    let is_named = position(names, wanted.trim()).is_some();
    let is_it = |column: &usize| *column == first || is_named && *column != phone && names[*column] == names[first];
    Ok((0..names.len()).filter(is_it).map(OptOutColumn::chosen).collect())
}
