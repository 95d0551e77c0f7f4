//! What people write back, whose answer it is, and what is known of them beside their number.

mod uncertain;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};

use super::alias::is_their_number;
use super::in_flight::{flights_of, not_in_flight};
use super::{StoreError, inbox, notify};
use crate::domain::ids::{BlastId, MessageId, RecipientId, ReplyId, SenderId};
use crate::domain::session::AnsweredWithin;

pub(in crate::store) use uncertain::wrote_undecided;
pub use uncertain::{UncertainQuery, is_undecided, newest_in_flight, newest_uncertain, newest_unconfirmed};

/// A reply as it is kept.
#[derive(Debug, Clone)]
pub struct NewReply<'a> {
    pub sender: SenderId,
    pub answers: Option<AnsweredMessage>,
    /// With the plus.
    pub phone: Option<&'a str>,
    pub user_id: Option<&'a str>,
    pub name: Option<&'a str>,
    /// `text`, `button`, `list`, `image` and so on.
    pub kind: &'a str,
    pub body: &'a str,
    pub payload: Option<&'a str>,
    pub media_id: Option<&'a str>,
    pub message_id: &'a str,
    pub quoted_id: Option<&'a str>,
    pub at: DateTime<Utc>,
    /// It is not known whether its writer has the message that it may answer.
    pub is_undecided: bool,
}

/// Which message somebody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct AnsweredMessage {
    pub blast_id: BlastId,
    pub recipient_id: RecipientId,
    pub attempt: i32,
}

/// Keeps a reply; `None` when it is there already, with whichever of these senders. One that was undecided is decided now, and stays
/// where it is if it answers no other message; one that stays undecided and has no message yet gets this one.
pub async fn add(
    tx: &mut PgConnection,
    reply: &NewReply<'_>,
    candidates: &[SenderId],
) -> Result<Option<ReplyId>, StoreError> {
    let plain = |text: &str| text.replace('\0', "");
    let id = sqlx::query_scalar(
        "with decided as (
             update replies set undecided_attempt = null, blast_id = coalesce($2, blast_id), recipient_id = coalesce($3, recipient_id)
              where sender_id = any($14) and message_id = $11 and undecided_attempt is not null and $15::integer is null returning id),
              pointed as (
             update replies set undecided_attempt = $15, blast_id = $2, recipient_id = $3
              where sender_id = any($14) and message_id = $11 and undecided_attempt is not null and recipient_id is null
                and $15::integer is not null returning id),
              added as (
             insert into replies (sender_id, blast_id, recipient_id, phone_number, user_id, name, kind, body, payload, media_id,
                                  message_id, quoted_id, at, undecided_attempt, received_at)
             -- Each has a moment of its own: whoever has seen one has not seen those that came with it.
             select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $15, clock_timestamp()
              where not exists (select 1 from replies where sender_id = any($14) and message_id = $11)
             on conflict (sender_id, message_id) do nothing returning id)
         select id from decided union all select id from pointed union all select id from added",
    )
    .bind(reply.sender)
    .bind(reply.answers.map(|message| message.blast_id))
    .bind(reply.answers.map(|message| message.recipient_id))
    .bind(reply.phone)
    .bind(reply.user_id)
    .bind(reply.name.map(plain))
    .bind(plain(reply.kind))
    .bind(plain(reply.body))
    .bind(reply.payload.map(plain))
    .bind(reply.media_id.map(plain))
    .bind(reply.message_id)
    .bind(reply.quoted_id)
    .bind(reply.at)
    .bind(candidates.iter().map(|sender| sender.0).collect::<Vec<_>>())
    .bind(reply.answers.map(|message| message.attempt).filter(|_| reply.is_undecided))
    .fetch_optional(tx)
    .await?;
    Ok(id)
}

/// The attempt that an undecided reply may answer.
pub async fn undecided(
    tx: &mut PgConnection,
    senders: &[SenderId],
    message_id: &str,
) -> Result<Option<AnsweredMessage>, StoreError> {
    let kept = sqlx::query_as(
        "select blast_id, recipient_id, undecided_attempt as attempt from replies
          where sender_id = any($1) and message_id = $2 and undecided_attempt is not null and recipient_id is not null",
    );
    let senders = senders.iter().map(|sender| sender.0).collect::<Vec<_>>();
    Ok(kept.bind(senders).bind(message_id).fetch_optional(tx).await?)
}

/// Has the replies of these people tried again at once of which it was not known what they answer.
pub async fn decide(tx: &mut PgConnection, people: &[RecipientId]) -> Result<(), StoreError> {
    let waiting = undecided_of(&mut *tx, people).await?;
    try_again(tx, &waiting).await
}

/// The same of everybody whom a sender may have sent to, once somebody said that it may go on: whoever is queued still had nothing from it
/// that they could answer.
pub async fn decide_all(tx: &mut PgConnection, sender: SenderId) -> Result<(), StoreError> {
    // Any attempt that the database had lost may be what they answer, not only the first of them.
    let waiting = sqlx::query_scalar(concat!(
        "with waiting as (
             select p.id, p.message_id, r.status in ('queued', 'failed') and ",
        not_in_flight!("r."),
        " as had_nothing,
                    greatest(r.attempt, (select max(c.attempt_number) from ",
        flights_of!("r."),
        ")) as attempt
               from replies p join blast_recipients r on r.id = p.recipient_id join blasts b on b.id = r.blast_id
              where b.sender_id = $1 and p.undecided_attempt is not null),
              detached as (
             update replies p set blast_id = null, recipient_id = null from waiting w where w.id = p.id and w.had_nothing),
              raised as (
             update replies p set undecided_attempt = w.attempt
               from waiting w where w.id = p.id and not w.had_nothing and w.attempt > p.undecided_attempt)
         select message_id from waiting",
    ));
    let waiting: Vec<String> = waiting.bind(sender).fetch_all(&mut *tx).await?;
    try_again(tx, &waiting).await
}

async fn try_again(tx: &mut PgConnection, waiting: &[String]) -> Result<(), StoreError> {
    if !waiting.is_empty() && inbox::wake_waiting(&mut *tx, waiting).await? > 0 {
        sqlx::query("select pg_notify($1, '')").bind(notify::INBOX).execute(tx).await?;
    }
    Ok(())
}

async fn undecided_of(tx: &mut PgConnection, people: &[RecipientId]) -> Result<Vec<String>, StoreError> {
    let waiting = sqlx::query_scalar(
        "select p.message_id from blast_recipients r
           join replies p on person_key(p.phone_number) = person_key(r.phone_number) and p.undecided_attempt is not null
          where r.id = any($1)",
    );
    Ok(waiting.bind(people.iter().map(|id| id.0).collect::<Vec<_>>()).fetch_all(tx).await?)
}

/// A message that was quoted, and whom it went to.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct QuotedMessage {
    #[sqlx(flatten)]
    pub message: AnsweredMessage,
    /// With the plus.
    pub phone_number: String,
}

/// The message of this sender with this id. An answer of ours belongs to the blast whose person it answers: so does what
/// quotes it.
pub async fn quoted(
    tx: &mut PgConnection,
    sender: SenderId,
    id: &MessageId,
) -> Result<Option<QuotedMessage>, StoreError> {
    let message = sqlx::query_as(
        "select coalesce(p.blast_id, r.blast_id) as blast_id, coalesce(p.id, r.id) as recipient_id,
                case when p.id is null then m.attempt else p.attempt end as attempt, r.phone_number
           from provider_message m join blast_recipients r on r.id = m.recipient_id
           join blasts b on b.id = r.blast_id
           left join blast_recipients p on p.id = b.answers_recipient
          where m.sender_id = $1 and m.message_id = $2",
    )
    .bind(sender)
    .bind(id.as_str())
    .fetch_optional(tx)
    .await?;
    Ok(message)
}

/// The message that this person answered by a reply of theirs to one of these senders.
pub async fn answered_by(
    tx: &mut PgConnection,
    (senders, phone): (&[SenderId], &str),
    reply: &MessageId,
) -> Result<Option<AnsweredMessage>, StoreError> {
    let message = sqlx::query_as(concat!(
        "select r.blast_id, r.id as recipient_id, r.attempt
           from replies w join blast_recipients r on r.id = w.recipient_id
          where ",
        is_their_number!(),
        " and w.sender_id = any($1) and w.message_id = $3 limit 1"
    ))
    .bind(senders.iter().map(|sender| sender.0).collect::<Vec<_>>())
    .bind(phone)
    .bind(reply.as_str())
    .fetch_optional(tx)
    .await?;
    Ok(message)
}

#[derive(FromRow)]
struct ReachedMessage {
    sender_id: SenderId,
    #[sqlx(flatten)]
    message: AnsweredMessage,
}

/// The newest message of these senders that is known to have reached this number, in either spelling, and was sent within this time.
pub async fn newest_reached(
    tx: &mut PgConnection,
    (senders, phone): (&[SenderId], &str),
    sent: AnsweredWithin,
) -> Result<Option<(SenderId, AnsweredMessage)>, StoreError> {
    let message: Option<ReachedMessage> = sqlx::query_as(concat!(
        "select b.sender_id, r.blast_id, r.id as recipient_id, r.attempt
           from blast_recipients r join blasts b on b.id = r.blast_id
          where ",
        is_their_number!(),
        " and b.sender_id = any($1) and b.answer_until is null
            and r.status in ('sent', 'delivered', 'read', 'replied', 'closed')
            and r.sent_at >= $3 and r.sent_at <= $4 and coalesce(r.claimed_at, '-infinity') <= $5
          order by r.sent_at desc, r.id desc limit 1"
    ))
    .bind(senders.iter().map(|sender| sender.0).collect::<Vec<_>>())
    .bind(phone)
    .bind(sent.from)
    .bind(sent.until)
    .bind(sent.claimed_by)
    .fetch_optional(tx)
    .await?;
    Ok(message.map(|reached| (reached.sender_id, reached.message)))
}

/// The senders of the business that a sender has now, itself among them.
pub async fn senders_beside(tx: &mut PgConnection, sender: SenderId) -> Result<Vec<SenderId>, StoreError> {
    let senders = sqlx::query_scalar(
        "select o.id from senders s join senders o on o.business = s.business where s.id = $1 order by o.id",
    );
    Ok(senders.bind(sender).fetch_all(tx).await?)
}

/// The number beside which an id was seen.
pub async fn phone_of(tx: &mut PgConnection, business: &str, user_id: &str) -> Result<Option<String>, StoreError> {
    let phone = sqlx::query_scalar("select phone_number from user_ids where business = $1 and user_id = $2")
        .bind(business)
        .bind(user_id)
        .fetch_optional(tx)
        .await?;
    Ok(phone)
}

/// Those of these ids that were never seen beside a number.
pub async fn unknown_ids(tx: &mut PgConnection, user_ids: &[&str]) -> Result<Vec<String>, StoreError> {
    let unknown =
        sqlx::query_scalar("select unnest($1::text[]) except select user_id from user_ids where user_id = any($1)");
    Ok(unknown.bind(user_ids).fetch_all(tx).await?)
}

/// An id and a number of one person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LearnedIdentity {
    pub sender: SenderId,
    pub user_id: String,
    /// With the plus.
    pub phone: String,
}

/// Keeps ids beside numbers, each id once in `learned`: what was seen last counts. Returns the ids that are new or somebody
/// else's now.
pub async fn learn(tx: &mut PgConnection, learned: &[LearnedIdentity]) -> Result<Vec<String>, StoreError> {
    if learned.is_empty() {
        return Ok(Vec::new());
    }
    let new = sqlx::query_scalar(
        "insert into user_ids as u (business, user_id, phone_number)
         select distinct on (s.business, x.user_id) s.business, x.user_id, x.phone_number
           from unnest($1::bigint[], $2::text[], $3::text[]) with ordinality as x (sender_id, user_id, phone_number, n)
           join senders s on s.id = x.sender_id
          -- Looked up one by one: a join could be planned as a walk over all that were ever learned, for each of them.
          where x.phone_number is distinct from (select o.phone_number from user_ids o
                                                  where o.business = s.business and o.user_id = x.user_id)
          order by s.business, x.user_id, x.n desc
         on conflict (business, user_id) do update
            set phone_number = excluded.phone_number, learned_at = now()
          where u.phone_number <> excluded.phone_number
         returning user_id",
    )
    .bind(learned.iter().map(|one| one.sender.0).collect::<Vec<_>>())
    .bind(learned.iter().map(|one| one.user_id.as_str()).collect::<Vec<_>>())
    .bind(learned.iter().map(|one| one.phone.as_str()).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    Ok(new)
}

/// A person's new id: their number is that of the old one, unless it is given; then the old one's is known, too. Returns the
/// ids that are new or somebody else's now.
pub async fn change_id(
    tx: &mut PgConnection,
    sender: SenderId,
    (before, now): (Option<&str>, &str),
    phone: Option<&str>,
) -> Result<Vec<String>, StoreError> {
    let new = sqlx::query_scalar(
        "insert into user_ids as u (business, user_id, phone_number)
         select s.business, x.user_id, coalesce($4, o.phone_number)
           from senders s left join user_ids o on o.business = s.business and o.user_id = $2
          cross join (select $3 as user_id union select $2) as x
          where s.id = $1 and x.user_id is not null and coalesce($4, o.phone_number) is not null
         on conflict (business, user_id) do update
            set phone_number = excluded.phone_number, learned_at = now()
          where u.phone_number <> excluded.phone_number and excluded.user_id = $3
         returning user_id",
    )
    .bind(sender)
    .bind(before)
    .bind(now)
    .bind(phone)
    .fetch_all(tx)
    .await?;
    Ok(new)
}

/// Keeps a person's wish about marketing; `false` when a newer one is known, or the same.
pub async fn wish(
    tx: &mut PgConnection,
    (business, phone): (&str, &str),
    wish: &str,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "insert into marketing_wishes as w (business, phone_number, wish, at) values ($1, $2, $3, $4)
         on conflict (business, person_key(phone_number)) do update set wish = excluded.wish, at = excluded.at
          where excluded.at > w.at or (excluded.at = w.at and excluded.wish = 'stop' and w.wish <> 'stop')",
    )
    .bind(business)
    .bind(phone)
    .bind(wish)
    .bind(at)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}
