//! What a row says of opt-outs, in the columns about them.

use std::borrow::Cow;

use super::opt_out_cell::denies;
use super::{Columns, OptOutColumn, decode, key};
use crate::import::person::Reason;
use crate::import::records::Record;

impl Columns {
    /// Adds those that are not the phones. One that somebody chose for the names says who opted out all the same.
    pub(super) fn add_opt_outs(&mut self, opt_outs: Vec<OptOutColumn>) {
        let is_new = |of: &OptOutColumn| of.column != self.phone && !self.opt_outs.contains(of);
        let added: Vec<_> = opt_outs.into_iter().filter(is_new).collect();
        self.opt_outs.extend(added);
    }

    /// From a row on that is a header again, its columns of opt-outs count as well, and none that it calls something else.
    pub(in crate::import) fn read_further_header(&mut self, row: &Record) {
        let Some(opt_outs) = OptOutColumn::of_further_header(row, self.phone) else { return };
        let is_renamed = |of: &OptOutColumn| {
            let title = row.values.get(of.column).map_or(Cow::Borrowed(""), |cell| decode(cell).0);
            of.is_unclear(&title) && !opt_outs.iter().any(|new| new.column == of.column)
        };
        self.opt_outs.retain(|of| of.is_chosen() || !is_renamed(of));
        self.move_chosen(row);
        self.add_opt_outs(opt_outs);
    }

    /// Where a further header has the title that somebody named; nowhere where it has none such.
    fn move_chosen(&mut self, header: &Record) {
        let Some(title) = self.chosen_opt_outs.as_ref().and_then(|chosen| chosen.title.as_ref()) else { return };
        self.opt_outs.retain(|of| !of.is_chosen());
        let is_it = |cell: &Vec<u8>| key(&decode(cell).0) == *title;
        let columns = header.values.iter().enumerate().filter(|(_, cell)| is_it(cell));
        self.opt_outs.extend(columns.map(|(column, _)| OptOutColumn::chosen(column)));
    }

    /// Whoever opted out is taken; only whoever says that they did not is left out.
    pub(in crate::import) fn take_opt_outs(&mut self) {
        self.takes_opt_outs = true;
    }

    /// Why a row is left out by what it says of opt-outs, and in which column.
    pub(in crate::import) fn refused_by_opt_outs(&self, values: &[Cow<'_, str>]) -> Option<(usize, Reason)> {
        let opted_out = self.opted_out_in(values).map(|column| (column, Reason::OptedOut));
        let denied = || self.denied_opt_out_in(values).map(|column| (column, Reason::NotOptedOut));
        opted_out.or_else(denied).or_else(|| Some((self.unsaid_opt_out_in(values)?, Reason::NoOptOut)))
    }

    /// The column that somebody named, in which a row of a list of opt-outs does not say so; that of its number below a header without it.
    fn unsaid_opt_out_in(&self, values: &[Cow<'_, str>]) -> Option<usize> {
        self.chosen_opt_outs.as_ref().filter(|_| self.takes_opt_outs)?;
        let first = self.opt_outs.iter().find(|of| of.is_chosen()).map_or(self.phone, |of| of.column);
        let says_so = |of: &OptOutColumn| values.get(of.column).is_some_and(|value| of.says_so(value));
        (!self.opt_outs.iter().any(says_so)).then_some(first)
    }

    fn denied_opt_out_in(&self, values: &[Cow<'_, str>]) -> Option<usize> {
        if self.takes_opt_outs { denied_in(&self.opt_outs, values) } else { None }
    }

    /// The column in which a row says that its person wants no messages, for which it is left out.
    pub(in crate::import) fn opted_out_in(&self, values: &[Cow<'_, str>]) -> Option<usize> {
        if self.takes_opt_outs {
            return None;
        }
        let says_so = |of: &&OptOutColumn| values.get(of.column).is_some_and(|value| of.says_so(value));
        self.opt_outs.iter().find(says_so).map(|of| of.column)
    }

    /// The column about that in which a row says neither that nor the opposite, and is taken all the same.
    pub(in crate::import) fn unclear_opt_out_in(&self, values: &[Cow<'_, str>]) -> Option<usize> {
        if self.takes_opt_outs {
            return None;
        }
        let is_unclear = |of: &&OptOutColumn| values.get(of.column).is_some_and(|value| of.is_unclear(value));
        self.opt_outs.iter().find(is_unclear).map(|of| of.column)
    }
}

/// The columns of a list of opt-outs that say of each row whether its person did.
pub(crate) struct OptOutAnswers(Vec<OptOutColumn>);

impl OptOutAnswers {
    pub(crate) fn of_header<'a>(titles: impl Iterator<Item = &'a [u8]>) -> Self {
        let titled = |(column, title): (usize, &[u8])| OptOutColumn::titled(&decode(title).0, column);
        Self(titles.enumerate().filter_map(titled).collect())
    }

    /// Whether a row says that its person did not.
    pub(crate) fn denies<'a>(&self, row: impl Iterator<Item = &'a [u8]>) -> bool {
        !self.0.is_empty() && denied_in(&self.0, &row.map(|cell| decode(cell).0).collect::<Vec<_>>()).is_some()
    }
}

/// The column in which a row says that its person did not opt out, where none says that they did, or is unclear.
fn denied_in(columns: &[OptOutColumn], values: &[Cow<'_, str>]) -> Option<usize> {
    let value = |of: &OptOutColumn| values.get(of.column).map_or("", |value| value);
    let may_say_so = |of: &OptOutColumn| of.says_so(value(of)) || of.is_unclear(value(of));
    let denied = columns.iter().find(|of| denies(value(of)))?;
    (!columns.iter().any(may_say_so)).then_some(denied.column)
}
