//! How a list of people is read.

use super::exit::UsageError;
use super::output::talk;
use crate::domain::list_columns::{ChosenColumns, ChosenName, LocalNumbers, UnclearOptOuts};
use crate::domain::phone::Region;
use crate::domain::text::clean;

/// Says of a list's numbers without a country code whose they were taken for.
pub(in crate::cli) fn say_local(local: Option<&LocalNumbers>) {
    if let Some(local) = local {
        talk(&format!("{}; --country reads them as another country's", local.in_words()));
    }
}

/// Says of which rows a list does not make clear whether they want messages.
pub(in crate::cli) fn say_unclear_opt_outs(unclear: &[UnclearOptOuts]) {
    for rows in unclear {
        talk(&clean(&rows.in_words()));
    }
}

#[derive(Debug, Clone, Default, clap::Args)]
pub(in crate::cli) struct ColumnArgs {
    /// The column of the list with the phone numbers, by its name in the header or as 'column 3'. By default it is guessed.
    #[arg(long, value_name = "COLUMN")]
    phone_column: Option<String>,
    /// The column of the list with the names, likewise; '' where the list has no names.
    #[arg(long, value_name = "COLUMN")]
    name_column: Option<String>,
    /// A column of the list that says who wants no messages, likewise: whoever has 'yes', a day or the like in it is left out (`suppress
    /// import` takes nobody else). Those that are called so (STOP, opt-out, DNC, berhenti) count anyway.
    #[arg(long, value_name = "COLUMN")]
    opt_out_column: Option<String>,
    /// The country (two letters) assumed for numbers without a country code, instead of the sender's `region`; where no sender is named, of
    /// that of the first one in the configuration.
    #[arg(long, value_name = "COUNTRY")]
    country: Option<Region>,
}

impl ColumnArgs {
    /// Refuses columns where no list is read, of a verb whose list is one of several ways to name people.
    pub(in crate::cli) fn without_list(&self) -> Result<(), UsageError> {
        if self.chosen() == ChosenColumns::default() {
            return Ok(());
        }
        let why = "--phone-column, --name-column, --opt-out-column and --country are about the list of --recipients: name one";
        Err(UsageError(why.to_owned()))
    }

    pub(in crate::cli) fn chosen(&self) -> ChosenColumns {
        let name = match self.name_column.as_deref().map(str::trim) {
            None => ChosenName::Guessed,
            Some("") => ChosenName::None,
            Some(column) => ChosenName::Column(column.to_owned()),
        };
        let opt_outs = self.opt_out_column.clone();
        ChosenColumns { phone: self.phone_column.clone(), name, opt_outs, country: self.country }
    }
}
