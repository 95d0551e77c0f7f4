//! Opt-outs that a machine could not add to its own list.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::store::StoreError;

/// One of them, noted or lifted.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct UnrememberedRow {
    pub business: String,
    pub phone_number: String,
    pub reason: Option<String>,
    pub source: String,
    pub created_by: String,
    pub is_lifted: bool,
    pub noted_at: DateTime<Utc>,
}

/// Notes that the machine with this list is still to remember them; `None`: it has no list yet.
pub async fn add_unremembered(
    tx: &mut PgConnection,
    origin: Option<&str>,
    rows: &[UnrememberedRow],
) -> Result<(), StoreError> {
    for row in rows {
        sqlx::query(
            "insert into opt_outs_to_remember
                    (origin, business, phone_number, reason, source, created_by, is_lifted, noted_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(origin)
        .bind(&row.business)
        .bind(&row.phone_number)
        .bind(&row.reason)
        .bind(&row.source)
        .bind(&row.created_by)
        .bind(row.is_lifted)
        .bind(row.noted_at)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Takes what this machine is to remember, in the order in which it was noted. Whose machine has not come for them in a day is another's.
pub async fn take_unremembered(tx: &mut PgConnection, origin: &str) -> Result<Vec<UnrememberedRow>, StoreError> {
    let rows = sqlx::query_as(
        "with taken as (
             delete from opt_outs_to_remember
              where origin = $1 or origin is null or noted_at < now() - interval '1 day' returning *)
         select business, phone_number, reason, source, created_by, is_lifted, noted_at from taken order by id",
    );
    Ok(rows.bind(origin).fetch_all(tx).await?)
}
