//! `-SKU` among the items of `order edit` and `cart set`: taken for an item, where clap would read letters of flags.

use std::ffi::OsString;

use crate::app::MINUS;
use crate::domain::text::clean;

/// Letters that are flags of every verb: help, version, more of the log.
const FLAGS: [&str; 3] = ["h", "V", "v"];

/// The words of a command line with a minus before items that are taken out.
///
/// # Errors
/// Where a letter may be a flag or a product: how each is written.
pub(super) fn words(words: impl Iterator<Item = OsString>) -> Result<Vec<OsString>, String> {
    let mut read: Vec<OsString> = Vec::new();
    let mut edit = None;
    let mut is_after_dashes = false;
    for word in words {
        let last = read.last().and_then(|last| last.to_str()).unwrap_or_default();
        if let ("order", Some("edit")) | ("cart", Some("set")) = (last, word.to_str()) {
            edit = Some(read.len());
        }
        is_after_dashes |= word == "--";
        let sku = word.to_str().and_then(|text| text.strip_prefix('-')).filter(|sku| is_sku(sku));
        let Some((sku, at)) = sku.zip(edit).filter(|_| last != "--note") else {
            read.push(word);
            continue;
        };
        // Its id, and something that changes.
        let is_help = sku == "h" && read.len() < at + 3;
        if !is_after_dashes && FLAGS.contains(&sku) && !is_help {
            return Err(either(&read, at, sku));
        }
        read.push(if is_help { word } else { format!("{MINUS}{sku}").into() });
    }
    Ok(read)
}

/// Repeated letters are the flags of `-vv`.
fn is_sku(text: &str) -> bool {
    let is_log = text.len() > 1 && text.chars().all(|c| c == 'v');
    !text.is_empty() && !text.starts_with('-') && !is_log
}

/// What a letter may be.
fn either(read: &[OsString], edit: usize, sku: &str) -> String {
    let verb: Vec<_> = read[edit - 1..].iter().take(3).map(|word| word.to_string_lossy()).collect();
    let flag = match sku {
        "h" => "--help",
        "V" => "--version",
        _ => "--verbose",
    };
    let verb = clean(&verb.join(" ")).into_owned();
    format!(
        "`-{sku}` may be a product or {flag}: write `blastdeck {verb} -- -{sku}` to take the product out, or {flag}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_that_is_taken_out_is_no_flag() {
        for (typed, expected) in [
            ("order edit 3 teh×2 -kuih --json", "order edit 3 teh×2 −kuih --json"),
            ("-v cart set 5 -kuih -vv --note -none", "-v cart set 5 −kuih -vv --note -none"),
            ("order list -kuih", "order list -kuih"),
            ("order edit 3 -b", "order edit 3 −b"),
            ("order edit -h", "order edit -h"),
            ("order edit 3 -h", "order edit 3 -h"),
            ("order edit 3 -- -h -v", "order edit 3 -- −h −v"),
        ] {
            let words = words(typed.split(' ').map(OsString::from)).unwrap();
            assert_eq!(words, expected.split(' ').map(OsString::from).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_letter_that_may_be_a_flag_is_refused_with_both_spellings() {
        for (typed, mend) in [
            ("order edit 3 -v", "`blastdeck order edit 3 -- -v` to take the product out, or --verbose"),
            ("cart set 5 a×2 -h", "`blastdeck cart set 5 -- -h` to take the product out, or --help"),
            ("order edit 3 -V", "or --version"),
        ] {
            let why = words(typed.split(' ').map(OsString::from)).unwrap_err();
            assert!(why.ends_with(mend), "{why}");
        }
    }
}
