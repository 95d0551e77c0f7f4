//! A file of people whose columns are known, read row by row.

use std::sync::Arc;

use super::columns::{Columns, Header};
use super::error::ImportError;
use super::list::PeopleWriter;
use super::mends::Mends;
use super::person::{Outcome, Reason, Taker};
use super::progress::ImportProgress;
use super::records::Record;
use super::rejected::{RejectedFile, RejectedTo};
use super::table::{Table, TableRows};
use super::tally::{ReadThrough, Tally};
use crate::domain::content::BlastContent;
use crate::domain::phone::Region;
use crate::domain::rejected_rows::RowDigest;
use crate::store::import::NewRecipient;

/// A file whose columns are known.
pub(super) struct File {
    pub rows: TableRows,
    header: Header,
    pub phone_column: String,
    pub name_column: Option<String>,
    pub sheet_words: String,
    /// A title that mentions opt-outs, of which nobody knows what it says of the people below it.
    pub mention: Option<String>,
    pub other_phones: Vec<String>,
    pub columns: Vec<String>,
    is_chosen: bool,
    pub opt_outs: Option<String>,
    country: Option<Region>,
    pub mends: Mends,
    /// Who comes in behind the list.
    pub added: Vec<NewRecipient>,
    pub progress: Arc<ImportProgress>,
    pub taker: Taker,
}

impl File {
    /// A list of people who get messages: one that says of itself that they want none is refused.
    pub(super) fn open(
        table: Table,
        region: Region,
        content: BlastContent,
        without_united_states: bool,
    ) -> Result<Self, ImportError> {
        let columns = table.columns_in(region)?;
        let sheet = table.sheet.as_ref().map(|of| of.name.as_str());
        if let Some(title) = columns.title_of_opt_outs(&table.titles, sheet) {
            return Err(ImportError::ListOfOptOuts { title });
        }
        let mention = columns.mention_of_opt_outs(&table.titles, sheet);
        let file = Self::by_columns(table, columns, (region, content), without_united_states)?;
        Ok(Self { mention, ..file })
    }

    pub(super) fn by_columns(
        Table { rows, columns: chosen, sheet_words, .. }: Table,
        columns: Columns,
        (region, content): (Region, BlastContent),
        without_united_states: bool,
    ) -> Result<Self, ImportError> {
        let region = chosen.country.unwrap_or(region);
        columns.serve(&content)?;
        Ok(Self {
            rows,
            header: columns.header,
            phone_column: columns.reference(columns.phone),
            name_column: columns.name.map(|column| columns.reference(column)),
            sheet_words,
            mention: None,
            other_phones: columns.other_phones.iter().map(|column| columns.reference(*column)).collect(),
            columns: columns.names.clone(),
            is_chosen: chosen.is_of_columns(),
            opt_outs: columns.chosen_opt_outs().map(str::to_owned),
            country: chosen.country,
            mends: Mends::default(),
            added: Vec::new(),
            progress: Arc::default(),
            taker: Taker::new(columns, region, content, without_united_states),
        })
    }

    /// Reads to the end, sending people on as they come.
    pub(super) fn read(mut self, mut writer: PeopleWriter, rejected: RejectedTo) -> Result<ReadThrough, ImportError> {
        let mut rejected = RejectedFile::new(rejected);
        let mut tally = Tally::default();
        self.skip_header()?;
        let mut rows = 0;
        while let Some(mut record) = self.rows.next()? {
            rows += 1;
            self.progress.count(rows)?;
            let mended = self.mends.apply(&self.columns, &mut record);
            self.row((&record, mended), &mut tally, &mut |person| writer.push(person), &mut rejected)?;
        }
        self.taker.seen.is_corrected = false;
        let mut by_hand = 0;
        for person in self.added.iter().filter(|person| self.taker.seen.is_new(&person.phone)) {
            writer.push(person)?;
            by_hand += 1;
        }
        writer.finish()?;
        let (mends, unfit_mends) = self.mends.into_parts();
        Ok(ReadThrough {
            unclear_opt_outs: tally.unclear_opt_outs(|column| self.taker.called(column), self.mention),
            tally,
            rejected: rejected.finish()?,
            phone_column: self.phone_column,
            name_column: self.name_column,
            sheet_words: self.sheet_words,
            other_phones: self.other_phones,
            columns: self.columns,
            is_chosen: self.is_chosen,
            opt_outs: self.opt_outs,
            country: self.country,
            mends,
            unfit_mends,
            by_hand,
            members_out: self.taker.seen.members_out,
            opted_out: self.taker.seen.opted_out,
            taken_back: self.taker.seen.taken_back,
        })
    }

    pub(super) fn skip_header(&mut self) -> Result<(), ImportError> {
        if self.header == Header::None {
            return Ok(());
        }
        while self.rows.next()?.is_some_and(|record| record.is_blank()) {}
        Ok(())
    }

    /// `mended`: what the list itself has there, where that was read as something else.
    pub(super) fn row(
        &mut self,
        (record, mended): (&Record, Option<RowDigest>),
        tally: &mut Tally,
        push: &mut impl FnMut(&NewRecipient) -> Result<(), ImportError>,
        rejected: &mut RejectedFile,
    ) -> Result<(), ImportError> {
        self.taker.seen.is_corrected = self.mends.has_mended(record.row);
        match self.taker.take(record) {
            Outcome::Blank => {}
            Outcome::Taken(person, notes) => {
                tally.take((record.row, &person), notes);
                push(&person)?;
            }
            Outcome::Rejected(mut rejection) => {
                if rejection.reason == Reason::Forgotten {
                    self.mends.forget(rejection.row);
                } else {
                    rejection.digest = mended.unwrap_or_else(|| record.digest(&self.columns));
                }
                rejected.write(&rejection)?;
                tally.reject(rejection);
                for earlier in std::mem::take(&mut self.taker.taken_back) {
                    rejected.write(&earlier)?;
                    tally.take_back(earlier);
                }
            }
        }
        Ok(())
    }
}
