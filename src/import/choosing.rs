//! The columns of a list with some of their cells, for whoever chooses among them.

use super::columns::{Columns, Header};
use super::encoding::decode;
use super::table::{Table, TableSource};
use super::{FIRST_ROWS, ImportError, on_thread};
use crate::domain::list_columns::ChosenColumns;
use crate::domain::phone::Region;
use crate::domain::text::clean;

/// How many cells of a column are shown.
const SAMPLES: usize = 3;

/// The longest cell that is shown, in characters.
const SAMPLE_MAX: usize = 40;

/// A column of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListColumn {
    /// What it is chosen by: its name, or `column 3` where one before it has the same.
    pub reference: String,
    pub name: String,
    /// Its first cells that are not empty.
    pub samples: Vec<String>,
}

/// Reads the beginning of a list.
pub async fn list_columns(source: TableSource, region: Region) -> Result<Vec<ListColumn>, ImportError> {
    on_thread(move || {
        let table = Table::open(source, FIRST_ROWS)?;
        let first = table.first_rows.first().ok_or(ImportError::Empty)?;
        // Any will do: which of them are the phones is the question.
        let any = ChosenColumns { phone: Some("column 1".to_owned()), ..ChosenColumns::default() };
        let width = first.values.len();
        let columns = Columns::of((&table.titles, &table.first_rows), region, &any)?;
        let people = match columns.header {
            Header::FirstRow => &table.first_rows[1..],
            Header::None => &table.first_rows[..],
        };
        let samples = |column: usize| {
            let cells =
                people.iter().filter_map(|row| row.values.get(column)).map(|cell| clean(&decode(cell).0).into_owned());
            let cells = cells.map(|cell| cell.trim().chars().take(SAMPLE_MAX).collect::<String>());
            cells.filter(|cell| !cell.is_empty()).take(SAMPLES).collect()
        };
        let column = |column: usize| ListColumn {
            reference: columns.reference(column),
            name: columns.names[column].clone(),
            samples: samples(column),
        };
        Ok((0..width).map(column).collect())
    })
    .await
}
