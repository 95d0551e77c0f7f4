//! The rows of a list, whichever file they stand in: text (CSV and its like), or a sheet of an Excel workbook.

use std::collections::VecDeque;
use std::io::{Cursor, Read};
use std::path::Path;

use super::columns::{Columns, rows_above_header};
use super::encoding;
use super::error::{ImportError, read_sheet};
use super::records::{self, Record, Records, Stated};
use super::workbook::{ReadSheet, SheetRows};
use crate::domain::list_columns::ChosenColumns;
use crate::domain::phone::Region;

/// A list as an operator gives it.
pub struct TableSource {
    bytes: Box<dyn Read + Send>,
    sheet: Option<String>,
    columns: Box<ChosenColumns>,
    file: Option<String>,
}

impl<R: Read + Send + 'static> From<R> for TableSource {
    fn from(bytes: R) -> Self {
        Self { bytes: Box::new(bytes), sheet: None, columns: Box::default(), file: None }
    }
}

impl TableSource {
    /// The sheet with this name, in place of a workbook's first.
    #[must_use]
    pub fn of_sheet(self, sheet: Option<String>) -> Self {
        Self { sheet, ..self }
    }

    /// Read from this file.
    #[must_use]
    pub fn of_file(self, path: &Path) -> Self {
        let file = std::path::absolute(path).ok().map(|path| path.to_string_lossy().into_owned());
        Self { file, ..self }
    }

    /// Its file with the sheet behind it, as the form of a blast has it: `list.xlsx#People`.
    pub(crate) fn place(&self) -> Option<String> {
        let file = self.file.clone()?;
        Some(self.sheet.as_ref().map_or_else(|| file.clone(), |sheet| format!("{file}#{sheet}")))
    }

    /// By these columns, in place of those that are guessed.
    #[must_use]
    pub fn by_columns(self, columns: ChosenColumns) -> Self {
        Self { columns: Box::new(columns), ..self }
    }
}

/// A list whose form is known.
pub(super) struct Table {
    /// What stands above the header.
    pub titles: Vec<Record>,
    /// The first ones that are not blank, which [`Self::rows`] has again.
    pub first_rows: Vec<Record>,
    pub rows: TableRows,
    /// Where they stand in a workbook.
    pub sheet: Option<ReadSheet>,
    /// Says which sheet it is where nobody named one of several; else empty.
    pub sheet_words: String,
    /// Those that somebody chose.
    pub columns: ChosenColumns,
}

pub(super) enum TableRows {
    Text(Box<Records<Box<dyn Read + Send>>>),
    /// Shorter rows than the first only lack what is empty.
    Sheet {
        ahead: VecDeque<Record>,
        rest: SheetRows,
        width: usize,
    },
}

impl TableRows {
    /// The next row, perhaps a blank one; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Record>, ImportError> {
        match self {
            Self::Text(records) => Ok(records.next()?),
            Self::Sheet { ahead, rest, width } => match ahead.pop_front() {
                Some(row) => Ok(Some(row)),
                None => Ok(rest.next()?.map(|row| row.at_least(*width))),
            },
        }
    }
}

impl Table {
    /// Reads the beginning, and so many rows of it that are not blank.
    pub(super) fn open(source: TableSource, first_rows: usize) -> Result<Self, ImportError> {
        let TableSource { mut bytes, sheet, columns, file: _ } = source;
        let sample = encoding::read_sample(&mut bytes)?;
        let (is_workbook, is_named) = (encoding::is_spreadsheet(&sample), sheet.is_some());
        let all = Cursor::new(sample).chain(bytes);
        let table = match sheet {
            _ if is_workbook => Self::of_sheet(SheetRows::open(all, sheet), first_rows),
            Some(_) => Err(ImportError::NoSheets),
            None => Self::of_text(all, first_rows),
        };
        let table = table?;
        let sheet_words = if is_named { String::new() } else { read_sheet(table.sheet.as_ref()) };
        Ok(Self { columns: *columns, sheet_words, ..table })
    }

    /// Decides which they are. `region`: whose the numbers without a country code are, where nobody chose.
    pub(super) fn columns_in(&self, region: Region) -> Result<Columns, ImportError> {
        let region = self.columns.country.unwrap_or(region);
        let columns = Columns::of((&self.titles, &self.first_rows), region, &self.columns);
        columns.map_err(|error| error.in_sheet(self.sheet.as_ref()))
    }

    /// The same of text alone.
    pub(super) fn of_text(source: impl Read + Send + 'static, first_rows: usize) -> Result<Self, ImportError> {
        let opened = encoding::open(source)?;
        let delimiter = records::guess_delimiter(&opened.sample);
        let mut records = Records::new(opened.bytes, delimiter.byte);
        let mut first_rows = records::first_rows(&opened.sample, delimiter.byte, first_rows);
        if delimiter.stated == Stated::InFirstRow {
            records.next()?;
            first_rows.drain(..first_rows.len().min(1));
        }
        let above = rows_above_header(&first_rows);
        let titles: Vec<_> = first_rows.drain(..above).collect();
        for title in &titles {
            while records.row() < title.row && records.next()?.is_some() {}
        }
        let rows = TableRows::Text(Box::new(records));
        let columns = ChosenColumns::default();
        Ok(Self { titles, first_rows, rows, sheet: None, sheet_words: String::new(), columns })
    }

    fn of_sheet(mut rest: SheetRows, first_rows: usize) -> Result<Self, ImportError> {
        let mut ahead = VecDeque::new();
        while ahead.len() < first_rows {
            let Some(row) = rest.next()? else { break };
            ahead.push_back(row);
        }
        if ahead.is_empty() {
            return Err(ImportError::EmptySheet);
        }
        let sheet = rest.sheet();
        let above = rows_above_header(ahead.make_contiguous());
        let titles = ahead.drain(..above).collect();
        let width = ahead.front().map_or(0, |first| first.values.len());
        let ahead: VecDeque<_> = ahead.into_iter().map(|row| row.at_least(width)).collect();
        Ok(Self {
            titles,
            first_rows: ahead.iter().cloned().collect(),
            rows: TableRows::Sheet { ahead, rest, width },
            sheet,
            sheet_words: String::new(),
            columns: ChosenColumns::default(),
        })
    }
}
