//! People who asked not to be messaged, by business and person: `person_key` is one for both spellings of a number.
//! Business `*` holds for all.

mod drafts;
mod everybody;
mod held_elsewhere;
mod locking;
mod operators;
mod page;
mod remembered;
mod standing;
mod taken_back;
mod taken_out;
mod unremembered;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use super::claim::suppressed_in;
use super::in_flight::current;
use super::{StoreError, settings};
use crate::domain::ids::{BlastId, RecipientId, SenderId};
use crate::domain::phone::Phone;

pub use drafts::{BackInDraft, FilterDraft, back_in_drafts, filter_drafts, is_any_repeat_awaited, of_whom};
pub use everybody::{NumberedPerson, everybody};
pub use held_elsewhere::{
    HeldPerson, WaitingNumber, held_until_taken_back, queued_at_other_numbers, suppressed_other_numbers,
};
pub use locking::{lock_rows_of, wait_briefly};
pub use operators::{OperatorSuppression, allowed_since, operators, senders_of};
pub use page::{SuppressionQuery, page};
pub use remembered::{SuppressionColumns, add_again, compared, forgotten, missing, record_appended, record_compared};
pub use standing::{StandingSuppression, standing};
pub use taken_back::{may_be_taken_back, remove_taken_back, suppressed_without};
pub use taken_out::{TakenOut, taken_out};
pub use unremembered::{UnrememberedRow, add_unremembered, take_unremembered};

/// One suppression.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct SuppressionRow {
    pub business: String,
    pub phone_number: Phone,
    pub reason: Option<String>,
    pub source: String,
    pub created_by: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// A new suppression.
#[derive(Debug, Clone, Copy)]
pub struct NewSuppression<'a> {
    pub business: &'a str,
    pub phone: &'a str,
    pub reason: Option<&'a str>,
    pub source: &'a str,
    pub by: &'a str,
}

/// The names that opt-outs are shared under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBusinesses {
    /// Those that senders have now.
    pub now: Vec<String>,
    /// Those whose opt-outs hold for one that has another name now.
    pub before: Vec<String>,
}

/// Whose opt-outs one is among.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuppressionScope<'a> {
    /// A business by its name, `*` for all.
    Business(&'a str),
    /// The business that this sender has now.
    Sender(SenderId),
    /// The business of this blast's sender.
    Blast(BlastId),
}

/// The business that a scope stands for. It stays the sender's until the commit: whoever gives the sender another one
/// waits, and then finds what was added.
pub async fn business(tx: &mut PgConnection, scope: SuppressionScope<'_>) -> Result<String, StoreError> {
    let statement = match scope {
        SuppressionScope::Business(business) => return Ok(business.to_owned()),
        SuppressionScope::Sender(_) => "select business from senders where id = $1 for share",
        SuppressionScope::Blast(_) => {
            "select s.business from senders s join blasts b on b.sender_id = s.id where b.id = $1 for share of s"
        }
    };
    let id = match scope {
        SuppressionScope::Sender(SenderId(id)) | SuppressionScope::Blast(BlastId(id)) => id,
        SuppressionScope::Business(_) => 0,
    };
    Ok(sqlx::query_scalar(statement).bind(id).fetch_one(tx).await?)
}

/// What becomes of a row (`s`) when another comes for the same business and person: what the person or the provider says
/// stands above an operator's word, which is kept beside it. The function `carry_opt_outs` has the same rule.
pub(super) const MEETS: &str = "on conflict (business, person_key(phone_number)) do update
       set source = case when s.source = 'operator' then excluded.source else s.source end,
           reason = case when s.source = 'operator' then excluded.reason else s.reason end,
           created_by = case when s.source = 'operator' then excluded.created_by else s.created_by end,
           operator_reason = case when s.source = 'operator' then s.reason
                                  when excluded.source = 'operator' then excluded.reason
                                  else excluded.operator_reason end,
           operator_by = case when s.source = 'operator' then s.created_by
                              when excluded.source = 'operator' then excluded.created_by
                              else excluded.operator_by end,
           operator_at = case when s.source = 'operator' then s.created_at
                              when excluded.source = 'operator' then excluded.created_at
                              else excluded.operator_at end
     where s.source = 'operator' and excluded.source <> 'operator'
        or s.source <> 'operator' and s.operator_at is null
           and (excluded.source = 'operator' or excluded.operator_at is not null)";

/// Adds one; `false` when it was there already.
pub async fn add(tx: &mut PgConnection, suppress: NewSuppression<'_>) -> Result<bool, StoreError> {
    let sql = format!(
        "insert into suppressions as s (business, phone_number, reason, source, created_by) values ($1, $2, $3, $4, $5)
         {MEETS} returning xmax = 0"
    );
    let added: Option<bool> = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(suppress.business)
        .bind(suppress.phone)
        .bind(suppress.reason)
        .bind(suppress.source)
        .bind(suppress.by)
        .fetch_optional(tx)
        .await?;
    Ok(added.unwrap_or(false))
}

/// Removes one; `false` when it was not there.
pub async fn remove(tx: &mut PgConnection, business: &str, phone: &str) -> Result<bool, StoreError> {
    let done =
        sqlx::query("delete from suppressions where business = $1 and person_key(phone_number) = person_key($2)")
            .bind(business)
            .bind(phone)
            .execute(tx)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// What lifting a person's word came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiftOutcome {
    /// There was nothing of theirs.
    Nothing,
    Lifted,
    /// An operator had suppressed them as well.
    OperatorsStands {
        reason: Option<String>,
        by: Option<String>,
    },
}

/// Lifts what the person or the provider said, not what an operator did.
pub async fn lift(tx: &mut PgConnection, business: &str, phone: &str) -> Result<LiftOutcome, StoreError> {
    // In a statement of its own: one that waited for an operator who writes into the row would go on by what it saw before.
    sqlx::query(
        "select from suppressions where business = $1 and person_key(phone_number) = person_key($2) for update",
    )
    .bind(business)
    .bind(phone)
    .execute(&mut *tx)
    .await?;
    let operators: Option<(Option<String>, Option<String>)> = sqlx::query_as(
        "update suppressions
            set source = 'operator', reason = operator_reason, created_by = operator_by, created_at = operator_at,
                operator_reason = null, operator_by = null, operator_at = null
          where business = $1 and person_key(phone_number) = person_key($2) and source <> 'operator'
            and operator_at is not null
         returning reason, created_by",
    )
    .bind(business)
    .bind(phone)
    .fetch_optional(&mut *tx)
    .await?;
    if let Some((reason, by)) = operators {
        return Ok(LiftOutcome::OperatorsStands { reason, by });
    }
    let done = sqlx::query(
        "delete from suppressions
          where business = $1 and person_key(phone_number) = person_key($2) and source <> 'operator'",
    )
    .bind(business)
    .bind(phone)
    .execute(tx)
    .await?;
    Ok(if done.rows_affected() > 0 { LiftOutcome::Lifted } else { LiftOutcome::Nothing })
}

/// Whether a person's or the provider's word stands.
pub async fn is_theirs(tx: &mut PgConnection, business: &str, phone: &str) -> Result<bool, StoreError> {
    let is_theirs = sqlx::query_scalar(
        "select exists (select 1 from suppressions
                         where business = $1 and person_key(phone_number) = person_key($2) and source <> 'operator')",
    )
    .bind(business)
    .bind(phone)
    .fetch_one(tx)
    .await?;
    Ok(is_theirs)
}

/// The businesses that a number is suppressed for.
pub async fn businesses(pool: &PgPool, phone: &str) -> Result<Vec<String>, StoreError> {
    let businesses = sqlx::query_scalar(
        "select business from suppressions where person_key(phone_number) = person_key($1) order by business",
    )
    .bind(phone)
    .fetch_all(pool)
    .await?;
    Ok(businesses)
}

/// The businesses that an opt-out can be noted for: those of the senders, and those whose opt-outs follow a sender.
pub async fn known_businesses(tx: &mut PgConnection) -> Result<KnownBusinesses, StoreError> {
    let known: Vec<(String, bool)> = sqlx::query_as(
        "select business, true from senders union select source, false from opt_out_links order by 2 desc, 1",
    )
    .fetch_all(tx)
    .await?;
    let (now, before): (Vec<_>, Vec<_>) = known.into_iter().partition(|(_, is_now)| *is_now);
    let names = |rows: Vec<(String, bool)>| rows.into_iter().map(|(name, _)| name).collect();
    Ok(KnownBusinesses { now: names(now), before: names(before) })
}

/// The list, newest first.
pub async fn list(pool: &PgPool, limit: i64) -> Result<Vec<SuppressionRow>, StoreError> {
    let rows = sqlx::query_as(
        "select business, phone_number, reason, source, created_by, created_at
           from suppressions order by created_at desc, id desc limit $1",
    )
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(rows)
}

/// Where this number is still open in a blast of this business (any, for `*`), or of one that its opt-outs hold for too:
/// there it takes effect at once.
pub async fn open_rows(
    tx: &mut PgConnection,
    business: &str,
    phone: &str,
) -> Result<Vec<(BlastId, RecipientId, i32)>, StoreError> {
    let rows = sqlx::query_as(concat!(
        "select r.blast_id, r.id, ",
        current!("r.", attempt),
        "
           from blast_recipients r join blasts b on b.id = r.blast_id join senders s on s.id = b.sender_id
          where person_key(r.phone_number) = person_key($2)
            and ($1 = '*' or s.business = $1
                 or s.business in (select x.business from suppressions x
                                      where person_key(x.phone_number) = person_key($2)))
            and r.status in ('queued', 'uncertain')
          order by r.id"
    ))
    .bind(business)
    .bind(phone)
    .fetch_all(tx)
    .await?;
    Ok(rows)
}

/// The same for several: with the position of each suppression, from 0. A person who is open under two comes twice.
pub async fn open_rows_of(
    tx: &mut PgConnection,
    of: &SuppressionColumns<'_>,
) -> Result<Vec<(i64, BlastId, RecipientId, i32)>, StoreError> {
    let rows = sqlx::query_as(concat!(
        "select distinct on (r.id) p.place - 1, r.blast_id, r.id, ",
        current!("r.", attempt),
        "
           from unnest($1::text[], $2::text[]) with ordinality as p (business, phone, place)
          cross join lateral (select id, blast_id, attempt, status from blast_recipients
                               where person_key(phone_number) = person_key(p.phone) offset 0) r
           join blasts b on b.id = r.blast_id join senders s on s.id = b.sender_id
          where r.status in ('queued', 'uncertain')
            and (p.business = '*' or s.business = p.business
                 or s.business in (select x.business from suppressions x
                                    where person_key(x.phone_number) = person_key(p.phone)))
          order by r.id"
    ))
    .bind(&of.businesses)
    .bind(&of.phones)
    .fetch_all(tx)
    .await?;
    Ok(rows)
}

/// How many of a blast's queued people opted out, as the claim passes over them.
pub async fn count_in(pool: &PgPool, blast: BlastId) -> Result<i64, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let n = count_within(&mut tx, blast).await?;
    tx.commit().await?;
    Ok(n)
}

/// The same as a transaction sees it.
pub async fn count_within(tx: &mut PgConnection, blast: BlastId) -> Result<i64, StoreError> {
    let n = sqlx::query_scalar(concat!("select count(distinct id) from (", suppressed_in!(), ") left_out"));
    let n = n.bind(blast).fetch_one(tx).await?;
    Ok(n)
}

/// The rows of all of them.
pub async fn rows_in(pool: &PgPool, blast: BlastId) -> Result<Vec<RecipientId>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let rows = sqlx::query_scalar(concat!("select distinct id from (", suppressed_in!(), ") left_out"));
    let rows = rows.bind(blast).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(rows)
}
