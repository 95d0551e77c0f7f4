//! Makes the drafts of steps as their people become due, and sends those that need no yes. Whoever runs an engine runs this beside it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::rule_of;
use super::words::{changed_words, late_words, left_behind_words, too_many_words, waits_words};
use crate::app::create::refused;
use crate::app::launching::{Launch, doubted_words};
use crate::app::{App, AppError, NewDraft};
use crate::domain::act::Actor;
use crate::domain::blast::{BlastCommand, FirstPeople, PersonClocks};
use crate::domain::content::BlastContent;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::status::Status;
use crate::domain::step::{StepRule, StepSince};
use crate::import::{ImportError, ImportOptions, Lineage, PeopleSource, RejectedTo};
use crate::store::forget::{self, LastForgotten};
use crate::store::step::{self, StepColumns, StepKey, StepNote, StepRow};
use crate::store::view::segment::StepAudience;
use crate::store::view::{BlastRow, Total};
use crate::store::{StoreError, suppression};

/// How long a step that cannot make a draft is left alone.
const AGAIN_AFTER: TimeDelta = TimeDelta::minutes(10);

/// After a time without an engine, so long is waited until the provider was asked what became of messages meanwhile.
const POLLS_FIRST: TimeDelta = TimeDelta::minutes(2);

/// How often it is looked whether a draft with nobody in it has people again.
const REFILLED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// How often a launch is tried whose people change meanwhile, before somebody is asked.
const TRIES: usize = 3;

/// Whom a step takes now, and what its draft is made of.
pub(super) struct DuePeople {
    rule: StepRule,
    content: BlastContent,
    /// The filter that finds them, as it is typed.
    text: String,
    pub people: Vec<Value>,
}

impl App {
    /// Sends the drafts that steps are to send by themselves, and makes those that are due. One that fails holds up no other.
    ///
    /// # Errors
    /// The first that failed, once everything else was gone through; at once where the database does not answer.
    pub(in crate::app) async fn run_steps(&self, senders: &[SenderId], now: DateTime<Utc>) -> Result<(), AppError> {
        let mut failed = None;
        for draft in step::unlaunched(self.pool(), senders).await? {
            failed = failed.or(failure_of(draft, self.send_by_itself(draft).await)?);
        }
        for (key, draft) in step::emptied(self.pool(), senders, now).await? {
            failed = failed.or(failure_of(draft, self.refill(key, draft, now).await)?);
        }
        // Their words are read with them.
        let last_forgotten = forget::last_forgotten(self.pool()).await?;
        for due in step::due(self.pool(), senders, now).await? {
            failed = failed.or(failure_of(due.blast, self.run_due((&due, last_forgotten), now).await)?);
        }
        failed.map_or(Ok(()), Err)
    }

    /// Makes the draft of a step. One that cannot make it is left alone for a while.
    async fn run_due(
        &self,
        (due, last_forgotten): (&StepRow, LastForgotten),
        now: DateTime<Utc>,
    ) -> Result<(), AppError> {
        match self.run_step((due, last_forgotten), now).await {
            Err(error) if !matches!(error, AppError::Store(_)) => {
                tracing::warn!(%error, blast = due.blast.0, step = due.number, "a step cannot make its draft");
                Ok(step::look_again(self.pool(), due.key(), now + AGAIN_AFTER).await?)
            }
            made => made,
        }
    }

    /// How many people are due for a step now, whom its next draft goes to.
    pub async fn people_due(&self, key: StepKey) -> Result<usize, AppError> {
        let (row, step) = (self.blast_row(key.blast).await?, self.step_row(key).await?);
        let due = self.due_people(&row, &step, (self.engine().clock.now(), None)).await?;
        Ok(due.people.len())
    }

    /// Whom a step takes at a moment; one that nobody has written yet, as it would be then.
    pub(super) async fn due_people(
        &self,
        row: &BlastRow,
        step: &StepRow,
        (now, unwritten): (DateTime<Utc>, Option<StepColumns>),
    ) -> Result<DuePeople, AppError> {
        let rule = rule_of(step).map_err(super::invalid_rule)?;
        let content = BlastContent::parse(&step.message, step.template.as_ref());
        let content = content.map_err(|error| AppError::Refused(format!("its message cannot be used: {error}")))?;
        let text = rule.segment(step.blast);
        let audience = StepAudience { number: step.number, until: step.until, now, unwritten };
        let people = self.given_by_step(row, (&text, audience), &content).await?;
        Ok(DuePeople { rule, content, text, people })
    }

    async fn run_step(
        &self,
        (step, last_forgotten): (&StepRow, LastForgotten),
        now: DateTime<Utc>,
    ) -> Result<(), AppError> {
        let row = self.blast_row(step.blast).await?;
        let DuePeople { rule, content, text, people } = self.due_people(&row, step, (now, None)).await?;
        if people.is_empty() {
            return Ok(step::look_again(self.pool(), step.key(), now + rule.between_looks()).await?);
        }
        let draft = self.step_draft(&row, (step, text), content).await?;
        let waits = self.why_it_waits(step, rule, (&people, now)).await?;
        if waits.is_none() && polls_first(step, &row, now) {
            return Ok(step::look_again(self.pool(), step.key(), now + POLLS_FIRST).await?);
        }
        let waits = waits.or_else(|| over_confirmed(step, i64::try_from(people.len()).unwrap_or(i64::MAX)));
        let asks = waits.is_some();
        let mut options = options(self, (step, rule), waits, now);
        options.note.last_forgotten = Some(last_forgotten);
        let made = self.make_step_draft(draft, people, options).await?;
        match made {
            Some(made) if !asks => self.send_by_itself(made).await,
            _ => Ok(()),
        }
    }

    /// Why a draft of a step waits for somebody; `None`: it is sent by itself.
    async fn why_it_waits(
        &self,
        step: &StepRow,
        rule: StepRule,
        (people, now): (&[Value], DateTime<Utc>),
    ) -> Result<Option<String>, AppError> {
        if step.at_most.is_none() {
            return Ok(Some(waits_words(step)));
        }
        let phones: Vec<&str> = people.iter().filter_map(|person| person["phone_number"].as_str()).collect();
        let first = step::first_of(self.pool(), (step.blast, step.since), &phones).await?;
        let due = first.map(|first| (first + rule.after()).max(step.earliest_due()));
        // A night without an engine makes nobody's second message a surprise: its own time over again does.
        let late = rule.after().max(self.engine().settings.too_late);
        Ok(due.filter(|due| now - *due > late).map(|due| late_words(step, now - due)))
    }

    /// Like the blast, with the step's message.
    async fn step_draft(
        &self,
        row: &BlastRow,
        (step, text): (&StepRow, String),
        content: BlastContent,
    ) -> Result<NewDraft, AppError> {
        let alike = self.draft_alike(row.id).await?;
        Ok(NewDraft {
            follow_up_stage: step.stage.clone(),
            content,
            first: FirstPeople::of(step.first_people, None).people,
            segment: Some(text),
            clocks: PersonClocks { local_time: None, window_local: row.origin.window_local },
            ..alike
        })
    }

    /// `None`: somebody was first, or was forgotten meanwhile: the next look reads them again.
    async fn make_step_draft(
        &self,
        draft: NewDraft,
        people: Vec<Value>,
        options: ImportOptions,
    ) -> Result<Option<BlastId>, AppError> {
        let made = self.create_from(draft, PeopleSource::given(people), RejectedTo::Nowhere, options).await;
        match made {
            Ok(made) => Ok(Some(made.blast)),
            Err(ImportError::Repeated | ImportError::Forgotten) => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }

    /// Sends a draft to the people who are due now, as an operator would; what stands in the way of that makes it wait for one.
    async fn send_by_itself(&self, draft: BlastId) -> Result<(), AppError> {
        for _ in 0..TRIES {
            // What else stands in the way of that stands in the way of the launch.
            if let Err(AppError::Store(error)) = self.renew_audience(draft).await {
                return Err(error.into());
            }
            let row = self.blast_row(draft).await?;
            if let Some(why) = doubted_words(&row) {
                return self.ask_about_draft(draft, &why).await;
            }
            if row.counts.queued == 0 {
                return if self.end_empty(&row).await? { self.look_soon(&row).await } else { Ok(()) };
            }
            let people = row.counts.queued - suppression::count_in(self.pool(), draft).await?;
            if let Some(why) = self.why_it_asks(&row, people).await? {
                return self.ask_about_draft(draft, &why).await;
            }
            let launch = Launch { blast: draft, version: row.version, people, armed_for: TimeDelta::zero() };
            match self.start_unconfirmed(launch, BlastCommand::Launch).await {
                Ok(_) => return Ok(()),
                Err(AppError::Store(error)) => return Err(error.into()),
                Err(AppError::PeopleChanged(_) | AppError::ForgottenMeanwhile) => {}
                // Of a draft that changes meanwhile the next try knows what stands in the way.
                Err(_) if self.blast_row(draft).await?.version != row.version => {}
                Err(why) => return self.ask_about_draft(draft, &why.to_string()).await,
            }
        }
        // Its people change at every moment: the next look tries again.
        Ok(())
    }

    /// A draft to nobody uses up no day: whoever becomes due meanwhile does not wait for the next.
    async fn look_soon(&self, draft: &BlastRow) -> Result<(), AppError> {
        let Some(key) = key_of(draft) else { return Ok(()) };
        let at = self.engine().clock.now() + AGAIN_AFTER;
        Ok(step::forget_draft(self.pool(), key, (draft.id, at)).await?)
    }

    /// Why a draft that is there already is not sent by itself: its step was changed since, an engine left it behind long ago, it goes to
    /// more people than its step sends to by itself, or most of them would not get its text.
    async fn why_it_asks(&self, row: &BlastRow, people: i64) -> Result<Option<String>, AppError> {
        let Some(key) = key_of(row) else { return Ok(None) };
        let steps = step::of_blast(self.pool(), key.blast).await?;
        let Some(step) = steps.into_iter().find(|step| step.number == key.number) else { return Ok(None) };
        if row.created_at < step.due_from {
            return Ok(Some(changed_words(&step)));
        }
        let made_ago = step.last_made_at.map(|made_at| self.engine().clock.now() - made_at);
        if let Some(made_ago) = made_ago.filter(|ago| *ago > self.engine().settings.too_late) {
            return Ok(Some(left_behind_words(made_ago)));
        }
        match over_confirmed(&step, people) {
            Some(why) => Ok(Some(why)),
            None => self.why_text_asks(row, people).await,
        }
    }

    /// Finds the people anew of a draft that has nobody in it any more: whoever looked at its plan right after another step had taken them
    /// would have put it off for a day.
    async fn refill(&self, key: StepKey, draft: BlastId, now: DateTime<Utc>) -> Result<(), AppError> {
        match self.renew_audience(draft).await {
            Ok(true) => Ok(()),
            Err(AppError::Store(error)) => Err(error.into()),
            // Still nobody; or somebody changes it in this moment.
            Ok(false) | Err(_) => Ok(step::look_again(self.pool(), key, now + REFILLED_EVERY).await?),
        }
    }

    async fn ask_about_draft(&self, draft: BlastId, why: &str) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        step::ask(&mut tx, draft, why).await?;
        tx.commit().await?;
        self.notify(draft).await;
        Ok(())
    }

    /// By which step a draft was made, as its filter is read.
    pub(in crate::app) async fn step_audience(&self, row: &BlastRow) -> Result<Option<StepAudience>, AppError> {
        let Some(key) = key_of(row) else { return Ok(None) };
        let until = step::until(self.pool(), key).await?;
        let now = self.engine().clock.now();
        Ok(until.map(|until| StepAudience { number: key.number, until, now, unwritten: None }))
    }

    /// Nobody gets a step twice, also where two of its drafts are launched at the same moment; and none goes by itself once somebody paused
    /// or removed the step, or has it ask.
    pub(in crate::app) async fn refuse_step_twice(
        &self,
        tx: &mut PgConnection,
        row: &BlastRow,
    ) -> Result<(), AppError> {
        let Some(key) = key_of(row) else { return Ok(()) };
        let has_twice = step::has_twice(tx, key, row.id).await?;
        // The step is locked by now: who changes it was first, or comes after this launch.
        let is_stopped = self.operator() == Actor::ENGINE && !step::sends_by_itself(tx, key, row.id).await?;
        if has_twice || is_stopped { Err(AppError::found_others()) } else { Ok(()) }
    }
}

/// Why something could not be done for a step of a blast, or for a draft, which is logged; the others are still to be gone through.
///
/// # Errors
/// A database that does not answer: each of the others would wait for it as well.
fn failure_of(blast: BlastId, done: Result<(), AppError>) -> Result<Option<AppError>, AppError> {
    match done {
        Ok(()) => Ok(None),
        Err(AppError::Store(error @ (StoreError::Unavailable(_) | StoreError::Silent { .. }))) => Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, blast = blast.0, "what a step is to make or to send could not be done");
            Ok(Some(error))
        }
    }
}

/// Why a draft to so many people waits for somebody: its step sends to fewer by itself.
fn over_confirmed(step: &StepRow, people: i64) -> Option<String> {
    let at_most = step.at_most.filter(|at_most| people > i64::from(*at_most))?;
    Some(too_many_words(at_most))
}

/// Whether people would be left out, for a day, of whom it is only not known yet how far they got.
fn polls_first(step: &StepRow, row: &BlastRow, now: DateTime<Utc>) -> bool {
    let was_away = step.look_due_at().is_some_and(|due| now - due > POLLS_FIRST);
    was_away && step.since == StepSince::Stage(Status::Sent) && row.unasked != Total::Exactly(0)
}

fn key_of(row: &BlastRow) -> Option<StepKey> {
    Some(StepKey { blast: row.follows?, number: row.origin.step? })
}

/// What is noted in the draft's own transaction.
fn options(app: &App, (step, rule): (&StepRow, StepRule), waits: Option<String>, now: DateTime<Utc>) -> ImportOptions {
    let mut options = app.import_options();
    let (stage, older_than) = (rule.stuck_at(), Some(rule.after()));
    options.note.follows = Some(Lineage { blast: step.blast, stage, older_than });
    options.note.step =
        Some(StepNote { step: step.key(), seen: step.last_made_at, due_from: step.due_from, now, waits });
    options
}
