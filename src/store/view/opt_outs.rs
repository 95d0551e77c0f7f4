//! Opt-outs that hold for people of blasts, whichever blast they were noted in.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgExecutor};

use super::RecipientRow;
use crate::domain::ids::RecipientId;
use crate::store::StoreError;

/// An opt-out that holds.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct StandingOptOut {
    /// `*`: it holds for every business.
    pub business: String,
    pub since: DateTime<Utc>,
}

impl StandingOptOut {
    /// `of kedai`.
    pub fn scope(&self) -> String {
        if self.business == "*" { "of every business".to_owned() } else { format!("of {}", self.business) }
    }
}

#[derive(FromRow)]
struct PersonsOptOut {
    id: RecipientId,
    #[sqlx(flatten)]
    opt_out: StandingOptOut,
}

/// Adds to each row the oldest opt-out that holds for it: one from the business of its blast's sender, or from all.
pub(super) async fn attach(executor: impl PgExecutor<'_>, rows: &mut [RecipientRow]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = rows.iter().map(|row| row.id.0).collect();
    // `offset 0`, so that each person is looked up in the index, however few opt-outs the planner expects.
    let found: Vec<PersonsOptOut> = sqlx::query_as(
        "select distinct on (r.id) r.id, x.business, x.since
           from unnest($1::bigint[]) as asked (id)
           join blast_recipients r on r.id = asked.id
           join blasts b on b.id = r.blast_id
           join senders s on s.id = b.sender_id
          cross join lateral (select business, least(created_at, operator_at) as since from suppressions
                               where person_key(phone_number) = person_key(r.phone_number) offset 0) x
          where x.business in (s.business, '*')
          order by r.id, x.since, x.business",
    )
    .bind(ids)
    .fetch_all(executor)
    .await?;
    let mut found: HashMap<_, _> = found.into_iter().map(|one| (one.id, one.opt_out)).collect();
    for row in rows {
        row.opt_out = found.remove(&row.id);
    }
    Ok(())
}

/// The opt-outs of a number, the oldest first.
pub async fn of_number(executor: impl PgExecutor<'_>, phone: &str) -> Result<Vec<StandingOptOut>, StoreError> {
    let found = sqlx::query_as(
        "select business, least(created_at, operator_at) as since from suppressions
          where person_key(phone_number) = person_key($1) order by 2, 1",
    );
    Ok(found.bind(phone).fetch_all(executor).await?)
}
