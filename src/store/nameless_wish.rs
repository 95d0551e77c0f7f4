//! Wishes about marketing of people whose number is not known: kept by Meta's id of them until their number is learned.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};

use super::StoreError;

/// Somebody known by nothing but an id within a business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamelessPerson<'a> {
    pub business: &'a str,
    pub user_id: &'a str,
}

/// A wish of somebody whose number is known by now.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct NamedWish {
    pub business: String,
    pub phone: String,
    /// `stop` or `resume`.
    pub wish: String,
    pub reason: String,
    pub at: DateTime<Utc>,
}

/// Keeps a wish, unless a newer one of this person is kept.
pub async fn keep(
    tx: &mut PgConnection,
    of: NamelessPerson<'_>,
    (wish, reason): (&str, &str),
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into nameless_wishes as w (business, user_id, wish, reason, at) values ($1, $2, $3, $4, $5)
         on conflict (business, user_id) do update
            set wish = excluded.wish, reason = excluded.reason, at = excluded.at
          where excluded.at > w.at or (excluded.at = w.at and excluded.wish = 'stop' and w.wish <> 'stop')",
    )
    .bind(of.business)
    .bind(of.user_id)
    .bind(wish)
    .bind(reason)
    .bind(at)
    .execute(tx)
    .await?;
    Ok(())
}

/// The wish of a person who has another id now stays theirs.
pub async fn follow(tx: &mut PgConnection, of: NamelessPerson<'_>, now: &str) -> Result<(), StoreError> {
    sqlx::query(
        "update nameless_wishes w set user_id = $3
          where w.business = $1 and w.user_id = $2
            and not exists (select 1 from nameless_wishes o where o.business = $1 and o.user_id = $3)",
    )
    .bind(of.business)
    .bind(of.user_id)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes out the wishes of those among these ids whose number is known.
pub async fn take_named(tx: &mut PgConnection, user_ids: &[String]) -> Result<Vec<NamedWish>, StoreError> {
    let named = sqlx::query_as(
        "delete from nameless_wishes w
          using user_ids u
          where w.user_id = any($1) and u.business = w.business and u.user_id = w.user_id
         returning w.business, u.phone_number as phone, w.wish, w.reason, w.at",
    )
    .bind(user_ids)
    .fetch_all(tx)
    .await?;
    Ok(named)
}
