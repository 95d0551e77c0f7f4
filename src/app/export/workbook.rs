//! Writes an Excel workbook (ECMA-376) while its rows are read: what is written is handed on at once, so that a million rows take
//! no more memory than a hundred. Written here because writers of whole workbooks need the file at its end, or a place of its size
//! beside it, and an answer over HTTP has neither.

use std::fmt::{Display, Write as _};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use zip::ZipWriter;
use zip::write::{SimpleFileOptions, StreamWriter};

use super::cell::ExportCell;
use super::table::ExportColumns;

/// The most rows of a sheet, its header among them.
const SHEET_ROWS_MAX: u32 = 1_048_576;
/// A sheet ends behind so many bytes, too: the archive says sizes in 32 bits.
const SHEET_BYTES_MAX: u64 = 3 << 30;
/// The most digits of a number that a spreadsheet keeps; longer ones are texts.
const DIGITS_MAX: u64 = 999_999_999_999_999;
/// The most decimals of an amount's format.
const DECIMALS_MAX: u32 = 8;

/// The styles of `styles.xml`, by their place there; an amount's is [`AMOUNT`] and its decimals.
const HEADER: u32 = 1;
const TIME: u32 = 2;
const TEXT: u32 = 3;
const AMOUNT: u32 = 4;

/// A workbook under way: as many sheets as its rows need.
pub(super) struct WorkbookWriter {
    zip: ZipWriter<StreamWriter<Pipe>>,
    pipe: Pipe,
    name: &'static str,
    columns: Vec<String>,
    zone: Tz,
    sheets: u32,
    /// In the sheet that is open.
    rows: u32,
    rows_max: u32,
    bytes: u64,
}

/// What was written and not yet handed on.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Vec<u8>>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Pipe {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl WorkbookWriter {
    /// A workbook whose sheets have this name. Times are those of `zone`, which is named in the headers of their columns.
    pub(super) fn new(name: &'static str, columns: &ExportColumns, zone: Tz) -> Self {
        let title = |(name, is_time): (&String, &bool)| {
            if *is_time { format!("{name} ({})", zone.name()) } else { name.clone() }
        };
        let pipe = Pipe::default();
        Self {
            zip: ZipWriter::new_stream(pipe.clone()),
            pipe,
            name,
            columns: columns.names.iter().zip(&columns.times).map(title).collect(),
            zone,
            sheets: 0,
            rows: 0,
            rows_max: SHEET_ROWS_MAX,
            bytes: 0,
        }
    }

    /// What stands before the first row.
    pub(super) fn head(&mut self) -> io::Result<Vec<u8>> {
        self.open_sheet()?;
        Ok(self.pipe.take())
    }

    pub(super) fn write(&mut self, rows: &[Vec<ExportCell>]) -> io::Result<Vec<u8>> {
        for row in rows {
            if self.rows >= self.rows_max || self.bytes >= SHEET_BYTES_MAX {
                self.close_sheet()?;
                self.open_sheet()?;
            }
            let mut written = RowWriter::new(self.rows + 1);
            for cell in row {
                written.cell(cell, self.zone);
            }
            self.row(written)?;
        }
        Ok(self.pipe.take())
    }

    /// What stands behind the last row.
    pub(super) fn finish(mut self) -> io::Result<Vec<u8>> {
        self.close_sheet()?;
        let (types, workbook, relations) = self.indexes();
        self.part("[Content_Types].xml", &types)?;
        self.part("_rels/.rels", ROOT_RELATIONS)?;
        self.part("xl/workbook.xml", &workbook)?;
        self.part("xl/_rels/workbook.xml.rels", &relations)?;
        self.part("xl/styles.xml", &styles())?;
        self.zip.finish()?;
        Ok(self.pipe.take())
    }

    fn part(&mut self, path: &str, text: &str) -> io::Result<()> {
        self.zip.start_file(path, SimpleFileOptions::default())?;
        self.zip.write_all(XML.as_bytes())?;
        self.zip.write_all(text.as_bytes())
    }

    fn open_sheet(&mut self) -> io::Result<()> {
        self.sheets += 1;
        (self.rows, self.bytes) = (0, 0);
        self.zip.start_file(format!("xl/worksheets/sheet{}.xml", self.sheets), SimpleFileOptions::default())?;
        let columns = self.columns.len();
        write!(
            self.zip,
            "{XML}{SHEET_START}<cols><col min=\"1\" max=\"{columns}\" width=\"18\" customWidth=\"1\"/></cols><sheetData>"
        )?;
        let mut header = RowWriter::new(1);
        for title in &self.columns {
            header.text(HEADER, title);
        }
        self.row(header)
    }

    fn close_sheet(&mut self) -> io::Result<()> {
        self.zip.write_all(b"</sheetData></worksheet>")
    }

    fn row(&mut self, row: RowWriter) -> io::Result<()> {
        let xml = row.finish();
        self.rows += 1;
        self.bytes += xml.len() as u64;
        self.zip.write_all(xml.as_bytes())
    }

    /// The parts that name every sheet.
    fn indexes(&self) -> (String, String, String) {
        let (mut types, mut workbook, mut relations) =
            (TYPES_START.to_owned(), WORKBOOK_START.to_owned(), RELATIONS_START.to_owned());
        for sheet in 1..=self.sheets {
            let name = if sheet == 1 { self.name.to_owned() } else { format!("{} {sheet}", self.name) };
            let _ =
                write!(types, "<Override PartName=\"/xl/worksheets/sheet{sheet}.xml\" ContentType=\"{SHEET_TYPE}\"/>");
            let _ = write!(workbook, "<sheet name=\"{name}\" sheetId=\"{sheet}\" r:id=\"rId{sheet}\"/>");
            let _ = write!(
                relations,
                "<Relationship Id=\"rId{sheet}\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet{sheet}.xml\"/>"
            );
        }
        let styles = self.sheets + 1;
        let _ = write!(
            relations,
            "<Relationship Id=\"rId{styles}\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/></Relationships>"
        );
        types.push_str("</Types>");
        workbook.push_str("</sheets></workbook>");
        (types, workbook, relations)
    }
}

/// One row as XML. A string takes whatever is written to it.
struct RowWriter {
    xml: String,
    row: u32,
    column: u32,
}

impl RowWriter {
    fn new(row: u32) -> Self {
        Self { xml: format!("<row r=\"{row}\">"), row, column: 0 }
    }

    fn finish(mut self) -> String {
        self.xml.push_str("</row>");
        self.xml
    }

    fn cell(&mut self, cell: &ExportCell, zone: Tz) {
        match cell {
            ExportCell::Empty => self.column += 1,
            ExportCell::Text(text) | ExportCell::Parts { words: text, .. } => self.text(TEXT, text),
            ExportCell::Whole(number) if number.unsigned_abs() <= DIGITS_MAX => self.value("", number),
            ExportCell::Whole(number) => self.text(TEXT, &number.to_string()),
            ExportCell::Flag(flag) => self.value(" t=\"b\"", u8::from(*flag)),
            ExportCell::Amount { amount, places } => self.amount(*amount, *places),
            ExportCell::Time(at) => self.value(&format!(" s=\"{TIME}\""), serial(*at, zone)),
        }
    }

    /// With so many decimals; one with more digits than a spreadsheet keeps is a text.
    fn amount(&mut self, amount: Decimal, places: u32) {
        let fits = amount.mantissa().unsigned_abs() <= u128::from(DIGITS_MAX) && places <= DECIMALS_MAX;
        if fits {
            self.value(&format!(" s=\"{}\"", AMOUNT + places), amount);
        } else {
            self.text(TEXT, &format!("{amount:.*}", places as usize));
        }
    }

    fn value(&mut self, attributes: &str, value: impl Display) {
        let at = self.place();
        let _ = write!(self.xml, "<c r=\"{at}\"{attributes}><v>{value}</v></c>");
    }

    /// Its style is that of texts, so that a phone number stays one when it is edited.
    fn text(&mut self, style: u32, text: &str) {
        let at = self.place();
        let _ = write!(self.xml, "<c r=\"{at}\" s=\"{style}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">");
        let text = ExportCell::to_workbook_text(text);
        for (at, c) in text.char_indices() {
            match c {
                '&' => self.xml.push_str("&amp;"),
                '<' => self.xml.push_str("&lt;"),
                '>' => self.xml.push_str("&gt;"),
                '_' if is_escape(&text.as_bytes()[at..]) => self.xml.push_str("_x005F_"),
                c => self.xml.push(c),
            }
        }
        self.xml.push_str("</t></is></c>");
    }

    /// Where the next cell stands, such as `B7`.
    fn place(&mut self) -> String {
        self.column += 1;
        let (mut letters, mut left) = (String::new(), self.column);
        while left > 0 {
            left -= 1;
            letters.insert(0, char::from(b'A' + u8::try_from(left % 26).unwrap_or_default()));
            left /= 26;
        }
        format!("{letters}{}", self.row)
    }
}

/// `_x0041_` stands for a character by its number, unless its first `_` is written so itself.
fn is_escape(bytes: &[u8]) -> bool {
    matches!(bytes, [b'_', b'x', a, b, c, d, b'_', ..] if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit))
}

/// A time as spreadsheets count it: days since the end of 1899, by the clocks of a zone.
fn serial(at: DateTime<Utc>, zone: Tz) -> f64 {
    let start = NaiveDate::from_ymd_opt(1899, 12, 30).unwrap_or_default().and_time(chrono::NaiveTime::MIN);
    let elapsed = at.with_timezone(&zone).naive_local() - start;
    elapsed.num_milliseconds().to_f64().unwrap_or_default() / 86_400_000.0
}

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// The first row stays in view.
const SHEET_START: &str = "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetViews>\
     <sheetView workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView>\
     </sheetViews>";

const SHEET_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml";

const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

const TYPES_START: &str = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
     <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
     <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
     <Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>\
     <Override PartName=\"/xl/styles.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml\"/>";

const ROOT_RELATIONS: &str = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
     <Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" \
     Target=\"xl/workbook.xml\"/></Relationships>";

const WORKBOOK_START: &str = "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
     xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><bookViews><workbookView/></bookViews><sheets>";

const RELATIONS_START: &str = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">";

/// A default font and a bold one, no fills and borders but those that must be there, and a format for each style.
fn styles() -> String {
    let decimals = |n: u32| if n == 0 { "0".to_owned() } else { format!("0.{}", "0".repeat(n as usize)) };
    let mut formats = "<numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\\ hh:mm:ss\"/>".to_owned();
    let mut cells = "<xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>\
         <xf numFmtId=\"49\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyFont=\"1\" applyNumberFormat=\"1\"/>\
         <xf numFmtId=\"164\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
         <xf numFmtId=\"49\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>"
        .to_owned();
    for n in 0..=DECIMALS_MAX {
        let _ = write!(formats, "<numFmt numFmtId=\"{}\" formatCode=\"{}\"/>", 165 + n, decimals(n));
        let _ = write!(
            cells,
            "<xf numFmtId=\"{}\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>",
            165 + n
        );
    }
    let (format_count, cell_count) = (DECIMALS_MAX + 2, AMOUNT + DECIMALS_MAX + 1);
    format!(
        "<styleSheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">\
         <numFmts count=\"{format_count}\">{formats}</numFmts>\
         <fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font>\
         <font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>\
         <fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills>\
         <borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
         <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
         <cellXfs count=\"{cell_count}\">{cells}</cellXfs>\
         <cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>"
    )
}

#[cfg(test)]
mod tests;
