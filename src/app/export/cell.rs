//! What stands in one cell of an export, and how each format spells it.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::amount::{KEPT_PLACES, text_places};
use crate::domain::text::{clean_name, clean_shown, csv_safe};

/// The most UTF-16 units of a cell in a workbook; a longer text is cut.
const WORKBOOK_TEXT_MAX: usize = 32_767;

/// A value of an export.
#[derive(Debug, Clone, PartialEq)]
pub enum ExportCell {
    Empty,
    /// Also phone numbers: a spreadsheet would take their digits for a quantity.
    Text(String),
    Whole(i64),
    Flag(bool),
    /// Exact, with so many decimals.
    Amount {
        amount: Decimal,
        places: u32,
    },
    Time(DateTime<Utc>),
    /// Something with parts: as it is in JSON, and these words in a spreadsheet.
    Parts {
        words: String,
        json: Value,
    },
}

impl ExportCell {
    /// Whatever is a text, a whole number or a flag once it is written as JSON.
    pub(super) fn of(value: &impl Serialize) -> Self {
        match json!(value) {
            Value::Null => Self::Empty,
            Value::String(text) => Self::Text(text),
            Value::Bool(flag) => Self::Flag(flag),
            Value::Number(number) if number.is_i64() => Self::Whole(number.as_i64().unwrap_or_default()),
            other => Self::Parts { words: other.to_string(), json: other },
        }
    }

    pub(super) fn time(at: Option<DateTime<Utc>>) -> Self {
        at.map_or(Self::Empty, Self::Time)
    }

    /// A number as it is.
    pub(super) const fn amount(amount: Decimal) -> Self {
        Self::Amount { amount, places: amount.scale() }
    }

    /// An amount of money, with the places of its currency at least.
    pub(super) fn money(amount: Option<Decimal>, currency: Option<&str>) -> Self {
        amount.map_or(Self::Empty, |amount| Self::Amount { amount, places: text_places(amount, currency) })
    }

    /// An amount of a person's, or a sum of such, with the decimals that these are kept with.
    pub(super) fn kept(amount: Option<Decimal>) -> Self {
        let kept = |amount: Decimal| Self::Amount { amount: amount.round_dp(KEPT_PLACES), places: KEPT_PLACES };
        amount.map_or(Self::Empty, kept)
    }

    /// The same of one that is kept as a text.
    pub(super) fn typed_money(text: Option<&str>, currency: Option<&str>) -> Self {
        match Self::typed_amount(text) {
            Self::Amount { amount, .. } => Self::money(Some(amount), currency),
            other => other,
        }
    }

    /// A number that is kept as a text; what cannot be read as one stays a text.
    pub(super) fn typed_amount(text: Option<&str>) -> Self {
        let Some(text) = text else { return Self::Empty };
        text.parse().map_or_else(|_| Self::Text(text.to_owned()), Self::amount)
    }

    /// As JSON has it. Amounts are texts, exact.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::Text(text) => json!(text),
            Self::Whole(number) => json!(number),
            Self::Flag(flag) => json!(flag),
            Self::Amount { amount, places } => json!(format!("{amount:.*}", *places as usize)),
            Self::Time(at) => json!(at),
            Self::Parts { json, .. } => json.clone(),
        }
    }

    /// As CSV has it: neither does a terminal obey it nor a spreadsheet run it; line breaks of a text stay.
    pub(super) fn to_csv(&self) -> String {
        let text = match self.to_json() {
            Value::Null => String::new(),
            Value::String(text) => text,
            other => match self {
                Self::Parts { words, .. } => words.clone(),
                _ => other.to_string(),
            },
        };
        csv_safe(&by_line(&text, clean_shown)).into_owned()
    }

    /// What a cell of text in a workbook says. A workbook keeps texts and formulas apart, so nothing is put before it.
    pub(super) fn to_workbook_text(text: &str) -> String {
        let text = by_line(text, |line| Cow::Owned(clean_name(line).replace(['\u{fffe}', '\u{ffff}'], "")));
        let mut units = 0;
        let fits = |c: &char| {
            units += c.len_utf16();
            units <= WORKBOOK_TEXT_MAX
        };
        if text.len() <= WORKBOOK_TEXT_MAX { text } else { text.chars().take_while(fits).collect() }
    }
}

fn by_line(text: &str, clean: impl Fn(&str) -> Cow<'_, str>) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ExportCell;

    #[test]
    fn a_spreadsheet_runs_nothing_and_a_terminal_obeys_nothing() {
        let csv = |value| ExportCell::of(&value).to_csv();

        assert_eq!(csv(json!("=cmd|'/c calc'!A0")), "'=cmd|'/c calc'!A0");
        assert_eq!(
            csv(json!("Keluarga 👨\u{200d}👩\u{200d}👧")),
            "Keluarga 👨\u{200d}👩\u{200d}👧",
            "one picture stays one"
        );
        assert_eq!(csv(json!("a\u{1b}]0;x\u{7}\nnext")), "a]0;x\nnext");
        assert_eq!((csv(json!("+60123456789")).as_str(), csv(json!(null)).as_str()), ("+60123456789", ""));
        assert_eq!(csv(json!({ "why": "=x" })), r#"{"why":"=x"}"#);
    }

    #[test]
    fn a_number_that_is_kept_as_text_keeps_its_decimals() {
        assert_eq!(ExportCell::typed_amount(Some("12.50")).to_csv(), "12.50");
        assert_eq!(ExportCell::typed_amount(Some("two")), ExportCell::Text("two".to_owned()));
    }

    #[test]
    fn money_is_shown_with_the_places_of_its_currency_and_stays_exact() {
        let places = |amount: &str, currency| match ExportCell::typed_money(Some(amount), currency) {
            cell @ ExportCell::Amount { places, .. } => (places, cell.to_csv()),
            other => panic!("{other:?}"),
        };
        assert_eq!(places("5", Some("MYR")), (2, "5.00".to_owned()));
        assert_eq!(places("0", Some("KWD")), (3, "0.000".to_owned()));
        assert_eq!(places("1.250", Some("MYR")), (3, "1.250".to_owned()));
        assert_eq!(places("300", Some("JPY")), (0, "300".to_owned()));
        assert_eq!(places("0.125", Some("MYR")), (3, "0.125".to_owned()));
        assert_eq!(places("5", None), (0, "5".to_owned()));
    }

    #[test]
    fn an_amount_of_a_person_has_two_decimals_whatever_was_typed() {
        let csv = |amount: &str| ExportCell::kept(Some(amount.parse().unwrap())).to_csv();
        assert_eq!(["0", "99.9", "1240.00"].map(csv), ["0.00", "99.90", "1240.00"]);
        assert_eq!(ExportCell::kept(None).to_csv(), "");
    }

    #[test]
    fn a_text_that_a_workbook_cannot_hold_is_cut_between_characters() {
        let long = ExportCell::to_workbook_text(&"😀".repeat(20_000));
        assert_eq!(long.chars().count(), 16_383);
        assert_eq!(ExportCell::to_workbook_text("=1+1\u{1b}[2J\u{ffff}"), "=1+1[2J");
    }
}
