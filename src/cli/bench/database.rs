//! What a bench asks of its database, and the schema that it works in. No other face has statements of its own: these measure
//! what the use cases are compared with.

use std::time::{Duration, Instant};

use bytes::Bytes;
use color_eyre::Result;
use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Connection, PgPool};

use crate::app::connection;
use crate::domain::ids::BlastId;

/// A piece of a COPY, in bytes.
const PIECE: usize = 256 * 1024;

/// From claim to result, in milliseconds: the median and the 99th percentile.
pub(super) async fn durable_after(pool: &PgPool, blast: BlastId) -> Result<(f64, f64)> {
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

/// People as COPY writes them, in pieces.
pub(super) struct CopiedRows(Vec<Bytes>);

/// Takes everybody out of every blast: for a bench's own schema only.
pub(super) async fn empty(pool: &PgPool) -> Result<()> {
    sqlx::query("truncate blast_recipients").execute(pool).await?;
    Ok(())
}

/// The people of a blast, in memory.
pub(super) async fn rows(pool: &PgPool, blast: BlastId) -> Result<CopiedRows> {
    let mut connection = pool.acquire().await?;
    let statement = format!(
        "copy (select blast_id, phone_number, name, variables from blast_recipients where blast_id = {blast} order by id) to stdout"
    );
    let pieces: Vec<Bytes> = connection.copy_out_raw(&statement).await?.try_collect().await?;
    Ok(CopiedRows(pieces))
}

/// Writes people back as `\copy` does: the same table with its indexes, keys and triggers, one statement, one
/// transaction, without checks. Returns how long it took.
pub(super) async fn copy(pool: &PgPool, CopiedRows(pieces): CopiedRows) -> Result<Duration> {
    let began = Instant::now();
    let mut tx = pool.begin().await?;
    sqlx::query("set local statement_timeout = 0").execute(&mut *tx).await?;
    let mut copying =
        tx.copy_in_raw("copy blast_recipients (blast_id, phone_number, name, variables) from stdin").await?;
    for piece in join(pieces) {
        copying.send(piece).await?;
    }
    copying.finish().await?;
    tx.commit().await?;
    Ok(began.elapsed())
}

/// A message for every row would cost more than the rows.
fn join(pieces: Vec<Bytes>) -> impl Iterator<Item = Vec<u8>> {
    let mut pieces = pieces.into_iter();
    std::iter::from_fn(move || {
        let mut piece = Vec::with_capacity(PIECE + 1024);
        while piece.len() < PIECE {
            let Some(row) = pieces.next() else { break };
            piece.extend_from_slice(&row);
        }
        (!piece.is_empty()).then_some(piece)
    })
}

/// Makes an empty schema. Returns the address under which everything happens in it.
pub(super) async fn make_schema(url: &str, name: &str) -> Result<String> {
    let mut connection = connection(url).await?;
    sqlx::query(AssertSqlSafe(format!("create schema {name}"))).execute(&mut connection).await?;
    connection.close().await?;
    let separator = if url.contains('?') { '&' } else { '?' };
    Ok(format!("{url}{separator}options=-c%20search_path%3D{name}"))
}

pub(super) async fn drop_schema(url: &str, name: &str) -> Result<()> {
    let mut connection = connection(url).await?;
    sqlx::query(AssertSqlSafe(format!("drop schema if exists {name} cascade"))).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}
