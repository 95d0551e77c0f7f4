//! Whether a list says of itself that its people want no messages.

use super::opt_out_title::{are_stops, mentions_opt_outs, names, names_opt_outs, words};
use super::{Columns, Header, decode, numbered};
use crate::domain::phone::names_month;
use crate::domain::text::clean;
use crate::import::records::Record;

impl Columns {
    /// The title by which everybody in the list opted out: that of their numbers, or one over the whole list, where no column says who did.
    /// `sheet`: the one it is of.
    pub(in crate::import) fn title_of_opt_outs(&self, titles: &[Record], sheet: Option<&str>) -> Option<String> {
        let of_phones = (self.header == Header::FirstRow).then(|| self.names[self.phone].clone());
        let of_list = self.opt_outs.is_empty().then(|| self.titles_of_list(titles, sheet)).into_iter().flatten();
        of_phones.into_iter().chain(of_list).find(|title| says_so(title)).map(|title| clean(&title).into_owned())
    }

    /// A title of the list that mentions opt-outs, though it does not say that everybody in it opted out: *Kedai Aina, DNC list*.
    pub(in crate::import) fn mention_of_opt_outs(&self, titles: &[Record], sheet: Option<&str>) -> Option<String> {
        let mut titles = self.titles_of_list(titles, sheet).filter(|_| self.opt_outs.is_empty());
        titles.find(|title| mentions_opt_outs(title)).map(|title| clean(&title).into_owned())
    }

    /// Those above its header, that of its sheet, and a first row that is one cell wide: where the header is of no known words.
    fn titles_of_list(&self, titles: &[Record], sheet: Option<&str>) -> impl Iterator<Item = String> {
        let mut named = self.names.iter().enumerate().filter(|(column, name)| **name != numbered(*column));
        let lone = match (named.next(), named.next()) {
            (Some((_, name)), None) if self.header == Header::FirstRow => Some(name.clone()),
            _ => None,
        };
        let above: Vec<String> = titles.iter().filter_map(lone_cell).chain(sheet.map(str::to_owned)).collect();
        above.into_iter().chain(lone)
    }
}

/// What may stand beside such a column's name in the title of a list, besides numbers and months: *DNC list*, *Customers who opted out*.
const BESIDE: &[&str] = &[
    "list",
    "lists",
    "senarai",
    "daftar",
    "number",
    "numbers",
    "phone",
    "phones",
    "nombor",
    "nomor",
    "telefon",
    "telepon",
    "customer",
    "customers",
    "people",
    "contacts",
    "members",
    "pelanggan",
    "orang",
    "the",
    "of",
    "all",
    "our",
    "who",
    "that",
    "have",
    "has",
    "had",
    "yang",
    "telah",
    "sudah",
    "whatsapp",
    "sms",
    "latest",
    "new",
    "semua",
    "user",
    "users",
    "client",
    "clients",
    "subscriber",
    "subscribers",
    "member",
    "as",
    "in",
    "on",
    "at",
    "from",
    "until",
    "since",
    "sejak",
    "hingga",
    "pada",
    "dan",
    "and",
];

/// Which of them say that it is a list, where the name alone may be another thing: *Stop 5*.
const LISTS: &[&str] = &["list", "lists", "senarai", "daftar", "numbers", "customers", "pelanggan"];

/// The same without blanks.
const BESIDE_PARTS: &[&str] = &["名单", "名單", "客户", "客戶", "用户", "用戶", "列表", "号码", "號碼"];

/// Whether a title says that everybody in its list opted out: nothing but names of a column that would say so of each row, and such words beside
/// them.
fn says_so(title: &str) -> bool {
    let words: Vec<String> = words(title).iter().flat_map(|word| without_parts(word)).collect();
    let is_list =
        words.iter().any(|word| LISTS.contains(&word.as_str())) || words.concat() != self::words(title).concat();
    let left: Vec<String> = words.iter().filter(|word| !is_beside(word)).cloned().collect();
    let Some(names) = names(&left).filter(|_| !left.is_empty() && !counts(title)) else { return false };
    // *WhatsApp (do not call)* are numbers that want messages.
    let is_about_calls = names == ["donotcall"] && words.iter().any(|word| word == "whatsapp");
    !is_about_calls && (left.len() == words.len() || is_list || !are_stops(&names))
}

fn is_beside(word: &str) -> bool {
    BESIDE.contains(&word) || names_month(word) || word.contains(|c: char| c.is_ascii_digit()) && word.len() <= 4
}

/// A word that has no blanks in it, without what may stand beside a name: `2025年退订名单`.
fn without_parts(word: &str) -> Vec<String> {
    if word.is_ascii() {
        return vec![word.to_owned()];
    }
    let is_day = |c: char| c.is_ascii_digit() || matches!(c, '年' | '月' | '日');
    let without = |word: &str| {
        // 黑名单 has 名单 in it.
        let parts = if names_opt_outs(word) { &[] } else { BESIDE_PARTS };
        parts.iter().fold(word.to_owned(), |word, part| word.replace(part, " "))
    };
    let words: Vec<String> = word.split(is_day).map(without).collect();
    words.iter().flat_map(|word| word.split_whitespace()).map(str::to_owned).collect()
}

/// Whether a number stands behind a colon: *opt-outs: 3* counts them.
fn counts(title: &str) -> bool {
    let behind = title.split(':').skip(1);
    behind.map(str::trim_start).any(|behind| behind.starts_with(|c: char| c.is_ascii_digit()))
}

/// The only cell of a row that is not empty.
fn lone_cell(row: &Record) -> Option<String> {
    let mut cells = row.values.iter().map(|cell| decode(cell).0).filter(|cell| !cell.trim().is_empty());
    let first = cells.next()?;
    cells.next().is_none().then(|| first.trim().chars().take(100).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::list_columns::ChosenColumns;
    use crate::domain::phone::Region;

    fn row(row: u64, cells: &[&str]) -> Record {
        Record { row, values: cells.iter().map(|cell| cell.as_bytes().to_vec()).collect(), fractions: Vec::new() }
    }

    #[test]
    fn a_sheet_of_opt_outs_is_a_list_of_them_unless_a_column_says_who_did() {
        let title = |header: [&str; 2], sheet| {
            let rows = [row(1, &header), row(2, &["0100120001", "no"])];
            let columns = Columns::of((&[], &rows), Region::MALAYSIA, &ChosenColumns::default()).unwrap();
            columns.title_of_opt_outs(&[], sheet)
        };

        assert_eq!(title(["Phone", "Group"], Some("Unsubscribed")).as_deref(), Some("Unsubscribed"));
        assert_eq!(title(["Phone", "Group"], Some("Customers")), None);
        assert_eq!(title(["Phone", "Group"], None), None);
        assert_eq!(title(["Phone", "Opt-out"], Some("Unsubscribed")), None);
    }
}
