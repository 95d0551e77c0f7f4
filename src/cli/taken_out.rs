//! `-SKU` among the items of `order edit` and `cart set`: taken for an item, where clap would read letters of flags.

use std::ffi::OsString;

/// The minus that stands for the hyphen from then on; it may be typed as well.
pub(super) const MINUS: char = '−';

/// The words of a command line with a minus before items that are taken out.
pub(super) fn words(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut read: Vec<OsString> = Vec::new();
    let mut is_edit = false;
    for word in words {
        let last = read.last().and_then(|last| last.to_str()).unwrap_or_default();
        is_edit |= matches!((last, word.to_str()), ("order", Some("edit")) | ("cart", Some("set")));
        let sku = word.to_str().and_then(|text| text.strip_prefix('-')).filter(|sku| is_sku(sku));
        match sku.filter(|_| is_edit && last != "--note") {
            Some(sku) => read.push(format!("{MINUS}{sku}").into()),
            None => read.push(word),
        }
    }
    read
}

/// A single letter is a flag, and so are the repeated ones of `-vv`.
fn is_sku(text: &str) -> bool {
    text.chars().count() > 1 && !text.starts_with('-') && text.chars().any(|c| c != 'v')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_that_is_taken_out_is_no_flag() {
        for (typed, read) in [
            ("order edit 3 teh×2 -kuih --json", "order edit 3 teh×2 −kuih --json"),
            ("-v cart set 5 -kuih -vv --note -none", "-v cart set 5 −kuih -vv --note -none"),
            ("order list -kuih", "order list -kuih"),
        ] {
            let words = words(typed.split(' ').map(OsString::from));
            assert_eq!(words, read.split(' ').map(OsString::from).collect::<Vec<_>>());
        }
    }
}
