//! Creates drafts.

use std::num::NonZeroU32;

use chrono::NaiveDate;

use super::App;
use super::error::{AppError, InvalidPlace};
use super::local_time::goes_by_own_clocks;
use super::report::Report;
use crate::domain::blast::{BlastState, PersonClocks, is_paused_before_start};
use crate::domain::content::BlastContent;
use crate::domain::filter::CART_STUCK;
use crate::domain::ids::BlastId;
use crate::domain::pace::{Gap, Hours, Rate, Weekdays};
use crate::domain::recurrence::Recurrence;
use crate::domain::rejected_rows::CellMend;
use crate::domain::start_at::StartAt;
use crate::engine::ConfiguredSender;
use crate::import::{
    Addition, BlastDraft, ImportError, ImportNote, ImportOptions, Imported, KeptRejections, NewBlast, PeopleSource,
    RejectedTo, TableSource, add_people, create_from,
};
use crate::store::view::{BlastRow, progress};
use crate::store::{StoreError, cart, draft, forget};

/// A draft to create. Its pace and window narrow the sender's.
#[derive(Debug, Clone)]
pub struct NewDraft {
    /// The sender's name, as configured.
    pub sender: String,
    pub tag: String,
    pub follow_up_stage: String,
    pub content: BlastContent,
    /// A marketing template: numbers of the United States are left out.
    pub is_marketing: bool,
    pub rate: Option<Rate>,
    pub gap: Option<Gap>,
    pub window: Option<Hours>,
    pub weekdays: Option<Weekdays>,
    pub timezone: Option<chrono_tz::Tz>,
    /// Whether people to whom Meta did not give the message for now are tried again by themselves after a day.
    pub retry_next_day: bool,
    /// After so many people it waits for somebody to resume it.
    pub first: Option<NonZeroU32>,
    /// What the program that makes it calls it.
    pub external_id: Option<String>,
    pub description: Option<String>,
    /// When it starts by itself, once somebody has sent it.
    pub start: Option<StartAt>,
    /// The filter over earlier blasts that its people come from, as typed.
    pub segment: Option<String>,
    /// By which rule it repeats.
    pub repeat: Option<RepeatOrder>,
    pub clocks: PersonClocks,
}

/// How a blast is to repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepeatOrder {
    pub rule: Recurrence,
    /// Its last day, in its zone.
    pub until: Option<NaiveDate>,
    /// So many times in all.
    pub times: Option<NonZeroU32>,
    /// The largest number of people that an occurrence goes to without asking; by default as many as are confirmed.
    pub at_most: Option<NonZeroU32>,
}

impl App {
    /// Creates a draft from a message and a file of people. Sends nothing, and leaves nothing behind when it fails.
    pub async fn create(
        &self,
        draft: NewDraft,
        source: impl Into<TableSource>,
        rejected: RejectedTo,
    ) -> Result<Imported, ImportError> {
        let source = source.into();
        let rejections = source.place().map_or(KeptRejections::OfList, KeptRejections::OfFile);
        let note = ImportNote { request: self.request().cloned(), ..ImportNote::default() };
        let earlier_mends = self.earlier_mends(&rejections, None).await?;
        let options = ImportOptions { note, rejections, earlier_mends, ..self.import_options() };
        self.create_from(draft, PeopleSource::Table(source), rejected, options).await
    }

    /// How the cells of a file are corrected in the newest blast from it, but for a draft's own.
    pub(super) async fn earlier_mends(
        &self,
        list: &KeptRejections,
        draft: Option<BlastId>,
    ) -> Result<Vec<CellMend>, StoreError> {
        match list.file() {
            Some(file) => draft::mends_of_file(self.pool(), &file, draft).await,
            None => Ok(Vec::new()),
        }
    }

    /// The same for a caller, from any list, also one without anybody; logged under the caller's name.
    pub async fn create_for_caller(&self, draft: NewDraft, people: PeopleSource) -> Result<Imported, AppError> {
        let options = ImportOptions { may_be_empty: true, ..self.caller_options() };
        self.create_from(draft, people, RejectedTo::Nowhere, options).await.map_err(refused)
    }

    /// Why nobody of a sender's can be tried again after a day; `None` where they can, or there is no such sender.
    pub fn why_no_next_day(&self, sender: &str) -> Option<String> {
        let wsapme = self.config().sender(sender).filter(|sender| sender.meta.is_none())?;
        Some(format!(
            "only a sender of Meta's has people to try again after a day (131049, 130472), and {} is a phone that is linked to WSAPME",
            wsapme.name
        ))
    }

    /// Adds people to a draft; whoever is in it already is rejected.
    pub async fn add_people(&self, id: BlastId, people: PeopleSource) -> Result<Imported, AppError> {
        let state = self.state(id).await?;
        self.add_people_as_seen((id, state), people, RejectedTo::Nowhere).await
    }

    /// The same where it is still in the state that somebody saw: what is scheduled takes people only of whoever knows that.
    pub async fn add_people_as_seen(
        &self,
        (id, state): (BlastId, BlastState),
        people: PeopleSource,
        rejected: RejectedTo,
    ) -> Result<Imported, AppError> {
        let blast = self.blast_row(id).await?;
        self.refuse_additions(&blast).await?;
        let content = BlastContent::parse(&blast.message, blast.template.as_ref());
        let content = content.map_err(|error| AppError::Refused(format!("the message cannot be used: {error}")))?;
        let to = Addition { blast: id, state, region: self.region_of(blast.sender_id), content };
        let added = match add_people(self.pool(), to, (people, rejected), self.caller_options()).await {
            Err(ImportError::Closed(why)) => {
                // Deleted in this moment, it is gone, as for whoever comes later.
                self.blast_row(id).await?;
                return Err(AppError::Refused(why));
            }
            added => added.map_err(refused)?,
        };
        self.notify(id).await;
        Ok(added)
    }

    /// Refuses where nobody can be added.
    pub(super) async fn refuse_additions(&self, blast: &BlastRow) -> Result<(), AppError> {
        self.refuse_by_hand(blast).await?;
        refuse_without_own_time(blast)?;
        refuse_before_its_time(blast)?;
        let repeats = blast.origin.repeat.rule.is_some();
        match blast.state {
            BlastState::Draft | BlastState::Scheduled => Ok(()),
            BlastState::Paused if repeats => Ok(()),
            _ => Err(refused(ImportError::no_draft(blast.id))),
        }
    }

    /// Whoever is added to whom a filter finds, or taken out of them, would go out or come in again with the next look.
    pub(super) async fn refuse_by_hand(&self, blast: &BlastRow) -> Result<(), AppError> {
        let so = "nobody is added or taken out by hand. A filter can leave out who has a tag (-tag:NAME)";
        self.refuse_of_filter(blast, so).await
    }

    /// A list that takes the place of whom a filter finds would go out with the next look, and they would come in again.
    pub(super) async fn refuse_list(&self, blast: &BlastRow) -> Result<(), AppError> {
        let so = "no list takes their place. A copy of it (⟨d⟩) has no filter, and takes a list";
        self.refuse_of_filter(blast, so).await
    }

    async fn refuse_of_filter(&self, blast: &BlastRow, so: &str) -> Result<(), AppError> {
        match &blast.origin.segment {
            Some(filter) if self.finds_anew(blast).await? => Err(AppError::Refused(format!(
                "the people of blast {} are whom its filter finds ({filter}), and are found anew until it is sent: {so}",
                blast.id
            ))),
            _ => Ok(()),
        }
    }

    pub(super) fn caller_options(&self) -> ImportOptions {
        let note = ImportNote {
            request: self.request().cloned(),
            operator: Some(self.operator().to_owned()),
            token: self.acting_operator().token,
            ..ImportNote::default()
        };
        ImportOptions { note, people_max: Some(PEOPLE_MAX), ..self.import_options() }
    }

    /// With this machine's key of people who were forgotten. One that cannot be read is none: a list that needs it is refused.
    pub(super) fn import_options(&self) -> ImportOptions {
        let key = self.engine().fence.forget_key();
        let key =
            key.inspect_err(|error| tracing::error!(%error, "the key of people who were forgotten cannot be used"));
        ImportOptions { forget_key: key.ok().flatten(), ..ImportOptions::default() }
    }

    /// The same of people or words that are read in the database, before any of them is: where somebody is forgotten meanwhile, nothing comes of
    /// it.
    pub(super) async fn reading(&self, mut options: ImportOptions) -> Result<ImportOptions, StoreError> {
        options.note.last_forgotten = Some(forget::last_forgotten(self.pool()).await?);
        Ok(options)
    }

    pub(super) async fn create_from(
        &self,
        draft: NewDraft,
        source: PeopleSource,
        rejected: RejectedTo,
        options: ImportOptions,
    ) -> Result<Imported, ImportError> {
        let Some(sender) = self.config().sender(&draft.sender) else {
            return Err(ImportError::Sender(self.no_sender(&draft.sender)));
        };
        let id = crate::store::sender::id(self.pool(), &sender.name).await?;
        let id = id.filter(|id| self.only_sender().is_none_or(|own| own == *id));
        let Some(sender_id) = id else { return Err(ImportError::Sender(self.no_sender(&draft.sender))) };
        let without_united_states = draft.is_marketing;
        let zone = draft.timezone.unwrap_or(sender.timezone);
        let start = draft
            .start
            .map(|start| Ok((start, self.start_time(start, zone)?)))
            .transpose()
            .map_err(ImportError::Start)?;
        let today = self.engine().clock.now().with_timezone(&zone).date_naive();
        if let Some(day) = draft.repeat.as_ref().and_then(|order| order.until).filter(|day| *day < today) {
            return Err(ImportError::LastDay(day));
        }
        let repeat = draft.repeat.map(|order| self.repeat_columns(&order, zone)).transpose();
        let repeat = repeat.map_err(ImportError::Repeat)?.unwrap_or_default();
        let draft = BlastDraft {
            sender_id,
            tag: draft.tag,
            follow_up_stage: draft.follow_up_stage,
            content: draft.content,
            rate: draft.rate,
            gap: draft.gap,
            window: draft.window,
            weekdays: draft.weekdays,
            timezone: draft.timezone,
            retry_next_day: draft.retry_next_day,
            first: draft.first,
            external_id: draft.external_id,
            description: draft.description,
            start,
            segment: draft.segment,
            repeat,
            clocks: draft.clocks,
        };
        let new = NewBlast { region: sender.region, draft, without_united_states };
        let expected = self.expect_rejected_file(&rejected).await;
        let imported = Box::pin(create_from(self.pool(), new, source, rejected, options)).await;
        if imported.is_err() {
            self.expect_no_more(expected).await;
        }
        let mut imported = imported?;
        if let Some(file) = &imported.rejected_file {
            let unknown = self.note_rejected_file(file).await.err();
            imported.warning = imported.warning.or(unknown);
        }
        self.notify(imported.blast).await;
        Ok(imported)
    }

    /// The funnel of a blast, where people are stuck, and why some failed.
    pub async fn report(&self, id: BlastId) -> Result<Report, AppError> {
        let blast = self.blast(id).await?;
        let errors = if blast.counts.failed > 0 { self.errors(id).await? } else { Vec::new() };
        let provider = self.sender(blast.sender_id).map(|configured: &ConfiguredSender| configured.provider.clone());
        let advice = |code: &str| provider.as_ref().and_then(|provider| provider.advice(code)).map(str::to_owned);
        let (replies, charges) = (self.reply_counts(id).await?, self.charges(id).await?);
        let carts = cart::waiting_since(self.pool(), id, self.engine().clock.now() - CART_STUCK).await?;
        let unpriced = progress::unpriced(self.pool(), id).await?;
        let report =
            Report::new(&blast, &errors, advice).with(replies, charges).with_carts(carts).with_unpriced(unpriced);
        Ok(report.in_currency(&self.config().ui.currency))
    }
}

/// The most people that one request may contain.
const PEOPLE_MAX: u64 = 1_000_000;

/// What is wrong with a caller's list: nothing changed.
pub(super) fn refused(error: ImportError) -> AppError {
    match error {
        ImportError::Store(error) => error.into(),
        ImportError::Repeated => AppError::Repeated,
        ImportError::ForgetKey(why) => AppError::Refused(why.to_string()),
        ImportError::Closed(why) => AppError::Refused(why),
        ImportError::Forgotten => AppError::ForgottenMeanwhile,
        tried @ (ImportError::Stopped | ImportError::Followed) => AppError::Refused(tried.to_string()),
        ImportError::Sender(why) => AppError::NotFound(why),
        other => AppError::InvalidAt { places: places(&other), why: other.to_string() },
    }
}

/// What a list of people is called, wherever it came in the request.
const LIST: &str = "recipients";

/// Where in the list it is wrong.
fn places(error: &ImportError) -> Vec<InvalidPlace> {
    let at = |row: Option<u64>, why: String| InvalidPlace { field: LIST.to_owned(), row, why };
    match error {
        ImportError::NothingTaken { examples, .. } => examples
            .iter()
            .map(|person| at(Some(person.row), format!("{}: {}", person.column, person.reason)))
            .collect(),
        ImportError::OpenQuote { row } | ImportError::RowTooLong { row } => vec![at(Some(*row), error.to_string())],
        other => vec![at(None, other.to_string())],
    }
}

/// What is paused before its time was confirmed for fewer people: it takes others as a draft.
fn refuse_before_its_time(blast: &BlastRow) -> Result<(), AppError> {
    let is_paused = is_paused_before_start(blast.state, blast.launched_at, blast.scheduled_for);
    if !is_paused || blast.origin.repeat.rule.is_some() {
        return Ok(());
    }
    let id = blast.id;
    let mend = format!("`blastdeck blast undo {id}` makes it a draft again, to which people can be added");
    Err(AppError::Refused(format!("blast {id} is paused before its time: {mend}")))
}

/// When each person gets it is set for those who are in it when it is sent: whoever came later would get it at any hour of theirs. Not of
/// what repeats, each of whose times sets it for those who are in it then.
fn refuse_without_own_time(blast: &BlastRow) -> Result<(), AppError> {
    let repeats = blast.origin.repeat.rule.is_some();
    if blast.state != BlastState::Scheduled || repeats || !goes_by_own_clocks(blast) {
        return Ok(());
    }
    let id = blast.id;
    Err(AppError::Refused(format!(
        "blast {id} reaches each person at a time of their own, which was set when it was scheduled: take that back first \
         (`blastdeck blast undo {id}`), add them, and schedule it again"
    )))
}
