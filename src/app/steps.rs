//! Steps of a blast: follow-ups that make themselves. They may be added, changed and removed at any time; what they made already stays
//! as it is.

mod at_once;
mod done;
mod editing;
mod lost;
mod making;
mod refused_text;
mod same;
mod shown;
mod words;

use std::num::NonZeroU32;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::PgConnection;

use self::done::done_by;
use self::same::refuse_same;
use super::error::unread_after;
use super::segment::values_of;
use super::view::BlastView;
use super::{App, AppError};
use crate::domain::act::Act;
use crate::domain::blast::BlastState;
use crate::domain::content::BlastContent;
use crate::domain::field_change::FieldChange;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::domain::step::{StepError, StepRule, StepSince};
use crate::store::blast::BlastHead;
use crate::store::step::{self, StepBlast, StepChange, StepColumns, StepKey, StepRow};
use crate::store::view::BlastRow;
use crate::store::{DbTransaction, draft, view};

pub use at_once::SendsAtOnce;
pub use shown::{StepSeen, StepShown};

/// A step to add.
#[derive(Debug, Clone)]
pub struct NewStep {
    pub rule: StepRule,
    /// The follow-up stage of what it makes; `Follow-up` and its number where none is given, or the next one that is free.
    pub stage: Option<String>,
    pub content: BlastContent,
    /// What it makes waits after so many people.
    pub first: Option<NonZeroU32>,
    /// What it makes is sent by itself to so many people; more wait, as all do where none is given.
    pub at_most: Option<NonZeroU32>,
}

/// A step with everything else as its blast has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepAlike {
    pub blast: BlastId,
    pub since: StepSince,
    pub after: TimeDelta,
}

/// What changes in a step; everything absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepEdit {
    pub after: Option<TimeDelta>,
    pub since: Option<StepSince>,
    pub until: Option<Status>,
    pub stage: Option<String>,
    pub content: Option<BlastContent>,
    pub first: FieldChange<NonZeroU32>,
    pub at_most: FieldChange<NonZeroU32>,
    /// Done in the same transaction.
    pub change: Option<StepChange>,
    /// Somebody knows what it lost with whoever was forgotten, and lets it send by itself as it is.
    pub sends_lost: bool,
}

/// A step, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepView {
    pub step: StepRow,
    /// `2d after sent, not read`, `1d after a cart, no order`.
    pub when: String,
    /// Its draft that waits to be sent.
    pub waits: Option<BlastId>,
    /// When it comes first, or again; `None` where it or its blast is paused, one of its drafts waits, or it may come at any moment.
    pub comes_at: Option<DateTime<Utc>>,
    /// Its blast is paused: it makes and sends nothing until that is resumed.
    pub is_blast_paused: bool,
    /// Its blast was cancelled, failed, or repeats no more: it comes no more.
    pub is_over: bool,
    /// Its words, or a value that they send, lost the number of somebody who was forgotten, and it does not send by itself now, or its blast is a draft.
    pub lost_number: bool,
    /// It `sends text to` people whom Meta lets nobody send text to: what is said of it behind its name. `None` where they may get it.
    pub refused_text: Option<&'static str>,
    /// What it made, the newest first.
    pub blasts: Vec<StepBlast>,
}

/// When a step comes, or what it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepStanding {
    /// Its draft is sent by itself, and next.
    SendsNext(BlastId),
    /// Its draft waits for a yes.
    Asks(BlastId),
    /// The same, and the step is paused.
    AsksPaused(BlastId),
    Over,
    Paused,
    /// Its blast is paused.
    BlastPaused,
    ComesAt(DateTime<Utc>),
    /// It may come at any moment.
    AsDue,
}

impl StepView {
    pub fn standing(&self) -> StepStanding {
        let is_paused = self.step.paused_at.is_some();
        // One that its step sends by itself asks nobody, unless somebody did something to it.
        let is_next = |draft: BlastId| {
            let is_untouched = self.blasts.iter().any(|made| made.blast == draft && made.is_untouched);
            is_untouched && self.step.sends_by_itself()
        };
        match (self.waits, self.comes_at) {
            (Some(draft), _) if is_next(draft) && self.is_blast_paused => StepStanding::BlastPaused,
            (Some(draft), _) if is_next(draft) => StepStanding::SendsNext(draft),
            (Some(draft), _) if is_paused => StepStanding::AsksPaused(draft),
            (Some(draft), _) => StepStanding::Asks(draft),
            (None, _) if self.is_over => StepStanding::Over,
            _ if is_paused => StepStanding::Paused,
            _ if self.is_blast_paused => StepStanding::BlastPaused,
            (None, Some(at)) => StepStanding::ComesAt(at),
            (None, None) => StepStanding::AsDue,
        }
    }
}

/// Whether no step of a blast comes any more. The steps of what repeats are those of its times, of which none is left once it is over.
fn comes_no_more(row: &BlastRow) -> bool {
    let repeated = row.state == BlastState::Completed && row.origin.repeat.rule.is_some();
    repeated || matches!(row.state, BlastState::Cancelled | BlastState::Failed)
}

/// The most steps of one blast.
const STEPS_MAX: usize = 20;
/// How many of a blast's people are tried with a step's message.
const TRIED: i64 = 1_000;

impl App {
    /// The steps of a blast, by their numbers.
    pub async fn steps(&self, blast: BlastId) -> Result<Vec<StepView>, AppError> {
        // Its sender first: a token of another one learns nothing.
        let row = self.blast_row(blast).await?;
        // Before what they made: a draft that is made in between shows beside a step that has not made it yet, and never the other way
        // round, in which the step would come first a day later.
        let of_blast = step::of_blast(self.pool(), blast).await?;
        let made = step::blasts(self.pool(), blast).await?;
        let mut steps = Vec::new();
        for step in of_blast {
            let blasts = made.iter().filter(|made| made.step == step.number).cloned().collect();
            steps.push(self.step_view(&row, step, blasts).await?);
        }
        Ok(steps)
    }

    /// The same of a blast that was read already: most have none, which costs nothing.
    pub async fn steps_of(&self, blast: &BlastView) -> Result<Vec<StepView>, AppError> {
        if blast.origin.has_steps { self.steps(blast.id).await } else { Ok(Vec::new()) }
    }

    /// One of them.
    pub async fn step(&self, key: StepKey) -> Result<StepView, AppError> {
        let steps = self.steps(key.blast).await?;
        steps.into_iter().find(|view| view.step.number == key.number).ok_or_else(|| no_step(key))
    }

    async fn step_view(&self, row: &BlastRow, step: StepRow, blasts: Vec<StepBlast>) -> Result<StepView, AppError> {
        // A draft whose people all opted out since cannot be sent, and asks nobody.
        let waits = blasts.iter().find(|made| made.state == BlastState::Draft && made.has_people_left);
        let waits = waits.map(|made| made.blast);
        let rule = rule_of(&step).ok();
        let is_blast_paused = row.state == BlastState::Paused;
        let is_held = step.paused_at.is_some() || is_blast_paused;
        let is_idle = is_held || waits.is_some() || row.launched_at.is_none();
        let comes_at = match rule {
            Some(rule) if !is_idle => self.comes_at(&step, rule).await?,
            _ => None,
        };
        let when = rule.map_or_else(String::new, |rule| rule.to_string());
        let is_over = comes_no_more(row);
        let comes_at = comes_at.filter(|_| !is_over);
        let refused_text = rule.and_then(|rule| self.refused_text(row, &step, rule)).filter(|_| !is_over);
        // Of a draft nothing is sent yet.
        let lost_number = step.lost_number && (row.state == BlastState::Draft || !step.sends_by_itself());
        Ok(StepView { step, when, waits, comes_at, is_blast_paused, is_over, lost_number, refused_text, blasts })
    }

    async fn comes_at(&self, step: &StepRow, rule: StepRule) -> Result<Option<DateTime<Utc>>, AppError> {
        let first = step::first_at(self.pool(), step.blast, rule.since()).await?;
        let at = first.map(|first| first + rule.after()).max(step.next_draft_from());
        Ok(at.filter(|at| *at > self.engine().clock.now()))
    }

    /// Adds a step. Returns its number.
    pub async fn add_step(&self, blast: BlastId, new: NewStep) -> Result<i32, AppError> {
        self.write_new_step(blast, new, None).await
    }

    /// The same; under no other number than was shown, where one was.
    async fn write_new_step(&self, blast: BlastId, new: NewStep, shown: Option<i32>) -> Result<i32, AppError> {
        let row = self.blast_row(blast).await?;
        let columns = self.step_to_add(&row, new).await?;
        let (mut tx, head) = self.begin_step(blast).await?;
        refuse_beside(&step::of_blast(&mut *tx, blast).await?, &columns)?;
        let number = step::add(&mut tx, blast, columns).await?;
        if let Some(shown) = shown.filter(|shown| *shown != number) {
            let why = format!("somebody added step {shown} to blast {blast} meanwhile: nothing was added");
            return Err(AppError::Refused(why));
        }
        self.log_step(&mut tx, &head, (number, "added")).await?;
        tx.commit().await?;
        self.notify(blast).await;
        Ok(number)
    }

    /// What is written of a new step, unless its blast takes none.
    async fn step_to_add(&self, row: &BlastRow, new: NewStep) -> Result<StepColumns, AppError> {
        self.refuse_steps(row).await?;
        self.refuse_step_content(row, &new.content).await?;
        Ok(columns(new.rule, new.stage, &new.content, (new.first, new.at_most)))
    }

    /// Adds a step for whoever is stuck at a stage for so long from now on, with the blast's own message. Each draft of it waits for a yes.
    pub async fn add_step_alike(&self, from: StepAlike) -> Result<StepView, AppError> {
        let rule = StepRule::new(from.after, from.since, None).map_err(invalid_rule)?;
        let content = self.draft_alike(from.blast).await?.content;
        let new = NewStep { rule, stage: None, content, first: None, at_most: None };
        let number = self.add_step(from.blast, new).await?;
        let step = self.step(StepKey { blast: from.blast, number }).await;
        step.map_err(unread_after(format!("step {number} of blast {} is added", from.blast)))
    }

    /// Pauses, resumes or removes a step. What it made stays. `false`: it was so already, which is no act.
    pub async fn change_step(&self, key: StepKey, to: StepChange) -> Result<bool, AppError> {
        self.change_step_unless(key, to, |_| Ok(())).await
    }

    async fn change_step_unless(
        &self,
        key: StepKey,
        to: StepChange,
        refuse: impl FnOnce(&StepRow) -> Result<(), AppError>,
    ) -> Result<bool, AppError> {
        self.blast_row(key.blast).await?;
        let (mut tx, head) = self.begin_step(key.blast).await?;
        let now = step::lock(&mut tx, key).await?.ok_or_else(|| no_step(key))?;
        refuse(&now)?;
        let done = done_by(&now, to);
        // A pause of what is paused has a time of its own: whoever paused it before does not end it.
        if done.is_none() && to == StepChange::Resume {
            return Ok(false);
        }
        step::change(&mut tx, key, to).await?;
        if now.at_most.is_some() && now.lost_number && to == StepChange::Resume {
            step::send_as_it_is(&mut tx, key).await?;
        }
        if let Some(done) = done {
            self.log_step(&mut tx, &head, (key.number, done)).await?;
        }
        tx.commit().await?;
        self.notify(key.blast).await;
        Ok(done.is_some())
    }

    /// The blast under lock: the numbers of its steps are given one after another.
    async fn begin_step(&self, blast: BlastId) -> Result<(DbTransaction, BlastHead), AppError> {
        let mut tx = self.begin().await?;
        draft::lock(&mut tx, blast).await?;
        let head = self.head(&mut tx, blast).await?;
        Ok((tx, head))
    }

    async fn log_step(
        &self,
        tx: &mut PgConnection,
        head: &BlastHead,
        (number, what): (i32, &str),
    ) -> Result<(), AppError> {
        self.log_blast_act(tx, Act::Edit, head, json!({ "step": number, "step_was": what })).await?;
        Ok(())
    }

    /// Refuses steps where nothing would come of them.
    async fn refuse_steps(&self, row: &BlastRow) -> Result<(), AppError> {
        if comes_no_more(row) {
            let state = row.origin.repeat.state_in_words(row.state);
            return Err(AppError::Refused(format!("the blast is {state}: no step would come")));
        }
        if view::blasts::is_answer(self.pool(), row.id).await? {
            return Err(AppError::Refused("it is an answer to one person, which has no steps".to_owned()));
        }
        Ok(())
    }

    /// Refuses what the blast's sender cannot send, or what comes out for nobody.
    async fn refuse_step_content(&self, row: &BlastRow, content: &BlastContent) -> Result<(), AppError> {
        if matches!(content, BlastContent::Template(_)) && !self.sends_templates(row.sender_id) {
            let why = format!("sender {} sends no templates, which only a sender of provider meta can", row.sender);
            return Err(AppError::invalid("template", why));
        }
        if content.columns().is_empty() {
            return Ok(());
        }
        let people = step::values(self.pool(), row.id, TRIED).await?;
        let mut tried = people.into_iter().map(|(name, values)| content.render(&values_of(name.as_deref(), values)));
        match tried.next() {
            Some(Err(error)) if tried.all(|made| made.is_err()) => {
                let why = format!("it cannot be rendered for anyone in blast {}: {error}", row.id);
                Err(AppError::invalid("message", why))
            }
            _ => Ok(()),
        }
    }
}

/// Refuses one step too many, and one that sends the same as another.
fn refuse_beside(steps: &[StepRow], new: &StepColumns) -> Result<(), AppError> {
    if steps.len() >= STEPS_MAX {
        return Err(AppError::Refused(format!("a blast has at most {STEPS_MAX} steps: remove one first")));
    }
    refuse_same(steps, new)
}

/// The rule of a step as it is kept.
fn rule_of(step: &StepRow) -> Result<StepRule, StepError> {
    StepRule::new(TimeDelta::seconds(step.after_seconds), step.since, step.until)
}

fn columns(
    rule: StepRule,
    stage: Option<String>,
    content: &BlastContent,
    (first, at_most): (Option<NonZeroU32>, Option<NonZeroU32>),
) -> StepColumns {
    let number = |people: NonZeroU32| i32::try_from(people.get()).unwrap_or(i32::MAX);
    StepColumns {
        after: rule.after(),
        since: rule.since(),
        until: rule.until(),
        stage,
        message: content.text(),
        template: content.template(),
        first: first.map(number),
        at_most: at_most.map(number),
    }
}

/// What is wrong with a rule, by the name of its field.
pub(super) fn invalid_rule(error: StepError) -> AppError {
    AppError::invalid(error.field(), error.to_string())
}

fn no_step(key: StepKey) -> AppError {
    let StepKey { blast, number } = key;
    AppError::NotFound(format!("blast {blast} has no step {number}: see `blastdeck blast step list {blast}`"))
}
