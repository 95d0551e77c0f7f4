//! Spells the rows of an export in a format, some at a time.

use std::io;

use chrono_tz::Tz;
use csv::{Writer, WriterBuilder};
use serde_json::{Map, Value};

use super::ExportPages;
use super::cell::ExportCell;
use super::table::ExportColumns;
use super::workbook::WorkbookWriter;
use crate::domain::text::escaped_json;

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// For spreadsheets, which run nothing in it.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// An Excel workbook.
    Xlsx,
}

impl ExportFormat {
    /// By its name, which is also how its files end.
    pub fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "json" | "jsonl" | "ndjson" => Some(Self::JsonLines),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::JsonLines => "application/x-ndjson",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// How its files end.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            Self::Xlsx => "xlsx",
        }
    }
}

/// Spells rows, and counts them.
pub struct ExportEncoder {
    columns: Vec<String>,
    form: EncoderForm,
    rows: u64,
}

enum EncoderForm {
    Csv,
    JsonLines,
    Xlsx(Box<WorkbookWriter>),
}

impl ExportEncoder {
    /// For the rows of an export. A workbook shows times by the clocks of `zone`; the other formats have them in UTC.
    pub fn new(format: ExportFormat, pages: &ExportPages, zone: Tz) -> Self {
        Self::of(format, pages.export().table().name, pages.columns(), zone)
    }

    fn of(format: ExportFormat, name: &'static str, columns: ExportColumns, zone: Tz) -> Self {
        let form = match format {
            ExportFormat::Csv => EncoderForm::Csv,
            ExportFormat::JsonLines => EncoderForm::JsonLines,
            ExportFormat::Xlsx => EncoderForm::Xlsx(Box::new(WorkbookWriter::new(name, &columns, zone))),
        };
        Self { columns: columns.names, form, rows: 0 }
    }

    /// How many rows were spelled.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// What stands before the first row.
    pub fn head(&mut self) -> io::Result<Vec<u8>> {
        match &mut self.form {
            EncoderForm::JsonLines => Ok(Vec::new()),
            EncoderForm::Xlsx(workbook) => workbook.head(),
            EncoderForm::Csv => {
                let mut csv = writer();
                csv.write_record(self.columns.iter().map(|name| ExportCell::of(name).to_csv()))?;
                bytes(csv)
            }
        }
    }

    /// These rows, each with as many cells as there are columns.
    pub fn encode(&mut self, rows: &[Vec<ExportCell>]) -> io::Result<Vec<u8>> {
        self.rows += rows.len() as u64;
        match &mut self.form {
            EncoderForm::JsonLines => json_lines(&self.columns, rows),
            EncoderForm::Xlsx(workbook) => workbook.write(rows),
            EncoderForm::Csv => {
                let mut csv = writer();
                for row in rows {
                    csv.write_record(row.iter().map(ExportCell::to_csv))?;
                }
                bytes(csv)
            }
        }
    }

    /// What stands behind the last row.
    pub fn finish(self) -> io::Result<Vec<u8>> {
        match self.form {
            EncoderForm::Csv | EncoderForm::JsonLines => Ok(Vec::new()),
            EncoderForm::Xlsx(workbook) => workbook.finish(),
        }
    }
}

fn json_lines(columns: &[String], rows: &[Vec<ExportCell>]) -> io::Result<Vec<u8>> {
    let mut lines = String::new();
    for row in rows {
        let object: Map<String, Value> = columns.iter().cloned().zip(row.iter().map(ExportCell::to_json)).collect();
        lines.push_str(&escaped_json(&serde_json::to_string(&object)?));
        lines.push('\n');
    }
    Ok(lines.into_bytes())
}

fn writer() -> Writer<Vec<u8>> {
    WriterBuilder::new().flexible(false).from_writer(Vec::new())
}

fn bytes(csv: Writer<Vec<u8>>) -> io::Result<Vec<u8>> {
    csv.into_inner().map_err(csv::IntoInnerError::into_error)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn encoded(format: ExportFormat, rows: &[[Value; 2]]) -> Vec<u8> {
        let columns = ExportColumns { names: ["name", "note"].map(str::to_owned).to_vec(), times: vec![false; 2] };
        let mut encoder = ExportEncoder::of(format, "pairs", columns, Tz::UTC);
        let mut bytes = encoder.head().unwrap();
        let rows: Vec<Vec<_>> = rows.iter().map(|row| row.iter().map(ExportCell::of).collect()).collect();
        bytes.extend(encoder.encode(&rows).unwrap());
        assert_eq!(encoder.rows(), rows.len() as u64);
        bytes.extend(encoder.finish().unwrap());
        bytes
    }

    #[test]
    fn a_table_of_csv_has_its_columns_first_and_quotes_what_needs_it() {
        let csv = encoded(ExportFormat::Csv, &[[json!("=1"), json!("a, \"b\"\nnext")]]);

        assert_eq!(String::from_utf8(csv).unwrap(), "name,note\n'=1,\"a, \"\"b\"\"\nnext\"\n");
    }

    #[test]
    fn each_line_of_json_is_one_object_whatever_was_written() {
        let lines = encoded(ExportFormat::JsonLines, &[[json!("a\u{9b}2J\nb"), json!(null)], [json!("c"), json!(2)]]);

        let expected = "{\"name\":\"a\\u009b2J\\nb\",\"note\":null}\n{\"name\":\"c\",\"note\":2}\n";
        assert_eq!(String::from_utf8(lines).unwrap(), expected);
    }
}
