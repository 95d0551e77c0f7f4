//! The head of what happened: how much of it an operator has not seen.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::super::Total;
use super::{ActivityPosition, ActivitySource, UNREAD_MAX, far, first_opt_out, is_trouble, shown_act, standing_change};
use crate::domain::phone::Phone;
use crate::domain::unseen::Unseen;
use crate::store::StoreError;
use crate::store::inbox::{Nameless, NamelessKind};

/// What of it an operator has not seen, and what of that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityHead {
    /// What this operator has not seen.
    pub unseen: Unseen,
    /// The newest event.
    pub newest: Option<DateTime<Utc>>,
    /// Events in it, without the operator's own.
    pub unread: Total,
    /// Replies in it.
    pub replies: i64,
    /// Of these, those that answer no message that is known: nobody is marked by them.
    pub strangers: i64,
    /// The newest of these.
    pub stranger: Option<StrangerReply>,
    /// Answers in it that did not go out.
    pub failed_answers: i64,
    /// What providers said in it.
    pub notices: i64,
    /// Webhooks that wait for a writer's number, of whom Meta's id alone is known.
    pub nameless: Nameless,
    /// Webhooks of which something could not be applied; there may be an opt-out in them.
    pub failed_webhooks: i64,
}

/// A reply of somebody who is in no blast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrangerReply {
    pub place: ActivityPosition,
    /// `None` where only Meta's id of theirs is known.
    pub phone: Option<Phone>,
}

#[derive(sqlx::FromRow)]
struct HeadRecord {
    newest: Option<DateTime<Utc>>,
    others: i64,
    replies: i64,
    strangers: i64,
    failed_answers: i64,
    notices: i64,
    #[sqlx(flatten)]
    nameless: Nameless,
    failed_webhooks: i64,
    stranger_id: Option<i64>,
    stranger_at: Option<DateTime<Utc>>,
    stranger_phone: Option<Phone>,
}

impl HeadRecord {
    fn stranger(&self) -> Option<StrangerReply> {
        let place = ActivityPosition { at: self.stranger_at?, source: ActivitySource::Reply, id: self.stranger_id? };
        Some(StrangerReply { place, phone: self.stranger_phone.clone() })
    }
}

/// Counts the rows in the gaps that were not seen, from `$1` to `$2`: a walk of the index by time in each.
macro_rules! unseen {
    ($table:literal, $at:literal, $id:literal, $($which:expr),+) => {
        concat!(
            "(select count(*)
                from (select 1 from unnest($1::timestamptz[], $2::timestamptz[]) g (after, before)
                       cross join lateral (select 1 from ", $table, " where ", $at, " > g.after and ", $at, " < g.before and ",
            $($which,)+
            "                            order by ", $at, " desc, ", $id, " desc limit 250) found limit 250) n)"
        )
    };
}

/// An operator's own acts are no news to them.
const HEAD: &str = concat!(
    "select greatest((select max(received_at) from replies), (select max(created_at) from suppressions),
                     (select max(changed_at) from status_history h where ",
    is_trouble!(),
    "),
                     (select a.at from operator_actions a where ",
    shown_act!(),
    " order by a.at desc, a.id desc limit 1),
                     (select max(at) from blast_changes),
                     (select max(received_at) from provider_notices)) as newest, ",
    unseen!("suppressions x", "x.created_at", "x.id", "x.created_by is distinct from $3 and ", first_opt_out!()),
    " + ",
    unseen!("status_history h", "h.changed_at", "h.id", is_trouble!()),
    " + ",
    unseen!("operator_actions a", "a.at", "a.id", "a.operator <> $3 and ", shown_act!()),
    " + ",
    unseen!("blast_changes c", "c.at", "c.id", "c.by_whom is distinct from $3 and ", standing_change!()),
    " as others, ",
    unseen!("replies r", "r.received_at", "r.id", "true"),
    " as replies, ",
    unseen!("replies r", "r.received_at", "r.id", "r.recipient_id is null"),
    " as strangers, ",
    unseen!(
        "status_history h",
        "h.changed_at",
        "h.id",
        "h.new_status = 'failed' and exists (select 1 from blasts b where b.id = h.blast_id and b.answer_until is not null)"
    ),
    " as failed_answers, ",
    unseen!("provider_notices p", "p.received_at", "p.id", "true"),
    " as notices,
            (select count(*) from (select 1 from webhook_inbox where state = 'parked' and reason = $4 limit 250) n) as nameless_orders,
            (select count(*) from (select 1 from webhook_inbox where state = 'parked' and reason = $5 limit 250) n) as nameless_stops,
            (select count(*) from (select 1 from webhook_inbox where state = 'parked' and reason = $6 limit 250) n) as nameless_messages,
            (select count(*) from (select 1 from webhook_inbox where state = 'failed' limit 250) n)
            + (select count(*) from (select 1 from webhook_inbox
                                      where state in ('new', 'parked') and failed_items is not null limit 250) n)
              as failed_webhooks,
            s.id as stranger_id, s.received_at as stranger_at, s.phone_number as stranger_phone
       from (select) one
       left join lateral (
            select found.*
              from unnest($1::timestamptz[], $2::timestamptz[]) g (after, before)
             cross join lateral (select r.id, r.received_at, r.phone_number
                                   from replies r
                                  where r.received_at > g.after and r.received_at < g.before and r.recipient_id is null
                                  order by r.received_at desc, r.id desc limit 1) found
             order by found.received_at desc, found.id desc limit 1) s on true"
);

/// What an operator has not seen, counted.
pub async fn head(pool: &PgPool, operator: &str, unseen: Unseen) -> Result<ActivityHead, StoreError> {
    let (after, before): (Vec<_>, Vec<_>) = unseen.gaps().map(|gap| (gap.after, gap.before.min(far()))).unzip();
    let waits = [NamelessKind::Order, NamelessKind::Stop, NamelessKind::Message].map(NamelessKind::reason);
    let asked = sqlx::query_as(HEAD).bind(after).bind(before).bind(operator);
    let head: HeadRecord = waits.into_iter().fold(asked, sqlx::query::QueryAs::bind).fetch_one(pool).await?;
    let unread = head.others + head.replies + head.notices;
    let stranger = head.stranger();
    Ok(ActivityHead {
        unseen,
        newest: head.newest,
        unread: if unread >= UNREAD_MAX { Total::AtLeast(UNREAD_MAX) } else { Total::Exactly(unread) },
        replies: head.replies,
        strangers: head.strangers,
        stranger,
        failed_answers: head.failed_answers,
        notices: head.notices,
        nameless: head.nameless,
        failed_webhooks: head.failed_webhooks,
    })
}
