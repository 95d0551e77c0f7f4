//! Messages that a reply may answer though it is not known whether they went: they are in flight, or uncertain.

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::{AnsweredMessage, ReachedMessage};
use crate::domain::ids::{RecipientId, SenderId};
use crate::domain::session::AnsweredWithin;
use crate::store::StoreError;
use crate::store::alias::is_their_number;
use crate::store::in_flight::flights_of;
use crate::store::settings::interval;

/// Whether the person with the number `$phone` wrote since `$since`, to a sender of the business that is written behind it and closed by a
/// bracket, and it is not known yet which message they answered: by whichever of their numbers.
macro_rules! wrote_undecided {
    ($phone:literal, $since:literal) => {
        concat!(
            // As a rule there is no such reply: that is asked once, and not for everybody.
            "(select exists (select from replies where undecided_attempt is not null))
             and exists (select from (select u.at, u.sender_id from replies u
                                   where u.undecided_attempt is not null and person_key(u.phone_number) = person_key(",
            $phone,
            ")
                                   union all
                                  select u.at, u.sender_id
                                    -- Their few rows first, whatever is known of how many replies are undecided.
                                    from (select q.id from blast_recipients q
                                           where person_key(q.phone_number) = person_key(",
            $phone,
            ") offset 0) q
                                    join replies u on u.recipient_id = q.id and u.undecided_attempt is not null) w
                       join senders ws on ws.id = w.sender_id
                      where w.at >= ",
            $since,
            " and ws.business = "
        )
    };
}
pub(in crate::store) use wrote_undecided;

/// Which messages a reply may answer of which it is not known whether they went.
#[derive(Debug, Clone, Copy)]
pub struct UncertainQuery<'a> {
    pub senders: &'a [SenderId],
    /// Who wrote, with the plus.
    pub phone: &'a str,
    /// When it was sent.
    pub sent: AnsweredWithin,
    /// The newest that is known to have reached them by then: whatever was sent before it is not what they answer.
    pub reached: Option<RecipientId>,
    /// The reply's own.
    pub message_id: &'a str,
}

/// Whether a message to the row `r` of a blast `b` that was tried at `$tried`, from `$3` to `$4`, may be what a reply answers.
macro_rules! may_be_answered {
    ($tried:literal) => {
        concat!(
            "b.deleted_at is null and ",
            $tried,
            " >= $3 and ",
            $tried,
            " <= $4 and ",
            $tried,
            " >= coalesce((select coalesce(o.claimed_at, o.sent_at) from blast_recipients o where o.id = $5), '-infinity')"
        )
    };
}

/// Whether a machine may remember a message to the row `r` of a blast `b` that the database has forgotten: their sender waits to be
/// confirmed after a restore. Whoever failed may have been retried since, and is sent to again where the blast is open. Not where the reply `$reply` was written before somebody had them queued again: whoever did has decided about it.
macro_rules! may_be_remembered {
    ($reply:literal) => {
        concat!(
            "b.deleted_at is null and b.repeat_rule is null
             and (r.status = 'queued' or r.status = 'failed' and b.state in ('sending', 'paused'))
             and exists (select from senders s where s.id = b.sender_id and s.stopped_code = 'restored' and s.stopped_at is not null)
             and not exists (select from replies p where p.sender_id = any($1) and p.message_id = ",
            $reply,
            " and p.recipient_id = r.id and p.undecided_attempt <= r.attempt)"
        )
    };
}

/// The newest message that may be answered of which it is not known whether it went; one of somebody who opted out since only where there
/// is no other. `since`: only of those who became uncertain less than this ago.
pub async fn newest_uncertain(
    tx: &mut PgConnection,
    query: UncertainQuery<'_>,
    since: Option<TimeDelta>,
) -> Result<Option<(SenderId, AnsweredMessage)>, StoreError> {
    let message: Option<ReachedMessage> = sqlx::query_as(concat!(
        "select b.sender_id, r.blast_id, r.id as recipient_id, r.attempt
           from blast_recipients r join blasts b on b.id = r.blast_id
          where ",
        is_their_number!(),
        " and b.sender_id = any($1) and b.answer_until is null
            and r.standing = 'uncertain' and r.status in ('uncertain', 'opted_out')
            and ($6::interval is null or r.changed_at > now() - $6) and ",
        may_be_answered!("coalesce(r.claimed_at, r.changed_at)"),
        " order by r.status = 'opted_out', r.changed_at desc, r.id desc limit 1"
    ))
    .bind(query.senders.iter().map(|sender| sender.0).collect::<Vec<_>>())
    .bind(query.phone)
    .bind(query.sent.from)
    .bind(query.sent.claimed_by)
    .bind(query.reached)
    .bind(since.map(interval).transpose()?)
    .fetch_optional(tx)
    .await?;
    Ok(message.map(|reached| (reached.sender_id, reached.message)))
}

/// The newest message in flight that may be answered, where it has been so for longer than this.
pub async fn newest_in_flight(
    tx: &mut PgConnection,
    query: UncertainQuery<'_>,
    longer_than: TimeDelta,
) -> Result<Option<(SenderId, AnsweredMessage)>, StoreError> {
    let message: Option<ReachedMessage> = sqlx::query_as(concat!(
        "select b.sender_id, r.blast_id, r.id as recipient_id, f.attempt
           from blast_recipients r join blasts b on b.id = r.blast_id
          cross join lateral (select c.attempt_number as attempt, c.claimed_at from ",
        flights_of!("r."),
        ") f
          where ",
        is_their_number!(),
        " and b.sender_id = any($1) and b.answer_until is null and f.claimed_at < now() - $6::interval and ",
        may_be_answered!("f.claimed_at"),
        " order by f.claimed_at desc, r.id desc limit 1"
    ))
    .bind(query.senders.iter().map(|sender| sender.0).collect::<Vec<_>>())
    .bind(query.phone)
    .bind(query.sent.from)
    .bind(query.sent.claimed_by)
    .bind(query.reached)
    .bind(interval(longer_than)?)
    .fetch_optional(tx)
    .await?;
    Ok(message.map(|reached| (reached.sender_id, reached.message)))
}

/// The newest message that nobody is known to have had by a database that was restored, while its sender waits for somebody's word: whom
/// a machine remembers posting to is known once that is given, and may be whoever wrote.
pub async fn newest_unconfirmed(
    tx: &mut PgConnection,
    query: UncertainQuery<'_>,
) -> Result<Option<(SenderId, AnsweredMessage)>, StoreError> {
    let message: Option<ReachedMessage> = sqlx::query_as(concat!(
        "select b.sender_id, r.blast_id, r.id as recipient_id, r.attempt + 1 as attempt
           from blast_recipients r join blasts b on b.id = r.blast_id
          where ",
        is_their_number!(),
        " and b.sender_id = any($1) and b.answer_until is null and ",
        may_be_remembered!("$3"),
        " order by b.launched_at desc nulls last, r.id desc limit 1"
    ))
    .bind(query.senders.iter().map(|sender| sender.0).collect::<Vec<_>>())
    .bind(query.phone)
    .bind(query.message_id)
    .fetch_optional(tx)
    .await?;
    Ok(message.map(|reached| (reached.sender_id, reached.message)))
}

/// Whether a message to whoever wrote is in flight, or may have gone: it may be the one that is answered.
pub async fn is_undecided(tx: &mut PgConnection, query: UncertainQuery<'_>) -> Result<bool, StoreError> {
    let is_undecided = sqlx::query_scalar(concat!(
        "select exists (select 1 from blast_recipients r join blasts b on b.id = r.blast_id
                         where ",
        is_their_number!(),
        " and b.sender_id = any($1) and b.answer_until is null
            and (exists (select from in_flight f where f.recipient_id = r.id and f.claimed_at <= $4) or r.status = 'uncertain' and ",
        may_be_answered!("coalesce(r.claimed_at, r.changed_at)"),
        " or ",
        may_be_remembered!("$6"),
        "))"
    ))
    .bind(query.senders.iter().map(|sender| sender.0).collect::<Vec<_>>())
    .bind(query.phone)
    .bind(query.sent.from)
    .bind(query.sent.claimed_by)
    .bind(query.reached)
    .bind(query.message_id)
    .fetch_one(tx)
    .await?;
    Ok(is_undecided)
}
