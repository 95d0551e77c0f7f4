//! Sessions: until when a person who wrote may be answered with text, and the answers. An answer is a blast of its own to one
//! person: whoever sends it follows the rules that hold for every blast.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::in_flight::{self, current, not_in_flight};
use super::{StoreError, blast, settings};
use crate::domain::ids::{BlastId, MessageId, RecipientId, SenderId};
use crate::domain::message::Message;
use crate::domain::status::Status;

/// When somebody wrote to a sender last, under any number of theirs, and by its clock or ours, whichever is earlier.
pub async fn last_word(
    tx: &mut PgConnection,
    sender: SenderId,
    phone: &str,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let at = sqlx::query_scalar(
        "select max(least(at, received_at)) from replies
          where sender_id = $1 and person_key(phone_number) = any(array(
                select person_key($2) union
                select person_key(alias) from number_aliases where person_key(phone_number) = person_key($2)))",
    )
    .bind(sender)
    .bind(phone)
    .fetch_one(tx)
    .await?;
    Ok(at)
}

/// Text to somebody who wrote.
#[derive(Debug, Clone, Copy)]
pub struct NewSessionAnswer<'a> {
    pub sender: SenderId,
    /// The blast that they are in, and their row there.
    pub blast: BlastId,
    pub recipient: RecipientId,
    pub phone: &'a str,
    pub name: Option<&'a str>,
    /// As it is called where it needs an operator.
    pub tag: &'a str,
    pub message: &'a Message,
    /// Nobody is claimed from then on.
    pub until: DateTime<Utc>,
    pub by: &'a str,
}

/// Queues an answer, ready to be claimed once this is committed. It stays in turn behind the pace of its sender.
pub async fn add(tx: &mut PgConnection, new: NewSessionAnswer<'_>) -> Result<BlastId, StoreError> {
    let id: BlastId = sqlx::query_scalar(
        "insert into blasts (blast_tag, follow_up_stage, total_recipients, sender_id, state, message, send_after, state_by,
                             launched_at, launched_on, answers_blast, answers_recipient, answer_until)
         values ($1, 'Answer', 1, $2, 'sending', $3, now(), $4, now(), server_start(), $5, $6, $7) returning id",
    )
    .bind(new.tag)
    .bind(new.sender)
    .bind(new.message.template())
    .bind(new.by)
    .bind(new.blast)
    .bind(new.recipient)
    .bind(new.until)
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query("insert into blast_recipients (blast_id, phone_number, name) values ($1, $2, $3)")
        .bind(id)
        .bind(new.phone)
        .bind(new.name)
        .execute(tx)
        .await?;
    Ok(id)
}

/// An answer as it stands.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SessionAnswer {
    /// Its own blast.
    pub blast: BlastId,
    /// The person's row there.
    pub recipient: RecipientId,
    pub text: String,
    pub status: Status,
    pub message_id: Option<MessageId>,
    pub written_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
    pub changed_at: DateTime<Utc>,
    /// Who wrote it.
    pub by: Option<String>,
    pub until: DateTime<Utc>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    /// Why it is uncertain or was left out.
    pub reason: Option<String>,
    /// What to do about its error; no column.
    #[sqlx(skip)]
    pub advice: Option<&'static str>,
}

macro_rules! answers {
    ($tail:literal) => {
        concat!(
            "select b.id as blast, r.id as recipient,
                    coalesce(r.message_text, replace(replace(b.message, '{{', '{'), '}}', '}')) as text,
                    ",
            current!("r.", status_word),
            " as status, r.message_id, b.created_at as written_at, r.sent_at, ",
            current!("r.", changed_at),
            " as changed_at,
                    (select a.operator from operator_actions a where a.blast_id = b.answers_blast and a.action = 'answer'
                                                                 and a.recipient_id = b.answers_recipient
                                                                 and a.detail ->> 'answer' = b.id::text limit 1) as by,
                    b.answer_until as until, r.error_code, r.error_message, r.reason
               from blasts b join blast_recipients r on r.blast_id = b.id
              where b.deleted_at is null and ",
            $tail
        )
    };
}

/// One answer, by its own blast.
pub async fn get(pool: &PgPool, answer: BlastId) -> Result<Option<SessionAnswer>, StoreError> {
    let found = sqlx::query_as(answers!("b.id = $1 and b.answer_until is not null")).bind(answer);
    Ok(found.fetch_optional(pool).await?)
}

/// The answers to a person of a blast, oldest first, at most the newest hundred.
pub async fn to_person(tx: &mut PgConnection, person: RecipientId) -> Result<Vec<SessionAnswer>, StoreError> {
    let found = sqlx::query_as(answers!("b.answers_recipient = $1 order by b.id desc limit 100")).bind(person);
    let mut answers: Vec<SessionAnswer> = found.fetch_all(tx).await?;
    answers.reverse();
    Ok(answers)
}

/// The answers that somebody has, may have or is about to get from a sender, whichever blast of theirs they were written in: those
/// written after `since`, and those whose outcome is still open. No other answer to them is queued until the transaction ends.
pub async fn standing(
    tx: &mut PgConnection,
    (sender, phone): (SenderId, &str),
    since: DateTime<Utc>,
) -> Result<Vec<SessionAnswer>, StoreError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended(person_key($2), $1))")
        .bind(sender)
        .bind(phone)
        .execute(&mut *tx)
        .await?;
    let found = sqlx::query_as(answers!(
        "person_key(r.phone_number) = person_key($2) and b.sender_id = $1 and b.answer_until is not null
           and (b.created_at >= $3 and r.status not in ('failed', 'opted_out', 'skipped')
                or r.status in ('queued', 'uncertain'))
          order by b.id desc"
    ));
    Ok(found.bind(sender).bind(phone).bind(since).fetch_all(tx).await?)
}

/// Answers whose time is over while somebody in them is still queued.
pub async fn lapsed(pool: &PgPool) -> Result<Vec<BlastId>, StoreError> {
    let blasts = sqlx::query_scalar(concat!(
        "select id from blasts
          where answer_until <= now() and state in ('sending', 'paused') and deleted_at is null
            and exists (select 1 from blast_recipients r where r.blast_id = blasts.id and r.status = 'queued' and ",
        not_in_flight!("r."),
        ")"
    ))
    .fetch_all(pool)
    .await?;
    Ok(blasts)
}

/// Leaves out whoever is still queued in an answer whose time is over, and completes it. Changes nothing in any other blast.
pub async fn lapse(pool: &PgPool, answer: BlastId) -> Result<bool, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let over = "select 1 from blasts where id = $1 and answer_until <= now() and state in ('sending', 'paused') for update skip locked";
    if sqlx::query(over).bind(answer).execute(&mut *tx).await?.rows_affected() == 0 {
        return Ok(false);
    }
    let queued = "select id from blast_recipients where blast_id = $1 and status = 'queued' order by id for update";
    let queued: Vec<RecipientId> = sqlx::query_scalar(queued).bind(answer).fetch_all(&mut *tx).await?;
    let left_out = in_flight::landed(&mut tx, queued).await?;
    let done = sqlx::query(
        "with left_out as (
             update blast_recipients set status = 'skipped', standing = 'skipped', changed_at = now(), reason = $2
              where id = any($1)
             returning id, blast_id, attempt)
         insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, metadata)
         select blast_id, id, attempt, 'queued', 'skipped', 'engine', jsonb_build_object('why', $2::text) from left_out",
    )
    .bind(left_out.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind(TOO_LATE)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    blast::complete(pool, answer).await?;
    Ok(done.rows_affected() > 0)
}

/// Why an answer was left out.
const TOO_LATE: &str = "the 24 hours after their last word were over before it could be sent";
