//! How a list is read: which columns are what, and whose country its numbers are of. Kept with the draft.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::phone::Region;
use super::text::count_of;

/// The columns that somebody chose, each by its name in the list, or as `column 3`; the others are guessed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChosenColumns {
    pub phone: Option<String>,
    pub name: ChosenName,
    /// One that says who wants no messages, besides those that are recognized.
    pub opt_outs: Option<String>,
    /// The country of its numbers without a country code, in place of the sender's.
    pub country: Option<Region>,
}

impl ChosenColumns {
    /// Whether none of them is guessed any more.
    pub fn is_of_columns(&self) -> bool {
        self.phone.is_some() || self.name != ChosenName::Guessed
    }

    /// The country as it is typed; nothing is the sender's.
    pub fn country_text(&self) -> String {
        self.country.map(|country| country.to_string()).unwrap_or_default()
    }

    /// Another list of the same country.
    #[must_use]
    pub fn of_another_list(&self) -> Self {
        Self { country: self.country, ..Self::default() }
    }
}

/// What a column of businesses may be called, letters alone.
const BUSINESS_HEADERS: [&str; 7] =
    ["business", "businesses", "businessname", "perniagaan", "namaperniagaan", "bisnis", "namabisnis"];

/// A header without case, blanks and punctuation, in ordinary letters (`ＳＴＯＰ`).
pub fn title_key(title: &str) -> String {
    title.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a column names the business of each row: a list of opt-outs that has one would opt everybody out of every business.
pub fn names_business(title: &str) -> bool {
    BUSINESS_HEADERS.contains(&title_key(title).as_str())
}

/// Where the names come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ChosenName {
    #[default]
    Guessed,
    /// The list has no names.
    None,
    Column(String),
}

/// The columns that a list was read by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListColumns {
    pub phone: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Somebody chose them: the same ones are taken when the list is read again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_chosen: bool,
    /// Others whose cells are phone numbers as well, where nobody chose between them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_phones: Vec<String>,
    /// Cells that were to say who wants no messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unclear_opt_outs: Vec<UnclearOptOuts>,
    /// The column that was chosen as one that says who wants no messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_outs: Option<String>,
    /// The country that was chosen for its numbers without a country code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Region>,
    /// What was written without a country code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalNumbers>,
}

/// Rows that say neither yes nor no in a column that says who wants no messages, as *stop*: they are taken. What they say is not kept, since it
/// may name somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UnclearOptOuts {
    #[schema(example = "unsubscribed")]
    pub column: String,
    #[schema(example = 3)]
    pub rows: u64,
    /// From 1.
    #[schema(example = 2)]
    pub first_row: u64,
}

impl UnclearOptOuts {
    /// `Stop says neither yes nor no in 3 rows (first: row 2): they are taken`.
    pub fn in_words(&self) -> String {
        let Self { column, rows, first_row } = self;
        if *rows == 1 {
            return format!("{column} says neither yes nor no in row {first_row}, which is taken");
        }
        format!(
            "{column} says neither yes nor no in {} (first: row {first_row}): they are taken",
            count_of(*rows, "row", "rows")
        )
    }
}

/// Numbers that were written without a country code, and read as those of one country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LocalNumbers {
    #[schema(example = 38)]
    pub numbers: u64,
    /// With its plus: `+60`.
    #[schema(example = "+60")]
    pub country_code: String,
}

impl LocalNumbers {
    /// Once one of them is left out; `None` where none is left.
    pub fn less_one(self) -> Option<Self> {
        (self.numbers > 1).then(|| Self { numbers: self.numbers - 1, ..self })
    }

    /// `38 without a country code, read as +60`.
    pub fn in_words(&self) -> String {
        format!("{} without a country code, read as {}", self.numbers, self.country_code)
    }
}

impl ListColumns {
    /// How the same list is read again.
    pub fn again(&self) -> ChosenColumns {
        let guessed =
            ChosenColumns { opt_outs: self.opt_outs.clone(), country: self.country, ..ChosenColumns::default() };
        if !self.is_chosen {
            return guessed;
        }
        let name = self.name.clone().map_or(ChosenName::None, ChosenName::Column);
        ChosenColumns { phone: Some(self.phone.clone()), name, ..guessed }
    }

    /// `WhatsApp has phone numbers, too`; `None` where no other column has, or somebody chose.
    pub fn doubt(&self) -> Option<String> {
        let (last, before) = self.other_phones.split_last()?;
        let columns = if before.is_empty() { last.clone() } else { format!("{} and {last}", before.join(", ")) };
        let has = if before.is_empty() { "has" } else { "have" };
        Some(format!("{columns} {has} phone numbers, too"))
    }

    /// `phone = No. Telefon   name = Nama   38 without a country code, read as +60`.
    pub fn in_words(&self) -> String {
        let name = self.name.as_ref().map(|name| format!("   name = {name}")).unwrap_or_default();
        let local = self.local.as_ref().map(|local| format!("   {}", local.in_words())).unwrap_or_default();
        let opt_outs = self.opt_outs.as_ref().map(|column| format!("   opt-outs = {column}")).unwrap_or_default();
        format!("phone = {}{name}{opt_outs}{local}", self.phone)
    }
}

#[cfg(test)]
mod tests {
    use super::{ChosenColumns, ChosenName, ListColumns, LocalNumbers, UnclearOptOuts, names_business};

    #[test]
    fn only_columns_that_somebody_chose_are_taken_again() {
        let guessed = ListColumns { phone: "tel".to_owned(), ..ListColumns::default() };
        let chosen = ListColumns { is_chosen: true, ..guessed.clone() };

        assert_eq!(guessed.again(), ChosenColumns::default());
        assert_eq!(
            chosen.again(),
            ChosenColumns { phone: Some("tel".to_owned()), name: ChosenName::None, ..ChosenColumns::default() }
        );
    }

    #[test]
    fn numbers_without_a_country_code_are_said_to_be_read_as_one_country_s() {
        let local = Some(LocalNumbers { numbers: 38, country_code: "+60".to_owned() });
        let read = ListColumns { phone: "HP".to_owned(), local, ..ListColumns::default() };

        assert_eq!(read.in_words(), "phone = HP   38 without a country code, read as +60");
    }

    #[test]
    fn rows_that_say_neither_yes_nor_no_in_a_column_of_opt_outs_are_counted() {
        let of = |rows| UnclearOptOuts { column: "Stop".to_owned(), rows, first_row: 2 }.in_words();

        assert_eq!(of(3), "Stop says neither yes nor no in 3 rows (first: row 2): they are taken");
        assert_eq!(of(1), "Stop says neither yes nor no in row 2, which is taken");
    }

    #[test]
    fn a_column_of_businesses_is_known_by_its_name() {
        let named =
            ["business", " Business Name", "ＢＵＳＩＮＥＳＳ", "bus", "reason", "business_id"].map(names_business);

        assert_eq!(named, [true, true, true, false, false, false]);
    }

    #[test]
    fn other_columns_of_phones_are_named() {
        let with = |others: &[&str]| {
            let other_phones = others.iter().map(|column| (*column).to_owned()).collect();
            ListColumns { phone: "tel".to_owned(), other_phones, ..ListColumns::default() }.doubt()
        };

        assert_eq!(with(&[]), None);
        assert_eq!(with(&["wa"]).as_deref(), Some("wa has phone numbers, too"));
        assert_eq!(with(&["wa", "hp"]).as_deref(), Some("wa and hp have phone numbers, too"));
    }
}
