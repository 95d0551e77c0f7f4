//! Edits drafts and what is scheduled: name, content and pace; and who is in a draft. What has started is frozen but for its pace and
//! hours.

mod draft_edit;

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::PgConnection;

pub use self::draft_edit::DraftEdit;
use super::opened_hours::OpenedHours;
use super::segment::CappedAudience;
use super::view::BlastView;
use super::{App, AppError};
use crate::domain::act::Act;
use crate::domain::blast::{BlastState, is_paused_before_start};
use crate::domain::content::{BlastContent, ContentRenderError};
use crate::domain::field_change::FieldChange;
use crate::domain::ids::BlastId;
use crate::domain::message::RenderError;
use crate::domain::pace::dropped_hours;
use crate::domain::phone::Phone;
use crate::engine::variables;
use crate::store::action::{self, NewAction};
use crate::store::blast::{self, BlastHead};
use crate::store::draft::{self, DraftChange};
use crate::store::local_time::{self, LocalDue};
use crate::store::view::BlastRow;

impl App {
    /// Edits a draft whose version is the one that was seen. A new message must come out for everybody in it. Returns whether that
    /// changed anything: where all of it is so already, no version is made, and nothing is logged.
    pub async fn edit(&self, id: BlastId, version: i64, edit: DraftEdit) -> Result<bool, AppError> {
        self.edit_armed(id, (version, TimeDelta::zero()), edit, None).await
    }

    /// The same; a blast that may send by its new hours waits until `armed_for` has passed, and can be given the former ones back
    /// until then. Where somebody confirmed a number of people, it is refused once more of them are queued.
    pub async fn edit_armed(
        &self,
        id: BlastId,
        (version, armed_for): (i64, TimeDelta),
        edit: DraftEdit,
        shown: Option<i64>,
    ) -> Result<bool, AppError> {
        // Before the transaction: a verb has one connection, which that takes. Where the row changes meanwhile, its version does.
        let row = self.blast_row(id).await?;
        let edit = edit.without_unchanged(&row, self.zone_of(&row));
        let capped = self.capped_after(&row, &edit).await?;
        let launched = self.launched_anew(row, &edit).await?;
        let mut tx = self.begin().await?;
        let (head, started) = self.locked_for(&mut tx, id).await?;
        let edit = match &started {
            Some(row) => of_started(edit.without_unchanged(row, self.zone_of(row)), row)?,
            None => edit,
        };
        if edit == DraftEdit::default() && head.version == version {
            // That the request was made is kept all the same: repeated once something has changed, it is to do nothing either.
            tx.commit().await?;
            return Ok(false);
        }
        let opened = match &started {
            Some(row) => self.opened(&mut tx, row, &edit, shown).await?.filter(|_| !armed_for.is_zero()),
            None => None,
        };
        let mut detail = logged(version, started.as_deref(), (&edit, opened.as_ref()));
        if let Some(content) = &edit.content
            && let Some(why) = missing_value(&mut tx, id, content).await?
        {
            let field = if content.template().is_some() { "template" } else { "message" };
            return Err(AppError::invalid(field, why.trim_start_matches("message: ")));
        }
        let start = self.changed_start(&mut tx, &head, &edit).await?;
        if let (BlastState::Scheduled, FieldChange::Set((at, _))) = (head.state, &start) {
            detail["start"] = json!(at);
        }
        let change = DraftChange { start, ..edit.into_change() };
        if !draft::change(&mut tx, id, version, change).await? {
            return Err(AppError::Changed);
        }
        self.apply_cap(&mut tx, capped.as_ref()).await?;
        if opened.is_some() {
            blast::arm(&mut tx, id, self.operator(), armed_for).await?;
        }
        local_time::set_due(&mut tx, id, &launched.dues).await?;
        if let Some(text) = &launched.template_text {
            blast::set_template_text(&mut tx, id, text).await?;
        }
        self.log_draft_act(&mut tx, Act::Edit, &head, detail).await?;
        tx.commit().await?;
        self.notify(id).await;
        Ok(true)
    }

    /// The hours and weekdays that a blast had when it was started, where it was made to send at any hour since: `09:00-21:00`.
    pub async fn dropped_hours(&self, id: BlastId) -> Result<Option<String>, AppError> {
        let limits = self.blast_row(id).await?.limits;
        if limits.hours.is_some() || limits.weekdays.is_some() {
            return Ok(None);
        }
        let changes = action::pace_changes(self.pool(), id).await?;
        Ok(changes.iter().find_map(|change| dropped_hours(change)).map(str::to_owned))
    }

    /// Whom a scheduled blast goes to at its new time.
    async fn capped_after(&self, row: &BlastRow, edit: &DraftEdit) -> Result<Option<CappedAudience>, AppError> {
        let FieldChange::Set(start) = edit.start else { return Ok(None) };
        match start.resolve(self.zone_of(row)) {
            Some(start) if row.state == BlastState::Scheduled => self.capped_audience(row, Some(start.at)).await,
            _ => Ok(None),
        }
    }

    /// What the launch of a scheduled blast decided, as it is after an edit.
    async fn launched_anew(&self, row: BlastRow, edit: &DraftEdit) -> Result<LaunchedAnew, AppError> {
        if row.state != BlastState::Scheduled {
            return Ok(LaunchedAnew::default());
        }
        self.refuse_crowding(&row, edit).await?;
        let template_text = match (&edit.content, self.sender(row.sender_id)) {
            (Some(content), Some(sender)) => self.template_check(sender, content).await.stored(),
            _ => None,
        };
        Ok(LaunchedAnew { template_text, dues: self.dues_after(row, edit).await? })
    }

    /// Takes people out of a draft. Returns how many were in it; where nobody was, nothing changes.
    pub async fn remove_people(&self, id: BlastId, phones: &[Phone]) -> Result<u64, AppError> {
        let row = self.blast_row(id).await?;
        self.refuse_by_hand(&row).await?;
        let mut tx = self.begin().await?;
        let head = self.draft(&mut tx, id).await?;
        let removed = draft::remove(&mut tx, id, phones).await?;
        if removed == 0 {
            return Ok(0);
        }
        // Perhaps it could not be made for one of those.
        if row.unfinished.as_deref().is_some_and(|why| why.contains(NOT_FOR)) {
            let unfinished = self.unfinished(&mut tx, id, &self.form_of(&row)).await?;
            draft::set_unfinished(&mut tx, id, unfinished.as_deref()).await?;
        }
        self.log_draft_act(&mut tx, Act::Remove, &head, json!({ "people": removed })).await?;
        tx.commit().await?;
        self.notify(id).await;
        Ok(removed)
    }

    /// A blast that can still be edited, under lock.
    pub(super) async fn draft(&self, tx: &mut PgConnection, id: BlastId) -> Result<BlastHead, AppError> {
        draft::lock(tx, id).await?;
        let head = self.head(tx, id).await?;
        match head.state {
            BlastState::Draft | BlastState::Scheduled => Ok(head),
            state if is_paused_before_start(state, head.launched_at, head.scheduled_for) => {
                Err(AppError::Refused(paused_before_its_time(head.id)))
            }
            _ => Err(AppError::Refused(not_editable(head.state, head.state_in_words()))),
        }
    }

    /// The same for an edit: also what has started, with all of it.
    async fn locked_for(
        &self,
        tx: &mut PgConnection,
        id: BlastId,
    ) -> Result<(BlastHead, Option<Box<BlastRow>>), AppError> {
        draft::lock(tx, id).await?;
        let head = self.head(tx, id).await?;
        if !matches!(head.state, BlastState::Sending | BlastState::Paused) {
            return Ok((self.draft(tx, id).await?, None));
        }
        let row = self.blast_row_in(tx, id).await?;
        Ok((head, Some(Box::new(row))))
    }

    pub(super) async fn log_draft_act(
        &self,
        tx: &mut PgConnection,
        action: Act,
        head: &BlastHead,
        detail: Value,
    ) -> Result<(), AppError> {
        let (operator, blast) = (self.acting_operator(), Some(head.id));
        action::log(tx, NewAction { operator, action, blast, recipient: None, phone: None, detail }).await?;
        Ok(())
    }
}

/// What an edit changes in a blast that has started: its pace and its hours may still change. Its engine is notified as of a pause.
fn of_started(edit: DraftEdit, row: &BlastRow) -> Result<DraftEdit, AppError> {
    if !edit.is_of_pace() {
        let is_before = is_paused_before_start(row.state, row.launched_at, row.scheduled_for);
        return Err(AppError::Refused(fixed_once_started((row.id, row.state), is_before)));
    }
    // Whoever was too early or too late by their own clock has been put off until then.
    if edit.is_of_hours() && row.origin.window_local {
        return Err(AppError::Refused("its hours are each person's own: they stay once it has started".to_owned()));
    }
    Ok(edit)
}

/// What is logged of an edit: of what has started, how it went before and how it goes now; and what an undo gives back.
fn logged(version: i64, started: Option<&BlastRow>, (edit, opened): (&DraftEdit, Option<&OpenedHours>)) -> Value {
    let Some(row) = started else { return json!({ "version": version }) };
    let (before, after) = (row.limits.words(), edit.limits_after(&row.limits).words());
    let pace = format!("{after}; before: {before}");
    match opened {
        Some(hours) => json!({ "version": version, "pace": pace, "hours": hours }),
        None => json!({ "version": version, "pace": pace }),
    }
}

/// Why nothing but the pace and the hours of a blast that has started can change: its start and its zone cannot even be taken away
/// where it has none. `None` where it has not started.
pub fn why_fixed(blast: &BlastView) -> Option<String> {
    let has_started = matches!(blast.state, BlastState::Sending | BlastState::Paused);
    let is_before = is_paused_before_start(blast.state, blast.launched_at, blast.scheduled_for);
    has_started.then(|| fixed_once_started((blast.id, blast.state), is_before))
}

/// The same of one that is known to have started, or is paused until its time.
fn fixed_once_started((id, state): (BlastId, BlastState), is_before_its_time: bool) -> String {
    if is_before_its_time {
        return paused_before_its_time(id);
    }
    format!(
        "{}; once started, only rate, gap, window and weekdays can change",
        not_editable(state, state.with_article())
    )
}

/// Why what is paused until its time is not edited.
fn paused_before_its_time(id: BlastId) -> String {
    format!("the blast is paused: `blastdeck blast undo {id}` makes it a draft, which can be edited")
}

/// Why what is in a state, which has these words, is not edited. What was launched may wait for its hours still, and send nothing.
pub(super) fn not_editable(state: BlastState, words: &str) -> String {
    let stands = if state == BlastState::Sending { "has started".to_owned() } else { format!("is {words}") };
    format!("the blast {stands}: only a draft, or what is scheduled, can be edited")
}

/// What the launch of a blast decided and an edit changes.
#[derive(Debug, Default)]
struct LaunchedAnew {
    /// The template as people read it.
    template_text: Option<String>,
    /// When people are due by their own clocks.
    dues: Vec<LocalDue>,
}

/// How many people are looked at together.
const PAGE: i64 = 5_000;

/// What is said before the number of somebody whom a message does not come out for.
pub const NOT_FOR: &str = "it cannot be made for";

/// Nobody gets a message with a gap in it: who has no value for one of its variables, in words.
pub(super) async fn missing_value(
    tx: &mut PgConnection,
    id: BlastId,
    content: &BlastContent,
) -> Result<Option<String>, AppError> {
    if content.columns().is_empty() {
        return Ok(None);
    }
    let mut after = None;
    loop {
        let people = draft::people(tx, id, after, PAGE).await?;
        let Some(last) = people.last() else { return Ok(None) };
        after = Some(last.id);
        let failed = people.iter().find_map(|person| {
            let values = variables(person.name.as_deref(), person.variables.as_ref());
            Some((person, content.render(&values).err()?))
        });
        if let Some((person, error)) = failed {
            if let ContentRenderError::Message(RenderError::Missing { name }) = &error
                && !draft::has_values(tx, id, name).await?
            {
                let column =
                    if name == "name" { "choose the column that has the names" } else { "is it a column of the list?" };
                return Ok(Some(format!(
                    "message: nobody in the list has a value for {{{name}}}: {column}; {{{name}|there}} gives a default"
                )));
            }
            let phone = person.phone_number.as_str();
            return Ok(Some(format!("message: {NOT_FOR} {phone}: {error}")));
        }
    }
}
