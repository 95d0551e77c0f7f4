//! Whether a list says of itself that its people want no messages.

use super::opt_out::{HEADER_PARTS, names_opt_outs, words};
use super::{Columns, Header, decode};
use crate::domain::text::clean;
use crate::import::records::Record;

impl Columns {
    /// The title by which everybody in the list opted out: that of their numbers, or one over the whole list, where no column says who did.
    /// `sheet`: the one it is of.
    pub(in crate::import) fn title_of_opt_outs(&self, titles: &[Record], sheet: Option<&str>) -> Option<String> {
        let of_phones = (self.header == Header::FirstRow).then(|| self.names[self.phone].clone());
        let of_list = || titles.iter().filter_map(lone_cell).chain(sheet.map(str::to_owned));
        let of_list = self.opt_outs.is_empty().then(of_list).into_iter().flatten();
        of_phones.into_iter().chain(of_list).find(|title| says_so(title)).map(|title| clean(&title).into_owned())
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
    "updated",
    "latest",
    "new",
    "semua",
];

/// Which of them say that it is a list, where the name alone may be another thing: *Stop 5*.
const LISTS: &[&str] = &["list", "lists", "senarai", "daftar", "numbers", "customers", "pelanggan"];

/// The same without blanks.
const BESIDE_PARTS: &[&str] = &["名单", "名單", "客户", "客戶", "列表", "号码", "號碼"];

/// So many words such a name has at most.
const NAME_WORDS: usize = 4;

/// Whether a title says that everybody in its list opted out: a column's name that would say so of each row, and nothing but such words beside it.
fn says_so(title: &str) -> bool {
    let words: Vec<String> = words(title);
    if names_opt_outs(&words.concat()) {
        return true;
    }
    let whole = BESIDE_PARTS.iter().fold(words.concat(), |title, part| title.replace(part, ""));
    if whole != words.concat() && names_opt_outs(&whole) {
        return true;
    }
    let is_beside = |word: &String| BESIDE.contains(&word.as_str()) || is_month_or_number(word);
    let is_list = words.iter().any(|word| LISTS.contains(&word.as_str()));
    let ranges =
        (0..words.len()).flat_map(|from| (from + 1..=words.len().min(from + NAME_WORDS)).map(move |to| (from, to)));
    ranges.into_iter().any(|(from, to)| {
        let name = words[from..to].concat();
        let is_name = names_opt_outs(&name) && (is_list || !matches!(name.as_str(), "stop" | "henti" | "berhenti"));
        let is_part =
            || HEADER_PARTS.contains(&name.as_str()) || HEADER_PARTS.iter().any(|part| name == format!("{part}d"));
        (is_name || is_part()) && words[..from].iter().chain(&words[to..]).all(is_beside)
    })
}

fn is_month_or_number(word: &str) -> bool {
    const MONTHS: [&str; 17] = [
        "jan", "feb", "mac", "mar", "apr", "mei", "may", "jun", "jul", "ogos", "aug", "sep", "okt", "oct", "nov",
        "dis", "dec",
    ];
    word.chars().all(|c| c.is_ascii_digit()) || MONTHS.iter().any(|month| word.starts_with(month))
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
