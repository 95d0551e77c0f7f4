//! Whether a list says of itself that its people want no messages.

use super::opt_out::{names_opt_outs, titles_opt_outs};
use super::{Columns, Header, decode, key};
use crate::domain::text::clean;
use crate::import::records::Record;

impl Columns {
    /// The title by which everybody in the list opted out: that of their numbers, or one over the whole list, where no column says who did.
    /// `sheet`: the one it is of.
    pub(in crate::import) fn title_of_opt_outs(&self, titles: &[Record], sheet: Option<&str>) -> Option<String> {
        let of_phones = (self.header == Header::FirstRow).then(|| self.names[self.phone].clone());
        let of_list = || titles.iter().filter_map(lone_cell).chain(sheet.map(str::to_owned));
        let of_list = self.opt_outs.is_empty().then(of_list).into_iter().flatten();
        of_phones
            .into_iter()
            .chain(of_list)
            .find(|title| titles_opt_outs(title) || names_list(title))
            .map(|title| clean(&title).into_owned())
    }
}

/// *DNC list*, *STOP list 2026*: such a column's name with nothing but what a list is called and a year beside it.
fn names_list(title: &str) -> bool {
    let is_beside = |word: &&str| {
        matches!(
            word.to_lowercase().as_str(),
            "list" | "lists" | "senarai" | "daftar" | "numbers" | "customers" | "pelanggan"
        ) || word.chars().all(|c| c.is_ascii_digit())
    };
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let rest: Vec<_> = words.filter(|word| !is_beside(word)).collect();
    names_opt_outs(&key(&rest.concat()))
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
