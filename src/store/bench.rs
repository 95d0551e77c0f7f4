//! What a bench asks of a database, and the room of its own that it has there.

use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use super::StoreError;
use crate::domain::ids::BlastId;

/// From claim to result, in milliseconds: the median and the 99th percentile.
pub async fn durable_after(pool: &PgPool, blast: BlastId) -> Result<(f64, f64), StoreError> {
    let percentiles: Vec<f64> = sqlx::query_scalar(
        "select unnest(percentile_cont(array[0.5, 0.99]) within group (
                    order by extract(epoch from m.received_at - a.claimed_at)::float8 * 1000))
           from attempts a
           join provider_message m using (recipient_id, attempt)
           join blast_recipients r on r.id = a.recipient_id
          where r.blast_id = $1",
    )
    .bind(blast)
    .fetch_all(pool)
    .await?;
    match percentiles[..] {
        [median, slow] => Ok((median, slow)),
        _ => Ok((0.0, 0.0)),
    }
}

/// Makes an empty schema and tells the address under which everything happens in it.
pub async fn make_schema(url: &str, name: &str) -> Result<String, StoreError> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query(AssertSqlSafe(format!("create schema {name}"))).execute(&mut connection).await?;
    connection.close().await?;
    let separator = if url.contains('?') { '&' } else { '?' };
    Ok(format!("{url}{separator}options=-c%20search_path%3D{name}"))
}

pub async fn drop_schema(url: &str, name: &str) -> Result<(), StoreError> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query(AssertSqlSafe(format!("drop schema if exists {name} cascade"))).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}
