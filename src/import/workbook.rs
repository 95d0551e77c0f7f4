//! Reads the rows of one sheet of an Excel workbook (.xlsx). Whoever made the file is a stranger: what it unpacks to is measured before
//! it is read, and a parser that fails at it ends its own thread, not the program.

use std::fmt;
use std::io::{self, Cursor, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use zip::ZipArchive;

use super::error::ImportError;
use super::records::{ROW_MAX, Record};

/// The largest workbook, in bytes: it is held in memory while it is read.
const FILE_MAX: u64 = 128 << 20;
/// The most bytes that a sheet unpacks to, and anything else in a workbook; and how many parts it may have.
const SHEET_MAX: u64 = 1 << 30;
const PART_MAX: u64 = 128 << 20;
const PARTS_MAX: usize = 10_000;
/// The rows and columns of a sheet as Excel has them, and of the columns as many as make sense in a list.
const ROWS_MAX: u32 = 1_048_576;
const WIDTH_MAX: u32 = 1_000;
/// How many rows are read ahead.
const ROWS_AHEAD: usize = 256;
/// The first whole number that cannot be distinguished from a neighbour: 2^53.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
/// The first day behind those of Excel's calendar, 31 December 9999.
const DAYS_MAX: f64 = 2_958_466.0;

/// The sheet that is read, and what the others of its workbook are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadSheet {
    pub name: String,
    pub others: Vec<String>,
}

/// Rows of a sheet on their way from the thread that parses it. Blank ones are not there; the others keep their numbers.
pub(super) struct SheetRows {
    /// `None` behind the last row.
    rows: Option<Receiver<Result<Option<Record>, ImportError>>>,
    sheet: Receiver<ReadSheet>,
}

impl SheetRows {
    /// The rows of a sheet: the one with this name, else the first that is not hidden.
    pub(super) fn open(source: impl Read + Send + 'static, sheet: Option<String>) -> Self {
        let (sender, rows) = sync_channel(ROWS_AHEAD);
        let (chosen, chosen_sheet) = sync_channel(1);
        let parse = move || {
            let end = read(source, sheet.as_deref(), (&chosen, &sender));
            // Nobody is there to take it once the import ended early.
            let _ = sender.send(end.map(|()| None));
        };
        // Without a thread the channel is closed, which is an error of its own.
        let _ = std::thread::Builder::new().name("workbook".to_owned()).spawn(parse);
        Self { rows: Some(rows), sheet: chosen_sheet }
    }

    /// Which sheet it is, once a row was read.
    pub(super) fn sheet(&self) -> Option<ReadSheet> {
        self.sheet.try_recv().ok()
    }

    /// The next row; `None` at the end, however often it is asked for.
    pub(super) fn next(&mut self) -> Result<Option<Record>, ImportError> {
        let Some(rows) = &self.rows else { return Ok(None) };
        // An end that was not said is none: the parser failed.
        let next = rows.recv().unwrap_or_else(|_| Err(unreadable("this version fails at it")));
        if matches!(next, Ok(None)) {
            self.rows = None;
        }
        next
    }
}

/// Reads a workbook and sends its rows, for as long as somebody takes them.
fn read(
    source: impl Read,
    sheet: Option<&str>,
    (chosen, rows): (&SyncSender<ReadSheet>, &SyncSender<Result<Option<Record>, ImportError>>),
) -> Result<(), ImportError> {
    let mut bytes = Vec::new();
    source.take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(ImportError::Read)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(ImportError::WorkbookTooLarge);
    }
    measure(&bytes)?;
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(of_parser)?;
    let sheet = sheet_of(&workbook, sheet)?;
    let mut cells = workbook.worksheet_cells_reader(&sheet.name).map_err(of_parser)?;
    // Whoever reads the rows may be gone.
    let _ = chosen.send(sheet);
    let mut gathering = RowBuilder::default();
    while let Some(cell) = cells.next_cell().map_err(of_parser)? {
        let value = cell.get_value();
        let text = text_of(value);
        if text.trim().is_empty() {
            continue;
        }
        let place = cell.get_position();
        if gathering.is_of_another_row(place.0)
            && let Some(row) = gathering.take()
            && rows.send(Ok(Some(row))).is_err()
        {
            return Ok(());
        }
        gathering.put(place, text)?;
        if matches!(value, DataRef::Float(number) if number.fract() != 0.0) {
            gathering.fractions.push(place.1 as usize);
        }
    }
    if let Some(row) = gathering.take() {
        // Whoever took the rows before may be gone.
        let _ = rows.send(Ok(Some(row)));
    }
    Ok(())
}

/// Unpacks everything once, to nowhere: what a part says of its own size is a stranger's word.
fn measure(bytes: &[u8]) -> Result<(), ImportError> {
    if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        // Excel's older files are of this form, and so are newer ones under a password.
        let opened = Xlsx::new(Cursor::new(bytes));
        return Err(match opened {
            Err(XlsxError::Password) => ImportError::LockedWorkbook,
            _ => ImportError::OldWorkbook,
        });
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    if archive.len() > PARTS_MAX {
        return Err(ImportError::WorkbookTooLarge);
    }
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(unreadable)?;
        let is_sheet = part.name().is_ok_and(|name| name.starts_with("xl/worksheets/"));
        let max = if is_sheet { SHEET_MAX } else { PART_MAX };
        let unpacked = io::copy(&mut part.take(max + 1), &mut io::sink()).map_err(unreadable)?;
        if unpacked > max {
            return Err(ImportError::WorkbookTooLarge);
        }
    }
    Ok(())
}

/// The sheet with this name, whatever its case; else the first that is not hidden.
fn sheet_of<RS: io::Read + io::Seek>(workbook: &Xlsx<RS>, wanted: Option<&str>) -> Result<ReadSheet, ImportError> {
    let sheets: Vec<_> = workbook.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet).collect();
    let found = match wanted {
        Some(wanted) => {
            let exact = sheets.iter().find(|sheet| sheet.name == wanted);
            exact.or_else(|| sheets.iter().find(|sheet| sheet.name.to_lowercase() == wanted.trim().to_lowercase()))
        }
        None => sheets.iter().find(|sheet| sheet.visible == SheetVisible::Visible).or(sheets.first()),
    };
    let names = sheets.iter().map(|sheet| sheet.name.clone());
    match found.map(|sheet| sheet.name.clone()) {
        Some(name) => Ok(ReadSheet { others: names.filter(|other| *other != name).collect(), name }),
        None => Err(ImportError::NoSuchSheet { name: wanted.unwrap_or_default().to_owned(), sheets: names.collect() }),
    }
}

/// A row whose cells come one by one.
#[derive(Default)]
struct RowBuilder {
    row: u32,
    values: Vec<Vec<u8>>,
    fractions: Vec<usize>,
    bytes: usize,
}

impl RowBuilder {
    fn is_of_another_row(&self, row: u32) -> bool {
        !self.values.is_empty() && self.row != row
    }

    fn put(&mut self, (row, column): (u32, u32), text: String) -> Result<(), ImportError> {
        let number = u64::from(row) + 1;
        if row >= ROWS_MAX {
            return Err(unreadable(format!("it has a row {number}, and Excel no more than {ROWS_MAX}")));
        }
        if column >= WIDTH_MAX {
            return Err(ImportError::TooManyColumns { found: column as usize + 1 });
        }
        self.bytes += text.len();
        if self.bytes > ROW_MAX {
            return Err(ImportError::RowTooLong { row: number });
        }
        let column = column as usize;
        if self.values.len() <= column {
            self.values.resize(column + 1, Vec::new());
        }
        self.row = row;
        self.values[column] = text.into_bytes();
        Ok(())
    }

    /// The row that is whole, if one was begun.
    fn take(&mut self) -> Option<Record> {
        let values = std::mem::take(&mut self.values);
        let fractions = std::mem::take(&mut self.fractions);
        self.bytes = 0;
        let row = u64::from(self.row) + 1;
        (!values.is_empty()).then_some(Record { row, values, fractions })
    }
}

/// A cell as its list means it. Of a formula it is what was computed last.
fn text_of(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::Empty => String::new(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_text(*number),
        DataRef::Bool(true) => "TRUE".to_owned(),
        DataRef::Bool(false) => "FALSE".to_owned(),
        DataRef::DateTime(at) => date_text(at),
        DataRef::Error(error) => error.to_string(),
    }
}

/// A whole number with all its digits while they are known, and a fraction with the 15 that Excel shows.
fn number_text(number: f64) -> String {
    if !number.is_finite() || number.abs() >= WHOLE_MAX {
        return format!("{number:E}").replace('E', "E+");
    }
    if number.fract() == 0.0 {
        return format!("{:.0}", number + 0.0);
    }
    let rounded = format!("{number:.14e}").parse::<f64>().unwrap_or(number);
    rounded.to_string()
}

/// A date as `2026-12-01`, with its time where it has one. A number that is no day of the calendar is a number, however it looks.
fn date_text(at: &ExcelDateTime) -> String {
    let value = at.as_f64();
    if at.is_duration() || !(0.0..DAYS_MAX).contains(&value) {
        return number_text(value);
    }
    let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
    let time = match (hour, minute, second) {
        (0, 0, 0) => String::new(),
        (hour, minute, 0) => format!("{hour:02}:{minute:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}"),
    };
    if value < 1.0 && !time.is_empty() {
        return time;
    }
    format!("{year:04}-{month:02}-{day:02} {time}").trim_end().to_owned()
}

fn unreadable(why: impl fmt::Display) -> ImportError {
    ImportError::Workbook(why.to_string())
}

fn of_parser(error: XlsxError) -> ImportError {
    match error {
        XlsxError::Password => ImportError::LockedWorkbook,
        XlsxError::FileNotFound(_) | XlsxError::RelationshipNotFound => ImportError::OtherArchive,
        other => unreadable(other),
    }
}

#[cfg(test)]
mod tests;
