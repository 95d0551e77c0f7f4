//! A list of people in either form, read on the import's thread, and those who are accepted on their way to Postgres.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::error::ImportError;
use super::given::GivenList;
use super::mends::Mends;
use super::person::Outcome;
use super::seen::SeenPeople;
use super::table::Table;
use super::{FIRST_ROWS, File, ImportProgress, PeopleSource, ReadThrough, RejectedTo, Tally};
use crate::domain::content::BlastContent;
use crate::domain::forgotten::ForgottenPeople;
use crate::domain::ids::BlastId;
use crate::domain::phone::Region;
use crate::domain::rejected_rows::CellMend;
use crate::store::import::{AddedBy, CopyBatch, NewRecipient};

/// A batch is sent when it has grown to this many bytes.
const BATCH: usize = 256 * 1024;

/// A list whose form is known.
pub(super) enum PeopleList {
    File(Box<File>),
    Given(Box<GivenList>),
}

impl PeopleList {
    pub(super) fn open(
        source: PeopleSource,
        region: Region,
        content: BlastContent,
        without_united_states: bool,
        seen: SeenPeople,
    ) -> Result<Self, ImportError> {
        let mut given = match source {
            PeopleSource::Csv(source) => {
                let table = Table::of_text(source, FIRST_ROWS)?;
                return Ok(Self::file(File::open(table, region, content, without_united_states)?, seen));
            }
            PeopleSource::Table(source) => {
                let table = Table::open(source, FIRST_ROWS)?;
                return Ok(Self::file(File::open(table, region, content, without_united_states)?, seen));
            }
            PeopleSource::Lines(source) => GivenList::lines(source, region, content, without_united_states),
            PeopleSource::Given(values) | PeopleSource::Named(values) => {
                GivenList::values(values, region, content, without_united_states)
            }
        };
        given.seen = seen;
        Ok(Self::Given(Box::new(given)))
    }

    fn file(mut file: File, seen: SeenPeople) -> Self {
        file.taker.seen = seen;
        Self::File(Box::new(file))
    }

    /// Leaves out whoever was forgotten.
    pub(super) fn leave_out(&mut self, forgotten: ForgottenPeople) {
        self.seen_mut().forgotten = forgotten;
    }

    /// Who is in the list already, or is not to come in by it.
    pub(super) const fn seen_mut(&mut self) -> &mut SeenPeople {
        match self {
            Self::File(file) => &mut file.taker.seen,
            Self::Given(list) => &mut list.seen,
        }
    }

    /// Has these come in behind a spreadsheet's list, but for those who are in it.
    pub(super) fn add_behind(&mut self, added: Vec<NewRecipient>) {
        if let Self::File(file) = self {
            for person in &added {
                let by = if person.list_row.is_none() { AddedBy::Hand } else { AddedBy::List };
                file.taker.seen.add_by_hand(&person.phone, by);
            }
            file.added = added;
        }
    }

    /// Has cells of a spreadsheet's list read as something else.
    pub(super) fn mend(&mut self, mends: Vec<CellMend>) {
        if let Self::File(file) = self {
            file.mends = Mends::new(mends);
        }
    }

    /// Counts the rows of a spreadsheet's list there, and stops where that is wanted.
    pub(super) fn watch(&mut self, progress: Arc<ImportProgress>) {
        if let Self::File(file) = self {
            file.progress = progress;
        }
    }

    /// Reads to the end, sending people on as they come.
    pub(super) fn read(self, writer: PeopleWriter, rejected: RejectedTo) -> Result<ReadThrough, ImportError> {
        match self {
            Self::File(file) => file.read(writer, rejected),
            Self::Given(list) => list.read(writer),
        }
    }
}

/// Sends accepted people on in batches.
pub(super) struct PeopleWriter {
    blast: BlastId,
    batches: mpsc::Sender<CopyBatch>,
    batch: CopyBatch,
    left: u64,
    max: u64,
}

impl PeopleWriter {
    pub(super) fn new(blast: BlastId, batches: mpsc::Sender<CopyBatch>, batch: CopyBatch, max: u64) -> Self {
        Self { blast, batches, batch, left: max, max }
    }

    pub(super) fn push(&mut self, person: &NewRecipient) -> Result<(), ImportError> {
        self.left = self.left.checked_sub(1).ok_or(ImportError::TooMany { max: self.max })?;
        self.batch.push(self.blast, person);
        if self.batch.size() >= BATCH { send(&self.batches, self.batch.take()) } else { Ok(()) }
    }

    pub(super) fn finish(self) -> Result<(), ImportError> {
        if self.batch.is_empty() { Ok(()) } else { send(&self.batches, self.batch) }
    }
}

impl GivenList {
    fn read(mut self, mut writer: PeopleWriter) -> Result<ReadThrough, ImportError> {
        let mut tally = Tally::default();
        while let Some((row, outcome)) = self.next()? {
            match outcome {
                Outcome::Blank => {}
                Outcome::Taken(person, notes) => {
                    tally.take((row, &person), notes);
                    writer.push(&person)?;
                }
                Outcome::Rejected(rejection) => {
                    tally.reject(rejection);
                    for earlier in self.taken_back.drain(..) {
                        tally.take_back(earlier);
                    }
                }
            }
        }
        writer.finish()?;
        Ok(ReadThrough {
            tally,
            rejected: None,
            phone_column: "phone_number".to_owned(),
            name_column: None,
            sheet_words: String::new(),
            other_phones: Vec::new(),
            unclear_opt_outs: Vec::new(),
            columns: Vec::new(),
            is_chosen: false,
            opt_outs: None,
            country: None,
            mends: Vec::new(),
            unfit_mends: Vec::new(),
            by_hand: 0,
            members_out: self.seen.members_out,
            opted_out: self.seen.opted_out,
            taken_back: self.seen.taken_back,
        })
    }
}

fn send(batches: &mpsc::Sender<CopyBatch>, batch: CopyBatch) -> Result<(), ImportError> {
    batches.blocking_send(batch).map_err(|_| ImportError::Broken)
}
