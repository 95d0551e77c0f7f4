//! What an export consists of: named values, as a line of CSV or of JSON.

use std::path::Path;

use color_eyre::Result;
use csv::{Writer, WriterBuilder};
use serde_json::{Map, Value, json};

use super::ExportFormat;
use crate::app::view::{PersonChange, RecipientRow, ReplyRow};
use crate::app::{App, CustomerRow};
use crate::cli::blast::people;
use crate::cli::output::escaped;
use crate::domain::text::{clean, count_of, csv_safe};

/// The values of one line, in the order of the table's columns.
pub(in crate::cli) type Record = Vec<Value>;

/// A kind of export.
pub(in crate::cli) struct RecordTable {
    columns: &'static [&'static str],
    /// A record, and several.
    nouns: (&'static str, &'static str),
}

pub(in crate::cli) const RECIPIENTS: RecordTable =
    RecordTable { columns: &people::FIELDS, nouns: ("person", "people") };

pub(in crate::cli) const REPLIES: RecordTable = RecordTable {
    columns: &[
        "id",
        "at",
        "received_at",
        "recipient",
        "phone_number",
        "user_id",
        "name",
        "kind",
        "text",
        "payload",
        "message_id",
        "is_opt_out",
        "file_type",
        "file_state",
    ],
    nouns: ("reply", "replies"),
};

pub(in crate::cli) const HISTORY: RecordTable = RecordTable {
    columns: &[
        "recipient",
        "phone_number",
        "name",
        "changed_at",
        "happened_at",
        "old_status",
        "new_status",
        "attempt",
        "source",
        "by",
        "detail",
    ],
    nouns: ("change", "changes"),
};

pub(in crate::cli) const CUSTOMERS: RecordTable = RecordTable {
    columns: &[
        "id",
        "numbers",
        "name",
        "first_seen",
        "last_seen",
        "sent",
        "received",
        "read",
        "replies",
        "sales",
        "revenue",
        "opted_out",
        "tags",
    ],
    nouns: ("customer", "customers"),
};

impl RecordTable {
    /// `250 people exported to raya.csv`.
    pub(in crate::cli) fn written(&self, records: u64, to: Option<&Path>) -> String {
        let (one, many) = self.nouns;
        let what = count_of(i64::try_from(records).unwrap_or(i64::MAX), one, many);
        match to {
            Some(file) => format!("{what} exported to {}", file.display()),
            None => format!("{what} exported"),
        }
    }
}

pub(in crate::cli) fn recipient(row: &RecipientRow) -> Record {
    people::values(row).into()
}

pub(in crate::cli) fn reply(app: &App, row: &ReplyRow) -> Record {
    vec![
        json!(row.id),
        json!(row.at),
        json!(row.received_at),
        json!(row.recipient),
        json!(row.phone),
        json!(row.user_id),
        json!(row.name),
        json!(row.kind),
        json!(row.body),
        json!(row.payload),
        json!(row.message_id),
        json!(app.is_stop(row)),
        json!(row.file.file_type),
        json!(row.file.file_state),
    ]
}

pub(in crate::cli) fn customer(row: &CustomerRow) -> Record {
    vec![
        json!(row.id),
        json!(row.numbers.join(" ")),
        json!(row.names.first()),
        json!(row.first_seen),
        json!(row.last_seen),
        json!(row.sent),
        json!(row.received),
        json!(row.read),
        json!(row.replies),
        json!(row.sales),
        json!(format!("{:.2}", row.revenue.round_dp(2))),
        json!(row.opted_out.join(" ")),
        json!(row.tags.join(" ")),
    ]
}

pub(in crate::cli) fn change(change: &PersonChange) -> Record {
    vec![
        json!(change.recipient_id),
        json!(change.phone),
        json!(change.name),
        json!(change.changed_at),
        json!(change.happened_at),
        json!(change.old_status),
        json!(change.new_status),
        json!(change.attempt),
        json!(change.source),
        json!(change.by_whom),
        change.metadata.clone().unwrap_or_default(),
    ]
}

/// Spells records in a format, and counts them.
pub(in crate::cli) struct RecordEncoder {
    format: ExportFormat,
    columns: &'static [&'static str],
    records: u64,
}

impl RecordEncoder {
    pub(in crate::cli) const fn new(format: ExportFormat, table: &RecordTable) -> Self {
        Self { format, columns: table.columns, records: 0 }
    }

    pub(in crate::cli) const fn records(&self) -> u64 {
        self.records
    }

    /// What stands before the first record.
    pub(in crate::cli) fn head(&self) -> Result<Vec<u8>> {
        match self.format {
            ExportFormat::Json => Ok(Vec::new()),
            ExportFormat::Csv => {
                let mut csv = writer();
                csv.write_record(self.columns)?;
                bytes(csv)
            }
        }
    }

    pub(in crate::cli) fn encode(&mut self, records: &[Record]) -> Result<Vec<u8>> {
        self.records += records.len() as u64;
        match self.format {
            ExportFormat::Json => self.json(records),
            ExportFormat::Csv => {
                let mut csv = writer();
                for record in records {
                    csv.write_record(record.iter().map(cell))?;
                }
                bytes(csv)
            }
        }
    }

    fn json(&self, records: &[Record]) -> Result<Vec<u8>> {
        let mut lines = String::new();
        for record in records {
            let names = self.columns.iter().map(|name| (*name).to_owned());
            let object: Map<String, Value> = names.zip(record.iter().cloned()).collect();
            lines.push_str(&escaped(&serde_json::to_string(&object)?));
            lines.push('\n');
        }
        Ok(lines.into_bytes())
    }
}

fn writer() -> Writer<Vec<u8>> {
    WriterBuilder::new().flexible(false).from_writer(Vec::new())
}

fn bytes(csv: Writer<Vec<u8>>) -> Result<Vec<u8>> {
    Ok(csv.into_inner()?)
}

/// A cell that neither a terminal obeys nor a spreadsheet runs; line breaks of a text stay within its quotes.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let lines: Vec<_> = text.lines().map(clean).collect();
    csv_safe(&lines.join("\n")).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ExportFormat, HISTORY, RECIPIENTS, REPLIES, RecordEncoder, RecordTable, cell};

    const PAIR: RecordTable = RecordTable { columns: &["name", "note"], nouns: ("pair", "pairs") };

    fn encoded(format: ExportFormat, records: &[Vec<Value>]) -> String {
        let mut encoder = RecordEncoder::new(format, &PAIR);
        let mut bytes = encoder.head().unwrap();
        bytes.extend(encoder.encode(records).unwrap());
        assert_eq!(encoder.records(), records.len() as u64);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_spreadsheet_runs_nothing_and_a_terminal_obeys_nothing() {
        let records = [vec![json!("=cmd|'/c calc'!A0"), json!("a\u{1b}]0;x\u{7}, \"b\"\nnext")]];

        assert_eq!(encoded(ExportFormat::Csv, &records), "name,note\n'=cmd|'/c calc'!A0,\"a]0;x, \"\"b\"\"\nnext\"\n");
        assert_eq!(cell(&json!("+60123456789")), "+60123456789");
        assert_eq!(cell(&json!(null)), "");
    }

    #[test]
    fn each_line_of_json_is_one_object_whatever_was_written() {
        let text = encoded(ExportFormat::Json, &[vec![json!("a\u{9b}2J\nb"), json!(null)], vec![json!("c"), json!(2)]]);

        assert_eq!(text, "{\"name\":\"a\\u009b2J\\nb\",\"note\":null}\n{\"name\":\"c\",\"note\":2}\n");
    }

    #[test]
    fn no_two_columns_have_one_name() {
        for table in [RECIPIENTS, REPLIES, HISTORY] {
            let mut names = table.columns.to_vec();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), table.columns.len());
        }
    }
}
