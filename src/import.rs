//! Creates a draft from a message and a file of people: reads on a thread of its own, writes in one transaction, and reports
//! each rejected row. An import that fails leaves nothing behind. Knows CSV; knows no terminal.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use sqlx::PgPool;
use tokio::sync::mpsc;

use crate::domain::blast::BlastState;
use crate::domain::content::BlastContent;
use crate::domain::forgotten::{ForgetKey, ForgottenPeople};
use crate::domain::ids::BlastId;
use crate::domain::list_columns::{LocalNumbers, UnclearOptOuts};
use crate::domain::phone::Region;
use crate::domain::rejected_rows::{CellMend, UnusualLengths};
use crate::store::import::{self as store, AddedBy, CopyBatch, NewRecipient};
pub use crate::store::import::{BlastDraft, ImportNote, Lineage};

mod changes;
mod choosing;
mod columns;
mod encoding;
mod error;
mod file;
mod free_name;
mod given;
mod left_out;
mod list;
mod mends;
mod person;
mod products;
mod progress;
mod reading;
mod records;
mod rejected;
mod replacing;
mod seen;
mod table;
mod tally;
mod thread;
mod workbook;

#[cfg(test)]
mod tests;

pub use changes::ListChanges;
pub use choosing::{ListColumn, list_columns};
pub(crate) use columns::OptOutAnswers;
pub use error::ImportError;
use file::File;
pub use free_name::rename_to_free;
pub use given::WrittenPerson;
pub use left_out::KeptRejections;
use list::{PeopleList, PeopleWriter};
pub use person::{Reason, Rejection};
pub use products::{ReadProducts, read_products};
pub use progress::ImportProgress;
pub use reading::{ReadList, read_list, read_opt_outs};
pub use rejected::{KnownRejectedFile, RejectedTo, RejectedVersion, read_rejected_file, rewrite_rejected_file};
use replacing::BeforeReading;
pub use replacing::{Replacement, replace_people};
use seen::SeenPeople;
pub use table::TableSource;
pub use tally::{NotUtf8, ReasonCount, Rejections};
use tally::{ReadThrough, Tally};
use thread::on_thread;

/// How many rows determine the columns.
const FIRST_ROWS: usize = 50;

/// How many batches may wait for Postgres: an import's memory, besides the numbers it has seen.
const BATCHES_AHEAD: usize = 4;

/// A blast to create. Its pace and window are validated: narrower than the sender's, or absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBlast {
    /// The region of numbers without a country code.
    pub region: Region,
    pub draft: BlastDraft,
    /// Numbers of the United States are left out: Meta delivers them no marketing template (131049).
    pub without_united_states: bool,
}

/// Where people come from.
pub enum PeopleSource {
    /// A spreadsheet's rows, as CSV.
    Csv(Box<dyn Read + Send>),
    /// The same, or a sheet of an Excel workbook.
    Table(TableSource),
    /// A JSON value a line.
    Lines(Box<dyn Read + Send>),
    /// JSON values: texts, or objects with `phone_number`, `name` and `variables`.
    Given(Vec<WrittenPerson>),
    /// The same of people whom somebody named one by one: they are meant, whatever a list says.
    Named(Vec<WrittenPerson>),
}

impl PeopleSource {
    /// From values that are ours.
    pub fn given(values: impl IntoIterator<Item = Value>) -> Self {
        Self::Given(values.into_iter().map(WrittenPerson::from).collect())
    }
}

/// How an import differs from one of an operator's file.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    pub note: ImportNote,
    /// More people than this are refused.
    pub people_max: Option<u64>,
    /// A list without anybody makes a draft without anybody.
    pub may_be_empty: bool,
    pub rejections: KeptRejections,
    /// How an earlier blast from the same file has its cells corrected.
    pub earlier_mends: Vec<CellMend>,
    /// This machine's key, by which people are recognized who asked to be forgotten.
    pub forget_key: Option<ForgetKey>,
    /// How far a table is read.
    pub progress: Arc<ImportProgress>,
}

/// A blast that people are added to.
#[derive(Debug, Clone)]
pub struct Addition {
    pub blast: BlastId,
    /// As it was when somebody looked whether people may be added.
    pub state: BlastState,
    pub region: Region,
    pub content: BlastContent,
}

/// A created draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    pub blast: BlastId,
    pub taken: u64,
    pub rejected: Rejections,
    /// Where the rejected rows are, if there are any and they were to be written.
    pub rejected_file: Option<PathBuf>,
    /// The column that the phones were taken from.
    pub phone_column: String,
    /// The column that the names were taken from.
    pub name_column: Option<String>,
    /// Says which sheet was read where nobody named one of several, to stand behind the columns; else empty.
    pub sheet_words: String,
    /// How many people were in the blast, want no messages by this list, and are out of it now.
    pub members_out: u64,
    /// Others that hold phones as well, where nobody chose between them.
    pub other_phones: Vec<String>,
    pub unclear_opt_outs: Vec<UnclearOptOuts>,
    /// The column that somebody said has who wants no messages.
    pub opt_outs: Option<String>,
    /// All columns of a spreadsheet's list.
    pub columns: Vec<String>,
    /// The first people, each with their row.
    pub first: Vec<(u64, NewRecipient)>,
    pub not_utf8: Option<NotUtf8>,
    pub unusual_lengths: UnusualLengths,
    /// How many of them have what programs export for an empty cell in place of a name (`null`, `N/A`): it counts as none.
    pub without_name: u64,
    /// Cells that were mended, each in the row where it is by now.
    pub mends: Vec<CellMend>,
    /// Cells that were mended before and are read as they stand: their row is another one by now, or none.
    pub unfit_mends: Vec<CellMend>,
    /// Of a draft that had people.
    pub changes: Option<ListChanges>,
    /// How many cells are corrected as in an earlier blast from the same file.
    pub corrected_as_before: usize,
    /// How many people are in the draft who were added by hand.
    pub by_hand: u64,
    /// How many people who were added, and taken out, by hand do not count any more: this is another list.
    pub dropped: Option<(usize, usize)>,
    /// Those whose number has no country code, and that of the sender's region was taken.
    pub local: Option<LocalNumbers>,
    /// What went wrong after the blast was committed, in words.
    pub warning: Option<String>,
}

/// Creates a draft from the people in a CSV file or a workbook. In one transaction: an error, or dropping the future, leaves no blast, no
/// people and no file of rejected rows.
pub async fn create_blast(
    pool: &PgPool,
    new: NewBlast,
    source: impl Into<TableSource>,
    rejected: RejectedTo,
) -> Result<Imported, ImportError> {
    create_from(pool, new, PeopleSource::Table(source.into()), rejected, ImportOptions::default()).await
}

/// The same from any source.
pub async fn create_from(
    pool: &PgPool,
    new: NewBlast,
    source: PeopleSource,
    rejected: RejectedTo,
    options: ImportOptions,
) -> Result<Imported, ImportError> {
    let NewBlast { region, draft, without_united_states } = new;
    let content = draft.content.clone();
    let seen = SeenPeople::default();
    let mut list = on_thread(move || PeopleList::open(source, region, content, without_united_states, seen)).await?;
    list.mend(options.earlier_mends.clone());
    let import = store::begin(pool, &draft, &options.note).await?;
    write(pool, (import, BeforeReading::default()), list, rejected, options).await
}

/// Adds people to a draft, in one transaction; whoever is in it already is rejected. Refused where it has another state by then: what is
/// scheduled meanwhile was confirmed for those who were in it.
pub async fn add_people(
    pool: &PgPool,
    to: Addition,
    (source, rejected): (PeopleSource, RejectedTo),
    options: ImportOptions,
) -> Result<Imported, ImportError> {
    let Addition { blast, state: seen, region, content } = to;
    let found = store::begin_adding(pool, blast, &options.note).await?;
    let (mut import, state) = found.ok_or_else(|| ImportError::no_draft(blast))?;
    if state != seen {
        let (state, seen) = (state.with_article(), seen.with_article());
        let why = format!("blast {blast} is {state} by now, not {seen}: nobody was added, look again");
        return Err(ImportError::Closed(why));
    }
    let mut seen = SeenPeople::default();
    import.members(|phone| seen.add_member(phone)).await?;
    let by = if matches!(source, PeopleSource::Named(_)) { AddedBy::Hand } else { AddedBy::List };
    if by == AddedBy::List {
        for person in import.opted_out_before(false).await? {
            seen.opted_out_before(&person);
        }
    }
    let list = on_thread(move || PeopleList::open(source, region, content, false, seen)).await?;
    let options = ImportOptions { rejections: KeptRejections::None, ..options };
    write(pool, (import, BeforeReading::of_additions(by)), list, rejected, options).await
}

async fn write(
    pool: &PgPool,
    (mut import, before): (store::Import, BeforeReading),
    mut list: PeopleList,
    rejected: RejectedTo,
    options: ImportOptions,
) -> Result<Imported, ImportError> {
    let blast = import.blast();
    let is_corrected_as_before = !options.earlier_mends.is_empty();
    list.watch(options.progress);
    let forgotten = import.forgotten(&options.note).await?.ok_or(ImportError::Forgotten)?;
    list.leave_out(ForgottenPeople::new(options.forget_key, forgotten)?);
    if !import.note(&options.note).await? {
        return Err(ImportError::Repeated);
    }
    let people_max = options.people_max.unwrap_or(u64::MAX);
    let (sender, mut batches) = mpsc::channel(BATCHES_AHEAD);
    let batch = before.added.map_or_else(CopyBatch::default, CopyBatch::of_additions);
    let reading = on_thread(move || list.read(PeopleWriter::new(blast, sender, batch, people_max), rejected));
    // If Postgres fails, the reader may be blocked on a silent pipe: it is not awaited.
    let (copied, read) = tokio::try_join!(async { Ok(import.people(&mut batches).await?) }, reading)?;
    let taken_back = import.take_back(&read.taken_back).await?;
    import.note_opt_outs(&read.opted_out, before.added.is_some()).await?;
    let people = i64::try_from(copied).unwrap_or(i64::MAX) - i64::try_from(taken_back).unwrap_or(i64::MAX);
    if !(options.may_be_empty && read.is_empty()) && read.by_hand == 0 && read.members_out == 0 {
        read.refuse_nobody()?;
    }
    if options.rejections != KeptRejections::None {
        import.keep_left_out(options.rejections.of(&read, before.taken_out).as_ref()).await?;
    }
    if before.added.is_some() {
        import.forget_returned().await?;
    }
    let changes = match before.members {
        Some(before) => Some(before.changes(&mut import, &read.mends).await?),
        None => None,
    };
    if !import.has_seen_follow_ups(&options.note).await? {
        return Err(ImportError::Followed);
    }
    import.commit(pool, people).await?;
    let imported = Imported { changes, ..read.into_imported(blast) };
    Ok(if is_corrected_as_before { imported.corrected_as_before() } else { imported })
}

/// A cell of a table: UTF-8, or where it is not, Windows-1252.
pub(crate) fn text_of_cell(cell: &[u8]) -> std::borrow::Cow<'_, str> {
    encoding::decode(cell).0
}
