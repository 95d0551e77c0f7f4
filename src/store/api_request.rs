//! Requests with an `Idempotency-Key`: the key is written in the transaction of their effect, so that there is one of both or
//! none of both.

use std::time::Duration;

use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use super::StoreError;
use crate::domain::ids::BlastId;
use crate::domain::request_fingerprint::RequestFingerprint;

/// How long keys are kept.
pub const KEPT: Duration = Duration::from_secs(48 * 60 * 60);

/// A request that may come twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// 0 for a request without a token.
    pub token: i64,
    pub key: String,
    /// Of method, address and body.
    pub fingerprint: RequestFingerprint,
    /// Of this one request.
    pub request_id: String,
    /// The blast that it is about, where that is known beforehand.
    pub blast: Option<BlastId>,
}

/// What became of a request with a key.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct StoredRequest {
    /// As [`RequestFingerprint`] is kept; `None`: it may have named somebody who was forgotten, and there was no key to hide it under.
    pub fingerprint: Option<Vec<u8>>,
    #[sqlx(rename = "blast_id")]
    pub blast: Option<BlastId>,
    /// `None` where the process ended before the answer was stored.
    pub status: Option<i16>,
    pub answer: Option<Value>,
    /// Headers of the answer by their names.
    pub headers: Option<Value>,
    /// How long ago its effect began, in seconds.
    pub age: f64,
}

/// A fingerprint as it is written. Once somebody was forgotten a plain one is not kept: on a machine without their key, or of a request
/// that was under way when they were.
macro_rules! kept {
    ($bind:literal) => {
        concat!(
            "case when octet_length(",
            $bind,
            ") > 32 or not (select is_called from forgotten_people) then ",
            $bind,
            " end"
        )
    };
}

/// Takes the key for this request's effect, until the transaction ends. `false`: another request had it first.
pub async fn claim(tx: &mut PgConnection, key: &RequestKey, blast: Option<BlastId>) -> Result<bool, StoreError> {
    let claimed = sqlx::query_scalar(concat!(
        "with claimed as (
             insert into api_requests (token_id, key, fingerprint, request_id, blast_id) values ($1, $2, ",
        kept!("$3::bytea"),
        ", $4, $5)
             on conflict (token_id, key) do nothing returning request_id)
         select coalesce((select request_id from claimed),
                         (select request_id from api_requests where token_id = $1 and key = $2)) is not distinct from $4"
    ));
    let claimed = claimed.bind(key.token).bind(&key.key).bind(key.fingerprint.as_bytes()).bind(&key.request_id);
    Ok(claimed.bind(blast.or(key.blast)).fetch_one(tx).await?)
}

/// Whether a request's key was hashed, since it named somebody who was forgotten, under another key than the one with this id: which request
/// that was cannot be known here.
pub async fn is_hidden_elsewhere(pool: &PgPool, token: i64, own: Option<&str>) -> Result<bool, StoreError> {
    let is_hidden = sqlx::query_scalar(
        "select (select is_called from forgotten_people)
            and exists (select from api_requests where token_id = $1 and key ~ '^forgotten:[0-9a-f]{8}:[0-9a-f]{64}$'
                           and split_part(key, ':', 2) is distinct from $2)",
    );
    Ok(is_hidden.bind(token).bind(own).fetch_one(pool).await?)
}

/// Whether a request has this key.
pub async fn is_known(pool: &PgPool, token: i64, key: &str) -> Result<bool, StoreError> {
    let known = sqlx::query_scalar("select exists (select from api_requests where token_id = $1 and key = $2)");
    Ok(known.bind(token).bind(key).fetch_one(pool).await?)
}

/// What became of the request that had this key first.
pub async fn get(pool: &PgPool, token: i64, key: &str) -> Result<Option<StoredRequest>, StoreError> {
    let found = sqlx::query_as(
        "select fingerprint, blast_id, status, answer, headers,
                extract(epoch from clock_timestamp() - created_at)::float8 as age
           from api_requests where token_id = $1 and key = $2",
    );
    Ok(found.bind(token).bind(key).fetch_optional(pool).await?)
}

/// A request's answer, as it comes again.
#[derive(Debug, Clone)]
pub struct AnswerToKeep<'a> {
    pub status: i16,
    pub body: &'a Value,
    /// By their names.
    pub headers: Value,
}

/// Stores what a request wrote, within the transaction that wrote it.
pub async fn wrote(tx: &mut PgConnection, key: &RequestKey, answer: &Value) -> Result<(), StoreError> {
    let stored = sqlx::query(
        "update api_requests set status = 201, answer = $3, headers = '{}' where token_id = $1 and key = $2",
    );
    stored.bind(key.token).bind(&key.key).bind(answer).execute(tx).await?;
    Ok(())
}

/// Stores the answer of a request, also of one whose effect was there before. `false`: another request had its key first.
pub async fn answer(pool: &PgPool, key: &RequestKey, answer: AnswerToKeep<'_>) -> Result<bool, StoreError> {
    let stored = sqlx::query(concat!(
        "insert into api_requests (token_id, key, fingerprint, request_id, blast_id, status, answer, headers)
         values ($1, $2, ",
        kept!("$3::bytea"),
        ", $4, $5, $6, $7, $8)
         on conflict (token_id, key) do update
                 set status = excluded.status, answer = excluded.answer, headers = excluded.headers
          where api_requests.request_id = excluded.request_id"
    ))
    .bind(key.token)
    .bind(&key.key)
    .bind(key.fingerprint.as_bytes())
    .bind(&key.request_id)
    .bind(key.blast)
    .bind(answer.status)
    .bind(answer.body)
    .bind(answer.headers)
    .execute(pool)
    .await?;
    Ok(stored.rows_affected() == 1)
}

/// Stores the refusal of a request that has the key already, and no answer. `false`: it has not, so that it wrote nothing.
pub async fn refuse(pool: &PgPool, key: &RequestKey, (status, body): (i16, &Value)) -> Result<bool, StoreError> {
    let stored = sqlx::query(
        "update api_requests set status = $4, answer = $5, headers = '{}'
          where token_id = $1 and key = $2 and request_id = $3 and status is null",
    );
    let stored = stored.bind(key.token).bind(&key.key).bind(&key.request_id).bind(status).bind(body).execute(pool);
    Ok(stored.await?.rows_affected() == 1)
}

/// Forgets keys that are older than [`KEPT`].
pub async fn prune(pool: &PgPool) -> Result<u64, StoreError> {
    let hours = i32::try_from(KEPT.as_secs() / 3_600).unwrap_or(i32::MAX);
    let done = sqlx::query("delete from api_requests where created_at < now() - make_interval(hours => $1)");
    Ok(done.bind(hours).execute(pool).await?.rows_affected())
}
