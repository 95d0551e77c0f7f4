//! Drafts as somebody writes them: saved at every step, also half-written. What is missing is kept beside the draft and stands in
//! the way of a launch until it is mended.

mod list;
mod overtaken;
mod people;
mod scheduled;

pub use list::{DraftList, ListToTake};
pub use overtaken::DraftAt;
pub use people::{ByHand, DraftPerson, TakenList, variable_names};

use std::num::NonZeroU32;
use std::sync::Arc;

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::create::{RepeatOrder, refused};
use super::{App, AppError, DraftOvertaken};
use crate::domain::act::Act;
use crate::domain::blast::{BlastState, PersonClocks, blast_name};
use crate::domain::content::BlastContent;
use crate::domain::field_change::FieldChange;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::message::Message;
use crate::domain::pace::{Gap, Hours, Rate, Weekdays};
use crate::domain::rejected_rows::RejectedRows;
use crate::domain::start_at::StartAt;
use crate::import::{
    ImportError, ImportNote, ImportOptions, ImportProgress, Imported, ListColumn, PeopleSource, Replacement,
    list_columns, replace_people,
};
use crate::store::draft::{self, DraftChange};
use crate::store::suppression;
use crate::store::view::BlastRow;

/// Said of a draft while its list of people is read: nothing of it is sent until all of it is in.
const TAKING: &str = "its list of people was not taken to the end: take it once more";

/// How many people of a draft are shown as they read the message.
const SHOWN: i64 = 50;

/// A draft as it is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftForm {
    /// The sender's name, as configured.
    pub sender: String,
    pub tag: String,
    pub follow_up_stage: String,
    /// As it was typed, also where it cannot be read yet.
    pub message: String,
    /// Sent in place of the message.
    pub template: Option<Value>,
    /// By the provider's word a marketing template: numbers of the United States are left out of lists.
    pub is_marketing: bool,
    pub rate: Option<Rate>,
    pub gap: Option<Gap>,
    pub window: Option<Hours>,
    pub weekdays: Option<Weekdays>,
    pub timezone: Option<chrono_tz::Tz>,
    /// When it starts by itself once it is sent; `None`: at once.
    pub start: Option<StartAt>,
    /// After so many people it waits for somebody to resume it.
    pub first: Option<NonZeroU32>,
    /// By which rule it repeats; it has no start of its own then.
    pub repeat: Option<RepeatOrder>,
    /// What of it goes by each person's own clock.
    pub clocks: PersonClocks,
}

/// A draft that was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedDraft {
    pub at: DraftAt,
    /// Why it cannot be sent yet.
    pub unfinished: Option<String>,
}

/// A draft, or what is scheduled, that was read to be written on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedDraft {
    pub at: DraftAt,
    pub state: BlastState,
    pub form: DraftForm,
    pub unfinished: Option<String>,
    pub people: i64,
    pub by_hand: ByHand,
    /// Who of them gets nothing, as it stands.
    pub left_out_since: i64,
    /// The first of them.
    pub first_people: Vec<DraftPerson>,
    /// The rows of its list that it was made without.
    pub left_out: Option<RejectedRows>,
}

impl DraftForm {
    /// What would be sent.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub fn content(&self) -> Result<BlastContent, String> {
        BlastContent::parse(&self.message, self.template.as_ref()).map_err(|error| error.to_string())
    }
}

impl App {
    async fn save_draft_there_is(&self, at: Option<DraftAt>, form: &DraftForm) -> Result<SavedDraft, AppError> {
        if let Some(at) = at
            && let Some(saved) = self.save_scheduled(at, form).await?
        {
            return Ok(saved);
        }
        let sender = self.draft_sender(&form.sender).await?;
        let mut tx = self.begin().await?;
        let (at, act) = match at {
            Some(at) => (at, Act::Edit),
            None => (DraftAt::new(draft::begin(&mut tx, sender, &form.tag).await?, 0), Act::Create),
        };
        let head = self.draft(&mut tx, at.id).await?;
        refuse_started(head.state)?;
        let at = at.with_people_found_since(&mut tx, head.version).await?;
        let unfinished = self.unfinished(&mut tx, at.id, form).await?;
        let start = self.draft_start(form)?;
        let zone = self.draft_zone(form);
        let repeat = form.repeat.as_ref().map(|order| order.columns(zone)).map_or(FieldChange::Clear, FieldChange::Set);
        let change = DraftChange { start, repeat, ..change_of(sender, form, unfinished.as_deref()) };
        if !draft::change(&mut tx, at.id, at.version, change).await? {
            let by = self.overtaken_by(&mut tx, at.id).await?;
            return Err(AppError::Overtaken(DraftOvertaken::Changed { by, version: head.version }));
        }
        self.log_draft_act(&mut tx, act, &head, json!({ "version": at.version })).await?;
        let saved = DraftAt::of(&mut tx, at.id, at.version + 1).await?;
        tx.commit().await?;
        self.notify(at.id).await;
        Ok(SavedDraft { at: saved, unfinished })
    }

    /// Takes a list into a draft, in place of whoever was in it; cells are repaired by the given mends. A list is taken as well while the
    /// message cannot be read yet: nobody is left out for it then.
    ///
    /// # Errors
    /// Where the list cannot be read, or nobody in it can be taken: whoever was in the draft stays.
    pub async fn take_list(&self, at: DraftAt, form: &DraftForm, to_take: &ListToTake) -> Result<TakenList, AppError> {
        self.take_list_watched(at, form, (to_take, &Arc::default())).await
    }

    /// The same for somebody who watches how far it is, and may stop it: whoever was in the draft stays then.
    pub async fn take_list_watched(
        &self,
        at: DraftAt,
        form: &DraftForm,
        (to_take, progress): (&ListToTake, &Arc<ImportProgress>),
    ) -> Result<TakenList, AppError> {
        let source = to_take.open()?;
        let before = self.blast_row(at.id).await?;
        refuse_started(before.state)?;
        self.refuse_list(&before).await?;
        let plain =
            || Message::literal("-").map(BlastContent::Text).map_err(|error| AppError::Invalid(error.to_string()));
        let written = form.content();
        let content = written.clone().or_else(|_| plain())?;
        self.begin_taking(at).await?;
        let taken = match self.replace((at, form), (content, written.err()), (source, to_take), progress).await {
            Err(error @ ImportError::UnknownVariable { .. }) => {
                let without = (plain()?, Some(error.to_string()));
                self.replace((at, form), without, (to_take.open()?, to_take), progress).await
            }
            other => other,
        };
        if taken.is_err() {
            self.end_taking(at.id, before.unfinished.as_deref()).await?;
        }
        let (imported, mut unfinished) = taken.map_err(refused)?;
        let row = self.blast_row(at.id).await?;
        if imported.by_hand > 0 && unfinished.is_none() {
            // The message was made for each of the list's people, and for nobody else.
            let mut tx = self.begin().await?;
            unfinished = self.unfinished(&mut tx, at.id, form).await?;
            draft::set_unfinished(&mut tx, at.id, unfinished.as_deref()).await?;
            tx.commit().await?;
        }
        self.notify(at.id).await;
        let saved = SavedDraft { at: DraftAt { version: row.version, ..at }, unfinished };
        let people = row.total_recipients;
        Ok(TakenList { saved, people, imported, left_out_since: self.left_out_since(&row).await? })
    }

    /// With why the draft cannot be sent yet. That is written together with the list, so that another list, which is refused, does not take it
    /// for what it said itself.
    async fn replace(
        &self,
        (at, form): (DraftAt, &DraftForm),
        (content, unfinished): (BlastContent, Option<String>),
        (source, to_take): (PeopleSource, &ListToTake),
        progress: &Arc<ImportProgress>,
    ) -> Result<(Imported, Option<String>), ImportError> {
        let region = self.config().sender(&form.sender).map(|sender| sender.region);
        let region = region.ok_or_else(|| ImportError::Sender(self.no_sender(&form.sender)))?;
        let to = Replacement {
            blast: at.id,
            version: at.version,
            region,
            content,
            without_united_states: form.is_marketing,
            mends: to_take.mends.clone(),
            is_of_filter: false,
        };
        let note = ImportNote {
            operator: Some(self.operator().to_owned()),
            token: self.acting_operator().token,
            is_list: true,
            unfinished: unfinished.clone().map_or(FieldChange::Clear, FieldChange::Set),
            ..ImportNote::default()
        };
        let (rejections, progress) = (to_take.list.rejections(), Arc::clone(progress));
        // Where it was read into this draft before, its own corrections count, and that there are none.
        let kept = draft::left_out(self.pool(), at.id).await?.unwrap_or_default();
        let is_new = to_take.mends.is_empty() && !rejections.is_of(&kept);
        let earlier_mends = if is_new { self.earlier_mends(&rejections, Some(at.id)).await? } else { Vec::new() };
        let options = ImportOptions { note, rejections, earlier_mends, progress, ..self.import_options() };
        Ok((replace_people(self.pool(), to, source, options).await?, unfinished))
    }

    /// The columns of a list with some of their cells, for whoever chooses among them.
    ///
    /// # Errors
    /// Where the list cannot be read.
    pub async fn columns_of_list(&self, sender: &str, list: &DraftList) -> Result<Vec<ListColumn>, AppError> {
        let configured = self.config().sender(sender).ok_or_else(|| AppError::NotFound(self.no_sender(sender)))?;
        list_columns(list.open()?, configured.region).await.map_err(refused)
    }

    /// Reads a draft to write on it.
    pub async fn open_draft(&self, id: BlastId) -> Result<OpenedDraft, AppError> {
        let row = self.blast_row(id).await?;
        if row.state != BlastState::Scheduled {
            refuse_started(row.state)?;
        }
        // Before a connection is held: it takes one of its own.
        let left_out_since = self.left_out_since(&row).await?;
        let mut tx = self.begin().await?;
        let people = draft::first_people(&mut tx, id, SHOWN).await?;
        let left_out = draft::left_out(&mut *tx, id).await?;
        let by_hand = ByHand::of(&mut tx, id, left_out.as_ref()).await?;
        if let Some(unreadable) = row.limits.unreadable() {
            let name = blast_name(&row.tag, &row.follow_up_stage);
            return Err(AppError::Refused(format!("{name}: {unreadable}. Fix that in its row of the table blasts")));
        }
        Ok(OpenedDraft {
            at: DraftAt::of(&mut tx, id, row.version).await?,
            state: row.state,
            form: self.form_of(&row),
            unfinished: row.unfinished.clone(),
            people: row.counts.total(),
            by_hand,
            left_out_since,
            first_people: people.into_iter().map(DraftPerson::of).collect(),
            left_out,
        })
    }

    /// How many people of a draft get nothing, as it stands: they opted out, answered what it follows, or may have had it. Its plan counts
    /// them again.
    async fn left_out_since(&self, row: &BlastRow) -> Result<i64, AppError> {
        let queued = suppression::count_in(self.pool(), row.id).await? + self.answered_since(row).await?.people();
        Ok(row.counts.total() - row.counts.queued + queued)
    }

    /// What is written in a blast.
    pub(super) fn form_of(&self, row: &BlastRow) -> DraftForm {
        let limits = &row.limits;
        DraftForm {
            sender: row.sender.clone(),
            tag: row.tag.clone(),
            follow_up_stage: row.follow_up_stage.clone(),
            message: if row.template.is_some() { String::new() } else { row.message.clone() },
            template: row.template.clone(),
            is_marketing: false,
            rate: limits.rate.clone().and_then(Result::ok),
            gap: limits.gap.clone().and_then(Result::ok),
            window: limits.hours.clone().and_then(Result::ok),
            weekdays: limits.weekdays.clone().and_then(Result::ok),
            timezone: limits.zone.clone().and_then(Result::ok),
            // A pattern that was sent and taken back has its next time as its start.
            start: super::schedule::typed_start(row).filter(|_| row.origin.repeat.rule.is_none()),
            first: row.first.people,
            repeat: RepeatOrder::of(&row.origin.repeat, self.zone_of(row)),
            clocks: PersonClocks { local_time: row.origin.local_time, window_local: row.origin.window_local },
        }
    }

    /// A sender that is configured here and registered in the database.
    async fn draft_sender(&self, name: &str) -> Result<SenderId, AppError> {
        let missing = || AppError::NotFound(self.no_sender(name));
        let sender = self.config().sender(name).ok_or_else(missing)?;
        let id = crate::store::sender::id(self.pool(), &sender.name).await?;
        id.filter(|id| self.only_sender().is_none_or(|own| own == *id)).ok_or_else(missing)
    }

    /// Why a draft cannot be sent as it is written: its content cannot be read, or does not come out for somebody.
    pub(super) async fn unfinished(
        &self,
        tx: &mut PgConnection,
        id: BlastId,
        form: &DraftForm,
    ) -> Result<Option<String>, AppError> {
        match form.content() {
            Err(why) => Ok(Some(why)),
            Ok(content) => match super::edit::missing_value(tx, id, &content).await? {
                Some(why) => Ok(Some(with_mend(&why, draft::has_rows(tx, id).await?))),
                None => Ok(None),
            },
        }
    }

    async fn begin_taking(&self, at: DraftAt) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        if !draft::begin_unfinished(&mut tx, (at.id, at.version), TAKING).await? {
            return Err(refused(ImportError::changed_draft()));
        }
        tx.commit().await?;
        Ok(())
    }

    async fn end_taking(&self, id: BlastId, why: Option<&str>) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        draft::end_unfinished(&mut tx, id, (TAKING, why)).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// A value that does not fit a message which was written after the people came. Those of a follow-up or a filter are of no list.
fn with_mend(why: &str, is_of_list: bool) -> String {
    let mend = match (why.contains(super::edit::NOT_FOR), is_of_list) {
        (false, _) => "",
        (true, true) => {
            "; taking the list again, on the line People, leaves such rows out, and `blastdeck blast remove` takes out who was added by hand"
        }
        (true, false) => "; `blastdeck blast remove` takes them out",
    };
    format!("{why}{mend}")
}

fn change_of(sender: SenderId, form: &DraftForm, unfinished: Option<&str>) -> DraftChange {
    fn set<T: ToString>(value: Option<T>) -> FieldChange<String> {
        value.map_or(FieldChange::Clear, |value| FieldChange::Set(value.to_string()))
    }
    let words = form.content().map_or_else(|_| form.message.clone(), |content| content.text());
    DraftChange {
        sender: Some(sender),
        tag: Some(form.tag.clone()),
        follow_up_stage: Some(form.follow_up_stage.clone()),
        message: Some(words.replace('\0', "")),
        template: form.template.clone().map_or(FieldChange::Clear, FieldChange::Set),
        rate: set(form.rate),
        gap: set(form.gap),
        window: set(form.window),
        weekdays: set(form.weekdays),
        timezone: set(form.timezone.map(chrono_tz::Tz::name)),
        unfinished: set(unfinished),
        first: form
            .first
            .map_or(FieldChange::Clear, |first| FieldChange::Set(i32::try_from(first.get()).unwrap_or(i32::MAX))),
        clocks: Some(form.clocks),
        ..DraftChange::default()
    }
}

/// What is half-written must not start by itself: a blast that was sent to start at a time is not written on.
fn refuse_started(state: BlastState) -> Result<(), AppError> {
    match state {
        BlastState::Draft => Ok(()),
        BlastState::Scheduled => Err(AppError::Refused(
            "it is scheduled by now, and its people are those of its plan: ⟨d⟩ makes a new one like it".to_owned(),
        )),
        state => Err(AppError::Refused(super::edit::not_editable(state, state.with_article()))),
    }
}

#[cfg(test)]
mod tests {
    use super::with_mend;

    #[test]
    fn whoever_is_of_no_list_is_not_left_out_by_taking_one_again() {
        let why = "message: it cannot be made for +60100000001: {2} is empty";

        assert!(with_mend(why, true).contains("; taking the list again"));
        assert_eq!(with_mend(why, false), format!("{why}; `blastdeck blast remove` takes them out"));
    }
}
