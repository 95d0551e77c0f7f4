//! Writes a draft and its people in one transaction. Until [`Import::commit`], nobody sees any of it, and whatever ends
//! the import ends it without a trace.

mod copy_batch;
mod members;
mod settling;

use std::num::NonZeroU32;

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::json;
use sqlx::pool::PoolConnection;
use sqlx::{Executor as _, PgExecutor, PgPool, Postgres};

pub use self::copy_batch::{AddedBy, CopyBatch};
pub use self::members::Member;
use self::settling::{TransactionId, settle};
use super::StoreError;
use super::action::{self, NewAction, Operator};
use super::api_request::{self, RequestKey};
use super::customer;
use super::fence;
use super::forget::{self, LastForgotten};
use super::recurring::{self, OccurrenceNote};
use super::step::{self, StepNote};
use super::view::follow_up::follow_ups_of;
use crate::domain::act::{Act, Actor};
use crate::domain::blast::{BlastState, PersonClocks, RepeatColumns};
use crate::domain::content::BlastContent;
use crate::domain::field_change::FieldChange;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::message::Variables;
use crate::domain::pace::{Gap, Hours, Rate, Weekdays};
use crate::domain::phone::Phone;
use crate::domain::rejected_rows::RejectedRows;
use crate::domain::start_at::{StartAt, StartTime};
use crate::domain::status::Status;

/// A blast as it begins: a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlastDraft {
    pub sender_id: SenderId,
    pub tag: String,
    pub follow_up_stage: String,
    pub content: BlastContent,
    pub rate: Option<Rate>,
    pub gap: Option<Gap>,
    pub window: Option<Hours>,
    pub weekdays: Option<Weekdays>,
    pub timezone: Option<Tz>,
    /// Whether *not now* is tried again by itself after a day.
    pub retry_next_day: bool,
    /// After so many people it waits for somebody to resume it.
    pub first: Option<NonZeroU32>,
    /// What the program that makes it calls it.
    pub external_id: Option<String>,
    pub description: Option<String>,
    /// When it starts by itself once it is launched.
    pub start: Option<(StartAt, StartTime)>,
    /// The filter over earlier blasts that its people come from.
    pub segment: Option<String>,
    pub repeat: RepeatColumns,
    pub clocks: PersonClocks,
}

/// What is written beside the people, in the same transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportNote {
    /// The request that it is the effect of.
    pub request: Option<RequestKey>,
    /// Under whose name it is logged as an act; not at all without one.
    pub operator: Option<String>,
    /// With which that operator acts.
    pub token: Option<i64>,
    /// What is logged is that the draft's list was read, and not that people were added.
    pub is_list: bool,
    /// Why its draft cannot be sent yet.
    pub unfinished: FieldChange<String>,
    /// What makes it a follow-up.
    pub follows: Option<Lineage>,
    /// The follow-ups that their blast had when its people were read: whoever is in one of those is not among them.
    pub follow_ups_seen: Option<Vec<BlastId>>,
    /// Who was forgotten last before its people or its words were read in the database, where they were.
    pub last_forgotten: Option<LastForgotten>,
    /// Which time of a blast that repeats it is.
    pub occurrence: Option<OccurrenceNote>,
    /// Which step of a blast made it.
    pub step: Option<StepNote>,
}

/// Which blast a follow-up follows, and whom it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lineage {
    pub blast: BlastId,
    /// Where its people were stuck; `None` where a filter names them.
    pub stage: Option<Status>,
    /// For how long at least.
    pub older_than: Option<TimeDelta>,
}

/// One person to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecipient {
    pub phone: Phone,
    pub name: Option<String>,
    pub variables: Variables,
    /// What the program that gave it calls this person.
    pub external_id: Option<String>,
    /// Their row in a table, as a spreadsheet counts it; 0 of whoever came to a draft by another list than its own.
    pub list_row: Option<u64>,
}

/// Whoever of a blast was sent to, or may have been: they are in it for good, also where it is a draft of a database that went back in time.
macro_rules! attempted {
    () => {
        "select from blast_recipients where blast_id = $1 and (attempt > 0 or status not in ('queued', 'opted_out', 'skipped'))"
    };
}

/// Whether somebody of a draft was sent to, or may have been.
pub async fn is_attempted(executor: impl PgExecutor<'_>, draft: BlastId) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar(concat!("select exists (", attempted!(), ")"));
    Ok(found.bind(draft).fetch_one(executor).await?)
}

/// An import in progress. Dropping it closes its connection, and Postgres rolls everything back.
#[derive(Debug)]
pub struct Import {
    connection: PoolConnection<Postgres>,
    blast: BlastId,
    target: ImportTarget,
    /// Somebody's list says where consent came from.
    has_consent: bool,
    /// Whoever was in the draft is taken out of it.
    is_cleared: bool,
    unfinished: FieldChange<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ImportTarget {
    NewDraft,
    Draft,
}

/// Begins a transaction and puts the draft into it.
pub async fn begin(pool: &PgPool, draft: &BlastDraft, note: &ImportNote) -> Result<Import, StoreError> {
    let mut connection = open(pool, note).await?;
    let blast = insert(&mut connection, draft).await?;
    Ok(Import::of(connection, blast, ImportTarget::NewDraft))
}

/// Begins a transaction that adds people to this blast, under a lock for which launches, edits and other lists wait: however long the list
/// takes. Its row is shared until the end, so that nobody waits who only has it stay as it is: whoever of it answers elsewhere meanwhile.
/// With the state that it has then. `None`: there is no such blast, or it is not a draft any more. What repeats is never sent itself: it
/// counts as one while it is paused, too.
pub async fn begin_adding(
    pool: &PgPool,
    blast: BlastId,
    note: &ImportNote,
) -> Result<Option<(Import, BlastState)>, StoreError> {
    let mut connection = open(pool, note).await?;
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('list of ' || id, 0)) from blasts where id = $1")
        .bind(blast)
        .execute(&mut *connection)
        .await?;
    let state: Option<BlastState> = sqlx::query_scalar(
        "select state::text from blasts
          where id = $1 and deleted_at is null
            and (state in ('draft', 'scheduled') or state = 'paused' and repeat_rule is not null)
            for share",
    )
    .bind(blast)
    .fetch_optional(&mut *connection)
    .await?;
    Ok(state.map(|state| (Import::of(connection, blast, ImportTarget::Draft), state)))
}

async fn open(pool: &PgPool, note: &ImportNote) -> Result<PoolConnection<Postgres>, StoreError> {
    let mut connection = pool.acquire().await?;
    // A COPY broken off in the middle leaves a connection that nobody can use; this one is never used again.
    connection.close_on_drop();
    connection.execute("begin isolation level read committed").await?;
    // Before a row is locked, or anything is read of whoever is in a draft. What was read before is of no use once somebody is forgotten.
    match note.last_forgotten {
        None => forget::share_lists(&mut connection).await?,
        Some(_) => forget::share_lists_soon(&mut connection).await?,
    }
    // People come as fast as they are read, and a pipe may be slow.
    connection.execute("set local statement_timeout = 0").await?;
    connection.execute("set local idle_in_transaction_session_timeout = 0").await?;
    fence::require_triggers(&mut connection).await?;
    Ok(connection)
}

async fn insert(connection: &mut PoolConnection<Postgres>, draft: &BlastDraft) -> Result<BlastId, StoreError> {
    let blast = sqlx::query_scalar(
        "insert into blasts (sender_id, blast_tag, follow_up_stage, message, rate, gap, send_window, weekdays, timezone,
                             template, retry_next_day, external_id, description, scheduled_for, scheduled_local,
                             first_people, first_left, segment, repeat_rule, repeat_until, repeat_times, at_most,
                             local_time, window_local)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17, $18, $19, $20, $21, $22, $23)
         returning id",
    )
    .bind(draft.sender_id)
    .bind(&draft.tag)
    .bind(&draft.follow_up_stage)
    .bind(draft.content.text())
    .bind(draft.rate.map(|rate| rate.to_string()))
    .bind(draft.gap.map(|gap| gap.to_string()))
    .bind(draft.window.map(|hours| hours.to_string()))
    .bind(draft.weekdays.map(|days| days.to_string()))
    .bind(draft.timezone.map(Tz::name))
    .bind(draft.content.template())
    .bind(draft.retry_next_day)
    .bind(draft.external_id.as_deref())
    .bind(draft.description.as_deref())
    .bind(draft.start.map(|(_, time)| time.at))
    .bind(draft.start.and_then(|(start, _)| start.local()))
    .bind(draft.first.map(|first| i32::try_from(first.get()).unwrap_or(i32::MAX)))
    .bind(draft.segment.as_deref())
    .bind(draft.repeat.rule.as_deref())
    .bind(draft.repeat.until)
    .bind(draft.repeat.times)
    .bind(draft.repeat.at_most)
    .bind(draft.clocks.local_time)
    .bind(draft.clocks.window_local.then_some(true))
    .fetch_one(&mut **connection)
    .await?;
    Ok(blast)
}

impl Import {
    const fn of(connection: PoolConnection<Postgres>, blast: BlastId, target: ImportTarget) -> Self {
        Self { connection, blast, target, has_consent: false, is_cleared: false, unfinished: FieldChange::Keep }
    }

    /// The blast's id, not yet visible to others.
    pub const fn blast(&self) -> BlastId {
        self.blast
    }

    /// The keyed hashes of people whom no list may add again. Since this began, and until it ends, nobody else is forgotten. `None`: somebody
    /// was since its people or words were read.
    pub async fn forgotten(&mut self, note: &ImportNote) -> Result<Option<Vec<String>>, StoreError> {
        if let Some(before) = note.last_forgotten
            && forget::last_forgotten(&mut *self.connection).await? != before
        {
            return Ok(None);
        }
        forget::hashes(&mut self.connection).await.map(Some)
    }

    /// Writes what belongs beside the people. `false`: the request had its effect already.
    pub async fn note(&mut self, note: &ImportNote) -> Result<bool, StoreError> {
        if let Some(request) = &note.request
            && !api_request::claim(&mut self.connection, request, Some(self.blast)).await?
        {
            return Ok(false);
        }
        if let Some(occurrence) = note.occurrence {
            if !recurring::note(&mut self.connection, occurrence, Actor::ENGINE).await? {
                return Ok(false);
            }
            recurring::attach(&mut self.connection, occurrence, self.blast).await?;
        }
        if let Some(step) = &note.step
            && !step::note(&mut self.connection, step, self.blast).await?
        {
            return Ok(false);
        }
        if let Some(operator) = &note.operator {
            let (act, detail) = match self.target {
                ImportTarget::NewDraft => (Act::Create, json!({})),
                ImportTarget::Draft if note.is_list => (Act::Edit, json!({ "list": true })),
                ImportTarget::Draft => (Act::Add, json!({})),
            };
            let blast = Some(self.blast);
            let operator = Operator { name: operator, token: note.token };
            let new = NewAction { operator, action: act, blast, recipient: None, phone: None, detail };
            action::log(&mut self.connection, new).await?;
        }
        if let Some(lineage) = note.follows {
            self.follow(lineage).await?;
        }
        self.unfinished.clone_from(&note.unfinished);
        Ok(true)
    }

    /// Keeps with the draft which rows of its list are not in it.
    pub async fn keep_left_out(&mut self, left_out: Option<&RejectedRows>) -> Result<(), StoreError> {
        let kept = left_out.and_then(|left_out| serde_json::to_value(left_out).ok());
        let query = sqlx::query("update blasts set left_out = $2 where id = $1 and left_out is distinct from $2");
        query.bind(self.blast).bind(kept).execute(&mut *self.connection).await?;
        Ok(())
    }

    async fn follow(&mut self, Lineage { blast, stage, older_than }: Lineage) -> Result<(), StoreError> {
        sqlx::query(
            "update blasts set follows_blast = $2, follows_stage = $3::text::recipient_status, follows_seconds = $4
              where id = $1 and exists (select from blasts where id = $2)",
        )
        .bind(self.blast)
        .bind(blast)
        .bind(stage)
        .bind(older_than.map(|age| age.num_seconds()))
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Whether nobody made another follow-up of its blast since its people were read, or deleted that; from here on nobody does before this
    /// is committed.
    pub async fn has_seen_follow_ups(&mut self, note: &ImportNote) -> Result<bool, StoreError> {
        let (Some(lineage), Some(seen)) = (note.follows, &note.follow_ups_seen) else { return Ok(true) };
        let lock = sqlx::query("select from blasts where id = $1 and deleted_at is null for no key update");
        let is_there = lock.bind(lineage.blast).execute(&mut *self.connection).await?.rows_affected() == 1;
        let mut there = follow_ups_of(&mut *self.connection, lineage.blast).await?;
        there.retain(|made| *made != self.blast);
        Ok(is_there && there == *seen)
    }

    /// Takes everybody out of the draft, if it has the version that was seen. `false`: it has not, and nothing was done.
    pub async fn clear(&mut self, version: i64) -> Result<bool, StoreError> {
        let may_be_cleared = sqlx::query_scalar(concat!(
            "select exists (select from blasts where id = $1 and version = $2) and not exists (",
            attempted!(),
            ")",
        ));
        self.is_cleared = may_be_cleared.bind(self.blast).bind(version).fetch_one(&mut *self.connection).await?;
        if self.is_cleared {
            let people = sqlx::query("delete from blast_recipients where blast_id = $1");
            people.bind(self.blast).execute(&mut *self.connection).await?;
        }
        Ok(self.is_cleared)
    }

    /// Writes people as they come, until nobody sends any more. Returns how many.
    pub async fn people(&mut self, batches: &mut tokio::sync::mpsc::Receiver<CopyBatch>) -> Result<u64, StoreError> {
        let mut copy = self
            .connection
            .copy_in_raw(
                "copy blast_recipients (blast_id, phone_number, name, variables, external_id, list_row) from stdin",
            )
            .await?;
        while let Some(batch) = batches.recv().await {
            self.has_consent |= batch.has_consent;
            copy.send(batch.text).await?;
        }
        Ok(copy.finish().await?)
    }

    /// Makes it all visible at once. Where the answer to the commit is lost, the database is asked what became of it.
    ///
    /// # Errors
    /// [`StoreError::Unconfirmed`] where it cannot say.
    pub async fn commit(mut self, pool: &PgPool, people: i64) -> Result<BlastId, StoreError> {
        fence::mark_lost_posts_uncertain(&mut self.connection, self.blast).await?;
        if self.has_consent {
            customer::note_consents(&mut self.connection, self.blast).await?;
        }
        // Whoever launches what they saw before is refused.
        let transaction: TransactionId = sqlx::query_scalar(
            "update blasts
                set total_recipients = case when $4 then 0 else total_recipients end + $2, version = version + $3, updated_at = now(),
                    unfinished = case when $5 then unfinished else $6 end,
                    -- Who was found for another blast is in it no more.
                    for_people = case when $4 then null else for_people end
              where id = $1
             returning pg_current_xact_id()::text",
        )
        .bind(self.blast)
        .bind(i32::try_from(people).unwrap_or(i32::MAX))
        .bind(i64::from(self.target == ImportTarget::Draft))
        .bind(self.is_cleared)
        .bind(self.unfinished.is_keep())
        .bind(self.unfinished.get())
        .fetch_one(&mut *self.connection)
        .await?;
        let Err(error) = self.connection.execute("commit").await else { return Ok(self.blast) };
        // The connection is given up, and with it what is not committed yet.
        let blast = self.blast;
        drop(self);
        settle(pool, &transaction, error.into()).await.map(|()| blast)
    }
}

#[cfg(test)]
mod tests;
