//! What happened to a person, a line each, and what the provider said of it, as it came.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::wrapped;
use crate::app::view::HistoryRow;
use crate::domain::status::Status;
use crate::tui::format::TimeFormat;
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

/// The most that is shown of one answer, in characters.
const RAW_MAX: usize = 8_192;

/// What happened, oldest first. Whoever opted out in a stage stays in it: that is no change of status, and a line all the same.
pub(super) fn lines(rows: &[HistoryRow], opted_out: Option<DateTime<Utc>>, clock: TimeFormat) -> Vec<TextLine> {
    let opt_out = opted_out.filter(|_| !has_opt_out(rows));
    let at = opt_out.map_or(rows.len(), |at| rows.partition_point(|row| row.changed_at <= at));
    let (before, after) = rows.split_at(at);
    let own = opt_out.map(|at| {
        TextLine::dim(format!("  {}  ", clock.second(at)))
            .and(format!("{:<10}", Status::OptedOut.label()), TextRole::Stage(Status::OptedOut))
            .and("  wants no more; nothing is sent to them from then on", TextRole::Plain)
    });
    let line = |row| line(row, clock);
    before.iter().map(line).chain(own).chain(after.iter().map(line)).collect()
}

/// Whether the opt-out that holds is among the changes: the newest one is, unless it was taken back. Whoever replied or bought afterwards
/// is opted out all the same.
fn has_opt_out(rows: &[HistoryRow]) -> bool {
    let Some(newest) = rows.iter().rposition(|row| row.new_status == Status::OptedOut) else { return false };
    let takes_back = |row: &HistoryRow| {
        row.old_status == Status::OptedOut
            && matches!(row.new_status, Status::Queued | Status::Failed | Status::Skipped)
    };
    !rows[newest + 1..].iter().any(takes_back)
}

/// When, what it came to, why or by which word, and who said so.
fn line(row: &HistoryRow, clock: TimeFormat) -> TextLine {
    let at = clock.second(row.happened_at.unwrap_or(row.changed_at));
    let detail = match (&row.detail, ProviderAnswer::of(row)) {
        (_, Some(answer)) => answer.word.unwrap_or_else(|| "see its response under Raw".to_owned()),
        (Some(detail), None) => detail.clone(),
        (None, None) if row.source == "operator" => "marked by hand".to_owned(),
        (None, None) => format!("attempt {}", row.attempt),
    };
    let by = row.by.as_ref().map_or_else(|| row.source.clone(), |by| format!("{}, {by}", row.source));
    TextLine::dim(format!("  {at}  "))
        .and(format!("{:<10}", row.new_status.label()), TextRole::Stage(row.new_status))
        .and(format!("  {detail}"), TextRole::Plain)
        .right_dim(by)
}

/// A status as the provider answered or sent it, whole; nothing for what has no such answer.
pub(super) fn raw_lines(row: &HistoryRow, clock: TimeFormat, width: u16) -> Vec<TextLine> {
    let Some(ProviderAnswer { text, .. }) = ProviderAnswer::of(row) else { return Vec::new() };
    let head = format!(
        "  {}  {}  by {}  {} bytes",
        row.new_status.label(),
        clock.second(row.changed_at),
        row.source,
        text.len()
    );
    let shown: String = text.chars().take(RAW_MAX).collect();
    let lines = wrapped(&shown, width.saturating_sub(4)).into_iter().map(|line| TextLine::plain(format!("  {line}")));
    [TextLine::dim(head)].into_iter().chain(lines).collect()
}

/// The detail of a status is the provider's JSON, and perhaps its word for the status after it; of anything else it is a sentence.
struct ProviderAnswer<'a> {
    text: &'a str,
    word: Option<String>,
}

impl<'a> ProviderAnswer<'a> {
    fn of(row: &'a HistoryRow) -> Option<Self> {
        Self::read(row.detail.as_deref().filter(|detail| detail.starts_with(['{', '[']))?)
    }

    fn read(detail: &'a str) -> Option<Self> {
        let mut values = serde_json::Deserializer::from_str(detail).into_iter::<Value>();
        let Some(Ok(answer)) = values.next() else {
            // Too long to be kept whole.
            let (text, word) = detail.rsplit_once(", ").filter(|(_, word)| is_word(word))?;
            return Some(Self { text, word: Some(word.to_owned()) });
        };
        let (text, rest) = detail.split_at(values.byte_offset());
        let own = rest.trim_start_matches([',', ' ']);
        let word = if is_word(own) { Some(own.to_owned()) } else { word(&answer) };
        Some(Self { text, word })
    }
}

/// Whether it is a status as providers spell them.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 40 && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ' ')
}

/// The provider's own word for the status, wherever it stands: `"status": "DELIVERY_ACK"`.
fn word(answer: &Value) -> Option<String> {
    match answer {
        Value::Object(fields) => {
            let own = fields.get("status").and_then(Value::as_str).map(str::to_owned);
            own.or_else(|| fields.values().find_map(word))
        }
        Value::Array(items) => items.iter().find_map(word),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ProviderAnswer, lines, word};
    use crate::app::view::HistoryRow;
    use crate::domain::status::Status;
    use crate::tui::format::TimeFormat;
    use crate::tui::tests::support::at;

    #[test]
    fn an_opt_out_has_its_line_where_an_earlier_one_was_taken_back_and_only_there() {
        let row = |old_status, new_status, minute| HistoryRow {
            changed_at: at(9, minute),
            happened_at: None,
            old_status,
            new_status,
            attempt: 1,
            source: "engine".to_owned(),
            by: None,
            detail: None,
        };
        let text = |rows: &[HistoryRow]| {
            let clock = TimeFormat { zone: chrono_tz::Asia::Kuala_Lumpur, now: at(10, 0) };
            let lines = lines(rows, Some(at(9, 30)), clock).into_iter();
            lines.map(|line| line.pieces.into_iter().map(|piece| piece.text).collect()).collect::<Vec<String>>()
        };
        let first = row(Status::Queued, Status::OptedOut, 0);
        let taken_back = row(Status::OptedOut, Status::Queued, 5);
        let after = text(&[first.clone(), taken_back, row(Status::Sending, Status::Sent, 10)]);
        assert!(after.len() == 4 && after[3].contains("wants no more"), "{after:#?}");

        let before = text(&[first, row(Status::OptedOut, Status::Replied, 40)]);

        assert!(!before.concat().contains("wants no more"), "it stands there already: {before:#?}");
    }

    #[test]
    fn a_status_reads_as_its_word_however_long_its_answer_is() {
        let read = |detail| ProviderAnswer::read(detail).map(|answer| (answer.text, answer.word));
        let word = |word: &str| Some(word.to_owned());

        assert_eq!(read(r#"{"data":{"status":"x"}}, READ"#), Some((r#"{"data":{"status":"x"}}"#, word("READ"))));
        assert_eq!(read(r#"{"status":"READ"}"#), Some((r#"{"status":"READ"}"#, word("READ"))));
        assert_eq!(
            read(r#"{"cut": "in the mid, DELIVERY_ACK"#),
            Some((r#"{"cut": "in the mid"#, word("DELIVERY_ACK")))
        );
        assert_eq!(read(r#"{"cut": "in the mid"#), None);
    }

    #[test]
    fn the_providers_word_is_found_wherever_it_stands() {
        let nested = json!({ "success": true, "data": { "key": { "id": "3EB0" }, "update": [{ "status": "READ" }] } });

        assert_eq!(word(&nested).as_deref(), Some("READ"));
        assert_eq!(word(&json!({ "id": "wamid.1", "status": "delivered" })).as_deref(), Some("delivered"));
        assert_eq!(word(&json!({ "success": true, "status": 200 })), None);
    }
}
