//! Reports that were kept: the numbers of a blast at one moment.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{FromRow, PgExecutor, PgPool};

use super::StoreError;
use crate::domain::funnel::Funnel;
use crate::domain::ids::{BlastId, ReportId};

/// A report as it was kept. Programs rely on the keys of its JSON.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SavedReport {
    #[schema(value_type = i64, example = 3)]
    pub id: ReportId,
    #[schema(value_type = i64, example = 7)]
    pub blast_id: BlastId,
    pub saved_at: DateTime<Utc>,
    #[schema(example = "shop")]
    pub saved_by: String,
    /// The report's own JSON, byte for byte: a later version of this program may write further keys.
    #[schema(value_type = Object)]
    pub report: Box<RawValue>,
    /// The funnel in it.
    #[serde(skip)]
    pub funnel: Funnel,
}

/// Which reports of a blast to list, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavedReportQuery {
    pub blast: BlastId,
    /// Only those older than this one; `None`: from the newest on.
    pub before: Option<ReportId>,
    pub limit: u32,
}

#[derive(FromRow)]
struct ReportRecord {
    id: ReportId,
    blast_id: BlastId,
    saved_at: DateTime<Utc>,
    saved_by: String,
    report: Json<Box<RawValue>>,
    sent: i64,
    received: i64,
    read: i64,
    replied: i64,
    closed: i64,
}

/// Keeps a report, within a transaction where the caller has one. `None`: the blast is gone.
pub async fn save(
    executor: impl PgExecutor<'_>,
    blast: BlastId,
    operator: &str,
    report: &RawValue,
) -> Result<Option<SavedReport>, StoreError> {
    let saved: Option<ReportRecord> = sqlx::query_as(
        "insert into blast_reports (blast_id, saved_by, report)
         select id, $2, $3 from blasts where id = $1 and deleted_at is null
         returning *",
    )
    .bind(blast)
    .bind(operator)
    .bind(Json(report))
    .fetch_optional(executor)
    .await?;
    Ok(saved.map(SavedReport::from))
}

pub async fn list(pool: &PgPool, query: SavedReportQuery) -> Result<Vec<SavedReport>, StoreError> {
    let found: Vec<ReportRecord> = sqlx::query_as(
        "select * from blast_reports
          where blast_id = $1 and ($2::bigint is null or id < $2)
          order by id desc limit $3",
    )
    .bind(query.blast)
    .bind(query.before)
    .bind(i64::from(query.limit))
    .fetch_all(pool)
    .await?;
    Ok(found.into_iter().map(SavedReport::from).collect())
}

impl From<ReportRecord> for SavedReport {
    fn from(found: ReportRecord) -> Self {
        let ReportRecord { id, blast_id, saved_at, saved_by, report, sent, received, read, replied, closed } = found;
        let funnel = Funnel { sent, received, read, replied, closed };
        Self { id, blast_id, saved_at, saved_by, report: report.0, funnel }
    }
}
