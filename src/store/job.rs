//! Jobs: long work that a program asked for and looks at later.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use super::StoreError;
use super::api_request::{self, RequestKey};
use crate::domain::ids::{BlastId, JobId, RecipientId, SenderId};
use crate::domain::job::{JobKind, JobState};
use crate::domain::request_fingerprint::RequestFingerprint;

/// Whose keys in `api_requests` say that a job had its effect. No token has it.
pub const JOBS: i64 = -1;
/// Somebody who has not said for so many seconds that they work on a list of people does not any more.
const SILENT_FOR: i32 = 20;
/// Jobs are kept for so many days.
const KEPT_DAYS: i32 = 30;

/// A job as it is.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct JobRow {
    pub id: JobId,
    #[sqlx(try_from = "String")]
    pub kind: JobKind,
    pub blast_id: BlastId,
    #[sqlx(try_from = "String")]
    pub state: JobState,
    /// People who are through.
    pub done: i64,
    /// `None`: not known beforehand.
    pub total: Option<i64>,
    pub result: Option<Value>,
    pub error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// A job to be done.
#[derive(Debug, Clone, Copy)]
pub struct NewJob<'a> {
    pub kind: JobKind,
    pub blast: BlastId,
    pub by: &'a str,
    pub total: Option<i64>,
}

/// A status check that is to be made, or is half made.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct OpenCheck {
    pub id: JobId,
    pub blast_id: BlastId,
    /// Who was sent to later is not asked about.
    pub created_at: DateTime<Utc>,
    pub asked_at: Option<DateTime<Utc>>,
    pub asked_id: Option<RecipientId>,
}

const COLUMNS: &str = "id, kind, blast_id, state, done, total, result, error, created_at, started_at, ended_at";

/// Adds a job. A second check of a blast that is being checked is the first one.
pub async fn insert(tx: &mut PgConnection, new: NewJob<'_>) -> Result<JobId, StoreError> {
    let added: Option<JobId> = sqlx::query_scalar(
        "insert into api_jobs (kind, blast_id, sender_id, created_by, total)
         select $1, id, sender_id, $3, $4 from blasts where id = $2
         on conflict (blast_id) where kind = 'check_status' and state in ('queued', 'running') do nothing
         returning id",
    )
    .bind(new.kind.word())
    .bind(new.blast)
    .bind(new.by)
    .bind(new.total)
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(id) = added {
        return Ok(id);
    }
    let open = sqlx::query_scalar("select id from api_jobs where blast_id = $1 and kind = $2 order by id desc limit 1");
    Ok(open.bind(new.blast).bind(new.kind.word()).fetch_one(tx).await?)
}

pub async fn get(pool: &PgPool, id: JobId) -> Result<Option<JobRow>, StoreError> {
    let sql = format!("select {COLUMNS} from api_jobs where id = $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(pool).await?)
}

/// The oldest open check of a sender's blasts.
pub async fn next_check(pool: &PgPool, sender: SenderId) -> Result<Option<OpenCheck>, StoreError> {
    let next = sqlx::query_as(
        "select j.id, j.blast_id, j.created_at, j.asked_at, j.asked_id
           from api_jobs j join blasts b on b.id = j.blast_id
          where j.sender_id = $1 and j.kind = 'check_status' and j.state in ('queued', 'running') and b.deleted_at is null
          order by j.id limit 1",
    );
    Ok(next.bind(sender).fetch_optional(pool).await?)
}

/// A check has come this far: so many more people were asked about, and of so many the provider said something.
pub async fn advance(
    pool: &PgPool,
    id: JobId,
    (asked, answered): (i64, i64),
    (asked_at, asked_id): (DateTime<Utc>, RecipientId),
) -> Result<(), StoreError> {
    sqlx::query(
        "update api_jobs set state = 'running', started_at = coalesce(started_at, now()), alive_at = now(), done = done + $2,
                             result = jsonb_build_object('asked', done + $2,
                                                         'answered', coalesce((result ->> 'answered')::bigint, 0) + $3),
                             asked_at = $4, asked_id = $5
          where id = $1 and state in ('queued', 'running')",
    )
    .bind(id)
    .bind(asked)
    .bind(answered)
    .bind(asked_at)
    .bind(asked_id)
    .execute(pool)
    .await?;
    Ok(())
}

/// A check is through. Who moved on since it was ordered was not asked about: all is what was done.
pub async fn finish_check(pool: &PgPool, id: JobId) -> Result<(), StoreError> {
    let finished = sqlx::query(
        "update api_jobs set state = 'finished', ended_at = now(), started_at = coalesce(started_at, now()), total = done,
                             result = coalesce(result, jsonb_build_object('asked', 0, 'answered', 0))
          where id = $1 and state in ('queued', 'running')",
    );
    finished.bind(id).execute(pool).await?;
    Ok(())
}

/// Somebody works on it.
pub async fn keep_alive(pool: &PgPool, id: JobId) -> Result<(), StoreError> {
    let alive = sqlx::query(
        "update api_jobs set state = 'running', started_at = coalesce(started_at, now()), alive_at = now()
          where id = $1 and state in ('queued', 'running')",
    );
    alive.bind(id).execute(pool).await?;
    Ok(())
}

/// A list is in: so many rows of it were read. Also where its process was frozen, or away from the database, and was taken for gone.
pub async fn finish_list(pool: &PgPool, id: JobId, rows: i64, result: &Value) -> Result<(), StoreError> {
    let finished = sqlx::query(
        "update api_jobs set state = 'finished', ended_at = now(), started_at = coalesce(started_at, now()), done = $2,
                             total = $2, result = $3
          where id = $1 and (state in ('queued', 'running', 'interrupted') or state = 'finished' and result is null)",
    );
    finished.bind(id).bind(rows).bind(result).execute(pool).await?;
    Ok(())
}

/// Nothing came of it.
pub async fn fail(pool: &PgPool, id: JobId, error: &str) -> Result<(), StoreError> {
    let failed = sqlx::query(
        "update api_jobs set state = 'failed', error = $2, ended_at = now(), started_at = coalesce(started_at, now())
          where id = $1 and state in ('queued', 'running')",
    );
    failed.bind(id).bind(error).execute(pool).await?;
    Ok(())
}

/// Nothing came of a list of people, and it may be sent again: its key is free.
pub async fn interrupt(pool: &PgPool, id: JobId) -> Result<(), StoreError> {
    let interrupted = sqlx::query(
        "update api_jobs set state = 'interrupted', ended_at = now(), started_at = coalesce(started_at, now())
          where id = $1 and state in ('queued', 'running')",
    );
    interrupted.bind(id).execute(pool).await?;
    Ok(())
}

/// Lists of people whose process ended: the list is in, or it never will be. The key that the list's transaction wrote
/// says which.
pub async fn settle(pool: &PgPool) -> Result<u64, StoreError> {
    let settled = sqlx::query(
        "update api_jobs j
            set state = case when exists (select 1 from api_requests r where r.token_id = $1 and r.key = j.id::text)
                             then 'finished' else 'interrupted' end,
                ended_at = now()
          where kind = 'add_recipients' and state in ('queued', 'running')
            and alive_at < now() - make_interval(secs => $2)",
    );
    Ok(settled.bind(JOBS).bind(SILENT_FOR).execute(pool).await?.rows_affected())
}

/// Marks an interrupted list as finished whose transaction has committed since: its process was not gone. `false`: the list is not in. The
/// key of a request that was released is not that transaction's.
pub async fn finish_late(pool: &PgPool, id: JobId) -> Result<bool, StoreError> {
    let finished = sqlx::query(
        "update api_jobs j set state = 'finished'
          where id = $2 and state = 'interrupted'
            and exists (select 1 from api_requests r
                         where r.token_id = $1 and r.key = j.id::text and r.request_id = 'job-' || j.id)",
    );
    Ok(finished.bind(JOBS).bind(id).execute(pool).await?.rows_affected() == 1)
}

/// Stores which job a claimed request asked for, in place of the answer that is not made yet.
pub async fn note_request(tx: &mut PgConnection, id: JobId, key: &RequestKey) -> Result<(), StoreError> {
    let noted = sqlx::query(
        "update api_requests set status = 202, answer = jsonb_build_object('id', $3::bigint) where token_id = $1 and key = $2",
    );
    noted.bind(key.token).bind(&key.key).bind(id).execute(tx).await?;
    Ok(())
}

/// Frees the key of the request that asked for an interrupted list of people. `false`: the list is in after all, and the job is
/// marked as finished. A process that was only frozen cannot add the list any more: the job's own key is taken.
pub async fn release_request(tx: &mut PgConnection, id: JobId, (token, key): (i64, &str)) -> Result<bool, StoreError> {
    let fence = RequestKey {
        token: JOBS,
        key: id.to_string(),
        fingerprint: RequestFingerprint::none(),
        request_id: format!("job-{id}-released"),
        blast: None,
    };
    if !api_request::claim(tx, &fence, None).await? {
        let finished = sqlx::query("update api_jobs set state = 'finished' where id = $1 and state = 'interrupted'");
        finished.bind(id).execute(tx).await?;
        return Ok(false);
    }
    let freed =
        sqlx::query("delete from api_requests where token_id = $1 and key = $2 and answer ->> 'id' = $3::bigint::text");
    freed.bind(token).bind(key).bind(id).execute(tx).await?;
    Ok(true)
}

/// Forgets jobs that ended long ago.
pub async fn prune(pool: &PgPool) -> Result<u64, StoreError> {
    let done = sqlx::query("delete from api_jobs where ended_at < now() - make_interval(days => $1)");
    Ok(done.bind(KEPT_DAYS).execute(pool).await?.rows_affected())
}
