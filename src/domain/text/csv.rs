//! Cells of CSV files, which a spreadsheet must not run.

use std::borrow::Cow;

/// A cell that a spreadsheet will not run: text that opens like a formula (`=`, `+`, `-`, `@`, tab or line break, also
/// full-width or after spaces) gets an apostrophe in front. A plain signed number, such as `+60100123456`, computes
/// nothing and stays as it is.
pub fn csv_safe(text: &str) -> Cow<'_, str> {
    let opens_formula = match text.trim_start_matches(' ').chars().next() {
        Some('=' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => true,
        Some('+' | '-') => !is_signed_number(text),
        _ => false,
    };
    if opens_formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// What a cell means: without the apostrophe that [`csv_safe`] put before it.
pub fn csv_meant(cell: &str) -> &str {
    let text = cell.strip_prefix('\'');
    text.filter(|text| matches!(csv_safe(text), Cow::Owned(_))).unwrap_or(cell)
}

fn is_signed_number(text: &str) -> bool {
    let digits = text.get(1..).unwrap_or_default();
    !digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_disarmed_for_a_spreadsheet() {
        for text in ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"] {
            assert_eq!(csv_safe(text), format!("'{text}"));
            assert_eq!(csv_meant(&csv_safe(text)), text);
        }
    }

    #[test]
    fn plain_text_and_phone_numbers_are_exported_as_they_are() {
        for text in ["", "Aina", "+60100123456", "-5", "1=1", "a@b.my"] {
            assert_eq!(csv_safe(text), text);
        }
        for text in ["", "'", "'Aina", "'60100123456", "''=1", "=1"] {
            assert_eq!(csv_meant(text), text);
        }
    }
}
