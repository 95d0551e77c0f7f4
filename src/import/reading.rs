//! Reads a list of people without making a blast of it.

use std::path::PathBuf;

use super::rejected::{Draft, RejectedFile};
use super::table::{Table, TableSource};
use super::tally::Tally;
use super::{FIRST_ROWS, File, ImportError, NewRecipient, RejectedTo, Rejections, on_thread};
use crate::domain::content::BlastContent;
use crate::domain::forgotten::ForgottenPeople;
use crate::domain::list_columns::{LocalNumbers, UnclearOptOuts};
use crate::domain::message::Message;
use crate::domain::phone::Region;
use crate::domain::text::clean;

/// A list that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadList {
    pub people: Vec<NewRecipient>,
    pub rejected: Rejections,
    /// Where the rejected rows are, if there are any and they were to be written.
    pub rejected_file: Option<PathBuf>,
    /// The column that the phones were taken from.
    pub phone_column: String,
    /// The column that the names were taken from, if the list has one.
    pub name_column: Option<String>,
    /// Says which sheet was read where nobody named one of several; else empty.
    pub sheet_words: String,
    /// What was written without a country code.
    pub local: Option<LocalNumbers>,
    pub unclear_opt_outs: Vec<UnclearOptOuts>,
    /// As the header has them.
    pub columns: Vec<String>,
}

impl ReadList {
    /// `phones from No. Telefon, names from Nama`.
    pub fn columns_words(&self) -> String {
        let name = self.name_column.as_deref().map_or_else(String::new, |name| format!(", names from {}", clean(name)));
        format!("phones from {}{name}{}", clean(&self.phone_column), self.sheet_words)
    }
}

/// Reads the people of a CSV file or a workbook; each row is judged as for a blast. Whoever was forgotten is among them, for the caller to leave
/// out; of their rejected rows nothing is kept.
pub async fn read_list(
    source: TableSource,
    region: Region,
    rejected: RejectedTo,
    forgotten: ForgottenPeople,
) -> Result<ReadList, ImportError> {
    on_thread(move || {
        let table = Table::open(source, FIRST_ROWS)?;
        let mut file = File::open(table, region, any_content()?, false)?;
        file.taker.forgotten = forgotten;
        file.collect(rejected)
    })
    .await
}

/// The same of those who opted out: a row that says so is one of them, as is one that says nothing of it.
pub async fn read_opt_outs(
    source: TableSource,
    region: Region,
    rejected: RejectedTo,
    forgotten: ForgottenPeople,
) -> Result<ReadList, ImportError> {
    on_thread(move || {
        let table = Table::open(source, FIRST_ROWS)?;
        let columns = table.columns_in(region)?;
        let mut file = File::by_columns(table, columns, (region, any_content()?), false)?;
        file.taker.take_opt_outs();
        file.taker.forgotten = forgotten;
        file.collect(rejected)
    })
    .await
}

/// A message that every list has the columns of.
fn any_content() -> Result<BlastContent, ImportError> {
    let content = Message::literal("-").map_err(|error| ImportError::Closed(error.to_string()))?;
    Ok(BlastContent::Text(content))
}

impl File {
    fn collect(mut self, rejected: RejectedTo) -> Result<ReadList, ImportError> {
        let (mut people, mut tally, mut rejected) = (Vec::new(), Tally::default(), RejectedFile::new(rejected));
        self.skip_header()?;
        while let Some(record) = self.rows.next()? {
            let mut push = |person: &NewRecipient| {
                people.push(person.clone());
                Ok(())
            };
            self.row((&record, None), &mut tally, &mut push, &mut rejected)?;
        }
        people.retain(|person| !self.taker.seen.is_taken_back(&person.phone));
        let rejected_file = rejected.finish()?.map(Draft::keep).transpose();
        let rejected_file = rejected_file.map_err(ImportError::Read)?;
        let unclear_opt_outs = tally.unclear_opt_outs(|column| self.taker.called(column), self.mention.clone());
        let Self { phone_column, name_column, sheet_words, columns, .. } = self;
        let (rejected, local) = (tally.rejections(), tally.local);
        Ok(ReadList {
            people,
            rejected,
            rejected_file,
            phone_column,
            name_column,
            sheet_words,
            local,
            unclear_opt_outs,
            columns,
        })
    }
}
