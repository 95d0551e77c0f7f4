//! Which columns of a list are read as what. Kept with the draft.

use serde::{Deserialize, Serialize};

/// The columns that somebody chose, each by its name in the list, or as `column 3`; the others are guessed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChosenColumns {
    pub phone: Option<String>,
    pub name: ChosenName,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListColumns {
    pub phone: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Somebody chose them: the same ones are taken when the list is read again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_chosen: bool,
}

impl ListColumns {
    /// How the same list is read again.
    pub fn again(&self) -> ChosenColumns {
        if !self.is_chosen {
            return ChosenColumns::default();
        }
        let name = self.name.clone().map_or(ChosenName::None, ChosenName::Column);
        ChosenColumns { phone: Some(self.phone.clone()), name }
    }

    /// `phone = No. Telefon   name = Nama`.
    pub fn in_words(&self) -> String {
        let name = self.name.as_ref().map(|name| format!("   name = {name}")).unwrap_or_default();
        format!("phone = {}{name}", self.phone)
    }
}

#[cfg(test)]
mod tests {
    use super::{ChosenColumns, ChosenName, ListColumns};

    #[test]
    fn only_columns_that_somebody_chose_are_taken_again() {
        let guessed = ListColumns { phone: "tel".to_owned(), name: None, is_chosen: false };
        let chosen = ListColumns { is_chosen: true, ..guessed.clone() };

        assert_eq!(guessed.again(), ChosenColumns::default());
        assert_eq!(chosen.again(), ChosenColumns { phone: Some("tel".to_owned()), name: ChosenName::None });
    }
}
