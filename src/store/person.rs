//! One person as use cases need them, with what surrounds them.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, PgPool, Row};

use super::alias::is_their_number;
use super::evidence::{COLUMNS, show_in_flight};
use super::fence::is_whole;
use super::{StoreError, fence};
use crate::domain::ids::{BlastId, RecipientId, SenderId};
use crate::domain::phone::Phone;
use crate::domain::recipient::Recipient;
use crate::domain::retry::{FINAL_CODES, OperatorRetry};
use crate::domain::status::Status;

/// A message of another blast. Answers do not count.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct LaterMessage {
    pub blast: BlastId,
    pub tag: String,
    pub stage: String,
}

/// The newest message that the person of a row `r` had after it, of the same business `o`.
const LATER: &str = "(select jsonb_build_object('blast', b.id, 'tag', b.blast_tag, 'stage', b.follow_up_stage)
                        from blast_recipients x
                        join blasts b on b.id = x.blast_id and b.id <> r.blast_id and b.deleted_at is null and b.answer_until is null
                        join senders s on s.id = b.sender_id and s.business = o.business
                       where person_key(x.phone_number) = person_key(r.phone_number) and x.sent_at > r.sent_at
                       order by x.sent_at desc limit 1)";

/// Somebody in a blast, the sender's business included.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct PersonRow {
    pub id: RecipientId,
    pub blast_id: BlastId,
    pub phone_number: Phone,
    pub name: Option<String>,
    pub status: Status,
    pub business: String,
    pub is_suppressed: bool,
    /// Of somebody who was read alone: the newest message of the business that they had after this one.
    #[sqlx(default)]
    pub later: Option<Json<LaterMessage>>,
    /// The database's time.
    pub read_at: DateTime<Utc>,
    /// All that evidence can change.
    #[sqlx(flatten)]
    pub recipient: Recipient,
}

impl PersonRow {
    /// The name, else the number as people read it.
    pub fn who(&self) -> String {
        let name = self.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        name.map_or_else(|| self.phone_number.to_string(), str::to_owned)
    }
}

/// These people under lock, by id: of two operators the second sees what the first wrote. Deleted people are left out.
pub async fn lock_all(tx: &mut PgConnection, ids: &[RecipientId]) -> Result<Vec<PersonRow>, StoreError> {
    select(tx, ids, "for update of r").await
}

/// These people as they are, by id, without a lock.
pub async fn get_all(tx: &mut PgConnection, ids: &[RecipientId]) -> Result<Vec<PersonRow>, StoreError> {
    select(tx, ids, "").await
}

pub async fn get(tx: &mut PgConnection, id: RecipientId) -> Result<Option<PersonRow>, StoreError> {
    Ok(select(tx, &[id], "").await?.pop())
}

async fn select(tx: &mut PgConnection, ids: &[RecipientId], lock: &str) -> Result<Vec<PersonRow>, StoreError> {
    let is_whole = is_whole!();
    let later = if ids.len() == 1 { LATER } else { "null::jsonb" };
    let people = sqlx::query(AssertSqlSafe(format!(
        "select {COLUMNS}, {is_whole} as is_whole, {later} as later, blast_id, phone_number, name, status::text as status, business, now() as read_at,
                exists (select 1 from suppressions x
                         where person_key(x.phone_number) = person_key(r.phone_number)
                           and x.business in (o.business, '*')) as is_suppressed
           from blast_recipients r
          cross join lateral (select s.business from blasts b join senders s on s.id = b.sender_id
                               where b.id = r.blast_id) o
          where id = any($1)
          order by id {lock}"
    )));
    let rows = people.bind(ids.iter().map(|id| id.0).collect::<Vec<_>>()).fetch_all(&mut *tx).await?;
    let is_whole = rows.first().map_or(Ok(true), |row| row.try_get("is_whole"))?;
    fence::whole_or_incomplete(is_whole || lock.is_empty())?;
    let mut people: Vec<PersonRow> = rows.iter().map(PersonRow::from_row).collect::<Result<_, _>>()?;
    let mut rows: Vec<&mut Recipient> = people.iter_mut().map(|person| &mut person.recipient).collect();
    show_in_flight(tx, &mut rows).await?;
    for person in &mut people {
        person.status = person.recipient.status();
    }
    Ok(people)
}

/// Who failed in a blast and is known never to have had the message, by id, at most `limit` after `after`; with a code,
/// only those who failed with it. Of Meta's codes for the next day, only those who failed before `late_before`; these and
/// 132015, asked for by their code, also when the message had an id; of the [`FINAL_CODES`] nobody. Of somebody whom an older version took in both spellings of their number, at most one,
/// and none when the other was tried and did not fail: one index lookup each (`offset 0`), and only where a number has
/// two spellings.
pub async fn retryable(
    pool: &PgPool,
    blast: BlastId,
    code: Option<&str>,
    late_before: DateTime<Utc>,
    (after, limit): (RecipientId, i64),
) -> Result<Vec<(RecipientId, i32)>, StoreError> {
    let people = sqlx::query_as(
        "select id, attempt from blast_recipients r
          where blast_id = $1 and status >= 'failed' and status <= 'failed' and id > $3
            and starts_with(phone_number, '+')
            and ($2::text is null or coalesce(nullif(error_code, ''), 'unknown') = $2)
            and not (coalesce(error_code, '') = any($5) and failed_at > $6)
            and not coalesce(error_code, '') = any($8)
            and (failed_attempt is distinct from attempt and sent_at is null
                 or error_code = $2 and (error_code = any($5) and failed_at <= $6 or error_code = any($7))
                    and exists (select 1 from blasts b join senders s on s.id = b.sender_id
                                 where b.id = $1 and s.provider = 'meta'))
            and not (starts_with(phone_number, '+5')
                     and exists (select 1 from blast_recipients o
                                  where person_key(o.phone_number) = person_key(r.phone_number)
                                    and o.blast_id = $1 and o.id <> r.id and o.attempt > 0
                                    and (o.status <> 'failed' or o.id < r.id) offset 0))
          order by status, id limit $4",
    )
    .bind(blast)
    .bind(code)
    .bind(after)
    .bind(limit)
    .bind(OperatorRetry::NextDay.codes())
    .bind(late_before)
    .bind(OperatorRetry::Now.codes())
    .bind(FINAL_CODES)
    .fetch_all(pool)
    .await?;
    Ok(people)
}

/// When the first of those who failed with this code did.
pub async fn first_failed(pool: &PgPool, blast: BlastId, code: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    let at = sqlx::query_scalar(
        "select min(failed_at) from blast_recipients
          where blast_id = $1 and status >= 'failed' and status <= 'failed' and error_code = $2",
    )
    .bind(blast)
    .bind(code)
    .fetch_one(pool)
    .await?;
    Ok(at)
}

/// The newest person with this number, in either spelling, whom a message of this sender is known to have reached.
pub async fn newest_reached(
    tx: &mut PgConnection,
    sender: SenderId,
    phone: &str,
) -> Result<Option<PersonRow>, StoreError> {
    let id: Option<RecipientId> = sqlx::query_scalar(concat!(
        "select r.id from blast_recipients r join blasts b on b.id = r.blast_id
          where ",
        is_their_number!(),
        " and b.sender_id = $1 and b.answer_until is null
            and r.status in ('sent', 'delivered', 'read', 'replied', 'closed')
          order by r.sent_at desc nulls last, r.id desc limit 1"
    ))
    .bind(sender)
    .bind(phone)
    .fetch_optional(&mut *tx)
    .await?;
    match id {
        Some(id) => get(tx, id).await,
        None => Ok(None),
    }
}
