//! Opt-outs that a machine remembers by itself, compared with those that the database has.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::store::StoreError;

/// Suppressions column by column, as `unnest` takes them.
#[derive(Debug)]
pub struct SuppressionColumns<'a> {
    pub times: Vec<DateTime<Utc>>,
    pub businesses: Vec<&'a str>,
    pub phones: Vec<&'a str>,
    pub reasons: Vec<Option<&'a str>>,
    pub sources: Vec<&'a str>,
    pub authors: Vec<&'a str>,
}

/// Which of these have no suppression: their positions, from 0.
pub async fn missing(tx: &mut PgConnection, of: &SuppressionColumns<'_>) -> Result<Vec<usize>, StoreError> {
    let missing: Vec<i64> = sqlx::query_scalar(
        "select p.place - 1
           from unnest($1::text[], $2::text[]) with ordinality as p (business, phone, place)
          where not exists (select 1 from suppressions x
                             where x.business = p.business and person_key(x.phone_number) = person_key(p.phone))",
    )
    .bind(&of.businesses)
    .bind(&of.phones)
    .fetch_all(tx)
    .await?;
    Ok(missing.into_iter().filter_map(|place| usize::try_from(place).ok()).collect())
}

/// Those of them that the database has forgotten. Whoever let themselves back in since, by their own word, has not: that lifts what they or the provider
/// said before.
pub async fn forgotten(tx: &mut PgConnection, of: &SuppressionColumns<'_>) -> Result<Vec<usize>, StoreError> {
    let missing = missing(&mut *tx, of).await?;
    if missing.is_empty() {
        return Ok(missing);
    }
    let resumed: Vec<i64> = sqlx::query_scalar(
        "select p.place - 1
           from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) with ordinality as p (business, phone, source, at, place)
           join marketing_wishes w on w.business = p.business and person_key(w.phone_number) = person_key(p.phone)
          where p.source <> 'operator' and w.wish = 'resume' and w.at > p.at",
    )
    .bind(missing.iter().map(|place| of.businesses[*place]).collect::<Vec<_>>())
    .bind(missing.iter().map(|place| of.phones[*place]).collect::<Vec<_>>())
    .bind(missing.iter().map(|place| of.sources[*place]).collect::<Vec<_>>())
    .bind(missing.iter().map(|place| of.times[*place]).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    let resumed: HashSet<usize> = resumed.into_iter().filter_map(|place| usize::try_from(place).ok()).collect();
    Ok(missing.into_iter().enumerate().filter(|(at, _)| !resumed.contains(at)).map(|(_, place)| place).collect())
}

/// Adds several again that a database has forgotten, and when people wished so: an older word of theirs that comes late changes nothing. Returns how
/// many were not there.
pub async fn add_again(tx: &mut PgConnection, new: &SuppressionColumns<'_>) -> Result<i64, StoreError> {
    let done = sqlx::query(
        "with wished as (
             insert into marketing_wishes as w (business, phone_number, wish, at)
             select distinct on (business, person_key(phone)) business, phone, 'stop', at
               from unnest($1::text[], $2::text[], $4::text[], $6::timestamptz[]) as p (business, phone, source, at)
              where source <> 'operator' and phone like '+%'
              order by business, person_key(phone), at desc
             on conflict (business, person_key(phone_number)) do update set wish = excluded.wish, at = excluded.at
              where excluded.at > w.at)
         insert into suppressions (business, phone_number, reason, source, created_by)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
         on conflict (business, person_key(phone_number)) do nothing",
    )
    .bind(&new.businesses)
    .bind(&new.phones)
    .bind(&new.reasons)
    .bind(&new.sources)
    .bind(&new.authors)
    .bind(&new.times)
    .execute(tx)
    .await?;
    Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
}

/// How many bytes of a machine's own list of opt-outs this database was compared with; `None`: never. And whether there are any that
/// some machine is still to add to its own.
pub async fn compared(tx: &mut PgConnection, origin: &str) -> Result<(Option<i64>, bool), StoreError> {
    let compared = sqlx::query_as(
        "select (select bytes from opt_out_memories where origin = $1), exists (select from opt_outs_to_remember)",
    );
    Ok(compared.bind(origin).fetch_one(tx).await?)
}

/// Records that so many bytes of a machine's own list are in this database.
pub async fn record_compared(tx: &mut PgConnection, origin: &str, bytes: u64) -> Result<(), StoreError> {
    sqlx::query(
        "insert into opt_out_memories (origin, bytes) values ($1, $2)
         on conflict (origin) do update set bytes = excluded.bytes",
    )
    .bind(origin)
    .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
    .execute(tx)
    .await?;
    Ok(())
}

/// Records lines that were appended to a machine's own list with the opt-outs that this transaction writes, where it had been compared with all
/// that stood before them. Where another transaction is about to do so, they are compared later. One round trip: a mark waits for it.
pub async fn record_appended(
    tx: &mut PgConnection,
    origin: &str,
    (before, after): (u64, u64),
) -> Result<(), StoreError> {
    // It comes from a file.
    if !origin.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '.')) {
        return Ok(());
    }
    // Of what begins with these lines nothing was in any database before.
    let sql = format!(
        "with held as materialized (
             select origin from opt_out_memories where origin = '{origin}' and bytes = {before} for update skip locked),
              recorded as (
             update opt_out_memories m set bytes = {after} from held where m.origin = held.origin)
         insert into opt_out_memories (origin, bytes)
         select '{origin}', {after} where {before} = 0 and not exists (select from opt_out_memories where origin = '{origin}')
         on conflict do nothing"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(tx).await?;
    Ok(())
}
