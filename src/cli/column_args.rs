//! Which columns of a list of people are read as what.

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

/// Of a verb whose list is one of several ways to name people: its columns are named with it alone.
pub(in crate::cli) fn columns_of_list(argument: clap::Arg) -> clap::Arg {
    let is_column = ["phone_column", "name_column"].iter().any(|name| argument.get_id() == name);
    if is_column { argument.requires("recipients") } else { argument }
}

impl ColumnArgs {
    pub(in crate::cli) fn chosen(&self) -> ChosenColumns {
        let name = match self.name_column.as_deref().map(str::trim) {
            None => ChosenName::Guessed,
            Some("") => ChosenName::None,
            Some(column) => ChosenName::Column(column.to_owned()),
        };
        ChosenColumns { phone: self.phone_column.clone(), name }
    }
}
