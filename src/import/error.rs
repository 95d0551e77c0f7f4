//! Why nothing was imported. Each sentence says what to do about it; whatever the reason, nothing is left behind.

use std::io;
use std::path::PathBuf;

use super::person::Rejection;
use super::records::{ROW_MAX, RecordError};
use super::workbook::ReadSheet;
use crate::domain::forgotten::MissingForgetKey;
use crate::domain::ids::BlastId;
use crate::domain::text::{clean, count_of, grouped};
use crate::store::StoreError;

/// The most columns of a file.
pub(super) const COLUMNS_MAX: usize = 200;

/// A file of people that was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{0}")]
    Sender(String),
    /// It cannot start at the time that was given.
    #[error("{0}")]
    Start(String),
    /// It cannot repeat as was asked.
    #[error("{0}")]
    Repeat(String),
    /// It repeats up to a day that is over.
    #[error("its last day, {0}, has passed: write one that is still to come")]
    LastDay(chrono::NaiveDate),
    #[error("the file cannot be read: {0}")]
    Read(#[source] io::Error),
    #[error("the file is empty: a row for each person is needed, with a phone number in it")]
    Empty,
    #[error("the file is empty: it needs a first line with the columns sku and name, and a row for each product")]
    NoProducts,
    #[error("this is a spreadsheet's own file: save it as CSV (UTF-8) and give that")]
    Spreadsheet,
    #[error(
        "this is JSON: give a CSV file or an Excel workbook, as exports are with --format csv; the HTTP API takes JSON"
    )]
    Json,
    #[error("the file has no sheets, as only an Excel workbook has: leave --sheet out")]
    NoSheets,
    #[error("the sheet is empty: a row for each person or product is needed; --sheet names another one")]
    EmptySheet,
    #[error("{}; {}", no_sheet(name), shown(sheets))]
    NoSuchSheet { name: String, sheets: Vec<String> },
    #[error("the workbook is protected by a password: save it without one, or as CSV (UTF-8)")]
    LockedWorkbook,
    #[error("this is a file of an older Excel (.xls): save it as .xlsx, or as CSV (UTF-8)")]
    OldWorkbook,
    #[error("this is a zip archive and no Excel workbook: save the list as .xlsx, or as CSV (UTF-8)")]
    OtherArchive,
    #[error("the workbook is larger than a list of people can be: save its sheet as CSV (UTF-8) and give that")]
    WorkbookTooLarge,
    #[error("the workbook cannot be read ({}): save it again as .xlsx, or as CSV (UTF-8)", clean(.0))]
    Workbook(String),
    #[error(
        "this is not a text file: line {line} has a byte that is no character (NUL); take it out, or save the list as CSV (UTF-8) and use that"
    )]
    NotText { line: usize },
    #[error(
        "row {row}: a quote (\") is opened and not closed within {} KiB, so where the row ends is unknown: close it or take it out", ROW_MAX / 1024
    )]
    OpenQuote { row: u64 },
    #[error("row {row} is longer than {} KiB: is this a list of people?", ROW_MAX / 1024)]
    RowTooLong { row: u64 },
    #[error(
        "the file has {found} columns or more, and {COLUMNS_MAX} are the most: take out what the message does not need"
    )]
    TooManyColumns { found: usize },
    #[error("no column holds phone numbers; the columns are {}: name the right one `phone`{sheet}", .columns.join(", "))]
    NoPhones {
        columns: Vec<String>,
        /// Which sheet of a workbook was read, in words.
        sheet: String,
    },
    #[error(
        "everybody in this list opted out, as its title `{title}` says: `suppress import` keeps them out of every blast; if they want messages, change that title"
    )]
    ListOfOptOuts { title: String },
    #[error("the list has no column `{}`{}", clean(name), other_column(nearest.as_deref(), columns))]
    NoSuchColumn { name: String, nearest: Option<String>, columns: Vec<String> },
    #[error("{} cannot be both the phone and {other}: choose another column for one of them", clean(column))]
    SameColumn { column: String, other: &'static str },
    #[error("more than {} people: make another blast for the rest", grouped(&max.to_string()))]
    TooMany { max: u64 },
    /// The blast is not there, or nobody can be added to it any more.
    #[error("{0}")]
    Closed(String),
    /// People were forgotten whom this machine could not leave out.
    #[error("{0}: with it a list is read without them; see `blastdeck customer key`")]
    ForgetKey(#[from] MissingForgetKey),
    /// The same request had its effect already.
    #[error("a request with this idempotency key had its effect already")]
    Repeated,
    /// Whoever is in that one is not to be in this one.
    #[error("another follow-up of the same blast was made at the same time: nothing was made, try again")]
    Followed,
    /// What was read in the database before may have their number.
    #[error("somebody was forgotten while its people were read: nothing was changed, try again")]
    Forgotten,
    #[error("no people in the file: there is nothing under its header")]
    NoPeople,
    #[error("there is nobody in the list")]
    NobodyGiven,
    #[error("the message uses {{{name}}}, but there is no such column{}", instead(name, nearest.as_deref(), columns))]
    UnknownVariable { name: String, nearest: Option<String>, columns: Vec<String> },
    #[error("{}", nothing_taken(*rows, examples))]
    NothingTaken { rows: u64, examples: Vec<Rejection> },
    #[error("{} cannot be written ({error}): the rows that were refused belong there; make room or copy the file elsewhere", path.display())]
    RejectedFile { path: PathBuf, error: io::Error },
    /// Whoever waited for it had it stopped.
    #[error("stopped: nothing of the list is kept")]
    Stopped,
    #[error("the reading of the file ended unexpectedly")]
    Broken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ImportError {
    /// What is being sent, or was, takes nobody any more.
    pub fn no_draft(blast: BlastId) -> Self {
        Self::Closed(format!("blast {blast} is no longer a draft: nobody can be added to it"))
    }

    /// Somebody was quicker with the draft that a list is for.
    pub fn changed_draft() -> Self {
        Self::Closed("somebody changed this draft a moment ago: open it again".to_owned())
    }

    /// Whether it is about what stands in the file, whose name helps then.
    pub const fn is_of_file(&self) -> bool {
        matches!(
            self,
            Self::Read(_)
                | Self::Empty
                | Self::NoProducts
                | Self::Spreadsheet
                | Self::Json
                | Self::NoSheets
                | Self::EmptySheet
                | Self::NoSuchSheet { .. }
                | Self::LockedWorkbook
                | Self::OldWorkbook
                | Self::OtherArchive
                | Self::WorkbookTooLarge
                | Self::Workbook(_)
                | Self::NotText { .. }
                | Self::OpenQuote { .. }
                | Self::RowTooLong { .. }
                | Self::TooManyColumns { .. }
                | Self::NoPhones { .. }
                | Self::ListOfOptOuts { .. }
                | Self::NoPeople
                | Self::NothingTaken { .. }
        )
    }

    /// The same where what is missing may be in another sheet.
    pub(super) fn in_sheet(self, sheet: Option<&ReadSheet>) -> Self {
        match self {
            Self::NoPhones { columns, .. } => Self::NoPhones { columns, sheet: read_sheet(sheet) },
            other => other,
        }
    }
}

/// Which of several sheets was read, behind a sentence about it.
pub(super) fn read_sheet(sheet: Option<&ReadSheet>) -> String {
    match sheet {
        Some(ReadSheet { name, others }) if !others.is_empty() => {
            let (read, other) = (sheet_names(std::slice::from_ref(name)), sheet_names(others));
            format!("; this is the sheet {read}, beside {other}: --sheet (in the form FILE#SHEET) names another")
        }
        _ => String::new(),
    }
}

fn no_sheet(name: &str) -> String {
    if name.trim().is_empty() { "no sheet is named".to_owned() } else { format!("there is no sheet `{}`", clean(name)) }
}

/// The sheets that there are, the first few.
fn shown(sheets: &[String]) -> String {
    let are = if sheets.len() == 1 { "the only sheet is" } else { "the sheets are" };
    format!("{are} {}", sheet_names(sheets))
}

/// Names that a stranger gave.
fn sheet_names(names: &[String]) -> String {
    let names = names.iter().take(20).map(|name| clean(name).chars().take(60).collect::<String>());
    names.collect::<Vec<_>>().join(", ")
}

fn other_column(nearest: Option<&str>, columns: &[String]) -> String {
    match nearest {
        Some(nearest) => format!(": did you mean {nearest}?"),
        None => format!("; its columns are {}", columns.join(", ")),
    }
}

fn nothing_taken(rows: u64, examples: &[Rejection]) -> String {
    let counted = count_of(rows, "row cannot be used", "rows, none of which can be used");
    let first = examples.first().map(|first| format!("row {}: {}: {}", first.row, first.column, first.reason));
    match first {
        Some(only) if rows == 1 => format!("the only row cannot be used: {only}"),
        Some(first) => format!("{counted}; {first}"),
        None => counted,
    }
}

fn instead(name: &str, nearest: Option<&str>, columns: &[String]) -> String {
    match nearest {
        // One number is as near as another: a template's own variable lacks its value.
        _ if name.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!(
                "; give it a value (with --var {name}=…, or on its line of the form), or the list a column {name}; the columns are {}",
                columns.join(", ")
            )
        }
        Some(nearest) => format!(": did you mean {{{nearest}}}?"),
        None => format!("; the columns are {}", columns.join(", ")),
    }
}

impl From<RecordError> for ImportError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Io(error) => Self::Read(error),
            RecordError::OpenQuote { row } => Self::OpenQuote { row },
            RecordError::TooLong { row } => Self::RowTooLong { row },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rejected_rows::RowDigest;
    use crate::import::Reason;

    #[test]
    fn a_list_of_which_nothing_is_taken_says_what_is_wrong_with_its_first_row() {
        let first = || Rejection {
            row: 2,
            column: "Phone".into(),
            value: "x".into(),
            name: None,
            reason: Reason::NoPhone,
            digest: RowDigest::default(),
            phone: None,
        };
        let said = |rows: u64| ImportError::NothingTaken { rows, examples: vec![first()] }.to_string();

        assert_eq!(said(1), format!("the only row cannot be used: row 2: Phone: {}", Reason::NoPhone));
        assert!(said(9).starts_with("9 rows, none of which can be used; row 2: Phone: "), "{}", said(9));
    }
}
