//! What operators suppressed, for whoever has another number now.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::ids::SenderId;
use crate::store::StoreError;

/// An operator's word that keeps a number from being messaged, perhaps beneath that of the person.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OperatorSuppression {
    /// `*` for all.
    pub business: String,
    pub reason: Option<String>,
    pub by: String,
}

/// What operators said of a number that holds for a business.
pub async fn operators(
    tx: &mut PgConnection,
    business: &str,
    phone: &str,
) -> Result<Vec<OperatorSuppression>, StoreError> {
    let standing = sqlx::query_as(
        "select business, case when source = 'operator' then reason else operator_reason end as reason,
                coalesce(case when source = 'operator' then created_by else operator_by end, '') as by
           from suppressions
          where business in ($1, '*') and person_key(phone_number) = person_key($2)
            and (source = 'operator' or operator_at is not null)
          order by business",
    )
    .bind(business)
    .bind(phone)
    .fetch_all(tx)
    .await?;
    Ok(standing)
}

/// The senders of a business, those of all for `*`.
pub async fn senders_of(tx: &mut PgConnection, business: &str) -> Result<Vec<SenderId>, StoreError> {
    let senders = sqlx::query_scalar("select id from senders where business = $1 or $1 = '*' order by id");
    Ok(senders.bind(business).fetch_all(tx).await?)
}

/// Whether an operator allowed a number again since a moment.
pub async fn allowed_since(
    tx: &mut PgConnection,
    (business, phone): (&str, &str),
    since: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let is_allowed = sqlx::query_scalar(
        "select exists (select 1 from operator_actions
                         where action = 'unsuppress' and person_key(phone_number) = person_key($2)
                           and detail ->> 'business' = $1 and at >= $3)",
    )
    .bind(business)
    .bind(phone)
    .bind(since)
    .fetch_one(tx)
    .await?;
    Ok(is_allowed)
}
