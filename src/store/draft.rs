//! Changes of drafts.

mod kept;
mod rows;
mod unfinished;
mod words;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row};

pub use self::kept::{KeptSettings, kept_settings};
pub use self::rows::{has_rows, without_row};
pub use self::unfinished::{begin_unfinished, end_unfinished, set_unfinished};
pub use self::words::words;
use super::claim::is_for_people;
use super::{StoreError, fence, step};
use crate::domain::blast::{PersonClocks, RepeatColumns};
use crate::domain::field_change::FieldChange;
use crate::domain::ids::{BlastId, RecipientId, SenderId};
use crate::domain::phone::Phone;
use crate::domain::rejected_rows::{CellMend, RejectedRows};

/// New values of columns; `None` leaves one as it is.
#[derive(Debug, Clone, Default)]
pub struct DraftChange {
    pub sender: Option<SenderId>,
    pub tag: Option<String>,
    pub follow_up_stage: Option<String>,
    pub description: FieldChange<String>,
    pub external_id: FieldChange<String>,
    pub message: Option<String>,
    pub template: FieldChange<Value>,
    pub rate: FieldChange<String>,
    pub gap: FieldChange<String>,
    pub window: FieldChange<String>,
    pub weekdays: FieldChange<String>,
    pub timezone: FieldChange<String>,
    pub start: FieldChange<(DateTime<Utc>, Option<NaiveDateTime>)>,
    /// Why it cannot be sent yet.
    pub unfinished: FieldChange<String>,
    /// After how many people it waits for somebody.
    pub first: FieldChange<i32>,
    pub repeat: FieldChange<RepeatColumns>,
    /// `None`: they stay as they are.
    pub clocks: Option<PersonClocks>,
}

/// Makes a draft that nothing is written in yet. It is unfinished until something is.
pub async fn begin(tx: &mut PgConnection, sender: SenderId, tag: &str) -> Result<BlastId, StoreError> {
    let id = sqlx::query_scalar(
        "insert into blasts (sender_id, blast_tag, message, unfinished) values ($1, $2, '', 'nothing is written in it yet')
         returning id",
    );
    Ok(id.bind(sender).bind(tag).fetch_one(tx).await?)
}

/// Whose people a copy has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopiedPeople {
    All,
    /// Those whom the cancelling left out: others have the message.
    LeftOut,
}

/// Whether the cancelling of a blast left out anybody.
pub async fn has_left_out(tx: &mut PgConnection, id: BlastId) -> Result<bool, StoreError> {
    let has = sqlx::query_scalar(
        "select exists (select from blast_recipients r join blasts b on b.id = r.blast_id
                         where b.id = $1 and b.state = 'cancelled'
                           and r.status = 'skipped' and r.reason is not distinct from b.state_reason)",
    );
    Ok(has.bind(id).fetch_one(tx).await?)
}

/// Whom a copy of a blast is for. Of one that was cancelled before anybody was sent to, it is for all.
async fn copied_people(tx: &mut PgConnection, id: BlastId) -> Result<CopiedPeople, StoreError> {
    let is_rest = sqlx::query_scalar(
        "select b.state = 'cancelled'
                and exists (select from blast_recipients where blast_id = b.id and attempt > 0)
                and exists (select from blast_recipients r where r.blast_id = b.id and r.status = 'skipped'
                                                             and r.reason is not distinct from b.state_reason)
           from blasts b where b.id = $1",
    );
    let is_rest: bool = is_rest.bind(id).fetch_one(tx).await?;
    Ok(if is_rest { CopiedPeople::LeftOut } else { CopiedPeople::All })
}

/// Makes a draft like another blast, with its people and its list as they were there. Whom an older version took twice is in it once; no stand-in is.
pub async fn duplicate(tx: &mut PgConnection, id: BlastId) -> Result<(BlastId, CopiedPeople), StoreError> {
    let people = copied_people(tx, id).await?;
    let copy = sqlx::query_scalar(concat!(
        "with copy as (
             insert into blasts (sender_id, blast_tag, follow_up_stage, message, template, rate, gap, send_window, weekdays,
                                 timezone, retry_next_day, description, unfinished, first_people, first_left, total_recipients,
                                 repeat_rule, repeat_until, repeat_times, at_most, local_time, window_local, left_out,
                                 follows_blast, follows_stage, follows_seconds, for_people, created_at)
             select sender_id, blast_tag, follow_up_stage, message, template, rate, gap, send_window, weekdays, timezone,
                    retry_next_day, description, unfinished, first_people, first_people, total_recipients,
                    repeat_rule, repeat_until, repeat_times, at_most, local_time, window_local,
                    -- What its list was is not what a part of its people are.
                    case when not $2 then left_out end,
                    case when is_instead then follows_blast end,
                    -- Of a step after a cart there is none.
                    case when is_instead then coalesce(follows_stage, case when step_number is not null then 'sent'::recipient_status end) end,
                    case when is_instead then follows_seconds end,
                    -- Nobody listed them: they were found, and so they are in the copy.
                    case when ",
        is_for_people!(""),
        " then true end,
                    -- Its people are those of the follow-up: who answered since that was made, or is in another one since, is left out.
                    case when is_instead then created_at else now() end
               from blasts,
                    -- Of a follow-up that was not sent it is one as well.
                    lateral (select follows_blast is not null and state in ('draft', 'scheduled', 'cancelled') as is_instead) as copied
              where id = $1
             returning id)
         select id from copy"
    ))
    .bind(id)
    .bind(people == CopiedPeople::LeftOut)
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query(
        "insert into blast_recipients (blast_id, phone_number, name, variables, external_id, list_row)
         select $2, r.phone_number, r.name, r.variables, r.external_id, r.list_row
           from blast_recipients r join blasts b on b.id = r.blast_id
          where r.blast_id = $1 and r.second_spelling is not true and starts_with(r.phone_number, '+')
            and (not $3 or r.status = 'skipped' and r.reason is not distinct from b.state_reason) order by r.id",
    )
    .bind(id)
    .bind(copy)
    .bind(people == CopiedPeople::LeftOut)
    .execute(&mut *tx)
    .await?;
    sqlx::query("update blasts set total_recipients = (select count(*) from blast_recipients where blast_id = $1) where id = $1")
        .bind(copy)
        .execute(&mut *tx)
        .await?;
    let opt_outs = "insert into draft_opt_outs select $2, person, by_addition from draft_opt_outs where blast_id = $1";
    sqlx::query(opt_outs).bind(id).bind(copy).execute(&mut *tx).await?;
    step::copy(tx, id, copy).await?;
    fence::mark_lost_posts_uncertain(tx, copy).await?;
    Ok((copy, people))
}

/// Locks the blast's row, before its people.
pub async fn lock(tx: &mut PgConnection, id: BlastId) -> Result<(), StoreError> {
    sqlx::query("select 1 from blasts where id = $1 for update").bind(id).execute(tx).await?;
    Ok(())
}

/// Changes a draft that has this version. `false`: somebody was first. Its words may become those of a message that its people have had.
pub async fn change(tx: &mut PgConnection, id: BlastId, version: i64, to: DraftChange) -> Result<bool, StoreError> {
    let (start, when) = (to.start.value(), (to.repeat, to.clocks));
    let (description, external_id) = (!to.description.is_keep(), !to.external_id.is_keep());
    let done = sqlx::query(
        "update blasts
            set blast_tag = coalesce($3, blast_tag), follow_up_stage = coalesce($4, follow_up_stage),
                description = case when $28 then $5 else description end,
                external_id = case when $29 then $6 else external_id end,
                message = coalesce($7, message), template = case when $8 then $9 else template end,
                rate = case when $10 then $11 else rate end, gap = case when $12 then $13 else gap end,
                send_window = case when $14 then $15 else send_window end,
                weekdays = case when $16 then $17 else weekdays end, timezone = case when $18 then $19 else timezone end,
                scheduled_for = case when $20 then $21 else scheduled_for end,
                scheduled_local = case when $20 then $22 else scheduled_local end,
                send_after = case when $20 and state = 'scheduled' then $21 else send_after end,
                blast_date = case when $20 and state = 'scheduled' then coalesce($21, blast_date) else blast_date end,
                sender_id = coalesce($23, sender_id),
                unfinished = case when $24 then $25 else unfinished end,
                first_people = case when $26 then $27 else first_people end,
                first_left = case when $26 then $27 else first_left end,
                version = version + 1, updated_at = now()
          where id = $1 and version = $2",
    )
    .bind(id)
    .bind(version)
    .bind(to.tag)
    .bind(to.follow_up_stage)
    .bind(to.description.value())
    .bind(to.external_id.value())
    .bind(to.message)
    .bind(!to.template.is_keep())
    .bind(to.template.value())
    .bind(!to.rate.is_keep())
    .bind(to.rate.value())
    .bind(!to.gap.is_keep())
    .bind(to.gap.value())
    .bind(!to.window.is_keep())
    .bind(to.window.value())
    .bind(!to.weekdays.is_keep())
    .bind(to.weekdays.value())
    .bind(!to.timezone.is_keep())
    .bind(to.timezone.value())
    .bind(!to.start.is_keep())
    .bind(start.map(|(at, _)| at))
    .bind(start.and_then(|(_, local)| local))
    .bind(to.sender)
    .bind(!to.unfinished.is_keep())
    .bind(to.unfinished.value())
    .bind(!to.first.is_keep())
    .bind(to.first.value())
    .bind(description)
    .bind(external_id)
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 1 {
        change_when(tx, id, when).await?;
        fence::doubt_other_words(tx, id).await?;
    }
    Ok(done.rows_affected() == 1)
}

/// Changes by which rule it repeats, and what goes by each person's own clock.
async fn change_when(
    tx: &mut PgConnection,
    id: BlastId,
    (repeat, clocks): (FieldChange<RepeatColumns>, Option<PersonClocks>),
) -> Result<(), StoreError> {
    if repeat.is_keep() && clocks.is_none() {
        return Ok(());
    }
    let (keeps_repeat, keeps_clocks) = (repeat.is_keep(), clocks.is_none());
    let (repeat, clocks) = (repeat.value().unwrap_or_default(), clocks.unwrap_or_default());
    sqlx::query(
        "update blasts
            set repeat_rule = case when $2 then repeat_rule else $3 end, repeat_until = case when $2 then repeat_until else $4 end,
                repeat_times = case when $2 then repeat_times else $5 end, at_most = case when $2 then at_most else $6 end,
                local_time = case when $7 then local_time else $8 end,
                window_local = case when $7 then window_local else $9 end
          where id = $1",
    )
    .bind(id)
    .bind(keeps_repeat)
    .bind(repeat.rule)
    .bind(repeat.until)
    .bind(repeat.times)
    .bind(repeat.at_most)
    .bind(keeps_clocks)
    .bind(clocks.local_time)
    .bind(clocks.window_local.then_some(true))
    .execute(tx)
    .await?;
    Ok(())
}

/// The rows of its list that a blast was made without; `None` where nothing is known of them.
pub async fn left_out(connection: impl PgExecutor<'_>, id: BlastId) -> Result<Option<RejectedRows>, StoreError> {
    let kept: Option<Option<Value>> =
        sqlx::query_scalar("select left_out from blasts where id = $1").bind(id).fetch_optional(connection).await?;
    // What somebody wrote there by hand is no reason to refuse the blast.
    Ok(kept.flatten().and_then(|kept| serde_json::from_value(kept).ok()))
}

/// Keeps whom a draft of this version is without, as its filter finds people by now. Nothing else of it changes.
pub async fn keep_left_out(
    connection: impl PgExecutor<'_>,
    (id, version): (BlastId, i64),
    left_out: Option<&RejectedRows>,
) -> Result<(), StoreError> {
    let kept = left_out.and_then(|left_out| serde_json::to_value(left_out).ok());
    let query = sqlx::query("update blasts set left_out = $3 where id = $1 and version = $2");
    query.bind(id).bind(version).bind(kept).execute(connection).await?;
    Ok(())
}

/// The corrections of the newest other blast from this file that has some.
pub async fn mends_of_file(
    connection: impl PgExecutor<'_>,
    file: &str,
    other_than: Option<BlastId>,
) -> Result<Vec<CellMend>, StoreError> {
    let kept: Option<Value> = sqlx::query_scalar(
        "select left_out -> 'mends' from blasts
          where left_out ->> 'file' = $1 and jsonb_typeof(left_out -> 'mends') = 'array' and left_out -> 'mends' <> '[]'
            and deleted_at is null and id is distinct from $2
          order by id desc limit 1",
    )
    .bind(file)
    .bind(other_than)
    .fetch_optional(connection)
    .await?;
    Ok(kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default())
}

/// The template of a blast, as it is stored; `None` of a text.
pub async fn template(connection: impl PgExecutor<'_>, id: BlastId) -> Result<Option<Value>, StoreError> {
    let template: Option<Option<Value>> =
        sqlx::query_scalar("select template from blasts where id = $1").bind(id).fetch_optional(connection).await?;
    Ok(template.flatten())
}

/// Whether anybody in a blast has a value for this variable.
pub async fn has_values(tx: &mut PgConnection, id: BlastId, variable: &str) -> Result<bool, StoreError> {
    let any = sqlx::query_scalar(
        "select exists (select from blast_recipients
                         where blast_id = $1 and (variables ? $2 or $2 = 'name' and name is not null))",
    );
    Ok(any.bind(id).bind(variable).fetch_one(tx).await?)
}

/// Somebody in a blast, with what their message is made from.
#[derive(Debug, Clone)]
pub struct RecipientValues {
    pub id: RecipientId,
    pub phone_number: Phone,
    pub name: Option<String>,
    pub variables: Option<Value>,
}

impl RecipientValues {
    /// By position: `id, phone_number, name, variables`.
    pub(super) fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            phone_number: row.try_get(1)?,
            name: row.try_get(2)?,
            variables: row.try_get(3)?,
        })
    }
}

/// A blast's queued people, by id, at most `limit` after `after`.
pub async fn people(
    tx: &mut PgConnection,
    id: BlastId,
    after: Option<RecipientId>,
    limit: i64,
) -> Result<Vec<RecipientValues>, StoreError> {
    let rows = sqlx::query(
        "select id, phone_number, name, variables from blast_recipients
          where blast_id = $1 and status = 'queued' and id > $2
          order by status, id limit $3",
    )
    .bind(id)
    .bind(after.map_or(0, |after| after.0))
    .bind(limit)
    .fetch_all(tx)
    .await?;
    Ok(rows.iter().map(RecipientValues::from_row).collect::<Result<_, sqlx::Error>>()?)
}

/// The first people of a draft, each with their row in its list, where it has one.
pub async fn first_people(
    tx: &mut PgConnection,
    id: BlastId,
    limit: i64,
) -> Result<Vec<(Option<u64>, RecipientValues)>, StoreError> {
    let rows = sqlx::query(
        "select id, phone_number, name, variables, list_row from blast_recipients
          where blast_id = $1 and status = 'queued'
          order by status, id limit $2",
    )
    .bind(id)
    .bind(limit)
    .fetch_all(tx)
    .await?;
    let person = |row: &PgRow| {
        let list_row: Option<i32> = row.try_get(4)?;
        Ok((list_row.and_then(|row| u64::try_from(row).ok()).filter(|row| *row > 0), RecipientValues::from_row(row)?))
    };
    Ok(rows.iter().map(person).collect::<Result<_, sqlx::Error>>()?)
}

/// Somebody in a blast, whatever their status.
pub async fn person(connection: impl PgExecutor<'_>, id: RecipientId) -> Result<Option<RecipientValues>, StoreError> {
    let row = sqlx::query("select id, phone_number, name, variables from blast_recipients where id = $1");
    let row = row.bind(id).fetch_optional(connection).await?;
    Ok(row.as_ref().map(RecipientValues::from_row).transpose()?)
}

/// Takes people out, in either spelling of their number. Returns how many were in.
pub async fn remove(tx: &mut PgConnection, id: BlastId, phones: &[Phone]) -> Result<u64, StoreError> {
    fence::require_whole(&mut *tx).await?;
    let phones: Vec<&str> = phones.iter().map(Phone::as_str).collect();
    let removed: i64 = sqlx::query_scalar(
        "with removed as (
             delete from blast_recipients
              where blast_id = $1 and person_key(phone_number) in (select person_key(phone) from unnest($2::text[]) as phone)
             returning phone_number, list_row)
         update blasts
            set total_recipients = total_recipients - (select count(*) from removed), version = version + 1, updated_at = now(),
                -- Whenever their list is read again they stay out; whoever was added by hand is in no row of it.
                left_out = case when jsonb_typeof(left_out) = 'object' then jsonb_set(left_out, '{taken_out}',
                                     coalesce(left_out -> 'taken_out', '[]')
                                     || (select coalesce(jsonb_agg(phone_number), '[]') from removed where list_row > 0))
                                else left_out end
          where id = $1
         returning (select count(*) from removed)",
    )
    .bind(id)
    .bind(phones)
    .fetch_one(tx)
    .await?;
    Ok(removed.unsigned_abs())
}
