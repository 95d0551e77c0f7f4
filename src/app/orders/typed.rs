//! Items as operators type them: `teh-tarik×2`, `kuih*10@0.35`, and in changes `-teh-tarik`.

use rust_decimal::Decimal;

use super::items::ItemChange;
use super::{ItemFault, NewOrderItem};
use crate::domain::catalogue;
use crate::domain::text::{clean, number};

/// The minus that may stand for the hyphen before an item that is taken out.
pub const MINUS: char = '−';

/// Reads `SKU`, `SKU×2`, `SKU*2@12.50`.
///
/// # Errors
/// What is wrong with it, and what would be right.
pub fn typed_item(text: &str) -> Result<NewOrderItem, String> {
    let text = without_comma(text);
    let (rest, price) = match text.rsplit_once('@') {
        Some((rest, price)) => (rest, Some(catalogue::price(price)?)),
        None => (text, None),
    };
    let (price, currency) = price.map_or((None, None), |(price, currency)| (Some(price), currency));
    let (sku, quantity) = match rest.rsplit_once(['×', '*']) {
        Some((sku, quantity)) => (sku, whole(quantity)?),
        None => (rest, Decimal::ONE),
    };
    if sku.trim().is_empty() {
        return Err("write the SKU first, as in teh-tarik*2".to_owned());
    }
    Ok(NewOrderItem { sku: sku.trim().to_owned(), quantity, price, currency, kept: None, unreadable: None })
}

/// The same, where what is wrong with it is said together with what is wrong with others.
pub fn item_as_typed(text: &str) -> NewOrderItem {
    typed_item(text).unwrap_or_else(|why| NewOrderItem {
        sku: text.trim().to_owned(),
        quantity: Decimal::ONE,
        price: None,
        currency: None,
        kept: None,
        unreadable: Some(as_typed(text, &why)),
    })
}

/// A change of one item, of which the same is true.
pub fn change_as_typed(text: &str) -> ItemChange {
    typed_change(text).unwrap_or_else(|why| {
        let unreadable = Some(as_typed(text, &why));
        ItemChange::Set(NewOrderItem { unreadable, ..item_as_typed(text) })
    })
}

fn as_typed(text: &str, why: &str) -> ItemFault {
    ItemFault { field: None, why: format!("`{}`: {why}", clean(text)) }
}

/// Reads all of several words, or says of each that cannot be read what is wrong with it.
///
/// # Errors
/// What is wrong with them.
pub fn all_typed<T>(words: &[String], read: fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let (mut items, mut wrong) = (Vec::new(), Vec::new());
    for word in words {
        match read(word) {
            Ok(item) => items.push(item),
            Err(why) => wrong.push(why),
        }
    }
    if wrong.is_empty() { Ok(items) } else { Err(wrong.join("; ")) }
}

/// Reads a change of one item: `SKU×3`, `-SKU` or `SKU×0`.
///
/// # Errors
/// What is wrong with it, and what would be right.
pub fn typed_change(text: &str) -> Result<ItemChange, String> {
    let text = without_comma(text);
    let gone = text.strip_prefix(['-', MINUS]).or_else(|| text.strip_suffix("×0")).or_else(|| text.strip_suffix("*0"));
    match gone.map(str::trim) {
        Some("") => Err("write the SKU after the -, as in -teh-tarik".to_owned()),
        Some(sku) => Ok(ItemChange::Remove(sku.to_owned())),
        None => typed_item(text).map(ItemChange::Set),
    }
}

/// Items are often written with commas between them.
fn without_comma(text: &str) -> &str {
    text.trim_end().trim_end_matches(',')
}

fn whole(text: &str) -> Result<Decimal, String> {
    whole_quantity(text).map_err(|how| format!("`{text}` is not a quantity: {how}"))
}

/// Reads how many of an item there are.
///
/// # Errors
/// How it is written.
pub fn whole_quantity(text: &str) -> Result<Decimal, String> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u32>() {
        Ok(number @ 1..) => Ok(Decimal::from(number)),
        Err(_) if is_number => Err(format!("write a whole number from 1 to {}", number(i64::from(u32::MAX)))),
        _ => Err("write a whole number from 1".to_owned()),
    }
}

/// The items of a line, with blanks between them. Quotes hold one together that has blanks itself: `'roti canai'*2`. A quote behind a
/// backslash is none, as in a shell: `'Aina'\''s Kedai/teh'`.
///
/// # Errors
/// A quote without its end.
pub fn item_words(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match quote {
            None if c == '\\' => word.push(chars.next_if(|next| matches!(next, '\'' | '"')).unwrap_or(c)),
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c.is_whitespace() => words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty())),
            _ => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    match quote {
        Some(open) => Err(format!("the quote {open} has no end")),
        None if words.is_empty() => Err("write what they bought, as in teh-tarik*2 kuih*10@0.35".to_owned()),
        None => Ok(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_read_as_people_write_it() {
        let read = |text: &str| {
            let item = typed_item(text)?;
            let price = item.price.map_or_else(|| "-".to_owned(), |price| price.to_string());
            Ok::<_, String>(format!("{} {} {price}", item.sku, item.quantity))
        };
        for (text, expected) in [
            ("teh-tarik", "teh-tarik 1 -"),
            ("teh-tarik×2", "teh-tarik 2 -"),
            ("box*3@12.50", "box 3 12.50"),
            ("2x4*10@1,200", "2x4 10 1200"),
            ("teh-tarik*2,", "teh-tarik 2 -"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected));
        }
        for wrong in ["", "*2", "a*0", "a*-1", "a*1.5", "a@-2", "a@x", "a*"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let too_many = "`4294967296` is not a quantity: write a whole number from 1 to 4,294,967,295";
        assert_eq!(read("a*4294967296").unwrap_err(), too_many);
    }

    #[test]
    fn a_line_is_items_with_blanks_between_them_and_quotes_hold_one_together() {
        let words = |line| item_words(line).map(|words| words.join("|"));

        assert_eq!(words(" teh*2  kuih@0.35 ").as_deref(), Ok("teh*2|kuih@0.35"));
        assert_eq!(words("'roti canai'*2 \"it's\"").as_deref(), Ok("roti canai*2|it's"));
        assert_eq!(words(r"'Aina'\''s Kedai/teh'*2 a\b").as_deref(), Ok(r"Aina's Kedai/teh*2|a\b"));
        assert!(words("'roti canai").is_err() && words("  ").is_err());
    }
}
