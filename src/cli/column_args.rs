//! Which columns of a list of people are read as what.

use super::exit::UsageError;
use crate::domain::list_columns::{ChosenColumns, ChosenName};

#[derive(Debug, Clone, Default, clap::Args)]
pub(in crate::cli) struct ColumnArgs {
    /// The column of the list with the phone numbers, by its name in the header or as 'column 3'. By default it is guessed.
    #[arg(long, value_name = "COLUMN")]
    phone_column: Option<String>,
    /// The column of the list with the names, likewise; '' where the list has no names.
    #[arg(long, value_name = "COLUMN")]
    name_column: Option<String>,
}

impl ColumnArgs {
    /// Refuses columns where no list is read, of a verb whose list is one of several ways to name people.
    pub(in crate::cli) fn without_list(&self) -> Result<(), UsageError> {
        if self.phone_column.is_none() && self.name_column.is_none() {
            return Ok(());
        }
        let why = "--phone-column and --name-column are about the list of --recipients: name one";
        Err(UsageError(why.to_owned()))
    }

    pub(in crate::cli) fn chosen(&self) -> ChosenColumns {
        let name = match self.name_column.as_deref().map(str::trim) {
            None => ChosenName::Guessed,
            Some("") => ChosenName::None,
            Some(column) => ChosenName::Column(column.to_owned()),
        };
        ChosenColumns { phone: self.phone_column.clone(), name }
    }
}
