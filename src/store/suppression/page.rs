//! The list of opt-outs, page by page.

use sqlx::PgPool;

use super::SuppressionRow;
use crate::domain::ids::SuppressionId;
use crate::domain::phone::Phone;
use crate::store::StoreError;

/// Which suppressions to list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressionQuery {
    /// Only those older than this one; `None`: from the newest on.
    pub before: Option<SuppressionId>,
    /// Only this person's.
    pub phone: Option<Phone>,
    pub limit: u32,
}

#[derive(sqlx::FromRow)]
struct ListedSuppression {
    id: SuppressionId,
    #[sqlx(flatten)]
    row: SuppressionRow,
}

/// A page of the list, of one business where one is given.
pub async fn page(
    pool: &PgPool,
    query: &SuppressionQuery,
    business: Option<&str>,
) -> Result<Vec<(SuppressionId, SuppressionRow)>, StoreError> {
    let rows: Vec<ListedSuppression> = sqlx::query_as(
        "select id, business, phone_number, reason, source, created_by, created_at
           from suppressions
          where id < $1 and ($2::text is null or person_key(phone_number) = person_key($2))
            and ($3::text is null or business in ($3, '*'))
          order by id desc limit $4",
    )
    .bind(query.before.map_or(i64::MAX, |before| before.0))
    .bind(query.phone.as_ref().map(Phone::as_str))
    .bind(business)
    .bind(i64::from(query.limit))
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|listed| (listed.id, listed.row)).collect())
}
