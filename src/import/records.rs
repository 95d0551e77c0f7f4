//! Cuts bytes into rows and values as spreadsheets write them (RFC 4180, and what is commonly done beside it).
//!
//! Written here because the rows must be numbered as a spreadsheet numbers them (blank ones count), no row may take
//! memory without end, and a quote that is never closed must be reported instead of swallowing the rest of the file.

use std::io::{self, BufRead, BufReader, Read};

use crate::domain::rejected_rows::RowDigest;

/// The longest row, in bytes.
pub(super) const ROW_MAX: usize = 64 * 1024;

/// One row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// Its number as a spreadsheet shows it, from 1.
    pub row: u64,
    pub values: Vec<Vec<u8>>,
    /// Columns whose cell is a number with a fraction, where a file keeps numbers and texts apart.
    pub fractions: Vec<usize>,
}

impl Record {
    /// With so many values, those that are missing empty.
    #[must_use]
    pub(super) fn at_least(mut self, width: usize) -> Self {
        self.values.resize(self.values.len().max(width), Vec::new());
        self
    }

    pub(super) fn digest(&self, columns: &[String]) -> RowDigest {
        RowDigest::of(columns, self.values.iter().map(Vec::as_slice))
    }

    /// Nothing in it but delimiters and blanks.
    pub(super) fn is_blank(&self) -> bool {
        self.values.iter().all(|value| value.iter().all(u8::is_ascii_whitespace))
    }
}

/// Why no further row can be read.
#[derive(Debug)]
pub(super) enum RecordError {
    Io(io::Error),
    /// A quote was opened in this row and not closed within [`ROW_MAX`] or the file.
    OpenQuote {
        row: u64,
    },
    /// Longer than [`ROW_MAX`].
    TooLong {
        row: u64,
    },
}

/// Rows of a source, one at a time.
pub(super) struct Records<R> {
    source: BufReader<R>,
    delimiter: u8,
    row: u64,
}

/// Where within a value the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FieldState {
    /// At its first byte: only here a quote opens.
    Start,
    Plain,
    Quoted,
    /// Behind a quote within quotes: its end, or the first of two.
    Closing,
}

/// A row being gathered.
struct RecordBuilder {
    values: Vec<Vec<u8>>,
    value: Vec<u8>,
    place: FieldState,
    bytes: usize,
}

impl<R: Read> Records<R> {
    pub(super) fn new(source: R, delimiter: u8) -> Self {
        Self { source: BufReader::with_capacity(ROW_MAX, source), delimiter, row: 0 }
    }

    /// The number of the row that was read last; 0 before the first.
    pub(super) const fn row(&self) -> u64 {
        self.row
    }

    /// The next row, blank ones included; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Record>, RecordError> {
        self.row += 1;
        let row = self.row;
        let mut gathering = RecordBuilder { values: Vec::new(), value: Vec::new(), place: FieldState::Start, bytes: 0 };
        while let Some(byte) = self.peek()? {
            self.source.consume(1);
            gathering.bytes += 1;
            if gathering.bytes > ROW_MAX {
                return Err(gathering.too_long(row));
            }
            match gathering.take(byte, self.delimiter) {
                ByteRole::Value => {}
                ByteRole::StrayQuote => return Err(RecordError::OpenQuote { row }),
                ByteRole::EndOfRow => {
                    self.swallow_line_feed(byte)?;
                    return Ok(Some(gathering.into_record(row)));
                }
            }
        }
        match gathering.place {
            FieldState::Quoted => Err(RecordError::OpenQuote { row }),
            _ if gathering.bytes == 0 => Ok(None),
            _ => Ok(Some(gathering.into_record(row))),
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, RecordError> {
        loop {
            match self.source.fill_buf() {
                Ok(bytes) => return Ok(bytes.first().copied()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(RecordError::Io(error)),
            }
        }
    }

    /// A carriage return and the line feed behind it are one end of line.
    fn swallow_line_feed(&mut self, ended: u8) -> Result<(), RecordError> {
        if ended == b'\r' && self.peek()? == Some(b'\n') {
            self.source.consume(1);
        }
        Ok(())
    }
}

/// What a byte was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByteRole {
    Value,
    EndOfRow,
    /// Behind a value that has line ends: an opened quote was never closed, and the next quote ended it somewhere in the
    /// rows below.
    StrayQuote,
}

impl RecordBuilder {
    fn take(&mut self, byte: u8, delimiter: u8) -> ByteRole {
        match (self.place, byte) {
            (FieldState::Quoted, b'"') => self.place = FieldState::Closing,
            (FieldState::Quoted, _) => self.value.push(byte),
            (FieldState::Closing, b'"') => {
                self.value.push(b'"');
                self.place = FieldState::Quoted;
            }
            (FieldState::Start, b'"') => self.place = FieldState::Quoted,
            (_, b'\n' | b'\r') => return ByteRole::EndOfRow,
            (_, byte) if byte == delimiter => self.end_value(),
            (FieldState::Closing, _) if self.value.contains(&b'\n') || self.value.contains(&b'\r') => {
                return ByteRole::StrayQuote;
            }
            (_, byte) => {
                self.value.push(byte);
                self.place = FieldState::Plain;
            }
        }
        ByteRole::Value
    }

    fn end_value(&mut self) {
        self.values.push(std::mem::take(&mut self.value));
        self.place = FieldState::Start;
    }

    fn into_record(mut self, row: u64) -> Record {
        self.end_value();
        Record { row, values: self.values, fractions: Vec::new() }
    }

    const fn too_long(&self, row: u64) -> RecordError {
        match self.place {
            FieldState::Quoted => RecordError::OpenQuote { row },
            _ => RecordError::TooLong { row },
        }
    }
}

/// What separates the values, and whether the file says so itself in a first row `sep=;` (as Excel writes and reads).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delimiter {
    pub byte: u8,
    pub stated: Stated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stated {
    /// The first row is that statement, not a person.
    InFirstRow,
    Nowhere,
}

/// The delimiter that cuts the sample's rows most evenly into several values; a comma when none does.
pub(super) fn guess_delimiter(sample: &[u8]) -> Delimiter {
    if let Some(&[byte @ (b',' | b';' | b'\t' | b'|'), b'\r' | b'\n', ..]) = sample.strip_prefix(b"sep=") {
        return Delimiter { byte, stated: Stated::InFirstRow };
    }
    let mut best = (b',', (0, 0));
    for byte in *b",;\t|" {
        let evenness = evenness(sample, byte);
        if evenness > best.1 {
            best = (byte, evenness);
        }
    }
    Delimiter { byte: best.0, stated: Stated::Nowhere }
}

/// How many of the first rows have as many values as the first one with several; and how many that is. Above it may stand a title.
fn evenness(sample: &[u8], delimiter: u8) -> (usize, usize) {
    let mut widths = first_rows(sample, delimiter, 20).into_iter().map(|record| record.values.len());
    let Some(width) = widths.find(|width| *width > 1) else { return (0, 0) };
    (1 + widths.filter(|other| *other == width).count(), width)
}

/// The first rows of a sample that are not blank. A last one that the sample may have cut through is still a row of it.
pub(super) fn first_rows(sample: &[u8], delimiter: u8, rows: usize) -> Vec<Record> {
    let mut records = Records::new(sample, delimiter);
    std::iter::from_fn(|| records.next().ok().flatten()).filter(|record| !record.is_blank()).take(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u64, Vec<String>)> {
        let mut records = Records::new(text.as_bytes(), b',');
        let mut rows = Vec::new();
        while let Some(record) = records.next().unwrap() {
            let values = record.values.iter().map(|value| String::from_utf8(value.clone()).unwrap());
            rows.push((record.row, values.collect()));
        }
        rows
    }

    fn row(number: u64, values: &[&str]) -> (u64, Vec<String>) {
        (number, values.iter().map(|value| (*value).to_owned()).collect())
    }

    #[test]
    fn every_end_of_line_ends_a_row_and_the_last_needs_none() {
        let expected = [row(1, &["a", "b"]), row(2, &["c", ""])];

        for text in ["a,b\nc,", "a,b\r\nc,\r\n", "a,b\rc,\r"] {
            assert_eq!(rows(text), expected, "{text:?}");
        }
        assert_eq!(rows(""), []);
    }

    #[test]
    fn blank_rows_keep_the_numbers_right() {
        assert_eq!(rows("a\n\n\r\nb\n"), [row(1, &["a"]), row(2, &[""]), row(3, &[""]), row(4, &["b"])]);
    }

    #[test]
    fn quotes_hold_delimiters_line_ends_and_doubled_quotes() {
        let text = "\"a,\"\"b\"\"\r\nc\",d\n\"\",5\" screen,\"x\"y\n";

        assert_eq!(rows(text), [row(1, &["a,\"b\"\r\nc", "d"]), row(2, &["", "5\" screen", "xy"])]);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_told_with_its_row() {
        let mut records = Records::new(&b"a,b\n\"c,d\ne,f\n"[..], b',');

        assert!(records.next().is_ok());
        assert!(matches!(records.next(), Err(RecordError::OpenQuote { row: 2 })));
        let endless = [b"\"".to_vec(), vec![b'x'; ROW_MAX + 1]].concat();
        assert!(matches!(Records::new(&endless[..], b',').next(), Err(RecordError::OpenQuote { row: 1 })));
    }

    #[test]
    fn a_quote_that_is_closed_by_one_of_a_row_below_is_told_with_its_row() {
        let mut records = Records::new(&b"a,b\n01,\"Ali\n02,Tan \"x\" y\n03,c\n"[..], b',');

        assert!(records.next().is_ok());
        assert!(matches!(records.next(), Err(RecordError::OpenQuote { row: 2 })));
    }

    #[test]
    fn a_row_without_end_is_not_gathered() {
        let endless = vec![b'x'; 10 * ROW_MAX];

        assert!(matches!(Records::new(&endless[..], b',').next(), Err(RecordError::TooLong { row: 1 })));
    }

    #[test]
    fn the_delimiter_is_the_one_that_cuts_evenly() {
        let guess = |text: &str| char::from(guess_delimiter(text.as_bytes()).byte);

        assert_eq!(guess("phone,name\n1,a\n"), ',');
        assert_eq!(guess("phone;name\n1;Tan, Mei Ling\n2;Ali\n"), ';');
        assert_eq!(guess("phone\tname\n1\tLim; Bros, Ltd\n"), '\t');
        assert_eq!(guess("phone|name|shop\n1|a|b\n"), '|');
        assert_eq!(guess("phone\n0100123456\n"), ',');
        assert_eq!(guess_delimiter(b"sep=;\r\nphone;name"), Delimiter { byte: b';', stated: Stated::InFirstRow });
    }

    proptest::proptest! {
        #[test]
        fn what_a_spreadsheet_writes_is_read_back(
            table in proptest::collection::vec(proptest::collection::vec("[a-c\",;\\r\\n é]{0,6}", 2..5), 1..6)
        ) {
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            for record in &table {
                writer.write_record(record).unwrap();
            }
            let written = String::from_utf8(writer.into_inner().unwrap()).unwrap();

            let read: Vec<_> = rows(&written).into_iter().map(|(_, values)| values).collect();
            proptest::prop_assert_eq!(read, table);
        }
    }
}
